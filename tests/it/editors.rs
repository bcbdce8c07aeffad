//! Runs the Vim function of `docs/src/editors/commands.md` in Vim, if it is installed.

use crate::pages::{blocks, read};
use crate::support::{coverage, folder, is_installed, project};
use std::path::Path;
use std::process::{Command, Stdio};

#[test]
fn vim_function_fills_the_quickfix_list_and_skips_other_buffers() {
    if !is_installed("vim") {
        return;
    }
    let page = read(&project().join("docs/src/editors/commands.md"));
    let rc = blocks(&page)
        .into_iter()
        .find(|block| block.text.contains("setqflist"))
        .unwrap()
        .text;
    let stack = "stack_name: x\nzenml_version: 0.98.0\ncomponents:\n  orchestrator: {flavor: local, name: l, type: orchestrator, \
                 configuration: {a: '{{b.c}}'}}\n";
    let folder = folder(&[
        ("rc.vim", &rc),
        ("stacks/prod.yaml", stack),
        ("train.py", "print('{{a.b}}')\n"),
        ("chart.yaml", "image: '{{ .Values.image }}'\n"),
        ("secrets.inventory.yaml", "b: [d]\n"),
    ]);
    let mut path = vec![
        Path::new(env!("CARGO_BIN_EXE_stackref"))
            .parent()
            .unwrap()
            .to_path_buf(),
    ];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let entries = |file: &str| {
        let list = "call writefile(map(getqflist(), {_, e -> bufname(e.bufnr) . ':' . e.lnum . ':' . e.col . ': ' . e.text}), 'out')";
        let mut vim = Command::new("vim");
        vim.args([
            "-Nu",
            "rc.vim",
            "-i",
            "NONE",
            "-es",
            file,
            "-c",
            "StackrefCheck",
            "-c",
            list,
            "-c",
            "qa!",
        ]);
        vim.current_dir(folder.path())
            .env_clear()
            .envs(coverage())
            .env("PATH", std::env::join_paths(&path).unwrap());
        vim.stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        vim.env("HOME", folder.path())
            .env("TERM", "dumb")
            .env("SHELL", "/bin/sh")
            .status()
            .unwrap();
        std::fs::read_to_string(folder.path().join("out")).unwrap()
    };
    let found = entries("stacks/prod.yaml");
    assert!(
        found.starts_with("stacks/prod.yaml:4:") && found.contains("has no key `c`"),
        "{found}"
    );
    for file in ["train.py", "chart.yaml", "new.md"] {
        assert_eq!(entries(file), "", "{file}");
    }
}
