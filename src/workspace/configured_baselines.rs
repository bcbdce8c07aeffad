//! The baselines that the configs of a run name.

use super::Workspace;
use crate::diagnostics::error::{Failure, io_message};
use crate::lint::baseline::Baseline;
use crate::project::config::Config;
use crate::system::files;
use crate::system::paths;
use crate::text::escape::escape_control;
use std::io;
use std::path::Path;

impl Workspace {
    /// Returns the findings in the baselines of all configs; `None` if no config names one.
    ///
    /// # Errors
    /// A baseline cannot be read.
    pub(crate) fn configured_baselines(&self) -> Result<Option<Baseline>, Failure> {
        let mut combined: Option<Baseline> = None;
        for config in self.known_configs() {
            if let Some(file) = &config.baseline {
                let baseline = self.configured_baseline(file, &config)?;
                combined.get_or_insert_default().extend(baseline);
            }
        }
        Ok(combined)
    }

    /// Reads the baseline of a config. stackref has found the config by itself, so the file must be
    /// in the repository, and must not be a link that leads out of it.
    fn configured_baseline(&self, file: &Path, config: &Config) -> Result<Baseline, Failure> {
        let cwd = &self.path_roots.cwd;
        let display_path = escape_control(&paths::relative(file, cwd));
        let config_path = config
            .file
            .as_deref()
            .map(|file| escape_control(&paths::relative(file, cwd)));
        let config_path = config_path.unwrap_or_default();
        if file.symlink_metadata().is_err() {
            return Err(Failure::usage(format!("cannot find the baseline `{display_path}` of `{config_path}`"))
                .with_help(format!(
                    "write it with `stackref check --write-baseline {display_path}`, or remove `baseline` from `{config_path}`"
                )));
        }
        let folder = &config.folder;
        let root = self.git.owners().root(folder);
        let root = root.unwrap_or_else(|| folder.clone());
        if file
            .canonicalize()
            .is_ok_and(|file| !file.starts_with(paths::canonicalize_existing(&root)))
        {
            let message = format!(
                "the baseline `{display_path}` of `{config_path}` is outside the repository"
            );
            return Err(Failure::usage(message)
                .with_help("move it into the repository, or use `--baseline FILE`"));
        }
        read_baseline(file, cwd)
    }
}

/// Reads a baseline. `file` is relative to `cwd`.
///
/// # Errors
/// The file cannot be read, or is not a baseline.
pub(crate) fn read_baseline(file: &Path, cwd: &Path) -> Result<Baseline, Failure> {
    let path = paths::absolute(file, cwd);
    let display_path = escape_control(&file.to_string_lossy());
    // `/dev/fd/N` is a stream that ends. Other special files may be endless, and `files::read`
    // refuses them.
    let bytes = if path.starts_with("/dev/fd") {
        std::fs::read(&path)
    } else {
        files::read(&path, files::MAX_INVENTORY)
    };
    let text = bytes.and_then(|bytes| {
        std::str::from_utf8(&bytes)
            .map(str::to_owned)
            .map_err(io::Error::other)
    });
    let text = text.map_err(|error| {
        cannot_read(&display_path, &io_message(&error))
            .with_help("create a baseline with `stackref check --write-baseline FILE`")
    })?;
    Baseline::parse(&text).map_err(|reason| cannot_read(&display_path, &reason))
}

fn cannot_read(display_path: &str, reason: &str) -> Failure {
    Failure::usage(format!(
        "cannot read the baseline `{display_path}`: {reason}"
    ))
}
