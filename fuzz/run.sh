#!/usr/bin/env bash
# Builds the fuzz targets and runs them: `fuzz/run.sh [OPTIONS] SECONDS [TARGET…]`. `fuzz/run.py` describes the options.
# The stable compiler is sufficient, because the code has no unsafe blocks and needs no sanitizer. Comparisons are not recorded: that
# would take a quarter of the time, and `words.dict` contains the words that matter.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
# Does nothing if the tool is installed. It runs only once, so it is built without optimization.
CARGO_PROFILE_RELEASE_OPT_LEVEL=0 cargo install --quiet --locked --root "$target/tools" --target-dir "$target/tools/build" cargo-fuzz@0.13.2
rm -rf "$target/tools/build"
export PATH="$target/tools/bin:$PATH"

# libFuzzer is C++. CI builds the targets without most optimizations, and libFuzzer would then take half the time.
export CXXFLAGS="${CXXFLAGS:--O2}"
cargo fuzz build --sanitizer none --no-trace-compares --target-dir "$target/fuzz"
exec python3 fuzz/run.py "$target"/fuzz/*/release "$@"
