//! A folder of the editor: its workspace, its scan with the open buffers, and the last report.

use super::answer_cache::{AnswerCache, PendingQuery};
use super::background::ProjectId;
use super::documents::{Document, Documents};
use crate::cli::{ConfigArgs, FileArgs};
use crate::diagnostics::error::Failure;
use crate::document::ScriptHost;
use crate::inventory::{Inventories, Inventory};
use crate::lint::analysis::Analysis;
use crate::lint::baseline::Baseline;
use crate::lint::pipeline;
use crate::lint::report::Report;
use crate::lint::scan::{self, Scan};
use crate::lint::settings::{LevelChoice, Settings};
use crate::project::config::{FALLBACK_NAMES, FILE_NAME};
use crate::system::environment::Environment;
use crate::text::encoding::decode;
use crate::workspace::context::{CommandError, Context, Stream};
use crate::workspace::{UntrustedConfig, Workspace, environment_level};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The extent of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectKind {
    /// A folder of the editor, with all files in it.
    Folder,
    /// A single file outside of all folders.
    SingleFile,
}

/// What must be read again after a file has changed on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileEffect {
    /// Nothing.
    None,
    /// The file.
    File,
    /// The whole project: the file decides which others are read, or what they mean.
    Project,
}

/// A project as it was read from disk.
pub struct LoadedProject {
    /// The configs, the selected files and the folders.
    pub workspace: Workspace,
    /// The files.
    pub scan: Scan,
    /// The inventories.
    pub inventories: Arc<Inventories>,
    /// The level that the environment sets.
    pub level: LevelChoice<'static>,
    /// The configs whose requests the user had not accepted.
    pub untrusted: Vec<UntrustedConfig>,
    /// The findings that the configs accept.
    pub baseline: Option<Baseline>,
}

impl LoadedProject {
    /// Reads a project: the configs, all files, and the list of inventories. No store is queried.
    ///
    /// # Errors
    /// A config cannot be read or has errors.
    pub fn read(
        root: &Path,
        kind: ProjectKind,
        env: &Arc<dyn Environment>,
    ) -> Result<Self, Vec<Failure>> {
        let mut project = Self::open(root, kind, env)?;
        with_context(root, kind, env, |context| {
            project.scan = project.workspace.scan(context)?;
            let (scan, level) = (&project.scan, project.level);
            let inventories = project.workspace.inventories(scan, &[], level, context)?;
            project.inventories = Arc::new(inventories);
            project.untrusted = project.workspace.untrusted();
            project.baseline = project.workspace.configured_baselines()?;
            if let Some(baseline) = &mut project.baseline {
                baseline.find_files(&project.workspace.path_roots.root);
            }
            Ok(())
        })?;
        Ok(project)
    }

    /// Opens a project without reading its files, except the configs.
    ///
    /// # Errors
    /// A config cannot be read or has errors.
    pub fn open(
        root: &Path,
        kind: ProjectKind,
        env: &Arc<dyn Environment>,
    ) -> Result<Self, Vec<Failure>> {
        with_context(root, kind, env, |context| {
            let files = FileArgs {
                // The contents of a single file decide whether stackref reads it.
                only_stack_files: kind == ProjectKind::SingleFile,
                ..FileArgs::from_paths(&[root.to_path_buf()], &ConfigArgs::default())
            };
            let mut workspace = Workspace::open(&files, context)?;
            workspace.scripts = true;
            Ok(Self {
                workspace,
                scan: Scan::default(),
                inventories: Arc::default(),
                level: environment_level(env.as_ref())?,
                untrusted: Vec::new(),
                baseline: None,
            })
        })
    }
}

