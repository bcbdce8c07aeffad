//! Work that must not block the server: scans of folders, and queries to inventories. Each runs in
//! a thread of its own, and its result is an event.

use super::answer_cache::{PendingQuery, QueryAnswers};
use super::editor_project::{LoadedProject, ProjectKind};
use crate::diagnostics::error::Failure;
use crate::system::environment::Environment;
use lsp_server::{Connection, Message};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

/// Identifies a project in the events of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProjectId(pub u64);

/// Something that the server reacts to.
pub enum Event {
    /// A message of the client.
    Message(Message),
    /// The client closed the connection.
    Closed,
    /// The process of the client has ended.
    ClientDied,
    /// A project was read.
    Loaded(ProjectId, Box<Result<LoadedProject, Vec<Failure>>>),
    /// Inventories answered. The number identifies the query.
    Answered(ProjectId, u64, Box<QueryAnswers>),
}

/// Forwards the messages of a connection, so that all events arrive in one queue.
pub fn forward_messages(connection: &Connection, events: Sender<Event>) {
    let receiver = connection.receiver.clone();
    thread::spawn(move || {
        for message in receiver {
            if events.send(Event::Message(message)).is_err() {
                return;
            }
        }
        let _ = events.send(Event::Closed);
    });
}

/// Reads a project.
pub fn load(
    id: ProjectId,
    root: PathBuf,
    kind: ProjectKind,
    env: Arc<dyn Environment>,
    events: Sender<Event>,
) {
    thread::spawn(move || {
        let loaded = LoadedProject::read(&root, kind, &env);
        let _ = events.send(Event::Loaded(id, Box::new(loaded)));
    });
}

/// Queries inventories.
pub fn query(id: ProjectId, number: u64, query: PendingQuery, events: Sender<Event>) {
    thread::spawn(move || {
        let answers = query.run();
        let _ = events.send(Event::Answered(id, number, Box::new(answers)));
    });
}
