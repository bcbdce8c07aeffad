//! Properties of all inputs, one function for each fuzz target.
//!
//! libFuzzer generates the inputs of `fuzz_targets/`. `cargo test` uses each seed, and mutations of
//! seeds.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a violated property panics"
)]

mod grammar;
mod second;
mod session;
mod store;

pub use session::session;

use secrecy::{ExposeSecret as _, SecretString};
use stackref::diagnostics::error::Failure;
use stackref::diagnostics::finding::{Applicability, Finding};
use stackref::diagnostics::outcome::Outcome;
use stackref::document::{NodeId, ScriptHost, Syntax};
use stackref::edit::fix::{Fixer, Rescanner};
use stackref::inventory::file::FileInventory;
use stackref::inventory::lookup::LookupResults;
use stackref::inventory::{Inventories, Inventory, NewKey, RequestedNames, SecretChange};
use stackref::lint::baseline::Baseline;
use stackref::lint::pipeline::run as check_scan;
use stackref::lint::report::Report;
use stackref::lint::scan::{PathRoots, Scan, run_text};
use stackref::lint::settings::{LevelChoice, Settings};
use stackref::output::human;
use stackref::output::style::OutputStyle;
use stackref::output::{self, Format};
use stackref::project::config::{self, Config, Level};
use stackref::project::configs::Configs;
use stackref::project::discover::{Candidate, MatchReason};
use stackref::sources::reference::Reference;
use stackref::text::source::Span;
use stackref::zenml::grammar::{BraceKind, ParsedValue, Resolver, parse_as_zenml, parse_value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use store::Store;

const SYNTAXES: [Syntax; 3] = [Syntax::Yaml, Syntax::Toml, Syntax::Json];

/// Compares the grammar with `ZenML`'s regular expressions.
///
/// - A text that `ZenML` reads as a reference is the same reference or malformed here.
/// - `ZenML` reads each reference of stackref's as a reference.
/// - A text with `{{` is not plain.
pub fn references(bytes: &[u8]) {
    let text = &*String::from_utf8_lossy(bytes);
    let is_reference = grammar::matches(grammar::FROM_0_40, text);
    let names = is_reference.then(|| grammar::names(text));
    assert_eq!(
        parse_as_zenml(text).map(|(name, key)| (name.to_owned(), key.to_owned())),
        names,
        "{text:?}"
    );
    let parsed = parse_value(text, Resolver::Zenml);
    match (&parsed, &names) {
        (ParsedValue::Reference(braces), names) => {
            let BraceKind::Reference { name, key, padded } = braces.kind else {
                panic!("{text:?}: {parsed:?}")
            };
            assert_eq!(Some((name.to_owned(), key.to_owned())), *names, "{text:?}");
            assert_eq!(
                !padded,
                grammar::matches(grammar::BEFORE_0_40, text),
                "{text:?}"
            );
        }
        // Names of letters, digits, `_` and `-` are not malformed.
        (ParsedValue::Malformed(_), names) => {
            let is_plain = |name: &str| {
                name.chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
            };
            assert!(
                !names
                    .as_ref()
                    .is_some_and(|(name, key)| is_plain(name) && is_plain(key)),
                "{text:?}: {parsed:?}"
            );
        }
        (ParsedValue::Plain, None) => assert!(!text.contains("{{"), "{text:?} is plain"),
        (ParsedValue::Template(expressions), None) => assert!(!expressions.is_empty(), "{text:?}"),
        (_, Some(_)) => panic!("{text:?} is a reference to ZenML, but here {parsed:?}"),
    }
    // The other resolver finds the same references anywhere in the text.
    let expressions = stackref::zenml::grammar::find_braces(text);
    let mut end = 0;
    for braces in &expressions {
        assert!(
            braces.range.start >= end && text[braces.range.clone()].contains("{{"),
            "{text:?}: {braces:?}"
        );
        end = braces.range.end;
        if let BraceKind::Reference { name, key, .. } = braces.kind {
            let reference = &text[braces.range.clone()];
            assert_eq!(
                grammar::names(reference),
                (name.to_owned(), key.to_owned()),
                "{text:?}"
            );
            assert!(grammar::matches(grammar::FROM_0_40, reference), "{text:?}");
        }
    }
    let mut openings = text.match_indices("{{");
    assert!(
        openings.all(|(at, _)| expressions.iter().any(|braces| braces.range.contains(&at))),
        "{text:?}: {expressions:?}"
    );
    assert!(
        expressions.is_empty() || parse_value(text, Resolver::Render) != ParsedValue::Plain,
        "{text:?}"
    );
}

pub fn check_yaml(bytes: &[u8]) {
    check(bytes, Syntax::Yaml);
}

pub fn check_toml(bytes: &[u8]) {
    check(bytes, Syntax::Toml);
}

pub fn check_json(bytes: &[u8]) {
    check(bytes, Syntax::Json);
}

pub fn check_script(bytes: &[u8]) {
    check(bytes, Syntax::Script(ScriptHost::Shell));
}

pub fn check_markdown(bytes: &[u8]) {
    check(bytes, Syntax::Script(ScriptHost::Markdown));
}

pub fn check_notebook(bytes: &[u8]) {
    check(bytes, Syntax::Script(ScriptHost::Notebook));
}

pub fn check_python(bytes: &[u8]) {
    check(bytes, Syntax::Script(ScriptHost::Python));
}

pub fn check_terraform(bytes: &[u8]) {
    check(bytes, Syntax::Script(ScriptHost::Terraform));
}

/// Checks the bytes after the first one as a file of the host that the first byte selects.
pub fn check_host(bytes: &[u8]) {
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
            Syntax::Script(HOSTS[usize::from(first) % HOSTS.len()]),
        );
    }
}

