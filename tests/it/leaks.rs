//! Secret values in positions that a diagnostic may print: they are not printed to either stream,
//! in any format.

use crate::support::{check, folder, run};

const CANARY: &str = "hunter2";

fn assert_not_printed(files: &[(&str, &str)]) {
    let folder = folder(files);
    for format in [
        "human", "short", "json", "sarif", "github", "gitlab", "junit",
    ] {
        let output = check(folder.path(), &["--format", format]);
        let shown = format!("{}{}", output.stdout, output.stderr);
        assert!(!shown.contains(CANARY), "{files:?} in {format}:\n{shown}");
    }
}

#[test]
fn syntax_errors_print_no_value() {
    for text in [
        "password = hunter2",
        "password = [hunter2]",
        "password = {a=hunter2}",
        "db.password = hunter2",
        "x = { password = hunter2 }",
        "password = \u{201c}hunter2\u{201d}",
        "password = 1hunter2",
        "password == \"hunter2\"",
        "token = \"hunter2",
        "tracking_password = 0hunter2",
        "tracking_password = 1979-hunter2",
        "tracking_password.hunter2 = {{",
    ] {
        assert_not_printed(&[("a.stack.toml", text)]);
    }
    for text in [
        "password: \"hunter2",
        "password: 'it's hunter2'",
        "password: \"\\hunter2\"",
        "password: hunter2: x",
        "\tpassword: hunter2",
        "password: *hunter2",
        "password: %hunter2",
        "password: @hunter2",
        "key: |\n  hunter2\n b: c\n d",
        "x: {password: hunter2, y: 'z",
        "{tracking_password:\n  hunter2, a: b}}",
        "tracking_password: \"abc\n  note: hunter2\" x",
        "tracking_password: \"a\n  # hunter2\" x",
        "tracking_password: |\n  a\n x: hunter2\n y",
        "tracking_password: -----BEGIN KEY-----\n  Proc-Type: 4,hunter2",
        "tracking_password:hunter2 # see: wiki",
        "tracking_password:hunter2: x: y",
        "tracking_password:\n  [ \"hunter2\", a: b: c",
        "tracking_password: \"abc\"hunter2",
        "{{q}: z, tracking_password: hunter2}",
        "e: {{flavor: mlflow}: 1, tracking_password: hunter2}",
        "tracking_password: {{a.b}: hunter2}",
        "tracking_password: {{a.b}, hunter2}",
        "tracking_password: {hunter2: 1, hunter2: 2}",
        "tracking_password: {\"hunter2 {{a.b}}\": 1}",
        "tracking_username: \"{{a.b\"  # old password: hunter2",
        "tracking_uri: mysql://root:hunter2@{{a.b}}",
        "{DB_PASSWORD: hunter2, x: '{{bad}}'}",
        "x: {password:hunter2, y: \"{{bad}}\"}",
        "x: ['--password=hunter2 {{a.b}}', '{{bad}}']",
    ] {
        assert_not_printed(&[("a.stack.yaml", text)]);
    }
    for text in [
        "{\"password\":\n    \"hunter2\" \"x\": 1}",
        "{\"password\":[\n\"a\",\n\"hunter2\" \"x\": 1",
        "{\"password\": \"hunter2",
        "{\"password\": 'hunter2'}",
        "{\"password\": \"\\hunter2\"}",
        "{\"token\": hunter2}",
        "[hunter2]",
    ] {
        assert_not_printed(&[("a.stack.json", text)]);
    }
}

#[test]
fn inventory_errors_print_no_value() {
    let stack = ("a.stack.yaml", "a: \"{{x.k}}\"\nstack_name: s\n");
    for text in [
        "x:\n  k: 'hunter2\n",
        "x: {k:hunter2}",
        "x: {hunter2}",
        "x:\n  password= hunter2: 1",
        "x:\n  k: 0x1F # hunter2\n",
        "x: hunter2",
        "x:\n  k: [hunter2]\n",
        "x:\n  k: {hunter2: y}\n",
        "x:\n  k: *hunter2\n",
        "x:\n\tk: hunter2\n",
        "- hunter2\n",
        "hunter2\n",
        "x: {k: a}\n---\nhunter2: y\n",
        "x: &a {k: y}\ny: {k: *b hunter2}",
        "x:\n  k: a\n  k: hunter2\n",
        "x:\n  zenml_schema_name: y\n  k: hunter2!\n",
    ] {
        assert_not_printed(&[stack, ("secrets.inventory.yaml", text)]);
    }
    for text in [
        "[x]\nk = hunter2",
        "x=[\"a\", hunter2]",
        "[x]\nk = \"hunter2",
        "[x]\nk = ['hunter2', 1]",
        "hunter2",
        "x = 'hunter2'",
    ] {
        assert_not_printed(&[stack, ("secrets.inventory.toml", text)]);
    }
    for text in [
        "{\"x\": {\"k\": \"hunter2}",
        "{\"x\": {\"k\": hunter2}}",
        "{\"x\": {\"k\": [\"hunter2\"]}}",
        "[\"hunter2\"]",
        "\"hunter2\"",
    ] {
        assert_not_printed(&[stack, ("secrets.inventory.json", text)]);
    }
}

