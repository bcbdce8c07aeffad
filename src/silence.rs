//! Which findings the comments and the config silence, and which of those silence nothing.

use crate::config::{Config, ConfigIgnore};
use crate::configs::Configs;
use crate::document::Syntax;
use crate::finding::Finding;
use crate::ignore::{Directive, Says};
use crate::inventory::Inventories;
use crate::rules::{self, Check, RULES, Unused};
use crate::scan::Scan;
use crate::source::SourceFile;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;

/// An ignore that names this rule beside another may well have nothing to silence.
const OWN_RULE: &str = "unused-ignore";

/// The rule that does not apply to snapshots, so that an ignore for it may have been of use before.
const NOT_OF_SNAPSHOTS: &str = "unused-secret";

/// All that may silence a finding, and what of it did.
pub struct Silencer<'s> {
    configs: &'s Configs,
    files: HashMap<&'s Path, Spoken<'s>>,
    /// Which `[[ignore]]` matched, by config file and index.
    used: BTreeSet<(Option<PathBuf>, usize)>,
}

/// A file, and the comments in it.
struct Spoken<'s> {
    source: &'s Arc<SourceFile>,
    directives: &'s [Directive],
    /// Indices of directives by the line that they speak of.
    by_line: HashMap<usize, Vec<usize>>,
    /// Which directives silenced a finding of which rule.
    used: BTreeSet<(usize, &'static str)>,
    /// Whether the findings of a rule on a line are silenced, as far as that was looked up: a line may have thousands of
    /// findings, and of comments.
    silenced: HashMap<(usize, &'static str), bool>,
    /// The lines of which a scalar rule spoke, so that no other of these and no reference rule did.
    scalars: HashSet<usize>,
    /// The lines of which a reference rule spoke, so that no other of these did.
    references: HashSet<usize>,
    /// For a stack file: the lines of literal scalars that hold braces.
    literals: Option<&'s BTreeSet<usize>>,
    /// Whether comments may be taken out of it. An inventory is written by its owner alone, and of a script not all is read.
    mends: bool,
    /// Whether it is a snapshot, to which [`NOT_OF_SNAPSHOTS`] does not apply.
    is_snapshot: bool,
}

impl<'s> Spoken<'s> {
    fn new(source: &'s Arc<SourceFile>, directives: &'s [Directive]) -> Self {
        let mut by_line: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, directive) in directives.iter().enumerate() {
            by_line.entry(directive.line).or_default().push(at);
        }
        let (used, scalars, references) = (BTreeSet::new(), HashSet::new(), HashSet::new());
        let (silenced, literals, mends, is_snapshot) = (HashMap::new(), None, false, false);
        Self { source, directives, by_line, used, silenced, scalars, references, literals, mends, is_snapshot }
    }

    fn silences(&mut self, finding: &Finding) -> bool {
        if self.directives.is_empty() {
            return false;
        }
        let lines: BTreeSet<usize> = [finding.span.start, finding.scalar_start, finding.key_start]
            .map(|at| finding.source.position(at).line)
            .into();
        let mut is_silenced = false;
        for &line in &lines {
            is_silenced |= self.line_silences(line, finding);
        }
        match check_of(finding.rule) {
            Some(Check::Scalar(_)) => self.scalars.extend(lines),
            // A key that is not there says that the secret is.
            Some(Check::Reference(_)) if finding.rule != "unknown-key" => self.references.extend(lines),
            _ => {}
        }
        is_silenced
    }

    /// Whether the comments that speak of a line silence a finding there.
    fn line_silences(&mut self, line: usize, finding: &Finding) -> bool {
        if let Some(&known) = self.silenced.get(&(line, finding.rule)) {
            return known;
        }
        let spoken = self.by_line.get(&line).map(Vec::as_slice).unwrap_or_default();
        let heard = spoken.iter().filter(|&&at| self.directives.get(at).is_some_and(|it| it.silences(finding)));
        let heard: Vec<usize> = heard.copied().collect();
        self.used.extend(heard.iter().map(|&at| (at, finding.rule)));
        self.silenced.insert((line, finding.rule), !heard.is_empty());
        !heard.is_empty()
    }

    /// The directives that silenced nothing, of those rules that were looked at.
    fn unused(&self, judged: &dyn Fn(&str) -> bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (at, directive) in self.directives.iter().enumerate() {
            let names: &[String] = match &directive.says {
                Says::Ignore(names) => names,
                Says::Literal if self.literals.is_some_and(|lines| !lines.contains(&directive.line)) => &[],
                Says::Literal | Says::Bare => continue,
            };
            if names.iter().any(|name| name == OWN_RULE) {
                continue;
            }
            let in_vain = |name: &&str| {
                let used = rules::find(name).is_some_and(|rule| self.used.contains(&(at, rule.name)));
                let open = match check_of(name) {
                    Some(Check::Scalar(_)) => !self.scalars.contains(&directive.line),
                    Some(Check::Reference(_)) => {
                        !self.scalars.contains(&directive.line) && !self.references.contains(&directive.line)
                    }
                    _ => true,
                };
                let applies = !(self.is_snapshot && *name == NOT_OF_SNAPSHOTS);
                open && applies && judged(name) && !used
            };
            let vain: Vec<&str> = names.iter().map(String::as_str).filter(in_vain).collect();
            if vain.is_empty() && !names.is_empty() {
                continue;
            }
            let whole = vain.len() == names.len();
            let fix = self.mends.then(|| directive.removal(self.source, &vain, whole));
            let unused = Unused {
                source: self.source,
                span: directive.head,
                named: names,
                rules: &vain,
                whole,
                fix: Vec::from_iter(fix),
            };
            findings.extend(finding(unused));
        }
        findings
    }
}

