//! Holds the code to its order: a file uses only modules that `lib.rs` lists above its own.

use crate::support::{files_below, project};
use std::path::Path;

/// The top module of a path such as `rules/unknown_key.rs`.
fn module(path: &Path) -> String {
    let top = path.components().next().unwrap().as_os_str().to_str().unwrap();
    top.trim_end_matches(".rs").to_owned()
}

#[test]
fn a_file_uses_only_what_stands_above_it() {
    let src = project().join("src");
    let lib = std::fs::read_to_string(src.join("lib.rs")).unwrap();
    let order: Vec<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let place = |name: &str| order.iter().position(|module| *module == name).unwrap_or_else(|| panic!("{name}?"));
    let files = files_below(&src, Some("rs"));
    let mut checked = 0;
    for file in files {
        let own = module(file.strip_prefix(&src).unwrap());
        if matches!(own.as_str(), "lib" | "main") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        for used in text.split("crate::").skip(1) {
            let name: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(name == own || place(&name) < place(&own), "{}: {own} uses {name}, which is below", file.display());
            checked += 1;
        }
        if !matches!(own.as_str(), "run" | "cli") {
            let quiet = ["std::env", "std::io::stdout", "std::io::stderr", "std::process::exit", "clap::Parser"];
            assert!(quiet.iter().all(|word| !text.contains(word)), "{own}: only run and cli know the outside");
        }
    }
    assert!(checked > 100);
}
