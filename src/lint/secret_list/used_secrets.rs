//! The secrets and keys that the references of a scan use, whichever inventory they are looked up
//! in.

use crate::lint::scan::Scan;
use std::collections::{BTreeMap, BTreeSet};

/// The secrets and keys that references use.
#[derive(Debug, Default)]
pub struct UsedSecrets<'s> {
    /// The keys of each secret; `None` if a reference uses the whole secret.
    pub(super) secrets: BTreeMap<&'s str, Option<BTreeSet<&'s str>>>,
    /// The number of references of which a part is known only at run time.
    pub dynamic: usize,
}

impl<'s> UsedSecrets<'s> {
    /// Collects the names in the references of a scan.
    pub fn of_scan(scan: &'s Scan) -> Self {
        let mut used = Self::default();
        for reference in scan.references() {
            if reference.is_dynamic {
                used.dynamic += 1;
            } else {
                used.add(reference.secret(), reference.key());
            }
        }
        let dynamic = scan.files.iter().map(|file| file.dynamic_references.len());
        used.dynamic += dynamic.sum::<usize>();
        used
    }

    /// Adds the use of a key, or of a whole secret.
    pub(super) fn add(&mut self, secret: &'s str, key: Option<&'s str>) {
        let keys = self
            .secrets
            .entry(secret)
            .or_insert_with(|| Some(BTreeSet::new()));
        match (key, keys) {
            (Some(key), Some(keys)) => drop(keys.insert(key)),
            (None, keys) => *keys = None,
            (Some(_), None) => {}
        }
    }
}