/// Without a colon after the key, YAML reads the value as a part of the key.
#[test]
fn from_file_prints_no_value_in_the_position_of_a_key() {
    for text in [
        "x:\n  k= hunter2: ''\n",
        "x:\n  'k hunter2': y\n",
        "x hunter2:\n  k: y\n",
        "'x.y= hunter2':\n  k: y\n",
    ] {
        let folder = folder(&[
            ("a.stack.yaml", "a: \"{{x.k}}\"\nstack_name: s\n"),
            ("secrets.inventory.yaml", ""),
            ("given.yaml", text),
        ]);
        let output = run(
            &["register", "--from-file", "given.yaml"],
            folder.path(),
            b"",
        );
        assert_eq!(output.code, 2, "{}", output.stderr);
        assert!(
            !format!("{}{}", output.stdout, output.stderr).contains(CANARY),
            "{}",
            output.stderr
        );
    }
}

#[test]
fn config_errors_print_no_value() {
    for text in [
        "token = \"hunter2\"",
        "[inventory.x]\nkind = \"file\"\npath = \"x.yaml\"\npassword = 'hunter2'",
        "token = hunter2",
        "api_key = \"hunter2",
        "[inventory.x]\nurl = \"https://u:hunter2@h\"\nkind = \"file\"\npath = \"x\"",
    ] {
        assert_not_printed(&[("stackref.toml", text)]);
    }
}

#[test]
fn text_around_a_reference_in_a_sensitive_attribute_is_redacted() {
    for value in [
        "mysql://root:hunter2@{{a.b}}",
        "{{a.b}}hunter2",
        "hun{{hunter2",
        "{{ hunter2",
        "{{a.b}}:hunter2@{{c.d}}",
        "x{{y.hunter2 z",
        "{{a.b hunter2}",
        "x{{hunter2}} z",
        "x{{hunter2} z",
        "hunter2 {a.b}}",
    ] {
        let stack = format!(
            "stack_name: s\ncomponents:\n  experiment_tracker:\n    flavor: mlflow\n    name: m\n    configuration: {{tracking_password: '{value}', x: '{{{{bad}}}}'}}\n"
        );
        assert_not_printed(&[("a.yaml", &stack), ("secrets.inventory.yaml", "a: [b]\n")]);
    }
}

const FORMATS: [&str; 7] = [
    "human", "short", "json", "sarif", "github", "gitlab", "junit",
];

const STACK: &str = "components:\n  experiment_tracker:\n    flavor: mlflow\n    name: t\n    tracking_username: \
                     'S3cretV4lue#77@{{ a.b }}'\n    run: {x: \"S3cretV4lue#77\", y: \"{{a.b}}\"}\n    z: '{{S3cretV4lue#77.k}}'\n    u: {{ \
                     a.b }} # S3cretV4lue#77\nstack_name: s\nzenml_version: 0.98.0\n";

/// `--leaks` redacts the values that it finds in all output: also outside sensitive attributes, in
/// excerpts of other rules, in names and in diffs.
#[test]
fn leaked_value_is_redacted_in_all_output() {
    let folder = folder(&[
        ("s.yaml", STACK),
        ("secrets.inventory.yaml", "a: {b: 'S3cretV4lue#77'}\n"),
    ]);
    for format in FORMATS {
        let output = check(folder.path(), &["--leaks", "--format", format]);
        assert_eq!(output.code, 1, "{}", output.stderr);
        assert!(output.stdout.contains("leaked-value"), "{}", output.stdout);
        assert!(
            !format!("{}{}", output.stdout, output.stderr).contains("S3cret"),
            "{format}: {}",
            output.stdout
        );
    }
    let output = check(folder.path(), &["--leaks", "--fix", "--diff"]);
    assert!(
        output.stdout.contains("+    u: \"{{ a.b }}\" # ***"),
        "{}",
        output.stdout
    );
    assert!(
        !format!("{}{}", output.stdout, output.stderr).contains("S3cret"),
        "{}{}",
        output.stdout,
        output.stderr
    );
}

