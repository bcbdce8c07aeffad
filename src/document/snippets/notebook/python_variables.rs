//! Replaces the variables of Python in a command of `IPython` by shell variables, for example
//! `{port}` by `${port}`.
//!
//! `IPython` also replaces `{{` by `{` before the shell runs. `{{secret.key}}` is kept, because the
//! author means a reference. `{{{{` is the escape for `{{`.

use crate::document::offsets::OffsetMapBuilder;
use crate::document::snippets::doc_placeholders::quoted_variable;
use crate::document::snippets::shell_quotes::QuoteScanner;

/// The state at a byte of a command, which may have several lines.
#[derive(Default)]
pub(super) struct CommandState {
    quotes: QuoteScanner,
    /// Whether `{{{{` is open.
    is_escaped: bool,
}

impl CommandState {
    /// Returns the length and the shell code of the braces at the start of a text. Returns `None`
    /// for braces that stay.
    fn replace_braces(&mut self, text: &str) -> Option<(usize, String)> {
        let run = text.len() - text.trim_start_matches('{').len();
        if run == 4 {
            self.is_escaped = true;
            return Some((4, "{{".to_owned()));
        }
        if self.is_escaped && text.starts_with("}}}}") {
            self.is_escaped = false;
            return Some((4, "}}".to_owned()));
        }
        let inner = text.get(1..).filter(|_| run == 1)?;
        let is_valid = |c: char| c.is_alphanumeric() || "_.[]()".contains(c);
        let len = inner.find(|c: char| !is_valid(c))?;
        let name = inner.get(..len)?;
        let is_expression = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let after = inner.get(len..)?;
        if !is_expression || !after.starts_with('}') || after.starts_with("}}") {
            return None;
        }
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let name = if is_name { name } else { "_" };
        Some((len + 2, quoted_variable(name, self.quotes.quotes())))
    }
}

/// Adds a line of a command, with shell variables in place of the variables of Python.
pub(super) fn push_command(
    out: &mut OffsetMapBuilder,
    start: usize,
    code: &str,
    state: &mut CommandState,
) {
    let (mut copied, mut at) = (0, 0);
    while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
        let braces = Some(rest).filter(|rest| rest.starts_with(['{', '}']));
        if let Some((len, text)) = braces.and_then(|rest| state.replace_braces(rest)) {
            out.push_verbatim(start + copied, code.get(copied..at).unwrap_or_default());
            out.push_replaced(start + at, len, &text);
            at += len;
            copied = at;
            continue;
        }
        // A run of braces is read as a whole.
        let run = rest.len() - rest.trim_start_matches('{').len();
        let next = run.max(rest.chars().next().map_or(1, char::len_utf8));
        state.quotes.feed_all(rest.get(..next).unwrap_or_default());
        at += next;
    }
    out.push_verbatim(start + copied, code.get(copied..).unwrap_or_default());
}
