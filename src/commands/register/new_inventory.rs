//! Creates the inventory file of a project that has no inventory. Only the user can read it, and
//! git ignores it before it exists.

use super::super::prompter::Prompter;
use crate::cli::RegisterArgs;
use crate::diagnostics::error::Failure;
use crate::project::config::FALLBACK_NAMES;
use crate::project::git::IgnoreStatus;
use crate::project::repository;
use crate::system::paths;
use crate::system::write::{self, LEFTOVERS, NewText, OutputFile};
use crate::text::escape::escape_control;
use crate::workspace::Workspace;
use crate::workspace::context::{CommandError, Context};
use std::io;
use std::path::Path;

/// The content of a new inventory.
const NEW_INVENTORY: &str =
    "# The secrets of this project, for stackref. It contains values: never commit this file.\n";

/// Creates the inventory file that no config needs to name. Asks first, unless `--yes` is given.
/// Returns false if the user interrupts.
///
/// # Errors
/// The user declines or cannot be asked, or the file cannot be created or ignored.
pub(super) fn create(
    workspace: &Workspace,
    prompter: Option<&mut Prompter>,
    args: &RegisterArgs,
    context: &mut Context<'_>,
) -> Result<bool, CommandError> {
    let [name, ..] = FALLBACK_NAMES;
    let path = workspace.project().join(name);
    let display_path = escape_control(&paths::relative(&path, &workspace.path_roots.cwd));
    if args.dry_run {
        return Err(no_inventory(&display_path).into());
    }
    if !args.yes {
        let Some(prompter) = prompter else {
            return Err(no_inventory(&display_path).into());
        };
        let question = format!(
            "There is no inventory. Create `{display_path}`, readable only by you and ignored by git? [y/N] "
        );
        match prompter.confirm(&question, context)? {
            None => return Ok(false),
            Some(false) => return Err(no_inventory(&display_path).into()),
            Some(true) => {}
        }
    }
    repository::refuse_link_out(&path, &workspace.path_roots.cwd, &display_path)?;
    ensure_ignored(&path, &display_path, workspace, args.allow_tracked)?;
    match OutputFile::open(&path, &display_path)?.create(NEW_INVENTORY, true) {
        Ok(()) => writeln!(context.stderr.out, "created `{display_path}`")?,
        // Another run has created it in the meantime.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(write::cannot_write(&display_path, &error).into()),
    }
    Ok(true)
}

fn no_inventory(display_path: &str) -> Failure {
    Failure::usage("found references but no inventory to store their values in").with_help(format!(
        "run this in a terminal or with --yes to create `{display_path}`, configure an inventory in `stackref.toml`, or use \
         `--inventory FILE`"
    ))
}

/// Adds the inventory to `.gitignore` next to it, unless git ignores it already or there is no
/// repository.
fn ensure_ignored(
    path: &Path,
    display_path: &str,
    workspace: &Workspace,
    allow_tracked: bool,
) -> Result<(), Failure> {
    if ignore_status(path, display_path, workspace, allow_tracked)? == IgnoreStatus::Ignored {
        return Ok(());
    }
    let list = path.with_file_name(".gitignore");
    let cwd = &workspace.path_roots.cwd;
    let list_display_path = escape_control(&paths::relative(&list, cwd));
    repository::refuse_link_out(&list, cwd, &list_display_path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    add_to_ignore_file(&list, &list_display_path, &name)?;
    if ignore_status(path, display_path, workspace, allow_tracked)? == IgnoreStatus::NotIgnored {
        return Err(Failure::usage(format!(
            "git does not ignore `{display_path}`, although `{list_display_path}` contains it"
        ))
        .with_help("remove the pattern that overrides it, or use an inventory elsewhere with `--inventory FILE`"));
    }
    Ok(())
}

/// Asks git whether it ignores the inventory. With `--allow-tracked`, the answer does not matter if
/// git cannot be asked.
fn ignore_status(
    path: &Path,
    display_path: &str,
    workspace: &Workspace,
    allow_tracked: bool,
) -> Result<IgnoreStatus, Failure> {
    match workspace.git.ignore_status(path) {
        Ok(status) => Ok(status),
        Err(_) if allow_tracked => Ok(IgnoreStatus::NoRepository),
        Err(error) => Err(Failure::usage(format!(
            "cannot ask git whether it ignores `{display_path}`: {error}"
        ))
        .with_help(format!(
            "{}; or use --allow-tracked to create it anyway",
            error.remedy()
        ))),
    }
}

/// Adds a file name to an ignore file of git, and the name of the files that a killed run may leave
/// next to that file.
fn add_to_ignore_file(list: &Path, display_path: &str, name: &str) -> Result<(), Failure> {
    let lines = [format!("/{name}"), format!("/{LEFTOVERS}")];
    match OutputFile::open(list, display_path)?.create(&format!("{}\n", lines.join("\n")), false) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(write::cannot_write(display_path, &error)),
    }
    write::update(list, display_path, &mut |bytes, _| {
        let line_break = if bytes.ends_with(b"\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        let existing: Vec<&[u8]> = bytes
            .split(|&byte| byte == b'\n')
            .map(<[u8]>::trim_ascii)
            .collect();
        let new_lines: Vec<&String> = lines
            .iter()
            .filter(|line| !existing.contains(&line.as_bytes()))
            .collect();
        let mut text = String::from_utf8(bytes).map_err(|_| {
            Failure::usage(format!("cannot change `{display_path}`: it is not UTF-8"))
                .with_help("add the inventory to it by hand")
        })?;
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str(line_break);
        }
        for line in &new_lines {
            text.push_str(line);
            text.push_str(line_break);
        }
        Ok((!new_lines.is_empty()).then_some(NewText {
            text,
            private: false,
        }))
    })
}
