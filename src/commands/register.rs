//! `register`: the conversation about what is missing, or the values that are handed in without one.

use super::create::create;
use super::progress::with_progress;
use super::prompter::Prompter;
use super::workspace::{KEY_LEVEL, Workspace, select_stack};
use super::{
    CommandError, Context, output_style, print_failures, report_unparsed, unread_failures, warn_about_inventories,
};
use crate::cli::{Color, FileArgs, RegisterArgs};
use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::excerpt::escape_control;
use crate::diagnostics::finding::Severity;
use crate::diagnostics::outcome::Outcome;
use crate::diagnostics::rule_id::RuleId;
use crate::document::Syntax;
use crate::inventory::file::FileInventory;
use crate::inventory::{Inventories, Inventory, NewKey, SecretChange};
use crate::lint::missing_keys::{GivenSecret, RequiredKey, ValueSource, required_keys, store};
use crate::lint::pipeline;
use crate::lint::rules;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::output::lists::{self, RegisterResult, StoredSecret};
use crate::output::{ListFormat, count};
use crate::project::git::Git;
use crate::system::paths;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

pub(super) fn register(args: &RegisterArgs, color: Color, context: &mut Context<'_>) -> Result<Outcome, CommandError> {
    let (paths, stack) = paths_and_stack(args, &context.cwd);
    let files = FileArgs::from_paths(paths, &args.setup);
    let from_elsewhere = args.from_file.is_some() || args.from_env.is_some();
    // Before anything that takes time: what is typed ahead of the first question is not shown, either.
    let mut prompter = match context.keyboard {
        Some(open) if !from_elsewhere && !args.dry_run => {
            let cannot = |error| Failure::usage(format!("cannot read from the terminal: {}", io_message(&error)));
            Some(Prompter { keyboard: open().map_err(cannot)?, cwd: context.cwd.clone() })
        }
        _ => None,
    };
    let mut workspace = Workspace::open(&files, context)?;
    let mut scan = workspace.scan(context)?;
    select_stack(&mut scan, stack)?;
    let mut inventories = workspace.inventories(&scan, &args.inventory, KEY_LEVEL, context)?;
    workspace.notes(&scan, context)?;
    let unread = report_unparsed(&scan, color, context)?;
    let has_references = scan.references().next().is_some();
    if inventories.is_empty() && has_references {
        let created = match create(&workspace, prompter.as_mut(), args, context) {
            Err(CommandError::Failed(failures)) => {
                drop(prompter);
                return without_inventory(&scan, &workspace, &inventories, args, &failures, color, context);
            }
            other => other?,
        };
        if !created {
            if args.format == ListFormat::Json {
                let failures = unread_failures(&scan);
                let registered = RegisterResult { failures: &failures, ..RegisterResult::default() };
                lists::write_register_json(&registered, &inventories, context.stdout.out)?;
            }
            return Ok(Outcome::Interrupted);
        }
        inventories = workspace.inventories(&scan, &args.inventory, KEY_LEVEL, context)?;
    }
    let settings = Settings { allow_empty_listing: true, ..workspace.key_level(&inventories) };
    let report = with_progress(context, "look-ups", |progress| pipeline::run(&scan, &settings, progress));
    warn_about_inventories(&inventories, report.references.answers().queried_inventories(), context)?;
    let failures = report.failures.get(scan.skipped.failures.len()..).unwrap_or_default();
    if !failures.is_empty() {
        return Err(failures.to_vec().into());
    }
    let is_error = |rule: RuleId| rules::get(rule).severity == Severity::Error && rule != RuleId::SyntaxError;
    let passed_over = scan.files.iter().flat_map(|file| &file.findings);
    let passed_over = passed_over.filter(|finding| is_error(finding.rule())).count();
    let note = (passed_over > 0).then(|| {
        let references = count(passed_over, "place");
        format!("{references} with mistakes not asked for; `stackref check` shows them")
    });
    // In a dry run it comes after the list.
    if let Some(note) = note.as_ref().filter(|_| !args.dry_run) {
        context.note(note)?;
    }
    let needs = required_keys(&scan, &report, &settings)?;
    let missing = needs.iter().filter(|required| !required.exists).count();
    if missing == 0 && unread == Outcome::Clean {
        let (references, files) = (count(scan.references().count(), "reference"), count(scan.files.len(), "file"));
        context.summary = Some(format!("nothing is missing: {references} in {files}"));
    }
    let mut run = RegisterRun::new(args, color, &inventories, &workspace.git);
    let ended = if from_elsewhere {
        run.store_given(&needs, context)
    } else if args.dry_run {
        run.list_only(&needs, context)
    } else if let Some(prompter) = &mut prompter {
        run.prompt_all(&needs, prompter, context)
    } else {
        run.without_terminal(&needs, context)
    };
    drop(prompter);
    let mut failures = unread_failures(&scan);
    if let Err(CommandError::Failed(more)) = &ended {
        if run.stored.is_empty() && run.missing.is_empty() {
            context.summary = Some("nothing was registered".to_owned());
        } else {
            run.summarize(context);
        }
        failures.extend_from_slice(more);
    }
    if args.format == ListFormat::Json || !matches!(ended, Ok(Outcome::Interrupted)) {
        run.print(&failures, context)?;
    }
    if let Some(note) = note.filter(|_| args.dry_run) {
        context.note(note)?;
    }
    match ended {
        Ok(outcome) => Ok(outcome.max(unread)),
        Err(CommandError::Io(error)) => Err(error.into()),
        Err(CommandError::Failed(failures)) => {
            print_failures(&failures, color, context)?;
            Ok(failures.iter().map(Failure::outcome).fold(unread, Outcome::max))
        }
    }
}

