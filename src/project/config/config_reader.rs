//! Reads typed values of a config and collects the mistakes in them.
//!
//! It does not know which keys a config has. See [`super::sections`] and
//! [`super::inventory_tables`].

use super::globs::{Globs, GlobsBuilder, UnmatchableGlob};
use crate::diagnostics::error::Failure;
use crate::diagnostics::rule_id::RuleId;
use crate::text::escape::escape_control;
use crate::text::nearest::nearest;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::path::PathBuf;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value of the config with its location.
pub type Value<'i> = Spanned<DeValue<'i>>;

/// Reads the values of a config. Collects every mistake instead of stopping at the first one.
pub struct ConfigReader<'s> {
    pub source: &'s RedactedSource,
    /// The folder of the config.
    pub folder: PathBuf,
    /// The mistakes, in the order in which they were found.
    pub failures: Vec<Failure>,
    /// The warnings, each with its location.
    pub warnings: Vec<String>,
    /// The inventories that environments and `[[stacks]]` name.
    pub named_inventories: Vec<NamedSpan>,
    /// The environments that `[[stacks]]` names.
    pub named_environments: Vec<NamedSpan>,
}

/// A name in a config, and its location.
pub struct NamedSpan {
    pub name: String,
    pub span: Span,
}

impl<'s> ConfigReader<'s> {
    /// Creates a reader of the config in a folder.
    pub fn new(source: &'s RedactedSource, folder: PathBuf) -> Self {
        Self {
            source,
            folder,
            failures: Vec::new(),
            warnings: Vec::new(),
            named_inventories: Vec::new(),
            named_environments: Vec::new(),
        }
    }
}

