//! Passwords in URLs: `scheme://user:password@host`.

use std::ops::Range;

/// Returns the bytes of each password in the URLs of a text; empty ones are left out.
pub fn passwords(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (mark, _) in text.match_indices("://") {
        let start = mark + "://".len();
        let has_scheme = text.get(..mark).is_some_and(|before| before.ends_with(|c: char| c.is_ascii_alphanumeric()));
        let rest = text.get(start..).unwrap_or_default();
        if let Some(password) = password_of_authority(rest).filter(|_| has_scheme) {
            found.push(start + password.start..start + password.end);
        }
    }
    found
}

/// Returns the bytes of the password in the text behind `scheme://`. A password may contain `/`, `?` and `#`, although it should
/// not; then it is no port.
fn password_of_authority(text: &str) -> Option<Range<usize>> {
    let end = end_of_url(text);
    let url = text.get(..end)?;
    let authority_end = url.find(['/', '?', '#']).unwrap_or(url.len());
    let authority = url.get(..authority_end)?;
    let colon = authority.find(':')?;
    let at = authority.rfind('@').or_else(|| {
        let is_port = authority.get(colon + 1..)?.chars().all(|c| c.is_ascii_digit());
        url.rfind('@').filter(|_| !is_port && !authority.starts_with('['))
    })?;
    (colon + 1 < at).then_some(colon + 1..at)
}

/// Returns where a URL ends: before white space or a quote. Placeholders may contain both.
fn end_of_url(text: &str) -> usize {
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(c) = rest.chars().next() else { break };
        let placeholder = [("{{", "}}"), ("${", "}"), ("$(", ")"), ("<", ">")].iter().find_map(|(open, close)| {
            let inner = rest.strip_prefix(open)?;
            let len = inner.find(close)?;
            (!inner.get(..len)?.contains(['\n', '@'])).then_some(open.len() + len + close.len())
        });
        match placeholder {
            Some(len) => at += len,
            None if c.is_whitespace() || matches!(c, '"' | '\'' | '`') => break,
            None => at += c.len_utf8(),
        }
    }
    at
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
