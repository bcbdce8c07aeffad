//! `--format` and `--output`: which reports a run writes, and where.
//!
//! An output has the format next to it on the command line, or else the format of its file
//! extension. The reports themselves are written in `output`.

use super::headings::OUTPUT as HEADING;
use crate::output::Format;
use crate::text::escape::escape_control;
use clap::builder::EnumValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum as _, ValueHint};
use std::path::{Path, PathBuf};

/// The reports that a run writes.
#[derive(Clone, Debug, Default)]
pub struct Reports {
    /// The format on standard output.
    pub stdout: Format,
    /// The files to write, each with its format.
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
                    .help_heading(HEADING)
                    .help("Output format [default: human]"),
            )
            .arg(
                Arg::new(OUTPUT)
                    .long(OUTPUT)
                    .short('o')
                    .value_name("FILE")
                    .action(ArgAction::Append)
                    .value_parser(clap::value_parser!(PathBuf))
                    .value_hint(ValueHint::FilePath)
                    .help_heading(HEADING)
                    .help("Write a report to this file (repeatable)")
                    .long_help(
                        "Write a report to this file (repeatable)\n\nThe format is the `--format` next to it, for example \
                         `--format gitlab -o report.json`. Otherwise it depends on the extension: .json, .sarif, .xml (junit) \
                         or .txt (human). `-` is standard output. If all reports go to files, a human report is still \
                         printed.",
                    ),
            )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Reports {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        pair_outputs(&words_in_order(matches))
            .map_err(|message| clap::Error::raw(ErrorKind::ArgumentConflict, message))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// A `--format` or an `--output` on the command line.
enum Word<'m> {
    Format(Format),
    Output(&'m Path),
}

/// Returns all values of `--format` and `--output` in the order of the command line.
fn words_in_order(matches: &ArgMatches) -> Vec<Word<'_>> {
    let indices = |name| matches.indices_of(name).into_iter().flatten();
    let formats = matches.get_many::<Format>(FORMAT).into_iter().flatten();
    let outputs = matches.get_many::<PathBuf>(OUTPUT).into_iter().flatten();
    let formats = formats.map(|format| Word::Format(*format));
    let outputs = outputs.map(|file| Word::Output(file));
    let mut words: Vec<(usize, Word<'_>)> = indices(FORMAT).zip(formats).collect();
    words.extend(indices(OUTPUT).zip(outputs));
    words.sort_by_key(|(index, _)| *index);
    words.into_iter().map(|(_, word)| word).collect()
}

/// Pairs outputs with formats: each output with the unpaired format before it, else with the one
/// after it, else with the format of its extension. A format between two outputs belongs to the
/// second one if the extension of the first one implies a format. A format without an output goes
/// to standard output.
///
/// # Errors
/// Two reports would go to standard output, or an output has no format.
fn pair_outputs(mut words: &[Word<'_>]) -> Result<Reports, String> {
    use Word::{Format, Output};
    let mut reports = PairedReports::default();
    loop {
        words = match words {
            [Format(format), Output(file), rest @ ..] => {
                reports.add(*format, file)?;
                rest
            }
            [Output(file), Format(format), rest @ ..]
                if !matches!(rest, [Output(_), ..]) || format_from_extension(file).is_none() =>
            {
                reports.add(*format, file)?;
                rest
            }
            [Output(file), rest @ ..] => {
                reports.add_by_extension(file)?;
                rest
            }
            [Format(format), rest @ ..] => {
                reports.add_stdout(*format)?;
                rest
            }
            [] => break,
        };
    }
    Ok(Reports {
        stdout: reports.stdout.unwrap_or_default(),
        files: reports.files,
    })
}

/// The reports that are paired so far.
#[derive(Default)]
struct PairedReports {
    stdout: Option<Format>,
    files: Vec<(Format, PathBuf)>,
}

impl PairedReports {
    fn add(&mut self, format: Format, file: &Path) -> Result<(), String> {
        if file.as_os_str() == "-" {
            return self.add_stdout(format);
        }
        self.files.push((format, file.to_path_buf()));
        Ok(())
    }

    fn add_stdout(&mut self, format: Format) -> Result<(), String> {
        match self.stdout.replace(format) {
            Some(other) => Err(format!(
                "`--format {}` and `--format {}` cannot both go to standard output: give one an `--output FILE`",
                name(other),
                name(format)
            )),
            None => Ok(()),
        }
    }

    fn add_by_extension(&mut self, file: &Path) -> Result<(), String> {
        let format = format_from_extension(file).ok_or_else(|| {
            let file = escape_control(&file.display().to_string());
            format!(
                "cannot determine the format of `{file}` from its extension: use `--format FORMAT --output {file}`, for \
                 example with `--format human`"
            )
        })?;
        self.add(format, file)
    }
}

/// Returns the format that the extension of a file implies, or `None` for an unknown one. Streams
/// get the human report.
fn format_from_extension(file: &Path) -> Option<Format> {
    if file.as_os_str() == "-" || file.starts_with("/dev") {
        return Some(Format::Human);
    }
    match lowercase_extension(file)?.as_str() {
        // Code scanning tools also name their files `x.sarif.json`.
        "json"
            if lowercase_extension(Path::new(file.file_stem()?))
                .is_some_and(|inner| inner == "sarif") =>
        {
            Some(Format::Sarif)
        }
        "json" => Some(Format::Json),
        "sarif" => Some(Format::Sarif),
        "xml" => Some(Format::Junit),
        "txt" => Some(Format::Human),
        _ => None,
    }
}

fn lowercase_extension(file: &Path) -> Option<String> {
    file.extension()
        .and_then(|text| text.to_str())
        .map(str::to_ascii_lowercase)
}

/// Returns the name of a format on the command line.
fn name(format: Format) -> String {
    format
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Reports, String> {
        let command = Reports::augment_args(Command::new("x"));
        let matches = command.try_get_matches_from(
            std::iter::once("x").chain(words.split(' ').filter(|word| !word.is_empty())),
        );
        Reports::from_arg_matches(&matches.unwrap()).map_err(|error| error.to_string())
    }

    /// Returns the format on standard output, and the files with their formats.
    fn read(words: &str) -> (Format, Vec<(Format, String)>) {
        let reports = parse(words).unwrap();
        let files = reports
            .files
            .into_iter()
            .map(|(format, file)| (format, file.display().to_string()));
        (reports.stdout, files.collect())
    }

    #[test]
    fn adjacent_formats_and_outputs_are_paired() {
        let (human, json, sarif) = (Format::Human, Format::Json, Format::Sarif);
        assert_eq!(read(""), (human, vec![]));
        assert_eq!(read("--format json"), (json, vec![]));
        assert_eq!(
            read("--format json --output a"),
            (human, vec![(json, "a".into())])
        );
        assert_eq!(
            read("--output a --format json"),
            (human, vec![(json, "a".into())])
        );
        assert_eq!(read("-o a.txt"), (human, vec![(human, "a.txt".into())]));
        assert_eq!(
            read("-o a.json -o b.SARIF"),
            (
                human,
                vec![(json, "a.json".into()), (sarif, "b.SARIF".into())]
            )
        );
        assert_eq!(
            read("-o a.sarif.json -o -"),
            (human, vec![(sarif, "a.sarif.json".into())])
        );
        assert_eq!(
            read("-o a.xml --format json -o -"),
            (json, vec![(Format::Junit, "a.xml".into())])
        );
        assert_eq!(
            read("--format json -o a.txt"),
            (human, vec![(json, "a.txt".into())])
        );
        assert_eq!(
            read("-o /dev/stderr"),
            (human, vec![(human, "/dev/stderr".into())])
        );
        assert_eq!(read("--format json -o -"), (json, vec![]));
        assert_eq!(
            read("--format json -o a --format sarif"),
            (sarif, vec![(json, "a".into())])
        );
        assert_eq!(
            read("--format json -o a --format sarif -o b"),
            (human, vec![(json, "a".into()), (sarif, "b".into())])
        );
    }

    #[test]
    fn ambiguous_formats_are_refused() {
        assert!(parse("--format json --format sarif").is_err());
        assert!(parse("--format json -o - -o -").is_err());
        for words in [
            "-o a",
            "-o a.json -o b",
            "-o .json",
            "-o report.html",
            "-o a.yaml --format json -o b",
        ] {
            let error = parse(words).unwrap_err();
            assert!(
                error.contains("--format") && error.contains("extension"),
                "{words}: {error}"
            );
        }
    }
}
