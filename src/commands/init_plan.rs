//! `init`: a config for a repository that has none, from what is found in it.
//!
//! The config says no more than names and paths: no value of a stack, of an inventory or of the environment gets into it.
//! The same repository gives the same text.

pub mod hook;
mod survey;
mod pairing;

pub use survey::{DetectedInventory, DetectedKind, local_secrets};

use crate::diagnostics::excerpt::is_unsafe;
use crate::diagnostics::rule_id::RuleId;
use crate::document::toml_string;
use crate::lint::scan::Scan;
use crate::zenml::flavors::Version;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use survey::DetectionResult;

/// What a repository has.
pub struct Survey {
    /// Its root, absolute.
    pub root: PathBuf,
    /// Its stack files, from the root, sorted.
    pub stacks: Vec<String>,
    /// How many of them do not parse.
    pub unparsed: usize,
    /// References that only `stackref render` replaces: inside longer strings, or in lists and maps.
    pub render_only_references: usize,
    /// Its inventories.
    pub inventories: Vec<DetectedInventory>,
    /// Files that stand where inventories do, and why they are none.
    pub skipped_files: Vec<(String, &'static str)>,
    /// Stack files that use none of several inventories, or the only one although it lies in the folder of others.
    pub unrouted: Vec<String>,
    versions: BTreeSet<Version>,
    routes: Vec<pairing::ProposedRoute>,
}

impl Survey {
    /// Looks at a repository whose stack files were read.
    pub fn from_scan(root: &Path, scan: &Scan) -> Self {
        let files = || scan.files.iter().filter(|file| file.path.starts_with(root));
        let DetectionResult { inventories: found, skipped_files: passed_over } =
            survey::detect_inventories(root, files().map(|file| file.path.as_path()));
        let findings = || files().flat_map(|file| &file.findings);
        let (routes, unpaired) = pairing::routes(root, files(), &found);
        let stated = files().flat_map(|file| &file.stacks).map(|stack| stack.version);
        Self {
            root: root.to_path_buf(),
            stacks: files().map(|file| survey::path_from_root(root, &file.path)).collect(),
            unparsed: files().filter(|file| file.stacks.is_empty() && !file.findings.is_empty()).count(),
            render_only_references: findings()
                .filter(|finding| matches!(finding.rule(), RuleId::EmbeddedReference | RuleId::NestedReference))
                .count(),
            inventories: found,
            skipped_files: passed_over,
            unrouted: unpaired,
            versions: stated.filter(|version| *version != Version::NEWEST).collect(),
            routes,
        }
    }

    /// The config. `hints` are the kinds of inventories that the environment speaks of.
    pub fn config(&self, hints: &[Hint]) -> String {
        let mut out = String::from(HEAD);
        out.push_str(if self.inventories.is_empty() { LEVEL_WITHOUT } else { LEVEL });
        if !self.versions.is_empty() {
            let versions: Vec<String> = self.versions.iter().map(ToString::to_string).collect();
            let versions = versions.join(", ");
            out.push_str(&format!(
                "# The stacks state ZenML {versions}: each file's own version decides what holds for it.\n\n"
            ));
        }
        out.push_str(RESOLVER);
        out.push_str(&self.files());
        out.push_str("# Where names, keys and values are looked up. Credentials never stand here.\n");
        for inventory in &self.inventories {
            out.push_str(&entry(inventory));
        }
        if self.inventories.is_empty() {
            out.push_str(SAMPLE);
        }
        for hint in hints {
            out.push_str(&format!("# {} is in the environment:\n{}\n", hint.variable, hint.sample));
        }
        out.push_str(&self.route_tables());
        out.push_str(TAIL);
        out
    }

    /// `[files]`, as a comment: what was found needs none.
    fn files(&self) -> String {
        let folders: BTreeSet<&str> =
            self.stacks.iter().map(|path| path.split_once('/').map_or("", |(top, _)| top)).collect();
        let mut globs: Vec<String> = folders
            .iter()
            .filter(|folder| !folder.is_empty())
            .take(5)
            .map(|folder| string(&format!("{}/**/*.{{yaml,yml,toml,json}}", pairing::glob_for_path(folder))))
            .collect();
        if globs.is_empty() {
            globs.push("\"stacks/**/*.{yaml,yml,toml,json}\"".to_owned());
        }
        format!(
            "# Stack files are told by their shape, or by a name such as prod.stack.yaml. To say it yourself:\n\
             # [files]\n# include = [{}]\n# exclude = [\"**/archive/**\"]\n\n",
            globs.join(", ")
        )
    }

