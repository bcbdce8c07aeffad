//! The kind `sops`: a YAML or JSON file whose values SOPS has encrypted, and whose names and keys it has not.
//!
//! Names and keys are read without any key; `sops` itself decrypts, once a run, and writes.

use super::clock::Clock;
use super::http;
use super::local;
use super::process::{Problem, run};
use super::{Capabilities, Entry, Inventory, Key, NoAnswer, SecretName, Wanted, sort_out};
use crate::config::Limits;
use crate::document::{Document, NodeId, Syntax};
use crate::error::{Failure, plain_io};
use crate::paths;
use crate::secret::SecretText;
use crate::source::{SourceFile, Span};
use crate::write;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use zeroize::Zeroize as _;

/// Bytes that the file may have.
const LARGEST: u64 = 64 << 20;

/// Where SOPS keeps what it needs to know; no secret.
const METADATA: &str = "sops";

/// An inventory in an encrypted file.
pub struct SopsInventory {
    name: String,
    path: PathBuf,
    shown: String,
    cwd: PathBuf,
    clock: Clock,
    document: OnceLock<Result<Document, Failure>>,
    decrypted: OnceLock<Result<Decrypted, NoAnswer>>,
}

/// Secrets by name, values by key; nothing for a value that is no string.
type Decrypted = BTreeMap<String, BTreeMap<String, Option<SecretText>>>;

impl SopsInventory {
    /// A file, absolute; reports show it from `cwd`.
    pub fn new(name: String, path: &Path, cwd: &Path, limits: Limits) -> Self {
        Self {
            name,
            path: path.to_path_buf(),
            shown: paths::relative(path, cwd),
            cwd: cwd.to_path_buf(),
            clock: Clock::new(limits),
            document: OnceLock::new(),
            decrypted: OnceLock::new(),
        }
    }

    fn document(&self) -> Result<&Document, NoAnswer> {
        let document = self.document.get_or_init(|| self.read());
        document.as_ref().map_err(|failure| NoAnswer::Invalid(failure.clone()))
    }

    fn read(&self) -> Result<Document, Failure> {
        let cannot = |why: &str| Failure::usage(format!("cannot read the inventory `{}`: {why}", self.shown));
        let syntax = Syntax::of_path(&self.path).filter(|syntax| *syntax != Syntax::Toml);
        let syntax = syntax.ok_or_else(|| cannot("SOPS files with secrets are .yaml or .json"))?;
        write::recover_beside(&self.path);
        let bytes = local::read(&self.path, LARGEST)
            .map_err(|error| cannot(&plain_io(&error)).with_help("its path is taken from the config's folder"))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| cannot("it is not UTF-8"))?;
        let source = Arc::new(SourceFile::new(self.shown.clone(), text));
        let document = Document::parse(Arc::clone(&source), syntax).map_err(|error| {
            let place = Span::new(error.span.start, error.span.start);
            let words = format!("the inventory `{}` does not parse: {}", self.shown, error.message);
            Failure::usage(words).at(&source, place).with_help_if(error.help)
        })?;
        let root = document.roots().first().copied();
        let metadata = root.and_then(|root| document.get(root, METADATA)).map(|(_, value)| value);
        if metadata.is_none_or(|metadata| document.entries(metadata).is_none()) {
            return Err(cannot("SOPS has not encrypted it: it has no entry `sops`")
                .with_help("encrypt it with `sops --encrypt --in-place`, or call its kind `file`"));
        }
        Ok(document)
    }

    /// The secrets: what stands at the top, and is not SOPS's own.
    fn secrets(&self) -> Result<Vec<(&str, NodeId)>, NoAnswer> {
        let document = self.document()?;
        let entries = document.roots().first().and_then(|&root| document.entries(root)).unwrap_or_default();
        let named = entries.iter().filter_map(|&(key, value)| Some((document.text(key)?, value)));
        Ok(named.filter(|(name, _)| *name != METADATA).collect())
    }

    fn decrypted(&self) -> Result<&Decrypted, NoAnswer> {
        self.decrypted.get_or_init(|| self.decrypt()).as_ref().map_err(Clone::clone)
    }

    fn decrypt(&self) -> Result<Decrypted, NoAnswer> {
        self.document()?;
        let path = self.path.to_string_lossy();
        let words = ["sops", "--decrypt", "--output-type", "json", path.as_ref()];
        let printed = self.run(&words, None)?;
        let Ok(Value::Object(secrets)) = serde_json::from_slice(&printed) else {
            return Err(NoAnswer::Unreachable("`sops` printed no JSON object".to_owned()));
        };
        let mut decrypted = Decrypted::new();
        for (name, value) in secrets {
            let mut keys = BTreeMap::new();
            if let Value::Object(entries) = value {
                for (key, value) in entries {
                    keys.insert(
                        key,
                        match value {
                            Value::String(mut text) => {
                                let kept = SecretText::new(text.as_str());
                                text.zeroize();
                                Some(kept)
                            }
                            _ => None,
                        },
                    );
                }
            }
            decrypted.insert(name, keys);
        }
        Ok(decrypted)
    }

    fn run(&self, words: &[&str], input: Option<&str>) -> Result<zeroize::Zeroizing<Vec<u8>>, NoAnswer> {
        // Where the user is: what SOPS's variables name may be relative to that.
        let turn = self.clock.begin().map_err(NoAnswer::Unreachable)?;
        run(words, &self.cwd, input, turn.limit).map_err(|problem| match problem {
            Problem::NotRun(words) => NoAnswer::Unreachable(words),
            Problem::Failed(said) => NoAnswer::Forbidden(format!(
                "{said}; names and keys need no key, values need one that SOPS finds (SOPS_AGE_KEY_FILE, PGP, KMS)"
            )),
        })
    }
}

