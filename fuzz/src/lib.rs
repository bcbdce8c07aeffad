//! What has to hold for every input, one function a fuzz target. `fuzz_targets/` hands them what libFuzzer makes up;
//! `cargo test` hands them every seed, and mutations of seeds.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a property that does not hold panics"
)]

mod grammar;
mod second;
mod store;

use secrecy::{ExposeSecret as _, SecretString};
use stackref::diagnostics::error::Failure;
use stackref::diagnostics::finding::{Applicability, Finding};
use stackref::diagnostics::outcome::Outcome;
use stackref::document::{NodeId, Syntax};
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
use stackref::zenml::grammar::{BraceKind, ParsedValue, Resolver, parse_as_zenml, parse_value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use store::Store;

const SYNTAXES: [Syntax; 3] = [Syntax::Yaml, Syntax::Toml, Syntax::Json];

/// The grammar beside `ZenML`'s regular expressions: what `ZenML` takes is the same reference or malformed, what stackref
/// takes `ZenML` takes, and nothing with `{{` is plain.
pub fn references(bytes: &[u8]) {
    let text = &*String::from_utf8_lossy(bytes);
    let taken = grammar::matches(grammar::FROM_0_40, text);
    let names = taken.then(|| grammar::names(text));
    assert_eq!(
        parse_as_zenml(text).map(|(name, key)| (name.to_owned(), key.to_owned())),
        names,
        "{text:?}"
    );
    let reading = parse_value(text, Resolver::Zenml);
    match (&reading, &names) {
        (ParsedValue::Reference(piece), names) => {
            let BraceKind::Reference { name, key, padded } = piece.kind else {
                panic!("{text:?}: {reading:?}")
            };
            assert_eq!(Some((name.to_owned(), key.to_owned())), *names, "{text:?}");
            assert_eq!(
                !padded,
                grammar::matches(grammar::BEFORE_0_40, text),
                "{text:?}"
            );
        }
        // Names that nobody could take for anything else are no mistake.
        (ParsedValue::Malformed(_), names) => {
            let is_plain = |name: &str| {
                name.chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
            };
            assert!(
                !names
                    .as_ref()
                    .is_some_and(|(name, key)| is_plain(name) && is_plain(key)),
                "{text:?}: {reading:?}"
            );
        }
        (ParsedValue::Plain, None) => assert!(!text.contains("{{"), "{text:?} passes in silence"),
        (ParsedValue::Template(pieces), None) => assert!(!pieces.is_empty(), "{text:?}"),
        (_, Some(_)) => panic!("ZenML takes {text:?} for a reference; here it is {reading:?}"),
    }
    // Under the other resolver the same pieces are references, wherever they stand.
    let pieces = stackref::zenml::grammar::find_braces(text);
    let mut end = 0;
    for piece in &pieces {
        assert!(
            piece.range.start >= end && text[piece.range.clone()].contains("{{"),
            "{text:?}: {piece:?}"
        );
        end = piece.range.end;
        if let BraceKind::Reference { name, key, .. } = piece.kind {
            let alone = &text[piece.range.clone()];
            assert_eq!(
                grammar::names(alone),
                (name.to_owned(), key.to_owned()),
                "{text:?}"
            );
            assert!(grammar::matches(grammar::FROM_0_40, alone), "{text:?}");
        }
    }
    let mut braces = text.match_indices("{{");
    assert!(
        braces.all(|(at, _)| pieces.iter().any(|piece| piece.range.contains(&at))),
        "{text:?}: {pieces:?}"
    );
    assert!(
        pieces.is_empty() || parse_value(text, Resolver::Render) != ParsedValue::Plain,
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
    check(bytes, Syntax::Script);
}

/// Bytes are read, checked and reported in every format, twice the same; findings and edits lie in the text, and references
/// stand where they are said to.
fn check(bytes: &[u8], syntax: Syntax) {
    let inventories = few_names();
    for (why, resolver) in [
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
            let scan = scan(bytes, syntax, why.clone(), resolver, false);
            scan.references().for_each(assert_stands_there);
            let report = check_scan(&scan, &settings, None);
            report.findings.iter().for_each(assert_lies_in_its_text);
            printed(&report)
        });
        assert_eq!(once, twice);
    }
}

