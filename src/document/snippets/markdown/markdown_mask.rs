//! A copy of a Markdown text for the parser, with the same length and the same offsets.
//!
//! Documentation is written for programs that extend Markdown. The copy replaces their syntax so
//! that the parser finds every fence, and removes the input that makes it slow:
//!
//! - Lines that consist of tags of HTML, JSX or a template (`<Tabs>`, `{% tab %}`), and lines that
//!   begin an admonition (`!!! note`, `:::tip`, `=== "Tab"`), are blank. Other tags at the start of
//!   a line do not begin an HTML block, which would hide the fences in it. `<pre>` and comments do.
//! - Front matter is blank.
//! - `[` is no longer one, because links and footnotes are not needed, and some take quadratic time.
//! - Lists and quotes beyond a column, and runs of blank lines, are flattened: each line costs time
//!   for each container.
//! - Control characters are spaces.
//!
//! Code is always read from the original text.

use memchr::memmem;

/// The column up to which a list item or a quote may begin.
const MAX_CONTAINER_COLUMN: usize = 64;

/// Elements whose content is not Markdown.
const VERBATIM_ELEMENTS: [&str; 5] = ["pre", "code", "script", "style", "textarea"];

/// Returns the copy of a text.
pub(super) fn mask(text: &str) -> String {
    let mut mask = Mask {
        bytes: text.as_bytes().to_vec(),
        ends: LastEnds::new(text),
        blank_break: None,
    };
    let mut start = mask.blank_byte_order_mark();
    let front_matter = start + front_matter_len(text.get(start..).unwrap_or_default());
    for line in text.get(start..).unwrap_or_default().split_inclusive('\n') {
        mask.mask_line(line, start, start < front_matter);
        start += line.len();
    }
    String::from_utf8(mask.bytes).unwrap_or_else(|_| text.to_owned())
}

/// Returns whether a line begins an admonition or a tab, whose content is indented.
pub(super) fn begins_indented_document(line: &str) -> bool {
    let text = line.trim();
    let is_admonition = ["!!! ", "??? ", "???+ ", "=== \"", "===! \"", "===+ \""]
        .iter()
        .any(|mark| text.starts_with(mark));
    let is_component = text
        .strip_prefix('<')
        .is_some_and(|tag| tag.starts_with(|c: char| c.is_ascii_uppercase()));
    is_admonition || (is_component && has_only_tags(text))
}

/// The offsets of the last end tags, after which an element is never closed.
struct LastEnds {
    comment: Option<usize>,
    elements: [Option<usize>; VERBATIM_ELEMENTS.len()],
}

impl LastEnds {
    fn new(text: &str) -> Self {
        let last = |needle: &str| memmem::rfind(text.as_bytes(), needle.as_bytes());
        // Most pages have no element.
        let has_elements = memmem::find(text.as_bytes(), b"</").is_some();
        let end_of = |name: &str| last(&format!("</{name}"));
        Self {
            comment: last("-->"),
            elements: VERBATIM_ELEMENTS.map(|name| has_elements.then(|| end_of(name))?),
        }
    }

    /// Returns whether the text at an offset, which starts with `<`, begins or ends a comment or an
    /// element whose content is not Markdown.
    fn is_verbatim(&self, text: &str, at: usize) -> bool {
        let end = if text.starts_with("<!--") {
            self.comment
        } else {
            verbatim_element(text).and_then(|index| self.elements.get(index).copied()?)
        };
        end.is_some_and(|end| at <= end)
    }
}

struct Mask {
    bytes: Vec<u8>,
    ends: LastEnds,
    /// The offset of the line break before this line if the line before is blank.
    blank_break: Option<usize>,
}

impl Mask {
    fn blank_byte_order_mark(&mut self) -> usize {
        const BOM: &[u8] = "\u{feff}".as_bytes();
        if !self.bytes.starts_with(BOM) {
            return 0;
        }
        self.fill(0, BOM.len());
        BOM.len()
    }

