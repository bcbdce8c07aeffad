//! Tests the kinds of inventories that need no server: `file`, `dir`, `env`, `sops` and `command`.

use crate::support::{Output, findings, folder, run_trusted as run, write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

/// The first line of each config. The stacks are too short to be recognized.
const INCLUDE: &str = "files.include = [\"a.stack.yaml\"]\n";

/// Creates a folder with an inventory `x` and a stack file.
fn project(inventory: &str, stack: &str) -> TempDir {
    folder(&[
        (
            "stackref.toml",
            &format!("{INCLUDE}[inventory.x]\n{inventory}"),
        ),
        ("a.stack.yaml", stack),
    ])
}

fn check(folder: &Path, more: &[&str]) -> Output {
    run(
        &[&["check", "--format", "short"], more].concat(),
        folder,
        b"",
    )
}

/// Creates a `dir` inventory with a secret as Kubernetes mounts it, one as Docker mounts it, and
/// symlinks to files outside of it.
fn create_mounted_secrets() -> TempDir {
    let stack = "a: '{{db.password}}'\nb: '{{api.token}}'\nc: '{{db.out}}'\nd: '{{outside.passwd}}'\ne: '{{db...data}}'\n";
    let folder = project("kind = \"dir\"\npath = \"mnt\"\n", stack);
    let mnt = folder.path().join("mnt");
    write(&mnt, "db/..2025_01/password", b"hunter2 \n\n");
    write(&mnt, "api/token", b"");
    write(&mnt, "api/config.yaml", b"stack_name: s\ncomponents: {}\n");
    symlink("..2025_01", mnt.join("db/..data")).unwrap();
    symlink("..data/password", mnt.join("db/password")).unwrap();
    symlink("/etc/passwd", mnt.join("db/out")).unwrap();
    symlink("/etc", mnt.join("outside")).unwrap();
    folder
}

#[test]
fn dir_inventory_follows_symlinks_only_inside_its_folder() {
    let folder = create_mounted_secrets();
    let found = findings(folder.path(), &[]);
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(rule, text)| (rule.as_str(), text.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("empty-value", "{{api.token}}"),
            ("unknown-key", "{{db.out}}"),
            ("unknown-secret", "{{outside.passwd}}"),
            ("unknown-key", "{{db...data}}"),
        ],
        "a file of a secret is not checked as a stack file"
    );
    write(folder.path(), "a.stack.yaml", b"a: '{{db.password}}'\n");
    let rendered = run(&["render", "--stdout"], folder.path(), b"");
    assert_eq!(
        rendered.stdout, "a: \"hunter2 \\n\\n\"\n",
        "the value has all its bytes: {}",
        rendered.stderr
    );
    let registered = run(
        &["N_DB__NEW=x", "register", "--from-env", "N"],
        folder.path(),
        b"",
    );
    assert_eq!(registered.code, 0, "no key is missing");
    write(folder.path(), "a.stack.yaml", b"a: '{{db.new}}'\n");
    let refused = run(
        &["N_DB__NEW=x", "register", "--from-env", "N"],
        folder.path(),
        b"",
    );
    assert!(
        refused.code == 2 && refused.stderr_text().contains("mounted by Kubernetes"),
        "{}",
        refused.stderr
    );
}

#[test]
fn variable_that_is_not_utf8_is_unusable_and_others_are_read() {
    let config = format!("{INCLUDE}[inventory.env]\nkind = \"env\"\nprefix = \"SR_\"\n");
    let stack = "a: '{{db.user}}'\nb: '{{db.password}}'\nc: '{{db.nope}}'\n";
    let folder = folder(&[("stackref.toml", &config), ("a.stack.yaml", stack)]);
    let run_program = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_stackref"));
        let command = command
            .args(words)
            .current_dir(folder.path())
            .env_clear()
            .env("SR_DB__PASSWORD", "hunter2");
        let output = command
            .env("SR_DB__USER", std::ffi::OsStr::from_bytes(b"\xff"))
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, stdout, _) = run_program(&["check", "--format", "short"]);
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!((code, lines.len()), (Some(1), 2), "{stdout}");
    assert!(
        lines[0].contains("unusable-value") && lines[0].contains("`db.user`"),
        "{stdout}"
    );
    assert!(
        lines[0].ends_with("is not UTF-8 text") && lines[1].contains("unknown-key"),
        "{stdout}"
    );
    write(folder.path(), "a.stack.yaml", b"b: '{{db.password}}'\n");
    assert_eq!(run_program(&["render", "--stdout"]).1, "b: 'hunter2'\n");
    write(
        folder.path(),
        "a.stack.yaml",
        b"# stackref: ignore[unusable-value]\na: '{{db.user}}'\n",
    );
    let (code, stdout, stderr) = run_program(&["render", "--stdout"]);
    assert!(
        code == Some(1) && stdout.is_empty() && stderr.contains("its value is not UTF-8 text"),
        "{stderr}"
    );
}

