//! The values of a program's expressions, with their spans.

use super::offsets::{OffsetMap, OffsetMapBuilder};
use super::text_template::TextTemplate;
use crate::text::source::{SourceFile, Span};
use std::ops::Range;
use std::sync::Arc;

/// A value that an expression in code has.
#[derive(Clone, Debug)]
pub(crate) enum CodeValue {
    /// A text, which may have parts that are known only at run time.
    Text(CodeText),
    /// A mapping, such as a dictionary of Python or an object of Terraform.
    Mapping {
        /// The span of the whole expression.
        span: Span,
        /// The entries, in the order of the file.
        entries: Vec<(CodeText, CodeValue)>,
        /// Whether the mapping has no other entries at run time.
        is_complete: bool,
    },
    /// A sequence.
    Sequence {
        /// The span of the whole expression.
        span: Span,
        /// The items, in the order of the file.
        items: Vec<CodeValue>,
    },
    /// A number, a boolean or a null value.
    Literal(Span),
    /// An expression that is not evaluated.
    Unknown(Span),
}

/// A text as the program evaluates it.
#[derive(Clone, Debug)]
pub(crate) struct CodeText {
    /// The text. A part that is known only at run time is replaced by the source of its expression,
    /// for example `${var.name}`.
    pub text: String,
    /// The map from offsets in the text to offsets in the file.
    pub offsets: OffsetMap,
    /// The span of the whole expression, with quotes.
    pub span: Span,
    /// The ranges of the text that are known only at run time, sorted.
    pub expansions: Vec<Expansion>,
    /// The literal that the text comes from, if a constant contains it.
    pub definition: Option<TextDefinition>,
}

/// A part of a text that is known only at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expansion {
    /// Its range in the text.
    pub range: Range<usize>,
    /// The variables that determine it. `None` if it depends on something else.
    pub template: Option<Arc<TextTemplate>>,
}

impl Expansion {
    /// Creates an expansion that depends on something other than variables.
    pub fn unknown(range: Range<usize>) -> Self {
        Self {
            range,
            template: None,
        }
    }

    /// Returns the expansion in a text that has `len` bytes more before it.
    pub fn after(&self, len: usize) -> Self {
        Self {
            range: self.range.start + len..self.range.end + len,
            template: self.template.clone(),
        }
    }

    /// Returns the expansion in a part of the text. Returns `None` if it is not in that part.
    pub fn in_part(&self, part: &Range<usize>) -> Option<Self> {
        let start = self.range.start.max(part.start);
        let end = self.range.end.min(part.end);
        let is_whole = start == self.range.start && end == self.range.end;
        (start < end).then(|| Self {
            range: start - part.start..end - part.start,
            template: self.template.clone().filter(|_| is_whole),
        })
    }
}

/// The literal of a constant.
#[derive(Clone, Debug)]
pub struct TextDefinition {
    /// The file that contains the literal.
    pub source: Arc<SourceFile>,
    /// The span of the contents, without quotes.
    pub span: Span,
}

impl CodeText {
    /// Creates a text that the file contains as it is.
    pub fn verbatim(text: &str, span: Span) -> Self {
        Self {
            text: text.to_owned(),
            offsets: OffsetMap::from_verbatim(span),
            span,
            expansions: Vec::new(),
            definition: None,
        }
    }

    /// Returns the text if no part of it depends on the run.
    pub fn fixed(&self) -> Option<&str> {
        self.expansions.is_empty().then_some(self.text.as_str())
    }

    /// Returns the text with other text in place of some of its expansions. `replace` gets an
    /// expression and its span in the file, and returns `None` for one that stays.
    pub fn replace_expansions(self, replace: impl Fn(&str, Span) -> Option<String>) -> Self {
        if self.expansions.is_empty() {
            return self;
        }
        let mut out = OffsetMapBuilder::default();
        let mut expansions = Vec::with_capacity(self.expansions.len());
        let mut copied = 0;
        for Expansion { range, template } in &self.expansions {
            out.push_part(&self.offsets, copied..range.start, &self.text);
            let start = out.text().len();
            let expression = self.text.get(range.clone()).unwrap_or_default();
            let span = self.offsets.source(range.start, range.end);
            match replace(expression, span) {
                Some(text) => out.push_replaced(span.start, span.len(), &text),
                None => out.push_part(&self.offsets, range.clone(), &self.text),
            }
            expansions.push(Expansion {
                range: start..out.text().len(),
                template: template.clone(),
            });
            copied = range.end;
        }
        out.push_part(&self.offsets, copied..self.text.len(), &self.text);
        let (text, offsets) = out.into_text(self.span);
        Self {
            text,
            offsets,
            expansions,
            ..self
        }
    }

    /// Returns the text with the map of a name that stands for it.
    pub(super) fn replaced_at(self, name: Span) -> Self {
        Self {
            offsets: OffsetMap::replaced_by(name),
            span: name,
            ..self
        }
    }

    /// Returns the template of the whole text. Returns `None` if a part of it is neither text nor a
    /// variable, or if the text is too long.
    pub fn template(&self) -> Option<Arc<TextTemplate>> {
        let mut template = TextTemplate::default();
        let mut at = 0;
        for expansion in &self.expansions {
            let before = self.text.get(at..expansion.range.start)?;
            template.push_text(before)?;
            template.extend(expansion.template.as_deref()?)?;
            at = expansion.range.end;
        }
        template.push_text(self.text.get(at..)?)?;
        Some(Arc::new(template))
    }

    /// Returns whether a part of the text is known only at run time.
    pub fn is_dynamic(&self) -> bool {
        !self.expansions.is_empty()
    }
}

impl CodeValue {
    /// Returns a mapping as one that may have other entries. Other values stay as they are.
    pub fn into_incomplete(self) -> Self {
        match self {
            Self::Mapping { span, entries, .. } => Self::Mapping {
                span,
                entries,
                is_complete: false,
            },
            value => value,
        }
    }

    /// Returns the span of the whole expression.
    pub fn span(&self) -> Span {
        match self {
            Self::Text(text) => text.span,
            Self::Mapping { span, .. }
            | Self::Sequence { span, .. }
            | Self::Literal(span)
            | Self::Unknown(span) => *span,
        }
    }
}
