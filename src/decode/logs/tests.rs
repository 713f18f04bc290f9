//! Rows of both logs by hand: what is read, what is rejected, what tells copies apart.

use super::*;
use crate::model::{Logged, Report, Tracked};
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use std::sync::Arc;

/// The rows of a batch, decoded so many times.
fn decode(log: Log, columns: &[(&str, ArrayRef)], times: usize) -> Decoded<u64> {
    let batch = RecordBatch::try_from_iter(columns.to_vec()).expect("a batch");
    let decoder = Decoder {
        catalog: &Catalog::default(),
        codes: &Codes::default(),
        labels: &Labels::default(),
        zone: &Zone::UTC,
        selection: &Selection::All,
        fingerprint: Fingerprint::random(),
        asks_domains: false,
        recipients: None,
        interval: None,
    };
    let mut out = Decoded::default();
    for _ in 0..times {
        let outcome = decoder.decode(log, true, &batch, &mut out);
        outcome.expect("listed types");
    }
    out
}

/// What a row became: a report, or the column that it was rejected for.
fn decoded(log: Log, columns: &[(&str, ArrayRef)]) -> (Vec<Event<u64>>, Vec<(String, u64)>) {
    let out = decode(log, columns, 1);
    let rejections = out
        .counts
        .rejections
        .iter()
        .map(|(rejection, rows)| (rejection.column.to_owned(), *rows))
        .collect();
    (out.events.iter().collect(), rejections)
}