/// Everything is missing, and there is no place for it.
fn without_inventory(
    scan: &Scan,
    workspace: &Workspace<'_>,
    inventories: &Inventories,
    args: &RegisterArgs,
    failures: &[Failure],
    color: Color,
    context: &mut Context<'_>,
) -> Result<Outcome, CommandError> {
    let settings = workspace.key_level(inventories);
    let report = pipeline::run(scan, &settings, None);
    let needs = required_keys(scan, &report, &settings)?;
    let run =
        RegisterRun { missing: needs.iter().collect(), ..RegisterRun::new(args, color, inventories, &workspace.git) };
    run.summarize(context);
    let all: Vec<Failure> = unread_failures(scan).into_iter().chain(failures.iter().cloned()).collect();
    run.print(&all, context)?;
    print_failures(failures, color, context)?;
    Ok(Outcome::Usage)
}

/// `--path` takes all that follows it, and a stack may follow it, too: what is there is a path.
fn paths_and_stack<'a>(args: &'a RegisterArgs, cwd: &Path) -> (&'a [PathBuf], Option<&'a str>) {
    if let (None, Some((last, paths @ [_, ..]))) = (&args.stack, args.path.split_last())
        && paths::absolute(last, cwd).symlink_metadata().is_err()
    {
        return (paths, last.to_str());
    }
    (&args.path, args.stack.as_deref())
}

/// One run: what it stores, and what is still missing in the end.
struct RegisterRun<'r> {
    args: &'r RegisterArgs,
    color: Color,
    inventories: &'r Inventories,
    git: &'r Git,
    stored: Vec<StoredSecret>,
    missing: Vec<&'r RequiredKey<'r>>,
    /// In a dry run with `--change`: existing keys that would be asked for.
    existing: Vec<&'r RequiredKey<'r>>,
    /// Existing keys for which a value was given that did not replace theirs.
    kept: Vec<StoredSecret>,
}

/// The keys that a run at a terminal deals with, in their order.
struct Plan<'r> {
    /// Missing keys whose values are asked for.
    missing: Vec<&'r RequiredKey<'r>>,
    /// Missing keys of inventories that store names only.
    names: Vec<&'r RequiredKey<'r>>,
    /// Existing keys whose values are asked for, with `--change`.
    existing: Vec<&'r RequiredKey<'r>>,
}

