//! The breakdowns by hand, what they have in common with the hours, and what random histories reach.

mod random_worlds;

use super::super::super::world::{DeliveryRow, SendingRow, TrackingRow, World};
use super::super::{Defaults, Expected, HOUR, Machines, Mode, expect_with};
use super::{BY_REASON, BY_URL, Breakdown, Part};

/// 2026-03-02T09:00:00Z.
const START: i64 = 1_772_442_000_000_000;

fn number(number: i64) -> Part {
    Part::Number(number)
}

fn unmapped() -> Part {
    Part::Text("unmapped".to_owned())
}

/// A report of delivery 1 so many hours after the start; an empty reason is none.
fn report(message: i64, event: &str, hour: i64, reason: &str) -> SendingRow {
    SendingRow {
        delivery_id: Some(1),
        message_id: Some(message),
        event: Some(event.to_owned()),
        event_at: Some(START + hour * HOUR),
        failure_reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
        ..SendingRow::default()
    }
}

fn click(message: i64, url: Option<i64>, hour: i64) -> TrackingRow {
    TrackingRow {
        delivery_id: Some(1),
        message_id: Some(message),
        tracking_type: Some("click".to_owned()),
        event_at: Some(START + hour * HOUR),
        url_id: url,
        ..TrackingRow::default()
    }
}

fn expected(efs: bool, sending: Vec<SendingRow>, tracking: Vec<TrackingRow>) -> Expected {
    expected_with(&Machines::default(), efs, sending, tracking)
}

/// Everything up to 1,000 hours after the start.
fn expected_with(
    machines: &Machines,
    efs: bool,
    sending: Vec<SendingRow>,
    tracking: Vec<TrackingRow>,
) -> Expected {
    let delivery = DeliveryRow {
        delivery_id: Some(1),
        efs: Some(efs),
        ..DeliveryRow::default()
    };
    let world = World {
        deliveries: vec![delivery],
        sending,
        tracking,
    };
    let defaults = Defaults {
        machines: machines.clone(),
        ..Defaults::default()
    };
    expect_with(&world, START + 1000 * HOUR, Mode::Infer, &defaults)
}

/// Hours after the start, part, and the changes of these counters.
fn changes<const N: usize>(breakdown: &Breakdown, names: [&str; N]) -> Vec<(i64, Part, [i64; N])> {
    let of_row = |((delivery, hour, part), values): (&(i64, i64, Part), &super::Counters)| {
        assert_eq!(*delivery, 1);
        let changes = names.map(|name| values[name]);
        ((hour - START) / HOUR, part.clone(), changes)
    };
    breakdown.iter().map(of_row).collect()
}

/// The changes of `hard_bounces`, `soft_bounces` and `soft_bounce_events`.
fn reasons(efs: bool, sending: Vec<SendingRow>) -> Vec<(i64, Part, [i64; 3])> {
    let expected = expected(efs, sending, Vec::new());
    let names = [BY_REASON[1].1, BY_REASON[2].1, BY_REASON[3].1];
    changes(&expected.by_reason, names)
}

/// The changes of `clicks`, `unique_clicks` and `human_clicks`.
fn urls(machines: &Machines, tracking: Vec<TrackingRow>) -> Vec<(i64, Part, [i64; 3])> {
    let expected = expected_with(machines, false, Vec::new(), tracking);
    changes(&expected.by_url, BY_URL.map(|(_, delta)| delta))
}

#[test]
fn a_failed_message_moves_to_the_reason_given_last() {
    let sending = vec![
        report(1, "relayed", 0, ""),
        report(1, "soft_bounce", 0, "5"),
        report(1, "soft_bounce", 1, "3"),
        report(1, "soft_bounce", 2, ""),
    ];
    let moves = [
        (0, number(5), [0, 1, 1]),
        (1, number(3), [0, 1, 1]),
        (1, number(5), [0, -1, 0]),
        // Nothing said is no other reason, but the report is counted under none.
        (2, Part::None, [0, 0, 1]),
    ];
    assert_eq!(reasons(true, sending), moves);
}

#[test]
fn a_soft_failure_that_turns_hard_moves_too() {
    let soft = || report(1, "soft_bounce", 0, "5");
    let other_reason = vec![soft(), report(1, "hard_bounce", 1, "1")];
    let moves = [
        (0, number(5), [0, 1, 1]),
        (1, number(1), [1, 0, 0]),
        (1, number(5), [0, -1, 0]),
    ];
    assert_eq!(reasons(true, other_reason), moves);

    let no_reason = vec![soft(), report(1, "hard_bounce", 1, "")];
    let moves = [(0, number(5), [0, 1, 1]), (1, number(5), [1, -1, 0])];
    assert_eq!(reasons(true, no_reason.clone()), moves);

    let by_reason = expected(true, no_reason, Vec::new()).by_reason;
    let last = &by_reason[&(1, START + HOUR, number(5))];
    let found = BY_REASON.map(|(name, delta)| (name, last[name], last[delta]));
    let cumulative = [
        ("bounces_errors", 1, 0),
        ("hard_bounces", 1, 1),
        ("soft_bounces", 0, -1),
        ("soft_bounce_events", 1, 0),
    ];
    assert_eq!(found, cumulative);
}

