//! Adds keys to inventory files: the position of a new key, and that all other bytes stay the same.

use crate::support::folder;
use proptest::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};
use stackref::inventory::file::FileInventory;
use stackref::inventory::{Inventory as _, NewKey, RequestedNames, SecretChange, StoreError};
use std::path::Path;

fn entry(key: &str, value: Option<&str>) -> NewKey {
    NewKey {
        key: key.to_owned(),
        value: value.map(SecretString::from),
        replaces: false,
    }
}

fn open(folder: &Path, name: &str) -> FileInventory {
    FileInventory::new(name.to_owned(), &folder.join(name), folder, folder)
}

fn put_in(
    inventory: &FileInventory,
    secret: &str,
    entry: NewKey,
) -> Result<Vec<(String, String)>, StoreError> {
    inventory.put(&[SecretChange {
        secret,
        entries: &[entry],
    }])
}

#[test]
fn secrets_are_stored_together_or_not_at_all() {
    let before = "a:\n  x: old\nb: &b\n  x: old\nc: *b\n";
    let folder = folder(&[("i.yaml", before)]);
    let inventory = open(folder.path(), "i.yaml");
    let (first, second) = ([entry("k", Some("v"))], [entry("k", Some("v"))]);
    let change = |secret, entries| SecretChange { secret, entries };
    assert!(
        inventory
            .put(&[change("a", &first), change("b", &second)])
            .is_err()
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("i.yaml")).unwrap(),
        before
    );
    assert!(
        inventory
            .put(&[change("a", &first), change("d", &second)])
            .unwrap()
            .is_empty()
    );
    let after = std::fs::read_to_string(folder.path().join("i.yaml")).unwrap();
    assert_eq!(
        after,
        "a:\n  x: old\n  k: \"v\"\nb: &b\n  x: old\nc: *b\nd:\n  k: \"v\"\n"
    );
}

/// Puts one key. Returns the new text of the file, or the error if the file was not changed.
fn put(name: &str, before: &str, secret: &str, key: &str, value: &str) -> Result<String, String> {
    let folder = folder(&[(name, before)]);
    let inventory = open(folder.path(), name);
    let takes_values = inventory
        .takes_values(secret)
        .map_err(|error| format!("{error:?}"))?;
    let result = put_in(
        &inventory,
        secret,
        entry(key, takes_values.then_some(value)),
    );
    let after = std::fs::read_to_string(folder.path().join(name)).unwrap();
    match result {
        Ok(_) => Ok(after),
        Err(error) => {
            assert_eq!(after, before, "the file was changed despite the error");
            Err(format!("{error:?}"))
        }
    }
}

fn assert_put(name: &str, cases: &[(&str, &str, &str)]) {
    for &(before, secret, after) in cases {
        assert_eq!(
            put(name, before, secret, "k", "v").as_deref(),
            Ok(after),
            "{secret} in {before:?}"
        );
        // The same with CRLF line breaks.
        let crlf = |text: &str| text.replace('\n', "\r\n");
        if !before.contains('\r') && before.contains('\n') {
            assert_eq!(
                put(name, &crlf(before), secret, "k", "v").as_deref(),
                Ok(crlf(after).as_str()),
                "{before:?}"
            );
        }
    }
}

