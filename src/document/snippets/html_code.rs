//! Code in the HTML of a document: the elements `<pre>` and `<code>`, for example
//! `<pre class="language-shell"><code class="lang-shell">zenml …</code></pre>` of GitBook.
//!
//! Tags inside an element, such as `<strong>`, are removed, and entities are decoded. A tag that
//! HTML does not have is the placeholder of an author who did not escape it, and stays.

use super::code_language::CodeLanguage;
use super::html_entities::decode_entity;
use crate::document::offsets::OffsetMapBuilder;
use memchr::{memchr2, memmem};
use std::ops::Range;

/// Elements whose tags are not a part of code.
#[rustfmt::skip]
const MARKUP_TAGS: [&str; 35] = [
    "a", "abbr", "b", "bdi", "big", "blockquote", "br", "button", "code", "del", "div", "em", "font", "i", "img", "ins",
    "kbd", "li", "mark", "ol", "p", "pre", "s", "samp", "small", "span", "strong", "sub", "sup", "svg", "tt", "u", "ul",
    "var", "wbr",
];

/// A `<pre>` or `<code>` element.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HtmlCode {
    /// The bytes between its tags.
    pub content: Range<usize>,
    pub language: CodeLanguage,
}

/// A tag.
#[derive(Clone, Copy, Debug)]
struct Tag<'t> {
    name: &'t str,
    is_closing: bool,
    attributes: &'t str,
    /// The length in bytes, with the brackets.
    len: usize,
}

/// Returns the code elements of HTML. An element without an end tag is not code.
pub(super) fn find_elements(html: &str) -> Vec<HtmlCode> {
    let mut found = Vec::new();
    // An end tag that is missing once is missing for every later element of that name.
    let mut missing: Option<&str> = None;
    let mut at = 0;
    while let Some(open) = find_from(html, at, "<") {
        let text = html.get(open..).unwrap_or_default();
        if text.starts_with("<!--") {
            let Some(end) = find_from(html, open, "-->") else {
                break;
            };
            at = end;
            continue;
        }
        at = open + 1;
        let tag = parse_tag(text).filter(|tag| is_code_tag(*tag) && missing != Some(tag.name));
        let Some(tag) = tag else {
            continue;
        };
        let start = open + tag.len;
        let Some(end) = find_from(html, start, end_tag(tag.name)) else {
            if missing.is_some() {
                break;
            }
            missing = Some(tag.name);
            continue;
        };
        let language = language_of(tag, html.get(start..end).unwrap_or_default());
        found.push(HtmlCode {
            content: start..end,
            language,
        });
        at = end;
    }
    found
}

/// Returns the name of the code element that a tag opens, and its language.
pub(super) fn opened_element(tag: &str) -> Option<(&'static str, CodeLanguage)> {
    let tag = parse_tag(tag).filter(|tag| is_code_tag(*tag))?;
    let name = if tag.name == "pre" { "pre" } else { "code" };
    Some((name, language_of(tag, "")))
}

/// Returns the start of the end tag of a code element.
pub(super) fn end_tag(name: &str) -> &'static str {
    if name == "pre" { "</pre" } else { "</code" }
}

/// Returns the language of a `<pre>` element from the `<code>` element in it.
pub(super) fn inner_language(content: &str) -> CodeLanguage {
    let inner = parse_tag(content.trim_start()).filter(|inner| is_code_tag(*inner));
    inner.map_or(CodeLanguage::Unknown, class_language)
}

/// Decodes the content of a code element. Offsets are relative to the content.
pub(super) fn decode(content: &str) -> OffsetMapBuilder {
    let mut out = OffsetMapBuilder::default();
    let last_comment = content.rfind("-->").unwrap_or_default();
    let (mut copied, mut at) = (0, 0);
    while let Some(rest) = content.get(at..) {
        let Some(next) = memchr2(b'<', b'&', rest.as_bytes()) else {
            break;
        };
        at += next;
        let text = content.get(at..).unwrap_or_default();
        let replaced = if text.starts_with('&') {
            decode_entity(text).map(|(len, c)| (len, Some(c)))
        } else if text.starts_with("<!--") && at < last_comment {
            text.find("-->").map(|end| (end + "-->".len(), None))
        } else {
            markup_len(text)
        };
        let Some((len, c)) = replaced else {
            at += 1;
            continue;
        };
        out.push_verbatim(copied, content.get(copied..at).unwrap_or_default());
        if let Some(c) = c {
            out.push_replaced(at, len, c.encode_utf8(&mut [0; 4]));
        }
        at += len;
        copied = at;
    }
    out.push_verbatim(copied, content.get(copied..).unwrap_or_default());
    out
}

/// Returns the length of a tag at the start of a text, and the character that it is for a reader.
fn markup_len(text: &str) -> Option<(usize, Option<char>)> {
    let tag = parse_tag(text)?;
    let is_markup = MARKUP_TAGS.contains(&tag.name) && !has_words(tag.attributes);
    is_markup.then_some((tag.len, (tag.name == "br").then_some('\n')))
}

/// Returns whether the text after a name is words of a placeholder, as in `<a stack>`.
fn has_words(attributes: &str) -> bool {
    let text = attributes.trim().trim_end_matches('/');
    !text.is_empty() && !text.contains('=')
}

