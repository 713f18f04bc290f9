//! Quarantine by hand.

use super::super::super::world::{SendingRow, World};
use super::super::{Defaults, Mode, expect_with};
use super::*;

/// 2026-03-02T09:00:00Z.
const START: i64 = 1_772_442_000_000_000;
const DAY: i64 = 24 * HOUR;

/// The errors of one person, in any order: event, microseconds after the start, delivery.
fn entry(rules: Quarantine, errors: &[(Event, i64, i64)]) -> Option<(i64, i64)> {
    let failures: Vec<Failure> = errors
        .iter()
        .map(|(event, at, delivery)| Failure {
            event: *event,
            at: *at,
            delivery: *delivery,
            person: Person::Recipient(7),
        })
        .collect();
    let found = rules.entries(&failures);
    assert!(found.len() <= 1, "once at most: {found:?}");
    found.first().copied()
}

/// Soft errors at these instants.
fn soft(rules: Quarantine, instants: &[i64]) -> Option<i64> {
    let errors: Vec<_> = instants
        .iter()
        .map(|at| (Event::SoftBounce, *at, 1))
        .collect();
    entry(rules, &errors).map(|(_, at)| at)
}

#[test]
fn a_hard_bounce_counts_at_once_and_once() {
    let rules = Quarantine::default();
    let hard = |at, delivery| (Event::HardBounce, at, delivery);
    assert_eq!(entry(rules, &[hard(5, 2), hard(9, 1)]), Some((2, 5)));
    assert_eq!(entry(rules, &[hard(5, 2), hard(5, 1)]), Some((1, 5)));
    let others = [
        Event::Relayed,
        Event::Delivered,
        Event::Complaint,
        Event::Ignored,
    ];
    assert_eq!(entry(rules, &others.map(|event| (event, 5, 1))), None);
}

#[test]
fn the_fifth_significant_error() {
    let usual = Quarantine::default();
    let days = |count: i64| -> Vec<i64> { (0..count).map(|day| day * DAY).collect() };
    assert_eq!(soft(usual, &days(4)), None);
    assert_eq!(soft(usual, &days(5)), Some(4 * DAY));
    assert_eq!(soft(usual, &days(9)), Some(4 * DAY), "once");
    // Less than 24 hours after the last significant one, not after the last one.
    let close: Vec<i64> = (0..9).map(|half| half * DAY / 2).collect();
    assert_eq!(soft(usual, &close), Some(4 * DAY));
    let just_less: Vec<i64> = (0..9).map(|error| error * (DAY - 1)).collect();
    assert_eq!(soft(usual, &just_less), Some(8 * (DAY - 1)));
    let same = [0; 9];
    assert_eq!(soft(usual, &same), None);
    // Both kinds of soft errors, and in any delivery.
    let mixed: Vec<_> = (0..5)
        .map(|day| match day % 2 {
            0 => (Event::SoftBounce, day * DAY, day),
            _ => (Event::Expired, day * DAY, day),
        })
        .collect();
    assert_eq!(entry(usual, &mixed), Some((4, 4 * DAY)));
}

#[test]
fn more_than_ten_days_begin_anew() {
    let rules = Quarantine {
        soft_errors: 2,
        ..Quarantine::default()
    };
    assert_eq!(soft(rules, &[0, 10 * DAY]), Some(10 * DAY));
    assert_eq!(soft(rules, &[0, 10 * DAY + 1]), None);
    // It counts as the first of a new series.
    let again = [0, 10 * DAY + 1, 11 * DAY + 1];
    assert_eq!(soft(rules, &again), Some(11 * DAY + 1));
    // What is not significant puts nothing off.
    assert_eq!(soft(rules, &[0, DAY - 1, 10 * DAY + 1]), None);
    let one = Quarantine {
        soft_errors: 1,
        ..rules
    };
    assert_eq!(soft(one, &[3]), Some(3));
}

#[test]
fn hard_ones_come_first_then_the_first_delivery() {
    let rules = Quarantine {
        soft_errors: 1,
        ..Quarantine::default()
    };
    let (soft, hard) = (Event::SoftBounce, Event::HardBounce);
    assert_eq!(entry(rules, &[(soft, 5, 1), (hard, 5, 2)]), Some((2, 5)));
    assert_eq!(entry(rules, &[(soft, 5, 3), (soft, 5, 2)]), Some((2, 5)));
    assert_eq!(entry(rules, &[(soft, 4, 3), (hard, 5, 2)]), Some((3, 4)));
}

/// Through the whole oracle: which rows are errors, and in which hour they count.
#[test]
fn rows_that_count_are_errors_whatever_their_effect() {
    let report = |message: i64, event: &str, hour: i64| SendingRow {
        delivery_id: Some(1),
        message_id: Some(message),
        recipient_id: Some(7),
        event: Some(event.to_owned()),
        event_at: Some(START + hour * HOUR + 1),
        ..SendingRow::default()
    };
    let entered = |sending: Vec<SendingRow>, quarantine: Option<Quarantine>| -> Vec<i64> {
        let world = World {
            sending,
            ..World::default()
        };
        let defaults = Defaults {
            quarantine,
            ..Defaults::default()
        };
        let expected = expect_with(&world, START + 500 * HOUR, Mode::Infer, &defaults);
        assert_eq!(expected.has_quarantine, quarantine.is_some());
        let rows = expected.hourly.into_iter();
        let rows = rows.filter(|(_, values)| values["new_quarantines_delta"] != 0);
        rows.map(|((_, hour), _)| (hour - START) / HOUR).collect()
    };
    let usual = Some(Quarantine::default());
    let hard = || report(1, "hard_bounce", 3);
    assert_eq!(entered(vec![hard(), hard()], usual), [3]);
    assert!(entered(vec![hard()], None).is_empty());
    // The message has failed for good, and another one of the person fails later.
    let failed = vec![report(1, "hard_bounce", 4), report(2, "hard_bounce", 5)];
    assert_eq!(entered(failed, usual), [4]);
    let test = SendingRow {
        is_test: Some(true),
        ..hard()
    };
    assert!(entered(vec![test], usual).is_empty());
    assert!(entered(vec![report(1, "hard_bounce", 500)], usual).is_empty());
    let two = Some(Quarantine {
        soft_errors: 2,
        ..Quarantine::default()
    });
    // Without effect, as the message is confirmed; the hour has nothing else to say.
    let without_effect = vec![
        report(1, "delivered", 0),
        report(1, "expired", 1),
        report(1, "expired", 25),
    ];
    assert_eq!(entered(without_effect, two), [25]);
    // A status that says Failed of a soft failure is one as well.
    let status = |hour: i64, kind: &str| SendingRow {
        event: None,
        status: Some("Failed".to_owned()),
        failure_type: Some(kind.to_owned()),
        ..report(1, "", hour)
    };
    assert_eq!(
        entered(vec![status(0, "Soft"), status(24, "Ignored")], two),
        [24]
    );
    assert_eq!(entered(vec![status(7, "Hard")], two), [7]);
    // Of a report whose copies contradict each other nobody knows whose it is: the message's.
    let other = SendingRow {
        recipient_id: Some(8),
        ..hard()
    };
    let sending = vec![hard(), other, report(2, "hard_bounce", 9)];
    assert_eq!(entered(sending, usual), [3, 9]);
}
