//! Merges the findings that a reference has in several environments: it has at most one.

use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rules::{self, LookupContext, Subject};
use crate::project::config::RuleLevel;
use crate::sources::reference::{Reference, ReferenceNames};
use crate::text::source_kind::SourceKind;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A problem of a reference in one environment, or in several with the same answer.
#[derive(Debug)]
pub(super) struct EnvironmentProblem {
    /// The indices of the environments.
    pub environments: Vec<usize>,
    /// The names that were looked up.
    pub names: ReferenceNames,
    /// The finding about these environments.
    pub finding: FindingBuilder,
}

/// The results of a reference in its environments.
#[derive(Debug, Default)]
pub(super) struct EnvironmentResults {
    /// The environments with a problem, grouped.
    pub problems: Vec<EnvironmentProblem>,
    /// The indices of the environments without a problem.
    pub exists_in: Vec<usize>,
    /// Whether an environment could not answer.
    pub has_unanswered: bool,
}

impl EnvironmentResults {
    /// Merges the problems to one finding. `names` are those of the environments, and `levels` those
    /// of the rules.
    pub(super) fn merge(
        self,
        reference: &Reference,
        names: &[String],
        levels: &BTreeMap<RuleId, RuleLevel>,
    ) -> Option<FindingBuilder> {
        let Self {
            mut problems,
            exists_in,
            has_unanswered,
        } = self;
        problems.sort_by_key(|problem| Reverse(severity(problem, levels)));
        let is_reported = |problem: &EnvironmentProblem| severity(problem, levels).is_some();
        let mut problems = problems.into_iter();
        let EnvironmentProblem {
            mut environments,
            names: first_names,
            mut finding,
        } = problems.next()?;
        let rule = finding.rule();
        let others: Vec<EnvironmentProblem> = problems
            .filter(|problem| is_existence(rule) && is_existence(problem.finding.rule()))
            .filter(is_reported)
            .collect();
        let is_everywhere = exists_in.is_empty() && others.is_empty() && !has_unanswered;
        for (at, other) in others.iter().enumerate() {
            let and = if at + 1 == others.len() { " and" } else { "" };
            finding = finding.append(&format!(",{and} {}", describe(other, names)));
            environments.extend(&other.environments);
        }
        if others.iter().any(|other| other.names != first_names) {
            finding = finding.names(reference.secret(), reference.key());
        }
        if !is_everywhere {
            finding = finding.without_fix();
        }
        environments.sort_unstable();
        if is_existence(rule) && !exists_in.is_empty() {
            let help = existing_help(&finding, &exists_in, &environments, names);
            finding = finding.help(help);
        }
        let environments = environments.iter().filter_map(|&at| names.get(at).cloned());
        Some(finding.environments(environments.collect()))
    }
}

/// A problem of a reference, with the answer that it is based on.
pub(super) struct AnsweredEnvironment<'r> {
    /// The index of the environment; empty without environments.
    pub environments: Vec<usize>,
    /// The names that were looked up.
    pub names: ReferenceNames,
    /// The answer.
    pub context: LookupContext<'r>,
    /// The finding about it.
    pub finding: FindingBuilder,
}

/// Groups the environments in which a reference has the same problem.
pub(super) fn group(
    found: Vec<AnsweredEnvironment<'_>>,
    reference: &Reference,
    names: &[String],
) -> Vec<EnvironmentProblem> {
    let mut groups: Vec<AnsweredEnvironment<'_>> = Vec::new();
    for problem in found {
        let is_same = |group: &&mut AnsweredEnvironment<'_>| {
            group.finding.rule() == problem.finding.rule() && group.names == problem.names
        };
        let Some(group) = groups.iter_mut().find(is_same) else {
            groups.push(problem);
            continue;
        };
        let context = &mut group.context;
        context.keys_differ |= !has_same_keys(context, &problem.context);
        let other = problem.context;
        context.suggestion = unless_contradicted(context.suggestion.take(), other.suggestion);
        let dotted = context.dotted_suggestion.take();
        context.dotted_suggestion = unless_contradicted(dotted, other.dotted_suggestion);
        group.environments.extend(problem.environments);
    }
    let problems = groups.into_iter().map(|mut group| {
        let mut finding = group.finding;
        if group.environments.len() > 1 {
            let environments = describe_environments(&group.environments, names);
            group.context.environments = Some(environments);
            let renamed = reference.with_names(group.names.clone());
            let subject = Subject::Reference(&renamed, &group.context);
            finding = rules::check(subject).unwrap_or(finding);
        }
        EnvironmentProblem {
            environments: group.environments,
            names: group.names,
            finding,
        }
    });
    problems.collect()
}

/// Returns the suggestion of two environments. Returns `None` if they differ.
fn unless_contradicted(a: Option<String>, b: Option<String>) -> Option<String> {
    match (a, b) {
        (Some(a), Some(b)) => (a == b).then_some(a),
        (a, b) => a.or(b),
    }
}

/// Returns whether two answers list the same keys.
fn has_same_keys(a: &LookupContext<'_>, b: &LookupContext<'_>) -> bool {
    match (a.keys(), b.keys()) {
        (Some(a), Some(b)) => a.keys().eq(b.keys()),
        (a, b) => a.is_none() == b.is_none(),
    }
}

/// Returns the severity of a problem. Returns `None` if its rule is off.
fn severity(
    problem: &EnvironmentProblem,
    levels: &BTreeMap<RuleId, RuleLevel>,
) -> Option<Severity> {
    rules::get(problem.finding.rule()).severity_in(levels)
}

/// Returns whether a rule reports that a secret or a key does not exist.
fn is_existence(rule: RuleId) -> bool {
    matches!(rule, RuleId::UnknownSecret | RuleId::UnknownKey)
}

/// Describes a further problem, such as a key that another environment lacks.
fn describe(problem: &EnvironmentProblem, names: &[String]) -> String {
    let (kind, name) = match (problem.finding.rule(), problem.names.key()) {
        (RuleId::UnknownKey, Some(key)) => ("key", key),
        _ => ("secret", problem.names.secret()),
    };
    let environments = describe_environments(&problem.environments, names);
    format!("no {kind} `{name}` in {environments}")
}

/// Returns the help for a reference that exists in some environments, but not in all.
fn existing_help(
    finding: &FindingBuilder,
    exists_in: &[usize],
    missing_in: &[usize],
    names: &[String],
) -> String {
    let existing = list_names(exists_in, names);
    let draft = finding.draft();
    if let (Some(help), Some(_)) = (&draft.help, &draft.suggestion) {
        return format!("it exists in {existing}. {}", rules::capitalize(help));
    }
    // `register` reads stack files only.
    let source = draft.source.kind_at(draft.span.start);
    if !matches!(source, None | Some(SourceKind::Stacks)) {
        return format!("it exists in {existing}: add it, or correct the name");
    }
    let environment = match missing_in {
        [one] => names.get(*one).map_or("NAME", String::as_str),
        _ => "NAME",
    };
    format!(
        "it exists in {existing}: add it with `stackref register --environment {environment}`, or correct the name"
    )
}

/// Describes environments for a message.
pub(super) fn describe_environments(environments: &[usize], names: &[String]) -> String {
    let noun = if environments.len() == 1 {
        "the environment"
    } else {
        "the environments"
    };
    format!("{noun} {}", list_names(environments, names))
}

/// Lists the names of environments: `` `dev`, `staging` and `prod` ``.
fn list_names(environments: &[usize], names: &[String]) -> String {
    let names = environments.iter().filter_map(|&at| names.get(at));
    let mut names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.pop() {
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
        None => String::new(),
    }
}
