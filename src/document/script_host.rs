//! Decides what kind of file contains code, by its path and its first line.

use super::snippets::{self, HostCode};
use super::template_files::is_template;
use crate::system::paths;
use crate::text::source::SourceFile;
use crate::text::source_kind::SourceKind;
use memchr::memmem::Finder;
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// A kind of file that contains code: commands of a shell, calls of ZenML's API, or resources of its
/// provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScriptHost {
    /// A shell script: `*.sh`, `*.bash`, `*.zsh`, or another file with the shebang of a shell.
    Shell,
    /// `Makefile`, `GNUmakefile`, `*.mk`.
    Makefile,
    /// `justfile`, `*.just`.
    Justfile,
    /// `Dockerfile*`, `Containerfile*`.
    Dockerfile,
    /// A workflow or a composite action of GitHub.
    Workflow,
    /// A configuration of GitLab CI.
    GitlabCi,
    /// Markdown: `*.md`, `*.mdx`.
    Markdown,
    /// `*.rst`.
    ReStructuredText,
    /// A Jupyter notebook: `*.ipynb`.
    Notebook,
    /// `*.py`.
    Python,
    /// `*.tf`.
    Terraform,
    /// Another file. It is a script if its first line names a shell. Otherwise only its lines that
    /// begin with a command are read.
    Other,
}

/// The longest extension that decides the host of a file.
const MAX_EXTENSION_BYTES: usize = 13;

/// The starts of the names of Dockerfiles.
const DOCKERFILES: [&str; 4] = ["Dockerfile", "Containerfile", "dockerfile", "containerfile"];

impl ScriptHost {
    /// The bytes of a first line that can name a shell.
    pub const FIRST_LINE_BYTES: usize = 256;

    /// Returns the host of a file by its absolute path, or its path from the root of the
    /// repository. Returns `None` for a file of another source. [`ScriptHost::Other`] is a file
    /// whose first line decides.
    pub fn of(path: &Path) -> Option<Self> {
        // The walk calls this for every file, so nothing is allocated.
        let name = paths::file_name(path)?.as_encoded_bytes();
        let dot = memchr::memrchr(b'.', name).filter(|&dot| dot > 0);
        let extension = dot.and_then(|dot| name.get(dot + 1..)).unwrap_or_default();
        let mut buffer = [0; MAX_EXTENSION_BYTES];
        let lower = buffer.get_mut(..extension.len()).unwrap_or_default();
        lower.copy_from_slice(extension.get(..lower.len()).unwrap_or_default());
        lower.make_ascii_lowercase();
        match &*lower {
            b"yaml" | b"yml" => yaml_host(path),
            b"sh" | b"bash" | b"zsh" => Some(Self::Shell),
            b"mk" => Some(Self::Makefile),
            b"just" => Some(Self::Justfile),
            b"dockerfile" | b"containerfile" => Some(Self::Dockerfile),
            b"md" | b"markdown" | b"mdx" => Some(Self::Markdown),
            b"rst" => Some(Self::ReStructuredText),
            b"ipynb" => Some(Self::Notebook),
            b"py" => Some(Self::Python),
            b"tf" => Some(Self::Terraform),
            // Other sources read these, or none. Their first line does not make them scripts.
            b"toml" | b"json" | b"pyi" | b"hcl" | b"tfvars" => None,
            _ => Some(Self::of_name(std::str::from_utf8(name).unwrap_or_default())),
        }
    }

    /// Returns the host of a file whose extension does not decide.
    fn of_name(name: &str) -> Self {
        if DOCKERFILES.iter().any(|prefix| name.starts_with(prefix)) {
            return Self::Dockerfile;
        }
        match name.split('.').next().unwrap_or_default() {
            "Makefile" | "makefile" | "GNUmakefile" => Self::Makefile,
            _ if is_justfile(name) => Self::Justfile,
            _ => Self::Other,
        }
    }

