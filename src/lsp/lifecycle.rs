//! The beginning of a session: the folders of the client, and what the server offers.

use super::client_support::ClientSupport;
use super::file_uris;
use gen_lsp_types as lsp;
use lsp::{
    CodeActionKind, CodeActionOptions, CodeLensOptions, CompletionOptions, DiagnosticOptions,
    ExecuteCommandOptions, InitializeResult, RenameOptions, ServerCapabilities, ServerInfo,
    TextDocumentSyncKind, TextDocumentSyncOptions, WorkspaceFoldersServerCapabilities,
    WorkspaceOptions,
};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The command that queries the inventories again.
pub const REFRESH_COMMAND: &str = "stackref.refreshInventories";

/// The kind of the action that applies all safe fixes.
pub const FIX_ALL: &str = "source.fixAll.stackref";

/// The characters after which clients request completions.
const TRIGGERS: [&str; 4] = ["{", ".", "\"", "'"];

/// Returns the folders of the parameters of `initialize`.
pub fn folders(params: &Value, cwd: &Path) -> Vec<PathBuf> {
    let listed = params
        .pointer("/workspaceFolders")
        .and_then(Value::as_array);
    if let Some(listed) = listed {
        let uris = listed
            .iter()
            .filter_map(|folder| folder.get("uri")?.as_str());
        return uris.filter_map(file_uris::to_path).collect();
    }
    let uri = params.pointer("/rootUri").and_then(Value::as_str);
    let path = params.pointer("/rootPath").and_then(Value::as_str);
    let root = uri.and_then(file_uris::to_path);
    let root = root.or_else(|| path.map(|path| cwd.join(path)));
    root.into_iter().collect()
}

/// Returns the answer to `initialize`.
pub fn initialize_result(support: &ClientSupport) -> InitializeResult {
    InitializeResult {
        capabilities: capabilities(support),
        server_info: Some(ServerInfo {
            name: "stackref".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
    }
}

fn capabilities(support: &ClientSupport) -> ServerCapabilities {
    let folders = WorkspaceFoldersServerCapabilities {
        supported: Some(true),
        change_notifications: Some(true.into()),
    };
    let actions = CodeActionOptions {
        code_action_kinds: Some(vec![CodeActionKind::QuickFix, CodeActionKind::new(FIX_ALL)]),
        resolve_provider: Some(true),
        ..CodeActionOptions::default()
    };
    ServerCapabilities {
        position_encoding: Some(support.encoding.kind()),
        text_document_sync: Some(
            TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::Incremental),
                save: Some(true.into()),
                ..TextDocumentSyncOptions::default()
            }
            .into(),
        ),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(TRIGGERS.map(str::to_owned).to_vec()),
            ..CompletionOptions::default()
        }),
        hover_provider: Some(true.into()),
        definition_provider: Some(true.into()),
        references_provider: Some(true.into()),
        document_highlight_provider: Some(true.into()),
        document_symbol_provider: Some(true.into()),
        workspace_symbol_provider: Some(true.into()),
        code_action_provider: Some(actions.into()),
        code_lens_provider: Some(CodeLensOptions::default()),
        rename_provider: Some(
            RenameOptions {
                prepare_provider: Some(true),
                ..RenameOptions::default()
            }
            .into(),
        ),
        diagnostic_provider: support.pulls_diagnostics.then(|| {
            DiagnosticOptions {
                identifier: Some("stackref".to_owned()),
                inter_file_dependencies: true,
                workspace_diagnostics: true,
                ..DiagnosticOptions::default()
            }
            .into()
        }),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: vec![REFRESH_COMMAND.to_owned()],
            ..ExecuteCommandOptions::default()
        }),
        workspace: Some(WorkspaceOptions {
            workspace_folders: Some(folders),
            ..WorkspaceOptions::default()
        }),
        ..ServerCapabilities::default()
    }
}
