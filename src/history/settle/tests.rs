use super::*;
use crate::history::{Occurrence, Status};
use crate::model::{Logged, MachineRules, Mark, Recipient, Report};

/// The fate of each row, by source.
struct Fates(Vec<Option<Fate>>);

impl Sink for Fates {
    fn meets(&mut self, source: u32, fate: Fate) {
        let before = self.0[source as usize].replace(fate);
        assert_eq!(before, None, "a second fate of row {source}");
    }
    fn mark(&mut self, _: u32, _: Mark) {}
    fn moves(&mut self, _: Instant, _: Option<Status>, _: Status) {}
    fn occurs(&mut self, _: Instant, _: Occurrence) {}
}

fn settled(rows: &[(Stamp, Code, Tail)], codes: &Codes) -> Vec<Fate> {
    let tails: Vec<Tail> = rows.iter().map(|row| row.2).collect();
    let mut places: Vec<Row> = (0u32..)
        .zip(rows)
        .map(|(place, (stamp, code, _))| Row {
            stamp: *stamp,
            code: *code,
            source: place,
            tail: place,
            domain: Code::NULL,
            recipient: Recipient::NONE,
        })
        .collect();
    let meaning = Meaning {
        as_of: Instant::FIRST.plus(1000),
        codes,
        machines: &MachineRules::default(),
    };
    let mut fates = Fates(vec![None; rows.len()]);
    settle(&mut places, &tails, false, meaning, &mut fates);
    let fate = |fate: &Option<Fate>| fate.expect("a fate for every row");
    fates.0.iter().map(fate).collect()
}

/// Of two rows with one key, in either order, the second wins.
fn assert_wins(lower: (Stamp, Code, Tail), higher: (Stamp, Code, Tail), codes: &Codes) {
    let context = format!("{lower:?}\n{higher:?}");
    let expected = [Fate::Superseded, Fate::Counted];
    assert_eq!(settled(&[lower, higher], codes), expected, "{context}");
    let expected = [Fate::Counted, Fate::Superseded];
    assert_eq!(settled(&[higher, lower], codes), expected, "{context}");
}

fn tail(revision: i64) -> Tail {
    Tail {
        log_id: 1,
        revision,
        rest: 0,
    }
}

#[test]
fn equal_revisions_of_unknown_types_are_decided_by_the_type_code() {
    let codes = Codes::default();
    let row = |value: Value| {
        let tracked = match &value {
            Value::Number(code) => Tracked::from_code(*code),
            Value::Text(_) | Value::Hidden(_) => Tracked::Unknown,
        };
        let code = match tracked {
            Tracked::Unknown => codes.intern_unknown_type(value, None),
            _ => codes.intern(Some(Value::Number(9))),
        };
        let at = Some(Instant::FIRST);
        let stamp = Stamp::tracking(at, Some(tracked)).marked(false, true, false);
        (stamp, code, tail(0))
    };
    let types = [-1, 0, 1, 2, 3, 5, 6, 7, 10, 11, 12, 100].map(Value::Number);
    let texts = ["10", "a"].map(|text| Value::Text(text.into()));
    let ordered: Vec<Value> = types.into_iter().chain(texts).collect();
    for (place, higher) in ordered.iter().enumerate() {
        for lower in &ordered[..place] {
            assert_wins(row(lower.clone()), row(higher.clone()), &codes);
        }
    }
}

#[test]
fn equal_revisions_are_decided_by_instant_event_reason_and_test_mark() {
    let codes = Codes::default();
    let report = |at: i64, report, reason: i64, is_test, revision| {
        let at = Some(Instant::FIRST.plus(at));
        let stamp = Stamp::sending(at, Some(Logged::Event(report)));
        let reason = codes.intern(Some(Value::Number(reason)));
        (stamp.marked(is_test, true, false), reason, tail(revision))
    };
    use Report::*;
    let ordered = [
        report(9, Ignored, 9, true, -1),
        report(0, Relayed, 9, true, 0),
        report(0, SoftBounce, 1, false, 0),
        report(0, SoftBounce, 1, true, 0),
        report(0, SoftBounce, 2, false, 0),
        report(0, Delivered, 1, false, 0),
        report(0, Expired, 1, false, 0),
        report(0, HardBounce, 1, false, 0),
        report(0, Complaint, 1, false, 0),
        report(1, Relayed, 1, false, 0),
        report(0, Relayed, 1, false, 1),
    ];
    for (place, higher) in ordered.iter().enumerate() {
        for lower in &ordered[..place] {
            assert_wins(*lower, *higher, &codes);
        }
    }
    let ignored = report(0, Ignored, 1, false, 0);
    assert_wins(report(0, HardBounce, 9, true, 0), ignored, &codes);
}

