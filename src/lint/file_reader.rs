//! Reads candidates: most files of a tree cannot be stack files, and are recognised as such before
//! they are parsed.

use crate::document::{COMMAND, Syntax};
use crate::project::discover::Candidate;
use crate::sources::prefilter::{OVERLAP, Prefilter};
use crate::system::write::{self, Inode};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};

/// The bytes that are read at once. Most files are smaller, so one read is enough.
const CHUNK_BYTES: usize = 1 << 18;

/// Reads files into one buffer, and only as much of a file as is needed to exclude that it is a
/// stack file.
#[derive(Default)]
pub(super) struct FileReader {
    buffer: Vec<u8>,
    filter: Prefilter,
}

impl FileReader {
    /// Returns the bytes of a candidate and the identity of the file, or `None` if it cannot be a
    /// stack file. The bytes of a file that is larger than the buffer are owned.
    ///
    /// For a file that is not one, neither the size nor the position is requested from the system:
    /// over a large tree, these calls are a good part of the time.
    pub(super) fn read(
        &mut self,
        candidate: &Candidate,
    ) -> io::Result<Option<(Cow<'_, [u8]>, Inode)>> {
        let mut file = File::open(&candidate.path)?;
        if self.buffer.is_empty() {
            // Zeroed pages of the system: a small file touches only a few of them.
            self.buffer = vec![0; CHUNK_BYTES];
        }
        self.buffer.resize(CHUNK_BYTES, 0);
        let known = candidate.reason.is_some();
        // A regular file returns less than the buffer's length only at its end. So one read is
        // enough to exclude most files; a possible stack file is read until nothing more comes.
        let first_len = read_once(&mut file, &mut self.buffer)?;
        if first_len < self.buffer.len() && !known && !self.may_be_stack(first_len) {
            return Ok(None);
        }
        let mut len = fill(&mut file, &mut self.buffer, first_len)?;
        if len == self.buffer.len() && !known && !self.contains_shape_words(&mut file)? {
            return Ok(None);
        }
        if len == self.buffer.len() {
            if !known {
                file.seek(SeekFrom::Start(0))?;
                len = 0;
            }
            let mut bytes = std::mem::take(&mut self.buffer);
            bytes.truncate(len);
            file.read_to_end(&mut bytes)?;
            return Ok(Some((bytes.into(), write::inode(&file.metadata()?))));
        }
        let fits = if candidate.syntax == Syntax::Script {
            let bytes = self.buffer.get(..len).unwrap_or_default();
            memchr::memmem::find(bytes, COMMAND.as_bytes()).is_some()
        } else {
            known || len == first_len || self.may_be_stack(len)
        };
        if fits {
            let bytes = self.buffer.get(..len).unwrap_or_default();
            Ok(Some((bytes.into(), write::inode(&file.metadata()?))))
        } else {
            Ok(None)
        }
    }

    /// Returns whether the first `len` bytes of the buffer, a whole file, may be a stack file.
    fn may_be_stack(&mut self, len: usize) -> bool {
        self.filter
            .may_be_stack(self.buffer.get(..len).unwrap_or_default())
    }

    /// Returns whether a file that is larger than the buffer may be a stack file. The buffer
    /// contains its beginning.
    fn contains_shape_words(&mut self, file: &mut File) -> io::Result<bool> {
        self.filter.begin(&self.buffer);
        let mut len = self.buffer.len();
        loop {
            if self.filter.feed(self.buffer.get(..len).unwrap_or_default()) {
                return Ok(true);
            }
            if len < self.buffer.len() {
                return Ok(false);
            }
            self.buffer.copy_within(len - OVERLAP..len, 0);
            len = fill(file, &mut self.buffer, OVERLAP)?;
        }
    }
}

/// Reads until the buffer is full or the file ends, and returns the length of the content.
pub(crate) fn fill(file: &mut File, buffer: &mut [u8], mut len: usize) -> io::Result<usize> {
    while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match read_once(file, rest)? {
            0 => break,
            read => len += read,
        }
    }
    Ok(len)
}

/// Reads once, and again only if a signal interrupts the read. Returns the number of bytes.
fn read_once(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
