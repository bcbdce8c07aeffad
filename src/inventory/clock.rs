//! How long an inventory may still take: for one answer, and for all of a run. The time in which nobody waits for it, as while
//! a person types, does not count.

use crate::config::Limits;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The limits of an inventory, and what is spent of them.
pub struct Clock {
    limits: Limits,
    state: Mutex<State>,
}

struct State {
    /// Calls that are under way.
    active: usize,
    /// Since when there is one.
    since: Instant,
    spent: Duration,
}

/// A call that is under way.
pub struct Turn<'c> {
    clock: &'c Clock,
    /// How long it may take.
    pub limit: Duration,
}

impl Clock {
    /// A clock that has not started.
    pub fn new(limits: Limits) -> Self {
        Self { limits, state: Mutex::new(State { active: 0, since: Instant::now(), spent: Duration::ZERO }) }
    }

    /// Begins a call.
    ///
    /// # Errors
    /// In words, where the time of the whole run is over.
    pub fn begin(&self) -> Result<Turn<'_>, String> {
        let mut state = self.state();
        let running = if state.active > 0 { state.since.elapsed() } else { Duration::ZERO };
        let Some(left) = self.limits.run.checked_sub(state.spent + running).filter(|left| !left.is_zero()) else {
            let run = self.limits.run.as_secs_f32();
            return Err(format!("its answers took more than {run} s together (`run_timeout`)"));
        };
        if state.active == 0 {
            state.since = Instant::now();
        }
        state.active += 1;
        Ok(Turn { clock: self, limit: left.min(self.limits.answer) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.clock.state();
        state.active -= 1;
        if state.active == 0 {
            let busy = state.since.elapsed();
            state.spent += busy;
        }
    }
}
