//! Values in places where a diagnostic may want to show its line: none comes out, on either stream, in any format.

use crate::support::{check, folder};

const CANARY: &str = "hunter2";

fn assert_hidden(files: &[(&str, &str)]) {
    let folder = folder(files);
    for format in ["human", "short", "json", "sarif", "github", "gitlab", "junit"] {
        let output = check(folder.path(), &["--format", format]);
        let shown = format!("{}{}", output.stdout, output.stderr);
        assert!(!shown.contains(CANARY), "{files:?} in {format}:\n{shown}");
    }
}

#[test]
fn a_stack_file_that_does_not_parse_shows_no_value() {
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
        assert_hidden(&[("a.stack.toml", text)]);
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
        assert_hidden(&[("a.stack.yaml", text)]);
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
        assert_hidden(&[("a.stack.json", text)]);
    }
}

#[test]
fn an_inventory_shows_names_and_places_only() {
    let stack = ("a.stack.yaml", "a: \"{{x.k}}\"\n");
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
        assert_hidden(&[stack, ("secrets.inventory.yaml", text)]);
    }
    for text in [
        "[x]\nk = hunter2",
        "x=[\"a\", hunter2]",
        "[x]\nk = \"hunter2",
        "[x]\nk = ['hunter2', 1]",
        "hunter2",
        "x = 'hunter2'",
    ] {
        assert_hidden(&[stack, ("secrets.inventory.toml", text)]);
    }
    for text in [
        "{\"x\": {\"k\": \"hunter2}",
        "{\"x\": {\"k\": hunter2}}",
        "{\"x\": {\"k\": [\"hunter2\"]}}",
        "[\"hunter2\"]",
        "\"hunter2\"",
    ] {
        assert_hidden(&[stack, ("secrets.inventory.json", text)]);
    }
}

#[test]
fn a_config_shows_no_value_that_should_not_be_there() {
    for text in [
        "token = \"hunter2\"",
        "[inventory.x]\nkind = \"file\"\npath = \"x.yaml\"\npassword = 'hunter2'",
        "token = hunter2",
        "api_key = \"hunter2",
        "[inventory.x]\nurl = \"https://u:hunter2@h\"\nkind = \"file\"\npath = \"x\"",
    ] {
        assert_hidden(&[("stackref.toml", text)]);
    }
}

#[test]
fn text_beside_a_reference_in_a_sensitive_attribute_is_masked() {
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
        assert_hidden(&[("a.yaml", &stack), ("secrets.inventory.yaml", "a: [b]\n")]);
    }
}
