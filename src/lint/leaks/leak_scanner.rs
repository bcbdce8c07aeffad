//! Scans texts and files for the values of secrets.
//!
//! Files are read in chunks. Only a file in which a value may begin is read as a whole, to find the
//! locations. Files with a NUL byte at the beginning are binary and are skipped.

use super::compact::{self, CompactText};
use super::encodings::{self, Patterns};
use super::matcher::{Matcher, OVERLAP, Pattern};
use super::searched_values::{Owner, SearchedValues};
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::inventory::Inventories;
use crate::lint::file_reader::fill;
use crate::lint::rules::{self, Leak, Subject};
use crate::lint::scan::{LeakedFile, PathRoots};
use crate::system::paths;
use crate::text::encoding::{is_utf16, replace_invalid_utf8};
use crate::text::redacted_source::RedactedSource;
use crate::text::source::{SourceFile, Span};
use std::cmp::Reverse;
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

/// The size of the chunks in which files are read.
const CHUNK_BYTES: usize = 1 << 18;
/// The beginning of a file in which a NUL byte marks it as binary.
const BINARY_CHECK_BYTES: usize = 8192;
/// The most findings in one file: enough to see that the whole file has to go.
pub(super) const MAX_LEAKS_PER_FILE: usize = 10_000;

/// Scans texts for values.
pub struct LeakScanner {
    /// The patterns to search for in a text as it is.
    exact: Matcher,
    /// The patterns to search for in a text without whitespace.
    compact: Matcher,
    /// The keys that have each value.
    owners: Vec<Vec<Owner>>,
    /// The device and inode of the files and folders of inventories, which contain values rightly.
    inventory_files: HashSet<(u64, u64)>,
}

/// A value found in a text.
#[derive(Clone, Copy)]
pub(super) struct LeakMatch {
    pub(super) span: Span,
    /// The index of the value.
    value: usize,
    encoding: &'static str,
}

impl LeakScanner {
    /// Creates a scanner. Returns `None` if there are more values than a matcher can contain.
    pub(super) fn new(searched: SearchedValues, inventories: &Inventories) -> Option<Self> {
        let (mut patterns, mut owners) = (Patterns::default(), Vec::<Vec<Owner>>::new());
        let limit = encodings::encoded_bytes_limit(searched.len());
        let mut last: Option<String> = None;
        for (value, owner) in searched {
            if last.as_ref() == Some(&value) {
                owners
                    .last_mut()
                    .into_iter()
                    .for_each(|owners| owners.push(owner.clone()));
                continue;
            }
            patterns.add(&value, owners.len(), limit);
            owners.push(vec![owner]);
            last = Some(value);
        }
        let (exact, compact) = Matcher::new(patterns.exact).zip(Matcher::new(patterns.compact))?;
        let metadata = inventories
            .all()
            .filter_map(|inventory| inventory.file()?.metadata().ok());
        let inventory_files = metadata
            .map(|metadata| (metadata.dev(), metadata.ino()))
            .collect();
        Some(Self {
            exact,
            compact,
            owners,
            inventory_files,
        })
    }

    /// Scans a file. Returns `None` if it contains no values, is binary, or does not exist.
    pub(super) fn scan_file(
        &self,
        path: &Path,
        roots: &PathRoots,
        buffer: &mut Vec<u8>,
    ) -> io::Result<Option<LeakedFile>> {
        let mut file = match File::open(path) {
            // It was deleted during the walk, or git tracks a file that does not exist.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if !self.may_contain_values(&mut file, buffer)? || self.is_inventory_file(path) {
            return Ok(None);
        }
        let text = decode_lossily(&std::fs::read(path)?);
        let source = SourceFile::new(paths::relative(path, &roots.cwd), text)
            .with_repository_path(paths::relative(path, &roots.root))
            .with_absolute_path(path);
        Ok(self.scan_source(&RedactedSource::span_only(&Arc::new(source))))
    }

    /// Returns whether a value may begin in a file. UTF-16 is not searched, but always may contain
    /// one.
    fn may_contain_values(&self, file: &mut File, buffer: &mut Vec<u8>) -> io::Result<bool> {
        buffer.resize(CHUNK_BYTES, 0);
        let mut kept = 0;
        let mut is_first = true;
        let mut compact = CompactText::default();
        loop {
            let len = fill(file, buffer, kept)?;
            let chunk = buffer.get(..len).unwrap_or_default();
            if is_first && is_utf16(chunk) {
                return Ok(true);
            }
            if is_first
                && memchr::memchr(
                    0,
                    chunk.get(..BINARY_CHECK_BYTES.min(len)).unwrap_or_default(),
                )
                .is_some()
            {
                return Ok(false);
            }
            is_first = false;
            compact.push(chunk.get(kept..).unwrap_or_default());
            if self.exact.is_match(chunk) || self.compact.is_match(&compact.bytes) {
                return Ok(true);
            }
            compact.keep_last(OVERLAP);
            if len < buffer.len() {
                return Ok(false);
            }
            buffer.copy_within(len - OVERLAP.., 0);
            kept = OVERLAP;
        }
    }

