//! `register`: the conversation about what is missing, or the values that are handed in without one.

use super::bar::watched;
use super::create::create;
use super::session::{KEY_LEVEL, Session, select_stack};
use super::talk::Talk;
use super::{Stop, World, look, tell, tell_unread, unread_failures, warn};
use crate::check::{self, Report, Settings};
use crate::cli::{Color, Files, Register};
use crate::document::Syntax;
use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use crate::finding::Severity;
use crate::git::Git;
use crate::inventory::file::FileInventory;
use crate::inventory::{Change, Entry, Inventories, Inventory};
use crate::outcome::Outcome;
use crate::paths;
use crate::register::{Given, Need, OpenSecret, needs, store};
use crate::report::lists::{self, Registered, Stored};
use crate::report::{ListFormat, count};
use crate::scan::Scan;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

pub(super) fn register(args: &Register, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let (paths, stack) = paths_and_stack(args, &world.cwd);
    let files = Files::of_paths(paths, &args.setup);
    let from_elsewhere = args.from_file.is_some() || args.from_env.is_some();
    // Before anything that takes time: what is typed ahead of the first question is not shown, either.
    let mut talk = match world.keyboard {
        Some(open) if !from_elsewhere && !args.dry_run => {
            let cannot = |error| Failure::usage(format!("cannot read from the terminal: {}", plain_io(&error)));
            Some(Talk { keyboard: open().map_err(cannot)?, cwd: world.cwd.clone() })
        }
        _ => None,
    };
    let mut session = Session::open(&files, world)?;
    let mut scan = session.scan(world)?;
    select_stack(&mut scan, stack)?;
    let mut inventories = session.inventories(&scan, &args.inventory, KEY_LEVEL, world)?;
    session.notes(&scan, world)?;
    let unread = tell_unread(&scan, color, world)?;
    let has_references = scan.references().next().is_some();
    if inventories.is_empty() && has_references {
        let created = match create(&session, talk.as_mut(), args, world) {
            Err(Stop::Failed(failures)) => {
                drop(talk);
                return without_inventory(&scan, &session, &inventories, args, &failures, color, world);
            }
            other => other?,
        };
        if !created {
            if args.format == ListFormat::Json {
                let failures = unread_failures(&scan);
                let registered = Registered { failures: &failures, ..Registered::default() };
                lists::write_register_json(&registered, &inventories, world.stdout.out)?;
            }
            return Ok(Outcome::Interrupted);
        }
        inventories = session.inventories(&scan, &args.inventory, KEY_LEVEL, world)?;
    }
    let settings = Settings { may_be_empty: true, ..session.key_level(&inventories) };
    let report = watched(world, "look-ups", |progress| check::run(&scan, &settings, progress));
    warn(&inventories, report.answers.asked(), world)?;
    let failures = report.failures.get(scan.passed.failures.len()..).unwrap_or_default();
    if !failures.is_empty() {
        return Err(failures.to_vec().into());
    }
    let passed_over = scan.files.iter().flat_map(|file| &file.findings);
    let passed_over =
        passed_over.filter(|finding| finding.severity == Severity::Error && finding.rule != "syntax-error");
    let passed_over = passed_over.count();
    let note = (passed_over > 0).then(|| {
        let references = count(passed_over, "place");
        format!("{references} with mistakes not asked for; `stackref check` shows them")
    });
    // In a dry run it comes after the list.
    if let Some(note) = note.as_ref().filter(|_| !args.dry_run) {
        world.note(note)?;
    }
    let needs = needs(&scan, &report, &settings)?;
    let missing = needs.iter().filter(|need| !need.exists).count();
    if missing == 0 && unread == Outcome::Clean {
        let (references, files) = (count(scan.references().count(), "reference"), count(scan.files.len(), "file"));
        world.summary = Some(format!("nothing is missing: {references} in {files}"));
    }
    let mut run = Run::new(args, color, &inventories, &session.git);
    let ended = if from_elsewhere {
        run.take(&needs, world)
    } else if args.dry_run {
        run.list(&needs, world)
    } else if let Some(talk) = &mut talk {
        run.ask(&needs, talk, world)
    } else {
        run.without_terminal(&needs, world)
    };
    drop(talk);
    let mut failures = unread_failures(&scan);
    if let Err(Stop::Failed(more)) = &ended {
        if run.stored.is_empty() && run.missing.is_empty() {
            world.summary = Some("nothing was registered".to_owned());
        } else {
            run.summarize(world);
        }
        failures.extend_from_slice(more);
    }
    if args.format == ListFormat::Json || !matches!(ended, Ok(Outcome::Interrupted)) {
        run.print(&failures, world)?;
    }
    if let Some(note) = note.filter(|_| args.dry_run) {
        world.note(note)?;
    }
    match ended {
        Ok(outcome) => Ok(outcome.max(unread)),
        Err(Stop::Io(error)) => Err(error.into()),
        Err(Stop::Failed(failures)) => {
            tell(&failures, color, world)?;
            Ok(failures.iter().map(Failure::outcome).fold(unread, Outcome::max))
        }
    }
}

