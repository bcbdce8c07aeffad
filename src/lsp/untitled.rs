//! Documents without a file, for example `untitled:Untitled-1`. They use no config, and nothing is
//! looked up.

use super::documents::Document;
use crate::diagnostics::finding::Finding;
use crate::document::{ScriptHost, Syntax};
use crate::inventory::Inventories;
use crate::lint::analysis::Analysis;
use crate::lint::pipeline;
use crate::lint::scan::{self, PathRoots, Scan};
use crate::lint::settings::{LevelChoice, Settings};
use crate::project::config::{Config, Level};
use crate::project::configs::Configs;
use crate::project::discover::Candidate;
use crate::zenml::grammar::Resolver;
use std::path::{Path, PathBuf};

/// Returns the findings in a document without a file.
pub fn check_untitled(document: &Document, cwd: &Path) -> Vec<Finding> {
    let check = |scan: &mut Scan, settings: &Settings<'_>, _: &PathRoots| {
        pipeline::run(scan, settings, None).findings
    };
    with_untitled(document, cwd, check).unwrap_or_default()
}

/// Calls a function with the scan of a document without a file, and the settings of its check.
/// Returns `None` if stackref does not read its language.
pub fn with_untitled<T>(
    document: &Document,
    cwd: &Path,
    run: impl FnOnce(&mut Scan, &Settings<'_>, &PathRoots) -> T,
) -> Option<T> {
    let mut scan = scan_untitled(document, &document.text, cwd)?;
    let configs = Configs::fixed(Config::default());
    let inventories = Inventories::default();
    let settings = Settings::new(&configs, LevelChoice::fixed(Level::None), &inventories);
    Some(run(&mut scan, &settings, &untitled_roots(cwd)))
}

/// Analyzes a text as the contents of a document without a file.
pub fn analyze_untitled(document: &Document, text: &str, cwd: &Path) -> Option<Analysis> {
    scan_untitled(document, text, cwd)?.files.pop()
}

fn scan_untitled(document: &Document, text: &str, cwd: &Path) -> Option<Scan> {
    let syntax = syntax_of_language(&document.language, &document.text)?;
    let candidate = Candidate {
        path: untitled_path(document),
        syntax,
        reason: None,
    };
    let bytes = text.as_bytes();
    Some(scan::run_text(
        bytes,
        candidate,
        Resolver::default(),
        &untitled_roots(cwd),
    ))
}

fn untitled_roots(cwd: &Path) -> PathRoots {
    PathRoots {
        cwd: cwd.to_path_buf(),
        root: cwd.to_path_buf(),
        keep_documents: false,
        honor_literal_comments: true,
        repository: None,
    }
}

/// Returns the path under which the diagnostics of a document are kept: its own, if it has a file.
pub fn diagnostics_path(document: &Document) -> PathBuf {
    let path = document.path.clone();
    path.unwrap_or_else(|| untitled_path(document))
}

/// Returns the path under which the findings of a document without a file are kept.
pub fn untitled_path(document: &Document) -> PathBuf {
    PathBuf::from(&document.uri.0)
}

/// Returns the syntax of a language of the protocol. Returns `None` if stackref does not read it.
pub fn syntax_of_language(language: &str, text: &str) -> Option<Syntax> {
    Some(match language {
        "yaml" => Syntax::Yaml,
        "toml" => Syntax::Toml,
        "json" | "jsonc" => Syntax::Json,
        "shellscript" | "sh" | "bash" | "zsh" => Syntax::Script(ScriptHost::Shell),
        "makefile" | "make" => Syntax::Script(ScriptHost::Makefile),
        "just" => Syntax::Script(ScriptHost::Justfile),
        "dockerfile" => Syntax::Script(ScriptHost::Dockerfile),
        "markdown" | "mdx" => Syntax::Script(ScriptHost::Markdown),
        "restructuredtext" | "rst" => Syntax::Script(ScriptHost::ReStructuredText),
        "python" => Syntax::Script(ScriptHost::Python),
        "terraform" | "hcl" => Syntax::Script(ScriptHost::Terraform),
        "plaintext" | "" => Syntax::detect(text),
        _ => return None,
    })
}
