# What CI does.
ci:
    bash .ci/run

# The tests, faster.
test:
    cargo nextest run

# Writes what the cases of the command line print now; read the difference.
bless:
    STACKREF_BLESS=1 cargo test every_case

# Real stores on loopback; installs them into the target folder first.
live:
    cargo build --features aws
    python3 tests/live/run.py target/debug/stackref target/live

# Compares with ripgrep, in one run.
bench:
    cargo build --release
    python3 benches/compare.py
