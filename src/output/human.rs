//! The human format: a header line, then a diagnostic with an excerpt, labels and help.
//!
//! miette draws the diagnostic, stackref writes the header. miette only receives an [`Excerpt`],
//! in which secret values are already redacted, never the whole source. Control characters in
//! names and messages are escaped, so that they cannot control the terminal.

use super::style::{ADDED, HEADING, OutputStyle, severity_style};
use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::Excerpt;
use crate::diagnostics::finding::{Finding, RelatedSpan, Severity};
use crate::lint::rules;
use crate::text::escape::escape_control;
use anstyle::Style;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use std::fmt;
use std::io::{self, Write};

/// Writes one diagnostic per finding.
pub fn write(findings: &[Finding], style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    let handler = handler(style);
    let mut text = String::new();
    for finding in findings {
        text.clear();
        handler
            .render_report(&mut text, &FindingDiagnostic::new(finding, style))
            .map_err(io::Error::other)?;
        if let Some(related) = &finding.related {
            text.push('\n');
            handler
                .render_report(&mut text, &RelatedDiagnostic::new(related, style))
                .map_err(io::Error::other)?;
        }
        writeln!(out, "{}", header(finding, style))?;
        if finding.source.is_registered() {
            writeln!(out, "  {}", escape_control(finding.source.path()))?;
        }
        writeln!(out, "\n{text}")?;
    }
    Ok(())
}

/// Writes a failure as a diagnostic without a header.
pub fn write_failure(failure: &Failure, style: OutputStyle, out: &mut dyn Write) -> io::Result<()> {
    let mut text = String::new();
    let excerpt = failure
        .excerpt()
        .map(|excerpt| styled_excerpt(excerpt.clone(), style));
    handler(style)
        .render_report(&mut text, &FailureDiagnostic { failure, excerpt })
        .map_err(io::Error::other)?;
    writeln!(out, "{}", text.trim_end())
}

fn handler(style: OutputStyle) -> GraphicalReportHandler {
    let theme = match (style.ascii, style.color) {
        (false, true) => GraphicalTheme::unicode(),
        (false, false) => GraphicalTheme::unicode_nocolor(),
        (true, true) => GraphicalTheme::ascii(),
        (true, false) => GraphicalTheme::none(),
    };
    GraphicalReportHandler::new_themed(theme)
        .with_context_lines(0)
        .with_width(style.width)
        .with_links(false)
}

fn styled_excerpt(excerpt: Excerpt, style: OutputStyle) -> Excerpt {
    if style.ascii {
        excerpt.in_ascii()
    } else {
        excerpt
    }
}

/// The most characters of a name in a header, so that one long name does not fill the line.
const LONGEST_NAME: usize = 60;

/// Returns the header of a finding, for example
/// `error[unknown-key] prod › tracker › password [fixable]`.
///
/// If the line would be wider than the stream, the names follow on a line of their own.
fn header(finding: &Finding, style: OutputStyle) -> String {
    let (severity, rule) = (finding.severity.name(), finding.rule.name());
    let name =
        rules::find(rule).map_or_else(|| rule.to_owned(), |known| style.link(&known.url(), rule));
    let title = style
        .paint(
            severity_style(finding.severity),
            format!("{severity}[{name}]"),
        )
        .to_string();
    let scope = &finding.scope;
    let names = [&scope.stack, &scope.component, &scope.attribute]
        .into_iter()
        .flatten();
    let names: Vec<String> = names
        .filter(|name| !name.is_empty())
        .map(|name| style.shorten(&escape_control(name), LONGEST_NAME))
        .collect();
    let names = names.join(if style.ascii { " > " } else { " › " });
    let mark = if finding.is_fixable() {
        " [fixable]"
    } else if finding.has_suggested_fix() {
        " [suggestion]"
    } else {
        ""
    };
    let width = severity.len() + rule.len() + "[] ".len() + names.chars().count() + mark.len();
    let (is_nameless, is_too_wide) = (names.is_empty(), width > style.width);
    let (names, mark) = (
        style.paint(HEADING, names),
        style.paint(if mark.is_empty() { Style::new() } else { ADDED }, mark),
    );
    if is_nameless {
        format!("{title}{mark}")
    } else if is_too_wide {
        format!("{title}{mark}\n  {names}")
    } else {
        format!("{title} {names}{mark}")
    }
}

/// A finding as a diagnostic for miette, without the header.
#[derive(Debug)]
struct FindingDiagnostic<'f> {
    finding: &'f Finding,
    message: String,
    help: Option<String>,
    /// The excerpt; `None` for a component on a server.
    excerpt: Option<Excerpt>,
}

/// The place that explains a finding, as a diagnostic for miette.
#[derive(Debug)]
struct RelatedDiagnostic {
    message: String,
    excerpt: Excerpt,
}

impl RelatedDiagnostic {
    fn new(related: &RelatedSpan, style: OutputStyle) -> Self {
        Self {
            message: escape_control(&related.message),
            excerpt: styled_excerpt(Excerpt::new(&related.source, related.span, false), style),
        }
    }
}

impl fmt::Display for RelatedDiagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RelatedDiagnostic {}