impl ConfigReader<'_> {
    /// Reports the keys that an array table such as `[[stacks]]` must contain but does not.
    pub fn require_keys(&mut self, table: &DeTable<'_>, span: Span, name: &str, keys: &[&str]) {
        for key in keys
            .iter()
            .filter(|key| !table.iter().any(|(known, _)| known.get_ref() == *key))
        {
            self.fail(span, format!("this `[[{name}]]` has no `{key}`"), None);
        }
    }

    /// Parses the name of a rule. Reports a rule that does not exist and returns `None`.
    pub fn rule(&mut self, name: &str, span: Span) -> Option<RuleId> {
        let rule = name.parse().ok();
        if rule.is_none() {
            let names: Vec<&str> = RuleId::ALL.iter().map(|rule| rule.name()).collect();
            self.fail(
                span,
                format!("unknown rule `{name}`"),
                nearest_help(name, &names, "rules"),
            );
        }
        rule
    }

    /// Reads a list of globs. A glob that cannot match any file only causes a warning.
    pub fn globs(&mut self, value: &Value<'_>, key: &str) -> Globs {
        let mut globs = GlobsBuilder::new();
        for (text, span) in self.strings(value, key) {
            match globs.add(&text, &self.folder) {
                Ok(None) => {}
                Ok(Some(glob)) => self.warn_unmatchable(key, &text, span, &glob),
                Err(message) => self.fail(span, message, None),
            }
        }
        globs.build().unwrap_or_else(|message| {
            self.fail(value.span().into(), message, None);
            Globs::default()
        })
    }

    /// Warns about a glob that cannot match any file.
    fn warn_unmatchable(&mut self, key: &str, text: &str, span: Span, glob: &UnmatchableGlob) {
        let line = self.source.position(span.start).line;
        let path = self.source.path();
        let correct = glob
            .correct
            .as_ref()
            .map_or_else(String::new, |correct| format!("; write `{correct}`"));
        let warning = format!(
            "{path}:{line}: `{text}` in `{key}` matches no file: {}{correct}",
            glob.reason
        );
        self.warnings.push(escape_control(&warning));
    }

    /// Reads a string or a list of strings, each with its location.
    pub fn strings(&mut self, value: &Value<'_>, key: &str) -> Vec<(String, Span)> {
        match value.get_ref() {
            DeValue::String(text) => vec![(text.to_string(), value.span().into())],
            DeValue::Array(items) => {
                let strings = items
                    .iter()
                    .filter_map(|item| Some((self.string(item, key)?, item.span().into())));
                strings.collect()
            }
            _ => {
                self.wrong_type(value, key, "a list of strings");
                Vec::new()
            }
        }
    }

    /// Reads a string. Returns `None` after a mistake.
    pub fn string(&mut self, value: &Value<'_>, key: &str) -> Option<String> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(text.to_string());
        }
        self.wrong_type(value, key, "a string");
        None
    }

    /// Reads a string that must be one of the `allowed` ones. Returns `None` after a mistake.
    pub fn choice<T>(
        &mut self,
        value: &Value<'_>,
        key: &str,
        allowed: &[&str],
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let quoted = allowed
            .iter()
            .map(|allowed| format!("\"{allowed}\""))
            .collect::<Vec<_>>()
            .join(", ");
        let DeValue::String(text) = value.get_ref() else {
            self.fail(
                value.span().into(),
                format!("`{key}` must be a string"),
                Some(format!("allowed: {quoted}")),
            );
            return None;
        };
        let parsed = parse(text);
        if parsed.is_none() {
            let help = match nearest(text, allowed.iter().copied()) {
                Some(nearest) => format!("did you mean \"{nearest}\"? Allowed: {quoted}"),
                None => format!("allowed: {quoted}"),
            };
            self.fail(
                value.span().into(),
                format!("invalid value `{text}` for `{key}`"),
                Some(help),
            );
        }
        parsed
    }

    /// Reads a table. Returns `None` after a mistake.
    pub fn table<'v, 'i>(&mut self, value: &'v Value<'i>, key: &str) -> Option<&'v DeTable<'i>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(table);
        }
        self.wrong_type(value, key, "a table");
        None
    }

    /// Reads an array of tables, each with its location.
    pub fn tables<'v, 'i>(
        &mut self,
        value: &'v Value<'i>,
        key: &str,
    ) -> Vec<(&'v DeTable<'i>, Span)> {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(value, key, &format!("an array of tables: `[[{key}]]`"));
            return Vec::new();
        };
        let tables = items
            .iter()
            .filter_map(|item| Some((self.table(item, key)?, item.span().into())));
        tables.collect()
    }

    /// Reports that the value of a key must be, for example, "a string".
    pub fn wrong_type(&mut self, value: &Value<'_>, key: &str, expected: &str) {
        self.fail(
            value.span().into(),
            format!("`{key}` must be {expected}"),
            None,
        );
    }

    /// Reports a key that the table must not contain. The top-level table has an empty name.
    pub fn unknown_key(
        &mut self,
        key: &Spanned<toml::de::DeString<'_>>,
        table: &str,
        allowed: &[&str],
    ) {
        let location = if table.is_empty() {
            String::new()
        } else {
            format!(" in `[{table}]`")
        };
        let help = nearest_help(key.get_ref(), allowed, "keys");
        self.fail(
            key.span().into(),
            format!("unknown key `{}`{location}", key.get_ref()),
            help,
        );
    }

    /// Adds a failure for a mistake.
    pub fn fail(&mut self, span: Span, message: impl AsRef<str>, help: Option<String>) {
        let failure = Failure::usage(escape_control(message.as_ref())).at(self.source, span);
        self.failures.push(failure.with_help_if(help));
    }
}

/// Returns the entries of a table in the order of the file.
pub fn entries_in_order<'t, 'i>(
    table: &'t DeTable<'i>,
) -> Vec<(&'t Spanned<toml::de::DeString<'i>>, &'t Value<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// Returns a help text with the nearest allowed name and the list of all of them. `noun` is for
/// example "keys". Returns `None` if there are no allowed names.
pub fn nearest_help(name: &str, allowed: &[&str], noun: &str) -> Option<String> {
    if allowed.is_empty() {
        return None;
    }
    let list = allowed.join(", ");
    Some(match nearest(name, allowed.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`? Known {noun}: {list}"),
        None => format!("known {noun}: {list}"),
    })
}
