//! The proof of a rename: in the new texts, only these names differ.
//!
//! The new texts are analyzed again, and so are the files whose names come from a changed constant. The
//! references and declarations are compared one by one. A document is also compared node by node.

use super::name_edits::FileEdits;
use super::planned_files::PlannedFiles;
use super::{Rename, RenamedPlace};
use crate::diagnostics::error::Failure;
use crate::diagnostics::finding_builder::FindingBuilder;
use crate::diagnostics::rule_id::RuleId;
use crate::edit::fix::read_again;
use crate::lint::analysis::Analysis;
use crate::lint::scan::{PathRoots, Scan};
use crate::project::configs::Configs;
use crate::sources::declarations::Declaration;
use crate::sources::reference::Reference;
use crate::system::paths::canonicalize_existing;
use crate::text::escape::escape_control;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::SourceFile;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// The rules about the form of a text. Other rules depend on names, such as that of a password.
const FORM_RULES: [RuleId; 3] = [
    RuleId::SyntaxError,
    RuleId::MalformedReference,
    RuleId::UnquotedReference,
];

/// The edits of a rename, to be compared with the files.
pub(super) struct RenameProof<'p> {
    pub rename: &'p Rename,
    /// The edits by the absolute path of each file, without links.
    pub files: &'p BTreeMap<PathBuf, FileEdits>,
    /// The names that no edit contains.
    pub computed: &'p [RenamedPlace],
    pub configs: &'p Configs,
    pub roots: &'p PathRoots,
}

/// The new texts of the changed files, with their redactions.
pub(super) type NewSources = HashMap<PathBuf, Arc<RedactedSource>>;

