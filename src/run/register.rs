//! `register`: the conversation about what is missing, or the values that are handed in without one.

use super::session::{Session, select_stack};
use super::talk::Talk;
use super::{Stop, World, tell, tell_unread};
use crate::check::{self, Settings};
use crate::cli::{Color, Files, Register};
use crate::config::Level;
use crate::discover;
use crate::document::Syntax;
use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use crate::git;
use crate::inventory::file::FileInventory;
use crate::inventory::{Entry, FALLBACK_NAMES, Inventories, Inventory as _};
use crate::outcome::Outcome;
use crate::register::{Given, Need, needs, store};
use crate::report::lists::{self, Stored};
use crate::report::{ListFormat, count};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a new inventory begins with.
const NEW_INVENTORY: &str = "# The secrets of this project, for stackref. Values: never commit this file.\n";

pub(super) fn register(args: &Register, color: Color, world: &mut World<'_>) -> Result<Outcome, Stop> {
    let files = Files::of_paths(&args.path, &args.setup);
    let mut session = Session::open(&files, world)?;
    let mut inventories = session.inventories(&args.inventory);
    inventories.open_chosen()?;
    let mut scan = session.scan(world)?;
    select_stack(&mut scan, args.stack.as_deref())?;
    session.notes(&scan, world)?;
    let unread = tell_unread(&scan, color, world)?;
    let from_elsewhere = args.from_file.is_some() || args.from_env.is_some();
    let mut talk = match world.keyboard {
        Some(open) if !from_elsewhere && !args.dry_run && scan.references().next().is_some() => {
            let keyboard = open()
                .map_err(|error| Failure::usage(format!("cannot read from the terminal: {}", plain_io(&error))))?;
            Some(Talk { keyboard, cwd: session.bases.cwd.clone() })
        }
        _ => None,
    };
    if inventories.is_empty() && scan.references().next().is_some() {
        if !create(&session, talk.as_mut(), args, world)? {
            return Ok(Outcome::Interrupted);
        }
        inventories = session.inventories(&args.inventory);
    }
    let settings = Settings {
        config: &session.config,
        level: Level::SecretAndKeyExists,
        inventories: &inventories,
        whole_tree: false,
    };
    let report = check::run(&scan, &settings);
    let failures = report.failures.get(scan.passed.failures.len()..).unwrap_or_default();
    if !failures.is_empty() {
        return Err(failures.to_vec().into());
    }
    let needs = needs(&scan, &report, &settings)?;
    let mut run = Run { args, inventories: &inventories, stored: Vec::new(), missing: Vec::new() };
    let (existing, missing): (Vec<&Need<'_>>, Vec<&Need<'_>>) = needs.iter().partition(|need| need.exists);
    let changeable = |need: &&Need<'_>| {
        let target = inventories.get(need.inventory);
        need.has_value && target.is_some_and(|target| target.capabilities().write && target.check_writable().is_ok())
    };
    let asks_existing = !args.skip_existing && !args.dry_run && (talk.is_some() || from_elsewhere);
    let existing: Vec<&Need<'_>> = existing.into_iter().filter(|need| asks_existing && changeable(need)).collect();
    if missing.is_empty() {
        let (references, files) = (count(scan.references().count(), "reference"), count(scan.files.len(), "file"));
        writeln!(world.stderr.out, "nothing is missing: {references} in {files}")?;
    }
    let mut wanted: Vec<&Need<'_>> = needs.iter().filter(|need| !need.exists).chain(existing).collect();
    wanted.sort_by_key(|need| (&need.stack, &need.secret, &need.key));
    run.refuse_targets(&wanted)?;
    let outcome = if wanted.is_empty() {
        Outcome::Clean
    } else if from_elsewhere {
        run.take(&wanted, &needs, world)?
    } else if args.dry_run {
        run.missing = missing;
        writeln!(world.stderr.out, "{} to ask for; nothing was stored", count(run.missing.len(), "key"))?;
        Outcome::Clean
    } else if let Some(talk) = &mut talk {
        run.ask(&wanted, talk, world)?
    } else {
        run.without_terminal(missing, color, world)?
    };
    drop(talk);
    match args.format {
        ListFormat::Json => {
            lists::write_register_json(&run.missing, &run.stored, &inventories, world.stdout.out)?;
        }
        _ => lists::write_needs(&run.missing, &inventories, world.stdout.out)?,
    }
    Ok(outcome.max(unread))
}

