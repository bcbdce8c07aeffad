//! The one table of rules.
//!
//! Each rule is one file: its `//!` text is the page that `explain` prints, its `RULE` the row here. The order of the table
//! is the order of precedence: of the scalar rules the first that fits speaks, and it alone; a scalar that none of them
//! objects to gives references, and the reference rules look at those. Rules do no I/O and print nothing.

mod ambiguous_secret;
mod bare_ignore;
mod embedded_reference;
mod empty_value;
mod foreign_reference;
mod leaked_value;
mod malformed_reference;
mod missing_secrets_manager;
mod nested_reference;
mod padded_reference;
mod plaintext_secret;
mod reference_in_key;
mod refused_attribute;
mod syntax_error;
mod unknown_key;
mod unknown_secret;
mod unquoted_reference;
mod unreferenceable_secret;
mod unused_ignore;
mod unused_secret;
mod unusable_value;

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::SyntaxError;
use crate::inventory::lookup::LookupResult;
use crate::inventory::{DeclaredName, Inventories};
use crate::sources::scalar::{Reference, ScalarContext};
use crate::sources::stack_model::Stack;
use crate::text::redacted_source::RedactedSource;
use crate::zenml::grammar::{BraceExpression, BraceKind, ForeignSyntax, parse_as_zenml};
use std::sync::Arc;

pub use bare_ignore::InvalidIgnore;
pub use empty_value::finding as empty_value;
pub use leaked_value::Leak;
pub use unused_ignore::UnusedIgnore;

/// A rule: the row of the table that defines it.
#[derive(Debug)]
pub struct Rule {
    /// The name.
    pub id: RuleId,
    /// The severity of its findings, unless the config sets another one.
    pub severity: Severity,
    /// The problem that it finds, in one line.
    pub summary: &'static str,
    page: &'static str,
    check: Check,
}