#[test]
fn new_key_in_yaml_follows_the_layout_of_the_file() {
    assert_put(
        "i.yaml",
        &[
            ("", "s", "s:\n  k: \"v\"\n"),
            ("# head\n", "s", "# head\ns:\n  k: \"v\"\n"),
            ("---\n", "s", "---\ns:\n  k: \"v\"\n"),
            ("---\n...\n", "s", "---\ns:\n  k: \"v\"\n...\n"),
            ("a: {x: w}\n...\n", "s", "a: {x: w}\ns:\n  k: \"v\"\n...\n"),
            ("{}", "s", "s:\n  k: \"v\""),
            ("{} # c\n", "s", "s:\n  k: \"v\" # c\n"),
            ("--- {}\n", "s", "--- {s: {k: \"v\"}}\n"),
            ("a:\n  x: w", "s", "a:\n  x: w\ns:\n  k: \"v\"\n"),
            (
                "a:\n    x: w # c\n\n# tail\n",
                "s",
                "a:\n    x: w # c\n\n# tail\ns:\n    k: \"v\"\n",
            ),
            (
                "a:\n  x: w # c\n\n# b\nb:\n  x: w\n",
                "a",
                "a:\n  x: w # c\n  k: \"v\"\n\n# b\nb:\n  x: w\n",
            ),
            (
                "a:\n  x: |\n    p\n\n# b\nb: {}\n",
                "a",
                "a:\n  x: |\n    p\n  k: \"v\"\n\n# b\nb: {}\n",
            ),
            (
                "a:\n  x: |+\n    p\n\nb: {}\n",
                "a",
                "a:\n  x: |+\n    p\n\n  k: \"v\"\nb: {}\n",
            ),
            ("a: {x: w}\n", "a", "a: {x: w, k: \"v\"}\n"),
            ("a: {}\n", "a", "a: {k: \"v\"}\n"),
            ("a: { x: w, } # c\n", "a", "a: { x: w, k: \"v\", } # c\n"),
            (
                "a: {\n  x: w # c\n }\n",
                "a",
                "a: {\n  x: w, # c\n  k: \"v\"\n }\n",
            ),
            (
                "a: {\n  x: w, # c\n }\n",
                "a",
                "a: {\n  x: w, # c\n  k: \"v\",\n }\n",
            ),
            ("a: [x]\n", "a", "a: [x, k]\n"),
            ("a: []\n", "a", "a: [k]\n"),
            ("a: [x]\n", "s", "a: [x]\ns: [k]\n"),
            (
                "a:\n- x\n- y # c\nb: []\n",
                "a",
                "a:\n- x\n- y # c\n- k\nb: []\n",
            ),
            ("a:\n  - x\n", "a", "a:\n  - x\n  - k\n"),
            ("a: [\n  x,\n  y\n ]\n", "a", "a: [\n  x,\n  y,\n  k\n ]\n"),
            (
                "  a:\n    x: w\n",
                "s",
                "  a:\n    x: w\n  s:\n    k: \"v\"\n",
            ),
            ("? a\n: x: w\n", "s", "? a\n: x: w\ns:\n  k: \"v\"\n"),
            (
                "a: {x: w}\n'b c': {x: 'it''s'}\n",
                "b c",
                "a: {x: w}\n'b c': {x: 'it''s', k: \"v\"}\n",
            ),
            (
                "\u{feff}a: {x: w}\n",
                "s",
                "\u{feff}a: {x: w}\ns:\n  k: \"v\"\n",
            ),
            (
                "a: &a {x: w}\nb:\n  <<: *a\n  z: w\n",
                "b",
                "a: &a {x: w}\nb:\n  <<: *a\n  z: w\n  k: \"v\"\n",
            ),
            (
                "a: &a {x: w}\nb: *a\n",
                "s",
                "a: &a {x: w}\nb: *a\ns:\n  k: \"v\"\n",
            ),
        ],
    );
    // The file ends in a block scalar, so nothing can be appended.
    let before = "# a\na:\n  x: |\n    p";
    assert_eq!(
        put("i.yaml", before, "s", "k", "v").unwrap(),
        "s:\n  k: \"v\"\n# a\na:\n  x: |\n    p"
    );
    assert_eq!(
        put("i.yaml", before, "a", "k", "v").unwrap(),
        "# a\na:\n  k: \"v\"\n  x: |\n    p"
    );
    assert_eq!(
        put("i.yaml", "a:\r  x: w\r", "a", "k", "v").unwrap(),
        "a:\r  x: w\r  k: \"v\"\r"
    );
}

