//! The syntaxes that stackref reads, and how it recognises them.

use super::ScriptHost;
use std::path::Path;

/// The syntax of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// YAML 1.2, as far as YAML 1.1 readers agree.
    Yaml,
    /// TOML 1.1.
    Toml,
    /// JSON as in RFC 8259, without comments.
    Json,
    /// A file that may contain `zenml` commands.
    Script(ScriptHost),
}

impl Syntax {
    /// Returns the syntax for the extension of a path, in upper or lower case. Returns `None` for
    /// other extensions.
    pub fn from_path(path: &Path) -> Option<Self> {
        const EXTENSIONS: [(&[u8], Syntax); 4] = [
            (b".yaml", Syntax::Yaml),
            (b".yml", Syntax::Yaml),
            (b".toml", Syntax::Toml),
            (b".json", Syntax::Json),
        ];
        // The walk calls this for every name, and comparing the end of a path is cheaper than
        // parsing it.
        let mut bytes = path.as_os_str().as_encoded_bytes();
        while let Some(rest) = bytes.strip_suffix(b"/") {
            bytes = rest;
        }
        let (stem, syntax) = EXTENSIONS.iter().find_map(|&(extension, syntax)| {
            let (stem, end) = bytes.split_at_checked(bytes.len().checked_sub(extension.len())?)?;
            end.eq_ignore_ascii_case(extension)
                .then_some((stem, syntax))
        })?;
        // `.yaml` is a hidden file without an extension.
        stem.last()
            .is_some_and(|&byte| byte != b'/')
            .then_some(syntax)
    }

    /// Returns the syntax of a file that the user names. With `reads_scripts`, the name of a script
    /// decides first: a workflow is YAML, too. Returns `None` if the name decides nothing.
    pub fn of_named(path: &Path, reads_scripts: bool) -> Option<Self> {
        let host = ScriptHost::of(path).filter(|host| reads_scripts && *host != ScriptHost::Other);
        host.map(Self::Script).or_else(|| Self::from_path(path))
    }

    /// Returns the syntax of a text without a file name. It is JSON if it parses as JSON, and TOML
    /// if its first line with content is a table header or `key = value`. Otherwise it is YAML.
    pub fn detect(text: &str) -> Self {
        if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            return Self::Json;
        }
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let first = lines
            .into_iter()
            .find(|line| !line.is_empty() && !line.starts_with('#'))
            .unwrap_or_default();
        let is_header = first.starts_with('[')
            && first
                .split('#')
                .next()
                .unwrap_or_default()
                .trim_end()
                .ends_with(']');
        let is_entry = first.split_once('=').is_some_and(|(key, _)| {
            let key = key.trim().trim_matches(['"', '\'']);
            !key.is_empty()
                && key
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\'' | ' '))
        });
        if is_header || is_entry {
            Self::Toml
        } else {
            Self::Yaml
        }
    }

    /// Returns whether the file may contain `zenml` commands.
    pub fn is_script(self) -> bool {
        matches!(self, Self::Script(_))
    }

    /// Returns the name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yaml => "YAML",
            Self::Toml => "TOML",
            Self::Json => "JSON",
            Self::Script(_) => "script",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_determines_the_syntax_in_any_case() {
        let of = |path: &str| Syntax::from_path(Path::new(path));
        assert_eq!(of("a/prod.yaml"), Some(Syntax::Yaml));
        assert_eq!(of("a/prod.YAML"), Some(Syntax::Yaml));
        assert_eq!(of("prod.Yml"), Some(Syntax::Yaml));
        assert_eq!(of("PROD.TOML"), Some(Syntax::Toml));
        assert_eq!(of("x.stack.JSON"), Some(Syntax::Json));
        for other in [".YAML", "a/.yaml", "yaml", "x.yaml.bak", "x.yam"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
