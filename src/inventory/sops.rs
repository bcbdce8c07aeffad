//! The kind `sops`: a YAML or JSON file whose values SOPS has encrypted, and whose names and keys it has not.
//!
//! Names and keys are read without any key; `sops` itself decrypts, once a run, and writes.

use super::clock::TimeBudget;
use super::http;
use super::{
    Capabilities, Inventory, Key, NewKey, RequestedNames, SecretName, SecretValues, StoreError, Unusable, ValueType,
    partition_existing, secret_from_json, title,
};
use crate::diagnostics::error::{Failure, io_message};
use crate::document::{Document, NodeId, ScalarType, Syntax, SyntaxError};
use crate::project::config::TimeLimits;
use crate::system::files;
use crate::system::paths;
use crate::system::process::{ProgramError, ProgramFinder, run};
use crate::system::write;
use crate::text::redacted_source::RedactedSource;
use crate::text::secret_value::SecretText;
use crate::text::source::{SourceFile, Span};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Bytes that the file may have.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Where SOPS keeps what it needs to know; no secret.
const METADATA_KEY: &str = "sops";

/// An inventory in an encrypted file.
pub struct SopsInventory {
    name: String,
    path: PathBuf,
    display_path: String,
    cwd: PathBuf,
    finder: ProgramFinder,
    budget: TimeBudget,
    document: OnceLock<Result<Document, Failure>>,
    /// Where each secret is in the document.
    by_name: OnceLock<BTreeMap<String, NodeId>>,
    decrypted: OnceLock<Result<Decrypted, StoreError>>,
}

/// The values of secrets by name.
type Decrypted = BTreeMap<String, SecretValues>;

impl SopsInventory {
    /// A file, absolute; reports show it from `cwd`.
    pub fn new(name: String, path: &Path, cwd: &Path, finder: ProgramFinder, limits: TimeLimits) -> Self {
        Self {
            name,
            path: path.to_path_buf(),
            display_path: paths::display_path(path, cwd),
            cwd: cwd.to_path_buf(),
            finder,
            budget: TimeBudget::new(limits),
            document: OnceLock::new(),
            by_name: OnceLock::new(),
            decrypted: OnceLock::new(),
        }
    }

    fn document(&self) -> Result<&Document, StoreError> {
        let document = self.document.get_or_init(|| self.read());
        document.as_ref().map_err(|failure| StoreError::Invalid(failure.clone()))
    }