    fn mask_line(&mut self, line: &str, start: usize, is_front_matter: bool) {
        let text = line.trim_end_matches(['\r', '\n']);
        let prefix = container_prefix(text);
        let content_at = start + prefix.len;
        let content = text.get(prefix.len..).unwrap_or_default();
        if is_front_matter {
            self.fill(start, text.len());
        } else if is_marker_line(content) {
            self.fill(content_at, content.len());
        } else if content.starts_with('<') && !self.ends.is_verbatim(content, content_at) {
            self.set(content_at, b'(');
        }
        if let Some(deep) = prefix.too_deep {
            self.set(start + deep, b'x');
        }
        self.mask_bytes(start, text);
        let end = start + text.len();
        self.fill(end, line.trim_end_matches('\n').len() - text.len());
        self.join_blank_lines(start, start + line.len());
    }

    /// Replaces single bytes of a line.
    fn mask_bytes(&mut self, start: usize, text: &str) {
        let is_replaced = |byte: u8| matches!(byte, b'[' | b'<' | 0x7f) || byte < 0x20;
        let bytes = text.bytes().enumerate();
        for (at, byte) in bytes.filter(|(_, byte)| is_replaced(*byte)) {
            match byte {
                b'[' => self.set(start + at, b'('),
                b'<' => {
                    let rest = text.get(at..).unwrap_or_default();
                    if rest.starts_with("<?")
                        || (rest.starts_with("<!") && !rest.starts_with("<!--"))
                    {
                        self.set(start + at, b'(');
                    }
                }
                b'\t' => {}
                _ => self.set(start + at, b' '),
            }
        }
    }

    /// Makes one line of this line and the line before it if both are blank.
    fn join_blank_lines(&mut self, start: usize, end: usize) {
        let line = self.bytes.get(start..end).unwrap_or_default();
        let is_blank = line.iter().all(u8::is_ascii_whitespace);
        let ends_with_break = line.ends_with(b"\n");
        if let Some(line_break) = self.blank_break.filter(|_| is_blank && ends_with_break) {
            self.set(line_break, b' ');
        }
        self.blank_break = (is_blank && ends_with_break).then(|| end.saturating_sub(1));
    }

    fn set(&mut self, at: usize, byte: u8) {
        if let Some(old) = self.bytes.get_mut(at) {
            *old = byte;
        }
    }

    fn fill(&mut self, start: usize, len: usize) {
        if let Some(bytes) = self.bytes.get_mut(start..start + len) {
            bytes.fill(b' ');
        }
    }
}

/// The marks of lists and quotes at the start of a line.
struct ContainerPrefix {
    /// The length of the marks and of white space.
    len: usize,
    /// The offset of the first mark that is nested too deep.
    too_deep: Option<usize>,
}

fn container_prefix(line: &str) -> ContainerPrefix {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if matches!(byte, b' ' | b'\t') {
            at += 1;
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(len) = mark_len(rest) else {
            break;
        };
        if at >= MAX_CONTAINER_COLUMN {
            return ContainerPrefix {
                len: at,
                too_deep: Some(at),
            };
        }
        at += len;
    }
    ContainerPrefix {
        len: at,
        too_deep: None,
    }
}

/// Returns the length of a list mark or a quote mark at the start of a line.
fn mark_len(bytes: &[u8]) -> Option<usize> {
    let digits = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let len = match bytes.get(digits)? {
        b'>' if digits == 0 => return Some(1),
        b'-' | b'*' | b'+' if digits == 0 => 1,
        b'.' | b')' if (1..10).contains(&digits) => digits + 1,
        _ => return None,
    };
    let ends = bytes
        .get(len)
        .is_none_or(|byte| matches!(byte, b' ' | b'\t'));
    ends.then_some(len)
}

/// Returns whether a line is syntax of an extension, which the reader of the page does not see.
fn is_marker_line(content: &str) -> bool {
    let text = content.trim_end();
    begins_indented_document(text)
        || text.starts_with(":::")
        || text.starts_with("/// ")
        || (text.starts_with("{%") && text.ends_with("%}"))
        || ((text.starts_with("{{<") || text.starts_with("{{%")) && text.ends_with("}}"))
        || has_only_tags(text)
}

