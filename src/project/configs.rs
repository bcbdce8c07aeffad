//! The configs of a run. Each file uses the nearest `stackref.toml` in its folder or above it, so that every project of a
//! monorepo can have its own.
//!
//! The search goes up to the root of the file's repository. If the working directory, or a folder that is checked, lies above
//! that, it goes on to theirs: `stackref check .` treats everything below `.` alike. Outside a repository it ends at the folder
//! that contains all arguments, or at the working directory above that.

use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::excerpt::escape_control;
use crate::project::config::{self, Config, FILE_NAME};
use crate::project::repository::TrustedOwners;
use crate::system::files;
use crate::system::paths;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Finds the config of each file, and reads each config once.
pub struct Configs {
    source: ConfigSource,
    /// Applied to each config that is read.
    adjust: Box<Adjust>,
    /// By the bytes of a folder's path: a path is costly to hash by its components.
    by_folder: RwLock<HashMap<OsString, Arc<Config>>>,
    /// The errors of each config that cannot be used. Its files have the defaults, so the run must not go on.
    failures: Mutex<BTreeMap<PathBuf, Vec<Failure>>>,
}

type Adjust = dyn Fn(&mut Config) + Send + Sync;

enum ConfigSource {
    /// One config for every file, or none: `--config`, `--no-config`.
    Fixed(Arc<Config>),
    Nearest(NearestConfig),
}

/// Where configs are searched for.
pub struct NearestConfig {
    owners: Arc<TrustedOwners>,
    cwd: PathBuf,
    /// The folder that all arguments share.
    start: PathBuf,
    /// The folders that a search does not leave, outermost first.
    tops: Vec<PathBuf>,
    rules: Vec<&'static str>,
    /// Whether a config counts that the config above it excludes: `--no-exclude`.
    no_exclude: bool,
    /// The config of files that have none.
    default: Arc<Config>,
}

impl NearestConfig {
    /// A search for the files below `folders`, those that are checked; `start` is the one that all arguments share. `rules` are
    /// the names of all rules.
    pub fn new(
        owners: Arc<TrustedOwners>,
        cwd: &Path,
        start: &Path,
        folders: &[PathBuf],
        rules: Vec<&'static str>,
        no_exclude: bool,
    ) -> Self {
        let folders = folders.iter().map(PathBuf::as_path).chain([start, cwd]);
        let mut tops: Vec<PathBuf> =
            folders.map(|folder| owners.root(folder).unwrap_or_else(|| folder.to_path_buf())).collect();
        tops.sort_by_key(|top| top.as_os_str().len());
        let default = Arc::new(Config { folder: cwd.to_path_buf(), ..Config::default() });
        let (cwd, start) = (cwd.to_path_buf(), start.to_path_buf());
        Self { owners, cwd, start, tops, rules, no_exclude, default }
    }

    /// Returns the config file of the files in a folder, without reading it.
    ///
    /// # Errors
    /// The file is a link that leads out of the repository.
    pub fn find(&self, folder: &Path) -> Result<Option<PathBuf>, Failure> {
        let top = self.top_of(folder);
        let mut above = folder.ancestors().take_while(|at| at.starts_with(&top));
        match above.find_map(|at| self.file_in(at, &top).transpose()) {
            Some(found) => found.map(Some),
            None if self.leads_below_cwd(folder) => self.find(&self.cwd),
            None => Ok(None),
        }
    }

    /// Returns the folder at which a search from a folder ends.
    fn top_of(&self, folder: &Path) -> PathBuf {
        let known = self.tops.iter().find(|top| folder.starts_with(top)).cloned();
        known.or_else(|| self.owners.root(folder)).unwrap_or_else(|| folder.to_path_buf())
    }

