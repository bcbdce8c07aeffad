//! The requests of the client, each with the function that answers it.

use super::lifecycle::REFRESH_COMMAND;
use super::server::Server;
use gen_lsp_types as lsp;
use lsp_server::{ErrorCode, Request, RequestId};
use serde_json::Value;

impl Server {
    /// Answers a request.
    pub(super) fn dispatch(&mut self, request: Request) {
        let Request { id, method, params } = request;
        match method.as_str() {
            "textDocument/diagnostic" => {
                self.answer::<lsp::DocumentDiagnosticRequest>(
                    id,
                    params,
                    Self::document_diagnostic,
                );
            }
            "textDocument/definition" => {
                self.answer::<lsp::DefinitionRequest>(id, params, Self::definition);
            }
            "textDocument/references" => {
                self.answer::<lsp::ReferencesRequest>(id, params, Self::references);
            }
            "textDocument/documentHighlight" => {
                self.answer::<lsp::DocumentHighlightRequest>(id, params, Self::document_highlight);
            }
            "textDocument/documentSymbol" => {
                self.answer::<lsp::DocumentSymbolRequest>(id, params, Self::document_symbol);
            }
            "textDocument/prepareRename" => {
                self.try_answer::<lsp::PrepareRenameRequest>(id, params, Self::prepare_rename);
            }
            "textDocument/rename" => self.rename(id, params),
            "workspace/symbol" => {
                self.answer::<lsp::WorkspaceSymbolRequest>(id, params, Self::workspace_symbol);
            }
            "textDocument/codeLens" => {
                self.answer::<lsp::CodeLensRequest>(id, params, Self::code_lens);
            }
            "textDocument/completion" => {
                self.answer::<lsp::CompletionRequest>(id, params, Self::completion);
            }
            "textDocument/codeAction" => {
                self.answer::<lsp::CodeActionRequest>(id, params, Self::code_actions);
            }
            "textDocument/hover" => self.answer::<lsp::HoverRequest>(id, params, Self::hover),
            "codeAction/resolve" => {
                let resolve = Self::resolve_code_action;
                self.try_answer::<lsp::CodeActionResolveRequest>(id, params, resolve);
            }
            "workspace/diagnostic" => self.workspace_diagnostic(id, params),
            "workspace/executeCommand" => {
                self.try_answer::<lsp::ExecuteCommandRequest>(id, params, Self::execute_command);
            }
            _ => {
                let message = format!("`{method}` is not supported");
                self.client.fail(id, ErrorCode::MethodNotFound, message);
            }
        }
    }

    /// Parses the parameters of a request, and answers it.
    fn answer<R: lsp::Request>(
        &mut self,
        id: RequestId,
        params: Value,
        run: impl FnOnce(&mut Self, &R::Params) -> R::Result,
    ) {
        self.try_answer::<R>(id, params, |server, params| Ok(run(server, params)));
    }

    /// Parses the parameters of a request, and answers it with a result or an error.
    fn try_answer<R: lsp::Request>(
        &mut self,
        id: RequestId,
        params: Value,
        run: impl FnOnce(&mut Self, &R::Params) -> Result<R::Result, String>,
    ) {
        // The error may quote a value of the parameters.
        let Ok(params) = serde_json::from_value(params) else {
            let message = "the parameters are not those of this request";
            return self.client.fail(id, ErrorCode::InvalidParams, message);
        };
        match run(self, &params) {
            Ok(result) => {
                let result = serde_json::to_value(result).unwrap_or_default();
                self.client.respond(id, result);
            }
            Err(message) => self.client.fail(id, ErrorCode::RequestFailed, message),
        }
    }

    fn execute_command(
        &mut self,
        params: &lsp::ExecuteCommandParams,
    ) -> Result<Option<Value>, String> {
        if params.command != REFRESH_COMMAND {
            return Err(format!("`{}` is not a command of stackref", params.command));
        }
        self.refresh_inventories();
        Ok(None)
    }
}