/// Returns the rule and the message of each line of `check --format short`.
fn short_findings(output: &Output) -> Vec<(&str, &str)> {
    let of_line = |line: &'_ str| -> Option<(usize, usize)> {
        Some((line.find('[')? + 1, line.find("]: ")?))
    };
    let lines = output
        .stdout
        .lines()
        .filter_map(|line| of_line(line).map(|(from, to)| (&line[from..to], &line[to + 3..])));
    lines.collect()
}

#[test]
fn key_that_is_not_a_regular_file_is_unusable() {
    let stack =
        "a: '{{db.k}}'\nb: '{{db.folder}}'\nc: '{{db.pipe}}'\nd: '{{db.huge}}'\ne: '{{db.odd}}'\n";
    let folder = project("kind = \"dir\"\npath = \"mnt\"\n", stack);
    let mnt = folder.path().join("mnt");
    write(&mnt, "db/k", b"x");
    write(&mnt, "db/folder/inner", b"x");
    write(&mnt, "db/odd", b"\xff");
    let pipe = std::process::Command::new("mkfifo")
        .arg(mnt.join("db/pipe"))
        .status()
        .unwrap();
    assert!(pipe.success());
    std::fs::File::create(mnt.join("db/huge"))
        .unwrap()
        .set_len((32 << 20) + 1)
        .unwrap();
    let output = check(folder.path(), &[]);
    assert_eq!(
        short_findings(&output),
        [
            (
                "unusable-value",
                "the value of `db.folder` in the inventory `x` is a folder, not a file"
            ),
            (
                "unusable-value",
                "the value of `db.pipe` in the inventory `x` is not a regular file"
            ),
            (
                "unusable-value",
                "the value of `db.huge` in the inventory `x` is larger than 32 MiB"
            ),
        ],
        "{}",
        output.stderr
    );
    let listed = run(&["inventory", "--format", "short"], folder.path(), b"");
    assert!(
        !listed.stdout.contains("folder") && !listed.stdout.contains("pipe"),
        "{}",
        listed.stdout
    );
    // `check` does not read the files, so only `render` finds a value that is not UTF-8.
    write(
        folder.path(),
        "a.stack.yaml",
        b"a: '{{db.k}}'\ne: '{{db.odd}}'\n",
    );
    let rendered = run(&["render", "--stdout"], folder.path(), b"");
    assert!(
        rendered.code == 1
            && rendered
                .stderr_text()
                .contains("cannot resolve `db.odd`: its value is not UTF-8"),
        "{}",
        rendered.stderr
    );
}

