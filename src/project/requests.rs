//! The requests of a config: programs to run, hosts to connect to, and paths outside the
//! repository.
//!
//! Reading files of the repository and naming environment variables is harmless and not a request.
//! A request needs the user's agreement, see [`super::trust_store`]. It also contains its target,
//! for example the target of a link or the contents of a script, so that the agreement ends when
//! that changes.

use crate::document::{Document, Syntax};
use crate::project::command_text::{quote_command, redact_command};
use crate::project::config::{
    AwsConfig, CommandConfig, Config, InventoryConfig, InventoryKind, VaultConfig,
};
use crate::system::files;
use crate::system::paths;
use crate::text::digest::sha256;
use crate::text::source::SourceFile;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The largest script that is hashed, in bytes. A larger file is treated as unreadable.
const MAX_SCRIPT_BYTES: u64 = 64 << 20;

/// A request of a config that needs the user's agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The inventory that requests it.
    pub inventory: String,
    /// The requested access.
    pub access: RequestedAccess,
}

/// The access that a config requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestedAccess {
    /// Running a program.
    Program {
        /// The program and its arguments.
        command: Vec<String>,
        /// The SHA-256 of each word that is a file in the repository. `None` if the file cannot be
        /// read.
        files: Vec<(PathBuf, Option<String>)>,
    },
    /// Connecting to a host, which then receives credentials.
    Host {
        /// The URL, or the service if the config names no URL.
        target: String,
        /// The credentials that it receives.
        credentials: &'static str,
    },
    /// Reading or writing a path outside the repository.
    Path(PathBuf),
    /// Sending the contents of a file as a credential.
    TokenFile(PathBuf),
}

impl fmt::Display for RequestedAccess {
    /// Describes the access without words that look like credentials. See
    /// [`RequestedAccess::describe_in_full`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Program { command, .. } => {
                write!(
                    f,
                    "run the program `{}`",
                    quote_command(&redact_command(command))
                )
            }
            Self::Host {
                target,
                credentials,
            } => write!(f, "connect to the host `{target}` with {credentials}"),
            Self::Path(path) => write!(
                f,
                "use the path `{}` outside the repository",
                path.display()
            ),
            Self::TokenFile(path) => write!(
                f,
                "send the contents of the path `{}` as a token",
                path.display()
            ),
        }
    }
}

impl RequestedAccess {
    /// Describes the access with all words of a command. The user must see the whole command to
    /// agree to it.
    pub fn describe_in_full(&self) -> String {
        match self {
            Self::Program { command, .. } => {
                format!("run the program `{}`", quote_command(command))
            }
            other => other.to_string(),
        }
    }

    /// Returns a digest of everything that the user agrees to.
    pub fn digest(&self) -> String {
        // A path that is not UTF-8 cannot be serialized. The debug format contains its bytes.
        let text = serde_json::to_string(self).unwrap_or_else(|_| format!("{self:?}"));
        sha256(text.as_bytes())
    }
}

/// Returns all requests of a config. `root` is the config's repository, or its folder if there is
/// none.
pub fn all_requests(config: &Config, root: &Path) -> Vec<Request> {
    let root = paths::canonicalize_existing(root);
    config
        .inventories
        .iter()
        .flat_map(|inventory| inventory_requests(inventory, config, &root))
        .collect()
}

/// Returns the requests without those that repeat the access of an earlier one.
pub fn distinct_requests<'r>(requests: impl IntoIterator<Item = &'r Request>) -> Vec<&'r Request> {
    let mut seen = BTreeSet::new();
    requests
        .into_iter()
        .filter(|request| seen.insert(&request.access))
        .collect()
}

/// Returns the requests of an inventory. `root` must not contain links.
fn inventory_requests(inventory: &InventoryConfig, config: &Config, root: &Path) -> Vec<Request> {
    requested_accesses(&inventory.kind, &config.folder, root)
        .into_iter()
        .map(|access| Request {
            inventory: inventory.name.clone(),
            access,
        })
        .collect()
}

