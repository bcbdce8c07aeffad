//! Configs, baselines and inventories are read or rejected, and inventories are changed correctly.

use super::scanning::SYNTAXES;
use super::variants::Variants;
use secrecy::{ExposeSecret as _, SecretString};
use stackref::diagnostics::error::Failure;
use stackref::inventory::file::FileInventory;
use stackref::inventory::{Inventory as _, NewKey, RequestedNames, SecretChange};
use stackref::lint::baseline::Baseline;
use stackref::output::human;
use stackref::output::style::OutputStyle;
use stackref::project::config;
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

/// Configs, baselines and inventories are parsed, or rejected with an error that can be printed. A
/// key that is added to an inventory is read back, and everything else stays the same.
pub fn readers(bytes: &[u8], mut variants: Variants) {
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
    let must_put = variants.includes_one_in(4);
    for (syntax, name) in SYNTAXES.into_iter().zip(["i.yaml", "i.toml", "i.json"]) {
        match FileInventory::from_text(name, text.to_owned(), syntax) {
            Ok(inventory) => {
                inventory
                    .entry_errors()
                    .iter()
                    .for_each(assert_can_be_printed);
                let contents = contents(&inventory);
                if must_put {
                    put(text, name, &contents);
                }
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
    // A new folder for each input would take longer than the rest.
    thread_local!(static FOLDER: TempDir = tempfile::tempdir().unwrap());
    let folder = FOLDER.with(|folder| folder.path().to_path_buf());
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    let open = || FileInventory::new(name.to_owned(), &path, &folder, &folder);
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