    fn read(&self) -> Result<Document, Failure> {
        let cannot = |why: &str| {
            Failure::usage(format!("cannot read the inventory {}: {why}", title(&self.name, &self.display_path)))
        };
        let syntax = Syntax::from_path(&self.path).filter(|syntax| *syntax != Syntax::Toml);
        let syntax = syntax.ok_or_else(|| cannot("SOPS files with secrets are .yaml or .json"))?;
        write::recover_beside(&self.path);
        let bytes = files::read(&self.path, MAX_FILE_BYTES)
            .map_err(|error| cannot(&io_message(&error)).with_help("its path is taken from the config's folder"))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| cannot("it is not UTF-8"))?;
        let source = Arc::new(SourceFile::new(self.display_path.clone(), text));
        let document = Document::parse(Arc::clone(&source), syntax).map_err(|error| {
            let place = Span::new(error.span.start, error.span.start);
            let words =
                format!("the inventory {} does not parse: {}", title(&self.name, &self.display_path), error.message);
            Failure::usage(words).at(&RedactedSource::span_only(&source), place).with_help_if(error.help)
        })?;
        let unusable = |at: Span, why: &str, help: &str| {
            let words = format!("the inventory {} is not usable: {why}", title(&self.name, &self.display_path));
            Failure::usage(words).at(&RedactedSource::span_only(&source), Span::new(at.start, at.start)).with_help(help)
        };
        // `sops --decrypt` gives the first document only as JSON, so what is in the others could be looked up, and never read.
        if let Some(&second) = document.roots().get(1) {
            let help = "keep one document in the file: remove the `---` between them, or make an inventory of each";
            return Err(unusable(
                document.node(second).span,
                "an inventory is one document, and a second begins here",
                help,
            ));
        }
        if let Some(duplicate) = document.duplicates().first() {
            let SyntaxError { span, help, .. } = &duplicate.error;
            let help = help.as_deref().unwrap_or("remove one of the two");
            return Err(unusable(*span, "a name or a key occurs twice", help));
        }
        let root = document.roots().first().copied();
        let metadata = root.and_then(|root| document.get(root, METADATA_KEY)).map(|(_, value)| value);
        if metadata.is_none_or(|metadata| document.entries(metadata).is_none()) {
            return Err(cannot("SOPS has not encrypted it: it has no entry `sops`")
                .with_help("encrypt it with `sops --encrypt --in-place`, or call its kind `file`"));
        }
        Ok(document)
    }

    /// The secrets: what stands at the top, and is not SOPS's own.
    fn secrets(&self) -> Result<Vec<(&str, NodeId)>, StoreError> {
        let document = self.document()?;
        let entries = document.roots().first().and_then(|&root| document.entries(root)).unwrap_or_default();
        let named = entries.iter().filter_map(|&(key, value)| Some((document.text(key)?, value)));
        Ok(named.filter(|(name, _)| *name != METADATA_KEY).collect())
    }

    /// Returns the value of a secret, or `None` if there is no such secret.
    fn secret(&self, name: &str) -> Result<Option<NodeId>, StoreError> {
        if let Some(by_name) = self.by_name.get() {
            return Ok(by_name.get(name).copied());
        }
        let secrets = self.secrets()?;
        // Of two of the same name the first one counts.
        let by_name = secrets.into_iter().rev().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(self.by_name.get_or_init(|| by_name).get(name).copied())
    }

    fn decrypted(&self) -> Result<&Decrypted, StoreError> {
        self.decrypted.get_or_init(|| self.decrypt()).as_ref().map_err(Clone::clone)
    }

    fn decrypt(&self) -> Result<Decrypted, StoreError> {
        self.document()?;
        let path = self.path.to_string_lossy();
        let words = ["sops", "--decrypt", "--output-type", "json", path.as_ref()];
        let printed = self.run(&words, None)?;
        let Ok(Value::Object(secrets)) = serde_json::from_slice(&printed) else {
            return Err(StoreError::Unreachable("`sops` printed no JSON object".to_owned()));
        };
        let mut decrypted = Decrypted::new();
        for (name, value) in secrets {
            let mut values = SecretValues::new();
            if let Value::Object(entries) = value {
                for (key, value) in entries {
                    values.insert(key, secret_from_json(&value));
                    http::wipe(value);
                }
            }
            decrypted.insert(name, values);
        }
        Ok(decrypted)
    }

    fn run(&self, words: &[&str], input: Option<&str>) -> Result<zeroize::Zeroizing<Vec<u8>>, StoreError> {
        // Where the user is: what SOPS's variables name may be relative to that.
        let permit = self.budget.begin().map_err(StoreError::Unreachable)?;
        run(&self.finder, words, &self.cwd, input, permit.limit).map_err(|problem| match problem {
            ProgramError::NotRun(words) => StoreError::Unreachable(words),
            ProgramError::Failed(said) => StoreError::Forbidden(format!(
                "{said}; names and keys need no key, values need one that SOPS finds (SOPS_AGE_KEY_FILE, PGP, KMS)"
            )),
        })
    }
}

/// Returns the type of a value: SOPS writes that of an encrypted one beside it, and neither encrypts null nor what is empty.
fn value_type(document: &Document, value: NodeId) -> ValueType {
    let unusable = if document.entries(value).is_some() {
        Unusable::Mapping
    } else if document.items(value).is_some() {
        Unusable::List
    } else {
        let (Some(text), Some(scalar)) = (document.text(value), document.scalar(value)) else {
            return ValueType::Unknown;
        };
        match (encrypted_type(text), scalar.ty) {
            (Some("str"), _) => return ValueType::String,
            (Some("int" | "float"), _) => Unusable::Number,
            (Some("bool"), _) => Unusable::Boolean,
            (Some("time"), _) => Unusable::Timestamp,
            (Some(_), _) | (None, ScalarType::Tagged) => return ValueType::Unknown,
            (None, ScalarType::String) => return ValueType::from_text(text),
            (None, ScalarType::Null) => Unusable::Null,
            (None, ScalarType::Other) => match plain_scalar_type(text) {
                Some(unusable) => unusable,
                None => return ValueType::from_text(text),
            },
        }
    };
    ValueType::Unusable(unusable)
}

/// Returns the type that SOPS has written into a value that it encrypted, `ENC[AES256_GCM,data:…,type:int]`.
fn encrypted_type(text: &str) -> Option<&str> {
    text.strip_prefix("ENC[")?.strip_suffix(']')?.rsplit_once(",type:").map(|(_, name)| name)
}

