//! Paths as git quotes them in its lists.

/// Returns the bytes of a path that git has quoted because it contains special characters, for
/// example `"st\303\244ck.yaml"`. Returns `None` if the name is not quoted correctly.
pub fn unquote_path(name: &[u8]) -> Option<Vec<u8>> {
    let mut rest = name.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut path = Vec::with_capacity(rest.len());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'"' {
            return None;
        }
        if byte != b'\\' {
            path.push(byte);
            continue;
        }
        let (&escape, after) = rest.split_first()?;
        let letter = b"abtnvfr\"\\".iter().position(|&known| known == escape);
        if let Some(&unescaped) = letter.and_then(|at| b"\x07\x08\t\n\x0b\x0c\r\"\\".get(at)) {
            path.push(unescaped);
            rest = after;
        } else {
            let (digits, after) = rest.split_at_checked(3)?;
            let digits = std::str::from_utf8(digits)
                .ok()
                .filter(|digits| digits.chars().all(|c| c.is_digit(8)))?;
            path.push(u8::from_str_radix(digits, 8).ok()?);
            rest = after;
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::unquote_path;

    #[test]
    fn unquote_path_decodes_escapes() {
        assert_eq!(
            unquote_path(br#""st\303\244ck \"x\"\t.yaml""#).as_deref(),
            Some("stäck \"x\"\t.yaml".as_bytes())
        );
        for other in [
            &b"a.yaml"[..],
            b"\"",
            br#""a"b""#,
            br#""a\""#,
            br#""a\8""#,
            br#""\777""#,
            br#""\+12""#,
        ] {
            assert_eq!(unquote_path(other), None, "{other:?}");
        }
    }
}
