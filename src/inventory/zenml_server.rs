//! The kind `zenml`: the secrets of a ZenML server.
//!
//! Names come from the list, all pages of it; keys from each referenced secret by its id, once. A value that the identity may
//! not read comes as null, with its key: that is enough to check, and never rendered.

use super::http::{Address, Call, Http, Reply, into_wiped_text, percent_encode, read_token, warning};
use super::{
    Capabilities, Inventory, Key, LIST_ONLY_HINT, NewKey, RequestedNames, SecretName, SecretValues, StoreError,
    Unusable, ValueType, partition_existing, secret_from_json,
};
use crate::project::config::TimeLimits;
use crate::system::environment::Environment;
use crate::text::secret_value::SecretText;
use crate::zenml::flavors::Version;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use zeroize::Zeroizing;

/// Secrets on one page of a list.
const PAGE_SIZE: usize = 1_000;

/// Pages that a list may have.
const MAX_PAGES: u64 = 1_000;

/// Secrets that a list may have, whatever the size of its pages.
const MAX_SECRETS: usize = 1_000_000;

/// An inventory on a ZenML server.
pub struct ZenmlInventory {
    name: String,
    url: String,
    allow_http: bool,
    token_file: Option<PathBuf>,
    ca_cert: Option<PathBuf>,
    limits: TimeLimits,
    env: Arc<dyn Environment>,
    session: OnceLock<Result<ZenmlSession, StoreError>>,
    ids: OnceLock<Result<SecretIds, StoreError>>,
    details: Mutex<BTreeMap<String, Arc<Result<SecretDetail, StoreError>>>>,
}

/// An authenticated connection.
struct ZenmlSession {
    http: Http,
    authorization: Zeroizing<String>,
}

/// Secrets by name.
type SecretIds = BTreeMap<String, SecretId>;

struct SecretId {
    id: String,
    /// Where a public and a private one have this name: which is taken.
    ambiguity: Option<String>,
}

/// The ids of the secrets of one name: the first public and the first private one.
#[derive(Default)]
struct SameName {
    public: Option<String>,
    private: Option<String>,
    is_ambiguous: bool,
}

impl SameName {
    /// Adds a secret, unless it is known already. The work is the same however many there are.
    fn add(&mut self, id: &str, private: bool) {
        let known = [&self.public, &self.private];
        if known.into_iter().flatten().any(|known| known == id) {
            return;
        }
        self.is_ambiguous |= known.into_iter().any(Option::is_some);
        let place = if private { &mut self.private } else { &mut self.public };
        place.get_or_insert_with(|| id.to_owned());
    }

    /// Returns the one that `ZenML` takes.
    fn into_preferred(self, public_wins: bool) -> Option<SecretId> {
        let Self { public, private, is_ambiguous: is_doubled } = self;
        let public = public.map(|id| (id, "the public one"));
        let private = private.map(|id| (id, "the private one"));
        let (id, which) = if public_wins { public.or(private) } else { private.or(public) }?;
        Some(SecretId { id, ambiguity: is_doubled.then(|| which.to_owned()) })
    }
}

/// Values by key; nothing for one that is hidden from this identity: ZenML then answers with null.
type SecretDetail = BTreeMap<String, Option<Result<SecretText, Unusable>>>;

impl ZenmlInventory {
    /// A server at an address.
    pub fn new(
        name: String,
        url: String,
        allow_http: bool,
        token_file: Option<PathBuf>,
        ca_cert: Option<PathBuf>,
        limits: TimeLimits,
        env: Arc<dyn Environment>,
    ) -> Self {
        let (session, ids, details) = (OnceLock::new(), OnceLock::new(), Mutex::default());
        Self { name, url, allow_http, token_file, ca_cert, limits, env, session, ids, details }
    }

    fn session(&self) -> Result<&ZenmlSession, StoreError> {
        self.session.get_or_init(|| self.log_in()).as_ref().map_err(Clone::clone)
    }

