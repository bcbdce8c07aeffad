//! The inventory that `register` makes where there is none: private, and ignored by git before it is there.

use super::prompter::Prompter;
use super::workspace::Workspace;
use super::{CommandError, Context};
use crate::cli::RegisterArgs;
use crate::diagnostics::error::Failure;
use crate::diagnostics::excerpt::escape_control;
use crate::project::config::FALLBACK_NAMES;
use crate::project::git::IgnoreStatus;
use crate::project::repository;
use crate::system::paths;
use crate::system::write::{self, LEFTOVERS, NewText, OutputFile};
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

/// What a new inventory begins with.
const NEW_INVENTORY: &str = "# The secrets of this project, for stackref. Values: never commit this file.\n";

/// Makes the inventory that needs no config, if that is wanted; false where nobody wants to go on.
pub(super) fn create(
    workspace: &Workspace<'_>,
    prompter: Option<&mut Prompter>,
    args: &RegisterArgs,
    context: &mut Context<'_>,
) -> Result<bool, CommandError> {
    let [name, ..] = FALLBACK_NAMES;
    let path = workspace.project().join(name);
    let display_path = escape_control(&paths::relative(&path, &workspace.path_roots.cwd));
    let refused = || {
        Failure::usage("there are references, and no inventory to store their values in").with_help(format!(
            "run this at a terminal or with --yes to create `{display_path}`, name an inventory in `stackref.toml`, or name a file \
             with `--inventory FILE`"
        ))
    };
    if args.dry_run {
        return Err(refused().into());
    }
    if !args.yes {
        let Some(prompter) = prompter else { return Err(refused().into()) };
        let question =
            format!("There is no inventory. Create `{display_path}`, for your eyes only and ignored by git? [y/N] ");
        match prompter.confirm(&question, context)? {
            None => return Ok(false),
            Some(false) => return Err(refused().into()),
            Some(true) => {}
        }
    }
    repository::refuse_link_out(&path, &workspace.path_roots.cwd, &display_path)?;
    let ignored = || match workspace.git.ignore_status(&path) {
        Err(error) if !args.allow_tracked => {
            Err(Failure::usage(format!("cannot ask git whether it ignores `{display_path}`: {error}"))
                .with_help(format!("{}; or pass --allow-tracked to create it all the same", error.remedy())))
        }
        Err(_) => Ok(IgnoreStatus::NoRepository),
        Ok(ignored) => Ok(ignored),
    };
    if ignored()? != IgnoreStatus::Ignored {
        let list = workspace.project().join(".gitignore");
        let list_shown = escape_control(&paths::relative(&list, &workspace.path_roots.cwd));
        repository::refuse_link_out(&list, &workspace.path_roots.cwd, &list_shown)?;
        ignore(&list, &list_shown, name)?;
        if ignored()? == IgnoreStatus::NotIgnored {
            let failure =
                Failure::usage(format!("git does not ignore `{display_path}`, although `{list_shown}` names it"));
            return Err(failure
                .with_help(
                    "take out what overrides that, or name an inventory that lies elsewhere with `--inventory FILE`",
                )
                .into());
        }
    }
    match OutputFile::open(&path, &display_path)?.create(NEW_INVENTORY, true) {
        Ok(()) => writeln!(context.stderr.out, "created `{display_path}`")?,
        // Another run was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(write::cannot_write(&display_path, &error).into()),
    }
    Ok(true)
}

/// Adds a name beside it to an ignore file of git, and what a run that was killed may leave beside that.
fn ignore(list: &Path, display_path: &str, name: &str) -> Result<(), Failure> {
    let lines = [format!("/{name}"), format!("/{LEFTOVERS}")];
    match OutputFile::open(list, display_path)?.create(&format!("{}\n", lines.join("\n")), false) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(write::cannot_write(display_path, &error)),
    }
    write::update(list, display_path, &mut |bytes, _| {
        let line_break = if bytes.ends_with(b"\r\n") { "\r\n" } else { "\n" };
        let is_absent =
            |line: &&String| !bytes.split(|&byte| byte == b'\n').any(|known| known.trim_ascii() == line.as_bytes());
        let fresh: Vec<&String> = lines.iter().filter(is_absent).collect();
        let mut text = Zeroizing::new(String::from_utf8(bytes).map_err(|_| {
            Failure::usage(format!("cannot write `{display_path}`: it is not UTF-8"))
                .with_help("add the inventory to it by hand")
        })?);
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str(line_break);
        }
        for line in &fresh {
            text.push_str(line);
            text.push_str(line_break);
        }
        Ok((!fresh.is_empty()).then_some(NewText { text, private: false }))
    })
}
