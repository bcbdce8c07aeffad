//! White space inside the braces, in a stack of a ZenML before 0.40.
//!
//! ## Why
//!
//! Those versions take `{{ a.b }}` for plain text.
//!
//! ## Example
//!
//! ```yaml
//! zenml_version: 0.39.1
//! components:
//!   experiment_tracker:
//!     flavor: wandb
//!     name: wandb
//!     api_key: '{{ wandb.api_key }}'
//! ```
//!
//! ## Fix
//!
//! Write `{{wandb.api_key}}`.

use super::{Check, Rule};
use crate::finding::{Applicability, Finding, FixEdit, Severity};
use crate::reference::{PieceKind, Reading, Resolver, is_space};
use crate::site::Site;

/// The rule.
pub(super) const RULE: Rule = Rule {
    name: "padded-reference",
    severity: Severity::Error,
    summary: "white space inside the braces, for a ZenML before 0.40",
    page: include_str!("padded_reference.rs"),
    check: Check::Scalar(check),
};

fn check(site: &Site<'_>) -> Option<Finding> {
    if site.resolver != Resolver::Zenml || site.version().takes_padding() {
        return None;
    }
    let Reading::Whole(piece) = &site.reading else { return None };
    let PieceKind::Reference { name, key, padded: true } = piece.kind else { return None };
    let message = "white space inside the braces, which ZenML takes only from 0.40 on".to_owned();
    let finding = site.finding_at((RULE.name, RULE.severity), piece, message);
    let inner = site.text.get(piece.range.start + 2..piece.range.end - 2)?;
    let lead = inner.len() - inner.trim_start_matches(is_space).len();
    let trail = inner.len() - inner.trim_end_matches(is_space).len();
    let paddings =
        [piece.range.start + 2..piece.range.start + 2 + lead, piece.range.end - 2 - trail..piece.range.end - 2];
    let edits =
        paddings.iter().filter(|padding| !padding.is_empty()).map(|padding| FixEdit::new(site.span(padding), ""));
    let finding = finding.with_fix(Applicability::Safe, edits.collect());
    Some(finding.with_label("plain text to this version").with_help(format!("write `{{{{{name}.{key}}}}}`")))
}
