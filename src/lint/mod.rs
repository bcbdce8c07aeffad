//! From files to findings: the rules, the look-ups, the suppressions.

pub mod rules;
pub mod scan;
pub mod suppressions;
pub mod baseline;
pub mod leaks;
pub mod pipeline;
pub mod reference_list;
pub mod missing_keys;
pub mod secret_list;