#[test]
fn inventory_named_by_any_path_is_not_a_leak_of_itself() {
    let folder = folder(&[
        ("held/dev.yaml", "a: {b: 'S3cretV4lue#77'}\n"),
        ("s.yaml", "x: 1\n"),
    ]);
    std::os::unix::fs::symlink("held/dev.yaml", folder.path().join("dev.yaml")).unwrap();
    for path in ["held/dev.yaml", "held/../held/dev.yaml", "dev.yaml"] {
        let output = check(
            folder.path(),
            &["--leaks", "--inventory", path, "--format", "short"],
        );
        assert!(
            output.code == 0 && !output.stdout.contains("leaked-value"),
            "{path}: {}{}",
            output.stdout,
            output.stderr
        );
    }
}

/// Long and repetitive values do not slow down the search, and overlapping values are all reported.
/// A byte that is not UTF-8 does not match a `?` in a value.
#[test]
fn long_repetitive_and_overlapping_values_are_reported() {
    let long = "Zq9".repeat(100_000);
    let inventory = format!(
        "a:\n  long: '{long}!'\n  left: 'abcdefgh1234'\n  right: '1234wxyzqrst'\n  odd: 'abc?defgh'\n"
    );
    let text = format!(
        "x {long}!\n{long}\nabcdefgh1234wxyzqrst\n{}\n",
        "abcdefgh1234 ".repeat(150)
    );
    let folder = folder(&[("secrets.inventory.yaml", &inventory), ("notes.txt", &text)]);
    std::fs::write(
        folder.path().join("latin1.txt"),
        b"abc\xffdefgh abcdefgh1234",
    )
    .unwrap();
    let output = check(folder.path(), &["--leaks", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let count = |path: &str, key: &str| {
        findings
            .iter()
            .filter(|f| f["path"] == path && f["key"] == key)
            .count()
    };
    assert_eq!(
        [
            count("notes.txt", "long"),
            count("notes.txt", "left"),
            count("notes.txt", "right")
        ],
        [1, 151, 1],
        "{}",
        output.stderr
    );
    assert_eq!(
        [count("latin1.txt", "odd"), count("latin1.txt", "left")],
        [0, 1]
    );
}

/// No part of a value is printed if the reference parser splits the value, if a quote in it is
/// escaped, or if it occurs in a name or an ignore comment.
#[test]
fn parts_of_a_value_are_not_printed() {
    let inventory = "a:\n  b: S3cretV4lue.K3y77x99\n  c: \"S3cret'V4lue77\"\n";
    let stack = "components:\n  experiment_tracker:\n    flavor: mlflow\n    name: S3cretV4lue.K3y77x99\n    x: \
                 '{{S3cretV4lue.K3y77x99}}'\n    y: ['S3cret''V4lue77', '{{a.b}}'] # stackref: ignore[unknown-key, \
                 S3cretV4lue.K3y77x99]\nstack_name: s\nzenml_version: 0.98.0\n";
    let folder = folder(&[("s.yaml", stack), ("secrets.inventory.yaml", inventory)]);
    for format in FORMATS {
        let output = check(folder.path(), &["--leaks", "--format", format]);
        let shown = format!("{}{}", output.stdout, output.stderr);
        assert!(
            !shown.contains("S3cret") && !shown.contains("K3y77"),
            "{format}: {shown}"
        );
    }
}

/// Only comments of commands are ignore comments in a script, and `--fix` does not remove them.
#[test]
fn ignore_comment_in_a_string_of_a_script_is_kept() {
    let script = "echo \"use # stackref: ignore[unknown-key]\"\nzenml stack list\n";
    let config = "[files]\nscripts = [\"*.sh\"]\n";
    let folder = folder(&[
        ("x.sh", script),
        ("stackref.toml", config),
        ("secrets.inventory.yaml", "a: [b]\n"),
    ]);
    let output = check(folder.path(), &["--fix", "--format", "short"]);
    assert!(
        !output.stdout.contains("unused-ignore"),
        "{}",
        output.stdout
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("x.sh")).unwrap(),
        script
    );
}

/// A report does not replace a file that the run reads, and no file is written twice.
#[test]
fn report_does_not_overwrite_a_file_that_is_read_or_written() {
    let stack = "stack_name: s\ncomponents: {}\n";
    let folder = folder(&[
        ("s.yaml", stack),
        ("list", "s.yaml\n"),
        ("secrets.inventory.yaml", "a: [b]\n"),
    ]);
    std::os::unix::fs::symlink("target", folder.path().join("one")).unwrap();
    std::os::unix::fs::symlink("target", folder.path().join("two")).unwrap();
    std::fs::write(folder.path().join("target"), "").unwrap();
    for args in [
        &["--format", "json", "-o", "s.yaml"][..],
        &["--files-from", "list", "--format", "json", "-o", "s.yaml"],
        &["--files-from", "list", "--format", "json", "-o", "list"],
        &[
            "--write-baseline",
            "b.json",
            "--format",
            "json",
            "-o",
            "b.json",
        ],
        &[
            "--format", "json", "-o", "one", "--format", "sarif", "-o", "two",
        ],
    ] {
        let output = check(folder.path(), args);
        assert_eq!(output.code, 2, "{args:?}: {}", output.stderr);
    }
    assert_eq!(
        std::fs::read_to_string(folder.path().join("s.yaml")).unwrap(),
        stack
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("list")).unwrap(),
        "s.yaml\n"
    );
}