/// Returns the accesses that a kind of inventory needs. `folder` is that of the config.
fn requested_accesses(kind: &InventoryKind, folder: &Path, root: &Path) -> Vec<RequestedAccess> {
    match kind {
        InventoryKind::File(path) | InventoryKind::Dir(path) => {
            path_access(path, root).into_iter().collect()
        }
        InventoryKind::Env(_) | InventoryKind::Repository => Vec::new(),
        InventoryKind::Sops(file) => sops_access(file, folder, root),
        InventoryKind::Zenml {
            url,
            token_file,
            ca_cert,
            ..
        } => {
            let credentials = "your ZenML credentials (ZENML_STORE_*)";
            let host = RequestedAccess::Host {
                target: url.clone(),
                credentials,
            };
            server_access(host, token_file.as_deref(), ca_cert.as_deref(), root)
        }
        InventoryKind::Vault(VaultConfig {
            url,
            token_file,
            ca_cert,
            ..
        }) => {
            let target = url.clone().unwrap_or_else(|| "$VAULT_ADDR".to_owned());
            let credentials = "your Vault token (VAULT_TOKEN or ~/.vault-token)";
            let host = RequestedAccess::Host {
                target,
                credentials,
            };
            server_access(host, token_file.as_deref(), ca_cert.as_deref(), root)
        }
        InventoryKind::Aws(config) => vec![aws_access(config)],
        InventoryKind::Command(CommandConfig {
            names,
            keys,
            value,
            put,
        }) => {
            let programs = [names, keys, value, put].into_iter().flatten();
            programs
                .map(|command| program_access(command, folder, root))
                .collect()
        }
    }
}

/// Returns the accesses to decrypt a file: the program `sops`, and the file itself.
fn sops_access(file: &Path, folder: &Path, root: &Path) -> Vec<RequestedAccess> {
    let command = ["sops".to_owned(), paths::relative(file, folder)].to_vec();
    let files = vec![(paths::canonicalize_existing(file), sops_digest(file))];
    std::iter::once(RequestedAccess::Program { command, files })
        .chain(path_access(file, root))
        .collect()
}

fn aws_access(config: &AwsConfig) -> RequestedAccess {
    let settings = [("region", &config.region), ("profile", &config.profile)];
    let settings = settings
        .into_iter()
        .filter_map(|(key, value)| Some(format!(", {key} {}", value.as_ref()?)));
    let service = config.endpoint_url.as_deref().unwrap_or("AWS");
    RequestedAccess::Host {
        target: format!("{service}{}", settings.collect::<String>()),
        credentials: "your AWS credentials",
    }
}

/// Returns the access that a server needs: its host, and the files for its token and certificates.
fn server_access(
    host: RequestedAccess,
    token_file: Option<&Path>,
    ca_cert: Option<&Path>,
    root: &Path,
) -> Vec<RequestedAccess> {
    let certificates = ca_cert.and_then(|file| path_access(file, root));
    [Some(host), token_access(token_file), certificates]
        .into_iter()
        .flatten()
        .collect()
}

/// Returns the access to a path, or `None` if the path is inside the repository.
fn path_access(path: &Path, root: &Path) -> Option<RequestedAccess> {
    path_outside(path, root).map(RequestedAccess::Path)
}

fn token_access(file: Option<&Path>) -> Option<RequestedAccess> {
    file.map(|file| RequestedAccess::TokenFile(paths::canonicalize_existing(file)))
}

fn program_access(command: &[String], folder: &Path, root: &Path) -> RequestedAccess {
    // A script may be the program itself, or an argument of its interpreter.
    let files = command.iter().enumerate().filter_map(|(at, word)| {
        let path = folder.join(word);
        let is_named = at > 0 || word.contains('/');
        let is_inside = || paths::canonicalize_existing(&path).starts_with(root);
        (is_named && path.is_file() && (is_inside() || !Path::new(word).is_absolute()))
            .then(|| (PathBuf::from(word), file_digest(&path)))
    });
    RequestedAccess::Program {
        command: command.to_vec(),
        files: files.collect(),
    }
}

/// Returns the SHA-256 of a regular file, or `None` if it cannot be read.
fn file_digest(path: &Path) -> Option<String> {
    let bytes = files::read(path, MAX_SCRIPT_BYTES).ok()?;
    Some(sha256(&bytes))
}

