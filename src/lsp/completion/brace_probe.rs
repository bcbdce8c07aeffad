//! Completes the reference at the cursor, and analyzes the text: which quotes are missing, and whether
//! there is a reference at all.

use super::brace_cursor::{BraceCursor, BracePart};
use super::probed_text::{AnalyzeText, CursorText, VARIANTS};
use super::unclosed::Unclosed;
use crate::diagnostics::rule_id::RuleId;
use crate::lint::analysis::Analysis;

/// What the analysis of a text shows about a reference in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    /// There is a finding about it.
    Finding,
    /// It has no quotes, so YAML reads a mapping.
    Unquoted,
    /// It is a reference.
    Reference,
}

fn evidence(analysis: &Analysis, name: &str) -> Option<Evidence> {
    let references = analysis.references.iter();
    let mut references = references.chain(&analysis.dynamic_references);
    if references.any(|reference| reference.names.text().contains(name)) {
        return Some(Evidence::Reference);
    }
    let at = analysis.source.text().find(name)?;
    let about = analysis.findings.iter().filter(|finding| {
        let span = finding.draft().span;
        span.start <= at && at < span.end && finding.rule() != RuleId::SyntaxError
    });
    let evidence = about.map(|finding| match finding.rule() {
        RuleId::UnquotedReference => Evidence::Unquoted,
        _ => Evidence::Finding,
    });
    evidence.max()
}

/// A completed reference whose text was analyzed.
pub struct ProbedBraces {
    evidence: Evidence,
    /// The quote that is missing after it.
    pub quote: Option<char>,
    /// Whether a quote is missing before it.
    pub has_opening: bool,
    /// The analysis.
    pub analysis: Analysis,
}

/// Completes the braces with an unused name, in several ways, until the text contains a reference.
/// Otherwise returns the first text with a finding about them.
pub fn probe_braces(
    cursor: CursorText<'_>,
    braces: &BraceCursor,
    name: &str,
    analyze: &mut AnalyzeText<'_>,
) -> Option<ProbedBraces> {
    let before = cursor.slice(0, braces.open);
    let inner = cursor.slice(braces.open, braces.span.start);
    let has_key = cursor
        .slice(braces.span.end, cursor.line.end)
        .starts_with('.');
    let (completed, tail) = match braces.part {
        BracePart::Secret if has_key => (name.to_owned(), braces.span.end),
        BracePart::Secret => (format!("{name}.key}}}}"), braces.end),
        BracePart::Key(_) => (format!("{name}}}}}"), braces.end),
    };
    let head = format!("{before}{inner}{completed}");
    let in_line = cursor.slice(cursor.line.start, braces.open);
    let may_open = !cursor.syntax.is_script() && !has_key && Unclosed::of(in_line).quote.is_none();
    let quoted = may_open.then(|| format!("{before}\"{inner}{completed}\""));
    let mut best: Option<ProbedBraces> = None;
    for number in 0..VARIANTS {
        let mut probe = |head: &str, has_opening| {
            let variant = cursor.variant(number, head, tail)?;
            let analysis = analyze(&variant.text)?;
            Some(ProbedBraces {
                evidence: evidence(&analysis, name)?,
                quote: if has_opening {
                    Some('"')
                } else {
                    variant.quote
                },
                has_opening,
                analysis,
            })
        };
        let as_it_is = probe(&head, false);
        let is_unquoted = |it: &ProbedBraces| it.evidence == Evidence::Unquoted;
        let was_unquoted = as_it_is.as_ref().is_some_and(is_unquoted);
        let is_found = |it: &ProbedBraces| it.evidence == Evidence::Reference;
        let mut found = as_it_is;
        if !found.as_ref().is_some_and(is_found) {
            let with_quotes = quoted.as_ref().and_then(|head| probe(head, true));
            let is_better = |it: &ProbedBraces| was_unquoted || is_found(it);
            found = with_quotes.filter(is_better).or(found);
        }
        if found.as_ref().is_some_and(is_found) {
            return found;
        }
        best = best.or(found);
        if best.is_some() && number > 0 {
            break;
        }
    }
    best
}
