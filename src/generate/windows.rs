//! The time of the logs, cut into windows that hold about as many rows each; and the rows of a window.

use super::Settings;
use super::plan::{Delivery, Plan, START};
use super::row::Row;
use super::story::Teller;
use crate::model::{HOUR, Log};
use rayon::prelude::*;
use std::ops::Range;

/// Windows begin and end at multiples of it.
const SLICE: i64 = HOUR / 12;
/// A window is closed before it holds more rows, as far as slices allow.
pub(super) const ROWS: u64 = 4_000_000;
/// Messages that one thread takes at a time.
const CHUNK: u32 = 1 << 16;
/// How many messages of a delivery are told to know how its rows lie in time.
const SAMPLE: u32 = 1000;

/// One stretch of time.
pub(super) struct Window {
    pub span: Range<i64>,
    /// About how many rows it has.
    pub rows: u64,
}

/// The windows, in the order of time, of so many rows at most. They depend on the settings alone, as the
/// files do.
pub(super) fn windows(settings: &Settings, plan: &Plan, most: u64) -> Vec<Window> {
    let slices = usize::try_from((plan.end - START) / SLICE).unwrap_or(0);
    let places: Vec<u32> = (0..settings.deliveries).collect();
    let counts = places
        .par_chunks(64)
        .fold(
            || vec![0_u64; slices],
            |mut counts, places| {
                for place in places {
                    count(settings, plan, *place, &mut counts);
                }
                counts
            },
        )
        .reduce(
            || vec![0; slices],
            |mut one, other| {
                one.iter_mut().zip(other).for_each(|(to, more)| *to += more);
                one
            },
        );
    let mut windows: Vec<Window> = Vec::new();
    let mut at = START;
    for rows in counts {
        match windows.last_mut() {
            Some(window) if window.rows + rows <= most => {
                window.span.end += SLICE;
                window.rows += rows;
            }
            _ => windows.push(Window {
                span: at..at + SLICE,
                rows,
            }),
        }
        at += SLICE;
    }
    windows
}

/// Adds how many rows a delivery has in each slice, going by some of its messages.
fn count(settings: &Settings, plan: &Plan, place: u32, counts: &mut [u64]) {
    let Some(delivery) = plan.deliveries.get(place as usize) else {
        return;
    };
    let step = delivery.messages.div_ceil(SAMPLE).max(1);
    let mut teller = teller(settings, delivery, place, |_, row| {
        let slice = usize::try_from((row.at - START) / SLICE).ok();
        if let Some(count) = slice.and_then(|slice| counts.get_mut(slice)) {
            *count += u64::from(step);
        }
    });
    for number in (0..delivery.messages).step_by(step as usize) {
        teller.message(number, i64::MIN);
    }
}

fn teller<'a, F: FnMut(Log, Row)>(
    settings: &Settings,
    delivery: &'a Delivery,
    place: u32,
    tell: F,
) -> Teller<'a, F> {
    Teller {
        delivery,
        place,
        dirty: settings.is_dirty(),
        statuses: settings.status_form || delivery.is_exported_as_statuses(),
        tell,
    }
}

/// The rows of both logs in a window, sorted; told anew, since nobody remembers them.
pub(super) fn rows(settings: &Settings, plan: &Plan, span: &Range<i64>) -> [Vec<Row>; 2] {
    let mut chunks: Vec<(u32, Range<u32>)> = Vec::new();
    for (place, delivery) in (0..).zip(&plan.deliveries) {
        let count = delivery.relayed_before(span.end);
        let starts = (0..count).step_by(CHUNK as usize);
        chunks.extend(starts.map(|from| (place, from..count.min(from.saturating_add(CHUNK)))));
    }
    let told: Vec<[Vec<Row>; 2]> = chunks
        .into_par_iter()
        .map(|(place, numbers)| tell(settings, plan, place, numbers, span))
        .collect();
    let count = |log: usize| told.iter().map(|chunk| chunk[log].len()).sum();
    let mut logs = [0, 1].map(|log| Vec::with_capacity(count(log)));
    for chunk in told {
        for (log, rows) in logs.iter_mut().zip(chunk) {
            log.extend(rows);
        }
    }
    logs.iter_mut().for_each(|rows| rows.par_sort_unstable());
    logs
}

/// The rows of some messages of a delivery in a window.
fn tell(
    settings: &Settings,
    plan: &Plan,
    place: u32,
    numbers: Range<u32>,
    span: &Range<i64>,
) -> [Vec<Row>; 2] {
    let [mut sending, mut tracking] = [Vec::new(), Vec::new()];
    if let Some(delivery) = plan.deliveries.get(place as usize) {
        let keep = |log, row: Row| {
            if span.contains(&row.at) {
                match log {
                    Log::Sending => sending.push(row),
                    Log::Tracking => tracking.push(row),
                }
            }
        };
        let mut teller = teller(settings, delivery, place, keep);
        if settings.is_dirty() && numbers.start == 0 {
            teller.strangers();
        }
        for number in numbers {
            teller.message(number, span.start);
        }
    }
    [sending, tracking]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is passed over, because it lies before a window, has no row in it.
    #[test]
    fn small_windows_hold_what_a_large_one_holds() {
        for dirty in [0, 2000] {
            let settings = Settings {
                messages: 20_000,
                deliveries: 15,
                days: 2,
                dirty,
                ..Settings::default()
            };
            let plan = Plan::new(&settings);
            let whole = rows(&settings, &plan, &(START..plan.end));
            let mut parts = [Vec::new(), Vec::new()];
            let windows = windows(&settings, &plan, 1000);
            assert!(windows.len() > 30, "{}", windows.len());
            let mut end = START;
            for window in windows {
                assert_eq!(window.span.start, end);
                end = window.span.end;
                let logs = rows(&settings, &plan, &window.span);
                for (part, log) in parts.iter_mut().zip(logs) {
                    part.extend(log);
                }
            }
            assert_eq!(end, plan.end);
            assert!(parts == whole, "dirty = {dirty}");
            assert!(whole[0].len() > 40_000 && whole[1].len() > 8_000);
        }
    }
}
