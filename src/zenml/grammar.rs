//! The grammar of `{{name.key}}`, and what else in a string was meant to be one.
//!
//! Written by hand to be equal to `ZenML`'s two patterns (with white space inside the braces from 0.40 on, without before)
//! wherever both see a reference; where `ZenML` takes something for a reference that the grammar does not, it is
//! [`ParsedValue::Malformed`]; and whatever holds `{{` has a reading that is not [`ParsedValue::Plain`].
//!
//! Offsets here are bytes of the decoded value; `document` maps them to the source.

use std::ops::Range;

/// Who replaces the references, and so what is legal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resolver {
    /// `ZenML`, at run time: whole values of top-level attributes.
    #[default]
    Zenml,
    /// `stackref render`, before deployment: anywhere in any string.
    Render,
}

/// One place in a string that holds `{{`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BraceExpression<'t> {
    /// Its bytes, braces included.
    pub range: Range<usize>,
    /// A reference, or why it is none.
    pub kind: BraceKind<'t>,
    /// The other system whose syntax this is, if it looks like one.
    pub foreign: Option<ForeignSyntax>,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BraceKind<'t> {
    /// A reference by the grammar.
    Reference {
        /// The secret's name.
        name: &'t str,
        /// The key in it, which may hold dots.
        key: &'t str,
        /// White space inside the braces.
        padded: bool,
    },
    /// Not a reference, and why.
    Malformed(MalformedKind),
}

/// Systems that use the same braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignSyntax {
    /// `${{ … }}` of GitHub Actions.
    GitHub,
    /// `{{secrets/scope/key}}` of Databricks.
    Databricks,
    /// `{{ op://vault/item/field }}` of 1Password.
    OnePassword,
    /// `{{resolve:secretsmanager:…}}` of AWS CloudFormation.
    CloudFormation,
    /// `{{workflow.name}}` and its like, of Argo Workflows.
    Argo,
}

/// Why something that was meant as a reference is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MalformedKind {
    /// `{{a.b`: nothing closes it. Where a single `}` stands for two, that is said.
    Unclosed {
        /// A single `}` ends it.
        half: bool,
    },
    /// `{a.b}}`, `{ {a.b}}`: the opening is not two braces.
    HalfOpen,
    /// `{{{a.b}}}`.
    ExtraBraces,
    /// `{{}}`.
    Empty,
    /// `{{a}}`; with a character that looks like a dot, if there is one.
    NoDot {
        /// The look-alike.
        lookalike: Option<char>,
    },
    /// `{{.b}}`.
    EmptyName,
    /// `{{a.}}`.
    EmptyKey,
    /// `{{ a b.c }}`, `{{a .b}}`.
    Space,
    /// `{{a.b | upper}}`.
    Filter,
    /// `{{a}.b}}`.
    Brace,
    /// `{{$name.key}}`.
    Variable,
    /// The same in a script, where something may fill it in.
    FilledIn,
    /// A character that cannot be seen.
    Invisible(char),
    /// `{{a.b}}{{c.d}}`, `{{a}}/{{b.c}}`: one reference with an odd key to `ZenML`.
    Adjacent,
}

