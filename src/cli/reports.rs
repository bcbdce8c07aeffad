//! `--format` and `--output`, which come in pairs: each file gets the format beside it on the command line.

use crate::report::Format;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum as _, builder::EnumValueParser};
use std::path::PathBuf;

/// Where which format goes.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    /// What goes to standard output.
    pub stdout: Format,
    /// What goes to files.
    pub files: Vec<(Format, PathBuf)>,
}

const FORMAT: &str = "format";
const OUTPUT: &str = "output";

impl Args for Reports {
    fn augment_args(command: Command) -> Command {
        command
            .arg(
                Arg::new(FORMAT)
                    .long(FORMAT)
                    .value_name("FORMAT")
                    .action(ArgAction::Append)
                    .value_parser(EnumValueParser::<Format>::new())
                    .help("How to write findings; human, if nothing is said"),
            )
            .arg(
                Arg::new(OUTPUT)
                    .long(OUTPUT)
                    .short('o')
                    .value_name("FILE")
                    .action(ArgAction::Append)
                    .value_parser(clap::value_parser!(PathBuf))
                    .help("Write the format beside it to a file, and keep a human report on the terminal; repeatable, as in `--format sarif --output a.sarif --format junit --output b.xml`"),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Reports {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let formats =
            places(matches, FORMAT, |matches| matches.get_many::<Format>(FORMAT).map(|all| all.copied().collect()));
        let outputs =
            places(matches, OUTPUT, |matches| matches.get_many::<PathBuf>(OUTPUT).map(|all| all.cloned().collect()));
        pair(formats, outputs).map_err(|message| clap::Error::raw(ErrorKind::ArgumentConflict, message))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The values of an argument, each with its place on the command line.
fn places<T>(matches: &ArgMatches, name: &str, values: impl Fn(&ArgMatches) -> Option<Vec<T>>) -> Vec<(usize, T)> {
    matches.indices_of(name).into_iter().flatten().zip(values(matches).unwrap_or_default()).collect()
}

/// Pairs each output with the format next to it that has none yet: the one before, else the one behind.
fn pair(formats: Vec<(usize, Format)>, outputs: Vec<(usize, PathBuf)>) -> Result<Reports, String> {
    let mut words: Vec<(usize, Result<Format, PathBuf>)> =
        formats.into_iter().map(|(at, format)| (at, Ok(format))).collect();
    words.extend(outputs.into_iter().map(|(at, file)| (at, Err(file))));
    words.sort_by_key(|(at, _)| *at);
    let (mut alone, mut waiting): (Option<Format>, Option<PathBuf>) = (None, None);
    let mut stdout = None;
    let mut files: Vec<(Format, PathBuf)> = Vec::new();
    let take = |stdout: &mut Option<Format>, format: Format| match stdout.replace(format) {
        Some(other) => Err(format!(
            "`--format {}` and `--format {}` cannot both go to standard output: give one an `--output FILE`",
            name(other),
            name(format)
        )),
        None => Ok(()),
    };
    for (_, word) in words {
        match word {
            Ok(format) => match waiting.take() {
                Some(file) => files.push((format, file)),
                None => alone.replace(format).map_or(Ok(()), |earlier| take(&mut stdout, earlier))?,
            },
            Err(file) => match alone.take() {
                Some(format) => files.push((format, file)),
                None => {
                    if let Some(earlier) = waiting.replace(file) {
                        return Err(format!("`--output {}` has no `--format` beside it", earlier.display()));
                    }
                }
            },
        }
    }
    if let Some(format) = alone {
        take(&mut stdout, format)?;
    }
    files.extend(waiting.map(|file| (Format::Human, file)));
    let dash = |(_, file): &(Format, PathBuf)| file.as_os_str() == "-";
    for (format, _) in files.extract_if(.., |pair| dash(pair)) {
        take(&mut stdout, format)?;
    }
    Ok(Reports { stdout: stdout.unwrap_or_default(), files })
}

/// The word for a format.
fn name(format: Format) -> String {
    format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn of(words: &str) -> Result<Reports, String> {
        let command = Reports::augment_args(Command::new("x"));
        let matches =
            command.try_get_matches_from(std::iter::once("x").chain(words.split(' ').filter(|word| !word.is_empty())));
        Reports::from_arg_matches(&matches.unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn formats_and_outputs_that_stand_together_are_pairs() {
        let read = |words: &str| {
            let reports = of(words).unwrap();
            (
                reports.stdout,
                reports
                    .files
                    .into_iter()
                    .map(|(format, file)| (format, file.display().to_string()))
                    .collect::<Vec<_>>(),
            )
        };
        let (human, json, sarif) = (Format::Human, Format::Json, Format::Sarif);
        assert_eq!(read(""), (human, vec![]));
        assert_eq!(read("--format json"), (json, vec![]));
        assert_eq!(read("--format json --output a"), (human, vec![(json, "a".into())]));
        assert_eq!(read("--output a --format json"), (human, vec![(json, "a".into())]));
        assert_eq!(read("-o a"), (human, vec![(human, "a".into())]));
        assert_eq!(read("--format json -o -"), (json, vec![]));
        assert_eq!(read("--format json -o a --format sarif"), (sarif, vec![(json, "a".into())]));
        assert_eq!(
            read("--format json -o a --format sarif -o b"),
            (human, vec![(json, "a".into()), (sarif, "b".into())])
        );
        assert!(of("--format json --format sarif").is_err());
        assert!(of("-o a -o b").is_err());
    }
}
