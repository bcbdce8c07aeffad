//! The configs of a run. Each file uses the nearest `stackref.toml` in its folder or above it, so
//! that every project of a monorepo can have its own.
//!
//! The search ends at the root of the file's repository. If the working directory or a checked
//! folder is above that root, the search continues to the root of their repository: `stackref check
//! .` treats all files below `.` alike. Outside a repository, it ends at the folder that contains
//! all arguments, or at the working directory if that is above.
//!
//! Reading one config is in [`super::config`].

use crate::diagnostics::error::{Failure, io_message};
use crate::project::config::{self, Config, FILE_NAME};
use crate::project::repository::TrustedOwners;
use crate::system::files;
use crate::system::paths;
use crate::text::escape::escape_control;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// A cache that finds the config of each file and reads each config once.
pub struct Configs {
    source: ConfigSource,
    /// Changes each config after it was read.
    adjust: Box<Adjust>,
    /// The config of each folder. The key is the path as bytes, since hashing a path by its
    /// components is slow.
    by_folder: RwLock<HashMap<OsString, Arc<Config>>>,
    /// The errors of each config that cannot be used. Its files use the defaults, so the run must
    /// not continue.
    failures: Mutex<BTreeMap<PathBuf, Vec<Failure>>>,
}

type Adjust = dyn Fn(&mut Config) + Send + Sync;

enum ConfigSource {
    /// The same config for every file: `--config` or `--no-config`.
    Fixed(Arc<Config>),
    /// The nearest config of each file.
    Nearest(NearestConfig),
}

/// The search for the nearest config of a file.
pub struct NearestConfig {
    owners: Arc<TrustedOwners>,
    cwd: PathBuf,
    /// The deepest folder that contains all arguments.
    start: PathBuf,
    /// The folders at which a search ends, outermost first.
    tops: Vec<PathBuf>,
    /// Whether a config is used even if the config above excludes it: `--no-exclude`.
    no_exclude: bool,
    /// The config of files without a `stackref.toml`.
    default: Arc<Config>,
}

impl NearestConfig {
    /// Creates a search for the files below `folders`, the folders that are checked. `start` is the
    /// deepest folder that contains all arguments.
    pub fn new(owners: Arc<TrustedOwners>, cwd: &Path, start: &Path, folders: &[PathBuf]) -> Self {
        let folders = folders.iter().map(PathBuf::as_path).chain([start, cwd]);
        let mut tops: Vec<PathBuf> = folders
            .map(|folder| owners.root(folder).unwrap_or_else(|| folder.to_path_buf()))
            .collect();
        tops.sort_by_key(|top| top.as_os_str().len());
        let default = Arc::new(Config {
            folder: cwd.to_path_buf(),
            ..Config::default()
        });
        let (cwd, start) = (cwd.to_path_buf(), start.to_path_buf());
        Self {
            owners,
            cwd,
            start,
            tops,
            no_exclude: false,
            default,
        }
    }

    /// Sets whether a config is used even if the config above excludes it: `--no-exclude`.
    #[must_use]
    pub fn with_no_exclude(self, no_exclude: bool) -> Self {
        Self { no_exclude, ..self }
    }

    /// Returns the path of the config for the files in a folder, without reading it. Returns `None`
    /// if there is no config.
    ///
    /// # Errors
    /// Fails if the config is a link that points outside the repository.
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
        let known = self
            .tops
            .iter()
            .find(|top| folder.starts_with(top))
            .cloned();
        known
            .or_else(|| self.owners.root(folder))
            .unwrap_or_else(|| folder.to_path_buf())
    }

    /// Returns whether a search from a folder continues in its parent.
    fn is_below_top(&self, folder: &Path) -> bool {
        // Compared as bytes, which is faster than by components.
        let folder = folder.as_os_str().as_encoded_bytes();
        self.tops.iter().any(|top| {
            let rest = folder.strip_prefix(top.as_os_str().as_encoded_bytes());
            rest.is_some_and(|rest| rest.starts_with(b"/"))
        })
    }

    /// Returns whether a folder is below the working directory only if its links are resolved.
    fn leads_below_cwd(&self, folder: &Path) -> bool {
        !folder.starts_with(&self.cwd)
            && paths::canonicalize_existing(folder)
                .starts_with(paths::canonicalize_existing(&self.cwd))
    }

    /// Returns the config in the folder itself, if its owner is trusted.
    fn file_in(&self, folder: &Path, top: &Path) -> Result<Option<PathBuf>, Failure> {
        let file = folder.join(FILE_NAME);
        if file.symlink_metadata().is_err() || !self.owners.is_trusted_config(&file) {
            return Ok(None);
        }
        let root = self
            .owners
            .root(folder)
            .unwrap_or_else(|| top.to_path_buf());
        match files::resolve_inside(&file, &root) {
            // A dangling link is reported when the config is read.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let shown = escape_control(&paths::relative(&file, &self.cwd));
                let failure = Failure::usage(format!(
                    "cannot read the config `{shown}`: {}",
                    io_message(&error)
                ));
                Err(failure.with_help(
                    "replace the link with a file, or pass the config with `--config FILE`",
                ))
            }
            _ => Ok(Some(file)),
        }
    }
}

