//! The workspace of a run: the configs, the selected files, the inventories, and the folders from
//! which paths are shown. It is built from the file arguments of a command. The language server has
//! one for each folder of its editor.
//!
//! The files of this folder parse the arguments, read the selected files, and decide whether a config
//! is trusted. `commands` prints notes about them.

pub mod context;
mod configured_baselines;
mod environment_choice;
mod environment_level;
mod file_selection;
mod project_scope;
mod repository_scan;
mod run_trust;
mod stack_filter;
mod workspace_scan;

use crate::cli::FileArgs;
use crate::diagnostics::error::{Failure, io_message};
use crate::document::Syntax;
use crate::inventory::file::STANDARD_INPUT;
use crate::inventory::{ConfiguredProject, Inventories, StoreContext};
use crate::lint::disk_repository::DiskRepository;
use crate::lint::other_files::OtherFiles;
use crate::lint::scan::{PathRoots, Scan};
use crate::lint::settings::{LevelChoice, Settings};
use crate::project::config::{Config, Level};
use crate::project::configs::Configs;
use crate::project::discover::{Search, Selection};
use crate::project::git::Git;
use crate::project::repository::TrustedOwners;
use crate::system::environment::Environment;
use crate::system::files;
use crate::system::paths;
use context::{CommandError, Context};
use file_selection::{
    config_search_start, folder_of_declarations, load_configs, nearest_config, select_files,
    stdin_name,
};
use run_trust::trusts_config;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use configured_baselines::read_baseline;
pub(crate) use environment_choice::select_environments;
pub(crate) use environment_level::environment_level;
pub(crate) use file_selection::config_identity;
pub(crate) use run_trust::{UntrustedConfig, trust_store};
pub(crate) use stack_filter::{select_stack, unknown_stack};

/// The level of commands that always need keys, for example `render`. Flags and the environment do
/// not change it.
pub(crate) const KEY_LEVEL: LevelChoice<'_> = LevelChoice::fixed(Level::SecretAndKeyExists);

/// The configs, the selected files and the folders of a run.
pub struct Workspace {
    pub(crate) files: FileArgs,
    pub(crate) configs: Configs,
    /// The config of the innermost folder that contains all arguments.
    pub(crate) config: Arc<Config>,
    pub(crate) selection: Selection,
    pub(crate) path_roots: PathRoots,
    /// The project folder of files without a config: their repository, else the innermost folder of
    /// the arguments.
    default_project: PathBuf,
    /// The folder whose declarations answer references; `None` if only those of the scan do.
    declaration_folder: Option<PathBuf>,
    /// The path and the syntax of standard input, if it is the selected file.
    pub(crate) stdin: Option<(PathBuf, Syntax)>,
    /// The content of standard input, if it is an inventory.
    inventory_input: Option<Vec<u8>>,
    env: Arc<dyn Environment>,
    /// Whether the user trusts the configs for this run.
    trusts_config: bool,
    /// The folder that this run writes to. The scan skips it.
    pub(crate) output_folder: Option<PathBuf>,
    /// Whether this command reads scripts.
    pub(crate) scripts: bool,
    /// Whether the selected files were read, including the scripts.
    has_read_scripts: bool,
    /// git, and the users whose repositories and configs are used.
    pub(crate) git: Git,
    /// The roots of the repositories that are searched, without links.
    roots: Vec<PathBuf>,
    /// The notes about files of other users that were already printed.
    pub(crate) owner_notes: Vec<String>,
}

impl Workspace {
    /// Opens the workspace of a command.
    ///
    /// # Errors
    /// The arguments contradict each other, or a config cannot be read or has errors.
    pub fn open(files: &FileArgs, context: &mut Context<'_>) -> Result<Self, CommandError> {
        Self::open_adjusted(files, |_| {}, context)
    }

    /// Opens a workspace that uses only these environments of each config; all without names.
    ///
    /// # Errors
    /// The same as those of [`Workspace::open`]. [`Workspace::check_environments`] checks the names.
    pub fn open_in_environments(
        files: &FileArgs,
        names: &[String],
        context: &mut Context<'_>,
    ) -> Result<Self, CommandError> {
        let names = names.to_vec();
        let adjust = move |config: &mut Config| select_environments(&names, config);
        Self::open_adjusted(files, adjust, context)
    }

