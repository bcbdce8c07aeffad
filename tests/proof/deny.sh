#!/usr/bin/env bash
# Checks the dependencies with `deny.toml`: licences, duplicate crates, sources and advisories.
#
# The advisories are a git repository. If it cannot be reached, the script skips them and prints a warning. ADVISORY_DB is the path
# of a local copy to use instead.
set -euo pipefail
cd "$(dirname "$0")/../.."

target="${CARGO_TARGET_DIR:-target}"
python3 -m venv "$target/proof"
"$target/proof/bin/pip" install --quiet --requirement tests/proof/requirements.txt

database=https://github.com/RustSec/advisory-db
if [ -n "${ADVISORY_DB:-}" ]; then
    export GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0="url.file://$ADVISORY_DB.insteadOf" GIT_CONFIG_VALUE_0="$database"
    export GIT_CONFIG_KEY_1=safe.directory GIT_CONFIG_VALUE_1='*'
fi
checks=(licenses bans sources)
if GIT_TERMINAL_PROMPT=0 timeout 30 git ls-remote --exit-code "$database" HEAD >/dev/null 2>&1; then
    checks+=(advisories)
fi
# Also reports entries of deny.toml that are no longer needed.
"$target/proof/bin/cargo-deny" --locked check --hide-inclusion-graph \
    --deny unmatched-skip --deny unnecessary-skip --deny advisory-not-detected --deny license-exception-not-encountered "${checks[@]}"
# The fuzz targets are not distributed, so only the sources and advisories of their crates matter.
"$target/proof/bin/cargo-deny" --manifest-path fuzz/Cargo.toml --locked --config deny.toml check --hide-inclusion-graph sources "${checks[@]:3}"
if [ "${#checks[@]}" -eq 3 ]; then
    echo "warning: $database cannot be reached: advisories and yanked crates were NOT checked" >&2
fi
