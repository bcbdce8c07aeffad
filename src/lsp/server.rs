//! The state of a session and its loop: one event after the other, and checks in between.

use super::background::{Background, Event, ProjectId};
use super::client::Client;
use super::client_support::ClientSupport;
use super::documents::Documents;
use super::editor_diagnostics::PublishedDiagnostics;
use super::editor_project::{EditorProject, ProjectKind};
use super::editor_settings::EditorSettings;
use super::project_work::ProjectWork;
use super::publishing::ShownFailure;
use super::rename_requests::HeldRename;
use super::watching::FileStamps;
use super::{SessionEnd, lifecycle};
use crate::project::repository::TrustedOwners;
use crate::system::environment::Environment;
use crate::workspace::UntrustedConfig;
use lsp_server::{Connection, ErrorCode, Message, Request, RequestId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

/// The phase of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before `initialize`.
    Starting,
    /// Until `shutdown`.
    Running,
    /// After `shutdown`.
    ShuttingDown,
}

/// A session with a client.
pub struct Server {
    pub(super) client: Client,
    pub(super) settings: EditorSettings,
    pub(super) documents: Documents,
    pub(super) projects: Vec<EditorProject>,
    /// The running work of each project.
    pub(super) work: BTreeMap<ProjectId, ProjectWork>,
    pub(super) published: PublishedDiagnostics,
    /// The request `workspace/diagnostic` that waits for a change, or until all files were read. With
    /// the result ids that the client has, by URI.
    pub(super) held_pull: Option<(RequestId, HashMap<String, String>)>,
    /// Whether the client pulls the diagnostics of closed files.
    pub(super) pulls_workspace: bool,
    /// Whether diagnostics must be published even if no project has changed.
    pub(super) must_publish: bool,
    /// Whether the client must pull the diagnostics of open files again if they change.
    pub(super) must_refresh_pulls: bool,
    /// The rename that waits for answers of inventories.
    pub(super) held_rename: Option<HeldRename>,
    /// The code lenses that the client has, by URI.
    pub(super) code_lenses: BTreeMap<String, Vec<gen_lsp_types::CodeLens>>,
    /// The documents whose changes the projects do not have yet.
    pub(super) changed_documents: BTreeSet<String>,
    /// The documents that were opened or changed since diagnostics were published.
    pub(super) unpublished: BTreeSet<String>,
    /// The files outside of the folders that the client was asked to watch.
    pub(super) watched_outside: BTreeSet<PathBuf>,
    /// The files whose changes the client does not report.
    pub(super) stamps: FileStamps,
    /// Whether the client has sent a message since the age of answers was checked.
    pub(super) is_active: bool,
    /// The untrusted configs that the user was asked about.
    pub(super) offered_trust: Vec<UntrustedConfig>,
    /// The failures that were shown and have not ended.
    pub(super) shown_failures: Vec<ShownFailure>,
    pub(super) env: Arc<dyn Environment>,
    pub(super) cwd: PathBuf,
    pub(super) background: Background,
    receiver: Receiver<Event>,
    queue: VecDeque<Event>,
    phase: Phase,
    next_project: u64,
}

impl Server {
    /// Creates a session with a client that is connected.
    pub fn new(connection: Connection, env: Arc<dyn Environment>, cwd: PathBuf) -> Self {
        let (events, receiver) = channel();
        let background = Background::of_threads(events);
        background.forward_messages(&connection);
        Self::with_background(Client::new(connection), env, cwd, background, receiver)
    }

    /// Creates a session without threads. Its events arrive through `receiver`.
    pub fn with_background(
        client: Client,
        env: Arc<dyn Environment>,
        cwd: PathBuf,
        background: Background,
        receiver: Receiver<Event>,
    ) -> Self {
        Self {
            client,
            settings: EditorSettings::default(),
            documents: Documents::default(),
            projects: Vec::new(),
            work: BTreeMap::new(),
            published: PublishedDiagnostics::default(),
            held_pull: None,
            pulls_workspace: false,
            must_publish: false,
            must_refresh_pulls: false,
            held_rename: None,
            code_lenses: BTreeMap::new(),
            changed_documents: BTreeSet::new(),
            unpublished: BTreeSet::new(),
            watched_outside: BTreeSet::new(),
            stamps: FileStamps::default(),
            is_active: false,
            offered_trust: Vec::new(),
            shown_failures: Vec::new(),
            env,
            cwd,
            background,
            receiver,
            queue: VecDeque::new(),
            phase: Phase::Starting,
            next_project: 0,
        }
    }

