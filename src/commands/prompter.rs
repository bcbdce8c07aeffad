//! What is asked at a terminal, and what the answers mean.

use super::Context;
use crate::diagnostics::error::io_message;
use crate::diagnostics::excerpt::escape_control;
use crate::inventory::NewKey;
use crate::lint::missing_keys::RequiredKey;
use crate::prompt::keyboard::{Keyboard, LineEvent};
use crate::system::files;
use crate::system::paths;
use crate::text::secret_value::SecretText;
use crate::zenml::grammar;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes that a file may have which is named as an answer.
const LARGEST_VALUE: u64 = 1 << 20;

/// What an empty answer to the question for a value gets.
const EXPECTED_VALUE: &str =
    "a value cannot be empty: type it, or `@PATH` to read it from a file; press Ctrl-C to stop";

/// The person at the terminal.
pub(super) struct Prompter {
    pub keyboard: Box<dyn Keyboard>,
    /// Where files that are named as answers are taken from.
    pub cwd: PathBuf,
}

impl Prompter {
    /// Asks for what a need takes, and adds what was answered; false where nobody wants to go on.
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
                Some(Some(value)) => entries.push(NewKey { key, value: Some(value), replaces: required.exists }),
                Some(None) => {}
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// The keys of a secret that is spoken of as a whole.
    fn keys(&mut self, required: &RequiredKey<'_>, context: &mut Context<'_>) -> io::Result<Option<Vec<String>>> {
        let question = format!("Keys of secret `{}`, with blanks between: ", escape_control(&required.secret));
        loop {
            let Some(line) = self.read_line(&question, true, context)? else { return Ok(None) };
            let keys: BTreeSet<&str> = line.split_whitespace().collect();
            match keys.iter().find_map(|key| Some((key, grammar::key_error(key)?))) {
                Some((key, why)) => {
                    writeln!(
                        context.stderr.out,
                        "no reference can name the key `{}`, because {why}",
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

    /// One value: nothing where nobody wants to go on, nothing inside where the existing one is kept.
    #[expect(clippy::option_option, reason = "the two are different answers, and both are read at once")]
    fn value(
        &mut self,
        required: &RequiredKey<'_>,
        key: &str,
        context: &mut Context<'_>,
    ) -> io::Result<Option<Option<SecretText>>> {
        let name = format!("`{}.{}`", escape_control(&required.secret), escape_control(key));
        let question = if required.exists {
            format!("Value for secret {name} (Leave empty to use existing value): ")
        } else {
            format!("Value for secret {name}: ")
        };
        loop {
            let Some(line) = self.read_line(&question, false, context)? else { return Ok(None) };
            if line.is_empty() {
                if required.exists {
                    return Ok(Some(None));
                }
                writeln!(context.stderr.out, "{EXPECTED_VALUE}")?;
                continue;
            }
            match self.parse_answer(&line, context) {
                Ok(value) if value.expose().is_empty() => writeln!(context.stderr.out, "that file is empty")?,
                Ok(value) => return Ok(Some(Some(value))),
                Err(why) => writeln!(context.stderr.out, "{why}")?,
            }
        }
    }

    /// What an answer means: `@path` is the content of a file, `@@x` the text `@x`.
    fn parse_answer(&self, line: &str, context: &Context<'_>) -> Result<SecretText, String> {
        let Some(rest) = line.strip_prefix('@') else { return Ok(SecretText::new(line)) };
        if rest.starts_with('@') {
            return Ok(SecretText::new(rest));
        }
        let home = || context.env.get("HOME").map(PathBuf::from);
        let below_home = if rest == "~" { Some("") } else { rest.strip_prefix("~/") };
        let path = match below_home.and_then(|below| Some(home()?.join(below))) {
            Some(path) => path,
            None => paths::absolute(Path::new(rest), &self.cwd),
        };
        let cannot = |why: &str| format!("cannot take that file: {why}; a text that begins with @ is typed with @@");
        let bytes = files::read(&path, LARGEST_VALUE).map_err(|error| cannot(&io_message(&error)))?;
        std::str::from_utf8(&bytes).map(SecretText::new).map_err(|_| cannot("it is not UTF-8"))
    }

    /// A question of yes or no; nothing where nobody wants to go on.
    pub fn confirm(&mut self, question: &str, context: &mut Context<'_>) -> io::Result<Option<bool>> {
        let answer = self.read_line(question, true, context)?;
        Ok(answer.map(|answer| matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
    }

    /// One line; nothing where nobody wants to go on. What is typed is shown, or a mark that something was.
    fn read_line(
        &mut self,
        question: &str,
        shown: bool,
        context: &mut Context<'_>,
    ) -> io::Result<Option<Zeroizing<String>>> {
        loop {
            self.keyboard.begin()?;
            write!(context.stderr.out, "{question}")?;
            context.stderr.out.flush()?;
            let echo = shown.then_some(&mut *context.stderr.out as &mut dyn io::Write);
            let outcome = match self.keyboard.line(echo)? {
                LineEvent::Interrupted => {
                    writeln!(context.stderr.out)?;
                    return Ok(None);
                }
                LineEvent::Suspended | LineEvent::Resumed => continue,
                LineEvent::TooLong => "longer than 1 MiB, which no value may be",
                LineEvent::SeveralLines if shown => "that were several lines, and one is asked for",
                LineEvent::SeveralLines => {
                    "a value of several lines: put it into a file, and answer with `@` and its path"
                }
                LineEvent::Line(bytes) => match std::str::from_utf8(&bytes) {
                    Ok(text) => {
                        writeln!(context.stderr.out, "{}", if shown || text.is_empty() { "" } else { "***" })?;
                        return Ok(Some(Zeroizing::new(text.to_owned())));
                    }
                    Err(_) => "that is not UTF-8",
                },
            };
            writeln!(context.stderr.out, "\n{outcome}")?;
        }
    }
}