    /// Opens a workspace in which `adjust` changes every config after it is read, for example to
    /// apply flags.
    pub fn open_adjusted(
        files: &FileArgs,
        adjust: impl Fn(&mut Config) + Send + Sync + 'static,
        context: &mut Context<'_>,
    ) -> Result<Self, CommandError> {
        let cwd = context.cwd.clone();
        let stdin = stdin_name(files, &cwd)?;
        let selection = if stdin.is_some() {
            Selection::default()
        } else {
            select_files(files, context)?
        };
        let start = config_search_start(
            files,
            stdin.as_ref().map(|(name, _)| name.as_path()),
            &selection,
            &cwd,
        );
        let git = Git::new(context.env.as_ref());
        let owners = git.owners();
        let configs =
            load_configs(files, &selection, &start, &cwd, owners)?.with_adjustment(adjust);
        let config = configs.for_folder(&start);
        configs.check()?;
        let repository = owners.root(&start);
        let config_folder = config.file.as_ref().map(|_| config.folder.clone());
        let outer = outer_repository(&cwd, &start, owners).or_else(|| repository.clone());
        let declaration_folder = outer.clone().or_else(|| {
            let home = context.env.get("HOME").map(PathBuf::from);
            folder_of_declarations(&start, &cwd, home.as_deref())
        });
        let root = outer.or(config_folder).unwrap_or_else(|| cwd.clone());
        // Printed now, because a config that is not used can be the reason for later errors.
        let owner_notes = owners.notes(&cwd);
        for note in &owner_notes {
            context.note(note)?;
        }
        let roots = repository_roots(&selection.folders, owners);
        let default_project = repository.unwrap_or(start);
        Ok(Self {
            files: files.clone(),
            configs,
            config,
            selection,
            path_roots: PathRoots {
                repository: Some(Arc::new(DiskRepository::new(&root, &cwd))),
                cwd,
                root,
                keep_documents: false,
                honor_literal_comments: true,
            },
            default_project,
            declaration_folder,
            stdin,
            inventory_input: None,
            env: Arc::clone(&context.env),
            trusts_config: trusts_config(files, context.env.as_ref())?,
            output_folder: None,
            scripts: false,
            has_read_scripts: false,
            git,
            roots,
            owner_notes,
        })
    }

    /// Reads standard input if a flag selects it as an inventory. Later calls do not read it again.
    ///
    /// # Errors
    /// Standard input cannot be read, or is also used for something else.
    fn read_inventory_input(
        &mut self,
        chosen: &[String],
        context: &mut Context<'_>,
    ) -> Result<(), Failure> {
        if self.inventory_input.is_some() || !chosen.iter().any(|name| name == STANDARD_INPUT) {
            return Ok(());
        }
        let lists_stdin = self
            .files
            .files_from
            .as_ref()
            .is_some_and(|path| path.as_os_str() == STANDARD_INPUT);
        let other = if self.stdin.is_some() {
            Some("`-` as a path")
        } else {
            lists_stdin.then_some("`--files-from -`")
        };
        if let Some(other) = other {
            return Err(Failure::usage(format!(
                "`--inventory -` cannot be used with {other}: both read standard input"
            ))
            .with_help("use a file for one of them"));
        }
        let read = files::read_stream(context.stdin, files::MAX_INVENTORY);
        let bytes = read.map_err(|error| {
            Failure::usage(format!(
                "cannot read the inventory from standard input: {}",
                io_message(&error)
            ))
        })?;
        self.inventory_input = Some(bytes);
        Ok(())
    }

    /// Returns the inventories of the scanned files. The inventories of the flags (`chosen`) are
    /// opened, unless all levels are `none`.
    ///
    /// # Errors
    /// An inventory of the flags cannot be opened.
    pub fn inventories(
        &mut self,
        scan: &Scan,
        chosen: &[String],
        level: LevelChoice<'_>,
        context: &mut Context<'_>,
    ) -> Result<Inventories, Failure> {
        let mut configs = self.known_configs();
        if !chosen.is_empty() {
            let used: Vec<Arc<Config>> = scan
                .files
                .iter()
                .map(|file| self.configs.for_file(&file.path))
                .collect();
            configs.retain(|config| {
                used.is_empty() || used.iter().any(|used| used.file == config.file)
            });
        }
        let is_queried = configs
            .iter()
            .any(|config| level.highest(config) > Level::None);
        let mut declared = Arc::default();
        if is_queried {
            self.read_inventory_input(chosen, context)?;
            declared = self.declared_secrets(scan, &configs, chosen);
        }
        let store_context = StoreContext {
            cwd: &self.path_roots.cwd,
            root: &self.path_roots.root,
            env: &self.env,
            standard_input: self.inventory_input.as_deref(),
            declared: &declared,
        };
        let projects: Vec<ConfiguredProject> = configs
            .into_iter()
            .map(|config| self.project_of(config))
            .collect();
        let inventories = Inventories::new(&projects, chosen, &store_context);
        if is_queried {
            inventories.open_chosen()?;
        }
        Ok(inventories)
    }

