//! Facts about ZenML: the grammar of references, the flavors of each version, the keywords of its files. No I/O.

pub mod grammar;
pub mod keywords;
pub mod flavors;
