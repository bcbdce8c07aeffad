//! The config, `stackref.toml`: reads one file and reports all mistakes in it.
//!
//! Every mistake is a failure with a location. An unknown key comes with the nearest known key, and
//! an invalid value with the allowed ones. Globs are relative to the folder of the config. The
//! search for the config of a file is in [`super::configs`].
//!
//! | file | concept |
//! |---|---|
//! | `levels.rs` | the values of `level` and `[rules]` |
//! | `globs.rs` | sets of globs |
//! | `inventory_config.rs` | `[inventory.NAME]` after it was read |
//! | `config_reader.rs` | typed values, and the mistakes in them |
//! | `sections.rs` | the keys and tables of a config |
//! | `inventory_tables.rs` | the keys of `[inventory.NAME]` |
//! | `environment_config.rs` | `[environment.NAME]` after it was read |
//! | `environment_tables.rs` | the keys of `[environment.NAME]` and `[[stacks]]` |

mod config_reader;
mod environment_config;
mod environment_tables;
mod globs;
mod inventory_config;
mod inventory_tables;
mod levels;
mod sections;

pub use environment_config::{EnvironmentConfig, RouteTarget};
pub use globs::Globs;
pub use inventory_config::{
    AwsConfig, CommandConfig, InventoryConfig, InventoryKind, TimeLimits, VaultConfig, url_error,
};
pub use levels::{Level, RuleLevel};

use crate::diagnostics::error::{Failure, io_message};
use crate::diagnostics::rule_id::RuleId;
use crate::document;
use crate::project::repository;
use crate::system::files;
use crate::text::redacted_source::{RedactedSource, Visibility};
use crate::text::source::{SourceFile, Span};
use crate::text::source_kind::SourceKind;
use crate::zenml::grammar::Resolver;
use crate::zenml::keywords::REGISTERED_SCHEME;
use config_reader::{ConfigReader, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// The largest config, in bytes. Far more than any real config needs.
const MAX_BYTES: u64 = 1 << 20;

/// The name of the config file.
pub const FILE_NAME: &str = "stackref.toml";

/// The names of the inventory file that is used without a config.
pub const FALLBACK_NAMES: [&str; 3] = [
    "secrets.inventory.yaml",
    "secrets.inventory.toml",
    "secrets.inventory.json",
];

/// The levels in the spelling of the config. ZenML's spelling is accepted, too, but not suggested.
const LEVELS: [&str; 3] = ["none", "secret-exists", "secret-and-key-exists"];

/// An entry of `[[stacks]]`: the inventories or environments of some files.
#[derive(Clone, Debug)]
pub struct StackRoute {
    files: Globs,
    /// The location of the entry.
    pub span: Span,
    /// The inventories or environments.
    pub target: RouteTarget,
}

/// An entry of `[[ignore]]`: findings that are suppressed.
#[derive(Clone, Debug)]
pub struct ConfigIgnore {
    path: Globs,
    /// The rule.
    pub rule: RuleId,
    /// The name of the attribute. `None` means all attributes.
    pub attribute: Option<String>,
    /// The location of the rule's name.
    pub span: Span,
}

impl ConfigIgnore {
    /// Returns whether the entry suppresses only findings in components on servers.
    pub fn is_about_registered(&self) -> bool {
        self.path.all_start_with(REGISTERED_SCHEME)
    }
}

/// A config. Without a file, it contains the defaults.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The file that it was read from.
    pub file: Option<PathBuf>,
    /// The text of that file.
    pub source: Option<Arc<RedactedSource>>,
    /// The folder that globs are relative to.
    pub folder: PathBuf,
    /// `level`.
    pub level: Option<Level>,
    /// The location of the value of `level`.
    pub level_span: Option<Span>,
    /// `resolver`.
    pub resolver: Resolver,
    /// `baseline`, absolute.
    pub baseline: Option<PathBuf>,
    /// `[files] include`. `None` if it is not set.
    pub include: Option<Globs>,
    /// `[files] exclude`.
    pub exclude: Globs,
    /// `[files] scripts`.
    pub scripts: Globs,
    /// `[files] sources`. `None` if it is not set.
    pub sources: Option<Vec<SourceKind>>,
    /// `[inventory.NAME]`, in the order of the file.
    pub inventories: Vec<InventoryConfig>,
    /// `[environment.NAME]`, in the order of the file.
    pub environments: Vec<EnvironmentConfig>,
    /// `[[stacks]]`.
    pub routes: Vec<StackRoute>,
    /// `[[ignore]]`.
    pub ignores: Vec<ConfigIgnore>,
    /// `[rules]`.
    pub rules: BTreeMap<RuleId, RuleLevel>,
    /// Probable mistakes that do not stop the run, each as a sentence with its location.
    pub warnings: Vec<String>,
}