    /// Returns the settings of a check without flags.
    pub fn settings<'s>(
        &'s self,
        level: LevelChoice<'s>,
        inventories: &'s Inventories,
    ) -> Settings<'s> {
        let settings = Settings::new(&self.configs, level, inventories);
        Settings {
            walked_folders: &self.selection.folders,
            project: &self.default_project,
            root: &self.path_roots.root,
            ..settings
        }
    }

    /// Returns the files of the project that are not selected but may declare secrets; `None` if all
    /// of them are selected. Their configs are read separately, so that they change nothing else.
    pub fn other_files(&self) -> Option<OtherFiles<'_>> {
        let folder = self.declaration_folder.clone()?;
        if self.selection.covers(&folder) {
            return None;
        }
        let (setup, cwd, owners) = (&self.files.setup, &self.path_roots.cwd, self.git.owners());
        let folders = std::slice::from_ref(&folder);
        let configs = (setup.config.is_none() && !setup.no_config)
            .then(|| Configs::nearest(nearest_config(&self.files, &folder, folders, cwd, owners)));
        let search = Search {
            roots: repository_roots(folders, owners),
            ..self.search()
        };
        Some(OtherFiles::new(search, configs, folder, &self.path_roots))
    }

    /// Returns the configs that are read so far. The config of the arguments comes first.
    pub fn known_configs(&self) -> Vec<Arc<Config>> {
        let others = self
            .configs
            .known_configs()
            .into_iter()
            .filter(|config| config.file != self.config.file);
        std::iter::once(Arc::clone(&self.config))
            .chain(others)
            .collect()
    }

    fn project_of(&self, config: Arc<Config>) -> ConfiguredProject {
        let repository = self.git.owners().root(&config.folder);
        let trust = self.trust(&config, repository.as_deref());
        ConfiguredProject {
            folders: self.inventory_folders(&config),
            repository,
            trust,
            config,
        }
    }

    /// Returns the settings of a command that always needs keys.
    pub fn key_level<'s>(&'s self, inventories: &'s Inventories) -> Settings<'s> {
        Settings::new(&self.configs, KEY_LEVEL, inventories)
    }

    /// Returns the folders that may contain an inventory file that no config names.
    fn inventory_folders(&self, config: &Config) -> Vec<PathBuf> {
        vec![
            self.folder_of(config).to_path_buf(),
            self.path_roots.root.clone(),
            self.path_roots.cwd.clone(),
        ]
    }

    /// Returns the project folder of the arguments.
    pub fn project(&self) -> &Path {
        self.folder_of(&self.config)
    }

    /// Returns the project folder of a config: its own folder, or the default for files without a
    /// config.
    fn folder_of<'c>(&'c self, config: &'c Config) -> &'c Path {
        if config.file.is_some() {
            &config.folder
        } else {
            &self.default_project
        }
    }
}

/// Returns the repository of the working directory if it contains `start`. In a nested repository,
/// this one counts: fingerprints must not depend on the arguments.
fn outer_repository(cwd: &Path, start: &Path, owners: &TrustedOwners) -> Option<PathBuf> {
    owners.root(cwd).filter(|root| start.starts_with(root))
}

/// Returns the roots of the repositories that contain the folders, without links.
fn repository_roots(folders: &[PathBuf], owners: &TrustedOwners) -> Vec<PathBuf> {
    let roots: BTreeSet<PathBuf> = folders
        .iter()
        .filter_map(|folder| owners.root(&paths::canonicalize_existing(folder)))
        .collect();
    roots.into_iter().collect()
}
