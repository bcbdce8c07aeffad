//! Limits phrases that make the comments, messages and pages of the project hard to read.
//!
//! Each limit counts the matches of a pattern per 10,000 words of the comments and string literals
//! below `src/`, the pages below `docs/`, and the pages at the top of the project. Unit tests, code
//! blocks and inline code do not count. For example, "what is not a number" matches the first
//! pattern: write "a value that is not a number".

use crate::support::{files_below, project};
use regex_lite::{Regex, RegexBuilder};

/// A pattern of words, without regard to case, and how often it may match per 10,000 words.
struct Limit {
    name: &'static str,
    per_10_000: f64,
    pattern: &'static str,
    /// Whether a match does not count, by the text before it and the match itself.
    is_exception: fn(&str, &str) -> bool,
}

fn no_exception(_: &str, _: &str) -> bool {
    false
}

/// "There is no file", "it is no longer" and "it is no more" are plain English.
fn is_plain_negation(before: &str, found: &str) -> bool {
    let object = found.rsplit(' ').next().unwrap_or_default().to_lowercase();
    before.to_lowercase().ends_with("there ") || object.starts_with("longer") || object == "more"
}

const LIMITS: [Limit; 6] = [
    Limit {
        name: "headless clause (what is, whatever, whoever)",
        per_10_000: 8.0,
        pattern: r"\b(?:what (?:is|was|it|a|the|they|stands?|comes?|no|cannot|could|must|may|has|goes|stackref)|whatever|whoever|that which)\b",
        is_exception: no_exception,
    },
    Limit {
        name: "stand, hold",
        per_10_000: 4.0,
        pattern: r"\b(?:stands?|standing|stood|holds?|held)\b",
        is_exception: no_exception,
    },
    Limit {
        name: "say, tell, speak, hear",
        per_10_000: 14.0,
        pattern: r"\b(?:said|says?|saying|told|tells?|untold|speaks?|spoken|spoke|hears?|heard|heed)\b",
        is_exception: no_exception,
    },
    Limit {
        name: "is none, is no X",
        per_10_000: 4.0,
        pattern: r"\b(?:is|are|be|was) (?:none\b|no \w+)",
        is_exception: is_plain_negation,
    },
    Limit {
        name: "mend, lacking, beside, nobody",
        per_10_000: 2.0,
        pattern: r"\b(?:mend(?:s|ed|ing)?|lacks?|lacking|beside|nobody|somebody)\b",
        is_exception: no_exception,
    },
    Limit {
        name: "behind (for after)",
        per_10_000: 3.0,
        pattern: r"\bbehind\b",
        is_exception: no_exception,
    },
];

/// How many matches of a pattern over its limit are printed.
const SHOWN: usize = 20;

/// A line of text that a person reads, without the code around it.
struct Line {
    file: String,
    number: usize,
    text: String,
}

fn regex(pattern: &str) -> Regex {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .build()
        .unwrap()
}

