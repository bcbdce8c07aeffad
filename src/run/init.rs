//! `init`: looks, writes the config, says what to do next, and offers the hook of pre-commit.

use super::outputs::is_standard_output;
use super::session::Session;
use super::talk::Talk;
use super::{Stop, World, tell};
use crate::cli::{Color, Files, Init, Setup};
use crate::config::FILE_NAME;
use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use crate::files;
use crate::git::Git;
use crate::init::hook::{self, Hook};
use crate::init::{FoundKind, HINTS, Hint, Survey, local_secrets};
use crate::inventory::env::Environment;
use crate::outcome::Outcome;
use crate::paths;
use crate::report::count;
use crate::repository;
use crate::write::{self, NewText, Place};
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes that the config of pre-commit may have.
const LARGEST: u64 = 1 << 20;

pub(super) fn init(args: &Init, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let cwd = world.cwd.clone();
    let git = Git::new(world.env.as_ref());
    let owners = git.owners();
    // The shell has created the file of `init --dry-run > stackref.toml` by now.
    let is_own_output = |existing: &Path| args.dry_run && is_standard_output(existing);
    if let Some((existing, _)) = owners.config(&cwd, FILE_NAME).filter(|(existing, _)| !is_own_output(existing)) {
        let shown = paths::relative(&existing, &cwd);
        return Err(Failure::usage(format!("there is a config already: `{shown}`"))
            .with_help("init never overwrites one; change it, or move it away first")
            .into());
    }
    let root = owners.root(&cwd).unwrap_or_else(|| cwd.clone());
    let setup = Setup { no_exclude: false, force_exclude: false, config: None, no_config: true, trust: false };
    let files = Files::of_paths(std::slice::from_ref(&root), &setup);
    let mut session = Session::open(&files, world)?;
    let noted = session.git.owners().notes(&cwd);
    for note in owners.notes(&cwd).iter().filter(|note| !noted.contains(note)) {
        world.note(note)?;
    }
    let scan = session.scan(world)?;
    let survey = Survey::of(&root, &scan);
    if survey.stacks.is_empty() && !scan.passed.failures.is_empty() {
        // Nothing was found since nothing could be looked at: no config can be made of that.
        return Err(scan.passed.failures.into());
    }
    let text = survey.config(&hints(&survey, world.env.as_ref()));
    let file = root.join(FILE_NAME);
    let shown = paths::relative(&file, &cwd);
    tell(&scan.passed.failures, color, world)?;
    // What could not be looked at may hold what the config should name.
    let looked = scan.passed.failures.iter().map(Failure::outcome).fold(Outcome::Clean, Outcome::max);
    if args.dry_run {
        write!(world.stdout.out, "{text}")?;
        world.stdout.out.flush()?;
        found(&survey, &git, world)?;
        world.summary = Some(format!("`{}` was not written", printable(&shown)));
        return Ok(looked);
    }
    found(&survey, &git, world)?;
    create(&file, &shown, &text)?;
    world.summary = Some(format!("wrote `{}`", printable(&shown)));
    next(&survey, world)?;
    Ok(offer_hook(args, &root, world)?.max(looked))
}

/// Writes a file that is not there yet, all of it or none: half a config would be one that is there already.
fn create(file: &Path, shown: &str, text: &str) -> Result<(), Failure> {
    repository::refuse_link_out(file, file.parent().unwrap_or(file), shown)?;
    Place::of(file, shown)?.create(text, false).map_err(|error| write::cannot_write(shown, &error))
}

/// What the environment speaks of, by the names of its variables alone.
fn hints(survey: &Survey, env: &dyn Environment) -> Vec<Hint> {
    let is_set = |hint: &Hint| env.get(hint.variable).is_some_and(|value| !value.is_empty());
    let is_there = |hint: &Hint| survey.inventories.iter().any(|found| found.kind.name() == hint.kind);
    HINTS.into_iter().filter(|hint| is_set(hint) && !is_there(hint)).collect()
}

