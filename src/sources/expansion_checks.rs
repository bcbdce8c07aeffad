//! Reads the references of a file in tests, and tests the variables of Python and Terraform.

use super::name_template::tests::variables;
use super::reference::Reference;
use super::scalar::{FileContext, ScalarContext};
use super::stack_model::RootMapping;
use super::{read, secret_uses};
use crate::document::{Document, ScriptHost, Syntax};
use crate::text::redacted_source::{RedactedSource, Visibility};
use crate::text::source::SourceFile;
use crate::zenml::grammar::Resolver;
use std::path::Path;
use std::sync::Arc;

/// Returns the references of a file, in its order.
pub(super) fn references(path: &str, text: &str) -> Vec<Reference> {
    let syntax = ScriptHost::of(Path::new(path)).map_or(Syntax::Yaml, Syntax::Script);
    let file = Arc::new(SourceFile::new(path, text));
    let document = Document::parse(Arc::clone(&file), syntax).unwrap();
    let model = read(&document, &RootMapping::all(&document)).unwrap();
    let source = RedactedSource::new(file, Visibility::SpanOnly);
    let file = FileContext {
        source: &source,
        document: &document,
        stacks: &model.stacks,
        resolver: Resolver::Zenml,
    };
    let mut found = secret_uses::references(&document, &source);
    for position in &model.stacks.positions {
        let context = ScalarContext::new(file, position);
        found.extend(context.references());
        found.extend(context.variable_references());
    }
    found.sort_by_key(|reference| reference.span.start);
    found
}

/// Returns the only reference of a file: `names` if it is not dynamic, or else `written -> names`,
/// or `written -> ?`. `pairs` are the variables, such as `A=a B=b`.
pub(super) fn expanded(path: &str, text: &str, pairs: &str) -> String {
    let found = references(path, text);
    let [reference] = found.as_slice() else {
        return format!("{} references", found.len());
    };
    let written = reference.names.text();
    if !reference.is_dynamic {
        assert!(reference.expand(&variables(pairs)).is_none());
        return written.to_owned();
    }
    let names = reference.expand(&variables(pairs));
    let names = names.as_ref().map_or("?", |names| names.text());
    format!("{written} -> {names}")
}

/// Returns the names after the arrow. Returns the whole text for a reference that is not dynamic.
fn expanded_names(path: &str, text: &str) -> String {
    let found = expanded(path, text, "ENV=prod");
    let names = found.split_once(" -> ").map(|(_, names)| names.to_owned());
    names.unwrap_or(found)
}

fn check_python(setup: &str, name: &str, expected: &str) {
    let import = "import os\nfrom zenml.client import Client";
    let text = format!("{import}\n{setup}\nClient().get_secret({name})\n");
    let found = expanded_names("x.py", &text);
    assert_eq!(found, expected, "{setup} {name}");
}

#[test]
fn environment_variables_of_python_get_their_values() {
    for (setup, name, expected) in [
        ("", "os.environ['ENV']", "prod"),
        ("", "os.environ['ENV'] + '_db'", "prod_db"),
        ("", "os.getenv('ENV')", "prod"),
        ("", "os.getenv('ENV', 'dev')", "prod"),
        ("", "os.getenv('ENV', default='dev')", "prod"),
        ("", "os.getenv('ENV', '')", "prod"),
        ("", "os.getenv(key='ENV')", "prod"),
        ("", "os.environ.get('ENV', 'dev')", "prod"),
        ("", "os.environ.get('ENV') or 'dev'", "prod"),
        ("", "os.environ.get('A') or os.environ.get('ENV')", "?"),
        ("", "os.getenv('OTHER', 'dev')", "?"),
        ("", "f\"{os.environ['ENV']}_db\"", "prod_db"),
        ("", "f\"{os.getenv('ENV', 'dev')}_db\"", "prod_db"),
        ("from os import environ as e", "e['ENV'] + '_db'", "prod_db"),
        ("from os import getenv", "'db_' + getenv('ENV')", "db_prod"),
        ("E = os.environ['ENV']", "E", "prod"),
        ("E: str = os.environ['ENV']", "f'{E}_db'", "prod_db"),
        ("E = os.getenv('ENV', 'dev')", "f'{E}_db'", "prod_db"),
        ("E = os.getenv('ENV', 'dev')", "f'{E}_{E}'", "prod_prod"),
    ] {
        check_python(setup, name, expected);
    }
}

