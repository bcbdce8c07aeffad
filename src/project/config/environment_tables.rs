//! Reads `[environment.NAME]`, and the environments and inventories that `[[stacks]]` names.

use super::config_reader::{ConfigReader, NamedSpan, Value, entries_in_order, nearest_help};
use super::environment_config::{EnvironmentConfig, RouteTarget};
use super::{Config, LEVELS, Level, StackRoute};
use crate::text::source::Span;
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// The keys of `[environment.NAME]`.
const ENVIRONMENT_KEYS: [&str; 3] = ["inventory", "variables", "level"];

/// The keys of `[[stacks]]`.
const STACKS_KEYS: [&str; 3] = ["files", "inventory", "environment"];

/// The number of characters in the name of an environment. Longer names make tables unreadable.
const MAX_NAME_CHARS: usize = 64;

impl ConfigReader<'_> {
    /// Reads all environments.
    pub fn environments(&mut self, value: &Value<'_>, config: &mut Config) {
        let Some(table) = self.table(value, "environment") else {
            return;
        };
        // `[environment]` with the keys of one environment: its name was forgotten.
        if table.iter().any(|(name, value)| {
            name.get_ref() == "inventory" && !matches!(value.get_ref(), DeValue::Table(_))
        }) {
            self.fail(
                value.span().into(),
                "this environment has no name",
                Some("write `[environment.NAME]`".to_owned()),
            );
            return;
        }
        for (name, value) in entries_in_order(table) {
            let span = name.span().into();
            if !is_environment_name(name.get_ref()) {
                let message = format!("invalid environment name `{}`", name.get_ref());
                let help = "use letters, digits, `-` and `_`: the name appears in messages and in the names of files";
                self.fail(span, message, Some(help.to_owned()));
            }
            let environment = self.environment(name.get_ref(), span, value);
            config.environments.extend(environment);
        }
    }

    fn environment(
        &mut self,
        name: &str,
        span: Span,
        value: &Value<'_>,
    ) -> Option<EnvironmentConfig> {
        let key = format!("environment.{name}");
        let table = self.table(value, &key)?;
        let mut environment = EnvironmentConfig {
            name: name.to_owned(),
            inventory: Vec::new(),
            variables: BTreeMap::new(),
            level: None,
            level_span: None,
            is_selected: true,
        };
        let mut has_inventory = false;
        for (entry, value) in entries_in_order(table) {
            match entry.get_ref().as_ref() {
                "inventory" => {
                    has_inventory = true;
                    environment.inventory = self.inventory_names(value);
                    if matches!(value.get_ref(), DeValue::Array(items) if items.is_empty()) {
                        let message = format!("the environment `{name}` names no inventory");
                        self.fail(value.span().into(), message, None);
                    }
                }
                "variables" => environment.variables = self.variables(value),
                "level" => {
                    environment.level_span = Some(value.span().into());
                    environment.level = self.choice(value, "level", &LEVELS, Level::parse);
                }
                _ => self.unknown_key(entry, &key, &ENVIRONMENT_KEYS),
            }
        }
        if !has_inventory {
            let help = format!("for example `inventory = [\"{name}\"]`");
            self.fail(span, format!("`[{key}]` has no `inventory`"), Some(help));
        }
        Some(environment)
    }

    /// Reads the values of variables.
    fn variables(&mut self, value: &Value<'_>) -> BTreeMap<String, String> {
        let Some(table) = self.table(value, "variables") else {
            return BTreeMap::new();
        };
        let mut variables = BTreeMap::new();
        for (name, value) in entries_in_order(table) {
            if !is_variable_name(name.get_ref()) {
                let message = format!("`{}` is not the name of a variable", name.get_ref());
                let help = "write the name without `$` and braces, for example `ENV`".to_owned();
                self.fail(name.span().into(), message, Some(help));
            }
            let text = self.string(value, name.get_ref());
            variables.extend(text.map(|text| (name.get_ref().to_string(), text)));
        }
        variables
    }

    /// Reads `[[stacks]]`.
    pub fn routes(&mut self, value: &Value<'_>, config: &mut Config) {
        for (table, span) in self.tables(value, "stacks") {
            let (mut files, mut target) = (None, None);
            for (key, value) in entries_in_order(table) {
                match key.get_ref().as_ref() {
                    "files" => files = Some(self.globs(value, "files")),
                    "inventory" | "environment" if target.is_some() => {
                        let message = "this `[[stacks]]` has both `inventory` and `environment`";
                        let help =
                            "keep one of them: an environment names its inventories".to_owned();
                        self.fail(key.span().into(), message, Some(help));
                    }
                    "inventory" => {
                        target = Some(RouteTarget::Inventories(self.inventory_names(value)));
                    }
                    "environment" => {
                        target = Some(RouteTarget::Environments(self.environment_names(value)));
                    }
                    _ => self.unknown_key(key, "stacks", &STACKS_KEYS),
                }
            }
            self.require_keys(table, span, "stacks", &["files"]);
            self.require_target(table, span);
            if let (Some(files), Some(target)) = (files, target) {
                config.routes.push(StackRoute {
                    files,
                    span,
                    target,
                });
            }
        }
    }

    /// Reports an entry of `[[stacks]]` that names neither inventories nor environments.
    fn require_target(&mut self, table: &DeTable<'_>, span: Span) {
        let is_target = |key: &str| matches!(key, "inventory" | "environment");
        if !table.iter().any(|(key, _)| is_target(key.get_ref())) {
            let message = "this `[[stacks]]` has no `inventory` and no `environment`";
            self.fail(span, message, None);
        }
    }

    /// Reads the names of inventories, which are checked after the whole config is read.
    fn inventory_names(&mut self, value: &Value<'_>) -> Vec<String> {
        let mut names = Vec::new();
        for (name, span) in self.strings(value, "inventory") {
            names.push(name.clone());
            self.named_inventories.push(NamedSpan { name, span });
        }
        names
    }

    /// Reads the names of environments, which are checked after the whole config is read.
    fn environment_names(&mut self, value: &Value<'_>) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (name, span) in self.strings(value, "environment") {
            self.named_environments.push(NamedSpan {
                name: name.clone(),
                span,
            });
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Reports the inventories and environments that are named but not configured. One with a mistake
    /// counts as configured: the mistake is reported.
    pub fn check_names(&mut self, table: &DeTable<'_>) {
        let inventories = names_below(table, "inventory");
        let environments = names_below(table, "environment");
        let named = std::mem::take(&mut self.named_inventories);
        self.check_known(named, &inventories, "inventory", "inventories");
        let named = std::mem::take(&mut self.named_environments);
        self.check_known(named, &environments, "environment", "environments");
    }

    fn check_known(&mut self, named: Vec<NamedSpan>, known: &[&str], table: &str, noun: &str) {
        for NamedSpan { name, span } in named {
            if !known.contains(&name.as_str()) {
                let help = nearest_help(&name, known, noun);
                self.fail(span, format!("no `[{table}.{name}]` is configured"), help);
            }
        }
    }
}

/// Returns the names of the tables below a key, in the order of the file.
fn names_below<'t>(table: &'t DeTable<'_>, key: &str) -> Vec<&'t str> {
    let Some(DeValue::Table(table)) = table.get(key).map(Value::get_ref) else {
        return Vec::new();
    };
    let entries = entries_in_order(table).into_iter();
    entries.map(|(name, _)| name.get_ref().as_ref()).collect()
}

/// Returns whether a text can be the name of an environment: also that of a file, on every system.
fn is_environment_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    !name.is_empty() && name.chars().count() <= MAX_NAME_CHARS && name.chars().all(is_allowed)
}

/// Returns whether a text can be the name of a variable in a shell, in Python or in Terraform.
fn is_variable_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !name.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && !name.is_empty()
        && name.chars().all(is_allowed)
}
