//! The headings under which `--help` groups options.

pub(super) const SELECTION: &str = "File selection";
pub(super) const RULE_SELECTION: &str = "Rule selection";
pub(super) const INVENTORIES: &str = "Inventories";
pub(super) const FIXES: &str = "Fixes";
pub(super) const SUPPRESSIONS: &str = "Suppressions";
pub(super) const OUTPUT: &str = "Output";
pub(super) const EXIT_CODE: &str = "Exit code";
pub(super) const VALUES: &str = "Values";
pub(super) const REFUSALS: &str = "Refusals";
pub(super) const ACCEPTANCE: &str = "Acceptance";
pub(super) const GLOBAL: &str = "Global options";
