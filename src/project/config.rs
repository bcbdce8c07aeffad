//! `stackref.toml`: found, read, and told apart from what it should be.
//!
//! Every mistake is a diagnostic at its place: unknown keys with the nearest known one, wrong values with those allowed.
//! Globs are relative to the config file.

mod globs;
mod kinds;

pub use globs::Globs;
pub use kinds::{AwsConfig, CommandConfig, InventoryConfig, InventoryKind, TimeLimits, VaultConfig, url_error};

use crate::diagnostics::error::{Failure, io_message};
use crate::document;
use crate::project::repository;
use crate::system::files;
use crate::text::nearest::nearest;
use crate::text::redacted_source::{RedactedSource, Visibility};
use crate::text::source::{SourceFile, Span};
use crate::zenml::grammar::Resolver;
use globs::{GlobsBuilder, UnmatchableGlob};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The largest config, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The name of the config file.
pub const FILE_NAME: &str = "stackref.toml";

/// The names of the inventory file that needs no config.
pub const FALLBACK_NAMES: [&str; 3] = ["secrets.inventory.yaml", "secrets.inventory.toml", "secrets.inventory.json"];

/// How much of the inventory may be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing: no file is opened, no connection made.
    None,
    /// The list of names.
    SecretExists,
    /// Names, and the keys of the referenced secrets.
    #[default]
    SecretAndKeyExists,
}

impl Level {
    /// The names as `ZenML` spells them.
    pub const NAMES: [&str; 3] = ["NONE", "SECRET_EXISTS", "SECRET_AND_KEY_EXISTS"];

    /// Returns the name as the flag and the config spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::SecretExists => "secret-exists",
            Self::SecretAndKeyExists => "secret-and-key-exists",
        }
    }

    /// Reads either spelling: `SECRET_EXISTS` or `secret-exists`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "NONE" | "none" => Some(Self::None),
            "SECRET_EXISTS" | "secret-exists" => Some(Self::SecretExists),
            "SECRET_AND_KEY_EXISTS" | "secret-and-key-exists" => Some(Self::SecretAndKeyExists),
            _ => None,
        }
    }
}

/// What a rule's findings count as, where the config says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleLevel {
    /// Not reported.
    Off,
    /// Reported; the run ends well all the same.
    Warning,
    /// Reported; the run ends with 1.
    Error,
}

/// `[[stacks]]`: which files use which inventories.
#[derive(Clone, Debug)]
pub struct StackRoute {
    files: Globs,
    /// Names of inventories, asked in order.
    pub inventory: Vec<String>,
}

/// `[[ignore]]`: findings that are not reported.
#[derive(Clone, Debug)]
pub struct ConfigIgnore {
    path: Globs,
    /// The rule.
    pub rule: String,
    /// The attribute, or every one.
    pub attribute: Option<String>,
    /// Where the rule is named.
    pub span: Span,
}

/// The config of a run; without a file, the defaults.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The file it was read from.
    pub file: Option<PathBuf>,
    /// The text of that file.
    pub source: Option<Arc<RedactedSource>>,
    /// The folder that globs are relative to.
    pub folder: PathBuf,
    /// `level`.
    pub level: Option<Level>,
    /// The location of the value of `level`.
    pub level_span: Option<Span>,
    /// `resolver`.
    pub resolver: Resolver,
    /// `baseline`, absolute.
    pub baseline: Option<PathBuf>,
    /// `[files] include`; nothing where it is not set.
    pub include: Option<Globs>,
    /// `[files] exclude`.
    pub exclude: Globs,
    /// `[files] scripts`.
    pub scripts: Globs,
    /// `[inventory.NAME]`, in the order of the file.
    pub inventories: Vec<InventoryConfig>,
    /// `[[stacks]]`.
    pub routes: Vec<StackRoute>,
    /// `[[ignore]]`.
    pub ignores: Vec<ConfigIgnore>,
    /// `[rules]`.
    pub rules: BTreeMap<String, RuleLevel>,
    /// What is probably not meant, but no reason to stop: each as a sentence with its location.
    pub warnings: Vec<String>,
}

