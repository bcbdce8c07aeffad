#!/usr/bin/env bash
# Holds what is depended on to `deny.toml`: licences, two versions of one crate, where crates come from, and advisories.
#
# Advisories are a git repository. Where that cannot be reached the rest is looked at, and standard error says so;
# ADVISORY_DB names a copy of it to be asked instead.
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
# A skip or an ignore that nothing needs any more is a mistake, too.
"$target/proof/bin/cargo-deny" --locked check --hide-inclusion-graph \
    --deny unmatched-skip --deny unnecessary-skip --deny advisory-not-detected --deny license-exception-not-encountered "${checks[@]}"
# The fuzz targets are given to nobody: what counts is where their crates come from, and what is known of those.
"$target/proof/bin/cargo-deny" --manifest-path fuzz/Cargo.toml --locked --config deny.toml check --hide-inclusion-graph sources "${checks[@]:3}"
if [ "${#checks[@]}" -eq 3 ]; then
    echo "warning: $database cannot be reached: advisories were NOT looked at, nor crates that were taken back" >&2
fi
