//! Suppressions: which findings the ignore comments and `[[ignore]]` entries suppress, and which of
//! these suppress nothing.

use crate::diagnostics::finding::Finding;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::document::directives::{Directive, DirectiveKind};
use crate::inventory::Inventories;
use crate::lint::rules::{self, RuleKind, Subject, UnusedIgnore};
use crate::lint::scan::Scan;
use crate::project::config::{Config, ConfigIgnore};
use crate::project::configs::Configs;
use crate::text::redacted_source::RedactedSource;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The suppressions of a run, and which of them were used.
pub struct Suppressions<'s> {
    configs: &'s Configs,
    files: HashMap<&'s Path, FileSuppressions<'s>>,
    /// The used `[[ignore]]` entries, by config file and index.
    used: BTreeSet<(Option<PathBuf>, usize)>,
}

/// Returns whether all findings of a rule are known for the files of a config.
pub type IsEvaluated<'f> = &'f dyn Fn(&Config, RuleId) -> bool;

/// The ignore comments of one file.
struct FileSuppressions<'s> {
    source: &'s Arc<RedactedSource>,
    directives: &'s [Directive],
    /// The indices of the directives by the line that they apply to.
    by_line: HashMap<usize, Vec<usize>>,
    /// Which directives suppressed a finding of which rule.
    used: BTreeSet<(usize, RuleId)>,
    /// Whether the findings of a rule on a line are suppressed. A line may have thousands of
    /// findings and comments, so this is computed once.
    suppressed: HashMap<(usize, RuleId), bool>,
    /// The lines with a finding of a scalar rule: no other scalar rule and no reference rule
    /// reports the same scalar.
    scalar_rule_lines: HashSet<usize>,
    /// The lines with a finding of a reference rule: no other reference rule reports the same
    /// reference.
    reference_rule_lines: HashSet<usize>,
    /// In a stack file, the lines of scalars with braces that a `literal` comment applies to.
    literals: Option<&'s BTreeSet<usize>>,
    /// Whether `--fix` may remove comments. Only its owner writes an inventory, and a script is
    /// read in part only.
    can_remove_comments: bool,
    /// Whether the file is a snapshot, to which `unused-secret` does not apply.
    is_snapshot: bool,
}

impl<'s> FileSuppressions<'s> {
    fn new(source: &'s Arc<RedactedSource>, directives: &'s [Directive]) -> Self {
        let mut by_line: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, directive) in directives.iter().enumerate() {
            by_line.entry(directive.line).or_default().push(at);
        }
        Self {
            source,
            directives,
            by_line,
            used: BTreeSet::new(),
            suppressed: HashMap::new(),
            scalar_rule_lines: HashSet::new(),
            reference_rule_lines: HashSet::new(),
            literals: None,
            can_remove_comments: false,
            is_snapshot: false,
        }
    }

    fn suppresses(&mut self, finding: &Finding) -> bool {
        if self.directives.is_empty() {
            return false;
        }
        let starts = [finding.span.start, finding.scalar_start, finding.key_start];
        let lines: BTreeSet<usize> = starts
            .map(|start| finding.source.position(start).line)
            .into();
        let mut is_suppressed = false;
        for &line in &lines {
            is_suppressed |= self.suppresses_on_line(line, finding.rule);
        }
        match rules::get(finding.rule).kind() {
            RuleKind::Scalar => self.scalar_rule_lines.extend(lines),
            // An unknown key means that the secret is known.
            RuleKind::Reference if finding.rule != RuleId::UnknownKey => {
                self.reference_rule_lines.extend(lines);
            }
            _ => {}
        }
        is_suppressed
    }

    /// Returns whether the comments for a line suppress a rule there, and records their use.
    fn suppresses_on_line(&mut self, line: usize, rule: RuleId) -> bool {
        if let Some(&known) = self.suppressed.get(&(line, rule)) {
            return known;
        }
        let on_line = self
            .by_line
            .get(&line)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let suppresses = |at: &usize| {
            self.directives
                .get(*at)
                .is_some_and(|directive| directive.suppresses(rule))
        };
        let matching: Vec<usize> = on_line.iter().copied().filter(suppresses).collect();
        self.used.extend(matching.iter().map(|&at| (at, rule)));
        self.suppressed.insert((line, rule), !matching.is_empty());
        !matching.is_empty()
    }

    /// Returns a finding for each directive that suppressed nothing.
    fn unused_ignores(&self, is_evaluated: &dyn Fn(RuleId) -> bool) -> Vec<FindingBuilder> {
        let mut findings = Vec::new();
        for (at, directive) in self.directives.iter().enumerate() {
            let names: &[String] = match &directive.kind {
                DirectiveKind::Ignore(names) => names,
                DirectiveKind::Literal
                    if self
                        .literals
                        .is_some_and(|lines| !lines.contains(&directive.line)) =>
                {
                    &[]
                }
                DirectiveKind::Literal | DirectiveKind::MissingRules => continue,
            };
            // A comment that also names `unused-ignore` may suppress nothing.
            if names.iter().any(|name| name == RuleId::UnusedIgnore.name()) {
                continue;
            }
            let is_unused = |name: &&str| {
                name.parse()
                    .is_ok_and(|rule| self.is_unused(at, rule, is_evaluated))
            };
            let unused_rules: Vec<&str> =
                names.iter().map(String::as_str).filter(is_unused).collect();
            if unused_rules.is_empty() && !names.is_empty() {
                continue;
            }
            let is_entirely_unused = unused_rules.len() == names.len();
            let removal = || directive.removal(self.source, &unused_rules, is_entirely_unused);
            findings.extend(rules::check(Subject::Ignore(&UnusedIgnore {
                source: self.source,
                span: directive.directive_span,
                named_rules: names,
                unused_rules: &unused_rules,
                is_entirely_unused,
                fix: self.can_remove_comments.then(removal).into_iter().collect(),
            })));
        }
        findings
    }

    /// Returns whether a directive names a rule without need.
    fn is_unused(&self, at: usize, rule: RuleId, is_evaluated: &dyn Fn(RuleId) -> bool) -> bool {
        let Some(line) = self.directives.get(at).map(|directive| directive.line) else {
            return false;
        };
        // Another finding may take precedence over the one that the comment suppresses.
        let is_preceded = match rules::get(rule).kind() {
            RuleKind::Scalar => self.scalar_rule_lines.contains(&line),
            RuleKind::Reference => {
                self.scalar_rule_lines.contains(&line) || self.reference_rule_lines.contains(&line)
            }
            _ => false,
        };
        let applies = !(self.is_snapshot && rule == RuleId::UnusedSecret);
        !is_preceded && applies && is_evaluated(rule) && !self.used.contains(&(at, rule))
    }
}

