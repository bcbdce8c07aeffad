#!/usr/bin/env bash
# Writes `stackref.cdx.json`, the list of all crates in a build for this platform (CycloneDX), into the target folder:
# `sbom.sh [--all-features]`.
#
# The output depends only on the commit and the platform. Its date is that of the commit, and it contains no path of the machine.
set -euo pipefail
cd "$(dirname "$0")/../.."

target="${CARGO_TARGET_DIR:-target}"
# Does nothing if the tool is installed. It runs only briefly, so it is built without optimization.
CARGO_PROFILE_RELEASE_OPT_LEVEL=0 cargo install --quiet --locked --root "$target/tools" \
    --target-dir "$target/tools/build" cargo-cyclonedx@0.5.9
rm -rf "$target/tools/build"

SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)"
export SOURCE_DATE_EPOCH
# cargo-cyclonedx writes next to the manifest. The next command fails if Cargo.lock is out of date.
trap 'rm -f stackref.cdx.json' EXIT
cargo metadata --locked --format-version 1 >/dev/null
"$target/tools/bin/cargo-cyclonedx" cyclonedx --format json --spec-version 1.5 --override-filename stackref.cdx "$@"
sed "s#path+file://$PWD#path+file:///stackref#g" stackref.cdx.json >"$target/stackref.cdx.json"
echo "$target/stackref.cdx.json"
