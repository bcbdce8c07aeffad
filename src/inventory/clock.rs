//! The time limits of an inventory: one for each answer, and one for all the answers of a run. The second counts whatever the
//! inventory is waited for: calls, the pauses between two tries, and the work on an answer. Time in which nobody waits for
//! it does not count, for example while a person types.

use crate::project::config::TimeLimits;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The limits of an inventory, and how much of them is spent.
#[derive(Clone)]
pub struct TimeBudget {
    limits: TimeLimits,
    state: Arc<Mutex<BudgetState>>,
}

struct BudgetState {
    /// Calls that are under way.
    active: usize,
    /// Since when there is one.
    active_since: Instant,
    spent: Duration,
}

/// A call that is under way, until this is dropped. Whoever works on an answer keeps it for that long.
pub struct Permit {
    budget: TimeBudget,
    /// How long the answer may take.
    pub limit: Duration,
    /// How much of the run's time was left when the turn began.
    pub remaining: Duration,
}

impl TimeBudget {
    /// Creates a clock that has not started.
    pub fn new(limits: TimeLimits) -> Self {
        let state = BudgetState { active: 0, active_since: Instant::now(), spent: Duration::ZERO };
        Self { limits, state: Arc::new(Mutex::new(state)) }
    }

    /// Begins a call.
    ///
    /// # Errors
    /// In words, if the time of the whole run is over.
    pub fn begin(&self) -> Result<Permit, String> {
        let mut state = self.state();
        let left = self.remaining(&state)?;
        if state.active == 0 {
            state.active_since = Instant::now();
        }
        state.active += 1;
        Ok(Permit { budget: self.clone(), limit: left.min(self.limits.answer), remaining: left })
    }

    /// Returns how much of the run's time is left, or an error in words if nothing is.
    fn remaining(&self, state: &BudgetState) -> Result<Duration, String> {
        let running = if state.active > 0 { state.active_since.elapsed() } else { Duration::ZERO };
        let left = self.limits.run.checked_sub(state.spent + running).filter(|left| !left.is_zero());
        left.ok_or_else(|| {
            format!("its answers took more than {} s together (`run_timeout`)", self.limits.run.as_secs_f32())
        })
    }

    fn state(&self) -> MutexGuard<'_, BudgetState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Begins another try of the same call, with a limit of its own.
    ///
    /// # Errors
    /// In words, if the time of the whole run is over.
    pub fn renew(&mut self) -> Result<(), String> {
        self.remaining = self.budget.remaining(&self.budget.state())?;
        self.limit = self.remaining.min(self.budget.limits.answer);
        Ok(())
    }

    /// Describes that the answer did not come within its limit.
    pub fn timeout_message(&self) -> String {
        if self.limit < self.budget.limits.answer {
            return format!("no answer before {} s were over (`run_timeout`)", self.budget.limits.run.as_secs_f32());
        }
        format!("no answer within {} s (`timeout`)", self.limit.as_secs_f32())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.budget.state();
        state.active -= 1;
        if state.active == 0 {
            let busy = state.active_since.elapsed();
            state.spent += busy;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_with_the_time_of_its_turns_and_not_with_that_between_them() {
        let run = Duration::from_millis(200);
        let clock = TimeBudget::new(TimeLimits { run, ..TimeLimits::default() });
        std::thread::sleep(run);
        let mut turn = clock.begin().unwrap();
        assert!(turn.limit <= run && turn.timeout_message().contains("run_timeout"), "{}", turn.timeout_message());
        std::thread::sleep(run);
        assert!(turn.renew().is_err_and(|words| words.contains("`run_timeout`")));
        drop(turn);
        assert!(clock.begin().is_err());
    }
}
