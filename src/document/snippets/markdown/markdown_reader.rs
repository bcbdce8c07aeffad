//! Reads the events of the Markdown parser into code blocks.
//!
//! The parser read a copy of the text, so only the ranges of its events are used.

use super::markdown_mask::begins_indented_document;
use crate::document::COMMAND;
use crate::document::offsets::OffsetMapBuilder;
use crate::document::snippets::code_block::CodeBlock;
use crate::document::snippets::code_language::CodeLanguage;
use crate::document::snippets::code_spans::{SpanContext, decode_span};
use crate::document::snippets::html_code;
use memchr::memmem;
use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};
use std::ops::Range;

/// A reader of the parser's events.
pub(super) struct MarkdownReader<'t> {
    text: &'t str,
    depth: usize,
    blocks: Vec<CodeBlock>,
    /// The code block that the events are in.
    open_block: Option<OpenBlock>,
    /// The HTML block that the events are in.
    open_html: Option<OffsetMapBuilder>,
    /// The end of the start tag of a `<code>` element in a paragraph, and its language.
    open_element: Option<(usize, CodeLanguage)>,
    /// The number of quotes around the events.
    quotes: usize,
    is_in_table: bool,
    /// The offset up to which events are skipped.
    skipped_to: usize,
    /// Whether the text after the events may contain an end tag of `<pre>`.
    may_close_pre: bool,
}

/// A code block that has not ended.
struct OpenBlock {
    start: usize,
    /// The language, or `None` for an indented block.
    language: Option<CodeLanguage>,
    code: OffsetMapBuilder,
}

impl<'t> MarkdownReader<'t> {
    pub fn new(text: &'t str, depth: usize) -> Self {
        Self {
            text,
            depth,
            blocks: Vec::new(),
            open_block: None,
            open_html: None,
            open_element: None,
            quotes: 0,
            is_in_table: false,
            skipped_to: 0,
            may_close_pre: true,
        }
    }