impl RenameProof<'_> {
    /// Verifies the edits. Returns the new text of each changed file of the scan.
    ///
    /// # Errors
    /// Returns the failures of all files in which a name would not change, or something else would.
    pub fn verify(&self, scan: &Scan) -> Result<NewSources, Vec<Failure>> {
        let mut texts = HashMap::new();
        let mut failures = Vec::new();
        for (path, file) in self.files {
            match file.new_text() {
                Some(text) => drop(texts.insert(path.clone(), text)),
                None => failures.push(differs(&file.source)),
            }
        }
        let roots = self.planned_roots(&texts);
        let mut sources = NewSources::new();
        for file in &scan.files {
            let path = canonicalize_existing(&file.path);
            let text = texts.get(&path);
            let uses_name = file.references.iter().any(|it| self.rename.applies_to(it));
            if text.is_none() && !uses_name {
                continue;
            }
            let new_text = text.map_or_else(|| file.source.text(), String::as_str);
            let new = read_again(file, new_text.as_bytes(), self.configs, &roots);
            match new.filter(|new| self.is_renamed(file, new)) {
                Some(new) if text.is_some() => drop(sources.insert(path, new.source)),
                Some(_) => {}
                None => failures.extend(self.failures_in(file)),
            }
        }
        if failures.is_empty() {
            Ok(sources)
        } else {
            Err(failures)
        }
    }

    /// Returns why a file cannot be edited.
    fn failures_in(&self, file: &Analysis) -> Vec<Failure> {
        let computed = self.computed.iter();
        let places = computed.filter(|place| Arc::ptr_eq(&place.source, &file.source));
        let mut places: Vec<&RenamedPlace> = places.collect();
        places.sort_by_key(|place| place.span);
        let failures: Vec<Failure> = places
            .into_iter()
            .map(|place| self.cannot_write(place))
            .collect();
        if failures.is_empty() {
            vec![differs(&file.source)]
        } else {
            failures
        }
    }

    fn cannot_write(&self, place: &RenamedPlace) -> Failure {
        let name = escape_control(&self.rename.new_text());
        Failure::finding(format!("cannot write the new name `{name}` here"))
            .at(&place.source, place.span)
            .with_help(
                "the name is computed or has escapes, or the new name needs quotes: change it by \
                 hand, then run the command again with `--merge`",
            )
    }

    /// Returns the roots of a scan that reads the new texts.
    fn planned_roots(&self, texts: &HashMap<PathBuf, String>) -> PathRoots {
        let planned = self.files.iter().filter_map(|(path, file)| {
            let new = SourceFile::new(file.source.path().to_owned(), texts.get(path)?.clone());
            let path = file.source.absolute_path().to_path_buf();
            Some((path.clone(), Arc::new(new.with_absolute_path(&path))))
        });
        let planned: HashMap<PathBuf, Arc<SourceFile>> = planned.collect();
        let repository = self.roots.repository.as_ref().map(|saved| {
            let files = PlannedFiles {
                saved: Arc::clone(saved),
                planned,
                shared: Mutex::default(),
            };
            Arc::new(files) as Arc<_>
        });
        PathRoots {
            cwd: self.roots.cwd.clone(),
            root: self.roots.root.clone(),
            repository,
            ..*self.roots
        }
    }

    /// Returns whether a file differs from its old text in these names only.
    fn is_renamed(&self, old: &Analysis, new: &Analysis) -> bool {
        let references = |file: &Analysis, is_old| {
            let found = file.references.iter().chain(&file.dynamic_references);
            let names = found.map(|reference| self.names_of(reference, is_old));
            names.collect::<Vec<_>>()
        };
        let declarations = |file: &Analysis, is_old| {
            let names = file.declarations.iter();
            let names = names.map(|declaration| self.declared_names(declaration, is_old));
            names.collect::<Vec<_>>()
        };
        let form_errors = |file: &Analysis| {
            let rules = file.findings.iter().map(FindingBuilder::rule);
            rules.filter(|rule| FORM_RULES.contains(rule)).count()
        };
        references(old, true) == references(new, false)
            && declarations(old, true) == declarations(new, false)
            && form_errors(old) == form_errors(new)
            && self.is_same_document(old, new)
    }

    fn is_same_document(&self, old: &Analysis, new: &Analysis) -> bool {
        let (Some(old_document), Some(new_document)) = (&old.document, &new.document) else {
            return old.document.is_none() && new.document.is_none();
        };
        if old_document.syntax().is_script() {
            return old_document.commands().len() == new_document.commands().len()
                && old_document.calls().len() == new_document.calls().len();
        }
        let none = HashMap::new();
        let file = self.files.get(&canonicalize_existing(&old.path));
        let changed = file.map_or(&none, |file| &file.changed);
        old_document
            .find_difference(new_document, changed)
            .is_none()
    }

    /// Returns the names of a reference after the rename. `is_old` is true for the old text.
    fn names_of(&self, reference: &Reference, is_old: bool) -> (String, Option<String>, bool) {
        let (secret, key) = (reference.secret(), reference.key());
        if !is_old || reference.is_dynamic {
            return (
                secret.to_owned(),
                key.map(str::to_owned),
                reference.is_dynamic,
            );
        }
        (
            self.rename.renamed_secret(secret).to_owned(),
            key.map(|key| self.rename.renamed_key(secret, key).to_owned()),
            false,
        )
    }

    /// Returns the names of a declaration after the rename.
    fn declared_names(&self, declaration: &Declaration, is_old: bool) -> (String, Vec<String>) {
        let secret = declaration.secret.as_str();
        let is_renamed = is_old && !declaration.is_dynamic;
        let keys = declaration.keys.iter().map(|key| {
            if is_renamed {
                self.rename.renamed_key(secret, &key.name).to_owned()
            } else {
                key.name.clone()
            }
        });
        let keys = keys.collect();
        if is_renamed {
            (self.rename.renamed_secret(secret).to_owned(), keys)
        } else {
            (secret.to_owned(), keys)
        }
    }
}

fn differs(source: &RedactedSource) -> Failure {
    Failure::finding(format!(
        "the new name would change more than the name in `{}`",
        source.path()
    ))
    .with_help("choose another name, or change this file by hand")
}
