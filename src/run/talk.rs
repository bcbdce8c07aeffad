//! What is asked at a terminal, and what the answers mean.

use super::World;
use crate::error::plain_io;
use crate::excerpt::printable;
use crate::files;
use crate::inventory::Entry;
use crate::paths;
use crate::reference;
use crate::register::Need;
use crate::secret::SecretText;
use crate::terminal::{Keyboard, Typed};
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
pub(super) struct Talk {
    pub keyboard: Box<dyn Keyboard>,
    /// Where files that are named as answers are taken from.
    pub cwd: PathBuf,
}

impl Talk {
    /// Asks for what a need takes, and adds what was answered; false where nobody wants to go on.
    pub fn entries(&mut self, need: &Need<'_>, entries: &mut Vec<Entry>, world: &mut World<'_>) -> io::Result<bool> {
        let keys = match &need.key {
            Some(key) => vec![key.clone()],
            None => match self.keys(need, world)? {
                Some(keys) => keys,
                None => return Ok(false),
            },
        };
        for key in keys {
            match self.value(need, &key, world)? {
                Some(Some(value)) => entries.push(Entry { key, value: Some(value), replaces: need.exists }),
                Some(None) => {}
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// The keys of a secret that is spoken of as a whole.
    fn keys(&mut self, need: &Need<'_>, world: &mut World<'_>) -> io::Result<Option<Vec<String>>> {
        let question = format!("Keys of secret `{}`, with blanks between: ", printable(&need.secret));
        loop {
            let Some(line) = self.line(&question, true, world)? else { return Ok(None) };
            let keys: BTreeSet<&str> = line.split_whitespace().collect();
            match keys.iter().find_map(|key| Some((key, reference::unfit_key(key)?))) {
                Some((key, why)) => {
                    writeln!(world.stderr.out, "no reference can name the key `{}`, because {why}", printable(key))?;
                }
                None if keys.is_empty() => {
                    writeln!(
                        world.stderr.out,
                        "type the names of its keys, separated by spaces, or press Ctrl-C to stop"
                    )?;
                }
                None => return Ok(Some(keys.into_iter().map(str::to_owned).collect())),
            }
        }
    }

    /// One value: nothing where nobody wants to go on, nothing inside where the existing one is kept.
    #[expect(clippy::option_option, reason = "the two are different answers, and both are read at once")]
    fn value(&mut self, need: &Need<'_>, key: &str, world: &mut World<'_>) -> io::Result<Option<Option<SecretText>>> {
        let name = format!("`{}.{}`", printable(&need.secret), printable(key));
        let question = if need.exists {
            format!("Value for secret {name} (Leave empty to use existing value): ")
        } else {
            format!("Value for secret {name}: ")
        };
        loop {
            let Some(line) = self.line(&question, false, world)? else { return Ok(None) };
            if line.is_empty() {
                if need.exists {
                    return Ok(Some(None));
                }
                writeln!(world.stderr.out, "{EXPECTED_VALUE}")?;
                continue;
            }
            match self.meant(&line, world) {
                Ok(value) if value.expose().is_empty() => writeln!(world.stderr.out, "that file is empty")?,
                Ok(value) => return Ok(Some(Some(value))),
                Err(why) => writeln!(world.stderr.out, "{why}")?,
            }
        }
    }

    /// What an answer means: `@path` is the content of a file, `@@x` the text `@x`.
    fn meant(&self, line: &str, world: &World<'_>) -> Result<SecretText, String> {
        let Some(rest) = line.strip_prefix('@') else { return Ok(SecretText::new(line)) };
        if rest.starts_with('@') {
            return Ok(SecretText::new(rest));
        }
        let home = || world.env.get("HOME").map(PathBuf::from);
        let below_home = if rest == "~" { Some("") } else { rest.strip_prefix("~/") };
        let path = match below_home.and_then(|below| Some(home()?.join(below))) {
            Some(path) => path,
            None => paths::absolute(Path::new(rest), &self.cwd),
        };
        let cannot = |why: &str| format!("cannot take that file: {why}; a text that begins with @ is typed with @@");
        let bytes = files::read(&path, LARGEST_VALUE).map_err(|error| cannot(&plain_io(&error)))?;
        std::str::from_utf8(&bytes).map(SecretText::new).map_err(|_| cannot("it is not UTF-8"))
    }

    /// A question of yes or no; nothing where nobody wants to go on.
    pub fn confirm(&mut self, question: &str, world: &mut World<'_>) -> io::Result<Option<bool>> {
        let answer = self.line(question, true, world)?;
        Ok(answer.map(|answer| matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
    }

    /// One line; nothing where nobody wants to go on. What is typed is shown, or a mark that something was.
    fn line(&mut self, question: &str, shown: bool, world: &mut World<'_>) -> io::Result<Option<Zeroizing<String>>> {
        loop {
            self.keyboard.begin()?;
            write!(world.stderr.out, "{question}")?;
            world.stderr.out.flush()?;
            let echo = shown.then_some(&mut *world.stderr.out as &mut dyn io::Write);
            let again = match self.keyboard.line(echo)? {
                Typed::Interrupted => {
                    writeln!(world.stderr.out)?;
                    return Ok(None);
                }
                Typed::Suspended | Typed::Resumed => continue,
                Typed::TooLong => "longer than 1 MiB, which no value may be",
                Typed::SeveralLines if shown => "that were several lines, and one is asked for",
                Typed::SeveralLines => "a value of several lines: put it into a file, and answer with `@` and its path",
                Typed::Line(bytes) => match std::str::from_utf8(&bytes) {
                    Ok(text) => {
                        writeln!(world.stderr.out, "{}", if shown || text.is_empty() { "" } else { "***" })?;
                        return Ok(Some(Zeroizing::new(text.to_owned())));
                    }
                    Err(_) => "that is not UTF-8",
                },
            };
            writeln!(world.stderr.out, "\n{again}")?;
        }
    }
}