impl Inventory for SopsInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { list: true, keys: true, values: true, write: true }
    }

    fn names(&self, _wanted: &Wanted) -> Result<Vec<SecretName>, NoAnswer> {
        let secrets = self.secrets()?.into_iter();
        Ok(secrets.map(|(name, _)| SecretName { name: name.to_owned(), doubled: None }).collect())
    }

    fn keys(&self, secret: &str, _wanted: &Wanted) -> Result<Vec<Key>, NoAnswer> {
        let (_, value) = self.secrets()?.into_iter().find(|(name, _)| *name == secret).ok_or(NoAnswer::Missing)?;
        let document = self.document()?;
        let keys = document.entries(value).unwrap_or_default().iter().filter_map(|&(key, _)| document.text(key));
        Ok(keys.map(|key| Key { name: key.to_owned(), empty: None }).collect())
    }

    fn values(&self, secret: &str, wanted: &Wanted) -> Result<BTreeMap<String, SecretText>, NoAnswer> {
        let values = self.decrypted()?.get(secret).ok_or(NoAnswer::Missing)?;
        let wanted = values.iter().filter(|(key, _)| wanted.contains(*key));
        let value = |(key, value): (&String, &Option<SecretText>)| {
            let value = value.as_ref().map(|value| (key.clone(), SecretText::new(value.expose())));
            value.ok_or_else(|| {
                let words = format!("the value of `{secret}.{key}` in the inventory `{}` is not a string", self.shown);
                NoAnswer::Invalid(Failure::usage(words).with_help("quote it, with `sops edit`"))
            })
        };
        wanted.map(value).collect()
    }

    fn check_writable(&self) -> Result<(), Failure> {
        write::check_replaceable(&self.path, &self.shown)
    }

    fn put_secret(&self, secret: &str, entries: &[Entry]) -> Result<Vec<String>, NoAnswer> {
        // As it is now, not as it was when it was first read.
        let now = Self::new(self.name.clone(), &self.path, &self.cwd, Limits::default());
        let there = match now.keys(secret, &Wanted::new()) {
            Err(NoAnswer::Missing) => Vec::new(),
            other => other?,
        };
        let refused = |words: String| Err(NoAnswer::Invalid(Failure::usage(words).with_help("use `sops edit`")));
        let document = now.document()?;
        let value = now.secrets()?.into_iter().find(|(name, _)| *name == secret).map(|(_, value)| value);
        if value.is_some_and(|value| document.entries(value).is_none()) {
            return refused(format!(
                "`{secret}` in the inventory `{}` holds a value and no keys, and would be lost",
                self.shown
            ));
        }
        // SOPS takes a place apart at these, whatever stands around them.
        let names = std::iter::once(secret).chain(entries.iter().map(|entry| entry.key.as_str()));
        if let Some(name) = names.into_iter().find(|name| name.contains(['"', '\\', '[', ']'])) {
            return refused(format!("SOPS cannot set `{name}`: no quote, backslash or bracket may be in a name"));
        }
        let path = self.path.to_string_lossy();
        let (kept, fresh) = sort_out(entries, |key| there.iter().any(|known| known.name == key));
        for entry in fresh {
            // SOPS's own way of naming a place: strings of JSON in brackets.
            let place = format!("[{}][{}]", Value::from(secret), Value::from(entry.key.as_str()));
            let text = http::text_of(Value::from(entry.text()));
            self.run(&["sops", "set", "--value-stdin", path.as_ref(), &place], Some(&text))?;
        }
        Ok(kept)
    }
}
