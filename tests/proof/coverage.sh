#!/usr/bin/env bash
# Prints the test coverage of lines and regions: `coverage.sh [ARGUMENTS OF cargo llvm-cov test]`. Then prints the lines without
# coverage in the most critical modules.
#
# The tools that read profiles must match the LLVM version of rustc. They are the rustup component `llvm-tools`, LLVM_COV and
# LLVM_PROFDATA, or, for example, `llvm-cov-22` and `llvm-profdata-22` of Debian's package llvm-22.
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
# The tests start the program about 10,000 times, so several runs share a file.
export LLVM_PROFILE_FILE_NAME='stackref-%8m.profraw'

"$tool" llvm-cov test --locked --no-report "$@"
# A run that a test kills may leave a truncated file.
"$tool" llvm-cov report --failure-mode all
echo
echo 'Lines that no test runs:'
"$tool" llvm-cov report --failure-mode all --show-missing-lines |
    sed -n "/^Uncovered Lines/,\$ s#^$PWD/##p" | grep -E '^src/(reference|document|render|write)(\.rs|/)' || true
