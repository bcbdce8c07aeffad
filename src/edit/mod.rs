//! Edits of files: safe fixes, ignore comments, renames, and references replaced by their values.

pub mod fix;
pub mod add_ignores;
pub mod renaming;
mod render_proof;
pub mod substitution;
