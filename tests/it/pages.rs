//! Reads the README and the pages of the book as the tests need them: fenced blocks, each with the
//! comments directly before it.

use crate::support::{files_below, project};
use std::path::{Path, PathBuf};

/// A fenced block of a page.
pub struct Block {
    /// The text after the opening fence.
    pub language: String,
    /// The HTML comments on the lines before it, without their marks.
    pub comments: Vec<String>,
    pub text: String,
    /// The line of the fence, from 1.
    pub line: usize,
}

impl Block {
    /// Returns the rest of the first comment that starts with a prefix, or `None` if none does.
    pub fn comment(&self, prefix: &str) -> Option<&str> {
        self.comments
            .iter()
            .find_map(|comment| Some(comment.strip_prefix(prefix)?.trim()))
    }
}

/// Returns the README and every page of the book, sorted.
pub fn pages() -> Vec<PathBuf> {
    let mut pages = vec![project().join("README.md")];
    pages.extend(book_pages());
    pages
}

/// Returns every page of the book, sorted, including its table of contents.
pub fn book_pages() -> Vec<PathBuf> {
    files_below(&project().join("docs/src"), Some("md"))
}

/// Returns a page's path relative to the project.
pub fn shown(page: &Path) -> String {
    page.strip_prefix(project()).unwrap().display().to_string()
}

pub fn read(page: &Path) -> String {
    std::fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}

/// Returns the fenced blocks of a text. Panics if a fence is not closed.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut comments: Vec<String> = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let language = info;
            let mut text = String::new();
            loop {
                let (_, line) = lines
                    .next()
                    .unwrap_or_else(|| panic!("the fence of line {} is not closed", index + 1));
                if line == "```" {
                    break;
                }
                text += line;
                text.push('\n');
            }
            let comments = std::mem::take(&mut comments);
            blocks.push(Block {
                language: language.trim().to_owned(),
                comments,
                text,
                line: index + 1,
            });
        } else if let Some(comment) = line
            .strip_prefix("<!--")
            .and_then(|rest| rest.strip_suffix("-->"))
        {
            comments.push(comment.trim().to_owned());
        } else if !line.trim().is_empty() {
            comments.clear();
        }
    }
    blocks
}

/// Returns the lines of a text outside its fenced blocks.
pub fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}
