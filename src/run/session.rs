//! What the file arguments of a command come to: the config, the files, the inventories, and where paths are shown from.

use super::{Stop, World, recovered, tell};
use crate::check::Settings;
use crate::cli::{Color, Files};
use crate::config::{self, Config, Kind, Level};
use crate::discover::{Candidate, Search, Selection, Why};
use crate::document::Syntax;
use crate::error::{Failure, plain_io};
use crate::excerpt::printable;
use crate::files;
use crate::git::{self, Git};
use crate::inventory::env::Environment;
use crate::inventory::file::STANDARD_INPUT;
use crate::inventory::{FALLBACK_NAMES, Inventories, Surroundings};
use crate::nearest::nearest;
use crate::outcome::Outcome;
use crate::paths;
use crate::register::labels;
use crate::report::count;
use crate::repository::Owners;
use crate::rules;
use crate::scan::{self, Bases, Scan};
use crate::trust::{Trust, TrustStore};
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The environment variable that trusts the config for one run.
const TRUST_VARIABLE: &str = "STACKREF_TRUST";

/// What somebody may have called a config.
const NEARLY_CONFIGS: [&str; 4] = [".stackref.toml", "stackref.yaml", "stackref.yml", "stackref.tml"];

/// What the file arguments come to: the config, the selection, and where paths are shown from.
pub(super) struct Session<'a> {
    pub files: &'a Files,
    pub config: Config,
    pub selection: Selection,
    pub bases: Bases,
    /// The folder whose whole content the config, or the repository, speaks for.
    pub project: PathBuf,
    pub stdin: Option<(PathBuf, Syntax)>,
    /// What standard input contained, if it is an inventory.
    inventory_input: Option<Zeroizing<Vec<u8>>>,
    env: Arc<dyn Environment>,
    /// Whether the user trusts the config for this run.
    trusts_config: bool,
    /// The folder that this run writes to.
    pub never_below: Option<PathBuf>,
    /// Whether this command looks at scripts.
    pub scripts: bool,
    /// Git, and whose repositories and configs count.
    pub git: Git,
    /// The roots of the repositories that are searched, without links.
    roots: Vec<PathBuf>,
}

impl<'a> Session<'a> {
    pub fn open(files: &'a Files, world: &mut World<'_>) -> Result<Self, Stop> {
        let cwd = world.cwd.clone();
        let stdin = stdin_name(files, &cwd)?;
        let mut selection = Selection::default();
        if let Some(list) = &files.files_from {
            let listed = read_list(list, files.null, world)?;
            selection.listed = listed.iter().map(|path| paths::absolute(path, &cwd)).collect();
        } else if stdin.is_none() {
            selection = Selection::of_arguments(&files.paths, &cwd, files.only_stack_files);
        }
        let start = start_of(files, stdin.as_ref().map(|(name, _)| name.as_path()), &selection, &cwd);
        let git = Git::new(world.env.as_ref());
        let owners = git.owners();
        let config = read_config(files, &start, &cwd, owners)?;
        let repository = owners.root(&start);
        let beside = config.file.as_ref().map(|_| config.folder.clone());
        // Of a repository in another one, that of the working directory: fingerprints must not hang on the arguments.
        let around = owners.root(&cwd).filter(|root| start.starts_with(root));
        let root = around.or_else(|| repository.clone()).or_else(|| beside.clone()).unwrap_or_else(|| cwd.clone());
        // Told at once: whatever goes wrong after this may come from it.
        for note in owners.notes(&cwd) {
            writeln!(world.stderr.out, "note: {note}")?;
        }
        let mut roots: Vec<PathBuf> =
            selection.folders.iter().filter_map(|folder| owners.root(&paths::real(folder))).collect();
        roots.sort();
        roots.dedup();
        let project = beside.or(repository).unwrap_or(start);
        Ok(Self {
            files,
            config,
            selection,
            bases: Bases { cwd, root, keep_documents: false, heed_literals: true },
            project,
            stdin,
            inventory_input: None,
            env: Arc::clone(&world.env),
            trusts_config: trusts_config(files, world.env.as_ref())?,
            never_below: None,
            scripts: false,
            git,
            roots,
        })
    }

