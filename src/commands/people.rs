//! Numbers, shares and instants as people read them.

use crate::model::{Instant, Value};
use jiff::tz::TimeZone;
use std::fmt::Display;

/// Instants in the time zone that a person wants to see.
pub struct Clock(TimeZone);

impl Clock {
    /// In this time zone.
    pub fn new(zone: TimeZone) -> Clock {
        Clock(zone)
    }

    /// RFC 3339 with the offset of the zone, fractions only where there are any.
    pub fn show(&self, at: Instant) -> String {
        match jiff::Timestamp::from_microsecond(at.micros()) {
            Ok(instant) if self.0 != TimeZone::UTC => instant
                .to_zoned_datetime(self.0.clone())
                .strftime("%Y-%m-%dT%H:%M:%S%.f%:z")
                .to_string(),
            _ => at.to_string(),
        }
    }

    /// The same of an instant as the record of a run has it.
    pub fn show_recorded(&self, text: &str) -> String {
        recorded(text).map_or(text.to_owned(), |at| self.show(at))
    }
}

/// An instant as the record of a run has it.
pub fn recorded(text: &str) -> Option<Instant> {
    let at: jiff::Timestamp = text.parse().ok()?;
    Some(Instant::from_micros(at.as_microsecond()))
}

/// A text without what could steer a terminal.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// A code or a text.
pub fn value_text(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Text(text) => printable(text),
        Value::Hidden(_) => "unknown".to_owned(),
    }
}

/// A span of time in microseconds, in the two largest units that it has.
pub fn span(micros: i64) -> String {
    let seconds = micros.abs() / 1_000_000;
    let units = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)];
    let first = units.iter().position(|(_, size)| seconds >= *size);
    let Some(first) = first else {
        return "0 s".to_owned();
    };
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (name, size) in &units[first..(first + 2).min(units.len())] {
        if rest / size > 0 {
            parts.push(format!("{} {name}", rest / size));
        }
        rest %= size;
    }
    parts.join(" ")
}

/// A number of things.
pub fn counted(value: i64, one: &str, several: &str) -> String {
    format!(
        "{} {}",
        number(value),
        if value == 1 { one } else { several }
    )
}

/// A number with its thousands apart.
pub fn number(value: impl Display) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0
            && (digits.len() - place).is_multiple_of(3)
            && digit.is_ascii_digit()
            && !text.ends_with('-')
        {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        let second = 1_000_000;
        assert_eq!(span(0), "0 s");
        assert_eq!(span(59 * second), "59 s");
        assert_eq!(span(3_661 * second), "1 h 1 min");
        assert_eq!(span(-90_000 * second), "1 d 1 h");
        assert_eq!(span(86_400 * second), "1 d");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0, 999, 1000, -1000, -100].map(number),
            ["0", "999", "1 000", "-1 000", "-100"]
        );
    }

    #[test]
    fn instants_are_shown_in_the_zone_asked_for() {
        let at = Instant::from_micros(1_772_452_800_500_000);
        assert_eq!(
            Clock::new(TimeZone::UTC).show(at),
            "2026-03-02T12:00:00.500000Z"
        );
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        assert_eq!(Clock::new(zone).show(at), "2026-03-02T13:00:00.5+01:00");
    }
}
