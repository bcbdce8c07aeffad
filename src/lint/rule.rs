//! A rule: its name, severity, page and function.
//!
//! Not here: the rules themselves ([`rules`](super::rules)) and their subjects
//! ([`subject`](super::subject)).

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::SyntaxError;
use crate::inventory::DeclaredName;
use crate::lint::subject::{
    ComponentDrift, InvalidIgnore, Leak, LookupContext, RuleKind, Subject, UnusedIgnore, Usage,
};
use crate::project::config::RuleLevel;
use crate::sources::reference::Reference;
use crate::sources::scalar::ScalarContext;
use crate::sources::stack_model::Stack;
use crate::text::redacted_source::RedactedSource;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The project's page.
pub const PROJECT_URL: &str = "https://github.com/stackref/stackref";

/// A rule: a row of the table of rules.
#[derive(Debug)]
pub struct Rule {
    /// The name.
    pub id: RuleId,
    /// The severity of its findings, unless the config sets another one.
    pub severity: Severity,
    /// The problem that it finds, in one line.
    pub summary: &'static str,
    /// The source of the rule, whose leading `//!` lines are its page.
    pub(super) page: &'static str,
    pub(super) check: Check,
}

/// The function of a rule, by the subject that it checks.
#[derive(Debug)]
pub(super) enum Check {
    Document(fn(&Arc<RedactedSource>, &SyntaxError) -> FindingBuilder),
    Scalar(fn(&ScalarContext<'_>) -> Option<FindingBuilder>),
    Reference(fn(&Reference, &LookupContext<'_>) -> Option<FindingBuilder>),
    Stack(fn(&Stack, &[&Reference]) -> Option<FindingBuilder>),
    Inventory(fn(&DeclaredName, Usage) -> Option<FindingBuilder>),
    Comment(fn(&InvalidIgnore<'_>) -> FindingBuilder),
    Ignore(fn(&UnusedIgnore<'_>) -> FindingBuilder),
    Leak(fn(&Leak<'_>) -> FindingBuilder),
    Component(fn(&ComponentDrift<'_>) -> FindingBuilder),
}

impl Rule {
    /// Returns the kind of subject that the rule checks.
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
            Check::Component(_) => RuleKind::Component,
        }
    }

    /// Checks a subject. Returns `None` if there is nothing to report, or if the rule checks
    /// another kind of subject.
    pub(super) fn check(&self, subject: Subject<'_>) -> Option<FindingBuilder> {
        match (&self.check, subject) {
            (Check::Document(check), Subject::Document(source, error)) => {
                Some(check(source, error))
            }
            (Check::Scalar(check), Subject::Scalar(context)) => check(context),
            (Check::Reference(check), Subject::Reference(reference, context)) => {
                check(reference, context)
            }
            (Check::Stack(check), Subject::Stack(stack, references)) => check(stack, references),
            (Check::Inventory(check), Subject::Inventory(declared, usage)) => {
                check(declared, usage)
            }
            (Check::Comment(check), Subject::Comment(ignore)) => Some(check(ignore)),
            (Check::Ignore(check), Subject::Ignore(ignore)) => Some(check(ignore)),
            (Check::Leak(check), Subject::Leak(leak)) => Some(check(leak)),
            (Check::Component(check), Subject::Component(drift)) => Some(check(drift)),
            _ => None,
        }
    }

    /// Returns whether the rule reports nothing unless the config or `--select` turns it on.
    pub fn is_off_by_default(&self) -> bool {
        self.id == RuleId::DynamicReference
    }

    /// Returns the severity of its findings with the levels of a config; `None` if it is off.
    pub fn severity_in(&self, levels: &BTreeMap<RuleId, RuleLevel>) -> Option<Severity> {
        match levels.get(&self.id) {
            Some(RuleLevel::Off) => None,
            Some(RuleLevel::Warning) => Some(Severity::Warning),
            Some(RuleLevel::Error) => Some(Severity::Error),
            None => (!self.is_off_by_default()).then_some(self.severity),
        }
    }

    /// Returns the default level: `error`, `warning` or `off`.
    pub fn default_level_name(&self) -> &'static str {
        if self.is_off_by_default() {
            "off"
        } else {
            self.severity.name()
        }
    }

    /// Returns the URL of the rule's page in this version of the book.
    pub fn url(&self) -> String {
        format!(
            "{PROJECT_URL}/blob/v{}/docs/src/rules.md#{}",
            env!("CARGO_PKG_VERSION"),
            self.id
        )
    }

    /// Returns the first paragraph of the page: the problem that the rule finds.
    pub fn first_paragraph(&self) -> String {
        let lines = self
            .page
            .lines()
            .map_while(|line| line.strip_prefix("//! "));
        lines.collect::<Vec<_>>().join(" ")
    }

    /// Returns the page that explains the rule, in Markdown: the leading `//!` lines of its file.
    pub fn page(&self) -> String {
        let lines = self.page.lines().map_while(|line| line.strip_prefix("//!"));
        let text: String = lines
            .flat_map(|line| [line.strip_prefix(' ').unwrap_or(line), "\n"])
            .collect();
        format!("# {} ({})\n\n{text}", self.id, self.default_level_name())
    }
}
