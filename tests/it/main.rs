//! Everything that is tested from outside the library.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests may panic and print"
)]

mod cases;
mod fixes;
mod hostile;
mod kinds;
mod layers;
mod leaks;
mod levels;
mod properties;
mod put;
mod readme;
mod references;
mod register;
mod render;
mod server;
mod stores;
mod suites;
mod support;
