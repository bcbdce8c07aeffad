//! Integration tests of the library's public API and of the built program.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests may panic and print"
)]
#![allow(clippy::too_many_lines, reason = "tables of cases are long")]

mod add_ignores;
mod book_coverage;
mod cases;
mod command_line_page;
mod completions;
mod conformance;
mod declarations;
mod dependencies;
mod doc_commands;
mod doc_examples;
mod documents;
mod editors;
mod environment_properties;
mod environment_stores;
mod environments;
mod faults;
mod fixes;
mod fuzz;
mod generated;
mod guard;
mod hostile;
mod hostile_repository;
mod human_output;
mod init;
mod insert;
mod inventory_diff;
mod inventory_kinds;
mod jobs;
mod language;
mod layers;
mod leaks;
mod levels;
mod links;
mod lsp_action_fixtures;
mod lsp_action_support;
mod lsp_actions;
mod lsp_completion;
mod lsp_diagnostics;
mod lsp_hover;
mod lsp_inventory_actions;
mod lsp_navigation;
mod lsp_positions;
mod lsp_properties;
mod lsp_renames;
mod lsp_sessions;
mod lsp_support;
mod manual;
mod matrix_page;
mod messages_page;
mod monorepo;
mod pages;
mod paths;
mod properties;
mod put;
mod references;
mod register;
mod register_environments;
mod registered;
mod render;
mod reports;
mod repository;
mod repository_inventory;
mod rules_page;
mod schemas;
mod scripts;
mod selection;
mod server;
mod snapshots;
mod sources;
mod stores;
mod suites;
mod support;
mod syntax;
mod trust;
mod write;
