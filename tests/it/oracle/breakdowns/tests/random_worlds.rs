//! Random histories: what holds for all of them, and whether they reach what is easy to get wrong.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::super::random;
use super::super::super::super::world::World;
use super::super::super::{Counters, Defaults, Expected, Mode, expect_with};
use super::super::{BY_REASON, BY_URL, Breakdown, Part};

fn expected_of(seed: u64) -> (World, Expected) {
    let (world, as_of, mode): (World, i64, Mode) = random::world(seed);
    let defaults = Defaults {
        machines: random::machines(seed),
        ..Defaults::default()
    };
    let expected = expect_with(&world, as_of, mode, &defaults);
    (world, expected)
}

/// Panics unless the cumulative values are the sums of the changes, and every row has a change.
fn assert_adds_up(breakdown: &Breakdown, columns: &[(&str, &str)], context: &str) {
    let mut sums: BTreeMap<(i64, &Part, &str), i64> = BTreeMap::new();
    for ((delivery, hour, part), values) in breakdown {
        let context = format!("{context}, delivery {delivery}, hour {hour}, {part:?}");
        assert_eq!(values.len(), 2 * columns.len(), "{context}");
        for (counter, delta) in columns {
            let sum = sums.entry((*delivery, part, counter)).or_insert(0);
            *sum += values[delta];
            assert_eq!(*sum, values[counter], "{context}, {counter}");
            assert!(*sum >= 0, "{context}: {counter} is negative");
        }
        let changes = columns.iter().filter(|(_, delta)| values[delta] != 0);
        assert!(changes.count() > 0, "{context}: no change");
    }
}

/// The changes of a counter, of all parts together, by delivery and hour.
fn sums<'a>(
    rows: impl Iterator<Item = ((i64, i64), &'a Counters)>,
    delta: &str,
) -> BTreeMap<(i64, i64), i64> {
    let mut sums = BTreeMap::new();
    for (key, values) in rows {
        *sums.entry(key).or_insert(0) += values[delta];
    }
    sums.retain(|_, by| *by != 0);
    sums
}

#[test]
fn the_parts_of_an_hour_are_the_hour() {
    for seed in 0..200 {
        let (_, expected) = expected_of(seed);
        let context = format!("seed {seed}");
        assert_adds_up(&expected.by_reason, &BY_REASON, &context);
        assert_adds_up(&expected.by_url, &BY_URL, &context);
        let hourly = |delta: &str| {
            let rows = expected.hourly.iter();
            sums(rows.map(|(key, values)| (*key, values)), delta)
        };
        let in_parts = |breakdown: &Breakdown, delta: &str| {
            let rows = breakdown.iter();
            let of_hour = rows.map(|((delivery, hour, _), values)| ((*delivery, *hour), values));
            sums(of_hour, delta)
        };
        for (_, delta) in BY_REASON {
            let found = in_parts(&expected.by_reason, delta);
            assert_eq!(found, hourly(delta), "{context}, {delta}");
        }
        for delta in ["clicks_delta", "human_clicks_delta"] {
            let found = in_parts(&expected.by_url, delta);
            assert_eq!(found, hourly(delta), "{context}, {delta}");
        }
        for values in expected.by_reason.values() {
            let failed = values["hard_bounces"] + values["soft_bounces"];
            assert_eq!(values["bounces_errors"], failed, "{context}");
        }
        for values in expected.by_url.values() {
            assert!(values["human_clicks"] <= values["clicks"], "{context}");
            assert!(values["unique_clicks"] >= 1, "{context}");
            assert!(values["unique_clicks"] <= values["clicks"], "{context}");
        }
    }
}

