//! The kinds of files in which stackref finds references.

/// A kind of file in which stackref finds references.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// Stack files, run configs and component specs.
    Stacks,
    /// Shell scripts, Makefiles and other files with commands.
    Scripts,
    /// Documentation with commands.
    Docs,
}

impl SourceKind {
    /// Returns the name that reports and configs use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stacks => "stacks",
            Self::Scripts => "scripts",
            Self::Docs => "docs",
        }
    }
}
