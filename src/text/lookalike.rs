//! Names that print alike and differ in their code points: Cyrillic and full-width letters, characters without width, and
//! accents that are composed (NFC) or not (NFD).

/// Code points that a description lists.
const MAX_LISTED: usize = 6;

/// Returns a name as its reader sees it: in lower case, without characters of no width and accents, and with the ASCII letter for
/// each letter that looks like it.
pub fn fold_lookalikes(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    name.to_lowercase().chars().filter(|&c| !is_hidden(c)).map(ascii_of).collect()
}

/// Describes the code points in which a name differs from another one, for example ` (with U+043E, Cyrillic)`. Empty if all of them
/// are ASCII, which anybody can see.
pub fn describe_difference(name: &str, other: &str) -> String {
    let prefix: usize = name.chars().zip(other.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let (name, other) = (name.get(prefix..).unwrap_or_default(), other.get(prefix..).unwrap_or_default());
    let ends = name.chars().rev().zip(other.chars().rev());
    let suffix: usize = ends.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let differing = name.get(..name.len() - suffix).unwrap_or_default();
    let counterpart = other.get(..other.len() - suffix).unwrap_or_default();
    if differing.is_empty() || (differing.is_ascii() && counterpart.is_ascii()) {
        return String::new();
    }
    // An accent of its own is seen only with the letter before it.
    let is_composed = |text: &str| text.chars().any(|c| matches!(c, '\u{300}'..='\u{36f}'));
    let listed = differing.chars().filter(|c| !c.is_ascii() || is_composed(differing) || is_composed(counterpart));
    describe_chars(listed)
}

/// Describes the code points of a name that are not what they look like; empty if there are none.
pub fn describe_suspicious(name: &str) -> String {
    let has_ascii = name.contains(|c: char| c.is_ascii_alphabetic());
    let odd = |&c: &char| {
        is_hidden(c) || matches!(c, '\u{ff01}'..='\u{ff5e}') || (has_ascii && ascii_of(c) != c && script(c).is_some())
    };
    describe_chars(name.chars().filter(odd))
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

/// Returns whether a character has no width, or is an accent on the letter before it.
fn is_hidden(c: char) -> bool {
    crate::zenml::grammar::is_invisible(c) || matches!(c, '\u{300}'..='\u{36f}')
}

/// Returns what a reader should know about a character beside its code point.
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

/// Returns the ASCII character that a character of a name looks like, in lower case; the character itself if there is none.
fn ascii_of(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => {
            u8::try_from(u32::from(c) - 0xfee0).map_or(c, |byte| char::from(byte).to_ascii_lowercase())
        }
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
    fn names_that_print_alike_are_one_to_their_reader() {
        for name in ["mlfl\u{43e}w", "ｍｌｆｌｏｗ", "ml\u{200b}flow", "MLFLOW", "mlflo\u{301}w", "mlfl\u{f3}w"] {
            assert_eq!(fold_lookalikes(name), "mlflow", "{name}");
        }
        assert_ne!(fold_lookalikes("größe"), fold_lookalikes("grosse"));
    }

    #[test]
    fn the_code_points_that_differ_are_listed() {
        for (name, other, words) in [
            ("mlfl\u{43e}w", "mlflow", " (with U+043E, Cyrillic)"),
            ("mlflow", "mlfl\u{43e}w", ""),
            ("caf\u{e9}", "cafe\u{301}", " (with U+00E9)"),
            ("cafe\u{301}", "caf\u{e9}", " (with U+0065; U+0301, a combining accent)"),
            ("ml\u{200b}flow", "mlflow", " (with U+200B, invisible)"),
            ("ｄｂ", "db", " (with U+FF44, full-width; U+FF42, full-width)"),
            ("passwrod", "password", ""),
            ("größe", "größer", ""),
        ] {
            assert_eq!(describe_difference(name, other), words, "{name} {other}");
        }
        assert_eq!(describe_suspicious("mlfl\u{43e}w"), " (with U+043E, Cyrillic)");
        assert_eq!(describe_suspicious("größe"), "");
        assert_eq!(describe_suspicious("млфлов"), "", "a word of one script");
    }
}