/// What a whole string is to a resolver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParsedValue<'t> {
    /// Holds nothing that was meant as a reference.
    Plain,
    /// Is one reference and nothing else.
    Reference(BraceExpression<'t>),
    /// Holds references among other text; never empty.
    Template(Vec<BraceExpression<'t>>),
    /// The whole value misses being a reference, or `ZenML` as the resolver would take it for an odd one.
    Malformed(BraceExpression<'t>),
}

/// Returns whether a string contains `{{`. It is called for every scalar, most of which are short and have no brace.
pub fn has_braces(text: &str) -> bool {
    text.bytes().any(|byte| byte == b'{') && memchr::memmem::find(text.as_bytes(), b"{{").is_some()
}

/// Whether a string can have anything to say: cheap, for every scalar.
pub fn may_contain_reference(text: &str) -> bool {
    has_braces(text) || text.starts_with('{')
}

/// Reads a whole string value.
pub fn parse_value(text: &str, resolver: Resolver) -> ParsedValue<'_> {
    if let Some(braces) = parse_whole_reference(text) {
        return ParsedValue::Reference(braces);
    }
    let mut pieces = find_braces(text);
    let Some(first) = pieces.first() else {
        return find_near_miss(text).map_or(ParsedValue::Plain, ParsedValue::Malformed);
    };
    let whole = first.range == (0..text.len());
    if whole && matches!(first.kind, BraceKind::Reference { .. }) {
        return ParsedValue::Reference(pieces.remove(0));
    }
    if resolver == Resolver::Zenml && parse_as_zenml(text).is_some() {
        let argo =
            pieces.iter().all(|braces| braces.foreign == Some(ForeignSyntax::Argo)).then_some(ForeignSyntax::Argo);
        let kind = match pieces.pop() {
            Some(BraceExpression { kind: BraceKind::Malformed(fault), .. }) if whole => BraceKind::Malformed(fault),
            _ if pieces.is_empty() => BraceKind::Malformed(MalformedKind::Brace),
            _ => BraceKind::Malformed(MalformedKind::Adjacent),
        };
        return ParsedValue::Malformed(BraceExpression { range: 0..text.len(), kind, foreign: argo });
    }
    ParsedValue::Template(pieces)
}

/// Parses a text that is one reference without spaces, the most frequent text with braces. Returns `None` for
/// other texts.
fn parse_whole_reference(text: &str) -> Option<BraceExpression<'_>> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?;
    if memchr::memchr2(b'{', b'}', inner.as_bytes()).is_some() {
        return None;
    }
    let kind = parse_inner(inner);
    let is_reference = matches!(kind, BraceKind::Reference { .. });
    is_reference.then(|| BraceExpression { range: 0..text.len(), kind, foreign: foreign_syntax(inner, false) })
}

/// Reads a word of a script, which `ZenML` gets after the shell: what holds a variable is no reference that anybody could
/// look up, and GitHub's `${{ … }}` is filled in before.
pub fn parse_word(text: &str) -> ParsedValue<'_> {
    let filled_in = |braces: &BraceExpression<'_>| {
        let inside = text.get(braces.range.clone()).unwrap_or_default();
        let opens = |rest: &str| rest.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '{' | '('));
        inside.contains('`') || inside.split('$').skip(1).any(opens)
    };
    let fault = BraceKind::Malformed(MalformedKind::FilledIn);
    match parse_value(text, Resolver::Zenml) {
        ParsedValue::Reference(braces) | ParsedValue::Malformed(braces) if filled_in(&braces) => {
            ParsedValue::Malformed(BraceExpression { kind: fault, ..braces })
        }
        ParsedValue::Template(mut pieces) => {
            pieces.retain(|braces| braces.foreign != Some(ForeignSyntax::GitHub));
            for braces in pieces.iter_mut().filter(|braces| filled_in(braces)) {
                braces.kind = fault.clone();
            }
            if pieces.is_empty() { ParsedValue::Plain } else { ParsedValue::Template(pieces) }
        }
        reading => reading,
    }
}

/// Every place with `{{`, in order, not overlapping.
pub fn find_braces(text: &str) -> Vec<BraceExpression<'_>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    // Where the next `}}` is, kept while it lies ahead, so that many braces without an end do not each look for it.
    let mut close = find(text, "}}", 0);
    while let Some(start) = find(text, "{{", from) {
        let inner_start = brace_run(text, b'{', start);
        if close.is_some_and(|close| close < inner_start) {
            close = find(text, "}}", inner_start);
        }
        let braces = braces_at(text, start, inner_start, close);
        from = braces.range.end;
        pieces.push(braces);
    }
    pieces
}

