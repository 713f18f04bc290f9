//! Instants that are none of the contract's.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray,
};

use super::super::super::site::{NINE, Site, report};
use super::super::super::world::World;
use super::super::{FILES, fates, set_in};
use super::{BAD, YEARS, rejected, world};

const NO_INSTANT: &str = "no instant";

#[test]
fn instants_outside_the_years_1990_to_2099() {
    let first = 631_152_000; // 1990-01-01T00:00:00Z
    let end = 4_102_444_800; // 2100-01-01T00:00:00Z
    let nine = NINE / 1_000_000;
    let good = [nine + 60, nine + 120, nine + 240];
    for bad in [first - 1, end, 0, i64::MAX, i64::MIN] {
        let stamps: Vec<i64> = vec![good[0], good[1], bad, good[2]];
        let seconds = TimestampSecondArray::from(stamps.clone()).with_timezone("UTC");
        rejected(0, "event_at", Arc::new(seconds), YEARS);
        let scaled = |unit: i64| -> Vec<i64> {
            stamps
                .iter()
                .map(|stamp| stamp.saturating_mul(unit))
                .collect()
        };
        let millis = TimestampMillisecondArray::from(scaled(1_000));
        rejected(1, "event_at", Arc::new(millis), YEARS);
        let micros = vec![None, None, Some(bad.saturating_mul(1_000_000)), None];
        rejected(
            2,
            "started_at",
            Arc::new(TimestampMicrosecondArray::from(micros)),
            YEARS,
        );
    }
    // One microsecond before the first, though in whole units it is the first.
    let nanos = |bad: i64| -> ArrayRef {
        let stamps = [good[0], good[1], 0, good[2]];
        let mut stamps: Vec<i64> = stamps.iter().map(|s| s * 1_000_000_000).collect();
        stamps[BAD] = bad;
        Arc::new(TimestampNanosecondArray::from(stamps).with_timezone("UTC"))
    };
    rejected(0, "event_at", nanos(first * 1_000_000_000 - 1), YEARS);
    for bad in [
        "1989-12-31T23:59:59.999999Z",
        "2100-01-01T00:00:00Z",
        "2100-01-01 01:00:00+01:00",
    ] {
        rejected(1, "event_at", texts(bad), YEARS);
    }
}

/// The ends of the years that are instants.
#[test]
fn the_first_and_the_last_instant() {
    for at in [631_152_000_000_000, 4_102_444_800_000_000 - 1] {
        let world = World {
            sending: vec![report(1, 1, "relayed", at)],
            ..World::default()
        };
        let site = Site::new(&world);
        site.run_to(0, &["--as-of", "2099-12-31T23:59:59.999999Z"]);
        let read = fates(&site, "sending_log");
        assert_eq!(read, [1, 1, 0]);
    }
}

fn texts(bad: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![
        "2026-03-02T09:01:00Z",
        "2026-03-02 09:02:00",
        bad,
        "2026-03-02T10:04:00+01:00",
    ]))
}

#[test]
fn texts_that_are_no_instants() {
    for bad in [
        "soon",
        "2026-03-02",
        "09:00:00",
        "2026-02-30T09:00:00Z",
        "2026-03-02T25:00:00Z",
        "1772442000",
    ] {
        rejected(0, "event_at", texts(bad), NO_INSTANT);
        rejected(1, "event_at", texts(bad), NO_INSTANT);
        let alone = vec![None, None, Some(bad), None];
        rejected(
            2,
            "validity_end",
            Arc::new(StringArray::from(alone)),
            NO_INSTANT,
        );
    }
    for blank in ["", "   "] {
        rejected(0, "event_at", texts(blank), "null");
    }
}

/// Bytes that are no text are no null either: a delivery must not lose its start without a word.
#[test]
fn bytes_that_are_no_instants() {
    for column in ["started_at", "validity_end", "modified_at"] {
        let site = Site::new(&world());
        let bytes = vec![None, None, Some(&b"\xff\xfe"[..]), None];
        set_in(&site, FILES[2], column, Arc::new(BinaryArray::from(bytes)));
        let run = site.run(&[]);
        assert_eq!(run.status, Some(3), "{column}: {}", run.text());
        assert_eq!(fates(&site, "deliveries"), [4, 4, 1], "{column}");
    }
}
