//! The one clock.

use crate::model::Instant;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::time::{Duration, Instant as Moment};

/// The current instant.
pub fn now() -> Instant {
    Instant::from_micros(jiff::Timestamp::now().as_microsecond())
}

/// An identifier for a run that begins: unique, and in the order of time.
pub fn new_run_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// RFC 3339, a space for the T allowed; UTC where there is no zone; plausible years only.
/// An instant as it is typed or written: RFC 3339, in UTC where no zone is named.
pub fn parse_instant(text: &str) -> Option<Instant> {
    let text = text.trim();
    // RFC 9557 goes on after RFC 3339; what stands there would be left out.
    if text.contains('[') {
        return None;
    }
    let micros = match text.parse::<jiff::Timestamp>() {
        Ok(instant) => instant.as_microsecond(),
        Err(_) => {
            let civil: DateTime = text.parse().ok()?;
            TimeZone::UTC.to_timestamp(civil).ok()?.as_microsecond()
        }
    };
    Instant::plausible(micros)
}

/// Measures the stages of a run.
pub struct Stopwatch {
    started: Moment,
    lap: Moment,
}

impl Stopwatch {
    /// Starts it.
    #[expect(clippy::new_without_default, reason = "starting a clock is no default")]
    pub fn new() -> Stopwatch {
        let started = Moment::now();
        Stopwatch {
            started,
            lap: started,
        }
    }

    /// The time since the last lap, which goes on.
    pub fn since_lap(&self) -> Duration {
        self.lap.elapsed()
    }

    /// The time since the last lap, which ends.
    pub fn lap(&mut self) -> Duration {
        let now = Moment::now();
        now.duration_since(std::mem::replace(&mut self.lap, now))
    }

    /// The time since the start.
    pub fn total(&self) -> Duration {
        self.started.elapsed()
    }
}
