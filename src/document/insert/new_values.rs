//! Writes new values and names in the syntax of a document.

use crate::document::{Document, Syntax, json, toml, yaml};
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

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

impl NewValue<'_> {
    /// Returns the maximum length with every character escaped. A buffer of this size never grows,
    /// which would leave a copy of the value in memory.
    pub(super) fn max_len(&self) -> usize {
        match self {
            Self::Text(text) => 8 * text.len() + 8,
            Self::Names(names) => names.iter().map(|name| 8 * name.len() + 8).sum(),
            Self::Map(entries) => entries
                .iter()
                .map(|(key, text)| 8 * (key.len() + text.len()) + 256)
                .sum(),
        }
    }
}

impl Document {
    /// Returns a value on one line.
    pub(super) fn inline_value(&self, value: &NewValue<'_>) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(value.max_len() + 8));
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

    fn quote_text(&self, text: &str) -> Zeroizing<String> {
        match self.syntax() {
            Syntax::Yaml => yaml::quote_text(text),
            Syntax::Toml => toml::quote_text(text),
            Syntax::Json | Syntax::Script => json::quote_text(text),
        }
    }

    /// Returns a name as an item of a list.
    pub(super) fn quote_item(&self, name: &str, flow: bool) -> Zeroizing<String> {
        if self.syntax() == Syntax::Toml {
            toml::quote_text(name)
        } else {
            self.quote_name(name, flow)
        }
    }

    /// Returns a name as a key.
    pub(super) fn quote_name(&self, name: &str, flow: bool) -> Zeroizing<String> {
        match self.syntax() {
            Syntax::Yaml => yaml::key(name, flow),
            Syntax::Toml => toml::key(name),
            Syntax::Json | Syntax::Script => json::quote_text(name),
        }
    }
}

/// Returns the content of an inventory file without values: a list of keys for each name. Each name
/// has its own line, so that diffs are small.
pub fn format_name_map(syntax: Syntax, entries: &BTreeMap<String, BTreeSet<String>>) -> String {
    let lines = entries.iter().map(|(name, items)| {
        let item = |item: &String| match syntax {
            Syntax::Yaml => yaml::key(item, true).to_string(),
            Syntax::Toml => toml::quote_text(item).to_string(),
            Syntax::Json | Syntax::Script => json::quote_text(item).to_string(),
        };
        let items = items.iter().map(item).collect::<Vec<_>>().join(", ");
        match syntax {
            Syntax::Yaml => format!("{}: [{items}]\n", *yaml::key(name, false)),
            Syntax::Toml => format!("{} = [{items}]\n", *toml::key(name)),
            Syntax::Json | Syntax::Script => format!("  {}: [{items}]", *json::quote_text(name)),
        }
    });
    match syntax {
        Syntax::Json | Syntax::Yaml if entries.is_empty() => "{}\n".to_owned(),
        Syntax::Json => format!("{{\n{}\n}}\n", lines.collect::<Vec<_>>().join(",\n")),
        _ => lines.collect(),
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    #[test]
    fn a_buffer_for_values_never_grows() {
        for (text, syntax) in [
            ("{}", Syntax::Yaml),
            ("", Syntax::Toml),
            ("{}", Syntax::Json),
        ] {
            let document =
                Document::parse(Arc::new(SourceFile::new("a", text)), syntax).expect("it parses");
            for value in [
                String::new(),
                "\u{1}".repeat(1000),
                "\u{10ffff}".repeat(1000),
            ] {
                let (names, pairs) = ([value.as_str(); 3], [(value.as_str(), value.as_str()); 3]);
                for new_value in [
                    NewValue::Text(&value),
                    NewValue::Names(&names),
                    NewValue::Map(&pairs),
                ] {
                    let out = document.inline_value(&new_value);
                    assert_eq!(
                        out.capacity(),
                        new_value.max_len() + 8,
                        "the buffer has grown, and left a copy of a value in memory"
                    );
                }
            }
        }
    }
}
