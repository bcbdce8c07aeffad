#!/usr/bin/env bash
# Builds and tests with the oldest Rust version that Cargo.toml supports. Prints a warning if it is not installed.
set -euo pipefail
cd "$(dirname "$0")/../.."

oldest="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"
if ! cargo "+$oldest" --version >/dev/null 2>&1; then
    echo "warning: NOT tested with Rust $oldest: install it with \`rustup toolchain install $oldest --profile minimal\`" >&2
    exit 0
fi
# A separate folder keeps the build of the newest Rust.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/rust-$oldest"
cargo "+$oldest" build --locked --all-features
cargo "+$oldest" test --locked
