//! Changes to files: safe fixes, ignore comments, references replaced by values.

pub mod fix;
pub mod add_ignores;
mod render_proof;
pub mod substitution;
