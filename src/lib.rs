//! stackref finds, checks and resolves secret references, such as `{{mysql_secret.password}}`, in
//! ML pipeline projects.
//!
//! ```text
//! project ──▶ text ──▶ sources ──▶ lint ──▶ output
//! (files)    (source) (analysis)  (rules,   (reports)
//!                                  answers)    └──▶ edit (fixes, renders)
//! ```
//!
//! Every command starts from one scan, in which each file has one
//! [`Analysis`](lint::analysis::Analysis). So `render` replaces the references that `check`
//! reports.
//!
//! Each folder is a subject. The folders below are ordered: a folder uses only folders listed
//! before it, and a test enforces that. Only `cli` and `commands` use the process: its
//! arguments, standard streams and exit code. They pass the streams and the environment to
//! `workspace` in a `Context`.
//!
//! Exit codes are in [`diagnostics::outcome`]. ARCHITECTURE.md describes the life of a run, and how
//! to add a rule, a source, an inventory, a format or a command.

// On other systems the library is empty, and the program does not compile, with a message in main.rs.
#![cfg(unix)]

#[cfg(test)]
mod counters;

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
pub mod workspace;
pub mod lsp;
pub mod commands;
