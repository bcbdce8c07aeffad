//! Finds the code that a shell gets: `bash -c CODE`, `eval CODE`, `ssh HOST CODE`.

/// The code that a program runs as a shell does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeSource {
    /// One word.
    Word(usize),
    /// All words from an index on, joined with spaces.
    Words(usize),
    /// The standard input: a here-document or a here-string.
    StandardInput,
    /// A file.
    File,
}

/// The options of `ssh` that take the next word.
const SSH_VALUES: &str = "bcDEeFIiJLlmOopQRSWw";

/// Returns the code that a program runs. `from` is the index of its first argument. Returns `None`
/// if the program is not a shell.
pub(super) fn code_source(name: &str, words: &[&str], from: usize) -> Option<CodeSource> {
    match name {
        "sh" | "bash" | "zsh" | "dash" | "ksh" | "ash" | "mksh" | "rbash" | "$SHELL"
        | "${SHELL}" | "$BASH" | "$(SHELL)" => Some(shell_code(words, from)),
        "busybox" if matches!(words.get(from), Some(&"sh" | &"ash")) => {
            Some(shell_code(words, from + 1))
        }
        "su" | "runuser" => Some(user_shell_code(words, from)),
        "eval" => Some(CodeSource::Words(
            from + usize::from(words.get(from) == Some(&"--")),
        )),
        "trap" => Some(CodeSource::Word(from)),
        "watch" => Some(CodeSource::Words(skip_options(words, from, "nq"))),
        "ssh" => {
            let command = skip_options(words, from, SSH_VALUES) + 1;
            Some(if command < words.len() {
                CodeSource::Words(skip_options(words, command, ""))
            } else {
                CodeSource::StandardInput
            })
        }
        _ => None,
    }
}

/// Returns the code of a shell with options such as `-lc`, `-euo pipefail` or `-s`.
fn shell_code(words: &[&str], from: usize) -> CodeSource {
    let (mut has_code, mut reads_input) = (false, false);
    let mut at = from;
    while let Some(word) = words.get(at) {
        let is_option = word.len() > 1 && word.starts_with(['-', '+']);
        if !is_option || *word == "--" {
            break;
        }
        at += 1;
        if word.starts_with("--") {
            at += usize::from(matches!(*word, "--rcfile" | "--init-file"));
            continue;
        }
        has_code |= word.starts_with('-') && word.contains('c');
        reads_input |= word.contains('s');
        // The name of a setting follows `-o`.
        at += usize::from(word.ends_with(['o', 'O']));
    }
    at += usize::from(matches!(words.get(at), Some(&"--" | &"-")));
    match words.get(at) {
        Some(_) if has_code => CodeSource::Word(at),
        Some(&"/dev/stdin") => CodeSource::StandardInput,
        Some(_) if !reads_input => CodeSource::File,
        _ => CodeSource::StandardInput,
    }
}

/// Returns the code of `su USER -c CODE`, in which options may follow the user.
fn user_shell_code(words: &[&str], from: usize) -> CodeSource {
    let mut at = from;
    while let Some(word) = words.get(at) {
        let is_cluster = word.starts_with('-') && !word.starts_with("--");
        if *word == "--command" || (is_cluster && word.ends_with('c')) {
            return CodeSource::Word(at + 1);
        }
        at += 1;
    }
    CodeSource::StandardInput
}

/// Returns the index after options. `with_value` are the letters of those that take the next word.
fn skip_options(words: &[&str], mut at: usize, with_value: &str) -> usize {
    while let Some(option) = words
        .get(at)
        .filter(|word| word.len() > 1 && word.starts_with('-'))
    {
        at += 1;
        if *option == "--" {
            break;
        }
        let is_short = option.len() == 2;
        at += usize::from(is_short && option.ends_with(|c| with_value.contains(c)));
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_an_argument_or_the_standard_input() {
        for (line, source) in [
            ("bash -c CODE arg", CodeSource::Word(2)),
            ("sh -lc CODE", CodeSource::Word(2)),
            ("bash -euo pipefail -c CODE", CodeSource::Word(4)),
            ("bash --login -c -- CODE", CodeSource::Word(4)),
            ("bash", CodeSource::StandardInput),
            ("sh -s arg", CodeSource::StandardInput),
            ("bash -", CodeSource::StandardInput),
            ("bash /dev/stdin", CodeSource::StandardInput),
            ("bash script.sh", CodeSource::File),
            ("su - user -c CODE", CodeSource::Word(4)),
            ("su -c CODE user", CodeSource::Word(2)),
            ("su user", CodeSource::StandardInput),
            ("eval CODE x", CodeSource::Words(1)),
            ("ssh -p 22 host zenml x", CodeSource::Words(4)),
            ("ssh -t host", CodeSource::StandardInput),
            ("trap CODE EXIT", CodeSource::Word(1)),
            ("watch -n 5 zenml x", CodeSource::Words(3)),
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            let name = words.first().copied().unwrap_or_default();
            assert_eq!(code_source(name, &words, 1), Some(source), "{line}");
        }
        assert_eq!(code_source("cat", &["cat", "-c"], 1), None);
    }
}
