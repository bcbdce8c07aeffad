//! Messages on standard error that several commands print: failures, files that cannot be parsed,
//! and warnings about inventories.

use crate::cli::Color;
use crate::diagnostics::error::Failure;
use crate::diagnostics::finding::Severity;
use crate::diagnostics::finding_builder::{FindingBuilder, build_all};
use crate::diagnostics::outcome::Outcome;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::Inventories;
use crate::lint::scan::Scan;
use crate::output::{human, short};
use crate::system::paths;
use crate::system::write::{self, Notice};
use crate::text::escape::escape_control;
use crate::workspace::context::Context;
use std::io;

/// Prints failures with their help.
///
/// # Errors
/// Standard error cannot be written.
pub(super) fn print_failures(
    failures: &[Failure],
    color: Color,
    context: &mut Context<'_>,
) -> io::Result<()> {
    let style = context.stderr_style(color);
    failures
        .iter()
        .try_for_each(|failure| human::write_failure(failure, style, context.stderr.out))
}

/// Returns the most severe outcome of failures, which is `at_least` if there are none.
pub(super) fn outcome_of(failures: &[Failure], at_least: Outcome) -> Outcome {
    failures
        .iter()
        .map(Failure::outcome)
        .fold(at_least, Outcome::max)
}

/// Reports the edits that a killed run left in its staging folders and that this run has restored
/// or could not restore.
///
/// # Errors
/// Standard error cannot be written.
pub(super) fn report_recovered(context: &mut Context<'_>) -> io::Result<()> {
    for notice in write::take_notices() {
        match notice {
            Notice::Restored { path } => {
                let path = escape_control(&paths::relative(&path, &context.cwd));
                context.note(format_args!(
                    "restored an edit of `{path}` that an interrupted run had replaced"
                ))?;
            }
            Notice::Kept { path, edit } => {
                let path = escape_control(&paths::relative(&path, &context.cwd));
                let edit = escape_control(&paths::relative(&edit, &context.cwd));
                writeln!(
                    context.stderr.out,
                    "warning: `{edit}` is a version of `{path}` that an interrupted run could not restore: copy what you need, \
                     and remove its folder"
                )?;
            }
        }
    }
    Ok(())
}

/// Prints the warnings of the inventories that were queried.
///
/// # Errors
/// Standard error cannot be written.
pub(super) fn warn_about_inventories(
    inventories: &Inventories,
    queried: impl Iterator<Item = usize>,
    context: &mut Context<'_>,
) -> io::Result<()> {
    let warnings = queried.filter_map(|at| inventories.get(at)?.warning());
    warnings.into_iter().try_for_each(|warning| {
        writeln!(context.stderr.out, "warning: {}", escape_control(&warning))
    })
}

/// Reports the files that cannot be read or parsed, since their references are missing from a list.
/// Returns the outcome for them, which is [`Outcome::Clean`] if there are none.
///
/// # Errors
/// Standard error cannot be written.
pub(super) fn report_unparsed(
    scan: &Scan,
    color: Color,
    context: &mut Context<'_>,
) -> io::Result<Outcome> {
    let findings = scan.files.iter().flat_map(|file| &file.findings);
    let broken = findings
        .filter(|finding| finding.rule() == RuleId::SyntaxError)
        .cloned()
        .collect();
    let broken = build_all(broken, |_| Some(Severity::Error));
    let style = context.stderr_style(color);
    short::write(&broken, style, context.stderr.out)?;
    print_failures(&scan.skipped.failures, color, context)?;
    let broken = if broken.is_empty() {
        Outcome::Clean
    } else {
        Outcome::Findings
    };
    Ok(outcome_of(&scan.skipped.failures, broken))
}

/// Returns a failure for each file that cannot be read or parsed, for the `failures` of JSON
/// reports.
pub(super) fn unread_failures(scan: &Scan) -> Vec<Failure> {
    let findings = scan.files.iter().flat_map(|file| &file.findings);
    let drafts = findings.map(FindingBuilder::draft);
    let broken = drafts
        .filter(|finding| finding.rule == RuleId::SyntaxError)
        .map(|finding| {
            let (path, line) = (
                finding.source.path(),
                finding.source.position(finding.span.start).line,
            );
            Failure::finding(format!(
                "cannot parse `{path}`: line {line}: {}",
                finding.message
            ))
        });
    scan.skipped
        .failures
        .iter()
        .cloned()
        .chain(broken)
        .collect()
}
