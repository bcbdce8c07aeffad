//! The matrix of secrets and environments: which secrets and keys exist in which environment, and
//! which files use them.

mod matrix_builder;

pub use matrix_builder::{build, environment_inventories};

/// Secrets and keys, with a cell for each environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    /// The names of the environments, in the order of their columns.
    pub environments: Vec<String>,
    /// The secrets and keys, sorted by secret and then by key.
    pub rows: Vec<MatrixRow>,
}

/// A key, or a whole secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixRow {
    /// The name of the secret.
    pub secret: String,
    /// The key. `None` for a whole secret: one without keys, or one of which only the name is used
    /// or known.
    pub key: Option<String>,
    /// The state in each environment, in the order of the environments.
    pub cells: Vec<MatrixCell>,
    /// The places that use the secret or key.
    pub uses: Vec<MatrixUse>,
}

/// The state of a secret or key in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatrixCell {
    /// It is used and exists.
    Ok,
    /// It is used, but does not exist.
    Missing,
    /// It exists, but is not used.
    Unused,
    /// It is not used and does not exist.
    Absent,
    /// It was not looked up, or the inventory could not answer.
    Unknown,
}

/// A place that uses a secret or key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatrixUse {
    /// The path of the file, or the address of a registered component.
    pub path: String,
    /// The line, counted from 1. A registered component has no line: 0.
    pub line: usize,
    /// The stack.
    pub stack: Option<String>,
}

impl MatrixRow {
    /// Returns the name that a reference has: `secret.key`, or only the secret.
    pub fn name(&self) -> String {
        match &self.key {
            Some(key) => format!("{}.{key}", self.secret),
            None => self.secret.clone(),
        }
    }

    /// Returns whether the secret or key is used and missing in an environment.
    pub fn is_missing(&self) -> bool {
        self.cells.contains(&MatrixCell::Missing)
    }
}

impl MatrixUse {
    /// Returns `path:line`, or only the path if there is no line.
    pub fn location(&self) -> String {
        match self.line {
            0 => self.path.clone(),
            line => format!("{}:{line}", self.path),
        }
    }
}
