//! Pages that a parser may be slow with, and random pages: no page takes long, and each span is the
//! text that it names.

use super::snippets;
use crate::document::snippets::snippet_checks::codes;
use crate::document::snippets::{notebook, restructured_text};
use crate::text::source::SourceFile;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The length of the pages.
const PAGE_BYTES: usize = 200_000;

/// Pieces that are repeated. The text before `|` is repeated first, then the text after it.
const PIECES: [&str; 48] = [
    "zenml ",
    "`zenml x`|",
    "`zenml x |`",
    "``zenml` ",
    "> |zenml\n",
    "> |\n",
    "- |`zenml`\n\n",
    "1. |```\nzenml\n\n\n",
    "1. |<pre>\n\nzenml\n",
    "```\nzenml\n",
    "    zenml\n|```\n",
    "    ```\n|    zenml\n",
    "!!! a\n\n|    zenml ```\n",
    "=== \"a\"\n\n    |```\nzenml\n",
    "````md\n|zenml\n",
    "<pre>|zenml\n",
    "<pre>zenml|</pre>",
    "a <pre>zenml ",
    "<code>zenml|</code>",
    "<code>zenml ",
    "a <code>|zenml</code>",
    "<!-- zenml |-->",
    "<a<b|zenml",
    "</a |zenml>",
    "<a b=\"|zenml",
    "<![CDATA[ zenml <? <!A ",
    "&lt;zenml|<code>",
    "<code>&zenml;|</code>",
    "[zenml](|a",
    "[^a]: |zenml [^a]\n",
    "![zenml|](",
    "*zenml**_|a",
    "|a|zenml\n|-|-\n",
    "a\n===\nzenml\n|",
    "# zenml |#",
    "\\`zenml|\\",
    "\tzenml\n|> \t",
    "```\n$ zenml '\n|a\n",
    "```\n$ zenml <<A \\\n|> zenml <<A \\\n",
    "```\nzenml <a|<b ...|>",
    "```\nzenml ....|.",
    "```\nzenml \\\\\n|'",
    "{% zenml %}\n|{{< a >}}\n",
    "~~~~zenml\n|~~~\n",
    ".. code:: sh\n\n zenml\n|",
    "a::\n\n zenml\n|\n",
    "``zenml|` ``",
    ".. |zenml\n ",
];

/// Returns a page of a piece.
fn page(piece: &str) -> String {
    let (first, second) = piece.split_once('|').unwrap_or((piece, ""));
    let repeat = |piece: &str| piece.repeat(PAGE_BYTES / 2 / piece.len().max(1));
    format!("{}{}", repeat(first), repeat(second))
}

#[test]
fn no_page_takes_long() {
    for piece in PIECES {
        let text = page(piece);
        let begin = Instant::now();
        let count = snippets(&text).len() + restructured_text::snippets(&text).len();
        // Less than a second on any machine. A reader that begins again at each piece takes minutes.
        let limit = Duration::from_secs(30);
        assert!(begin.elapsed() < limit, "{piece:?}: {count} snippets");
    }
}

/// A generator of numbers, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

#[test]
fn any_page_is_read_and_spans_name_their_text() {
    let pieces: Vec<&str> = PIECES
        .iter()
        .flat_map(|piece| piece.split('|'))
        .flat_map(|piece| piece.split_inclusive([' ', '\n', '`', '<', '>']))
        .chain([
            "é", "\r\n", "\0", "%%bash\n", "!", "{a}", "</code>", "</pre>", "<br>",
        ])
        .collect();
    let mut numbers = Numbers(7);
    for _ in 0..2000 {
        let len = 1 + numbers.below(40);
        let text: String = (0..len)
            .map(|_| pieces[numbers.below(pieces.len())])
            .collect();
        codes(&text, &snippets(&text));
        codes(&text, &restructured_text::snippets(&text));
        let source = serde_json::to_string(&text).unwrap();
        for kind in ["code", "markdown"] {
            let file = format!("{{\"cells\":[{{\"cell_type\":\"{kind}\",\"source\":{source}}}]}}");
            let notebook = notebook::read(&Arc::new(SourceFile::new("a.ipynb", file.as_str())));
            codes(&file, &notebook.snippets);
        }
    }
}
