"""Permissions of the live tests' ZenML server, by the name of the user."""
from zenml.zen_server.rbac.models import Action, ResourceType
from zenml.zen_server.rbac.rbac_interface import RBACInterface


def is_allowed(user, type_, action, on_one_resource):
    """Returns whether a user may perform an action: on one resource of a type, or on the type."""
    if user.name == "nobody" and type_ in [ResourceType.STACK, ResourceType.STACK_COMPONENT]:
        return False
    if user.name == "default" or type_ != ResourceType.SECRET:
        return True
    if user.name == "lister":  # lists names, but cannot read a secret
        return action == Action.READ and not on_one_resource
    if user.name == "reader":  # reads secrets: their keys, but not their values
        return action == Action.READ
    return False


class Rights(RBACInterface):
    def check_permissions(self, user, resources, action):
        return {resource: is_allowed(user, resource.type, action, True) for resource in resources}

    def list_allowed_resource_ids(self, user, resource, action):
        return is_allowed(user, resource.type, action, False), []

    def update_resource_membership(self, *args, **kwargs):
        pass

    def delete_resources(self, resources):
        pass
