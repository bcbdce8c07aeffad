"""A stand-in for `zenml`, which records the names of secrets that code uses."""

from zenml.record import record


def decorator(function=None, *, secrets=(), **options):
    for name in secrets:
        record("use", name, None)

    def decorate(function):
        return Decorated(function)

    return decorate(function) if function else decorate


class Decorated:
    def __init__(self, function):
        self.function = function

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)

    def with_options(self, **options):
        decorator(**options)
        return self

    configure = with_options


step = pipeline = decorator