    /// Returns the source that files of this kind belong to.
    pub fn source(self) -> SourceKind {
        match self {
            Self::Markdown | Self::ReStructuredText => SourceKind::Docs,
            Self::Notebook | Self::Python => SourceKind::Python,
            Self::Terraform => SourceKind::Terraform,
            _ => SourceKind::Scripts,
        }
    }

    /// Returns whether the code contains placeholders that no program replaces, such as `<NAME>`. They
    /// are read as variables of the shell.
    pub(super) fn has_placeholders(self) -> bool {
        matches!(
            self,
            Self::Markdown | Self::ReStructuredText | Self::Notebook
        )
    }

    /// Returns whether a file of this kind may contain commands of a shell.
    pub fn has_commands(self) -> bool {
        self != Self::Python
    }

    /// Returns what a file of this kind is, with an article.
    pub fn description(self) -> &'static str {
        match self {
            Self::Shell => "a shell script",
            Self::Makefile => "a Makefile",
            Self::Justfile => "a justfile",
            Self::Dockerfile => "a Dockerfile",
            Self::Workflow => "a GitHub workflow or action",
            Self::GitlabCi => "a GitLab CI file",
            Self::Markdown => "a Markdown page",
            Self::ReStructuredText => "a reStructuredText page",
            Self::Notebook => "a notebook",
            Self::Python => "a Python file",
            Self::Terraform => "a Terraform file",
            Self::Other => "a script",
        }
    }

    /// Returns whether the first bytes of a file name a shell as its interpreter.
    pub fn names_shell(bytes: &[u8]) -> bool {
        bytes.starts_with(b"#!") && snippets::has_shell_shebang(&String::from_utf8_lossy(bytes))
    }

    /// Returns the code in a file. A template has none.
    pub(super) fn code(self, source: &Arc<SourceFile>) -> HostCode {
        if is_template(source.path(), source.text()) {
            return HostCode::default();
        }
        snippets::read(self, source)
    }
}

/// Returns whether a file is prose with code in it, by its extension.
pub fn is_prose(path: &str) -> bool {
    matches!(
        &*extension(path),
        "md" | "markdown" | "mdx" | "rst" | "adoc" | "txt"
    )
}

/// Returns the extension of a path in lower case. A hidden file without another dot has none.
fn extension(path: &str) -> String {
    let extension = Path::new(path).extension().and_then(|part| part.to_str());
    extension.unwrap_or_default().to_ascii_lowercase()
}

