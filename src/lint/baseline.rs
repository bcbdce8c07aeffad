//! Baselines: files that record the known findings of a repository, so that `check` reports only
//! new ones. A baseline contains no lines, times or values, so it changes only if findings do.
//!
//! ```json
//! {
//!   "version": 1,
//!   "findings": [
//!     {"fingerprint": "…", "rule": "plaintext-secret", "path": "stacks/legacy.yaml"}
//!   ]
//! }
//! ```
//!
//! The entries are sorted by fingerprint. The rule and the path, which is relative to the
//! repository's root, are for people and for the detection of stale entries.

use crate::diagnostics::finding::Finding;
use crate::diagnostics::rule_id::RuleId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The version of the format.
const VERSION: u32 = 1;

/// The findings of a file that does not parse are unknown, so a baseline must not suppress this
/// rule.
const UNRECORDABLE_RULE: RuleId = RuleId::SyntaxError;

/// A set of known findings.
#[derive(Debug, Default)]
pub struct Baseline {
    entries: BTreeMap<String, BaselineEntry>,
}

/// A known finding in a baseline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineEntry {
    fingerprint: String,
    /// The rule.
    pub rule: String,
    /// The path of the file, relative to the repository's root.
    pub path: String,
    /// Whether the file exists. [`Baseline::find_files`] sets this.
    #[serde(skip)]
    pub exists: bool,
    /// The absolute path. [`Baseline::find_files`] sets this.
    #[serde(skip)]
    pub absolute_path: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SerializedBaseline {
    version: u32,
    findings: Vec<BaselineEntry>,
}

impl Baseline {
    /// Parses a baseline.
    ///
    /// # Errors
    /// Returns the reason why the text is not a baseline of this version.
    pub fn parse(text: &str) -> Result<Self, String> {
        // The message of serde_json may quote the text, and the file may be any file.
        let file: SerializedBaseline = serde_json::from_str(text).map_err(|error| {
            format!(
                "it is not a baseline (line {}, column {})",
                error.line(),
                error.column()
            )
        })?;
        if file.version != VERSION {
            return Err(format!(
                "it is a baseline of version {}, but this stackref reads version {VERSION}",
                file.version
            ));
        }
        Ok(Self {
            entries: file
                .findings
                .into_iter()
                .map(|entry| (entry.fingerprint.clone(), entry))
                .collect(),
        })
    }

    /// Creates a baseline of findings.
    pub fn from_findings(findings: &[Finding]) -> Self {
        let mut baseline = Self::default();
        baseline.add(findings);
        baseline
    }

    /// Adds findings, except those that a baseline cannot contain.
    pub fn add(&mut self, findings: &[Finding]) {
        let entries = findings
            .iter()
            .filter(|finding| finding.rule != UNRECORDABLE_RULE)
            .map(|finding| {
                let (rule, path) = (
                    finding.rule.name().to_owned(),
                    finding.source.repository_path().to_owned(),
                );
                (
                    finding.fingerprint.clone(),
                    BaselineEntry {
                        fingerprint: finding.fingerprint.clone(),
                        rule,
                        path,
                        exists: true,
                        absolute_path: PathBuf::new(),
                    },
                )
            });
        self.entries.extend(entries);
    }

    /// Adds the entries of another baseline.
    pub fn extend(&mut self, other: Self) {
        self.entries.extend(other.entries);
    }

    /// Adds copies of entries.
    pub fn add_entries(&mut self, entries: &[BaselineEntry]) {
        self.entries.extend(
            entries
                .iter()
                .map(|entry| (entry.fingerprint.clone(), entry.clone())),
        );
    }

    /// Determines which files of the entries exist. An entry is not stale if its file exists but
    /// was not scanned.
    pub fn find_files(&mut self, root: &Path) {
        for entry in self.entries.values_mut() {
            entry.absolute_path = root.join(&entry.path);
            entry.exists = entry.absolute_path.symlink_metadata().is_ok();
        }
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns whether the baseline contains a finding.
    pub fn contains(&self, finding: &Finding) -> bool {
        finding.rule != UNRECORDABLE_RULE && self.entries.contains_key(&finding.fingerprint)
    }

    /// Iterates over the entries that another baseline does not contain.
    pub fn difference<'b>(&'b self, other: &Self) -> impl Iterator<Item = &'b BaselineEntry> {
        self.entries
            .values()
            .filter(|entry| !other.entries.contains_key(&entry.fingerprint))
    }

    /// Returns the text of the file.
    pub fn text(&self) -> String {
        let file = SerializedBaseline {
            version: VERSION,
            findings: self.entries.values().cloned().collect(),
        };
        // Strings always serialize.
        serde_json::to_string_pretty(&file)
            .map(|text| text + "\n")
            .unwrap_or_default()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::diagnostics::finding::Severity;
    use crate::diagnostics::finding_builder::{FindingBuilder, build_all};
    use crate::text::redacted_source::RedactedSource;
    use crate::text::source::{SourceFile, Span};
    use std::sync::Arc;

    #[test]
    fn parse_reads_text_and_syntax_errors_are_omitted() {
        let source = RedactedSource::span_only(&Arc::new(SourceFile::new("a.yaml", "{{a.b}}")));
        let builder = |rule| FindingBuilder::new(rule, &source, Span::new(0, 7), "x");
        let builders = [RuleId::UnknownKey, RuleId::SyntaxError]
            .map(builder)
            .to_vec();
        let findings = build_all(builders, |_| Some(Severity::Error));
        let text = Baseline::from_findings(&findings).text();
        let read = Baseline::parse(&text).unwrap();
        assert_eq!((read.len(), read.text()), (1, text));
        let known: Vec<bool> = findings
            .iter()
            .map(|finding| read.contains(finding))
            .collect();
        assert_eq!(known, [false, true]);
        assert_eq!(
            read.difference(&Baseline::default())
                .next()
                .map(|entry| entry.rule.as_str()),
            Some("unknown-key")
        );
        assert!(Baseline::parse("{\"version\": 2, \"findings\": []}").is_err());
    }

    #[test]
    fn entries_of_several_baselines_are_united_and_their_files_found() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yaml"), "").unwrap();
        let [first, second] = ["a.yaml", "b.yaml"].map(|path| {
            let file = SourceFile::new(path, "{{a.b}}").with_repository_path(path);
            let source = RedactedSource::span_only(&Arc::new(file));
            let builder = FindingBuilder::new(RuleId::UnknownKey, &source, Span::new(0, 7), "x");
            Baseline::from_findings(&build_all(vec![builder], |_| Some(Severity::Error)))
        });
        let mut all = Baseline::default();
        assert!(all.is_empty());
        all.extend(first);
        assert!(!all.is_empty());
        let added: Vec<_> = second.difference(&all).cloned().collect();
        all.add_entries(&added);
        all.find_files(folder.path());
        let mut found: Vec<_> = all
            .entries
            .values()
            .map(|entry| {
                (
                    entry.path.as_str(),
                    entry.exists,
                    entry.absolute_path.clone(),
                )
            })
            .collect();
        found.sort();
        assert_eq!(
            found,
            [
                ("a.yaml", true, folder.path().join("a.yaml")),
                ("b.yaml", false, folder.path().join("b.yaml")),
            ]
        );
    }
}
