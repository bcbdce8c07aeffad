//! Removes the prompts and the output of a shell session, for example of
//!
//! ```text
//! $ zenml secret create aws --key=x \
//! >     --token=y
//! Secret 'aws' successfully created.
//! ```
//!
//! Only lines with a prompt and their continuation lines are commands. A block without any prompt
//! is not a session, and stays as it is. The forms of prompts are in `prompt_forms`, and the lines
//! that continue a command in `command_lines`.

mod command_lines;
mod prompt_forms;

use super::code_language::CodeLanguage;
use crate::document::COMMAND;
use crate::document::offsets::OffsetMapBuilder;
use command_lines::count_command_lines;
use prompt_forms::{angle_prompt, continuation_prompt, primary_prompt, root_prompt};

/// A function that returns the length of a prompt at the start of a line.
type FindPrompt = fn(&str) -> Option<usize>;

/// A line of a session.
#[derive(Clone, Copy, Debug)]
struct SessionLine<'t> {
    /// The offset of the line in the block.
    start: usize,
    /// The line with its line break.
    text: &'t str,
    /// The length of the prompt, if there is one.
    prompt: Option<usize>,
}

/// Removes prompts and output. Returns `None` for a block that is not a session.
pub(super) fn strip_session(code: &str, language: CodeLanguage) -> Option<OffsetMapBuilder> {
    let find_prompt = session_prompt(code, language)?;
    let lines = session_lines(code, find_prompt);
    let mut out = OffsetMapBuilder::default();
    let mut rest = lines.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let next = after.iter().position(|line| line.prompt.is_some());
        let (group, others) = rest
            .split_at_checked(next.map_or(rest.len(), |next| next + 1))
            .unwrap_or((rest, &[]));
        if first.prompt.is_some() {
            for line in group.iter().take(count_command_lines(group)) {
                let skipped = line.prompt.or_else(|| continuation_prompt(line.text));
                let skipped = skipped.unwrap_or_default();
                let text = line.text.get(skipped..).unwrap_or_default();
                out.push_verbatim(line.start + skipped, text);
            }
        }
        rest = others;
    }
    Some(out)
}

/// Removes the `!` of commands in IPython, for example of `!zenml stack list`. Returns `None` if no
/// line has one.
pub(super) fn strip_bangs(code: &str) -> Option<OffsetMapBuilder> {
    if !code.contains('!') {
        return None;
    }
    let mut out = OffsetMapBuilder::default();
    let (mut copied, mut start) = (0, 0);
    for line in code.split_inclusive('\n') {
        let text = line.trim_start();
        let command = text.strip_prefix('!').unwrap_or_default();
        if command.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '.' | '/' | '~')) {
            let bang = start + line.len() - text.len();
            out.push_verbatim(copied, code.get(copied..bang).unwrap_or_default());
            copied = bang + 1;
        }
        start += line.len();
    }
    out.push_verbatim(copied, code.get(copied..).unwrap_or_default());
    (copied > 0).then_some(out)
}

/// Returns the function that finds the prompts of a block, or `None` if it is not a session.
fn session_prompt(code: &str, language: CodeLanguage) -> Option<FindPrompt> {
    if !language.may_be_shell() && language != CodeLanguage::Text {
        return None;
    }
    if code.lines().any(|line| primary_prompt(line).is_some()) {
        return Some(primary_prompt);
    }
    let is_comment = |line: &str| line.is_empty() || line.starts_with('#');
    let first = code.lines().find(|line| !is_comment(line.trim()))?;
    if language != CodeLanguage::Text && angle_prompt(first).is_some() {
        return Some(angle_prompt);
    }
    // In a script, `# ` begins a comment.
    let is_command = |line: &str| {
        root_prompt(line)
            .and_then(|len| line.get(len..)?.strip_prefix(COMMAND))
            .is_some_and(|rest| rest.starts_with(' '))
    };
    (language == CodeLanguage::Console && code.lines().any(is_command)).then_some(root_prompt)
}