fn found(survey: &Survey, git: &Git, world: &mut World<'_>) -> io::Result<()> {
    let local = local_files(world);
    let hints = hints(survey, world.env.as_ref());
    let out = &mut *world.stderr.out;
    writeln!(out, "{}", listed("stack file", &survey.stacks))?;
    if survey.stacks.is_empty() {
        writeln!(
            out,
            "note: a stack file has `components` with `stack_name` or `zenml_version`, or a name like `prod.stack.yaml`"
        )?;
    }
    if survey.broken > 0 {
        writeln!(out, "note: {} of them cannot be read; `stackref check` says why", survey.broken)?;
    }
    if survey.elsewhere > 0 {
        let places = count(survey.elsewhere, "reference");
        writeln!(
            out,
            "note: {places} inside longer strings, lists or maps, where ZenML replaces none; with `resolver = \"render\"` \
             `stackref render` does"
        )?;
    }
    let inventories: Vec<String> =
        survey.inventories.iter().map(|found| format!("{} ({})", found.path, found.kind.words())).collect();
    writeln!(out, "{}", listed("inventory", &inventories))?;
    if survey.inventories.is_empty() {
        writeln!(
            out,
            "warning: the config has `level = \"none\"`, so `stackref check` does not look up whether a secret exists; add an \
             inventory, and set `level = \"secret-and-key-exists\"`"
        )?;
    }
    for found in survey.inventories.iter().filter(|found| found.kind.has_values()) {
        let path = survey.root.join(&found.path);
        let tracked = git.tracked(&path);
        let shown = printable(&found.path);
        match tracked {
            Ok(tracked) if !tracked.contains(&path) => {}
            Ok(_) => writeln!(
                out,
                "warning: `{shown}` holds values, and git tracks it; `stackref inventory snapshot` writes names alone"
            )?,
            Err(error) => {
                let (error, remedy) = (printable(&error.to_string()), printable(error.remedy()));
                writeln!(
                    out,
                    "warning: `{shown}` holds values, and cannot ask git whether it tracks it: {error} ({remedy})"
                )?;
            }
        }
    }
    for (path, why) in survey.passed_over.iter().take(MOST_NAMED) {
        writeln!(out, "note: `{}` is taken for no inventory: {why}", printable(path))?;
    }
    for path in survey.unpaired.iter().take(MOST_NAMED) {
        let path = printable(path);
        match survey.inventories.as_slice() {
            [only] => writeln!(
                out,
                "note: `{path}` uses the inventory `{}` as well, since there is no other; add one for it",
                only.name
            )?,
            _ => writeln!(out, "note: no inventory is found for `{path}`; say which with `[[stacks]]`")?,
        }
    }
    for hint in hints {
        writeln!(
            out,
            "note: {} is set: an inventory of kind `{}` stands in the config as a comment",
            hint.variable, hint.kind
        )?;
    }
    for path in local.iter().take(MOST_NAMED) {
        let path = printable(&path.display().to_string());
        writeln!(out, "note: ZenML's local secrets on this machine: `--inventory {path}` looks them up")?;
    }
    Ok(())
}

/// Files that are named in a list; the others are counted.
const MOST_NAMED: usize = 5;

fn listed(what: &str, paths: &[String]) -> String {
    let number = match (what, paths.len()) {
        ("inventory", 0) => "no inventory".to_owned(),
        (_, 0) => format!("no {what}"),
        ("inventory", number) if number > 1 => format!("{number} inventories"),
        (_, number) => count(number, what),
    };
    let mut line = format!("found {number}");
    let named: Vec<String> = paths.iter().take(MOST_NAMED).map(|path| printable(path)).collect();
    if !named.is_empty() {
        line.push_str(&format!(": {}", named.join(", ")));
    }
    if paths.len() > MOST_NAMED {
        line.push_str(&format!(" and {} more", paths.len() - MOST_NAMED));
    }
    line
}

/// The files of ZenML's local secrets managers on this machine; the config of a repository does not name them.
fn local_files(world: &World<'_>) -> Vec<PathBuf> {
    let set = |name: &str| world.env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("ZENML_CONFIG_PATH").or_else(|| Some(set("HOME")?.join(".config/zenml")));
    folder.map(|folder| local_secrets(&folder)).unwrap_or_default()
}