impl Configs {
    /// Creates configs with the same config for every file.
    pub fn fixed(config: Config) -> Self {
        Self::new(ConfigSource::Fixed(Arc::new(config)))
    }

    /// Creates configs with the nearest config for each file.
    pub fn nearest(search: NearestConfig) -> Self {
        Self::new(ConfigSource::Nearest(search))
    }

    fn new(source: ConfigSource) -> Self {
        Self {
            source,
            adjust: Box::new(|_| {}),
            by_folder: RwLock::default(),
            failures: Mutex::default(),
        }
    }

    /// Applies a change to each config, for example the flags of the command line.
    #[must_use]
    pub fn with_adjustment(self, adjust: impl Fn(&mut Config) + Send + Sync + 'static) -> Self {
        let mut source = self.source;
        let config = match &mut source {
            ConfigSource::Fixed(config) => config,
            ConfigSource::Nearest(search) => &mut search.default,
        };
        adjust(Arc::make_mut(config));
        Self {
            source,
            adjust: Box::new(adjust),
            ..self
        }
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
        if let Some(cached) = self.cached(folder) {
            return cached;
        }
        if let Some(inherited) = self.inherited_config(folder, search) {
            return self.remember(folder, inherited);
        }
        let top = search.top_of(folder);
        let mut folders_without_config = Vec::new();
        let mut config = None;
        for at in folder.ancestors().take_while(|at| at.starts_with(&top)) {
            config = self.cached(at).or_else(|| self.load_in(at, &top, search));
            if config.is_some() {
                break;
            }
            folders_without_config.push(at);
        }
        let config = config.unwrap_or_else(|| {
            if search.leads_below_cwd(folder) {
                self.for_folder(&search.cwd)
            } else {
                Arc::clone(&search.default)
            }
        });
        for at in folders_without_config {
            self.remember(at, Arc::clone(&config));
        }
        config
    }

    /// Returns the config that applies to the findings in a file.
    ///
    /// A file that is not searched, such as an inventory outside the repository, has the config of
    /// the arguments. This function reads no config because of such a file.
    pub fn for_findings_in(&self, file: &Path) -> Arc<Config> {
        let cached = file
            .ancestors()
            .skip(1)
            .find_map(|folder| self.cached(folder));
        cached.unwrap_or_else(|| match &self.source {
            ConfigSource::Fixed(config) => Arc::clone(config),
            ConfigSource::Nearest(search) => self.for_folder(&search.start),
        })
    }

    /// Returns the config of the parent folder if it is cached and the folder contains no config.
    /// This is the usual case in a walk.
    fn inherited_config(&self, folder: &Path, search: &NearestConfig) -> Option<Arc<Config>> {
        if !search.is_below_top(folder) {
            return None;
        }
        let above = self.cached(folder.parent()?)?;
        folder
            .join(FILE_NAME)
            .symlink_metadata()
            .is_err()
            .then_some(above)
    }

    /// Returns the folder at which the search for the config of a folder ends.
    pub fn top_of(&self, folder: &Path) -> PathBuf {
        match &self.source {
            ConfigSource::Fixed(config) => config.folder.clone(),
            ConfigSource::Nearest(search) => search.top_of(folder),
        }
    }

    fn cached(&self, folder: &Path) -> Option<Arc<Config>> {
        self.by_folder
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(folder.as_os_str())
            .cloned()
    }

