//! Lists of names and keys, never of values, as `register`, `inventory`, `refs` and `explain` print
//! them.
//!
//! The reports of `check` are elsewhere: one file per format in `output`. So is the JSON of `refs`,
//! because it has a published schema.

mod comparison_table;
mod contents_json;
mod contents_table;
mod dot_graph;
mod markdown_references;
mod mermaid_graph;
mod permission_table;
mod plain_lines;
mod register_result;
mod secret_groups;

pub use comparison_table::write_comparison;
pub use contents_json::write_inventories_json;
pub use contents_table::{write_short, write_table};
pub use dot_graph::write_dot;
pub use markdown_references::{write_markdown, write_markdown_by_secret};
pub use mermaid_graph::write_mermaid;
pub use permission_table::write_probes;
pub use plain_lines::{write_differences, write_references, write_rules};
pub use register_result::{RegisterResult, StoredSecret, write_register_json, write_required_keys};
pub use secret_groups::{write_groups, write_short_groups};