    fn route_tables(&self) -> String {
        let list = |items: &[String]| items.iter().map(|item| string(item)).collect::<Vec<_>>().join(", ");
        let table = |route: &pairing::ProposedRoute| {
            format!("[[stacks]]\nfiles = [{}]\ninventory = [{}]\n\n", list(&route.files), list(&route.inventories))
        };
        match self.routes.as_slice() {
            [] if self.inventories.len() > 1 => NO_ROUTE.to_owned(),
            [] => String::new(),
            routes => format!(
                "# Which stacks use which inventories: the first match counts.\n{}",
                routes.iter().map(table).collect::<String>()
            ),
        }
    }
}

fn entry(inventory: &DetectedInventory) -> String {
    let comment = match inventory.kind {
        DetectedKind::Names => "Names and keys, safe to commit.",
        DetectedKind::Values => "With values: it does not belong in git.",
        DetectedKind::Zenml => "The file of ZenML's local secrets manager, with values: it does not belong in git.",
        DetectedKind::Sops => "Encrypted with SOPS: checked without a key, rendered with one.",
    };
    let (kind, path) = (inventory.kind.name(), string(&inventory.path));
    format!("# {comment}\n[inventory.{}]\nkind = \"{kind}\"\npath = {path}\n\n", inventory.name)
}

/// Returns a string of TOML in which each character can be seen: a name may hold invisible characters, and such that turn the
/// direction of the text around them.
fn string(text: &str) -> String {
    toml_string(text).chars().fold(String::new(), |mut out, c| {
        if is_unsafe(c) {
            out.push_str(&format!("\\U{:08X}", u32::from(c)));
        } else {
            out.push(c);
        }
        out
    })
}

/// A store that the environment speaks of.
pub struct Hint {
    /// The variable; its value is not looked at.
    pub variable: &'static str,
    /// The kind of inventory.
    pub kind: &'static str,
    sample: &'static str,
}

/// All that are known, the most telling first.
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
    Hint { variable: "AWS_PROFILE", kind: "aws", sample: "# [inventory.aws]\n# kind = \"aws\"\n# prefix = \"ml/\"\n" },
    Hint {
        variable: "SOPS_AGE_KEY_FILE",
        kind: "sops",
        sample: "# [inventory.encrypted]\n# kind = \"sops\"\n# path = \"secrets.sops.yaml\"\n",
    },
];

const HEAD: &str = "\
# The config of stackref. Paths and globs are relative to this file; `*` does not cross a `/`, `**` does.
# `stackref schema config` prints its schema, for editors.

";

const LEVEL: &str = "\
# How much the inventories are asked for: none, secret-exists (names) or secret-and-key-exists (names and keys).
level = \"secret-and-key-exists\"

";

const LEVEL_WITHOUT: &str = "\
# No inventory was found, so no name can be looked up yet. When there is one: secret-exists (names) or
# secret-and-key-exists (names and keys).
level = \"none\"

";

const RESOLVER: &str = "\
# Who replaces the references: \"zenml\", at run time and only where one is the whole value of an attribute, or \"render\",
# which is `stackref render`, anywhere in any string.
resolver = \"zenml\"

";

const SAMPLE: &str = "\
# [inventory.dev]
# kind = \"file\"
# path = \"secrets/dev.yaml\"      # name: [key, key]

";

const NO_ROUTE: &str = "\
# Which stacks use which inventories: nothing here is called like anything there, so this is yours to say.
# [[stacks]]
# files = [\"stacks/prod/**\"]
# inventory = [\"prod\"]

";

const TAIL: &str = "\
# Findings that are not reported, for JSON, which has no comments.
# [[ignore]]
# path = \"stacks/legacy.json\"
# rule = \"plaintext-secret\"
# attribute = \"password\"
# reason = \"the database is gone next week\"

# What findings count as: off, warning or error. `stackref explain` lists the rules.
# [rules]
# unused-secret = \"error\"
";