/// Returns the comments and the string literals with a space of each line of a source, without its
/// unit tests.
fn rust(source: &str) -> Vec<String> {
    let unit_tests = regex(r"#\[cfg\(test\)\]\s*mod tests \{");
    let literal = regex(r#""((?:[^"\\]|\\.)*)""#);
    let source = unit_tests
        .find(source)
        .map_or(source, |found| &source[..found.start()]);
    source
        .lines()
        .map(|line| comment(line).unwrap_or_else(|| literals(line, &literal)))
        .collect()
}

/// Returns the text of a line that is a comment.
fn comment(line: &str) -> Option<String> {
    let comment = line.trim_start().strip_prefix("//")?;
    Some(
        comment
            .strip_prefix(['/', '!'])
            .unwrap_or(comment)
            .to_owned(),
    )
}

/// Returns the string literals of a line that are more than one word.
fn literals(line: &str, literal: &Regex) -> String {
    let literals = literal.captures_iter(line).map(|found| found[1].to_owned());
    literals
        .filter(|literal| literal.contains(' '))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns the lines of a page, empty inside code blocks, and without inline code.
fn markdown(page: &str) -> Vec<String> {
    let inline_code = regex("`[^`]*`");
    let mut is_code = false;
    let text = |line: &str| {
        is_code ^= line.trim_start().starts_with("```");
        if is_code || line.trim_start().starts_with("```") {
            String::new()
        } else {
            inline_code.replace_all(line, "").into_owned()
        }
    };
    page.lines().map(text).collect()
}

/// Returns every line that counts.
fn lines() -> Vec<Line> {
    let mut sources: Vec<_> = files_below(&project().join("src"), Some("rs"))
        .into_iter()
        .map(|path| (path, true))
        .collect();
    let mut pages = files_below(&project().join("docs"), Some("md"));
    let top = std::fs::read_dir(project())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    pages.extend(top.filter(|path| path.extension() == Some("md".as_ref())));
    pages.sort();
    sources.extend(pages.into_iter().map(|path| (path, false)));
    let mut lines = Vec::new();
    for (path, is_rust) in sources {
        let file = path.strip_prefix(project()).unwrap().display().to_string();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        let texts = if is_rust {
            rust(&text)
        } else {
            markdown(&text)
        };
        let numbered = texts.into_iter().enumerate();
        lines.extend(numbered.map(|(index, text)| Line {
            file: file.clone(),
            number: index + 1,
            text,
        }));
    }
    lines
}

/// Counts the matches of a limit in a line.
fn count(limit: &Limit, regex: &Regex, text: &str) -> usize {
    let is_counted = |start: usize, found: &str| !(limit.is_exception)(&text[..start], found);
    regex
        .find_iter(text)
        .filter(|found| is_counted(found.start(), found.as_str()))
        .count()
}

/// Returns the report of a limit that is exceeded: the rate and some of the lines.
fn excess(limit: &Limit, lines: &[Line], words: usize) -> Option<String> {
    let regex = regex(limit.pattern);
    let hits: Vec<&Line> = lines
        .iter()
        .flat_map(|line| std::iter::repeat_n(line, count(limit, &regex, &line.text)))
        .collect();
    #[allow(clippy::cast_precision_loss, reason = "a few hundred thousand words")]
    let rate = 10_000.0 * hits.len() as f64 / words.max(1) as f64;
    if rate <= limit.per_10_000 {
        return None;
    }
    let shown = hits.iter().step_by((hits.len() / SHOWN).max(1)).take(SHOWN);
    let shown =
        shown.map(|line| format!("    {}:{}: {}\n", line.file, line.number, line.text.trim()));
    Some(format!(
        "{rate:.1} per 10,000 words (limit {}) {}\n{}",
        limit.per_10_000,
        limit.name,
        shown.collect::<String>()
    ))
}

#[test]
fn comments_messages_and_pages_stay_within_the_limits() {
    let lines = lines();
    let word = Regex::new("[A-Za-z']+").unwrap();
    let words: usize = lines
        .iter()
        .map(|line| word.find_iter(&line.text).count())
        .sum();
    assert!(words > 20_000, "{words} words");
    let excesses: Vec<String> = LIMITS
        .iter()
        .filter_map(|limit| excess(limit, &lines, words))
        .collect();
    assert!(excesses.is_empty(), "{words} words\n{}", excesses.concat());
}

#[test]
fn only_comments_messages_and_prose_are_counted() {
    let source = "/// Docs.\nlet a = \"one word\"; // not a line of its own\nlet b = \"name\";\n\n#[cfg(test)]\nmod tests {\n// no\n}\n";
    assert_eq!(rust(source), [" Docs.", "one word", "", ""]);
    assert_eq!(
        markdown("A `b` c\n```sh\nno\n```\nd\n"),
        ["A  c", "", "", "", "d"]
    );
    let is_no = &LIMITS[3];
    let regex = regex(is_no.pattern);
    let counts = [
        "It is no file",
        "There is no file",
        "It is no longer",
        "it IS NONE",
        "is no moreover",
    ];
    assert_eq!(
        counts.map(|text| count(is_no, &regex, text)),
        [1, 0, 0, 1, 1]
    );
}