fn next(survey: &Survey, world: &mut World<'_>) -> io::Result<()> {
    let out = &mut *world.stderr.out;
    writeln!(out, "\nnext:")?;
    if survey.inventories.is_empty() {
        writeln!(out, "  stackref register    makes an inventory, and asks for every secret that the stacks refer to")?;
        writeln!(
            out,
            "                       (then set `level` in the config: now only what needs no inventory is checked)"
        )?;
    }
    if survey.inventories.iter().any(|found| found.kind == FoundKind::Sops) {
        writeln!(
            out,
            "  stackref trust       accepts this config: it runs `sops`, which no config may do before you agree"
        )?;
    }
    writeln!(out, "  stackref check       says what is wrong, and where")?;
    writeln!(out, "  stackref explain     lists the rules")
}

/// Adds the hook where that is wanted, and shows it where it is not known whether it is.
fn offer_hook(args: &Init, root: &Path, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let file = root.join(hook::FILE_NAME);
    let shown = paths::relative(&file, &world.cwd);
    if args.no_hook {
        return Ok(Outcome::Clean);
    }
    let (is_there, hook) = match files::read_inside(&file, root, LARGEST) {
        Ok(bytes) => (true, with_hook(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (false, hook::add("")),
        Err(error) => {
            return Err(Failure::usage(format!("cannot read `{shown}`: {}", plain_io(&error)))
                .with_help("let it be a file of the repository, or use --no-hook")
                .into());
        }
    };
    if hook == Hook::Present {
        writeln!(world.stderr.out, "\n`{}` has the hook", printable(&shown))?;
        return Ok(Outcome::Clean);
    }
    writeln!(world.stderr.out, "\nfor pre-commit, in `{}` below `repos`:\n{}", printable(&shown), hook::entry())?;
    if !hook::IS_RELEASED {
        let tag = hook::TAG;
        writeln!(
            world.stderr.out,
            "warning: the tag {tag} does not exist yet: pre-commit fails until you set `rev` to the hash of a commit"
        )?;
    }
    let Hook::Text(_) = hook else {
        if args.yes {
            return Err(Failure::usage(format!("cannot add the hook to `{shown}`: its form is not one that is known"))
                .with_help("add the entry by hand")
                .into());
        }
        return Ok(Outcome::Clean);
    };
    let wanted = match world.keyboard {
        _ if args.yes => Some(true),
        Some(open) => {
            let cannot = |error| Failure::usage(format!("cannot read from the terminal: {}", plain_io(&error)));
            let mut talk = Talk { keyboard: open().map_err(cannot)?, cwd: world.cwd.clone() };
            let verb = if is_there { "Add it to" } else { "Write it to a new" };
            talk.confirm(&format!("{verb} `{}`? [y/N] ", printable(&shown)), world)?
        }
        None => Some(false),
    };
    match wanted {
        Some(true) => add_hook(&file, &shown, is_there, world),
        Some(false) => Ok(Outcome::Clean),
        None => Ok(Outcome::Interrupted),
    }
}

fn with_hook(bytes: &[u8]) -> Hook {
    std::str::from_utf8(bytes).map_or(Hook::ByHand, hook::add)
}

fn add_hook(file: &Path, shown: &str, is_there: bool, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let changed = || Failure::usage(format!("cannot add the hook to `{shown}`: it has changed meanwhile"));
    if is_there {
        write::update(file, shown, &mut |bytes, _| match with_hook(&bytes) {
            Hook::Text(text) => Ok(Some(NewText { text: Zeroizing::new(text), private: false })),
            Hook::Present => Ok(None),
            Hook::ByHand => Err(changed()),
        })?;
    } else {
        let Hook::Text(text) = hook::add("") else { return Err(changed().into()) };
        create(file, shown, &text)?;
    }
    writeln!(world.stderr.out, "added the hook to `{}`", printable(shown))?;
    Ok(Outcome::Clean)
}
