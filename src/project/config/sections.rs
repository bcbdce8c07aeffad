//! The top-level keys of a config and its tables, except the contents of `[inventory.NAME]`,
//! `[environment.NAME]` and `[[stacks]]`.

use super::config_reader::{ConfigReader, Value, entries_in_order};
use super::{Config, ConfigIgnore, LEVELS, Level, RuleLevel, names_a_file};
use crate::text::source_kind::SourceKind;
use crate::zenml::grammar::Resolver;
use toml::de::{DeTable, DeValue};

/// The keys of the top-level table.
const TOP_LEVEL_KEYS: [&str; 9] = [
    "level",
    "resolver",
    "baseline",
    "files",
    "inventory",
    "environment",
    "stacks",
    "ignore",
    "rules",
];

/// The keys of `[files]`.
const FILES_KEYS: [&str; 4] = ["include", "exclude", "scripts", "sources"];

impl ConfigReader<'_> {
    /// Reads the whole config.
    pub fn config(&mut self, table: &DeTable<'_>) -> Config {
        let mut config = Config {
            folder: self.folder.clone(),
            ..Config::default()
        };
        for (key, value) in entries_in_order(table) {
            match key.get_ref().as_ref() {
                "level" => {
                    config.level_span = Some(value.span().into());
                    config.level = self.choice(value, "level", &LEVELS, Level::parse);
                }
                "resolver" => {
                    let resolver =
                        self.choice(value, "resolver", &["zenml", "render"], parse_resolver);
                    config.resolver = resolver.unwrap_or_default();
                }
                "baseline" => {
                    config.baseline = self.baseline(value).map(|file| config.folder.join(file));
                }
                "files" => self.files(value, &mut config),
                "inventory" => self.inventories(value, &mut config),
                "environment" => self.environments(value, &mut config),
                "stacks" => self.routes(value, &mut config),
                "ignore" => self.ignores(value, &mut config),
                "rules" => self.rules(value, &mut config),
                _ => self.unknown_key(key, "", &TOP_LEVEL_KEYS),
            }
        }
        self.check_names(table);
        config
    }

    fn baseline(&mut self, value: &Value<'_>) -> Option<String> {
        let file = self.string(value, "baseline");
        if file.as_deref() == Some("") {
            let help = "set it to the path of a file".to_owned();
            self.fail(value.span().into(), "`baseline` is empty", Some(help));
        }
        file
    }

    fn files(&mut self, value: &Value<'_>, config: &mut Config) {
        let Some(table) = self.table(value, "files") else {
            return;
        };
        for (key, value) in entries_in_order(table) {
            match key.get_ref().as_ref() {
                "include" => config.include = Some(self.globs(value, "include")),
                "exclude" => config.exclude = self.globs(value, "exclude"),
                "scripts" => config.scripts = self.globs(value, "scripts"),
                "sources" => config.sources = self.sources(value),
                _ => self.unknown_key(key, "files", &FILES_KEYS),
            }
        }
    }

    fn sources(&mut self, value: &Value<'_>) -> Option<Vec<SourceKind>> {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(value, "sources", "a list of strings");
            return None;
        };
        let allowed = SourceKind::ALL.map(SourceKind::name);
        let sources = items
            .iter()
            .filter_map(|item| self.choice(item, "sources", &allowed, SourceKind::parse));
        Some(sources.collect())
    }

    fn inventories(&mut self, value: &Value<'_>, config: &mut Config) {
        let Some(table) = self.table(value, "inventory") else {
            return;
        };
        // `[inventory]` with the keys of one inventory: its name was forgotten.
        if table.iter().any(|(name, value)| {
            name.get_ref() == "kind" && matches!(value.get_ref(), DeValue::String(_))
        }) {
            self.fail(
                value.span().into(),
                "this inventory has no name",
                Some("write `[inventory.NAME]`".to_owned()),
            );
            return;
        }
        for (name, value) in entries_in_order(table) {
            if names_a_file(name.get_ref()) {
                let message = format!(
                    "the inventory name `{}` looks like a file path",
                    name.get_ref()
                );
                let help = "choose a name without `/` and without a file extension, for example `dev`: \
                            `--inventory` treats such a name as the path of a file";
                self.fail(name.span().into(), message, Some(help.to_owned()));
            }
            let inventory =
                self.inventory(name.get_ref(), name.span().into(), value, &config.folder);
            config.inventories.extend(inventory);
        }
    }

    fn ignores(&mut self, value: &Value<'_>, config: &mut Config) {
        for (table, span) in self.tables(value, "ignore") {
            let (mut path, mut rule, mut attribute, mut rule_span) = (None, None, None, span);
            for (key, value) in entries_in_order(table) {
                match key.get_ref().as_ref() {
                    "path" => path = Some(self.globs(value, "path")),
                    "rule" => {
                        rule_span = value.span().into();
                        rule = self
                            .string(value, "rule")
                            .and_then(|name| self.rule(&name, rule_span));
                    }
                    "attribute" => attribute = self.string(value, "attribute"),
                    "reason" => drop(self.string(value, "reason")),
                    _ => self.unknown_key(key, "ignore", &["path", "rule", "attribute", "reason"]),
                }
            }
            self.require_keys(table, span, "ignore", &["path", "rule"]);
            if let (Some(path), Some(rule)) = (path, rule) {
                config.ignores.push(ConfigIgnore {
                    path,
                    rule,
                    attribute,
                    span: rule_span,
                });
            }
        }
    }

    fn rules(&mut self, value: &Value<'_>, config: &mut Config) {
        let Some(table) = self.table(value, "rules") else {
            return;
        };
        for (key, value) in entries_in_order(table) {
            let rule = self.rule(key.get_ref(), key.span().into());
            let level = self.choice(value, key.get_ref(), &RuleLevel::NAMES, RuleLevel::parse);
            config.rules.extend(rule.zip(level));
        }
    }
}

fn parse_resolver(text: &str) -> Option<Resolver> {
    match text {
        "zenml" => Some(Resolver::Zenml),
        "render" => Some(Resolver::Render),
        _ => None,
    }
}
