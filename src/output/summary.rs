//! The summary line that `check` prints to standard error at the end of each run.

use crate::lint::report::{Summary, Unchecked};
use crate::text::escape::escape_control;
use std::collections::BTreeSet;

/// Returns the summary line, for example `checked 2 files, 9 references: 1 error, 0 warnings`.
///
/// Counts that are zero are left out, apart from these four.
pub fn summary_line(summary: &Summary) -> String {
    let registered = summary.registered.map_or_else(String::new, |number| {
        format!(" and {}", count(number, "registered component"))
    });
    let mut line = format!(
        "checked {}{registered}, {}: {}, {}",
        count(summary.files, "file"),
        count(summary.references, "reference"),
        count(summary.errors, "error"),
        count(summary.warnings, "warning"),
    );
    let suppressed = [
        (summary.ignored, "ignored"),
        (summary.baselined, "in the baseline"),
    ];
    let suppressed: Vec<String> = suppressed
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    if !suppressed.is_empty() {
        line.push_str(&format!(" ({})", suppressed.join(", ")));
    }
    if summary.fixed > 0 {
        line.push_str(&format!(", {} fixed", summary.fixed));
    }
    if summary.fixable > 0 || summary.suggestions > 0 {
        line.push_str(&format!(", {} fixable with --fix", summary.fixable));
    }
    if summary.suggestions > 0 {
        line.push_str(&format!(
            ", {} more with --fix=suggestions",
            summary.suggestions
        ));
    }
    push_unchecked(&summary.unchecked, &mut line);
    if summary.dynamic > 0 {
        line.push_str(&format!(", {} dynamic", summary.dynamic));
    }
    line
}

/// Appends how many references, or keys of references, were not looked up, and why.
fn push_unchecked(unchecked: &Unchecked, line: &mut String) {
    if unchecked.references > 0 {
        let (number, reasons) = (
            count(unchecked.references, "reference"),
            join_escaped(&unchecked.reasons),
        );
        line.push_str(&format!(", {number} not looked up ({reasons})"));
    }
    if unchecked.keys > 0 {
        let (number, levels) = (
            count(unchecked.keys, "reference"),
            join_escaped(&unchecked.levels),
        );
        line.push_str(&format!(", keys of {number} not looked up ({levels})"));
    }
}

fn join_escaped(reasons: &BTreeSet<String>) -> String {
    reasons
        .iter()
        .map(|reason| escape_control(reason))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Returns a number with its noun, for example `1 file` or `2 files`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
