//! Texts of hovers, in Markdown or as plain text. Names are never read as Markdown.

use crate::text::escape::escape_control;
use crate::text::source::floor_char_boundary;

/// The longest name, in bytes. Longer ones are cut.
const MAX_NAME: usize = 200;

/// The most names in a list.
const MAX_NAMES: usize = 20;

/// A text of paragraphs.
pub struct HoverText {
    is_markdown: bool,
    paragraphs: Vec<String>,
}

impl HoverText {
    /// Creates a text without paragraphs.
    pub fn new(is_markdown: bool) -> Self {
        Self {
            is_markdown,
            paragraphs: Vec::new(),
        }
    }

    /// Adds a paragraph, which contains names only as [`HoverText::name`] returns them.
    pub fn add(&mut self, paragraph: impl Into<String>) {
        self.paragraphs.push(paragraph.into());
    }

    /// Adds a text that may contain names as they are. In Markdown, it becomes code.
    pub fn add_literal(&mut self, text: &str) {
        let text = escape_control(text);
        let text = if self.is_markdown {
            code_span(&text)
        } else {
            text
        };
        self.paragraphs.push(text);
    }

    /// Returns a name in quotes, which are a code span in Markdown.
    pub fn name(&self, name: &str) -> String {
        let mut name = escape_control(name);
        if name.len() > MAX_NAME {
            name.truncate(floor_char_boundary(&name, MAX_NAME));
            name.push('…');
        }
        if self.is_markdown {
            code_span(&name)
        } else {
            format!("`{name}`")
        }
    }

    /// Returns names in quotes, separated by commas. A long list is cut.
    pub fn names<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> String {
        let mut names = names.into_iter();
        let mut list: Vec<String> = names
            .by_ref()
            .take(MAX_NAMES)
            .map(|name| self.name(name))
            .collect();
        let more = names.count();
        if more > 0 {
            list.push(format!("and {more} more"));
        }
        list.join(", ")
    }

    /// Returns the whole text.
    pub fn finish(self) -> String {
        self.paragraphs.join("\n\n")
    }
}

/// Returns a text as a code span of Markdown: in more backticks than any run of them in the text.
fn code_span(text: &str) -> String {
    let (mut longest, mut run) = (0, 0);
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let needs_space = text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let space = if needs_space { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Parser, Tag, TagEnd};

    #[test]
    fn names_are_quoted() {
        for (name, markdown, plain) in [
            ("a", "`a`", "`a`"),
            ("a`b", "``a`b``", "`a`b`"),
            ("``", "``` `` ```", "````"),
            ("", "`  `", "``"),
            ("a\n\nb", "`a\\u{a}\\u{a}b`", "`a\\u{a}\\u{a}b`"),
        ] {
            assert_eq!(HoverText::new(true).name(name), markdown);
            assert_eq!(HoverText::new(false).name(name), plain);
        }
        let long = HoverText::new(true).name(&"ä".repeat(1_000));
        assert!(long.len() < 210 && long.ends_with("…`"), "{long}");
        let names = HoverText::new(true).names(["x"; 25]);
        assert!(names.ends_with("`x`, and 5 more"), "{names}");
    }

    proptest! {
        #[test]
        fn a_name_is_one_code_span(name in "[`<>\\[\\]()!#*_~|&;:/ a\n\t\u{202e}\\\\]{0,20}") {
            let mut text = HoverText::new(true);
            text.add(format!("x {} y", text.name(&name)));
            text.add_literal(&name);
            let text = text.finish();
            let events: Vec<Event<'_>> = Parser::new(&text).collect();
            let is_allowed = |event: &Event<'_>| matches!(
                event,
                Event::Code(_)
                    | Event::Start(Tag::Paragraph)
                    | Event::End(TagEnd::Paragraph)
            ) || matches!(event, Event::Text(text) if matches!(&**text, "x " | " y"));
            prop_assert!(events.iter().all(is_allowed), "{text:?}: {events:?}");
            prop_assert_eq!(events.iter().filter(|it| matches!(it, Event::Code(_))).count(), 2);
        }
    }
}
