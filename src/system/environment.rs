//! The environment variables of a run, as a trait so that tests can replace them.
//!
//! Only `main` reads the real environment.

use std::ffi::OsString;

/// The environment of a run.
pub trait Environment: Send + Sync {
    /// Returns the value of a variable.
    fn get(&self, name: &str) -> Option<OsString>;

    /// Returns the names of all variables.
    fn names(&self) -> Vec<OsString>;

    /// Returns the value of a variable, or `None` if it is unset, empty or not UTF-8.
    fn text(&self, name: &str) -> Option<String> {
        self.get(name)?
            .into_string()
            .ok()
            .filter(|text| !text.is_empty())
    }
}
