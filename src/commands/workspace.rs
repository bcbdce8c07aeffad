//! What the file arguments of a command come to: the config, the files, the inventories, and where paths are shown from.

use super::{CommandError, Context, output_style, print_failures, report_recovered};
use crate::cli::{Color, FileArgs};
use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::excerpt::escape_control;
use crate::diagnostics::outcome::Outcome;
use crate::document::Syntax;
use crate::inventory::file::STANDARD_INPUT;
use crate::inventory::{ConfiguredProject, Inventories, StoreContext};
use crate::lint::missing_keys::stack_names;
use crate::lint::rules;
use crate::lint::scan::{self, PathRoots, Scan};
use crate::lint::settings::{LevelChoice, Settings};
use crate::output::count;
use crate::output::style::HEADING;
use crate::project::config::{self, Config, FALLBACK_NAMES, InventoryConfig, InventoryKind, Level};
use crate::project::configs::{Configs, NearestConfig};
use crate::project::discover::{Candidate, MatchReason, Search, Selection};
use crate::project::git::{self, Git};
use crate::project::repository::TrustedOwners;
use crate::project::trust_store::{TrustDecision, TrustStore};
use crate::system::environment::Environment;
use crate::system::files;
use crate::system::paths;
use crate::text::nearest::nearest;
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The environment variable that trusts the config for one run.
const TRUST_VARIABLE: &str = "STACKREF_TRUST";

/// What somebody may have called a config.
const MISNAMED_CONFIGS: [&str; 4] = [".stackref.toml", "stackref.yaml", "stackref.yml", "stackref.tml"];

/// The level of commands that need keys, whatever a flag or the environment says.
pub(super) const KEY_LEVEL: LevelChoice<'_> = LevelChoice::fixed(Level::SecretAndKeyExists);

/// What the file arguments come to: the config, the selection, and where paths are shown from.
pub(super) struct Workspace<'a> {
    pub files: &'a FileArgs,
    pub configs: Configs,
    /// The config of the folder that all arguments share.
    pub config: Arc<Config>,
    pub selection: Selection,
    pub path_roots: PathRoots,
    /// The folder of the files that have no config: their repository, else what the arguments share.
    default_project: PathBuf,
    pub stdin: Option<(PathBuf, Syntax)>,
    /// What standard input contained, if it is an inventory.
    inventory_input: Option<Zeroizing<Vec<u8>>>,
    env: Arc<dyn Environment>,
    /// Whether the user trusts the config for this run.
    trusts_config: bool,
    /// The folder that this run writes to.
    pub output_folder: Option<PathBuf>,
    /// Whether this command looks at scripts.
    pub scripts: bool,
    /// Git, and whose repositories and configs count.
    pub git: Git,
    /// The roots of the repositories that are searched, without links.
    roots: Vec<PathBuf>,
    /// The notes about files of other users that were printed.
    owner_notes: Vec<String>,
}

impl<'a> Workspace<'a> {
    pub fn open(files: &'a FileArgs, context: &mut Context<'_>) -> Result<Self, CommandError> {
        Self::open_adjusted(files, |_| {}, context)
    }

