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

pub mod source;
pub mod outcome;
pub mod paths;
pub mod files;
pub mod digest;
pub mod programs;
pub mod parallel;
pub mod jobs;
pub mod secret;
pub mod reference;
pub mod lookalike;
pub mod nearest;
pub mod flavors;
pub mod placeholder;
pub mod url;
pub mod shape;
pub mod excerpt;
pub mod error;
pub mod repository;
pub mod document;
pub mod config;
pub mod configs;
pub mod prefilter;
pub mod discover;
pub mod stack;
pub mod finding;
pub mod ignore;
pub mod baseline;
pub mod write;
pub mod trust;
pub mod inventory;
pub mod git;
pub mod site;
pub mod rules;
pub mod scan;
pub mod silence;
pub mod leaks;
pub mod check;
pub mod fix;
pub mod add_ignores;
pub mod refs;
pub mod render;
pub mod register;
pub mod listing;
pub mod init;
pub mod report;
pub mod schema;
pub mod terminal;
pub mod cli;
pub mod run;
