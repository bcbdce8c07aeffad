//! The work of projects in the background: when it begins, and what its results change.

use super::answer_cache::{PendingQuery, QueryAnswers};
use super::background::ProjectId;
use super::client::PendingRequest;
use super::editor_project::{EditorProject, LoadedProject};
use super::server::Server;
use crate::diagnostics::error::Failure;
use gen_lsp_types as lsp;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Queries that take longer show a progress.
const PROGRESS_DELAY: Duration = Duration::from_secs(1);

/// The work of a project that is running.
#[derive(Default)]
pub struct ProjectWork {
    is_loading: bool,
    /// When the running load began.
    load_began: Option<SystemTime>,
    /// Whether the files have changed since the running load began.
    must_load_again: bool,
    /// The files that have changed since the running load began. It may have read them before.
    changed_files: BTreeSet<PathBuf>,
    query: Option<RunningQuery>,
    last_query: u64,
}

impl ProjectWork {
    /// Notes a changed file, so that it is read again after a running load.
    pub(super) fn note_change(&mut self, path: &Path) {
        if self.is_loading {
            self.changed_files.insert(path.to_path_buf());
        }
    }
}

/// A query to inventories that is running.
struct RunningQuery {
    number: u64,
    /// Whether its answers replace all earlier ones.
    is_refresh: bool,
    /// Whether files were read again since it began, so that only its answers of stores count.
    is_outdated: bool,
    began: Instant,
    /// The token of the progress that the client shows.
    progress: Option<String>,
}

impl Server {
    /// Reads a project in the background. If it is being read already, it is read again afterwards.
    pub(super) fn begin_load(&mut self, id: ProjectId) {
        let project = self.projects.iter().find(|project| project.id == id);
        let Some((project, work)) = project.zip(self.work.get_mut(&id)) else {
            return;
        };
        if work.is_loading {
            work.must_load_again = true;
            return;
        }
        work.is_loading = true;
        work.load_began = Some(SystemTime::now());
        let (root, env) = (project.root.clone(), project.env().clone());
        self.background.load(id, root, project.kind, env);
    }

    /// Uses the files that were read.
    pub(super) fn finish_load(
        &mut self,
        id: ProjectId,
        result: Result<LoadedProject, Vec<Failure>>,
    ) {
        let Some(work) = self.work.get_mut(&id) else {
            return;
        };
        work.is_loading = false;
        let must_load_again = std::mem::take(&mut work.must_load_again);
        let changed_files = std::mem::take(&mut work.changed_files);
        let read_after = work.load_began.unwrap_or(SystemTime::UNIX_EPOCH);
        let project = self.projects.iter_mut().find(|project| project.id == id);
        let keeps_answers = project.is_some_and(|project| project.replace(result, &self.documents));
        self.record_files(id, read_after);
        self.must_refresh_pulls = true;
        match self.work.get_mut(&id).and_then(|work| work.query.as_mut()) {
            Some(query) if keeps_answers => query.is_outdated = true,
            _ => self.end_query(id),
        }
        if must_load_again {
            self.begin_load(id);
        } else {
            for path in changed_files {
                self.file_changed(&path);
            }
        }
        self.offer_trust(id);
    }

    /// Queries the inventories of all projects again. Until they answer, the former answers count.
    pub(super) fn refresh_inventories(&mut self) {
        let ids: Vec<ProjectId> = self.projects.iter().map(|project| project.id).collect();
        for id in ids {
            self.begin_refresh(id);
        }
    }

    fn begin_refresh(&mut self, id: ProjectId) {
        self.end_query(id);
        let project = self.projects.iter_mut().find(|project| project.id == id);
        let Some(query) = project.and_then(EditorProject::refresh_query) else {
            return;
        };
        self.begin_query(id, query, true);
    }