    /// Reads standard input if the flags name it as an inventory. It is read once, whatever the command does with it.
    pub fn read_inventory_input(&mut self, chosen: &[String], world: &mut World<'_>) -> Result<(), Failure> {
        if self.inventory_input.is_some() || !chosen.iter().any(|name| name == STANDARD_INPUT) {
            return Ok(());
        }
        let is_dash = |path: &PathBuf| path.as_os_str() == STANDARD_INPUT;
        let other = if self.stdin.is_some() {
            Some("`-` as a path")
        } else {
            self.files.files_from.as_ref().filter(|path| is_dash(path)).map(|_| "`--files-from -`")
        };
        if let Some(other) = other {
            return Err(Failure::usage(format!(
                "`--inventory -` cannot be used with {other}: both read standard input"
            ))
            .with_help("name a file for one of the two"));
        }
        let read = files::read_stream(world.stdin, files::MAX_INVENTORY);
        let bytes = read.map_err(|error| {
            Failure::usage(format!("cannot read the inventory from standard input: {}", plain_io(&error)))
        })?;
        self.inventory_input = Some(bytes);
        Ok(())
    }

    pub fn inventories(&self, chosen: &[String]) -> Inventories {
        let folders = self.inventory_folders();
        let repository = self.git.owners().root(&self.config.folder);
        let trust = self.trust(repository.as_deref());
        let around = Surroundings {
            cwd: &self.bases.cwd,
            root: &self.bases.root,
            folders: &folders,
            env: &self.env,
            repository: repository.as_deref(),
            trust: &trust,
            standard_input: self.inventory_input.as_ref().map(|bytes| bytes.as_slice()),
        };
        Inventories::new(&self.config, chosen, &around)
    }

    /// Returns whether the config may run programs, connect to hosts and read files outside the repository.
    fn trust(&self, repository: Option<&Path>) -> Trust {
        if self.trusts_config {
            return Trust::given();
        }
        let root = repository.unwrap_or(&self.config.folder);
        Trust::of(&self.config, root, trust_store(self.env.as_ref()).as_ref())
    }

    /// What a command is made with that works at the key level, whatever flag or environment says.
    pub fn key_level<'s>(&'s self, inventories: &'s Inventories) -> Settings<'s> {
        Settings::new(&self.config, Level::SecretAndKeyExists, inventories)
    }

    /// Where the inventory file that needs no config is looked for.
    pub fn inventory_folders(&self) -> Vec<PathBuf> {
        vec![self.project.clone(), self.bases.root.clone(), self.bases.cwd.clone()]
    }

