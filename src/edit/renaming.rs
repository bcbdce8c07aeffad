//! `rename`: gives a secret or a key another name in every file, as one set of edits.
//!
//! - `name_edits` collects the edits of references, declarations and the constants that they use.
//! - [`RenamePlan::new`] reads the edited texts again and compares them: only the names may differ.
//! - [`RenamePlan::write`] writes all files or none.
//!
//! [`RenameChecks::plan`] also checks whether the new name is free, and whether every use is known.

mod assigned_names;
mod name_edits;
mod planned_files;
mod rename_checks;
mod rename_proof;

pub use rename_checks::{AcceptedReasons, RenameChecks, lookups};

use crate::diagnostics::error::{Failure, io_message};
use crate::document::Edit;
use crate::edit::fix::ChangedFile;
use crate::inventory::{Inventories, Inventory, Key, RequestedNames};
use crate::lint::analysis::Analysis;
use crate::lint::reference_list::SecretSelector;
use crate::lint::scan::{PathRoots, Scan};
use crate::project::configs::Configs;
use crate::sources::declarations::Declaration;
use crate::sources::reference::Reference;
use crate::system::files;
use crate::system::paths::canonicalize_existing;
use crate::system::write::{self, ExistingFile, FilePermissions, NewFile};
use crate::text::escape::escape_control;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use crate::zenml::grammar::{key_error, name_error};
use name_edits::{FileEdits, NameEdits};
use rename_proof::RenameProof;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A secret or a key, and its new name.
#[derive(Clone, Debug)]
pub struct Rename {
    secret: String,
    new_secret: String,
    /// The key and its new name. The secret keeps its name.
    key: Option<(String, String)>,
}

/// A place where a name is replaced.
#[derive(Clone, Debug)]
pub struct RenamedPlace {
    /// The file.
    pub source: Arc<RedactedSource>,
    /// The bytes of the old name.
    pub span: Span,
}

impl Rename {
    /// Creates the rename of a secret or a key to `NEW` or `NEW.KEY`.
    ///
    /// # Errors
    /// The new name cannot be referenced, is the old one, or moves a key to another secret.
    pub fn new(old: &SecretSelector, new: &str) -> Result<Self, Failure> {
        let rename = match old.key() {
            None => Self {
                secret: old.secret().to_owned(),
                new_secret: new.to_owned(),
                key: None,
            },
            Some(key) => {
                let new_key = new
                    .strip_prefix(old.secret())
                    .and_then(|rest| rest.strip_prefix('.'));
                let Some(new_key) = new_key else {
                    let (secret, new) = (escape_control(old.secret()), escape_control(new));
                    let help = format!("write the new name as `{secret}.KEY`");
                    return Err(Failure::usage(format!(
                        "`{new}` is not a key of the secret `{secret}`: a renamed key stays in its secret"
                    ))
                    .with_help(help));
                };
                Self {
                    secret: old.secret().to_owned(),
                    new_secret: old.secret().to_owned(),
                    key: Some((key.to_owned(), new_key.to_owned())),
                }
            }
        };
        let reason = match &rename.key {
            Some((_, new_key)) => key_error(new_key),
            None => name_error(&rename.new_secret),
        };
        if let Some(reason) = reason {
            return Err(Failure::usage(format!(
                "no reference can name `{}`, because {reason}",
                escape_control(new)
            )));
        }
        if rename.new_text() == old.text() {
            return Err(Failure::usage("the new name is the old one"));
        }
        Ok(rename)
    }

    /// Returns the old name of the secret.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Returns the new name of the secret.
    pub fn new_secret(&self) -> &str {
        &self.new_secret
    }

    /// Returns the old and the new name of the key, if a key is renamed.
    pub fn key(&self) -> Option<(&str, &str)> {
        self.key
            .as_ref()
            .map(|(old, new)| (old.as_str(), new.as_str()))
    }

    /// Returns the new name: `secret` or `secret.key`.
    pub fn new_text(&self) -> String {
        match &self.key {
            Some((_, new)) => format!("{}.{new}", self.new_secret),
            None => self.new_secret.clone(),
        }
    }

    /// Returns whether an inventory has the new name.
    pub fn exists_in(&self, inventory: &dyn Inventory) -> bool {
        let keys = inventory.keys(&self.new_secret, &RequestedNames::new());
        let has = |keys: &[Key], new: &str| keys.iter().any(|key| key.name == new);
        keys.is_ok_and(|keys| self.key().is_none_or(|(_, new)| has(&keys, new)))
    }

