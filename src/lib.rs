//! stackref finds, checks and resolves secret references, `{{name.key}}`, in the stack files of ML pipelines.
//!
//! How data flows:
//!
//! ```text
//! discover → prefilter → document (spans) → stack + reference → rules (+ inventory) → silence → report (or fix)
//! ```
//!
//! Every verb starts from one `scan`: what lint sees is what a render replaces. The modules below stand in the order of
//! their layers; a file uses only modules that are listed above its own, and a test holds the code to that.
//!
//! | layer | modules | what they may do |
//! |---|---|---|
//! | foundations | `source` to `repository` | text, spans, the grammar, what may be shown, what may be read |
//! | reading | `document` to `discover` | the only users of parsers and globs (with `inventory`) |
//! | meaning | `stack` to `site` | documents as stacks, findings as data, files written, inventories |
//! | judging | `rules` to `leaks` | rules do no I/O and print nothing |
//! | verbs | `check` to `init` | no printing; `render`, `register` and `listing` start from what `check` says |
//! | reports | `report`, `schema` | one file a format, to a writer that is handed in; the schemas of what is read and written |
//! | outside | `terminal`, `cli`, `run`, `main` | the only readers of arguments, environment, terminals and standard streams |
//!
//! Exit codes are in [`outcome`].

pub mod zenml;
pub mod text;
pub mod diagnostics;
pub mod system;
pub mod document;
pub mod project;
pub mod inventory;
pub mod sources;
pub mod lint;
pub mod edit;
pub mod output;
pub mod prompt;
pub mod cli;
pub mod commands;