/// Returns the SHA-256 of the metadata that SOPS uses to get the key of a file: recipients, and
/// addresses of key services, which receive credentials. It does not depend on the values in the
/// file. Returns `None` if the file cannot be read.
fn sops_digest(path: &Path) -> Option<String> {
    const CHANGING: [&str; 4] = ["mac", "lastmodified", "enc", "created_at"];
    let bytes = files::read(path, MAX_SCRIPT_BYTES).ok()?;
    let source = SourceFile::new("", std::str::from_utf8(&bytes).ok()?);
    let document = Document::parse(Arc::new(source), Syntax::from_path(path)?).ok()?;
    let (_, metadata) = document.get(*document.roots().first()?, "sops")?;
    let mut open = vec![(String::new(), metadata)];
    let mut lines = BTreeSet::new();
    while let Some((at, node)) = open.pop() {
        for &(key, value) in document.entries(node).unwrap_or_default() {
            let key = document.text(key).unwrap_or_default();
            if !CHANGING.contains(&key) {
                open.push((format!("{at}/{key}"), value));
            }
        }
        let items = document.items(node).unwrap_or_default().iter().enumerate();
        open.extend(items.map(|(index, &item)| (format!("{at}/{index}"), item)));
        lines.extend(document.text(node).map(|text| format!("{at}={text:?}\n")));
    }
    Some(sha256(lines.into_iter().collect::<String>().as_bytes()))
}

