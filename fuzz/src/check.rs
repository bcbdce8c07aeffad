//! stackref checks and reports any bytes, with correct spans.

use super::scanning::{RESOLVERS, SMALL_INVENTORY, scan, settings};
use super::variants::Variants;
use stackref::diagnostics::finding::Finding;
use stackref::document::{ScriptHost, Syntax};
use stackref::lint::pipeline::run as check_scan;
use stackref::lint::report::Report;
use stackref::output::style::OutputStyle;
use stackref::output::{self, Format};
use stackref::project::discover::MatchReason;
use stackref::sources::reference::Reference;
use stackref::text::source::Span;
use stackref::zenml::grammar::{BraceKind, Resolver, find_braces};
use std::path::Path;

/// All formats except SARIF, which contains the pages of all rules and takes a hundred times as
/// long.
const FORMATS: [Format; 6] = [
    Format::Human,
    Format::Short,
    Format::Json,
    Format::Github,
    Format::Gitlab,
    Format::Junit,
];

pub fn check_yaml(bytes: &[u8], variants: Variants) {
    check(bytes, variants, Syntax::Yaml);
}

pub fn check_toml(bytes: &[u8], variants: Variants) {
    check(bytes, variants, Syntax::Toml);
}

pub fn check_json(bytes: &[u8], variants: Variants) {
    check(bytes, variants, Syntax::Json);
}

pub fn check_script(bytes: &[u8], variants: Variants) {
    check(bytes, variants, Syntax::Script(ScriptHost::Shell));
}

pub fn check_markdown(bytes: &[u8], variants: Variants) {
    check(bytes, variants, Syntax::Script(ScriptHost::Markdown));
}

pub fn check_notebook(bytes: &[u8], variants: Variants) {
    check(bytes, variants, Syntax::Script(ScriptHost::Notebook));
}

pub fn check_python(bytes: &[u8], variants: Variants) {
    check(bytes, variants, Syntax::Script(ScriptHost::Python));
}

pub fn check_terraform(bytes: &[u8], variants: Variants) {
    check(bytes, variants, Syntax::Script(ScriptHost::Terraform));
}

/// Checks the bytes after the first one as a file of the host that the first byte selects.
pub fn check_host(bytes: &[u8], variants: Variants) {
    const HOSTS: [ScriptHost; 7] = [
        ScriptHost::Makefile,
        ScriptHost::Justfile,
        ScriptHost::Dockerfile,
        ScriptHost::Workflow,
        ScriptHost::GitlabCi,
        ScriptHost::ReStructuredText,
        ScriptHost::Other,
    ];
    if let Some((&first, rest)) = bytes.split_first() {
        check(
            rest,
            variants,
            Syntax::Script(HOSTS[usize::from(first) % HOSTS.len()]),
        );
    }
}

/// Checks the bytes and prints the report in each format, twice with the same result. Findings and
/// edits lie in the text, and the span of each reference contains it.
fn check(bytes: &[u8], mut variants: Variants, syntax: Syntax) {
    let resolvers = variants.choose(&RESOLVERS);
    let formats = variants.choose(&FORMATS);
    let runs = if variants.includes_one_in(8) { 2 } else { 1 };
    for &resolver in resolvers {
        let reason = (resolver == Resolver::Zenml).then_some(MatchReason::Argument);
        let settings = settings(resolver, &SMALL_INVENTORY);
        let mut reports = (0..runs).map(|_| {
            let scan = scan(bytes, syntax, reason.clone(), resolver, false);
            scan.references().for_each(assert_span_contains_reference);
            let report = check_scan(&scan, &settings, None);
            report
                .findings
                .iter()
                .for_each(assert_spans_lie_in_the_text);
            formats
                .iter()
                .map(|&format| printed(&report, format))
                .collect::<Vec<String>>()
        });
        let first = reports.next();
        assert!(reports.all(|next| Some(next) == first), "two runs differ");
    }
}

/// Asserts that the span of a reference contains it, unless a part of it is escaped, quoted,
/// formatted or expanded.
fn assert_span_contains_reference(reference: &Reference) {
    let whole = reference.source.text();
    let slice = |span: Span| {
        let text = whole.get(span.start..span.end);
        text.expect("the span lies in the text")
    };
    let text = slice(reference.span);
    // `{{{{` is an escape in justfiles, notebooks and f-strings.
    let is_escaped = text.contains(['\\', '\'', '"', '$', '&']) || text.starts_with("{{{{");
    let Some(key) = reference.key() else {
        return;
    };
    if let Some(key_span) = reference.key_span {
        assert_is_name(whole, reference.span, reference.secret());
        assert_is_name(whole, key_span, key);
        return;
    }
    // The name of a constant has no braces, and a format is not the text.
    let is_expression = || !text.contains("{{") || text.contains('%');
    if is_escaped || is_code(reference) && is_expression() {
        return;
    }
    let expressions = find_braces(text);
    let [braces] = expressions.as_slice() else {
        panic!("{text:?}: {expressions:?}")
    };
    let BraceKind::Reference {
        name,
        key: found_key,
        ..
    } = braces.kind
    else {
        panic!("{text:?}: {braces:?}")
    };
    assert_eq!(
        (name, found_key, &braces.range),
        (reference.secret(), key, &(0..text.len()))
    );
}

/// Returns whether a reference is in a file that may contain Python or Terraform.
fn is_code(reference: &Reference) -> bool {
    let extension = Path::new(reference.source.path()).extension();
    extension.is_some_and(|extension| ["py", "tf", "ipynb", "md"].iter().any(|&e| e == extension))
}

/// Asserts that a literal contains a name. Other expressions are not compared, for example a
/// constant or an f-string.
fn assert_is_name(text: &str, span: Span, name: &str) {
    let found = text
        .get(span.start..span.end)
        .expect("the span lies in the text");
    let is_quoted =
        |quote: char| text[..span.start].ends_with(quote) && text[span.end..].starts_with(quote);
    let is_literal = is_quoted('"') || is_quoted('\'');
    if is_literal && !found.contains(['\\', '\'', '"', '{', '}', '%', '\r']) {
        assert_eq!(found, name);
    }
}

fn assert_spans_lie_in_the_text(finding: &Finding) {
    let text = finding.source.text();
    let is_in_text = |start: usize, end: usize| text.get(start..end).is_some();
    assert!(
        is_in_text(finding.span.start, finding.span.end),
        "{finding:?}"
    );
    let mut end = 0;
    for edit in finding.fix.iter().flat_map(|fix| &fix.edits) {
        assert!(
            is_in_text(edit.span.start, edit.span.end) && edit.span.start >= end,
            "{finding:?}"
        );
        end = edit.span.end;
    }
}

/// Prints a report in a format.
fn printed(report: &Report, format: Format) -> String {
    let style = OutputStyle {
        width: 80,
        ..OutputStyle::PLAIN
    };
    let mut out = Vec::new();
    output::write(format, report, style, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    if format == Format::Json {
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }
    text
}
