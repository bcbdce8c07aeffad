#!/usr/bin/env bash
# Prints which lines and regions the tests run: `coverage.sh [WORDS OF cargo llvm-cov test]`.
#
# The tools that read profiles have to be of the LLVM that rustc was built with: the component `llvm-tools` of rustup, or
# `llvm-cov-22` and `llvm-profdata-22` (as Debian's package llvm-22 has them) for a rustc with LLVM 22, or LLVM_COV and
# LLVM_PROFDATA. Then the lines that no test runs, of the parts where a mistake costs most.
set -euo pipefail
cd "$(dirname "$0")/../.."

target="${CARGO_TARGET_DIR:-target}"
python3 -m venv "$target/proof"
"$target/proof/bin/pip" install --quiet --requirement tests/proof/requirements.txt
tool="$target/proof/bin/cargo-llvm-cov"

major="$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')"
if command -v "llvm-cov-$major" "llvm-profdata-$major" >/dev/null; then
    export LLVM_COV="${LLVM_COV:-llvm-cov-$major}" LLVM_PROFDATA="${LLVM_PROFDATA:-llvm-profdata-$major}"
fi
# A few files that runs add to: the tests start the program some ten thousand times.
export LLVM_PROFILE_FILE_NAME='stackref-%8m.profraw'

"$tool" llvm-cov test --locked --no-report "$@"
# A run that a test kills may leave half a file.
"$tool" llvm-cov report --failure-mode all
echo
echo 'Lines that no test runs:'
"$tool" llvm-cov report --failure-mode all --show-missing-lines |
    sed -n "/^Uncovered Lines/,\$ s#^$PWD/##p" | grep -E '^src/(reference|document|render|write)(\.rs|/)' || true