fn reports(events: &[Event<u64>]) -> Vec<Logged> {
    let logged = |event: &Event<u64>| event.stamp.logged().expect("a report");
    events.iter().map(logged).collect()
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn ints(values: &[Option<i64>]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn instants(rows: usize) -> ArrayRef {
    let at = Instant::FIRST.micros();
    Arc::new(TimestampMicrosecondArray::from(vec![at; rows]))
}

fn with_keys(rows: usize, columns: Vec<(&'static str, ArrayRef)>) -> Vec<(&'static str, ArrayRef)> {
    let keys = [
        ("delivery_id", ints(&vec![Some(1); rows])),
        ("message_id", ints(&vec![Some(1); rows])),
    ];
    keys.into_iter().chain(columns).collect()
}

#[test]
fn an_event_counts_whatever_stands_beside_it() {
    let columns = vec![
        (
            "event",
            texts(&[Some("delivered"), Some("relayed"), Some("ignored"), None]),
        ),
        (
            "status",
            texts(&[
                Some("cancelled"),
                Some("Failed"),
                Some("Sent"),
                Some("Sent"),
            ]),
        ),
        (
            "failure_type",
            texts(&[None, Some("odd"), Some("Hard"), Some("Hard")]),
        ),
        ("event_at", instants(4)),
    ];
    let (events, rejections) = decoded(Log::Sending, &with_keys(4, columns));
    let expected = [
        Logged::Event(Report::Delivered),
        Logged::Event(Report::Relayed),
        Logged::Event(Report::Ignored),
        Logged::Sent,
    ];
    assert_eq!(reports(&events), expected);
    assert_eq!(rejections, []);
}

#[test]
fn a_failure_type_counts_beside_failed_alone() {
    let columns = vec![
        (
            "status",
            texts(&[
                Some("Pending"),
                Some("Sent"),
                Some("Failed"),
                Some("Failed"),
            ]),
        ),
        (
            "failure_type",
            texts(&[Some("odd"), Some("odd"), Some("odd"), Some("Hard")]),
        ),
        ("event_at", instants(4)),
    ];
    let (events, rejections) = decoded(Log::Sending, &with_keys(4, columns));
    let expected = [Logged::Pending, Logged::Sent, Logged::FailedHard];
    assert_eq!(reports(&events), expected);
    assert_eq!(rejections, [("failure_type".to_owned(), 1)]);
}

#[test]
fn what_a_row_must_have() {
    let sending = vec![
        ("delivery_id", ints(&[None, Some(1), Some(1), Some(1)])),
        ("message_id", ints(&[Some(1), None, Some(1), Some(1)])),
        (
            "event",
            texts(&[Some("relayed"), Some("relayed"), None, Some("bounced")]),
        ),
        ("event_at", instants(4)),
    ];
    let (events, rejections) = decoded(Log::Sending, &sending);
    assert!(events.is_empty());
    let of = |column: &str| rejections.iter().filter(|r| r.0 == column).count();
    let columns = ["delivery_id", "message_id", "event"].map(of);
    assert_eq!(columns, [1, 1, 2], "{rejections:?}");

    let status = vec![
        ("status", texts(&[None, Some("odd")])),
        ("event_at", instants(2)),
    ];
    let (events, rejections) = decoded(Log::Sending, &with_keys(2, status));
    assert!(events.is_empty());
    assert_eq!(rejections.len(), 2, "{rejections:?}");

    let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![
        None,
        Some(Instant::END.micros()),
        Some(Instant::FIRST.micros()),
    ]));
    let types = ints(&[Some(1), Some(1), None]);
    let tracking = vec![("type", types), ("event_at", at)];
    let (events, rejections) = decoded(Log::Tracking, &with_keys(3, tracking));
    assert!(events.is_empty());
    let expected = [("event_at", 1), ("event_at", 1), ("type", 1)];
    assert_eq!(
        rejections,
        expected.map(|(column, rows)| (column.to_owned(), rows))
    );
}

#[test]
fn a_deletion_needs_only_its_keys_and_log_id() {
    let deleted: ArrayRef = Arc::new(BooleanArray::from(vec![true, true, true]));
    let at: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![
        None,
        Some(0),
        Some(0),
    ]));
    let marks = |columns: Vec<(&'static str, ArrayRef)>| {
        let log_id = ints(&[Some(1), Some(2), None]);
        let common = [
            ("log_id", log_id),
            ("deleted", deleted.clone()),
            ("event_at", at.clone()),
        ];
        with_keys(3, common.into_iter().chain(columns).collect())
    };
    let half: ArrayRef = Arc::new(Float64Array::from(vec![None, Some(0.5), None]));
    let no_log_id = [("deleted".to_owned(), 1)];
    for columns in [
        vec![("event", texts(&[None, Some("odd"), Some("relayed")]))],
        vec![
            ("status", texts(&[None, Some("odd"), Some("Sent")])),
            ("failure_type", texts(&[None, Some("odd"), None])),
            ("failure_reason", half.clone()),
        ],
    ] {
        let (events, rejections) = decoded(Log::Sending, &marks(columns));
        assert!(events.len() == 2 && events.iter().all(|e| e.stamp.is_deleted()));
        assert_eq!(rejections, no_log_id);
    }
    let columns = vec![("type", ints(&[None, Some(77), Some(1)])), ("url_id", half)];
    let (events, rejections) = decoded(Log::Tracking, &marks(columns));
    assert!(events.len() == 2 && events.iter().all(|e| e.stamp.is_deleted()));
    assert_eq!(events[1].stamp.tracked(), Some(Tracked::Unknown));
    assert_eq!(rejections, no_log_id);
}