    /// Caches the config of a folder and returns it. If another thread was faster, returns the
    /// config that it cached, so that all files of a folder share one config.
    fn remember(&self, folder: &Path, config: Arc<Config>) -> Arc<Config> {
        let mut by_folder = self
            .by_folder
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            by_folder
                .entry(folder.as_os_str().to_owned())
                .or_insert(config),
        )
    }

    /// Reads the config in the folder itself. Returns `None` if there is none or the config above
    /// excludes it. If the config is not valid, keeps its errors and returns the defaults.
    fn load_in(&self, folder: &Path, top: &Path, search: &NearestConfig) -> Option<Arc<Config>> {
        let file = folder.join(FILE_NAME);
        let loaded = match search.file_in(folder, top) {
            Ok(None) => return None,
            Ok(Some(_)) if self.is_excluded(&file, top, search) => return None,
            Ok(Some(file)) => config::load(&file, &paths::relative(&file, &search.cwd)),
            Err(failure) => Err(vec![failure]),
        };
        let mut config = loaded.unwrap_or_else(|errors| {
            self.failures
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(file, errors);
            Config {
                folder: folder.to_path_buf(),
                ..Config::default()
            }
        });
        (self.adjust)(&mut config);
        Some(self.remember(folder, Arc::new(config)))
    }

    /// Returns whether the config above excludes a config, for example that of a test fixture.
    fn is_excluded(&self, file: &Path, top: &Path, search: &NearestConfig) -> bool {
        let Some(above) = file
            .parent()
            .filter(|folder| *folder != top && !search.no_exclude)
            .and_then(Path::parent)
        else {
            return false;
        };
        let config = self.for_folder(above);
        file.starts_with(&config.folder)
            && config.exclude.first_match(config.relative(file)).is_some()
    }

    /// Returns the configs that were found so far, sorted by path. The defaults come first.
    pub fn known_configs(&self) -> Vec<Arc<Config>> {
        if let ConfigSource::Fixed(config) = &self.source {
            return vec![Arc::clone(config)];
        }
        let by_folder = self
            .by_folder
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let by_file: BTreeMap<Option<&Path>, &Arc<Config>> = by_folder
            .values()
            .map(|config| (config.file.as_deref(), config))
            .collect();
        by_file.into_values().cloned().collect()
    }

    /// Returns the configs that cannot be used, sorted by path. Their files use the defaults.
    pub fn invalid_files(&self) -> Vec<PathBuf> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.keys().cloned().collect()
    }

    /// Checks that every config that was found is valid.
    ///
    /// # Errors
    /// Returns all errors of all configs.
    pub fn check(&self) -> Result<(), Vec<Failure>> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.is_empty() {
            Ok(())
        } else {
            Err(failures.values().flatten().cloned().collect())
        }
    }
}

/// Returns whether a path is a folder's path followed by one name. It compares bytes, because
/// parsing paths takes longer, and returns `false` for paths that are written in an unusual way.
fn is_direct_child(path: &Path, folder: &Path) -> bool {
    let rest = path
        .as_os_str()
        .as_encoded_bytes()
        .strip_prefix(folder.as_os_str().as_encoded_bytes());
    let name = rest
        .and_then(|rest| rest.strip_prefix(b"/"))
        .filter(|name| !matches!(*name, b"" | b"." | b".."));
    name.is_some_and(|name| memchr::memchr(b'/', name).is_none())
}

/// A cursor that looks up the configs of files one after the other. Successive files of the same
/// folder cost one comparison.
pub struct Cursor<'c> {
    configs: &'c Configs,
    find: fn(&Configs, &Path) -> Arc<Config>,
    last: Option<(PathBuf, Arc<Config>)>,
}

impl<'c> Cursor<'c> {
    /// Creates a cursor for the configs of files that are searched.
    pub fn for_files(configs: &'c Configs) -> Self {
        Self {
            configs,
            find: Configs::for_file,
            last: None,
        }
    }

    /// Creates a cursor for the configs that apply to findings, by the files of the findings.
    pub fn for_findings(configs: &'c Configs) -> Self {
        Self {
            configs,
            find: Configs::for_findings_in,
            last: None,
        }
    }

    /// Returns the config of a file, or the config of a folder's parent, which decides whether the
    /// folder is entered.
    pub fn get(&mut self, path: &Path) -> &Config {
        let is_last = self
            .last
            .as_ref()
            .is_some_and(|(last, _)| is_direct_child(path, last));
        let known = if is_last { self.last.take() } else { None };
        let known = known.unwrap_or_else(|| {
            let folder = path.parent().unwrap_or(path);
            (folder.to_path_buf(), (self.find)(self.configs, path))
        });
        &self.last.insert(known).1
    }
}