/// Everything is missing, and there is no place for it.
fn without_inventory(
    scan: &Scan,
    session: &Session<'_>,
    inventories: &Inventories,
    args: &Register,
    failures: &[Failure],
    color: Color,
    world: &mut World<'_>,
) -> Result<Outcome, Stop> {
    let needs = needs(scan, &Report::default(), &session.key_level(inventories))?;
    let run = Run { missing: needs.iter().collect(), ..Run::new(args, color, inventories, &session.git) };
    run.summarize(world);
    let all: Vec<Failure> = unread_failures(scan).into_iter().chain(failures.iter().cloned()).collect();
    run.print(&all, world)?;
    tell(failures, color, world)?;
    Ok(Outcome::Usage)
}

/// `--path` takes all that follows it, and a stack may follow it, too: what is there is a path.
fn paths_and_stack<'a>(args: &'a Register, cwd: &Path) -> (&'a [PathBuf], Option<&'a str>) {
    if let (None, Some((last, paths @ [_, ..]))) = (&args.stack, args.path.split_last())
        && paths::absolute(last, cwd).symlink_metadata().is_err()
    {
        return (paths, last.to_str());
    }
    (&args.path, args.stack.as_deref())
}

/// One run: what it stores, and what is still missing in the end.
struct Run<'r> {
    args: &'r Register,
    color: Color,
    inventories: &'r Inventories,
    git: &'r Git,
    stored: Vec<Stored>,
    missing: Vec<&'r Need<'r>>,
    /// In a dry run with `--change`: existing keys that would be asked for.
    existing: Vec<&'r Need<'r>>,
    /// Existing keys for which a value was given that did not replace theirs.
    kept: Vec<Stored>,
}

/// The keys that a run at a terminal deals with, in their order.
struct Plan<'r> {
    /// Missing keys whose values are asked for.
    missing: Vec<&'r Need<'r>>,
    /// Missing keys of inventories that store names only.
    names: Vec<&'r Need<'r>>,
    /// Existing keys whose values are asked for, with `--change`.
    existing: Vec<&'r Need<'r>>,
}

impl<'r> Run<'r> {
    fn new(args: &'r Register, color: Color, inventories: &'r Inventories, git: &'r Git) -> Self {
        let (stored, missing, existing, kept) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { args, color, inventories, git, stored, missing, existing, kept }
    }

    /// Prints what is missing, and as JSON what was stored, too.
    fn print(&self, failures: &[Failure], world: &mut World<'_>) -> io::Result<()> {
        let look = look(&world.stdout, self.color, world.env.as_ref());
        let (out, inventories) = (&mut *world.stdout.out, self.inventories);
        if self.args.format == ListFormat::Json {
            let Self { missing, existing, stored, kept, .. } = self;
            let registered = Registered { missing, existing, stored, kept, failures };
            lists::write_register_json(&registered, inventories, out)?;
        } else {
            lists::write_needs(&self.missing, inventories, look, out)?;
            lists::write_needs(&self.existing, inventories, look, out)?;
        }
        out.flush()
    }