    /// As ZenML's own client does: a token, an API key, or a name and a password.
    fn log_in(&self) -> Result<ZenmlSession, StoreError> {
        let address = Address {
            inventory: &self.name,
            url: &self.url,
            allow_http: self.allow_http,
            ca_cert: self.ca_cert.as_deref(),
        };
        let http = Http::new(&address, self.limits, self.env.as_ref()).map_err(StoreError::Invalid)?;
        let variable = |name: &str| self.env.text(name).map(Zeroizing::new);
        let bearer = |token: &str| Zeroizing::new(format!("Bearer {token}"));
        if let Some(file) = &self.token_file {
            return Ok(ZenmlSession { http, authorization: bearer(&read_token(file)?) });
        }
        let (form, what) = match (variable("ZENML_STORE_API_KEY"), variable("ZENML_STORE_USERNAME")) {
            (Some(key), _) => {
                (format!("grant_type=zenml-api-key&password={}", percent_encode(&key)), "ZENML_STORE_API_KEY")
            }
            (None, Some(user)) => {
                let password = variable("ZENML_STORE_PASSWORD").ok_or_else(|| {
                    StoreError::Forbidden("ZENML_STORE_USERNAME is set, and ZENML_STORE_PASSWORD is not".to_owned())
                })?;
                let form = format!("username={}&password={}", percent_encode(&user), percent_encode(&password));
                (form, "ZENML_STORE_USERNAME and ZENML_STORE_PASSWORD")
            }
            (None, None) => {
                return Err(StoreError::Forbidden(
                    "there are no credentials: set ZENML_STORE_API_KEY, or ZENML_STORE_USERNAME and ZENML_STORE_PASSWORD, or \
                     name a file with `token_file`"
                        .to_owned(),
                ));
            }
        };
        let form = Zeroizing::new(form);
        let call = Call {
            method: "POST",
            path: "/api/v1/login",
            headers: &[],
            body: Some(("application/x-www-form-urlencoded", &form)),
        };
        let reply = http.call(&call)?;
        if matches!(reply.status, 401 | 403) {
            return Err(StoreError::Forbidden(format!("the server refuses the log-in: check {what}")));
        }
        let answer = reply.json();
        let token = answer.and_then(|answer| answer.get("access_token")?.as_str());
        let authorization = token.map(bearer).ok_or_else(|| not_zenml_error("POST /api/v1/login", &reply))?;
        Ok(ZenmlSession { http, authorization })
    }

    fn call(&self, method: &'static str, path: &str, body: Option<&str>) -> Result<Reply, StoreError> {
        let ZenmlSession { http, authorization } = self.session()?;
        let headers = [("authorization", authorization.as_str())];
        let reply =
            http.call(&Call { method, path, headers: &headers, body: body.map(|body| ("application/json", body)) })?;
        match reply.status {
            401 => Err(StoreError::Forbidden(
                "the server does not take the credentials: is the token old, or of another server?".to_owned(),
            )),
            _ => Ok(reply),
        }
    }

    fn get(&self, path: &str) -> Result<Reply, StoreError> {
        self.call("GET", path, None)
    }

    fn secret_ids(&self) -> Result<&SecretIds, StoreError> {
        self.ids.get_or_init(|| self.list()).as_ref().map_err(Clone::clone)
    }

    /// All pages of the list.
    fn list(&self) -> Result<SecretIds, StoreError> {
        let mut found: BTreeMap<String, SameName> = BTreeMap::new();
        let mut listed = 0;
        let mut page = 1;
        loop {
            let reply = self.get(&format!("/api/v1/secrets?page={page}&size={PAGE_SIZE}&sort_by=asc%3Aname"))?;
            if reply.status == 403 {
                return Err(StoreError::Forbidden("this identity may not list secrets".to_owned()));
            }
            let answer = reply.json().filter(|_| reply.status == 200);
            let none = || not_zenml_error("GET /api/v1/secrets", &reply);
            let answer = answer.ok_or_else(none)?;
            let items = answer.get("items").and_then(Value::as_array).ok_or_else(none)?;
            for item in items {
                let text = |name: &str| item.get(name).and_then(Value::as_str);
                let private = item.get("body").and_then(|body| body.get("private")).and_then(Value::as_bool);
                let (Some(id), Some(name)) = (text("id"), text("name")) else { return Err(none()) };
                // A secret that is made while the pages are read moves the others on, so that one may come twice.
                found.entry(name.to_owned()).or_default().add(id, private.unwrap_or(false));
            }
            listed += items.len();
            if listed > MAX_SECRETS {
                return Err(StoreError::Unreachable(format!("a list of more than {MAX_SECRETS} secrets")));
            }
            let pages = answer.get("total_pages").and_then(Value::as_u64).ok_or_else(none)?;
            if page >= pages {
                break;
            }
            if items.is_empty() {
                return Err(StoreError::Unreachable(format!("GET /api/v1/secrets: page {page} of {pages} is empty")));
            }
            page += 1;
            if page > MAX_PAGES {
                return Err(StoreError::Unreachable(format!("a list of more than {MAX_PAGES} pages")));
            }
        }
        let doubled = found.values().any(|of_name| of_name.is_ambiguous);
        let public_wins = !doubled || self.prefers_public()?;
        let taken = found.into_iter().filter_map(|(name, of_name)| Some((name, of_name.into_preferred(public_wins)?)));
        Ok(taken.collect())
    }

    /// From 0.80 on ZenML takes the public one of two secrets of a name; before the private one.
    fn prefers_public(&self) -> Result<bool, StoreError> {
        let reply = self.get("/api/v1/info")?;
        let answer = reply.json();
        let version = answer.and_then(|answer| answer.get("version")?.as_str()).and_then(Version::parse);
        Ok(version.is_none_or(Version::takes_public_secret))
    }

    /// A secret with its keys, asked once.
    fn detail(&self, secret: &str) -> Result<Arc<Result<SecretDetail, StoreError>>, StoreError> {
        let id = &self.secret_ids()?.get(secret).ok_or(StoreError::NotFound)?.id;
        let known = || self.details.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(detail) = known().get(secret) {
            return Ok(Arc::clone(detail));
        }
        let detail = Arc::new(self.fetch_detail(id));
        known().insert(secret.to_owned(), Arc::clone(&detail));
        Ok(detail)
    }

