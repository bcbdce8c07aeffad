#!/usr/bin/env bash
# Builds what is committed twice, with different folders for the source, the target and cargo's home, and compares the bytes.
#
# What would differ is paths: those of dependencies stand in the messages of panics. They are mapped to fixed names, as a
# release that is to be built again by others needs it. Ends with 1 where the programs differ, and keeps both.
set -euo pipefail
cd "$(dirname "$0")/../.."

target="${CARGO_TARGET_DIR:-target}"
mkdir -p "$target"
scratch="$(cd "$target" && pwd)/reproducible"
rm -rf "$scratch"
commit="$(git rev-parse HEAD)"

# The second path is longer, so that not even its length may matter.
for place in "$scratch/a" "$scratch/another/folder/further/down"; do
    mkdir -p "$place/source"
    git archive "$commit" | tar --extract --directory "$place/source"
    (
        cd "$place/source"
        export CARGO_HOME="$place/home" CARGO_TARGET_DIR="$place/target"
        maps=("$CARGO_HOME/registry/src=/crates" "$CARGO_TARGET_DIR=/target" "$place/source=/stackref")
        export RUSTFLAGS="${maps[*]/#/--remap-path-prefix=}" CFLAGS="${maps[*]/#/-ffile-prefix-map=}"
        cargo build --quiet --locked --release "$@"
    )
    mv "$place/target/release/stackref" "$place/stackref"
    # All but the program is large.
    rm -rf "${place:?}/target" "${place:?}/home"
    sha256sum "$place/stackref"
done

if ! cmp "$scratch/a/stackref" "$scratch/another/folder/further/down/stackref"; then
    echo 'two builds of the same source are not the same' >&2
    exit 1
fi
if grep --text --quiet "$scratch" "$scratch/a/stackref"; then
    echo 'a path of this machine is in the program' >&2
    exit 1
fi
echo "the same bytes, and no path of this machine in them ($(rustc --version))"