#[test]
fn dir_inventory_of_files_without_folders_is_an_error() {
    let folder = project(
        "kind = \"dir\"\npath = \"secrets\"\n",
        "a: '{{db.password}}'\n",
    );
    let mounted = folder.path().join("secrets");
    write(&mounted, "db", b"hunter2");
    for words in [
        &["check", "--format", "short"][..],
        &["inventory"],
        &["render", "--stdout"],
        &["inventory", "snapshot"],
    ] {
        let output = run(words, folder.path(), b"");
        let stderr = output.stderr_text();
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (2, ""),
            "{words:?}: {stderr}"
        );
        assert!(
            stderr.contains(
                "the inventory `x` (secrets) contains files, not folders: `db` would have no key"
            ),
            "{stderr}"
        );
        assert!(
            stderr.contains("mount `db` as `secrets/db/KEY`"),
            "{stderr}"
        );
    }
    // If there are folders too, a file is skipped with a warning. A hidden file is skipped without
    // one.
    write(&mounted, "api/token", b"x");
    write(&mounted, ".gitignore", b"*");
    write(
        folder.path(),
        "a.stack.yaml",
        b"a: '{{api.token}}'\nb: '{{db.password}}'\n",
    );
    let output = check(folder.path(), &[]);
    assert_eq!(
        short_findings(&output)
            .iter()
            .map(|found| found.0)
            .collect::<Vec<_>>(),
        ["unknown-secret"]
    );
    assert!(
        output
            .stderr_text()
            .contains("warning: the inventory `x` (secrets) skips `db`: "),
        "{}",
        output.stderr
    );
    std::fs::remove_file(mounted.join("db")).unwrap();
    assert!(!check(folder.path(), &[]).stderr.contains("skips"));
    std::fs::remove_dir_all(mounted.join("api")).unwrap();
    let output = check(folder.path(), &[]);
    assert_eq!(
        (output.code, output.stderr.contains("contains files")),
        (1, false),
        "an empty folder: {}",
        output.stderr
    );
}

/// Inventories that can be read only in part. The part contains the secret `intact`.
const BROKEN: [(&str, &str); 13] = [
    ("i.yaml", "intact: [k]\n---\nlate: [k]\n"),
    ("i.yaml", "intact: [k]\nintact: [other]\n"),
    ("i.yaml", "intact: {k: x, k: y}\n"),
    ("i.yaml", "intact: [k]\nlate: 5\n"),
    ("i.yaml", "intact: [k]\nlate:\n"),
    ("i.yaml", "intact: [k]\nlate: [[k]]\n"),
    ("i.yaml", "intact: [k]\nlate: {k: 0123}\n"),
    ("i.yaml", "intact: [k]\nold.dot: {late: {k: x}}\n"),
    ("i.yaml", "intact: [k]\n? [late]\n: [k]\n"),
    ("i.yaml", "- intact\n- late\n"),
    ("i.yaml", "intact: [k\n"),
    ("i.json", "{\"intact\": [\"k\"], \"late\": {\"k\": 5}}"),
    ("i.toml", "intact = [\"k\"]\nlate = 5\n"),
];

#[test]
fn unusable_inventory_reports_no_secret_as_unknown_or_unused() {
    let stack = "a: '{{late.k}}'\nb: '{{intact.nope}}'\nc: '{{intakt.k}}'\nd: '{{good.k}}'\n";
    for (name, text) in BROKEN {
        let table = format!("{INCLUDE}[inventory.bad]\nkind = \"file\"\npath = \"{name}\"\n");
        let good = "[inventory.good]\nkind = \"file\"\npath = \"good.yaml\"\n[[stacks]]\nfiles = [\"**\"]\n";
        for chain in [
            "",
            "inventory = [\"bad\", \"good\"]\n",
            "inventory = [\"good\", \"bad\"]\n",
        ] {
            let config = if chain.is_empty() {
                table.clone()
            } else {
                format!("{table}{good}{chain}")
            };
            let folder = folder(&[
                ("stackref.toml", &config),
                (name, text),
                ("good.yaml", "good: [k]\n"),
                ("a.stack.yaml", stack),
            ]);
            for more in [&[][..], &["--level", "secret-exists"]] {
                let output = check(folder.path(), more);
                assert_eq!(
                    (output.code, output.stdout.as_str()),
                    (2, ""),
                    "{text:?} {chain:?}: {}",
                    output.stderr
                );
            }
            let unused = run(
                &["inventory", "--unused", "--format", "short"],
                folder.path(),
                b"",
            );
            assert!(
                unused.code == 2 && !unused.stdout.contains("bad"),
                "{text:?} {chain:?}: {}",
                unused.stdout
            );
        }
    }
    let missing = project("kind = \"file\"\npath = \"gone.yaml\"\n", stack);
    let output = check(missing.path(), &[]);
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (2, ""),
        "{}",
        output.stderr
    );
}

