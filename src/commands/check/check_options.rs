//! Flags of `check` that contradict each other or have no effect.

use crate::cli::CheckArgs;
use crate::diagnostics::error::Failure;
use crate::diagnostics::rule_id::RuleId;
use crate::output::{Format, statistics};
use crate::workspace::context::Context;
use std::io;

/// Refuses flags that contradict each other.
///
/// # Errors
/// The first contradiction.
pub(super) fn refuse_contradictions(args: &CheckArgs, reads_stdin: bool) -> Result<(), Failure> {
    if reads_stdin && args.leaks {
        return Err(Failure::contradiction(
            "`--leaks` cannot be used with standard input",
        ));
    }
    if args.diff && args.fix.is_none() && !args.add_ignores {
        return Err(
            Failure::contradiction("`--diff` requires `--fix` or `--add-ignores`")
                .with_help("add one of them, or remove `--diff`"),
        );
    }
    if reads_stdin && !args.diff && (args.fix.is_some() || args.add_ignores) {
        let option = if args.add_ignores {
            "--add-ignores"
        } else {
            "--fix"
        };
        return Err(
            Failure::contradiction(format!("`{option}` cannot change standard input"))
                .with_help(format!("print the changes with `{option} --diff`")),
        );
    }
    let is_for_people = matches!(args.reports.stdout, Format::Human | Format::Short);
    if args.diff && !is_for_people {
        return Err(Failure::contradiction(
            "`--diff` and the report cannot both go to standard output",
        )
        .with_help("write the report to a file: `--format FORMAT --output FILE`"));
    }
    if args.statistics && !statistics::supports(args.reports.stdout) {
        return Err(Failure::contradiction(
            "`--statistics` supports only the formats human, short and json",
        )
        .with_help("write the report to a file: `--format FORMAT --output FILE`"));
    }
    Ok(())
}

/// Warns if `leaked-value` is selected without `--leaks`, or not selected with it, and if
/// `registered-drift` is selected without `--registered`.
///
/// # Errors
/// Standard error cannot be written.
pub(super) fn warn_of_deselected_leaks(
    args: &CheckArgs,
    context: &mut Context<'_>,
) -> io::Result<()> {
    const RULE: RuleId = RuleId::LeakedValue;
    let is_selected = args.rules.select.contains(&RULE);
    if is_selected && !args.leaks {
        writeln!(
            context.stderr.out,
            "warning: `{RULE}` only reports findings with --leaks"
        )?;
    }
    let drift = RuleId::RegisteredDrift;
    if args.rules.select.contains(&drift) && !args.registered {
        writeln!(
            context.stderr.out,
            "warning: `{drift}` only reports findings with --registered"
        )?;
    }
    if args.leaks
        && (!is_selected && !args.rules.select.is_empty() || args.rules.ignore.contains(&RULE))
    {
        writeln!(
            context.stderr.out,
            "warning: --leaks has no effect: `{RULE}` is not selected"
        )?;
    }
    Ok(())
}
