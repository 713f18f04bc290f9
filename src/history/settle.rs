//! Which rows of a message count: corrections, duplicates, as-of (kpi-semantics, section 6).

use super::{Meaning, Sink};
use crate::model::{Code, Codes, Fate, Log, Stamp, Tail, Tracked, Value};
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
    /// What decides between rows with one `log_id`.
    pub tail: Tail,
}

/// Tells the fate of every row and keeps the counted ones, in the order of their stamps. A report
/// that came more than once keeps the smallest failure reason.
pub fn settle(rows: &mut Vec<Row>, efs: bool, meaning: Meaning<'_>, sink: &mut impl Sink) {
    for row in rows.iter_mut() {
        row.stamp = row.stamp.resolved(efs);
    }
    settle_corrections(rows, meaning.codes, sink);
    rows.sort_unstable_by_key(|row| (row.stamp, row.code, row.source));
    settle_duplicates(rows, meaning.codes, sink);
    rows.retain(|row| {
        let future = row.stamp.is_at_or_after(meaning.as_of);
        sink.meets(
            row.source,
            if future { Fate::Future } else { Fate::Counted },
        );
        !future
    });
}

/// Among the rows of one log and `log_id` the greatest wins; if it is a deletion, none counts.
fn settle_corrections(rows: &mut Vec<Row>, codes: &Codes, sink: &mut impl Sink) {
    if some_log_id_recurs(rows) {
        rows.sort_unstable_by(|a, b| key(a).cmp(&key(b)).then_with(|| precedence(b, a, codes)));
        let mut winner: Option<Row> = None;
        rows.retain(|row| {
            let rival = winner.filter(|winner| row.stamp.has_log_id() && key(winner) == key(row));
            let Some(winner_row) = rival else {
                winner = Some(*row);
                return true;
            };
            let fate = if is_copy(&winner_row, row) {
                Fate::Duplicate
            } else {
                Fate::Superseded
            };
            sink.meets(row.source, fate);
            false
        });
    }
    rows.retain(|row| {
        let deleted = row.stamp.is_deleted();
        if deleted {
            sink.meets(row.source, Fate::Deleted);
        }
        !deleted
    });
}

fn some_log_id_recurs(rows: &[Row]) -> bool {
    const FEW: usize = 12;
    if rows.len() > FEW {
        return rows.iter().any(|row| row.stamp.has_log_id());
    }
    rows.iter().enumerate().any(|(i, row)| {
        row.stamp.has_log_id()
            && rows[..i]
                .iter()
                .any(|other| other.stamp.has_log_id() && key(other) == key(row))
    })
}

/// The row that a `log_id` stands for, within the message; rows without one come last.
fn key(row: &Row) -> (bool, Log, i64) {
    (!row.stamp.has_log_id(), row.stamp.log(), row.tail.log_id)
}

/// The order that decides between rows with one key: revision, deletion, instant, event or type,
/// reason or link, test mark. Rows that are still equal differ in no column that a KPI needs: the
/// digest of the other columns decides, then the source, so that the result never depends on the
/// order of rows.
fn precedence(a: &Row, b: &Row, codes: &Codes) -> Ordering {
    a.tail
        .revision
        .cmp(&b.tail.revision)
        .then_with(|| a.stamp.is_deleted().cmp(&b.stamp.is_deleted()))
        .then_with(|| when_and_what(a, b, codes))
        .then_with(|| codes.cmp(a.code, b.code))
        .then_with(|| a.stamp.is_test().cmp(&b.stamp.is_test()))
        .then_with(|| a.tail.rest.cmp(&b.tail.rest))
        .then_with(|| b.source.cmp(&a.source))
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

/// Whether two rows with one key are equal in all columns of the contract.
fn is_copy(a: &Row, b: &Row) -> bool {
    (a.stamp, a.code, a.tail) == (b.stamp, b.code, b.tail)
}

/// Identical reports count once, whatever their `log_id`; tracking rows without `log_id` that are
/// equal in type, instant and link count once. `rows` are sorted by stamp, code and source.
fn settle_duplicates(rows: &mut Vec<Row>, codes: &Codes, sink: &mut impl Sink) {
    let mut kept = 0;
    let mut next = 0;
    while next < rows.len() {
        let first = rows[next];
        let same = |row: &Row| match first.stamp.log() {
            Log::Sending => row.stamp.identity() == first.stamp.identity(),
            Log::Tracking if first.stamp.has_log_id() => false,
            Log::Tracking => (row.stamp, row.code) == (first.stamp, first.code),
        };
        let end = next + 1 + rows[next + 1..].iter().take_while(|row| same(row)).count();
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
