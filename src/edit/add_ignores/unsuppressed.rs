//! Findings that no comment can suppress, and the config entries that suppress them instead.

use crate::diagnostics::finding::Finding;
use crate::diagnostics::rule_id::RuleId;
use crate::project::config::{self, Config};
use crate::project::configs::Configs;
use crate::text::escape::escape_control;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The rules that neither a comment nor the config can suppress, because their findings must be
/// fixed.
const NOT_IGNORABLE: [RuleId; 2] = [RuleId::BareIgnore, RuleId::SyntaxError];

/// A finding that no comment can suppress.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnsuppressedFinding {
    display_path: String,
    reason: &'static str,
    path: PathBuf,
    /// Whether the finding is in a component on a server, whose displayed path globs match.
    is_registered: bool,
    rule: RuleId,
    attribute: Option<String>,
}

impl UnsuppressedFinding {
    pub fn new(finding: &Finding, reason: &'static str) -> Self {
        Self {
            display_path: finding.source.path().to_owned(),
            reason,
            path: finding.source.absolute_path().to_path_buf(),
            is_registered: finding.source.is_registered(),
            rule: finding.rule,
            attribute: finding.scope.attribute.as_deref().map(str::to_owned),
        }
    }
}

/// Returns lines that list the findings, and the `[[ignore]]` entries that suppress them. `root` is
/// the folder of a config that does not exist yet.
pub fn describe(
    unsuppressed: &[UnsuppressedFinding],
    configs: &Configs,
    root: &Path,
) -> Vec<String> {
    let mut numbers: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut entries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for finding in unsuppressed {
        let is_ignorable = !NOT_IGNORABLE.contains(&finding.rule);
        let reason = if is_ignorable {
            finding.reason
        } else {
            "fix the mistake instead"
        };
        *numbers.entry((&finding.display_path, reason)).or_default() += 1;
        let config = configs.for_findings_in(&finding.path);
        if is_ignorable && let Some(entry) = config_entry(finding, &config, root) {
            let file = config
                .source
                .as_ref()
                .map_or(config::FILE_NAME, |source| source.path());
            entries.entry(file.to_owned()).or_default().insert(entry);
        }
    }
    let mut lines = Vec::new();
    for ((path, reason), number) in numbers {
        let findings = if number == 1 {
            "1 finding".to_owned()
        } else {
            format!("{number} findings")
        };
        lines.push(format!(
            "warning: no comment can suppress {findings} in `{}`: {reason}",
            escape_control(path)
        ));
    }
    for (file, entries) in entries {
        lines.push(format!("help: add this to `{}`:", escape_control(&file)));
        lines.extend(entries);
    }
    lines
}

/// Returns the `[[ignore]]` entry that suppresses a finding. Returns `None` if the path is not
/// UTF-8.
fn config_entry(finding: &UnsuppressedFinding, config: &Config, root: &Path) -> Option<String> {
    let folder = if config.file.is_some() {
        &config.folder
    } else {
        root
    };
    let path = if finding.is_registered {
        &finding.display_path
    } else {
        let path = finding.path.strip_prefix(folder);
        path.unwrap_or(&finding.path).to_str()?
    };
    let (path, rule) = (
        toml_string(&globset::escape(path)),
        toml_string(finding.rule.name()),
    );
    let attribute = finding
        .attribute
        .as_deref()
        .map(|attribute| format!("\nattribute = {}", toml_string(attribute)));
    Some(format!(
        "\n[[ignore]]\npath = {path}\nrule = {rule}{}",
        attribute.unwrap_or_default()
    ))
}

fn toml_string(text: &str) -> String {
    toml::Value::from(text).to_string()
}
