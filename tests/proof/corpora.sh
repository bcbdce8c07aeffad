#!/usr/bin/env bash
# Prints the folder of the public test suites of YAML and JSON. It is `STACKREF_CORPORA`, `../shared/corpora`, or a folder in the
# target folder, to which the script downloads the commits that docs/dev/conformance.md names.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -n "${STACKREF_CORPORA:-}" ]; then
    echo "$STACKREF_CORPORA"
    exit
fi
if [ -d ../shared/corpora ]; then
    echo "$PWD/../shared/corpora"
    exit
fi

# Downloads some folders of a repository at one commit.
fetch() {
    local folder="$1" repository="$2" commit="$3"
    shift 3
    if [ ! -d "$folder" ]; then
        rm -rf "$folder.new"
        git init --quiet "$folder.new"
        git -C "$folder.new" remote add origin "$repository"
        git -C "$folder.new" sparse-checkout set --no-cone "$@"
        git -C "$folder.new" fetch --quiet --depth 1 --filter blob:none origin "$commit"
        git -C "$folder.new" checkout --quiet FETCH_HEAD
        rm -rf "$folder.new/.git"
        mv "$folder.new" "$folder"
    fi
}

corpora="$(mkdir -p "${CARGO_TARGET_DIR:-target}/corpora" && cd "${CARGO_TARGET_DIR:-target}/corpora" && pwd)"
fetch "$corpora/yaml-test-suite" https://github.com/yaml/yaml-test-suite 6ad3d2c62885d82fc349026c136ef560838fdf3d '/[0-9A-Z]*/'
fetch "$corpora/json-test-suite" https://github.com/nst/JSONTestSuite 1ef36fa01286573e846ac449e8683f8833c5b26a /test_parsing/
echo "$corpora"