    /// Returns which keys a run at a terminal deals with. Prints why existing values cannot be changed.
    fn plan(&self, needs: &'r [Need<'r>], world: &mut World<'_>) -> io::Result<Plan<'r>> {
        let select = |is_wanted: &dyn Fn(&Need<'_>) -> bool| -> Vec<&'r Need<'r>> {
            needs.iter().filter(|need| is_wanted(need)).collect()
        };
        let mut existing = select(&|need| self.args.change && need.exists && need.has_value);
        // Each inventory is looked at once: that takes a file and git.
        let targets: BTreeSet<usize> = existing.iter().map(|need| need.inventory).collect();
        for at in targets {
            let Some(refusal) = self.refusal(at, true) else { continue };
            existing.retain(|need| need.inventory != at);
            world.note(format_args!("existing values are not asked for: {}", printable(&refusal.to_string())))?;
        }
        let missing = select(&|need| !need.exists && need.has_value);
        let names = select(&|need| !need.exists && !need.has_value);
        Ok(Plan { missing, names, existing })
    }

    /// Makes what a run at a terminal would ask for the list that is printed.
    fn list(&mut self, needs: &'r [Need<'r>], world: &mut World<'_>) -> Result<Outcome, Stop> {
        let plan = self.plan(needs, world)?;
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
        world.summary = Some(format!("{what}; nothing was stored"));
        self.missing = needs.iter().filter(|need| !need.exists).collect();
        self.existing = plan.existing;
        Ok(Outcome::Clean)
    }

    /// Returns the missing keys that were not stored.
    fn still_missing(&self, needs: &'r [Need<'r>]) -> Vec<&'r Need<'r>> {
        let stored: HashSet<(&str, &str, Option<&str>)> = self
            .stored
            .iter()
            .flat_map(|Stored { inventory, secret, keys }| {
                let keys = keys.iter().map(|key| Some(key.as_str())).chain([None]);
                keys.map(|key| (inventory.as_str(), secret.as_str(), key))
            })
            .collect();
        let is_stored = |need: &&Need<'_>| {
            let inventory = self.inventories.get(need.inventory).map_or("?", Inventory::name);
            stored.contains(&(inventory, need.secret.as_str(), need.key.as_deref()))
        };
        needs.iter().filter(|need| !need.exists && !is_stored(need)).collect()
    }

    /// Why an inventory cannot take what it is to take, with or without values.
    fn refusal(&self, at: usize, has_values: bool) -> Option<Failure> {
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
        let refusals = with_values.into_iter().filter_map(|(at, has_values)| self.refusal(at, has_values));
        let refusals: Vec<Failure> = refusals.collect();
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }

    /// Nobody to ask, and nothing handed in.
    fn without_terminal(&mut self, needs: &'r [Need<'r>], world: &mut World<'_>) -> Result<Outcome, Stop> {
        let missing: Vec<&Need<'_>> = needs.iter().filter(|need| !need.exists).collect();
        if missing.is_empty() {
            let exists = needs.iter().any(|need| need.exists && need.has_value);
            if !self.args.change || !exists {
                return Ok(Outcome::Clean);
            }
            let failure = Failure::usage("cannot ask for existing values: there is no terminal");
            let help = "run this at a terminal, or hand the values in with --from-file FILE or --from-env PREFIX";
            return Err(failure.with_help(help).into());
        }
        let names_only = missing.iter().all(|need| !need.has_value);
        if names_only && self.args.yes {
            self.refuse_targets(missing.iter().map(|need| (need.inventory, false)))?;
            self.store_names(&missing, world)?;
            self.summarize(world);
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
    fn take(&mut self, needs: &'r [Need<'r>], world: &mut World<'_>) -> Result<Outcome, Stop> {
        let given = match (&self.args.from_file, &self.args.from_env) {
            (Some(path), _) => Given::File(Box::new(read_given(path, world)?)),
            (None, prefix) => {
                Given::Environment { prefix: prefix.clone().unwrap_or_default(), env: Arc::clone(&world.env) }
            }
        };
        let (wanted, existing): (Vec<&Need<'_>>, Vec<&Need<'_>>) =
            needs.iter().partition(|need| !need.exists || !self.args.skip_existing);
        let failures = given.failures(&wanted);
        if !failures.is_empty() {
            return Err(failures.into());
        }
        let unneeded = given.unneeded(needs);
        if unneeded > 0 {
            world.note(format_args!("ignored {} that no reference uses", count(unneeded, "key")))?;
        }
        let mut puts: BTreeMap<usize, BTreeMap<&str, Vec<Entry>>> = BTreeMap::new();
        let mut open = OpenSecret::default();
        for need in wanted {
            match given.entries(need, &mut open)? {
                // A name that is there is there; only values can be changed.
                Some(_) if need.exists && !need.has_value => {}
                Some(entries) => {
                    puts.entry(need.inventory).or_default().entry(&need.secret).or_default().extend(entries);
                }
                None if need.exists => {}
                None => self.missing.push(need),
            }
        }
        self.keep(&existing, &given, &mut open);
        for need in &self.missing {
            let name = printable(&need.name());
            match given.variable(need) {
                Some(variable) => writeln!(world.stderr.out, "not given: `{name}` (`{}`)", printable(&variable))?,
                None if need.key.is_none() && self.args.from_file.is_none() => {
                    writeln!(world.stderr.out, "not given: `{name}`, a whole secret; --from-file can give one")?;
                }
                None => writeln!(world.stderr.out, "not given: `{name}`")?,
            }
        }
        if !self.missing.is_empty() && !self.args.partial {
            let missing = match self.missing.len() {
                1 => "1 key is missing".to_owned(),
                number => format!("{number} keys are missing"),
            };
            world.summary = Some(format!("{missing}; nothing was stored (--partial stores the rest)"));
            return Ok(Outcome::Usage);
        }
        let has_values =
            |secrets: &BTreeMap<&str, Vec<Entry>>| secrets.values().flatten().any(|entry| entry.value.is_some());
        if let Err(failures) = self.refuse_targets(puts.iter().map(|(&at, secrets)| (at, has_values(secrets)))) {
            self.missing = needs.iter().filter(|need| !need.exists).collect();
            return Err(failures.into());
        }
        for (&at, secrets) in &puts {
            let name = printable(self.inventories.get(at).map_or("?", Inventory::name));
            let names_only = |entries: &Vec<Entry>| entries.iter().any(|entry| entry.value.is_none());
            let kept: Vec<&str> =
                secrets.iter().filter(|(_, entries)| names_only(entries)).map(|(&secret, _)| secret).collect();
            if kept.is_empty() {
                continue;
            }
            if !has_values(secrets) {
                world.note(format_args!("`{name}` keeps names only, so values are not stored"))?;
                continue;
            }
            for secret in kept {
                let secret = printable(secret);
                world.note(format_args!("`{name}` keeps of `{secret}` names only, so its values are not stored"))?;
            }
        }
        if self.args.dry_run {
            self.show(&puts, world)?;
            return Ok(Outcome::Clean);
        }
        for (at, secrets) in &puts {
            let changes: Vec<Change<'_>> = secrets.iter().map(|(secret, entries)| Change { secret, entries }).collect();
            // A file is written once, with all or with nothing of it; elsewhere each secret is told when it is there.
            let is_file = self.inventories.get(*at).is_some_and(|target| target.file().is_some());
            for changes in changes.chunks(if is_file { changes.len().max(1) } else { 1 }) {
                if let Err(stop) = self.store(*at, changes, world) {
                    self.missing = self.still_missing(needs);
                    return Err(stop);
                }
            }
        }
        if puts.is_empty() && self.missing.is_empty() {
            let kept = self.kept_words();
            world.summary = world.summary.take().map(|summary| summary + &kept);
            return Ok(Outcome::Clean);
        }
        self.summarize(world);
        Ok(Outcome::Clean)
    }

    /// What would be stored.
    fn show(&self, puts: &BTreeMap<usize, BTreeMap<&str, Vec<Entry>>>, world: &mut World<'_>) -> io::Result<()> {
        let mut total = 0;
        for (&at, secrets) in puts {
            let name = printable(self.inventories.get(at).map_or("?", Inventory::name));
            for (secret, entries) in secrets {
                total += entries.len();
                let key = |entry: &Entry| {
                    let instead = if entry.replaces { " (in place of what is there)" } else { "" };
                    format!("{}{instead}", printable(&entry.key))
                };
                let keys = entries.iter().map(key).collect::<Vec<_>>().join(", ");
                writeln!(world.stderr.out, "would store in `{name}`: `{}` with {keys}", printable(secret))?;
            }
        }
        world.summary = Some(format!("{} to store; nothing was stored{}", count(total, "key"), self.kept_words()));
        Ok(())
    }

    /// Notes the existing keys for which a value is given.
    fn keep(&mut self, existing: &[&Need<'_>], given: &Given, open: &mut OpenSecret) {
        for need in existing.iter().filter(|need| need.has_value) {
            let Ok(Some(entries)) = given.entries(need, open) else { continue };
            let inventory = self.inventories.get(need.inventory).map_or("?", Inventory::name);
            let keys = entries.into_iter().map(|entry| entry.key);
            match self.kept.last_mut().filter(|kept| kept.inventory == inventory && kept.secret == need.secret) {
                Some(kept) => kept.keys.extend(keys),
                None => self.kept.push(Stored {
                    inventory: inventory.to_owned(),
                    secret: need.secret.clone(),
                    keys: keys.collect(),
                }),
            }
        }
    }

    /// Returns the end of a summary: how many existing values were kept although others were given.
    fn kept_words(&self) -> String {
        match self.kept.iter().map(|kept| kept.keys.len()).sum() {
            0 => String::new(),
            1 => "; kept 1 existing value".to_owned(),
            number => format!("; kept {number} existing values"),
        }
    }

    /// Asks for everything, and stores each secret when all that is wanted of it is there.
    fn ask(&mut self, needs: &'r [Need<'r>], talk: &mut Talk, world: &mut World<'_>) -> Result<Outcome, Stop> {
        let missing = || needs.iter().filter(|need| !need.exists);
        if let Err(failures) = self.refuse_targets(missing().map(|need| (need.inventory, need.has_value))) {
            self.missing = missing().collect();
            return Err(failures.into());
        }
        let Plan { missing, names, existing } = self.plan(needs, world)?;
        if !self.add_names(&names, talk, world)? {
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
        let of = |need: &'r Need<'r>| (need.exists, &need.stack, need.inventory, &need.secret);
        let same = |a: &&'r Need<'r>, b: &&'r Need<'r>| of(a) == of(b);
        for secret in wanted.chunk_by(same) {
            let Some(first) = secret.first() else { continue };
            let mut entries = Vec::new();
            for need in secret {
                asked += 1;
                let (used, stack) = (printable(&need.places()), printable(&need.stack));
                writeln!(world.stderr.out, "{asked} of {}, stack `{stack}`, used by {used}", wanted.len())?;
                if let Some(near) = &need.nearest {
                    let near = printable(near);
                    writeln!(world.stderr.out, "did you mean `{near}`? If so, press Ctrl-C and fix the stack file")?;
                }
                goes_on = talk.entries(need, &mut entries, world)?;
                if !goes_on {
                    break;
                }
                answered += 1;
            }
            // Nobody knows which keys of a whole secret are left, so the next run has to ask for all of them.
            let is_part = !goes_on && first.key.is_none();
            if !entries.is_empty() && !is_part {
                self.store(first.inventory, &[Change { secret: &first.secret, entries: &entries }], world)?;
            }
            if !goes_on {
                self.interrupted(&wanted, answered, world);
                return Ok(Outcome::Interrupted);
            }
        }
        self.summarize(world);
        if !wanted.is_empty() && talk.keyboard.has_more() {
            writeln!(
                world.stderr.out,
                "warning: more lines were typed than were asked for, and are dropped; a value of several lines goes into a \
                 file, and the answer is @path"
            )?;
        }
        Ok(if self.missing.is_empty() { Outcome::Clean } else { Outcome::Findings })
    }

    /// Makes what was answered before an interruption the run's summary.
    fn interrupted(&mut self, wanted: &[&'r Need<'r>], answered: usize, world: &mut World<'_>) {
        self.missing.extend(wanted.iter().skip(answered).filter(|need| !need.exists));
        let keys: usize = self.stored.iter().map(|stored| stored.keys.len()).sum();
        let kept = match keys {
            0 => "nothing was stored".to_owned(),
            number => format!("{} answered and stored", count(number, "key")),
        };
        let left = self.missing.len();
        let rest = if left > 0 { "; run this again for the rest" } else { "" };
        world.summary = Some(format!("interrupted: {kept}, {} left{rest}", count(left, "key")));
    }

    /// Adds names to the inventories that store nothing else, to each if the user agrees. Returns false if the user interrupted.
    fn add_names(&mut self, names: &[&'r Need<'r>], talk: &mut Talk, world: &mut World<'_>) -> Result<bool, Stop> {
        let mut by_inventory: BTreeMap<usize, Vec<&'r Need<'r>>> = BTreeMap::new();
        for need in names {
            by_inventory.entry(need.inventory).or_default().push(need);
        }
        for (at, names) in by_inventory {
            if !self.args.yes {
                let look = look(&world.stderr, self.color, world.env.as_ref());
                lists::write_needs(&names, self.inventories, look, world.stderr.out)?;
                match talk.confirm(&self.names_question(at, names.len(), &world.cwd), world)? {
                    None => return Ok(false),
                    Some(true) => {}
                    Some(false) => {
                        self.missing.extend(names);
                        continue;
                    }
                }
            }
            self.store_names(&names, world)?;
        }
        Ok(true)
    }

    /// Returns the question whether to add names to an inventory, with the file that would change.
    fn names_question(&self, at: usize, number: usize, cwd: &Path) -> String {
        let target = self.inventories.get(at);
        let name = target.map_or("?", Inventory::name);
        let file = target.and_then(Inventory::file).filter(|file| paths::absolute(Path::new(name), cwd) != **file);
        let file = file.map_or_else(String::new, |file| format!(" ({})", printable(&paths::shown(file, cwd))));
        // A new secret would take values if others have them.
        let has_values = target.is_some_and(|target| target.takes_values("").unwrap_or(false));
        let stores = if has_values { "stores only the names of these keys" } else { "stores names only" };
        let what = if number == 1 { "this name".to_owned() } else { format!("these {number} names") };
        format!("`{}`{file} {stores}. Add {what} to it? [y/N] ", printable(name))
    }

    fn store_names(&mut self, needs: &[&Need<'_>], world: &mut World<'_>) -> Result<(), Stop> {
        let mut puts: BTreeMap<usize, BTreeMap<&str, Vec<Entry>>> = BTreeMap::new();
        for need in needs {
            let entries = puts.entry(need.inventory).or_default().entry(&need.secret).or_default();
            entries.extend(need.key.iter().map(|key| Entry { key: key.clone(), value: None, replaces: false }));
        }
        for (at, secrets) in &puts {
            let changes: Vec<Change<'_>> = secrets.iter().map(|(secret, entries)| Change { secret, entries }).collect();
            self.store(*at, &changes, world)?;
        }
        Ok(())
    }

    fn store(&mut self, at: usize, changes: &[Change<'_>], world: &mut World<'_>) -> Result<(), Stop> {
        let Some(target) = self.inventories.get(at) else { return Ok(()) };
        let name = target.name();
        let kept = store(target, changes)?;
        for (secret, key) in &kept {
            let (secret, key) = (printable(secret), printable(key));
            world.note(format_args!(
                "`{secret}.{key}` was added to `{name}` in the meantime; keeping the existing value"
            ))?;
        }
        let kept: HashSet<(&str, &str)> = kept.iter().map(|(secret, key)| (secret.as_str(), key.as_str())).collect();
        for Change { secret, entries } in changes {
            let stays = |key: &str| kept.contains(&(*secret, key));
            let keys: Vec<String> = entries.iter().map(|entry| entry.key.clone()).filter(|key| !stays(key)).collect();
            if keys.is_empty() && !entries.is_empty() {
                continue;
            }
            let replaced = entries.iter().filter(|entry| entry.replaces && !stays(&entry.key));
            let replaced: Vec<String> = replaced.map(|entry| format!("`{}`", printable(&entry.key))).collect();
            let instead = if replaced.is_empty() {
                String::new()
            } else {
                format!(", {} in place of what was there", replaced.join(", "))
            };
            self.stored.push(Stored { inventory: name.to_owned(), secret: (*secret).to_owned(), keys });
            writeln!(world.stderr.out, "stored `{}` in `{}`{instead}", printable(secret), printable(name))?;
        }
        Ok(())
    }

    /// Makes what was stored and what is still missing the run's summary.
    fn summarize(&self, world: &mut World<'_>) {
        let keys: usize = self.stored.iter().map(|stored| stored.keys.len()).sum();
        let secrets: BTreeSet<(&str, &str)> =
            self.stored.iter().map(|stored| (stored.inventory.as_str(), stored.secret.as_str())).collect();
        let left = match self.missing.len() {
            0 => "nothing is missing".to_owned(),
            1 => "1 key is still missing".to_owned(),
            left => format!("{left} keys are still missing"),
        };
        let (keys, secrets) = (count(keys, "key"), count(secrets.len(), "secret"));
        world.summary = Some(format!("registered {keys} of {secrets}; {left}{}", self.kept_words()));
    }
}

/// A file of values, or standard input, whose syntax is that in which it reads as a mapping.
fn read_given(path: &Path, world: &mut World<'_>) -> Result<FileInventory, Failure> {
    if path.as_os_str() != "-" {
        let file = FileInventory::given(path, &world.cwd);
        return file.open().map(|()| file);
    }
    if world.keyboard.is_some() {
        return Err(Failure::usage("standard input is a terminal, which would show what is typed")
            .with_help("redirect a file to it, or leave out --from-file to be asked"));
    }
    let mut bytes = Vec::new();
    let read = world.stdin.read_to_end(&mut bytes);
    read.map_err(|error| Failure::usage(format!("cannot read standard input: {}", plain_io(&error))))?;
    let text = Zeroizing::new(String::from_utf8(bytes).map_err(|_| Failure::usage("standard input is not UTF-8"))?);
    let read = |syntax| FileInventory::of_text("standard input", text.to_string(), syntax);
    let json = text.trim_start().starts_with('{').then(|| read(Syntax::Json).ok()).flatten();
    if let Some(json) = json {
        return Ok(json);
    }
    let yaml = read(Syntax::Yaml);
    match &yaml {
        Ok(file) if file.complaints().is_empty() => yaml,
        _ => read(Syntax::Toml).or(yaml),
    }
}