#[test]
fn new_key_in_toml_follows_the_layout_of_the_file() {
    assert_put(
        "i.toml",
        &[
            ("", "s", "[s]\nk = \"v\"\n"),
            ("# head\n", "s", "# head\n\n[s]\nk = \"v\"\n"),
            (
                "[a]\nx = 'w'\n# tail\n",
                "s",
                "[a]\nx = 'w'\n# tail\n\n[s]\nk = \"v\"\n",
            ),
            (
                "[a]\nx = 'w' # c\n\n# b\n[b]\nx = 'w'\n",
                "a",
                "[a]\nx = 'w' # c\nk = \"v\"\n\n# b\n[b]\nx = 'w'\n",
            ),
            (
                "[a]\n\n[b]\nx = 'w'\n",
                "a",
                "[a]\nk = \"v\"\n\n[b]\nx = 'w'\n",
            ),
            ("[a] # c", "a", "[a] # c\nk = \"v\"\n"),
            (
                "  [a]\n  x = '''\np\n'''\n",
                "a",
                "  [a]\n  x = '''\np\n'''\n  k = \"v\"\n",
            ),
            (
                "a.x = 'w'\na.z = 'w'\nb.x = 'w'\n",
                "a",
                "a.x = 'w'\na.z = 'w'\na.k = \"v\"\nb.x = 'w'\n",
            ),
            ("a = { x = 'w' }\n", "a", "a = { x = 'w', k = \"v\" }\n"),
            ("a = {}\n", "a", "a = { k = \"v\" }\n"),
            (
                "a = { x = 'w' }\n",
                "s",
                "a = { x = 'w' }\ns = { k = \"v\" }\n",
            ),
            ("a = ['x']\n", "a", "a = ['x', \"k\"]\n"),
            (
                "a = [\n  'x', # c\n  'y' # d\n]\n",
                "a",
                "a = [\n  'x', # c\n  'y', # d\n  \"k\"\n]\n",
            ),
            ("a = ['x']\n", "s", "a = ['x']\ns = [\"k\"]\n"),
            (
                "[\"b c\"]\nx = 'w'\n",
                "b c",
                "[\"b c\"]\nx = 'w'\nk = \"v\"\n",
            ),
            (
                "a = ['x']\n[b]\nx = 'w'\n",
                "a",
                "a = ['x', \"k\"]\n[b]\nx = 'w'\n",
            ),
        ],
    );
}

#[test]
fn new_key_in_json_follows_the_layout_of_the_file() {
    assert_put(
        "i.json",
        &[
            ("{}", "s", "{\n  \"s\": {\n    \"k\": \"v\"\n  }\n}"),
            ("{\n}\n", "s", "{\n  \"s\": {\n    \"k\": \"v\"\n  }\n}\n"),
            (
                "{\"a\":{\"x\":\"w\"}}",
                "s",
                "{\"a\":{\"x\":\"w\"},\"s\":{\"k\":\"v\"}}",
            ),
            (
                "{\"a\": {\"x\": \"w\"}}",
                "a",
                "{\"a\": {\"x\": \"w\", \"k\": \"v\"}}",
            ),
            (
                "{\n\t\"a\": {\n\t\t\"x\": \"w\"\n\t}\n}\n",
                "s",
                "{\n\t\"a\": {\n\t\t\"x\": \"w\"\n\t},\n\t\"s\": {\n\t\t\"k\": \"v\"\n\t}\n}\n",
            ),
            (
                "{\n  \"a\": {\n    \"x\": \"w\"\n  }\n}\n",
                "a",
                "{\n  \"a\": {\n    \"x\": \"w\",\n    \"k\": \"v\"\n  }\n}\n",
            ),
            (
                "{\n  \"a\": [\"x\"]\n}\n",
                "s",
                "{\n  \"a\": [\"x\"],\n  \"s\": [\"k\"]\n}\n",
            ),
            (
                "{\"a\": [\n  \"x\"\n]}\n",
                "a",
                "{\"a\": [\n  \"x\",\n  \"k\"\n]}\n",
            ),
        ],
    );
}

