//! Completion in `stackref.toml`: tables, keys and values, from the schema of the config.

use super::completion::{Completed, CompletedItems, fits};
use super::config_cursor::{ConfigCursor, ConfigOutline, CursorKind};
use super::config_schema::{ConfigNode, SchemaKey};
use crate::text::source::Span;

/// The tables whose names the user chooses. Keys of the same name refer to them.
const NAMED_TABLES: [&str; 2] = ["inventory", "environment"];

/// Returns the items for the cursor in a config. Returns `None` if there are none.
pub fn config_items(text: &str, offset: usize) -> Option<CompletedItems> {
    let outline = ConfigOutline::read(text, offset);
    let cursor = outline.cursor.as_ref()?;
    let config = ConfigText {
        text,
        outline: &outline,
        cursor,
        span: replaced_span(text, offset, cursor),
    };
    let items = match &cursor.kind {
        CursorKind::Header { before, is_array } => config.headers(before, *is_array)?,
        CursorKind::Key(before) => config.keys(before)?,
        CursorKind::Value(path) => config.values(path)?,
    };
    let typed = text.get(config.span.start..offset)?;
    let items = items.into_iter().filter(|item| fits(typed, &item.label));
    Some(CompletedItems {
        items: items.collect(),
        span: config.span,
        ..CompletedItems::default()
    })
}

/// Returns the text that an item replaces. In a string that is not closed, it ends with the word.
fn replaced_span(text: &str, offset: usize, cursor: &ConfigCursor) -> Span {
    let is_open = cursor.quote.is_some_and(|(_, is_closed)| !is_closed);
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let after = text.get(offset..cursor.span.end).unwrap_or_default();
    let word = after.find(|c| !is_word(c)).unwrap_or(after.len());
    let end = if is_open {
        offset + word
    } else {
        cursor.span.end
    };
    Span::new(cursor.span.start, end)
}

/// A config and the cursor in it.
struct ConfigText<'t> {
    text: &'t str,
    outline: &'t ConfigOutline,
    cursor: &'t ConfigCursor,
    span: Span,
}

