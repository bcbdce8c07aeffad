//! Checks that every link of the documents leads to a file, and its anchor to a heading there.

use crate::pages::{book_pages, pages, prose, read, shown};
use crate::support::{files_below, project};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Documents outside the book and `docs/dev`.
const OTHER_DOCUMENTS: [&str; 8] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "RELEASE-CHECKLIST.md",
    "SECURITY.md",
    "benches/README.md",
    "fuzz/README.md",
    "tests/README.md",
];

/// Returns the anchors of a page: its headings as GitHub and mdBook name them. The second heading
/// of a name gets the suffix `-1`.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = prose(text).filter(|line| line.starts_with('#'));
    let named = headings.map(|line| {
        let anchor_character = |c: char| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            _ => c.is_alphanumeric().then(|| c.to_ascii_lowercase()),
        };
        let name: String = line
            .trim_start_matches('#')
            .trim()
            .chars()
            .filter_map(anchor_character)
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

/// Returns the targets of the links of a text, outside code.
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

fn is_external(target: &str) -> bool {
    ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| target.starts_with(scheme))
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let book = project().join("docs/src");
    let mut documents = pages();
    documents.extend(OTHER_DOCUMENTS.iter().map(|name| project().join(name)));
    documents.extend(files_below(&project().join("docs/dev"), Some("md")));
    let (mut broken, mut checked) = (Vec::new(), 0);
    for page in documents {
        for target in targets(&read(&page))
            .into_iter()
            .filter(|target| !is_external(target))
        {
            checked += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = if path.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap().join(path)
            };
            let from_book = page.starts_with(&book);
            let is_in_book = || {
                file.canonicalize()
                    .is_ok_and(|file| file.starts_with(book.canonicalize().unwrap()))
            };
            if !file.exists() {
                broken.push(format!("{}: {target}: no such file", shown(&page)));
            } else if from_book && !is_in_book() {
                broken.push(format!(
                    "{}: {target}: outside the book, so the link needs a full URL",
                    shown(&page)
                ));
            } else if !anchor.is_empty() && !anchors(&read(&file)).iter().any(|name| name == anchor)
            {
                broken.push(format!("{}: {target}: no such heading", shown(&page)));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(checked > 40);
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
fn each_page_starts_with_a_title_and_its_purpose() {
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
            "{} does not start with its purpose",
            shown(page)
        );
    }
}
