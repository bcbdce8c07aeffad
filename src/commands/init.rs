//! `init`: looks, writes the config, says what to do next, and offers the hook of pre-commit.

use super::outputs::is_standard_output;
use super::prompter::Prompter;
use super::workspace::Workspace;
use super::{CommandError, Context, print_failures};
use crate::cli::{Color, ConfigArgs, FileArgs, InitArgs};
use crate::commands::init_plan::hook::{self, HookChange};
use crate::commands::init_plan::{DetectedKind, HINTS, Hint, Survey, local_secrets};
use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::excerpt::escape_control;
use crate::diagnostics::outcome::Outcome;
use crate::output::count;
use crate::project::config::FILE_NAME;
use crate::project::git::Git;
use crate::project::repository;
use crate::system::environment::Environment;
use crate::system::files;
use crate::system::paths;
use crate::system::write::{self, NewText, OutputFile};
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes that the config of pre-commit may have.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

pub(super) fn init(args: &InitArgs, color: Color, context: &mut Context<'_>) -> Result<Outcome, CommandError> {
    let cwd = context.cwd.clone();
    let git = Git::new(context.env.as_ref());
    let owners = git.owners();
    // The shell has created the file of `init --dry-run > stackref.toml` by now.
    let is_own_output = |existing: &Path| args.dry_run && is_standard_output(existing);
    if let Some((existing, _)) = owners.config(&cwd, FILE_NAME).filter(|(existing, _)| !is_own_output(existing)) {
        let display_path = paths::relative(&existing, &cwd);
        return Err(Failure::usage(format!("there is a config already: `{display_path}`"))
            .with_help("init never overwrites one; change it, or move it away first")
            .into());
    }
    let root = owners.root(&cwd).unwrap_or_else(|| cwd.clone());
    let setup = ConfigArgs { no_exclude: false, force_exclude: false, config: None, no_config: true, trust: false };
    let files = FileArgs::from_paths(std::slice::from_ref(&root), &setup);
    let mut session = Workspace::open(&files, context)?;
    let noted = session.git.owners().notes(&cwd);
    for note in owners.notes(&cwd).iter().filter(|note| !noted.contains(note)) {
        context.note(note)?;
    }
    let scan = session.scan(context)?;
    let survey = Survey::from_scan(&root, &scan);
    if survey.stacks.is_empty() && !scan.skipped.failures.is_empty() {
        // Nothing was found since nothing could be looked at: no config can be made of that.
        return Err(scan.skipped.failures.into());
    }
    let text = survey.config(&hints(&survey, context.env.as_ref()));
    let file = root.join(FILE_NAME);
    let display_path = paths::relative(&file, &cwd);
    print_failures(&scan.skipped.failures, color, context)?;
    // What could not be looked at may hold what the config should name.
    let looked = scan.skipped.failures.iter().map(Failure::outcome).fold(Outcome::Clean, Outcome::max);
    if args.dry_run {
        write!(context.stdout.out, "{text}")?;
        context.stdout.out.flush()?;
        report_survey(&survey, &git, context)?;
        context.summary = Some(format!("`{}` was not written", escape_control(&display_path)));
        return Ok(looked);
    }
    report_survey(&survey, &git, context)?;
    create_file(&file, &display_path, &text)?;
    context.summary = Some(format!("wrote `{}`", escape_control(&display_path)));
    print_next_steps(&survey, context)?;
    Ok(offer_hook(args, &root, context)?.max(looked))
}

/// Writes a file that is not there yet, all of it or none: half a config would be one that is there already.
fn create_file(file: &Path, display_path: &str, text: &str) -> Result<(), Failure> {
    repository::refuse_link_out(file, file.parent().unwrap_or(file), display_path)?;
    OutputFile::open(file, display_path)?.create(text, false).map_err(|error| write::cannot_write(display_path, &error))
}