    /// Returns whether a reference contains the name.
    pub fn applies_to(&self, reference: &Reference) -> bool {
        !reference.is_dynamic
            && reference.secret() == self.secret
            && self
                .key()
                .is_none_or(|(old, _)| reference.key() == Some(old))
    }

    /// Returns whether a declaration contains the name.
    pub fn applies_to_declaration(&self, declaration: &Declaration) -> bool {
        let has = |old: &str| declaration.keys.iter().any(|key| key.name == old);
        !declaration.is_dynamic
            && declaration.secret == self.secret
            && self.key().is_none_or(|(old, _)| has(old))
    }

    /// Returns the name of a secret after the rename.
    fn renamed_secret<'n>(&'n self, secret: &'n str) -> &'n str {
        if secret == self.secret {
            &self.new_secret
        } else {
            secret
        }
    }

    /// Returns the name of a key after the rename.
    fn renamed_key<'n>(&'n self, secret: &str, key: &'n str) -> &'n str {
        match self.key() {
            Some((old, new)) if secret == self.secret && key == old => new,
            _ => key,
        }
    }
}

/// The files that a rename changes.
pub struct RenamePlan {
    /// The changed files by their absolute paths without links.
    changed: BTreeMap<PathBuf, ChangedFile>,
    /// The edits of each changed file.
    edits: BTreeMap<PathBuf, Vec<Edit>>,
    /// The places, in the order of the files.
    pub places: Vec<RenamedPlace>,
    /// The first brace expression of each file that still has the old name. It is not a reference:
    /// it is in prose, or `check` reports it.
    leftovers: Vec<RenamedPlace>,
}

impl RenamePlan {
    /// Plans a rename in the files of a scan, which has kept its documents, and in the inventories
    /// that are files.
    ///
    /// # Errors
    /// Returns a failure for each place where the name cannot be replaced.
    pub fn new(
        rename: &Rename,
        scan: &Scan,
        inventories: &Inventories,
        configs: &Configs,
        roots: &PathRoots,
    ) -> Result<Self, Vec<Failure>> {
        let mut edits = NameEdits::new(rename);
        edits.add_scan(scan);
        edits.add_inventories(inventories);
        let (files, computed) = edits.finish()?;
        let proof = RenameProof {
            rename,
            files: &files,
            computed: &computed,
            configs,
            roots,
        };
        let new_sources = proof.verify(scan)?;
        let mut plan = Self {
            changed: BTreeMap::new(),
            edits: BTreeMap::new(),
            places: Vec::new(),
            leftovers: find_leftovers(rename, scan, &files),
        };
        for (path, file) in files {
            plan.places.extend(file.places());
            plan.edits.insert(path.clone(), file.edits());
            let changed = file.into_changed_file(new_sources.get(&path).map(AsRef::as_ref));
            plan.changed.insert(path, changed);
        }
        Ok(plan)
    }

    /// Returns whether the name is in no file.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// Returns the number of files.
    pub fn file_count(&self) -> usize {
        self.changed.len()
    }

    /// Returns the changed files, sorted by path.
    pub fn changed(&self) -> impl Iterator<Item = &ChangedFile> {
        self.changed.values()
    }

    /// Returns a note for each file that still contains the old name.
    pub fn leftover_notes(&self, old: &SecretSelector) -> Vec<String> {
        let name = escape_control(&old.text());
        let notes = self.leftovers.iter().map(|place| {
            let path = escape_control(place.source.path());
            let line = place.source.position(place.span.start).line;
            format!(
                "`{path}:{line}` still names `{name}`, but not as a reference that ZenML replaces"
            )
        });
        notes.collect()
    }

