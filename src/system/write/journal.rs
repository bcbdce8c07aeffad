//! The journal of a staging folder: the target of each staged file, and the digests of its new and
//! old text.
//!
//! The journal is on the disk before the first file is exchanged. After a kill, a later run can
//! therefore distinguish the texts that stackref wrote or replaced from a concurrent edit of the
//! target.

use super::folder::DirHandle;
use crate::text::digest::hex;
use rustix::fs::FileType;
use sha2::{Digest as _, Sha256};
use std::ffi::OsStr;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use zeroize::Zeroize as _;

/// The most bytes of a file that are read for a digest. stackref does not write larger files.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// The number of bytes that are read at a time.
const BUFFER_BYTES: usize = 1 << 16;

/// The bytes of the stack that are wiped after hashing. This is more than the hash function uses.
const STACK_BYTES: usize = 1 << 13;

/// An exchange that is about to happen: one staged file and its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalRecord {
    /// The name of the staged file.
    pub staged: String,
    /// The path of the target, relative to the parent of the staging folder.
    pub target: PathBuf,
    /// The digest of the new text.
    pub new: Digest,
    /// The digest of the old text. `None` if the target does not exist or the old text must be
    /// restored.
    pub old: Option<Digest>,
}

/// The SHA-256 of the contents of a file, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest(String);

impl Digest {
    /// Returns the digest of a text.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.0.update(bytes);
        hasher.finish()
    }

    /// Returns the digest of a file, or of a link itself. Returns `None` if there is no such entry.
    ///
    /// # Errors
    /// Fails with the system's error, or if the entry is neither a file nor a link.
    pub fn of_entry(folder: &DirHandle, name: &OsStr) -> io::Result<Option<Self>> {
        let mut hasher = Hasher::new();
        let hash = &mut *hasher.0;
        match folder.entry_type(name) {
            None => return Ok(None),
            Some(FileType::Symlink) => {
                hash.update(b"link to\0");
                hash.update(folder.link_target(name)?);
            }
            Some(_) => {
                let mut file = match folder.file(name) {
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                    opened => opened?.take(MAX_FILE_BYTES),
                };
                let mut buffer = vec![0; BUFFER_BYTES];
                loop {
                    let len = match file.read(&mut buffer) {
                        Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                        read => read?,
                    };
                    if len == 0 {
                        break;
                    }
                    hash.update(buffer.get(..len).unwrap_or_default());
                }
            }
        }
        Ok(Some(hasher.finish()))
    }
}

/// A hasher for texts that may contain secret values. It leaves no part of them on the stack.
struct Hasher(Box<Sha256>);

impl Hasher {
    fn new() -> Self {
        Self(Box::default())
    }

    /// Returns the digest. The state is on the heap, is not moved, and is wiped when it is freed.
    fn finish(mut self) -> Digest {
        let mut bytes = [0; 32];
        self.0.finalize_into_reset((&mut bytes).into());
        wipe_stack();
        Digest(hex(&bytes))
    }
}

/// Overwrites the part of the stack that the hash function has used. It keeps the last blocks of
/// the text there.
#[inline(never)]
fn wipe_stack() {
    let mut used = [0_u8; STACK_BYTES];
    used.zeroize();
    std::hint::black_box(&mut used);
}

/// Encodes records as four fields each. A NUL byte ends every field, since a path cannot contain
/// one.
pub fn encode(records: &[JournalRecord]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        let old = record.old.as_ref().map_or("", |old| &old.0);
        for field in [
            record.staged.as_bytes(),
            record.new.0.as_bytes(),
            old.as_bytes(),
            record.target.as_os_str().as_bytes(),
        ] {
            bytes.extend_from_slice(field);
            bytes.push(0);
        }
    }
    bytes
}

/// Decodes the records that [`encode`] wrote. Ignores an incomplete record at the end.
pub fn decode(bytes: &[u8]) -> Vec<JournalRecord> {
    let mut fields: Vec<&[u8]> = bytes.split(|&byte| byte == 0).collect();
    // The bytes after the last NUL byte are not a complete field.
    fields.pop();
    fields.chunks(4).filter_map(decode_record).collect()
}

fn decode_record(fields: &[&[u8]]) -> Option<JournalRecord> {
    let [staged, new, old, target] = fields else {
        return None;
    };
    Some(JournalRecord {
        staged: decode_text(staged),
        target: PathBuf::from(OsStr::from_bytes(target)),
        new: Digest(decode_text(new)),
        old: (!old.is_empty()).then(|| Digest(decode_text(old))),
    })
}

fn decode_text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode_ignores_incomplete_last_record() {
        let record = |staged: &str, old: Option<&str>| JournalRecord {
            staged: staged.to_owned(),
            target: PathBuf::from(OsStr::from_bytes(b"a/\xff\n.yaml")),
            new: Digest::of_bytes(b"new"),
            old: old.map(|old| Digest::of_bytes(old.as_bytes())),
        };
        let records = [record("0", Some("old")), record("1", None)];
        let bytes = encode(&records);
        assert_eq!(decode(&bytes), records);
        let first = encode(records.split_at(1).0).len();
        for len in 0..bytes.len() {
            assert_eq!(
                decode(bytes.split_at(len).0),
                records.split_at(usize::from(len >= first)).0,
                "{len}"
            );
        }
    }
}
