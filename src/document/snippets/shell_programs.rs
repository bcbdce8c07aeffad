//! Recognises the programs that run code: shells, and interpreters of other languages.

/// The programs that read the language of a shell.
const SHELLS: [&str; 10] = [
    "sh", "bash", "zsh", "dash", "ash", "ksh", "mksh", "busybox", "rbash", "bats",
];

/// The programs that read another language.
#[rustfmt::skip]
const OTHER_INTERPRETERS: [&str; 26] = [
    "python", "pypy", "ipython", "pwsh", "powershell", "cmd", "node", "nodejs", "deno", "bun", "ruby", "perl", "php",
    "lua", "julia", "Rscript", "R", "nu", "xonsh", "awk", "gawk", "tclsh", "expect", "osascript", "groovy", "elvish",
];

/// The language that a program reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProgramLanguage {
    /// The language of a shell.
    Shell,
    /// Another language.
    Other,
}

/// Returns the language of the program that a command starts, for example `bash -e {0}`,
/// `/usr/bin/env python3` or `nix develop -c bash`. Returns `None` if no word is a known program.
pub(super) fn program_language<'w>(
    command: impl IntoIterator<Item = &'w str>,
) -> Option<ProgramLanguage> {
    command.into_iter().find_map(|word| {
        let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
        let name = name.strip_suffix(".exe").unwrap_or(name);
        let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        if SHELLS.contains(&name) {
            Some(ProgramLanguage::Shell)
        } else if OTHER_INTERPRETERS.contains(&unversioned) {
            Some(ProgramLanguage::Other)
        } else {
            None
        }
    })
}

/// Returns the language of a text that begins with a shebang, such as `#!/usr/bin/env bash`.
/// Returns `None` without a shebang, or if its program is unknown.
pub(super) fn shebang_language(text: &str) -> Option<ProgramLanguage> {
    let line = text.strip_prefix("#!")?.lines().next()?;
    program_language(line.split_ascii_whitespace())
}

/// Returns whether a file begins with the shebang of a shell.
pub(in crate::document) fn has_shell_shebang(text: &str) -> bool {
    shebang_language(text) == Some(ProgramLanguage::Shell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_recognized_in_commands() {
        let cases = [
            ("bash", Some(ProgramLanguage::Shell)),
            ("/bin/bash -eo pipefail -c", Some(ProgramLanguage::Shell)),
            (
                "nix develop --command bash -e {0}",
                Some(ProgramLanguage::Shell),
            ),
            ("python", Some(ProgramLanguage::Other)),
            ("python3.11 -c", Some(ProgramLanguage::Other)),
            ("uv run python {0}", Some(ProgramLanguage::Other)),
            (
                r"C:\Windows\System32\cmd.exe /S /C",
                Some(ProgramLanguage::Other),
            ),
            ("micromamba-shell {0}", None),
            ("${_}", None),
            ("", None),
        ];
        for (command, expected) in cases {
            let words = command.split_ascii_whitespace();
            assert_eq!(program_language(words), expected, "{command}");
        }
    }

    #[test]
    fn only_the_shebang_of_a_shell_is_recognized() {
        for text in [
            "#!/bin/sh",
            "#!/usr/bin/env bash\nx",
            "#! /bin/zsh -f\r\n",
            "#!/usr/bin/env -S bash -euo pipefail",
        ] {
            assert!(has_shell_shebang(text), "{text}");
        }
        for text in [
            "#!/usr/bin/env python3",
            "#!/usr/bin/env -S uv run --script",
            "# bash",
            "\n#!/bin/sh",
            "#!",
            "",
        ] {
            assert!(!has_shell_shebang(text), "{text}");
        }
    }
}
