//! Paths in messages are printed as the user gave them, with a suggestion for a misspelt one.

use crate::support::{folder, run, words};

const STACK: &str =
    "stack_name: prod\nzenml_version: 0.98.0\ncomponents:\n  orchestrator: {flavor: x, name: o}\n";

#[test]
fn path_of_an_option_is_printed_as_given() {
    let folder = folder(&[
        ("prod.yaml", STACK),
        ("secrets.inventory.yaml", "a: {b: hunter2hunter2}\n"),
    ]);
    let inside = folder.path().join("nope/x").to_string_lossy().into_owned();
    for given in ["/nope/x", "./nope/x", "../nope/x", inside.as_str()] {
        for option in [
            "check --config FILE.toml",
            "check --inventory FILE.json",
            "check --baseline FILE.json",
            "check --write-baseline FILE.json",
            "check --format json --output FILE.json",
            "check --files-from FILE.txt",
            "check FILE.yaml",
            "refs FILE.yaml",
            "render --stdout FILE.yaml",
            "render --check --inventory FILE.toml",
            "register --from-file FILE.yaml",
            "register --inventory FILE.yaml --dry-run",
            "register --path FILE.yaml",
            "inventory --inventory FILE.yaml",
            "inventory snapshot -o FILE.yaml",
            "inventory snapshot --check FILE.yaml",
            "inventory snapshot --config FILE.toml",
        ] {
            let line = option.replace("FILE", given);
            let path = words(&line)
                .into_iter()
                .find(|word| word.starts_with(given))
                .unwrap();
            let output = run(&words(&line), folder.path(), b"");
            assert!(
                output.code == 2 && output.stderr_text().contains(&format!("`{path}`")),
                "{line}: {output:?}"
            );
        }
    }
    let output = run(&["render", "-o", &inside], folder.path(), b"");
    assert!(
        output.stderr.ends_with(&format!("to `{inside}`\n")),
        "{output:?}"
    );
}

#[test]
fn misspelt_path_suggests_the_nearest_existing_path() {
    let folder = folder(&[
        ("stacks/prod/main.yaml", STACK),
        ("stacks/dev.yaml", STACK),
        ("README", "x"),
    ]);
    let absolute = |path: &str| folder.path().join(path).to_string_lossy().into_owned();
    let cases = [
        ("stack/prod", Some("stacks/prod")),
        ("stack/prod/", Some("stacks/prod")),
        ("./stack/prd/mian.yaml", Some("./stacks/prod/main.yaml")),
        ("stacks/prod/main.yml", Some("stacks/prod/main.yaml")),
        ("stacks/dev", Some("stacks/dev.yaml")),
        ("stack/unlike", Some("stacks")),
        ("stacks/unlike", None),
        ("unlike/prod", None),
        ("stacks/dev.yaml/main.yaml", None),
        (&absolute("stack/prod"), Some(&absolute("stacks/prod"))),
    ];
    for (given, expected) in cases {
        for command in [
            ["check"].as_slice(),
            &["render", "--check"],
            &["refs"],
            &["register", "--path"],
        ] {
            let output = run(&[command, &[given]].concat(), folder.path(), b"");
            let message = output.stderr_text();
            assert!(
                output.code == 2 && message.contains(&format!("`{given}`")),
                "{output:?}"
            );
            match expected {
                Some(path) => assert!(
                    message.contains(&format!("did you mean `{path}`?")),
                    "{given}: {output:?}"
                ),
                None => assert!(!message.contains("did you mean"), "{given}: {output:?}"),
            }
        }
    }
}
