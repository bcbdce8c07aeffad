//! Every link of the documents leads to a file, and its anchor to a heading there.

use crate::pages::{book_pages, pages, prose, read, shown};
use crate::support::{files_below, project};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Documents outside the book and `docs/dev`.
const MORE: [&str; 8] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "RELEASE-CHECKLIST.md",
    "SECURITY.md",
    "benches/README.md",
    "fuzz/README.md",
    "tests/README.md",
];

/// The anchors of a page: its headings as GitHub and mdBook name them, a second one of a name with `-1` behind it.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = prose(text).filter(|line| line.starts_with('#'));
    let named = headings.map(|line| {
        let kept = |c: char| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            _ => c.is_alphanumeric().then(|| c.to_ascii_lowercase()),
        };
        let name: String = line
            .trim_start_matches('#')
            .trim()
            .chars()
            .filter_map(kept)
            .collect();
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 {
            name
        } else {
            format!("{name}-{}", *count - 1)
        }
    });
    named.collect()
}

/// The targets of the links of a text, outside code.
fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for line in prose(text) {
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let links = plain
            .split("](")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()));
        targets.extend(links);
    }
    targets
}

fn is_elsewhere(target: &str) -> bool {
    ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| target.starts_with(scheme))
}

#[test]
fn every_link_leads_to_something() {
    let book = project().join("docs/src");
    let mut documents = pages();
    documents.extend(MORE.iter().map(|name| project().join(name)));
    documents.extend(files_below(&project().join("docs/dev"), Some("md")));
    let (mut wrong, mut followed) = (Vec::new(), 0);
    for page in documents {
        for target in targets(&read(&page))
            .into_iter()
            .filter(|target| !is_elsewhere(target))
        {
            followed += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = if path.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap().join(path)
            };
            let from_book = page.starts_with(&book);
            let inside = || {
                file.canonicalize()
                    .is_ok_and(|file| file.starts_with(book.canonicalize().unwrap()))
            };
            if !file.exists() {
                wrong.push(format!("{}: {target}: no such file", shown(&page)));
            } else if from_book && !inside() {
                wrong.push(format!(
                    "{}: {target}: outside of the book, so it needs a whole address",
                    shown(&page)
                ));
            } else if !anchor.is_empty() && !anchors(&read(&file)).iter().any(|name| name == anchor)
            {
                wrong.push(format!("{}: {target}: no such heading", shown(&page)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(followed > 40);
}

#[test]
fn the_summary_lists_every_page_once() {
    let summary = project().join("docs/src/SUMMARY.md");
    let mut listed: Vec<PathBuf> = targets(&read(&summary))
        .iter()
        .map(|target| summary.parent().unwrap().join(target))
        .collect();
    listed.push(summary.clone());
    listed.sort();
    let strip = |paths: &[PathBuf]| paths.iter().map(|path| shown(path)).collect::<Vec<_>>();
    assert_eq!(strip(&listed), strip(&book_pages()));
}

#[test]
fn a_page_says_first_what_it_is_for() {
    for page in book_pages()
        .iter()
        .filter(|page| page.file_name() != Some(Path::new("SUMMARY.md").as_os_str()))
    {
        let text = read(page);
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let title = lines.next().unwrap_or_default();
        assert!(title.starts_with("# "), "{} has no title", shown(page));
        let first = lines.next().unwrap_or_default();
        assert!(
            first.starts_with(char::is_alphabetic),
            "{} does not say what it is for",
            shown(page)
        );
    }
}
