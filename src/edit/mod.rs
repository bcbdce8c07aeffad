//! Edits of files: safe fixes, ignore comments, and references replaced by their values.

pub mod fix;
pub mod add_ignores;
mod render_proof;
pub mod substitution;
