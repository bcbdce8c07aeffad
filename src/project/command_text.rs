//! Commands as messages show them: quoted for a shell, and without words that look like
//! credentials.

use crate::zenml::flavors::has_sensitive_name;

/// Returns a command as text, quoted for a POSIX shell.
pub fn quote_command(command: &[String]) -> String {
    command
        .iter()
        .map(|word| quote_word(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Quotes a word for a POSIX shell if necessary.
pub fn quote_word(word: &str) -> String {
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Returns whether a shell takes a character literally.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:=@%+,-{}".contains(c)
}

/// Replaces each word of a command that looks like a credential with `***`, for example in
/// `--token=…`, `-u me:…`, `API_KEY=…` and `Bearer …`. Also redacts words in the script of a shell.
pub fn redact_command(command: &[String]) -> Vec<String> {
    let mut redactor = WordRedactor::default();
    command
        .iter()
        .map(|text| redactor.redact_text(text))
        .collect()
}

/// Redacts the words of a command, one after the other.
#[derive(Default)]
struct WordRedactor {
    /// Whether the next word is a credential, since this one is an option such as `--token`.
    is_next_credential: bool,
}

impl WordRedactor {
    /// Redacts the words of a text and keeps its whitespace.
    fn redact_text(&mut self, text: &str) -> String {
        let pieces = text.split_inclusive(char::is_whitespace).map(|piece| {
            let word = piece.trim_end();
            let whitespace = piece.get(word.len()..).unwrap_or_default();
            if word.is_empty() {
                piece.to_owned()
            } else {
                format!("{}{whitespace}", self.redact_word(word))
            }
        });
        pieces.collect()
    }

    fn redact_word(&mut self, word: &str) -> String {
        let is_credential =
            std::mem::take(&mut self.is_next_credential) && !matches!(word, "{secret}" | "{key}");
        let (name, value) = word.split_once(['=', ':']).unwrap_or((word, ""));
        let key = name
            .trim_matches(|c: char| !c.is_alphanumeric())
            .replace('-', "_")
            .to_ascii_lowercase();
        let names_credential =
            ["u", "user", "authorization"].contains(&key.as_str()) || has_sensitive_name(&key);
        if key == "bearer" || key == "basic" {
            self.is_next_credential = true;
            return word.to_owned();
        }
        let is_option = name.starts_with('-') || !value.is_empty() || word.ends_with([':', '=']);
        match word.rsplit_once('@') {
            _ if is_credential => "***".to_owned(),
            Some((address, host)) if address.contains("://") => {
                let scheme = address
                    .get(..address.find("://").unwrap_or_default() + 3)
                    .unwrap_or_default();
                format!("{scheme}***@{host}")
            }
            _ if names_credential && is_option && !value.is_empty() => {
                format!("{}***", word.get(..=name.len()).unwrap_or_default())
            }
            _ => {
                self.is_next_credential = names_credential && is_option;
                word.to_owned()
            }
        }
    }
}
