//! The domain of the recipient of a message.

use super::settle::Rivals;
use super::{Meaning, Row};
use crate::model::{Code, Log, Tail};

/// The smallest domain that a report of the message gives which counts, copies and rivals included that differ in
/// nothing else; null where none gives any. Order of rows and files, and which of several copies is kept, never
/// matter.
pub fn domain(rows: &[Row], tails: &[Tail], meaning: Meaning<'_>) -> Code {
    let rivals = Rivals {
        tails,
        codes: meaning.codes,
    };
    let may_count = |row: &&Row| {
        row.stamp.log() == Log::Sending
            && !row.domain.is_null()
            && !row.stamp.is_test()
            && !row.stamp.is_deleted()
            && !row.stamp.is_at_or_after(meaning.as_of)
    };
    let mut smallest = Code::NULL;
    for row in rows.iter().filter(may_count) {
        if row.domain == smallest {
            continue;
        }
        // What is no name of a domain stands behind all that are.
        let rank = |code| {
            let name = meaning.codes.domain(code);
            (name.as_deref().is_none_or(str::is_empty), name)
        };
        let is_smaller = smallest.is_null() || rank(row.domain) < rank(smallest);
        if is_smaller && rivals.is_among_highest(row, rows) {
            smallest = row.domain;
        }
    }
    smallest
}