    /// What stack files are looked for with.
    fn search(&self) -> Search<'_> {
        let mut search = self.texts();
        search.never.extend(self.config.file.clone());
        search
    }

    /// What all text files are looked for with: only inventories are left out.
    pub fn texts(&self) -> Search<'_> {
        let (mut never, mut never_below) = (Vec::new(), Vec::from_iter(self.never_below.clone()));
        for inventory in &self.config.inventories {
            match &inventory.kind {
                Kind::File(path) | Kind::Sops(path) => never.push(path.clone()),
                Kind::Dir(path) => never_below.push(path.clone()),
                _ => {}
            }
        }
        never.extend(self.inventory_folders().iter().flat_map(|folder| FALLBACK_NAMES.map(|name| folder.join(name))));
        let scripts = Some(&self.config.scripts).filter(|globs| self.scripts && !globs.is_empty());
        let (no_exclude, roots) = (self.files.setup.no_exclude, self.roots.clone());
        Search { config: &self.config, scripts, no_exclude, never, never_below, roots }
    }

    pub fn scan(&mut self, world: &mut World<'_>) -> Result<Scan, Stop> {
        let Some((name, syntax)) = &self.stdin else {
            let mut selection = std::mem::take(&mut self.selection);
            selection.settle(&self.search());
            self.selection = selection;
            return Ok(scan::run(&self.search(), &self.selection, &self.bases));
        };
        if let Some(glob) = self.search().excluded(name) {
            let mut scan = Scan::default();
            scan.passed.excluded.push((name.clone(), glob));
            return Ok(scan);
        }
        let mut bytes = Vec::new();
        world
            .stdin
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::usage(format!("cannot read standard input: {}", plain_io(&error))))?;
        // Without a name its syntax shows; JSON is YAML, too, and has fewer escapes.
        let is_json = self.files.stdin_filename.is_none() && serde_json::from_slice::<IgnoredAny>(&bytes).is_ok();
        let syntax = if is_json { Syntax::Json } else { *syntax };
        let named = Candidate { path: name.clone(), syntax, why: Some(Why::Named) };
        let candidate =
            if self.files.only_stack_files { self.search().candidates(name, &[]).next() } else { Some(named) };
        let read = |candidate| scan::run_text(&bytes, candidate, self.config.resolver, &self.bases);
        Ok(candidate.map(read).unwrap_or_default())
    }

    pub fn list_files(&mut self, world: &mut World<'_>) -> Result<Outcome, Stop> {
        let scan = self.scan(world)?;
        world.summary = Some(format!("{} would be scanned", count(scan.files.len(), "file")));
        for file in &scan.files {
            writeln!(world.stdout.out, "{}: {}", printable(file.source.path()), printable(&file.why.to_string()))?;
        }
        world.stdout.out.flush()?;
        self.notes(&scan, world)?;
        tell(&scan.passed.failures, Color::Auto, world)?;
        Ok(scan.passed.failures.iter().map(Failure::outcome).fold(Outcome::Clean, Outcome::max))
    }

    /// Whether the walk covers everything that could use an inventory of this project.
    pub fn covers_project(&self) -> bool {
        self.selection.covers(&self.project)
    }

    /// Replaces a list by the whole project if it names a config or an inventory: a change there can break any stack, also
    /// one that is not in the list. A file that is named and does not exist counts, since removing an inventory is such a change.
    /// `chosen` are the inventories of the flags. Returns the file that decided.
    pub fn widen(&mut self, chosen: &[String]) -> Option<PathBuf> {
        let mut files: Vec<PathBuf> = Vec::from_iter(self.config.file.clone());
        let mut folders = Vec::new();
        for inventory in &self.config.inventories {
            match &inventory.kind {
                Kind::File(path) | Kind::Sops(path) => files.push(path.clone()),
                Kind::Dir(path) => folders.push(paths::real(path)),
                _ => {}
            }
        }
        files.extend(chosen.iter().map(|name| paths::absolute(Path::new(name), &self.bases.cwd)));
        files.extend(self.inventory_folders().iter().flat_map(|folder| FALLBACK_NAMES.map(|name| folder.join(name))));
        let files: BTreeSet<PathBuf> = files.iter().map(|file| paths::real(file)).collect();
        let search = self.search();
        let decides = |listed: &&PathBuf| {
            let real = paths::real(listed);
            let is_config = listed.file_name().is_some_and(|name| name == config::FILE_NAME);
            files.contains(&real)
                || folders.iter().any(|folder| real.starts_with(folder))
                || is_config && search.excluded(listed).is_none()
        };
        let decisive = self.selection.listed.iter().find(decides)?.clone();
        self.selection.listed.retain(|listed| !listed.starts_with(&self.project));
        self.selection.folders.push(self.project.clone());
        Some(decisive)
    }

    /// What was passed over, on stderr.
    pub fn notes(&self, scan: &Scan, world: &mut World<'_>) -> io::Result<()> {
        let mut excluded: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (path, glob) in &scan.passed.excluded {
            excluded.entry(glob).or_default().push(paths::relative(path, &self.bases.cwd));
        }
        for (glob, paths) in excluded {
            let first = paths.first().map_or("", String::as_str);
            let more = if paths.len() > 1 { format!(" and {} more", paths.len() - 1) } else { String::new() };
            let (first, glob) = (printable(first), printable(glob));
            writeln!(world.stderr.out, "note: excluded by `{glob}`: `{first}`{more}; --no-exclude overrides")?;
        }
        recovered(world)?;
        let setup = &self.files.setup;
        if self.config.file.is_none() && setup.config.is_none() && !setup.no_config {
            for name in NEARLY_CONFIGS.iter().filter(|name| self.project.join(name).is_file()) {
                writeln!(world.stderr.out, "note: `{name}` is not read: the config is `{}`", config::FILE_NAME)?;
            }
        }
        if scan.passed.skipped > 0 {
            let skipped = count(scan.passed.skipped, "file");
            writeln!(world.stderr.out, "note: skipped {skipped} of the list: no stack files, or not there")?;
        }
        if scan.files.is_empty() && scan.passed.failures.is_empty() && scan.passed.excluded.is_empty() {
            let why = if self.config.include.is_some() {
                "nothing matches `[files] include`"
            } else {
                "nothing has the shape of a stack (`components` with `stack_name` or `zenml_version`) or a name like \
                 `prod.stack.yaml`"
            };
            let leaves_out = !setup.no_exclude && !self.config.exclude.is_empty();
            let rest = if leaves_out { ", besides what `[files] exclude` leaves out" } else { "" };
            writeln!(world.stderr.out, "warning: no stack file found: {why}{rest}")?;
        }
        Ok(())
    }
}