/// Whether each row is told from every other by its event or by what belongs to it.
fn assert_no_copies(log: Log, rows: usize, columns: Vec<(&'static str, ArrayRef)>) {
    let one = ints(&vec![Some(1); rows]);
    let common = vec![("log_id", one), ("event_at", instants(rows))];
    let columns = with_keys(rows, common.into_iter().chain(columns).collect());
    let out = decode(log, &columns, 2);
    assert_eq!((out.events.len(), out.tails.len()), (2 * rows, 2 * rows));
    // What a row means has been resolved by then.
    let stamp = |event: &Event<u64>| event.stamp.resolved(false);
    let all: Vec<_> = out
        .events
        .iter()
        .map(|event| (stamp(&event), event.code))
        .zip(&out.tails)
        .collect();
    for (place, row) in all[..rows].iter().enumerate() {
        assert_eq!(row, &all[place + rows], "row {place} and its copy");
        for other in &all[..place] {
            assert_ne!(row, other, "row {place}");
        }
    }
}

#[test]
fn a_copy_is_equal_in_all_columns() {
    let domains = texts(&[None, Some("a.example"), Some("b.example")]);
    let events = || ("event", texts(&[Some("relayed"); 3]));
    let columns = vec![events(), ("recipient_domain", domains)];
    assert_no_copies(Log::Sending, 3, columns);
    let recipients = ints(&[None, Some(1), Some(2)]);
    assert_no_copies(
        Log::Sending,
        3,
        vec![events(), ("recipient_id", recipients)],
    );
    let recipients = texts(&[None, Some("1"), Some("2")]);
    let types = || ("type", ints(&[Some(1); 3]));
    assert_no_copies(
        Log::Tracking,
        3,
        vec![types(), ("recipient_id", recipients)],
    );
    let machine: ArrayRef = Arc::new(BooleanArray::from(vec![None, Some(false), Some(true)]));
    assert_no_copies(Log::Tracking, 3, vec![types(), ("machine", machine)]);
    let urls = ints(&[None, Some(1), Some(2)]);
    assert_no_copies(Log::Tracking, 3, vec![types(), ("url_id", urls)]);
    let unknown = ints(&[Some(5), Some(7), Some(12)]);
    assert_no_copies(Log::Tracking, 3, vec![("type", unknown)]);
    let unknown = texts(&[Some("download"), Some("upload"), Some("5")]);
    assert_no_copies(Log::Tracking, 3, vec![("type", unknown)]);
    let urls = ints(&[None, Some(1), Some(2)]);
    let unknown = ints(&[Some(5); 3]);
    assert_no_copies(Log::Tracking, 3, vec![("type", unknown), ("url_id", urls)]);
    // Rows that mean the same in a delivery without EFS, or in every one.
    let columns = vec![
        (
            "event",
            texts(&[Some("expired"), Some("expired"), None, None, None]),
        ),
        (
            "status",
            texts(&[
                None,
                Some("Failed"),
                Some("Failed"),
                Some("Failed"),
                Some("Failed"),
            ]),
        ),
        (
            "failure_type",
            texts(&[None, None, None, Some("Soft"), Some("Ignored")]),
        ),
    ];
    assert_no_copies(Log::Sending, 5, columns);
    let columns = vec![
        ("event", texts(&[Some("hard_bounce"), None])),
        ("status", texts(&[Some("Failed"); 2])),
        ("failure_type", texts(&[Some("Hard"); 2])),
    ];
    assert_no_copies(Log::Sending, 2, columns);
}

#[test]
fn a_revision_means_nothing_without_a_log_id() {
    let half: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 0.5, 2.0]));
    let columns = vec![
        ("event", texts(&[Some("relayed"); 3])),
        ("event_at", instants(3)),
        ("log_id", ints(&[None, Some(1), Some(2)])),
        ("revision", half),
    ];
    let (events, rejections) = decoded(Log::Sending, &with_keys(3, columns));
    let have_log_id: Vec<bool> = events.iter().map(|e| e.stamp.has_log_id()).collect();
    assert_eq!(have_log_id, [false, true]);
    assert_eq!(rejections, [("revision".to_owned(), 1)]);
}