    /// Begins the queries for what the last checks missed, and refreshes answers that are too old.
    pub(super) fn begin_queries(&mut self) {
        let ttl = self.settings.inventory_ttl;
        // Answers to a refresh must not cause the next one.
        let is_active = std::mem::take(&mut self.is_active);
        let idle = self.projects.iter().filter(|project| {
            self.work
                .get(&project.id)
                .is_some_and(|it| it.query.is_none())
        });
        let ids: Vec<ProjectId> = idle.map(|project| project.id).collect();
        for id in ids {
            let Some(project) = self.projects.iter().find(|project| project.id == id) else {
                continue;
            };
            if is_active && project.answers.is_expired(ttl) {
                self.begin_refresh(id);
            } else if let Some(query) = project.answers.take_query() {
                self.begin_query(id, query, false);
            }
        }
    }

    fn begin_query(&mut self, id: ProjectId, query: PendingQuery, is_refresh: bool) {
        let Some(work) = self.work.get_mut(&id) else {
            return;
        };
        work.last_query += 1;
        let number = work.last_query;
        work.query = Some(RunningQuery {
            number,
            is_refresh,
            is_outdated: false,
            began: Instant::now(),
            progress: None,
        });
        self.background.query(id, number, query);
    }

    /// Returns whether inventories of a project are being queried.
    pub(super) fn is_querying(&self, id: ProjectId) -> bool {
        self.work.get(&id).is_some_and(|work| work.query.is_some())
    }

    /// Uses the answers of a query, unless it is no longer the current one.
    pub(super) fn finish_query(&mut self, id: ProjectId, number: u64, answers: QueryAnswers) {
        let query = self.work.get(&id).and_then(|work| work.query.as_ref());
        let Some(query) = query.filter(|query| query.number == number) else {
            return;
        };
        let (is_refresh, is_outdated) = (query.is_refresh, query.is_outdated);
        self.end_query(id);
        let project = self.projects.iter_mut().find(|project| project.id == id);
        if let Some(project) = project {
            let QueryAnswers {
                mut inventories,
                mut results,
            } = answers;
            if is_outdated {
                inventories = Arc::clone(project.answers.inventories());
                results = project.answers.of_stores(&results);
            }
            if is_refresh {
                project.answers = project.answers.refreshed(inventories, results);
            } else {
                project.answers.add(results);
            }
            project.is_stale = true;
            self.must_refresh_pulls = true;
        }
    }

    /// Forgets the running query of a project. Its answers will be ignored.
    fn end_query(&mut self, id: ProjectId) {
        let query = self.work.get_mut(&id).and_then(|work| work.query.take());
        if let Some(token) = query.and_then(|query| query.progress) {
            self.report_progress(&token, json!({"kind": "end"}));
        }
    }

    /// Returns when the next progress must begin.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        if !self.client.support.work_done_progress {
            return None;
        }
        let queries = self.work.values().filter_map(|work| work.query.as_ref());
        let waiting = queries.filter(|query| query.progress.is_none());
        waiting.map(|query| query.began + PROGRESS_DELAY).min()
    }

    /// Begins a progress for each query that takes long.
    pub(super) fn begin_progress(&mut self) {
        let now = Instant::now();
        let mut tokens = Vec::new();
        for (id, work) in &mut self.work {
            if let Some(query) = work
                .query
                .as_mut()
                .filter(|query| query.progress.is_none() && query.began + PROGRESS_DELAY <= now)
            {
                let token = format!("stackref/{}/{}", id.0, query.number);
                query.progress = Some(token.clone());
                tokens.push(token);
            }
        }
        for token in tokens {
            let params = lsp::WorkDoneProgressCreateParams {
                token: token.clone().into(),
            };
            let pending = PendingRequest::Progress(token);
            self.client
                .request::<lsp::WorkDoneProgressCreateRequest>(&params, pending);
        }
    }

    /// Shows the progress of a token that the client has created, if its query is still running.
    pub(super) fn show_progress(&self, token: &str) {
        let queries = self.work.values().filter_map(|work| work.query.as_ref());
        let mut tokens = queries.filter_map(|query| query.progress.as_deref());
        if tokens.any(|running| running == token) {
            let begin = json!({"kind": "begin", "title": "stackref: querying inventories"});
            self.report_progress(token, begin);
        }
    }

    fn report_progress(&self, token: &str, value: serde_json::Value) {
        let params = lsp::ProgressParams {
            token: token.to_owned().into(),
            value,
        };
        self.client.notify::<lsp::ProgressNotification>(&params);
    }
}