impl Config {
    /// A path relative to the config's folder, as its globs have it; paths outside stay as they are.
    pub fn relative<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(&self.folder).unwrap_or(path)
    }

    /// Returns whether a path is that of a local inventory, or lies in the folder of one.
    pub fn has_inventory_at(&self, path: &Path) -> bool {
        self.inventories.iter().any(|inventory| match &inventory.kind {
            InventoryKind::File(file) | InventoryKind::Sops(file) => file.as_os_str() == path.as_os_str(),
            InventoryKind::Dir(folder) => path.starts_with(folder),
            _ => false,
        })
    }

    /// Returns where `level` is set, as messages name it: `stackref.toml:6`.
    pub fn level_location(&self) -> Option<String> {
        let (source, span) = self.source.as_ref().zip(self.level_span)?;
        Some(format!("{}:{}", source.path(), source.position(span.start).line))
    }

    /// The same config, which findings show with another path than the failures of reading it.
    #[must_use]
    pub fn with_display_path(self, path: &str) -> Self {
        let source = self.source.map(|source| RedactedSource::with_path(source, path));
        Self { source, ..self }
    }

    /// The inventories that the first matching `[[stacks]]` names for a file.
    pub fn route(&self, path: &Path) -> Option<&[String]> {
        let relative = self.relative(path);
        let route = self.routes.iter().find(|route| route.files.is_match(relative))?;
        Some(&route.inventory)
    }

    /// The indices of each `[[ignore]]` that silences a finding.
    pub fn matching_ignores(&self, path: &Path, rule: &str, attribute: Option<&str>) -> impl Iterator<Item = usize> {
        let relative = self.relative(path);
        let matching = self.ignores.iter().enumerate().filter(move |(_, ignore)| {
            ignore.rule == rule
                && ignore.attribute.as_deref().is_none_or(|wanted| attribute == Some(wanted))
                && ignore.path.is_match(relative)
        });
        matching.map(|(at, _)| at)
    }
}

/// Returns the path of a config from the root of its repository.
pub fn repository_path(file: &Path) -> String {
    let folder = file.parent().unwrap_or(Path::new(""));
    let root = repository::nearest_root(folder).unwrap_or_else(|| folder.to_path_buf());
    file.strip_prefix(root).unwrap_or(file).display().to_string()
}

/// Reads a config file. `shown` is its path as reports have it; `known_rules` are the names that `[rules]` may hold.
///
/// # Errors
/// All mistakes of the file, in its order.
pub fn load(file: &Path, display_path: &str, known_rules: &[&str]) -> Result<Config, Vec<Failure>> {
    let bytes = files::read(file, MAX_BYTES).map_err(|error| {
        vec![Failure::usage(format!("cannot read the config `{display_path}`: {}", io_message(&error)))]
    })?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| {
        vec![Failure::usage(format!("the config `{display_path}` is not UTF-8")).with_help("save it as UTF-8")]
    })?;
    parse(text, file, display_path, known_rules)
}

/// Reads the text of a config file.
///
/// # Errors
/// All mistakes of the text, in its order.
pub fn parse(text: String, file: &Path, display_path: &str, known_rules: &[&str]) -> Result<Config, Vec<Failure>> {
    let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
    let source =
        SourceFile::new(display_path, text).with_repository_path(repository_path(file)).with_absolute_path(file);
    let source = Arc::new(source);
    let table = DeTable::parse(source.text()).map_err(|error| {
        let error = document::toml_error(&error, source.text());
        let failure = Failure::usage(format!("`{display_path}` is not valid TOML: {}", error.message));
        let redacted = RedactedSource::new(Arc::clone(&source), Visibility::Guessed);
        vec![failure.at(&redacted, error.span).with_help_if(error.help)]
    })?;
    let redacted = RedactedSource::new(Arc::clone(&source), Visibility::Masked(value_spans(table.get_ref())));
    let mut reader =
        ConfigReader { source: &redacted, folder, failures: Vec::new(), warnings: Vec::new(), known_rules };
    let config = reader.config(table.get_ref());
    if reader.failures.is_empty() {
        let warnings = reader.warnings;
        Ok(Config { file: Some(file.to_path_buf()), source: Some(Arc::clone(&redacted)), warnings, ..config })
    } else {
        Err(reader.failures)
    }
}

/// Returns whether an argument of `--inventory` is the path of a file, whatever the config calls its inventories: it contains a
/// path separator or ends in the extension of an inventory file.
pub fn names_a_file(name: &str) -> bool {
    name.contains(['/', '\\']) || document::Syntax::from_path(Path::new(&name.to_ascii_lowercase())).is_some()
}

