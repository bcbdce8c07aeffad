//! `explain`: prints the page of a rule, or the list of all rules.

use crate::cli::{Color, ExplainArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::outcome::Outcome;
use crate::lint::rules;
use crate::output::lists;
use crate::text::escape::escape_control;
use crate::text::nearest::nearest;
use crate::workspace::context::{CommandError, Context};

pub(super) fn explain(
    args: &ExplainArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let Some(name) = &args.rule else {
        let style = context.stdout_style(color);
        lists::write_rules(style, context.stdout.out)?;
        return Ok(Outcome::Clean);
    };
    let Some(rule) = rules::find(name) else {
        return Err(unknown_rule(name).into());
    };
    write!(context.stdout.out, "{}", rule.page())?;
    Ok(Outcome::Clean)
}

fn unknown_rule(name: &str) -> Failure {
    let failure = Failure::usage(format!("no rule is named `{}`", escape_control(name)));
    match nearest(name, rules::names()) {
        Some(near) => failure.with_help(format!("did you mean `{near}`?")),
        None => failure.with_help("`stackref explain` lists the rules"),
    }
}