#[test]
fn without_efs_a_reason_waits_for_the_deadline() {
    let sending = vec![
        report(1, "relayed", 0, ""),
        report(1, "soft_bounce", 0, "5"),
        report(1, "soft_bounce", 1, "3"),
        report(1, "soft_bounce", 2, ""),
        // Failed for good: the reason of the report counts, that of the message stays.
        report(1, "soft_bounce", 100, "1"),
    ];
    let moves = [
        (0, number(5), [0, 0, 1]),
        (1, number(3), [0, 0, 1]),
        (2, Part::None, [0, 0, 1]),
        (84, number(3), [0, 1, 0]),
        (100, number(1), [0, 0, 1]),
    ];
    assert_eq!(reasons(false, sending), moves);
}

#[test]
fn a_success_takes_the_reason_away_unless_it_is_too_late() {
    let success = |efs: bool| {
        let sending = vec![
            report(1, "soft_bounce", 0, "5"),
            report(1, "delivered", 1, ""),
            report(1, "soft_bounce", 2, ""),
        ];
        reasons(efs, sending)
    };
    let with_efs = [
        (0, number(5), [0, 1, 1]),
        (1, number(5), [0, -1, 0]),
        (2, Part::None, [0, 1, 1]),
    ];
    assert_eq!(success(true), with_efs);
    let without = [
        (0, number(5), [0, 0, 1]),
        (2, Part::None, [0, 0, 1]),
        (84, Part::None, [0, 1, 0]),
    ];
    assert_eq!(success(false), without);

    let too_late = vec![
        report(1, "expired", 0, "5"),
        report(1, "delivered", 1, ""),
        report(1, "hard_bounce", 2, ""),
    ];
    let moves = [(0, number(5), [0, 1, 0]), (2, number(5), [1, -1, 0])];
    assert_eq!(reasons(true, too_late), moves);
}

#[test]
fn a_report_that_rule_1_stops_gives_its_message_no_reason() {
    let after_soft = vec![
        report(1, "expired", 0, "5"),
        report(1, "soft_bounce", 1, "3"),
        report(1, "expired", 2, "20"),
    ];
    let moves = [(0, number(5), [0, 1, 0]), (1, number(3), [0, 0, 1])];
    assert_eq!(reasons(true, after_soft), moves);
    let after_hard = vec![
        report(1, "hard_bounce", 0, "1"),
        report(1, "hard_bounce", 1, "2"),
        report(1, "soft_bounce", 2, "5"),
    ];
    let moves = [(0, number(1), [1, 0, 0]), (2, number(5), [0, 0, 1])];
    assert_eq!(reasons(true, after_hard), moves);
}

/// The failure alone gives the reason: one that comes with a relay, a complaint or an answer is none.
#[test]
fn a_report_of_no_failure_gives_no_reason() {
    let sending = vec![
        report(1, "relayed", 0, "1"),
        report(1, "soft_bounce", 0, "5"),
        report(1, "relayed", 1, "2"),
        report(1, "complaint", 2, "3"),
        report(1, "ignored", 3, "4"),
        report(1, "hard_bounce", 4, ""),
    ];
    let moves = [(0, number(5), [0, 1, 1]), (4, number(5), [1, -1, 0])];
    assert_eq!(reasons(true, sending), moves);
}

/// Rule 1 does not stop an expiry after a success: its reason is given, though it changes no status.
#[test]
fn an_expiry_without_effect_gives_a_reason() {
    let sending = vec![
        report(1, "delivered", 0, ""),
        report(1, "expired", 1, "5"),
        report(1, "soft_bounce", 2, ""),
    ];
    let moves = [(2, Part::None, [0, 0, 1]), (2, number(5), [0, 1, 0])];
    assert_eq!(reasons(true, sending), moves);
}

