//! Which rows of a message count: corrections, duplicates, as-of (kpi-semantics, section 6).

use super::{Meaning, Sink};
use crate::model::{Code, Codes, Fate, Instant, Log, Stamp, Tail, Tracked, Value};
use std::cmp::Ordering;

/// One row of one message.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// When and what.
    pub stamp: Stamp,
    /// Failure reason of a report; link of a tracking row.
    pub code: Code,
    /// Where the row came from; of equal rows the one from the lowest source is kept.
    pub source: u32,
    /// The place of its [`Tail`], or [`Row::SOLE`].
    pub tail: u32,
}

impl Row {
    /// For a row that has no `log_id`, or is known to be the only one with it.
    pub const SOLE: u32 = u32::MAX;
}

/// Tells the fate of every row and keeps the counted ones, in the order of their stamps. A report
/// that came more than once keeps the smallest failure reason.
pub fn settle(
    rows: &mut Vec<Row>,
    tails: &[Tail],
    efs: bool,
    meaning: Meaning<'_>,
    sink: &mut impl Sink,
) {
    if is_plain(rows, meaning.as_of) {
        for row in rows.iter() {
            sink.meets(row.source, Fate::Counted);
        }
        return;
    }
    for row in rows.iter_mut() {
        row.stamp = row.stamp.resolved(efs);
    }
    let rivals = Rivals {
        tails,
        codes: meaning.codes,
    };
    settle_corrections(rows, &rivals, sink);
    let order = |row: &Row| (row.stamp, row.code, row.source);
    if !rows.is_sorted_by_key(order) {
        rows.sort_unstable_by_key(order);
    }
    settle_duplicates(rows, meaning.codes, sink);
    let is_future = |row: &Row| row.stamp.is_at_or_after(meaning.as_of);
    let fate = |row: &Row| match is_future(row) {
        true => Fate::Future,
        false => Fate::Counted,
    };
    for row in rows.iter() {
        sink.meets(row.source, fate(row));
    }
    if rows.iter().any(is_future) {
        rows.retain(|row| !is_future(row));
    }
}

/// Whether all rows count as they are, as those of nearly every message: no status form, no test, no
/// deletion, no `log_id` with rivals, nothing after as-of, and each row after the one before.
#[inline(always)]
fn is_plain(rows: &[Row], as_of: Instant) -> bool {
    let mut before = 0;
    let mut is_plain = true;
    for row in rows {
        let identity = row.stamp.identity();
        is_plain &= row.tail == Row::SOLE;
        is_plain &= row.stamp.is_plain();
        is_plain &= !row.stamp.is_at_or_after(as_of);
        is_plain &= before < identity;
        before = identity;
    }
    is_plain
}

/// Among the rows of one log and `log_id` the greatest wins; if it is a deletion, none counts.
fn settle_corrections(rows: &mut Vec<Row>, rivals: &Rivals<'_>, sink: &mut impl Sink) {
    if rivals.some_log_id_recurs(rows) {
        rows.sort_unstable_by(|a, b| {
            let (of_a, of_b) = (rivals.key(a), rivals.key(b));
            of_a.cmp(&of_b).then_with(|| rivals.precedence(b, a))
        });
        let mut winner: Option<Row> = None;
        rows.retain(|row| {
            let key = rivals.key(row);
            let rival = winner.filter(|winner| key.is_some() && rivals.key(winner) == key);
            let Some(rival) = rival else {
                winner = Some(*row);
                return true;
            };
            let is_copy = rivals.is_copy(&rival, row);
            sink.meets(
                row.source,
                if is_copy {
                    Fate::Duplicate
                } else {
                    Fate::Superseded
                },
            );
            false
        });
    }
    if rows.iter().any(|row| row.stamp.is_deleted()) {
        rows.retain(|row| {
            let deleted = row.stamp.is_deleted();
            if deleted {
                sink.meets(row.source, Fate::Deleted);
            }
            !deleted
        });
    }
}

/// What decides between the rows of one message that share a `log_id`.
struct Rivals<'a> {
    tails: &'a [Tail],
    codes: &'a Codes,
}