impl<'r> RegisterRun<'r> {
    fn new(args: &'r RegisterArgs, color: Color, inventories: &'r Inventories, git: &'r Git) -> Self {
        let (stored, missing, existing, kept) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { args, color, inventories, git, stored, missing, existing, kept }
    }

    /// Prints what is missing, and as JSON what was stored, too.
    fn print(&self, failures: &[Failure], context: &mut Context<'_>) -> io::Result<()> {
        let style = output_style(&context.stdout, self.color, context.env.as_ref());
        let (out, inventories) = (&mut *context.stdout.out, self.inventories);
        if self.args.format == ListFormat::Json {
            let Self { missing, existing, stored, kept, .. } = self;
            let registered = RegisterResult { missing, existing, stored, kept, failures };
            lists::write_register_json(&registered, inventories, out)?;
        } else {
            lists::write_required_keys(&self.missing, inventories, style, out)?;
            lists::write_required_keys(&self.existing, inventories, style, out)?;
        }
        out.flush()
    }

    /// Returns which keys a run at a terminal deals with. Prints why existing values cannot be changed.
    fn plan(&self, needs: &'r [RequiredKey<'r>], context: &mut Context<'_>) -> io::Result<Plan<'r>> {
        let select = |is_wanted: &dyn Fn(&RequiredKey<'_>) -> bool| -> Vec<&'r RequiredKey<'r>> {
            needs.iter().filter(|required| is_wanted(required)).collect()
        };
        let mut existing = select(&|required| self.args.change && required.exists && required.has_value);
        // Each inventory is looked at once: that takes a file and git.
        let targets: BTreeSet<usize> = existing.iter().map(|required| required.inventory).collect();
        for at in targets {
            let Some(refusal) = self.write_refusal(at, true) else { continue };
            existing.retain(|required| required.inventory != at);
            context
                .note(format_args!("existing values are not asked for: {}", escape_control(&refusal.to_string())))?;
        }
        let missing = select(&|required| !required.exists && required.has_value);
        let names = select(&|required| !required.exists && !required.has_value);
        Ok(Plan { missing, names, existing })
    }

