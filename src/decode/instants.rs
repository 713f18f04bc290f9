//! Instants: timestamps of any unit, zoned or naive, and RFC 3339 text.

use super::cell::{Cell, Unsupported};
use super::labelled::Texts;
use crate::model::Instant;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The time zone in which instants without one are read.
#[derive(Clone, Debug)]
pub struct Zone(Option<TimeZone>);

impl Zone {
    /// UTC.
    pub const UTC: Zone = Zone(None);

    /// The zone with an IANA name; none if there is no such zone.
    pub fn named(name: &str) -> Option<Zone> {
        if name.eq_ignore_ascii_case("UTC") {
            return Some(Zone::UTC);
        }
        TimeZone::get(name).ok().map(|zone| Zone(Some(zone)))
    }

    /// The instant of a text in RFC 3339, as the columns of a log are read: microseconds, in any year.
    pub fn instant(&self, text: &str) -> Option<i64> {
        parse(text, self)
    }

    /// The instant that a naive one, given as if it were in UTC, stands for. In a gap of the clock
    /// the time after it, in a fold the earlier of the two.
    pub fn resolve(&self, naive: i64) -> Option<i64> {
        let Some(zone) = &self.0 else {
            return Some(naive);
        };
        let civil = jiff::Timestamp::from_microsecond(naive).ok()?;
        let civil = TimeZone::UTC.to_datetime(civil);
        let resolved = zone.to_ambiguous_timestamp(civil).compatible().ok()?;
        Some(resolved.as_microsecond())
    }
}

const UNREADABLE: &str = "no instant";
const IMPLAUSIBLE: &str = "instant outside the years 1990 to 2099";

/// A column of instants, or none.
pub enum Instants {
    /// No such column, or all nulls.
    Absent,
    /// Timestamps, the values in units of 1/`per_second` s.
    Stamps {
        /// The values.
        values: ScalarBuffer<i64>,
        /// Which are there.
        valid: Option<NullBuffer>,
        /// Their unit.
        unit: TimeUnit,
        /// Where naive ones are at home; none for zoned ones.
        naive_in: Option<Zone>,
    },
    /// Text.
    Texts(Texts, Zone),
}

impl Instants {
    /// Reads a column.
    pub fn new(
        column: &'static str,
        array: Option<&ArrayRef>,
        zone: &Zone,
    ) -> Result<Instants, Unsupported> {
        let Some(array) = array else {
            return Ok(Instants::Absent);
        };
        match array.data_type() {
            DataType::Null => Ok(Instants::Absent),
            DataType::Timestamp(unit, zoned) => {
                let values = match unit {
                    TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
                    TimeUnit::Millisecond => {
                        array.as_primitive::<TimestampMillisecondType>().values()
                    }
                    TimeUnit::Microsecond => {
                        array.as_primitive::<TimestampMicrosecondType>().values()
                    }
                    TimeUnit::Nanosecond => {
                        array.as_primitive::<TimestampNanosecondType>().values()
                    }
                };
                let is_naive = zoned.is_none() && zone.0.is_some();
                Ok(Instants::Stamps {
                    values: values.clone(),
                    valid: array.nulls().cloned(),
                    unit: *unit,
                    naive_in: is_naive.then(|| zone.clone()),
                })
            }
            found => {
                let unsupported = || Unsupported {
                    column,
                    expected: "instant",
                    found: found.clone(),
                };
                let texts = Texts::new(column, Some(array)).map_err(|_| unsupported())?;
                Ok(Instants::Texts(texts, zone.clone()))
            }
        }
    }

    /// All values as microseconds in UTC, plausible or not, where that is what they are and none is null.
    pub fn plain(&self) -> Option<&[i64]> {
        match self {
            Instants::Stamps {
                values,
                valid,
                unit: TimeUnit::Microsecond,
                naive_in: None,
            } if valid.as_ref().is_none_or(|valid| valid.null_count() == 0) => Some(values),
            _ => None,
        }
    }

    /// The value of a row.
    #[inline(always)]
    pub fn get(&self, row: usize) -> Cell<Instant> {
        let micros = match self {
            Instants::Absent => return Cell::Null,
            Instants::Stamps {
                values,
                valid,
                unit,
                naive_in,
            } => {
                if valid.as_ref().is_some_and(|valid| valid.is_null(row)) {
                    return Cell::Null;
                }
                let micros = in_micros(values[row], *unit);
                match naive_in {
                    None => micros,
                    Some(zone) => micros.and_then(|micros| zone.resolve(micros)),
                }
            }
            Instants::Texts(texts, zone) => match texts.get(row) {
                Cell::Null => return Cell::Null,
                Cell::Bad(why) => return Cell::Bad(why),
                Cell::Value(text) => match parse(text.trim(), zone) {
                    None => return Cell::Bad(UNREADABLE),
                    micros => micros,
                },
            },
        };
        match micros.and_then(Instant::plausible) {
            Some(instant) => Cell::Value(instant),
            None => Cell::Bad(IMPLAUSIBLE),
        }
    }
}

