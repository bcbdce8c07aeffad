//! Which rules a run evaluated, and for which files: only there does a missing finding mean that there is no problem.
//!
//! An ignore comment or a baseline entry is reported as unused or stale only if its finding would have been found.

use crate::diagnostics::rule_id::RuleId;
use crate::document::directives::{Directive, DirectiveKind};
use crate::lint::analysis::Analysis;
use crate::lint::baseline;
use crate::lint::rules::{self, RuleKind};
use crate::lint::settings::Settings;
use crate::project::config::{Config, Level, RuleLevel};
use crate::text::source::SourceFile;
use std::collections::HashMap;

/// What a run looked at, so that it is known of what there is none.
pub(super) struct Coverage<'k> {
    pub(super) settings: &'k Settings<'k>,
    /// Whether every question had an answer.
    pub(super) all_answered: bool,
    /// Whether every stack file could be read.
    pub(super) all_files_read: bool,
    /// Whether the types of all values behind references are known.
    pub(super) types_known: bool,
}

impl Coverage<'_> {
    /// Returns whether everything that has a config was read.
    pub(super) fn is_complete(&self, config: &Config) -> bool {
        self.all_files_read && self.settings.covers(config)
    }

    /// Returns whether all findings of a rule are known for the files of a config.
    pub(super) fn is_evaluated(&self, config: &Config, rule: RuleId) -> bool {
        let settings = self.settings;
        let is_looked_up = |least| settings.level.for_config(config) >= least && self.all_answered;
        if config.rules.get(&rule) == Some(&RuleLevel::Off) {
            return false;
        }
        match (rules::get(rule).kind(), rule) {
            (RuleKind::Reference, RuleId::UnknownSecret) => is_looked_up(Level::SecretExists),
            (RuleKind::Reference, RuleId::UnknownKey) => is_looked_up(Level::SecretAndKeyExists),
            (RuleKind::Reference, RuleId::UnusableValue) => is_looked_up(Level::SecretAndKeyExists) && self.types_known,
            // Only some stores show empty values or duplicate names.
            (RuleKind::Reference, _) => false,
            (RuleKind::Inventory, _) => is_looked_up(Level::SecretExists) && self.is_complete(config),
            (RuleKind::Leak, _) => settings.leaks && self.all_answered,
            _ => true,
        }
    }

    /// Whether an entry of a baseline would have been found, if it were still there.
    pub(super) fn would_find(&self, entry: &baseline::BaselineEntry, files: &HashMap<&str, &Analysis>) -> bool {
        let config = self.settings.configs.for_findings_in(&entry.absolute_path);
        let whole = self.is_complete(&config);
        if !entry.exists && whole {
            return true;
        }
        let file = files.get(entry.path.as_str());
        let seen = match file {
            Some(file) => !file.stacks.is_empty() || file.findings.is_empty(),
            // A file that exists and was not read: excluded, ignored by git, an inventory that this run does not use.
            None if entry.exists && !self.reads_besides_stacks(entry) => false,
            None => whole && self.all_answered,
        };
        // What is of no use depends on all that can be looked at.
        let Settings { level, honor_ignores: heed_ignores, leaks, .. } = *self.settings;
        let leaks = leaks || file.is_some_and(|file| !file.directives.iter().any(names_leak_rule));
        let everything = level.for_config(&config) == Level::SecretAndKeyExists
            && heed_ignores
            && self.settings.covers(&config)
            && leaks
            && self.all_answered;
        let Ok(rule) = entry.rule.parse::<RuleId>() else { return seen };
        seen && (rule != RuleId::UnusedIgnore || everything) && self.is_evaluated(&config, rule)
    }

    /// Returns whether this run reads the file of an entry that is not a stack file: any text file in search of values, else
    /// the config and the inventories in use.
    fn reads_besides_stacks(&self, entry: &baseline::BaselineEntry) -> bool {
        let Settings { configs, inventories, .. } = self.settings;
        let is_leak = entry.rule == RuleId::LeakedValue.name();
        let is_of_entry = |source: &SourceFile| source.repository_path() == entry.path;
        let mut comments = inventories.in_use().filter_map(|(_, inventory)| inventory.comments());
        is_leak
            || comments.any(|comments| is_of_entry(comments.source))
            || configs
                .known_configs()
                .iter()
                .filter_map(|config| config.source.as_ref())
                .any(|source| is_of_entry(source))
    }
}

/// Returns whether a comment ignores leaked values, so that only `--leaks` shows whether it is needed.
fn names_leak_rule(directive: &Directive) -> bool {
    matches!(&directive.kind, DirectiveKind::Ignore(names) if names.iter().any(|name| name == RuleId::LeakedValue.name()))
}
