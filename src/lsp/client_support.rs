//! What the client supports, read from its capabilities.
//!
//! The capabilities are read field by field: a value of an unexpected type must not end the session.

use super::text_positions::PositionEncoding;
use serde_json::Value;

/// The optional parts of the protocol that the client supports.
#[derive(Clone, Debug, Default)]
pub struct ClientSupport {
    /// The encoding of positions.
    pub encoding: PositionEncoding,
    /// `textDocument/diagnostic`: the client requests diagnostics.
    pub pulls_diagnostics: bool,
    /// `workspace/diagnostic/refresh`.
    pub diagnostic_refresh: bool,
    /// Progress that the server begins.
    pub work_done_progress: bool,
    /// Registration of watched files.
    pub watched_files: bool,
    /// Watched files outside the workspace.
    pub relative_patterns: bool,
    /// `workspace/configuration`.
    pub configuration: bool,
    /// A default range of completion items.
    pub completion_item_defaults: bool,
    /// Versions of documents in edits.
    pub document_changes: bool,
    /// Annotations of edits, which may require a confirmation.
    pub change_annotations: bool,
    /// Files that an edit creates.
    pub creates_files: bool,
    /// Code actions as literals and not as commands.
    pub code_action_literals: bool,
    /// Edits of code actions that are computed later.
    pub code_action_resolve: bool,
    /// Document symbols as a tree.
    pub symbol_tree: bool,
    /// `workspace/codeLens/refresh`.
    pub code_lens_refresh: bool,
    /// Hover texts in Markdown.
    pub markdown_hover: bool,
    /// The commands that the client can run.
    pub commands: Vec<String>,
}

impl ClientSupport {
    /// Reads the parameters of `initialize`.
    pub fn of_params(params: &Value) -> Self {
        let capability = |path: &str| params.pointer(&format!("/capabilities{path}"));
        let has = |path: &str| capability(path).and_then(Value::as_bool).unwrap_or(false);
        let lists = |path: &str, item: &str| {
            let list = capability(path).and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|listed| listed.as_str() == Some(item)))
        };
        let encodings = capability("/general/positionEncodings").and_then(Value::as_array);
        let encodings = encodings.into_iter().flatten().filter_map(Value::as_str);
        let commands = params.pointer("/initializationOptions/clientCommands");
        let commands = commands.and_then(Value::as_array).into_iter().flatten();
        Self {
            encoding: PositionEncoding::negotiate(encodings),
            pulls_diagnostics: capability("/textDocument/diagnostic").is_some_and(Value::is_object),
            diagnostic_refresh: has("/workspace/diagnostics/refreshSupport"),
            work_done_progress: has("/window/workDoneProgress"),
            watched_files: has("/workspace/didChangeWatchedFiles/dynamicRegistration"),
            relative_patterns: has("/workspace/didChangeWatchedFiles/relativePatternSupport"),
            configuration: has("/workspace/configuration"),
            completion_item_defaults: lists(
                "/textDocument/completion/completionList/itemDefaults",
                "editRange",
            ),
            document_changes: has("/workspace/workspaceEdit/documentChanges"),
            change_annotations: capability("/workspace/workspaceEdit/changeAnnotationSupport")
                .is_some_and(Value::is_object),
            creates_files: lists("/workspace/workspaceEdit/resourceOperations", "create"),
            code_action_literals: capability("/textDocument/codeAction/codeActionLiteralSupport")
                .is_some_and(Value::is_object),
            code_action_resolve: lists(
                "/textDocument/codeAction/resolveSupport/properties",
                "edit",
            ) && has("/textDocument/codeAction/dataSupport"),
            symbol_tree: has("/textDocument/documentSymbol/hierarchicalDocumentSymbolSupport"),
            code_lens_refresh: has("/workspace/codeLens/refreshSupport"),
            markdown_hover: lists("/textDocument/hover/contentFormat", "markdown"),
            commands: commands
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_unexpected_types_count_as_unsupported() {
        let params = json!({
            "capabilities": {
                "general": {"positionEncodings": [1, "utf-8"]},
                "window": {"workDoneProgress": "yes"},
                "workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}},
                "textDocument": {"diagnostic": {}, "hover": {"contentFormat": "markdown"}},
            },
            "initializationOptions": {"clientCommands": ["stackref.showReferences", 1]},
        });
        let support = ClientSupport::of_params(&params);
        assert_eq!(support.encoding, PositionEncoding::Utf8);
        assert!(support.pulls_diagnostics && support.watched_files);
        assert!(!support.work_done_progress && !support.markdown_hover);
        assert_eq!(support.commands, ["stackref.showReferences"]);
        for params in [json!(null), json!([]), json!({"capabilities": 1})] {
            let support = ClientSupport::of_params(&params);
            assert_eq!(support.encoding, PositionEncoding::Utf16);
            assert!(!support.pulls_diagnostics);
        }
    }
}
