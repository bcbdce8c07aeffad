//! Counts the lines of a command in a session: the line with the prompt, and the lines that
//! continue it.

use super::SessionLine;
use super::prompt_forms::continuation_prompt;
use crate::document::snippets::shell_quotes::{QuoteScanner, ShellQuotes};

/// Returns how many lines at the start of a group are the command. The first line of the group has
/// a prompt, and the others have none.
pub(super) fn count_command_lines(group: &[SessionLine<'_>]) -> usize {
    let mut scanner = QuoteScanner::default();
    let mut count = 0;
    // A search that fails is not repeated, so that the time is linear.
    let mut may_have_here_document = true;
    while let Some((line, rest)) = group.get(count..).and_then(<[_]>::split_first) {
        let code = code_of(line);
        scanner.feed_all(code);
        count += 1;
        if let Some(quoted) = lines_before_quote(scanner.quotes(), rest) {
            for line in rest.iter().take(quoted) {
                scanner.feed_all(code_of(line));
            }
            count += quoted;
            continue;
        }
        scanner = QuoteScanner::default();
        let word = here_document_word(code).filter(|_| may_have_here_document);
        let body = word.and_then(|word| rest.iter().position(|line| code_of(line).trim() == word));
        may_have_here_document &= word.is_none() || body.is_some();
        let body = body.map_or(0, |last| last + 1);
        count += body;
        let code = if body > 0 { "" } else { code };
        if !is_continued(code, group.get(count)) {
            break;
        }
    }
    count
}

/// Returns a line without its prompt.
fn code_of<'t>(line: &SessionLine<'t>) -> &'t str {
    let prompt = line.prompt.or_else(|| continuation_prompt(line.text));
    line.text
        .get(prompt.unwrap_or_default()..)
        .unwrap_or_default()
}

/// Returns how many lines follow before the one that closes the quotes. Returns `None` without open
/// quotes, and if they are never closed, as the apostrophe in `echo don't`.
fn lines_before_quote(quotes: ShellQuotes, rest: &[SessionLine<'_>]) -> Option<usize> {
    let mark = match quotes {
        ShellQuotes::None => return None,
        ShellQuotes::Single | ShellQuotes::Ansi => '\'',
        ShellQuotes::Double => '"',
    };
    rest.iter().position(|line| line.text.contains(mark))
}

/// Returns the word that ends the here-document of a line, or `None` if the line begins none.
fn here_document_word(code: &str) -> Option<&str> {
    let (_, after) = code.split_once("<<")?;
    let word = after
        .trim_start_matches('-')
        .trim_start_matches(' ')
        .split(|c: char| c.is_whitespace() || ";|&><)".contains(c))
        .next()?
        .trim_matches(['\'', '"', '\\']);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    (!word.is_empty() && word.chars().all(is_word)).then_some(word)
}

/// Returns whether the next line belongs to the command, because the line ends with a continuation
/// or the next line has the prompt of one.
fn is_continued(code: &str, next: Option<&SessionLine<'_>>) -> bool {
    let text = code.trim_end();
    let marks = ["\\", " `", " ^", "|", "&&"];
    next.is_some_and(|next| {
        marks.iter().any(|mark| text.ends_with(mark)) || continuation_prompt(next.text).is_some()
    })
}
