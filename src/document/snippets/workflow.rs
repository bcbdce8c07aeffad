//! Reads the `run:` steps of GitHub's workflows and composite actions.

use super::code_block::CodeBlock;
use super::code_language::CodeLanguage;
use super::continuations;
use super::shell_programs::{ProgramLanguage, program_language};
use super::yaml_code::{ExpressionMarks, parse, scalar_code};
use super::{Snippet, SnippetKind};
use crate::document::{Document, NodeId};
use crate::text::source::SourceFile;
use std::collections::HashSet;
use std::sync::Arc;

/// The marks of GitHub's expressions.
const EXPRESSION: ExpressionMarks = ExpressionMarks {
    open: "${{",
    close: "}}",
};

/// Returns the code of a workflow or an action. A file that does not parse has none.
pub(super) fn snippets(source: &Arc<SourceFile>) -> Vec<Snippet> {
    let Some(document) = parse(source) else {
        return Vec::new();
    };
    let mut reader = WorkflowReader {
        document: &document,
        read: HashSet::new(),
        found: Vec::new(),
    };
    for &root in document.roots() {
        reader.read_root(root);
    }
    reader.found
}

/// A reader of a workflow or an action.
struct WorkflowReader<'d> {
    document: &'d Document,
    /// The scalars whose code is read. An alias repeats one.
    read: HashSet<NodeId>,
    found: Vec<Snippet>,
}

impl<'d> WorkflowReader<'d> {
    fn read_root(&mut self, root: NodeId) {
        let default = self.default_shell(root);
        let jobs = self.value(root, "jobs");
        for &(_, job) in self.entries(jobs) {
            let default = self.default_shell(job).or(default);
            let system_shell = if self.runs_on_windows(job) {
                "pwsh"
            } else {
                "bash"
            };
            self.read_steps(job, default.unwrap_or(system_shell));
        }
        if let Some(runs) = self.value(root, "runs") {
            self.read_steps(runs, "bash");
        }
    }

    fn value(&self, mapping: NodeId, key: &str) -> Option<NodeId> {
        self.document.get(mapping, key).map(|(_, value)| value)
    }

    fn text(&self, mapping: NodeId, key: &str) -> Option<&'d str> {
        self.document.text(self.value(mapping, key)?)
    }

    fn entries(&self, mapping: Option<NodeId>) -> &'d [(NodeId, NodeId)] {
        mapping
            .and_then(|mapping| self.document.entries(mapping))
            .unwrap_or_default()
    }

    /// Returns the shell in `defaults.run.shell` of a workflow or a job.
    fn default_shell(&self, node: NodeId) -> Option<&'d str> {
        let run = self.value(self.value(node, "defaults")?, "run")?;
        self.text(run, "shell")
    }

    fn runs_on_windows(&self, job: NodeId) -> bool {
        self.text(job, "runs-on")
            .is_some_and(|system| system.starts_with("windows"))
    }

    /// Reads the steps of a job or of an action. `default` is the shell of a step that selects none.
    fn read_steps(&mut self, node: NodeId, default: &str) {
        let steps = self.value(node, "steps");
        let steps = steps.and_then(|steps| self.document.items(steps));
        for &step in steps.unwrap_or_default() {
            let shell = self.text(step, "shell").unwrap_or(default);
            let Some(run) = self.value(step, "run") else {
                continue;
            };
            if is_power_shell(shell) {
                self.add_power_shell(run);
            } else if !is_other_language(shell) {
                self.add_code(run);
            }
        }
    }

    fn add_code(&mut self, node: NodeId) {
        if self.read.insert(self.document.target(node)) {
            let kind = SnippetKind::Script;
            self.found
                .extend(scalar_code(self.document, node, &EXPRESSION, kind));
        }
    }

    /// Adds code of PowerShell, which passes most words of a command as a POSIX shell does.
    fn add_power_shell(&mut self, node: NodeId) {
        if !self.read.insert(self.document.target(node)) {
            return;
        }
        let kind = SnippetKind::Other;
        let snippets = scalar_code(self.document, node, &EXPRESSION, kind).into_iter();
        self.found.extend(snippets.map(|snippet| {
            let mut block = CodeBlock {
                code: snippet.code,
                offsets: snippet.offsets,
                language: CodeLanguage::PowerShell,
            };
            block.rewrite(continuations::normalize(&block.code, block.language));
            Snippet {
                code: block.code,
                offsets: block.offsets,
                kind,
            }
        }));
    }
}

fn is_power_shell(shell: &str) -> bool {
    let program = shell.split_ascii_whitespace().next().unwrap_or_default();
    matches!(program, "pwsh" | "powershell")
}