impl<'s> Suppressions<'s> {
    /// Collects the comments of a scan and of the inventories in use.
    pub fn new(scan: &'s Scan, configs: &'s Configs, inventories: &'s Inventories) -> Self {
        let mut files = HashMap::new();
        for comments in inventories
            .in_use()
            .filter_map(|(_, inventory)| inventory.comments())
        {
            let file = FileSuppressions::new(comments.source, comments.directives);
            files.insert(
                comments.path,
                FileSuppressions {
                    is_snapshot: comments.is_snapshot,
                    ..file
                },
            );
        }
        for analysis in scan.files.iter().filter(|file| file.server.is_none()) {
            let file = FileSuppressions {
                literals: Some(&analysis.literals),
                can_remove_comments: !analysis.syntax.is_script(),
                ..FileSuppressions::new(&analysis.source, &analysis.directives)
            };
            files.insert(analysis.path.as_path(), file);
        }
        Self {
            configs,
            files,
            used: BTreeSet::new(),
        }
    }

    /// Returns whether a finding is suppressed. Every suppression that matches counts as used.
    pub fn suppresses(&mut self, finding: &Finding) -> bool {
        let file = self.files.get_mut(finding.source.absolute_path());
        let by_comment =
            !finding.source.is_registered() && file.is_some_and(|file| file.suppresses(finding));
        let by_config = self.config_suppresses(finding);
        by_comment || by_config
    }

    /// Returns whether an `[[ignore]]` entry suppresses a finding.
    pub fn config_suppresses(&mut self, finding: &Finding) -> bool {
        let path = finding.source.absolute_path();
        let config = self.configs.for_findings_in(path);
        let matching =
            config.matching_ignores(path, finding.rule, finding.scope.attribute.as_deref());
        let mut is_suppressed = false;
        for at in matching {
            self.used.insert((config.file.clone(), at));
            is_suppressed = true;
        }
        is_suppressed
    }

    /// Returns a finding for each ignore comment and `[[ignore]]` entry that suppressed nothing.
    /// `is_complete` returns whether all files of a config were read. Entries about components on
    /// servers may be unused only if `has_servers`: their components were read.
    pub fn unused_ignores(
        &self,
        is_evaluated: IsEvaluated<'_>,
        is_complete: &dyn Fn(&Config) -> bool,
        has_servers: bool,
    ) -> Vec<FindingBuilder> {
        let mut findings = Vec::new();
        for (path, file) in &self.files {
            let config = self.configs.for_findings_in(path);
            findings.extend(file.unused_ignores(&|rule| is_evaluated(&config, rule)));
        }
        for config in self
            .configs
            .known_configs()
            .iter()
            .filter(|config| is_complete(config))
        {
            let may_be_unused =
                |ignore: &ConfigIgnore| has_servers || !ignore.is_about_registered();
            findings.extend(self.unused_config_ignores(config, is_evaluated, &may_be_unused));
        }
        findings
    }

    fn unused_config_ignores(
        &self,
        config: &Config,
        is_evaluated: IsEvaluated<'_>,
        may_be_unused: &dyn Fn(&ConfigIgnore) -> bool,
    ) -> Vec<FindingBuilder> {
        let Some(source) = &config.source else {
            return Vec::new();
        };
        let mut findings = Vec::new();
        for (at, ignore) in config.ignores.iter().enumerate() {
            let &ConfigIgnore { rule, span, .. } = ignore;
            let is_used = self.used.contains(&(config.file.clone(), at));
            let may_be_unused = !is_used && may_be_unused(ignore);
            if may_be_unused && rule != RuleId::UnusedIgnore && is_evaluated(config, rule) {
                findings.extend(rules::check(Subject::Ignore(&UnusedIgnore {
                    source,
                    span,
                    named_rules: &[rule.name().to_owned()],
                    unused_rules: &[rule.name()],
                    is_entirely_unused: true,
                    fix: Vec::new(),
                })));
            }
        }
        findings
    }
}
