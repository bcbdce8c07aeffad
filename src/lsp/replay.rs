//! Sessions without threads, for tests: the same messages always get the same answers.

use super::SessionEnd;
use super::background::{Background, Event};
use super::client::Client;
use super::server::Server;
use crate::system::environment::Environment;
use lsp_server::{Connection, Message};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::channel;

/// Runs a session whose messages are known in advance. The messages of a group arrive at once, and
/// the server finishes all work before the next group.
///
/// Returns the messages of the server, and how the session ended if a message ended it.
pub fn replay(
    groups: Vec<Vec<Message>>,
    env: Arc<dyn Environment>,
    cwd: PathBuf,
) -> (Vec<Message>, Option<SessionEnd>) {
    let (server, client) = Connection::memory();
    let (events, receiver) = channel();
    let background = Background::inline(events.clone());
    let mut server = Server::with_background(Client::new(server), env, cwd, background, receiver);
    let end = groups.into_iter().find_map(|group| {
        for message in group {
            let _ = events.send(Event::Message(message));
        }
        server.run_until_idle()
    });
    (client.receiver.try_iter().collect(), end)
}
