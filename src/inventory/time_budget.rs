//! The time limits of an inventory: `timeout` for each answer, `run_timeout` for all answers of a
//! run together.
//!
//! `run_timeout` counts the time in which stackref waits for the inventory: calls, pauses between
//! attempts, and the processing of answers. Other time does not count, for example while a user
//! types at a prompt.

use crate::project::config::TimeLimits;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time limits of an inventory, and how much of `run_timeout` is spent.
#[derive(Clone)]
pub struct TimeBudget {
    limits: TimeLimits,
    state: Arc<Mutex<BudgetState>>,
}

struct BudgetState {
    /// The number of calls that are running.
    active: usize,
    /// When the first of the running calls began.
    active_since: Instant,
    spent: Duration,
}

/// The permission to make one call. Time is counted until it is dropped, so code that processes an
/// answer keeps the permit until it has finished.
pub struct Permit {
    budget: TimeBudget,
    /// The time that the answer may take.
    pub limit: Duration,
    /// The part of `run_timeout` that was left when the attempt began.
    pub remaining: Duration,
}

impl TimeBudget {
    /// Creates a budget of which nothing is spent.
    pub fn new(limits: TimeLimits) -> Self {
        let state = BudgetState {
            active: 0,
            active_since: Instant::now(),
            spent: Duration::ZERO,
        };
        Self {
            limits,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Begins a call.
    ///
    /// # Errors
    /// Returns a message if `run_timeout` is used up.
    pub fn begin(&self) -> Result<Permit, String> {
        let mut state = self.state();
        let remaining = self.remaining(&state)?;
        if state.active == 0 {
            state.active_since = Instant::now();
        }
        state.active += 1;
        Ok(Permit {
            budget: self.clone(),
            limit: remaining.min(self.limits.answer),
            remaining,
        })
    }

    /// Returns the part of `run_timeout` that is left, or a message if nothing is.
    fn remaining(&self, state: &BudgetState) -> Result<Duration, String> {
        let running = if state.active > 0 {
            state.active_since.elapsed()
        } else {
            Duration::ZERO
        };
        let remaining = self
            .limits
            .run
            .checked_sub(state.spent + running)
            .filter(|left| !left.is_zero());
        remaining.ok_or_else(|| {
            format!(
                "all answers together took more than {} s (`run_timeout`)",
                self.limits.run.as_secs_f32()
            )
        })
    }

    fn state(&self) -> MutexGuard<'_, BudgetState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Begins another attempt of the same call, with a new limit.
    ///
    /// # Errors
    /// Returns a message if `run_timeout` is used up.
    pub fn renew(&mut self) -> Result<(), String> {
        self.remaining = self.budget.remaining(&self.budget.state())?;
        self.limit = self.remaining.min(self.budget.limits.answer);
        Ok(())
    }

    /// Returns the message for an answer that exceeded its limit.
    pub fn timeout_message(&self) -> String {
        if self.limit < self.budget.limits.answer {
            let run = self.budget.limits.run.as_secs_f32();
            return format!("no answer within the {run} s of the whole run (`run_timeout`)");
        }
        format!(
            "no answer within {} s (`timeout`)",
            self.limit.as_secs_f32()
        )
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
    fn run_timeout_counts_calls_and_not_the_time_between_them() {
        let run = Duration::from_millis(200);
        let budget = TimeBudget::new(TimeLimits {
            run,
            ..TimeLimits::default()
        });
        std::thread::sleep(run);
        let mut permit = budget.begin().unwrap();
        assert!(
            permit.limit <= run && permit.timeout_message().contains("run_timeout"),
            "{}",
            permit.timeout_message()
        );
        std::thread::sleep(run);
        assert!(
            permit
                .renew()
                .is_err_and(|message| message.contains("`run_timeout`"))
        );
        drop(permit);
        assert!(budget.begin().is_err());
    }
}
