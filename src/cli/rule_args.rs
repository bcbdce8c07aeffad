//! `--select` and `--ignore`: the rules of a run. They override `[rules]` of the config.

use super::headings::RULE_SELECTION;
use crate::diagnostics::finding::Severity;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::rules::{self, RULES, Rule, RuleKind};
use crate::project::config::{Config, RuleLevel};
use crate::text::escape::escape_control;
use crate::text::nearest::nearest;
use clap::Args;

/// The rule that runs even if `--select` does not name it: a file that cannot be parsed must not
/// look clean.
const ALWAYS_SELECTED: RuleId = RuleId::SyntaxError;

/// The rules that the flags turn on and off.
#[derive(Clone, Debug, Default, Args)]
pub struct RuleSelection {
    /// Run only these rules (comma-separated; repeatable)
    ///
    /// Overrides `[rules]` of the config: a rule that is off there, or off by default, runs with
    /// its default severity. `syntax-error` always runs, unless `--ignore` names it.
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = parse_rule, help_heading = RULE_SELECTION)]
    pub select: Vec<RuleId>,
    /// Do not run these rules (comma-separated; repeatable)
    ///
    /// Overrides `[rules]` of the config, and `--select`. An ignore comment for a rule that does
    /// not run is never reported as unused.
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = parse_rule, help_heading = RULE_SELECTION)]
    pub ignore: Vec<RuleId>,
}

impl RuleSelection {
    /// Applies the selection to the levels of the config.
    pub fn apply(&self, config: &mut Config) {
        for rule in RULES {
            let level = config.rules.get(&rule.id);
            if self.deselects(rule) {
                config.rules.insert(rule.id, RuleLevel::Off);
            } else if self.select.contains(&rule.id)
                && level.is_none_or(|level| *level == RuleLevel::Off)
            {
                config.rules.insert(rule.id, default_level(rule));
            }
        }
    }

    /// Returns the flag that turns off every rule that needs an inventory; `None` if such a rule is
    /// on, or if the config alone turns them off.
    pub fn flag_disabling_lookups(&self, config: &Config) -> Option<&'static str> {
        let mut rules = RULES.into_iter().filter(|rule| needs_inventory(rule));
        if rules.any(|rule| config.rules.get(&rule.id) != Some(&RuleLevel::Off)) {
            return None;
        }
        match (self.select.as_slice(), self.ignore.as_slice()) {
            ([], []) => None,
            ([], _) => Some("--ignore"),
            _ => Some("--select"),
        }
    }

    fn deselects(&self, rule: &Rule) -> bool {
        let is_selected =
            self.select.is_empty() || self.select.contains(&rule.id) || rule.id == ALWAYS_SELECTED;
        !is_selected || self.ignore.contains(&rule.id)
    }
}

fn needs_inventory(rule: &Rule) -> bool {
    matches!(
        rule.kind(),
        RuleKind::Reference | RuleKind::Inventory | RuleKind::Leak
    )
}

fn default_level(rule: &Rule) -> RuleLevel {
    match rule.severity {
        Severity::Warning => RuleLevel::Warning,
        Severity::Error => RuleLevel::Error,
    }
}

/// Parses the name of a rule. The error for an unknown name suggests the nearest rule.
fn parse_rule(name: &str) -> Result<RuleId, String> {
    let name = name.trim();
    name.parse()
        .map_err(|_| match nearest(name, rules::names()) {
            Some(near) => format!(
                "no rule is named `{}`; did you mean `{near}`?",
                escape_control(name)
            ),
            None => "`stackref explain` lists the rules".to_owned(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(select: &[RuleId], ignore: &[RuleId], config: &[(RuleId, RuleLevel)]) -> Config {
        let rules = config.iter().copied().collect();
        let mut config = Config {
            rules,
            ..Config::default()
        };
        RuleSelection {
            select: select.to_vec(),
            ignore: ignore.to_vec(),
        }
        .apply(&mut config);
        config
    }

    #[test]
    fn select_enables_only_its_rules_and_syntax_error() {
        let config = levels(
            &[RuleId::UnknownKey, RuleId::UnusedSecret],
            &[],
            &[(RuleId::UnusedSecret, RuleLevel::Off)],
        );
        let level = |rule| config.rules.get(&rule).copied();
        assert_eq!(level(RuleId::UnusedSecret), Some(RuleLevel::Warning));
        assert_eq!(
            (level(RuleId::UnknownKey), level(RuleId::UnknownSecret)),
            (Some(RuleLevel::Error), Some(RuleLevel::Off))
        );
        assert_eq!(level(RuleId::SyntaxError), None);
        let on = config
            .rules
            .values()
            .filter(|level| **level != RuleLevel::Off)
            .count();
        assert_eq!((on, config.rules.len()), (2, RULES.len() - 1));
    }

    #[test]
    fn ignore_overrides_select_and_severity_of_config_is_kept() {
        let config = levels(
            &[RuleId::UnknownKey],
            &[],
            &[(RuleId::UnknownKey, RuleLevel::Warning)],
        );
        assert_eq!(
            config.rules.get(&RuleId::UnknownKey),
            Some(&RuleLevel::Warning)
        );
        let config = levels(
            &[RuleId::UnknownKey],
            &[RuleId::UnknownKey, RuleId::SyntaxError],
            &[],
        );
        assert!(
            config.rules.len() == RULES.len()
                && config.rules.values().all(|level| *level == RuleLevel::Off)
        );
        assert!(levels(&[], &[], &[]).rules.is_empty());
    }

    #[test]
    fn misspelled_rule_suggests_nearest_and_unknown_rule_does_not() {
        assert_eq!(parse_rule(" unknown-key"), Ok(RuleId::UnknownKey));
        assert!(
            parse_rule("unknwn-key")
                .is_err_and(|error| error.contains("did you mean `unknown-key`?"))
        );
        assert!(parse_rule("").is_err() && parse_rule("E501").is_err());
    }
}