    /// Opens a session in which flags adjust every config that is read.
    pub fn open_adjusted(
        files: &'a FileArgs,
        adjust: impl Fn(&mut Config) + Send + Sync + 'static,
        context: &mut Context<'_>,
    ) -> Result<Self, CommandError> {
        let cwd = context.cwd.clone();
        let stdin = stdin_name(files, &cwd)?;
        let mut selection = Selection::default();
        if let Some(list) = &files.files_from {
            let listed = read_list(list, files.null, context)?;
            selection.listed_files = listed.iter().map(|path| paths::absolute(path, &cwd)).collect();
        } else if stdin.is_none() {
            selection = Selection::from_arguments(&files.paths, &cwd, files.only_stack_files);
        }
        let start = config_search_start(files, stdin.as_ref().map(|(name, _)| name.as_path()), &selection, &cwd);
        let git = Git::new(context.env.as_ref());
        let owners = git.owners();
        let configs = load_configs(files, &selection, &start, &cwd, owners)?.with_adjustment(adjust);
        let config = configs.for_folder(&start);
        configs.check()?;
        let repository = owners.root(&start);
        let beside = config.file.as_ref().map(|_| config.folder.clone());
        // Of a repository in another one, that of the working directory: fingerprints must not hang on the arguments.
        let around = owners.root(&cwd).filter(|root| start.starts_with(root));
        let root = around.or_else(|| repository.clone()).or(beside).unwrap_or_else(|| cwd.clone());
        // Told at once: whatever goes wrong after this may come from it.
        let owner_notes = owners.notes(&cwd);
        for note in &owner_notes {
            context.note(note)?;
        }
        let roots = repository_roots(&selection.folders, owners);
        let unconfigured = repository.unwrap_or(start);
        Ok(Self {
            files,
            configs,
            config,
            selection,
            path_roots: PathRoots { cwd, root, keep_documents: false, honor_literal_comments: true },
            default_project: unconfigured,
            stdin,
            inventory_input: None,
            env: Arc::clone(&context.env),
            trusts_config: trusts_config(files, context.env.as_ref())?,
            output_folder: None,
            scripts: false,
            git,
            roots,
            owner_notes,
        })
    }

    /// Reads standard input if the flags name it as an inventory. It is read once, whatever the command does with it.
    fn read_inventory_input(&mut self, chosen: &[String], context: &mut Context<'_>) -> Result<(), Failure> {
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
        let read = files::read_stream(context.stdin, files::MAX_INVENTORY);
        let bytes = read.map_err(|error| {
            Failure::usage(format!("cannot read the inventory from standard input: {}", io_message(&error)))
        })?;
        self.inventory_input = Some(bytes);
        Ok(())
    }

    /// Returns the inventories of the files of a scan. What flags name is opened, if a level allows that.
    ///
    /// # Errors
    /// An inventory that a flag names cannot be read.
    pub fn inventories(
        &mut self,
        scan: &Scan,
        chosen: &[String],
        level: LevelChoice<'_>,
        context: &mut Context<'_>,
    ) -> Result<Inventories, Failure> {
        let mut configs = self.known_configs();
        if !chosen.is_empty() {
            let used: Vec<Arc<Config>> = scan.files.iter().map(|file| self.configs.for_file(&file.path)).collect();
            let is_used = |config: &Arc<Config>| used.iter().any(|used| used.file == config.file);
            configs.retain(|config| is_used(config) || used.is_empty());
        }
        let is_asked = configs.iter().any(|config| level.for_config(config) > Level::None);
        if is_asked {
            self.read_inventory_input(chosen, context)?;
        }
        let around = StoreContext {
            cwd: &self.path_roots.cwd,
            root: &self.path_roots.root,
            env: &self.env,
            standard_input: self.inventory_input.as_ref().map(|bytes| bytes.as_slice()),
        };
        let projects: Vec<ConfiguredProject> = configs.into_iter().map(|config| self.project_of(config)).collect();
        let inventories = Inventories::new(&projects, chosen, &around);
        if is_asked {
            inventories.open_chosen()?;
        }
        Ok(inventories)
    }

