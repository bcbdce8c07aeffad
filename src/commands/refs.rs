//! `refs`: lists the references and declarations of the selected files.
//!
//! Inventories are queried only for the formats that mark missing secrets. Without an inventory,
//! these mark only what `check` reports without one, and it is not a failure.

use super::messages::{
    outcome_of, print_failures, report_unparsed, unread_failures, warn_about_inventories,
};
use super::progress::with_progress;
use crate::cli::{Color, ReferenceOrder, RefsArgs};
use crate::diagnostics::error::Failure;
use crate::diagnostics::outcome::Outcome;
use crate::inventory::Inventories;
use crate::lint::reference_list::{
    MissingTargets, ReferenceLine, ReferenceList, SecretGraph, SecretSelector,
};
use crate::lint::scan::Scan;
use crate::lint::settings::{LevelChoice, Settings};
use crate::output::style::OutputStyle;
use crate::output::{ReferenceFormat, count, json_references, lists};
use crate::text::escape::escape_control;
use crate::workspace::context::{CommandError, Context};
use crate::workspace::environment_level;
use crate::workspace::{Workspace, unknown_stack};
use std::collections::BTreeSet;
use std::io::{self, Write};

pub(super) fn refs(
    args: &RefsArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let marks_missing = args.format.marks_missing();
    let asks = marks_missing || args.registered;
    let level = asks.then(|| environment_level(context.env.as_ref()));
    let level = level.transpose()?.unwrap_or_default();
    let mut workspace = Workspace::open(&args.files, context)?;
    workspace.scripts = true;
    let mut scan = workspace.scan(context)?;
    let inventories = asks
        .then(|| workspace.inventories(&scan, &[], level, context))
        .transpose()?;
    let (servers, mut failures) = match &inventories {
        Some(inventories) if args.registered => {
            workspace.add_registered(&mut scan, inventories, level, context)?
        }
        _ => Default::default(),
    };
    let mut list = ReferenceList::of_scan(&scan);
    let selector = args
        .secret
        .as_ref()
        .map(|text| SecretSelector::parse(text, &list));
    let suggestion = selector
        .as_ref()
        .and_then(|selector| selector.suggestion(&list));
    if let Some(stack) = &args.stack {
        list.retain_stack(stack, &scan)
            .map_err(|names| unknown_stack(stack, &names))?;
    }
    if let Some(selector) = &selector {
        list.retain_secret(selector);
    }
    let mut missing = MissingTargets::default();
    if let Some(inventories) = &inventories {
        if marks_missing {
            missing = look_up(&workspace, inventories, &scan, level, context);
        }
        let queried = missing.queried.iter().copied();
        let queried: BTreeSet<usize> = queried.chain(servers.inventories()).collect();
        warn_about_inventories(inventories, queried.into_iter(), context)?;
    }
    context.summary = Some(summary(args, &list, &scan));
    let style = context.stdout_style(color);
    if args.format == ReferenceFormat::Json {
        let failures = [failures.as_slice(), &unread_failures(&scan)].concat();
        write_json(&list, &failures, context.stdout.out)?;
    } else {
        write_list(args, &list, &missing, style, context.stdout.out)?;
    }
    context.stdout.out.flush()?;
    workspace.notes(&scan, context)?;
    let mut outcome = report_unparsed(&scan, color, context)?;
    if let Some(selector) = &selector {
        let of_uses = report_uses(selector, suggestion.as_deref(), &list, context)?;
        note_incomplete_files(selector, &scan, context)?;
        outcome = outcome.max(of_uses);
    }
    failures.extend(missing.failures);
    print_failures(&failures, color, context)?;
    Ok(outcome_of(&failures, outcome))
}

fn write_json(
    list: &ReferenceList<'_>,
    failures: &[Failure],
    out: &mut dyn Write,
) -> io::Result<()> {
    let (references, declarations) = (list.references(), list.declarations());
    json_references::write_references(references, declarations, failures, out)
}