#[test]
fn mapping_shared_with_another_secret_is_not_changed() {
    for (before, secret) in [
        ("a: &a {x: w}\nb: *a\n", "a"),
        ("a: &a {x: w}\nb: *a\n", "b"),
        ("a: &a\n  x: w\nb:\n  <<: *a\n", "a"),
        ("base: &r\n  a: {x: w}\n", "base"),
        ("<<: &m\n  a: {x: w}\nb: {x: w}\n", "a"),
    ] {
        let refused = put("i.yaml", before, secret, "k", "v");
        assert!(refused.is_err(), "{secret} in {before:?}: {refused:?}");
    }
}

#[test]
fn invalid_inventory_is_not_changed() {
    for before in [
        "a: {x: 1}\n",
        "a: {x: ! '0123'}\n",
        "a: {x: 0x_}\n",
        "a: {x: w, x: z}\n",
        "a: {x: 'y\n",
        "a: {x: w}\n---\nb: {x: w}\n",
        "- a\n",
        "null\n",
    ] {
        let refused = put("i.yaml", before, "s", "k", "v");
        assert!(refused.is_err(), "{before:?}: {refused:?}");
    }
}

#[test]
fn secrets_file_of_zenml_gets_base64_values() {
    let after = put(
        "i.yaml",
        "a:\n  zenml_schema_name: arbitrary\n  x: eQ==\n",
        "a",
        "k",
        "v",
    )
    .unwrap();
    assert_eq!(
        after,
        "a:\n  zenml_schema_name: arbitrary\n  x: eQ==\n  k: \"dg==\"\n"
    );
    let after = put(
        "i.yaml",
        "a:\n  zenml_schema_name: arbitrary\n  x: eQ==\n",
        "s",
        "k",
        "v",
    )
    .unwrap();
    assert!(
        after.ends_with("s:\n  zenml_schema_name: \"arbitrary\"\n  k: \"dg==\"\n"),
        "{after}"
    );
}

#[test]
fn existing_value_is_kept_unless_the_change_replaces_it() {
    let folder = folder(&[("i.yaml", "a: {x: old}\n")]);
    let inventory = open(folder.path(), "i.yaml");
    let mut change = entry("x", Some("new"));
    assert_eq!(
        put_in(&inventory, "a", entry("x", Some("new"))).unwrap(),
        [("a".to_owned(), "x".to_owned())]
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("i.yaml")).unwrap(),
        "a: {x: old}\n"
    );
    change.replaces = true;
    assert!(put_in(&inventory, "a", change).unwrap().is_empty());
    assert_eq!(
        std::fs::read_to_string(folder.path().join("i.yaml")).unwrap(),
        "a: {x: new}\n"
    );
}

/// Replaces the value of `a.x` and returns the new text of the file.
fn replace(name: &str, before: &str, value: &str) -> String {
    let folder = folder(&[(name, before)]);
    let mut change = entry("x", Some(value));
    change.replaces = true;
    put_in(&open(folder.path(), name), "a", change).unwrap();
    std::fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn replacing_a_value_keeps_the_text_around_it() {
    for (before, value, after) in [
        (
            "a:\n  x: |\n    p\n    q\n\n# b\nb: {}\n",
            "r\ns\n",
            "a:\n  x: |\n    r\n    s\n\n# b\nb: {}\n",
        ),
        (
            "a:\n  x: |\n    p\n\nb: {}\n",
            "r",
            "a:\n  x: |-\n    r\n\nb: {}\n",
        ),
        (
            "a:\n  x: >- # c\n    p\n\n\nb: {}\n",
            " r",
            "a:\n  x: \" r\" # c\n\n\nb: {}\n",
        ),
        ("a: {x: w, y: v}\n", "p?q", "a: {x: \"p?q\", y: v}\n"),
        ("a:\n  x: w # c\n", "0x_", "a:\n  x: \"0x_\" # c\n"),
    ] {
        assert_eq!(replace("i.yaml", before, value), after, "{before:?}");
    }
}

fn layouts() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("i.yaml", "a:\n  x: w\nb: [c]\n"),
        ("i.yaml", "{a: {x: w}, b: {c: d}}"),
        ("i.yaml", "a: {}\n"),
        ("i.yaml", ""),
        ("i.toml", "[a]\nx = 'w'\n"),
        ("i.toml", "a = { x = 'w' }\n[b]\nc = \"d\"\n"),
        ("i.json", "{\"a\": {\"x\": \"w\"}, \"b\": [\"c\"]}"),
        ("i.json", "{\r\n  \"a\": {\r\n    \"x\": \"w\"\r\n  }\r\n}"),
    ])
}

