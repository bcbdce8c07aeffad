//! Work that must not block the server: scans of folders, and queries to inventories. Each runs in
//! a thread of its own, and its result is an event. Replayed sessions have no threads.

use super::answer_cache::{PendingQuery, QueryAnswers};
use super::editor_project::{LoadedProject, ProjectKind};
use super::parent_process;
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

/// Starts work, and returns its results as events.
#[derive(Clone)]
pub struct Background {
    events: Sender<Event>,
    /// Whether work runs on the thread that starts it. The events of a session are then always in
    /// the same order.
    is_inline: bool,
}

impl Background {
    /// Creates a background of threads.
    pub fn of_threads(events: Sender<Event>) -> Self {
        Self {
            events,
            is_inline: false,
        }
    }

    /// Creates a background that runs work on the thread that starts it.
    pub fn inline(events: Sender<Event>) -> Self {
        Self {
            events,
            is_inline: true,
        }
    }

    /// Forwards the messages of a connection, so that all events arrive in one queue.
    pub fn forward_messages(&self, connection: &Connection) {
        let receiver = connection.receiver.clone();
        self.start(move |events| {
            for message in receiver {
                if events.send(Event::Message(message)).is_err() {
                    return;
                }
            }
            let _ = events.send(Event::Closed);
        });
    }

    /// Reads a project.
    pub fn load(&self, id: ProjectId, root: PathBuf, kind: ProjectKind, env: Arc<dyn Environment>) {
        self.start(move |events| {
            let loaded = LoadedProject::read(&root, kind, &env);
            let _ = events.send(Event::Loaded(id, Box::new(loaded)));
        });
    }

    /// Queries inventories.
    pub fn query(&self, id: ProjectId, number: u64, query: PendingQuery) {
        self.start(move |events| {
            let answers = query.run();
            let _ = events.send(Event::Answered(id, number, Box::new(answers)));
        });
    }

    /// Waits for the end of the client's process, unless there are no threads.
    pub fn watch_client(&self, process: i32) {
        if !self.is_inline {
            parent_process::watch(process, self.events.clone());
        }
    }

    fn start(&self, work: impl FnOnce(Sender<Event>) + Send + 'static) {
        let events = self.events.clone();
        if self.is_inline {
            work(events);
        } else {
            thread::spawn(move || work(events));
        }
    }
}
