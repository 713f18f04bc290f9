//! What goes wrong with a row on its way into the files: it comes late, it comes twice, it is corrected, it
//! is deleted.

use super::random::{Random, key};
use super::row::Row;
use crate::model::{HOUR, Log, Report};

/// Whole hours that a row comes late, and that a correction comes after it, at most.
const LATEST: i64 = 30;

/// How often each of the four happens, in a hundred thousand rows.
#[derive(Clone, Copy)]
pub(super) struct Faults {
    pub key: u64,
    pub often: i64,
}

impl Faults {
    /// The files, by their hour, that hold the `nth` row of a log, and as what. The row's own hour is the
    /// earliest.
    pub fn files(self, log: Log, nth: u64, row: Row, mut put: impl FnMut(i64, Row)) {
        let mut hour = row.at.div_euclid(HOUR);
        if self.often == 0 {
            return put(hour, row);
        }
        let mut random = Random::new(key(self.key ^ log as u64, nth));
        let mut happens = || random.below(100_000) < self.often;
        let (late, twice, corrected, deleted) = (happens(), happens(), happens(), happens());
        if late {
            hour += later(&mut random);
        }
        put(hour, row);
        if twice {
            put(hour + 1, row);
        }
        // Nothing can be said about a row that cannot be named.
        if row.log_id == 0 {
            return;
        }
        let mut newest = row;
        if corrected {
            hour += later(&mut random);
            newest = correct(log, row, &mut random);
            put(hour, newest);
        }
        if deleted {
            hour += later(&mut random);
            let deletion = Row {
                revision: newest.revision + 1,
                marks: newest.marks | Row::DELETED,
                ..newest
            };
            // Some exporters keep the values of a deleted row.
            let is_bare = random.chance(500);
            put(hour, if is_bare { bare(deletion) } else { deletion });
            if random.chance(200) {
                let back = Row {
                    revision: deletion.revision + 1,
                    ..newest
                };
                put(hour + later(&mut random), back);
            }
        }
    }
}

/// How many hours later something comes.
fn later(random: &mut Random) -> i64 {
    1 + random.below(LATEST)
}

/// The next revision of a row: another instant, or a failure of another kind.
fn correct(log: Log, row: Row, random: &mut Random) -> Row {
    let is = |report: Report| log == Log::Sending && row.what == report as u8;
    let mut corrected = Row { revision: 1, ..row };
    let seconds = 1 + random.below(1200);
    let other_kind = random.chance(500);
    if other_kind && is(Report::HardBounce) {
        corrected.what = Report::Expired as u8;
    } else if other_kind && is(Report::SoftBounce) {
        corrected.what = Report::HardBounce as u8;
    } else if is(Report::Relayed) {
        // What follows a relay keeps following it.
        corrected.at -= seconds * 1000;
    } else {
        corrected.at += seconds * 1_000_000;
    }
    corrected
}

fn bare(row: Row) -> Row {
    Row {
        at: 0,
        what: 0,
        detail: 0,
        ..row
    }
}