    /// Handles events until the session ends.
    pub fn run(mut self) -> SessionEnd {
        loop {
            if let Some(end) = self.run_until_idle() {
                return end;
            }
            if let Some(event) = self.wait_for_event()
                && let Some(end) = self.handle(event)
            {
                return end;
            }
        }
    }

    /// Handles the events that have arrived, and checks what has changed while there are none.
    /// Returns `None` when everything is done and the session goes on.
    pub fn run_until_idle(&mut self) -> Option<SessionEnd> {
        loop {
            self.queue.extend(self.receiver.try_iter());
            if let Some(event) = self.queue.pop_front() {
                if let Some(end) = self.handle(event) {
                    return Some(end);
                }
                continue;
            }
            self.apply_changes();
            if self.phase != Phase::Running || !self.update_diagnostics() {
                // Queries without threads have already been answered.
                self.queue.extend(self.receiver.try_iter());
                if self.queue.is_empty() {
                    return None;
                }
            }
        }
    }

    /// Waits for an event. Returns `None` after a delay at which a progress begins.
    fn wait_for_event(&mut self) -> Option<Event> {
        let result = match self.next_deadline() {
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                self.receiver.recv_timeout(left)
            }
            None => self
                .receiver
                .recv()
                .map_err(|_| RecvTimeoutError::Disconnected),
        };
        match result {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => {
                self.begin_progress();
                None
            }
            Err(RecvTimeoutError::Disconnected) => Some(Event::Closed),
        }
    }

    fn handle(&mut self, event: Event) -> Option<SessionEnd> {
        match event {
            Event::Closed => Some(SessionEnd::Aborted),
            Event::ClientDied => Some(SessionEnd::ClientDied),
            Event::Loaded(id, result) => {
                self.finish_load(id, *result);
                self.retry_rename();
                None
            }
            Event::Answered(id, number, answers) => {
                self.finish_query(id, number, *answers);
                self.retry_rename();
                None
            }
            Event::Message(Message::Request(request)) => {
                self.handle_request(request);
                None
            }
            Event::Message(Message::Notification(notification)) => {
                if notification.method == "exit" {
                    return Some(match self.phase {
                        Phase::ShuttingDown => SessionEnd::ShutDown,
                        Phase::Starting | Phase::Running => SessionEnd::Aborted,
                    });
                }
                if self.phase == Phase::Running {
                    self.is_active = true;
                    self.compare_files();
                    self.handle_notification(notification);
                }
                None
            }
            Event::Message(Message::Response(response)) => {
                if let Some((request, result)) = self.client.answered(response) {
                    self.handle_answer(request, result.as_ref());
                }
                None
            }
        }
    }

    fn handle_request(&mut self, request: Request) {
        if self.is_cancelled(&request.id) {
            let code = ErrorCode::RequestCanceled;
            return self
                .client
                .fail(request.id, code, "cancelled by the client");
        }
        match (self.phase, request.method.as_str()) {
            (Phase::Starting, "initialize") => self.initialize(request),
            (Phase::Starting, _) => {
                let code = ErrorCode::ServerNotInitialized;
                self.client
                    .fail(request.id, code, "`initialize` is missing");
            }
            (Phase::Running, "shutdown") => {
                self.phase = Phase::ShuttingDown;
                self.release_held_pull();
                self.release_held_rename("the session ends");
                self.client.respond(request.id, Value::Null);
            }
            (Phase::Running, "initialize") | (Phase::ShuttingDown, _) => {
                let code = ErrorCode::InvalidRequest;
                self.client
                    .fail(request.id, code, "not possible in this phase");
            }
            (Phase::Running, _) => {
                self.is_active = true;
                self.compare_files();
                self.apply_changes();
                self.dispatch(request);
            }
        }
    }

    /// Returns whether the client has already cancelled a request.
    fn is_cancelled(&self, id: &RequestId) -> bool {
        let id = serde_json::to_value(id).unwrap_or_default();
        self.queue.iter().any(|event| match event {
            Event::Message(Message::Notification(notification)) => {
                notification.method == "$/cancelRequest"
                    && notification.params.get("id") == Some(&id)
            }
            _ => false,
        })
    }

    fn initialize(&mut self, request: Request) {
        let Request { id, params, .. } = request;
        self.client.support = ClientSupport::of_params(&params);
        if let Some(options) = params.get("initializationOptions") {
            self.settings.update(options);
        }
        let process = params.get("processId").and_then(Value::as_i64);
        if let Some(process) = process.and_then(|process| i32::try_from(process).ok()) {
            self.background.watch_client(process);
        }
        let result = lifecycle::initialize_result(&self.client.support);
        self.client
            .respond(id, serde_json::to_value(result).unwrap_or_default());
        self.phase = Phase::Running;
        for folder in lifecycle::folders(&params, &self.cwd) {
            self.add_folder(folder);
        }
    }

    /// Adds a folder of the client, and begins to read it.
    pub(super) fn add_folder(&mut self, folder: PathBuf) {
        let is_known = self
            .projects
            .iter()
            .any(|project| project.kind == ProjectKind::Folder && project.root == folder);
        if !is_known {
            self.projects.retain(|project| {
                project.kind == ProjectKind::Folder || !project.root.starts_with(&folder)
            });
            self.add_project(folder, ProjectKind::Folder);
        }
    }

    fn add_project(&mut self, root: PathBuf, kind: ProjectKind) {
        let id = ProjectId(self.next_project);
        self.next_project += 1;
        let mut project = EditorProject::open(id, root, kind, Arc::clone(&self.env));
        for document in self.documents.iter() {
            project.update(document);
        }
        self.projects.push(project);
        self.work.insert(id, ProjectWork::default());
        self.begin_load(id);
    }

    /// Returns the index of the innermost project that contains a file.
    pub(super) fn project_at(&self, path: &Path) -> Option<usize> {
        let projects = self.projects.iter().enumerate();
        let containing = projects.filter(|(_, project)| project.contains(path));
        let innermost = containing.max_by_key(|(_, project)| project.root.as_os_str().len());
        innermost.map(|(at, _)| at)
    }

    /// Returns the project of a document, after its check if anything has changed.
    pub(super) fn checked_project(&mut self, document: &str) -> Option<&EditorProject> {
        let path = self.documents.get(document)?.path.clone()?;
        let at = self.project_at(&path)?;
        let project = self.projects.get_mut(at)?;
        project.check();
        Some(project)
    }

    /// Adds a document that was opened to its project. A file outside of all folders gets a project
    /// of its own.
    pub(super) fn add_document(&mut self, uri: &str) {
        let Some(path) = self.documents.get(uri).and_then(|it| it.path.clone()) else {
            return;
        };
        match self.project_at(&path) {
            Some(at) => {
                let document = self.documents.get(uri);
                if let Some((project, document)) = self.projects.get_mut(at).zip(document) {
                    project.update(document);
                }
            }
            None => self.add_project(path, ProjectKind::SingleFile),
        }
    }

    /// Uses the text of a file again after its document was closed.
    pub(super) fn remove_document(&mut self, path: &Path) {
        let Some(at) = self.project_at(path) else {
            return;
        };
        let Some(project) = self.projects.get_mut(at) else {
            return;
        };
        match project.kind {
            ProjectKind::Folder => project.restore(path),
            ProjectKind::SingleFile => {
                let id = project.id;
                self.projects.remove(at);
                self.work.remove(&id);
            }
        }
    }

    /// Removes a folder of the client. Its open documents stay open.
    pub(super) fn remove_folder(&mut self, folder: &Path) {
        let is_removed =
            |project: &EditorProject| project.kind == ProjectKind::Folder && project.root == folder;
        let Some(at) = self.projects.iter().position(is_removed) else {
            return;
        };
        let removed = self.projects.remove(at);
        self.work.remove(&removed.id);
        let uris = self.documents.iter().map(|document| document.uri.0.clone());
        let uris: Vec<String> = uris.collect();
        for uri in uris {
            self.add_document(&uri);
        }
    }

    /// Analyzes the documents that were changed. A document that was changed several times since
    /// then is analyzed once.
    pub(super) fn apply_changes(&mut self) {
        for uri in std::mem::take(&mut self.changed_documents) {
            self.add_document(&uri);
        }
    }

    /// Returns the users whose repositories are used.
    pub(super) fn owners(&self) -> Arc<TrustedOwners> {
        Arc::clone(crate::project::git::Git::new(self.env.as_ref()).owners())
    }
}