/// Calls a function with the context of a command that runs in the folder of a project, and prints
/// nothing.
fn with_context<T>(
    root: &Path,
    kind: ProjectKind,
    env: &Arc<dyn Environment>,
    run: impl FnOnce(&mut Context<'_>) -> Result<T, CommandError>,
) -> Result<T, Vec<Failure>> {
    let folder = match kind {
        ProjectKind::Folder => root,
        ProjectKind::SingleFile => root.parent().unwrap_or(root),
    };
    let mut context = Context {
        stdin: &mut io::empty(),
        stdout: Stream {
            out: &mut io::sink(),
            columns: None,
        },
        stderr: Stream {
            out: &mut io::sink(),
            columns: None,
        },
        env: Arc::clone(env),
        cwd: folder.to_path_buf(),
        keyboard: None,
        summary: None,
        quiet: true,
    };
    run(&mut context).map_err(|error| match error {
        CommandError::Failed(failures) => failures,
        CommandError::Io(error) => vec![Failure::usage(error.to_string())],
    })
}

/// A folder of the editor, or a single file.
pub struct EditorProject {
    /// The number that identifies it in events.
    pub id: ProjectId,
    /// The folder, or the file.
    pub root: PathBuf,
    /// Whether it is a folder or a file.
    pub kind: ProjectKind,
    /// Its files, with the open buffers; `None` if its config has errors and never had none.
    pub loaded: Option<LoadedProject>,
    /// The failures of the last attempt to read it.
    pub failures: Vec<Failure>,
    /// The answers of its inventories.
    pub answers: AnswerCache,
    /// The report of the last check.
    pub report: Report,
    /// Whether its files were read completely.
    pub is_complete: bool,
    /// Whether the report is older than the files, the buffers or the answers.
    pub is_stale: bool,
    /// Whether a file is ignored by git, and therefore not checked. Only open files are known.
    ignored: HashMap<PathBuf, bool>,
    env: Arc<dyn Environment>,
}

impl EditorProject {
    /// Opens a project. Its files are read later.
    pub fn open(
        id: ProjectId,
        root: PathBuf,
        kind: ProjectKind,
        env: Arc<dyn Environment>,
    ) -> Self {
        let opened = LoadedProject::open(&root, kind, &env);
        let (loaded, failures) = match opened {
            Ok(loaded) => (Some(loaded), Vec::new()),
            Err(failures) => (None, failures),
        };
        Self {
            id,
            root,
            kind,
            loaded,
            failures,
            answers: AnswerCache::default(),
            report: Report::default(),
            is_complete: false,
            is_stale: true,
            ignored: HashMap::new(),
            env,
        }
    }

    /// Returns the environment variables.
    pub fn env(&self) -> &Arc<dyn Environment> {
        &self.env
    }

    /// Returns whether a file belongs to this project.
    pub fn contains(&self, path: &Path) -> bool {
        path.starts_with(&self.root)
    }

    /// Replaces the files by those that were read from disk, and then by the open buffers. If they
    /// could not be read, the former ones stay. Returns whether the answers of stores stay valid.
    pub fn replace(
        &mut self,
        result: Result<LoadedProject, Vec<Failure>>,
        documents: &Documents,
    ) -> bool {
        let mut keeps_answers = true;
        self.is_stale = true;
        self.is_complete = true;
        self.ignored.clear();
        match result {
            Ok(loaded) => {
                (self.answers, keeps_answers) = self.answers_for(&loaded);
                self.loaded = Some(loaded);
                self.failures.clear();
            }
            Err(failures) => self.failures = failures,
        }
        for document in documents.iter() {
            self.update(document);
        }
        keeps_answers
    }

    /// Returns the cache for a project that was read again, and whether it has the answers of stores:
    /// they stay valid if the configs are the same. Those of files are read again.
    fn answers_for(&self, new: &LoadedProject) -> (AnswerCache, bool) {
        let inventories = Arc::clone(&new.inventories);
        let is_same = self.loaded.as_ref().is_some_and(|old| {
            old.inventories.len() == inventories.len()
                && config_texts(&old.workspace) == config_texts(&new.workspace)
                && old.untrusted == new.untrusted
        });
        let answers = if is_same {
            self.answers.with_inventories(inventories)
        } else {
            AnswerCache::new(inventories)
        };
        (answers, is_same)
    }

    /// Returns a query to new inventories for everything that was asked so far.
    pub fn refresh_query(&mut self) -> Option<PendingQuery> {
        let (root, kind, env) = (self.root.clone(), self.kind, Arc::clone(&self.env));
        let loaded = self.loaded.as_mut()?;
        let inventories = with_context(&root, kind, &env, |context| {
            let LoadedProject {
                workspace,
                scan,
                level,
                ..
            } = loaded;
            Ok(workspace.inventories(scan, &[], *level, context)?)
        });
        Some(self.answers.query_again(Arc::new(inventories.ok()?)))
    }

    /// Returns the configs whose requests the user has not accepted.
    pub fn untrusted(&self) -> &[UntrustedConfig] {
        let loaded = self.loaded.as_ref();
        loaded.map_or(&[], |loaded| &loaded.untrusted)
    }

    /// Returns what must be read again after a file has changed on disk.
    pub fn effect_of(&self, path: &Path) -> FileEffect {
        let Some(loaded) = &self.loaded else {
            return FileEffect::Project;
        };
        if self.decides_for_others(loaded, path) {
            return FileEffect::Project;
        }
        if !self.contains(path) {
            return FileEffect::None;
        }
        let is_above = |file: &Analysis| file.path.starts_with(path) && file.path != path;
        let is_folder = path.is_dir() || loaded.scan.files.iter().any(is_above);
        if is_folder {
            return FileEffect::Project;
        }
        let search = loaded.workspace.search();
        let config = loaded.workspace.configs.for_file(path);
        let mut candidates = search.candidates(&config, path, &loaded.workspace.selection.folders);
        if candidates.next().is_some() || self.analysis(path).is_some() {
            FileEffect::File
        } else {
            FileEffect::None
        }
    }

    /// Returns whether other files depend on a file: it is a config, an inventory, a baseline or an
    /// ignore file, or its code may be imported.
    fn decides_for_others(&self, loaded: &LoadedProject, path: &Path) -> bool {
        const NAMES: [&str; 4] = [FILE_NAME, ".gitignore", ".ignore", "exclude"];
        let name = path.file_name().and_then(|name| name.to_str());
        let is_named =
            name.is_some_and(|name| NAMES.contains(&name) || FALLBACK_NAMES.contains(&name));
        let inventories = || self.answers.inventories().all();
        let is_inventory = || {
            inventories()
                .filter_map(Inventory::file)
                .any(|file| path.starts_with(file))
        };
        let is_imported = || {
            let host = ScriptHost::of(path);
            matches!(
                host,
                Some(ScriptHost::Python | ScriptHost::Terraform | ScriptHost::Notebook)
            ) || inventories().any(Inventory::is_repository)
        };
        let is_baseline = || {
            let configs = loaded.workspace.known_configs();
            configs
                .iter()
                .any(|config| config.baseline.as_deref() == Some(path))
        };
        is_named && (self.contains(path) || self.root.starts_with(path.parent().unwrap_or(path)))
            || is_inventory()
            || is_baseline()
            || self.contains(path) && is_imported()
    }

    /// Returns the files that the settings of the project depend on: configs, inventories and
    /// baselines.
    pub fn settings_files(&self) -> Vec<PathBuf> {
        let mut files = vec![self.root.join(FILE_NAME)];
        let inventories = self.answers.inventories().all();
        files.extend(inventories.filter_map(|it| it.file().map(Path::to_path_buf)));
        let configs = self
            .loaded
            .iter()
            .flat_map(|loaded| loaded.workspace.known_configs());
        for config in configs {
            files.extend(config.file.clone());
            files.extend(config.baseline.clone());
        }
        files.extend(FALLBACK_NAMES.map(|name| self.root.join(name)));
        files
    }

    /// Returns the checked files, and the folders that contain them. A new file changes its folder.
    pub fn checked_files(&self) -> BTreeSet<PathBuf> {
        let files = self.loaded.iter().flat_map(|loaded| &loaded.scan.files);
        let mut checked = BTreeSet::from([self.root.clone()]);
        for file in files {
            checked.extend(file.path.parent().map(Path::to_path_buf));
            checked.insert(file.path.clone());
        }
        checked
    }

    /// Uses the text of an open document in place of its file.
    pub fn update(&mut self, document: &Document) {
        let Some(path) = document.path.as_deref().filter(|path| self.contains(path)) else {
            return;
        };
        let analysis = self.analyze(path, &document.text);
        self.put(path, analysis);
    }

    /// Uses the file in place of a document that was closed.
    pub fn restore(&mut self, path: &Path) {
        self.ignored.remove(path);
        let text = std::fs::read(path).ok();
        let text = text
            .as_deref()
            .and_then(|bytes| decode(Cow::Borrowed(bytes)).ok());
        let analysis = text.and_then(|text| self.analyze(path, &text));
        self.put(path, analysis);
    }

    /// Analyzes a text as the contents of a file of this project.
    pub fn analyze(&mut self, path: &Path, text: &str) -> Option<Analysis> {
        let loaded = self.loaded.as_ref()?;
        let workspace = &loaded.workspace;
        let known = loaded.scan.files.iter().find(|file| file.path == path);
        let search = workspace.search();
        let is_ignored = match (known, self.ignored.get(path)) {
            (Some(_), _) => false,
            (None, Some(&is_ignored)) => is_ignored,
            (None, None) => {
                let is_ignored = search.is_ignored(&self.root, path);
                self.ignored.insert(path.to_path_buf(), is_ignored);
                is_ignored
            }
        };
        if is_ignored {
            return None;
        }
        let reason = known.map(|file| &file.reason);
        let folders = (
            workspace.selection.folders.as_slice(),
            &workspace.path_roots,
        );
        scan::analyze_buffer(&search, path, text, reason, folders)
    }

    /// Puts the analysis of a file into the scan, or removes the file from it.
    fn put(&mut self, path: &Path, analysis: Option<Analysis>) {
        let Some(loaded) = &mut self.loaded else {
            return;
        };
        self.is_stale = true;
        let files = &mut loaded.scan.files;
        let at = files.iter().position(|file| file.path == path);
        match (at, analysis) {
            (Some(at), Some(analysis)) => {
                if let Some(file) = files.get_mut(at) {
                    *file = analysis;
                }
            }
            (Some(at), None) => {
                files.remove(at);
            }
            (None, Some(analysis)) => {
                let key = |file: &Analysis| (file.source.path().to_owned(), file.path.clone());
                let new = key(&analysis);
                let at = files.partition_point(|file| key(file) < new);
                files.insert(at, analysis);
            }
            (None, None) => {}
        }
    }

    /// Returns the analysis of a file, if stackref checks it.
    pub fn analysis(&self, path: &Path) -> Option<&Analysis> {
        let files = self.loaded.iter().flat_map(|loaded| &loaded.scan.files);
        files.into_iter().find(|file| file.path == path)
    }

    /// Calls a function with the settings of a check.
    pub fn with_settings<T>(
        &self,
        run: impl FnOnce(&LoadedProject, &Settings<'_>) -> T,
    ) -> Option<T> {
        let loaded = self.loaded.as_ref()?;
        let others = loaded.workspace.other_files();
        let others = others.filter(|_| self.kind == ProjectKind::SingleFile);
        // Before all files are read, a declaration or the use of a secret may be missing.
        let level = if self.is_complete {
            loaded.level
        } else {
            LevelChoice::fixed(crate::project::config::Level::None)
        };
        let inventories = self.answers.inventories();
        let settings = Settings {
            other_files: others.as_ref(),
            baseline: loaded.baseline.as_ref(),
            answer_source: Some(&self.answers),
            ..loaded.workspace.settings(level, inventories)
        };
        Some(run(loaded, &settings))
    }

    /// Checks the files, if anything has changed since the last check.
    pub fn check(&mut self) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        // Dropped first, so that the answers are not copied.
        self.report = Report::default();
        let report = self.with_settings(|loaded, settings| {
            pipeline::check_with_answers(&loaded.scan, settings, Arc::default(), None)
        });
        self.report = report.unwrap_or_default();
    }
}

/// Returns the texts of the configs.
fn config_texts(workspace: &Workspace) -> Vec<(Option<PathBuf>, String)> {
    let configs = workspace.known_configs().into_iter();
    let text = |config: &crate::project::config::Config| {
        let source = config.source.as_ref();
        source.map_or_else(String::new, |source| source.text().to_owned())
    };
    let mut texts: Vec<_> = configs
        .map(|config| (config.file.clone(), text(&config)))
        .collect();
    texts.sort();
    texts
}
