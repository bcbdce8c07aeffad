//! The keys that a run asks for in a terminal. A dry run lists them.

use super::RegisterRun;
use crate::diagnostics::outcome::Outcome;
use crate::lint::missing_keys::RequiredKey;
use crate::output::count;
use crate::text::escape::escape_control;
use crate::workspace::context::{CommandError, Context};
use std::collections::BTreeSet;
use std::io;

/// The keys that a run asks for, in their order.
pub(super) struct Plan<'r> {
    /// Missing keys whose values are asked for.
    pub missing: Vec<&'r RequiredKey<'r>>,
    /// Missing keys of inventories that store names only.
    pub names: Vec<&'r RequiredKey<'r>>,
    /// Existing keys whose values are asked for, with `--change`.
    pub existing: Vec<&'r RequiredKey<'r>>,
}

impl<'r> RegisterRun<'r> {
    /// Returns the keys to ask for. Notes why existing values cannot be changed.
    pub(super) fn plan(
        &self,
        required: &'r [RequiredKey<'r>],
        context: &mut Context<'_>,
    ) -> io::Result<Plan<'r>> {
        let (mut missing, mut names, mut existing) = (Vec::new(), Vec::new(), Vec::new());
        for key in required {
            match (key.exists, key.has_value) {
                (false, true) => missing.push(key),
                (false, false) => names.push(key),
                (true, true) if self.args.change => existing.push(key),
                (true, _) => {}
            }
        }
        // Each inventory is checked once, since that reads a file and runs git.
        let targets: BTreeSet<usize> = existing.iter().map(|key| key.inventory).collect();
        for at in targets {
            let Some(refusal) = self.write_refusal(at, true) else {
                continue;
            };
            existing.retain(|key| key.inventory != at);
            context.note(format_args!(
                "existing values cannot be changed: {}",
                escape_control(&refusal.to_string())
            ))?;
        }
        Ok(Plan {
            missing,
            names,
            existing,
        })
    }

    /// Lists the keys that a run would ask for, and stores nothing.
    pub(super) fn list_only(
        &mut self,
        required: &'r [RequiredKey<'r>],
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        let plan = self.plan(required, context)?;
        let to_ask = plan.missing.len() + plan.existing.len();
        let existing = match plan.existing.len() {
            0 => String::new(),
            number => format!(" ({number} existing)"),
        };
        let keys = format!("{} to ask for{existing}", count(to_ask, "key"));
        let names = format!("{} to add", count(plan.names.len(), "name"));
        let summary = match (to_ask, plan.names.len()) {
            (0, 1..) => names,
            (_, 0) => keys,
            _ => format!("{keys}, {names}"),
        };
        context.summary = Some(format!("{summary}; nothing was stored"));
        self.missing = required.iter().filter(|key| !key.exists).collect();
        self.existing = plan.existing;
        Ok(Outcome::Clean)
    }
}
