//! By hand: who a row is of, and what families count of persons.

use super::super::super::world::{BLANK, DeliveryRow, SendingRow, TrackingRow, World};
use super::super::{Defaults, Expected, HOUR, Mode, Quarantine, expect_with};

/// 2026-03-02T09:00:00Z.
const START: i64 = 1_772_442_000_000_000;

/// A report so many hours after the start; nobody is 0.
fn report(message: (i64, i64), event: &str, recipient: i64, hour: i64) -> SendingRow {
    SendingRow {
        delivery_id: Some(message.0),
        message_id: Some(message.1),
        event: Some(event.to_owned()),
        event_at: Some(START + hour * HOUR),
        recipient_id: Some(recipient).filter(|recipient| *recipient != 0),
        ..SendingRow::default()
    }
}

fn tracked(message: (i64, i64), kind: &str, recipient: i64, hour: i64) -> TrackingRow {
    TrackingRow {
        delivery_id: Some(message.0),
        message_id: Some(message.1),
        tracking_type: Some(kind.to_owned()),
        event_at: Some(START + hour * HOUR),
        recipient_id: Some(recipient).filter(|recipient| *recipient != 0),
        ..TrackingRow::default()
    }
}

fn child(delivery: i64, parent: i64, to_deliver: Option<i64>) -> DeliveryRow {
    DeliveryRow {
        delivery_id: Some(delivery),
        parent_delivery_id: Some(parent).filter(|parent| *parent != 0),
        to_deliver,
        ..DeliveryRow::default()
    }
}

/// Deliveries 1 and 2 are children of 9; everything up to 1,000 hours after the start.
fn expected(sending: Vec<SendingRow>, tracking: Vec<TrackingRow>) -> Expected {
    let deliveries = vec![child(1, 9, None), child(2, 9, None)];
    of_deliveries(deliveries, sending, tracking)
}

fn of_deliveries(
    deliveries: Vec<DeliveryRow>,
    sending: Vec<SendingRow>,
    tracking: Vec<TrackingRow>,
) -> Expected {
    let world = World {
        deliveries,
        sending,
        tracking,
    };
    let defaults = Defaults {
        quarantine: Some(Quarantine::default()),
        ..Defaults::default()
    };
    expect_with(&world, START + 1000 * HOUR, Mode::Reported, &defaults)
}

/// Hours after the start at which a counter of a parent changes, and by how much.
fn changes(expected: &Expected, parent: i64, delta: &str) -> Vec<(i64, i64)> {
    let rows = expected.families.hourly.iter();
    rows.filter(|((of, _), values)| *of == parent && values[delta] != 0)
        .map(|((_, hour), values)| ((hour - START) / HOUR, values[delta]))
        .collect()
}

fn clicks(sending: Vec<SendingRow>, tracking: Vec<TrackingRow>) -> Vec<(i64, i64)> {
    changes(&expected(sending, tracking), 9, "unique_clicks_delta")
}

#[test]
fn a_row_is_of_its_recipient_else_of_that_of_the_reports() {
    let both = || {
        vec![
            tracked((1, 1), "click", 0, 1),
            tracked((2, 1), "click", 7, 2),
        ]
    };
    let relayed = |recipient| vec![report((1, 1), "relayed", recipient, 0)];
    assert_eq!(clicks(relayed(7), both()), [(1, 1)], "one person");
    assert_eq!(clicks(relayed(8), both()), [(1, 1), (2, 1)], "two");
    assert_eq!(clicks(relayed(0), both()), [(1, 1), (2, 1)], "a message");
    // The row's own recipient comes before.
    let own = vec![
        tracked((1, 1), "click", 7, 1),
        tracked((2, 1), "click", 7, 2),
    ];
    assert_eq!(clicks(relayed(8), own), [(1, 1)]);
    // A message without a recipient is one person, and another one in each delivery.
    let nobody = vec![
        tracked((1, 1), "click", 0, 1),
        tracked((1, 1), "click", 0, 2),
        tracked((2, 1), "click", BLANK, 3),
    ];
    assert_eq!(clicks(vec![], nobody), [(1, 1), (3, 1)]);
}