#[test]
fn all_unmapped_texts_are_one_reason() {
    let sending = vec![
        report(1, "soft_bounce", 0, "greylisted"),
        report(2, "soft_bounce", 0, "Try later"),
        report(3, "soft_bounce", 0, " mailbox FULL"),
        report(4, "soft_bounce", 0, "0077"),
        report(5, "soft_bounce", 0, "  "),
        // Another text, but no other reason.
        report(1, "soft_bounce", 1, "Try later"),
        report(2, "hard_bounce", 1, "greylisted"),
    ];
    let moves = [
        (0, Part::None, [0, 1, 1]),
        (0, number(5), [0, 1, 1]),
        (0, number(77), [0, 1, 1]),
        (0, unmapped(), [0, 2, 2]),
        (1, unmapped(), [1, -1, 1]),
    ];
    assert_eq!(reasons(true, sending), moves);
    let labels = [Part::None, number(5), number(77), unmapped()]
        .map(|reason| reason.reason_label().map(str::to_owned));
    let texts = [
        Some("none given"),
        Some("mailbox full"),
        None,
        Some("unmapped"),
    ];
    assert_eq!(labels, texts.map(|text| text.map(str::to_owned)));
}

#[test]
fn an_hour_in_which_nothing_changes_in_sum_has_no_row() {
    let sending = vec![
        report(1, "soft_bounce", 0, "5"),
        report(1, "delivered", 1, ""),
        report(2, "expired", 1, "5"),
    ];
    assert_eq!(reasons(true, sending), [(0, number(5), [0, 1, 1])]);
}

#[test]
fn of_identical_reports_the_smallest_reason_counts() {
    let logged = |log_id: i64, revision: i64, row: SendingRow| SendingRow {
        log_id: Some(log_id),
        revision: Some(revision),
        ..row
    };
    let soft = |reason: &str| report(1, "soft_bounce", 0, reason);
    let deleted = SendingRow {
        deleted: Some(true),
        ..logged(2, 1, soft("1"))
    };
    let test = SendingRow {
        is_test: Some(true),
        ..soft("2")
    };
    let sending = vec![
        soft(""),
        soft("greylisted"),
        soft("77"),
        // What a correction has taken away says nothing any more, be it in a copy.
        logged(1, 0, soft("3")),
        logged(1, 1, soft("20")),
        deleted.clone(),
        deleted,
        test,
    ];
    assert_eq!(reasons(true, sending), [(0, number(20), [0, 1, 1])]);
}

#[test]
fn a_message_has_a_unique_click_on_each_of_its_links() {
    let tracking = vec![
        click(1, Some(1), 2),
        click(1, Some(1), 1),
        click(1, Some(2), 1),
        click(2, Some(1), 1),
        TrackingRow {
            tracking_type: Some("10".to_owned()),
            ..click(2, Some(1), 3)
        },
        TrackingRow {
            tracking_type: Some("offer_click_2".to_owned()),
            ..click(2, Some(3), 3)
        },
        TrackingRow {
            tracking_type: Some("open".to_owned()),
            ..click(2, Some(4), 3)
        },
    ];
    let clicks = [
        (1, number(1), [2, 2, 2]),
        (1, number(2), [1, 1, 1]),
        (2, number(1), [1, 0, 1]),
        (3, number(1), [1, 0, 1]),
        (3, number(3), [1, 1, 1]),
    ];
    assert_eq!(urls(&Machines::default(), tracking), clicks);
}

#[test]
fn clicks_without_a_link_are_a_row_of_their_own() {
    let tracking = vec![
        click(1, None, 0),
        click(1, None, 1),
        click(1, Some(0), 1),
        // Overlapping extracts, and a proof.
        click(1, None, 1),
        TrackingRow {
            is_test: Some(true),
            ..click(1, Some(9), 1)
        },
    ];
    let clicks = [
        (0, Part::None, [1, 1, 1]),
        (1, Part::None, [1, 0, 1]),
        (1, number(0), [1, 1, 1]),
    ];
    assert_eq!(urls(&Machines::default(), tracking), clicks);
}

#[test]
fn clicks_of_machines_count_but_for_people() {
    let marked = |row: TrackingRow| TrackingRow {
        machine: Some(true),
        ..row
    };
    let tracking = || {
        vec![
            marked(click(1, Some(1), 0)),
            click(1, Some(1), 1),
            // The same moment as a click on link 7.
            click(2, Some(2), 1),
            click(2, Some(7), 1),
            click(2, Some(2), 2),
        ]
    };
    let by_mark = [
        (0, number(1), [1, 1, 0]),
        (1, number(1), [1, 0, 1]),
        (1, number(2), [1, 1, 1]),
        (1, number(7), [1, 1, 1]),
        (2, number(2), [1, 0, 1]),
    ];
    assert_eq!(urls(&Machines::default(), tracking()), by_mark);
    let honeypot = Machines {
        marked: false,
        honeypots: vec![7],
        ..Machines::default()
    };
    let by_honeypot = [
        (0, number(1), [1, 1, 1]),
        (1, number(1), [1, 0, 1]),
        (1, number(2), [1, 1, 0]),
        (1, number(7), [1, 1, 0]),
        (2, number(2), [1, 0, 1]),
    ];
    assert_eq!(urls(&honeypot, tracking()), by_honeypot);
}
