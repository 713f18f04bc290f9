//! Histories are worth little if they never reach a rule.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::oracle::{COUNTERS, Defaults, Expected, NEW_QUARANTINES, expect_with};
use super::super::super::random;
use super::*;

fn expected_of(seed: u64) -> (History, Expected) {
    let history = history(seed);
    let defaults = Defaults {
        machines: random::machines(seed),
        quarantine: Some(history.quarantine),
        ..Defaults::default()
    };
    let expected = expect_with(&history.world, history.as_of, history.mode, &defaults);
    (history, expected)
}

#[test]
fn hours_of_parents_add_up() {
    for seed in 0..200 {
        let (_, expected) = expected_of(seed);
        let mut sums: BTreeMap<(i64, &str), i64> = BTreeMap::new();
        for ((parent, hour), values) in &expected.families.hourly {
            for (counter, delta) in COUNTERS {
                let sum = sums.entry((*parent, counter)).or_insert(0);
                *sum += values[delta];
                let context = format!("seed {seed}, parent {parent}, hour {hour}, {counter}");
                assert_eq!(*sum, values[counter], "{context}");
                assert!(*sum >= 0, "{context}");
            }
            assert!(values["unique_opens"] >= values["human_unique_opens"]);
            assert!(values["opens"] >= values["unique_opens"]);
        }
    }
}

#[test]
fn the_order_of_rows_never_matters() {
    for seed in 0..100 {
        let (mut history, before) = expected_of(seed);
        let mut rng = Rng::with_seed(seed);
        rng.shuffle(&mut history.world.deliveries);
        rng.shuffle(&mut history.world.sending);
        rng.shuffle(&mut history.world.tracking);
        let defaults = Defaults {
            machines: random::machines(seed),
            quarantine: Some(history.quarantine),
            ..Defaults::default()
        };
        let after = expect_with(&history.world, history.as_of, history.mode, &defaults);
        let text = |expected: &Expected| format!("{:?} {:?}", expected.hourly, expected.families);
        assert_eq!(text(&before), text(&after), "seed {seed}");
    }
}

#[test]
fn the_rules_are_met_at_both_sides_of_their_edges() {
    let mut reached: BTreeMap<String, usize> = BTreeMap::new();
    let worlds = 500;
    for seed in 0..worlds {
        for name in names(seed) {
            *reached.entry(name).or_insert(0) += 1;
        }
    }
    for name in [
        "persons in several messages",
        "persons in several deliveries",
        "no family",
        "a parent without a row",
        "a parent of a parent",
        "a parent of itself",
        "progress known",
        "progress unknown",
        "blank recipients",
        "quarantine by usual rules",
        "quarantine by other rules",
        "an hour apart matters",
        "a microsecond apart matters",
        "a microsecond to forget matters",
        "a soft error more matters",
        "recipients of reports matter",
        "recipients of tracking rows matter",
    ] {
        let times = reached.get(name).copied().unwrap_or(0);
        assert!(
            times >= 10,
            "only {times} of {worlds} histories have {name}: {reached:#?}"
        );
    }
}

/// What is special about this history.
fn names(seed: u64) -> BTreeSet<String> {
    let (history, expected) = expected_of(seed);
    let world = &history.world;
    let mut names = BTreeSet::new();
    let mut add = |name: &str, holds: bool| {
        if holds {
            names.insert(name.to_owned());
        }
    };
    let families = &expected.families;
    let opens = |name: &str| -> [i64; 2] {
        let of_deliveries = expected.hourly.values().map(|values| values[name]);
        let of_families = families.hourly.values().map(|values| values[name]);
        [of_deliveries.sum(), of_families.sum()]
    };
    add("no family", families.hourly.is_empty());
    let [uniques, of_persons] = opens("unique_opens_delta");
    add("persons in several messages", of_persons != uniques);
    let parents: BTreeMap<i64, Option<i64>> = expected
        .deliveries
        .iter()
        .map(|(delivery, row)| (*delivery, row.parent_delivery_id))
        .collect();
    for parent in families.hourly.keys().map(|(parent, _)| parent) {
        let own = parents.get(parent);
        add("a parent without a row", own.is_none());
        add("a parent of itself", own == Some(&Some(*parent)));
        let is_child = own.is_some_and(|of| of.is_some_and(|of| of != *parent));
        add("a parent of a parent", is_child);
        let target = families.to_deliver[parent];
        add("progress known", target.is_some_and(|target| target > 0));
        add("progress unknown", target.is_none());
        let children = parents.values().filter(|of| **of == Some(*parent)).count();
        let families_of_many = children > 1 && of_persons < uniques;
        add("persons in several deliveries", families_of_many);
    }
    let recipients = world.sending.iter().map(|row| row.recipient_id);
    let recipients = recipients.chain(world.tracking.iter().map(|row| row.recipient_id));
    add(
        "blank recipients",
        recipients.into_iter().any(|id| id == Some(BLANK)),
    );

    let quarantined = |expected: &Expected| -> Vec<((i64, i64), i64)> {
        let rows = expected.hourly.iter();
        let rows = rows.map(|(key, values)| (*key, values[NEW_QUARANTINES]));
        rows.filter(|(_, persons)| *persons > 0).collect()
    };
    let found = quarantined(&expected);
    let is_usual = history.quarantine == Quarantine::default();
    add("quarantine by usual rules", is_usual && !found.is_empty());
    add("quarantine by other rules", !is_usual && !found.is_empty());
    let again = |world: &World, quarantine: Quarantine| {
        let defaults = Defaults {
            machines: random::machines(seed),
            quarantine: Some(quarantine),
            ..Defaults::default()
        };
        expect_with(world, history.as_of, history.mode, &defaults)
    };
    let rules = history.quarantine;
    let more = Quarantine {
        soft_errors: rules.soft_errors + 1,
        ..rules
    };
    add(
        "a soft error more matters",
        quarantined(&again(world, more)) != found,
    );
    let apart = Quarantine {
        hours_apart: rules.hours_apart + 1,
        ..rules
    };
    add(
        "an hour apart matters",
        quarantined(&again(world, apart)) != found,
    );
    // One error of a person later or sooner by a microsecond, the one after it or before it as it was.
    let edges = [
        ("a microsecond apart matters", rules.hours_apart * HOUR),
        (
            "a microsecond to forget matters",
            rules.days_to_forget * DAY,
        ),
    ];
    for (name, span) in edges {
        let mut errors: Vec<i64> = history.instants.clone();
        errors.sort_unstable();
        let is_edge = |at: &i64| errors.binary_search(&(at + span)).is_ok();
        let matters = errors.iter().filter(|at| is_edge(at)).take(3).any(|at| {
            [-1, 1].into_iter().any(|by| {
                let mut moved = world.clone();
                for row in &mut moved.sending {
                    if row.event_at == Some(at + span) {
                        row.event_at = Some(at + span + by);
                    }
                }
                quarantined(&again(&moved, rules)) != found
            })
        });
        add(name, matters);
    }
    let mut nobody = world.clone();
    for row in &mut nobody.sending {
        row.recipient_id = None;
    }
    let without = again(&nobody, rules);
    add(
        "recipients of reports matter",
        text(&without) != text(&expected),
    );
    let mut nobody = world.clone();
    for row in &mut nobody.tracking {
        row.recipient_id = None;
    }
    let without = again(&nobody, rules);
    let matters = text(&without) != text(&expected);
    add("recipients of tracking rows matter", matters);
    names
}

fn text(expected: &Expected) -> String {
    format!("{:?} {:?}", expected.hourly, expected.families)
}
