//! The findings that a repository starts with: a file of fingerprints, without lines, times or values, so that it changes
//! only when findings come or go.
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
//! They are sorted by fingerprint. Rule and path are there for people, and to tell which entries are stale; paths are from
//! the repository's root.

use crate::diagnostics::finding::Finding;
use crate::diagnostics::rule_id::RuleId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;

/// What is wrong with a file that does not parse is not known, so a baseline cannot hold it.
const UNRECORDABLE_RULE: RuleId = RuleId::SyntaxError;

/// Known findings.
#[derive(Debug, Default)]
pub struct Baseline {
    entries: BTreeMap<String, BaselineEntry>,
}

/// A known finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineEntry {
    fingerprint: String,
    /// The rule.
    pub rule: String,
    /// The file, from the repository's root.
    pub path: String,
    /// Whether that file exists, as far as [`Baseline::find_files`] has looked.
    #[serde(skip)]
    pub exists: bool,
    /// Its absolute path, as far as [`Baseline::find_files`] has looked.
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
    /// Reads the text of a baseline.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        // What serde_json says may quote the text, which may be any file.
        let file: SerializedBaseline = serde_json::from_str(text).map_err(|error| {
            format!(
                "it is no baseline: line {}, column {} is not as `--write-baseline` has it",
                error.line(),
                error.column()
            )
        })?;
        if file.version != VERSION {
            return Err(format!(
                "it is a baseline of version {}, and this stackref knows version {VERSION}",
                file.version
            ));
        }
        Ok(Self { entries: file.findings.into_iter().map(|entry| (entry.fingerprint.clone(), entry)).collect() })
    }

    /// The findings that can be in a baseline.
    pub fn from_findings(findings: &[Finding]) -> Self {
        let mut baseline = Self::default();
        baseline.add(findings);
        baseline
    }

    /// Takes in more findings.
    pub fn add(&mut self, findings: &[Finding]) {
        let entries = findings.iter().filter(|finding| finding.rule != UNRECORDABLE_RULE).map(|finding| {
            let (rule, path) = (finding.rule.name().to_owned(), finding.source.repository_path().to_owned());
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

    /// Adds all entries of another baseline.
    pub fn extend(&mut self, other: Self) {
        self.entries.extend(other.entries);
    }

    /// Adds entries of another baseline.
    pub fn add_entries(&mut self, entries: &[BaselineEntry]) {
        self.entries.extend(entries.iter().map(|entry| (entry.fingerprint.clone(), entry.clone())));
    }

    /// Looks which files of the entries exist. An entry of a file that exists and was not scanned is not stale.
    pub fn find_files(&mut self, root: &Path) {
        for entry in self.entries.values_mut() {
            entry.absolute_path = root.join(&entry.path);
            entry.exists = entry.absolute_path.symlink_metadata().is_ok();
        }
    }

    /// How many it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a finding is known.
    pub fn contains(&self, finding: &Finding) -> bool {
        finding.rule != UNRECORDABLE_RULE && self.entries.contains_key(&finding.fingerprint)
    }

    /// The entries that another has not.
    pub fn difference<'b>(&'b self, found: &Self) -> impl Iterator<Item = &'b BaselineEntry> {
        self.entries.values().filter(|entry| !found.entries.contains_key(&entry.fingerprint))
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let file = SerializedBaseline { version: VERSION, findings: self.entries.values().cloned().collect() };
        // A list of strings cannot fail to be written.
        serde_json::to_string_pretty(&file).map(|text| text + "\n").unwrap_or_default()
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
    fn a_baseline_is_read_as_it_was_written_and_holds_no_syntax_errors() {
        let source = RedactedSource::span_only(&Arc::new(SourceFile::new("a.yaml", "{{a.b}}")));
        let builder = |rule| FindingBuilder::new(rule, &source, Span::new(0, 7), "x");
        let builders = [RuleId::UnknownKey, RuleId::SyntaxError].map(builder).to_vec();
        let findings = build_all(builders, |_| Some(Severity::Error));
        let text = Baseline::from_findings(&findings).text();
        let read = Baseline::parse(&text).unwrap();
        assert_eq!((read.len(), read.text()), (1, text));
        let known: Vec<bool> = findings.iter().map(|finding| read.contains(finding)).collect();
        assert_eq!(known, [false, true]);
        assert_eq!(read.difference(&Baseline::default()).next().map(|entry| entry.rule.as_str()), Some("unknown-key"));
        assert!(Baseline::parse("{\"version\": 2, \"findings\": []}").is_err());
    }
}
