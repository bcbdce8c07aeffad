//! Notes and warnings about the selection: excluded and skipped files, configs of other users,
//! misnamed configs, and no file that stackref reads.

use super::messages::report_recovered;
use crate::lint::scan::Scan;
use crate::output::count;
use crate::project::config;
use crate::system::paths;
use crate::text::escape::escape_control;
use crate::text::source_kind::SourceKind;
use crate::workspace::Workspace;
use crate::workspace::context::Context;
use std::collections::BTreeMap;
use std::io;

/// File names that users may mistake for the name of the config.
const MISNAMED_CONFIGS: [&str; 4] = [
    ".stackref.toml",
    "stackref.yaml",
    "stackref.yml",
    "stackref.tml",
];

/// The sources of files with commands.
const COMMAND_SOURCES: [SourceKind; 3] =
    [SourceKind::Scripts, SourceKind::Docs, SourceKind::Python];

impl Workspace {
    /// Prints the notes of a scan on standard error.
    ///
    /// # Errors
    /// Standard error cannot be written.
    pub fn notes(&self, scan: &Scan, context: &mut Context<'_>) -> io::Result<()> {
        self.note_excluded(scan, context)?;
        // The scan may have found more configs of other users.
        let owner_notes = self.git.owners().notes(&self.path_roots.cwd);
        for note in owner_notes
            .iter()
            .filter(|note| !self.owner_notes.contains(note))
        {
            context.note(note)?;
        }
        for warning in self
            .known_configs()
            .iter()
            .flat_map(|config| &config.warnings)
        {
            writeln!(context.stderr.out, "warning: {warning}")?;
        }
        report_recovered(context)?;
        self.note_misnamed_configs(context)?;
        if let (Some((name, _)), true) = (&self.stdin, scan.skipped.count > 0) {
            // A note and not a warning, since editors pass every buffer.
            let name = escape_control(&paths::relative(name, &self.path_roots.cwd));
            let kind = if self.scripts {
                "not a file that stackref reads"
            } else {
                "not a stack file"
            };
            return context.note(format_args!("skipped `{name}`: {kind}"));
        }
        if scan.skipped.count > 0 {
            let skipped = count(scan.skipped.count, "listed file");
            let kind = if self.scripts {
                "not files that stackref reads"
            } else {
                "not stack files"
            };
            context.note(format_args!("skipped {skipped}: {kind}, or not found"))?;
        }
        if scan.files.is_empty()
            && scan.skipped.failures.is_empty()
            && scan.skipped.excluded.is_empty()
        {
            let kind = if self.scripts {
                "no file found that stackref reads"
            } else {
                "no stack file found"
            };
            let reason = self.reason_for_no_file();
            writeln!(context.stderr.out, "warning: {kind}: {reason}")?;
        }
        Ok(())
    }

    /// Notes the excluded files, one line for each glob.
    fn note_excluded(&self, scan: &Scan, context: &mut Context<'_>) -> io::Result<()> {
        let mut excluded: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (path, glob) in &scan.skipped.excluded {
            excluded
                .entry(glob)
                .or_default()
                .push(paths::relative(path, &self.path_roots.cwd));
        }
        for (glob, paths) in excluded {
            let first = paths.first().map_or("", String::as_str);
            let more = if paths.len() > 1 {
                format!(" and {} more", paths.len() - 1)
            } else {
                String::new()
            };
            let (first, glob) = (escape_control(first), escape_control(glob));
            context.note(format_args!(
                "excluded by `{glob}`: `{first}`{more}; --no-exclude overrides"
            ))?;
        }
        Ok(())
    }

    fn note_misnamed_configs(&self, context: &mut Context<'_>) -> io::Result<()> {
        let setup = &self.files.setup;
        if self.config.file.is_some() || setup.config.is_some() || setup.no_config {
            return Ok(());
        }
        for name in MISNAMED_CONFIGS
            .iter()
            .filter(|name| self.project().join(name).is_file())
        {
            context.note(format_args!(
                "`{name}` is not read: the config is `{}`",
                config::FILE_NAME
            ))?;
        }
        Ok(())
    }

    fn reason_for_no_file(&self) -> String {
        let reason = if self.config.include.is_some() {
            "no file matches `[files] include`"
        } else {
            "no file looks like a stack (`components` with `stack_name` or `zenml_version`) or a run config (`settings` or `secrets`)"
        };
        let excludes = !self.files.setup.no_exclude && !self.config.exclude.is_empty();
        let rest = if excludes {
            ", except for excluded files (`[files] exclude`)"
        } else {
            ""
        };
        let commands = if self.scripts && COMMAND_SOURCES.iter().any(|it| self.config.reads(*it)) {
            ", and no other file contains `zenml` commands"
        } else {
            ""
        };
        format!("{reason}{commands}{rest}")
    }
}
