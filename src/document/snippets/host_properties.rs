//! Properties that all hosts have for every text.

use super::code_builder::checks::read;
use super::{Snippet, dockerfile, gitlab_ci, justfile, makefile, shell_file, workflow};
use crate::text::source::SourceFile;
use proptest::prelude::*;
use std::sync::Arc;

/// A function that reads the code of a file.
type HostReader = fn(&Arc<SourceFile>) -> Vec<Snippet>;

/// The hosts, each with its name.
const HOSTS: [(&str, HostReader); 6] = [
    ("shell", shell_file::snippets),
    ("make", makefile::snippets),
    ("just", justfile::snippets),
    ("docker", dockerfile::snippets),
    ("workflow", workflow::snippets),
    ("gitlab", gitlab_ci::snippets),
];

/// Parts of files, of which random files consist.
#[rustfmt::skip]
const PARTS: [&str; 62] = [
    "\n", "\n", "\n", "\r\n", "\t", "\t", " ", "  ", "\\", "\\\n", "$", "$$", "$(", "${", ")", "}", "{", "{{", "}}",
    "{{{{", "'", "\"", "`", "'''", "```", "#", "@", "-", "+", ":", "::", "=", ":=", "+=", "!=", ";", ",", "[", "]",
    "a", "zenml", "é", "😀", "define x", "endef", "ifeq ", ".ONESHELL:", "SHELL := ", "set shell := ['a']", "RUN ",
    "CMD [\"a\", \"b\\u0041\"]", "<<EOF", "<<-E", "EOF", "#!/bin/sh", "# escape=`", "jobs:\n  a:\n    steps:\n    - run: |\n        ",
    "a:\n  script:\n  - ", "<<: *a", "&a ", "*a", "${{ a }}",
];

proptest! {
    #[test]
    fn maps_return_the_bytes_that_they_name(
        parts in proptest::collection::vec(proptest::sample::select(&PARTS), 0..40),
    ) {
        let text = parts.concat();
        for (_, host) in HOSTS {
            read(host, "x", &text);
        }
    }
}

#[test]
fn repeated_parts_are_read_in_linear_time() {
    const COUNT: usize = 20_000;
    let beginnings = [
        "",
        "a:\n\t",
        "x := ",
        "RUN ",
        "a:\n  script: |\n    ",
        "define x\n",
    ];
    let parts = [
        "$(",
        "${",
        "{{",
        "{{'",
        "'",
        "\"",
        "x := \\\"\n",
        "`",
        "\\\n",
        "\\\n#\n",
        "<<A ",
        "RUN <<A\n",
        "$(a) ",
        "(",
        "a:\n\t$(\n",
        "a:;\n",
        "x := '\n",
        "x := '''\n",
        "x := (\n",
        "[script]\n",
        "a:\n  {{\n",
        "CMD [\"\\\\\n",
        "#",
        "''''",
    ];
    for start in beginnings {
        for part in parts {
            let text = start.to_owned() + &part.repeat(COUNT);
            for (name, host) in HOSTS {
                let begin = std::time::Instant::now();
                host(&Arc::new(SourceFile::new("x", text.as_str())));
                let seconds = begin.elapsed().as_secs();
                assert!(
                    seconds < 20,
                    "{name} needs {seconds} s for {start:?} and {part:?}"
                );
            }
        }
    }
}
