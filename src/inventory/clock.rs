//! How long an inventory may still take: for one answer, and for all of a run.

use crate::config::Limits;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The limits of an inventory, running from its first call.
pub struct Clock {
    limits: Limits,
    started: OnceLock<Instant>,
}

impl Clock {
    /// A clock that has not started.
    pub fn new(limits: Limits) -> Self {
        Self { limits, started: OnceLock::new() }
    }

    /// For the next answer.
    ///
    /// # Errors
    /// In words, where the time of the whole run is over.
    pub fn answer(&self) -> Result<Duration, String> {
        let spent = self.started.get_or_init(Instant::now).elapsed();
        match self.limits.run.checked_sub(spent).filter(|left| !left.is_zero()) {
            Some(left) => Ok(left.min(self.limits.answer)),
            None => {
                Err(format!("its answers took more than {} s together (`run_timeout`)", self.limits.run.as_secs_f32()))
            }
        }
    }
}
