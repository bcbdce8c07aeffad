//! The references of `ZenML`, in the simplest form: its two regular expressions, and the steps that
//! it takes to extract the names.
//!
//! A match keeps the set of positions that each part of the expression may have reached in the
//! whole string.

/// `\{\{\s*\S+?\.\S+\s*\}\}`, from 0.40 on.
pub const FROM_0_40: &[Part] = &[
    OPEN,
    OPEN,
    Part::Any(space),
    Part::Some(non_space),
    DOT,
    Part::Some(non_space),
    Part::Any(space),
    CLOSE,
    CLOSE,
];

/// `\{\{\S+?\.\S+\}\}`, before 0.40.
pub const BEFORE_0_40: &[Part] = &[
    OPEN,
    OPEN,
    Part::Some(non_space),
    DOT,
    Part::Some(non_space),
    CLOSE,
    CLOSE,
];

const OPEN: Part = Part::One('{');
const CLOSE: Part = Part::One('}');
const DOT: Part = Part::One('.');

/// A part of a regular expression.
#[derive(Clone, Copy)]
pub enum Part {
    /// A character.
    One(char),
    /// Zero or more characters of a class (`*`). Lazy and greedy parts match the same whole
    /// strings.
    Any(fn(char) -> bool),
    /// One or more characters of a class (`+`).
    Some(fn(char) -> bool),
}

/// Returns whether Python's `\s` matches a character: the characters for which `str.isspace` is
/// true.
fn space(c: char) -> bool {
    matches!(
        u32::from(c),
        0x09..=0x0d | 0x1c..=0x20 | 0x85 | 0xa0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000
    )
}

/// Returns whether Python's `\S` matches a character.
fn non_space(c: char) -> bool {
    !space(c)
}

/// Returns whether a pattern matches the whole text, as Python's `re.fullmatch` does.
pub fn matches(pattern: &[Part], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut positions = vec![0];
    for part in pattern {
        let mut next = Vec::new();
        for position in positions {
            match part {
                Part::One(c) => {
                    next.extend((text.get(position) == Some(c)).then_some(position + 1));
                }
                Part::Any(class) | Part::Some(class) => {
                    let length = text[position..].iter().take_while(|c| class(**c)).count();
                    let minimum = usize::from(matches!(part, Part::Some(_)));
                    next.extend((minimum..=length).map(|length| position + length));
                }
            }
        }
        next.sort_unstable();
        next.dedup();
        positions = next;
    }
    positions.contains(&text.len())
}

/// Returns the name and the key in a string that matches.
///
/// Removes two characters at each end, strips the rest, and splits it at the first dot.
pub fn names(text: &str) -> (String, String) {
    let chars: Vec<char> = text.chars().collect();
    let inner: String = chars[2..chars.len() - 2].iter().collect();
    let inner = inner.trim_matches(space);
    let (name, key) = inner.split_once('.').expect("the pattern requires a dot");
    (name.to_owned(), key.to_owned())
}
