//! The subjects that rules check.
//!
//! Not here: the rules themselves ([`rules`](super::rules)).

use crate::diagnostics::finding::{FixEdit, Scope};
use crate::document::SyntaxError;
use crate::inventory::lookup::{KeyTypes, LookupResult};
use crate::inventory::{DeclaredName, Inventories, Inventory, NameCaveat, ValueType};
use crate::lint::declared_secrets::{DeclaredDifference, DeclaredProblem};
use crate::sources::reference::Reference;
use crate::sources::scalar::ScalarContext;
use crate::sources::stack_model::Stack;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::sync::Arc;

/// Something that rules check.
#[derive(Clone, Copy)]
pub enum Subject<'s> {
    /// A document that does not parse or that its readers refuse, for example because of a duplicate
    /// key, and the error.
    Document(&'s Arc<RedactedSource>, &'s SyntaxError),
    /// A scalar in its context.
    Scalar(&'s ScalarContext<'s>),
    /// A reference and the answer of the inventories.
    Reference(&'s Reference, &'s LookupContext<'s>),
    /// A stack and its references.
    Stack(&'s Stack, &'s [&'s Reference]),
    /// A name in an inventory file, and whether a file uses it.
    Inventory(&'s DeclaredName, Usage),
    /// An ignore comment that names no rule, or an unknown one.
    Comment(&'s InvalidIgnore<'s>),
    /// An ignore comment or `[[ignore]]` entry that suppresses nothing.
    Ignore(&'s UnusedIgnore<'s>),
    /// A value of a secret in a text file.
    Leak(&'s Leak<'s>),
    /// A component that differs from the one on a server.
    Component(&'s ComponentDrift<'s>),
}

impl Subject<'_> {
    /// Returns the kind of the subject.
    pub fn kind(&self) -> RuleKind {
        match self {
            Self::Document(..) => RuleKind::Document,
            Self::Scalar(_) => RuleKind::Scalar,
            Self::Reference(..) => RuleKind::Reference,
            Self::Stack(..) => RuleKind::Stack,
            Self::Inventory(..) => RuleKind::Inventory,
            Self::Comment(_) => RuleKind::Comment,
            Self::Ignore(_) => RuleKind::Ignore,
            Self::Leak(_) => RuleKind::Leak,
            Self::Component(_) => RuleKind::Component,
        }
    }
}

/// The kind of subject that a rule checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// [`Subject::Document`].
    Document,
    /// [`Subject::Scalar`].
    Scalar,
    /// [`Subject::Reference`].
    Reference,
    /// [`Subject::Stack`].
    Stack,
    /// [`Subject::Inventory`].
    Inventory,
    /// [`Subject::Comment`].
    Comment,
    /// [`Subject::Ignore`].
    Ignore,
    /// [`Subject::Leak`].
    Leak,
    /// [`Subject::Component`].
    Component,
}

impl RuleKind {
    /// The number of kinds.
    pub(super) const COUNT: usize = Self::Component as usize + 1;
}

/// Whether a file uses a secret that an inventory file declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// A reference or an attribute names the secret.
    Used,
    /// Nothing in the whole project uses the secret.
    Unused,
    /// Unknown or irrelevant: only part of the project was read, or the file is a snapshot of a
    /// store that other projects use.
    Unknown,
}

/// The answer to a reference, with everything that messages mention.
pub struct LookupContext<'a> {
    /// The answer.
    pub answer: LookupResult<'a>,
    /// The inventories of the run.
    pub inventories: &'a Inventories,
    /// The queried inventories, in order.
    pub chain: &'a [usize],
    /// The type of the key's value; `None` if the secret or the key was not found, or if the keys
    /// of the secret were not requested.
    pub value_type: Option<&'a ValueType>,
    /// The environments of the answer, described for a message; `None` without environments.
    pub environments: Option<String>,
    /// Whether the environments of the answer have other keys than `answer` lists.
    pub keys_differ: bool,
    /// The known name that is nearest to a missing secret or key.
    pub suggestion: Option<String>,
    /// The reference without its first name, if that refers to a secret.
    pub dotted_suggestion: Option<String>,
    /// The declaration that the reference probably means.
    pub declared: Option<&'a DeclaredProblem>,
}

