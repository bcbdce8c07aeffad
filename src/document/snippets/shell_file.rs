//! Reads a shell script: the whole file is the code.

use super::code_builder::CodeBuilder;
use super::host_lines::start_of_text;
use super::shell_programs::has_shell_shebang;
use super::{Snippet, SnippetKind};
use crate::document::OffsetMap;
use crate::text::source::{SourceFile, Span};
use std::path::Path;
use std::sync::Arc;

/// Returns the code of a shell script.
pub(super) fn snippets(source: &Arc<SourceFile>) -> Vec<Snippet> {
    whole_file(source, SnippetKind::Script)
}

/// Returns the code of another file: a shell script if its first line names a shell or its name has
/// no extension, and otherwise text whose lines may be commands.
pub(super) fn lines(source: &Arc<SourceFile>) -> Vec<Snippet> {
    let has_extension = Path::new(source.path()).extension().is_some();
    let kind = if has_shell_shebang(source.text()) || !has_extension {
        SnippetKind::Script
    } else {
        SnippetKind::Other
    };
    whole_file(source, kind)
}

fn whole_file(source: &SourceFile, kind: SnippetKind) -> Vec<Snippet> {
    let text = source.text();
    let map = OffsetMap::from_verbatim(Span::new(0, text.len()));
    let mut code = CodeBuilder::new(text, &map, 0);
    code.push(start_of_text(text)..text.len());
    code.finish(kind).into_iter().collect()
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::code_builder::checks::{codes, origin, read};
    use super::*;

    #[test]
    fn a_script_is_one_snippet() {
        let text = "#!/bin/sh\nzenml secret create a --b=c\n";
        let (source, found) = read(snippets, "x.sh", text);
        assert_eq!(codes(&found), [text]);
        assert_eq!(found[0].kind, SnippetKind::Script);
        assert_eq!(origin(&source, &found[0], "--b"), (32, "--b"));
    }

    #[test]
    fn a_byte_order_mark_and_crlf_are_not_code() {
        let (source, found) = read(snippets, "x.sh", "\u{feff}zenml a \\\r\n  --b=c\r\n");
        assert_eq!(codes(&found), ["zenml a \\\n  --b=c\n"]);
        assert_eq!(origin(&source, &found[0], "--b=c"), (16, "--b=c"));
        assert_eq!(codes(&read(snippets, "x.sh", " \n").1), [""; 0]);
    }
}