proptest! {
    #[test]
    fn any_key_and_value_is_read_back_unchanged((name, before) in layouts(), new in any::<bool>(), key in "[^\\x00\\s{}]{1,12}", value in "\\PC{0,20}|[\\x00-\\x7f\u{80}-\u{a0}\u{2028}\u{feff}\u{fffe}]{0,20}") {
        let folder = folder(&[(name, before)]);
        let secret = if new { "n\u{e9}w:#" } else { "a" };
        let inventory = open(folder.path(), name);
        put_in(&inventory, secret, entry(&key, Some(&value))).unwrap();
        let values = open(folder.path(), name).values(secret, &RequestedNames::new()).unwrap();
        let kept = key == "x" && !new && before.contains('x');
        prop_assert_eq!(values.get(&key).unwrap().as_ref().unwrap().expose_secret(), if kept { "w" } else { value.as_str() });
        let after = std::fs::read_to_string(folder.path().join(name)).unwrap();
        let mut rest = after.chars();
        prop_assert!(before.chars().filter(|c| !c.is_whitespace()).all(|c| rest.any(|other| other == c)));
    }
}

#[test]
fn read_only_inventory_is_reported() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder(&[("i.yaml", "a: {x: w}\n")]);
    let path = folder.path().join("i.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    let refused = open(folder.path(), "i.yaml").check_writable().unwrap_err();
    assert!(refused.to_string().contains("read-only"), "{refused}");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let inventory = open(folder.path(), "i.yaml");
    inventory.check_writable().unwrap();
    put_in(&inventory, "b", entry("k", Some("v"))).unwrap();
    assert_eq!(
        path.metadata().unwrap().permissions().mode() & 0o777,
        0o600,
        "a file with values is readable only by its owner"
    );
    assert!(matches!(
        put_in(&inventory, "b", entry("q", None)),
        Err(StoreError::Invalid(_))
    ));
}

#[test]
fn concurrent_writers_lose_no_key() {
    let folder = folder(&[("i.yaml", "a: {x: w}\n")]);
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = folder.path();
            scope.spawn(move || {
                for at in 0..10 {
                    let secret = format!("s{}", at % 3);
                    let put = || {
                        put_in(
                            &open(path, "i.yaml"),
                            &secret,
                            entry(&format!("k{writer}-{at}"), Some("v")),
                        )
                    };
                    // On a slow disk, the other writers may take longer than the lock timeout.
                    while let Err(error) = put() {
                        assert!(
                            format!("{error:?}").contains("timed out waiting for another process"),
                            "{error:?}"
                        );
                    }
                }
            });
        }
    });
    let inventory = open(folder.path(), "i.yaml");
    let keys: usize = (0..3)
        .map(|at| {
            inventory
                .keys(&format!("s{at}"), &RequestedNames::new())
                .unwrap()
                .len()
        })
        .sum();
    assert_eq!(keys, 40);
    let count = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(count, 1, "temporary files remain");
}