/// What the environment speaks of, by the names of its variables alone.
fn hints(survey: &Survey, env: &dyn Environment) -> Vec<Hint> {
    let is_set = |hint: &Hint| env.get(hint.variable).is_some_and(|value| !value.is_empty());
    let is_there = |hint: &Hint| survey.inventories.iter().any(|found| found.kind.name() == hint.kind);
    HINTS.into_iter().filter(|hint| is_set(hint) && !is_there(hint)).collect()
}

fn report_survey(survey: &Survey, git: &Git, context: &mut Context<'_>) -> io::Result<()> {
    let local = local_files(context);
    let hints = hints(survey, context.env.as_ref());
    let out = &mut *context.stderr.out;
    writeln!(out, "{}", list_paths("stack file", &survey.stacks))?;
    if survey.stacks.is_empty() {
        writeln!(
            out,
            "note: a stack file has `components` with `stack_name` or `zenml_version`, or a name like `prod.stack.yaml`"
        )?;
    }
    if survey.unparsed > 0 {
        writeln!(out, "note: {} of them cannot be read; `stackref check` says why", survey.unparsed)?;
    }
    if survey.render_only_references > 0 {
        let places = count(survey.render_only_references, "reference");
        writeln!(
            out,
            "note: {places} inside longer strings, lists or maps, where ZenML replaces none; with `resolver = \"render\"` \
             `stackref render` does"
        )?;
    }
    let inventories: Vec<String> =
        survey.inventories.iter().map(|found| format!("{} ({})", found.path, found.kind.describe())).collect();
    writeln!(out, "{}", list_paths("inventory", &inventories))?;
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
        let shown = escape_control(&found.path);
        match tracked {
            Ok(tracked) if !tracked.contains(&path) => {}
            Ok(_) => writeln!(
                out,
                "warning: `{shown}` holds values, and git tracks it; `stackref inventory snapshot` writes names alone"
            )?,
            Err(error) => {
                let (error, remedy) = (escape_control(&error.to_string()), escape_control(error.remedy()));
                writeln!(
                    out,
                    "warning: `{shown}` holds values, and cannot ask git whether it tracks it: {error} ({remedy})"
                )?;
            }
        }
    }
    for (path, why) in survey.skipped_files.iter().take(MAX_NAMED) {
        writeln!(out, "note: `{}` is taken for no inventory: {why}", escape_control(path))?;
    }
    for path in survey.unrouted.iter().take(MAX_NAMED) {
        let path = escape_control(path);
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
    for path in local.iter().take(MAX_NAMED) {
        let path = escape_control(&path.display().to_string());
        writeln!(out, "note: ZenML's local secrets on this machine: `--inventory {path}` looks them up")?;
    }
    Ok(())
}

/// Files that are named in a list; the others are counted.
const MAX_NAMED: usize = 5;

fn list_paths(what: &str, paths: &[String]) -> String {
    let number = match (what, paths.len()) {
        ("inventory", 0) => "no inventory".to_owned(),
        (_, 0) => format!("no {what}"),
        ("inventory", number) if number > 1 => format!("{number} inventories"),
        (_, number) => count(number, what),
    };
    let mut line = format!("found {number}");
    let named: Vec<String> = paths.iter().take(MAX_NAMED).map(|path| escape_control(path)).collect();
    if !named.is_empty() {
        line.push_str(&format!(": {}", named.join(", ")));
    }
    if paths.len() > MAX_NAMED {
        line.push_str(&format!(" and {} more", paths.len() - MAX_NAMED));
    }
    line
}

/// The files of ZenML's local secrets managers on this machine; the config of a repository does not name them.
fn local_files(context: &Context<'_>) -> Vec<PathBuf> {
    let set = |name: &str| context.env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("ZENML_CONFIG_PATH").or_else(|| Some(set("HOME")?.join(".config/zenml")));
    folder.map(|folder| local_secrets(&folder)).unwrap_or_default()
}