/// Makes the inventory that needs no config, if that is wanted; false where nobody wants to go on.
fn create(
    session: &Session<'_>,
    talk: Option<&mut Talk>,
    args: &Register,
    world: &mut World<'_>,
) -> Result<bool, Stop> {
    let [name, ..] = FALLBACK_NAMES;
    let path = session.project.join(name);
    let shown = printable(&discover::relative(&path, &session.bases.cwd));
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
    let cannot = |path: &Path, error: &io::Error| {
        let shown = discover::relative(path, &session.bases.cwd);
        Failure::usage(format!("cannot write `{shown}`: {}", plain_io(error)))
    };
    if git::ignores(&path) != Some(true) {
        let list = session.project.join(".gitignore");
        ignore(&list, name).map_err(|error| cannot(&list, &error))?;
    }
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    made.and_then(|mut file| file.write_all(NEW_INVENTORY.as_bytes())).map_err(|error| cannot(&path, &error))?;
    writeln!(world.stderr.out, "created `{shown}`")?;
    Ok(true)
}

/// Adds a name beside it to an ignore file of git.
fn ignore(list: &Path, name: &str) -> io::Result<()> {
    let before = match std::fs::read(list) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other?,
    };
    let line_break = if before.ends_with(b"\r\n") { "\r\n" } else { "\n" };
    let opening = if before.is_empty() || before.ends_with(b"\n") { "" } else { line_break };
    let mut file = OpenOptions::new().append(true).create(true).open(list)?;
    file.write_all(format!("{opening}/{name}{line_break}").as_bytes())
}

/// One run: what it stores, and what is still missing in the end.
struct Run<'r> {
    args: &'r Register,
    inventories: &'r Inventories,
    stored: Vec<Stored>,
    missing: Vec<&'r Need<'r>>,
}

