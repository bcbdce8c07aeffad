//! Tests that the book names everything that a user can set or read: keys of the config, kinds of
//! inventories, sources, output formats, exit codes, environment variables and fields of JSON.
//!
//! `command_line_page.rs`, `rules_page.rs` and `messages_page.rs` test the same for options, rules
//! and messages.

use crate::messages_page::{code, literals};
use crate::pages::{book_pages, read};
use crate::support::{copy, files_below, project, run};
use clap::ValueEnum as _;
use serde_json::Value;
use stackref::cli::help_text;
use stackref::diagnostics::outcome::Outcome;
use stackref::output::Format;
use stackref::output::schemas::{SchemaKind, schema};
use stackref::text::source_kind::SourceKind;
use std::collections::BTreeSet;
use tempfile::TempDir;

/// Returns a page of the book.
fn page(name: &str) -> String {
    read(&project().join("docs/src").join(name))
}

/// Returns the section of a page with a heading.
fn section(name: &str, heading: &str) -> String {
    let page = page(name);
    let (_, rest) = page
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("{name} has no section {heading}"));
    rest.split("\n## ").next().unwrap().to_owned()
}

/// Returns the names that a text does not contain as code.
fn missing<'n>(names: impl IntoIterator<Item = &'n str>, text: &str) -> Vec<&'n str> {
    let is_missing = |name: &&str| !text.contains(&format!("`{name}`"));
    names.into_iter().filter(is_missing).collect()
}

/// Adds the names of all properties of a schema.
fn add_properties(schema: &Value, names: &mut BTreeSet<String>) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Object(properties)) = object.get("properties") {
                names.extend(properties.keys().cloned());
            }
            for value in object.values() {
                add_properties(value, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| add_properties(item, names)),
        _ => {}
    }
}

