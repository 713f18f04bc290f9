//! Instants and hours, in UTC.

use std::fmt;

/// Microseconds in an hour.
pub const HOUR: i64 = 3_600_000_000;

/// A point in time: microseconds since 1970-01-01T00:00:00Z. Finer instants are floored on reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// 1990-01-01T00:00:00Z, the first instant that a row may hold.
    pub const FIRST: Instant = Instant(631_152_000_000_000);
    /// 2100-01-01T00:00:00Z, the first instant after those that a row may hold.
    pub const END: Instant = Instant(4_102_444_800_000_000);

    /// The instant `micros` microseconds after the epoch, whatever the year.
    pub const fn from_micros(micros: i64) -> Self {
        Instant(micros)
    }

    /// The same, if it lies in the years 1990 to 2099; a row with another instant is rejected.
    pub fn plausible(micros: i64) -> Option<Self> {
        (Self::FIRST.0..Self::END.0)
            .contains(&micros)
            .then_some(Instant(micros))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The whole UTC hour that holds this instant.
    pub const fn hour(self) -> Hour {
        Hour(self.0.div_euclid(HOUR))
    }

    /// The instant `micros` microseconds later.
    pub const fn plus(self, micros: i64) -> Self {
        Instant(self.0.saturating_add(micros))
    }
}

/// A whole hour in UTC, `[start, start + 1 h)`, counted from the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

impl Hour {
    /// The hour `number` hours after the epoch.
    pub const fn new(number: i64) -> Self {
        Hour(number)
    }

    /// Hours since the epoch.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The instant at which the hour starts, which names it.
    pub const fn start(self) -> Instant {
        Instant(self.0 * HOUR)
    }

    /// The first instant after the hour.
    pub const fn end(self) -> Instant {
        Instant((self.0 + 1) * HOUR)
    }

    /// Days since the epoch of the UTC date of the hour.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(24)
    }
}

impl fmt::Display for Instant {
    /// RFC 3339 in UTC, with microseconds only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000);
        let micros = self.0.rem_euclid(1_000_000);
        let (year, month, day) = civil_date(seconds.div_euclid(86_400));
        let second_of_day = seconds.rem_euclid(86_400);
        let (h, m, s) = (
            second_of_day / 3600,
            second_of_day / 60 % 60,
            second_of_day % 60,
        );
        write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}")?;
        if micros != 0 {
            write!(f, ".{micros:06}")?;
        }
        f.write_str("Z")
    }
}

/// Year, month and day of a day since the epoch, in the proleptic Gregorian calendar
/// (Hinnant, *chrono-compatible low-level date algorithms*).
fn civil_date(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_floored_also_before_the_epoch() {
        assert_eq!(Instant::from_micros(0).hour(), Hour::new(0));
        assert_eq!(Instant::from_micros(-1).hour(), Hour::new(-1));
        assert_eq!(Instant::from_micros(HOUR - 1).hour(), Hour::new(0));
        assert_eq!(Instant::from_micros(HOUR).hour(), Hour::new(1));
        assert_eq!(Hour::new(-1).end(), Hour::new(0).start());
        assert_eq!(Hour::new(-1).day(), -1);
    }

    #[test]
    fn plausible_years_are_1990_to_2099() {
        assert_eq!(Instant::FIRST.to_string(), "1990-01-01T00:00:00Z");
        assert_eq!(Instant::END.to_string(), "2100-01-01T00:00:00Z");
        assert!(Instant::plausible(Instant::FIRST.micros() - 1).is_none());
        assert!(Instant::plausible(Instant::FIRST.micros()).is_some());
        assert!(Instant::plausible(Instant::END.micros() - 1).is_some());
        assert!(Instant::plausible(Instant::END.micros()).is_none());
    }

    #[test]
    fn instants_are_shown_in_rfc_3339() {
        let leap = Instant::from_micros(1_709_210_096_000_007);
        assert_eq!(leap.to_string(), "2024-02-29T12:34:56.000007Z");
    }
}