/// The function of a rule, by the subject that it checks.
#[derive(Debug)]
enum Check {
    Document(fn(&Arc<RedactedSource>, &SyntaxError) -> FindingBuilder),
    Scalar(fn(&ScalarContext<'_>) -> Option<FindingBuilder>),
    Reference(fn(&Reference, &LookupContext<'_>) -> Option<FindingBuilder>),
    Stack(fn(&Stack, &[&Reference]) -> Option<FindingBuilder>),
    Inventory(fn(&DeclaredName, Usage) -> Option<FindingBuilder>),
    Comment(fn(&InvalidIgnore<'_>) -> FindingBuilder),
    Ignore(fn(&UnusedIgnore<'_>) -> FindingBuilder),
    Leak(fn(&Leak<'_>) -> FindingBuilder),
}

/// The kind of subject that a rule checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// A document that does not parse.
    Document,
    /// A scalar in its context.
    Scalar,
    /// A reference and the answer of the inventories.
    Reference,
    /// A stack and its references.
    Stack,
    /// A name in an inventory file, and whether a stack uses it.
    Inventory,
    /// An ignore comment that names no rule, or an unknown one.
    Comment,
    /// An ignore that suppresses nothing.
    Ignore,
    /// A secret's value in a text file.
    Leak,
}

/// Something that rules check.
#[derive(Clone, Copy)]
pub enum Subject<'s> {
    /// A document that does not parse, and the error.
    Document(&'s Arc<RedactedSource>, &'s SyntaxError),
    /// A scalar in its context.
    Scalar(&'s ScalarContext<'s>),
    /// A reference and the answer of the inventories.
    Reference(&'s Reference, &'s LookupContext<'s>),
    /// A stack and its references.
    Stack(&'s Stack, &'s [&'s Reference]),
    /// A name in an inventory file, and whether a stack uses it.
    Inventory(&'s DeclaredName, Usage),
    /// An ignore comment that names no rule, or an unknown one.
    Comment(&'s InvalidIgnore<'s>),
    /// An ignore that suppresses nothing.
    Ignore(&'s UnusedIgnore<'s>),
    /// A secret's value in a text file.
    Leak(&'s Leak<'s>),
}

/// Checks a subject: returns the finding of the first rule that reports one, in the order of [`RULES`].
///
/// This is the only place that calls rules. At most one rule reports a subject.
pub fn check(subject: Subject<'_>) -> Option<FindingBuilder> {
    RULES.iter().find_map(|rule| rule.check(subject))
}

/// Whether a stack uses a secret that an inventory file declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// A reference names it, or an attribute names the whole secret.
    Used,
    /// Nothing in the whole project uses it.
    Unused,
    /// Unknown or irrelevant: only part of the project was read, or the file is a snapshot of a store that others use.
    Unknown,
}

/// All rules, in their order of precedence.
pub const RULES: [&Rule; 21] = [
    &syntax_error::RULE,
    &unquoted_reference::RULE,
    &reference_in_key::RULE,
    &refused_attribute::RULE,
    &malformed_reference::RULE,
    &foreign_reference::RULE,
    &nested_reference::RULE,
    &embedded_reference::RULE,
    &padded_reference::RULE,
    &plaintext_secret::RULE,
    &unknown_secret::RULE,
    &unknown_key::RULE,
    &unusable_value::RULE,
    &empty_value::RULE,
    &ambiguous_secret::RULE,
    &missing_secrets_manager::RULE,
    &unreferenceable_secret::RULE,
    &unused_secret::RULE,
    &leaked_value::RULE,
    &unused_ignore::RULE,
    &bare_ignore::RULE,
];

/// Returns the rule of a name, or `None` if no rule has it.
pub fn find(name: &str) -> Option<&'static Rule> {
    name.parse().ok().map(get)
}

/// Returns the rule of an id.
pub fn get(id: RuleId) -> &'static Rule {
    const SYNTAX_ERROR: &Rule = &syntax_error::RULE;
    // A test makes sure that every id has a row.
    RULES.into_iter().find(|rule| rule.id == id).unwrap_or(SYNTAX_ERROR)
}

/// A text as the beginning of a sentence.
pub fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// The names of all rules.
pub fn names() -> impl Iterator<Item = &'static str> {
    RULES.into_iter().map(|rule| rule.id.name())
}

/// The project's page.
pub const PROJECT_URL: &str = "https://github.com/stackref/stackref";

impl Rule {
    /// Returns the kind of subject that it checks.
    pub const fn kind(&self) -> RuleKind {
        match self.check {
            Check::Document(_) => RuleKind::Document,
            Check::Scalar(_) => RuleKind::Scalar,
            Check::Reference(_) => RuleKind::Reference,
            Check::Stack(_) => RuleKind::Stack,
            Check::Inventory(_) => RuleKind::Inventory,
            Check::Comment(_) => RuleKind::Comment,
            Check::Ignore(_) => RuleKind::Ignore,
            Check::Leak(_) => RuleKind::Leak,
        }
    }

    /// Checks a subject; returns `None` if the rule has nothing to report, or checks another kind.
    fn check(&self, subject: Subject<'_>) -> Option<FindingBuilder> {
        match (&self.check, subject) {
            (Check::Document(check), Subject::Document(source, error)) => Some(check(source, error)),
            (Check::Scalar(check), Subject::Scalar(context)) => check(context),
            (Check::Reference(check), Subject::Reference(reference, context)) => check(reference, context),
            (Check::Stack(check), Subject::Stack(stack, references)) => check(stack, references),
            (Check::Inventory(check), Subject::Inventory(declared, usage)) => check(declared, usage),
            (Check::Comment(check), Subject::Comment(ignore)) => Some(check(ignore)),
            (Check::Ignore(check), Subject::Ignore(ignore)) => Some(check(ignore)),
            (Check::Leak(check), Subject::Leak(leak)) => Some(check(leak)),
            _ => None,
        }
    }

    /// Returns the URL of the page that explains it, as of this version.
    pub fn url(&self) -> String {
        format!("{PROJECT_URL}/blob/v{}/docs/src/rules.md#{}", env!("CARGO_PKG_VERSION"), self.id)
    }

    /// What it finds, in a sentence or more: the first paragraph of the page.
    pub fn first_paragraph(&self) -> String {
        let lines = self.page.lines().map_while(|line| line.strip_prefix("//! "));
        lines.collect::<Vec<_>>().join(" ")
    }

    /// The page that explains it, in Markdown: the leading `//!` lines of its file.
    pub fn page(&self) -> String {
        let lines = self.page.lines().map_while(|line| line.strip_prefix("//!"));
        let text: String = lines.flat_map(|line| [line.strip_prefix(' ').unwrap_or(line), "\n"]).collect();
        format!("# {} ({})\n\n{text}", self.id, self.severity.name())
    }
}

/// What the inventories say of one reference.
pub struct LookupContext<'a> {
    /// The answer.
    pub answer: LookupResult<'a>,
    /// The inventories of the run.
    pub inventories: &'a Inventories,
    /// The inventories that were queried, in order.
    pub chain: &'a [usize],
    /// The name of the one that has the secret; empty where none has.
    pub found_in: &'a str,
    /// The nearest to a name or a key that is not there.
    pub suggestion: Option<String>,
    /// What it would be without its first name, where that names a secret.
    pub dotted_suggestion: Option<String>,
}

impl LookupContext<'_> {
    fn inventory_name(&self, at: usize) -> &str {
        self.inventories.get(at).map_or("?", |inventory| inventory.name())
    }

    /// Returns the queried inventories as a part of a sentence.
    fn describe_inventories(&self) -> String {
        const MAX_NAMED: usize = 5;
        let names: Vec<String> =
            self.chain.iter().take(MAX_NAMED).map(|&at| format!("`{}`", self.inventory_name(at))).collect();
        let more = self.chain.len().saturating_sub(MAX_NAMED);
        match names.as_slice() {
            [one] => format!("the inventory {one}"),
            many if more > 0 => format!("the inventories {} and {more} more", many.join(", ")),
            many => format!("the inventories {}", many.join(", ")),
        }
    }
}

/// Whether a piece belongs to another system and the resolver would leave it alone. Where `ZenML` takes the whole value for
/// a reference it is none of another's; Argo's names are Argo's only where a reference cannot stand.
fn is_foreign_text(context: &ScalarContext<'_>, braces: &BraceExpression<'_>) -> bool {
    let Some(foreign) = braces.foreign else { return false };
    if context.would_replace(braces) || (parse_as_zenml(context.text).is_some() && !context.is_nested_or_embedded()) {
        return false;
    }
    match foreign {
        ForeignSyntax::GitHub => true,
        ForeignSyntax::Argo => context.is_nested_or_embedded(),
        // By the grammar these can be references, and then they are ours.
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