#[test]
fn dir_inventory_stores_values_in_private_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = project(
        "kind = \"dir\"\npath = \"mnt\"\n",
        "a: '{{db.k}}'\nb: '{{new.k}}'\n",
    );
    write(&folder.path().join("mnt"), "db/old", b"x");
    let words = [
        "N_DB__K=hunter2a",
        "N_NEW__K=hunter2b",
        "register",
        "--from-env",
        "N",
    ];
    let output = run(&words, folder.path(), b"");
    assert_eq!(output.code, 0, "{}", output.stderr);
    let file = folder.path().join("mnt/new/k");
    assert_eq!(std::fs::read(&file).unwrap(), b"hunter2b");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(check(folder.path(), &[]).code, 0);
}

#[test]
fn dir_inventory_stores_a_secret_without_keys() {
    let stack = "stack_name: s\ncomponents:\n  artifact_store:\n    flavor: s3\n    name: s\n    configuration:\n      \
                 path: s3://b\n      authentication_secret: whole\n";
    let folder = project("kind = \"dir\"\npath = \"mnt\"\n", stack);
    std::fs::create_dir(folder.path().join("mnt")).unwrap();
    let stored = run(
        &["register", "--from-file", "-"],
        folder.path(),
        b"whole: {}\n",
    );
    assert_eq!(stored.code, 0, "{}", stored.stderr);
    assert!(folder.path().join("mnt/whole").is_dir());
    assert_eq!(check(folder.path(), &[]).code, 0);
}

#[test]
fn values_of_a_mounted_secret_belong_to_one_generation() {
    let folder = project(
        "kind = \"dir\"\npath = \"mnt\"\n",
        "a: '{{db.user}}'\nb: '{{db.password}}'\n",
    );
    let mnt = folder.path().join("mnt");
    for (generation, value) in [("..1", b"one"), ("..2", b"two")] {
        write(&mnt, &format!("db/{generation}/user"), value);
        write(&mnt, &format!("db/{generation}/password"), value);
    }
    symlink("..1", mnt.join("db/..data")).unwrap();
    for key in ["user", "password"] {
        symlink(Path::new("..data").join(key), mnt.join("db").join(key)).unwrap();
    }
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for at in 0.. {
                if done.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                // Each name occurs only once. Kubernetes includes the time in them.
                let generation = format!("..at-{at}");
                symlink(
                    if at % 2 == 0 { "..2" } else { "..1" },
                    mnt.join("db").join(&generation),
                )
                .unwrap();
                symlink(generation, mnt.join("db/..new")).unwrap();
                std::fs::rename(mnt.join("db/..new"), mnt.join("db/..data")).unwrap();
                std::thread::sleep(std::time::Duration::from_micros(300));
            }
        });
        let texts: Vec<Output> = (0..60)
            .map(|_| run(&["render", "--stdout"], folder.path(), b""))
            .collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        for output in texts {
            let is_mixed = output.stdout.contains("one") && output.stdout.contains("two");
            assert!(
                !is_mixed && (output.code == 0 || output.stderr.contains("keeps changing")),
                "{output:?}"
            );
        }
    });
}

#[test]
fn env_inventory_looks_up_the_names_in_references() {
    let stack = "a: '{{mysql_secret.password}}'\nb: '{{my-secret.Api-Key}}'\nc: '{{mysql_secret.nope}}'\nd: '{{nope.x}}'\n";
    let folder = project("kind = \"env\"\nprefix = \"SR_\"\n", stack);
    let variables = [
        "SR_MYSQL_SECRET__PASSWORD=hunter2",
        "SR_MY_SECRET__API_KEY=hunter3",
        "SR_OTHER=x",
        "XSR_NOPE__X=y",
    ];
    let output = run(
        &[&variables[..], &["check", "--format", "short"]].concat(),
        folder.path(),
        b"",
    );
    assert_eq!(output.stdout.lines().count(), 2, "{}", output.stdout);
    assert!(
        output.stdout.contains("unknown-key") && output.stdout.contains("unknown-secret"),
        "{}",
        output.stdout
    );
    write(
        folder.path(),
        "a.stack.yaml",
        b"a: '{{mysql_secret.password}}'\nb: '{{my-secret.Api-Key}}'\n",
    );
    let output = run(
        &[&variables[..], &["render", "--stdout"]].concat(),
        folder.path(),
        b"",
    );
    assert_eq!(
        output.stdout, "a: 'hunter2'\nb: 'hunter3'\n",
        "{}",
        output.stderr
    );
    let output = run(
        &[&variables[..], &["inventory", "--format", "short"]].concat(),
        folder.path(),
        b"",
    );
    assert_eq!(
        output.stdout,
        "x: my_secret.api_key\nx: mysql_secret.password\n"
    );
    write(folder.path(), "a.stack.yaml", b"a: '{{new.k}}'\n");
    let output = run(
        &["N_NEW__K=v", "register", "--from-env", "N"],
        folder.path(),
        b"",
    );
    assert!(
        output.code == 2 && output.stderr_text().contains("read-only"),
        "{}",
        output.stderr
    );
}

