//! The prompts of stackref: yes or no, the keys of a secret, and values. The terminal itself is in
//! `prompt::terminal`.

use crate::diagnostics::error::Failure;
use crate::diagnostics::error::io_message;
use crate::inventory::NewKey;
use crate::lint::missing_keys::RequiredKey;
use crate::prompt::keyboard::{Keyboard, LineEvent};
use crate::system::files;
use crate::system::paths;
use crate::text::escape::escape_control;
use crate::workspace::context::{Context, cannot_read_terminal};
use crate::zenml::grammar;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// The largest file that `@PATH` reads, in bytes: the same limit as for a typed line.
const MAX_VALUE_BYTES: u64 = 1 << 20;

/// The reply to an empty value.
const EXPECTED_VALUE: &str = "a value cannot be empty: type it, or type `@PATH` to read it from a file; press Ctrl-C to stop";

/// Asks the user in a terminal. Methods return `None` or false if the user interrupts with Ctrl-C.
pub(super) struct Prompter {
    pub keyboard: Box<dyn Keyboard>,
    /// The folder of the relative paths in answers.
    pub cwd: PathBuf,
}

impl Prompter {
    /// Opens the terminal.
    ///
    /// # Errors
    /// The terminal cannot be read.
    pub fn open(
        open: &dyn Fn() -> io::Result<Box<dyn Keyboard>>,
        cwd: &Path,
    ) -> Result<Self, Failure> {
        let keyboard = open().map_err(|error| cannot_read_terminal(&error))?;
        Ok(Self {
            keyboard,
            cwd: cwd.to_path_buf(),
        })
    }