    fn fetch_detail(&self, id: &str) -> Result<SecretDetail, StoreError> {
        let reply = self.get(&format!("/api/v1/secrets/{}", percent_encode(id)))?;
        match reply.status {
            403 => {
                return Err(StoreError::Forbidden(format!("this identity may not read the secret; {LIST_ONLY_HINT}")));
            }
            404 => return Err(StoreError::NotFound),
            _ => {}
        }
        let answer = reply.json().filter(|_| reply.status == 200);
        let values = answer.and_then(|answer| answer.get("body")?.get("values")?.as_object());
        let values = values.ok_or_else(|| not_zenml_error("GET /api/v1/secrets/{id}", &reply))?;
        let shown = |value: &Value| (!value.is_null()).then(|| secret_from_json(value));
        Ok(values.iter().map(|(key, value)| (key.clone(), shown(value))).collect())
    }
}

/// An answer that no ZenML server gives.
fn not_zenml_error(call: &str, reply: &Reply) -> StoreError {
    let status = reply.status;
    StoreError::Unreachable(format!("{call}: it answers {status} with what no ZenML server says; is `url` right?"))
}

impl Inventory for ZenmlInventory {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { list: true, keys: true, values: true, write: true }
    }

    fn names(&self, _wanted: &RequestedNames) -> Result<Vec<SecretName>, StoreError> {
        let listed = self.secret_ids()?;
        if listed.is_empty() {
            return Err(StoreError::EmptyListing(
                "either there is none yet (`stackref register` makes them), or this identity may not list them: ZenML then \
                 answers with an empty list"
                    .to_owned(),
            ));
        }
        let name =
            |(name, found): (&String, &SecretId)| SecretName { name: name.clone(), ambiguity: found.ambiguity.clone() };
        Ok(listed.iter().map(name).collect())
    }

    fn keys(&self, secret: &str, _wanted: &RequestedNames) -> Result<Vec<Key>, StoreError> {
        let detail = self.detail(secret)?;
        let detail = detail.as_ref().as_ref().map_err(Clone::clone)?;
        let keys = detail.iter().map(|(key, value)| Key {
            name: key.clone(),
            value: value.as_ref().map(ValueType::from_value).unwrap_or_default(),
        });
        Ok(keys.collect())
    }

    fn values(&self, secret: &str, requested: &RequestedNames) -> Result<SecretValues, StoreError> {
        let detail = self.detail(secret)?;
        let detail = detail.as_ref().as_ref().map_err(Clone::clone)?;
        let mut values = SecretValues::new();
        for (key, value) in detail.iter().filter(|(key, _)| requested.contains(*key)) {
            let Some(value) = value else {
                return Err(StoreError::Forbidden(format!("the value of `{key}` is hidden from this identity")));
            };
            let value = value.as_ref().map(|text| SecretText::new(text.expose())).map_err(|unusable| *unusable);
            values.insert(key.clone(), value);
        }
        Ok(values)
    }

    fn put_secret(&self, secret: &str, entries: &[NewKey]) -> Result<Vec<String>, StoreError> {
        // As it is now: another may have made it since the list was read.
        let reply =
            self.get(&format!("/api/v1/secrets?name={}&size=20", percent_encode(&format!("equals:{secret}"))))?;
        let answer = reply.json().filter(|_| reply.status == 200);
        let items = answer.and_then(|answer| answer.get("items")?.as_array());
        let items = items.ok_or_else(|| not_zenml_error("GET /api/v1/secrets", &reply))?;
        let item = items.iter().find(|item| item.get("name").and_then(Value::as_str) == Some(secret));
        let known = self.ids.get().and_then(|ids| ids.as_ref().ok()?.get(secret)).map(|found| found.id.clone());
        let id = known.or_else(|| item?.get("id")?.as_str().map(str::to_owned));
        let existing = id.as_deref().map(|id| self.fetch_detail(id)).transpose()?.unwrap_or_default();
        let (kept, fresh) = partition_existing(entries, |key| existing.contains_key(key));
        if fresh.is_empty() && id.is_some() {
            return Ok(kept);
        }
        let values: Map<String, Value> =
            fresh.into_iter().map(|entry| (entry.key.clone(), Value::from(entry.text()))).collect();
        let (method, path, content) = match &id {
            Some(id) => {
                let path = format!("/api/v1/secrets/{}?patch_values=true", percent_encode(id));
                ("PUT", path, json!({ "values": values }))
            }
            None => {
                ("POST", "/api/v1/secrets".to_owned(), json!({ "name": secret, "private": false, "values": values }))
            }
        };
        let reply = self.call(method, &path, Some(&into_wiped_text(content)))?;
        match reply.status {
            200 | 201 => Ok(kept),
            403 => Err(StoreError::Forbidden("this identity may not write secrets".to_owned())),
            409 => {
                Err(StoreError::Unreachable("somebody else has made it at the same moment: run this again".to_owned()))
            }
            status => Err(StoreError::Unreachable(format!("{method} /api/v1/secrets: it answers {status}"))),
        }
    }

    fn warning(&self) -> Option<String> {
        warning(&self.name, &self.url, self.allow_http)
    }
}
