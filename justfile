# What CI does.
ci:
    bash .ci/run

# The tests, faster.
test:
    cargo nextest run

# Writes what the cases of the command line print now; read the difference.
bless:
    STACKREF_BLESS=1 cargo test every_case

# Compares with ripgrep, in one run.
bench:
    cargo build --release
    python3 benches/compare.py
