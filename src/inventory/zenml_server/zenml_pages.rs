//! Paginated lists of a ZenML server.

use super::{ZenmlSession, not_zenml_error};
use crate::inventory::StoreError;
use crate::inventory::http::Reply;
use serde_json::Value;

/// The largest number of pages that is read.
const MAX_PAGES: u64 = 1_000;

/// A paginated list.
pub(super) struct PagedList {
    /// The path after the URL of the server.
    pub path: &'static str,
    /// Further parameters of the query, each after `&`.
    pub query: &'static str,
    /// The number of items that are requested per page.
    pub page_size: usize,
    /// The plural noun for the items in messages.
    pub items: &'static str,
    /// The largest number of items that is read. A server may send larger pages than requested.
    pub max_items: usize,
    /// The largest number of bytes that is read.
    pub max_bytes: usize,
}

impl PagedList {
    /// Reads all pages. `add` receives the items of each page, and returns `None` if one of them is
    /// not as a ZenML server sends it.
    ///
    /// # Errors
    /// Returns the errors of the calls, and an error if the pages contradict each other.
    pub fn read(
        &self,
        session: &ZenmlSession,
        mut add: impl FnMut(&[Value]) -> Option<()>,
    ) -> Result<(), StoreError> {
        let Self { path, query, .. } = self;
        let (mut listed, mut bytes, mut page) = (0, 0, 1);
        loop {
            let size = self.page_size;
            let reply = session.get(&format!("{path}?page={page}&size={size}{query}"))?;
            if reply.status == 403 {
                return Err(StoreError::Forbidden(format!(
                    "these credentials may not list {}",
                    self.items
                )));
            }
            let unexpected = || not_zenml_error(&format!("GET {path}"), &reply);
            let (items, pages) = parse_page(&reply).ok_or_else(unexpected)?;
            add(items).ok_or_else(unexpected)?;
            listed += items.len();
            bytes += reply.body.len();
            if listed > self.max_items || bytes > self.max_bytes {
                let (max, mib) = (self.max_items, self.max_bytes >> 20);
                return Err(StoreError::Unreachable(format!(
                    "the list has more than {max} {} or {mib} MiB",
                    self.items
                )));
            }
            let pages = pages.ok_or_else(unexpected)?;
            if page >= pages {
                return Ok(());
            }
            if items.is_empty() {
                return Err(StoreError::Unreachable(format!(
                    "GET {path}: page {page} of {pages} is empty"
                )));
            }
            page += 1;
            if page > MAX_PAGES {
                return Err(StoreError::Unreachable(format!(
                    "the list has more than {MAX_PAGES} pages"
                )));
            }
        }
    }
}

/// Returns the items on a page and the number of pages.
fn parse_page(reply: &Reply) -> Option<(&[Value], Option<u64>)> {
    let answer = reply.ok_json()?;
    let pages = answer.get("total_pages").and_then(Value::as_u64);
    Some((answer.get("items")?.as_array()?, pages))
}

/// Returns the version of the server. Returns `None` if it does not send one.
///
/// # Errors
/// Returns the error of the call.
pub(super) fn server_version(session: &ZenmlSession) -> Result<Option<String>, StoreError> {
    let reply = session.get("/api/v1/info")?;
    let version = reply
        .json()
        .and_then(|answer| answer.get("version")?.as_str());
    Ok(version.map(str::to_owned))
}
