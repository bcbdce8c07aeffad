//! Names that look alike but differ in their code points: Cyrillic and full-width letters,
//! characters without width, and composed (NFC) or decomposed (NFD) accents.

/// The most code points that a description lists.
const MAX_LISTED: usize = 6;

/// Returns a name in a form that is equal for all names that look alike: in lower case, without
/// accents and characters without width, and with ASCII letters for similar letters.
pub fn fold_lookalikes(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    name.to_lowercase()
        .chars()
        .filter(|&c| !is_hidden(c))
        .map(ascii_of)
        .collect()
}

/// Describes the code points in which a name differs from another one, for example ` (with U+043E,
/// Cyrillic)`. Returns an empty text if all of them are ASCII, since that difference is visible.
pub fn describe_difference(name: &str, other: &str) -> String {
    let prefix: usize = name
        .chars()
        .zip(other.chars())
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    let (name, other) = (
        name.get(prefix..).unwrap_or_default(),
        other.get(prefix..).unwrap_or_default(),
    );
    let ends = name.chars().rev().zip(other.chars().rev());
    let suffix: usize = ends
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    let differing = name.get(..name.len() - suffix).unwrap_or_default();
    let counterpart = other.get(..other.len() - suffix).unwrap_or_default();
    if differing.is_empty() || (differing.is_ascii() && counterpart.is_ascii()) {
        return String::new();
    }
    // A combining accent is listed together with the ASCII letter before it.
    let has_accents = differing
        .chars()
        .chain(counterpart.chars())
        .any(is_combining_accent);
    describe_chars(differing.chars().filter(|c| !c.is_ascii() || has_accents))
}

/// Describes the code points of a name that look like other ones. Returns an empty text for a name
/// without them.
pub fn describe_suspicious(name: &str) -> String {
    let has_ascii = name.contains(|c: char| c.is_ascii_alphabetic());
    describe_chars(name.chars().filter(|&c| is_suspicious(c, has_ascii)))
}

/// Returns whether a character looks like another one. A letter of another script is suspicious
/// only next to ASCII letters.
fn is_suspicious(c: char, has_ascii: bool) -> bool {
    is_hidden(c)
        || matches!(c, '\u{ff01}'..='\u{ff5e}')
        || (has_ascii && ascii_of(c) != c && script(c).is_some())
}

fn describe_chars(chars: impl Iterator<Item = char>) -> String {
    let mut seen: Vec<char> = Vec::new();
    for c in chars {
        if !seen.contains(&c) {
            seen.push(c);
        }
    }
    let listed = seen.iter().take(MAX_LISTED).map(|&c| match script(c) {
        Some(script) => format!("U+{:04X}, {script}", u32::from(c)),
        None => format!("U+{:04X}", u32::from(c)),
    });
    let list = listed.collect::<Vec<_>>().join("; ");
    match seen.len().saturating_sub(MAX_LISTED) {
        _ if seen.is_empty() => String::new(),
        0 => format!(" (with {list})"),
        more => format!(" (with {list} and {more} more)"),
    }
}

/// Returns whether a character has no width or is an accent on the letter before it.
fn is_hidden(c: char) -> bool {
    crate::zenml::grammar::is_invisible(c) || is_combining_accent(c)
}

fn is_combining_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Returns the script of a character, or another reason why it is unusual. Returns `None` for all
/// other characters.
fn script(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{300}'..='\u{36f}' => "a combining accent",
        '\u{370}'..='\u{3ff}' => "Greek",
        '\u{400}'..='\u{52f}' => "Cyrillic",
        '\u{ff01}'..='\u{ff5e}' => "full-width",
        _ if crate::zenml::grammar::is_invisible(c) => "invisible",
        _ => return None,
    })
}

/// Returns the ASCII character that a character looks like, in lower case, or the character itself.
fn ascii_of(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => u8::try_from(u32::from(c) - 0xfee0)
            .map_or(c, |byte| char::from(byte).to_ascii_lowercase()),
        'а' | 'α' | 'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'в' | 'ь' => 'b',
        'с' | 'ϲ' | 'ç' => 'c',
        'ԁ' => 'd',
        'е' | 'ё' | 'ε' | 'é' | 'è' | 'ê' | 'ë' => 'e',
        'һ' | 'н' => 'h',
        'і' | 'ї' | 'ι' | 'í' | 'ì' | 'î' | 'ï' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'м' => 'm',
        'п' | 'η' | 'ñ' => 'n',
        'о' | 'ο' | 'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ѵ' | 'ν' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' | 'ý' | 'ÿ' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fold_lookalikes_folds_similar_names_to_one() {
        for name in [
            "mlfl\u{43e}w",
            "ｍｌｆｌｏｗ",
            "ml\u{200b}flow",
            "MLFLOW",
            "mlflo\u{301}w",
            "mlfl\u{f3}w",
        ] {
            assert_eq!(fold_lookalikes(name), "mlflow", "{name}");
        }
        assert_ne!(fold_lookalikes("größe"), fold_lookalikes("grosse"));
    }

    #[test]
    fn describe_difference_lists_code_points() {
        for (name, other, words) in [
            ("mlfl\u{43e}w", "mlflow", " (with U+043E, Cyrillic)"),
            ("mlflow", "mlfl\u{43e}w", ""),
            ("caf\u{e9}", "cafe\u{301}", " (with U+00E9)"),
            (
                "cafe\u{301}",
                "caf\u{e9}",
                " (with U+0065; U+0301, a combining accent)",
            ),
            ("ml\u{200b}flow", "mlflow", " (with U+200B, invisible)"),
            (
                "ｄｂ",
                "db",
                " (with U+FF44, full-width; U+FF42, full-width)",
            ),
            ("passwrod", "password", ""),
            ("größe", "größer", ""),
        ] {
            assert_eq!(describe_difference(name, other), words, "{name} {other}");
        }
        assert_eq!(
            describe_suspicious("mlfl\u{43e}w"),
            " (with U+043E, Cyrillic)"
        );
        assert_eq!(describe_suspicious("größe"), "");
        assert_eq!(describe_suspicious("млфлов"), "", "a word of one script");
    }
}