/// Adds the names of all fields of a JSON document.
fn add_fields(document: &Value, names: &mut BTreeSet<String>) {
    match document {
        Value::Object(object) => {
            for (name, value) in object {
                names.insert(name.clone());
                add_fields(value, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| add_fields(item, names)),
        _ => {}
    }
}

/// Returns the schema that the `$ref` of a schema points to, or the schema itself.
fn resolved<'s>(root: &'s Value, node: &'s Value) -> &'s Value {
    match node.get("$ref").and_then(Value::as_str) {
        Some(target) => root.pointer(target.strip_prefix('#').unwrap()).unwrap(),
        None => node,
    }
}

#[test]
fn the_page_of_the_config_names_every_key() {
    let root = &schema(SchemaKind::Config);
    let top: Vec<&str> = root["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for table in top {
        let node = resolved(root, &root["properties"][table]);
        let is_table = ["properties", "additionalProperties", "items"]
            .iter()
            .any(|keyword| node.get(keyword).is_some());
        if !is_table {
            assert_eq!(
                missing([table], &section("configuration.md", "At the top")),
                [""; 0]
            );
            continue;
        }
        let text = section("configuration.md", table);
        if table == "rules" {
            continue; // `rules_page.rs` tests the names of rules.
        }
        let mut keys = BTreeSet::new();
        let inner = ["additionalProperties", "items"]
            .iter()
            .find_map(|keyword| node.get(keyword).filter(|inner| inner.is_object()));
        let inner = resolved(root, inner.unwrap_or(node));
        add_properties(inner, &mut keys);
        assert_eq!(
            missing(keys.iter().map(String::as_str), &text),
            [""; 0],
            "[{table}]"
        );
    }
}

#[test]
fn each_kind_of_inventory_has_a_page_with_its_keys() {
    let root = &schema(SchemaKind::Config);
    let inventory = resolved(
        root,
        &root["properties"]["inventory"]["additionalProperties"],
    );
    let mut kinds = 0;
    for kind in inventory["oneOf"].as_array().unwrap() {
        let name = kind["properties"]["kind"]["const"].as_str().unwrap();
        let page = page(&format!("inventories/{name}.md"));
        let limits = section("inventories.md", "Time limits");
        for key in kind["properties"].as_object().unwrap().keys() {
            let is_in_example =
                page.contains(&format!("\n{key} = ")) || page.contains(&format!("\n# {key} = "));
            let is_named =
                page.contains(&format!("`{key}`")) || limits.contains(&format!("`{key}`"));
            assert!(is_in_example || is_named, "{name}: {key}");
        }
        kinds += 1;
    }
    assert!(kinds > 8, "{kinds}");
}

#[test]
fn sources_formats_and_exit_codes_are_named() {
    let sources = SourceKind::ALL.map(SourceKind::name);
    assert_eq!(
        missing(sources, &section("sources.md", "The sources")),
        [""; 0]
    );
    let report = page("report.md");
    for format in Format::value_variants() {
        let value = format.to_possible_value().unwrap();
        assert!(
            report.contains(&format!("| `{}`", value.get_name())),
            "{value:?}"
        );
    }
    let troubleshooting = page("troubleshooting.md");
    let codes = [Outcome::Usage, Outcome::Unanswered, Outcome::Interrupted].map(Outcome::code);
    for code in codes.into_iter().chain([0, 1]) {
        let named = [
            format!("| {code} |"),
            format!("code {code}"),
            format!("over {code}"),
        ];
        assert!(
            named.iter().any(|text| troubleshooting.contains(text)),
            "{code}"
        );
    }
}

#[test]
fn the_book_names_every_field_of_json() {
    let mut fields = BTreeSet::new();
    for kind in SchemaKind::ALL {
        if !matches!(kind, SchemaKind::Config | SchemaKind::Inventory) {
            add_properties(&schema(kind), &mut fields);
        }
    }
    // The outputs without a schema.
    let demo = TempDir::new().unwrap();
    copy(&project().join("fixtures/demo"), demo.path());
    for words in [
        &["inventory", "--format", "json"][..],
        &["inventory", "--probe", "--format", "json"],
        &["register", "--dry-run", "--format", "json"],
        &["register", "production", "--yes", "--format", "json"],
    ] {
        let output = run(words, demo.path(), b"");
        let document: Value = serde_json::from_str(&output.stdout).unwrap();
        let mut inner = BTreeSet::new();
        add_fields(&document, &mut inner);
        assert!(inner.len() > 4, "{words:?}: {}", output.stdout);
        fields.extend(inner);
    }
    let report = page("report.md");
    assert_eq!(missing(fields.iter().map(String::as_str), &report), [""; 0]);
    assert!(fields.len() > 50, "{}", fields.len());
}

/// Constants in capitals that are not variables which stackref reads.
const NO_VARIABLES: [(&str, &str); 9] = [
    ("GIT_", "set for git, or removed from its environment"),
    ("LD_LIBRARY_PATH", "passed on to git"),
    ("CARGO_PKG_VERSION", "set when stackref is built"),
    ("SECRET_", "levels"),
    ("_HERE", "placeholders"),
    ("_API_KEY", "placeholders and names in tables"),
    ("ZENML_BIN", "variables in commands"),
    ("ZENML_C", "variables in commands"),
    ("CHANGE_ME", "a placeholder"),
];

#[test]
fn the_book_names_every_environment_variable() {
    let mut variables = BTreeSet::new();
    for path in files_below(&project().join("src"), Some("rs")) {
        // Tables of names in the files of users.
        if ["zenml", "document", "text"]
            .iter()
            .any(|folder| path.starts_with(project().join("src").join(folder)))
        {
            continue;
        }
        let names = literals(&code(&read(&path)), false)
            .into_iter()
            .filter(|name| {
                name.contains('_')
                    && name.starts_with(|c: char| c.is_ascii_uppercase())
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
            });
        variables.extend(names);
    }
    for (names, _) in help_text::environment(&[]) {
        variables.extend(
            names
                .trim_end_matches(", ...")
                .split(", ")
                .map(str::to_owned),
        );
    }
    let book: String = book_pages().iter().map(|page| read(page)).collect();
    let read_by_stackref = variables.iter().map(String::as_str).filter(|name| {
        *name == "ZENML_STORE_API_KEY"
            || !NO_VARIABLES
                .iter()
                .any(|(part, _)| name.starts_with(part) || name.ends_with(part))
    });
    let unnamed: Vec<&str> = read_by_stackref
        .filter(|name| !book.contains(*name))
        .collect();
    assert_eq!(unnamed, [""; 0]);
}

/// Returns the keys of a table of a YAML file that contains only scalars and tables.
fn yaml_keys(text: &str, table: &str) -> Vec<String> {
    let lines = text
        .lines()
        .skip_while(|line| *line != format!("{table}:"))
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with([' ', '#']));
    let keys = lines.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    keys.filter(|key| !key.starts_with([' ', '#']))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_page_of_ci_names_inputs_outputs_and_hooks() {
    let ci = page("ci.md");
    let action = read(&project().join("action.yml"));
    let inputs = yaml_keys(&action, "inputs");
    let outputs = yaml_keys(&action, "outputs");
    assert!(
        inputs.len() > 8 && outputs.len() > 1,
        "{inputs:?} {outputs:?}"
    );
    let names = inputs.iter().chain(&outputs).map(String::as_str);
    assert_eq!(missing(names, &ci), [""; 0]);
    let hooks = read(&project().join(".pre-commit-hooks.yaml"));
    let hooks: Vec<&str> = hooks
        .lines()
        .filter_map(|line| line.strip_prefix("- id: "))
        .collect();
    assert!(hooks.len() > 2, "{hooks:?}");
    assert_eq!(missing(hooks, &ci), [""; 0]);
}

#[test]
fn the_pages_of_editors_name_settings_and_commands() {
    let manifest = read(&project().join("editors/vscode/package.json"));
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let contributes = &manifest["contributes"];
    let settings = contributes["configuration"]["properties"]
        .as_object()
        .unwrap();
    let vscode = page("editors/vscode.md");
    assert_eq!(
        missing(settings.keys().map(String::as_str), &vscode),
        [""; 0]
    );
    let commands = contributes["commands"].as_array().unwrap();
    for command in commands {
        let title = command["title"].as_str().unwrap();
        assert!(vscode.contains(title), "{title}");
    }
    let server = read(&project().join("src/lsp/editor_settings.rs"));
    let (_, settings) = server.split_once("pub fn update(").unwrap();
    let settings: Vec<&str> = settings
        .split(".get(\"")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('"')?.0))
        .collect();
    assert!(settings.len() > 1, "{settings:?}");
    assert_eq!(missing(settings, &page("editors.md")), [""; 0]);
}