#[test]
fn invalid_arguments_are_reported_in_machine_formats() {
    let folder = folder(&[("s.yaml", "x: 1\n")]);
    let bogus = |format: &str| check(folder.path(), &["--format", format, "--bogus"]);
    assert!(
        bogus("sarif")
            .stdout
            .contains("\"executionSuccessful\": false")
    );
    assert!(bogus("junit").stdout.contains("<error message="));
    assert!(
        bogus("github")
            .stdout
            .starts_with("::error title=stackref::unexpected argument")
    );
    let output = run(
        &["--color", "never", "check", "--format", "gitlab", "--bogus"],
        folder.path(),
        b"",
    );
    assert!(
        output.stdout.contains("\"severity\": \"blocker\""),
        "{}",
        output.stdout
    );
}

/// Splits a text into lines of a width, and adds an indentation and a line break to them.
fn split_lines(text: &str, width: usize, indentation: &str, end: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let lines = letters
        .chunks(width)
        .map(|line| format!("{indentation}{}", line.iter().collect::<String>()));
    lines.collect::<Vec<_>>().join(end)
}

/// Returns pseudo-random characters of base64.
fn random_base64(mut seed: u64, len: usize) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut letter = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(letters[(seed >> 58) as usize])
    };
    (0..len).map(|_| letter()).collect()
}

