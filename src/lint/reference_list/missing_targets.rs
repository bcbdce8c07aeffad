//! The secrets and keys of references that do not exist, as `check` finds them.

use crate::diagnostics::error::Failure;
use crate::diagnostics::rule_id::RuleId;
use crate::inventory::lookup::Progress;
use crate::lint::reference_checks::check_references;
use crate::lint::resolve::{Resolution, resolve};
use crate::lint::scan::Scan;
use crate::lint::settings::Settings;
use crate::sources::reference::Reference;
use crate::text::redacted_source::RedactedSource;
use crate::text::source::Span;
use std::collections::HashSet;
use std::sync::Arc;

/// The part of a reference that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingPart {
    /// The secret does not exist.
    Secret,
    /// The secret exists, but not the key.
    Key,
}

/// The references whose secret or key does not exist. Empty if nothing was looked up.
#[derive(Default)]
pub struct MissingTargets {
    secrets: HashSet<(*const RedactedSource, Span)>,
    keys: HashSet<(*const RedactedSource, Span)>,
    /// The inventories that could not answer.
    pub failures: Vec<Failure>,
    /// The indexes of the queried inventories.
    pub queried: Vec<usize>,
}

impl MissingTargets {
    /// Looks up the references of a scan. Without an inventory, only references that differ from a
    /// declaration are missing, and no failure reports the others.
    pub fn look_up(scan: &Scan, settings: &Settings<'_>, progress: Option<Progress<'_>>) -> Self {
        let Resolution {
            references,
            mut unchecked,
            ..
        } = resolve(scan, settings, Arc::default(), progress);
        let results = check_references(scan, &references, settings, &mut unchecked);
        let mut missing = Self {
            failures: results.failures,
            queried: references.answers().queried_inventories().collect(),
            ..Self::default()
        };
        for finding in &results.findings {
            let draft = finding.draft();
            let at = (Arc::as_ptr(&draft.source), draft.span);
            match draft.rule {
                RuleId::UnknownSecret => drop(missing.secrets.insert(at)),
                RuleId::UnknownKey => drop(missing.keys.insert(at)),
                _ => {}
            }
        }
        missing
    }

    /// Returns the part of a reference that does not exist; `None` if both parts exist or were not
    /// looked up.
    pub fn part_of(&self, reference: &Reference) -> Option<MissingPart> {
        let source = Arc::as_ptr(&reference.source);
        let key_span = reference.key_span.unwrap_or(reference.span);
        if self.secrets.contains(&(source, reference.span)) {
            Some(MissingPart::Secret)
        } else if reference.key().is_some() && self.keys.contains(&(source, key_span)) {
            Some(MissingPart::Key)
        } else {
            None
        }
    }
}