/// The text at the place of a reference is that reference, where nothing of it is escaped or quoted.
fn assert_stands_there(reference: &Reference) {
    let text = reference
        .source
        .text()
        .get(reference.span.start..reference.span.end)
        .expect("it lies in the text");
    let Some(key) = reference
        .key()
        .filter(|_| !text.contains(['\\', '\'', '"']))
    else {
        return;
    };
    let pieces = stackref::zenml::grammar::find_braces(text);
    let [piece] = pieces.as_slice() else {
        panic!("{text:?}: {pieces:?}")
    };
    let BraceKind::Reference { name, key: own, .. } = piece.kind else {
        panic!("{text:?}: {piece:?}")
    };
    assert_eq!(
        (name, own, &piece.range),
        (reference.secret(), key, &(0..text.len()))
    );
}

fn assert_lies_in_its_text(finding: &Finding) {
    let text = finding.source.text();
    let lies = |start: usize, end: usize| text.get(start..end).is_some();
    assert!(lies(finding.span.start, finding.span.end), "{finding:?}");
    let mut end = 0;
    for edit in finding.fix.iter().flat_map(|fix| &fix.edits) {
        assert!(
            lies(edit.span.start, edit.span.end) && edit.span.start >= end,
            "{finding:?}"
        );
        end = edit.span.end;
    }
}

/// A report in every format but SARIF, which holds the pages of all rules and costs a hundred times the others.
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

/// What `check` passes, resolves; what a render gives is, to a second parser, the same document with the references
/// replaced. Up to the first byte `0xff` the input is the text; what follows, split at that byte, are values.
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

/// Renders one text, if `check` passes it. Returns how many of its references were replaced.
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
        Err(failures) => panic!("{syntax:?} {text:?} passes and is not rendered: {failures:?}"),
    };
    for rendered in &rendered {
        let replaces = rendered.replaced_count() > 0;
        assert_eq!(replaces, rendered.text.is_some());
        assert!(replaces || rendered.text() == text);
        // How many strings have to be other ones.
        let mut strings: BTreeMap<NodeId, Vec<(&str, &str)>> = BTreeMap::new();
        for reference in rendered.file.replaced_references() {
            let key = reference.key().unwrap();
            let there = reference
                .source
                .text()
                .get(reference.span.start..reference.span.end)
                .unwrap();
            strings
                .entry(reference.node)
                .or_default()
                .push((there, store.value(reference.secret(), key)));
        }
        let fewest = strings
            .values()
            .filter(|parts| parts.iter().any(|(old, new)| old != new))
            .count();
        let in_place_of = |old: &str| {
            let pieces = match parse_value(old, resolver) {
                ParsedValue::Reference(piece) => vec![piece],
                ParsedValue::Template(pieces) if resolver == Resolver::Render => pieces,
                _ => Vec::new(),
            };
            let mut new = old.to_owned();
            for piece in pieces.iter().rev() {
                if let BraceKind::Reference { name, key, .. } = piece.kind {
                    new.replace_range(piece.range.clone(), &value(name, key));
                }
            }
            new
        };
        // Of a scalar with a character that only YAML 1.1 takes for a line break, a render gives what YAML 1.2 reads.
        let document = rendered.file.document.as_ref().unwrap();
        let disputed = strings
            .keys()
            .filter(|&&node| document.has_ambiguous_break(node));
        let disputed: Vec<String> = disputed
            .map(|&node| in_place_of(document.text(node).unwrap()))
            .collect();
        let is_replaced = |old: &str, new: &str| {
            in_place_of(old) == new || disputed.iter().any(|text| text == new)
        };
        second::assert_same_but_references(text, rendered.text(), syntax, fewest, &is_replaced);
    }
    rendered
        .iter()
        .map(stackref::edit::substitution::RenderedFile::replaced_count)
        .sum()
}