impl Config {
    /// Returns a path relative to the config's folder, for its globs. Returns a path outside
    /// unchanged.
    pub fn relative<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(&self.folder).unwrap_or(path)
    }

    /// Returns whether the files of a source are read.
    pub fn reads(&self, source: SourceKind) -> bool {
        self.sources
            .as_ref()
            .is_none_or(|sources| sources.contains(&source))
    }

    /// Returns whether a path is a local inventory, or is in the folder of one.
    pub fn has_inventory_at(&self, path: &Path) -> bool {
        self.inventories
            .iter()
            .any(|inventory| match &inventory.kind {
                InventoryKind::File(file) | InventoryKind::Sops(file) => {
                    file.as_os_str() == path.as_os_str()
                }
                InventoryKind::Dir(folder) => path.starts_with(folder),
                _ => false,
            })
    }

    /// Returns the location of `level` for messages, for example `stackref.toml:6`: that of an
    /// environment, or else of the config. Returns `None` if neither is set.
    pub fn level_location(&self, environment: Option<&EnvironmentConfig>) -> Option<String> {
        let span = environment.and_then(|environment| environment.level_span);
        self.location(span.or(self.level_span)?)
    }

    /// Returns the path and the line of a span in the config, for example `stackref.toml:6`.
    pub fn location(&self, span: Span) -> Option<String> {
        let source = self.source.as_ref()?;
        let line = source.position(span.start).line;
        Some(format!("{}:{line}", source.path()))
    }

    /// Returns the same config with another path for its findings. The failures of reading it keep
    /// theirs.
    #[must_use]
    pub fn with_display_path(self, path: &str) -> Self {
        let source = self
            .source
            .map(|source| RedactedSource::with_path(source, path));
        Self { source, ..self }
    }

    /// Returns the first `[[stacks]]` entry that matches a file, or `None`.
    pub fn route(&self, path: &Path) -> Option<&StackRoute> {
        let relative = self.relative(path);
        self.routes
            .iter()
            .find(|route| route.files.is_match(relative))
    }

    /// Returns whether an entry of `[[stacks]]` names inventories without an environment.
    pub fn has_inventory_routes(&self) -> bool {
        let mut routes = self.routes.iter();
        routes.any(|route| matches!(route.target, RouteTarget::Inventories(_)))
    }

    /// Returns whether the run uses all environments.
    pub fn uses_all_environments(&self) -> bool {
        self.environments.iter().all(|it| it.is_selected)
    }

    /// Deselects all environments except those with one of these names.
    pub fn select_environments(&mut self, names: &[String]) {
        for environment in &mut self.environments {
            environment.is_selected = names.contains(&environment.name);
        }
    }

    /// Returns the indices of the `[[ignore]]` entries that suppress a finding.
    pub fn matching_ignores(
        &self,
        path: &Path,
        rule: RuleId,
        attribute: Option<&str>,
    ) -> impl Iterator<Item = usize> {
        let relative = self.relative(path);
        let matching = self.ignores.iter().enumerate().filter(move |(_, ignore)| {
            ignore.rule == rule
                && ignore
                    .attribute
                    .as_deref()
                    .is_none_or(|wanted| attribute == Some(wanted))
                && ignore.path.is_match(relative)
        });
        matching.map(|(at, _)| at)
    }
}

/// Returns the path of a config relative to the root of its repository.
pub fn repository_path(file: &Path) -> String {
    let folder = file.parent().unwrap_or(Path::new(""));
    let root = repository::nearest_root(folder).unwrap_or_else(|| folder.to_path_buf());
    file.strip_prefix(root)
        .unwrap_or(file)
        .display()
        .to_string()
}

/// Reads a config file. `display_path` is its path in reports.
///
/// # Errors
/// Returns all mistakes in the file, in its order.
pub fn load(file: &Path, display_path: &str) -> Result<Config, Vec<Failure>> {
    let bytes = files::read(file, MAX_BYTES).map_err(|error| {
        vec![Failure::usage(format!(
            "cannot read the config `{display_path}`: {}",
            io_message(&error)
        ))]
    })?;
    let text = String::from_utf8(bytes).map_err(|_| {
        vec![
            Failure::usage(format!("the config `{display_path}` is not UTF-8"))
                .with_help("save it as UTF-8"),
        ]
    })?;
    parse(text, file, display_path)
}

/// Reads the text of a config file like [`load`].
///
/// # Errors
/// Returns all mistakes in the text, in its order.
pub fn parse(text: String, file: &Path, display_path: &str) -> Result<Config, Vec<Failure>> {
    let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
    let source = SourceFile::new(display_path, text)
        .with_repository_path(repository_path(file))
        .with_absolute_path(file);
    let source = Arc::new(source);
    let table = DeTable::parse(source.text()).map_err(|error| {
        let error = document::toml_error(&error, source.text());
        let failure = Failure::usage(format!(
            "`{display_path}` is not valid TOML: {}",
            error.message
        ));
        let redacted = RedactedSource::new(Arc::clone(&source), Visibility::Guessed);
        vec![failure.at(&redacted, error.span).with_help_if(error.help)]
    })?;
    let redacted = RedactedSource::new(
        Arc::clone(&source),
        Visibility::Masked(value_spans(table.get_ref()).into()),
    );
    let mut reader = ConfigReader::new(&redacted, folder);
    let config = reader.config(table.get_ref());
    if reader.failures.is_empty() {
        let warnings = reader.warnings;
        let file = Some(file.to_path_buf());
        drop(table);
        drop(source);
        Ok(Config {
            file,
            source: Some(redacted),
            warnings,
            ..config
        })
    } else {
        Err(reader.failures)
    }
}

/// Returns whether an argument of `--inventory` is the path of a file, regardless of the names in
/// the config: it contains a path separator or ends with the extension of an inventory file.
pub fn names_a_file(name: &str) -> bool {
    name.contains(['/', '\\']) || document::Syntax::from_path(Path::new(name)).is_some()
}

/// Returns the locations of all values. An excerpt shows only the value that it is about: the
/// others may contain secret values by mistake.
fn value_spans(table: &DeTable<'_>) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut open: Vec<&Value<'_>> = table.iter().map(|(_, value)| value).collect();
    while let Some(value) = open.pop() {
        match value.get_ref() {
            DeValue::Table(table) => open.extend(table.iter().map(|(_, value)| value)),
            DeValue::Array(items) => open.extend(items.iter()),
            _ => spans.push(value.span().into()),
        }
    }
    spans.sort_unstable();
    spans
}
