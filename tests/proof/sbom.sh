#!/usr/bin/env bash
# Writes `stackref.cdx.json`, the list of all crates in a build for this platform (CycloneDX), into the target folder:
# `sbom.sh [--all-features]`.
#
# It is the same for the same commit and platform: its time is the commit's, and no path of the machine is in it.
set -euo pipefail
cd "$(dirname "$0")/../.."

target="${CARGO_TARGET_DIR:-target}"
# Nothing is done where it is there. How fast it runs is nothing here, and building it is most of the time.
CARGO_PROFILE_RELEASE_OPT_LEVEL=0 cargo install --quiet --locked --root "$target/tools" \
    --target-dir "$target/tools/build" cargo-cyclonedx@0.5.9
rm -rf "$target/tools/build"

SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)"
export SOURCE_DATE_EPOCH
# It writes beside the manifest, and takes the lock as it is only where that needs no change.
trap 'rm -f stackref.cdx.json' EXIT
cargo metadata --locked --format-version 1 >/dev/null
"$target/tools/bin/cargo-cyclonedx" cyclonedx --format json --spec-version 1.5 --override-filename stackref.cdx "$@"
sed "s#path+file://$PWD#path+file:///stackref#g" stackref.cdx.json >"$target/stackref.cdx.json"
echo "$target/stackref.cdx.json"
