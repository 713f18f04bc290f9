//! The golden cases against the oracle itself, without the program.

use std::collections::BTreeMap;

use super::super::golden;
use super::super::world::{DeliveryRow, SendingRow, World};
use super::{COUNTERS, Counters, Defaults, HOUR, Mode, Quarantine, expect, expect_with};

#[test]
fn golden_cases_hold_for_the_oracle() {
    let cases = golden::cases();
    assert!(cases.len() >= 65, "only {} golden cases found", cases.len());
    for case in cases {
        let expected = case.expected();
        let found = |hourly: &BTreeMap<(i64, i64), Counters>| -> BTreeMap<_, _> {
            let counts =
                |values: &Counters| golden::cumulative(case.tells_of_people, |name| values[name]);
            hourly
                .iter()
                .map(|(key, values)| (*key, counts(values)))
                .collect()
        };
        assert_eq!(found(&expected.hourly), case.expect, "{}", case.name);
        if let Some(expect) = &case.expect_parents {
            let parents = found(&expected.families.hourly);
            assert_eq!(parents, *expect, "{}, parents", case.name);
        }
    }
}

#[test]
fn cumulative_values_are_the_sums_of_the_changes() {
    for seed in 0..200 {
        let (world, as_of, mode) = super::super::random::world(seed);
        let expected = expect(&world, as_of, mode);
        let mut sums: BTreeMap<(i64, &str), i64> = BTreeMap::new();
        for ((delivery, hour), values) in &expected.hourly {
            for (counter, delta) in COUNTERS {
                let sum = sums.entry((*delivery, counter)).or_insert(0);
                *sum += values[delta];
                assert_eq!(
                    *sum, values[counter],
                    "seed {seed}, delivery {delivery}, hour {hour}, {counter}"
                );
                assert!(*sum >= 0, "seed {seed}: {counter} is negative");
            }
            let parts = values["pending"] + values["delivered"] + values["bounces_errors"];
            assert_eq!(
                values["processed"], parts,
                "seed {seed}, delivery {delivery}, hour {hour}"
            );
            assert_eq!(
                values["bounces_errors"],
                values["hard_bounces"] + values["soft_bounces"],
                "seed {seed}"
            );
            assert!(*hour < as_of, "seed {seed}: an hour of the future");
        }
        for (log, fates) in &expected.fates {
            let all = [
                "rows_counted",
                "rows_duplicate",
                "rows_superseded",
                "rows_deleted",
                "rows_future",
                "rows_rejected",
            ];
            let sum: i64 = all.iter().map(|fate| fates[fate]).sum();
            assert_eq!(fates["rows_read"], sum, "seed {seed}, {log}");
        }
    }
}

#[test]
fn the_order_of_rows_never_matters() {
    for seed in 0..200 {
        let (mut world, as_of, mode) = super::super::random::world(seed);
        let before = expect(&world, as_of, mode);
        let mut rng = fastrand::Rng::with_seed(seed);
        rng.shuffle(&mut world.deliveries);
        rng.shuffle(&mut world.sending);
        rng.shuffle(&mut world.tracking);
        let after = expect(&world, as_of, mode);
        assert_eq!(format!("{before:?}"), format!("{after:?}"), "seed {seed}");
    }
}

/// Random worlds are worth little if they never reach a rule.
#[test]
fn random_worlds_reach_every_counter_and_fate() {
    let mut reached: BTreeMap<String, usize> = BTreeMap::new();
    let worlds = 500;
    for seed in 0..worlds {
        let (world, as_of, mode) = super::super::random::world(seed);
        let defaults = Defaults {
            machines: super::super::random::machines(seed),
            quarantine: Some(Quarantine::default()),
            ..Defaults::default()
        };
        let expected = expect_with(&world, as_of, mode, &defaults);
        let mut names: Vec<String> = Vec::new();
        for delivery in expected.deliveries.values() {
            names.extend(
                COUNTERS
                    .iter()
                    .filter(|(name, _)| delivery.counters[name] > 0)
                    .map(|(name, _)| (*name).to_owned()),
            );
            names.push(format!("is_final {:?}", delivery.is_final));
        }
        for (log, fates) in &expected.fates {
            names.extend(
                fates
                    .iter()
                    .filter(|(_, rows)| **rows > 0)
                    .map(|(fate, _)| format!("{log} {fate}")),
            );
        }
        names.sort();
        names.dedup();
        for name in names {
            *reached.entry(name).or_insert(0) += 1;
        }
    }
    let fates = [
        "counted",
        "duplicate",
        "superseded",
        "deleted",
        "future",
        "rejected",
        "test",
    ];
    let mut wanted: Vec<String> = COUNTERS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    wanted.extend(
        fates.iter().flat_map(|fate| {
            ["sending_log", "tracking_log"].map(|log| format!("{log} rows_{fate}"))
        }),
    );
    wanted
        .extend(["tracking_log rows_unknown_type", "tracking_log rows_orphan"].map(str::to_owned));
    wanted.extend(
        [
            "is_final None",
            "is_final Some(true)",
            "is_final Some(false)",
        ]
        .map(str::to_owned),
    );
    for name in wanted {
        let times = reached.get(&name).copied().unwrap_or(0);
        assert!(
            times >= 20,
            "only {times} of {worlds} worlds have {name}: {reached:#?}"
        );
    }
}

