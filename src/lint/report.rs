//! The result of `check`: findings, failures and their counts.

use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::{Finding, Severity};
use crate::diagnostics::outcome::Outcome;
use crate::lint::baseline::{Baseline, BaselineEntry};
use crate::lint::resolve::ResolvedReferences;
use std::collections::BTreeSet;

/// How many of what a run found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Stack files.
    pub files: usize,
    /// References, names of whole secrets included.
    pub references: usize,
    /// Findings of severity error.
    pub errors: usize,
    /// Findings of severity warning.
    pub warnings: usize,
    /// Findings silenced by comments or the config.
    pub ignored: usize,
    /// Findings that the baseline has.
    pub baselined: usize,
    /// Findings that have a safe fix.
    pub fixable: usize,
    /// Findings that only `--fix=suggestions` would fix.
    pub suggestions: usize,
    /// Findings that were mended.
    pub fixed: usize,
    /// References with a part that is only known at run time.
    pub dynamic: usize,
    /// References that were not looked up, or not in full.
    pub unchecked: Unchecked,
}

/// References that a run did not look up, or not in full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unchecked {
    /// References that were not looked up.
    pub references: usize,
    /// Why they were not, in a few words each.
    pub reasons: BTreeSet<String>,
    /// References of which the secret was found and the key was not looked up.
    pub keys: usize,
    /// Why they were not: levels, and where they come from.
    pub levels: BTreeSet<String>,
}

impl Unchecked {
    pub(super) fn add(&mut self, references: usize, reason: String) {
        self.references += references;
        if references > 0 {
            self.reasons.insert(reason);
        }
    }
}

/// What a run of `check` gives.
#[derive(Debug, Default)]
pub struct Report {
    /// The findings, in order.
    pub findings: Vec<Finding>,
    /// Their numbers.
    pub summary: Summary,
    /// What could not be answered.
    pub failures: Vec<Failure>,
    /// The references, in the order of the scan, each with the answer of its inventories.
    pub references: ResolvedReferences,
    /// Entries of the baseline that nothing matches any more.
    pub stale: Vec<BaselineEntry>,
    /// Entries of the baseline that nothing matches, of which this run would not have found the finding.
    pub unevaluated: Vec<BaselineEntry>,
    /// The config's path from the repository's root, where reports that need a location show failures.
    pub config: Option<String>,
}

impl Report {
    /// Leaves out the findings that a baseline knows.
    pub fn apply_baseline(&mut self, baseline: &Baseline) {
        let found = self.findings.len();
        self.findings.retain(|finding| !baseline.contains(finding));
        self.summary.baselined += found - self.findings.len();
        self.count();
    }

    pub(crate) fn count(&mut self) {
        let count = |is: &dyn Fn(&Finding) -> bool| self.findings.iter().filter(|finding| is(finding)).count();
        let errors = count(&|finding| finding.severity == Severity::Error);
        self.summary.fixable = count(&Finding::is_fixable);
        self.summary.suggestions = count(&Finding::has_suggested_fix);
        self.summary.errors = errors;
        self.summary.warnings = self.findings.len() - errors;
    }

    /// The exit code's reason.
    pub fn outcome(&self, deny_warnings: bool) -> Outcome {
        let counts = self.summary.errors + if deny_warnings { self.summary.warnings } else { 0 };
        let findings = if counts > 0 { Outcome::Findings } else { Outcome::Clean };
        self.failures.iter().map(Failure::outcome).fold(findings, Outcome::max)
    }
}
