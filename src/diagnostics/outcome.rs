//! How a run ended, and the exit code that says so. A format never changes it.

use std::process::ExitCode;

/// The end of a run, in rising order of what overrides what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing found, or only warnings.
    #[default]
    Clean,
    /// Findings.
    Findings,
    /// An inventory could not answer: forbidden, unreachable, timed out.
    Unanswered,
    /// Wrong usage, config or path.
    Usage,
    /// Somebody did not want to go on: Ctrl-C.
    Interrupted,
}

impl Outcome {
    /// The exit code: 0, 1, 3, 2 and 130.
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
    fn what_could_not_be_answered_beats_findings_and_wrong_usage_beats_both() {
        assert_eq!([Clean, Findings, Usage, Unanswered].map(super::Outcome::code), [0, 1, 2, 3]);
        assert_eq!(Findings.max(Unanswered).max(Clean), Unanswered);
        assert_eq!(Unanswered.max(Usage), Usage);
    }
}
