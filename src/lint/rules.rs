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

use crate::diagnostics::finding::{Finding, Severity};
use crate::document::SyntaxError;
use crate::inventory::DeclaredName;
use crate::inventory::lookup::LookupResult;
use crate::sources::scalar::{Reference, ScalarContext};
use crate::sources::stack_model::Stack;
use crate::text::source::{SourceFile, Span};
use crate::zenml::grammar::{BraceExpression, BraceKind, ForeignSyntax, parse_as_zenml};
use std::sync::Arc;

pub use empty_value::finding as empty_value;
pub use leaked_value::Leak;
pub use unused_ignore::UnusedIgnore;

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, in kebab case.
    pub name: &'static str,
    /// What its findings weigh, unless the config says otherwise.
    pub severity: Severity,
    /// What it finds, in one line.
    pub summary: &'static str,
    page: &'static str,
    /// What it looks at.
    pub kind: RuleKind,
}

/// What a rule looks at.
#[derive(Debug)]
pub enum RuleKind {
    /// A file that does not parse.
    Document(fn(&Arc<SourceFile>, &SyntaxError) -> Finding),
    /// A scalar at its place.
    Scalar(fn(&ScalarContext<'_>) -> Option<Finding>),
    /// A reference, and what the inventories say of it.
    Reference(fn(&Reference, &LookupContext<'_>) -> Option<Finding>),
    /// A stack and its references.
    Stack(fn(&Stack, &[&Reference]) -> Option<Finding>),
    /// A name in an inventory file, and whether a stack uses it.
    Inventory(fn(&DeclaredName, Usage) -> Option<Finding>),
    /// An ignore comment that names no rule, or one that does not exist.
    Comment(fn(&Arc<SourceFile>, Span, Option<&str>) -> Finding),
    /// An ignore that silences nothing.
    Ignore(fn(UnusedIgnore<'_>) -> Finding),
    /// A secret's value in a text file.
    Leak(fn(&Leak<'_>) -> Finding),
}

/// Whether something uses a secret that is declared in an inventory file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// A reference names it, or an attribute names the whole secret.
    Used,
    /// Nothing in the whole tree does.
    Unused,
    /// Not known, or of no matter: part of the tree was scanned, or the file is a snapshot of a store that others use.
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

/// The rule of a name.
pub fn find(name: &str) -> Option<&'static Rule> {
    RULES.into_iter().find(|rule| rule.name == name)
}

/// A text as the beginning of a sentence.
pub fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// The names of all rules.
pub fn names() -> impl Iterator<Item = &'static str> {
    RULES.into_iter().map(|rule| rule.name)
}

/// The project's page.
pub const PROJECT_URL: &str = "https://github.com/stackref/stackref";

impl Rule {
    /// Returns the URL of the page that explains it, as of this version.
    pub fn url(&self) -> String {
        format!("{PROJECT_URL}/blob/v{}/docs/src/rules.md#{}", env!("CARGO_PKG_VERSION"), self.name)
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
        format!("# {} ({})\n\n{text}", self.name, self.severity.name())
    }
}

/// What the inventories say of one reference.
pub struct LookupContext<'a> {
    /// The answer.
    pub answer: LookupResult<'a>,
    /// The names of the inventories that were asked, in order.
    pub queried: Vec<&'a str>,
    /// The name of the one that has the secret; empty where none has.
    pub found_in: &'a str,
    /// The nearest to a name or a key that is not there.
    pub suggestion: Option<String>,
    /// What it would be without its first name, where that names a secret.
    pub dotted_suggestion: Option<String>,
}

impl LookupContext<'_> {
    /// The inventories asked, for a sentence.
    fn describe_inventories(&self) -> String {
        const MAX_NAMED: usize = 5;
        let names: Vec<String> = self.queried.iter().take(MAX_NAMED).map(|name| format!("`{name}`")).collect();
        let more = self.queried.len().saturating_sub(MAX_NAMED);
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
    fn names_are_unique_and_every_page_says_what_why_and_how() {
        let mut names: Vec<_> = names().collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
        for rule in RULES {
            let page = rule.page();
            for section in ["## Why", "## Example", "## Fix"] {
                assert!(page.contains(section), "{} has no {section}", rule.name);
            }
        }
    }
}