/// The name and key that `ZenML` reads in a whole string, in any version; a slow and obvious statement of its patterns
/// `\{\{\s*\S+?\.\S+\s*\}\}` and, before 0.40, the same without the white space.
pub fn parse_as_zenml(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?.trim_matches(is_space);
    if inner.contains(is_space) {
        return None;
    }
    let second = inner.chars().next().map_or(0, char::len_utf8);
    let dot = second + inner.get(second..)?.find('.')?;
    if dot + 1 >= inner.len() {
        return None;
    }
    inner.split_once('.')
}

/// Returns where a text of a file has references in shape, also unquoted and malformed ones: `{{name.key}}`, `{{{name.key}}}`
/// and, as a whole value, `{{name.key}`, `{name.key}}` and `{{name.key`. What is in the braces reads as a name and a key, so
/// that an excerpt may show it: other text in braces, such as `{hunter2}`, may be a password.
pub fn find_reference_shapes(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    // Whether a brace was opened on this line before `at`: what follows may be in a mapping.
    let mut in_braces = false;
    while let Some(start) = find(text, "{", at) {
        in_braces &= !text.get(at..start).is_some_and(|between| between.contains(['\n', '\r']));
        let shape = BracedName::at(text, start);
        if shape.is_reference(text, in_braces) {
            found.push(shape.range.clone());
        }
        in_braces = true;
        at = shape.range.end;
    }
    found
}

/// A run of opening braces, one word, and a run of closing braces, with white space between them.
struct BracedName {
    range: Range<usize>,
    opening: usize,
    closing: usize,
    /// Whether the word reads as a name, a dot and a key.
    is_named: bool,
}

impl BracedName {
    fn at(text: &str, start: usize) -> Self {
        let rest = text.get(start..).unwrap_or_default();
        let is_blank = |c: char| matches!(c, ' ' | '\t');
        let word = rest.trim_start_matches(|c: char| c == '{' || is_blank(c));
        let before = rest.len() - word.len();
        let len = word.find(|c: char| matches!(c, '{' | '}') || is_space(c)).unwrap_or(word.len());
        let (word, after) = word.split_at(len);
        let braces = after.trim_start_matches(is_blank);
        let braces = braces.get(..braces.find(|c| c != '}').unwrap_or(braces.len())).unwrap_or_default();
        let closed = if braces.is_empty() { 0 } else { after.len() - after.trim_start_matches(is_blank).len() };
        Self {
            range: start..start + before + len + closed + braces.len(),
            opening: rest.get(..before).unwrap_or_default().matches('{').count(),
            closing: braces.len(),
            is_named: looks_like_name(word)
                && word.split_once('.').is_some_and(|(name, key)| !name.is_empty() && !key.is_empty()),
        }
    }

    fn is_reference(&self, text: &str, in_braces: bool) -> bool {
        let opens_at_once = text.get(self.range.start..).is_some_and(|rest| rest.starts_with("{{"));
        match (self.opening, self.closing) {
            _ if !self.is_named => false,
            (2.., 2..) if opens_at_once => true,
            (2.., _) | (1, 2..) => !in_braces && self.is_whole_value(text),
            _ => false,
        }
    }

    /// Whether nothing but quotes and the marks of a list stand around it.
    fn is_whole_value(&self, text: &str) -> bool {
        let before = text.get(..self.range.start).and_then(|before| before.chars().next_back());
        let after = text.get(self.range.end..).and_then(|after| after.chars().next());
        let ends = |c: char, marks: &str| is_space(c) || marks.contains(c);
        before.is_none_or(|c| ends(c, "\"'[,:=")) && after.is_none_or(|c| ends(c, "\"'],"))
    }
}

/// Why no reference can name a secret, where none can.
pub fn name_error(name: &str) -> Option<&'static str> {
    if name.contains('.') { Some("of the dot in it") } else { key_error(name) }
}

/// Why no reference can name a key, where none can.
pub fn key_error(key: &str) -> Option<&'static str> {
    if key.is_empty() {
        return Some("it is empty");
    }
    let invalid = key.chars().find(|&c| matches!(c, '{' | '}') || is_space(c))?;
    Some(if is_space(invalid) { "of the white space in it" } else { "of the brace in it" })
}

