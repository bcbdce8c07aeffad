# What CI does.
ci:
    bash .ci/run

# The tests, faster.
test:
    cargo nextest run --locked

# Writes what the cases of the command line print now; read the difference.
bless:
    STACKREF_BLESS=1 cargo test --locked every_case

# Real stores on loopback; installs them into the target folder first.
live:
    cargo build --locked --features aws
    python3 tests/live/run.py target/debug/stackref target/live

# Looks for secret values in all that runs say or leave behind; `--quick` is what CI runs, `--write docs/dev/leaks.md` keeps the table.
leaks *options:
    cargo build --locked --release
    python3 tests/proof/leaks/run.py target/release/stackref {{options}}

# The wheel, the GitHub Action and the pre-commit hooks, as their users get them; `just ci` has done the rest.
packages:
    python3 -m venv target/ci
    target/ci/bin/pip install --quiet --requirement tests/ci/requirements.txt
    target/ci/bin/python tests/ci/wheel.py target/wheel
    target/ci/bin/python tests/ci/action.py target/action
    target/ci/bin/python tests/ci/precommit.py target/precommit

# Kills, full disks, races, links and dying stores; `just faults --quick` is the short form, `--write docs/dev/faults.md` keeps the table.
faults *options:
    cargo build --locked --release
    python3 tests/proof/faults/run.py target/release/stackref {{options}}

# Whether the comparison with other tools runs, on small trees.
bench:
    cargo build --locked --release
    python3 benches/peers.py --quick

# Compares with other tools, in one run of some 20 minutes; `just bench-peers --write` keeps the page.
bench-peers *words:
    python3 benches/peers.py {{words}}

# Parsers, the grammar of references, nearest names and the human report, each by itself.
bench-micro *words:
    cargo bench --locked --bench micro -- {{words}}

# Instructions of fixed runs, beside those that were kept; `just instructions --write` keeps new ones.
instructions *words:
    cargo build --locked --release
    python3 benches/instructions.py target/release/stackref {{words}}

# `cargo mutants`, which has to be on the PATH (27.1), gives the same list, and would build anew for each of them.
# Small changes of the readers and the writer, and whether a test notices; an hour. docs/dev/mutation.md judges what none does.
mutants:
    python3 tests/proof/mutants.py

# The book, as pages, with an mdbook that is on the PATH.
book:
    mdbook build docs --dest-dir "$PWD/target/book"

# Draws docs/src/check.svg, the picture of `check` in README.md.
picture:
    cargo build --locked --release
    python3 docs/picture.py target/release/stackref

# Counts again what the public suites say, for docs/dev/conformance.md; fetches them where they are not there.
conformance:
    STACKREF_CORPORA="$(tests/proof/corpora.sh)" cargo test --locked conformance -- --nocapture

# The fuzz targets, so many seconds each.
fuzz seconds="1200":
    bash fuzz/run.sh {{seconds}}

# The same for CI.
fuzz-smoke:
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 bash fuzz/run.sh 10

# What takes longer than CI may.
nightly: ci
    cargo publish --dry-run --locked --allow-dirty
    PROPTEST_CASES=5000 cargo test --locked -- fixing_twice properties:: script fuzz::
    bash fuzz/run.sh 120
    tests/proof/oldest.sh

# Licences, advisories and duplicates of what is depended on, its oldest Rust, and what docs/dev/dependencies.md says of it.
deny:
    tests/proof/deny.sh
    python3 tests/proof/dependencies.py

# Builds the program twice, in two places, and compares the bytes.
reproducible:
    tests/proof/reproducible.sh

# A list of all crates in a build, as CycloneDX.
sbom *words:
    tests/proof/sbom.sh {{ words }}

# Which lines and regions the tests run.
coverage:
    tests/proof/coverage.sh
