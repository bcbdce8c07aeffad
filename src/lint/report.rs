//! The result of `check`: findings, failures and their counts.

use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::{Finding, Severity};
use crate::diagnostics::outcome::Outcome;
use crate::lint::baseline::{Baseline, BaselineEntry};
use crate::lint::resolved_references::ResolvedReferences;
use std::collections::BTreeSet;

/// The reason for which a reference is not looked up if no inventory is configured for it.
pub(super) const NO_INVENTORY: &str = "no inventory";

/// The counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The number of files.
    pub files: usize,
    /// The number of components that are registered on servers; `None` if no server was
    /// read.
    pub registered: Option<usize>,
    /// The number of references, including names of whole secrets.
    pub references: usize,
    /// Findings of severity error.
    pub errors: usize,
    /// Findings of severity warning.
    pub warnings: usize,
    /// Findings suppressed by comments or the config.
    pub ignored: usize,
    /// Findings that the baseline contains.
    pub baselined: usize,
    /// Findings that have a safe fix.
    pub fixable: usize,
    /// Findings that only `--fix=suggestions` would fix.
    pub suggestions: usize,
    /// Findings that were fixed.
    pub fixed: usize,
    /// References of which a part is known only at run time.
    pub dynamic: usize,
    /// References that were not looked up, or not in full.
    pub unchecked: Unchecked,
}

/// References that a run did not look up, or not in full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unchecked {
    /// References that were not looked up.
    pub references: usize,
    /// The reasons, in a few words each.
    pub reasons: BTreeSet<String>,
    /// References whose secret was found but whose key was not looked up.
    pub keys: usize,
    /// The levels that prevented it, and where they are configured.
    pub levels: BTreeSet<String>,
}

impl Unchecked {
    pub(super) fn add(&mut self, references: usize, reason: String) {
        self.references += references;
        if references > 0 {
            self.reasons.insert(reason);
        }
    }

    /// Adds one reference that is not looked up in some environments; none if there is no reason.
    pub(super) fn add_all(&mut self, reasons: &[String]) {
        self.references += usize::from(!reasons.is_empty());
        insert_all(&mut self.reasons, reasons);
    }

    /// Adds the levels at which keys are not looked up.
    pub(super) fn add_levels(&mut self, levels: &[String]) {
        insert_all(&mut self.levels, levels);
    }
}

/// Inserts texts. Most are known.
fn insert_all(known: &mut BTreeSet<String>, texts: &[String]) {
    for text in texts {
        if !known.contains(text) {
            known.insert(text.clone());
        }
    }
}

/// The environments in which the references of a file are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedEnvironments {
    /// The path of the file from the repository's root.
    pub path: String,
    /// The names of the environments, in the order of the config.
    pub environments: Vec<String>,
}

/// The result of `check`.
#[derive(Debug, Default)]
pub struct Report {
    /// The findings, in order.
    pub findings: Vec<Finding>,
    /// The counts.
    pub summary: Summary,
    /// The failures.
    pub failures: Vec<Failure>,
    /// The references, in the order of the scan, each with the answer of its inventories.
    pub references: ResolvedReferences,
    /// The files whose references are looked up in environments, in the order of the scan.
    pub checked_environments: Vec<CheckedEnvironments>,
    /// Baseline entries whose finding no longer exists.
    pub stale: Vec<BaselineEntry>,
    /// Baseline entries without a finding, which this run would not have reported.
    pub unevaluated: Vec<BaselineEntry>,
    /// The config's path, relative to the repository's root. Reports that need a location use it
    /// for failures.
    pub config: Option<String>,
}

impl Report {
    /// Returns whether a reference was not looked up because no inventory is configured for it.
    pub fn has_unrouted(&self) -> bool {
        self.summary.unchecked.reasons.contains(NO_INVENTORY)
    }

    /// Removes the findings that a baseline contains.
    pub fn apply_baseline(&mut self, baseline: &Baseline) {
        let found = self.findings.len();
        self.findings.retain(|finding| !baseline.contains(finding));
        self.summary.baselined += found - self.findings.len();
        self.count();
    }

    pub(crate) fn count(&mut self) {
        let count = |is: &dyn Fn(&Finding) -> bool| {
            self.findings.iter().filter(|finding| is(finding)).count()
        };
        let errors = count(&|finding| finding.severity == Severity::Error);
        self.summary.fixable = count(&Finding::is_fixable);
        self.summary.suggestions = count(&Finding::has_suggested_fix);
        self.summary.errors = errors;
        self.summary.warnings = self.findings.len() - errors;
    }

    /// Returns the outcome, which determines the exit code.
    pub fn outcome(&self, deny_warnings: bool) -> Outcome {
        let counts = self.summary.errors
            + if deny_warnings {
                self.summary.warnings
            } else {
                0
            };
        let findings = if counts > 0 {
            Outcome::Findings
        } else {
            Outcome::Clean
        };
        self.failures
            .iter()
            .map(Failure::outcome)
            .fold(findings, Outcome::max)
    }
}