    /// Returns the settings of a check without flags.
    pub fn settings<'s>(&'s self, level: LevelChoice<'s>, inventories: &'s Inventories) -> Settings<'s> {
        let settings = Settings::new(&self.configs, level, inventories);
        Settings {
            walked_folders: &self.selection.folders,
            project: &self.default_project,
            root: &self.path_roots.root,
            ..settings
        }
    }

    /// Returns the configs that are known by now, that of the arguments first.
    pub fn known_configs(&self) -> Vec<Arc<Config>> {
        let others = self.configs.known_configs().into_iter().filter(|config| config.file != self.config.file);
        std::iter::once(Arc::clone(&self.config)).chain(others).collect()
    }

    fn project_of(&self, config: Arc<Config>) -> ConfiguredProject {
        let repository = self.git.owners().root(&config.folder);
        let trust = self.trust(&config, repository.as_deref());
        ConfiguredProject { folders: self.inventory_folders(&config), repository, trust, config }
    }

    /// Returns whether a config may run programs, connect to hosts and read files outside the repository.
    fn trust(&self, config: &Config, repository: Option<&Path>) -> TrustDecision {
        if self.trusts_config {
            return TrustDecision::granted();
        }
        let root = repository.unwrap_or(&config.folder);
        TrustDecision::from_records(config, root, trust_store(self.env.as_ref()).as_ref())
    }

    /// What a command is made with that works at the key level, whatever flag or environment says.
    pub fn key_level<'s>(&'s self, inventories: &'s Inventories) -> Settings<'s> {
        Settings::new(&self.configs, KEY_LEVEL, inventories)
    }

    /// Where the inventory file that needs no config is looked for.
    fn inventory_folders(&self, config: &Config) -> Vec<PathBuf> {
        vec![self.folder_of(config).to_path_buf(), self.path_roots.root.clone(), self.path_roots.cwd.clone()]
    }

    /// Returns the folder of the config, else of the files that have none.
    pub fn project(&self) -> &Path {
        self.folder_of(&self.config)
    }

    /// Returns the folder that contains the files of a config.
    fn folder_of<'c>(&'c self, config: &'c Config) -> &'c Path {
        if config.file.is_some() { &config.folder } else { &self.default_project }
    }

    /// What files are looked for with.
    pub fn search(&self) -> Search<'_> {
        Search {
            configs: &self.configs,
            scripts: self.scripts,
            no_exclude: self.files.setup.no_exclude,
            inventory_folders: self.inventory_folders(&self.config),
            output_folder: self.output_folder.clone(),
            roots: self.roots.clone(),
        }
    }

    /// Reads the files that the arguments select, each with its own config.
    ///
    /// # Errors
    /// A config cannot be used, or standard input cannot be read.
    pub fn scan(&mut self, context: &mut Context<'_>) -> Result<Scan, CommandError> {
        let scan = self.scan_files(context)?;
        self.configs.check()?;
        Ok(scan)
    }

    fn scan_files(&mut self, context: &mut Context<'_>) -> Result<Scan, CommandError> {
        let Some((name, syntax)) = &self.stdin else {
            let mut selection = std::mem::take(&mut self.selection);
            selection.resolve_scripts(&self.search());
            self.selection = selection;
            return Ok(scan::run(&self.search(), &self.selection, &self.path_roots));
        };
        if let Some(glob) = self.search().matching_exclude(name) {
            let mut scan = Scan::default();
            scan.skipped.excluded.push((name.clone(), glob));
            return Ok(scan);
        }
        let mut bytes = Vec::new();
        context
            .stdin
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::usage(format!("cannot read standard input: {}", io_message(&error))))?;
        // Without a name its syntax shows; JSON is YAML, too, and has fewer escapes.
        let is_json = self.files.stdin_filename.is_none() && serde_json::from_slice::<IgnoredAny>(&bytes).is_ok();
        let syntax = if is_json { Syntax::Json } else { *syntax };
        let named = |why| Candidate { path: name.clone(), syntax, reason: why };
        let candidate = match (&self.files.stdin_filename, self.files.only_stack_files) {
            (_, false) => Some(named(Some(MatchReason::Argument))),
            (None, true) => Some(named(None)),
            (Some(_), true) => self.search().candidates(&self.config, name, &[]).next(),
        };
        let read = |candidate| scan::run_text(&bytes, candidate, self.config.resolver, &self.path_roots);
        let mut scan: Scan = candidate.map(read).unwrap_or_default();
        scan.skipped.count = usize::from(self.files.only_stack_files && scan.files.is_empty());
        Ok(scan)
    }

    pub fn list_files(&mut self, color: Color, context: &mut Context<'_>) -> Result<Outcome, CommandError> {
        let scan = self.scan(context)?;
        context.summary = Some(format!("{} would be scanned", count(scan.files.len(), "file")));
        let style = output_style(&context.stdout, color, context.env.as_ref());
        for file in &scan.files {
            let path = style.paint(HEADING, escape_control(file.source.path()));
            writeln!(context.stdout.out, "{path}: {}", escape_control(&file.reason.to_string()))?;
        }
        context.stdout.out.flush()?;
        self.notes(&scan, context)?;
        print_failures(&scan.skipped.failures, color, context)?;
        Ok(scan.skipped.failures.iter().map(Failure::outcome).fold(Outcome::Clean, Outcome::max))
    }

    /// Returns whether the walk covers everything that could use an inventory of this project.
    pub fn covers_project(&self) -> bool {
        self.selection.covers(self.project())
    }

    /// Replaces a list by the whole project if it names a config or an inventory: a change there can break any stack, also
    /// one that is not in the list. A file that is named and does not exist counts, since removing an inventory is such a change.
    /// `chosen` are the inventories of the flags. Returns the file that decided.
    pub fn widen_to_project(&mut self, chosen: &[String]) -> Option<PathBuf> {
        if self.selection.listed_files.is_empty() {
            return None;
        }
        let chosen: Vec<PathBuf> = chosen
            .iter()
            .map(|name| paths::canonicalize_existing(&paths::absolute(Path::new(name), &self.path_roots.cwd)))
            .collect();
        for listed in &self.selection.listed_files {
            self.configs.for_file(listed);
        }
        let mut configs = self.known_configs();
        configs.extend(self.configs_elsewhere());
        let (mut decisive, mut folders) = (None, Vec::new());
        for listed in &self.selection.listed_files {
            let real = paths::canonicalize_existing(listed);
            for config in &configs {
                if chosen.contains(&real) || self.can_break(config, listed, &real) {
                    folders.push(self.folder_of(config).to_path_buf());
                    decisive.get_or_insert_with(|| listed.clone());
                }
            }
        }
        self.selection.listed_files.retain(|listed| !folders.iter().any(|folder| listed.starts_with(folder)));
        self.selection.folders.append(&mut folders);
        self.selection.folders.sort();
        self.selection.folders.dedup();
        self.roots = repository_roots(&self.selection.folders, self.git.owners());
        decisive
    }

    /// Returns the configs of the repository: that of another folder may name a listed file as its inventory. One that cannot be
    /// used is left to the check of its folder.
    fn configs_elsewhere(&self) -> Vec<Arc<Config>> {
        let setup = &self.files.setup;
        let root = self.git.owners().root(&self.path_roots.cwd).filter(|_| setup.config.is_none() && !setup.no_config);
        let Some(root) = root else { return Vec::new() };
        let all = Configs::nearest(nearest_config(self.files, &root, &[], &self.path_roots.cwd, self.git.owners()));
        Search { configs: &all, ..self.search() }.find_configs(&root);
        let mut configs = all.known_configs();
        configs.retain(|config| config.file.is_some());
        configs
    }

    /// Returns whether a change of a file can break any stack of a config: it is the config or one of its inventories.
    fn can_break(&self, config: &Config, listed: &Path, real: &Path) -> bool {
        let is_same = |path: &Path| paths::canonicalize_existing(path) == real;
        let is_local = |inventory: &InventoryConfig| match &inventory.kind {
            InventoryKind::File(path) | InventoryKind::Sops(path) => is_same(path),
            InventoryKind::Dir(folder) => real.starts_with(paths::canonicalize_existing(folder)),
            _ => false,
        };
        let is_fallback = FALLBACK_NAMES.iter().any(|name| listed.file_name().is_some_and(|file| file == *name))
            && self.inventory_folders(config).iter().any(|folder| {
                listed
                    .parent()
                    .is_some_and(|parent| paths::canonicalize_existing(parent) == paths::canonicalize_existing(folder))
            });
        let is_config = || {
            let is_named = listed.file_name().is_some_and(|name| name == config::FILE_NAME);
            let is_own = self.configs.for_file(listed).file == config.file;
            is_named && is_own && self.search().matching_exclude(listed).is_none()
        };
        config.file.as_deref().is_some_and(is_same)
            || config.inventories.iter().any(is_local)
            || is_fallback
            || is_config()
    }

    /// What was passed over, on stderr.
    pub fn notes(&self, scan: &Scan, context: &mut Context<'_>) -> io::Result<()> {
        let mut excluded: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (path, glob) in &scan.skipped.excluded {
            excluded.entry(glob).or_default().push(paths::relative(path, &self.path_roots.cwd));
        }
        for (glob, paths) in excluded {
            let first = paths.first().map_or("", String::as_str);
            let more = if paths.len() > 1 { format!(" and {} more", paths.len() - 1) } else { String::new() };
            let (first, glob) = (escape_control(first), escape_control(glob));
            context.note(format_args!("excluded by `{glob}`: `{first}`{more}; --no-exclude overrides"))?;
        }
        // Configs of other users that were found on the way.
        for note in self.git.owners().notes(&self.path_roots.cwd).iter().filter(|note| !self.owner_notes.contains(note))
        {
            context.note(note)?;
        }
        for warning in self.known_configs().iter().flat_map(|config| &config.warnings) {
            writeln!(context.stderr.out, "warning: {warning}")?;
        }
        report_recovered(context)?;
        let setup = &self.files.setup;
        if self.config.file.is_none() && setup.config.is_none() && !setup.no_config {
            for name in MISNAMED_CONFIGS.iter().filter(|name| self.project().join(name).is_file()) {
                context.note(format_args!("`{name}` is not read: the config is `{}`", config::FILE_NAME))?;
            }
        }
        if let (Some((name, _)), true) = (&self.stdin, scan.skipped.count > 0) {
            // An editor passes every buffer, so this is not worth a warning.
            let name = escape_control(&paths::relative(name, &self.path_roots.cwd));
            return context.note(format_args!("skipped `{name}`: not a stack file"));
        }
        if scan.skipped.count > 0 {
            let skipped = count(scan.skipped.count, "file");
            context.note(format_args!("skipped {skipped} of the list: no stack files, or not there"))?;
        }
        if scan.files.is_empty() && scan.skipped.failures.is_empty() && scan.skipped.excluded.is_empty() {
            let why = if self.config.include.is_some() {
                "nothing matches `[files] include`"
            } else {
                "nothing has the shape of a stack (`components` with `stack_name` or `zenml_version`) or a name like \
                 `prod.stack.yaml`"
            };
            let leaves_out = !setup.no_exclude && !self.config.exclude.is_empty();
            let rest = if leaves_out { ", besides what `[files] exclude` leaves out" } else { "" };
            writeln!(context.stderr.out, "warning: no stack file found: {why}{rest}")?;
        }
        Ok(())
    }
}