    /// Asks for the value of a key, or for the keys and values of a whole secret, and adds the
    /// answers to `entries`. Returns false if the user interrupts.
    pub fn entries(
        &mut self,
        required: &RequiredKey<'_>,
        entries: &mut Vec<NewKey>,
        context: &mut Context<'_>,
    ) -> io::Result<bool> {
        let keys = match &required.key {
            Some(key) => vec![key.clone()],
            None => match self.keys(required, context)? {
                Some(keys) => keys,
                None => return Ok(false),
            },
        };
        for key in keys {
            match self.value(required, &key, context)? {
                Answer::Value(value) => entries.push(NewKey {
                    key,
                    value: Some(value),
                    replaces: required.exists,
                }),
                Answer::KeepExisting => {}
                Answer::Interrupted => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Asks for the keys of a secret that is referenced as a whole.
    fn keys(
        &mut self,
        required: &RequiredKey<'_>,
        context: &mut Context<'_>,
    ) -> io::Result<Option<Vec<String>>> {
        let question = format!(
            "Keys of secret `{}`, separated by spaces: ",
            escape_control(&required.secret)
        );
        loop {
            let Some(line) = self.read_line(&question, true, context)? else {
                return Ok(None);
            };
            let keys: BTreeSet<&str> = line.split_whitespace().collect();
            match keys
                .iter()
                .find_map(|key| Some((key, grammar::key_error(key)?)))
            {
                Some((key, why)) => {
                    writeln!(
                        context.stderr.out,
                        "a reference cannot contain the key `{}`, because {why}",
                        escape_control(key)
                    )?;
                }
                None if keys.is_empty() => {
                    writeln!(
                        context.stderr.out,
                        "type the names of its keys, separated by spaces, or press Ctrl-C to stop"
                    )?;
                }
                None => return Ok(Some(keys.into_iter().map(str::to_owned).collect())),
            }
        }
    }

    /// Asks for one value until it is valid.
    fn value(
        &mut self,
        required: &RequiredKey<'_>,
        key: &str,
        context: &mut Context<'_>,
    ) -> io::Result<Answer> {
        let name = format!(
            "`{}.{}`",
            escape_control(&required.secret),
            escape_control(key)
        );
        let question = if required.exists {
            format!("Value for secret {name} (Leave empty to use existing value): ")
        } else if required.offered_by.is_some() {
            format!("Value for secret {name} (Leave empty to skip it): ")
        } else {
            format!("Value for secret {name}: ")
        };
        loop {
            let Some(line) = self.read_line(&question, false, context)? else {
                return Ok(Answer::Interrupted);
            };
            if line.is_empty() {
                if required.exists || required.offered_by.is_some() {
                    return Ok(Answer::KeepExisting);
                }
                writeln!(context.stderr.out, "{EXPECTED_VALUE}")?;
                continue;
            }
            match self.parse_answer(&line, context) {
                Ok(value) if value.expose_secret().is_empty() => {
                    writeln!(context.stderr.out, "the file is empty")?;
                }
                Ok(value) => return Ok(Answer::Value(value)),
                Err(why) => writeln!(context.stderr.out, "{why}")?,
            }
        }
    }

    /// Returns the value of an answer: `@PATH` is the content of a file, and `@@x` is the text
    /// `@x`.
    ///
    /// # Errors
    /// The file cannot be read, or is not UTF-8. The error is a message for the user.
    fn parse_answer(&self, line: &str, context: &Context<'_>) -> Result<SecretString, String> {
        let Some(rest) = line.strip_prefix('@') else {
            return Ok(SecretString::from(line));
        };
        if rest.starts_with('@') {
            return Ok(SecretString::from(rest));
        }
        let below_home = if rest == "~" {
            Some("")
        } else {
            rest.strip_prefix("~/")
        };
        let home = context.env.get("HOME").map(PathBuf::from);
        let path = match below_home.zip(home) {
            Some((below, home)) => home.join(below),
            None => paths::absolute(Path::new(rest), &self.cwd),
        };
        let bytes = files::read(&path, MAX_VALUE_BYTES)
            .map_err(|error| cannot_read_value(&io_message(&error)))?;
        std::str::from_utf8(&bytes)
            .map(SecretString::from)
            .map_err(|_| cannot_read_value("it is not UTF-8"))
    }

    /// Asks a question whose answer is yes or no. Any answer other than `y` or `yes` is no.
    pub fn confirm(
        &mut self,
        question: &str,
        context: &mut Context<'_>,
    ) -> io::Result<Option<bool>> {
        let answer = self.read_line(question, true, context)?;
        Ok(answer.map(|answer| matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
    }

    /// Reads one line of UTF-8. If `echo` is false, the input is not shown, and `***` marks that it
    /// was read.
    fn read_line(
        &mut self,
        question: &str,
        echo: bool,
        context: &mut Context<'_>,
    ) -> io::Result<Option<String>> {
        loop {
            self.keyboard.begin()?;
            write!(context.stderr.out, "{question}")?;
            context.stderr.out.flush()?;
            let output = echo.then_some(&mut *context.stderr.out as &mut dyn io::Write);
            let problem = match self.keyboard.line(output)? {
                LineEvent::Interrupted => {
                    writeln!(context.stderr.out)?;
                    return Ok(None);
                }
                LineEvent::Suspended | LineEvent::Resumed => continue,
                LineEvent::TooLong => "the input is longer than 1 MiB",
                LineEvent::SeveralLines if echo => "the input has several lines; type one line",
                LineEvent::SeveralLines => {
                    "the value has several lines: save it in a file, and type `@PATH`"
                }
                LineEvent::Line(bytes) => match std::str::from_utf8(&bytes) {
                    Ok(text) => {
                        writeln!(
                            context.stderr.out,
                            "{}",
                            if echo || text.is_empty() { "" } else { "***" }
                        )?;
                        return Ok(Some(text.to_owned()));
                    }
                    Err(_) => "the input is not UTF-8",
                },
            };
            writeln!(context.stderr.out, "\n{problem}")?;
        }
    }
}

/// The answer to the prompt for a value.
enum Answer {
    Value(SecretString),
    /// An empty line, for a key that has a value.
    KeepExisting,
    Interrupted,
}

fn cannot_read_value(reason: &str) -> String {
    format!(
        "cannot read the value from this file: {reason}; to type a value that begins with @, type @@"
    )
}