impl LookupContext<'_> {
    /// Returns the keys of the secret; `None` if it was not found or its keys were not requested.
    pub(super) fn keys(&self) -> Option<&KeyTypes> {
        match self.answer {
            LookupResult::Found { keys, .. } => keys,
            LookupResult::NotFound | LookupResult::Failed { .. } => None,
        }
    }

    /// Returns the difference from a declaration, if no other inventory has the secret.
    pub(super) fn difference(&self) -> Option<(DeclaredDifference, &DeclaredProblem)> {
        let problem = self.declared?;
        let is_missing = match self.answer {
            LookupResult::NotFound => true,
            LookupResult::Found { inventory, .. } => {
                self.lacks_key()
                    && problem.difference == DeclaredDifference::Key
                    && self
                        .inventories
                        .get(inventory)
                        .is_some_and(Inventory::is_repository)
            }
            LookupResult::Failed { .. } => false,
        };
        is_missing.then_some((problem.difference, problem))
    }

    /// Returns whether the secret was found, but not the requested key.
    fn lacks_key(&self) -> bool {
        self.keys().is_some() && self.value_type.is_none()
    }

    /// Describes the inventory that has the secret, or its environments; empty if none has it.
    pub(super) fn found_in(&self) -> String {
        match (self.answer, &self.environments) {
            (LookupResult::Found { .. }, Some(environments)) => environments.clone(),
            (LookupResult::Found { inventory, .. }, None) => {
                format!("the inventory `{}`", self.inventories.name(inventory))
            }
            (LookupResult::NotFound | LookupResult::Failed { .. }, _) => String::new(),
        }
    }

    /// Returns a reason why the name may mean something else for another user.
    pub(super) fn caveat(&self) -> Option<NameCaveat> {
        match self.answer {
            LookupResult::Found { caveat, .. } => caveat,
            LookupResult::NotFound | LookupResult::Failed { .. } => None,
        }
    }

    /// Describes the queried inventories, or their environments.
    pub(super) fn describe_inventories(&self) -> String {
        const MAX_NAMED: usize = 5;
        if let Some(environments) = &self.environments {
            return environments.clone();
        }
        let names: Vec<String> = self
            .chain
            .iter()
            .take(MAX_NAMED)
            .map(|&at| format!("`{}`", self.inventories.name(at)))
            .collect();
        let more = self.chain.len().saturating_sub(MAX_NAMED);
        match names.as_slice() {
            [one] => format!("the inventory {one}"),
            many if more > 0 => format!("the inventories {} and {more} more", many.join(", ")),
            many => format!("the inventories {}", many.join(", ")),
        }
    }
}

/// An ignore comment whose list of rules is missing or wrong.
pub struct InvalidIgnore<'i> {
    /// The file that contains the comment.
    pub source: &'i Arc<RedactedSource>,
    /// The span of the comment.
    pub span: Span,
    /// The unknown name; `None` if the comment has no list.
    pub unknown_rule: Option<&'i str>,
}

/// An ignore comment or `[[ignore]]` entry that suppresses nothing, at least for one of its rules.
pub struct UnusedIgnore<'u> {
    /// The file that contains it.
    pub source: &'u Arc<RedactedSource>,
    /// The span of the comment, or of the rule in the entry.
    pub span: Span,
    /// The rules that it names; empty for a `literal` comment.
    pub named_rules: &'u [String],
    /// The rules that it names without need.
    pub unused_rules: &'u [&'u str],
    /// Whether all its rules are unused.
    pub is_entirely_unused: bool,
    /// The edits that remove the unused rules.
    pub fix: Vec<FixEdit>,
}

/// A component in a stack file that differs from the one of its name on a server. Only the names of
/// attributes are known, never their values.
pub struct ComponentDrift<'d> {
    /// The file.
    pub source: &'d Arc<RedactedSource>,
    /// The name of the first attribute that differs, or of the component.
    pub span: Span,
    /// The stack, the component and that attribute.
    pub scope: Scope,
    /// The name of the inventory on whose server the component is registered.
    pub server: &'d str,
    /// The attributes with another value on the server. `flavor` is one of them.
    pub changed: Vec<&'d str>,
    /// The attributes that only the file has.
    pub only_in_file: Vec<&'d str>,
    /// The attributes that only the server has.
    pub only_on_server: Vec<&'d str>,
}

/// A value of a secret in a text file.
pub struct Leak<'l> {
    /// The file.
    pub source: &'l Arc<RedactedSource>,
    /// The span of the value.
    pub span: Span,
    /// The secret and the key; the first of several with this value.
    pub owner: (&'l str, &'l str),
    /// The number of other keys with this value.
    pub other_owners: usize,
    /// The end of the message: the encoding, such as `, in base64`, or nothing.
    pub encoding: &'static str,
}