/// Short names of what a history holds that a wrong breakdown would show in.
fn reached(world: &World, expected: &Expected) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let kind = |part: &Part| match part {
        Part::None => "none",
        Part::Number(_) => "a number",
        Part::Text(_) => "a text",
    };
    let mut reasons: BTreeMap<i64, BTreeSet<&Part>> = BTreeMap::new();
    let mut urls: BTreeMap<i64, BTreeSet<&Part>> = BTreeMap::new();
    for ((delivery, hour, part), values) in &expected.by_reason {
        reasons.entry(*delivery).or_default().insert(part);
        for (counter, _) in BY_REASON {
            if values[counter] > 0 {
                names.insert(format!("{counter} by {}", kind(part)));
            }
        }
        if values["hard_bounces_delta"] > 0 && values["soft_bounces_delta"] < 0 {
            names.insert("soft turns hard, the reason stays".to_owned());
        }
        let of_hour = (*delivery, *hour, Part::None)..(*delivery, *hour + 1, Part::None);
        for ((_, _, other), others) in expected.by_reason.range(of_hour) {
            if other == part || values["soft_bounces_delta"] >= 0 {
                continue;
            }
            if others["soft_bounces_delta"] > 0 && others["soft_bounce_events_delta"] > 0 {
                names.insert("soft moves to another reason".to_owned());
            }
            if others["hard_bounces_delta"] > 0 {
                names.insert("soft turns hard for another reason".to_owned());
            }
        }
        let whole = expected.hourly.get(&(*delivery, *hour));
        let is_by_deadline = whole.is_some_and(|whole| whole["failed_by_deadline_delta"] > 0);
        if is_by_deadline && values["soft_bounces_delta"] > 0 {
            names.insert(format!("failed by the deadline for {}", kind(part)));
        }
    }
    for ((delivery, hour, part), values) in &expected.by_url {
        urls.entry(*delivery).or_default().insert(part);
        names.insert(format!("clicks on {}", kind(part)));
        if values["clicks"] > values["human_clicks"] {
            names.insert(format!("clicks of machines on {}", kind(part)));
        }
        if values["clicks"] > values["unique_clicks"] {
            names.insert(format!("clicks again on {}", kind(part)));
        }
        if matches!(part, Part::Number(number) if *number > i64::from(u32::MAX)) {
            names.insert("clicks on a large number".to_owned());
        }
        let whole = expected.hourly.get(&(*delivery, *hour));
        if whole.is_some_and(|whole| whole["unique_clicks_delta"] < values["unique_clicks_delta"]) {
            names.insert("a further link of a message".to_owned());
        }
    }
    for (parts, name) in [(reasons, "reasons"), (urls, "links")] {
        if parts.values().any(|parts| parts.len() >= 3) {
            names.insert(format!("three {name} of a delivery"));
        }
    }
    let mut texts = BTreeSet::new();
    let mut identical: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for row in &world.sending {
        let is_expired = row.event.as_deref().map(str::trim) == Some("expired");
        if is_expired && row.failure_reason.is_some() {
            names.insert("expired for a reason".to_owned());
        }
        let reason = row.failure_reason.as_deref();
        if let Some(text) = reason.filter(|text| ["greylisted", "Try later"].contains(text)) {
            texts.insert(text);
        }
        let report = (row.delivery_id, row.message_id, row.event_at, row.is_test);
        if row.event.is_some() && row.log_id.is_none() {
            let of_report = identical.entry((report, &row.event)).or_default();
            of_report.insert(reason);
        }
    }
    if texts.len() > 1 {
        names.insert("two unmapped texts".to_owned());
    }
    if identical.values().any(|reasons| reasons.len() > 1) {
        names.insert("identical reports differ in reason".to_owned());
    }
    names
}

#[test]
fn random_worlds_reach_what_breakdowns_can_get_wrong() {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let worlds = 1000;
    for seed in 0..worlds {
        let (world, expected) = expected_of(seed);
        for name in reached(&world, &expected) {
            *times.entry(name).or_insert(0) += 1;
        }
    }
    let mut wanted: Vec<String> = [
        "soft turns hard, the reason stays",
        "soft turns hard for another reason",
        "soft moves to another reason",
        "failed by the deadline for none",
        "failed by the deadline for a number",
        "failed by the deadline for a text",
        "expired for a reason",
        "three reasons of a delivery",
        "two unmapped texts",
        "identical reports differ in reason",
        "clicks on none",
        "clicks on a number",
        "clicks on a large number",
        "clicks of machines on none",
        "clicks of machines on a number",
        "clicks again on none",
        "clicks again on a number",
        "a further link of a message",
        "three links of a delivery",
    ]
    .map(str::to_owned)
    .into();
    for (counter, _) in BY_REASON {
        let kinds = ["none", "a number", "a text"];
        wanted.extend(kinds.map(|kind| format!("{counter} by {kind}")));
    }
    for name in wanted {
        let found = times.get(&name).copied().unwrap_or(0);
        assert!(
            found >= 15,
            "only {found} of {worlds} worlds have {name}: {times:#?}"
        );
    }
}
