//! The stacks and components that are registered on a ZenML server.

use super::http::percent_encode;
use crate::zenml::keywords::REGISTERED_SCHEME;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;

/// The stacks and components of a server.
#[derive(Debug, Default)]
pub struct RegisteredStacks {
    /// The version of the server, if it is known.
    pub version: Option<String>,
    /// The components, sorted by type and name.
    pub components: Vec<RegisteredComponent>,
}

/// A component that is registered on a server.
///
/// Its attributes may contain passwords in plain text, so they are never printed. The allocator of
/// the program wipes them.
pub struct RegisteredComponent {
    /// The type, for example `experiment_tracker`.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The name of the flavor.
    pub flavor: String,
    /// The attributes.
    pub attributes: Map<String, Value>,
    /// The names of the stacks that contain it, sorted.
    pub stacks: Vec<Arc<str>>,
}

impl fmt::Debug for RegisteredComponent {
    /// Formats the component without its attributes, which may contain secret values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisteredComponent")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl RegisteredComponent {
    /// Returns the path that reports show: `zenml://INVENTORY/components/TYPE/NAME`. Names are
    /// percent-encoded, so the path is a URI and contains no control characters.
    pub fn path(&self, inventory: &str) -> String {
        let [inventory, kind, name] = [inventory, &self.kind, &self.name].map(encode_segment);
        format!("{REGISTERED_SCHEME}{inventory}/components/{kind}/{name}")
    }
}

/// Encodes a segment of a path. A segment of dots would mean another folder.
fn encode_segment(text: &str) -> String {
    if text.chars().all(|c| c == '.') {
        text.replace('.', "%2E")
    } else {
        percent_encode(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_in_the_path() {
        for (name, expected) in [
            ("mlflow", "mlflow"),
            ("my tracker", "my%20tracker"),
            ("a/../b", "a%2F..%2Fb"),
            ("..", "%2E%2E"),
            (".", "%2E"),
            ("a\u{1b}[31m\n", "a%1B%5B31m%0A"),
            ("ü?#%", "%C3%BC%3F%23%25"),
        ] {
            let component = RegisteredComponent {
                kind: "experiment_tracker".to_owned(),
                name: name.to_owned(),
                flavor: "mlflow".to_owned(),
                attributes: Map::new(),
                stacks: Vec::new(),
            };
            let path = format!("zenml://prod/components/experiment_tracker/{expected}");
            assert_eq!(component.path("prod"), path);
        }
    }
}
