//! Prints the survey of a repository, its problems, and the next steps.

use super::super::init_plan::{DetectedKind, Hint, Survey, local_secrets};
use crate::output::count;
use crate::project::git::Git;
use crate::text::escape::escape_control;
use crate::workspace::context::Context;
use std::io;
use std::path::PathBuf;

/// The most paths that a message lists; it counts the others.
const MAX_LISTED: usize = 5;

/// Prints the stack files, files with commands and inventories that were found, with notes and
/// warnings about them.
pub(super) fn print(
    survey: &Survey,
    hints: &[Hint],
    git: &Git,
    context: &mut Context<'_>,
) -> io::Result<()> {
    let local = local_files(context);
    let out = &mut *context.stderr.out;
    print_stacks(survey, out)?;
    print_commands(survey, out)?;
    print_inventories(survey, git, out)?;
    print_environments(survey, out)?;
    print_unrouted(survey, out)?;
    for Hint { variable, kind, .. } in hints {
        writeln!(
            out,
            "note: {variable} is set, so the config contains a commented-out inventory of kind `{kind}`"
        )?;
    }
    for path in local.iter().take(MAX_LISTED) {
        let path = escape_control(&path.display().to_string());
        writeln!(
            out,
            "note: found ZenML's local secrets on this machine; use them with `--inventory {path}`"
        )?;
    }
    Ok(())
}

fn print_stacks(survey: &Survey, out: &mut dyn io::Write) -> io::Result<()> {
    let number = if survey.stacks.is_empty() {
        "no stack file".to_owned()
    } else {
        count(survey.stacks.len(), "stack file")
    };
    writeln!(out, "{}", list_paths(&number, &survey.stacks))?;
    if survey.is_empty() {
        writeln!(
            out,
            "note: a stack file has `components` with `stack_name` or `zenml_version`"
        )?;
    }
    if survey.unparsed > 0 {
        let files = count(survey.unparsed, "file");
        writeln!(
            out,
            "note: {files} cannot be parsed; `stackref check` reports the errors"
        )?;
    }
    if survey.render_only_references > 0 {
        let references = count(survey.render_only_references, "reference");
        writeln!(
            out,
            "note: ZenML does not resolve {references} inside longer strings, sequences or mappings; `stackref render` does, with \
             `resolver = \"render\"`"
        )?;
    }
    Ok(())
}

/// Prints the files with commands, and the number of secrets that the commands create.
fn print_commands(survey: &Survey, out: &mut dyn io::Write) -> io::Result<()> {
    for files in &survey.commands {
        writeln!(out, "{}", list_paths(&files.describe(), &files.paths))?;
    }
    if survey.declared.secrets > 0 {
        let secrets = count(survey.declared.secrets, "secret");
        writeln!(out, "found {secrets} that commands create")?;
    }
    Ok(())
}

fn print_inventories(survey: &Survey, git: &Git, out: &mut dyn io::Write) -> io::Result<()> {
    let number = match survey.inventories.len() {
        0 => "no inventory".to_owned(),
        1 => "1 inventory".to_owned(),
        number => format!("{number} inventories"),
    };
    let inventories: Vec<String> = survey
        .inventories
        .iter()
        .map(|found| format!("{} ({})", found.path, found.kind.describe()))
        .collect();
    writeln!(out, "{}", list_paths(&number, &inventories))?;
    if survey.inventories.is_empty() && survey.can_look_up() {
        writeln!(
            out,
            "note: `stackref check` compares references with the secrets that commands create, until there is an inventory"
        )?;
    }
    if !survey.can_look_up() {
        writeln!(
            out,
            "warning: the config has `level = \"none\"`, so `stackref check` does not check that secrets exist; add an \
             inventory, and set `level = \"secret-and-key-exists\"`"
        )?;
    }
    for found in survey
        .inventories
        .iter()
        .filter(|found| found.kind.has_values())
    {
        let path = survey.root.join(&found.path);
        let display_path = escape_control(&found.path);
        match git.tracked(&path) {
            Ok(tracked) if !tracked.contains(&path) => {}
            Ok(_) => writeln!(
                out,
                "warning: `{display_path}` contains values, and git tracks it; `stackref inventory snapshot` writes names only"
            )?,
            Err(error) => {
                let (error, remedy) = (
                    escape_control(&error.to_string()),
                    escape_control(error.remedy()),
                );
                writeln!(
                    out,
                    "warning: `{display_path}` contains values, and stackref cannot ask git whether it tracks the file: {error} \
                     ({remedy})"
                )?;
            }
        }
    }
    for (path, reason) in survey.skipped_files.iter().take(MAX_LISTED) {
        writeln!(
            out,
            "note: `{}` is not used as an inventory: {reason}",
            escape_control(path)
        )?;
    }
    Ok(())
}

