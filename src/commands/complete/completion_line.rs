//! The words of a command line, as the completion scripts pass them.

use crate::cli::CompleteArgs;
use clap_complete::Shell;
use std::ffi::OsString;

/// A command line, with the words that stackref would receive.
pub(super) struct CompletionLine {
    pub words: Vec<OsString>,
    /// The index of the word to complete.
    pub index: usize,
    /// The beginning of that word which the shell treats as a separate word. Candidates are printed
    /// without it.
    pub typed_before: String,
}

impl CompletionLine {
    /// Reads the words that a script passes. Joins an option and its value, since bash splits
    /// `--level=none` at the equals sign.
    pub fn new(args: &CompleteArgs) -> Self {
        let mut line = Self {
            words: Vec::new(),
            index: 0,
            typed_before: String::new(),
        };
        let mut rest = args.words.iter().take(args.index + 1).peekable();
        while let Some(word) = rest.next() {
            let is_long = word.as_encoded_bytes().starts_with(b"--");
            let splits = args.shell == Shell::Bash
                && is_long
                && rest.peek().is_some_and(|next| *next == "=");
            if !splits {
                line.words.push(word.clone());
                line.typed_before.clear();
                continue;
            }
            rest.next();
            let mut joined = word.clone();
            joined.push("=");
            line.typed_before = joined.to_string_lossy().into_owned();
            joined.push(rest.next().cloned().unwrap_or_default());
            line.words.push(joined);
        }
        if args.words.len() <= args.index {
            line.words.push(OsString::new());
        }
        line.index = line.words.len() - 1;
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(shell: Shell, words: &[&str], index: usize) -> (Vec<String>, String) {
        let words = words.iter().map(OsString::from).collect();
        let line = CompletionLine::new(&CompleteArgs {
            shell,
            index,
            words,
        });
        (
            line.words
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
            line.typed_before,
        )
    }

    #[test]
    fn words_that_bash_splits_are_joined() {
        let (words, before) = line(Shell::Bash, &["stackref", "check", "--level", "=", "no"], 4);
        assert_eq!(
            (words.join(" ").as_str(), before.as_str()),
            ("stackref check --level=no", "--level=")
        );
        let (words, before) = line(Shell::Bash, &["stackref", "check", "--level", "="], 3);
        assert_eq!(
            (words.join(" ").as_str(), before.as_str()),
            ("stackref check --level=", "--level=")
        );
        let (words, before) = line(
            Shell::Bash,
            &["stackref", "check", "--level", "=", "none", ""],
            5,
        );
        assert_eq!(
            (words.join(" ").as_str(), before.as_str()),
            ("stackref check --level=none ", "")
        );
        assert_eq!(
            line(Shell::Zsh, &["stackref", "check", "--level=no"], 2).1,
            ""
        );
        assert_eq!(line(Shell::Zsh, &["stackref"], 1).0, ["stackref", ""]);
        assert_eq!(
            line(Shell::Fish, &["stackref", "che", "x"], 1).0,
            ["stackref", "che"]
        );
    }
}