/// Returns whether a file name is one that just searches for, in any case.
fn is_justfile(name: &str) -> bool {
    ["justfile", ".justfile"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// Returns the host of a YAML file.
fn yaml_host(path: &Path) -> Option<ScriptHost> {
    // Most paths have no hidden folder, which is cheaper to see than to split them.
    static HIDDEN_FOLDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(".git"));
    let bytes = path.as_os_str().as_encoded_bytes();
    let name = paths::file_name(path)?.as_encoded_bytes();
    if HIDDEN_FOLDER.find(bytes).is_none() && !name.starts_with(b"action.") {
        return None;
    }
    let stem = path.file_stem()?.as_encoded_bytes();
    let is_workflow = path
        .parent()
        .is_some_and(|folder| folder.ends_with(".github/workflows"));
    let mut folders = path.ancestors().skip(1);
    if is_workflow || stem == b"action" {
        Some(ScriptHost::Workflow)
    } else if stem.ends_with(b".gitlab-ci") || folders.any(|folder| folder.ends_with(".gitlab/ci"))
    {
        Some(ScriptHost::GitlabCi)
    } else {
        None
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_path_decides_the_host() {
        let cases = [
            ("a/deploy.sh", Some(ScriptHost::Shell)),
            ("x.BASH", Some(ScriptHost::Shell)),
            ("x.zsh", Some(ScriptHost::Shell)),
            ("Makefile", Some(ScriptHost::Makefile)),
            ("a/makefile", Some(ScriptHost::Makefile)),
            ("GNUmakefile", Some(ScriptHost::Makefile)),
            ("Makefile.dev", Some(ScriptHost::Makefile)),
            ("a.mk", Some(ScriptHost::Makefile)),
            ("Makefiles", Some(ScriptHost::Other)),
            ("justfile", Some(ScriptHost::Justfile)),
            ("a/Justfile", Some(ScriptHost::Justfile)),
            (".justfile", Some(ScriptHost::Justfile)),
            ("ci.just", Some(ScriptHost::Justfile)),
            ("Dockerfile", Some(ScriptHost::Dockerfile)),
            ("a/Dockerfile.dev", Some(ScriptHost::Dockerfile)),
            ("Dockerfile-gpu", Some(ScriptHost::Dockerfile)),
            ("Containerfile", Some(ScriptHost::Dockerfile)),
            ("gpu.Dockerfile", Some(ScriptHost::Dockerfile)),
            ("Dockerfile.py", Some(ScriptHost::Python)),
            ("a/b.PY", Some(ScriptHost::Python)),
            ("a.pyi", None),
            ("main.tf", Some(ScriptHost::Terraform)),
            ("prod.tfvars", None),
            ("main.tf.json", None),
            ("Dockerfile.md", Some(ScriptHost::Markdown)),
            (".github/workflows/ci.yml", Some(ScriptHost::Workflow)),
            ("a/.github/workflows/ci.YAML", Some(ScriptHost::Workflow)),
            (".github/workflows/a/ci.yml", None),
            ("github/workflows/ci.yml", None),
            (".github/workflows/ci.sh", Some(ScriptHost::Shell)),
            ("action.yml", Some(ScriptHost::Workflow)),
            (".github/actions/x/action.yaml", Some(ScriptHost::Workflow)),
            ("my-action.yml", None),
            (".gitlab-ci.yml", Some(ScriptHost::GitlabCi)),
            ("a/build.gitlab-ci.yml", Some(ScriptHost::GitlabCi)),
            (".gitlab/ci/a/b.yml", Some(ScriptHost::GitlabCi)),
            ("a/.gitlab/ci/b.yaml", Some(ScriptHost::GitlabCi)),
            (".gitlab/b.yml", None),
            ("gitlab-ci.yml", None),
            ("README.md", Some(ScriptHost::Markdown)),
            ("a.mdx", Some(ScriptHost::Markdown)),
            ("a.rst", Some(ScriptHost::ReStructuredText)),
            ("a.ipynb", Some(ScriptHost::Notebook)),
            ("a.yaml", None),
            ("a.txt", Some(ScriptHost::Other)),
            ("sh", Some(ScriptHost::Other)),
            (".sh", Some(ScriptHost::Other)),
            ("", None),
        ];
        for (path, expected) in cases {
            assert_eq!(ScriptHost::of(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn a_shebang_names_a_shell() {
        assert!(ScriptHost::names_shell(b"#!/usr/bin/env bash\n"));
        assert!(ScriptHost::names_shell(b"#!/bin/sh"));
        assert!(!ScriptHost::names_shell(b"#!/usr/bin/env python\n"));
        assert!(!ScriptHost::names_shell(b"\xff#!/bin/sh"));
    }

    #[test]
    fn a_template_has_no_code() {
        let code = |path: &str, text: &str| {
            let host = ScriptHost::of(Path::new(path)).unwrap();
            let code = host.code(&Arc::new(SourceFile::new(path, text)));
            code.snippets.len()
        };
        assert_eq!(code("a.sh", "zenml a"), 1);
        assert_eq!(code("a.sh", "{% if x %}\nzenml a\n{% endif %}\n"), 0);
        assert_eq!(code("Makefile", "a:\n\tzenml a\n"), 1);
        assert_eq!(code("justfile", "a:\n\tzenml a\n"), 1);
        assert_eq!(code("Dockerfile", "RUN zenml a\n"), 1);
        assert_eq!(
            code(
                ".github/workflows/a.yml",
                "jobs: {a: {steps: [{run: zenml a}]}}"
            ),
            1
        );
        assert_eq!(code(".gitlab-ci.yml", "a: {script: zenml a}"), 1);
    }
}
