//! Reads candidates: most files of a tree cannot be stack files, and are recognised as such before
//! they are parsed.

use crate::document::{COMMAND, ScriptHost, Syntax};
use crate::project::discover::{Candidate, MatchReason};
use crate::sources::prefilter::{OVERLAP, Prefilter};
use crate::system::paths;
use crate::system::write::{self, DirHandle, Inode};
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::LazyLock;

/// The bytes that are read at once. Most files are smaller, so one read is enough.
const CHUNK_BYTES: usize = 1 << 18;

/// The word that a command contains if it declares a secret.
const SECRET: &str = "secret";

/// Searches for the words. To prepare a search for each file would take longer than the search.
static COMMAND_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(COMMAND));
static SECRET_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(SECRET));

/// Reads files into one buffer, and only as much of a file as is needed to exclude that it is a
/// stack file.
#[derive(Default)]
pub(super) struct FileReader {
    buffer: Vec<u8>,
    /// The folder of the last file. A name is opened faster than a path.
    folder: Option<DirHandle>,
    filter: Prefilter,
    /// Whether a file with commands must be able to declare a secret.
    only_declarations: bool,
}

impl FileReader {
    /// Creates a reader that skips files with commands if they cannot declare a secret.
    pub(super) fn for_declarations() -> Self {
        Self {
            only_declarations: true,
            ..Self::default()
        }
    }

    /// Returns the bytes of a candidate and the identity of the file, or `None` if it contains
    /// nothing to check. The bytes of a file that is larger than the buffer are owned.
    ///
    /// For a file that is not one, neither the size nor the position is requested from the system:
    /// over a large tree, these calls are a good part of the time.
    pub(super) fn read(
        &mut self,
        candidate: &Candidate,
    ) -> io::Result<Option<(Cow<'_, [u8]>, Inode)>> {
        let mut file = self.open(&candidate.path)?;
        if self.buffer.is_empty() {
            // Zeroed pages of the system: a small file touches only a few of them.
            self.buffer = vec![0; CHUNK_BYTES];
        }
        self.buffer.resize(CHUNK_BYTES, 0);
        let content = RequiredContent::of(candidate);
        // A regular file returns less than the buffer's length only at its end. So one read is
        // enough to exclude most files; a possible stack file is read until nothing more comes.
        let Some(first_len) = self.read_start(&mut file, content)? else {
            return Ok(None);
        };
        if first_len < self.buffer.len() && !self.has_content(content, first_len) {
            return Ok(None);
        }
        let mut len = fill(&mut file, &mut self.buffer, first_len)?;
        if len == self.buffer.len() {
            if content != RequiredContent::Nothing {
                if !self.has_content_in_chunks(content, &mut file)? {
                    return Ok(None);
                }
                file.seek(SeekFrom::Start(0))?;
                len = 0;
            }
            let mut bytes = std::mem::take(&mut self.buffer);
            bytes.truncate(len);
            file.read_to_end(&mut bytes)?;
            return Ok(Some((bytes.into(), write::inode(&file.metadata()?))));
        }
        if len > first_len && !self.has_content(content, len) {
            return Ok(None);
        }
        let bytes = self.buffer.get(..len).unwrap_or_default();
        Ok(Some((bytes.into(), write::inode(&file.metadata()?))))
    }

    /// Returns whether a candidate with these contents has something to check, as
    /// [`FileReader::read`] decides it for a file.
    pub(super) fn accepts(&mut self, candidate: &Candidate, contents: &[u8]) -> bool {
        let content = RequiredContent::of(candidate);
        let start = contents.get(..contents.len().min(ScriptHost::FIRST_LINE_BYTES));
        if content == RequiredContent::ShellCommand
            && !(contents.starts_with(b"#!") && ScriptHost::names_shell(start.unwrap_or_default()))
        {
            return false;
        }
        self.has_required(content, contents)
    }

    fn open(&mut self, path: &Path) -> io::Result<File> {
        let Some((folder, name)) = paths::split_name(path) else {
            return File::open(path);
        };
        let is_last = |last: &DirHandle| last.path().as_os_str() == folder.as_os_str();
        if !self.folder.as_ref().is_some_and(is_last) {
            self.folder = DirHandle::open(folder).ok();
        }
        match &self.folder {
            Some(folder) => folder.open_entry(name),
            None => File::open(path),
        }
    }

