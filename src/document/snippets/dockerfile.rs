//! Reads the commands of a Dockerfile: `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK CMD`, in the
//! shell form and in the exec form.
//!
//! `ENV NAME=value` is an assignment of a shell. `ARG` is not: a build may replace its value.

use super::code_builder::CodeBuilder;
use super::docker_instructions::{DockerInstruction, DockerInstructions, unquoted_words};
use super::exec_form::{push_exec_form, strings};
use super::host_lines::trim;
use super::shell_programs::{ProgramLanguage, program_language, shebang_language};
use super::{Snippet, SnippetKind};
use crate::document::OffsetMap;
use crate::text::source::{SourceFile, Span};
use std::ops::Range;
use std::sync::Arc;

/// Returns the code of a Dockerfile.
pub(super) fn snippets(source: &Arc<SourceFile>) -> Vec<Snippet> {
    let text = source.text();
    let map = OffsetMap::from_verbatim(Span::new(0, text.len()));
    let mut found = Vec::new();
    let mut shell = None;
    for instruction in DockerInstructions::new(text, &map) {
        let arguments = instruction.arguments.clone();
        match instruction.name.as_str() {
            "FROM" => shell = None,
            "SHELL" => {
                let words = strings(&instruction.text, arguments).unwrap_or_default();
                shell = program_language(words.iter().map(String::as_str));
            }
            "RUN" | "CMD" | "ENTRYPOINT" => found.extend(command(&instruction, arguments, shell)),
            "HEALTHCHECK" => {
                let arguments = without_flags(&instruction.text, arguments);
                if let Some(range) = health_command(&instruction.text, arguments) {
                    found.extend(command(&instruction, range, shell));
                }
            }
            "ENV" => found.extend(assignment(&instruction)),
            _ => {}
        }
    }
    found
}

/// Returns the code of an instruction whose command is in a range. `shell` is the language of the
/// program that runs the shell form.
fn command(
    instruction: &DockerInstruction,
    range: Range<usize>,
    shell: Option<ProgramLanguage>,
) -> Option<Snippet> {
    let text = instruction.text.as_str();
    let range = without_flags(text, range);
    let mut code = CodeBuilder::new(text, &instruction.offsets, range.start);
    if push_exec_form(&mut code, text, range.clone()).is_some() {
        return code.finish(SnippetKind::Script);
    }
    if shell == Some(ProgramLanguage::Other) {
        return None;
    }
    match instruction.heredocs.first() {
        None => code.push(range),
        // Without a command, the here-document itself is the program.
        Some(body) if has_only_heredocs(text.get(range.clone()).unwrap_or_default()) => {
            let content = text.get(body.clone()).unwrap_or_default();
            if shebang_language(content) == Some(ProgramLanguage::Other) {
                return None;
            }
            code.push(body.clone());
        }
        Some(_) => code.push(range.start..text.len()),
    }
    code.finish(SnippetKind::Script)
}

/// Returns a range without the flags at its start, such as `--mount=type=cache,target=/x`.
fn without_flags(text: &str, mut range: Range<usize>) -> Range<usize> {
    while let Some(rest) = text
        .get(range.clone())
        .filter(|rest| rest.starts_with("--"))
    {
        let len = rest.find(char::is_whitespace).unwrap_or(rest.len());
        range = trim(text, range.start + len..range.end);
    }
    range
}

/// Returns the range after the word `CMD`. Returns `None` for `NONE`.
fn health_command(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(range.clone())?;
    let (word, _) = rest.split_at_checked("CMD".len())?;
    let is_command = word.eq_ignore_ascii_case("CMD");
    is_command.then(|| trim(text, range.start + word.len()..range.end))
}

/// Returns whether all words of a command begin here-documents.
fn has_only_heredocs(command: &str) -> bool {
    unquoted_words(command)
        .into_iter()
        .all(|word| command.get(word).is_some_and(|word| word.starts_with("<<")))
}