/// Fixing twice is fixing once, what can be fixed is, and no fix breaks a file.
pub fn fix(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let inventories = few_names();
    for syntax in SYNTAXES {
        for resolver in [Resolver::Zenml, Resolver::Render] {
            for most in [Applicability::Safe, Applicability::Suggestion] {
                let configs = Configs::fixed(Config {
                    resolver,
                    ..Config::default()
                });
                let settings = Settings::new(
                    &configs,
                    LevelChoice::fixed(Level::SecretAndKeyExists),
                    &inventories,
                );
                let (broken, once) = mended(text, syntax, most, &settings);
                let (still_broken, twice) = mended(&once, syntax, most, &settings);
                assert_eq!(once, twice, "{syntax:?} {most:?} {text:?}");
                assert!(
                    still_broken <= broken,
                    "{syntax:?} {most:?} {text:?} became {once:?}"
                );
            }
        }
    }
}

/// How many syntax errors a text has, and the text with its fixes.
fn mended(
    text: &str,
    syntax: Syntax,
    most: Applicability,
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
    let broken = findings
        .iter()
        .filter(|finding| finding.rule.name() == "syntax-error")
        .count();
    let is_due = |finding: &Finding| {
        finding
            .fix
            .as_ref()
            .is_some_and(|fix| fix.applicability <= most)
    };
    let is_due = findings.iter().any(is_due);
    let bases = bases(false);
    let again = Rescanner {
        roots: &bases,
        values: None,
        walked_folders: &[],
    };
    let answers = LookupResults::default();
    let fixed = Fixer::new(&again, most).run(&mut scan, settings, answers, None);
    let after = fixed
        .changed
        .values()
        .next()
        .map_or(text, |changed| changed.new_source.text());
    assert_eq!(is_due, after != text, "{syntax:?} {most:?} {text:?}");
    (broken, after.to_owned())
}

/// Configs, baselines and inventories of any bytes are read, or refused in words; what is added to an inventory is there
/// afterwards, and everything else is what it was.
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
        .for_each(|failure| assert_can_be_shown(&failure));
    assert!(
        Baseline::parse(text)
            .err()
            .is_none_or(|why| !why.is_empty())
    );
    for (syntax, name) in SYNTAXES.into_iter().zip(["i.yaml", "i.toml", "i.json"]) {
        match FileInventory::from_text(name, text.to_owned(), syntax) {
            Ok(inventory) => {
                inventory
                    .entry_errors()
                    .iter()
                    .for_each(assert_can_be_shown);
                put(text, name, &contents(&inventory));
            }
            Err(failure) => assert_can_be_shown(&failure),
        }
    }
}

fn assert_can_be_shown(failure: &Failure) {
    let mut shown = Vec::new();
    human::write_failure(failure, OutputStyle::PLAIN, &mut shown).unwrap();
    assert!(
        !String::from_utf8(shown).unwrap().trim().is_empty(),
        "{failure:?}"
    );
}

/// By secret: its keys, if it is one, and its values, where there are any.
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
                "{name} changed though it was refused"
            );
            assert_eq!(after, *before);
            continue;
        }
        if !before
            .get(secret)
            .is_some_and(|(keys, _)| keys.iter().flatten().any(|key| key == new_key))
        {
            let (keys, values) = after.get_mut(secret).expect("it was stored");
            keys.as_mut()
                .expect("it has keys")
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

/// An inventory in which references are found, missed and nearly found.
fn few_names() -> Inventories {
    let text = "a: [b, user, password]\ndb: [user, password]\nmlflow_secret: [username, password]\naws: [key]\n";
    let inventory =
        FileInventory::from_text("secrets.inventory.yaml", text.to_owned(), Syntax::Yaml).unwrap();
    Inventories::from_inventories(vec![Box::new(inventory)])
}

fn bases(keep_documents: bool) -> PathRoots {
    PathRoots {
        cwd: PathBuf::from("/w"),
        root: PathBuf::from("/w"),
        keep_documents,
        honor_literal_comments: true,
    }
}

/// Reads a text as a file of a syntax.
pub fn scan(
    bytes: &[u8],
    syntax: Syntax,
    why: Option<MatchReason>,
    resolver: Resolver,
    keep_documents: bool,
) -> Scan {
    let name = match syntax {
        Syntax::Yaml => "s.yaml",
        Syntax::Toml => "s.toml",
        Syntax::Json => "s.json",
        Syntax::Script => "s.sh",
    };
    let candidate = Candidate {
        path: Path::new("/w").join(name),
        syntax,
        reason: why,
    };
    run_text(bytes, candidate, resolver, &bases(keep_documents))
}
