//! The text of a new config: settings with comments, the inventories that were found, and
//! commented-out examples.

use super::Survey;
use super::detection::DetectedInventory;
use super::inventory_kind::DetectedKind;
use super::pairing::glob_for_path;
use crate::document::toml_string;
use crate::text::escape::is_unsafe;
use std::collections::BTreeSet;

/// The most folders that the example of `[files]` lists.
const MAX_FOLDERS: usize = 5;

/// A secret store that an environment variable suggests.
pub struct Hint {
    /// The name of the variable. Its value is not used.
    pub variable: &'static str,
    /// The kind of the inventory.
    pub kind: &'static str,
    sample: &'static str,
}

/// All hints, the most specific first.
pub const HINTS: [Hint; 4] = [
    Hint {
        variable: "ZENML_STORE_URL",
        kind: "zenml",
        sample: "# [inventory.zenml]\n# kind = \"zenml\"\n# url = \"https://zenml.example.com\"\n",
    },
    Hint {
        variable: "VAULT_ADDR",
        kind: "vault",
        sample: "# [inventory.vault]\n# kind = \"vault\"\n# mount = \"secret\"\n# path = \"ml/team\"\n",
    },
    Hint {
        variable: "AWS_PROFILE",
        kind: "aws",
        sample: "# [inventory.aws]\n# kind = \"aws\"\n# prefix = \"ml/\"\n",
    },
    Hint {
        variable: "SOPS_AGE_KEY_FILE",
        kind: "sops",
        sample: "# [inventory.encrypted]\n# kind = \"sops\"\n# path = \"secrets.sops.yaml\"\n",
    },
];

const HEAD: &str = "\
# The configuration of stackref. Paths and globs are relative to this file; `*` does not match `/`, `**` does.
# `stackref schema config` prints a JSON Schema of it for editors.

";

const LEVEL: &str = "\
# How much stackref queries the inventories: none, secret-exists (names) or secret-and-key-exists (names and keys).
level = \"secret-and-key-exists\"

";

const LEVEL_WITHOUT_INVENTORY: &str = "\
# stackref found no inventory, so it cannot look up secrets. Once there is one, set the level to secret-exists (names) or
# secret-and-key-exists (names and keys).
level = \"none\"

";

const LEVEL_WITH_DECLARATIONS: &str = "\
# How much stackref looks up: none, secret-exists (names) or secret-and-key-exists (names and keys). Without an inventory,
# references are compared with the secrets that commands declare, for example `zenml secret create`.
level = \"secret-and-key-exists\"

";

const LEVEL_WITH_SOME_DECLARATIONS: &str = "\
# stackref found no inventory, and commands create only some of the secrets that references name. Once there is an
# inventory, set the level to secret-exists (names) or secret-and-key-exists (names and keys).
level = \"none\"

";

const DECLARED_SAMPLE: &str = "\
# The secrets that commands of this repository create, as an inventory. With it, a reference to any other secret is an
# error, also in stack files.
# [inventory.commands]
# kind = \"repository\"

";

const RESOLVER: &str = "\
# \"zenml\": ZenML resolves references at run time, if a reference is the whole value of an attribute.
# \"render\": `stackref render` resolves references anywhere in a string.
resolver = \"zenml\"

";

const SAMPLE: &str = "\
# [inventory.dev]
# kind = \"file\"
# path = \"secrets/dev.yaml\"      # name: [key, key]

";

const TAIL: &str = "\
# Suppressed findings, for JSON, which has no comments.
# [[ignore]]
# path = \"stacks/legacy.json\"
# rule = \"plaintext-secret\"
# attribute = \"password\"
# reason = \"the database will be removed next week\"

# The severity of each rule: off, warning or error. `stackref explain` lists the rules.
# [rules]
# unused-secret = \"error\"
";