/// Whether a text reads like a name: what does not may be a value that has slipped into the place of one.
pub fn looks_like_name(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Python's `\s` of str.
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

fn find(text: &str, what: &str, from: usize) -> Option<usize> {
    let at = memchr::memmem::find(text.as_bytes().get(from..)?, what.as_bytes())?;
    Some(from + at)
}

fn brace_run(text: &str, brace: u8, from: usize) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    from + rest.iter().take_while(|&&byte| byte == brace).count()
}

/// The piece whose run of opening braces goes from `start` up to `inner_start`; `close` is the first `}}` behind it.
fn braces_at(text: &str, start: usize, inner_start: usize, close: Option<usize>) -> BraceExpression<'_> {
    let next = find(text, "{{", inner_start);
    let (Some(close), true) = (close, next.is_none_or(|next| close.is_some_and(|close| close < next))) else {
        return unclosed_braces(text, start, inner_start, next.unwrap_or(text.len()));
    };
    let end = brace_run(text, b'}', close);
    let inner = text.get(inner_start..close).unwrap_or_default();
    let kind = if inner_start - start > 2 || end - close > 2 {
        BraceKind::Malformed(MalformedKind::ExtraBraces)
    } else {
        parse_inner(inner)
    };
    let dollar = text.get(..start).is_some_and(|before| before.ends_with('$'));
    BraceExpression { range: start..end, kind, foreign: foreign_syntax(inner, dollar) }
}

/// A piece without its `}}`. The span takes in what looks like a reference and no more: what follows may be part of a
/// password that happens to hold `{{`.
fn unclosed_braces(text: &str, start: usize, inner_start: usize, limit: usize) -> BraceExpression<'_> {
    let rest = text.get(inner_start..limit).unwrap_or_default();
    let half = rest.find('}').filter(|&brace| rest.get(..brace).is_some_and(|inner| !inner.contains('\n')));
    let word = rest.trim_start_matches(is_space);
    let skipped = rest.len() - word.len();
    let word = word.split(|c| is_space(c) || matches!(c, '}' | '{')).next().unwrap_or_default();
    let looks_like_one = matches!(parse_inner(word), BraceKind::Reference { .. });
    let end = match half {
        Some(brace) => inner_start + brace + 1,
        None if looks_like_one => inner_start + skipped + word.len(),
        None => inner_start,
    };
    BraceExpression {
        range: start..end,
        kind: BraceKind::Malformed(MalformedKind::Unclosed { half: half.is_some() }),
        foreign: None,
    }
}

/// What stands between two braces and two braces.
fn parse_inner(inner: &str) -> BraceKind<'_> {
    let malformed = BraceKind::Malformed;
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    if inner.as_bytes().iter().all(is_plain)
        && let Some((name, key)) = inner.split_once('.')
        && !name.is_empty()
        && !key.is_empty()
    {
        return BraceKind::Reference { name, key, padded: false };
    }
    let text = inner.trim_matches(is_space);
    if text.is_empty() {
        return malformed(MalformedKind::Empty);
    }
    if let Some(c) = text.chars().find(|&c| is_invisible(c)) {
        return malformed(MalformedKind::Invisible(c));
    }
    if text.contains(is_space) {
        return malformed(if text.contains('|') { MalformedKind::Filter } else { MalformedKind::Space });
    }
    if text.contains(['{', '}']) {
        return malformed(MalformedKind::Brace);
    }
    if text.starts_with('$') {
        return malformed(MalformedKind::Variable);
    }
    match text.split_once('.') {
        None => malformed(MalformedKind::NoDot { lookalike: text.chars().find(|&c| looks_like_dot(c)) }),
        Some(("", _)) => malformed(MalformedKind::EmptyName),
        Some((_, "")) => malformed(MalformedKind::EmptyKey),
        Some((name, key)) => BraceKind::Reference { name, key, padded: text.len() != inner.len() },
    }
}

