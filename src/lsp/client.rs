//! The connection to the client: answers, notifications, and requests of the server.

use super::client_support::ClientSupport;
use gen_lsp_types as lsp;
use lsp_server::{Connection, ErrorCode, Message, RequestId, Response};
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;

/// A request of the server that the client has not answered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingRequest {
    /// A request whose answer changes nothing.
    Acknowledgement,
    /// The settings of the editor.
    Configuration,
    /// The question whether to show what an untrusted config requests.
    OfferTrust(PathBuf),
    /// The question whether to trust a config.
    ConfirmTrust(PathBuf),
    /// The creation of a progress token.
    Progress(String),
}

/// The client.
pub struct Client {
    connection: Connection,
    /// What it supports.
    pub support: ClientSupport,
    pending: HashMap<RequestId, PendingRequest>,
    next_id: i32,
}

impl Client {
    /// Creates a client that has not announced its capabilities yet.
    pub fn new(connection: Connection) -> Self {
        Self {
            connection,
            support: ClientSupport::default(),
            pending: HashMap::new(),
            next_id: 1,
        }
    }

    /// Sends a notification.
    pub fn notify<N: lsp::Notification>(&self, params: &N::Params) {
        self.send(Message::Notification(lsp_server::Notification::new(
            N::METHOD.to_string(),
            params,
        )));
    }

    /// Sends a request.
    pub fn request<R: lsp::Request>(&mut self, params: &R::Params, pending: PendingRequest) {
        let id = RequestId::from(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        self.pending.insert(id.clone(), pending);
        let method = R::METHOD.to_string();
        self.send(Message::Request(lsp_server::Request::new(
            id, method, params,
        )));
    }

    /// Returns the request that a response answers, with the result; `None` in its place after an
    /// error.
    pub fn answered(&mut self, response: Response) -> Option<(PendingRequest, Option<Value>)> {
        let pending = self.pending.remove(&response.id)?;
        Some((pending, response.response_result.ok()))
    }

    /// Answers a request.
    pub fn respond(&self, id: RequestId, result: Value) {
        self.send(Message::Response(Response {
            id,
            response_result: Ok(result),
        }));
    }

    /// Answers a request with an error.
    pub fn fail(&self, id: RequestId, code: ErrorCode, message: impl Into<String>) {
        self.send(Message::Response(Response::new_err(
            id,
            code as i32,
            message.into(),
        )));
    }

    /// Shows a message to the user.
    pub fn show(&self, kind: lsp::MessageType, message: impl Into<String>) {
        let message = message.into();
        self.notify::<lsp::ShowMessageNotification>(&lsp::ShowMessageParams { kind, message });
    }

    /// Sends a message. If the client has closed the connection, the next event ends the session.
    fn send(&self, message: Message) {
        let _ = self.connection.sender.send(message);
    }
}