#[test]
fn keys_and_base64_are_found_with_any_line_breaks() {
    let body = format!("MIIEpAIBAAKCAQEA{}nrt\u{3d}", random_base64(1, 1_500));
    let pem = |body: &str, end: &str| {
        format!("-----BEGIN RSA PRIVATE KEY-----{end}{body}{end}-----END RSA PRIVATE KEY-----")
    };
    let key = pem(&split_lines(&body, 64, "", "\n"), "\n");
    let token = random_base64(2, 300);
    let encoded = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(&key)
    };
    let around = |text: &str, before: &str, after: &str| {
        text.lines()
            .flat_map(|line| [before, line, after])
            .map(str::to_owned)
            .collect::<String>()
    };
    let indented = |text: &str, by: &str| around(text, by, "\n");
    let inventory = format!(
        "tls:\n  key: |\n{}  token: {token}\n",
        indented(&key, "    ")
    );
    let one_line = pem(&body, "");
    let json = serde_json::to_string(&key).unwrap();
    let cases = [
        (
            "a block scalar",
            "key",
            format!("data:\n    x:\n      key: |\n{}", indented(&key, "      ")),
        ),
        ("tabs", "key", indented(&key, "\t\t")),
        ("json", "key", format!("{{\"key\": {json}}}")),
        ("json in json", "key", serde_json::to_string(&json).unwrap()),
        (
            "json with CRLF",
            "key",
            format!("{{\"key\": {}}}", json.replace("\\n", "\\r\\n")),
        ),
        (
            "another width",
            "key",
            pem(&split_lines(&body, 76, "", "\n"), "\n"),
        ),
        (
            "another width, indented",
            "key",
            format!("  {}", pem(&split_lines(&body, 48, "  ", "\n"), "\n  ")),
        ),
        ("CRLF", "key", key.replace('\n', "\r\n")),
        (
            "CRLF, indented",
            "key",
            indented(&key, "    ").replace('\n', "\r\n"),
        ),
        ("one line", "key", one_line),
        ("one line with blanks", "key", key.replace('\n', " ")),
        (
            "without the armor",
            "key",
            split_lines(&body, 70, "  ", "\n"),
        ),
        ("strings in rows", "key", around(&key, "  \"", "\\n\"\n")),
        ("continued lines", "key", key.replace('\n', "\\n\\\n")),
        ("base64 at 76", "key", split_lines(&encoded, 76, "", "\n")),
        (
            "base64 at 64, indented",
            "key",
            format!("data:\n  k: |\n{}", split_lines(&encoded, 64, "    ", "\n")),
        ),
        (
            "base64 with CRLF",
            "key",
            split_lines(&encoded, 76, "\t", "\r\n"),
        ),
        (
            "base64 in json",
            "key",
            format!("\"{}\"", split_lines(&encoded, 76, "", "\\n")),
        ),
        (
            "a token at 64",
            "token",
            split_lines(&token, 64, "      ", "\n"),
        ),
        ("a token at 20", "token", split_lines(&token, 20, "", "\n")),
        (
            "a token in json",
            "token",
            format!("\"{}\"", split_lines(&token, 76, "", "\\r\\n")),
        ),
    ];
    for (layout, key, text) in &cases {
        let text = format!("# before\n{text}\n# after\n");
        let folder = folder(&[("notes.txt", &text), ("secrets.inventory.yaml", &inventory)]);
        let output = check(folder.path(), &["--leaks", "--format", "json"]);
        let report: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let findings: Vec<_> = findings
            .iter()
            .filter(|finding| finding["rule"] == "leaked-value")
            .collect();
        assert_eq!(
            (findings.len(), output.code),
            (1, 1),
            "{layout}: {output:?}"
        );
        assert_eq!(findings[0]["key"], *key, "{layout}");
        let span = &findings[0]["span"];
        let offset = |name: &str| usize::try_from(span[name].as_u64().unwrap()).unwrap();
        let found = &text[offset("offset")..offset("offset") + offset("length")];
        assert!(
            !found.contains("before") && !found.contains("after") && found.len() > 250,
            "{layout}: {found}"
        );
        for format in ["human", "short", "sarif"] {
            let output = check(folder.path(), &["--leaks", "--format", format]);
            let shown = format!("{}{}", output.stdout, output.stderr);
            for secret in [
                &body[20..36],
                &token[20..36],
                &encoded[80..96],
                &body[400..412],
            ] {
                assert!(!shown.contains(secret), "{layout} in {format}: {shown}");
            }
        }
    }
}

#[test]
fn words_separated_by_spaces_are_not_a_value() {
    let folder = folder(&[
        (
            "secrets.inventory.yaml",
            "a: {b: thelongestpassphraseofthem, c: dGhpcyBpcyBub3QgaXQ}\n",
        ),
        (
            "notes.txt",
            "the longest passphrase of them\nthe public key:\n-----BEGIN PUBLIC KEY-----\n",
        ),
    ]);
    let output = check(folder.path(), &["--leaks"]);
    assert_eq!(output.code, 0, "{output:?}");
}

/// For example, the tokens of one service begin with the same header.
#[test]
fn values_with_a_common_prefix_are_distinguished() {
    let prefix = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";
    let values: Vec<String> = (0..3_000)
        .map(|at| format!("{prefix}{}", random_base64(at, 60)))
        .collect();
    let entries = values
        .iter()
        .enumerate()
        .map(|(at, value)| format!("s{at}: {{k: '{value}'}}"));
    let inventory = entries.collect::<Vec<_>>().join("\n");
    let others = (5_000..8_000)
        .map(|at| format!("{prefix}{}", random_base64(at, 60)))
        .collect::<Vec<_>>()
        .join("\n");
    let found = [7, 1_500, 2_999];
    let text = found.map(|at| format!("token: {}", values[at])).join("\n");
    let folder = folder(&[
        ("secrets.inventory.yaml", &inventory),
        ("notes.txt", &text),
        ("others.txt", &others),
    ]);
    let output = check(folder.path(), &["--leaks", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let leaked = findings.filter(|finding| finding["rule"] == "leaked-value");
    let secrets: Vec<&str> = leaked
        .map(|finding| finding["secret"].as_str().unwrap())
        .collect();
    assert_eq!(secrets, ["s7", "s1500", "s2999"], "{}", output.stderr);
}
