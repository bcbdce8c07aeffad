//! The environment variables of a run, as a trait: tests replace them.

use std::ffi::OsString;

/// The environment of a run.
pub trait Environment: Send + Sync {
    /// The value of a variable.
    fn get(&self, name: &str) -> Option<OsString>;

    /// The names of all variables.
    fn names(&self) -> Vec<OsString>;

    /// The value of a variable that is UTF-8, and not empty.
    fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.into_string().ok().filter(|text| !text.is_empty())
    }
}