    /// Reads the start of a file into the buffer, and returns its length. Returns `None` if its
    /// first line excludes the file.
    fn read_start(
        &mut self,
        file: &mut File,
        content: RequiredContent,
    ) -> io::Result<Option<usize>> {
        if content != RequiredContent::ShellCommand {
            return read_once(file, &mut self.buffer).map(Some);
        }
        // Most files without a known name are not scripts, which two bytes show.
        let mark = self.buffer.get_mut(..2).unwrap_or_default();
        if read_once(file, mark)? < 2 || mark != b"#!" {
            return Ok(None);
        }
        let rest = self.buffer.get_mut(2..).unwrap_or_default();
        let len = 2 + read_once(file, rest)?;
        let start = self.buffer.get(..len.min(ScriptHost::FIRST_LINE_BYTES));
        let names_shell = ScriptHost::names_shell(start.unwrap_or_default());
        Ok(names_shell.then_some(len))
    }

    /// Returns whether the first `len` bytes of the buffer, a whole file, contain what is required.
    fn has_content(&mut self, content: RequiredContent, len: usize) -> bool {
        let buffer = std::mem::take(&mut self.buffer);
        let has_content = self.has_required(content, buffer.get(..len).unwrap_or_default());
        self.buffer = buffer;
        has_content
    }

    /// Returns whether the bytes of a whole file contain what is required.
    fn has_required(&mut self, content: RequiredContent, bytes: &[u8]) -> bool {
        match content {
            RequiredContent::Nothing => true,
            RequiredContent::Stack => self.filter.may_be_stack(bytes),
            RequiredContent::Command | RequiredContent::ShellCommand => {
                let mut words = RequiredWords::new(self.only_declarations);
                words.are_complete_with(bytes)
            }
        }
    }

    /// Returns whether a file that is larger than the buffer contains what is required. The buffer
    /// contains its beginning.
    fn has_content_in_chunks(
        &mut self,
        content: RequiredContent,
        file: &mut File,
    ) -> io::Result<bool> {
        self.filter.begin(&self.buffer);
        let mut words = RequiredWords::new(self.only_declarations);
        let mut len = self.buffer.len();
        loop {
            let chunk = self.buffer.get(..len).unwrap_or_default();
            let is_found = match content {
                RequiredContent::Stack => self.filter.feed(chunk),
                _ => words.are_complete_with(chunk),
            };
            if is_found {
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

/// The words that a file with commands must contain, in any of its chunks.
struct RequiredWords {
    has_command: bool,
    has_secret: bool,
}

impl RequiredWords {
    fn new(only_declarations: bool) -> Self {
        Self {
            has_command: false,
            has_secret: !only_declarations,
        }
    }

    /// Searches the next chunk, and returns whether all words were found.
    fn are_complete_with(&mut self, chunk: &[u8]) -> bool {
        self.has_command = self.has_command || COMMAND_FINDER.find(chunk).is_some();
        self.has_secret = self.has_secret || SECRET_FINDER.find(chunk).is_some();
        self.has_command && self.has_secret
    }
}

/// The content that a file must have to be analyzed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequiredContent {
    /// The file is always analyzed.
    Nothing,
    /// The keywords of a stack file.
    Stack,
    /// A command.
    Command,
    /// A first line that names a shell, and a command.
    ShellCommand,
}

impl RequiredContent {
    /// Returns the content that a candidate must have.
    fn of(candidate: &Candidate) -> Self {
        match (&candidate.reason, candidate.syntax) {
            (Some(MatchReason::Argument), _) => Self::Nothing,
            (None, Syntax::Script(ScriptHost::Other)) => Self::ShellCommand,
            (_, Syntax::Script(_)) => Self::Command,
            (None, _) => Self::Stack,
            (Some(_), _) => Self::Nothing,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_be_in_different_chunks() {
        for (only_declarations, chunks, expected) in [
            (false, &["zenml"][..], true),
            (false, &["secret"], false),
            (true, &["zenml"], false),
            (true, &["secret", "x"], false),
            (true, &["zenml secret"], true),
            (true, &["zenml", "x", "secret"], true),
            (true, &["secrets", "zenml"], true),
        ] {
            let mut words = RequiredWords::new(only_declarations);
            let is_complete = chunks
                .iter()
                .any(|chunk| words.are_complete_with(chunk.as_bytes()));
            assert_eq!(is_complete, expected, "{chunks:?}");
        }
    }
}
