//! The files, configs and inventories that the properties share.

use stackref::document::{ScriptHost, Syntax};
use stackref::inventory::Inventories;
use stackref::inventory::file::FileInventory;
use stackref::lint::scan::{PathRoots, Scan, run_text};
use stackref::lint::settings::{LevelChoice, Settings};
use stackref::project::config::{Config, Level};
use stackref::project::configs::Configs;
use stackref::project::discover::{Candidate, MatchReason};
use stackref::zenml::grammar::Resolver;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

pub const SYNTAXES: [Syntax; 3] = [Syntax::Yaml, Syntax::Toml, Syntax::Json];

pub const RESOLVERS: [Resolver; 2] = [Resolver::Zenml, Resolver::Render];

/// An inventory with names that are equal or similar to those in the seeds.
pub static SMALL_INVENTORY: LazyLock<Inventories> = LazyLock::new(|| {
    let text = "a: [b, user, password]\ndb: [user, password]\nmlflow_secret: [username, password]\naws: [key]\n";
    let inventory =
        FileInventory::from_text("secrets.inventory.yaml", text.to_owned(), Syntax::Yaml).unwrap();
    Inventories::from_inventories(vec![Box::new(inventory)])
});

/// Returns settings that look up every reference in an inventory.
pub fn settings(resolver: Resolver, inventories: &Inventories) -> Settings<'_> {
    static CONFIGS: LazyLock<[Configs; 2]> = LazyLock::new(|| {
        RESOLVERS.map(|resolver| {
            Configs::fixed(Config {
                resolver,
                ..Config::default()
            })
        })
    });
    let at = RESOLVERS.iter().position(|it| *it == resolver).unwrap();
    let level = LevelChoice::fixed(Level::SecretAndKeyExists);
    Settings::new(&CONFIGS[at], level, inventories)
}

pub fn path_roots(keep_documents: bool) -> PathRoots {
    PathRoots {
        cwd: PathBuf::from("/w"),
        root: PathBuf::from("/w"),
        keep_documents,
        honor_literal_comments: true,
        repository: None,
    }
}

/// Returns a file name of a host.
fn host_name(host: ScriptHost) -> &'static str {
    match host {
        ScriptHost::Shell => "s.sh",
        ScriptHost::Makefile => "Makefile",
        ScriptHost::Justfile => "justfile",
        ScriptHost::Dockerfile => "Dockerfile",
        ScriptHost::Python => "s.py",
        ScriptHost::Terraform => "s.tf",
        ScriptHost::Workflow => "action.yml",
        ScriptHost::GitlabCi => ".gitlab-ci.yml",
        ScriptHost::Markdown => "s.md",
        ScriptHost::ReStructuredText => "s.rst",
        ScriptHost::Notebook => "s.ipynb",
        ScriptHost::Other => "s.txt",
    }
}

/// Scans a text as a file of a syntax.
pub fn scan(
    bytes: &[u8],
    syntax: Syntax,
    reason: Option<MatchReason>,
    resolver: Resolver,
    keep_documents: bool,
) -> Scan {
    let name = match syntax {
        Syntax::Yaml => "s.yaml",
        Syntax::Toml => "s.toml",
        Syntax::Json => "s.json",
        Syntax::Script(host) => host_name(host),
    };
    let candidate = Candidate {
        path: Path::new("/w").join(name),
        syntax,
        reason,
    };
    run_text(bytes, candidate, resolver, &path_roots(keep_documents))
}