type Value<'i> = Spanned<DeValue<'i>>;

/// Walks the spanned table and collects every mistake instead of stopping at the first.
struct ConfigReader<'s> {
    source: &'s RedactedSource,
    folder: PathBuf,
    failures: Vec<Failure>,
    warnings: Vec<String>,
    known_rules: &'s [&'s str],
}

impl ConfigReader<'_> {
    fn config(&mut self, table: &DeTable<'_>) -> Config {
        let mut config = Config { folder: self.folder.clone(), ..Config::default() };
        for (key, value) in entries_in_order(table) {
            match key.get_ref().as_ref() {
                "level" => {
                    config.level_span = Some(value.span().into());
                    config.level =
                        self.choice(value, "level", &["none", "secret-exists", "secret-and-key-exists"], Level::parse);
                }
                "resolver" => {
                    let resolver = self.choice(value, "resolver", &["zenml", "render"], |text| match text {
                        "zenml" => Some(Resolver::Zenml),
                        "render" => Some(Resolver::Render),
                        _ => None,
                    });
                    config.resolver = resolver.unwrap_or_default();
                }
                "baseline" => {
                    let file = self.string(value, "baseline");
                    if file.as_deref() == Some("") {
                        self.fail(value.span().into(), "`baseline` is empty", Some("name a file".to_owned()));
                    }
                    config.baseline = file.map(|file| config.folder.join(file));
                }
                "files" => self.files(value, &mut config),
                "inventory" => self.inventories(value, &mut config),
                "stacks" => self.routes(value, &mut config),
                "ignore" => self.ignores(value, &mut config),
                "rules" => self.rules(value, &mut config),
                _ => {
                    self.unknown_key(
                        key,
                        "",
                        &["level", "resolver", "baseline", "files", "inventory", "stacks", "ignore", "rules"],
                    );
                }
            }
        }
        for route in &config.routes {
            for name in &route.inventory {
                if !config.inventories.iter().any(|inventory| inventory.name == *name) {
                    let known: Vec<_> = config.inventories.iter().map(|inventory| inventory.name.as_str()).collect();
                    let span = find_string(table, name);
                    let help = nearest_help(name, &known, "inventories");
                    self.fail(span, format!("no `[inventory.{name}]` is configured"), help);
                }
            }
        }
        config
    }

    fn files(&mut self, value: &Value<'_>, config: &mut Config) {
        let Some(table) = self.table(value, "files") else { return };
        for (key, value) in entries_in_order(table) {
            match key.get_ref().as_ref() {
                "include" => config.include = Some(self.globs(value, "include")),
                "exclude" => config.exclude = self.globs(value, "exclude"),
                "scripts" => config.scripts = self.globs(value, "scripts"),
                _ => self.unknown_key(key, "files", &["include", "exclude", "scripts"]),
            }
        }
    }

    fn inventories(&mut self, value: &Value<'_>, config: &mut Config) {
        let Some(table) = self.table(value, "inventory") else { return };
        // Each has a name of its own: it was forgotten where the keys of one stand here.
        if table.iter().any(|(name, value)| name.get_ref() == "kind" && matches!(value.get_ref(), DeValue::String(_))) {
            self.fail(value.span().into(), "an inventory without a name", Some("write `[inventory.NAME]`".to_owned()));
            return;
        }
        for (name, value) in entries_in_order(table) {
            if names_a_file(name.get_ref()) {
                let message = format!("the inventory name `{}` reads like the path of a file", name.get_ref());
                let help = "choose a name without `/` and without the extension of an inventory file, for example `dev`: \
                            `--inventory` with a path always means that file";
                self.fail(name.span().into(), message, Some(help.to_owned()));
            }
            let inventory = self.inventory(name.get_ref(), name.span().into(), value, &config.folder);
            config.inventories.extend(inventory);
        }
    }

    fn routes(&mut self, value: &Value<'_>, config: &mut Config) {
        for (table, span) in self.tables(value, "stacks") {
            let (mut files, mut inventory) = (None, None);
            for (key, value) in entries_in_order(table) {
                match key.get_ref().as_ref() {
                    "files" => files = Some(self.globs(value, "files")),
                    "inventory" => {
                        let names = self.strings(value, "inventory");
                        inventory = Some(names.into_iter().map(|(name, _)| name).collect());
                    }
                    _ => self.unknown_key(key, "stacks", &["files", "inventory"]),
                }
            }
            self.require_keys(table, span, "stacks", &["files", "inventory"]);
            if let (Some(files), Some(inventory)) = (files, inventory) {
                config.routes.push(StackRoute { files, inventory });
            }
        }
    }

    fn ignores(&mut self, value: &Value<'_>, config: &mut Config) {
        for (table, span) in self.tables(value, "ignore") {
            let (mut path, mut rule, mut attribute, mut named) = (None, None, None, span);
            for (key, value) in entries_in_order(table) {
                match key.get_ref().as_ref() {
                    "path" => path = Some(self.globs(value, "path")),
                    "rule" => {
                        rule = self.string(value, "rule");
                        named = value.span().into();
                        if let Some(name) = rule.as_deref() {
                            self.check_rule_name(name, value.span().into());
                        }
                    }
                    "attribute" => attribute = self.string(value, "attribute"),
                    "reason" => drop(self.string(value, "reason")),
                    _ => self.unknown_key(key, "ignore", &["path", "rule", "attribute", "reason"]),
                }
            }
            self.require_keys(table, span, "ignore", &["path", "rule"]);
            if let (Some(path), Some(rule)) = (path, rule) {
                config.ignores.push(ConfigIgnore { path, rule, attribute, span: named });
            }
        }
    }

    fn rules(&mut self, value: &Value<'_>, config: &mut Config) {
        let Some(table) = self.table(value, "rules") else { return };
        for (key, value) in entries_in_order(table) {
            self.check_rule_name(key.get_ref(), key.span().into());
            let level = self.choice(value, key.get_ref(), &["off", "warning", "error"], |text| match text {
                "off" => Some(RuleLevel::Off),
                "warning" => Some(RuleLevel::Warning),
                "error" => Some(RuleLevel::Error),
                _ => None,
            });
            if let Some(level) = level {
                config.rules.insert(key.get_ref().to_string(), level);
            }
        }
    }

    fn require_keys(&mut self, table: &DeTable<'_>, span: Span, name: &str, keys: &[&str]) {
        for key in keys.iter().filter(|key| !table.iter().any(|(known, _)| known.get_ref() == *key)) {
            self.fail(span, format!("this `[[{name}]]` has no `{key}`"), None);
        }
    }

    fn check_rule_name(&mut self, name: &str, span: Span) {
        if !self.known_rules.contains(&name) {
            let help = nearest_help(name, self.known_rules, "rules");
            self.fail(span, format!("no rule is named `{name}`"), help);
        }
    }

    fn globs(&mut self, value: &Value<'_>, key: &str) -> Globs {
        let mut globs = GlobsBuilder::new();
        for (text, span) in self.strings(value, key) {
            match globs.add(&text, &self.folder) {
                Ok(None) => {}
                Ok(Some(misfit)) => self.warn_of_unmatchable(key, &text, span, &misfit),
                Err(message) => self.fail(span, message, None),
            }
        }
        globs.build().unwrap_or_else(|message| {
            self.fail(value.span().into(), message, None);
            Globs::default()
        })
    }

    fn warn_of_unmatchable(&mut self, key: &str, text: &str, span: Span, misfit: &UnmatchableGlob) {
        let line = self.source.position(span.start).line;
        let path = self.source.path();
        let correct = misfit.correct.as_ref().map_or_else(String::new, |correct| format!("; write `{correct}`"));
        let warning = format!("{path}:{line}: `{text}` in `{key}` matches no file: {}{correct}", misfit.reason);
        self.warnings.push(crate::diagnostics::excerpt::escape_control(&warning));
    }

    /// A string, or a list of strings.
    fn strings(&mut self, value: &Value<'_>, key: &str) -> Vec<(String, Span)> {
        match value.get_ref() {
            DeValue::String(text) => vec![(text.to_string(), value.span().into())],
            DeValue::Array(items) => {
                let strings = items.iter().filter_map(|item| Some((self.string(item, key)?, item.span().into())));
                strings.collect()
            }
            _ => {
                self.wrong_type(value, key, "a list of strings");
                Vec::new()
            }
        }
    }

    fn string(&mut self, value: &Value<'_>, key: &str) -> Option<String> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(text.to_string());
        }
        self.wrong_type(value, key, "a string");
        None
    }

    /// One of some strings.
    fn choice<T>(
        &mut self,
        value: &Value<'_>,
        key: &str,
        allowed: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let quoted: Vec<String> = allowed.iter().map(|allowed| format!("\"{allowed}\"")).collect();
        let quoted = quoted.join(", ");
        let DeValue::String(text) = value.get_ref() else {
            self.fail(value.span().into(), format!("`{key}` takes a string"), Some(format!("allowed: {quoted}")));
            return None;
        };
        let parsed = parse(text);
        if parsed.is_none() {
            let help = match nearest(text, allowed.iter().copied()) {
                Some(nearest) => format!("did you mean \"{nearest}\"? Allowed: {quoted}"),
                None => format!("allowed: {quoted}"),
            };
            self.fail(value.span().into(), format!("`{text}` is no value for `{key}`"), Some(help));
        }
        parsed
    }

    fn table<'v, 'i>(&mut self, value: &'v Value<'i>, key: &str) -> Option<&'v DeTable<'i>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(table);
        }
        self.wrong_type(value, key, "a table");
        None
    }

    /// An array of tables.
    fn tables<'v, 'i>(&mut self, value: &'v Value<'i>, key: &str) -> Vec<(&'v DeTable<'i>, Span)> {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(value, key, &format!("an array of tables: `[[{key}]]`"));
            return Vec::new();
        };
        let tables = items.iter().filter_map(|item| Some((self.table(item, key)?, item.span().into())));
        tables.collect()
    }

    fn wrong_type(&mut self, value: &Value<'_>, key: &str, wanted: &str) {
        self.fail(value.span().into(), format!("`{key}` takes {wanted}"), None);
    }

    fn unknown_key(&mut self, key: &Spanned<toml::de::DeString<'_>>, table: &str, allowed: &[&str]) {
        let place = if table.is_empty() { String::new() } else { format!(" in `[{table}]`") };
        let help = nearest_help(key.get_ref(), allowed, "keys");
        self.fail(key.span().into(), format!("unknown key `{}`{place}", key.get_ref()), help);
    }

    fn fail(&mut self, span: Span, message: impl AsRef<str>, help: Option<String>) {
        let failure =
            Failure::usage(crate::diagnostics::excerpt::escape_control(message.as_ref())).at(self.source, span);
        self.failures.push(failure.with_help_if(help));
    }
}