#[test]
fn a_log_id_stands_for_a_row_of_its_log() {
    let at = Some(Instant::FIRST);
    let report = Stamp::sending(at, Some(Logged::Event(Report::Relayed)));
    let open = Stamp::tracking(at, Some(Tracked::Open));
    let row = |stamp: Stamp, deleted, revision| {
        (
            stamp.marked(false, true, deleted),
            Code::NULL,
            tail(revision),
        )
    };
    let codes = Codes::default();
    let both = [row(report, false, 0), row(open, false, 1)];
    assert_eq!(settled(&both, &codes), [Fate::Counted; 2]);
    let one_deleted = [row(report, false, 0), row(open, true, 1)];
    assert_eq!(
        settled(&one_deleted, &codes),
        [Fate::Counted, Fate::Deleted]
    );
    let corrected = [
        row(report, false, 0),
        row(open, true, 1),
        row(report, true, 2),
    ];
    let fates = [Fate::Superseded, Fate::Deleted, Fate::Deleted];
    assert_eq!(settled(&corrected, &codes), fates);
}

#[test]
fn a_message_of_many_rows_is_corrected_too() {
    let codes = Codes::default();
    for others in [0, 5, 11, 12, 13, 40] {
        let row = |log_id: i64, revision, report| {
            let at = Some(Instant::FIRST.plus(log_id));
            let stamp = Stamp::sending(at, Some(Logged::Event(report)));
            let tail = Tail {
                log_id,
                ..tail(revision)
            };
            (stamp.marked(false, true, false), Code::NULL, tail)
        };
        let mut rows = vec![row(1, 0, Report::HardBounce)];
        rows.extend((0..others).map(|n| row(2 + n, 0, Report::Relayed)));
        rows.push(row(1, 1, Report::Delivered));
        let fates = settled(&rows, &codes);
        assert_eq!(fates[0], Fate::Superseded, "{others} others");
        assert!(fates[1..].iter().all(|fate| *fate == Fate::Counted));
    }
}

/// A message in which nothing is odd takes the shorter way, which must come to the same.
#[test]
fn the_shorter_way_comes_to_the_same() {
    let codes = Codes::default();
    let meaning = Meaning {
        as_of: Instant::FIRST.plus(4),
        codes: &codes,
        machines: &MachineRules::default(),
    };
    let mut rng = fastrand::Rng::with_seed(11);
    let reports = [Report::Relayed, Report::Delivered, Report::SoftBounce];
    let mut plain = 0;
    for round in 0..20_000 {
        let mut rows: Vec<Row> = (0..rng.u32(1..5))
            .map(|source| {
                let at = Some(Instant::FIRST.plus(rng.i64(0..6)));
                let stamp = match rng.u32(..8) {
                    0 => Stamp::sending(at, Some(Logged::Sent)),
                    1..5 => Stamp::sending(at, Some(Logged::Event(reports[rng.usize(..3)]))),
                    _ => Stamp::tracking(at, Some([Tracked::Open, Tracked::Click][rng.usize(..2)])),
                };
                let has_log_id = rng.bool();
                let is_deleted = has_log_id && rng.u32(..12) == 0;
                Row {
                    stamp: stamp.marked(rng.u32(..12) == 0, has_log_id, is_deleted),
                    code: codes.intern(Some(Value::Number(rng.i64(0..3)))),
                    source,
                    tail: Row::SOLE,
                    domain: Code::NULL,
                    recipient: Recipient::NONE,
                }
            })
            .collect();
        if rng.bool() {
            rows.sort_by_key(|row| row.stamp);
        }
        plain += u32::from(is_plain(&rows, meaning.as_of));
        let mut long = rows.clone();
        let mut fates = [(); 2].map(|()| Fates(vec![None; rows.len()]));
        settle(&mut rows, &[], true, meaning, &mut fates[0]);
        settle_all(&mut long, &[], true, meaning, &mut fates[1]);
        let key = |row: &Row| (row.stamp, row.code, row.source);
        let [rows, long] = [rows, long].map(|rows| rows.iter().map(key).collect::<Vec<_>>());
        assert_eq!(rows, long, "round {round}");
        assert_eq!(fates[0].0, fates[1].0, "round {round}");
    }
    assert!((2_000..18_000).contains(&plain), "{plain}");
}

/// Rows that differ only in what no KPI needs: how many are superseded does not hang on their digests, nor
/// on the order of the rows.
#[test]
fn among_equal_rows_the_one_with_most_copies_wins() {
    let codes = Codes::default();
    let stamp = Stamp::sending(Some(Instant::FIRST), Some(Logged::Event(Report::Relayed)));
    let stamp = stamp.marked(false, true, false);
    for (one, other) in [(5, 9), (9, 5)] {
        let row = |rest: u64| (stamp, Code::NULL, Tail { rest, ..tail(0) });
        for place in 0..3 {
            let mut rows = vec![row(one); 2];
            rows.insert(place, row(other));
            let fates = settled(&rows, &codes);
            assert_eq!(fates[place], Fate::Superseded);
            let first = usize::from(place == 0);
            assert_eq!(fates[first], Fate::Counted, "of copies the first");
            let duplicates = fates.iter().filter(|fate| **fate == Fate::Duplicate);
            assert_eq!(duplicates.count(), 1);
        }
        // As many of either: those of the lowest source.
        let fates = settled(&[row(one), row(other)], &codes);
        assert_eq!(fates, [Fate::Counted, Fate::Superseded]);
    }
}