/// Prints the environments, and the files that belong to all of them.
fn print_environments(survey: &Survey, out: &mut dyn io::Write) -> io::Result<()> {
    let names: Vec<String> = survey
        .environments
        .iter()
        .map(|environment| environment.name.to_owned())
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "{}",
        list_paths(&count(names.len(), "environment"), &names)
    )?;
    let files = &survey.in_all_environments;
    if files.is_empty() {
        return Ok(());
    }
    let number = format!("{} of all environments", count(files.len(), "file"));
    writeln!(out, "{}", list_paths(&number, files))
}

fn print_unrouted(survey: &Survey, out: &mut dyn io::Write) -> io::Result<()> {
    for path in survey.unrouted.iter().take(MAX_LISTED) {
        let path = escape_control(path);
        match survey.inventories.as_slice() {
            [only] => writeln!(
                out,
                "note: `{path}` also uses the inventory `{}`, since there is no other; add one if it has its own secrets",
                only.name
            )?,
            _ => writeln!(
                out,
                "note: found no inventory for `{path}`; add a `[[stacks]]` entry for it"
            )?,
        }
    }
    Ok(())
}

/// Returns a line such as `found 2 stack files: a.yaml, b.yaml`.
fn list_paths(number: &str, paths: &[String]) -> String {
    let mut line = format!("found {number}");
    let listed: Vec<String> = paths
        .iter()
        .take(MAX_LISTED)
        .map(|path| escape_control(path))
        .collect();
    if !listed.is_empty() {
        line.push_str(&format!(": {}", listed.join(", ")));
    }
    if paths.len() > MAX_LISTED {
        line.push_str(&format!(" and {} more", paths.len() - MAX_LISTED));
    }
    line
}

/// Returns the files of ZenML's local secrets managers on this machine. A config does not contain
/// them, since other machines have other ones.
fn local_files(context: &Context<'_>) -> Vec<PathBuf> {
    let path = |name: &str| {
        context
            .env
            .get(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let folder = path("ZENML_CONFIG_PATH").or_else(|| Some(path("HOME")?.join(".config/zenml")));
    folder
        .map(|folder| local_secrets(&folder))
        .unwrap_or_default()
}

/// Prints the commands to run next.
pub(super) fn print_next_steps(survey: &Survey, context: &mut Context<'_>) -> io::Result<()> {
    let out = &mut *context.stderr.out;
    writeln!(out, "\nnext steps:")?;
    if survey.inventories.is_empty() && !survey.stacks.is_empty() {
        writeln!(
            out,
            "  stackref register    creates an inventory, and asks for each secret that the stacks use"
        )?;
        if !survey.can_look_up() {
            writeln!(
                out,
                "                       (then set `level` in the config: until then, secrets are not looked up)"
            )?;
        }
    }
    if survey
        .inventories
        .iter()
        .any(|found| found.kind == DetectedKind::Sops)
    {
        writeln!(
            out,
            "  stackref trust       accepts this config, so that it may run `sops`"
        )?;
    }
    writeln!(
        out,
        "  stackref check       reports mistakes, with their locations"
    )?;
    if !survey.environments.is_empty() {
        writeln!(
            out,
            "  stackref matrix      compares the secrets and keys of the environments"
        )?;
    }
    writeln!(out, "  stackref explain     lists the rules")
}