#[test]
fn reports_of_any_event_name_the_recipient_unless_they_contradict() {
    let both = || {
        vec![
            tracked((1, 1), "click", 0, 1),
            tracked((2, 1), "click", 7, 2),
        ]
    };
    let of = |sending: Vec<SendingRow>| clicks(sending, both()).len();
    let complaint = report((1, 1), "complaint", 7, 0);
    let relayed = |recipient| report((1, 1), "relayed", recipient, 0);
    assert_eq!(of(vec![complaint.clone()]), 1, "a complaint says it too");
    assert_eq!(of(vec![complaint.clone(), relayed(0)]), 1, "null is silent");
    assert_eq!(of(vec![complaint.clone(), relayed(BLANK)]), 1);
    assert_eq!(of(vec![complaint.clone(), relayed(8)]), 2, "contradiction");
    let test = SendingRow {
        is_test: Some(true),
        ..relayed(8)
    };
    assert_eq!(of(vec![complaint.clone(), test.clone()]), 1, "tests: no");
    assert_eq!(of(vec![test]), 2, "a test alone names nobody");
    let future = report((1, 1), "delivered", 8, 1000);
    assert_eq!(of(vec![complaint, future]), 1, "nor does the future");
    // Copies of one report.
    assert_eq!(of(vec![relayed(7), relayed(0), relayed(7)]), 1);
    assert_eq!(of(vec![relayed(7), relayed(8)]), 2);
    // A correction takes the name away with the row.
    let version = |recipient, revision| SendingRow {
        log_id: Some(1),
        revision: Some(revision),
        ..relayed(recipient)
    };
    assert_eq!(of(vec![version(8, 0), version(7, 1)]), 1);
    assert_eq!(of(vec![version(8, 1), version(7, 1)]), 2, "a tie");
    let deleted = SendingRow {
        deleted: Some(true),
        ..version(8, 1)
    };
    assert_eq!(of(vec![version(8, 0), deleted, relayed(7)]), 1);
}

#[test]
fn copies_of_a_tracking_row_agree_or_name_nobody() {
    let row = |recipient, log_id| TrackingRow {
        log_id,
        ..tracked((1, 1), "click", recipient, 1)
    };
    let of = |rows: Vec<TrackingRow>| {
        let seven = [tracked((2, 1), "click", 7, 2)];
        clicks(vec![], rows.into_iter().chain(seven).collect())
    };
    let (one, two) = ([(1, 1)], [(1, 1), (2, 1)]);
    for log_id in [None, Some(1)] {
        assert_eq!(of(vec![row(7, log_id), row(0, log_id)]), one);
        assert_eq!(of(vec![row(7, log_id), row(8, log_id)]), two);
    }
    // What one mark decides is no tie; without a log id a mark decides nothing.
    let marked = |log_id| TrackingRow {
        machine: Some(true),
        ..row(8, log_id)
    };
    let seven_twice = [row(7, Some(1)), marked(Some(1))];
    assert_eq!(of(seven_twice.to_vec()), two, "the marked one counts");
    assert_eq!(of(vec![row(7, None), marked(None)]), two, "contradiction");
    let silent = |log_id| TrackingRow {
        recipient_id: None,
        ..marked(log_id)
    };
    assert_eq!(of(vec![row(7, None), silent(None)]), one);
    assert_eq!(of(vec![row(7, Some(1)), silent(Some(1))]), two);
}

#[test]
fn persons_count_once_and_all_else_adds_up() {
    let sending = vec![
        report((1, 1), "relayed", 7, 0),
        report((2, 1), "relayed", 7, 1),
        report((9, 1), "relayed", 8, 1),
        report((2, 1), "hard_bounce", 7, 5),
    ];
    let tracking = vec![
        tracked((1, 1), "click", 0, 1),
        tracked((2, 1), "open", 0, 2),
        tracked((2, 1), "click", 0, 3),
        tracked((9, 1), "opt_out", 0, 3),
        tracked((9, 1), "mirror_page", 0, 4),
    ];
    let expected = expected(sending, tracking);
    let found = |delta: &str| changes(&expected, 9, delta);
    assert_eq!(found("processed_delta"), [(0, 1), (1, 2)]);
    assert_eq!(found("bounces_errors_delta"), [(5, 1)]);
    assert_eq!(found("new_quarantines_delta"), [(5, 1)]);
    assert_eq!(found("clicks_delta"), [(1, 1), (3, 1)]);
    assert_eq!(found("unique_clicks_delta"), [(1, 1)]);
    assert_eq!(found("unique_opens_delta"), [(1, 1), (3, 1)]);
    assert_eq!(found("unique_opens_tracked_delta"), [(2, 1)]);
    // The open that is tracked is of a person who was counted for the click.
    assert_eq!(found("opens_delta"), [(1, 1), (3, 1)]);
    assert_eq!(found("unique_unsubscribes_delta"), [(3, 1)]);
    assert_eq!(found("mirror_page_views_delta"), [(4, 1)]);
    let last = &expected.families.hourly[&(9, START + 5 * HOUR)];
    assert_eq!([last["opens"], last["unique_opens"]], [2, 2]);
}

