//! An index of line starts and character counts, which converts byte offsets to lines and columns.
//!
//! Look-ups take constant or logarithmic time. So thousands of findings on one line of several
//! megabytes do not slow down a report.

/// Bytes per block in which characters are counted. A look-up reads at most one block, and the
/// counts take less than 1 % of the memory of the text.
const BLOCK_BYTES: usize = 1024;

/// The line starts and character counts of one text.
#[derive(Debug)]
pub(super) struct LineIndex {
    starts: Vec<usize>,
    /// The number of characters before each block; empty if the text is ASCII.
    chars_before_block: Vec<usize>,
}

impl LineIndex {
    pub(super) fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            let is_crlf = bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) == Some(&b'\n');
            if !is_crlf {
                starts.push(at + 1);
            }
        }
        let mut chars_before_block = Vec::new();
        if !text.is_ascii() {
            let mut sum = 0;
            for block in bytes.chunks(BLOCK_BYTES) {
                chars_before_block.push(sum);
                sum += count_chars(block);
            }
            chars_before_block.push(sum);
        }
        Self {
            starts,
            chars_before_block,
        }
    }

    /// Returns the line that contains an offset, from 0.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.starts
            .partition_point(|&start| start <= offset)
            .saturating_sub(1)
    }

    /// Returns the offset at which a line starts, or `None` if there are fewer lines.
    pub(super) fn start_of(&self, line: usize) -> Option<usize> {
        self.starts.get(line).copied()
    }

    /// Returns the number of characters before an offset.
    pub(super) fn chars_before(&self, text: &str, offset: usize) -> usize {
        let Some(before) = self.chars_before_block.get(offset / BLOCK_BYTES) else {
            return offset;
        };
        let block = offset - offset % BLOCK_BYTES;
        before + text.as_bytes().get(block..offset).map_or(0, count_chars)
    }
}

/// Counts the bytes that start a character: all except continuation bytes.
fn count_chars(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}