/// Resolves a path. Returns `None` if it is inside `root`, which must not contain links.
fn path_outside(path: &Path, root: &Path) -> Option<PathBuf> {
    let real = paths::canonicalize_existing(path);
    let climbs = real.components().any(|part| part == Component::ParentDir);
    // The target of a dangling link may be created later.
    let dangles = path.canonicalize().is_err() && path.symlink_metadata().is_ok();
    (climbs || dangles || !real.starts_with(root)).then_some(real)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn display_quotes_command_for_a_shell() {
        let command = ["sh", "-c", "touch pwned; echo 'x'", ""]
            .map(str::to_owned)
            .to_vec();
        let shown = RequestedAccess::Program {
            command,
            files: Vec::new(),
        }
        .to_string();
        assert_eq!(
            shown,
            r"run the program `sh -c 'touch pwned; echo '\''x'\''' ''`"
        );
    }

    #[test]
    fn display_redacts_credentials() {
        for (command, shown) in [
            (
                &["curl", "-u", "me:hunter2", "http://{secret}"][..],
                "curl -u *** http://{secret}",
            ),
            (
                &["x", "--token=hunter2", "--api-key", "hunter2", "y"],
                "x '--token=***' --api-key '***' y",
            ),
            (
                &["env", "MY_PASSWORD=hunter2", "x"],
                "env 'MY_PASSWORD=***' x",
            ),
            (
                &["curl", "-H", "Authorization: Bearer hunter2"],
                "curl -H Authorization: Bearer ***",
            ),
            (
                &["curl", "https://me:hunter2@example.com/x"],
                "curl 'https://***@example.com/x'",
            ),
            (
                &["sh", "-c", "curl --password hunter2 x && y"],
                "sh -c 'curl --password *** x && y'",
            ),
            (
                &["gcloud", "secrets", "list", "--secret", "{secret}"],
                "gcloud secrets list --secret {secret}",
            ),
        ] {
            let command: Vec<String> = command.iter().map(ToString::to_string).collect();
            let access = RequestedAccess::Program {
                command,
                files: Vec::new(),
            };
            let printed = access.to_string();
            assert!(!printed.contains("hunter2"), "{printed}");
            assert_eq!(
                printed.replace('\'', ""),
                format!("run the program `{shown}`").replace('\'', "")
            );
        }
    }

    #[test]
    fn the_description_in_full_and_the_digest_contain_all_words() {
        let access = |word: &str| RequestedAccess::Program {
            command: vec![
                "curl".to_owned(),
                "--token=hunter2".to_owned(),
                word.to_owned(),
            ],
            files: Vec::new(),
        };
        assert_eq!(
            access("x").describe_in_full(),
            "run the program `curl --token=hunter2 x`"
        );
        let path = RequestedAccess::Path(PathBuf::from("/x"));
        assert_eq!(path.describe_in_full(), path.to_string());
        assert_eq!(access("x").digest(), access("x").digest());
        assert_ne!(access("x").digest(), access("y").digest());
    }

    #[test]
    fn a_program_has_the_digests_of_its_scripts() {
        let folder = tempfile::tempdir().unwrap();
        let outer = folder.path().canonicalize().unwrap();
        let root = outer.join("repository");
        std::fs::create_dir_all(root.join("tools")).unwrap();
        for file in ["repository/get.sh", "repository/tools/get.sh", "get.sh"] {
            std::fs::write(outer.join(file), "hunter2").unwrap();
        }
        let inside = root.join("get.sh").to_str().unwrap().to_owned();
        let outside = outer.join("get.sh").to_str().unwrap().to_owned();
        for (command, scripts) in [
            (&["tools/get.sh", "x"][..], &["tools/get.sh"][..]),
            (
                &["sh", "get.sh", "tools/get.sh"],
                &["get.sh", "tools/get.sh"],
            ),
            (&["sh", "../get.sh"], &["../get.sh"]),
            (&["sh", &inside], &[&inside]),
            (&["sh", &outside], &[]),
            // The PATH decides which program this is.
            (&["get.sh"], &[]),
            (&["sh", "tools", "nosuch.sh"], &[]),
        ] {
            let command: Vec<String> = command.iter().map(ToString::to_string).collect();
            let access = program_access(&command, &root, &root);
            let digest = Some(sha256(b"hunter2"));
            let files = scripts
                .iter()
                .map(|file| (PathBuf::from(file), digest.clone()));
            let files = files.collect();
            assert_eq!(access, RequestedAccess::Program { command, files });
        }
        assert_eq!(file_digest(&root.join("nosuch.sh")), None);
    }

    #[test]
    fn the_digest_of_a_sops_file_depends_on_its_recipients_alone() {
        let folder = tempfile::tempdir().unwrap();
        let digest = |text: &str| {
            let file = folder.path().join("x.yaml");
            std::fs::write(&file, text).unwrap();
            sops_digest(&file)
        };
        let text = "a: hunter2\nsops:\n  mac: x\n  age:\n    - recipient: b\n      enc: c\n    - recipient: d\n";
        let first = digest(text);
        assert!(first.is_some());
        for (old, new) in [
            ("hunter2", "hunter3"),
            ("mac: x", "mac: y"),
            ("enc: c", "enc: d"),
        ] {
            assert_eq!(digest(&text.replace(old, new)), first, "{new}");
        }
        for (old, new) in [
            ("recipient: b", "recipient: x"),
            ("age", "kms"),
            ("- recipient: d", "- recipient: ''"),
        ] {
            assert_ne!(digest(&text.replace(old, new)), first, "{new}");
        }
        for text in ["a: b\n", "a: [", "\0"] {
            assert_eq!(digest(text), None, "{text}");
        }
    }

    #[test]
    fn path_outside_follows_links_and_parents() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("repository");
        std::fs::create_dir_all(root.join("secrets")).unwrap();
        std::fs::write(root.join("secrets/dev.yaml"), "").unwrap();
        std::os::unix::fs::symlink("/etc", root.join("etc")).unwrap();
        std::os::unix::fs::symlink("/nowhere/x.yaml", root.join("x.yaml")).unwrap();
        for inside in [
            "secrets/dev.yaml",
            "secrets/new.yaml",
            "secrets/../secrets/dev.yaml",
            "nosuch/x.yaml",
        ] {
            assert_eq!(path_outside(&root.join(inside), &root), None, "{inside}");
        }
        for outside in [
            "../x.yaml",
            "/etc/passwd",
            "etc/passwd",
            "x.yaml",
            "nosuch/../../x.yaml",
            "secrets/../../x",
        ] {
            assert!(
                path_outside(&root.join(outside), &root).is_some(),
                "{outside}"
            );
        }
    }
}