#[test]
fn a_machine_in_one_child_leaves_the_person_to_another() {
    let machine = TrackingRow {
        machine: Some(true),
        ..tracked((1, 1), "click", 7, 1)
    };
    let tracking = vec![machine.clone(), tracked((2, 1), "click", 7, 3)];
    let of_both = expected(vec![], tracking);
    let found = |delta: &str| changes(&of_both, 9, delta);
    assert_eq!(found("unique_clicks_delta"), [(1, 1)]);
    assert_eq!(found("human_unique_clicks_delta"), [(3, 1)]);
    assert_eq!(found("human_unique_opens_delta"), [(3, 1)]);
    assert_eq!(found("human_opens_delta"), [(3, 1)]);
    assert_eq!(found("machine_marked_delta"), [(1, 1)]);
    let of_machine = expected(vec![], vec![machine]);
    let human = changes(&of_machine, 9, "human_unique_clicks_delta");
    assert_eq!(human, []);
}

#[test]
fn members_are_children_and_the_parent_itself() {
    // 1 of 2, 2 of 3; 4 of itself.
    let deliveries = |own: Option<i64>| {
        vec![
            child(1, 2, Some(1)),
            child(2, 3, own),
            child(4, 4, Some(7)),
            child(5, 0, Some(7)),
        ]
    };
    let sending = |deliveries: &[i64]| -> Vec<SendingRow> {
        let relayed = deliveries
            .iter()
            .map(|id| report((*id, 1), "relayed", 0, *id));
        relayed.collect()
    };
    let expected = of_deliveries(deliveries(Some(2)), sending(&[1, 2, 3, 4, 5]), vec![]);
    let found = |parent: i64| changes(&expected, parent, "processed_delta");
    assert_eq!(found(2), [(1, 1), (2, 1)]);
    assert_eq!(found(3), [(2, 1), (3, 1)], "1 is no child of 3");
    assert_eq!(found(4), [(4, 1)], "once");
    assert_eq!([found(5), found(1)], [[], []], "nobody's parent");
    let target = |expected: &Expected, parent: i64| expected.families.to_deliver[&parent];
    assert_eq!(target(&expected, 2), Some(3));
    assert_eq!(target(&expected, 3), None, "3 is known by its report alone");
    assert_eq!(target(&expected, 4), Some(7));
    let without_3 = of_deliveries(deliveries(Some(2)), sending(&[1, 2]), vec![]);
    assert_eq!(target(&without_3, 3), Some(2), "nobody knows of 3");
    let unknown = of_deliveries(deliveries(None), sending(&[1, 2]), vec![]);
    assert_eq!(target(&unknown, 2), None);
}

#[test]
fn an_hour_in_which_nothing_changes_has_no_row() {
    let efs = |delivery: i64| DeliveryRow {
        efs: Some(true),
        ..child(delivery, 9, None)
    };
    let sending = vec![
        report((1, 1), "relayed", 0, 0),
        report((2, 1), "relayed", 0, 0),
        report((1, 1), "delivered", 0, 1),
        report((2, 1), "soft_bounce", 0, 1),
        // No effect on what is confirmed.
        report((1, 1), "expired", 0, 2),
        report((1, 2), "ignored", 0, 3),
    ];
    let expected = of_deliveries(vec![efs(1), efs(2)], sending, vec![]);
    let hours = expected.families.hourly.keys();
    let hours: Vec<i64> = hours.map(|(_, hour)| (hour - START) / HOUR).collect();
    assert_eq!(hours, [0, 1]);
}