/// Returns the code of `ENV NAME=value`. The older form without an equals sign is skipped.
fn assignment(instruction: &DockerInstruction) -> Option<Snippet> {
    let text = instruction.text.as_str();
    let arguments = instruction.arguments.clone();
    let first = text.get(arguments.clone())?.split_whitespace().next()?;
    if !first.contains('=') {
        return None;
    }
    let mut code = CodeBuilder::new(text, &instruction.offsets, arguments.start);
    code.push(arguments);
    code.finish(SnippetKind::Script)
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::super::code_builder::checks::{codes, origin, read};
    use super::*;

    fn code(text: &str) -> Vec<String> {
        let (_, found) = read(snippets, "Dockerfile", text);
        codes(&found).into_iter().map(Into::into).collect()
    }

    #[test]
    fn commands_are_read_in_both_forms() {
        let text = r#"FROM python:3.11
LABEL x="zenml no"
RUN --mount=type=cache,target=/root --network=none zenml secret create a \
    # zenml no
    --b='{{c.d}}' \

  && zenml "$x"
ONBUILD run ["zenml", "a", "--b={{c.d}}\u0041"]
ENTRYPOINT ["sh", "-c", \
  "zenml it's"]
CMD zenml e
HEALTHCHECK --interval=5s --timeout=3s \
  CMD zenml f
HEALTHCHECK CMD ["zenml", "g"]
HEALTHCHECK NONE
COPY a b
"#;
        let (source, found) = read(snippets, "Dockerfile", text);
        assert_eq!(
            codes(&found),
            [
                "zenml secret create a     --b='{{c.d}}'   && zenml \"$x\"",
                "'zenml' 'a' '--b={{c.d}}A'",
                r"'sh' '-c' 'zenml it'\''s'",
                "zenml e",
                "zenml f",
                "'zenml' 'g'",
            ]
        );
        assert_eq!(
            origin(&source, &found[0], "{{c.d}}"),
            (text.find("{{").unwrap(), "{{c.d}}")
        );
        assert_eq!(
            origin(&source, &found[1], "{{c.d}}A"),
            (text.rfind("{{").unwrap(), "{{c.d}}\\u0041")
        );
        assert_eq!(
            origin(&source, &found[2], "zenml").0,
            text.find("zenml it").unwrap()
        );
    }

    #[test]
    fn here_documents_are_programs_or_part_of_a_command() {
        let text = "\
RUN <<EOF
zenml a \\
  --b={{c.d}}
EOF
RUN --mount=type=x <<'E'
#!/bin/bash
zenml b
E
RUN <<EOF
#!/usr/bin/env python
zenml no
EOF
RUN cat <<EOF > /x && zenml c
zenml d
EOF
COPY <<EOF /run.sh
zenml no
EOF
RUN zenml e
";
        let (source, found) = read(snippets, "Containerfile", text);
        assert_eq!(
            codes(&found),
            [
                "zenml a \\\n  --b={{c.d}}\n",
                "#!/bin/bash\nzenml b\n",
                "cat <<EOF > /x && zenml c\nzenml d\nEOF\n",
                "zenml e",
            ]
        );
        assert_eq!(
            origin(&source, &found[0], "{{c.d}}"),
            (text.find("{{").unwrap(), "{{c.d}}")
        );
    }

    #[test]
    fn a_shell_of_another_language_has_no_shell_form() {
        let text = r#"FROM a
SHELL ["pwsh", "-Command"]
RUN zenml no
RUN ["zenml", "a"]
RUN <<EOF
zenml no
EOF
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN zenml b
SHELL ["cmd", "/S"]
FROM c
CMD zenml d
"#;
        assert_eq!(code(text), ["'zenml' 'a'", "zenml b", "zenml d"]);
    }

    #[test]
    fn environment_variables_are_assignments() {
        assert_eq!(
            code("ENV A=b C=\"d e\" \\\n  F=g\nENV H i=j\nARG K=l\n"),
            ["A=b C=\"d e\"   F=g"]
        );
        assert_eq!(
            code("ENV\nRUN\nCMD []\nHEALTHCHECK\nHEALTHCHECK CM"),
            ["[]"]
        );
    }

    #[test]
    fn the_escape_character_can_be_set() {
        assert_eq!(
            code("# escape=`\nRUN zenml a `\n  C:\\\nCMD b"),
            ["zenml a   C:\\", "b"]
        );
    }
}
