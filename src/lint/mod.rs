//! From files to findings: analysis, rules, look-ups, suppressions.

pub mod subject;
pub mod rule;
pub mod rules;
mod load_checks;
pub mod analysis;
mod file_reader;
mod passed_configs;
pub mod disk_repository;
pub mod scan;
pub mod other_files;
pub mod settings;
pub mod suggestions;
pub mod declared_secrets;
pub mod resolve;
pub mod reference_checks;
mod dynamic_names;
pub mod inventory_checks;
pub mod suppressions;
pub mod baseline;
pub mod coverage;
pub mod report;
pub mod pipeline;
pub mod leaks;
pub mod reference_list;
pub mod missing_keys;
pub mod matrix;
pub mod secret_list;
