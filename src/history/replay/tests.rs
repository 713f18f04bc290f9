use super::super::{Meaning, live};
use super::*;
use crate::model::{
    Attributes, Codes, DeadlineMode, Fate, HOUR, Logged, MachineRules, Recipient, Report::*, Stamp,
    Value,
};

struct Deaf;

impl Sink for Deaf {
    fn meets(&mut self, _: u32, _: Fate) {}
    fn mark(&mut self, _: u32, _: Mark) {}
    fn moves(&mut self, _: Instant, _: Option<Status>, _: Status) {}
    fn occurs(&mut self, _: Instant, _: Occurrence) {}
}

/// The failure reason of a message after these reports: hour, report, reason.
fn reason(efs: bool, reports: &[(i64, Report, Option<i64>)]) -> Option<i64> {
    let codes = Codes::default();
    let at = |hour: i64| Instant::FIRST.plus(hour * HOUR);
    let mut rows: Vec<Row> = (0u32..)
        .zip(reports)
        .map(|(source, (hour, report, reason))| Row {
            stamp: Stamp::sending(Some(at(*hour)), Some(Logged::Event(*report))),
            code: codes.intern(reason.map(Value::Number)),
            source,
            tail: Row::SOLE,
            domain: Code::NULL,
            recipient: Recipient::NONE,
        })
        .collect();
    let attributes = Attributes {
        efs: Some(efs),
        ..Attributes::default()
    };
    let policy = Policy::new(&attributes, DeadlineMode::Infer);
    let meaning = Meaning {
        as_of: at(1000),
        codes: &codes,
        machines: &MachineRules::default(),
    };
    let life = live(&mut rows, &[], &policy, meaning, &mut Deaf);
    codes.value(life.reason).map(|value| match value {
        Value::Number(number) => number,
        other => panic!("{other:?} is no number"),
    })
}

#[test]
fn the_last_reason_given_stays() {
    assert_eq!(reason(true, &[(0, SoftBounce, None)]), None);
    let last = [(0, SoftBounce, Some(5)), (1, SoftBounce, Some(3))];
    assert_eq!(reason(true, &last), Some(3));
    let null_says_nothing = [(0, SoftBounce, Some(5)), (1, Expired, None)];
    assert_eq!(reason(true, &null_says_nothing), Some(5));
    let by_the_deadline = [(0, Relayed, None), (1, SoftBounce, Some(5))];
    assert_eq!(reason(false, &by_the_deadline), Some(5));
}

#[test]
fn a_success_takes_the_reason_away_unless_it_is_too_late() {
    let success = [
        (0, SoftBounce, Some(5)),
        (1, Delivered, None),
        (2, SoftBounce, None),
    ];
    assert_eq!(reason(true, &success), None);
    let too_late = [(0, HardBounce, Some(1)), (1, Delivered, None)];
    assert_eq!(reason(true, &too_late), Some(1));
}

#[test]
fn a_report_that_is_stopped_gives_no_reason() {
    let after_soft = [(0, Expired, Some(5)), (1, SoftBounce, Some(3))];
    assert_eq!(reason(true, &after_soft), Some(5));
    let hard_after_soft = [(0, Expired, Some(5)), (1, HardBounce, Some(1))];
    assert_eq!(reason(true, &hard_after_soft), Some(1));
    let after_hard = [(0, HardBounce, Some(1)), (1, HardBounce, Some(2))];
    assert_eq!(reason(true, &after_hard), Some(1));
    let after_the_deadline = [(0, SoftBounce, Some(5)), (100, SoftBounce, Some(3))];
    for efs in [true, false] {
        assert_eq!(reason(efs, &after_the_deadline), Some(5));
    }
}

#[test]
fn of_identical_reports_the_smallest_reason_counts() {
    for (reasons, smallest) in [
        ([Some(7), Some(3)], 3),
        ([None, Some(3)], 3),
        ([Some(3), Some(-1)], -1),
        ([Some(i64::MAX), Some(3)], 3),
    ] {
        let [a, b] = reasons;
        for (a, b) in [(a, b), (b, a)] {
            let reports = [(0, HardBounce, a), (0, HardBounce, b)];
            assert_eq!(reason(true, &reports), Some(smallest), "{reasons:?}");
        }
    }
}