/// All values: a diagnostic shows the key or the value that it is about, and its neighbours may be what they should not be.
fn value_spans(table: &DeTable<'_>) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut open: Vec<&Value<'_>> = table.iter().map(|(_, value)| value).collect();
    while let Some(value) = open.pop() {
        match value.get_ref() {
            DeValue::Table(table) => open.extend(table.iter().map(|(_, value)| value)),
            DeValue::Array(items) => open.extend(items.iter()),
            _ => spans.push(value.span().into()),
        }
    }
    spans.sort_unstable();
    spans
}

/// Where a string stands in `[[stacks]] inventory`.
fn find_string(table: &DeTable<'_>, wanted: &str) -> Span {
    let routes = table.iter().find(|(key, _)| key.get_ref() == "stacks");
    let Some(DeValue::Array(routes)) = routes.map(|(_, value)| value.get_ref()) else {
        return Span::default();
    };
    let names = routes.iter().filter_map(|route| match route.get_ref() {
        DeValue::Table(table) => table.iter().find(|(key, _)| key.get_ref() == "inventory").map(|(_, value)| value),
        _ => None,
    });
    let mut strings = names.flat_map(|names| match names.get_ref() {
        DeValue::Array(items) => items.iter().collect(),
        _ => vec![names],
    });
    let found = strings.find(|item| matches!(item.get_ref(), DeValue::String(text) if text == wanted));
    found.map_or_else(Span::default, |item| item.span().into())
}

/// Entries in the order of the file.
fn entries_in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Spanned<toml::de::DeString<'i>>, &'t Value<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn nearest_help(name: &str, allowed: &[&str], what: &str) -> Option<String> {
    if allowed.is_empty() {
        return None;
    }
    let list = allowed.join(", ");
    Some(match nearest(name, allowed.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`? The {what}: {list}"),
        None => format!("the {what}: {list}"),
    })
}
