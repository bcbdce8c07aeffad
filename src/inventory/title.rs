//! The title of an inventory that is a file or a folder.

/// Returns the name and the path of an inventory for messages: `` `prod` (secrets/prod.yaml) ``.
/// Returns only the path if the inventory has no other name.
pub(super) fn title(name: &str, display_path: &str) -> String {
    if name == display_path {
        format!("`{name}`")
    } else {
        format!("`{name}` ({display_path})")
    }
}
