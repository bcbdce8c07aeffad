//! Finds attributes, blocks and the entries of objects in the tokens of a Terraform file.
//!
//! Each function reads one level. The ranges are indexes of tokens.

use super::hcl_tokens::{NO_PARTNER, TokenKind, TokenList};
use std::ops::Range;

/// An item in the body of a file or a block.
#[derive(Debug)]
pub(super) enum BodyItem {
    /// `name = value`.
    Attribute {
        /// The token of the name.
        name: usize,
        /// The tokens of the value.
        value: Range<usize>,
    },
    /// `type "label" { … }`.
    Block {
        /// The tokens of the type and the labels.
        header: Range<usize>,
        /// The tokens between the braces.
        body: Range<usize>,
    },
}

/// An entry of an object.
#[derive(Debug)]
pub(super) struct ObjectEntry {
    /// The tokens of the key.
    pub key: Range<usize>,
    /// The tokens of the value.
    pub value: Range<usize>,
}

/// Returns the items of a body. Lines that are not items are skipped.
pub(super) fn read_body(list: &TokenList, range: Range<usize>) -> Vec<BodyItem> {
    let mut items = Vec::new();
    let mut at = range.start;
    while at < range.end {
        if list.kind(at) != Some(TokenKind::Word) {
            at = list.after(at);
            continue;
        }
        if list.kind(at + 1) == Some(TokenKind::Equals) {
            let end = end_of_line(list, at + 2..range.end);
            items.push(BodyItem::Attribute {
                name: at,
                value: at + 2..end,
            });
            at = end;
            continue;
        }
        let mut brace = at + 1;
        while matches!(list.kind(brace), Some(TokenKind::Word | TokenKind::Quoted)) {
            brace += 1;
        }
        if brace < range.end && list.kind(brace) == Some(TokenKind::Open) {
            let end = block_end(list, brace, range.end);
            items.push(BodyItem::Block {
                header: at..brace,
                body: brace + 1..end,
            });
            at = end;
        } else {
            at = end_of_line(list, at..range.end);
        }
    }
    items
}

/// Returns the entries between the braces of an object, and whether there is other text.
pub(super) fn read_object(list: &TokenList, range: Range<usize>) -> (Vec<ObjectEntry>, bool) {
    let mut entries = Vec::new();
    let mut has_other = false;
    let mut at = range.start;
    while at < range.end {
        if is_separator(list, at) {
            at += 1;
            continue;
        }
        let start = at;
        let is_end = |at: usize| is_separator(list, at) || is_assignment(list, at);
        while at < range.end && !is_end(at) {
            at = list.after(at);
        }
        let key = start..at.min(range.end);
        if at >= range.end || is_separator(list, at) || key.is_empty() {
            has_other = true;
            at += 1;
            continue;
        }
        let value_start = at + 1;
        at = value_start;
        while at < range.end && !is_separator(list, at) {
            at = list.after(at);
        }
        entries.push(ObjectEntry {
            key,
            value: value_start..at.min(range.end),
        });
    }
    (entries, has_other)
}

/// Returns the items between the brackets of a list.
pub(super) fn read_list(list: &TokenList, range: Range<usize>) -> Vec<Range<usize>> {
    let mut items = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let mut end = start;
        while end < range.end && list.kind(end) != Some(TokenKind::Comma) {
            end = list.after(end);
        }
        let item = without_newlines(list, start..end.min(range.end));
        if !item.is_empty() {
            items.push(item);
        }
        start = end + 1;
    }
    items
}

/// Returns the tokens between the brackets of an expression that consists of one pair of brackets.
pub(super) fn inside_brackets(list: &TokenList, range: &Range<usize>) -> Option<Range<usize>> {
    let open = list.get(range.start)?;
    let is_pair = open.kind == TokenKind::Open && open.partner.checked_add(1) == Some(range.end);
    is_pair.then(|| range.start + 1..open.partner)
}

/// Returns whether the tokens between brackets are a `for` expression.
pub(super) fn is_for_expression(list: &TokenList, inside: Range<usize>, text: &str) -> bool {
    let inside = without_newlines(list, inside);
    let word = list.get(inside.start).filter(|_| !inside.is_empty());
    word.and_then(|word| text.get(word.start..word.end)) == Some("for")
        && list.kind(inside.start + 1) == Some(TokenKind::Word)
}

/// Returns a range without the line breaks at its start and its end.
pub(super) fn without_newlines(list: &TokenList, range: Range<usize>) -> Range<usize> {
    let Range { mut start, mut end } = range;
    while start < end && list.kind(start) == Some(TokenKind::Newline) {
        start += 1;
    }
    while start < end && list.kind(end - 1) == Some(TokenKind::Newline) {
        end -= 1;
    }
    start..end
}