const ENCRYPTED: &str = "db:\n    user: ENC[AES256_GCM,data:fq5B,type:str]\n    password: ENC[AES256_GCM,data:2Yls,type:str]\n\
                         sops:\n    version: 3.11.0\n";

#[test]
fn sops_file_is_checked_without_keys_and_without_sops() {
    let folder = project(
        "kind = \"sops\"\npath = \"s.sops.yaml\"\n",
        "a: '{{db.user}}'\nb: '{{db.nope}}'\nc: '{{sops.version}}'\n",
    );
    write(folder.path(), "s.sops.yaml", ENCRYPTED.as_bytes());
    let output = check(folder.path(), &[]);
    assert_eq!(output.stdout.lines().count(), 2, "{}", output.stdout);
    assert!(
        output.stdout.contains("unknown-key") && output.stdout.contains("no secret `sops`"),
        "{}",
        output.stdout
    );
    write(folder.path(), "a.stack.yaml", b"a: '{{db.user}}'\n");
    let output = run(&["PATH=/nowhere", "render", "--stdout"], folder.path(), b"");
    assert!(
        output.code == 3 && output.stderr_text().contains("`sops` is not installed"),
        "{}",
        output.stderr
    );
    write(folder.path(), "s.sops.yaml", b"db:\n    user: hunter2\n");
    let output = check(folder.path(), &[]);
    assert!(
        output.code == 2
            && output
                .stderr_text()
                .contains("it is not encrypted with SOPS"),
        "{}",
        output.stderr
    );
}

#[test]
fn sops_file_shows_the_types_of_values_and_must_be_one_document() {
    let value = |name: &str| format!("ENC[AES256_GCM,data:aGk=,iv:aa=,tag:bb=,type:{name}]");
    let json = format!(
        "{{\"db\": {{\"a\": \"{}\", \"b\": \"{}\", \"c\": 5, \"d\": true, \"e\": null, \"f\": \"\", \"g\": [], \"h\": \"{}\"}}, \
         \"sops\": {{\"version\": \"3.11.0\"}}}}",
        value("str"),
        value("float"),
        value("bytes")
    );
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let stack = keys
        .map(|key| format!("{key}: '{{{{db.{key}}}}}'\n"))
        .concat();
    let folder = project("kind = \"sops\"\npath = \"s.json\"\n", &stack);
    write(folder.path(), "s.json", json.as_bytes());
    let output = check(folder.path(), &[]);
    let found: Vec<String> = short_findings(&output)
        .iter()
        .map(|(rule, text)| format!("{rule} {text}"))
        .collect();
    assert_eq!(
        found,
        [
            "unusable-value the value of `db.b` in the inventory `x` is a number, not a string",
            "unusable-value the value of `db.c` in the inventory `x` is a number, not a string",
            "unusable-value the value of `db.d` in the inventory `x` is a boolean, not a string",
            "unusable-value the value of `db.e` in the inventory `x` is null, not a string",
            "empty-value the value of `db.f` in the inventory `x` is empty",
            "unusable-value the value of `db.g` in the inventory `x` is a list, not a string",
        ]
    );
    let folder = project(
        "kind = \"sops\"\npath = \"s.sops.yaml\"\n",
        "a: '{{db.user}}'\nb: '{{late.k}}'\n",
    );
    for (text, words) in [
        (
            format!(
                "{ENCRYPTED}---\nlate:\n    k: {}\nsops:\n    version: 3.11.0\n",
                value("str")
            ),
            "a second one starts here",
        ),
        (
            format!("{ENCRYPTED}db:\n    k: {}\n", value("str")),
            "duplicate name or key",
        ),
    ] {
        write(folder.path(), "s.sops.yaml", text.as_bytes());
        let output = check(folder.path(), &[]);
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (2, ""),
            "{}",
            output.stderr
        );
        assert!(output.stderr_text().contains(words), "{}", output.stderr);
    }
}

