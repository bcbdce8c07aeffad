//! The style of a stream: color, width, character set and links. It depends on `--color`, the
//! environment, and whether the stream is a terminal. The colors themselves are in `output::style`.

use crate::cli::Color;
use crate::output::style::OutputStyle;
use crate::system::environment::Environment;
use crate::workspace::context::{Context, DEFAULT_WIDTH, Stream};

impl Context<'_> {
    /// Returns the style of standard output.
    pub(crate) fn stdout_style(&self, color: Color) -> OutputStyle {
        output_style(&self.stdout, color, self.env.as_ref())
    }

    /// Returns the style of standard error.
    pub(crate) fn stderr_style(&self, color: Color) -> OutputStyle {
        output_style(&self.stderr, color, self.env.as_ref())
    }
}

/// Returns the style of a stream.
pub(super) fn output_style(
    stream: &Stream<'_>,
    color: Color,
    env: &dyn Environment,
) -> OutputStyle {
    let is_terminal = stream.columns.is_some();
    let color = has_color(color, is_terminal, env);
    OutputStyle {
        color,
        width: stream.columns.unwrap_or(DEFAULT_WIDTH),
        ascii: is_ascii(env),
        links: color && is_terminal && !is_dumb(env),
    }
}

/// Returns whether a stream is colored. `NO_COLOR` (no-color.org), `CLICOLOR` and `CLICOLOR_FORCE`
/// (bixense.com/clicolors) and `FORCE_COLOR` (force-color.org) work as specified there. In
/// addition, `FORCE_COLOR` disables color with `0` or `false`, as in Node.js.
fn has_color(color: Color, is_terminal: bool, env: &dyn Environment) -> bool {
    let value = |name: &str| env.get(name).filter(|value| !value.is_empty());
    match color {
        Color::Always => return true,
        Color::Never => return false,
        Color::Auto => {}
    }
    if value("NO_COLOR").is_some() {
        return false;
    }
    if value("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    if let Some(value) = value("FORCE_COLOR") {
        return value != "0" && !value.eq_ignore_ascii_case("false");
    }
    is_terminal && !is_dumb(env) && value("CLICOLOR").is_none_or(|value| value != "0")
}

/// Returns whether the terminal supports no escape sequences.
fn is_dumb(env: &dyn Environment) -> bool {
    env.get("TERM").is_some_and(|term| term == "dumb")
}

/// Returns whether the locale has an encoding other than UTF-8. Without a locale, POSIX assumes
/// `C`, but stackref assumes UTF-8: CI jobs, containers and pipes often have no locale, and the
/// readers of their output expect UTF-8.
fn is_ascii(env: &dyn Environment) -> bool {
    let variables = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
    let locale = variables
        .filter_map(|name| env.get(name))
        .find(|value| !value.is_empty());
    locale.is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        !locale.contains("utf-8") && !locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use std::ffi::OsString;

    struct Variables(HashMap<&'static str, &'static str>);

    impl Environment for Variables {
        fn get(&self, name: &str) -> Option<OsString> {
            self.0.get(name).map(OsString::from)
        }

        fn names(&self) -> Vec<OsString> {
            self.0.keys().map(OsString::from).collect()
        }
    }

    /// Returns the style in a terminal, and of a stream that is not a terminal.
    fn styles(color: Color, variables: &[(&'static str, &'static str)]) -> [OutputStyle; 2] {
        let env = Variables(variables.iter().copied().collect());
        [Some(80), None].map(|terminal| {
            output_style(
                &Stream {
                    out: &mut Vec::new(),
                    columns: terminal,
                },
                color,
                &env,
            )
        })
    }

    #[test]
    fn color_depends_on_flag_then_environment_then_terminal() {
        for (variables, expected) in [
            (&[][..], [true, false]),
            (&[("NO_COLOR", "1")], [false, false]),
            (&[("NO_COLOR", "")], [true, false]),
            (&[("CLICOLOR_FORCE", "1")], [true, true]),
            (&[("CLICOLOR_FORCE", "0")], [true, false]),
            (&[("FORCE_COLOR", "1")], [true, true]),
            (&[("FORCE_COLOR", "3")], [true, true]),
            (&[("FORCE_COLOR", "true")], [true, true]),
            (&[("FORCE_COLOR", "")], [true, false]),
            (&[("FORCE_COLOR", "0")], [false, false]),
            (&[("FORCE_COLOR", "false")], [false, false]),
            (&[("FORCE_COLOR", "False")], [false, false]),
            (&[("CLICOLOR", "0")], [false, false]),
            (&[("CLICOLOR", "1")], [true, false]),
            (&[("CLICOLOR", "")], [true, false]),
            (&[("TERM", "dumb")], [false, false]),
            (&[("TERM", "xterm")], [true, false]),
            (
                &[
                    ("NO_COLOR", "1"),
                    ("CLICOLOR_FORCE", "1"),
                    ("FORCE_COLOR", "1"),
                ],
                [false, false],
            ),
            (&[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")], [true, true]),
            (&[("CLICOLOR", "0"), ("FORCE_COLOR", "1")], [true, true]),
            (
                &[("CLICOLOR_FORCE", "1"), ("FORCE_COLOR", "0")],
                [true, true],
            ),
            (&[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], [true, true]),
        ] {
            assert_eq!(
                styles(Color::Auto, variables).map(|style| style.color),
                expected,
                "{variables:?}"
            );
        }
        let disabled = [
            ("NO_COLOR", "1"),
            ("CLICOLOR", "0"),
            ("FORCE_COLOR", "0"),
            ("TERM", "dumb"),
        ];
        assert_eq!(
            styles(Color::Always, &disabled).map(|style| style.color),
            [true, true]
        );
        let forced = [("CLICOLOR_FORCE", "1"), ("FORCE_COLOR", "1")];
        assert_eq!(
            styles(Color::Never, &forced).map(|style| style.color),
            [false, false]
        );
    }

    #[test]
    fn links_require_color_and_a_terminal_with_escapes() {
        for (color, variables, expected) in [
            (Color::Auto, &[][..], [true, false]),
            (Color::Always, &[], [true, false]),
            (Color::Always, &[("TERM", "dumb")], [false, false]),
            (Color::Never, &[], [false, false]),
        ] {
            assert_eq!(
                styles(color, variables).map(|style| style.links),
                expected,
                "{color:?} {variables:?}"
            );
        }
    }

    #[test]
    fn locale_without_utf_8_is_ascii() {
        for (variables, expected) in [
            (&[][..], false),
            (&[("LANG", "C")], true),
            (&[("LANG", "POSIX")], true),
            (&[("LANG", "en_US.ISO-8859-1")], true),
            (&[("LANG", "en_US")], true),
            (&[("LANG", "C.UTF-8")], false),
            (&[("LANG", "en_US.utf8")], false),
            (&[("LANG", "")], false),
            (&[("LANG", "en_US.UTF-8"), ("LC_CTYPE", "C")], true),
            (&[("LANG", "C"), ("LC_CTYPE", "C.UTF-8")], false),
            (
                &[("LANG", "C"), ("LC_CTYPE", "C"), ("LC_ALL", "C.UTF-8")],
                false,
            ),
            (
                &[
                    ("LANG", "C.UTF-8"),
                    ("LC_CTYPE", "C.UTF-8"),
                    ("LC_ALL", "C"),
                ],
                true,
            ),
            (&[("LANG", "C"), ("LC_ALL", "")], true),
        ] {
            assert_eq!(
                styles(Color::Auto, variables)[0].ascii,
                expected,
                "{variables:?}"
            );
        }
    }
}