/// Returns the index of the line break that ends a value.
fn end_of_line(list: &TokenList, range: Range<usize>) -> usize {
    let mut at = range.start;
    while at < range.end && list.kind(at) != Some(TokenKind::Newline) {
        at = list.after(at);
    }
    at.min(range.end)
}

/// Returns the index of the token that ends the body of a block. A block without a closing brace ends
/// where the next block begins at the left margin.
fn block_end(list: &TokenList, brace: usize, limit: usize) -> usize {
    match list.get(brace) {
        Some(open) if open.partner != NO_PARTNER => open.partner.min(limit),
        _ => {
            let next = list.restarts.partition_point(|restart| *restart <= brace);
            list.restarts.get(next).map_or(limit, |at| *at.min(&limit))
        }
    }
}

fn is_separator(list: &TokenList, at: usize) -> bool {
    matches!(list.kind(at), Some(TokenKind::Newline | TokenKind::Comma))
}

fn is_assignment(list: &TokenList, at: usize) -> bool {
    matches!(list.kind(at), Some(TokenKind::Equals | TokenKind::Colon))
}

#[cfg(test)]
mod tests {
    use super::super::hcl_file::HclFile;
    use super::*;
    use crate::text::source::SourceFile;
    use std::sync::Arc;

    /// Describes the items of a body: `name=value`, and `header{…}`.
    fn describe(file: &HclFile, range: Range<usize>) -> String {
        let text = |tokens: &Range<usize>| file.source.slice(file.span(tokens)).to_owned();
        let items = read_body(&file.list, range)
            .into_iter()
            .map(|item| match item {
                BodyItem::Attribute { name, value } => {
                    format!("{}={}", file.name(name), text(&value))
                }
                BodyItem::Block { header, body } => {
                    format!("{}{{{}}}", text(&header), describe(file, body))
                }
            });
        items.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn bodies_have_items() {
        let cases = [
            ("", ""),
            ("a = 1", "a=1"),
            ("a = 1\nb = \"c\"\n", "a=1; b=\"c\""),
            ("a = [\n  1,\n  2\n]\nb = 2", "a=[\n  1,\n  2\n]; b=2"),
            ("a = 1 # b = 2\nc = 3", "a=1; c=3"),
            ("a = <<E\nb = 1\nE\nc = 3", "a=<<E\nb = 1\nE; c=3"),
            ("a {\n}", "a{}"),
            (
                "a \"b\" c {\n  d = 1\n  e {}\n}\nf = 2",
                "a \"b\" c{d=1; e{}}; f=2",
            ),
            ("a { b = 1 }", "a{b=1}"),
            ("a-b = 1", "a-b=1"),
            ("ü = 1", "ü=1"),
            ("a =\nb = 1", "a=; b=1"),
            ("a = [\nb = 1\n}", "a=[; b=1"),
            ("a b\nc = 1", "c=1"),
            ("a\n{\n}\nc = 1", "c=1"),
            ("a: 1\nc = 1", "c=1"),
            ("\"a\" = 1\nc = 1", "c=1"),
            ("{ a = 1 }\nc = 1", "c=1"),
            ("a == 1\nc = 1", "c=1"),
            (
                "locals {\n  a = 1\nlocals {\n  b = 2\n}",
                "locals{a=1}; locals{b=2}",
            ),
            ("a {\n  b = 1", "a{b=1}"),
        ];
        for (text, expected) in cases {
            let file = HclFile::new(&Arc::new(SourceFile::new("main.tf", text)));
            let all = 0..file.list.tokens.len();
            assert_eq!(describe(&file, all), expected, "{text}");
        }
    }

    #[test]
    fn lists_have_items() {
        let cases = [
            ("[]", ""),
            ("[1]", "1"),
            ("[1, 2,]", "1|2"),
            ("[\n  1\n,\n\n2\n]", "1|2"),
            ("[f(a, b), [c, d], \"e, f\"]", "f(a, b)|[c, d]|\"e, f\""),
            ("[,,]", ""),
        ];
        for (text, expected) in cases {
            let file = HclFile::new(&Arc::new(SourceFile::new("main.tf", text)));
            let inside = inside_brackets(&file.list, &(0..file.list.tokens.len()));
            let items = read_list(&file.list, inside.unwrap_or_default()).into_iter();
            let items: Vec<_> = items
                .map(|item| file.source.slice(file.span(&item)))
                .collect();
            assert_eq!(items.join("|"), expected, "{text}");
        }
    }
}