    /// Returns whether a file belongs to an inventory, even if the path leads through links.
    fn is_inventory_file(&self, path: &Path) -> bool {
        let Ok(path) = path.canonicalize() else {
            return false;
        };
        let mut metadata = path.ancestors().filter_map(|path| path.metadata().ok());
        metadata.any(|metadata| {
            self.inventory_files
                .contains(&(metadata.dev(), metadata.ino()))
        })
    }

    /// Returns the findings about the values in a source, with a source that redacts them. Returns
    /// `None` if it contains no values.
    pub fn scan_source(&self, source: &RedactedSource) -> Option<LeakedFile> {
        let found = self.find(source.text());
        if found.is_empty() {
            return None;
        }
        let source = source.with_values(found.iter().map(|found| found.span).collect());
        let findings = self.findings(&source, &found);
        Some(LeakedFile {
            source,
            findings,
            omitted: found.len().saturating_sub(MAX_LEAKS_PER_FILE),
        })
    }

    fn findings(&self, source: &Arc<RedactedSource>, found: &[LeakMatch]) -> Vec<FindingBuilder> {
        let findings = found.iter().take(MAX_LEAKS_PER_FILE).filter_map(
            |&LeakMatch {
                 span,
                 value,
                 encoding,
             }| {
                let ((secret, key), others) = self.owners.get(value)?.split_first()?;
                let (owner, other_owners) = ((secret.as_str(), key.as_str()), others.len());
                rules::check(Subject::Leak(&Leak {
                    source,
                    span,
                    owner,
                    other_owners,
                    encoding,
                }))
            },
        );
        findings.collect()
    }

    /// Returns the values in a text, sorted by location. A match inside a longer one is dropped.
    pub(super) fn find(&self, text: &str) -> Vec<LeakMatch> {
        let mut found = self.find_exact(text);
        found.extend(self.find_compact(text));
        found.sort_by_key(|found| (found.span.start, Reverse(found.span.end)));
        let mut separate: Vec<LeakMatch> = Vec::new();
        for next in found {
            match separate.last_mut() {
                Some(last) if next.span.end <= last.span.end => {}
                // A value that overlaps itself, such as `abab` in `ababab`, is one match.
                Some(last) if next.value == last.value && next.span.start < last.span.end => {
                    last.span.end = next.span.end;
                }
                _ => separate.push(next),
            }
        }
        separate
    }

    /// Returns the values in a text as it is.
    fn find_exact(&self, text: &str) -> Vec<LeakMatch> {
        let matches = self.exact.find(text.as_bytes()).map(|(range, pattern)| {
            // The pattern is only the beginning of a long value, whose end is assumed at the next
            // whitespace or quote.
            let rest = text
                .get(range.end..)
                .filter(|_| pattern.is_truncated)
                .unwrap_or_default();
            let more = rest
                .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\''))
                .unwrap_or(rest.len());
            let span = Span::new(range.start, range.end + more);
            LeakMatch {
                span,
                value: pattern.value,
                encoding: pattern.encoding,
            }
        });
        matches.collect()
    }

    /// Returns the values in a text without its whitespace.
    fn find_compact(&self, text: &str) -> Vec<LeakMatch> {
        if self.compact.is_empty() {
            return Vec::new();
        }
        let compact = CompactText::from_bytes(text.as_bytes()).bytes;
        let mut found: Vec<(Range<usize>, &Pattern)> = self.compact.find(&compact).collect();
        for (range, _) in found.iter_mut().filter(|(_, pattern)| pattern.is_truncated) {
            let rest = compact.get(range.end..).unwrap_or_default();
            range.end += rest
                .iter()
                .take_while(|byte| encodings::is_base64(**byte))
                .count();
        }
        let ranges: Vec<Range<usize>> = found.iter().map(|(range, _)| range.clone()).collect();
        let spans = compact::spans_in(text.as_bytes(), &ranges);
        let matches = spans
            .into_iter()
            .zip(found)
            .filter_map(|(span, (_, pattern))| {
                let is_allowed =
                    compact::allows_gaps(pattern.gaps, text.as_bytes().get(span.clone())?);
                let span = Span::new(span.start, span.end);
                is_allowed.then_some(LeakMatch {
                    span,
                    value: pattern.value,
                    encoding: pattern.encoding,
                })
            });
        matches.collect()
    }
}

/// Decodes a text. In UTF-8, invalid bytes become a character that no value contains, and offsets
/// stay the same. UTF-16 is converted to UTF-8, with the offsets of the converted text.
fn decode_lossily(bytes: &[u8]) -> String {
    if !is_utf16(bytes) {
        return replace_invalid_utf8(bytes, '\u{1a}');
    }
    let is_big_endian = bytes.first() == Some(&0xFE);
    let units: Vec<u16> = bytes
        .get(2..)
        .unwrap_or_default()
        .chunks(2)
        .map(|pair| utf16_unit(pair, is_big_endian))
        .collect();
    String::from_utf16_lossy(&units)
}

/// Returns a code unit of UTF-16. A single byte at the end of a file becomes U+001A, too.
fn utf16_unit(pair: &[u8], is_big_endian: bool) -> u16 {
    match *pair {
        [a, b] if is_big_endian => u16::from_be_bytes([a, b]),
        [a, b] => u16::from_le_bytes([a, b]),
        _ => 0x1A,
    }
}
