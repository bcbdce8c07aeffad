"""Rights for the live tests' ZenML server, by the name of the user."""
from zenml.zen_server.rbac.models import Action, ResourceType
from zenml.zen_server.rbac.rbac_interface import RBACInterface


def may(user, type_, action, one):
    """Whether a user may do something to all of a type, or to one of it."""
    if user.name == "default" or type_ != ResourceType.SECRET:
        return True
    if user.name == "lister":  # sees names, and may not open a secret
        return action == Action.READ and not one
    if user.name == "reader":  # opens secrets, and sees keys without values
        return action == Action.READ
    return False


class Rights(RBACInterface):
    def check_permissions(self, user, resources, action):
        return {resource: may(user, resource.type, action, True) for resource in resources}

    def list_allowed_resource_ids(self, user, resource, action):
        return may(user, resource.type, action, False), []

    def update_resource_membership(self, *args, **kwargs):
        pass

    def delete_resources(self, resources):
        pass
