#!/usr/bin/env bash
# Runs each fuzz target for some seconds: `fuzz/run.sh SECONDS [TARGET…]`. Without a target, runs all of them.
# The stable compiler is sufficient, because the code has no unsafe blocks and needs no sanitizer. Failing inputs are written to
# fuzz/artifacts/TARGET. After the fix, move them to fuzz/regressions, so that `cargo test` runs them.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
shift
target=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
# Does nothing if the tool is installed. It runs only once, so it is built without optimization.
CARGO_PROFILE_RELEASE_OPT_LEVEL=0 cargo install --quiet --locked --root "$target/tools" --target-dir "$target/tools/build" cargo-fuzz@0.13.2
rm -rf "$target/tools/build"
export PATH="$target/tools/bin:$PATH"

cargo fuzz build --sanitizer none --target-dir "$target/fuzz"
seeds=(fixtures)
for folder in fuzz/regressions "${STACKREF_CORPORA:-../shared/corpora}"; do
    if [ -d "$folder" ]; then
        seeds+=("$folder")
    fi
done
if [ $# -eq 0 ]; then
    targets=$(cargo fuzz list)
    set -- $targets
fi
for name in "$@"; do
    echo "-- $name, $seconds s"
    mkdir -p "fuzz/corpus/$name" "fuzz/artifacts/$name"
    log=fuzz/artifacts/$name.log
    # Some targets write files, which is faster in memory.
    if ! TMPDIR=$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}") \
        "$target"/fuzz/*/release/"$name" "fuzz/corpus/$name" "${seeds[@]}" -artifact_prefix="fuzz/artifacts/$name/" \
        -dict=fuzz/words.dict -max_total_time="$seconds" -max_len=4096 -timeout=20 -print_final_stats=1 >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        exit 1
    fi
    grep -E '^(Done|stat::number_of_executed_units)|INITED' "$log"
    echo "   corpus: $(find "fuzz/corpus/$name" -type f | wc -l) files"
done
