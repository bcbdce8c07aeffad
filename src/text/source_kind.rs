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
    /// Python and the code of notebooks.
    Python,
    /// Terraform.
    Terraform,
}

impl SourceKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 5] = [
        Self::Stacks,
        Self::Scripts,
        Self::Docs,
        Self::Python,
        Self::Terraform,
    ];

    /// Returns the kind with a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Returns the name that reports and configs use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stacks => "stacks",
            Self::Scripts => "scripts",
            Self::Docs => "docs",
            Self::Python => "python",
            Self::Terraform => "terraform",
        }
    }
}
