//! Which findings the comments and the config silence, and which of those silence nothing.

use crate::config::{Config, ConfigIgnore};
use crate::finding::Finding;
use crate::ignore::{Directive, Says};
use crate::inventory::Inventories;
use crate::rules::{self, Check, RULES, Unused};
use crate::scan::Scan;
use crate::source::SourceFile;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

/// All that may silence a finding, and what of it did.
pub struct Silencer<'s> {
    config: &'s Config,
    /// By the reported path.
    files: HashMap<&'s str, Spoken<'s>>,
    /// Which `[[ignore]]` matched, by index.
    used: BTreeSet<usize>,
}

/// A file, and the comments in it.
struct Spoken<'s> {
    path: &'s Path,
    directives: &'s [Directive],
    /// Indices of directives by the line that they speak of.
    by_line: HashMap<usize, Vec<usize>>,
    /// Which directives silenced a finding of which rule.
    used: BTreeSet<(usize, &'static str)>,
    /// For a stack file: its text, and the lines of literal scalars that hold braces.
    stack: Option<(&'s Arc<SourceFile>, &'s BTreeSet<usize>)>,
}

impl<'s> Spoken<'s> {
    fn new(path: &'s Path, directives: &'s [Directive]) -> Self {
        let mut by_line: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, directive) in directives.iter().enumerate() {
            by_line.entry(directive.line).or_default().push(at);
        }
        Self { path, directives, by_line, used: BTreeSet::new(), stack: None }
    }

    fn silences(&mut self, finding: &Finding) -> bool {
        if self.directives.is_empty() {
            return false;
        }
        let lines: BTreeSet<usize> =
            [finding.span.start, finding.scalar_start].map(|at| finding.source.position(at).line).into();
        let spoken = lines.iter().filter_map(|line| self.by_line.get(line)).flatten();
        let heard = spoken.filter(|&&at| self.directives.get(at).is_some_and(|directive| directive.silences(finding)));
        let heard: Vec<usize> = heard.copied().collect();
        self.used.extend(heard.iter().map(|&at| (at, finding.rule)));
        !heard.is_empty()
    }

    /// The directives that silenced nothing, of those rules that were looked at.
    fn unused(&self, judged: &dyn Fn(&str) -> bool) -> Vec<Finding> {
        let Some((source, literals)) = self.stack else { return Vec::new() };
        let mut findings = Vec::new();
        for (at, directive) in self.directives.iter().enumerate() {
            let names = match &directive.says {
                Says::Ignore(names) => names,
                Says::Literal => {
                    if !literals.contains(&directive.line) {
                        let fix = vec![directive.removal(source, &[], true)];
                        findings.extend(unused(Unused { source, span: directive.span, rules: &[], whole: true, fix }));
                    }
                    continue;
                }
                Says::Bare => continue,
            };
            // Named beside another rule, it says that the other may well have nothing to silence.
            if names.iter().any(|name| name == "unused-ignore") {
                continue;
            }
            let in_vain = |name: &&str| {
                let used = self.used.iter().any(|&(by, rule)| by == at && rule == *name);
                rules::find(name).is_some() && judged(name) && !used
            };
            let vain: Vec<&str> = names.iter().map(String::as_str).filter(in_vain).collect();
            if !vain.is_empty() {
                let whole = vain.len() == names.len();
                let fix = vec![directive.removal(source, &vain, whole)];
                findings.extend(unused(Unused { source, span: directive.span, rules: &vain, whole, fix }));
            }
        }
        findings
    }
}

impl<'s> Silencer<'s> {
    /// Hears the comments of a scan and of the inventories, and the config.
    pub fn new(scan: &'s Scan, config: &'s Config, inventories: &'s Inventories) -> Self {
        let mut files = HashMap::new();
        for found in &scan.leaked {
            files.insert(found.source.path(), Spoken::new(&found.path, &[]));
        }
        for comments in inventories.in_use().filter_map(|(_, inventory)| inventory.comments()) {
            files.insert(comments.source.path(), Spoken::new(comments.path, comments.directives));
        }
        for file in &scan.files {
            let stack = Some((&file.source, &file.literals));
            files.insert(file.source.path(), Spoken { stack, ..Spoken::new(&file.path, &file.directives) });
        }
        Self { config, files, used: BTreeSet::new() }
    }

    /// Whether a finding is silenced. All that speak of it count as used.
    pub fn silences(&mut self, finding: &Finding) -> bool {
        let Some(file) = self.files.get_mut(finding.source.path()) else { return false };
        let by_comment = file.silences(finding);
        let attribute = finding.scope.attribute.as_deref();
        let matching: Vec<usize> = self.config.ignored_by(file.path, finding.rule, attribute).collect();
        self.used.extend(&matching);
        by_comment || !matching.is_empty()
    }

    /// What silenced nothing. `judged` says of which rules that can be told; `whole_tree` whether of the config, too.
    pub fn unused(&self, judged: &dyn Fn(&str) -> bool, whole_tree: bool) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.files.values().flat_map(|file| file.unused(judged)).collect();
        let Some(source) = self.config.source.as_ref().filter(|_| whole_tree) else { return findings };
        for (at, ConfigIgnore { rule, span, .. }) in self.config.ignores.iter().enumerate() {
            if !self.used.contains(&at) && judged(rule) {
                let unused_here = Unused { source, span: *span, rules: &[rule], whole: true, fix: Vec::new() };
                findings.extend(unused(unused_here));
            }
        }
        findings
    }
}

fn unused(unused: Unused<'_>) -> Option<Finding> {
    let check = RULES.iter().find_map(|rule| match rule.check {
        Check::Ignore(check) => Some(check),
        _ => None,
    });
    check.map(|check| check(unused))
}
