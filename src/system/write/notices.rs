//! Notices about concurrent edits that recovery found, for the user at the end of a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A report about a concurrent edit that was found in a staging folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notice {
    /// The edit was restored.
    Restored {
        /// The edited file.
        path: PathBuf,
    },
    /// The edit was kept, and the user has to merge it.
    Kept {
        /// The edited file.
        path: PathBuf,
        /// The file with the edit, in a staging folder.
        edit: PathBuf,
    },
}

/// The notices of this run, from all threads. The value is true if the notice was taken, since each
/// is printed once.
pub(super) static NOTICES: Mutex<BTreeMap<Notice, bool>> = Mutex::new(BTreeMap::new());

/// Returns the notices that no earlier call has returned.
pub fn take_notices() -> Vec<Notice> {
    let mut notices = NOTICES.lock().unwrap_or_else(PoisonError::into_inner);
    let mut new = Vec::new();
    for (notice, is_taken) in notices.iter_mut() {
        if !std::mem::replace(is_taken, true) {
            new.push(notice.clone());
        }
    }
    new
}

pub(super) fn notify(notice: Notice) {
    NOTICES
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(notice)
        .or_default();
}