/// A report of delivery 1.
fn report(message: i64, event: &str, at: i64) -> SendingRow {
    let event = Some(event.to_owned());
    SendingRow {
        delivery_id: Some(1),
        message_id: Some(message),
        event,
        event_at: Some(at),
        ..SendingRow::default()
    }
}

/// 2026-03-02T09:00:00Z.
const START: i64 = 1_772_442_000_000_000;

/// No golden case has this: without EFS the deadline fails the message before a success of its instant.
#[test]
fn the_deadline_comes_before_a_success_of_its_own_instant() {
    let deadline = START + 84 * HOUR;
    let sending = vec![
        report(1, "relayed", START),
        report(1, "soft_bounce", START),
        report(1, "delivered", deadline),
    ];
    let world = World {
        sending,
        ..World::default()
    };
    let expected = expect(&world, deadline + 1, Mode::Infer);
    let last = &expected.hourly[&(1, deadline)];
    for counter in [
        "bounces_errors",
        "soft_bounces",
        "failed_by_deadline",
        "late_successes",
    ] {
        assert_eq!(last[counter], 1, "{counter}");
    }
    assert_eq!(last["delivered"], 0);
}

/// Section 7: `final_at < as-of`, nothing pending, and all there.
#[test]
fn a_delivery_is_final_after_its_last_deadline() {
    let deadline = START + 84 * HOUR;
    let is_final = |as_of: i64, efs: bool, to_deliver: Option<i64>| {
        let row = DeliveryRow {
            delivery_id: Some(1),
            efs: Some(efs),
            to_deliver,
            ..DeliveryRow::default()
        };
        let sending = vec![report(1, "relayed", START)];
        let world = World {
            deliveries: vec![row],
            sending,
            ..World::default()
        };
        let expected = expect(&world, as_of, Mode::Infer)
            .deliveries
            .remove(&1)
            .expect("delivery 1");
        (expected.final_at, expected.is_final)
    };
    assert_eq!(is_final(START, false, None), (None, None), "no message yet");
    assert_eq!(
        is_final(deadline, false, None),
        (Some(deadline), Some(false)),
        "final_at = as-of"
    );
    assert_eq!(
        is_final(deadline + 1, false, None),
        (Some(deadline), Some(true))
    );
    assert_eq!(
        is_final(deadline + 1, false, Some(1)),
        (Some(deadline), Some(true))
    );
    assert_eq!(
        is_final(deadline + 1, false, Some(2)),
        (Some(deadline), Some(false)),
        "one is missing"
    );
    assert_eq!(
        is_final(deadline + 1, true, None),
        (Some(deadline), Some(false)),
        "one is pending"
    );
}

/// Section 6, "what becomes of a row", one row after the other.
#[test]
fn fates_by_hand() {
    let logged = |log_id: i64, revision: i64, row: SendingRow| SendingRow {
        log_id: Some(log_id),
        revision: Some(revision),
        ..row
    };
    let deleted = |row: SendingRow| SendingRow {
        deleted: Some(true),
        ..row
    };
    let test = |row: SendingRow| SendingRow {
        is_test: Some(true),
        ..row
    };
    let sending = vec![
        report(1, "relayed", START),                           // counted
        logged(9, 0, report(1, " RELAYED", START)),            // duplicate of it under a log id
        test(report(1, "relayed", START)),                     // counted, a test row
        test(report(1, "relayed", START)),                     // duplicate of that
        report(1, "bounced", START),                           // rejected
        deleted(report(1, "relayed", START)),                  // rejected: no log id
        report(1, "delivered", START + 10 * HOUR),             // future
        report(1, "delivered", START + 10 * HOUR),             // duplicate before future
        logged(1, 0, report(2, "relayed", START)),             // superseded
        logged(1, 1, report(2, "relayed", START + 1)),         // counted
        logged(1, 1, report(2, "relayed", START + 1)),         // duplicate, a copy of the winner
        logged(1, 1, report(2, "relayed", START)), // superseded: the greater instant wins
        logged(2, 3, report(3, "relayed", START)), // superseded by an equal revision, deleted
        deleted(logged(2, 3, report(3, "unreadable", START))), // deleted
        deleted(logged(2, 3, report(3, "unreadable", START))), // duplicate, a copy of the winner
    ];
    let expected = expect(
        &World {
            sending,
            ..World::default()
        },
        START + 10 * HOUR,
        Mode::Infer,
    );
    let fates = &expected.fates["sending_log"];
    let found = [
        "counted",
        "duplicate",
        "superseded",
        "deleted",
        "future",
        "rejected",
        "test",
    ]
    .map(|fate| fates[format!("rows_{fate}").as_str()]);
    assert_eq!(found, [3, 5, 3, 1, 1, 2, 1]);
    assert_eq!(fates["rows_read"], 15);
    assert_eq!(expected.deliveries[&1].counters["processed"], 2);
    assert_eq!(expected.deliveries[&1].last_event_at, Some(START + 1));
}
