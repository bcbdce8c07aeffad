//! Passwords in URLs, for example `mysql://user:password@host/db`.

use std::ops::Range;

/// The delimiters of placeholders in URLs. A placeholder may contain white space and quotes, which
/// end a URL otherwise.
const PLACEHOLDERS: [(&str, &str); 4] = [("{{", "}}"), ("${", "}"), ("$(", ")"), ("<", ">")];

/// Returns the byte range of each non-empty password in the URLs of a text.
pub fn passwords(text: &str) -> Vec<Range<usize>> {
    // A password has a colon before it and an `@` after it. Most values do not contain both.
    let colon = memchr::memchr(b':', text.as_bytes());
    let rest = colon
        .and_then(|colon| text.as_bytes().get(colon..))
        .unwrap_or_default();
    if memchr::memchr(b'@', rest).is_none() {
        return Vec::new();
    }
    let mut reader = UrlReader {
        text,
        closing: [None; PLACEHOLDERS.len()],
    };
    // The end and the last `@` of the current URL. A URL inside it (`https://proxy/http://host`)
    // has the same end.
    let (mut end, mut last_at) = (0, None);
    let mut ranges = Vec::new();
    for (mark, _) in text.match_indices("://") {
        let start = mark + "://".len();
        if start >= end {
            end = reader.end_of_url(start);
            last_at = text
                .get(start..end)
                .and_then(|url| url.rfind('@'))
                .map(|at| start + at);
        }
        let has_scheme = text
            .get(..mark)
            .is_some_and(|before| before.ends_with(|c: char| c.is_ascii_alphanumeric()));
        let url = text.get(start..end).unwrap_or_default();
        let last_at = last_at.and_then(|at| at.checked_sub(start));
        if let Some(password) = password_of_url(url, last_at).filter(|_| has_scheme) {
            ranges.push(start + password.start..start + password.end);
        }
    }
    ranges
}

/// Returns the byte range of the password in a URL without its scheme, or `None` if it has none.
///
/// `last_at` is the last `@` of the URL. If there is no `@` before the first `/`, `?` or `#`, the
/// password may contain these characters, unless the text after the colon is a port.
fn password_of_url(url: &str, last_at: Option<usize>) -> Option<Range<usize>> {
    let authority_end = url.find(['/', '?', '#']).unwrap_or(url.len());
    let authority = url.get(..authority_end)?;
    let colon = authority.find(':')?;
    let at = authority.rfind('@').or_else(|| {
        let is_port = authority
            .get(colon + 1..)?
            .chars()
            .all(|c| c.is_ascii_digit());
        last_at.filter(|_| !is_port && !authority.starts_with('['))
    })?;
    (colon + 1 < at).then_some(colon + 1..at)
}

/// A scanner that finds the ends of the URLs in a text, from left to right.
struct UrlReader<'t> {
    text: &'t str,
    /// The closing delimiter found last, for each kind of placeholder. It keeps the total work
    /// linear.
    closing: [Option<ClosingMark>; PLACEHOLDERS.len()],
}

/// The result of a search for a closing delimiter.
#[derive(Clone, Copy)]
struct ClosingMark {
    /// The offset of the delimiter, or `None` if the rest of the text has none.
    at: Option<usize>,
    /// The offset of the last character before it that a placeholder cannot contain.
    last_break: Option<usize>,
}

impl UrlReader<'_> {
    /// Returns the end of a URL: the first white space or quote that is not in a placeholder.
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

    /// Returns the end of the placeholder that starts at `at`, or `None` if no placeholder of this
    /// kind starts there.
    fn end_of_placeholder(&mut self, kind: usize, at: usize) -> Option<usize> {
        let (open, close) = PLACEHOLDERS.get(kind)?;
        let inner = self
            .text
            .get(at..)?
            .starts_with(open)
            .then_some(at + open.len())?;
        let cached = self.closing.get_mut(kind)?;
        let closing = match *cached {
            Some(closing) if closing.at.is_none_or(|at| inner <= at) => closing,
            _ => {
                let at = self.text.get(inner..)?.find(close).map(|len| inner + len);
                let last_break = self
                    .text
                    .get(inner..at.unwrap_or(inner))?
                    .rfind(['\n', '@'])
                    .map(|at| inner + at);
                *cached.insert(ClosingMark { at, last_break })
            }
        };
        let is_whole = closing
            .last_break
            .is_none_or(|last_break| last_break < inner);
        closing.at.filter(|_| is_whole).map(|at| at + close.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password_texts(text: &str) -> Vec<&str> {
        passwords(text)
            .into_iter()
            .map(|range| &text[range])
            .collect()
    }

    #[test]
    fn password_is_between_the_first_colon_and_the_last_at_sign() {
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
            assert_eq!(password_texts(text), [password], "{text}");
        }
        assert_eq!(password_texts("http://a:b@c http://d:e@f"), ["b", "e"]);
    }

    #[test]
    fn nested_url_is_searched() {
        assert_eq!(
            password_texts("https://proxy:80/http://user:pw@host"),
            ["pw"]
        );
        assert_eq!(
            password_texts("https://a:b@proxy/http://user:pw@host http://c:d@e"),
            ["b", "pw", "d"]
        );
        assert_eq!(
            password_texts("http://x:<a\nb>@host http://x:<a b>@host"),
            ["<a b>"]
        );
        assert_eq!(
            password_texts("http://x:<a@b> <c> http://x:<d e>@host"),
            ["<a", "<d e>"]
        );
    }

    #[test]
    fn work_is_linear() {
        // Quadratic work would take hours.
        for text in [
            "://", "a://", "a://b:c/", "a:", "<", "${", "{{ ", "a://<", "a://${@", "a://<\n",
        ] {
            assert!(passwords(&text.repeat(300_000)).is_empty(), "{text}");
            assert!(
                passwords(&format!("a://{}>", text.repeat(300_000))).is_empty(),
                "{text}"
            );
        }
    }

    #[test]
    fn urls_without_password_are_ignored() {
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
            assert_eq!(password_texts(text), Vec::<&str>::new(), "{text}");
        }
    }
}