    /// Returns whether a search from a folder goes on to the folder above.
    fn is_below_top(&self, folder: &Path) -> bool {
        let folder = folder.as_os_str().as_encoded_bytes();
        let is_below = |top: &PathBuf| {
            let rest = folder.strip_prefix(top.as_os_str().as_encoded_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"/"))
        };
        self.tops.iter().any(is_below)
    }

    /// Returns whether a path that does not begin with the working directory leads into it all the same, through a link.
    fn leads_below_cwd(&self, folder: &Path) -> bool {
        !folder.starts_with(&self.cwd)
            && paths::canonicalize_existing(folder).starts_with(paths::canonicalize_existing(&self.cwd))
    }

    /// Returns the config file in a folder itself, if it belongs to a user whose files count.
    fn file_in(&self, folder: &Path, top: &Path) -> Result<Option<PathBuf>, Failure> {
        let file = folder.join(FILE_NAME);
        if file.symlink_metadata().is_err() || !self.owners.is_trusted_config(&file) {
            return Ok(None);
        }
        let root = self.owners.root(folder).unwrap_or_else(|| top.to_path_buf());
        match files::resolve_inside(&file, &root) {
            // What leads to nothing is reported when it is read.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let shown = escape_control(&paths::relative(&file, &self.cwd));
                let failure = Failure::usage(format!("cannot read the config `{shown}`: {}", io_message(&error)));
                Err(failure.with_help("replace the link by a file, or name the config with `--config FILE`"))
            }
            _ => Ok(Some(file)),
        }
    }
}

impl Configs {
    /// The same config for every file.
    pub fn fixed(config: Config) -> Self {
        Self::new(ConfigSource::Fixed(Arc::new(config)))
    }

    /// The nearest config for each file.
    pub fn nearest(search: NearestConfig) -> Self {
        Self::new(ConfigSource::Nearest(search))
    }

    fn new(source: ConfigSource) -> Self {
        Self { source, adjust: Box::new(|_| {}), by_folder: RwLock::default(), failures: Mutex::default() }
    }

    /// The same configs, each changed as flags of the command line want it.
    #[must_use]
    pub fn with_adjustment(self, adjust: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        let changed = |config: Arc<Config>| {
            let mut config = Arc::unwrap_or_clone(config);
            adjust(&mut config);
            Arc::new(config)
        };
        let source = match self.source {
            ConfigSource::Fixed(config) => ConfigSource::Fixed(changed(config)),
            ConfigSource::Nearest(search) => {
                ConfigSource::Nearest(NearestConfig { default: changed(search.default), ..search })
            }
        };
        Self { source, adjust: Box::new(adjust), ..self }
    }

    /// Returns the config of a file.
    pub fn for_file(&self, file: &Path) -> Arc<Config> {
        self.for_folder(file.parent().unwrap_or(file))
    }

    /// Returns the config of the files in a folder.
    pub fn for_folder(&self, folder: &Path) -> Arc<Config> {
        let search = match &self.source {
            ConfigSource::Fixed(config) => return Arc::clone(config),
            ConfigSource::Nearest(search) => search,
        };
        if let Some(known) = self.cached(folder) {
            return known;
        }
        if let Some(inherited) = self.inherited_config(folder, search) {
            return self.remember(folder, inherited);
        }
        let top = search.top_of(folder);
        let mut passed = Vec::new();
        let mut config = None;
        for at in folder.ancestors().take_while(|at| at.starts_with(&top)) {
            config = self.cached(at).or_else(|| self.load_in(at, &top, search));
            if config.is_some() {
                break;
            }
            passed.push(at);
        }
        let config = config.unwrap_or_else(|| {
            if search.leads_below_cwd(folder) { self.for_folder(&search.cwd) } else { Arc::clone(&search.default) }
        });
        for at in passed {
            self.remember(at, Arc::clone(&config));
        }
        config
    }

    /// Returns the config that applies to findings about a file. A file that is not searched, such as an inventory outside the
    /// repository, has the config of the arguments: no config is read because of it.
    pub fn for_findings_in(&self, file: &Path) -> Arc<Config> {
        let known = file.ancestors().skip(1).find_map(|folder| self.cached(folder));
        known.unwrap_or_else(|| match &self.source {
            ConfigSource::Fixed(config) => Arc::clone(config),
            ConfigSource::Nearest(search) => self.for_folder(&search.start),
        })
    }

    /// Returns the config of the folder above, if that is known and the folder has none of its own: so it is in a walk.
    fn inherited_config(&self, folder: &Path, search: &NearestConfig) -> Option<Arc<Config>> {
        if !search.is_below_top(folder) {
            return None;
        }
        let above = self.cached(folder.parent()?)?;
        folder.join(FILE_NAME).symlink_metadata().is_err().then_some(above)
    }

