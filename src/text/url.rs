//! Passwords in URLs: `scheme://user:password@host`.

use std::ops::Range;

/// Marks around a placeholder in a URL. Between them there may be white space and quotes.
const PLACEHOLDERS: [(&str, &str); 4] = [("{{", "}}"), ("${", "}"), ("$(", ")"), ("<", ">")];

/// Returns the bytes of each password in the URLs of a text; empty ones are left out.
pub fn passwords(text: &str) -> Vec<Range<usize>> {
    // A password needs a colon and an `@` after it. Most values have neither.
    let colon = memchr::memchr(b':', text.as_bytes());
    let rest = colon.and_then(|colon| text.as_bytes().get(colon..)).unwrap_or_default();
    if memchr::memchr(b'@', rest).is_none() {
        return Vec::new();
    }
    let mut reader = UrlReader { text, closing: [None; PLACEHOLDERS.len()] };
    // Where the URL ends that was read last, and its last `@`. A URL in it, as in `https://proxy/http://host`, ends with it.
    let (mut end, mut last_at) = (0, None);
    let mut found = Vec::new();
    for (mark, _) in text.match_indices("://") {
        let start = mark + "://".len();
        if start >= end {
            end = reader.end_of_url(start);
            last_at = text.get(start..end).and_then(|url| url.rfind('@')).map(|at| start + at);
        }
        let has_scheme = text.get(..mark).is_some_and(|before| before.ends_with(|c: char| c.is_ascii_alphanumeric()));
        let url = text.get(start..end).unwrap_or_default();
        let last_at = last_at.and_then(|at| at.checked_sub(start));
        if let Some(password) = password_of_url(url, last_at).filter(|_| has_scheme) {
            found.push(start + password.start..start + password.end);
        }
    }
    found
}

/// Returns the bytes of the password in a URL without its scheme. A password may contain `/`, `?` and `#`, although it should
/// not; then it is not a port. `last_at` is the last `@` of the URL.
fn password_of_url(url: &str, last_at: Option<usize>) -> Option<Range<usize>> {
    let authority_end = url.find(['/', '?', '#']).unwrap_or(url.len());
    let authority = url.get(..authority_end)?;
    let colon = authority.find(':')?;
    let at = authority.rfind('@').or_else(|| {
        let is_port = authority.get(colon + 1..)?.chars().all(|c| c.is_ascii_digit());
        last_at.filter(|_| !is_port && !authority.starts_with('['))
    })?;
    (colon + 1 < at).then_some(colon + 1..at)
}

/// Reads the URLs of a text from its start to its end.
struct UrlReader<'t> {
    text: &'t str,
    /// For each kind of placeholder the closing mark that was found last, so that the text is searched once for each.
    closing: [Option<ClosingMark>; PLACEHOLDERS.len()],
}

/// A closing mark.
#[derive(Clone, Copy)]
struct ClosingMark {
    /// Where it is; `None` if there are no more.
    at: Option<usize>,
    /// The last character before it that no placeholder contains.
    last_break: Option<usize>,
}

impl UrlReader<'_> {
    /// Returns where a URL ends: before white space or a quote, except in a placeholder.
    fn end_of_url(&mut self, start: usize) -> usize {
        let mut at = start;
        while let Some(c) = self.text.get(at..).and_then(|rest| rest.chars().next()) {
            match (0..PLACEHOLDERS.len()).find_map(|kind| self.end_of_placeholder(kind, at)) {
                Some(end) => at = end,
                None if c.is_whitespace() || matches!(c, '"' | '\'' | '`') => break,
                None => at += c.len_utf8(),
            }
        }
        at
    }

    /// Returns where a placeholder of a kind ends that begins here.
    fn end_of_placeholder(&mut self, kind: usize, at: usize) -> Option<usize> {
        let (open, close) = PLACEHOLDERS.get(kind)?;
        let inner = self.text.get(at..)?.starts_with(open).then_some(at + open.len())?;
        let known = self.closing.get_mut(kind)?;
        let closing = match *known {
            Some(closing) if closing.at.is_none_or(|at| inner <= at) => closing,
            _ => {
                let at = self.text.get(inner..)?.find(close).map(|len| inner + len);
                let last_break = self.text.get(inner..at.unwrap_or(inner))?.rfind(['\n', '@']).map(|at| inner + at);
                *known.insert(ClosingMark { at, last_break })
            }
        };
        let is_whole = closing.last_break.is_none_or(|last_break| last_break < inner);
        closing.at.filter(|_| is_whole).map(|at| at + close.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        passwords(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn passwords_stand_between_the_first_colon_and_the_last_at_sign() {
        for (text, password) in [
            ("http://user:pw@host", "pw"),
            ("postgresql+psycopg2://user:p:w@host:5432/db?x=a@b", "p:w"),
            ("mysql://user:p@w@host/db", "p@w"),
            ("redis://:pw@host", "pw"),
            ("jdbc:postgresql://user:pw@host/db", "pw"),
            ("see http://user:pw@host/x", "pw"),
            ("https://user:p/w@host", "p/w"),
            ("https://user:p#w@host/x", "p#w"),
            ("https://user:{{ a.b }}@host", "{{ a.b }}"),
            ("https://user:<my password>@host", "<my password>"),
            ("https://user:${PW:-a b}@host", "${PW:-a b}"),
            ("http://user:pw@[::1]:80/", "pw"),
        ] {
            assert_eq!(found(text), [password], "{text}");
        }
        assert_eq!(found("http://a:b@c http://d:e@f"), ["b", "e"]);
    }

    #[test]
    fn a_url_in_a_url_is_read_as_well() {
        assert_eq!(found("https://proxy:80/http://user:pw@host"), ["pw"]);
        assert_eq!(found("https://a:b@proxy/http://user:pw@host http://c:d@e"), ["b", "pw", "d"]);
        assert_eq!(found("http://x:<a\nb>@host http://x:<a b>@host"), ["<a b>"]);
        assert_eq!(found("http://x:<a@b> <c> http://x:<d e>@host"), ["<a", "<d e>"]);
    }

    #[test]
    fn the_work_is_linear_in_the_text() {
        // A search for each mark to the end of the text would take hours.
        for text in ["://", "a://", "a://b:c/", "a:", "<", "${", "{{ ", "a://<", "a://${@", "a://<\n"] {
            assert!(passwords(&text.repeat(300_000)).is_empty(), "{text}");
            assert!(passwords(&format!("a://{}>", text.repeat(300_000))).is_empty(), "{text}");
        }
    }

    #[test]
    fn other_urls_have_no_password() {
        for text in [
            "http://host:8080/a@b",
            "http://user@host",
            "http://user:@host",
            "http://host/user:pw@x",
            "http://[::1]:80/a@b",
            "://user:pw@host",
            "user:pw@host",
            "s3://bucket/a:b@c",
            "http://host/?a=b:c@d",
            "git@github.com:a/b",
            "",
        ] {
            assert_eq!(found(text), Vec::<&str>::new(), "{text}");
        }
    }
}