/// Returns the roots of the repositories that some folders lie in, without links.
fn repository_roots(folders: &[PathBuf], owners: &TrustedOwners) -> Vec<PathBuf> {
    let roots: BTreeSet<PathBuf> =
        folders.iter().filter_map(|folder| owners.root(&paths::canonicalize_existing(folder))).collect();
    roots.into_iter().collect()
}

/// Returns whether the user trusts the config for this run.
fn trusts_config(files: &FileArgs, env: &dyn Environment) -> Result<bool, Failure> {
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
fn stdin_name(files: &FileArgs, cwd: &Path) -> Result<Option<(PathBuf, Syntax)>, Failure> {
    let dash = |path: &PathBuf| path.as_os_str() == "-";
    if files.files_from.is_some() || !files.paths.iter().any(dash) {
        if files.stdin_filename.is_some() {
            return Err(Failure::contradiction("--stdin-filename is given, and standard input is not read")
                .with_help("add `-` as the path"));
        }
        return Ok(None);
    }
    if files.paths.len() > 1 {
        return Err(Failure::contradiction("`-` (standard input) cannot be combined with other paths"));
    }
    let Some(name) = &files.stdin_filename else {
        return Ok(Some((cwd.join("<stdin>"), Syntax::Yaml)));
    };
    match Syntax::from_path(name) {
        Some(syntax) => Ok(Some((paths::absolute(name, cwd), syntax))),
        // Skipped, unless a glob of `[files] scripts` matches.
        None if files.only_stack_files => Ok(Some((paths::absolute(name, cwd), Syntax::Script))),
        None => Err(Failure::usage(format!(
            "`{}` is not a stack file: its extension is not .yaml, .yml, .toml or .json",
            name.display()
        ))
        .with_help("with --only-stack-files, other files are skipped")),
    }
}

fn read_list(list: &Path, null: bool, context: &mut Context<'_>) -> Result<Vec<PathBuf>, Failure> {
    let cannot = |why: &str| Failure::usage(format!("cannot read the list `{}`: {why}", list.display()));
    let mut bytes = Vec::new();
    let read = if list.as_os_str() == "-" {
        context.stdin.read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(paths::absolute(list, &context.cwd)).map(|content| bytes = content)
    };
    read.map_err(|error| cannot(&io_message(&error)))?;
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
        let unquoted = git::unquote_path(name).filter(|_| !null).map(|name| paths::from_bytes(&name));
        unquoted.unwrap_or_else(|| paths::from_bytes(name))
    };
    Ok(names.filter(|name| !name.is_empty()).map(path).collect())
}

