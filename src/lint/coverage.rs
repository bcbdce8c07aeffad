//! Coverage: the rules that a run evaluated, and the files for which it did. Only there, a missing
//! finding means that there is no problem.
//!
//! An ignore comment is reported as unused, and a baseline entry as stale, only if the run would
//! have reported the finding.

use crate::diagnostics::rule_id::RuleId;
use crate::document::directives::{Directive, DirectiveKind};
use crate::lint::analysis::Analysis;
use crate::lint::baseline;
use crate::lint::rules::{self, RuleKind};
use crate::lint::settings::Settings;
use crate::project::config::{Config, Level};
use crate::text::source::SourceFile;
use crate::zenml::keywords::REGISTERED_SCHEME;
use std::collections::HashMap;

/// The extent of a run.
pub(super) struct Coverage<'k> {
    pub(super) settings: &'k Settings<'k>,
    /// Whether the run met no failures.
    pub(super) all_answered: bool,
    /// Whether every stack file was read.
    pub(super) all_files_read: bool,
    /// Whether the types of all referenced values are known.
    pub(super) types_known: bool,
}

impl Coverage<'_> {
    /// Returns whether all files of a config were read.
    pub(super) fn is_complete(&self, config: &Config) -> bool {
        self.all_files_read && self.settings.covers(config)
    }

    /// Returns whether the run evaluated a rule for all files of a config.
    pub(super) fn is_evaluated(&self, config: &Config, rule: RuleId) -> bool {
        let settings = self.settings;
        let is_looked_up = |minimum| settings.level.lowest(config) >= minimum && self.all_answered;
        if rules::get(rule).severity_in(&config.rules).is_none() {
            return false;
        }
        match (rules::get(rule).kind(), rule) {
            // A finding may be in an environment that this run does not use.
            (RuleKind::Reference, _) if !config.uses_all_environments() => false,
            (RuleKind::Reference, RuleId::UnknownSecret) => is_looked_up(Level::SecretExists),
            (RuleKind::Reference, RuleId::UnknownKey) => is_looked_up(Level::SecretAndKeyExists),
            (RuleKind::Reference, RuleId::UnusableValue) => {
                is_looked_up(Level::SecretAndKeyExists) && self.types_known
            }
            // Only some stores reveal empty values or duplicate names.
            (RuleKind::Reference, _) => false,
            (RuleKind::Inventory, _) => {
                is_looked_up(Level::SecretExists) && self.is_complete(config)
            }
            (RuleKind::Leak, _) => settings.leaks && self.all_answered,
            (RuleKind::Component, _) => self.has_read_servers(),
            _ => true,
        }
    }

    /// Returns whether the run read the components of all servers.
    pub(super) fn has_read_servers(&self) -> bool {
        self.settings.registered.is_some() && self.all_answered
    }

    /// Returns whether the run would have reported the finding of a baseline entry if it still
    /// existed.
    pub(super) fn would_find(
        &self,
        entry: &baseline::BaselineEntry,
        files: &HashMap<&str, &Analysis>,
    ) -> bool {
        let config = self.settings.configs.for_findings_in(&entry.absolute_path);
        let is_complete = self.is_complete(&config);
        if entry.path.starts_with(REGISTERED_SCHEME) {
            let rule = entry.rule.parse::<RuleId>().ok();
            return self.has_read_servers()
                && rule.is_none_or(|rule| self.is_evaluated(&config, rule));
        }
        if !entry.exists && is_complete {
            return true;
        }
        let file = files.get(entry.path.as_str());
        let is_read = match file {
            Some(file) => !file.stacks.is_empty() || file.findings.is_empty(),
            // The file exists but was not read: it is excluded, ignored by git, or an unused
            // inventory.
            None if entry.exists && !self.reads_other_file(entry) => false,
            None => is_complete && self.all_answered,
        };
        let Ok(rule) = entry.rule.parse::<RuleId>() else {
            return is_read;
        };
        let finds_unused_ignores = || self.evaluates_all_ignores(&config, file.copied());
        is_read
            && (rule != RuleId::UnusedIgnore || finds_unused_ignores())
            && self.is_evaluated(&config, rule)
    }

    /// Returns whether the run evaluated every rule that an ignore comment of a file may name.
    fn evaluates_all_ignores(&self, config: &Config, file: Option<&Analysis>) -> bool {
        let Settings {
            level,
            honor_ignores,
            leaks,
            ..
        } = *self.settings;
        let leaks = leaks || file.is_some_and(|file| !file.directives.iter().any(names_leak_rule));
        level.lowest(config) == Level::SecretAndKeyExists
            && config.uses_all_environments()
            && honor_ignores
            && self.settings.covers(config)
            && leaks
            && self.all_answered
    }

    /// Returns whether the run reads the file of an entry even though it is not a stack file: with
    /// `--leaks` any text file, and otherwise the configs and the inventories in use.
    fn reads_other_file(&self, entry: &baseline::BaselineEntry) -> bool {
        let Settings {
            configs,
            inventories,
            ..
        } = self.settings;
        let is_leak = entry.rule == RuleId::LeakedValue.name();
        let is_of_entry = |source: &SourceFile| source.repository_path() == entry.path;
        let mut comments = inventories
            .in_use()
            .filter_map(|(_, inventory)| inventory.comments());
        is_leak
            || comments.any(|comments| is_of_entry(comments.source))
            || configs
                .known_configs()
                .iter()
                .filter_map(|config| config.source.as_ref())
                .any(|source| is_of_entry(source))
    }
}

/// Returns whether a comment ignores `leaked-value`, so that only `--leaks` can find it unused.
fn names_leak_rule(directive: &Directive) -> bool {
    matches!(&directive.kind, DirectiveKind::Ignore(names) if names.iter().any(|name| name == RuleId::LeakedValue.name()))
}