    /// Iterates over the edits of each changed file, in the order of the file.
    pub fn edits(&self) -> impl Iterator<Item = FileEdit<'_>> {
        let changed = self.changed.iter();
        changed.map(|(path, file)| FileEdit {
            path,
            source: &file.old_source,
            edits: self.edits.get(path).map_or(&[], Vec::as_slice),
        })
    }

    /// Writes all files below a folder, or none.
    ///
    /// # Errors
    /// Fails if a file is outside of the folder, cannot be written, or was changed since it was read.
    pub fn write(&self, folder: &Path) -> Result<(), Failure> {
        let folder = folder
            .canonicalize()
            .map_err(|error| cannot_write(folder, &io_message(&error)))?;
        let mut files = Vec::new();
        for (path, changed) in &self.changed {
            let below = check_file(path, changed, &folder)?;
            files.push(NewFile {
                path: below.to_path_buf(),
                text: changed.new_source.text(),
                existing: ExistingFile::ReplaceText(changed.old_source.text()),
            });
        }
        write::write_all(&folder, &files, FilePermissions::Preserve, &mut |_| {}).map(drop)
    }

    /// Checks whether an editor can apply the edits in a folder. `buffer` returns the text of a file
    /// that is open; the other files must be writable, and have the text that was read.
    ///
    /// # Errors
    /// Returns a failure for each file that cannot be changed.
    pub fn check_buffers<'b>(
        &self,
        folder: &Path,
        buffer: impl Fn(&Path) -> Option<&'b str>,
    ) -> Result<(), Vec<Failure>> {
        let folder = canonicalize_existing(folder);
        let mut failures = Vec::new();
        for (path, changed) in &self.changed {
            let result = match buffer(path) {
                Some(_) if !path.starts_with(&folder) => below(path, &folder).map(drop),
                Some(text) if is_same_text(text, changed.old_source.text()) => Ok(()),
                Some(_) => Err(cannot_write(path, "it has unsaved changes")
                    .with_help("save it, then rename again")),
                None => check_file(path, changed, &folder).map(drop),
            };
            failures.extend(result.err());
        }
        if failures.is_empty() {
            Ok(())
        } else {
            Err(failures)
        }
    }
}

/// The edits of a file that a rename changes.
pub struct FileEdit<'p> {
    /// The absolute path without links.
    pub path: &'p Path,
    /// The file before the edits.
    pub source: &'p Arc<RedactedSource>,
    /// The edits, sorted and without overlaps.
    pub edits: &'p [Edit],
}

/// Returns whether two texts are equal. An editor does not keep the byte order mark in the text.
fn is_same_text(a: &str, b: &str) -> bool {
    let [a, b] = [a, b].map(|text| text.strip_prefix('\u{feff}').unwrap_or(text));
    a == b
}

/// Checks that a file is below a folder, is writable, and has the text that was read. Returns its
/// path below the folder.
fn check_file<'p>(
    path: &'p Path,
    changed: &ChangedFile,
    folder: &Path,
) -> Result<&'p Path, Failure> {
    let below = below(path, folder)?;
    let metadata = path
        .metadata()
        .map_err(|error| cannot_write(path, &io_message(&error)))?;
    if metadata.permissions().readonly() {
        return Err(cannot_write(path, "it is read-only"));
    }
    let bytes =
        files::read(path, u64::MAX).map_err(|error| cannot_write(path, &io_message(&error)))?;
    if bytes != changed.old_source.text().as_bytes() {
        return Err(cannot_write(
            path,
            "it is not UTF-8, or was changed while it was being read",
        ));
    }
    Ok(below)
}

fn below<'p>(path: &'p Path, folder: &Path) -> Result<&'p Path, Failure> {
    path.strip_prefix(folder).map_err(|_| {
        cannot_write(path, "it is outside of the repository")
            .with_help("rename the secret there by hand, or run the command in a folder that contains the file")
    })
}

/// Returns the first brace expression with the old name in each file of a scan, outside of the places
/// that are edited.
fn find_leftovers(
    rename: &Rename,
    scan: &Scan,
    files: &BTreeMap<PathBuf, FileEdits>,
) -> Vec<RenamedPlace> {
    let name = match rename.key() {
        Some((old, _)) => format!("{}.{old}", rename.secret()),
        None => format!("{}.", rename.secret()),
    };
    let edited: HashSet<(&Path, usize)> = files
        .values()
        .flat_map(|file| {
            file.places()
                .map(|place| (file.source.absolute_path(), place.span.start))
        })
        .collect();
    let leftover = |file: &Analysis| {
        let text = file.source.text();
        let found = text.match_indices(&name).find(|(at, _)| {
            let before = text.get(..*at).unwrap_or_default().trim_end_matches(' ');
            let key_at = rename.key().map_or(*at, |_| at + rename.secret().len() + 1);
            before.ends_with("{{") && !edited.contains(&(file.source.absolute_path(), key_at))
        });
        found.map(|(at, found)| RenamedPlace {
            source: Arc::clone(&file.source),
            span: Span::new(at, at + found.len()),
        })
    };
    scan.files.iter().filter_map(leftover).collect()
}

fn cannot_write(path: &Path, reason: &str) -> Failure {
    let shown = escape_control(&path.display().to_string());
    Failure::usage(format!("cannot write `{shown}`: {reason}"))
        .with_help_if_none("no file was changed")
}