fn session_lines(code: &str, find_prompt: FindPrompt) -> Vec<SessionLine<'_>> {
    let mut start = 0;
    let mut lines = Vec::new();
    for text in code.split_inclusive('\n') {
        let prompt = find_prompt(text.trim_end_matches('\n'));
        lines.push(SessionLine {
            start,
            text,
            prompt,
        });
        start += text.len();
    }
    lines
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn stripped(code: &str, language: CodeLanguage) -> Option<String> {
        let (text, map) = strip_session(code, language)?.build(0);
        for (at, c) in text.char_indices() {
            let span = map.source(at, at + c.len_utf8());
            assert_eq!(code[span.start..span.end].chars().next(), Some(c));
        }
        Some(text)
    }

    #[test]
    fn only_lines_with_a_prompt_are_commands() {
        for (code, expected) in [
            (
                "$ zenml secret create a -i\nPlease enter: key\nzenml is ready\n$ zenml stack list\n",
                "zenml secret create a -i\nzenml stack list\n",
            ),
            (
                "# Create it\n$ zenml x \\\n    --a=b\nDone.\n",
                "zenml x \\\n    --a=b\n",
            ),
            (
                "$ zenml x \\\n> --a=b \\\n>  --c\nout",
                "zenml x \\\n--a=b \\\n --c\n",
            ),
            (
                "$ zenml x --v='{\n\"a\": 1\n}'\nIt's done\n",
                "zenml x --v='{\n\"a\": 1\n}'\n",
            ),
            ("$ echo don't\nzenml out\n", "echo don't\n"),
            (
                "$ for s in a b; do\n>   zenml x $s\n> done\nok",
                "for s in a b; do\n  zenml x $s\ndone\n",
            ),
            (
                "$ cat <<'EOF' | bash\nzenml x\nEOF\nout\n$ zenml y",
                "cat <<'EOF' | bash\nzenml x\nEOF\nzenml y",
            ),
            ("$ cat <<EOF\nzenml x\n$ zenml y\n", "cat <<EOF\nzenml y\n"),
            (
                "$ a |\n zenml x &&\n zenml y\nout\n",
                "a |\n zenml x &&\n zenml y\n",
            ),
            ("  $ zenml x\n    out\n", "zenml x\n"),
            ("(venv) ~$ zenml up\n", "zenml up\n"),
            ("root@host:/# zenml up\nout", "zenml up\n"),
            ("$\n$ zenml x", "\nzenml x"),
            (
                "# a\n>>> zenml x \\\n    --b\n\n# c\n>>> zenml y\n",
                "zenml x \\\n    --b\nzenml y\n",
            ),
        ] {
            for language in [
                CodeLanguage::Console,
                CodeLanguage::Shell,
                CodeLanguage::Text,
            ] {
                assert_eq!(
                    stripped(code, language).as_deref(),
                    Some(expected),
                    "{code}"
                );
            }
            assert_eq!(stripped(code, CodeLanguage::Other), None);
        }
    }

    #[test]
    fn block_without_a_prompt_is_not_a_session() {
        for code in [
            "zenml x\n# zenml stack list\nzenml y",
            "echo \"$HOME\" > out\n50% of zenml",
            "pip install a@1 # comment\n",
            "a=$(zenml x)\n  > out\n",
            "",
        ] {
            assert_eq!(stripped(code, CodeLanguage::Shell), None, "{code}");
        }
    }

    #[test]
    fn weak_prompts_count_only_where_they_are_clear() {
        let code = "# a\n> zenml x \\\n>  --a\nout\n> zenml y\n";
        let expected = Some("zenml x \\\n --a\nzenml y\n".to_owned());
        assert_eq!(stripped(code, CodeLanguage::Unknown), expected);
        assert_eq!(stripped(code, CodeLanguage::Text), None);
        let code = "# zenml x\nout\n# apt install y\n";
        let expected = Some("zenml x\napt install y\n".to_owned());
        assert_eq!(stripped(code, CodeLanguage::Console), expected);
        assert_eq!(stripped(code, CodeLanguage::Shell), None);
        assert_eq!(stripped(code, CodeLanguage::Unknown), None);
    }

    #[test]
    fn bangs_of_notebooks_are_removed() {
        let code = "!zenml x\n  !./a && zenml y\n! zenml z\na != b\n";
        let (text, map) = strip_bangs(code).unwrap().build(0);
        assert_eq!(text, "zenml x\n  ./a && zenml y\n! zenml z\na != b\n");
        assert_eq!(map.source(0, 5), crate::text::source::Span::new(1, 6));
        assert!(strip_bangs("! zenml x").is_none());
    }

    #[test]
    fn windows_prompts_are_removed() {
        let code = "PS C:\\Users\\me> zenml x `\n>> --a=b\nout\nPS> zenml y\n";
        let expected = Some("zenml x `\n--a=b\nzenml y\n".to_owned());
        assert_eq!(stripped(code, CodeLanguage::PowerShell), expected);
        let code = "C:\\zen>zenml x ^\n --a=b\nout\n";
        let expected = Some("zenml x ^\n --a=b\n".to_owned());
        assert_eq!(stripped(code, CodeLanguage::Batch), expected);
    }
}
