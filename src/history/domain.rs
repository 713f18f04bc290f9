//! The domain of the recipient of a message.

use super::settle::Rivals;
use super::{Meaning, Row};
use crate::model::{Code, Log, Tail};

/// The smallest domain that a report of the message gives which counts, copies and rivals included that differ in
/// nothing else; null where none gives any. Order of rows and files, and which of several copies is kept, never
/// matter.
pub fn domain(rows: &[Row], tails: &[Tail], efs: bool, meaning: Meaning<'_>) -> Code {
    let codes = meaning.codes;
    // What is no name of a domain stands behind all that are.
    let rank = |code| {
        let name = codes.domain(code);
        (name.as_deref().is_none_or(str::is_empty), name)
    };
    let rivals = Rivals { tails, codes };
    let highest = rivals.highest(rows, efs);
    let mut smallest = Code::NULL;
    for row in rows.iter().filter(|row| may_count(row, meaning)) {
        let is_smaller =
            || smallest.is_null() || row.domain != smallest && rank(row.domain) < rank(smallest);
        if is_smaller() && rivals.is_among(&highest, row, efs) {
            smallest = row.domain;
        }
    }
    smallest
}

fn may_count(row: &Row, meaning: Meaning<'_>) -> bool {
    row.stamp.log() == Log::Sending
        && !row.domain.is_null()
        && !row.stamp.is_test()
        && !row.stamp.is_deleted()
        && !row.stamp.is_at_or_after(meaning.as_of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Codes, Instant, Logged, MachineRules, Recipient, Report, Stamp};

    const AS_OF: i64 = 100;

    /// A report at a second: its domain, its `log_id` and revision if it has them, and whether it is a test or a
    /// deletion.
    type Given = (i64, Option<&'static str>, Option<(i64, i64)>, bool, bool);

    fn of(given: &[Given]) -> Option<String> {
        let codes = Codes::default();
        let machines = MachineRules::default();
        let meaning = Meaning {
            as_of: Instant::FIRST.plus(AS_OF),
            codes: &codes,
            machines: &machines,
        };
        let mut tails = Vec::new();
        let mut rows = Vec::new();
        for (source, (second, domain, version, is_test, is_deleted)) in (0u32..).zip(given) {
            let at = Some(Instant::FIRST.plus(*second));
            let stamp = Stamp::sending(at, Some(Logged::Event(Report::Delivered)));
            rows.push(Row {
                stamp: stamp.marked(*is_test, version.is_some(), *is_deleted),
                code: Code::NULL,
                source,
                tail: tails.len() as u32,
                domain: domain.map_or(Code::NULL, |name| codes.intern_domain(name)),
                recipient: Recipient::NONE,
            });
            let (log_id, revision) = version.unwrap_or_default();
            tails.push(Tail {
                log_id,
                revision,
                // Copies or not.
                rest: u64::from(source),
            });
        }
        let forth = domain(&rows, &tails, false, meaning);
        rows.reverse();
        assert_eq!(domain(&rows, &tails, false, meaning), forth, "{given:?}");
        codes.domain(forth).map(String::from)
    }

    #[test]
    fn the_first_in_the_alphabet_of_reports_that_count() {
        let [a, b, none] = [Some("a.example"), Some("b.example"), Some("")];
        let plain = |second, domain| (second, domain, None, false, false);
        for (given, expected) in [
            (vec![], None),
            (vec![plain(1, None)], None),
            (vec![plain(1, b), plain(2, None), plain(3, a)], a),
            (vec![plain(1, none), plain(2, b)], b),
            (vec![plain(1, none), plain(2, None)], none),
            (vec![plain(1, b), plain(AS_OF, a)], b),
            (vec![plain(1, b), (2, a, None, true, false)], b),
            // A correction, a deletion, and two versions that are equal but for the domain.
            (
                vec![
                    (1, a, Some((7, 0)), false, false),
                    (1, b, Some((7, 1)), false, false),
                ],
                b,
            ),
            (
                vec![
                    (1, a, Some((7, 0)), false, false),
                    (1, b, Some((7, 1)), false, true),
                ],
                None,
            ),
            (
                vec![
                    (1, b, Some((7, 0)), false, false),
                    (1, a, Some((7, 0)), false, false),
                ],
                a,
            ),
        ] {
            assert_eq!(of(&given).as_deref(), expected, "{given:?}");
        }
    }
}
