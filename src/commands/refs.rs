//! `refs`: lists the references and declarations of the selected files. Inventories are not queried.

use super::context::{CommandError, Context};
use super::messages::{report_unparsed, unread_failures};
use super::workspace::Workspace;
use crate::cli::{Color, RefsArgs};
use crate::diagnostics::outcome::Outcome;
use crate::lint::reference_list;
use crate::output::{ListFormat, count, json_references, lists};

pub(super) fn refs(
    args: &RefsArgs,
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let mut workspace = Workspace::open(&args.files, context)?;
    workspace.scripts = true;
    let scan = workspace.scan(context)?;
    let (references, files) = (
        count(scan.listed_references().count(), "reference"),
        count(scan.files.len(), "file"),
    );
    context.summary = Some(format!("listed {references} in {files}"));
    if args.format == ListFormat::Json {
        json_references::write_references(
            scan.listed_references(),
            scan.declarations(),
            &unread_failures(&scan),
            context.stdout.out,
        )?;
    } else {
        let style = context.stdout_style(color);
        lists::write_references(reference_list::lines(&scan), style, context.stdout.out)?;
    }
    context.stdout.out.flush()?;
    workspace.notes(&scan, context)?;
    Ok(report_unparsed(&scan, color, context)?)
}