/// Returns the type that SOPS's YAML reader gives a plain scalar which other readers may read as no string. Returns `None`
/// for those that are strings to it: `yes`, `no`, and numbers to base 60.
fn plain_scalar_type(text: &str) -> Option<Unusable> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "true" | "false" => Some(Unusable::Boolean),
        "y" | "n" | "yes" | "no" | "on" | "off" | "=" | "<<" => None,
        _ if is_timestamp(&lower) => Some(Unusable::Timestamp),
        // To base 60, or only the beginning of a date.
        _ if lower.contains(':') || lower.as_bytes().get(4) == Some(&b'-') && !lower.contains('e') => None,
        _ => Some(Unusable::Number),
    }
}

/// Whether a text is a date, `2020-01-31`, alone or with a time behind it.
fn is_timestamp(text: &str) -> bool {
    let (date, time) = text.split_once(['t', ' ']).unwrap_or((text, "0"));
    let parts: Vec<&str> = date.split('-').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(is_number) && time.starts_with(|c: char| c.is_ascii_digit())
}

impl Inventory for SopsInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { list: true, keys: true, values: true, write: true }
    }

    fn names(&self, _wanted: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let secrets = self.secrets()?.into_iter();
        Ok(secrets.map(|(name, _)| SecretName { name: name.to_owned(), ambiguity: None }).collect())
    }

    fn keys(&self, secret: &str, _wanted: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let value = self.secret(secret)?.ok_or(StoreError::NotFound)?;
        let document = self.document()?;
        let keys = document.entries(value).unwrap_or_default().iter().filter_map(|&(key, value)| {
            Some(Key { name: document.text(key)?.to_owned(), value: value_type(document, value) })
        });
        Ok(keys.collect())
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        let values = self.decrypted()?.get(secret).ok_or(StoreError::NotFound)?;
        // JSON has no timestamps: the file knows what it turned into a string.
        let types: BTreeMap<String, ValueType> =
            self.keys(secret, requested)?.into_iter().map(|key| (key.name, key.value)).collect();
        let value = |(key, value): (&String, &Result<SecretText, Unusable>)| {
            let value = match (types.get(key), value) {
                (Some(ValueType::Unusable(unusable)), _) | (_, Err(unusable)) => Err(*unusable),
                (_, Ok(text)) => Ok(SecretText::new(text.expose())),
            };
            (key.clone(), value)
        };
        Ok(values.iter().filter(|(key, _)| requested.contains(*key)).map(value).collect())
    }

    fn check_writable(&self) -> Result<(), Failure> {
        write::check_replaceable(&self.path, &self.display_path)
    }

    fn put_secret(&self, secret: &str, entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        // As it is now, not as it was when it was first read.
        let now = Self::new(self.name.clone(), &self.path, &self.cwd, self.finder.clone(), TimeLimits::default());
        let existing = match now.keys(secret, &RequestedNames::new()) {
            Err(StoreError::NotFound) => Vec::new(),
            other => other?,
        };
        let refused = |words: String| Err(StoreError::Invalid(Failure::usage(words).with_help("use `sops edit`")));
        let document = now.document()?;
        let value = now.secret(secret)?;
        if value.is_some_and(|value| document.entries(value).is_none()) {
            return refused(format!(
                "`{secret}` in the inventory {} holds a value and no keys, and would be lost",
                title(&self.name, &self.display_path)
            ));
        }
        // SOPS takes a place apart at these, whatever stands around them.
        let names = std::iter::once(secret).chain(entries.iter().map(|entry| entry.key.as_str()));
        if let Some(name) = names.into_iter().find(|name| name.contains(['"', '\\', '[', ']'])) {
            return refused(format!("SOPS cannot set `{name}`: no quote, backslash or bracket may be in a name"));
        }
        let path = self.path.to_string_lossy();
        let existing: BTreeSet<&str> = existing.iter().map(|key| key.name.as_str()).collect();
        let (kept, fresh) = partition_existing(entries, |key| existing.contains(key));
        for entry in fresh {
            // SOPS's own way of naming a place: strings of JSON in brackets.
            let place = format!("[{}][{}]", Value::from(secret), Value::from(entry.key.as_str()));
            let text = http::into_wiped_text(Value::from(entry.text()));
            self.run(&["sops", "set", "--value-stdin", path.as_ref(), &place], Some(&text))?;
        }
        Ok(kept)
    }
}