impl<'s> Silencer<'s> {
    /// Hears the comments of a scan and of the inventories, and the config.
    pub fn new(scan: &'s Scan, configs: &'s Configs, inventories: &'s Inventories) -> Self {
        let mut files = HashMap::new();
        for comments in inventories.in_use().filter_map(|(_, inventory)| inventory.comments()) {
            let spoken = Spoken::new(comments.source, comments.directives);
            files.insert(comments.path, Spoken { is_snapshot: comments.is_snapshot, ..spoken });
        }
        for file in &scan.files {
            let (literals, mends) = (Some(&file.literals), file.syntax != Syntax::Script);
            files
                .insert(file.path.as_path(), Spoken { literals, mends, ..Spoken::new(&file.source, &file.directives) });
        }
        Self { configs, files, used: BTreeSet::new() }
    }

    /// Whether a finding is silenced. All that speak of it count as used.
    pub fn silences(&mut self, finding: &Finding) -> bool {
        let by_comment = self.files.get_mut(finding.source.location()).is_some_and(|file| file.silences(finding));
        let by_config = self.config_silences(finding);
        by_comment || by_config
    }

    /// Whether an `[[ignore]]` silences a finding.
    pub fn config_silences(&mut self, finding: &Finding) -> bool {
        let attribute = finding.scope.attribute.as_deref();
        let config = self.configs.of_findings_in(finding.source.location());
        let mut is_ignored = false;
        for at in config.ignored_by(finding.source.location(), finding.rule, attribute) {
            self.used.insert((config.file.clone(), at));
            is_ignored = true;
        }
        is_ignored
    }

    /// Returns a finding for each comment and each `[[ignore]]` that silenced nothing. `judged` tells of which rules that is known
    /// under a config, and `complete` whether all files of a config were read.
    pub fn unused(&self, judged: &dyn Fn(&Config, &str) -> bool, complete: &dyn Fn(&Config) -> bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (path, file) in &self.files {
            let config = self.configs.of_findings_in(path);
            findings.extend(file.unused(&|rule| judged(&config, rule)));
        }
        for config in self.configs.known().iter().filter(|config| complete(config)) {
            let Some(source) = &config.source else { continue };
            for (at, ConfigIgnore { rule, span, .. }) in config.ignores.iter().enumerate() {
                let is_used = self.used.contains(&(config.file.clone(), at));
                if !is_used && rule != OWN_RULE && judged(config, rule) {
                    let (named, rules) = (slice::from_ref(rule), &[rule.as_str()][..]);
                    let unused = Unused { source, span: *span, named, rules, whole: true, fix: Vec::new() };
                    findings.extend(finding(unused));
                }
            }
        }
        findings
    }
}

fn check_of(rule: &str) -> Option<&'static Check> {
    rules::find(rule).map(|rule| &rule.check)
}

fn finding(unused: Unused<'_>) -> Option<Finding> {
    let check = RULES.iter().find_map(|rule| match rule.check {
        Check::Ignore(check) => Some(check),
        _ => None,
    });
    check.map(|check| check(unused))
}
