//! The environments of a config: which inventories they use, and the values of variables in them.
//!
//! Reading them from a table is in [`super::environment_tables`].

use super::Level;
use crate::text::source::Span;
use std::collections::BTreeMap;

/// An environment of a config, such as `prod`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentConfig {
    /// Its name, as in `[environment.NAME]`.
    pub name: String,
    /// The names of its inventories, in the order in which they are queried.
    pub inventory: Vec<String>,
    /// The values of variables in dynamic references.
    pub variables: BTreeMap<String, String>,
    /// `level`. `None` means that of the config.
    pub level: Option<Level>,
    /// The location of the value of `level`.
    pub level_span: Option<Span>,
    /// Whether this run uses it. `--environment` deselects all others.
    pub is_selected: bool,
}

/// The inventories that an entry of `[[stacks]]` names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RouteTarget {
    /// The names of inventories, in the order in which they are queried.
    Inventories(Vec<String>),
    /// The names of environments. Each reference is looked up in each of them.
    Environments(Vec<String>),
}
