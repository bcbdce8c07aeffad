"""A stand-in for the client."""

from zenml.record import record, record_references


class Values(dict):
    def __init__(self, name):
        self.name = name

    def __getitem__(self, key):
        record("use", self.name, key)
        return "value"

    def get(self, key, *default):
        if not default:
            record("use", self.name, key)
        return "value"


class Secret:
    def __init__(self, name):
        self.name, self.secret_values = name, Values(name)


class Client:
    active_stack = None

    def get_secret(self, name_id_or_prefix, **options):
        record("use", name_id_or_prefix, None)
        return Secret(name_id_or_prefix)

    def get_secret_by_name_and_private_status(self, name, private=None, hydrate=True):
        record("use", name, None)
        return Secret(name)

    def delete_secret(self, name_id_or_prefix, private=None):
        record("use", name_id_or_prefix, None)

    def create_secret(self, name, values, private=False):
        record("declare", name, *sorted(values))

    def create_stack_component(self, name, flavor, component_type, configuration, labels=None, secrets=None):
        record_references(configuration)

    def update_stack_component(self, name_id_or_prefix, component_type, configuration=None):
        record_references(configuration)
