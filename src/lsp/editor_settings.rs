//! The settings of the editor: the initialization options, and the section `stackref` of its
//! configuration.

use serde_json::Value;
use std::time::Duration;

/// The section of the editor's configuration.
pub const SECTION: &str = "stackref";

/// The seconds for which the answers of inventories are valid by default.
const DEFAULT_TTL: u64 = 300;

/// The settings of the editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditorSettings {
    /// Whether only open files have diagnostics: `diagnosticMode = "openFilesOnly"`.
    pub only_open_files: bool,
    /// How long the answers of inventories are valid: `inventoryTtl`, in seconds.
    pub inventory_ttl: Duration,
}

impl Default for EditorSettings {
    fn default() -> Self {
        Self {
            only_open_files: false,
            inventory_ttl: Duration::from_secs(DEFAULT_TTL),
        }
    }
}

impl EditorSettings {
    /// Changes the settings that a JSON object contains. Others, and values of another type, have no
    /// effect.
    pub fn update(&mut self, section: &Value) {
        match section.get("diagnosticMode").and_then(Value::as_str) {
            Some("openFilesOnly") => self.only_open_files = true,
            Some("workspace") => self.only_open_files = false,
            _ => {}
        }
        let ttl = section.get("inventoryTtl").and_then(Value::as_f64);
        let ttl = ttl.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        if let Some(ttl) = ttl {
            self.inventory_ttl = ttl;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_known_settings_with_valid_values_have_an_effect() {
        let mut settings = EditorSettings::default();
        settings.update(&json!({"diagnosticMode": "openFilesOnly", "inventoryTtl": 0.5}));
        let changed = EditorSettings {
            only_open_files: true,
            inventory_ttl: Duration::from_millis(500),
        };
        assert_eq!(settings, changed);
        for invalid in [
            json!(null),
            json!([1]),
            json!({"diagnosticMode": "all", "inventoryTtl": "5", "other": 1}),
            json!({"diagnosticMode": 1, "inventoryTtl": -1}),
        ] {
            settings.update(&invalid);
            assert_eq!(settings, changed, "{invalid}");
        }
        settings.update(&json!({"diagnosticMode": "workspace", "inventoryTtl": 300}));
        assert_eq!(settings, EditorSettings::default());
    }
}
