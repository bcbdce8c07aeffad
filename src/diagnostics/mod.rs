//! Findings, which are data, and failures, which stop a run. Both show excerpts and determine the
//! exit code.

pub mod outcome;
mod value_guess;
pub mod excerpt;
pub mod error;
pub mod rule_id;
pub mod finding;
pub mod finding_builder;
pub mod fingerprint;