/// Returns whether a text consists of tags, none of which begins or ends verbatim text.
fn has_only_tags(text: &str) -> bool {
    let mut rest = text;
    while let Some(tag) = rest.strip_prefix('<') {
        let is_tag = tag.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '>'));
        let Some((_, after)) = tag.split_once('>').filter(|_| is_tag) else {
            return false;
        };
        if verbatim_element(rest).is_some() {
            return false;
        }
        rest = after.trim_start();
    }
    rest.is_empty() && !text.is_empty()
}

/// Returns the index of the verbatim element whose tag begins a text.
fn verbatim_element(text: &str) -> Option<usize> {
    let tag = text.strip_prefix('<')?;
    let tag = tag.strip_prefix('/').unwrap_or(tag);
    let name = tag
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .next()?;
    VERBATIM_ELEMENTS.iter().position(|known| *known == name)
}

/// Returns the length of the front matter at the start of a text, between lines of `---` or `+++`.
fn front_matter_len(text: &str) -> usize {
    let mut lines = text.split_inclusive('\n');
    let Some(mark @ ("---" | "+++")) = lines.next().map(str::trim_end) else {
        return 0;
    };
    let mut len = text.split_inclusive('\n').next().map_or(0, str::len);
    for line in lines {
        len += line.len();
        if line.trim_end() == mark || (mark == "---" && line.trim_end() == "...") {
            return len;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_has_the_same_length_and_no_foreign_syntax() {
        for (text, masked) in [
            ("a [b](c)\n", "a (b](c)\n"),
            ("---\na: `b`\n---\nc", "              \nc"),
            ("+++\na\n+++\nc", "         \nc"),
            ("---\na\n", "---\na\n"),
            ("\u{feff}```\n", "   ```\n"),
            ("<Tabs>\n```", "      \n```"),
            ("<div a=\"b\"> <br/>\nx", "                 \nx"),
            ("<td><code>a</code></td>", "(td><code>a</code></td>"),
            ("<summary>a</summary>", "(summary>a</summary>"),
            ("> <details>\n> ```", ">          \n> ```"),
            ("- <p>a", "- (p>a"),
            ("<pre>\n</pre>", "<pre>\n</pre>"),
            ("<pre>\n</pre", "<pre>\n</pre"),
            ("</pre>\n<pre>\n", "</pre>\n(pre>\n"),
            ("<!-- a -->", "<!-- a -->"),
            ("--> <!-- a", "--> <!-- a"),
            ("-->\n<!-- a", "-->\n(!-- a"),
            ("a <!A <?b <![CDATA[", "a (!A (?b (!(CDATA("),
            ("{% tab title=\"x\" %}\na", "                   \na"),
            ("{{< tabs >}}", "            "),
            ("!!! note \"x\"\n    a", "            \n    a"),
            ("=== \"Tab\"", "         "),
            ("===\n:::tip\n", "===\n      \n"),
            ("a\r\nb\0\u{1}\tc\r\n", "a \nb  \tc \n"),
            ("a\n\n\n \n\nb\n\n", "a\n    \nb\n\n"),
            ("é\n<é>\n", "é\n(é>\n"),
        ] {
            assert_eq!(mask(text).len(), text.len(), "{text}");
            assert_eq!(mask(text), masked, "{text}");
        }
    }

    #[test]
    fn deep_containers_are_text() {
        let text = format!("{}> a", " ".repeat(64));
        assert_eq!(mask(&text), format!("{}x a", " ".repeat(64)));
        let text = "> ".repeat(40);
        assert_eq!(mask(&text).matches('>').count(), 39);
        assert_eq!(mask(&text).find('x'), Some(64));
        let text = format!("{}12. a", " ".repeat(70));
        assert_eq!(mask(&text), format!("{}x2. a", " ".repeat(70)));
    }
}
