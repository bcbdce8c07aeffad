//! Resolves references: the inventories that each one is looked up in, and their answers.
//!
//! The lookup of a reference is computed here, once. The existence rules, `render`, `register` and
//! `inventory` read it from the [`ResolvedReferences`] of a report.
//!
//! The answer must not depend on which files of a project are checked. So if a reference may be
//! declared in a file that is not, the declarations of all files are read: see [`OtherFiles`].

mod expanded_names;
mod reference_resolver;

use crate::diagnostics::error::Failure;
use crate::inventory::lookup::{LookupResults, Progress};
use crate::lint::other_files::OtherFiles;
use crate::lint::report::Unchecked;
use crate::lint::resolved_references::ResolvedReferences;
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
pub use expanded_names::ExpandedNames;
use reference_resolver::ReferenceResolver;
use std::sync::Arc;

/// The outcome of [`resolve`].
#[derive(Default)]
pub(super) struct Resolution {
    pub(super) references: ResolvedReferences,
    pub(super) unchecked: Unchecked,
    /// The error for references that no inventory is configured for.
    pub(super) unrouted: Option<Failure>,
}

/// Looks up the references of a scan. `known` are answers of an earlier check, which are used if
/// they cover all lookups.
pub(super) fn resolve(
    scan: &Scan,
    settings: &Settings<'_>,
    known: Arc<LookupResults>,
    progress: Option<Progress<'_>>,
) -> Resolution {
    let read_others = || settings.other_files.map(|files| files.read(scan));
    let mut others = settings.other_files.and_then(OtherFiles::found);
    let expanded = ExpandedNames::new(scan, settings);
    let mut resolver = ReferenceResolver::run(scan, settings, &expanded, others);
    if others.is_none() && resolver.needs_other_files {
        others = read_others();
        if others.is_some() {
            resolver = ReferenceResolver::run(scan, settings, &expanded, others);
        }
    }
    let lookups = resolver.resolution.references.lookups.iter();
    let lookups = lookups.cloned().collect();
    let answers = if known.contains_all(&lookups) {
        known
    } else if let Some(source) = settings.answer_source {
        source.answer(lookups, resolver.highest)
    } else {
        let inventories = settings.inventories;
        Arc::new(LookupResults::query(
            inventories,
            resolver.highest,
            lookups,
            progress,
        ))
    };
    if others.is_none() && !resolver.are_answered(&answers) {
        others = read_others();
        if others.is_some() {
            // All its lookups are among those that were made.
            resolver = ReferenceResolver::run(scan, settings, &expanded, others);
        }
    }
    let mut resolution = resolver.resolution;
    resolution.references.answers = answers;
    resolution
}
