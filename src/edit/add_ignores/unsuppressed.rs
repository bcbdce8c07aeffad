//! Findings that no comment can suppress, and the config entries that suppress them instead.

use super::config_entry::{entry_text, is_ignorable};
use crate::diagnostics::finding::Finding;
use crate::diagnostics::rule_id::RuleId;
use crate::project::config::{self, Config};
use crate::project::configs::Configs;
use crate::text::escape::escape_control;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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

    fn config_entry(&self, config: &Config, root: &Path) -> Option<String> {
        let folder = if config.file.is_some() {
            &config.folder
        } else {
            root
        };
        let path = if self.is_registered {
            &self.display_path
        } else {
            let path = self.path.strip_prefix(folder);
            path.unwrap_or(&self.path).to_str()?
        };
        Some(entry_text(path, self.rule, self.attribute.as_deref(), None))
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
        let is_ignorable = is_ignorable(finding.rule);
        let reason = if is_ignorable {
            finding.reason
        } else {
            "fix the mistake instead"
        };
        *numbers.entry((&finding.display_path, reason)).or_default() += 1;
        let config = configs.for_findings_in(&finding.path);
        if is_ignorable && let Some(entry) = finding.config_entry(&config, root) {
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
