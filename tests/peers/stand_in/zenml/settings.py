"""Stand-ins for classes of settings and configs."""

from zenml.record import record_references


class OurSettings:
    def __init__(self, **values):
        record_references(values)


class OurConfig(OurSettings):
    pass