    /// Returns the folder above which no config is searched for the files in a folder.
    pub fn top_of(&self, folder: &Path) -> PathBuf {
        match &self.source {
            ConfigSource::Fixed(config) => config.folder.clone(),
            ConfigSource::Nearest(search) => search.top_of(folder),
        }
    }

    fn cached(&self, folder: &Path) -> Option<Arc<Config>> {
        self.by_folder.read().unwrap_or_else(PoisonError::into_inner).get(folder.as_os_str()).cloned()
    }

    /// Records the config of a folder, and returns it. If another thread was faster, that is the one it has recorded: all files
    /// of a folder have one config.
    fn remember(&self, folder: &Path, config: Arc<Config>) -> Arc<Config> {
        let mut by_folder = self.by_folder.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(by_folder.entry(folder.as_os_str().to_owned()).or_insert(config))
    }

    /// Returns the config in a folder itself, unless the config above excludes it. If it cannot be used, that is the defaults,
    /// and the errors are kept.
    fn load_in(&self, folder: &Path, top: &Path, search: &NearestConfig) -> Option<Arc<Config>> {
        let file = folder.join(FILE_NAME);
        let loaded = match search.file_in(folder, top) {
            Ok(None) => return None,
            Ok(Some(_)) if self.is_excluded(&file, top, search) => return None,
            Ok(Some(file)) => config::load(&file, &paths::relative(&file, &search.cwd), &search.rules),
            Err(failure) => Err(vec![failure]),
        };
        let mut config = loaded.unwrap_or_else(|errors| {
            self.failures.lock().unwrap_or_else(PoisonError::into_inner).insert(file, errors);
            Config { folder: folder.to_path_buf(), ..Config::default() }
        });
        (self.adjust)(&mut config);
        Some(self.remember(folder, Arc::new(config)))
    }

    /// Returns whether the config above a config excludes it, as that of a test fixture.
    fn is_excluded(&self, file: &Path, top: &Path, search: &NearestConfig) -> bool {
        let Some(above) = file.parent().filter(|folder| *folder != top && !search.no_exclude).and_then(Path::parent)
        else {
            return false;
        };
        let config = self.for_folder(above);
        file.starts_with(&config.folder) && config.exclude.first_match(config.relative(file)).is_some()
    }

    /// Returns the configs that files were found to have, sorted by path; the defaults come first.
    pub fn known_configs(&self) -> Vec<Arc<Config>> {
        if let ConfigSource::Fixed(config) = &self.source {
            return vec![Arc::clone(config)];
        }
        let by_folder = self.by_folder.read().unwrap_or_else(PoisonError::into_inner);
        let by_file: BTreeMap<Option<&Path>, &Arc<Config>> =
            by_folder.values().map(|config| (config.file.as_deref(), config)).collect();
        by_file.into_values().cloned().collect()
    }

    /// Returns whether every config that was found can be used.
    ///
    /// # Errors
    /// All errors of all configs.
    pub fn check(&self) -> Result<(), Vec<Failure>> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.is_empty() { Ok(()) } else { Err(failures.values().flatten().cloned().collect()) }
    }
}

/// Looks up the configs of files one after the other. Files of one folder follow each other, and cost one comparison.
pub struct Cursor<'c> {
    configs: &'c Configs,
    find: fn(&Configs, &Path) -> Arc<Config>,
    last: Option<(PathBuf, Arc<Config>)>,
}

impl<'c> Cursor<'c> {
    /// Looks up the configs of files that are searched.
    pub fn for_files(configs: &'c Configs) -> Self {
        Self { configs, find: Configs::for_file, last: None }
    }

    /// Looks up the configs that apply to findings, by the files that these are about.
    pub fn for_findings(configs: &'c Configs) -> Self {
        Self { configs, find: Configs::for_findings_in, last: None }
    }

    /// Returns the config of a file, or the one that decides whether a folder is entered: that of the folder above.
    pub fn get(&mut self, path: &Path) -> &Config {
        let folder = path.parent().unwrap_or(path);
        let is_last = self.last.as_ref().is_some_and(|(last, _)| last.as_os_str() == folder.as_os_str());
        let known = if is_last { self.last.take() } else { None };
        let known = known.unwrap_or_else(|| (folder.to_path_buf(), (self.find)(self.configs, path)));
        &self.last.insert(known).1
    }
}
