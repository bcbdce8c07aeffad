//! Reads the scripts of a GitLab CI file: `script`, `before_script`, `after_script`, hooks and the
//! steps of `run`.
//!
//! Each item of a list is a command of its own. An item may be a list, also through an alias, and a
//! job may get its scripts through a merge key. `!reference` names another script of the file, or of
//! one that is not known.

use super::yaml_code::{ExpressionMarks, parse, scalar_code};
use super::{Snippet, SnippetKind};
use crate::document::{Document, MERGE_BUDGET, NodeId};
use crate::text::source::SourceFile;
use std::collections::HashSet;
use std::sync::Arc;

/// The keys of a job whose value is a script.
const SCRIPTS: [&str; 3] = ["before_script", "script", "after_script"];

/// The marks of GitLab's inputs, as in `$[[ inputs.name ]]`.
const INPUT: ExpressionMarks = ExpressionMarks {
    open: "$[[",
    close: "]]",
};

/// Returns the code of a GitLab CI file. A file that does not parse has none.
pub(super) fn snippets(source: &Arc<SourceFile>) -> Vec<Snippet> {
    let Some(document) = parse(source) else {
        return Vec::new();
    };
    let mut reader = GitlabReader {
        document: &document,
        budget: MERGE_BUDGET,
        read: HashSet::new(),
        found: Vec::new(),
    };
    for &root in document.roots() {
        // The keys of a job are also valid for all jobs, at the top of the file.
        reader.read_job(root);
        for &(name, job) in document.entries(root).unwrap_or_default() {
            // The keys of this mapping are names of variables.
            if document.text(name) != Some("variables") {
                reader.read_job(job);
            }
        }
    }
    reader.found
}

/// A reader of a GitLab CI file.
struct GitlabReader<'d> {
    document: &'d Document,
    /// The entries that merge keys may still add.
    budget: usize,
    /// The scalars and lists whose code is read. Aliases repeat them.
    read: HashSet<NodeId>,
    found: Vec<Snippet>,
}

impl GitlabReader<'_> {
    /// Reads the scripts of a job, or of a mapping with the same keys.
    fn read_job(&mut self, job: NodeId) {
        let document = self.document;
        let entries = document.merged_entries(job, &mut self.budget);
        for &(key, value) in entries.iter().flat_map(|entries| entries.iter()) {
            match document.text(key) {
                Some(name) if SCRIPTS.contains(&name) => self.read_script(value),
                Some("hooks") => {
                    if let Some((_, script)) = document.get(value, "pre_get_sources_script") {
                        self.read_script(script);
                    }
                }
                Some("run") => {
                    for &step in document.items(value).unwrap_or_default() {
                        if let Some((_, script)) = document.get(step, "script") {
                            self.read_script(script);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Reads a script: a string, or a list of strings and lists.
    fn read_script(&mut self, script: NodeId) {
        let document = self.document;
        let mut pending = vec![script];
        while let Some(node) = pending.pop() {
            let node = document.target(node);
            if !self.read.insert(node) {
                continue;
            }
            match document.items(node) {
                Some(_) if is_reference(document, node) => {}
                Some(items) => pending.extend(items.iter().rev()),
                None => self
                    .found
                    .extend(scalar_code(document, node, &INPUT, SnippetKind::Script)),
            }
        }
    }
}

/// Returns whether a list has the tag `!reference`.
fn is_reference(document: &Document, list: NodeId) -> bool {
    let properties = document.properties(list);
    properties.is_some_and(|span| document.source().slice(span).contains("!reference"))
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::code_builder::checks::{codes, origin, read};
    use super::*;

    fn code(text: &str) -> Vec<String> {
        let (_, found) = read(snippets, ".gitlab-ci.yml", text);
        codes(&found).into_iter().map(Into::into).collect()
    }

    #[test]
    fn scripts_are_strings_or_lists() {
        let text = r#"image: python
stages: [zenml no]
before_script:
  - zenml a
default:
  after_script: zenml b
variables:
  script: no
job:
  stage: test
  script:
    - |
      zenml secret create c \
        --d='{{e.f}}' --g=$G
    - 'zenml d "{{g.h}}"'
    - - zenml e --x="{{i.j}}"
      - [zenml f, [zenml g]]
    - >
      zenml h
      {{k.l}}
  after_script:
    - "zenml i \"{{m.n}}\""
  rules:
    - if: zenml no
"#;
        let (source, found) = read(snippets, ".gitlab-ci.yml", text);
        assert_eq!(
            codes(&found),
            [
                "zenml a",
                "zenml b",
                "zenml secret create c \\\n  --d='{{e.f}}' --g=$G\n",
                "zenml d \"{{g.h}}\"",
                "zenml e --x=\"{{i.j}}\"",
                "zenml f",
                "zenml g",
                "zenml h {{k.l}}\n",
                "zenml i \"{{m.n}}\"",
            ]
        );
        for (index, part) in [
            (2, "{{e.f}}"),
            (3, "{{g.h}}"),
            (4, "{{i.j}}"),
            (7, "{{k.l}}"),
            (8, "{{m.n}}"),
        ] {
            let at = text.find(part).unwrap();
            assert_eq!(origin(&source, &found[index], part), (at, part));
        }
        assert_eq!(
            origin(&source, &found[8], "\"{{m.n}}\"").1,
            r#"\"{{m.n}}\""#
        );
    }

    #[test]
    fn anchors_and_merge_keys_are_read_once() {
        let text = "\
.setup: &setup
  - zenml a
  - zenml b
.job: &job
  before_script: [*setup, zenml c]
x:
  <<: *job
  script: [*setup]
y:
  <<: [*job, {after_script: &z zenml d}]
  script: *z
nested:
  deep: &deep
    script: zenml e
w:
  <<: *deep
";
        assert_eq!(
            code(text),
            ["zenml a", "zenml b", "zenml c", "zenml d", "zenml e"]
        );
    }

    #[test]
    fn references_are_skipped() {
        let text = "\
a:
  script:
    - !reference [.b, script]
    - zenml a
    - !reference
      - .c
    - &d !reference [.d]
  before_script: !reference [.e, script]
";
        assert_eq!(code(text), ["zenml a"]);
    }

    #[test]
    fn steps_and_hooks_are_read() {
        let text = "\
spec:
  inputs:
    script: {default: zenml no}
---
a:
  hooks:
    pre_get_sources_script:
      - zenml a
  run:
    - name: b
      script: zenml b $[[ inputs.x | default(']]') ]] c
    - name: zenml no
      step: d
";
        assert_eq!(code(text), ["zenml a", "zenml b ${_} c"]);
    }

    #[test]
    fn cycles_and_other_shapes_end() {
        assert_eq!(code("a: {script: &a [zenml b, *a]}"), ["zenml b"]);
        for text in [
            "",
            "[a]",
            "script",
            "a: {script: {b: zenml no}}",
            "a: [",
            "a:\n\tb",
        ] {
            assert_eq!(code(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn merge_keys_that_multiply_stay_in_their_budget() {
        use std::fmt::Write as _;
        let mut text = String::from(".a0: &a0 {script: zenml a}\n");
        for level in 1..40 {
            let below = level - 1;
            writeln!(
                text,
                ".a{level}: &a{level} {{<<: [*a{below}, *a{below}], b{level}: [*a{below}]}}"
            )
            .unwrap();
        }
        assert_eq!(code(&text), ["zenml a"]);
    }
}