/// Checks the bytes and prints the report in each format, twice with the same result. Findings and
/// edits lie in the text, and the span of each reference contains it.
fn check(bytes: &[u8], syntax: Syntax) {
    let inventories = small_inventory();
    for (reason, resolver) in [
        (Some(MatchReason::Argument), Resolver::Zenml),
        (None, Resolver::Render),
    ] {
        let configs = Configs::fixed(Config {
            resolver,
            ..Config::default()
        });
        let settings = Settings::new(
            &configs,
            LevelChoice::fixed(Level::SecretAndKeyExists),
            &inventories,
        );
        let [once, twice] = [(); 2].map(|()| {
            let scan = scan(bytes, syntax, reason.clone(), resolver, false);
            scan.references().for_each(assert_span_contains_reference);
            let report = check_scan(&scan, &settings, None);
            report
                .findings
                .iter()
                .for_each(assert_spans_lie_in_the_text);
            printed(&report)
        });
        assert_eq!(once, twice);
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
    let expressions = stackref::zenml::grammar::find_braces(text);
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

/// Prints a report in each format except SARIF, which contains the pages of all rules and takes a
/// hundred times as long.
fn printed(report: &Report) -> Vec<String> {
    let formats = [
        Format::Human,
        Format::Short,
        Format::Json,
        Format::Github,
        Format::Gitlab,
        Format::Junit,
    ];
    let printed = formats.map(|format| {
        let mut out = Vec::new();
        output::write(
            format,
            report,
            OutputStyle {
                width: 80,
                ..OutputStyle::PLAIN
            },
            &mut out,
        )
        .unwrap();
        String::from_utf8(out).unwrap()
    });
    serde_json::from_str::<serde_json::Value>(&printed[2]).unwrap();
    printed.into()
}

/// Renders a text that `check` accepts. A second parser must read the same document with the
/// references replaced.
///
/// The text ends at the first byte `0xff`. The following bytes, split at `0xff`, are values.
pub fn render(bytes: &[u8]) {
    let mut parts = bytes.split(|byte| *byte == 0xff);
    let Ok(text) = std::str::from_utf8(parts.next().unwrap_or_default()) else {
        return;
    };
    let values: Vec<String> = parts
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect();
    for syntax in SYNTAXES {
        for resolver in [Resolver::Zenml, Resolver::Render] {
            render_as(text, &values, syntax, resolver);
        }
    }
}

/// Renders a text if `check` accepts it. Returns the number of replaced references.
pub fn render_as(text: &str, values: &[String], syntax: Syntax, resolver: Resolver) -> usize {
    let store = Store::new(values);
    let value = |name: &str, key: &str| store.value(name, key).to_owned();
    let inventories = Inventories::from_inventories(vec![Box::new(store.clone())]);
    let configs = Configs::fixed(Config {
        resolver,
        ..Config::default()
    });
    let scan = scan(
        text.as_bytes(),
        syntax,
        Some(MatchReason::Argument),
        resolver,
        true,
    );
    let settings = Settings::new(
        &configs,
        LevelChoice::fixed(Level::SecretAndKeyExists),
        &inventories,
    );
    let report = check_scan(&scan, &settings, None);
    if report.outcome(false) != Outcome::Clean || scan.files.is_empty() {
        return 0;
    }
    let rendered = match stackref::edit::substitution::run(&scan, &report, &settings, None) {
        Ok(rendered) => rendered,
        Err(failures) => panic!("{syntax:?} {text:?} is accepted but not rendered: {failures:?}"),
    };
    for rendered in &rendered {
        let replaces = rendered.replaced_count() > 0;
        assert_eq!(replaces, rendered.text.is_some());
        assert!(replaces || rendered.text() == text);
        // The number of strings that must change.
        let mut strings: BTreeMap<NodeId, Vec<(&str, &str)>> = BTreeMap::new();
        for reference in rendered.file.replaced_references() {
            let key = reference.key().unwrap();
            let old = reference
                .source
                .text()
                .get(reference.span.start..reference.span.end)
                .unwrap();
            strings
                .entry(reference.node)
                .or_default()
                .push((old, store.value(reference.secret(), key)));
        }
        let minimum = strings
            .values()
            .filter(|parts| parts.iter().any(|(old, new)| old != new))
            .count();
        let replace_references = |old: &str| {
            let expressions = match parse_value(old, resolver) {
                ParsedValue::Reference(braces) => vec![braces],
                ParsedValue::Template(expressions) if resolver == Resolver::Render => expressions,
                _ => Vec::new(),
            };
            let mut new = old.to_owned();
            for braces in expressions.iter().rev() {
                if let BraceKind::Reference { name, key, .. } = braces.kind {
                    new.replace_range(braces.range.clone(), &value(name, key));
                }
            }
            new
        };
        // `render` writes a scalar with a line break of YAML 1.1 as YAML 1.2 reads it, so the
        // second parser may read another old value.
        let document = rendered.file.document.as_ref().unwrap();
        let ambiguous = strings
            .keys()
            .filter(|&&node| document.has_ambiguous_break(node));
        let ambiguous: Vec<String> = ambiguous
            .map(|&node| replace_references(document.text(node).unwrap()))
            .collect();
        let is_replaced = |old: &str, new: &str| {
            replace_references(old) == new || ambiguous.iter().any(|text| text == new)
        };
        second::assert_same_but_references(text, rendered.text(), syntax, minimum, &is_replaced);
    }
    rendered
        .iter()
        .map(stackref::edit::substitution::RenderedFile::replaced_count)
        .sum()
}

/// A second fix changes nothing, each available fix is applied, and no fix adds a syntax error.
pub fn fix(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let inventories = small_inventory();
    for syntax in SYNTAXES {
        for resolver in [Resolver::Zenml, Resolver::Render] {
            for applicability in [Applicability::Safe, Applicability::Suggestion] {
                let configs = Configs::fixed(Config {
                    resolver,
                    ..Config::default()
                });
                let settings = Settings::new(
                    &configs,
                    LevelChoice::fixed(Level::SecretAndKeyExists),
                    &inventories,
                );
                let (errors, once) = apply_fixes(text, syntax, applicability, &settings);
                let (errors_after, twice) = apply_fixes(&once, syntax, applicability, &settings);
                assert_eq!(once, twice, "{syntax:?} {applicability:?} {text:?}");
                assert!(
                    errors_after <= errors,
                    "{syntax:?} {applicability:?} {text:?} became {once:?}"
                );
            }
        }
    }
}

/// Returns the number of syntax errors in a text, and the text with its fixes.
fn apply_fixes(
    text: &str,
    syntax: Syntax,
    applicability: Applicability,
    settings: &Settings<'_>,
) -> (usize, String) {
    let mut scan = scan(
        text.as_bytes(),
        syntax,
        Some(MatchReason::Argument),
        settings.configs.for_file(Path::new("x")).resolver,
        false,
    );
    let findings = check_scan(&scan, settings, None).findings;
    let errors = findings
        .iter()
        .filter(|finding| finding.rule.name() == "syntax-error")
        .count();
    let has_fix = |finding: &Finding| {
        finding
            .fix
            .as_ref()
            .is_some_and(|fix| fix.applicability <= applicability)
    };
    let has_fix = findings.iter().any(has_fix);
    let roots = path_roots(false);
    let rescanner = Rescanner {
        roots: &roots,
        values: None,
        walked_folders: &[],
    };
    let answers = LookupResults::default();
    let fixed =
        Fixer::new(&rescanner, applicability).run(&mut scan, settings, answers.into(), None);
    let after = fixed
        .changed
        .values()
        .next()
        .map_or(text, |changed| changed.new_source.text());
    assert_eq!(
        has_fix,
        after != text,
        "{syntax:?} {applicability:?} {text:?}"
    );
    (errors, after.to_owned())
}

/// Configs, baselines and inventories are parsed, or rejected with an error that can be printed. A
/// key that is added to an inventory is read back, and everything else stays the same.
pub fn readers(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let config = config::parse(
        text.to_owned(),
        Path::new("/w/stackref.toml"),
        "stackref.toml",
    );
    config
        .err()
        .into_iter()
        .flatten()
        .for_each(|failure| assert_can_be_printed(&failure));
    assert!(
        Baseline::parse(text)
            .err()
            .is_none_or(|error| !error.is_empty())
    );
    for (syntax, name) in SYNTAXES.into_iter().zip(["i.yaml", "i.toml", "i.json"]) {
        match FileInventory::from_text(name, text.to_owned(), syntax) {
            Ok(inventory) => {
                inventory
                    .entry_errors()
                    .iter()
                    .for_each(assert_can_be_printed);
                put(text, name, &contents(&inventory));
            }
            Err(failure) => assert_can_be_printed(&failure),
        }
    }
}

fn assert_can_be_printed(failure: &Failure) {
    let mut printed = Vec::new();
    human::write_failure(failure, OutputStyle::PLAIN, &mut printed).unwrap();
    assert!(
        !String::from_utf8(printed).unwrap().trim().is_empty(),
        "{failure:?}"
    );
}

/// The keys and the values of each secret, if the inventory has them.
type Contents = BTreeMap<String, (Option<Vec<String>>, Option<BTreeMap<String, String>>)>;

fn contents(inventory: &FileInventory) -> Contents {
    let (names, all) = (
        inventory.names(&RequestedNames::new()).unwrap(),
        RequestedNames::new(),
    );
    let secret = |name: String| {
        let keys = inventory.keys(&name, &all).ok();
        let keys = keys.map(|keys| keys.into_iter().map(|key| key.name).collect());
        let exposed = |(key, value): (String, Result<SecretString, _>)| {
            (key, value.unwrap().expose_secret().to_owned())
        };
        let values = inventory.values(&name, &all).ok();
        (
            name,
            (
                keys,
                values.map(|values| values.into_iter().map(exposed).collect()),
            ),
        )
    };
    names.into_iter().map(|name| secret(name.name)).collect()
}

fn put(text: &str, name: &str, before: &Contents) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let open = || FileInventory::new(name.to_owned(), &path, folder.path(), folder.path());
    let new_key = "a new key";
    let inventory = open();
    for secret in before
        .keys()
        .next()
        .map(String::as_str)
        .into_iter()
        .chain(["new"])
    {
        let Ok(takes_values) = inventory.takes_values(secret) else {
            continue;
        };
        let value = "it's: #\n\"new\"\\";
        let entry = NewKey {
            key: new_key.to_owned(),
            value: takes_values.then(|| SecretString::from(value)),
            replaces: false,
        };
        let put = inventory.put(&[SecretChange {
            secret,
            entries: &[entry],
        }]);
        let mut after = contents(&open());
        if put.is_err() {
            assert_eq!(
                std::fs::read_to_string(&path).unwrap(),
                text,
                "{name} was changed despite the error"
            );
            assert_eq!(after, *before);
            continue;
        }
        if !before
            .get(secret)
            .is_some_and(|(keys, _)| keys.iter().flatten().any(|key| key == new_key))
        {
            let (keys, values) = after.get_mut(secret).expect("the secret was stored");
            keys.as_mut()
                .expect("the secret has keys")
                .retain(|key| key != new_key);
            let stored = values.as_mut().and_then(|values| values.remove(new_key));
            assert_eq!(
                stored.as_deref(),
                takes_values.then_some(value),
                "{name} {secret:?} {text:?}"
            );
            if !before.contains_key(secret) {
                after.remove(secret);
            }
        }
        assert_eq!(after, *before, "{name} {secret:?} {text:?}");
        break;
    }
}

/// Returns an inventory with names that are equal or similar to those in the seeds.
fn small_inventory() -> Inventories {
    let text = "a: [b, user, password]\ndb: [user, password]\nmlflow_secret: [username, password]\naws: [key]\n";
    let inventory =
        FileInventory::from_text("secrets.inventory.yaml", text.to_owned(), Syntax::Yaml).unwrap();
    Inventories::from_inventories(vec![Box::new(inventory)])
}

fn path_roots(keep_documents: bool) -> PathRoots {
    PathRoots {
        cwd: PathBuf::from("/w"),
        root: PathBuf::from("/w"),
        keep_documents,
        honor_literal_comments: true,
        repository: None,
    }
}

/// Returns a file name of a host.
fn host_name(host: ScriptHost) -> &'static str {
    match host {
        ScriptHost::Shell => "s.sh",
        ScriptHost::Makefile => "Makefile",
        ScriptHost::Justfile => "justfile",
        ScriptHost::Dockerfile => "Dockerfile",
        ScriptHost::Python => "s.py",
        ScriptHost::Terraform => "s.tf",
        ScriptHost::Workflow => "action.yml",
        ScriptHost::GitlabCi => ".gitlab-ci.yml",
        ScriptHost::Markdown => "s.md",
        ScriptHost::ReStructuredText => "s.rst",
        ScriptHost::Notebook => "s.ipynb",
        ScriptHost::Other => "s.txt",
    }
}

/// Scans a text as a file of a syntax.
pub fn scan(
    bytes: &[u8],
    syntax: Syntax,
    reason: Option<MatchReason>,
    resolver: Resolver,
    keep_documents: bool,
) -> Scan {
    let name = match syntax {
        Syntax::Yaml => "s.yaml",
        Syntax::Toml => "s.toml",
        Syntax::Json => "s.json",
        Syntax::Script(host) => host_name(host),
    };
    let candidate = Candidate {
        path: Path::new("/w").join(name),
        syntax,
        reason,
    };
    run_text(bytes, candidate, resolver, &path_roots(keep_documents))
}
