//! Which findings the comments and the config silence, and which of those silence nothing.

use crate::diagnostics::finding::Finding;
use crate::document::Syntax;
use crate::document::directives::{Directive, DirectiveKind};
use crate::inventory::Inventories;
use crate::lint::rules::{self, RULES, RuleKind, UnusedIgnore};
use crate::lint::scan::Scan;
use crate::project::config::{Config, ConfigIgnore};
use crate::project::configs::Configs;
use crate::text::source::SourceFile;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;

/// An ignore that names this rule beside another may well have nothing to silence.
const UNUSED_IGNORE_RULE: &str = "unused-ignore";

/// The rule that does not apply to snapshots, so that an ignore for it may have been of use before.
const UNUSED_SECRET_RULE: &str = "unused-secret";

/// All that may silence a finding, and what of it did.
pub struct Suppressions<'s> {
    configs: &'s Configs,
    files: HashMap<&'s Path, FileSuppressions<'s>>,
    /// Which `[[ignore]]` matched, by config file and index.
    used: BTreeSet<(Option<PathBuf>, usize)>,
}

/// A file, and the comments in it.
struct FileSuppressions<'s> {
    source: &'s Arc<SourceFile>,
    directives: &'s [Directive],
    /// Indices of directives by the line that they speak of.
    by_line: HashMap<usize, Vec<usize>>,
    /// Which directives silenced a finding of which rule.
    used: BTreeSet<(usize, &'static str)>,
    /// Whether the findings of a rule on a line are silenced, as far as that was looked up: a line may have thousands of
    /// findings, and of comments.
    suppressed: HashMap<(usize, &'static str), bool>,
    /// The lines of which a scalar rule spoke, so that no other of these and no reference rule did.
    scalar_rule_lines: HashSet<usize>,
    /// The lines of which a reference rule spoke, so that no other of these did.
    reference_rule_lines: HashSet<usize>,
    /// For a stack file: the lines of literal scalars that hold braces.
    literals: Option<&'s BTreeSet<usize>>,
    /// Whether comments may be taken out of it. An inventory is written by its owner alone, and of a script not all is read.
    can_remove_comments: bool,
    /// Whether it is a snapshot, to which [`UNUSED_SECRET_RULE`] does not apply.
    is_snapshot: bool,
}

impl<'s> FileSuppressions<'s> {
    fn new(source: &'s Arc<SourceFile>, directives: &'s [Directive]) -> Self {
        let mut by_line: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, directive) in directives.iter().enumerate() {
            by_line.entry(directive.line).or_default().push(at);
        }
        let (used, scalars, references) = (BTreeSet::new(), HashSet::new(), HashSet::new());
        let (suppressed, literals, can_remove_comments, is_snapshot) = (HashMap::new(), None, false, false);
        Self {
            source,
            directives,
            by_line,
            used,
            suppressed,
            scalar_rule_lines: scalars,
            reference_rule_lines: references,
            literals,
            can_remove_comments,
            is_snapshot,
        }
    }

    fn suppresses(&mut self, finding: &Finding) -> bool {
        if self.directives.is_empty() {
            return false;
        }
        let lines: BTreeSet<usize> = [finding.span.start, finding.scalar_start, finding.key_start]
            .map(|at| finding.source.position(at).line)
            .into();
        let mut is_suppressed = false;
        for &line in &lines {
            is_suppressed |= self.suppresses_on_line(line, finding);
        }
        match rule_kind(finding.rule) {
            Some(RuleKind::Scalar(_)) => self.scalar_rule_lines.extend(lines),
            // A key that is not there says that the secret is.
            Some(RuleKind::Reference(_)) if finding.rule != "unknown-key" => self.reference_rule_lines.extend(lines),
            _ => {}
        }
        is_suppressed
    }

    /// Whether the comments that speak of a line silence a finding there.
    fn suppresses_on_line(&mut self, line: usize, finding: &Finding) -> bool {
        if let Some(&known) = self.suppressed.get(&(line, finding.rule)) {
            return known;
        }
        let candidates = self.by_line.get(&line).map(Vec::as_slice).unwrap_or_default();
        let matching =
            candidates.iter().filter(|&&at| self.directives.get(at).is_some_and(|it| it.suppresses(finding)));
        let matching: Vec<usize> = matching.copied().collect();
        self.used.extend(matching.iter().map(|&at| (at, finding.rule)));
        self.suppressed.insert((line, finding.rule), !matching.is_empty());
        !matching.is_empty()
    }

    /// The directives that silenced nothing, of those rules that were looked at.
    fn unused_ignores(&self, is_evaluated: &dyn Fn(&str) -> bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (at, directive) in self.directives.iter().enumerate() {
            let names: &[String] = match &directive.kind {
                DirectiveKind::Ignore(names) => names,
                DirectiveKind::Literal if self.literals.is_some_and(|lines| !lines.contains(&directive.line)) => &[],
                DirectiveKind::Literal | DirectiveKind::MissingRules => continue,
            };
            if names.iter().any(|name| name == UNUSED_IGNORE_RULE) {
                continue;
            }
            let is_unused = |name: &&str| {
                let used = rules::find(name).is_some_and(|rule| self.used.contains(&(at, rule.name)));
                let open = match rule_kind(name) {
                    Some(RuleKind::Scalar(_)) => !self.scalar_rule_lines.contains(&directive.line),
                    Some(RuleKind::Reference(_)) => {
                        !self.scalar_rule_lines.contains(&directive.line)
                            && !self.reference_rule_lines.contains(&directive.line)
                    }
                    _ => true,
                };
                let applies = !(self.is_snapshot && *name == UNUSED_SECRET_RULE);
                open && applies && is_evaluated(name) && !used
            };
            let unused_rules: Vec<&str> = names.iter().map(String::as_str).filter(is_unused).collect();
            if unused_rules.is_empty() && !names.is_empty() {
                continue;
            }
            let whole = unused_rules.len() == names.len();
            let fix = self.can_remove_comments.then(|| directive.removal(self.source, &unused_rules, whole));
            let unused = UnusedIgnore {
                source: self.source,
                span: directive.directive_span,
                named_rules: names,
                unused_rules: &unused_rules,
                is_entirely_unused: whole,
                fix: Vec::from_iter(fix),
            };
            findings.extend(finding(unused));
        }
        findings
    }
}