/// A script replaces `sops` and prints the output of `sops --decrypt --output-type json`.
#[test]
fn sops_value_renders_only_if_check_accepts_it() {
    let folder = project(
        "kind = \"sops\"\npath = \"s.sops.yaml\"\n",
        "a: '{{db.user}}'\n",
    );
    let encrypted = "db:\n    user: ENC[AES256_GCM,data:fq5B,type:str]\n    at: ENC[AES256_GCM,data:2Yls,type:time]\n\
                     \x20   port: 5\nsops:\n    version: 3.11.0\n";
    write(folder.path(), "s.sops.yaml", encrypted.as_bytes());
    write(
        folder.path(),
        "bin/sops",
        b"#!/bin/sh\necho '{\"db\": {\"user\": \"hunter2\", \"at\": \"2020-01-01T00:00:00Z\", \"port\": 5}}'\n",
    );
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path().join("bin/sops"), mode).unwrap();
    let path = format!(
        "PATH={}:{}",
        folder.path().join("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let rendered = run(&[&path, "render", "--stdout"], folder.path(), b"");
    assert_eq!(rendered.stdout, "a: 'hunter2'\n", "{}", rendered.stderr);
    for (key, words) in [
        ("at", "its value is a timestamp"),
        ("port", "its value is a number"),
    ] {
        let stack = format!("# stackref: ignore[unusable-value]\na: '{{{{db.{key}}}}}'\n");
        write(folder.path(), "a.stack.yaml", stack.as_bytes());
        assert_eq!(check(folder.path(), &[]).code, 0);
        let rendered = run(&[&path, "render", "--stdout"], folder.path(), b"");
        assert!(
            rendered.code == 1 && rendered.stderr_text().contains(words),
            "{}",
            rendered.stderr
        );
        assert!(!rendered.stderr.contains("2020"), "{}", rendered.stderr);
    }
}

const PROGRAMS: &str = r#"kind = "command"
names = ["sh", "-c", "echo n >> calls; echo '[\"one\", {\"name\": \"projects/p/secrets/two\"}]'"]
keys = ["sh", "-c", "echo \"k $1\" >> calls; echo '[\"k\"]'", "-", "{secret}"]
value = ["sh", "-c", "echo \"v $1 $2\" >> calls; printf 'hunter2 %s' \"$1\"", "-", "{secret}", "{key}"]
put = ["sh", "-c", "printf '%s %s ' \"$1\" \"$2\" >> put; cat >> put", "-", "{secret}", "{key}"]
"#;

/// Returns the calls that the programs recorded, sorted, and deletes the record.
fn take_calls(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("calls")).unwrap_or_default();
    let _ = std::fs::remove_file(folder.join("calls"));
    let mut calls: Vec<String> = text.lines().map(str::to_owned).collect();
    calls.sort();
    calls
}

#[test]
fn each_level_runs_only_the_programs_that_it_needs() {
    let folder = project(PROGRAMS, "a: '{{one.k}}'\nb: '{{one.k}}'\nc: '{{two.k}}'\n");
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    let run_program = |words: &[&str]| run(&[&[path.as_str()], words].concat(), folder.path(), b"");
    assert_eq!(
        (
            run_program(&["check", "--level", "none"]).code,
            take_calls(folder.path()).len()
        ),
        (0, 0)
    );
    assert_eq!(
        (
            run_program(&["check", "--level", "secret-exists"]).code,
            take_calls(folder.path())
        ),
        (0, vec!["n".to_owned()])
    );
    assert_eq!(
        (
            run_program(&["check"]).code,
            take_calls(folder.path()).join(",")
        ),
        (0, "k one,k two,n".to_owned())
    );
    let rendered = run_program(&["render", "--stdout"]);
    assert_eq!(
        rendered.stdout, "a: 'hunter2 one'\nb: 'hunter2 one'\nc: 'hunter2 two'\n",
        "{}",
        rendered.stderr
    );
    assert_eq!(
        take_calls(folder.path()).join(","),
        "k one,k two,n,v one k,v two k"
    );
    write(
        folder.path(),
        "a.stack.yaml",
        b"a: \"{{one.new;touch$IFS'x'}}\"\n",
    );
    write(
        folder.path(),
        "given.json",
        br#"{"one": {"new;touch$IFS'x'": "hunter2\n"}}"#,
    );
    let stored = run_program(&["register", "--from-file", "given.json"]);
    assert_eq!(stored.code, 0, "{}", stored.stderr);
    assert_eq!(
        std::fs::read_to_string(folder.path().join("put")).unwrap(),
        "one new;touch$IFS'x' hunter2\n"
    );
    assert!(
        !folder.path().join("x").exists(),
        "a key was run as a command"
    );
}

