//! Reads the selected files, or standard input, into a scan.

use super::Workspace;
use super::file_selection::unknown_name;
use crate::diagnostics::error::{Failure, io_message};
use crate::document::{ScriptHost, Syntax};
use crate::lint::scan::{self, Scan};
use crate::project::discover::{Candidate, MatchReason, Search};
use crate::workspace::context::{CommandError, Context};
use serde::de::IgnoredAny;
use std::path::Path;

impl Workspace {
    /// Returns the search for files, with the configs and flags of this run.
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
    /// A config has errors, or standard input cannot be read.
    pub fn scan(&mut self, context: &mut Context<'_>) -> Result<Scan, CommandError> {
        let scan = if let Some((name, syntax)) = self.stdin.clone() {
            self.scan_stdin(&name, syntax, context)?
        } else {
            let mut selection = std::mem::take(&mut self.selection);
            selection.resolve_scripts(&self.search());
            self.selection = selection;
            self.has_read_scripts = self.scripts;
            scan::run(&self.search(), &self.selection, &self.path_roots)
        };
        self.configs.check()?;
        Ok(scan)
    }

    fn scan_stdin(
        &self,
        name: &Path,
        syntax: Syntax,
        context: &mut Context<'_>,
    ) -> Result<Scan, CommandError> {
        if let Some(glob) = self.search().matching_exclude(name) {
            let mut scan = Scan::default();
            scan.skipped.excluded.push((name.to_path_buf(), glob));
            return Ok(scan);
        }
        // A command that reads only stack files reads `action.yml` as YAML.
        let syntax = match &self.files.stdin_filename {
            Some(given) if syntax.is_script() && !self.scripts => Syntax::from_path(name)
                .or(self.files.only_stack_files.then_some(syntax))
                .ok_or_else(|| unknown_name(given, false))?,
            _ => syntax,
        };
        let mut bytes = Vec::new();
        context.stdin.read_to_end(&mut bytes).map_err(|error| {
            Failure::usage(format!(
                "cannot read standard input: {}",
                io_message(&error)
            ))
        })?;
        // Without a name, the content decides. JSON is also valid YAML, but its strings have other
        // escapes.
        let is_json = self.files.stdin_filename.is_none()
            && serde_json::from_slice::<IgnoredAny>(&bytes).is_ok();
        let is_script =
            self.files.stdin_filename.is_none() && self.scripts && ScriptHost::names_shell(&bytes);
        let syntax = match (is_json, is_script) {
            (true, _) => Syntax::Json,
            (_, true) => Syntax::Script(ScriptHost::Shell),
            _ => syntax,
        };
        let candidate = Candidate {
            path: name.to_path_buf(),
            syntax,
            reason: None,
        };
        let candidate = match (&self.files.stdin_filename, self.files.only_stack_files) {
            (_, false) => Some(Candidate {
                reason: Some(MatchReason::Argument),
                ..candidate
            }),
            (None, true) => Some(candidate),
            (Some(_), true) => self.search().candidates(&self.config, name, &[]).next(),
        };
        let mut scan: Scan = candidate
            .map(|candidate| {
                scan::run_text(&bytes, candidate, self.config.resolver, &self.path_roots)
            })
            .unwrap_or_default();
        scan.skipped.count = usize::from(self.files.only_stack_files && scan.files.is_empty());
        Ok(scan)
    }
}
