//! Facts about ZenML: the grammar of references, the flavors of each version, and the keywords of
//! its files. Nothing here does I/O.

pub mod grammar;
pub mod run_config_keys;
pub mod keywords;
pub mod flavors;
