//! Parsing of the names that a program prints: a JSON list of strings, or of objects with a `name`.

use crate::inventory::StoreError;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// Parses the output of a program as a list of names.
///
/// # Errors
/// Returns the expected form, and where the output departs from it. The error contains no part of
/// the output, because the output may contain values.
pub(super) fn parse_names(operation: &str, output: &[u8]) -> Result<Vec<String>, StoreError> {
    match serde_json::from_slice::<Vec<ListedName>>(output) {
        Ok(names) => Ok(names.into_iter().map(|name| name.0).collect()),
        Err(error) => {
            let reason = if output.trim_ascii().is_empty() {
                "it is empty".to_owned()
            } else {
                let (line, column) = (
                    error.line(),
                    char_column(output, error.line(), error.column()),
                );
                format!("it is invalid at line {line}, column {column}")
            };
            let form = r#"expected `["name", "name"]` or `[{"name": "name"}]`"#;
            Err(StoreError::Unreachable(format!(
                "{operation}: the output is not a JSON list of names: {reason}; {form}"
            )))
        }
    }
}

/// Converts a column in bytes into a column in characters, from 1.
fn char_column(text: &[u8], line: usize, column: usize) -> usize {
    let line = text
        .split(|&byte| byte == b'\n')
        .nth(line.saturating_sub(1))
        .unwrap_or_default();
    let before = line.get(..column).unwrap_or(line);
    before
        .iter()
        .filter(|&&byte| byte & 0xC0 != 0x80)
        .count()
        .max(1)
}

/// An item of the list: a string, or an object whose `name` is a path with the name as its last
/// part, for example `projects/1/secrets/db`.
struct ListedName(String);

impl<'de> Deserialize<'de> for ListedName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListedNameVisitor)
    }
}

struct ListedNameVisitor;

impl<'de> Visitor<'de> for ListedNameVisitor {
    type Value = ListedName;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<ListedName, E> {
        Ok(ListedName(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<ListedName, A::Error> {
        let mut found = None;
        while let Some(key) = entries.next_key::<String>()? {
            if key == "name" {
                found = Some(entries.next_value::<String>()?);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        let name = found.ok_or_else(|| de::Error::missing_field("name"))?;
        Ok(ListedName(
            name.rsplit('/').next().unwrap_or_default().to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_message(output: &str) -> String {
        match parse_names("names", output.as_bytes()) {
            Err(StoreError::Unreachable(message)) => message,
            _ => String::new(),
        }
    }

    #[test]
    fn error_shows_the_location_and_nothing_of_the_output() {
        for (output, location) in [
            ("", "it is empty"),
            (" \n", "it is empty"),
            ("[\"a\",\n \"b\", 17]", "line 2, column 8"),
            ("[\"ä\", hunter2]", "line 1, column 7"),
            ("{\"hunter2\": 1}", "line 1, column 1"),
            ("[{\"name\": 1}]", "line 1, column 11"),
            ("[\"a\"] hunter2", "line 1, column 7"),
            ("[\"a\"", "line 1, column 4"),
        ] {
            let message = error_message(output);
            assert!(
                message.contains(location) && !message.contains("hunter2"),
                "{output:?}: {message}"
            );
            assert!(
                message.contains("expected `[\"name\", \"name\"]`"),
                "{message}"
            );
        }
    }

    #[test]
    fn names_are_strings_or_the_last_part_of_a_path() {
        assert_eq!(
            parse_names("names", br#"["a", {"x": 1, "name": "projects/1/b"}]"#).ok(),
            Some(vec!["a".into(), "b".into()])
        );
    }
}