#[test]
fn background_process_of_a_program_does_not_delay_the_run() {
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    let names = "kind = \"command\"\nnames = [\"sh\", \"-c\", \"sleep 3 & echo '[\\\"one\\\"]'\"]\ntimeout = 2\n";
    let folder = project(names, "a: '{{one.k}}'\n");
    let output = run(
        &[&path, "check", "--level", "secret-exists"],
        folder.path(),
        b"",
    );
    assert_eq!(output.code, 0, "{}", output.stderr);
}

#[test]
fn name_is_never_an_option_and_stored_value_is_never_printed() {
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    let put = "kind = \"command\"\nnames = [\"echo\", \"[]\"]\nput = [\"sh\", \"-c\", \"cat >&2; exit 1\", \"-\", \"{secret}\", \"{key}\"]\n";
    let folder = project(put, "a: '{{--help.k}}'\n");
    let output = run(
        &[&path, "N___HELP__K=hunter2", "register", "--from-env", "N"],
        folder.path(),
        b"",
    );
    assert!(
        output.code == 2 && output.stderr_text().contains("begins with `-`"),
        "{}",
        output.stderr
    );
    write(folder.path(), "a.stack.yaml", b"a: '{{db.k}}'\n");
    let output = run(
        &[&path, "N_DB__K=hunter2", "register", "--from-env", "N"],
        folder.path(),
        b"",
    );
    assert!(
        output.code == 3 && output.stderr_text().contains("exited with status 1"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
}

#[test]
fn key_that_sops_cannot_store_is_rejected_first() {
    let folder = project(
        "kind = \"sops\"\npath = \"s.sops.yaml\"\n",
        "a: '{{top.x}}'\n",
    );
    let encrypted = format!("top: ENC[AES256_GCM,data:Qg==,type:str]\n{ENCRYPTED}");
    write(folder.path(), "s.sops.yaml", encrypted.as_bytes());
    for (stack, words) in [
        ("a: '{{top.x}}'\n", "and its value would be lost"),
        ("a: '{{db.a[b}}'\n", "SOPS cannot store `a[b`"),
    ] {
        write(folder.path(), "a.stack.yaml", stack.as_bytes());
        write(
            folder.path(),
            "given.json",
            br#"{"top": {"x": "v"}, "db": {"a[b": "v"}}"#,
        );
        let output = run(
            &["register", "--from-file", "given.json"],
            folder.path(),
            b"",
        );
        assert!(
            output.code == 2 && output.stderr_text().contains(words),
            "{}",
            output.stderr
        );
        assert_eq!(
            std::fs::read_to_string(folder.path().join("s.sops.yaml")).unwrap(),
            encrypted
        );
    }
}

#[test]
fn failed_program_is_reported_without_its_output() {
    let path = format!("PATH={}", std::env::var("PATH").unwrap());
    for (program, words) in [
        (
            "names = [\"sh\", \"-c\", \"echo hunter2 >&2; exit 4\"]",
            "`sh` exited with status 4; its error output is not shown",
        ),
        (
            "names = [\"sh\", \"-c\", \"sleep 30\"]\ntimeout = 0.3",
            "did not exit within 0.3 s",
        ),
        ("names = [\"no-such-program\"]", "is not installed"),
        ("names = [\"echo\", \"<html>\"]", "not a JSON list of names"),
        ("names = [\"echo\", \"[1]\"]", "not a JSON list of names"),
        (
            "keys = [\"echo\", \"{secret}\"]",
            "configure a program for `names`",
        ),
        (
            "names = [\"echo\", \"[\\\"one\\\"]\"]",
            "configure a program for `keys`; `--level secret-exists`",
        ),
        (
            "names = [\"yes\", \"0123456789012345678901234567890123456789\"]",
            "more than 32 MiB",
        ),
    ] {
        let folder = project(
            &format!("kind = \"command\"\n{program}\n"),
            "a: '{{one.k}}'\n",
        );
        let output = run(&[&path, "check"], folder.path(), b"");
        let stderr = output.stderr_text();
        assert!(
            output.code == 3 && stderr.contains(words),
            "{program}: {} {stderr}",
            output.code
        );
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
}

#[test]
fn invalid_inventory_table_is_reported() {
    for (table, words) in [
        (
            "kind = \"zenml\"\nurl = \"https://u:hunter2@h\"",
            "a user name or a password",
        ),
        (
            "kind = \"zenml\"\nurl = \"https://h\"\ntoken = \"hunter2\"",
            "set ZENML_STORE_API_KEY",
        ),
        (
            "kind = \"vault\"\nmount = \"kv\"\npassword = \"hunter2\"",
            "set VAULT_TOKEN",
        ),
        (
            "kind = \"aws\"\nsecret_access_key = \"hunter2\"",
            "the credentials of the AWS SDK",
        ),
        ("kind = \"zenml\"", "has no `url`"),
        (
            "kind = \"zenml\"\nurl = \"ftp://h\"",
            "must start with https://",
        ),
        (
            "kind = \"zenml\"\nurl = \"http://127.0.0.1:99999\"",
            "an invalid port",
        ),
        ("kind = \"zenml\"\nurl = \"http://[::1\"", "no valid host"),
        (
            "kind = \"vault\"\nmount = \"/\"",
            "not a valid path in a store",
        ),
        (
            "kind = \"vault\"\nmount = \"../sys\"",
            "not a valid path in a store",
        ),
        ("kind = \"command\"", "`command` inventory has no program"),
        (
            "kind = \"command\"\nvalue = [\"x\", \"hunter2\", \"--password=hunter2{secret}\"]",
            "must be separate arguments",
        ),
        (
            "kind = \"command\"\nkeys = [\"x\", \"hunter2\"]",
            "has no `{secret}`",
        ),
        (
            "kind = \"command\"\nnames = \"x hunter2\"",
            "a program and its arguments",
        ),
        (
            "kind = \"env\"\nprefix = \"x\"\ntimeout = \"soon\"",
            "a number of seconds",
        ),
        (
            "kind = \"dir\"\npath = \"x\"\nurl = \"y\"",
            "unknown key `url`",
        ),
    ] {
        let folder = project(table, "a: '{{a.b}}'\n");
        let output = check(folder.path(), &[]);
        assert!(
            output.code == 2 && output.stderr_text().contains(words),
            "{table}: {}",
            output.stderr
        );
        assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
    }
}

#[test]
fn probe_reports_the_permissions_of_each_inventory() {
    let folder = folder(&[
        (
            "stackref.toml",
            "[inventory.file]\nkind = \"file\"\npath = \"f.yaml\"\n[inventory.names]\nkind = \"file\"\npath = \"n.yaml\"\n[inventory.ci]\nkind = \"env\"\nprefix = \"SR_\"\n[inventory.gone]\nkind = \"dir\"\npath = \"gone\"\n",
        ),
        ("f.yaml", "db: {k: hunter2}\n"),
        ("n.yaml", "db: [k]\n"),
    ]);
    let output = run(
        &["SR_DB__K=hunter2", "inventory", "--probe"],
        folder.path(),
        b"",
    );
    assert_eq!(output.code, 2, "one inventory is not usable");
    let table: Vec<&str> = output.stdout.lines().take(5).collect();
    assert_eq!(
        table,
        [
            "INVENTORY  LIST  KEYS  VALUES  WRITE",
            "file       yes   yes   yes     yes",
            "names      yes   yes   no      yes",
            "ci         yes   yes   yes     no",
            "gone       no    ?     ?       no",
        ],
        "{}",
        output.stdout
    );
    assert!(!output.stdout.contains("hunter2"));
}