impl ConfigText<'_> {
    /// Returns the text after the cursor in its line.
    fn rest_of_line(&self) -> &str {
        let rest = self.text.get(self.span.end..).unwrap_or_default();
        rest.lines().next().unwrap_or_default().trim()
    }

    /// Returns the tables or arrays of tables below the parts of a header.
    fn headers(&self, before: &[String], is_array: bool) -> Option<Vec<Completed>> {
        let node = ConfigNode::root().at(before)?;
        let closing = if is_array { "]]" } else { "]" };
        let has_closing = self.rest_of_line().starts_with(']');
        let closing = if has_closing { "" } else { closing };
        let keys = node.keys().into_iter();
        let is_wanted = |key: &SchemaKey| {
            if is_array {
                key.node.is_array_of_tables()
            } else {
                key.node.is_table()
            }
        };
        let mut items: Vec<Completed> = keys
            .filter(is_wanted)
            .map(|key| {
                let end = if key.node.has_free_names() {
                    "."
                } else {
                    closing
                };
                described(
                    key.name,
                    key.node.description(),
                    format!("{}{end}", key.name),
                )
            })
            .collect();
        if let [table] = before
            && NAMED_TABLES.contains(&table.as_str())
        {
            let known = self.outline.names_below(table);
            let mut named = self.outline.values_of(table);
            named.sort_unstable();
            named.dedup();
            let missing = named.into_iter().filter(|name| !known.contains(name));
            items.extend(
                missing
                    .filter(|name| is_bare_key(name))
                    .map(|name| described(name, None, format!("{name}{closing}"))),
            );
        }
        Some(items)
    }

    /// Returns the keys of the table below the parts of a key. Tables of the whole config have
    /// headers.
    fn keys(&self, before: &[String]) -> Option<Vec<Completed>> {
        let node = ConfigNode::root().at(before)?;
        let node = node.with_kind(self.outline.kind(self.cursor));
        let others = self.outline.other_keys(self.cursor, before);
        let assignment = if self.rest_of_line().starts_with('=') {
            ""
        } else {
            " = "
        };
        let is_in_root = before.is_empty();
        let keys = node.keys().into_iter().filter(|key| {
            let has_header = key.node.is_table() || key.node.is_array_of_tables();
            let is_offered = !is_in_root || !has_header;
            is_offered && !others.contains(&key.name)
        });
        let items = keys.map(|key| {
            let text = format!("{}{assignment}", key.name);
            described(key.name, key.node.description(), text)
        });
        Some(items.collect())
    }

    /// Returns the values of a key.
    fn values(&self, path: &[String]) -> Option<Vec<Completed>> {
        let (key, table) = path.split_last()?;
        let node = ConfigNode::root().at(table)?;
        let node = node.with_kind(self.outline.kind(self.cursor).filter(|_| key != "kind"));
        let values = node.at(std::slice::from_ref(key))?.values().into_iter();
        // ZenML's spelling of the levels is accepted, but not suggested.
        let values = values.filter(|value| value.text.contains(|c: char| c.is_lowercase()));
        let mut items: Vec<Completed> = values
            .filter_map(|value| {
                let text = self.written(&value.text, value.is_string)?;
                Some(described(&value.text, value.description, text))
            })
            .collect();
        if !table.is_empty() && NAMED_TABLES.contains(&key.as_str()) {
            let names = self.outline.names_below(key).into_iter();
            items.extend(names.filter_map(|name| {
                let text = self.written(name, true)?;
                Some(described(name, None, text))
            }));
        }
        Some(items)
    }

    /// Returns a value with the quotes that are missing. Returns `None` for a value that does not
    /// belong into the string at the cursor, or needs escapes.
    fn written(&self, value: &str, is_string: bool) -> Option<String> {
        if value.contains(|c: char| c.is_control() || matches!(c, '"' | '\'' | '\\')) {
            return None;
        }
        match (self.cursor.quote, is_string) {
            (Some(_), false) => None,
            (Some((_, true)), true) | (None, false) => Some(value.to_owned()),
            (Some((quote, false)), true) => Some(format!("{value}{quote}")),
            (None, true) => Some(format!("\"{value}\"")),
        }
    }
}

fn is_bare_key(name: &str) -> bool {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !name.is_empty() && name.chars().all(is_bare)
}

fn described(label: &str, description: Option<&str>, text: String) -> Completed {
    Completed {
        label: label.to_owned(),
        text: Some(text),
        documentation: description.map(str::to_owned),
        ..Completed::default()
    }
}