/// Parses a tag at the start of a text.
fn parse_tag(text: &str) -> Option<Tag<'_>> {
    let inner = text.strip_prefix('<')?;
    let body = inner.strip_prefix('/').unwrap_or(inner);
    if !body.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let end = memchr2(b'<', b'>', body.as_bytes())?;
    let body = body
        .get(..end)
        .filter(|_| body.as_bytes().get(end) == Some(&b'>'))?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let name = body.trim_start_matches(is_name);
    let (name, attributes) = body.split_at_checked(body.len() - name.len())?;
    let ends_name = attributes.is_empty() || attributes.starts_with([' ', '\t', '\n', '/']);
    let is_closing = inner.starts_with('/');
    ends_name.then_some(Tag {
        name,
        is_closing,
        attributes,
        len: 1 + usize::from(is_closing) + end + 1,
    })
}

fn is_code_tag(tag: Tag<'_>) -> bool {
    !tag.is_closing && matches!(tag.name, "pre" | "code") && !tag.attributes.ends_with('/')
}

/// Returns the language of an element, or that of the `<code>` element at the start of its content.
fn language_of(tag: Tag<'_>, content: &str) -> CodeLanguage {
    match class_language(tag) {
        CodeLanguage::Unknown => inner_language(content),
        language => language,
    }
}

/// Returns the language in the attributes of a tag: the class `language-x`, `lang-x` or the name
/// of a language, or the attribute `lang="x"`.
fn class_language(tag: Tag<'_>) -> CodeLanguage {
    let language = attribute(tag.attributes, "lang").map(CodeLanguage::from_name);
    let classes = attribute(tag.attributes, "class").unwrap_or_default();
    let mut named = classes.split_whitespace().map(|class| {
        let is_prefixed = class.contains("language-") || class.contains("lang-");
        (CodeLanguage::from_name(class), is_prefixed)
    });
    let class = named
        .find(|&(language, is_prefixed)| is_prefixed || language != CodeLanguage::Other)
        .map(|(language, _)| language);
    language.or(class).unwrap_or(CodeLanguage::Unknown)
}

/// Returns the value of an attribute in quotes.
fn attribute<'t>(attributes: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = attributes;
    while let Some((before, after)) = rest.split_once('=') {
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let Some((value, next)) = quote.and_then(|quote| after.get(1..)?.split_once(quote)) else {
            rest = after;
            continue;
        };
        if before.split_whitespace().next_back() == Some(name) {
            return Some(value);
        }
        rest = next;
    }
    None
}

fn find_from(html: &str, from: usize, needle: &str) -> Option<usize> {
    let rest = html.as_bytes().get(from..)?;
    memmem::find(rest, needle.as_bytes()).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::source::Span;

    fn elements(html: &str) -> Vec<(String, CodeLanguage)> {
        let decoded = |content: Range<usize>| decode(&html[content]).build(0).0;
        find_elements(html)
            .into_iter()
            .map(|code| (decoded(code.content), code.language))
            .collect()
    }

    #[test]
    fn elements_are_found_with_their_language() {
        use CodeLanguage::{Console, Other, Shell, Unknown};
        for (html, code, language) in [
            (
                "<pre class=\"language-shell\"><code class=\"lang-shell\"><strong>zenml x\n</strong>zenml y\n</code></pre>",
                "zenml x\nzenml y\n",
                Shell,
            ),
            ("<pre>zenml x</pre>", "zenml x", Unknown),
            (
                "<pre><code class='lang-console'>$ x</code></pre>",
                "$ x",
                Console,
            ),
            ("<pre lang=\"bash\">zenml x</pre>", "zenml x", Shell),
            ("<pre class=\"highlight bash\">x</pre>", "x", Shell),
            ("<code class=\"language-yaml\">x</code>", "x", Other),
            (
                "<td><code>zenml a<br>zenml b<br/>c</code></td>",
                "zenml a\nzenml b\nc",
                Unknown,
            ),
            (
                "<code>&lt;A> &#39;{{a.b}}&#x27; &amp;&amp; x</code>",
                "<A> '{{a.b}}' && x",
                Unknown,
            ),
            (
                "<code><span class=\"x\">zenml</span> <NAME> <your stack></code>",
                "zenml <NAME> <your stack>",
                Unknown,
            ),
            ("<!-- <code>a</code> --><code>b</code>", "b", Unknown),
            ("<code>a<!-- b --> c < d</code>", "a c < d", Unknown),
            ("<codeblock><preview><code/><code>x</code>", "x", Unknown),
        ] {
            assert_eq!(elements(html), [(code.to_owned(), language)], "{html}");
        }
        assert_eq!(elements("<code>a</code><pre>b</pre>").len(), 2);
        assert_eq!(elements("<pre>a<pre>b<code>c</code>").len(), 1);
    }

    #[test]
    fn text_without_elements_has_none() {
        for html in [
            "",
            "<",
            "<pre",
            "<pre>zenml",
            "<code zenml",
            "a < b",
            "<!-- <pre>",
            "</pre>",
        ] {
            assert_eq!(elements(html), [], "{html}");
        }
    }

    #[test]
    fn decoded_bytes_have_exact_spans() {
        let content = "a<b>b</b>&lt;c<br>d";
        let (text, map) = decode(content).build(100);
        assert_eq!(text, "ab<c\nd");
        let spans: Vec<_> = (0..6).map(|at| map.source(at, at + 1)).collect();
        let expected = [
            (100, 101),
            (104, 105),
            (109, 113),
            (113, 114),
            (114, 118),
            (118, 119),
        ];
        assert_eq!(spans, expected.map(|(start, end)| Span::new(start, end)));
    }

    #[test]
    fn tags_name_the_element_that_they_open() {
        assert_eq!(
            opened_element("<pre class=\"language-sh\">"),
            Some(("pre", CodeLanguage::Shell))
        );
        assert_eq!(
            opened_element("<code>"),
            Some(("code", CodeLanguage::Unknown))
        );
        assert_eq!(opened_element("</code>"), None);
        assert_eq!(opened_element("<b>"), None);
    }
}
