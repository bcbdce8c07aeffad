//! The `[[ignore]]` entries of a config, for findings that no comment can suppress.

use crate::diagnostics::finding::Finding;
use crate::diagnostics::rule_id::RuleId;
use crate::project::config;
use crate::project::configs::Configs;
use std::path::{Path, PathBuf};

/// The rules that neither a comment nor the config can suppress, because their findings must be
/// fixed.
const NOT_IGNORABLE: [RuleId; 2] = [RuleId::BareIgnore, RuleId::SyntaxError];

/// Returns whether the findings of a rule can be suppressed.
pub fn is_ignorable(rule: RuleId) -> bool {
    !NOT_IGNORABLE.contains(&rule)
}

/// Returns the `[[ignore]]` entry for the findings of a rule at a path, with a line break before it.
pub fn entry_text(
    path: &str,
    rule: RuleId,
    attribute: Option<&str>,
    reason: Option<&str>,
) -> String {
    let mut entry = String::from("\n[[ignore]]");
    let path = globset::escape(path);
    let values = [
        ("path", Some(path.as_str())),
        ("rule", Some(rule.name())),
        ("attribute", attribute),
        ("reason", reason),
    ];
    for (key, value) in values {
        if let Some(value) = value {
            entry.push_str(&format!("\n{key} = {}", toml::Value::from(value)));
        }
    }
    entry
}

/// An `[[ignore]]` entry, and the config that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreEntry {
    /// The config file, which may not exist.
    pub file: PathBuf,
    /// Whether the config exists.
    pub exists: bool,
    /// The text of the entry.
    text: String,
    path: PathBuf,
    rule: RuleId,
    attribute: Option<String>,
}

/// Returns the `[[ignore]]` entry that suppresses a finding, with a reason. `root` is the folder of a
/// config that does not exist yet. Returns `None` if no entry can suppress the finding.
pub fn ignore_entry(
    finding: &Finding,
    reason: &str,
    configs: &Configs,
    root: &Path,
) -> Option<IgnoreEntry> {
    let path = finding.source.absolute_path();
    if !is_ignorable(finding.rule) || finding.source.is_registered() {
        return None;
    }
    let config = configs.for_findings_in(path);
    let file = config.file.clone();
    let exists = file.is_some();
    let file = file.unwrap_or_else(|| root.join(config::FILE_NAME));
    let relative = path.strip_prefix(file.parent()?).unwrap_or(path).to_str()?;
    let attribute = finding.scope.attribute.as_deref();
    Some(IgnoreEntry {
        file,
        exists,
        text: entry_text(relative, finding.rule, attribute, Some(reason)),
        path: path.to_path_buf(),
        rule: finding.rule,
        attribute: attribute.map(str::to_owned),
    })
}

impl IgnoreEntry {
    /// Returns the text of a config with this entry at its end. Returns `None` if the new text is not
    /// a valid config or does not suppress the finding, or if the old text suppresses it already.
    pub fn append_to(&self, text: &str) -> Option<String> {
        let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let is_blank = text.trim_start_matches('\u{feff}').is_empty();
        let mut new = text.to_owned();
        if !is_blank && !text.ends_with('\n') {
            new.push_str(line_break);
        }
        let entry = if is_blank {
            self.text.trim_start_matches('\n')
        } else {
            &self.text
        };
        new.push_str(&entry.replace('\n', line_break));
        new.push_str(line_break);
        let is_new = self.is_suppressed_by(&new)? && !self.is_suppressed_by(text)?;
        is_new.then_some(new)
    }

    /// Returns whether a config suppresses the finding. Returns `None` if the config is not valid.
    fn is_suppressed_by(&self, config: &str) -> Option<bool> {
        let config = config::parse(config.to_owned(), &self.file, config::FILE_NAME).ok()?;
        let attribute = self.attribute.as_deref();
        let mut matching = config.matching_ignores(&self.path, self.rule, attribute);
        Some(matching.next().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str) -> IgnoreEntry {
        IgnoreEntry {
            file: PathBuf::from("/p/stackref.toml"),
            exists: true,
            text: entry_text(path, RuleId::UnknownSecret, Some("x"), Some("why")),
            path: Path::new("/p").join(path),
            rule: RuleId::UnknownSecret,
            attribute: Some("x".to_owned()),
        }
    }

    #[test]
    fn an_entry_is_appended_in_the_line_breaks_of_the_config() {
        let text = "[[ignore]]\npath = \"a.json\"\nrule = \"unknown-secret\"\nattribute = \"x\"\nreason = \"why\"\n";
        let entry = entry("a.json");
        for (old, new) in [
            ("", text.to_owned()),
            ("level = \"none\"", format!("level = \"none\"\n\n{text}")),
            (
                "level = \"none\"\r\n",
                format!("level = \"none\"\n\n{text}").replace('\n', "\r\n"),
            ),
            ("\u{feff}", format!("\u{feff}{text}")),
        ] {
            assert_eq!(entry.append_to(old), Some(new), "{old:?}");
        }
    }

    #[test]
    fn an_entry_that_has_no_effect_is_refused() {
        for (path, config) in [
            ("a.json", "not toml ="),
            ("a.json", "ignore = []"),
            ("a.json", "no_such_key = 1"),
            (
                "a.json",
                "[[ignore]]\npath = \"*\"\nrule = \"unknown-secret\"\n",
            ),
        ] {
            assert_eq!(entry(path).append_to(config), None, "{config}");
        }
        let mut other = entry("a[1]*.json");
        assert!(other.append_to("").is_some());
        other.path = PathBuf::from("/p/a1.json");
        assert_eq!(other.append_to(""), None);
    }
}