fn print_next_steps(survey: &Survey, context: &mut Context<'_>) -> io::Result<()> {
    let out = &mut *context.stderr.out;
    writeln!(out, "\nnext:")?;
    if survey.inventories.is_empty() {
        writeln!(out, "  stackref register    makes an inventory, and asks for every secret that the stacks refer to")?;
        writeln!(
            out,
            "                       (then set `level` in the config: now only what needs no inventory is checked)"
        )?;
    }
    if survey.inventories.iter().any(|found| found.kind == DetectedKind::Sops) {
        writeln!(
            out,
            "  stackref trust       accepts this config: it runs `sops`, which no config may do before you agree"
        )?;
    }
    writeln!(out, "  stackref check       says what is wrong, and where")?;
    writeln!(out, "  stackref explain     lists the rules")
}

/// Adds the hook where that is wanted, and shows it where it is not known whether it is.
fn offer_hook(args: &InitArgs, root: &Path, context: &mut Context<'_>) -> Result<Outcome, CommandError> {
    let file = root.join(hook::FILE_NAME);
    let display_path = paths::relative(&file, &context.cwd);
    if args.no_hook {
        return Ok(Outcome::Clean);
    }
    let (is_there, hook) = match files::read_inside(&file, root, MAX_CONFIG_BYTES) {
        Ok(bytes) => (true, with_hook(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (false, hook::add_hook("")),
        Err(error) => {
            return Err(Failure::usage(format!("cannot read `{display_path}`: {}", io_message(&error)))
                .with_help("let it be a file of the repository, or use --no-hook")
                .into());
        }
    };
    if hook == HookChange::Present {
        writeln!(context.stderr.out, "\n`{}` has the hook", escape_control(&display_path))?;
        return Ok(Outcome::Clean);
    }
    writeln!(
        context.stderr.out,
        "\nfor pre-commit, in `{}` below `repos`:\n{}",
        escape_control(&display_path),
        hook::entry()
    )?;
    if !hook::IS_RELEASED {
        let tag = hook::TAG;
        writeln!(
            context.stderr.out,
            "warning: the tag {tag} does not exist yet: pre-commit fails until you set `rev` to the hash of a commit"
        )?;
    }
    let HookChange::Text(_) = hook else {
        if args.yes {
            return Err(Failure::usage(format!(
                "cannot add the hook to `{display_path}`: its form is not one that is known"
            ))
            .with_help("add the entry by hand")
            .into());
        }
        return Ok(Outcome::Clean);
    };
    let wanted = match context.keyboard {
        _ if args.yes => Some(true),
        Some(open) => {
            let cannot = |error| Failure::usage(format!("cannot read from the terminal: {}", io_message(&error)));
            let mut talk = Prompter { keyboard: open().map_err(cannot)?, cwd: context.cwd.clone() };
            let verb = if is_there { "Add it to" } else { "Write it to a new" };
            talk.confirm(&format!("{verb} `{}`? [y/N] ", escape_control(&display_path)), context)?
        }
        None => Some(false),
    };
    match wanted {
        Some(true) => add_hook(&file, &display_path, is_there, context),
        Some(false) => Ok(Outcome::Clean),
        None => Ok(Outcome::Interrupted),
    }
}

fn with_hook(bytes: &[u8]) -> HookChange {
    std::str::from_utf8(bytes).map_or(HookChange::Manual, hook::add_hook)
}

fn add_hook(
    file: &Path,
    display_path: &str,
    is_there: bool,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let changed = || Failure::usage(format!("cannot add the hook to `{display_path}`: it has changed meanwhile"));
    if is_there {
        write::update(file, display_path, &mut |bytes, _| match with_hook(&bytes) {
            HookChange::Text(text) => Ok(Some(NewText { text: Zeroizing::new(text), private: false })),
            HookChange::Present => Ok(None),
            HookChange::Manual => Err(changed()),
        })?;
    } else {
        let HookChange::Text(text) = hook::add_hook("") else { return Err(changed().into()) };
        create_file(file, display_path, &text)?;
    }
    writeln!(context.stderr.out, "added the hook to `{}`", escape_control(display_path))?;
    Ok(Outcome::Clean)
}