/// Looks up the references of a scan.
fn look_up(
    workspace: &Workspace,
    inventories: &Inventories,
    scan: &Scan,
    level: LevelChoice<'static>,
    context: &mut Context<'_>,
) -> MissingTargets {
    let other_files = workspace.other_files();
    let settings = Settings {
        other_files: other_files.as_ref(),
        ..workspace.settings(level, inventories)
    };
    let mut missing = with_progress(context, "look-ups", |progress| {
        MissingTargets::look_up(scan, &settings, progress)
    });
    // An inventory of kind `repository` repeats the failures of the files that it is made of.
    let unread: Vec<String> = scan
        .skipped
        .failures
        .iter()
        .map(ToString::to_string)
        .collect();
    missing
        .failures
        .retain(|failure| !unread.contains(&failure.to_string()));
    missing
}

fn summary(args: &RefsArgs, list: &ReferenceList<'_>, scan: &Scan) -> String {
    // A part of the list is in a part of the files.
    let files = if args.secret.is_some() || args.stack.is_some() {
        list.file_count()
    } else {
        scan.file_count()
    };
    let registered = if args.registered {
        let number = scan.registered_count();
        format!(" and {}", count(number, "registered component"))
    } else {
        String::new()
    };
    format!(
        "listed {} in {}{registered}",
        count(list.references().count(), "reference"),
        count(files, "file")
    )
}

/// Writes a list in a format other than JSON.
fn write_list(
    args: &RefsArgs,
    list: &ReferenceList<'_>,
    missing: &MissingTargets,
    style: OutputStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    use ReferenceFormat::{Dot, Human, Json, Markdown, Mermaid, Short};
    match (args.format, args.by) {
        (Human, ReferenceOrder::Secret) => lists::write_groups(list, style, out),
        (Short, ReferenceOrder::Secret) => lists::write_short_groups(list, style, out),
        (Human | Short | Json, _) => lists::write_references(list.lines(missing), style, out),
        (Markdown, ReferenceOrder::File) => lists::write_markdown(list, missing, out),
        (Markdown, ReferenceOrder::Secret) => lists::write_markdown_by_secret(list, missing, out),
        (Mermaid, _) => lists::write_mermaid(&SecretGraph::new(list, missing), out),
        (Dot, _) => lists::write_dot(&SecretGraph::new(list, missing), out),
    }
}

/// Prints notes about a secret that nothing uses, and about dynamic references that may use it.
/// Returns [`Outcome::Findings`] if nothing uses it.
fn report_uses(
    selector: &SecretSelector,
    suggestion: Option<&str>,
    list: &ReferenceList<'_>,
    context: &mut Context<'_>,
) -> io::Result<Outcome> {
    let (kind, name) = (selector.kind(), escape_control(&selector.text()));
    let mut dynamic = list.references().filter(|it| it.is_dynamic);
    if let Some(first) = dynamic.next() {
        let line = ReferenceLine::of_reference(first, &MissingTargets::default());
        let others = match dynamic.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        context.note(format_args!(
            "{kind} `{name}` may be meant by the dynamic reference `{}` ({}){others}",
            line.name, line.location
        ))?;
    }
    if list.references().any(|it| selector.is_used_by(it)) {
        return Ok(Outcome::Clean);
    }
    let suggestion = suggestion.map_or_else(String::new, |suggestion| {
        format!("; did you mean `{}`?", escape_control(suggestion))
    });
    context.note(format_args!("nothing uses {kind} `{name}`{suggestion}"))?;
    Ok(Outcome::Findings)
}

/// Prints a note about files that may use a secret in a part that was not read.
fn note_incomplete_files(
    selector: &SecretSelector,
    scan: &Scan,
    context: &mut Context<'_>,
) -> io::Result<()> {
    let mut files = scan.files.iter().filter(|file| file.is_incomplete);
    let Some(first) = files.next() else {
        return Ok(());
    };
    let others = match files.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    context.note(format_args!(
        "{} `{}` may be used in a part of `{}`{others} that is too long or too deep to read",
        selector.kind(),
        escape_control(&selector.text()),
        escape_control(first.source.path())
    ))
}
