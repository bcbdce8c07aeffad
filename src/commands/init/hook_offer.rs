//! Offers to add the hook of stackref to `.pre-commit-config.yaml`. The text of the hook is in
//! [`hook`].

use super::super::init_plan::hook::{self, Hook, HookChange};
use super::super::prompter::Prompter;
use super::create_file;
use crate::cli::InitArgs;
use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::outcome::Outcome;
use crate::system::files;
use crate::system::paths;
use crate::system::write::{self, NewText};
use crate::text::escape::escape_control;
use crate::workspace::context::{CommandError, Context};
use std::io;
use std::path::Path;

/// The largest config of pre-commit that is read, in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Adds the hook if the user agrees or with `--yes`. Without a terminal, only prints it.
pub(super) fn offer_hook(
    args: &InitArgs,
    root: &Path,
    kind: Hook,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    if args.no_hook {
        return Ok(Outcome::Clean);
    }
    let file = root.join(hook::FILE_NAME);
    let display_path = paths::relative(&file, &context.cwd);
    let (exists, change) = match files::read_inside(&file, root, MAX_CONFIG_BYTES) {
        Ok(bytes) => (true, change_for(&bytes, kind)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (false, hook::add_hook("", kind)),
        Err(error) => {
            return Err(Failure::usage(format!(
                "cannot read `{display_path}`: {}",
                io_message(&error)
            ))
            .with_help("make it a regular file in the repository, or use --no-hook")
            .into());
        }
    };
    if change == HookChange::Present {
        writeln!(
            context.stderr.out,
            "\n`{}` already contains the hook",
            escape_control(&display_path)
        )?;
        return Ok(Outcome::Clean);
    }
    print_hook(&display_path, kind, context)?;
    if change == HookChange::Manual {
        if args.yes {
            return Err(Failure::usage(format!(
                "cannot add the hook to `{display_path}`: the layout is not supported"
            ))
            .with_help("add the entry by hand")
            .into());
        }
        return Ok(Outcome::Clean);
    }
    match confirm(args, &display_path, exists, context)? {
        Some(true) => add_hook(&file, &display_path, exists, kind, context),
        Some(false) => Ok(Outcome::Clean),
        None => Ok(Outcome::Interrupted),
    }
}

/// Prints the entry, and a warning if its tag does not exist.
fn print_hook(display_path: &str, kind: Hook, context: &mut Context<'_>) -> io::Result<()> {
    let display_path = escape_control(display_path);
    writeln!(
        context.stderr.out,
        "\nto run stackref with pre-commit, add this to `repos` in `{display_path}`:\n{}",
        kind.entry()
    )?;
    if !hook::IS_RELEASED {
        let tag = hook::TAG;
        writeln!(
            context.stderr.out,
            "warning: the tag {tag} does not exist yet: pre-commit fails until you set `rev` to the hash of a commit"
        )?;
    }
    Ok(())
}

/// Asks whether to add the hook. Returns `None` if the user interrupts.
fn confirm(
    args: &InitArgs,
    display_path: &str,
    exists: bool,
    context: &mut Context<'_>,
) -> Result<Option<bool>, CommandError> {
    if args.yes {
        return Ok(Some(true));
    }
    let Some(open) = context.keyboard else {
        return Ok(Some(false));
    };
    let mut prompter = Prompter::open(open, &context.cwd)?;
    let display_path = escape_control(display_path);
    let question = if exists {
        format!("Add the hook to `{display_path}`? [y/N] ")
    } else {
        format!("Create `{display_path}` with the hook? [y/N] ")
    };
    Ok(prompter.confirm(&question, context)?)
}

fn change_for(bytes: &[u8], kind: Hook) -> HookChange {
    let text = std::str::from_utf8(bytes);
    text.map_or(HookChange::Manual, |text| hook::add_hook(text, kind))
}

fn add_hook(
    file: &Path,
    display_path: &str,
    exists: bool,
    kind: Hook,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    if exists {
        write::update(
            file,
            display_path,
            &mut |bytes, _| match change_for(&bytes, kind) {
                HookChange::Text(text) => Ok(Some(NewText {
                    text,
                    private: false,
                })),
                HookChange::Present => Ok(None),
                HookChange::Manual => Err(changed_meanwhile(display_path)),
            },
        )?;
    } else {
        let HookChange::Text(text) = hook::add_hook("", kind) else {
            return Err(changed_meanwhile(display_path).into());
        };
        create_file(file, display_path, &text)?;
    }
    writeln!(
        context.stderr.out,
        "added the hook to `{}`",
        escape_control(display_path)
    )?;
    Ok(Outcome::Clean)
}

fn changed_meanwhile(display_path: &str) -> Failure {
    Failure::usage(format!(
        "cannot add the hook to `{display_path}`: the file was changed in the meantime"
    ))
}
