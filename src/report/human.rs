//! Compiler-grade diagnostics, drawn by miette. Every finding is drawn by itself, from an excerpt that was made safe
//! before; what steers a terminal is taken out of the words, too.

use crate::error::Failure;
use crate::excerpt::{Excerpt, printable};
use crate::finding::{Finding, Severity};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use std::fmt;
use std::io::{self, Write};

/// How a terminal, or the lack of one, wants its diagnostics.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Colours.
    pub color: bool,
    /// Columns.
    pub width: usize,
}

impl Look {
    /// That of a file.
    pub const PLAIN: Self = Self { color: false, width: 100 };

    fn handler(self) -> GraphicalReportHandler {
        let theme = if self.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        GraphicalReportHandler::new_themed(theme).with_context_lines(0).with_width(self.width).with_links(false)
    }
}

/// Writes the findings, one after the other.
///
/// # Errors
/// Those of the writer.
pub fn write(findings: &[Finding], look: Look, out: &mut dyn Write) -> io::Result<()> {
    let handler = look.handler();
    let mut text = String::new();
    for finding in findings {
        text.clear();
        handler.render_report(&mut text, &Shown::new(finding)).map_err(io::Error::other)?;
        writeln!(out, "{text}")?;
    }
    Ok(())
}

/// Writes a failure, drawn like a finding.
///
/// # Errors
/// Those of the writer.
pub fn write_failure(failure: &Failure, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let mut text = String::new();
    look.handler().render_report(&mut text, failure).map_err(io::Error::other)?;
    writeln!(out, "{}", text.trim_end())
}

/// A finding as miette wants it.
#[derive(Debug)]
struct Shown<'f> {
    finding: &'f Finding,
    message: String,
    help: Option<String>,
    excerpt: Excerpt,
}

impl<'f> Shown<'f> {
    fn new(finding: &'f Finding) -> Self {
        Self {
            finding,
            message: printable(&finding.message),
            help: finding.help.as_deref().map(printable),
            excerpt: Excerpt::new(&finding.source, finding.span, finding.conceal),
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("{}[{}]", self.finding.severity.name(), self.finding.rule)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = self.finding.label.clone();
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(label, self.excerpt.label()))))
    }
}