/// `{a.b}}`, `{ {a.b}}`: a whole value without `{{` that misses being a reference by a brace or a blank. Values such as
/// `run-{date}`, `${VAR}`, `{a.b}` and JSON in a string are not.
fn find_near_miss(text: &str) -> Option<BraceExpression<'_>> {
    let inner = text.strip_prefix('{')?;
    let (spaced, inner) = match inner.trim_start_matches(is_space).strip_prefix('{') {
        Some(rest) => (true, rest),
        None => (false, inner),
    };
    let inner = inner.strip_suffix('}')?;
    let (closed, inner) = if let Some(rest) = inner.strip_suffix('}') {
        (true, rest)
    } else {
        let rest = inner.trim_end_matches(is_space).strip_suffix('}');
        (rest.is_some(), rest.unwrap_or(inner))
    };
    let meant = (spaced || closed) && matches!(parse_inner(inner), BraceKind::Reference { .. });
    meant.then_some(BraceExpression {
        range: 0..text.len(),
        kind: BraceKind::Malformed(MalformedKind::HalfOpen),
        foreign: None,
    })
}

fn foreign_syntax(inner: &str, dollar: bool) -> Option<ForeignSyntax> {
    let inner = inner.trim_matches(is_space);
    if dollar {
        Some(ForeignSyntax::GitHub)
    } else if inner.starts_with("secrets/") {
        Some(ForeignSyntax::Databricks)
    } else if inner.starts_with("op://") {
        Some(ForeignSyntax::OnePassword)
    } else if inner.starts_with("resolve:") {
        Some(ForeignSyntax::CloudFormation)
    } else {
        is_argo(inner).then_some(ForeignSyntax::Argo)
    }
}

/// The names that Argo Workflows gives to its own templates.
fn is_argo(inner: &str) -> bool {
    let name = inner.trim_start_matches('=').split(['.', '[', ' ']).next().unwrap_or_default();
    matches!(name, "workflow" | "inputs" | "outputs" | "steps" | "tasks" | "pod" | "item")
}

/// Characters of no width, of control, and those that turn the direction of the text.
pub fn is_invisible(c: char) -> bool {
    !is_space(c)
        && (c.is_control()
            || matches!(c,
                '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}'
                | '\u{ffa0}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'))
}

