//! An ignore comment, or an `[[ignore]]` entry of the config, that suppresses nothing: its finding
//! is gone, or the comment is on the wrong line. `# stackref: literal` is unused if the value
//! contains no braces.
//!
//! Only rules that were evaluated count. For example, at the level `none`, a comment for
//! `unknown-secret` is not reported.
//!
//! ## Why
//!
//! An unused comment suppresses the next mistake on its line, which may be a different one.
//!
//! ## Example
//!
//! ```yaml
//! tracking_password: '{{mlflow.password}}' # stackref: ignore[malformed-reference]
//! ```
//!
//! ## Fix
//!
//! Remove the comment; `--fix` does this. If it is needed only in some runs, also name this rule:
//! `ignore[unknown-secret, unused-ignore]`.

use crate::diagnostics::finding::{Applicability, Severity};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rule::{Check, Rule};
use crate::lint::subject::UnusedIgnore;

pub(super) const RULE: Rule = Rule {
    id: RuleId::UnusedIgnore,
    severity: Severity::Warning,
    summary: "an ignore comment or setting that suppresses nothing",
    page: include_str!("unused_ignore.rs"),
    check: Check::Ignore(check),
};

fn check(unused: &UnusedIgnore<'_>) -> FindingBuilder {
    let names = unused
        .unused_rules
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(" and ");
    let message = match unused.unused_rules {
        [] => "unused `literal` comment: the value contains no braces".to_owned(),
        _ => format!("unused ignore: no finding of {names} here"),
    };
    let help = if unused.is_entirely_unused {
        "remove it".to_owned()
    } else {
        format!("remove {names} from it")
    };
    let finding = FindingBuilder::new(RULE.id, unused.source, unused.span, message).help(help);
    // The fingerprint contains neither the reason, which may be edited, nor the unused rules, which
    // depend on the level and the files of a run.
    let finding = finding.fingerprint_key(unused.named_rules.join(","));
    finding.fix(Applicability::Safe, unused.fix.clone())
}
