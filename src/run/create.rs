//! The inventory that `register` makes where there is none: private, and ignored by git before it is there.

use super::session::Session;
use super::talk::Talk;
use super::{Stop, World};
use crate::cli::Register;
use crate::config::FALLBACK_NAMES;
use crate::error::Failure;
use crate::excerpt::printable;
use crate::git::Ignored;
use crate::paths;
use crate::repository;
use crate::write::{self, LEFTOVERS, NewText, Place};
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

/// What a new inventory begins with.
const NEW_INVENTORY: &str = "# The secrets of this project, for stackref. Values: never commit this file.\n";

/// Makes the inventory that needs no config, if that is wanted; false where nobody wants to go on.
pub(super) fn create(
    session: &Session<'_>,
    talk: Option<&mut Talk>,
    args: &Register,
    world: &mut World<'_>,
) -> Result<bool, Stop> {
    let [name, ..] = FALLBACK_NAMES;
    let path = session.project().join(name);
    let shown = printable(&paths::relative(&path, &session.bases.cwd));
    let refused = || {
        Failure::usage("there are references, and no inventory to store their values in").with_help(format!(
            "run this at a terminal or with --yes to create `{shown}`, name an inventory in `stackref.toml`, or name a file \
             with `--inventory FILE`"
        ))
    };
    if args.dry_run {
        return Err(refused().into());
    }
    if !args.yes {
        let Some(talk) = talk else { return Err(refused().into()) };
        let question =
            format!("There is no inventory. Create `{shown}`, for your eyes only and ignored by git? [y/N] ");
        match talk.confirm(&question, world)? {
            None => return Ok(false),
            Some(false) => return Err(refused().into()),
            Some(true) => {}
        }
    }
    repository::refuse_link_out(&path, &session.bases.cwd, &shown)?;
    let ignored = || match session.git.ignores(&path) {
        Err(error) if !args.allow_tracked => {
            Err(Failure::usage(format!("cannot ask git whether it ignores `{shown}`: {error}"))
                .with_help(format!("{}; or pass --allow-tracked to create it all the same", error.remedy())))
        }
        Err(_) => Ok(Ignored::NoRepository),
        Ok(ignored) => Ok(ignored),
    };
    if ignored()? != Ignored::Yes {
        let list = session.project().join(".gitignore");
        let list_shown = printable(&paths::relative(&list, &session.bases.cwd));
        repository::refuse_link_out(&list, &session.bases.cwd, &list_shown)?;
        ignore(&list, &list_shown, name)?;
        if ignored()? == Ignored::No {
            let failure = Failure::usage(format!("git does not ignore `{shown}`, although `{list_shown}` names it"));
            return Err(failure
                .with_help(
                    "take out what overrides that, or name an inventory that lies elsewhere with `--inventory FILE`",
                )
                .into());
        }
    }
    match Place::of(&path, &shown)?.create(NEW_INVENTORY, true) {
        Ok(()) => writeln!(world.stderr.out, "created `{shown}`")?,
        // Another run was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(write::cannot_write(&shown, &error).into()),
    }
    Ok(true)
}

/// Adds a name beside it to an ignore file of git, and what a run that was killed may leave beside that.
fn ignore(list: &Path, shown: &str, name: &str) -> Result<(), Failure> {
    let lines = [format!("/{name}"), format!("/{LEFTOVERS}")];
    match Place::of(list, shown)?.create(&format!("{}\n", lines.join("\n")), false) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(write::cannot_write(shown, &error)),
    }
    write::update(list, shown, &mut |bytes, _| {
        let line_break = if bytes.ends_with(b"\r\n") { "\r\n" } else { "\n" };
        let is_absent =
            |line: &&String| !bytes.split(|&byte| byte == b'\n').any(|known| known.trim_ascii() == line.as_bytes());
        let fresh: Vec<&String> = lines.iter().filter(is_absent).collect();
        let mut text = Zeroizing::new(String::from_utf8(bytes).map_err(|_| {
            Failure::usage(format!("cannot write `{shown}`: it is not UTF-8"))
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
