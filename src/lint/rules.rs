//! The table of rules.
//!
//! Each rule is one file. Its `//!` lines are the page that `stackref explain` prints, and its
//! `RULE` is a row of the table. The order of the table is the order of precedence: for each
//! subject, only the first rule that reports a finding counts. For example, a scalar with a finding
//! of `malformed-reference` is not checked by `embedded-reference`.
//!
//! Rules do no I/O and print nothing.

mod ambiguous_secret;
mod baked_secret;
mod bare_ignore;
mod dynamic_reference;
mod embedded_reference;
mod empty_value;
mod foreign_reference;
mod ignored_field;
mod leaked_value;
mod malformed_reference;
mod missing_secrets_manager;
mod nested_reference;
mod padded_reference;
mod plaintext_secret;
mod private_secret;
mod reference_in_key;
mod refused_attribute;
mod registered_drift;
mod syntax_error;
mod unknown_key;
mod unknown_secret;
mod unquoted_reference;
mod unreferenceable_secret;
mod unused_ignore;
mod unused_secret;
mod unusable_value;

use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::sources::reference::Reference;
use crate::sources::scalar::ScalarContext;
use crate::zenml::grammar::{BraceExpression, BraceKind, ForeignSyntax, parse_as_zenml};

pub use crate::lint::rule::{PROJECT_URL, Rule};
pub use crate::lint::subject::{
    ComponentDrift, InvalidIgnore, Leak, LookupContext, RuleKind, Subject, UnusedIgnore, Usage,
};
pub use empty_value::finding as empty_value;

/// All rules, in their order of precedence.
pub const RULES: [&Rule; 26] = [
    &syntax_error::RULE,
    &unquoted_reference::RULE,
    &reference_in_key::RULE,
    &refused_attribute::RULE,
    &malformed_reference::RULE,
    // Before `foreign_reference`, since `${{ … }}` becomes part of an image, too.
    &baked_secret::RULE,
    &foreign_reference::RULE,
    &nested_reference::RULE,
    &embedded_reference::RULE,
    &padded_reference::RULE,
    &plaintext_secret::RULE,
    &ignored_field::RULE,
    &dynamic_reference::RULE,
    &unknown_secret::RULE,
    &unknown_key::RULE,
    &unusable_value::RULE,
    &empty_value::RULE,
    &ambiguous_secret::RULE,
    &private_secret::RULE,
    &missing_secrets_manager::RULE,
    &unreferenceable_secret::RULE,
    &unused_secret::RULE,
    &leaked_value::RULE,
    &registered_drift::RULE,
    &unused_ignore::RULE,
    &bare_ignore::RULE,
];

/// Checks a subject: returns the finding of the first rule that reports one, in the order of
/// [`RULES`].
///
/// Rules are called by this function and [`check_dynamic_use`], and `render` calls `empty_value`.
pub fn check(subject: Subject<'_>) -> Option<FindingBuilder> {
    let (first, last) = range_of(subject.kind());
    let rules = RULES.get(first..=last).unwrap_or_default();
    rules.iter().find_map(|rule| rule.check(subject))
}

/// Returns the finding for a dynamic reference of a call that gets a secret. No scalar contains the
/// whole reference.
pub fn check_dynamic_use(reference: &Reference) -> FindingBuilder {
    dynamic_reference::report(reference, true)
}

/// Returns the indices of the first and the last rule for a kind of subject.
#[expect(
    clippy::indexing_slicing,
    reason = "the ranges are computed at compile time, and have an entry for each kind"
)]
const fn range_of(kind: RuleKind) -> (usize, usize) {
    const RANGES: [(usize, usize); RuleKind::COUNT] = {
        let mut ranges = [(RULES.len(), 0); RuleKind::COUNT];
        let mut at = 0;
        while at < RULES.len() {
            let (first, last) = &mut ranges[RULES[at].kind() as usize];
            if at < *first {
                *first = at;
            }
            *last = at;
            at += 1;
        }
        ranges
    };
    RANGES[kind as usize]
}

/// Returns the rule with a name, or `None` if there is no such rule.
pub fn find(name: &str) -> Option<&'static Rule> {
    name.parse().ok().map(get)
}

/// Returns the rule with an id.
pub fn get(id: RuleId) -> &'static Rule {
    const SYNTAX_ERROR: &Rule = &syntax_error::RULE;
    // A test verifies that every id has a row, so the default is never used.
    RULES
        .into_iter()
        .find(|rule| rule.id == id)
        .unwrap_or(SYNTAX_ERROR)
}

/// Iterates over the names of all rules.
pub fn names() -> impl Iterator<Item = &'static str> {
    RULES.into_iter().map(|rule| rule.id.name())
}

/// Returns a text with its first letter in upper case.
pub fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_ascii_uppercase())
        .into_iter()
        .chain(chars)
        .collect()
}

/// Returns whether braces belong to another tool, so that the resolver does not replace them.
///
/// A value that ZenML reads as a reference does not belong to another tool. Names of Argo Workflows
/// belong to Argo only where ZenML does not replace references.
fn is_foreign_text(context: &ScalarContext<'_>, braces: &BraceExpression<'_>) -> bool {
    let Some(foreign) = braces.foreign else {
        return false;
    };
    if context.would_replace(braces)
        || (parse_as_zenml(context.text).is_some() && !context.is_nested_or_embedded())
    {
        return false;
    }
    match foreign {
        ForeignSyntax::GitHub => true,
        ForeignSyntax::Argo => context.is_nested_or_embedded(),
        // The grammar accepts some of these as references.
        ForeignSyntax::Databricks | ForeignSyntax::OnePassword | ForeignSyntax::CloudFormation => {
            matches!(braces.kind, BraceKind::Malformed(_))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_one_row() {
        let mut ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
        ids.sort_unstable();
        assert_eq!(ids, RuleId::ALL);
        for &id in RuleId::ALL {
            assert_eq!(get(id).id, id);
        }
    }

    #[test]
    fn every_page_explains_why_with_an_example_and_a_fix() {
        for rule in RULES {
            let page = rule.page();
            for section in ["## Why", "## Example", "## Fix"] {
                assert!(page.contains(section), "{} has no {section}", rule.id);
            }
        }
    }
}