    /// Tracks the containers, also of events that are skipped.
    fn read_containers(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(Tag::BlockQuote(_)) => self.quotes += 1,
            Event::End(TagEnd::BlockQuote(_)) => self.quotes = self.quotes.saturating_sub(1),
            Event::Start(Tag::Table(_)) => self.is_in_table = true,
            Event::End(TagEnd::Table) => self.is_in_table = false,
            _ => {}
        }
        let ends_paragraph = matches!(
            event,
            Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::Item | Tag::TableCell)
                | Event::End(
                    TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableCell
                )
        );
        if ends_paragraph {
            self.open_element = None;
        }
    }

    /// Returns the blocks of the events, in the order of the text.
    pub fn into_blocks(self) -> Vec<CodeBlock> {
        self.blocks
    }

    /// Reads an event with its range in the text.
    pub fn read(&mut self, event: Event<'_>, range: Range<usize>) {
        self.read_containers(&event);
        // The parser does not know that the text of a `<pre>` element in a paragraph is code.
        if range.start < self.skipped_to {
            return;
        }
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let is_fenced = matches!(kind, CodeBlockKind::Fenced(_));
                self.open_block = Some(OpenBlock {
                    start: range.start,
                    language: is_fenced.then(|| self.fence_language(range.start)),
                    code: OffsetMapBuilder::default(),
                });
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some(block) = self.open_block.take() {
                    self.finish_block(block);
                }
            }
            Event::Text(part) => {
                if let Some(block) = &mut self.open_block {
                    push_text(&mut block.code, self.text, range, &part);
                }
            }
            Event::Start(Tag::HtmlBlock) => self.open_html = Some(OffsetMapBuilder::default()),
            Event::Html(part) => {
                if let Some(html) = &mut self.open_html {
                    push_text(html, self.text, range, &part);
                }
            }
            Event::End(TagEnd::HtmlBlock) => {
                if let Some(html) = self.open_html.take() {
                    self.finish_html(html);
                }
            }
            Event::InlineHtml(_) => self.read_inline_html(range),
            Event::Code(_) if self.open_element.is_none() => self.read_inline_code(range),
            _ => {}
        }
    }

    /// Returns the language of the fence at an offset.
    fn fence_language(&self, start: usize) -> CodeLanguage {
        let line = self.text.get(start..).and_then(|text| text.lines().next());
        let info = line.unwrap_or_default().trim_start_matches(['`', '~']);
        CodeLanguage::from_info(info)
    }

    fn finish_block(&mut self, block: OpenBlock) {
        let language = block.language.unwrap_or_else(|| {
            if self.is_document(&block) {
                CodeLanguage::Markdown
            } else {
                CodeLanguage::Unknown
            }
        });
        self.add(CodeBlock::new(block.code, 0, language));
    }

    /// Returns whether an indented block contains a page: the body of an admonition or of a JSX
    /// element, or anything with a fence or a code element in it.
    fn is_document(&self, block: &OpenBlock) -> bool {
        let before = self.text.get(..block.start).unwrap_or_default().trim_end();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let marks = ["```", "~~~", "<pre", "<code"];
        let has_mark = |line: &str| {
            let text = line.trim_start();
            marks.iter().any(|mark| text.starts_with(mark))
        };
        let after_list_mark = line.trim_start_matches([' ', '\t', '>', '-', '*', '+']);
        begins_indented_document(after_list_mark)
            || block.code.text().lines().any(has_mark)
            || block.code.text().contains("<code")
    }

    fn finish_html(&mut self, html: OffsetMapBuilder) {
        let (html, offsets) = html.build(0);
        if !html.contains(COMMAND) {
            return;
        }
        for element in html_code::find_elements(&html) {
            let start = element.content.start;
            let content = html.get(element.content).unwrap_or_default();
            let block = CodeBlock::new(html_code::decode(content), start, element.language);
            self.add(block.within(&offsets));
        }
    }

    /// Reads a tag in a paragraph.
    fn read_inline_html(&mut self, range: Range<usize>) {
        let tag = self.text.get(range.clone()).unwrap_or_default();
        match html_code::opened_element(tag) {
            Some(("pre", language)) => self.read_pre(range.end, language),
            Some((_, language)) => self.open_element = Some((range.end, language)),
            None if tag.starts_with(html_code::end_tag("code")) => {
                if let Some((start, language)) = self.open_element.take() {
                    self.add_element(start..range.start, language);
                }
            }
            None => {}
        }
    }

    /// Reads a `<pre>` element that begins in a paragraph, for example after `<td>`. Its content is
    /// not Markdown.
    fn read_pre(&mut self, start: usize, language: CodeLanguage) {
        let rest = self.text.get(start..).filter(|_| self.may_close_pre);
        let end_tag = html_code::end_tag("pre").as_bytes();
        let Some(len) = rest.and_then(|rest| memmem::find(rest.as_bytes(), end_tag)) else {
            self.may_close_pre = false;
            return;
        };
        self.skipped_to = start + len;
        self.add_element(start..start + len, language);
    }

    fn add_element(&mut self, range: Range<usize>, language: CodeLanguage) {
        let start = range.start;
        let content = self.text.get(range).unwrap_or_default();
        let language = match language {
            CodeLanguage::Unknown => html_code::inner_language(content),
            language => language,
        };
        self.add(CodeBlock::new(html_code::decode(content), start, language));
    }

    fn read_inline_code(&mut self, range: Range<usize>) {
        let (start, end) = (range.start, range.end);
        let raw = self.text.get(range).unwrap_or_default();
        let ticks = raw.len() - raw.trim_start_matches('`').len();
        let Some(inner) = raw.get(ticks..raw.len().saturating_sub(ticks)) else {
            return;
        };
        if !inner.contains(COMMAND) {
            return;
        }
        // A fence in a paragraph, because it is indented too far.
        let info = inner.lines().next().unwrap_or_default();
        let is_fence = ticks >= 3 && inner.contains('\n');
        let language = if is_fence && !info.contains(COMMAND) {
            CodeLanguage::from_info(info)
        } else {
            CodeLanguage::Unknown
        };
        // `{` and `}` around it make it a template literal of JSX.
        let before = self.text.get(..start).unwrap_or_default();
        let after = self.text.get(end..).unwrap_or_default();
        let is_literal = before.ends_with('{') && after.starts_with('}');
        let context = SpanContext {
            keeps_lines: is_fence || is_literal,
            quotes: self.quotes,
            is_cell: self.is_in_table,
        };
        let skipped = if language == CodeLanguage::Unknown {
            0
        } else {
            info.len()
        };
        let code = decode_span(inner.get(skipped..).unwrap_or_default(), context);
        self.add(CodeBlock::new(code, start + ticks + skipped, language));
    }

    fn add(&mut self, block: CodeBlock) {
        self.blocks.extend(block.expand(self.depth));
    }
}

/// Adds the text of an event, which the parser may have made up: spaces that are a part of a tab.
/// Windows line breaks become `\n`.
fn push_text(out: &mut OffsetMapBuilder, text: &str, range: Range<usize>, part: &str) {
    if range.is_empty() {
        out.push_replaced(range.start, 0, part);
        return;
    }
    let mut at = range.start;
    for line in text.get(range).unwrap_or_default().split_inclusive('\n') {
        let len = line.strip_suffix("\r\n").map_or(line.len(), str::len);
        out.push_verbatim(at, line.get(..len).unwrap_or_default());
        out.push_verbatim(at + len + 1, if len < line.len() { "\n" } else { "" });
        at += line.len();
    }
}