impl<'r> Run<'r> {
    /// Says what cannot be written to before anybody has typed anything.
    fn refuse_targets(&self, wanted: &[&Need<'_>]) -> Result<(), Vec<Failure>> {
        let mut failures = Vec::new();
        let targets: BTreeSet<usize> = wanted.iter().map(|need| need.inventory).collect();
        for at in targets {
            let Some(target) = self.inventories.get(at) else { continue };
            let name = target.name();
            if !target.capabilities().write {
                let failure = Failure::usage(format!("the inventory `{name}` is read-only"));
                failures.push(failure.with_help("add the secrets where it has them from, or name another inventory"));
                continue;
            }
            if let Err(failure) = target.check_writable() {
                failures.push(failure);
                continue;
            }
            let has_values = wanted.iter().any(|need| need.inventory == at && need.has_value);
            let file = target.file().filter(|_| has_values && !self.args.allow_tracked);
            if file.is_some_and(|file| !git::tracked(file).is_empty()) {
                let words = format!("git tracks the inventory `{name}`, which holds values");
                failures.push(Failure::usage(words).with_help(
                    "take it out with `git rm --cached` and add it to .gitignore, keep names only (`name: [key, key]`), or \
                     say that it is meant with --allow-tracked",
                ));
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    /// Nobody to ask, and nothing handed in.
    fn without_terminal(
        &mut self,
        missing: Vec<&'r Need<'r>>,
        color: Color,
        world: &mut World<'_>,
    ) -> Result<Outcome, Stop> {
        let names_only = missing.iter().all(|need| !need.has_value);
        if names_only && self.args.yes {
            self.store_names(&missing, world)?;
            return Ok(Outcome::Clean);
        }
        let number = count(missing.len(), "key");
        self.missing = missing;
        let are = if self.missing.len() == 1 { "is" } else { "are" };
        let help = if names_only {
            "say --yes to add their names, or run this at a terminal"
        } else {
            "run this at a terminal, or hand the values in with --from-file FILE or --from-env PREFIX"
        };
        let failure = Failure::usage(format!("{number} {are} missing, and there is no terminal to ask at"));
        world.stdout.out.flush()?;
        tell(&[failure.with_help(help)], color, world)?;
        Ok(Outcome::Usage)
    }

    /// Takes what was handed in.
    fn take(&mut self, wanted: &[&'r Need<'r>], all: &[Need<'_>], world: &mut World<'_>) -> Result<Outcome, Stop> {
        let given = match (&self.args.from_file, &self.args.from_env) {
            (Some(path), _) => Given::File(Box::new(read_given(path, world)?)),
            (None, prefix) => {
                Given::Environment { prefix: prefix.clone().unwrap_or_default(), env: Arc::clone(&world.env) }
            }
        };
        let failures = given.failures(wanted);
        if !failures.is_empty() {
            return Err(failures.into());
        }
        let unneeded = given.unneeded(all);
        if unneeded > 0 {
            let keys = count(unneeded, "key");
            writeln!(world.stderr.out, "note: {keys} given that no reference of these stacks names: not stored")?;
        }
        let mut puts: BTreeMap<(usize, &str), Vec<Entry>> = BTreeMap::new();
        for need in wanted {
            match given.entries(need)? {
                Some(entries) => puts.entry((need.inventory, &need.secret)).or_default().extend(entries),
                None if need.exists => {}
                None => self.missing.push(need),
            }
        }
        for need in &self.missing {
            let name = printable(&need.name());
            match given.variable(need) {
                Some(variable) => writeln!(world.stderr.out, "not given: `{name}` (`{}`)", printable(&variable))?,
                None => writeln!(world.stderr.out, "not given: `{name}`")?,
            }
        }
        if !self.missing.is_empty() && !self.args.partial {
            let lacking = count(self.missing.len(), "key");
            writeln!(world.stderr.out, "{lacking} lacking: nothing was stored (--partial stores the rest)")?;
            return Ok(Outcome::Usage);
        }
        let total: usize = puts.values().map(Vec::len).sum();
        for ((at, secret), entries) in puts {
            if self.args.dry_run {
                let name = self.inventories.get(at).map_or("?", |target| target.name());
                let keys: Vec<String> = entries.iter().map(|entry| printable(&entry.key)).collect();
                let (secret, name) = (printable(secret), printable(name));
                writeln!(world.stderr.out, "would store in `{name}`: `{secret}` with {}", keys.join(", "))?;
            } else {
                self.store(at, secret, &entries, world)?;
            }
        }
        if self.args.dry_run {
            writeln!(world.stderr.out, "{} to store; nothing was stored", count(total, "key"))?;
        } else {
            self.summary(world)?;
        }
        Ok(Outcome::Clean)
    }

    /// Asks for everything, and stores each secret when all that is wanted of it is there.
    fn ask(&mut self, wanted: &[&'r Need<'r>], talk: &mut Talk, world: &mut World<'_>) -> Result<Outcome, Stop> {
        let (valued, names): (Vec<&'r Need<'r>>, Vec<&'r Need<'r>>) = wanted.iter().partition(|need| need.has_value);
        if !names.is_empty() && !self.args.yes {
            writeln!(world.stderr.out, "These names have no values to be asked for:")?;
            lists::write_needs(&names, self.inventories, world.stderr.out)?;
            match talk.confirm(&format!("Add {}? [y/N] ", count(names.len(), "name")), world)? {
                None => return Ok(Outcome::Interrupted),
                Some(true) => self.store_names(&names, world)?,
                Some(false) => self.missing.extend(&names),
            }
        } else {
            self.store_names(&names, world)?;
        }
        let mut asked = 0;
        let same =
            |a: &&Need<'_>, b: &&Need<'_>| (&a.stack, a.inventory, &a.secret) == (&b.stack, b.inventory, &b.secret);
        for secret in valued.chunk_by(same) {
            let Some(first) = secret.first() else { continue };
            let mut entries = Vec::new();
            let mut interrupted = false;
            for need in secret {
                asked += 1;
                let used = printable(&need.places());
                writeln!(
                    world.stderr.out,
                    "{asked} of {}, stack `{}`, used by {used}",
                    valued.len(),
                    printable(&need.stack)
                )?;
                if let Some(near) = &need.nearest {
                    writeln!(world.stderr.out, "did you mean `{}`? Ctrl-C, and mend the stack file", printable(near))?;
                }
                let Some(more) = talk.entries(need, world)? else {
                    interrupted = true;
                    break;
                };
                entries.extend(more);
            }
            if !entries.is_empty() || (!interrupted && !first.exists && first.key.is_none()) {
                self.store(first.inventory, &first.secret, &entries, world)?;
            }
            if interrupted {
                return self.interrupted(&valued, world);
            }
        }
        self.summary(world)?;
        Ok(if self.missing.is_empty() { Outcome::Clean } else { Outcome::Findings })
    }

    fn interrupted(&self, valued: &[&Need<'_>], world: &mut World<'_>) -> Result<Outcome, Stop> {
        let stored: BTreeSet<(&str, &str)> = self
            .stored
            .iter()
            .flat_map(|stored| stored.keys.iter().map(|key| (stored.secret.as_str(), key.as_str())))
            .collect();
        let answered =
            |need: &&&Need<'_>| need.key.as_deref().is_some_and(|key| stored.contains(&(need.secret.as_str(), key)));
        let left = valued.iter().filter(|need| !need.exists && !answered(need)).count();
        let kept = match stored.len() {
            0 => "nothing was answered, and nothing stored".to_owned(),
            number => format!("{} answered and stored", count(number, "key")),
        };
        let rest = if left > 0 { "; run this again with --skip-existing for the rest" } else { "" };
        writeln!(world.stderr.out, "interrupted: {kept}, {} left{rest}", count(left, "key"))?;
        Ok(Outcome::Interrupted)
    }

    fn store_names(&mut self, needs: &[&Need<'_>], world: &mut World<'_>) -> Result<(), Stop> {
        let mut puts: BTreeMap<(usize, &str), Vec<Entry>> = BTreeMap::new();
        for need in needs {
            let entries = puts.entry((need.inventory, &need.secret)).or_default();
            entries.extend(need.key.iter().map(|key| Entry { key: key.clone(), value: None, replaces: false }));
        }
        for ((at, secret), entries) in puts {
            self.store(at, secret, &entries, world)?;
        }
        Ok(())
    }

    fn store(&mut self, at: usize, secret: &str, entries: &[Entry], world: &mut World<'_>) -> Result<(), Stop> {
        let Some(target) = self.inventories.get(at) else { return Ok(()) };
        let name = target.name();
        let kept = store(target, secret, entries)?;
        for key in &kept {
            let (secret, key) = (printable(secret), printable(key));
            writeln!(world.stderr.out, "note: `{secret}.{key}` has come to `{name}` meanwhile, and stays as it is")?;
        }
        let keys = entries.iter().map(|entry| entry.key.clone()).filter(|key| !kept.contains(key)).collect();
        self.stored.push(Stored { inventory: name.to_owned(), secret: secret.to_owned(), keys });
        writeln!(world.stderr.out, "stored `{}` in `{}`", printable(secret), printable(name))?;
        Ok(())
    }

    fn summary(&self, world: &mut World<'_>) -> io::Result<()> {
        let keys: usize = self.stored.iter().map(|stored| stored.keys.len()).sum();
        let secrets: BTreeSet<(&str, &str)> =
            self.stored.iter().map(|stored| (stored.inventory.as_str(), stored.secret.as_str())).collect();
        let left = match self.missing.len() {
            0 => "nothing is missing".to_owned(),
            1 => "1 key is still missing".to_owned(),
            left => format!("{left} keys are still missing"),
        };
        let (keys, secrets) = (count(keys, "key"), count(secrets.len(), "secret"));
        writeln!(world.stderr.out, "registered {keys} of {secrets}; {left}")
    }
}

/// A file of values, or standard input, whose syntax is that in which it reads as a mapping.
fn read_given(path: &Path, world: &mut World<'_>) -> Result<FileInventory, Failure> {
    if path.as_os_str() != "-" {
        let path = discover::absolute(path, &world.cwd);
        let file = FileInventory::new(discover::relative(&path, &world.cwd), &path, &world.cwd, &world.cwd);
        return file.open().map(|()| file);
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
