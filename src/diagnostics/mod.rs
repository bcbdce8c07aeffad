//! Findings, which are data, and errors, which stop a run; the excerpts that both show; exit codes.

pub mod outcome;
pub mod excerpt;
pub mod error;
pub mod rule_id;
pub mod finding;
pub mod finding_builder;
pub mod fingerprint;
