//! Writes new values and names in the syntax of a document.

use crate::document::{Document, Syntax, json, toml, yaml};
use std::collections::{BTreeMap, BTreeSet};

/// The value of a new entry.
#[derive(Clone, Copy)]
pub enum NewValue<'f> {
    /// A string.
    Text(&'f str),
    /// A list of names.
    Names(&'f [&'f str]),
    /// A mapping of strings.
    Map(&'f [(&'f str, &'f str)]),
}

impl Document {
    /// Returns a value on one line.
    pub(super) fn inline_value(&self, value: &NewValue<'_>) -> String {
        let mut out = String::new();
        let is_toml = self.syntax() == Syntax::Toml;
        match value {
            NewValue::Text(text) => out.push_str(&self.quote_text(text)),
            NewValue::Names(names) => {
                out.push('[');
                for (at, name) in names.iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    out.push_str(&self.quote_item(name, true));
                }
                out.push(']');
            }
            NewValue::Map([]) => out.push_str("{}"),
            NewValue::Map(pairs) => {
                out.push_str(if is_toml { "{ " } else { "{" });
                for (at, (key, text)) in pairs.iter().enumerate() {
                    let (comma, colon) = (
                        if at > 0 { ", " } else { "" },
                        if is_toml { " = " } else { ": " },
                    );
                    for part in [
                        comma,
                        &self.quote_name(key, true),
                        colon,
                        &self.quote_text(text),
                    ] {
                        out.push_str(part);
                    }
                }
                out.push_str(if is_toml { " }" } else { "}" });
            }
        }
        out
    }

    fn quote_text(&self, text: &str) -> String {
        match self.syntax() {
            Syntax::Yaml => yaml::quote_text(text),
            Syntax::Toml => toml::quote_text(text),
            Syntax::Json | Syntax::Script(_) => json::quote_text(text),
        }
    }

    /// Returns a name as an item of a list.
    pub(super) fn quote_item(&self, name: &str, flow: bool) -> String {
        if self.syntax() == Syntax::Toml {
            toml::quote_text(name)
        } else {
            self.quote_name(name, flow)
        }
    }

    /// Returns a name as a key.
    pub(super) fn quote_name(&self, name: &str, flow: bool) -> String {
        match self.syntax() {
            Syntax::Yaml => yaml::key(name, flow),
            Syntax::Toml => toml::key(name),
            Syntax::Json | Syntax::Script(_) => json::quote_text(name),
        }
    }
}

/// Returns the content of an inventory file without values: a list of keys for each name. Each name
/// has its own line, so that diffs are small.
pub fn format_name_map(syntax: Syntax, entries: &BTreeMap<String, BTreeSet<String>>) -> String {
    let lines = entries.iter().map(|(name, items)| {
        let item = |item: &String| match syntax {
            Syntax::Yaml => yaml::key(item, true),
            Syntax::Toml => toml::quote_text(item),
            Syntax::Json | Syntax::Script(_) => json::quote_text(item),
        };
        let items = items.iter().map(item).collect::<Vec<_>>().join(", ");
        match syntax {
            Syntax::Yaml => format!("{}: [{items}]\n", yaml::key(name, false)),
            Syntax::Toml => format!("{} = [{items}]\n", toml::key(name)),
            Syntax::Json | Syntax::Script(_) => format!("  {}: [{items}]", json::quote_text(name)),
        }
    });
    match syntax {
        Syntax::Json | Syntax::Yaml if entries.is_empty() => "{}\n".to_owned(),
        Syntax::Json => format!("{{\n{}\n}}\n", lines.collect::<Vec<_>>().join(",\n")),
        _ => lines.collect(),
    }
}