impl<'s> Suppressions<'s> {
    /// Hears the comments of a scan and of the inventories, and the config.
    pub fn new(scan: &'s Scan, configs: &'s Configs, inventories: &'s Inventories) -> Self {
        let mut files = HashMap::new();
        for comments in inventories.in_use().filter_map(|(_, inventory)| inventory.comments()) {
            let candidates = FileSuppressions::new(comments.source, comments.directives);
            files.insert(comments.path, FileSuppressions { is_snapshot: comments.is_snapshot, ..candidates });
        }
        for file in &scan.files {
            let (literals, can_remove_comments) = (Some(&file.literals), file.syntax != Syntax::Script);
            files.insert(
                file.path.as_path(),
                FileSuppressions {
                    literals,
                    can_remove_comments,
                    ..FileSuppressions::new(&file.source, &file.directives)
                },
            );
        }
        Self { configs, files, used: BTreeSet::new() }
    }

    /// Whether a finding is silenced. All that speak of it count as used.
    pub fn suppresses(&mut self, finding: &Finding) -> bool {
        let by_comment =
            self.files.get_mut(finding.source.absolute_path()).is_some_and(|file| file.suppresses(finding));
        let by_config = self.config_suppresses(finding);
        by_comment || by_config
    }

    /// Whether an `[[ignore]]` silences a finding.
    pub fn config_suppresses(&mut self, finding: &Finding) -> bool {
        let attribute = finding.scope.attribute.as_deref();
        let config = self.configs.for_findings_in(finding.source.absolute_path());
        let mut is_ignored = false;
        for at in config.matching_ignores(finding.source.absolute_path(), finding.rule, attribute) {
            self.used.insert((config.file.clone(), at));
            is_ignored = true;
        }
        is_ignored
    }

    /// Returns a finding for each comment and each `[[ignore]]` that silenced nothing. `judged` tells of which rules that is known
    /// under a config, and `complete` whether all files of a config were read.
    pub fn unused_ignores(
        &self,
        is_evaluated: &dyn Fn(&Config, &str) -> bool,
        complete: &dyn Fn(&Config) -> bool,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (path, file) in &self.files {
            let config = self.configs.for_findings_in(path);
            findings.extend(file.unused_ignores(&|rule| is_evaluated(&config, rule)));
        }
        for config in self.configs.known_configs().iter().filter(|config| complete(config)) {
            let Some(source) = &config.source else { continue };
            for (at, ConfigIgnore { rule, span, .. }) in config.ignores.iter().enumerate() {
                let is_used = self.used.contains(&(config.file.clone(), at));
                if !is_used && rule != UNUSED_IGNORE_RULE && is_evaluated(config, rule) {
                    let (named, rules) = (slice::from_ref(rule), &[rule.as_str()][..]);
                    let unused = UnusedIgnore {
                        source,
                        span: *span,
                        named_rules: named,
                        unused_rules: rules,
                        is_entirely_unused: true,
                        fix: Vec::new(),
                    };
                    findings.extend(finding(unused));
                }
            }
        }
        findings
    }
}

fn rule_kind(rule: &str) -> Option<&'static RuleKind> {
    rules::find(rule).map(|rule| &rule.kind)
}

fn finding(unused: UnusedIgnore<'_>) -> Option<Finding> {
    let check = RULES.iter().find_map(|rule| match rule.kind {
        RuleKind::Ignore(check) => Some(check),
        _ => None,
    });
    check.map(|check| check(unused))
}
