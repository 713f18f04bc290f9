//! Which rows of a message count: corrections, duplicates, as-of (kpi-semantics, section 6).

use super::{Meaning, Sink};
use crate::model::{Code, Codes, Fate, Instant, Log, Recipient, Stamp, Tail, Tracked, Value};
use std::cmp::Ordering;
use std::collections::HashMap;

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
    /// Of a report, the domain of its recipient, where that is asked for.
    pub domain: Code,
    /// The recipient that it names, where that is asked for.
    pub recipient: Recipient,
}

impl Row {
    /// For a row that has no `log_id`, or is known to be the only one with it.
    pub const SOLE: u32 = u32::MAX;

    fn resolved(self, efs: bool) -> Row {
        Row {
            stamp: self.stamp.resolved(efs),
            ..self
        }
    }
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
    settle_all(rows, tails, efs, meaning, sink);
}

fn settle_all(
    rows: &mut Vec<Row>,
    tails: &[Tail],
    efs: bool,
    meaning: Meaning<'_>,
    sink: &mut impl Sink,
) {
    for row in rows.iter_mut() {
        row.stamp = row.stamp.resolved(efs);
    }
    let rivals = Rivals {
        tails,
        codes: meaning.codes,
    };
    settle_corrections(rows, &rivals, sink);
    let order = |row: &Row| (row.stamp.by_anyone(), row.code, row.source);
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
        let of_one_key =
            |a: &Row, b: &Row| rivals.key(a).is_some() && rivals.key(a) == rivals.key(b);
        for of_key in rows.chunk_by_mut(of_one_key) {
            rivals.lead_with_most_copies(of_key);
        }
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
pub(super) struct Rivals<'a> {
    pub tails: &'a [Tail],
    pub codes: &'a Codes,
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
    /// reason or link, test mark, mark of a machine.
    fn rank(&self, a: &Row, b: &Row) -> Ordering {
        let (of_a, of_b) = (self.tail(a), self.tail(b));
        of_a.revision
            .cmp(&of_b.revision)
            .then_with(|| a.stamp.is_deleted().cmp(&b.stamp.is_deleted()))
            .then_with(|| when_and_what(a, b, self.codes))
            .then_with(|| self.codes.cmp(a.code, b.code))
            .then_with(|| a.stamp.is_test().cmp(&b.stamp.is_test()))
            .then_with(|| a.stamp.is_machine().cmp(&b.stamp.is_machine()))
    }

    /// Of the rows of each key a highest one, statuses resolved.
    pub fn highest(&self, rows: &[Row], efs: bool) -> HashMap<(Log, i64), Row> {
        let mut highest = HashMap::new();
        if self.tails.is_empty() {
            return highest;
        }
        for row in rows {
            let Some(key) = self.key(row) else {
                continue;
            };
            let row = row.resolved(efs);
            let known = highest.entry(key).or_insert(row);
            if self.rank(&row, known).is_gt() {
                *known = row;
            }
        }
        highest
    }

    /// Whether a row without a key, or among the highest of its key.
    pub fn is_among(&self, highest: &HashMap<(Log, i64), Row>, row: &Row, efs: bool) -> bool {
        let highest = self.key(row).and_then(|key| highest.get(&key));
        highest.is_none_or(|highest| self.rank(&row.resolved(efs), highest).is_eq())
    }

    /// The same, copies of a row together and in the order of their sources.
    fn precedence(&self, a: &Row, b: &Row) -> Ordering {
        let rests = || self.tail(a).rest.cmp(&self.tail(b).rest);
        let sources = || b.source.cmp(&a.source);
        self.rank(a, b).then_with(rests).then_with(sources)
    }

    /// Rows that are equal by rank differ in no column that a KPI needs. Of them that one wins which has the
    /// most copies, then the one from the lowest source: their digests, which have another key in each run,
    /// must not decide how many rows are superseded. `rows` have one key and are sorted, the highest first.
    fn lead_with_most_copies(&self, rows: &mut [Row]) {
        let first = rows[0];
        let tied = rows.partition_point(|row| self.rank(row, &first).is_eq());
        let tied = &mut rows[..tied];
        // The one that wins stands for all of them.
        let named = tied.iter().map(|row| row.recipient);
        let agreed = named.fold(Recipient::NONE, Recipient::agreed);
        tied.iter_mut().for_each(|row| row.recipient = agreed);
        let are_copies = |a: &Row, b: &Row| self.tail(a).rest == self.tail(b).rest;
        if are_copies(&tied[0], &tied[tied.len() - 1]) {
            return;
        }
        let (mut most, mut start, mut next) = (&tied[..0], 0, 0);
        for copies in tied.chunk_by(are_copies) {
            let by_sources = || {
                let sources = copies.iter().map(|row| row.source);
                most.iter().map(|row| row.source).cmp(sources)
            };
            if copies.len().cmp(&most.len()).then_with(by_sources).is_gt() {
                (most, start) = (copies, next);
            }
            next += copies.len();
        }
        tied.rotate_left(start);
    }

    /// Whether two rows with one key are equal in all columns of the contract.
    fn is_copy(&self, a: &Row, b: &Row) -> bool {
        (a.stamp, a.code) == (b.stamp, b.code) && self.tail(a).is_copy_of(&self.tail(b))
    }
}

fn when_and_what(a: &Row, b: &Row, codes: &Codes) -> Ordering {
    let unknown = |row: &Row| row.stamp.tracked() == Some(Tracked::Unknown);
    if unknown(a) || unknown(b) {
        let by_type = || codes.order(&tracking_type(a, codes), &tracking_type(b, codes));
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
/// equal in type, instant and link count once, as a machine's if one of them is marked so. `rows` are sorted by
/// stamp, code and source.
fn settle_duplicates(rows: &mut Vec<Row>, codes: &Codes, sink: &mut impl Sink) {
    let are_same = |first: &Row, row: &Row| match first.stamp.log() {
        Log::Sending => row.stamp.identity() == first.stamp.identity(),
        Log::Tracking if first.stamp.has_log_id() => false,
        Log::Tracking => (row.stamp.by_anyone(), row.code) == (first.stamp.by_anyone(), first.code),
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
            if row.stamp.is_machine() {
                stays.stamp = stays.stamp.by_machine();
            }
            stays.recipient = stays.recipient.agreed(row.recipient);
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
mod tests;
