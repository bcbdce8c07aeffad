//! The dialogue in a terminal: asks for the values of missing keys, and stores each secret as soon
//! as its values are complete. Also runs without a terminal, which cannot ask.

use super::super::prompter::Prompter;
use super::RegisterRun;
use super::prompt_plan::Plan;
use crate::diagnostics::error::Failure;
use crate::diagnostics::outcome::Outcome;
use crate::inventory::{Inventory, SecretChange};
use crate::lint::missing_keys::RequiredKey;
use crate::output::{count, lists};
use crate::system::paths;
use crate::text::escape::escape_control;
use crate::workspace::context::{CommandError, Context};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// Help for a run that cannot prompt.
const PASS_VALUES: &str =
    "run this in a terminal, or pass the values with --from-file FILE or --from-env PREFIX";

impl<'r> RegisterRun<'r> {
    /// Ends a run that has neither a terminal nor given values. With `--yes`, adds names that need
    /// no values.
    pub(super) fn without_terminal(
        &mut self,
        required: &'r [RequiredKey<'r>],
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        let missing: Vec<&RequiredKey<'_>> = required.iter().filter(|key| !key.exists).collect();
        if missing.is_empty() {
            let has_existing_values = required.iter().any(|key| key.exists && key.has_value);
            if !self.args.change || !has_existing_values {
                return Ok(Outcome::Clean);
            }
            let failure = Failure::usage("cannot ask for existing values: there is no terminal");
            return Err(failure.with_help(PASS_VALUES).into());
        }
        let names_only = missing.iter().all(|key| !key.has_value);
        if names_only && self.args.yes {
            self.refuse_targets(missing.iter().map(|key| (key.inventory, false)))?;
            self.store_names(&missing, context)?;
            self.summarize(context);
            return Ok(Outcome::Clean);
        }
        let keys = count(missing.len(), "key");
        let are = if missing.len() == 1 { "is" } else { "are" };
        self.missing = missing.into_iter().filter(|key| key.is_missing()).collect();
        let help = if names_only {
            "use --yes to add their names, or run this in a terminal"
        } else {
            PASS_VALUES
        };
        let failure = Failure::usage(format!(
            "{keys} {are} missing, and there is no terminal to ask for values"
        ));
        Err(failure.with_help(help).into())
    }

    /// Asks for all values, and stores each secret when its values are complete.
    pub(super) fn prompt_all(
        &mut self,
        required: &'r [RequiredKey<'r>],
        prompter: &mut Prompter,
        context: &mut Context<'_>,
    ) -> Result<Outcome, CommandError> {
        let missing = || required.iter().filter(|key| !key.exists);
        if let Err(failures) =
            self.refuse_targets(missing().map(|key| (key.inventory, key.has_value)))
        {
            self.missing = missing().filter(|key| key.is_missing()).collect();
            return Err(failures.into());
        }
        let Plan {
            missing,
            names,
            existing,
        } = self.plan(required, context)?;
        if !self.add_names(&names, prompter, context)? {
            self.missing = self.still_missing(required);
            return Ok(Outcome::Interrupted);
        }
        let to_ask = [missing, existing].concat();
        if to_ask.is_empty() && self.missing.is_empty() && self.stored.is_empty() {
            return Ok(Outcome::Clean);
        }
        let answered = self.prompt_values(&to_ask, prompter, context)?;
        if answered < to_ask.len() {
            self.summarize_interrupted(&to_ask, answered, context);
            return Ok(Outcome::Interrupted);
        }
        self.summarize(context);
        if !to_ask.is_empty() && prompter.keyboard.has_more() {
            writeln!(
                context.stderr.out,
                "warning: discarded the lines after the last answer; to enter a value of several lines, save it in a file and \
                 type `@PATH`"
            )?;
        }
        Ok(if self.missing.is_empty() {
            Outcome::Clean
        } else {
            Outcome::Findings
        })
    }

    /// Asks for the values of keys, and stores each secret. Returns the number of keys that the
    /// user answered, which is smaller than the number of keys if the user interrupted.
    fn prompt_values(
        &mut self,
        to_ask: &[&'r RequiredKey<'r>],
        prompter: &mut Prompter,
        context: &mut Context<'_>,
    ) -> Result<usize, CommandError> {
        let mut answered = 0;
        for secret in to_ask.chunk_by(|a, b| secret_of(a) == secret_of(b)) {
            let Some(first) = secret.first() else {
                continue;
            };
            let (mut entries, mut is_interrupted) = (Vec::new(), false);
            for key in secret {
                print_position(key, answered + 1, to_ask.len(), context)?;
                is_interrupted = !prompter.entries(key, &mut entries, context)?;
                if is_interrupted {
                    break;
                }
                answered += 1;
            }
            // Only this dialogue knows the keys of a whole secret. A part of them is not stored,
            // because the next run would regard the secret as complete.
            let is_incomplete = is_interrupted && first.key.is_none();
            if !entries.is_empty() && !is_incomplete {
                self.store(
                    first.inventory,
                    &[SecretChange {
                        secret: &first.secret,
                        entries: &entries,
                    }],
                    context,
                )?;
            }
            if is_interrupted {
                break;
            }
        }
        Ok(answered)
    }

    /// Adds names to the inventories that store names only. Asks for each inventory unless `--yes`
    /// is given. Returns false if the user interrupts.
    fn add_names(
        &mut self,
        names: &[&'r RequiredKey<'r>],
        prompter: &mut Prompter,
        context: &mut Context<'_>,
    ) -> Result<bool, CommandError> {
        let mut by_inventory: BTreeMap<usize, Vec<&'r RequiredKey<'r>>> = BTreeMap::new();
        for name in names {
            by_inventory.entry(name.inventory).or_default().push(name);
        }
        for (at, names) in by_inventory {
            if !self.args.yes {
                let style = context.stderr_style(self.color);
                lists::write_required_keys(&names, self.inventories, style, context.stderr.out)?;
                match prompter
                    .confirm(&self.names_question(at, names.len(), &context.cwd), context)?
                {
                    None => return Ok(false),
                    Some(true) => {}
                    Some(false) => {
                        let missing = names.into_iter().filter(|name| name.is_missing());
                        self.missing.extend(missing);
                        continue;
                    }
                }
            }
            self.store_names(&names, context)?;
        }
        Ok(true)
    }

    /// Returns the question whether to add names to an inventory. It contains the file that would
    /// change.
    fn names_question(&self, at: usize, number: usize, cwd: &Path) -> String {
        let target = self.inventories.get(at);
        let name = self.inventories.name(at);
        let file = target
            .and_then(Inventory::file)
            .filter(|file| paths::absolute(Path::new(name), cwd) != **file);
        let file = file.map_or_else(String::new, |file| {
            format!(" ({})", escape_control(&paths::display_path(file, cwd)))
        });
        // Other secrets of the inventory may have values: then a new secret would have values, too.
        let has_values = target.is_some_and(|target| target.takes_values("").unwrap_or(false));
        let stores = if has_values {
            "stores only the names of these keys"
        } else {
            "stores names only"
        };
        let names = if number == 1 {
            "this name".to_owned()
        } else {
            format!("these {number} names")
        };
        format!(
            "`{}`{file} {stores}. Add {names} to it? [y/N] ",
            escape_control(name)
        )
    }
}

/// Returns the parts of a key that are the same for all keys of a secret in one stack.
fn secret_of<'k>(key: &'k RequiredKey<'_>) -> (bool, &'k str, usize, &'k str) {
    (key.exists, &key.stack, key.inventory, &key.secret)
}

/// Prints the position of a key among all keys, the references to it, and a suggestion if its name
/// is probably a typo.
fn print_position(
    key: &RequiredKey<'_>,
    position: usize,
    total: usize,
    context: &mut Context<'_>,
) -> io::Result<()> {
    let reason = escape_control(&key.reason());
    let stack = match key.offered_by {
        Some(_) => String::new(),
        None => format!("stack `{}`, ", escape_control(&key.stack)),
    };
    writeln!(context.stderr.out, "{position} of {total}, {stack}{reason}")?;
    if let Some(suggestion) = &key.suggestion {
        let suggestion = escape_control(suggestion);
        writeln!(
            context.stderr.out,
            "did you mean `{suggestion}`? If so, press Ctrl-C and fix the stack file"
        )?;
    }
    Ok(())
}
