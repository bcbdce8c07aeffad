#!/usr/bin/env bash
# Builds HEAD twice, with different folders for the source, the target and cargo's home, and compares the binaries.
#
# Panic messages contain paths of dependencies, so the build maps all paths to fixed names. The exit code is 1 if the binaries
# differ, and both are kept.
set -euo pipefail
cd "$(dirname "$0")/../.."

target="${CARGO_TARGET_DIR:-target}"
mkdir -p "$target"
scratch="$(cd "$target" && pwd)/reproducible"
rm -rf "$scratch"
commit="$(git rev-parse HEAD)"

# The second path is longer, to test that the length of a path does not matter.
for folder in "$scratch/a" "$scratch/another/folder/further/down"; do
    mkdir -p "$folder/source"
    git archive "$commit" | tar --extract --directory "$folder/source"
    (
        cd "$folder/source"
        export CARGO_HOME="$folder/home" CARGO_TARGET_DIR="$folder/target"
        maps=("$CARGO_HOME/registry/src=/crates" "$CARGO_TARGET_DIR=/target" "$folder/source=/stackref")
        export RUSTFLAGS="${maps[*]/#/--remap-path-prefix=}" CFLAGS="${maps[*]/#/-ffile-prefix-map=}"
        cargo build --quiet --locked --release "$@"
    )
    mv "$folder/target/release/stackref" "$folder/stackref"
    # Frees disk space.
    rm -rf "${folder:?}/target" "${folder:?}/home"
    sha256sum "$folder/stackref"
done

if ! cmp "$scratch/a/stackref" "$scratch/another/folder/further/down/stackref"; then
    echo 'two builds of the same source differ' >&2
    exit 1
fi
if grep --text --quiet "$scratch" "$scratch/a/stackref"; then
    echo 'the binary contains a path of this machine' >&2
    exit 1
fi
echo "identical binaries without paths of this machine ($(rustc --version))"
