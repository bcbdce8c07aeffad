//! Detects whether an existing file is a report, so that a new report may overwrite it.
//!
//! Only a complete report of the same format, exactly as stackref writes it, is recognized. A text
//! that quotes a finding is not a report, nor is a report that another tool appended to. Each
//! format is therefore read to its end. JSON fields of later versions are accepted, so that an
//! older stackref can overwrite the report of a newer one.

mod exact_values;
mod gitlab_shape;
mod human_lines;
mod junit_lines;
mod one_line_formats;
mod report_shape;
mod sarif_shape;

use super::{FAILURE, Format};
use crate::lint::rules;
use exact_values::DiscardedList;
use gitlab_shape::ParsedIssue;
use report_shape::ParsedReport;
use sarif_shape::ParsedSarifLog;
use serde::Deserialize;
use std::io::{self, BufRead, Read};

/// The most bytes of a line, so that a file without line breaks is not read into memory.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// Returns whether a file is an unchanged report that stackref wrote. An empty file is a report of
/// any format.
///
/// # Errors
/// Returns the reader's errors.
pub fn is_report(format: Format, mut file: impl BufRead) -> io::Result<bool> {
    if file.fill_buf()?.is_empty() {
        return Ok(true);
    }
    match format {
        Format::Json => is_json::<ParsedReport>(file),
        Format::Sarif => is_json::<ParsedSarifLog>(file),
        Format::Gitlab => is_json::<DiscardedList<ParsedIssue>>(file),
        Format::Short => all_lines(file, one_line_formats::is_short),
        Format::Github => all_lines(file, one_line_formats::is_github),
        Format::Human => human_lines::is_complete(file),
        Format::Junit => junit_lines::is_complete(file),
    }
}

fn is_json<T: for<'d> Deserialize<'d>>(file: impl Read) -> io::Result<bool> {
    match serde_json::from_reader::<_, T>(file) {
        Ok(_) => Ok(true),
        Err(error) if error.is_io() => Err(error.into()),
        Err(_) => Ok(false),
    }
}

/// Calls `accepts` for each line, without its line break, until it returns `false`.
///
/// Returns whether it accepted all lines. Also returns `false` if a line is not UTF-8, is too long,
/// or, at the end of the file, has no line break.
fn all_lines(mut file: impl BufRead, mut accepts: impl FnMut(&str) -> bool) -> io::Result<bool> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if file
            .by_ref()
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)?
            == 0
        {
            return Ok(true);
        }
        let text = line
            .strip_suffix(b"\n")
            .and_then(|line| std::str::from_utf8(line).ok());
        if !text.is_some_and(&mut accepts) {
            return Ok(false);
        }
    }
}

fn is_rule(name: &str) -> bool {
    rules::find(name).is_some()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the text after `error[rule]`, `warning[rule]` or `error[failure]`. Returns `None` if the
/// text does not begin with one of them.
fn after_title(text: &str) -> Option<&str> {
    let rest = text
        .strip_prefix("error[")
        .or_else(|| text.strip_prefix("warning["))?;
    let (rule, rest) = rest.split_once(']')?;
    (is_rule(rule) || rule == FAILURE).then_some(rest)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn only_complete_reports_are_recognized() {
        let human = "error[unknown-key] a › b › c [fixable]\n\n  × secret\n  │ `x` has no key\n    ╭─[p.yaml:4:27]\n  4 │  a: b\n    ·  ─\n    ╰────\n  help: did you mean\n        it?\n\n";
        let short = "a b:c.yaml:1:2: error[unknown-key]: x\n";
        let github = "::error file=a.yaml,line=1,endLine=1,col=2,endColumn=3,title=stackref[unknown-key]::x\n";
        for (format, text, expected) in [
            (Format::Human, "", true),
            (Format::Human, human, true),
            (Format::Human, &human.repeat(2), true),
            (Format::Human, &format!("{human}notes\n"), false),
            (Format::Human, &format!("notes\n{human}"), false),
            (Format::Human, &format!("{human}  notes\n"), false),
            (Format::Human, human.trim_end(), false),
            (
                Format::Human,
                "error[unknown-key] is what I want to write about\n",
                false,
            ),
            (Format::Human, &human.replace("unknown-key", "E0308"), false),
            (Format::Short, short, true),
            (Format::Short, &format!("{short}and more\n"), false),
            (Format::Short, short.trim_end(), false),
            (Format::Short, "x: error[unknown-key]: y\n", false),
            (Format::Short, "a.rs:1:2: error[E0308]: y\n", false),
            (Format::Github, github, true),
            (Format::Github, "::error title=stackref::x\n", true),
            (Format::Github, &format!("{github}echo done\n"), false),
            (Format::Github, "::error file=a,line=1::other tool\n", false),
            (
                Format::Github,
                &github.replace("stackref[", "other["),
                false,
            ),
            (Format::Gitlab, "[]\n", true),
            (Format::Gitlab, "[{\"description\": \"mine\"}]", false),
            (Format::Gitlab, "{}", false),
            (Format::Json, "{\"version\": 1, \"findings\": []}", false),
            (Format::Json, "[]", false),
            (
                Format::Sarif,
                "{\"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\"}",
                false,
            ),
            (
                Format::Junit,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"stackref\">\n",
                false,
            ),
        ] {
            assert_eq!(
                is_report(format, text.as_bytes()).unwrap(),
                expected,
                "{format:?}: {text}"
            );
        }
    }
}
