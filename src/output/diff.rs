//! Diffs for people: unified diffs in which possible secret values are redacted.
//!
//! [`write_fixed`] compares two texts of a file. [`write_rendered`] does not compare texts: it
//! shows each line with a reference before and after `render`, with the value redacted.

use super::style::{ADDED, HEADING, HUNK, OutputStyle, REMOVED};
use crate::diagnostics::excerpt;
use crate::edit::fix::ChangedFile;
use crate::edit::substitution::RenderedFile;
use crate::text::escape::escape_control;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use similar::udiff::UnifiedHunkHeader;
use similar::{Algorithm, ChangeTag, DiffOp, capture_diff_slices, group_diff_ops};
use std::io::{self, Write};

/// The number of unchanged lines around a change, the default of `diff -u`.
const CONTEXT: usize = 3;

/// Writes the diff of a file that `--fix` or `--add-ignores` changes.
///
/// If nothing in the diff is redacted, `patch -p0` can apply it.
pub fn write_fixed(
    changed: &ChangedFile,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (before, after) = (&changed.old_source, &changed.new_source);
    let (old, new) = (
        DiffLines::from_source(before),
        DiffLines::from_source(after),
    );
    let ops = capture_diff_slices(Algorithm::Myers, &old.texts(), &new.texts());
    let path = escape_control(before.path());
    writeln!(
        out,
        "{}\n{}",
        style.paint(HEADING, format!("--- {path}")),
        style.paint(HEADING, format!("+++ {path}"))
    )?;
    for hunk in group_diff_ops(ops, CONTEXT) {
        writeln!(out, "{}", style.paint(HUNK, UnifiedHunkHeader::new(&hunk)))?;
        for op in &hunk {
            write_change(op, &old, &new, style, out)?;
        }
    }
    Ok(())
}

/// Writes the removed and added lines of a change, or lines that did not change.
fn write_change(
    op: &DiffOp,
    old: &DiffLines<'_>,
    new: &DiffLines<'_>,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    if op.tag() == similar::DiffTag::Equal {
        return new.write(op.new_range(), ChangeTag::Equal, style, out);
    }
    old.write(op.old_range(), ChangeTag::Delete, style, out)?;
    new.write(op.new_range(), ChangeTag::Insert, style, out)
}

/// The lines of a file, without their line breaks.
struct DiffLines<'s> {
    source: &'s RedactedSource,
    spans: Vec<Span>,
    ends_with_break: bool,
}

impl<'s> DiffLines<'s> {
    fn from_source(source: &'s RedactedSource) -> Self {
        let (mut spans, mut at, text) = (Vec::new(), 0, source.text());
        while at < text.len() {
            let line = source.line_span(at);
            spans.push(line);
            let rest = text.get(line.end..).unwrap_or_default();
            at = line.end + if rest.starts_with("\r\n") { 2 } else { 1 };
        }
        Self {
            source,
            spans,
            ends_with_break: text.ends_with(['\n', '\r']),
        }
    }

    /// Returns each line, and whether a line break ends it, so that adding a line break at the end
    /// of the file counts as a change.
    fn texts(&self) -> Vec<(&'s str, bool)> {
        let last = self.spans.len().saturating_sub(1);
        let texts = self.spans.iter().enumerate();
        texts
            .map(|(at, &line)| (self.source.slice(line), at < last || self.ends_with_break))
            .collect()
    }

    fn write(
        &self,
        range: std::ops::Range<usize>,
        tag: ChangeTag,
        style: OutputStyle,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let ends_here = range.end == self.spans.len() && !range.is_empty();
        for line in self.spans.get(range).unwrap_or_default() {
            let text = style.excerpt(excerpt::redact_line(self.source, line.start, &[]));
            match tag {
                ChangeTag::Equal => writeln!(out, " {text}")?,
                ChangeTag::Delete => writeln!(out, "{}", style.paint(REMOVED, format!("-{text}")))?,
                ChangeTag::Insert => writeln!(out, "{}", style.paint(ADDED, format!("+{text}")))?,
            }
        }
        if ends_here && !self.ends_with_break {
            writeln!(out, "\\ No newline at end of file")?;
        }
        Ok(())
    }
}

/// Writes the lines that `render` changes, before and after, with each value redacted.
///
/// Writes nothing if the file contains no references that `render` replaces.
pub fn write_rendered(
    rendered: &RenderedFile<'_>,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    let source = &rendered.file.source;
    let path = escape_control(source.path());
    let mut references = rendered.replaced.iter().peekable();
    if references.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "{}", style.paint(HEADING, format!("--- {path}")))?;
    writeln!(
        out,
        "{}",
        style.paint(HEADING, format!("+++ {path} (rendered)"))
    )?;
    while let Some(reference) = references.next() {
        let line = source.position(reference.span.start).line;
        let mut spans = vec![reference.span];
        while let Some(next) =
            references.next_if(|next| source.position(next.span.start).line == line)
        {
            spans.push(next.span);
        }
        let old = style.excerpt(excerpt::redact_line(source, reference.span.start, &[]));
        let new = style.excerpt(excerpt::redact_line(source, reference.span.start, &spans));
        writeln!(out, "{}", style.paint(HUNK, format!("@@ line {line} @@")))?;
        writeln!(out, "{}", style.paint(REMOVED, format!("-{old}")))?;
        writeln!(out, "{}", style.paint(ADDED, format!("+{new}")))?;
    }
    Ok(())
}
