//! Properties of all inputs, one function for each fuzz target.
//!
//! libFuzzer generates the inputs of `fuzz_targets/`. `cargo test` uses each seed, and mutations of
//! seeds.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a violated property panics"
)]

mod check;
mod fix;
mod grammar;
mod readers;
mod references;
mod render;
mod scanning;
mod second;
mod session;
mod store;
mod variants;

pub use check::{
    check_host, check_json, check_markdown, check_notebook, check_python, check_script,
    check_terraform, check_toml, check_yaml,
};
pub use fix::fix;
pub use readers::readers;
pub use references::references;
pub use render::{render, render_as};
pub use scanning::scan;
pub use session::session;
pub use variants::Variants;

/// A property. It panics if an input violates it.
pub type Property = fn(&[u8], Variants);
