# Everything that CI checks.
ci:
    bash .ci/run

# The tests, with nextest, which is faster.
test:
    cargo nextest run --locked

# Writes the current output to the fixture cases and to the examples of README.md and the book. Read the difference before you
# commit it.
bless:
    STACKREF_BLESS=1 cargo test --locked --test cases
    STACKREF_BLESS=1 cargo test --locked --test it -- each_example

# Tests real stores on loopback. Installs them into the target folder first.
live:
    cargo build --locked --features aws
    python3 tests/live/run.py target/debug/stackref target/live

# Tests the language server with pytest-lsp, and in Neovim and Emacs if they are installed.
lsp *options:
    cargo build --locked
    python3 tests/lsp/run.py target/debug/stackref target/lsp {{options}}

# Tests the page of `matrix` in headless chromium, and writes pictures of it into target/browser/pictures.
browser:
    mkdir -p target/browser/pages
    STACKREF_MATRIX_PAGES="$PWD/target/browser/pages" cargo test --locked --test it matrix_page
    python3 -m venv target/browser/python
    target/browser/python/bin/pip install --quiet --requirement tests/browser/requirements.txt
    target/browser/python/bin/python tests/browser/matrix_page.py target/browser/pages target/browser/pictures

# Tests and packages the extension for VS Code.
vscode:
    cd editors/vscode && npm ci --loglevel error && npm test && npm run package

# Tests the language server in Neovim and Emacs, if they are installed, and with the client code of VS Code in headless chromium. Writes
# pictures into target/editor/browser/pictures.
editor:
    cargo build --locked
    python3 editors/clients-test/run.py target/debug/stackref target/editor/clients
    cd editors/browser-test && npm ci --loglevel error && npm run check && node run.mjs ../../target/debug/stackref ../../target/editor/browser

# Searches output, files and memory of runs for secret values. CI runs `--quick`; `--write docs/dev/leaks.md` updates the page.
leaks *options:
    cargo build --locked --release
    cargo build --locked --features aws
    python3 tests/proof/leaks/run.py target/release/stackref --aws target/debug/stackref {{options}}

# Tests the wheel, the GitHub Action and the pre-commit hooks as users install them. `just ci` includes this.
packages:
    python3 -m venv target/ci
    target/ci/bin/pip install --quiet --requirement tests/ci/requirements.txt
    target/ci/bin/python tests/ci/backend.py target/backend
    target/ci/bin/python tests/ci/wheel.py target/wheel
    target/ci/bin/python tests/ci/action.py target/action
    target/ci/bin/python tests/ci/precommit.py target/precommit

# Tests the pre-commit hooks with the program that users get, and measures what they leave on the disk.
pre-commit:
    python3 -m venv target/ci
    target/ci/bin/pip install --quiet --requirement tests/ci/requirements.txt
    target/ci/bin/python tests/ci/precommit.py target/precommit --optimized

# Compares the keys of run configs with the wheel of a version of ZenML. CI does it for the version of the tables.
zenml-keys version="0.98.0":
    mkdir -p target/zenml
    python3 tests/ci/zenml_keys.py target/zenml {{version}}

# Compares the table of flavors with a version of ZenML. Installs it into the target folder first.
zenml-flavors version="0.98.0":
    python3 -m venv target/zenml-{{version}}
    target/zenml-{{version}}/bin/pip install --quiet zenml=={{version}}
    target/zenml-{{version}}/bin/python tests/ci/zenml_flavors.py

# Injects kills, full disks, races, links and failing stores. CI runs `--quick`; `--write docs/dev/faults.md` updates the page.
faults *options:
    cargo build --locked --release
    python3 tests/proof/faults/run.py target/release/stackref {{options}}

# Runs the comparison with other tools on small trees, to test that it works.
bench:
    cargo build --locked --release
    python3 benches/peers.py --quick

# Compares stackref with other tools, in about 30 minutes. `--write` saves the raw data, and updates the tables and plots.
bench-peers *options:
    cargo build --locked --release
    python3 benches/peers.py {{options}}

# Writes benches/results.md, and the tables and plots of README.md and the book, from the raw data of `bench-peers --write`.
bench-report *options:
    python3 benches/report.py {{options}}

# Benchmarks the parsers, the reference grammar, spelling suggestions and the human report, each by itself.
bench-micro *options:
    cargo bench --locked --bench micro -- {{options}}

# Measures the language server: key strokes, a workspace of 100,000 files, and an idle server.
bench-lsp *options:
    cargo build --locked --release
    python3 benches/language_server.py target/release/stackref {{options}}

# Compares the instruction counts of fixed runs with benches/instructions.json. `--write` updates that file.
instructions *options:
    cargo build --locked --release
    python3 benches/instructions.py target/release/stackref {{options}}

# Changes the code in small places, and lists changes that no test notices (docs/dev/mutation.md). Needs cargo-mutants 27.1 on the
# PATH. All changes take days, so name a part, for example `--re src/document/edits.rs`.
mutants *options:
    #!/usr/bin/env bash
    set -euo pipefail
    # A mutant that takes all memory fails. The compiler and the linker need less than this.
    ulimit -v 16777216
    PROPTEST_CASES=64 STACKREF_CORPORA="$(tests/proof/corpora.sh)" cargo mutants --output target {{options}}

# Builds the book with the mdbook on the PATH.
book:
    mdbook build docs --dest-dir "$PWD/target/book"

# Draws docs/src/check.svg, the picture of `check` in README.md.
picture:
    cargo build --locked --release
    python3 docs/picture.py target/release/stackref

# Compares the results of the public test suites with docs/dev/conformance.md. Downloads the suites if necessary.
conformance:
    STACKREF_CORPORA="$(tests/proof/corpora.sh)" cargo test --locked conformance -- --nocapture

# Compares the references of generated files with ZenML's own class, bash, Python, python-hcl2 and Terraform. `--seed N` generates
# others, and `--count N` another number for each.
peers *options:
    cargo build --locked
    python3 tests/peers/run.py target/debug/stackref target/peers {{options}}

# Runs the fuzz targets for an hour in total. Other options are described in fuzz/run.py.
fuzz *options="--total 3600":
    bash fuzz/run.sh {{options}}

# Runs each fuzz target for 10 seconds, as CI does.
fuzz-smoke:
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 bash fuzz/run.sh 10

# Checks that take too long for CI.
nightly: ci
    cargo publish --dry-run --locked --allow-dirty
    PROPTEST_CASES=5000 cargo test --locked --lib --test it -- fixing_twice properties:: script fuzz::
    bash fuzz/run.sh --total 1200
    tests/proof/oldest.sh

# Checks licences, advisories, duplicates and Rust versions of dependencies, and the tables of docs/dev/dependencies.md.
deny:
    tests/proof/deny.sh
    python3 tests/proof/dependencies.py

# Builds the program twice, in two folders, and compares the binaries.
reproducible:
    tests/proof/reproducible.sh

# Writes a bill of materials (CycloneDX) of all crates in a build.
sbom *options:
    tests/proof/sbom.sh {{ options }}

# Prints which lines and regions the tests run.
coverage:
    tests/proof/coverage.sh
