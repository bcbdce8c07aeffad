//! What `ZenML` takes for a reference, said as slowly and plainly as can be: its two regular expressions, matched against
//! a whole string by the set of places that each part of the expression can have reached, and then what it does to the
//! string to get at the names.

/// `\{\{\s*\S+?\.\S+\s*\}\}`, from 0.40 on.
pub const FROM_0_40: &[Part] = &[
    BRACE,
    BRACE,
    Part::Any(space),
    Part::Some(ink),
    DOT,
    Part::Some(ink),
    Part::Any(space),
    END,
    END,
];

/// `\{\{\S+?\.\S+\}\}`, before 0.40.
pub const BEFORE_0_40: &[Part] = &[
    BRACE,
    BRACE,
    Part::Some(ink),
    DOT,
    Part::Some(ink),
    END,
    END,
];

const BRACE: Part = Part::One('{');
const END: Part = Part::One('}');
const DOT: Part = Part::One('.');

/// A part of a regular expression.
#[derive(Clone, Copy)]
pub enum Part {
    /// A character.
    One(char),
    /// Characters of a class, as many as there may be (`*`). Lazy or greedy makes no difference to a match of the whole.
    Any(fn(char) -> bool),
    /// The same, one or more (`+`).
    Some(fn(char) -> bool),
}

/// Python's `\s`: what `str.isspace` says, listed.
fn space(c: char) -> bool {
    matches!(
        u32::from(c),
        0x09..=0x0d | 0x1c..=0x20 | 0x85 | 0xa0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000
    )
}

/// Python's `\S`.
fn ink(c: char) -> bool {
    !space(c)
}

/// Python's `re.fullmatch(pattern, text)`.
pub fn matches(pattern: &[Part], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut places = vec![0];
    for part in pattern {
        let mut next = Vec::new();
        for place in places {
            match part {
                Part::One(c) => next.extend((text.get(place) == Some(c)).then_some(place + 1)),
                Part::Any(class) | Part::Some(class) => {
                    let length = text[place..].iter().take_while(|c| class(**c)).count();
                    let least = usize::from(matches!(part, Part::Some(_)));
                    next.extend((least..=length).map(|length| place + length));
                }
            }
        }
        next.sort_unstable();
        next.dedup();
        places = next;
    }
    places.contains(&text.len())
}

/// The name and the key in a string that matches: without two characters at each end, stripped, split at the first dot.
pub fn names(text: &str) -> (String, String) {
    let chars: Vec<char> = text.chars().collect();
    let inner: String = chars[2..chars.len() - 2].iter().collect();
    let inner = inner.trim_matches(space);
    let (name, key) = inner.split_once('.').expect("the pattern asks for a dot");
    (name.to_owned(), key.to_owned())
}