fn is_other_language(shell: &str) -> bool {
    program_language(shell.split_ascii_whitespace()) == Some(ProgramLanguage::Other)
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::code_builder::checks::{codes, origin, read};
    use super::*;

    fn code(text: &str) -> Vec<String> {
        let (_, found) = read(snippets, ".github/workflows/x.yml", text);
        codes(&found).into_iter().map(Into::into).collect()
    }

    #[test]
    fn steps_of_all_jobs_are_read() {
        let text = r#"on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          run: zenml no
      - name: zenml no
        run: |
          # comment
          zenml secret create a \
            --b='{{c.d}}' --e=${{ secrets.E }}

      - run: >-
          zenml b
          --c={{d.e}}
      - run: "zenml c --d=\"{{e.f}}\" \
          --g"
      - run: 'zenml d ''{{f.g}}'''
      - run: zenml ${{ matrix.x }}
  b:
    steps:
      - {run: zenml e, shell: bash}
"#;
        let (source, found) = read(snippets, ".github/workflows/x.yml", text);
        assert_eq!(
            codes(&found),
            [
                "# comment\nzenml secret create a \\\n  --b='{{c.d}}' --e=${_}\n",
                "zenml b --c={{d.e}}",
                "zenml c --d=\"{{e.f}}\" --g",
                "zenml d '{{f.g}}'",
                "zenml ${_}",
                "zenml e",
            ]
        );
        for (index, part) in ["{{c.d}}", "{{d.e}}", "{{e.f}}", "{{f.g}}"]
            .into_iter()
            .enumerate()
        {
            let at = text.find(part).unwrap();
            assert_eq!(origin(&source, &found[index], part), (at, part));
        }
        let at = text.find("--e=").unwrap();
        assert_eq!(
            origin(&source, &found[0], "--e=${_}"),
            (at, "--e=${{ secrets.E }}")
        );
        assert_eq!(origin(&source, &found[3], "'{{f.g}}'").1, "''{{f.g}}''");
        assert_eq!(origin(&source, &found[2], "c --d=").1, "c --d=");
    }

    #[test]
    fn composite_actions_are_read() {
        let text = "runs:\n  using: composite\n  steps:\n    - run: zenml a\n      shell: bash\n    - run: zenml b\n      shell: pwsh\n    - run: zenml no\n      shell: cmd\n";
        let (source, found) = read(snippets, "action.yml", text);
        assert_eq!(codes(&found), ["zenml a", "zenml b"]);
        assert_eq!(
            origin(&source, &found[0], "zenml a"),
            (text.find("zenml a").unwrap(), "zenml a")
        );
    }

    #[test]
    fn steps_of_other_languages_are_skipped() {
        let text = "\
defaults: {run: {shell: python}}
jobs:
  a:
    steps:
      - run: no
      - run: a
        shell: bash -e {0}
  b:
    defaults: {run: {shell: sh}}
    steps:
      - run: b
      - run: no
        shell: uv run python {0}
      - run: c
        shell: micromamba-shell {0}
";
        assert_eq!(code(text), ["a", "b", "c"]);
    }

    #[test]
    fn power_shell_reads_other_code() {
        let text = "jobs:\n  a:\n    runs-on: windows-latest\n    steps:\n    - run: a\n    - run: b\n      shell: bash\n    - run: |\n        c `\n          --d\n      shell: powershell\n";
        let (_, found) = read(snippets, "x.yml", text);
        let found: Vec<_> = found
            .iter()
            .map(|snippet| (snippet.kind, &*snippet.code))
            .collect();
        assert_eq!(
            found,
            [
                (SnippetKind::Other, "a"),
                (SnippetKind::Script, "b"),
                (SnippetKind::Other, "c \\\n  --d\n")
            ]
        );
    }

    #[test]
    fn an_alias_is_read_once() {
        let text = "x: &s\n  - run: &r zenml a\njobs:\n  a: {steps: *s}\n  b: {steps: *s}\n  c: {steps: [{run: *r}]}\n";
        assert_eq!(code(text), ["zenml a"]);
    }

    #[test]
    fn other_shapes_have_no_code() {
        for text in [
            "",
            "a: [",
            "jobs: [a]",
            "jobs: {a: {steps: {run: zenml no}}}",
            "jobs: {a: {steps: [{run: [zenml no]}, zenml no]}}",
            "steps: [{run: zenml no}]",
            "jobs:\n  a:\n  steps:\n  - run: zenml no\n\tb",
        ] {
            assert_eq!(code(text), [""; 0], "{text}");
        }
    }
}