/// What is odd in no row is decoded in a shorter way; an interval keeps a batch from it.
#[test]
fn the_shorter_way_comes_to_the_same() {
    let rows = 1000;
    let mut rng = fastrand::Rng::with_seed(7);
    let numbers = |of: &mut dyn FnMut(usize) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from((0..rows).map(of).collect::<Vec<_>>()))
    };
    let deliveries = numbers(&mut |_| rng.i64(1..5));
    let messages = numbers(&mut |_| rng.i64(-50..50));
    let log_ids = numbers(&mut |row| row as i64 * 3);
    let types = numbers(&mut |_| [1, 2, 3, 6, 10, 11][rng.usize(..6)]);
    let urls: Vec<Option<i64>> = (0..rows)
        .map(|_| rng.bool().then(|| rng.i64(-3..9)))
        .collect();
    let first = Instant::FIRST.micros();
    let at: Vec<i64> = (0..rows).map(|_| first + rng.i64(0..1 << 40)).collect();
    let at = |wrong: Option<usize>| -> ArrayRef {
        let mut at = at.clone();
        wrong.into_iter().for_each(|row| at[row] = -1);
        Arc::new(TimestampMicrosecondArray::from(at))
    };
    let labels = [
        "relayed",
        "Delivered",
        " soft_bounce",
        "hard_bounce",
        "expired",
    ];
    let events: Vec<Option<&str>> = (0..rows).map(|_| Some(labels[rng.usize(..5)])).collect();
    let some = |rng: &mut fastrand::Rng| rng.bool().then(|| rng.i64(-2..3));
    let revisions: Vec<Option<i64>> = (0..rows).map(|_| some(&mut rng)).collect();
    let recipients: Vec<Option<i64>> = (0..rows).map(|_| some(&mut rng)).collect();
    let deleted: Vec<Option<bool>> = recipients.iter().map(|id| Some((*id)? > 1)).collect();
    let deleted: ArrayRef = Arc::new(BooleanArray::from(deleted));
    for (with_log_ids, with_tails) in [(false, false), (true, false), (true, true)] {
        for wrong in [None, Some(0), Some(rows - 1)] {
            let mut keys = vec![
                ("delivery_id", deliveries.clone()),
                ("message_id", messages.clone()),
                ("event_at", at(wrong)),
            ];
            if with_log_ids {
                keys.push(("log_id", log_ids.clone()));
            }
            if with_tails {
                keys.push(("revision", ints(&revisions)));
                keys.push(("deleted", deleted.clone()));
                keys.push(("recipient_id", ints(&recipients)));
            }
            let sending = [("event", texts(&events)), ("failure_reason", ints(&urls))];
            let tracking = [("type", types.clone()), ("url_id", ints(&urls))];
            for (log, more) in [(Log::Sending, sending), (Log::Tracking, tracking)] {
                let columns = [keys.clone(), more.to_vec()].concat();
                let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
                let fingerprint = Fingerprint::random();
                let decoded = |interval: Option<std::ops::Range<Instant>>| {
                    let (catalog, codes) = (Catalog::default(), Codes::default());
                    let decoder = Decoder {
                        catalog: &catalog,
                        codes: &codes,
                        labels: &Labels::default(),
                        zone: &Zone::UTC,
                        selection: &Selection::All,
                        fingerprint,
                        asks_domains: false,
                        recipients: None,
                        interval,
                    };
                    let mut out = Decoded::<u64>::default();
                    // The rows of a batch before it stay.
                    for _ in 0..2 {
                        let outcome = decoder.decode(log, with_tails, &batch, &mut out);
                        outcome.expect("listed types");
                    }
                    assert_eq!(out.is_odd, wrong.is_some() && decoder.interval.is_none());
                    let key = |e: &Event<u64>| (e.message, e.stamp, e.delivery, e.code);
                    let events: Vec<_> = out.events.iter().map(|event| key(&event)).collect();
                    (events, out.tails, out.log_ids, out.counts, out.span)
                };
                let none = Instant::FIRST..Instant::FIRST;
                let short = decoded(None);
                assert!(
                    short == decoded(Some(none)),
                    "{log:?}, {with_log_ids}, {with_tails}, {wrong:?}"
                );
                let are_deleted = short.0.iter().any(|(_, stamp, ..)| stamp.is_deleted());
                assert_eq!((are_deleted, !short.1.is_empty()), (with_tails, with_tails));
                assert_eq!(short.0.len(), 2 * (rows - usize::from(wrong.is_some())));
            }
        }
    }
}
