//! The language server: `stackref lsp`.
//!
//! ```text
//! editor ──messages──▶ server ──▶ documents (open buffers)
//!                        │  ▲        │
//!                        ▼  │        ▼
//!          background work  └── editor_project: scan + answers ──▶ report ──▶ diagnostics
//!          (scans, look-ups)
//! ```
//!
//! One thread owns the state, [`server`](server::Server), and handles messages in their order. It
//! waits for nothing: folders are scanned and inventories queried by `background` threads, which
//! send their results as events. Checks run on the state's thread, when no message is waiting.
//!
//! An [`EditorProject`](editor_project::EditorProject) is a folder of the editor. It checks with the
//! same [`Workspace`](crate::workspace::Workspace), scan and pipeline as `check`, so both report the
//! same findings. An open buffer replaces the file in the scan.

mod answer_cache;
mod background;
mod checked_document;
mod client;
mod client_support;
mod code_actions;
mod code_lenses;
mod completion;
mod config_completion;
mod config_cursor;
mod config_diagnostics;
mod config_hover;
mod config_schema;
mod dispatch;
mod document_symbols;
mod documents;
mod editor_diagnostics;
mod editor_project;
mod editor_settings;
mod file_uris;
mod hover;
mod kept_documents;
mod lifecycle;
mod navigation;
mod notifications;
mod parent_process;
mod project_work;
mod publishing;
mod rename_edits;
mod rename_requests;
mod replay;
mod server;
mod text_positions;
mod trust_prompt;
mod untitled;
mod watching;
mod workspace_edits;
mod workspace_symbols;

pub use replay::replay;

use crate::system::environment::Environment;
use lsp_server::Connection;
use std::path::PathBuf;
use std::sync::Arc;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// The client asked the server to shut down, and then to exit.
    ShutDown,
    /// The client requested an exit without a shutdown, or closed the connection.
    Aborted,
    /// The process of the client has ended.
    ClientDied,
}

/// Serves a client until it exits. Relative paths of the client are relative to `cwd`.
pub fn serve(connection: Connection, env: Arc<dyn Environment>, cwd: PathBuf) -> SessionEnd {
    server::Server::new(connection, env, cwd).run()
}