/// Returns whether the user trusts the config for this run.
fn trusts_config(files: &Files, env: &dyn Environment) -> Result<bool, Failure> {
    let variable = env.get(TRUST_VARIABLE).unwrap_or_default();
    match variable.to_str() {
        Some("1") => Ok(true),
        Some("" | "0") => Ok(files.setup.trust),
        _ => Err(Failure::usage(format!("invalid value `{}` in {TRUST_VARIABLE}", variable.to_string_lossy()))
            .with_help("set it to 1 to trust the config for this run, or unset it")),
    }
}

/// Returns where the user's trusted configs are recorded; `None` without a home.
pub(super) fn trust_store(env: &dyn Environment) -> Option<TrustStore> {
    let folder = |name: &str| env.get(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
    state.map(|state| TrustStore::new(&state))
}

/// The name that standard input goes by, if it is read for its content.
fn stdin_name(files: &Files, cwd: &Path) -> Result<Option<(PathBuf, Syntax)>, Failure> {
    let dash = |path: &PathBuf| path.as_os_str() == "-";
    if files.files_from.is_some() || !files.paths.iter().any(dash) {
        if files.stdin_filename.is_some() {
            return Err(Failure::usage("--stdin-filename names standard input, which is not read")
                .with_help("add `-` as the path"));
        }
        return Ok(None);
    }
    if files.paths.len() > 1 {
        return Err(Failure::usage("`-` cannot stand beside other paths"));
    }
    let Some(name) = &files.stdin_filename else {
        return Ok(Some((cwd.join("<stdin>"), Syntax::Yaml)));
    };
    let Some(syntax) = Syntax::of_path(name) else {
        return Err(Failure::usage(format!("`{}` is no stack file by its ending", name.display()))
            .with_help("stack files end in .yaml, .yml, .toml or .json"));
    };
    Ok(Some((paths::absolute(name, cwd), syntax)))
}

fn read_list(list: &Path, null: bool, world: &mut World<'_>) -> Result<Vec<PathBuf>, Failure> {
    let cannot = |why: &str| Failure::usage(format!("cannot read the list `{}`: {why}", list.display()));
    let mut bytes = Vec::new();
    let read = if list.as_os_str() == "-" {
        world.stdin.read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(paths::absolute(list, &world.cwd)).map(|content| bytes = content)
    };
    read.map_err(|error| cannot(&plain_io(&error)))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let has_nul = bytes.contains(&0);
    if has_nul && !null {
        return Err(cannot("it has NUL bytes")
            .with_help("say `-0` where they separate the paths, or save the list as UTF-8 if it is UTF-16"));
    }
    if null && !has_nul && bytes.contains(&b'\n') {
        return Err(cannot("it has lines, and no NUL byte").with_help("leave out `-0`"));
    }
    let lines = bytes.split(|&byte| if null { byte == 0 } else { byte == b'\n' });
    let names = lines.map(|line| if null { line } else { line.strip_suffix(b"\r").unwrap_or(line) });
    let path = |name: &[u8]| {
        let unquoted = git::unquoted(name).filter(|_| !null).map(|name| paths::of_bytes(&name));
        unquoted.unwrap_or_else(|| paths::of_bytes(name))
    };
    Ok(names.filter(|name| !name.is_empty()).map(path).collect())
}

/// Returns the folder from which the config is looked for upward: the one that all arguments share. Standard input has the
/// folder of its name, and a list that a tool made has the working directory.
fn start_of(files: &Files, stdin: Option<&Path>, selection: &Selection, cwd: &Path) -> PathBuf {
    let is_list = files.files_from.is_some() || files.only_stack_files;
    let folder = match stdin {
        Some(name) => name.parent().map(Path::to_path_buf),
        None if is_list => None,
        None => shared_folder(selection),
    };
    folder.unwrap_or_else(|| cwd.to_path_buf())
}

/// The folder that all arguments lie in.
fn shared_folder(selection: &Selection) -> Option<PathBuf> {
    let others = selection.others.iter().map(|(path, _)| path);
    let files = selection.named.iter().chain(others).filter_map(|path| path.parent());
    let folders = selection.folders.iter().map(PathBuf::as_path);
    let mut shared: Option<PathBuf> = None;
    for folder in folders.chain(files) {
        shared = Some(match shared {
            None => folder.to_path_buf(),
            Some(so_far) => so_far.ancestors().find(|above| folder.starts_with(above))?.to_path_buf(),
        });
    }
    shared
}

/// The config that `--config` names, or the nearest upward from what is looked at; where there is none, that of the working directory
/// if it lies above.
fn config_file(files: &Files, start: &Path, cwd: &Path, owners: &Owners) -> Result<Option<PathBuf>, Failure> {
    match &files.setup.config {
        Some(file) => Ok(Some(paths::absolute(file, cwd))),
        None if files.setup.no_config => Ok(None),
        None => find_config(start, cwd, owners),
    }
}

/// Returns the config's path from the repository's root, also if the config cannot be read; nothing if there is none.
pub(super) fn config_identity(files: &Files, cwd: &Path, owners: &Owners) -> Option<String> {
    let stdin = stdin_name(files, cwd).ok().flatten();
    let has_paths = stdin.is_none() && files.files_from.is_none();
    let paths = if has_paths { files.paths.as_slice() } else { &[] };
    let selection = Selection::of_arguments(paths, cwd, files.only_stack_files);
    let start = start_of(files, stdin.as_ref().map(|(name, _)| name.as_path()), &selection, cwd);
    config_file(files, &start, cwd, owners).ok().flatten().map(|file| config::identity(&file))
}

fn read_config(files: &Files, start: &Path, cwd: &Path, owners: &Owners) -> Result<Config, Vec<Failure>> {
    let file = config_file(files, start, cwd, owners).map_err(|failure| vec![failure])?;
    let known: Vec<&str> = rules::names().collect();
    match file {
        Some(file) => config::load(&file, &paths::relative(&file, cwd), &known),
        None => Ok(Config { folder: cwd.to_path_buf(), ..Config::default() }),
    }
}

/// The config that nobody names. It may be a link, but not out of the repository.
fn find_config(start: &Path, cwd: &Path, owners: &Owners) -> Result<Option<PathBuf>, Failure> {
    let find = |start| owners.config(start, config::FILE_NAME);
    let lies_above = || paths::real(start).starts_with(paths::real(cwd));
    let Some((file, root)) = find(start).or_else(|| find(cwd).filter(|_| lies_above())) else { return Ok(None) };
    match files::resolve_inside(&file, &root) {
        // What leads to nothing is reported when it is read.
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let shown = paths::relative(&file, cwd);
            Err(Failure::usage(format!("cannot read the config `{shown}`: {}", plain_io(&error)))
                .with_help("let it be a file of the repository, or name the file that you mean with `--config FILE`"))
        }
        _ => Ok(Some(file)),
    }
}

/// Leaves the files of one stack.
pub(super) fn select_stack(scan: &mut Scan, name: Option<&str>) -> Result<(), Failure> {
    let Some(name) = name else { return Ok(()) };
    let known: BTreeSet<String> = scan.files.iter().flat_map(labels).collect();
    if !known.contains(name) {
        let list = known.iter().take(20).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let near = nearest(name, known.iter().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        return Err(
            Failure::usage(format!("no stack is named `{name}`")).with_help(format!("{near}The stacks: {list}"))
        );
    }
    // A file that does not parse may be the one that is meant.
    scan.files.retain(|file| file.stacks.is_empty() || labels(file).iter().any(|label| label == name));
    Ok(())
}