    /// Makes what a run at a terminal would ask for the list that is printed.
    fn list_only(&mut self, needs: &'r [RequiredKey<'r>], context: &mut Context<'_>) -> Result<Outcome, CommandError> {
        let plan = self.plan(needs, context)?;
        let asked = count(plan.missing.len() + plan.existing.len(), "key");
        let existing = match plan.existing.len() {
            0 => String::new(),
            number => format!(" ({number} existing)"),
        };
        let names = count(plan.names.len(), "name");
        let what = match (plan.missing.len() + plan.existing.len(), plan.names.len()) {
            (0, 1..) => format!("{names} to add"),
            (_, 0) => format!("{asked} to ask for{existing}"),
            _ => format!("{asked} to ask for{existing}, {names} to add"),
        };
        context.summary = Some(format!("{what}; nothing was stored"));
        self.missing = needs.iter().filter(|required| !required.exists).collect();
        self.existing = plan.existing;
        Ok(Outcome::Clean)
    }

    /// Returns the missing keys that were not stored.
    fn still_missing(&self, needs: &'r [RequiredKey<'r>]) -> Vec<&'r RequiredKey<'r>> {
        let stored: HashSet<(&str, &str, Option<&str>)> = self
            .stored
            .iter()
            .flat_map(|StoredSecret { inventory, secret, keys }| {
                let keys = keys.iter().map(|key| Some(key.as_str())).chain([None]);
                keys.map(|key| (inventory.as_str(), secret.as_str(), key))
            })
            .collect();
        let is_stored = |required: &&RequiredKey<'_>| {
            let inventory = self.inventories.get(required.inventory).map_or("?", Inventory::name);
            stored.contains(&(inventory, required.secret.as_str(), required.key.as_deref()))
        };
        needs.iter().filter(|required| !required.exists && !is_stored(required)).collect()
    }

    /// Why an inventory cannot take what it is to take, with or without values.
    fn write_refusal(&self, at: usize, has_values: bool) -> Option<Failure> {
        let target = self.inventories.get(at)?;
        let name = target.name();
        if !target.capabilities().write {
            let failure = Failure::usage(format!("the inventory `{name}` is read-only"));
            return Some(failure.with_help("add the secrets where it has them from, or name another inventory"));
        }
        if let Err(failure) = target.check_writable() {
            return Some(failure);
        }
        let file = target.file().filter(|_| has_values && !self.args.allow_tracked)?;
        let (words, help) = match self.git.tracked(file) {
            Ok(files) if files.is_empty() => return None,
            Ok(_) => (
                format!("git tracks the inventory `{name}`, which holds values"),
                "take it out with `git rm --cached` and add it to .gitignore, keep names only (`name: [key, key]`), or say \
                 that it is meant with --allow-tracked"
                    .to_owned(),
            ),
            Err(why) => (
                format!("cannot ask git whether it tracks the inventory `{name}`: {why}"),
                format!("{}; or pass --allow-tracked to store values there all the same", why.remedy()),
            ),
        };
        Some(Failure::usage(words).with_help(help))
    }

    /// Says what cannot be written to before anybody has typed anything, and before anything is written.
    fn refuse_targets(&self, targets: impl Iterator<Item = (usize, bool)>) -> Result<(), Vec<Failure>> {
        let mut with_values: BTreeMap<usize, bool> = BTreeMap::new();
        for (at, has_value) in targets {
            *with_values.entry(at).or_default() |= has_value;
        }
        let refusals = with_values.into_iter().filter_map(|(at, has_values)| self.write_refusal(at, has_values));
        let refusals: Vec<Failure> = refusals.collect();
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }

    /// Nobody to ask, and nothing handed in.
    fn without_terminal(
        &mut self,
        needs: &'r [RequiredKey<'r>],
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        let missing: Vec<&RequiredKey<'_>> = needs.iter().filter(|required| !required.exists).collect();
        if missing.is_empty() {
            let exists = needs.iter().any(|required| required.exists && required.has_value);
            if !self.args.change || !exists {
                return Ok(Outcome::Clean);
            }
            let failure = Failure::usage("cannot ask for existing values: there is no terminal");
            let help = "run this at a terminal, or hand the values in with --from-file FILE or --from-env PREFIX";
            return Err(failure.with_help(help).into());
        }
        let names_only = missing.iter().all(|required| !required.has_value);
        if names_only && self.args.yes {
            self.refuse_targets(missing.iter().map(|required| (required.inventory, false)))?;
            self.store_names(&missing, context)?;
            self.summarize(context);
            return Ok(Outcome::Clean);
        }
        let number = count(missing.len(), "key");
        let are = if missing.len() == 1 { "is" } else { "are" };
        self.missing = missing;
        let help = if names_only {
            "say --yes to add their names, or run this at a terminal"
        } else {
            "run this at a terminal, or hand the values in with --from-file FILE or --from-env PREFIX"
        };
        let failure = Failure::usage(format!("{number} {are} missing, and there is no terminal to ask at"));
        Err(failure.with_help(help).into())
    }

    /// Takes what was handed in.
    fn store_given(
        &mut self,
        needs: &'r [RequiredKey<'r>],
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        let given = match (&self.args.from_file, &self.args.from_env) {
            (Some(path), _) => ValueSource::File(Box::new(read_given(path, context)?)),
            (None, prefix) => {
                ValueSource::Environment { prefix: prefix.clone().unwrap_or_default(), env: Arc::clone(&context.env) }
            }
        };
        let (wanted, existing): (Vec<&RequiredKey<'_>>, Vec<&RequiredKey<'_>>) =
            needs.iter().partition(|required| !required.exists || !self.args.skip_existing);
        let failures = given.failures(&wanted);
        if !failures.is_empty() {
            return Err(failures.into());
        }
        let unneeded = given.unused_key_count(needs);
        if unneeded > 0 {
            context.note(format_args!("ignored {} that no reference uses", count(unneeded, "key")))?;
        }
        let mut puts: BTreeMap<usize, BTreeMap<&str, Vec<NewKey>>> = BTreeMap::new();
        let mut open = GivenSecret::default();
        for required in wanted {
            match given.entries_for(required, &mut open)? {
                // A name that is there is there; only values can be changed.
                Some(_) if required.exists && !required.has_value => {}
                Some(entries) => {
                    puts.entry(required.inventory).or_default().entry(&required.secret).or_default().extend(entries);
                }
                None if required.exists => {}
                None => self.missing.push(required),
            }
        }
        self.note_kept(&existing, &given, &mut open);
        for required in &self.missing {
            let name = escape_control(&required.name());
            match given.variable(required) {
                Some(variable) => {
                    writeln!(context.stderr.out, "not given: `{name}` (`{}`)", escape_control(&variable))?
                }
                None if required.key.is_none() && self.args.from_file.is_none() => {
                    writeln!(context.stderr.out, "not given: `{name}`, a whole secret; --from-file can give one")?;
                }
                None => writeln!(context.stderr.out, "not given: `{name}`")?,
            }
        }
        if !self.missing.is_empty() && !self.args.partial {
            let missing = match self.missing.len() {
                1 => "1 key is missing".to_owned(),
                number => format!("{number} keys are missing"),
            };
            context.summary = Some(format!("{missing}; nothing was stored (--partial stores the rest)"));
            return Ok(Outcome::Usage);
        }
        let has_values =
            |secrets: &BTreeMap<&str, Vec<NewKey>>| secrets.values().flatten().any(|entry| entry.value.is_some());
        if let Err(failures) = self.refuse_targets(puts.iter().map(|(&at, secrets)| (at, has_values(secrets)))) {
            self.missing = needs.iter().filter(|required| !required.exists).collect();
            return Err(failures.into());
        }
        for (&at, secrets) in &puts {
            let name = escape_control(self.inventories.get(at).map_or("?", Inventory::name));
            let names_only = |entries: &Vec<NewKey>| entries.iter().any(|entry| entry.value.is_none());
            let kept: Vec<&str> =
                secrets.iter().filter(|(_, entries)| names_only(entries)).map(|(&secret, _)| secret).collect();
            if kept.is_empty() {
                continue;
            }
            if !has_values(secrets) {
                context.note(format_args!("`{name}` keeps names only, so values are not stored"))?;
                continue;
            }
            for secret in kept {
                let secret = escape_control(secret);
                context.note(format_args!("`{name}` keeps of `{secret}` names only, so its values are not stored"))?;
            }
        }
        if self.args.dry_run {
            self.print_planned(&puts, context)?;
            return Ok(Outcome::Clean);
        }
        for (at, secrets) in &puts {
            let changes: Vec<SecretChange<'_>> =
                secrets.iter().map(|(secret, entries)| SecretChange { secret, entries }).collect();
            // A file is written once, with all or with nothing of it; elsewhere each secret is told when it is there.
            let is_file = self.inventories.get(*at).is_some_and(|target| target.file().is_some());
            for changes in changes.chunks(if is_file { changes.len().max(1) } else { 1 }) {
                if let Err(stop) = self.store(*at, changes, context) {
                    self.missing = self.still_missing(needs);
                    return Err(stop);
                }
            }
        }
        if puts.is_empty() && self.missing.is_empty() {
            let kept = self.kept_summary();
            context.summary = context.summary.take().map(|summary| summary + &kept);
            return Ok(Outcome::Clean);
        }
        self.summarize(context);
        Ok(Outcome::Clean)
    }

    /// What would be stored.
    fn print_planned(
        &self,
        puts: &BTreeMap<usize, BTreeMap<&str, Vec<NewKey>>>,
        context: &mut Context<'_>,
    ) -> io::Result<()> {
        let mut total = 0;
        for (&at, secrets) in puts {
            let name = escape_control(self.inventories.get(at).map_or("?", Inventory::name));
            for (secret, entries) in secrets {
                total += entries.len();
                let key = |entry: &NewKey| {
                    let instead = if entry.replaces { " (in place of what is there)" } else { "" };
                    format!("{}{instead}", escape_control(&entry.key))
                };
                let keys = entries.iter().map(key).collect::<Vec<_>>().join(", ");
                writeln!(context.stderr.out, "would store in `{name}`: `{}` with {keys}", escape_control(secret))?;
            }
        }
        context.summary = Some(format!("{} to store; nothing was stored{}", count(total, "key"), self.kept_summary()));
        Ok(())
    }

    /// Notes the existing keys for which a value is given.
    fn note_kept(&mut self, existing: &[&RequiredKey<'_>], given: &ValueSource, open: &mut GivenSecret) {
        for required in existing.iter().filter(|required| required.has_value) {
            let Ok(Some(entries)) = given.entries_for(required, open) else { continue };
            let inventory = self.inventories.get(required.inventory).map_or("?", Inventory::name);
            let keys = entries.into_iter().map(|entry| entry.key);
            match self.kept.last_mut().filter(|kept| kept.inventory == inventory && kept.secret == required.secret) {
                Some(kept) => kept.keys.extend(keys),
                None => self.kept.push(StoredSecret {
                    inventory: inventory.to_owned(),
                    secret: required.secret.clone(),
                    keys: keys.collect(),
                }),
            }
        }
    }

    /// Returns the end of a summary: how many existing values were kept although others were given.
    fn kept_summary(&self) -> String {
        match self.kept.iter().map(|kept| kept.keys.len()).sum() {
            0 => String::new(),
            1 => "; kept 1 existing value".to_owned(),
            number => format!("; kept {number} existing values"),
        }
    }

    /// Asks for everything, and stores each secret when all that is wanted of it is there.
    fn prompt_all(
        &mut self,
        needs: &'r [RequiredKey<'r>],
        prompter: &mut Prompter,
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        let missing = || needs.iter().filter(|required| !required.exists);
        if let Err(failures) = self.refuse_targets(missing().map(|required| (required.inventory, required.has_value))) {
            self.missing = missing().collect();
            return Err(failures.into());
        }
        let Plan { missing, names, existing } = self.plan(needs, context)?;
        if !self.add_names(&names, prompter, context)? {
            self.missing = self.still_missing(needs);
            return Ok(Outcome::Interrupted);
        }
        let wanted = [missing, existing].concat();
        if wanted.is_empty() && self.missing.is_empty() && self.stored.is_empty() {
            return Ok(Outcome::Clean);
        }
        let mut asked = 0;
        let mut answered = 0;
        let mut goes_on = true;
        let of =
            |required: &'r RequiredKey<'r>| (required.exists, &required.stack, required.inventory, &required.secret);
        let same = |a: &&'r RequiredKey<'r>, b: &&'r RequiredKey<'r>| of(a) == of(b);
        for secret in wanted.chunk_by(same) {
            let Some(first) = secret.first() else { continue };
            let mut entries = Vec::new();
            for required in secret {
                asked += 1;
                let (used, stack) = (escape_control(&required.locations()), escape_control(&required.stack));
                writeln!(context.stderr.out, "{asked} of {}, stack `{stack}`, used by {used}", wanted.len())?;
                if let Some(suggestion) = &required.suggestion {
                    let suggestion = escape_control(suggestion);
                    writeln!(
                        context.stderr.out,
                        "did you mean `{suggestion}`? If so, press Ctrl-C and fix the stack file"
                    )?;
                }
                goes_on = prompter.entries(required, &mut entries, context)?;
                if !goes_on {
                    break;
                }
                answered += 1;
            }
            // Nobody knows which keys of a whole secret are left, so the next run has to ask for all of them.
            let is_part = !goes_on && first.key.is_none();
            if !entries.is_empty() && !is_part {
                self.store(first.inventory, &[SecretChange { secret: &first.secret, entries: &entries }], context)?;
            }
            if !goes_on {
                self.summarize_interrupted(&wanted, answered, context);
                return Ok(Outcome::Interrupted);
            }
        }
        self.summarize(context);
        if !wanted.is_empty() && prompter.keyboard.has_more() {
            writeln!(
                context.stderr.out,
                "warning: more lines were typed than were asked for, and are dropped; a value of several lines goes into a \
                 file, and the answer is @path"
            )?;
        }
        Ok(if self.missing.is_empty() { Outcome::Clean } else { Outcome::Findings })
    }

    /// Makes what was answered before an interruption the run's summary.
    fn summarize_interrupted(&mut self, wanted: &[&'r RequiredKey<'r>], answered: usize, context: &mut Context<'_>) {
        self.missing.extend(wanted.iter().skip(answered).filter(|required| !required.exists));
        let keys: usize = self.stored.iter().map(|stored| stored.keys.len()).sum();
        let kept = match keys {
            0 => "nothing was stored".to_owned(),
            number => format!("{} answered and stored", count(number, "key")),
        };
        let left = self.missing.len();
        let rest = if left > 0 { "; run this again for the rest" } else { "" };
        context.summary = Some(format!("interrupted: {kept}, {} left{rest}", count(left, "key")));
    }

    /// Adds names to the inventories that store nothing else, to each if the user agrees. Returns false if the user interrupted.
    fn add_names(
        &mut self,
        names: &[&'r RequiredKey<'r>],
        prompter: &mut Prompter,
        context: &mut Context<'_>,
    ) -> Result<bool, CommandError> {
        let mut by_inventory: BTreeMap<usize, Vec<&'r RequiredKey<'r>>> = BTreeMap::new();
        for required in names {
            by_inventory.entry(required.inventory).or_default().push(required);
        }
        for (at, names) in by_inventory {
            if !self.args.yes {
                let style = output_style(&context.stderr, self.color, context.env.as_ref());
                lists::write_required_keys(&names, self.inventories, style, context.stderr.out)?;
                match prompter.confirm(&self.names_question(at, names.len(), &context.cwd), context)? {
                    None => return Ok(false),
                    Some(true) => {}
                    Some(false) => {
                        self.missing.extend(names);
                        continue;
                    }
                }
            }
            self.store_names(&names, context)?;
        }
        Ok(true)
    }

    /// Returns the question whether to add names to an inventory, with the file that would change.
    fn names_question(&self, at: usize, number: usize, cwd: &Path) -> String {
        let target = self.inventories.get(at);
        let name = target.map_or("?", Inventory::name);
        let file = target.and_then(Inventory::file).filter(|file| paths::absolute(Path::new(name), cwd) != **file);
        let file =
            file.map_or_else(String::new, |file| format!(" ({})", escape_control(&paths::display_path(file, cwd))));
        // A new secret would take values if others have them.
        let has_values = target.is_some_and(|target| target.takes_values("").unwrap_or(false));
        let stores = if has_values { "stores only the names of these keys" } else { "stores names only" };
        let what = if number == 1 { "this name".to_owned() } else { format!("these {number} names") };
        format!("`{}`{file} {stores}. Add {what} to it? [y/N] ", escape_control(name))
    }

    fn store_names(&mut self, needs: &[&RequiredKey<'_>], context: &mut Context<'_>) -> Result<(), CommandError> {
        let mut puts: BTreeMap<usize, BTreeMap<&str, Vec<NewKey>>> = BTreeMap::new();
        for required in needs {
            let entries = puts.entry(required.inventory).or_default().entry(&required.secret).or_default();
            entries.extend(required.key.iter().map(|key| NewKey { key: key.clone(), value: None, replaces: false }));
        }
        for (at, secrets) in &puts {
            let changes: Vec<SecretChange<'_>> =
                secrets.iter().map(|(secret, entries)| SecretChange { secret, entries }).collect();
            self.store(*at, &changes, context)?;
        }
        Ok(())
    }

    fn store(
        &mut self,
        at: usize,
        changes: &[SecretChange<'_>],
        context: &mut Context<'_>,
    ) -> Result<(), CommandError> {
        let Some(target) = self.inventories.get(at) else { return Ok(()) };
        let name = target.name();
        let kept = store(target, changes)?;
        for (secret, key) in &kept {
            let (secret, key) = (escape_control(secret), escape_control(key));
            context.note(format_args!(
                "`{secret}.{key}` was added to `{name}` in the meantime; keeping the existing value"
            ))?;
        }
        let kept: HashSet<(&str, &str)> = kept.iter().map(|(secret, key)| (secret.as_str(), key.as_str())).collect();
        for SecretChange { secret, entries } in changes {
            let stays = |key: &str| kept.contains(&(*secret, key));
            let keys: Vec<String> = entries.iter().map(|entry| entry.key.clone()).filter(|key| !stays(key)).collect();
            if keys.is_empty() && !entries.is_empty() {
                continue;
            }
            let replaced = entries.iter().filter(|entry| entry.replaces && !stays(&entry.key));
            let replaced: Vec<String> = replaced.map(|entry| format!("`{}`", escape_control(&entry.key))).collect();
            let instead = if replaced.is_empty() {
                String::new()
            } else {
                format!(", {} in place of what was there", replaced.join(", "))
            };
            self.stored.push(StoredSecret { inventory: name.to_owned(), secret: (*secret).to_owned(), keys });
            writeln!(context.stderr.out, "stored `{}` in `{}`{instead}", escape_control(secret), escape_control(name))?;
        }
        Ok(())
    }

    /// Makes what was stored and what is still missing the run's summary.
    fn summarize(&self, context: &mut Context<'_>) {
        let keys: usize = self.stored.iter().map(|stored| stored.keys.len()).sum();
        let secrets: BTreeSet<(&str, &str)> =
            self.stored.iter().map(|stored| (stored.inventory.as_str(), stored.secret.as_str())).collect();
        let left = match self.missing.len() {
            0 => "nothing is missing".to_owned(),
            1 => "1 key is still missing".to_owned(),
            left => format!("{left} keys are still missing"),
        };
        let (keys, secrets) = (count(keys, "key"), count(secrets.len(), "secret"));
        context.summary = Some(format!("registered {keys} of {secrets}; {left}{}", self.kept_summary()));
    }
}

/// A file of values, or standard input, whose syntax is that in which it reads as a mapping.
fn read_given(path: &Path, context: &mut Context<'_>) -> Result<FileInventory, Failure> {
    if path.as_os_str() != "-" {
        let file = FileInventory::from_user_path(path, &context.cwd);
        return file.open().map(|()| file);
    }
    if context.keyboard.is_some() {
        return Err(Failure::usage("standard input is a terminal, which would show what is typed")
            .with_help("redirect a file to it, or leave out --from-file to be asked"));
    }
    let mut bytes = Vec::new();
    let read = context.stdin.read_to_end(&mut bytes);
    read.map_err(|error| Failure::usage(format!("cannot read standard input: {}", io_message(&error))))?;
    let text = Zeroizing::new(String::from_utf8(bytes).map_err(|_| Failure::usage("standard input is not UTF-8"))?);
    let read = |syntax| FileInventory::from_text("standard input", text.to_string(), syntax);
    let json = text.trim_start().starts_with('{').then(|| read(Syntax::Json).ok()).flatten();
    if let Some(json) = json {
        return Ok(json);
    }
    let yaml = read(Syntax::Yaml);
    match &yaml {
        Ok(file) if file.entry_errors().is_empty() => yaml,
        _ => read(Syntax::Toml).or(yaml),
    }
}