#[test]
fn formats_and_constants_of_python_get_their_values() {
    for (setup, name, expected) in [
        ("E = os.environ['ENV']", "'%s_db' % E", "prod_db"),
        ("E = os.environ['ENV']", "'%s_%s' % (E, 'x')", "prod_x"),
        ("E = os.environ['ENV']", "'%d_%s' % (n, E)", "?"),
        ("E = os.environ['ENV']", "'%(e)s_db' % {'e': E}", "prod_db"),
        ("E = os.environ['ENV']", "'%s_db' % [E]", "?"),
        ("E = os.environ['ENV']", "'%5s_db' % E", "?"),
        ("E = os.environ['ENV']", "'{}_db'.format(E)", "prod_db"),
        (
            "E = os.environ['ENV']",
            "'{1}_{0}'.format('x', E)",
            "prod_x",
        ),
        ("E = os.environ['ENV']", "'{e}_db'.format(e=E)", "prod_db"),
        ("E = os.environ['ENV']", "'{e!r}_db'.format(e=E)", "?"),
        ("E = os.environ['ENV']", "'{:>9}_{}'.format('x', E)", "?"),
        ("E = os.environ['ENV']", "'{}_db'.format(*E)", "?"),
        ("E = os.environ['ENV']", "f'{E!r}_db'", "?"),
        ("E = os.environ['ENV']", "f'{E.lower()}_db'", "?"),
        (
            "E = os.environ['ENV']; P = f'{E}_x'",
            "f'{P}_db'",
            "prod_x_db",
        ),
        ("P = f'{x}_x'", "f'{P}_db'", "?"),
        ("E = os.environ['ENV']\nE = os.environ['ENV']", "E", "prod"),
        ("def f(E=os.environ['ENV']): return E", "f()", "?"),
        ("if x:\n  E = 'a'\nelse:\n  E = os.environ['ENV']", "E", "?"),
        (
            "class C:\n  E = os.environ['ENV']",
            "f'{C.E}_db'",
            "prod_db",
        ),
        ("ENV = input()", "ENV", "?"),
        ("", "f'{ENV}_db'", "?"),
        ("E = 'dev'", "f'{E}_db'", "dev_db"),
    ] {
        check_python(setup, name, expected);
    }
}

#[test]
fn keys_and_attributes_of_python_get_their_values() {
    let import = "import os\nfrom zenml.client import Client\nE = os.environ['ENV']\n";
    for (code, expected) in [
        ("Client().get_secret('db').secret_values[E]", "db.prod"),
        (
            "Client().get_secret('db').secret_values[f'{E}_k']",
            "db.prod_k",
        ),
        (
            "Client().get_secret(E + '_db').secret_values['k']",
            "prod_db.k",
        ),
        ("Client().get_secret(E).secret_values[x]", "?"),
        (
            "from zenml import step\n@step(secrets=[f'{E}_db'])\ndef f(): pass",
            "prod_db",
        ),
        (
            "Client().create_stack_component(name='x', flavor='slack', \\
             component_type='alerter', configuration={'slack_token': f'{{{{{E}_db.k}}}}'})",
            "prod_db.k",
        ),
    ] {
        let found = expanded_names("x.py", &format!("{import}{code}\n"));
        assert_eq!(found, expected, "{code}");
    }
}

#[test]
fn cells_of_a_notebook_are_read_like_their_code() {
    let notebook = |cells: &[&str]| {
        let cells = cells.iter().map(|cell| {
            serde_json::json!({"cell_type": "code", "metadata": {}, "outputs": [],
                "execution_count": null, "source": cell})
        });
        let cells: Vec<_> = cells.collect();
        serde_json::json!({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
            .to_string()
    };
    let python = "import os\nfrom zenml.client import Client\nE = os.environ['ENV']";
    for (cells, expected) in [
        (vec![python, "Client().get_secret(f'{E}_db')"], "prod_db"),
        (
            vec!["%%bash\nzenml alerter register a --flavor=slack --slack_token=\"{{$ENV.k}}\""],
            "prod.k",
        ),
        (
            vec!["%%bash\nzenml alerter register a --flavor=slack --slack_token=\"{{<ENV>.k}}\""],
            "?",
        ),
    ] {
        let text = notebook(&cells);
        assert_eq!(expanded_names("x.ipynb", &text), expected, "{cells:?}");
    }
}

#[test]
fn variables_of_terraform_get_their_values() {
    for (constants, value, expected) in [
        ("", "\"{{${var.ENV}_db.k}}\"", "prod_db.k"),
        ("", "\"{{${ var.ENV }_db.k}}\"", "prod_db.k"),
        (
            "variable \"ENV\" {}",
            "\"{{${var.ENV}_db.k}}\"",
            "prod_db.k",
        ),
        ("", "format(\"{{%s_db.k}}\", var.ENV)", "prod_db.k"),
        (
            "",
            "join(\"\", [\"{{\", var.ENV, \"_db.k}}\"])",
            "prod_db.k",
        ),
        (
            "locals { name = \"${var.ENV}_db\" }",
            "\"{{${local.name}.k}}\"",
            "prod_db.k",
        ),
        ("", "\"{{${nonsensitive(var.ENV)}_db.k}}\"", "prod_db.k"),
        ("", "\"{{${var.OTHER}_db.k}}\"", "?"),
        ("", "\"{{${upper(var.ENV)}_db.k}}\"", "?"),
        ("", "\"{{${var.ENV.name}_db.k}}\"", "?"),
        ("", "\"{{${each.ENV}_db.k}}\"", "?"),
        ("", "\"{{${data.x.y.ENV}_db.k}}\"", "?"),
        ("", "\"{{${local.ENV}_db.k}}\"", "?"),
        ("", "\"{{${ENV}_db.k}}\"", "?"),
    ] {
        let text = format!(
            "{constants}\nresource \"zenml_stack_component\" \"a\" {{\n  name = \"a\"\n  \
             type = \"alerter\"\n  flavor = \"slack\"\n  \
             configuration = {{ slack_token = {value} }}\n}}\n"
        );
        assert_eq!(
            expanded_names("x.tf", &text),
            expected,
            "{constants} {value}"
        );
    }
}
