//! Finds the code of a Markdown page: fenced and indented blocks, inline code, and the elements
//! `<pre>` and `<code>`, also in lists, quotes, tables, tabs, admonitions and JSX.
//!
//! The parser is pulldown-cmark. It reads a copy of the text in which the syntax of GitBook,
//! `MkDocs`, MDX and others is blank (`markdown_mask`), and this module reads the code itself from
//! the text. Indented blocks that contain a page of their own, as the body of an admonition does,
//! are read again without their indentation.

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod hostile_pages;
mod markdown_mask;
mod markdown_reader;

#[cfg(test)]
use super::Snippet;
use super::code_block::CodeBlock;
use markdown_mask::mask;
use markdown_reader::MarkdownReader;
use pulldown_cmark::{Options, Parser};

/// Returns the shell code of a Markdown page, in the order of the page.
#[cfg(test)]
pub(super) fn snippets(text: &str) -> Vec<Snippet> {
    code_blocks(text, 0)
        .into_iter()
        .filter_map(CodeBlock::into_snippet)
        .collect()
}

/// Returns the code of a Markdown text. `depth` is the number of documents around it.
pub(super) fn code_blocks(text: &str, depth: usize) -> Vec<CodeBlock> {
    let masked = mask(text);
    let mut reader = MarkdownReader::new(text, depth);
    // Without links, footnotes and metadata, which are not needed.
    for (event, range) in Parser::new_ext(&masked, Options::ENABLE_TABLES).into_offset_iter() {
        reader.read(event, range);
    }
    reader.into_blocks()
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::document::snippets::SnippetKind;
    use crate::document::snippets::snippet_checks::{codes, kinds, located};

    /// Returns the code of each snippet without white space at its ends.
    fn read(text: &str) -> Vec<String> {
        let codes = codes(text, &snippets(text));
        codes.iter().map(|code| code.trim().to_owned()).collect()
    }

    #[test]
    fn code_is_found_in_every_container() {
        for (text, code) in [
            ("```bash\nzenml x\n```\n", "zenml x"),
            ("~~~sh\nzenml x\n~~~", "zenml x"),
            ("```\nzenml x", "zenml x"),
            ("a\n```sh title=\"x\"\nzenml x\n```\nzenml y", "zenml x"),
            ("    zenml x\n", "zenml x"),
            ("\tzenml x\n\n\tzenml y\n", "zenml x\n\nzenml y"),
            ("Run `zenml x`.", "zenml x"),
            ("Run `` zenml `x` ``.", "zenml `x`"),
            ("Run `zenml x\n  --a=b`.", "zenml x --a=b"),
            ("# `zenml x`", "zenml x"),
            (
                "- a\n\n  ```sh\n  zenml x\n    --a\n  ```",
                "zenml x\n  --a",
            ),
            (
                "1. a\n   - b\n     ```sh\n     zenml x\n     ```",
                "zenml x",
            ),
            ("- a\n\n      zenml x", "zenml x"),
            ("- `zenml x`", "zenml x"),
            ("> ```sh\n> zenml x \\\n>  --a\n> ```", "zenml x \\\n --a"),
            ("> - ```sh\n>   zenml x\n>   ```", "zenml x"),
            ("> Run `zenml\n> x`", "zenml x"),
            ("|a|b|\n|-|-|\n|`zenml x \\| y`|c|", "zenml x | y"),
            ("*a `zenml x`* and [`b`](c)", "zenml x"),
            ("[`zenml x`](y)", "zenml x"),
            ("```\r\nzenml x \\\r\n  --a\r\n```\r\n", "zenml x \\\n  --a"),
            ("\u{feff}```\nzenml x\n```", "zenml x"),
            ("---\na: '```'\n---\n```\nzenml x\n```", "zenml x"),
            ("-\t```\n\tzenml x\n\t```", "zenml x"),
        ] {
            assert_eq!(read(text), [code], "{text}");
        }
    }

    #[test]
    fn code_is_found_in_the_syntax_of_other_programs() {
        let fence = "```bash\nzenml x\n\nzenml y\n```\n";
        let indented = fence.replace('\n', "\n    ").replace("    \n", "\n");
        for text in [
            format!(
                "{{% tabs %}}\n{{% tab title=\"a\" %}}\n{fence}{{% endtab %}}\n{{% endtabs %}}\n"
            ),
            format!("{{% hint style=\"info\" %}}\na\n\n{fence}{{% endhint %}}\n"),
            format!("{{% code title=\"a\" %}}\n{fence}{{% endcode %}}\n"),
            format!(
                "import a from 'b';\n\n<Tabs>\n<TabItem value=\"a\" label=\"b\">\n{fence}</TabItem>\n</Tabs>\n"
            ),
            format!("<Tabs items={{['a']}}>\n  <Tab>\n    {indented}\n  </Tab>\n</Tabs>\n"),
            format!("<details>\n<summary>a</summary>\n{fence}</details>\n"),
            format!("<div markdown>\n{fence}</div>\n"),
            format!("!!! note\n\n    a\n\n    {indented}\n"),
            format!("!!! note \"x\"\n    {indented}\n"),
            format!("=== \"Linux\"\n\n    {indented}\n=== \"Mac\"\n\n    a\n"),
            format!("- a\n\n        {}", fence.replace('\n', "\n        ")),
            format!(":::tip\n{fence}:::\n"),
            format!("{{{{< tabs >}}}}\n{fence}{{{{< /tabs >}}}}"),
            format!("````{{tab-item}} a\n{fence}````\n"),
            format!("````markdown\n{fence}````\n"),
            format!("```{{code-block}} console\n{}", &fence[8..]),
            "```{eval-rst}\n.. code:: sh\n\n  zenml x\n\n  zenml y\n```\n".to_owned(),
        ] {
            assert_eq!(read(&text), ["zenml x\n\nzenml y"], "{text}");
        }
        let nested = "!!! note\n\n    Run `zenml a`.\n\n    === \"b\"\n\n        ```\n        zenml c\n        ```\n\n    zenml d\n";
        assert_eq!(read(nested), ["zenml a", "zenml c"]);
        let literal = "<CodeBlock>{`zenml x \\\n  --a=b`}</CodeBlock>\n";
        assert_eq!(read(literal), ["zenml x \\\n--a=b"]);
    }

    #[test]
    fn code_is_found_in_elements_of_html() {
        for (text, expected) in [
            (
                "<pre class=\"language-shell\"><code class=\"lang-shell\"><strong>zenml x --a=\"&#x3C;A>\"\n</strong>\nzenml y\n</code></pre>\n",
                vec!["zenml x --a=\"${A}\"\n\nzenml y"],
            ),
            (
                "<pre>\nzenml x\n</pre>\n`zenml y`",
                vec!["zenml x", "zenml y"],
            ),
            (
                "a <code>zenml x &amp;&amp; y</code> b",
                vec!["zenml x && y"],
            ),
            (
                "<table>\n<tr>\n  <td><code>zenml x</code></td>\n</tr>\n</table>",
                vec!["zenml x"],
            ),
            (
                "<td><pre>\nzenml x\n\n# b\n\nzenml y\n</pre></td>\n\n`zenml z`",
                vec!["zenml x\n\n# b\n\nzenml y", "zenml z"],
            ),
            (
                "<td>\n\n      <pre><code>zenml x</code></pre>\n\n</td>",
                vec!["zenml x"],
            ),
            ("| a |\n|---|\n| <code>zenml x</code> |", vec!["zenml x"]),
            ("> <pre>zenml x\n> zenml y</pre>", vec!["zenml x\nzenml y"]),
            ("<code>zenml `x`</code>", vec!["zenml `x`"]),
            ("<!-- `zenml x` -->\n\n<!--\n```\nzenml y\n```\n-->", vec![]),
            ("<code>a\n\n`zenml x`", vec!["zenml x"]),
            ("<pre>a\n\n`zenml x`", vec!["zenml x"]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn text_is_not_code() {
        for text in [
            "zenml x\n",
            "- zenml x\n  zenml y",
            "[zenml x](y)",
            "`a` zenml x `b`",
            "---\na: zenml x\n---\n",
            "<p>zenml x</p>",
            "```sh\na\n```\nzenml x\n",
            "\\`zenml x\\`",
            "> zenml x",
        ] {
            assert_eq!(read(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn language_decides_what_is_a_command() {
        use SnippetKind::{Example, Other};
        for (text, code, kind) in [
            ("```console\n$ zenml x\nzenml out\n```", "zenml x", Example),
            ("```console\nzenml x\n```", "zenml x", Example),
            ("```text\nzenml x\n```", "zenml x", Other),
            ("```text\n$ zenml x\nout\n```", "zenml x", Example),
            ("```yaml\n- zenml x\n```", "- zenml x", Other),
            ("```python\nzenml = x\n```", "zenml = x", Other),
            ("```python\na = 1\n!zenml x\n```", "zenml x", Example),
            ("```bash\n!zenml x\n```", "zenml x", Example),
            (
                "```powershell\nzenml x `\n --a\n```",
                "zenml x \\\n --a",
                Example,
            ),
            (
                "```sh\nzenml x \\\\\n --a\n```",
                "zenml x \\\n --a",
                Example,
            ),
            ("```sh\nzenml <A> ...\n```", "zenml ${A} ${_}", Example),
            ("```sh\nexport A=b\n```", "export A=b", Example),
            ("`$ zenml x`", "zenml x", Example),
        ] {
            let found = snippets(text);
            assert_eq!(read(text), [code], "{text}");
            assert_eq!(kinds(&found), [kind], "{text}");
        }
        assert!(snippets("```sh\nls\n```\n```yaml\na=b\n```").is_empty());
    }

    #[test]
    fn code_has_the_span_of_the_file() {
        let text = "é\n> 1. ```sh\n>    $ zenml x \\\n>    >  --a='<B>'\n>    out\n>    ```\n";
        let found = snippets(text);
        assert_eq!(read(text), ["zenml x \\\n --a=''\"${B}\"''"]);
        assert_eq!(located(text, &found[0], "zenml x"), "zenml x");
        assert_eq!(located(text, &found[0], "--a="), "--a=");
        assert_eq!(located(text, &found[0], "${B}"), "<B>");
        let zenml = text.find("zenml").unwrap();
        assert_eq!(found[0].offsets.source(0, 5).start, zenml);

        let text = "!!! note\n\n    ```sh\n    zenml x --token={{a.b}}\n    ```\n";
        let found = snippets(text);
        let span = found[0].offsets.source(16, 23);
        assert_eq!(located(text, &found[0], "{{a.b}}"), "{{a.b}}");
        assert_eq!((span.start, span.end), (40, 47));
    }

    #[test]
    fn deep_nesting_ends() {
        let mut text = "`zenml x`\n".to_owned();
        for depth in 3..40 {
            let fence = "`".repeat(depth);
            text = format!("{fence}markdown\n{text}{fence}\n");
            assert_eq!(snippets(&text).is_empty(), depth >= 7);
        }
        let text = format!("{}```\nzenml x\n", "> ".repeat(1000));
        assert!(snippets(&text).len() < 2);
    }
}