/// Returns the folder from which the config is looked for upward: the one that all arguments share. Standard input has the
/// folder of its name, and a list that a tool made has the working directory.
fn config_search_start(files: &FileArgs, stdin: Option<&Path>, selection: &Selection, cwd: &Path) -> PathBuf {
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
    let others = selection.unrecognized.iter().map(|(path, _)| path);
    let files = selection.files.iter().chain(others).filter_map(|path| path.parent());
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

/// Returns the configs that files use: the one that `--config` names, none with `--no-config`, else the nearest of each.
fn load_configs(
    files: &FileArgs,
    selection: &Selection,
    start: &Path,
    cwd: &Path,
    owners: &Arc<TrustedOwners>,
) -> Result<Configs, Vec<Failure>> {
    if let Some(given) = &files.setup.config {
        let rules: Vec<&str> = rules::names().collect();
        let config = config::load(&paths::absolute(given, cwd), &given.to_string_lossy(), &rules)?;
        return Ok(Configs::fixed(config.with_display_path(&paths::display_given_path(given, cwd))));
    }
    if files.setup.no_config {
        return Ok(Configs::fixed(Config { folder: cwd.to_path_buf(), ..Config::default() }));
    }
    Ok(Configs::nearest(nearest_config(files, start, &selection.folders, cwd, owners)))
}

fn nearest_config(
    files: &FileArgs,
    start: &Path,
    folders: &[PathBuf],
    cwd: &Path,
    owners: &Arc<TrustedOwners>,
) -> NearestConfig {
    NearestConfig::new(Arc::clone(owners), cwd, start, folders, rules::names().collect())
        .with_no_exclude(files.setup.no_exclude)
}

/// Returns the config's path from the repository's root, also if the config cannot be read; nothing if there is none.
pub(super) fn config_identity(files: &FileArgs, cwd: &Path, owners: &Arc<TrustedOwners>) -> Option<String> {
    if let Some(file) = &files.setup.config {
        return Some(config::repository_path(&paths::absolute(file, cwd)));
    }
    if files.setup.no_config {
        return None;
    }
    let stdin = stdin_name(files, cwd).ok().flatten();
    let has_paths = stdin.is_none() && files.files_from.is_none();
    let paths = if has_paths { files.paths.as_slice() } else { &[] };
    let selection = Selection::from_arguments(paths, cwd, files.only_stack_files);
    let start = config_search_start(files, stdin.as_ref().map(|(name, _)| name.as_path()), &selection, cwd);
    let file = nearest_config(files, &start, &[], cwd, owners).find(&start).ok().flatten();
    file.map(|file| config::repository_path(&file))
}

/// Leaves the files of one stack.
pub(super) fn select_stack(scan: &mut Scan, name: Option<&str>) -> Result<(), Failure> {
    let Some(name) = name else { return Ok(()) };
    let all_names: BTreeSet<String> = scan.files.iter().flat_map(stack_names).collect();
    if !all_names.contains(name) {
        let list = all_names.iter().take(20).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let suggestion = nearest(name, all_names.iter().map(String::as_str));
        let suggestion = suggestion.map_or_else(String::new, |suggestion| format!("did you mean `{suggestion}`? "));
        return Err(
            Failure::usage(format!("no stack is named `{name}`")).with_help(format!("{suggestion}The stacks: {list}"))
        );
    }
    // A file that does not parse may be the one that is meant.
    scan.files.retain(|file| file.stacks.is_empty() || stack_names(file).iter().any(|label| label == name));
    Ok(())
}