impl Diagnostic for RelatedDiagnostic {
    fn severity(&self) -> Option<miette::Severity> {
        Some(miette::Severity::Advice)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            None,
            self.excerpt.label(),
        ))))
    }
}

impl<'f> FindingDiagnostic<'f> {
    fn new(finding: &'f Finding, style: OutputStyle) -> Self {
        Self {
            finding,
            message: escape_control(&finding.message),
            help: finding.help.as_deref().map(escape_control),
            excerpt: (!finding.source.is_registered()).then(|| {
                let excerpt = Excerpt::new(&finding.source, finding.span, finding.redact);
                styled_excerpt(excerpt, style)
            }),
        }
    }
}

impl fmt::Display for FindingDiagnostic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FindingDiagnostic<'_> {}

impl Diagnostic for FindingDiagnostic<'_> {
    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt
            .as_ref()
            .map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let excerpt = self.excerpt.as_ref()?;
        let label = self.finding.label.clone();
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            label,
            excerpt.label(),
        ))))
    }
}

/// A failure as a diagnostic for miette.
#[derive(Debug)]
struct FailureDiagnostic<'f> {
    failure: &'f Failure,
    excerpt: Option<Excerpt>,
}

impl fmt::Display for FailureDiagnostic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl std::error::Error for FailureDiagnostic<'_> {}

impl Diagnostic for FailureDiagnostic<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.failure
            .help_text()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt
            .as_ref()
            .map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let excerpt = self.excerpt.as_ref()?;
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            None,
            excerpt.label(),
        ))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::finding::{Applicability, FixEdit, Scope};
    use crate::diagnostics::finding_builder::{FindingBuilder, build_all};
    use crate::diagnostics::rule_id::RuleId;
    use crate::text::redacted_source::RedactedSource;
    use crate::text::source::{SourceFile, Span};
    use std::sync::Arc;

    fn finding(names: [&str; 3], fix: Option<Applicability>) -> Finding {
        let source = RedactedSource::span_only(&Arc::new(SourceFile::new("s.yaml", "x: y")));
        let finding = FindingBuilder::new(RuleId::UnknownKey, &source, Span::new(3, 4), "wrong");
        let [stack, component, attribute] =
            names.map(|name| Some(Arc::from(name)).filter(|_| !name.is_empty()));
        let scope = Scope {
            stack,
            component,
            component_name: None,
            attribute,
        };
        let edits = vec![FixEdit::new(Span::new(3, 4), "z")];
        let finding = fix
            .into_iter()
            .fold(finding, |finding, fix| finding.fix(fix, edits.clone()));
        build_all(vec![finding.scope(scope)], |_| Some(Severity::Error)).remove(0)
    }

    #[test]
    fn header_contains_scope_and_fix_mark() {
        let prod = ["prod", "experiment_tracker", "tracking_password"];
        for (names, fix, expected) in [
            (["", "", ""], None, "error[unknown-key]"),
            (
                prod,
                None,
                "error[unknown-key] prod › experiment_tracker › tracking_password",
            ),
            (
                ["", "step", "secrets"],
                Some(Applicability::Safe),
                "error[unknown-key] step › secrets [fixable]",
            ),
            (
                ["", "", ""],
                Some(Applicability::Suggestion),
                "error[unknown-key] [suggestion]",
            ),
        ] {
            assert_eq!(header(&finding(names, fix), OutputStyle::PLAIN), expected);
        }
        let ascii = OutputStyle {
            ascii: true,
            ..OutputStyle::PLAIN
        };
        let expected = "error[unknown-key] prod > experiment_tracker > tracking_password";
        assert_eq!(header(&finding(prod, None), ascii), expected);
    }

    #[test]
    fn header_shortens_and_escapes_names() {
        let long = "ü".repeat(100_000);
        let hostile = "a\u{1b}]8;;http://evil\u{1b}\\\u{202e}\n  × b";
        for style in [
            OutputStyle::PLAIN,
            OutputStyle {
                ascii: true,
                width: 20,
                ..OutputStyle::PLAIN
            },
        ] {
            let header = header(
                &finding([&long, hostile, &long], Some(Applicability::Safe)),
                style,
            );
            assert!(header.chars().count() < 250, "{header}");
            let (title, names) = header.split_once('\n').unwrap_or_default();
            assert_eq!(title, "error[unknown-key] [fixable]");
            assert!(
                names.starts_with("  ü") && !names.contains(['\u{1b}', '\u{202e}', '\n']),
                "{names}"
            );
        }
    }

    #[test]
    fn rule_links_to_its_page_if_links_are_enabled() {
        let style = OutputStyle {
            links: true,
            color: true,
            ..OutputStyle::PLAIN
        };
        let header = header(&finding(["", "", ""], None), style);
        let url = rules::find("unknown-key")
            .map(rules::Rule::url)
            .unwrap_or_default();
        assert!(
            url.starts_with("https://") && url.ends_with("#unknown-key"),
            "{url}"
        );
        let link = format!("\u{1b}]8;;{url}\u{1b}\\unknown-key\u{1b}]8;;\u{1b}\\");
        assert!(header.contains(&link), "{header:?}");
    }
}
