//! `file:` URIs and the paths that they name.

use crate::system::paths;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use std::path::{Path, PathBuf};

/// The bytes that are encoded in a path: all except the unreserved ones of RFC 3986 and `/`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Returns the absolute path of a `file:` URI on this machine. Returns `None` for other URIs.
pub fn to_path(uri: &str) -> Option<PathBuf> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let slash = rest.find('/')?;
            let (authority, path) = rest.split_at_checked(slash)?;
            let is_local = authority.is_empty() || authority.eq_ignore_ascii_case("localhost");
            is_local.then_some(path)?
        }
        None => rest,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let bytes: Vec<u8> = percent_decode_str(path).collect();
    let path = paths::from_bytes(&bytes);
    (path.is_absolute() && !bytes.contains(&0)).then_some(path)
}

/// Returns the `file:` URI of an absolute path.
pub fn of_path(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    format!("file://{}", percent_encode(bytes, ENCODED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_the_round_trip() {
        for path in [
            "/a/b.yaml",
            "/with space/100%/#1?.yaml",
            "/ü/😀",
            "/a:b/[c]",
        ] {
            let uri = of_path(Path::new(path));
            assert!(uri.is_ascii(), "{uri}");
            assert_eq!(to_path(&uri).as_deref(), Some(Path::new(path)), "{uri}");
        }
    }

    #[test]
    fn only_files_of_this_machine_have_a_path() {
        for (uri, expected) in [
            ("file:///a%20b", Some("/a b")),
            ("FILE://localhost/a", Some("/a")),
            ("file:/a", Some("/a")),
            ("file:///a%3Ab?x#y", Some("/a:b")),
            ("file://host/a", None),
            ("untitled:Untitled-1", None),
            ("https://example.com/a", None),
            ("file:a", None),
            ("file:///a%00", None),
            ("", None),
        ] {
            assert_eq!(to_path(uri).as_deref(), expected.map(Path::new), "{uri}");
        }
    }
}