#[inline(always)]
fn in_micros(value: i64, unit: TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::Second => value.checked_mul(1_000_000),
        TimeUnit::Millisecond => value.checked_mul(1_000),
        TimeUnit::Microsecond => Some(value),
        TimeUnit::Nanosecond => Some(value.div_euclid(1_000)),
    }
}

/// RFC 3339, with a space for the T allowed; without a zone it is naive.
fn parse(text: &str, zone: &Zone) -> Option<i64> {
    // RFC 9557 goes on after RFC 3339; what stands there would be left out.
    if text.contains('[') {
        return None;
    }
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.as_nanosecond().div_euclid(1_000) as i64);
    }
    let civil: DateTime = text.parse().ok()?;
    if text.len() < "2026-03-02T09:00".len() {
        return None;
    }
    let naive = TimeZone::UTC.to_timestamp(civil).ok()?;
    zone.resolve(naive.as_nanosecond().div_euclid(1_000) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        StringArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
    };
    use std::sync::Arc;

    fn read(array: ArrayRef, zone: &Zone) -> Vec<Cell<i64>> {
        let column = Instants::new("event_at", Some(&array), zone).expect("a listed type");
        (0..array.len())
            .map(|row| match column.get(row) {
                Cell::Value(instant) => Cell::Value(instant.micros()),
                Cell::Null => Cell::Null,
                Cell::Bad(why) => Cell::Bad(why),
            })
            .collect()
    }

    const T: i64 = 1_772_442_060; // 2026-03-02T09:01:00Z

    #[test]
    fn every_unit_comes_out_in_microseconds_floored() {
        let seconds = Arc::new(TimestampSecondArray::from(vec![
            Some(T),
            None,
            Some(i64::MAX),
        ]));
        assert_eq!(
            read(seconds, &Zone::UTC),
            [
                Cell::Value(T * 1_000_000),
                Cell::Null,
                Cell::Bad(IMPLAUSIBLE)
            ]
        );
        let millis = Arc::new(TimestampMillisecondArray::from(vec![T * 1000 + 7, 0, -1]));
        assert_eq!(
            read(millis, &Zone::UTC),
            [
                Cell::Value(T * 1_000_000 + 7000),
                Cell::Bad(IMPLAUSIBLE),
                Cell::Bad(IMPLAUSIBLE)
            ]
        );
        let nanos = Arc::new(TimestampNanosecondArray::from(vec![
            T * 1_000_000_000 + 1999,
        ]));
        assert_eq!(read(nanos, &Zone::UTC), [Cell::Value(T * 1_000_000 + 1)]);
    }

    #[test]
    fn texts_are_rfc_3339_or_naive() {
        let texts = vec![
            Some("2026-03-02T09:01:00Z"),
            Some(" 2026-03-02 10:01:00.0000019+01:00 "),
            Some("2026-03-02 09:01:00"),
            Some("2026-03-02T09:01:00.000001999"),
            Some("2026-03-02"),
            Some("soon"),
            Some("  "),
            None,
        ];
        let array: ArrayRef = Arc::new(StringArray::from(texts));
        assert_eq!(
            read(array, &Zone::UTC),
            [
                Cell::Value(T * 1_000_000),
                Cell::Value(T * 1_000_000 + 1),
                Cell::Value(T * 1_000_000),
                Cell::Value(T * 1_000_000 + 1),
                Cell::Bad(UNREADABLE),
                Cell::Bad(UNREADABLE),
                Cell::Null,
                Cell::Null,
            ]
        );
    }

    #[test]
    fn naive_instants_are_read_in_the_zone_of_the_job() {
        let paris = Zone::named("Europe/Paris").expect("a zone");
        let naive: ArrayRef = Arc::new(TimestampSecondArray::from(vec![T]));
        assert_eq!(read(naive, &paris), [Cell::Value((T - 3600) * 1_000_000)]);
        let zoned: ArrayRef = Arc::new(TimestampSecondArray::from(vec![T]).with_timezone("+02:00"));
        assert_eq!(read(zoned, &paris), [Cell::Value(T * 1_000_000)]);
        let texts: ArrayRef = Arc::new(StringArray::from(vec![
            "2026-03-29 02:30:00", // in the gap: 03:30 summer time
            "2026-10-25 02:30:00", // twice: the earlier, in summer time
        ]));
        let gap = 1_774_747_800; // 2026-03-29T01:30:00Z
        let fold = 1_792_888_200; // 2026-10-25T00:30:00Z
        assert_eq!(
            read(texts, &paris),
            [Cell::Value(gap * 1_000_000), Cell::Value(fold * 1_000_000)]
        );
        assert!(Zone::named("Europe/Nowhere").is_none());
    }
}
