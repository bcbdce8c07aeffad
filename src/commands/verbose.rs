//! `check --verbose`: why each file is read, the inventories of its references, and the level. Files
//! of which only the declarations are read come last.

use crate::lint::analysis::Analysis;
use crate::lint::other_files::OtherFiles;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::project::config::Level;
use crate::text::escape::escape_control;
use std::io::{self, Write};

/// Writes one line for each file of a scan, in its order.
///
/// # Errors
/// The writer fails.
pub(super) fn write_files(
    scan: &Scan,
    settings: &Settings<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for file in &scan.files {
        let (path, reason) = (
            escape_control(file.source.path()),
            escape_control(&file.reason.to_string()),
        );
        let level = escape_control(
            &settings
                .level
                .reason(&settings.configs.for_file(&file.path)),
        );
        writeln!(
            out,
            "{path}: {reason}; {}; {level}",
            describe_inventories(file, settings)
        )?;
    }
    Ok(())
}

/// Writes one line for each file that was read for its declarations only, and for each one that could
/// not be read.
///
/// # Errors
/// The writer fails.
pub(super) fn write_other_files(settings: &Settings<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(found) = settings.other_files.and_then(OtherFiles::found) else {
        return Ok(());
    };
    for file in &found.files {
        let (path, reason) = (
            escape_control(file.source.path()),
            escape_control(&file.reason.to_string()),
        );
        writeln!(out, "{path}: {reason}; read for its declarations only")?;
    }
    for failure in &found.skipped.failures {
        let failure = escape_control(&failure.to_string());
        writeln!(out, "note: while reading declarations: {failure}")?;
    }
    Ok(())
}

/// Describes the inventories of the stacks of a file. Stacks with the same inventories are
/// described once.
fn describe_inventories(file: &Analysis, settings: &Settings<'_>) -> String {
    let config = settings.configs.for_file(&file.path);
    if settings.level.for_config(&config) == Level::None {
        return "no inventory is queried".to_owned();
    }
    let mut chains: Vec<String> = Vec::new();
    let managers = file.stacks.iter().map(|stack| stack.secrets_manager());
    // A file that cannot be parsed has no stack, but it does have a route.
    let managers = managers.chain(file.stacks.is_empty().then_some(None));
    for chain in managers.map(|manager| settings.inventories.chain(&config, &file.path, manager)) {
        let names = chain.unwrap_or_default().into_iter().map(|at| {
            let name = settings.inventories.name(at);
            format!("`{}`", escape_control(name))
        });
        let names = names.collect::<Vec<_>>();
        let text = match names.as_slice() {
            [] => "no inventory".to_owned(),
            [one] => format!("inventory {one}"),
            many => format!("inventories {}", many.join(", ")),
        };
        if !chains.contains(&text) {
            chains.push(text);
        }
    }
    chains.join(" or ")
}
