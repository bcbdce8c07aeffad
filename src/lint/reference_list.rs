//! `refs`: the references and declarations of a scan, those of one secret or stack, and the forms in
//! which they are listed.
//!
//! A list asks no inventory. [`missing_targets`] does, for the formats that mark missing secrets.

mod missing_targets;
mod reference_line;
mod secret_graph;
mod secret_group;
mod secret_selector;

pub use missing_targets::{MissingPart, MissingTargets};
pub use reference_line::ReferenceLine;
pub use secret_graph::{EdgeKind, GraphEdge, SecretGraph, SecretNode};
pub use secret_group::SecretGroup;
pub use secret_selector::SecretSelector;

use crate::lint::analysis::Analysis;
use crate::lint::missing_keys::stack_names;
use crate::lint::scan::Scan;
use crate::sources::declarations::Declaration;
use crate::sources::reference::Reference;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The references and declarations of a scan, in the order of its files.
pub struct ReferenceList<'s> {
    /// The references, each with its file.
    references: Vec<(&'s Analysis, &'s Reference)>,
    declarations: Vec<&'s Declaration>,
}

impl<'s> ReferenceList<'s> {
    /// Lists all references and declarations of a scan.
    pub fn of_scan(scan: &'s Scan) -> Self {
        let mut references = Vec::new();
        for file in &scan.files {
            let start = references.len();
            let listed = file.references.iter().chain(&file.dynamic_references);
            references.extend(listed.map(|reference| (file, reference)));
            if let Some(of_file) = references.get_mut(start..) {
                of_file.sort_by_key(|(_, reference)| reference.span.start);
            }
        }
        Self {
            references,
            declarations: scan.declarations().collect(),
        }
    }

    /// Iterates over the references.
    pub fn references(&self) -> impl Iterator<Item = &'s Reference> + '_ {
        self.references.iter().map(|&(_, reference)| reference)
    }

    /// Iterates over the declarations.
    pub fn declarations(&self) -> impl Iterator<Item = &'s Declaration> + '_ {
        self.declarations.iter().copied()
    }

    /// Returns the number of files with references.
    pub fn file_count(&self) -> usize {
        let files = self.references.iter().map(|(file, _)| file);
        let paths = files
            .filter(|file| file.server.is_none())
            .map(|file| &file.path);
        paths.collect::<HashSet<_>>().len()
    }

    /// Iterates over the references as lines, then over the declarations.
    pub fn lines<'l>(
        &'l self,
        missing: &'l MissingTargets,
    ) -> impl Iterator<Item = ReferenceLine> + 'l {
        let references = self.references();
        references
            .map(|reference| ReferenceLine::of_reference(reference, missing))
            .chain(self.declarations().map(ReferenceLine::of_declaration))
    }

    /// Keeps the references and declarations of one secret or key, and the dynamic ones that may
    /// mean it.
    pub fn retain_secret(&mut self, selector: &SecretSelector) {
        self.references
            .retain(|(_, reference)| selector.selects_reference(reference));
        self.declarations
            .retain(|declaration| selector.selects_declaration(declaration));
    }

    /// Keeps the references of one stack or file, and the declarations of their secrets.
    ///
    /// # Errors
    /// No stack or file has this name. The error contains the names of all stacks and files.
    pub fn retain_stack(&mut self, name: &str, scan: &Scan) -> Result<(), BTreeSet<String>> {
        let names = known_stacks(scan);
        if !names.contains(name) {
            return Err(names);
        }
        let mut is_of_file = HashMap::new();
        self.references.retain(|(file, reference)| {
            let is_of_file = *is_of_file
                .entry(&file.path)
                .or_insert_with(|| is_file_of_stack(file, name));
            match reference.scope.stack.as_deref() {
                Some(stack) => stack == name || file.source.path() == name,
                None => is_of_file,
            }
        });
        let used: HashSet<&str> = self.references().map(Reference::secret).collect();
        self.declarations.retain(|declaration| {
            used.contains(declaration.secret.as_str()) || declaration.source.path() == name
        });
        Ok(())
    }
}

/// Returns whether references without a stack belong to the stack of this name, because it is the
/// path or the name of their file.
fn is_file_of_stack(file: &Analysis, name: &str) -> bool {
    file.source.path() == name || stack_names(file).iter().any(|other| other == name)
}

/// Returns the names of the stacks of a scan, and the paths of the files that contain references.
fn known_stacks(scan: &Scan) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for file in &scan.files {
        let is_code = file.syntax.is_script();
        if !file.references.is_empty() || !file.dynamic_references.is_empty() || is_code {
            names.insert(file.source.path().to_owned());
        }
        if !file.stacks.is_empty() && !is_code {
            names.extend(stack_names(file));
        }
    }
    names
}

#[cfg(test)]
pub(super) mod fixtures {
    //! Scans of texts, for the tests of this folder.

    use crate::document::Syntax;
    use crate::lint::scan::{PathRoots, Scan, run_text};
    use crate::project::discover::{Candidate, MatchReason};
    use crate::zenml::grammar::Resolver;

    /// Scans a stack file.
    pub(super) fn scan(path: &str, text: &str) -> Scan {
        let candidate = Candidate {
            path: format!("/r/{path}").into(),
            syntax: Syntax::Yaml,
            reason: Some(MatchReason::Argument),
        };
        let roots = PathRoots {
            cwd: "/r".into(),
            root: "/r".into(),
            keep_documents: false,
            honor_literal_comments: true,
            repository: None,
        };
        run_text(text.as_bytes(), candidate, Resolver::Zenml, &roots)
    }
}

#[cfg(test)]
mod tests {
    use super::fixtures::scan;
    use super::*;

    const STACK: &str = "stack_name: prod
components:
  alerter:
    flavor: slack
    token: '{{slack.token}}'
    channel: '{{slack.channel}}'
    other: '{{db.token}}'
";

    #[test]
    fn a_list_is_restricted_to_a_stack_by_its_name_or_path() {
        for name in ["prod", "a.yaml"] {
            let scan = scan("a.yaml", STACK);
            let mut list = ReferenceList::of_scan(&scan);
            assert_eq!(list.retain_stack(name, &scan), Ok(()), "{name}");
            assert_eq!(list.references().count(), 3, "{name}");
            assert_eq!(list.file_count(), 1, "{name}");
        }
        let scan = scan("a.yaml", STACK);
        let names = ReferenceList::of_scan(&scan).retain_stack("dev", &scan);
        let expected = ["a.yaml", "prod"].map(str::to_owned);
        assert_eq!(names, Err(expected.into()));
    }

    #[test]
    fn a_list_is_restricted_to_a_secret_or_key() {
        for (text, count) in [
            ("slack", 2),
            ("slack.token", 1),
            ("db", 1),
            ("token", 0),
            ("db.channel", 0),
            ("", 0),
            (".", 0),
        ] {
            let scan = scan("a.yaml", STACK);
            let mut list = ReferenceList::of_scan(&scan);
            let selector = SecretSelector::parse(text, &list);
            list.retain_secret(&selector);
            assert_eq!(list.references().count(), count, "{text:?}");
        }
    }
}