/// Returns the description of the table, key or value at an offset, and its span.
pub fn config_description(text: &str, offset: usize) -> Option<(String, Span)> {
    let outline = ConfigOutline::read(text, offset);
    let cursor = outline.cursor.as_ref()?;
    let word = text.get(cursor.span.start..cursor.span.end)?;
    let root = ConfigNode::root();
    let kind = outline.kind(cursor);
    let description = match &cursor.kind {
        CursorKind::Header { before, .. } => {
            let node = root.at(before)?.at(&[word.to_owned()])?;
            node.description()?.to_owned()
        }
        CursorKind::Key(before) => {
            let node = root.at(before)?.with_kind(kind).at(&[word.to_owned()])?;
            let values = node.values().into_iter();
            let values = values.filter(|value| value.text.contains(|c: char| c.is_lowercase()));
            let values: Vec<String> = values.map(|value| format!("`{}`", value.text)).collect();
            let description = node.description()?;
            if values.is_empty() {
                description.to_owned()
            } else {
                format!("{description}\n\nValues: {}", values.join(", "))
            }
        }
        CursorKind::Value(path) => {
            let (key, table) = path.split_last()?;
            let node = root.at(table)?.at(std::slice::from_ref(key))?;
            let mut values = node.values().into_iter();
            let value = values.find(|value| value.text == word)?;
            value.description?.to_owned()
        }
    };
    Some((description, cursor.span))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Returns the texts after each item is applied at `|`.
    fn complete(text: &str) -> Vec<String> {
        let offset = text.find('|').unwrap();
        let text = text.replace('|', "");
        let items = config_items(&text, offset).unwrap_or_default();
        let applied = items.items.into_iter().map(|item| {
            let mut text = text.clone();
            text.replace_range(items.span.start..items.span.end, &item.text.unwrap());
            text
        });
        applied.collect()
    }

    #[test]
    fn keys_of_the_table_are_offered_once() {
        for (text, expected) in [
            ("res|", &["resolver = "][..]),
            ("res| = \"zenml\"", &["resolver = \"zenml\""]),
            (
                "[environment.x]\ninventory = 'a'\n|",
                &[
                    "[environment.x]\ninventory = 'a'\nlevel = ",
                    "[environment.x]\ninventory = 'a'\nvariables = ",
                ],
            ),
            (
                "[inventory.a]\npre|\nkind = \"env\"",
                &["[inventory.a]\nprefix = \nkind = \"env\""],
            ),
            ("[inventory.a]\nurl|\nkind = \"env\"", &[]),
            ("[unknown]\n|", &[]),
        ] {
            assert_eq!(complete(text), expected, "{text}");
        }
    }

    #[test]
    fn values_get_the_quotes_that_are_missing() {
        for (text, expected) in [
            (
                "resolver = |",
                &["resolver = \"zenml\"", "resolver = \"render\""][..],
            ),
            ("resolver = \"re|", &["resolver = \"render\""]),
            ("resolver = 're|'", &["resolver = 'render'"]),
            (
                "[files]\nsources = [\"stac|]",
                &["[files]\nsources = [\"stacks\"]"],
            ),
            (
                "[rules]\nunknown-key = |\n",
                &[
                    "[rules]\nunknown-key = \"off\"\n",
                    "[rules]\nunknown-key = \"warning\"\n",
                    "[rules]\nunknown-key = \"error\"\n",
                ],
            ),
            (
                "[[ignore]]\nrule = \"unu-v|\"",
                &["[[ignore]]\nrule = \"unusable-value\""],
            ),
            (
                "[inventory.a]\nkind = \"va|",
                &["[inventory.a]\nkind = \"vault\""],
            ),
            (
                "[inventory.a]\nkind = 'zenml'\nallow_http = t|",
                &["[inventory.a]\nkind = 'zenml'\nallow_http = true"],
            ),
            ("level = no|", &["level = \"none\""]),
            (
                "[environment.e]\ninventory = [|]\n[inventory.a]",
                &["[environment.e]\ninventory = [\"a\"]\n[inventory.a]"],
            ),
        ] {
            let found = complete(text);
            let found: Vec<&str> = found.iter().map(String::as_str).collect();
            let found = if expected.is_empty() {
                &[]
            } else {
                found.as_slice()
            };
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn headers_are_offered_with_their_brackets() {
        for (text, expected) in [
            (
                "[|",
                &["[environment.", "[files]", "[inventory.", "[rules]"][..],
            ),
            ("[fi|]", &["[files]"]),
            ("[[|", &["[[ignore]]", "[[stacks]]"]),
            (
                "[environment.x]\ninventory = \"db\"\n[inventory.|",
                &["[environment.x]\ninventory = \"db\"\n[inventory.db]"],
            ),
        ] {
            assert_eq!(complete(text), expected, "{text}");
        }
    }

    #[test]
    fn descriptions_are_those_of_the_schema() {
        for (text, word, expected) in [
            ("le|vel = 'none'", "level", "How much stackref"),
            ("level = 'no|ne'", "none", "Query nothing"),
            ("[fi|les]", "files", "Which files stackref reads"),
            (
                "[inventory.a]\nkind = 'env'\npre|fix = 'x'",
                "prefix",
                "The prefix",
            ),
            ("[rules]\nunknown-|key = 'off'", "unknown-key", ""),
        ] {
            let offset = text.find('|').unwrap();
            let text = text.replace('|', "");
            let (description, span) = config_description(&text, offset).unwrap();
            assert_eq!(&text[span.start..span.end], word);
            assert!(description.starts_with(expected), "{description}");
        }
        assert_eq!(config_description("level = 'other'", 10), None);
        assert_eq!(config_description("x = 1", 0), None);
    }
}
