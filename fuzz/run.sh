#!/usr/bin/env bash
# Runs the fuzz targets for so many seconds each: `fuzz/run.sh SECONDS [TARGET…]`, all targets if none is named.
# The stable compiler is enough, as no sanitizer is used: there is no unsafe code. What a target finds is left in
# fuzz/artifacts/TARGET; put it below fuzz/regressions once it is mended, and `cargo test` runs it from then on.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
shift
target=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
# Nothing is done where it is there. The tool is used once, so a quick build is better than a quick tool.
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
    # The files that some targets write are better off in memory.
    if ! TMPDIR=$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}") \
        "$target"/fuzz/*/release/"$name" "fuzz/corpus/$name" "${seeds[@]}" -artifact_prefix="fuzz/artifacts/$name/" \
        -dict=fuzz/words.dict -max_total_time="$seconds" -max_len=4096 -timeout=20 -print_final_stats=1 >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        exit 1
    fi
    grep -E '^(Done|stat::number_of_executed_units)|INITED' "$log"
    echo "   corpus: $(find "fuzz/corpus/$name" -type f | wc -l) files"
done
