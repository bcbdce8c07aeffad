//! `lsp`: the language server on standard input and output.

use crate::diagnostics::outcome::Outcome;
use crate::lsp::{self, SessionEnd};
use crate::workspace::context::Context;
use lsp_server::Connection;
use std::sync::Arc;

/// Serves the client that started this process.
pub(super) fn serve(context: &mut Context<'_>) -> Outcome {
    let (connection, threads) = Connection::stdio();
    let end = lsp::serve(connection, Arc::clone(&context.env), context.cwd.clone());
    match end {
        SessionEnd::ShutDown | SessionEnd::Aborted => {
            // The error of a message that cannot be read contains the message.
            let _ = threads.join();
        }
        // The connection may still be open, so the threads may never end.
        SessionEnd::ClientDied => {}
    }
    match end {
        SessionEnd::ShutDown => Outcome::Clean,
        SessionEnd::Aborted | SessionEnd::ClientDied => Outcome::Findings,
    }
}
