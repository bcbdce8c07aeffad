//! The outcome of a run and its exit code. It does not depend on the report format.

use std::process::ExitCode;

/// The outcome of a run. If several apply, the greatest one determines the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// No findings, or only warnings.
    #[default]
    Clean,
    /// Findings that are errors.
    Findings,
    /// An inventory could not be read, for example because of missing permissions or a timeout.
    Unanswered,
    /// An invalid command line, config or path.
    Usage,
    /// The user stopped the run with Ctrl-C.
    Interrupted,
}

impl Outcome {
    /// Returns the exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Unanswered => 3,
            Self::Usage => 2,
            Self::Interrupted => 130,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Clean, Findings, Unanswered, Usage};

    #[test]
    fn usage_overrides_unanswered_and_unanswered_overrides_findings() {
        assert_eq!(
            [Clean, Findings, Usage, Unanswered].map(super::Outcome::code),
            [0, 1, 2, 3]
        );
        assert_eq!(Findings.max(Unanswered).max(Clean), Unanswered);
        assert_eq!(Unanswered.max(Usage), Usage);
    }
}