impl Rivals<'_> {
    /// The row that a `log_id` stands for, within the message; none for a row without rivals.
    #[inline]
    fn key(&self, row: &Row) -> Option<(Log, i64)> {
        let tail = self.tails.get(row.tail as usize)?;
        row.stamp
            .has_log_id()
            .then(|| (row.stamp.log(), tail.log_id))
    }

    fn some_log_id_recurs(&self, rows: &[Row]) -> bool {
        const FEW: usize = 12;
        if self.tails.is_empty() {
            return false;
        }
        if rows.len() > FEW {
            return true;
        }
        rows.iter().enumerate().any(|(place, row)| {
            let key = self.key(row);
            key.is_some() && rows[..place].iter().any(|other| self.key(other) == key)
        })
    }

    fn tail(&self, row: &Row) -> Tail {
        self.tails
            .get(row.tail as usize)
            .copied()
            .unwrap_or_default()
    }

    /// The order that decides between rows with one key: revision, deletion, instant, event or type,
    /// reason or link, test mark. Rows that are still equal differ in no column that a KPI needs:
    /// the digest of the other columns decides, then the source, so that the result never depends on
    /// the order of rows.
    fn precedence(&self, a: &Row, b: &Row) -> Ordering {
        let (of_a, of_b) = (self.tail(a), self.tail(b));
        of_a.revision
            .cmp(&of_b.revision)
            .then_with(|| a.stamp.is_deleted().cmp(&b.stamp.is_deleted()))
            .then_with(|| when_and_what(a, b, self.codes))
            .then_with(|| self.codes.cmp(a.code, b.code))
            .then_with(|| a.stamp.is_test().cmp(&b.stamp.is_test()))
            .then_with(|| of_a.rest.cmp(&of_b.rest))
            .then_with(|| b.source.cmp(&a.source))
    }

    /// Whether two rows with one key are equal in all columns of the contract.
    fn is_copy(&self, a: &Row, b: &Row) -> bool {
        (a.stamp, a.code, self.tail(a)) == (b.stamp, b.code, self.tail(b))
    }
}

fn when_and_what(a: &Row, b: &Row, codes: &Codes) -> Ordering {
    let unknown = |row: &Row| row.stamp.tracked() == Some(Tracked::Unknown);
    if unknown(a) || unknown(b) {
        let by_type = || tracking_type(a, codes).cmp(&tracking_type(b, codes));
        return a.stamp.at().cmp(&b.stamp.at()).then_with(by_type);
    }
    a.stamp.when_and_what().cmp(&b.stamp.when_and_what())
}

fn tracking_type(row: &Row, codes: &Codes) -> Option<Value> {
    match row.stamp.tracked()? {
        Tracked::Unknown => codes.unknown_type(row.code),
        known => Some(Value::Number(known as i64)),
    }
}

/// Identical reports count once, whatever their `log_id`; tracking rows without `log_id` that are
/// equal in type, instant and link count once. `rows` are sorted by stamp, code and source.
fn settle_duplicates(rows: &mut Vec<Row>, codes: &Codes, sink: &mut impl Sink) {
    let are_same = |first: &Row, row: &Row| match first.stamp.log() {
        Log::Sending => row.stamp.identity() == first.stamp.identity(),
        Log::Tracking if first.stamp.has_log_id() => false,
        Log::Tracking => (row.stamp, row.code) == (first.stamp, first.code),
    };
    let pairs = rows.iter().zip(rows.iter().skip(1));
    if !pairs.into_iter().any(|(first, row)| are_same(first, row)) {
        return;
    }
    let mut kept = 0;
    let mut next = 0;
    while next < rows.len() {
        let first = rows[next];
        let others = rows[next + 1..].iter();
        let end = next + 1 + others.take_while(|row| are_same(&first, row)).count();
        let mut stays = first;
        for row in &rows[next + 1..end] {
            stays.code = smaller_reason(stays.code, row.code, codes);
            let goes = stays.source.max(row.source);
            stays.source = stays.source.min(row.source);
            sink.meets(goes, Fate::Duplicate);
        }
        rows[kept] = stays;
        kept += 1;
        next = end;
    }
    rows.truncate(kept);
}

fn smaller_reason(a: Code, b: Code, codes: &Codes) -> Code {
    let b_is_smaller = a.is_null() || (!b.is_null() && codes.cmp(b, a) == Ordering::Less);
    if b_is_smaller { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::super::{Occurrence, Status};
    use super::*;
    use crate::model::{Logged, Mark, Report};

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
            })
            .collect();
        let meaning = Meaning {
            as_of: Instant::FIRST.plus(1000),
            codes,
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
                Value::Text(_) => Tracked::Unknown,
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
}
