#!/usr/bin/env bash
# Builds and tests with the oldest Rust that Cargo.toml promises, where rustup has it; says on standard error where it has not.
set -euo pipefail
cd "$(dirname "$0")/../.."

oldest="$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)"
if ! cargo "+$oldest" --version >/dev/null 2>&1; then
    echo "warning: NOT tested with Rust $oldest: \`rustup toolchain install $oldest --profile minimal\` gets it" >&2
    exit 0
fi
# A folder of its own, so that the newest Rust's is not built over.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/rust-$oldest"
cargo "+$oldest" build --locked --all-features
cargo "+$oldest" test --locked