fn looks_like_dot(c: char) -> bool {
    matches!(
        c,
        '\u{b7}' | '\u{2024}' | '\u{2027}' | '\u{3002}' | '\u{fe52}' | '\u{ff0e}' | '\u{ff61}' | '\u{701}' | '\u{660}'
    )
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    fn fault(text: &str) -> MalformedKind {
        let braces = match parse_value(text, Resolver::Zenml) {
            ParsedValue::Malformed(braces) => Some(braces),
            ParsedValue::Template(pieces) => pieces.into_iter().next(),
            _ => None,
        };
        match braces.expect(text).kind {
            BraceKind::Malformed(fault) => fault,
            BraceKind::Reference { .. } => unreachable!("{text} is a reference"),
        }
    }

    #[test]
    fn each_fault_is_told_apart() {
        let cases = [
            ("{{a.b", MalformedKind::Unclosed { half: false }),
            ("{{a.b}", MalformedKind::Unclosed { half: true }),
            ("{a.b}}", MalformedKind::HalfOpen),
            ("{ {a.b}}", MalformedKind::HalfOpen),
            ("{ {a.b} }", MalformedKind::HalfOpen),
            ("{{{a.b}}}", MalformedKind::ExtraBraces),
            ("{{ }}", MalformedKind::Empty),
            ("{{a}}", MalformedKind::NoDot { lookalike: None }),
            ("{{a\u{2024}b}}", MalformedKind::NoDot { lookalike: Some('\u{2024}') }),
            ("{{.b}}", MalformedKind::EmptyName),
            ("{{a.}}", MalformedKind::EmptyKey),
            ("{{ a b.c }}", MalformedKind::Space),
            ("{{a.b | upper}}", MalformedKind::Filter),
            ("{{a}.b}}", MalformedKind::Brace),
            ("{{$a.b}}", MalformedKind::Variable),
            ("{{a.b\u{200b}}}", MalformedKind::Invisible('\u{200b}')),
            ("{{a.b}}{{c.d}}", MalformedKind::Adjacent),
            ("{{a.b}}.{{c.d}}", MalformedKind::Adjacent),
            ("{{b.c}}/{{a}}", MalformedKind::Adjacent),
            ("{{a.b}}c}}", MalformedKind::Brace),
        ];
        for (text, expected) in cases {
            assert_eq!(fault(text), expected, "{text}");
        }
    }

    #[test]
    fn single_braces_that_mean_something_else_are_plain() {
        for text in ["run-{date}", "${VAR}", "{\"a\": {\"b\": 1.5}}", "{a.b}", "{ {\"a\": 1} }", "{}", "{", "}}", ""] {
            assert_eq!(parse_value(text, Resolver::Zenml), ParsedValue::Plain, "{text}");
        }
    }

    #[test]
    fn an_unclosed_brace_in_a_password_shows_no_more_than_the_brace() {
        let pieces = find_braces("hun{{ter2");
        assert_eq!(pieces.first().map(|piece| piece.range.clone()), Some(3..5));
    }

    #[test]
    fn several_references_in_one_string_each_have_their_place() {
        let ranges: Vec<_> = find_braces("a{{b.c}}{{ d.e }}f").into_iter().map(|braces| braces.range).collect();
        assert_eq!(ranges, [1..8, 8..17]);
    }

    #[test]
    fn what_is_not_closed_ends_where_it_looks_like_a_reference_no_more() {
        for (text, range) in
            [("{{a.b", 0..5), ("x {{ a.b c", 2..8), ("{{ a. b", 0..2), ("x{{a.b} y", 1..7), ("{{a.b\n}", 0..5)]
        {
            assert_eq!(find_braces(text).first().map(|piece| piece.range.clone()), Some(range), "{text}");
        }
    }

    #[test]
    fn white_space_inside_the_braces_is_told() {
        for (text, is_padded) in [("{{a.b}}", false), ("{{ a.b}}", true), ("{{a.b\t}}", true)] {
            let pieces = find_braces(text);
            let kind = &pieces.first().expect(text).kind;
            assert_eq!(*kind, BraceKind::Reference { name: "a", key: "b", padded: is_padded }, "{text}");
        }
    }

    #[test]
    fn a_name_is_at_least_one_character_and_a_key_another() {
        assert_eq!(parse_as_zenml("{{ ab.cd }}"), Some(("ab", "cd")));
        assert_eq!(parse_as_zenml("{{ü.b}}"), Some(("ü", "b")));
        assert_eq!(parse_as_zenml("{{a..}}"), Some(("a", ".")));
        for text in ["{{ab.}}", "{{.b}}", "{{.}}", "{{a}}"] {
            assert_eq!(parse_as_zenml(text), None, "{text}");
        }
    }

    #[test]
    fn other_systems_are_known_by_their_words() {
        for (text, system) in [
            ("${{ secrets.X }}", Some(ForeignSyntax::GitHub)),
            ("{{ secrets/scope/key }}", Some(ForeignSyntax::Databricks)),
            ("{{op://vault/item/field}}", Some(ForeignSyntax::OnePassword)),
            ("{{resolve:ssm-secure:/db/password:1}}", Some(ForeignSyntax::CloudFormation)),
            ("{{workflow.name}}", Some(ForeignSyntax::Argo)),
            ("{{=inputs.x}}", Some(ForeignSyntax::Argo)),
            ("{{item}}", Some(ForeignSyntax::Argo)),
            ("{{workflows.name}}", None),
            ("{{secrets.x}}", None),
        ] {
            assert_eq!(find_braces(text).first().expect(text).foreign, system, "{text}");
        }
        let argo = |text| {
            matches!(
                parse_value(text, Resolver::Zenml),
                ParsedValue::Malformed(BraceExpression { foreign: Some(_), .. })
            )
        };
        assert!(argo("{{pod.name}}{{item.x}}"));
        assert!(!argo("{{pod.name}}{{a.b}}"), "one of the two is meant for here");
    }

    #[test]
    fn references_are_found_in_any_text_and_passwords_in_braces_are_none() {
        let shown = |text: &'static str| {
            let found = find_reference_shapes(text).into_iter().map(|range| text.get(range).expect("a range of it"));
            found.collect::<Vec<_>>()
        };
        for (text, references) in [
            ("password: {{ a.b }} # x", &["{{ a.b }}"][..]),
            ("p: {x: '{{x.y}}', {{z}}: {{c.d-e}}}", &["{{x.y}}", "{{c.d-e}}}"]),
            ("mysql://{{db.user}}:{{db.pass.word}}@h", &["{{db.user}}", "{{db.pass.word}}"]),
            ("p: {{{a.b}}}", &["{{{a.b}}}"]),
            ("p: '{{a.b}'", &["{{a.b}"]),
            ("p: {a.b}}", &["{a.b}}"]),
            ("p: { {a.b} }", &["{ {a.b}"]),
            ("p: {{a.b", &["{{a.b"]),
            ("p: {{a.b}} {{c.d", &["{{a.b}}"]),
            ("x: {y: 1}\np: {{a.b", &["{{a.b"]),
        ] {
            assert_eq!(shown(text), references, "{text}");
        }
        for text in [
            "{hunter2}",
            "{{hunter2}}x",
            "{hun.ter2}",
            "p: {v: {hun.ter2}}",
            "hun{{ter.2",
            "x{{hun.ter2}",
            "{{hun.ter2}x",
            "{{hunter2: a.b}}",
            "{{hun ter.2}}",
            "{{.hunter2}}",
            "{{hunter2.}}",
            "{{hun!ter.2}}",
            "{{a\n.b}}",
            "{{",
            "{",
            "",
        ] {
            assert!(shown(text).is_empty(), "{text}: {:?}", shown(text));
        }
    }

    #[test]
    fn what_no_reference_can_name_is_told_with_its_reason() {
        for (name, reason) in [
            ("a-b_c/ü", None),
            ("a.b", Some("of the dot in it")),
            ("", Some("it is empty")),
            ("a b", Some("of the white space in it")),
            ("a\u{1f}b", Some("of the white space in it")),
            ("a}b", Some("of the brace in it")),
            ("a{b", Some("of the brace in it")),
        ] {
            assert_eq!(name_error(name), reason, "{name:?}");
        }
        assert_eq!(key_error("a.b"), None);
    }

    #[test]
    fn a_word_of_a_script_with_something_to_fill_in_is_no_reference() {
        let filled_in = |reading: &ParsedValue<'_>| match reading {
            ParsedValue::Malformed(braces) => braces.kind == BraceKind::Malformed(MalformedKind::FilledIn),
            ParsedValue::Template(pieces) => {
                pieces.iter().any(|braces| braces.kind == BraceKind::Malformed(MalformedKind::FilledIn))
            }
            _ => false,
        };
        for text in ["{{a.$B}}", "{{a.${B}}}", "{{a.$(b)}}", "{{a.$_b}}", "{{a.`b`}}", "x{{a.$B}}", "{{a.b}}{{c.$D}}"] {
            assert!(filled_in(&parse_word(text)), "{text}: {:?}", parse_word(text));
        }
        for text in ["{{a.b}}", "{{a.b$}}", "{{a.$1}}"] {
            assert!(matches!(parse_word(text), ParsedValue::Reference(_)), "{text}: {:?}", parse_word(text));
        }
        assert_eq!(parse_word("${{ secrets.X }}"), ParsedValue::Plain);
        let ParsedValue::Template(pieces) = parse_word("${{ secrets.X }}{{a.b}}$C") else {
            unreachable!("there is one more")
        };
        let ranges: Vec<_> = pieces.iter().map(|braces| (braces.range.clone(), braces.foreign)).collect();
        assert_eq!(ranges, [(16..23, None)]);
        assert!(!filled_in(&ParsedValue::Template(pieces)), "the variable stands behind it");
    }
}
