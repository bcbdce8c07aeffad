//! `check --list-files`: the files that a check would read, each with the reason.

use super::super::messages::{outcome_of, print_failures};
use super::super::verbose::describe_lookups;
use crate::cli::{CheckArgs, Color};
use crate::diagnostics::outcome::Outcome;
use crate::inventory::Inventories;
use crate::lint::settings::LevelChoice;
use crate::output::count;
use crate::output::style::HEADING;
use crate::text::escape::escape_control;
use crate::workspace::Workspace;
use crate::workspace::context::{CommandError, Context};

impl Workspace {
    /// Prints the files that a check would read, each with the reason.
    pub fn list_files(
        &mut self,
        args: &CheckArgs,
        level: LevelChoice<'_>,
        color: Color,
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        let scan = self.scan(context)?;
        self.check_environments(&args.environment)?;
        let inventories = if args.verbose {
            self.inventories(&scan, &args.inventory, level, context)?
        } else {
            Inventories::default()
        };
        let settings = self.settings(level, &inventories);
        context.summary = Some(format!(
            "{} would be scanned",
            count(scan.files.len(), "file")
        ));
        let style = context.stdout_style(color);
        for file in &scan.files {
            let path = style.paint(HEADING, escape_control(file.source.path()));
            let reason = escape_control(&file.reason.to_string());
            let lookups = if args.verbose {
                format!("; {}", describe_lookups(file, &settings))
            } else {
                String::new()
            };
            writeln!(context.stdout.out, "{path}: {reason}{lookups}")?;
        }
        context.stdout.out.flush()?;
        self.notes(&scan, context)?;
        print_failures(&scan.skipped.failures, color, context)?;
        Ok(outcome_of(&scan.skipped.failures, Outcome::Clean))
    }
}