impl Survey {
    /// Returns the text of the config. The samples of `hints` are included as comments.
    pub fn config(&self, hints: &[Hint]) -> String {
        let mut out = String::from(HEAD);
        let declared = self.declared;
        out.push_str(if !self.inventories.is_empty() {
            LEVEL
        } else if declared.secrets == 0 {
            LEVEL_WITHOUT_INVENTORY
        } else if declared.answers_all {
            LEVEL_WITH_DECLARATIONS
        } else {
            LEVEL_WITH_SOME_DECLARATIONS
        });
        if !self.versions.is_empty() {
            let versions: Vec<String> = self.versions.iter().map(ToString::to_string).collect();
            let versions = versions.join(", ");
            out.push_str(&format!(
                "# The stack files declare ZenML {versions}. stackref checks each file for the version that it declares.\n\n"
            ));
        }
        out.push_str(RESOLVER);
        out.push_str(&self.files_comment());
        out.push_str("# Inventories: where names, keys and values are looked up. Never put credentials here.\n");
        for inventory in &self.inventories {
            out.push_str(&inventory_table(inventory));
        }
        if self.inventories.is_empty() {
            out.push_str(SAMPLE);
            if declared.secrets > 0 {
                out.push_str(DECLARED_SAMPLE);
            }
        }
        for hint in hints {
            out.push_str(&format!(
                "# {} is set in the environment:\n{}\n",
                hint.variable, hint.sample
            ));
        }
        out.push_str(&self.environment_tables());
        out.push_str(&self.route_tables());
        out.push_str(TAIL);
        out
    }

    /// Returns an example of `[files]` as a comment. The stack files that were found need no globs.
    fn files_comment(&self) -> String {
        let folders: BTreeSet<&str> = self
            .stacks
            .iter()
            .map(|path| path.split_once('/').map_or("", |(top, _)| top))
            .collect();
        let mut globs: Vec<String> = folders
            .iter()
            .filter(|folder| !folder.is_empty())
            .take(MAX_FOLDERS)
            .map(|folder| {
                quote(&format!(
                    "{}/**/*.{{yaml,yml,toml,json}}",
                    glob_for_path(folder)
                ))
            })
            .collect();
        if globs.is_empty() {
            globs.push("\"stacks/**/*.{yaml,yml,toml,json}\"".to_owned());
        }
        format!(
            "# stackref recognizes stack files by their content, and reads `zenml` commands in scripts, pages and notebooks. To\n\
             # select stack files by globs, to exclude files, or to read only some sources:\n\
             # [files]\n# include = [{}]\n# exclude = [\"**/archive/**\"]\n\
             # sources = [\"stacks\", \"scripts\", \"docs\", \"python\"]\n\n",
            globs.join(", ")
        )
    }
}

fn inventory_table(inventory: &DetectedInventory) -> String {
    let comment = match inventory.kind {
        DetectedKind::Names => "Names and keys, safe to commit.",
        DetectedKind::Values => "Contains values: do not commit this file.",
        DetectedKind::Zenml => {
            "The file of ZenML's local secrets manager. It contains values: do not commit this file."
        }
        DetectedKind::Sops => {
            "Encrypted with SOPS. `stackref check` needs no key, `stackref render` does."
        }
    };
    let (kind, path) = (inventory.kind.config_name(), quote(&inventory.path));
    format!(
        "# {comment}\n[inventory.{}]\nkind = \"{kind}\"\npath = {path}\n\n",
        inventory.name
    )
}

pub(super) fn quote_all(items: &[String]) -> String {
    items
        .iter()
        .map(|item| quote(item))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Returns a TOML string. Invisible characters, and characters that change the direction of text,
/// are escaped.
fn quote(text: &str) -> String {
    toml_string(text).chars().fold(String::new(), |mut out, c| {
        if is_unsafe(c) {
            out.push_str(&format!("\\U{:08X}", u32::from(c)));
        } else {
            out.push(c);
        }
        out
    })
}
