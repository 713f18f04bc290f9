//! How a message goes the short way: row by row, until one of them is not as it has to be.

use crate::history::Row;
use crate::model::{
    Breakdown, Breakdowns, DeliveryIndex, Instant, MachineRules, Report, Stamp, Tail, Tracked,
};
use crate::rollup::{Partial, Place, Steps};

/// The rows of a message so far.
#[derive(Clone, Copy, Default)]
pub struct Course {
    /// When the first one came, as in [`Stamp::when`], and in the highest byte where the message is now.
    first: u64,
    /// The identity of the last one, 0 where there is none, and [`Course::ODD`] once the message has left the
    /// short way.
    last: u64,
}

impl Course {
    const AT: u32 = 56;
    /// No row follows it.
    const ODD: u64 = u64::MAX;

    /// Takes a row in, which is simple if its kind and its marks allow the short way, and gives the number of its
    /// effect. Each has to follow the one before, in the order of events and in time, and the first one has
    /// to be a report: then the message enters the log with the first row, and the first and last rows are
    /// the earliest and the latest.
    #[inline(always)]
    pub fn meet(&mut self, steps: &Steps, start: Place, stamp: Stamp, is_simple: bool) -> u8 {
        let row = stamp.identity();
        let is_first = self.last == 0;
        let follows = (self.last < row) & (Stamp::of(self.last).when() <= stamp.when());
        let enters = !(is_first & stamp.is_tracking());
        let place = if is_first { start } else { self.place() };
        let (after, effect) = steps.after(place, stamp.kind());
        let goes_on = follows & enters & is_simple;
        let after = if goes_on { after } else { Steps::NOWHERE };
        let first = if is_first { stamp.when() } else { self.first };
        self.first = first & !(u64::MAX << Self::AT) | u64::from(after) << Self::AT;
        self.last = if goes_on { row } else { Self::ODD };
        if goes_on { effect } else { 0 }
    }

    /// Whether a row has no `log_id`, or a higher one than all rows of its log before it, so that none of them can be
    /// another version of it; `highest` is that of the rows so far. Asked before the row is taken in.
    #[inline(always)]
    pub fn rises(self, stamp: Stamp, log_id: i64, highest: &mut i64) -> bool {
        if !stamp.has_log_id() {
            return true;
        }
        let of_other_log = stamp.is_tracking() & !Stamp::of(self.last).is_tracking();
        let rises = (*highest < log_id) | of_other_log;
        *highest = log_id;
        rises
    }

    /// Where it is on the short way.
    #[inline(always)]
    pub fn place(self) -> Place {
        (self.first >> Self::AT) as Place
    }

    /// When the first row came.
    pub fn entered(self) -> Option<Instant> {
        Stamp::instant(self.first & !(u64::MAX << Self::AT))
    }

    /// When the last one came.
    pub fn last(self) -> Option<Instant> {
        Stamp::of(self.last).at()
    }
}

/// The kinds of the rows after which a message may have failed.
pub const FAILURES: u32 =
    1 << Report::SoftBounce as u32 | 1 << Report::HardBounce as u32 | 1 << Report::Expired as u32;

/// The kinds of rows that keep no message from the short way, where these rules tell machines from people, counts
/// are broken down so, and the account asks for others.
pub fn simple_kinds(machines: &MachineRules, breakdowns: Breakdowns, asked_for: u32) -> u32 {
    let mut looked_at = machines.types() << 16 | asked_for;
    if breakdowns.has(Breakdown::Reason) {
        looked_at |= FAILURES;
    }
    if breakdowns.has(Breakdown::Url) {
        looked_at |= Tracked::CLICKS << 16;
    }
    Steps::KINDS & !looked_at
}

/// Whether nothing in a row keeps its message from the short way: it is one of these kinds, and before `end`.
#[inline(always)]
pub fn is_simple(stamp: Stamp, kinds: u32, end: u64) -> bool {
    (kinds >> stamp.kind() & 1 == 1) & stamp.is_unmarked() & (stamp.when() < end)
}

/// Takes what was counted of a message as long as it was on the short way away again.
pub fn take_back(
    rows: &[Row],
    tails: &[Tail],
    delivery: DeliveryIndex,
    start: Place,
    (kinds, end): (u32, u64),
    steps: &Steps,
    partial: &mut Partial,
) {
    let mut course = Course::default();
    let mut highest = i64::MIN;
    for row in rows {
        let stamp = row.stamp;
        let tail = tails.get(row.tail as usize);
        let is_sole = tail.is_none_or(|tail| course.rises(stamp, tail.log_id, &mut highest));
        let is_simple = is_sole & is_simple(stamp, kinds, end);
        let effect = course.meet(steps, start, stamp, is_simple);
        if course.place() == Steps::NOWHERE {
            return;
        }
        partial.discount(row.source);
        if let Some(at) = stamp.at() {
            partial.take(delivery, at.hour(), steps.effect(effect));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Logged;

    const END: u64 = 1000;

    fn report(second: i64, report: Report) -> Stamp {
        Stamp::sending(
            Some(Instant::FIRST.plus(second)),
            Some(Logged::Event(report)),
        )
    }

    fn tracked(second: i64, tracked: Tracked) -> Stamp {
        Stamp::tracking(Some(Instant::FIRST.plus(second)), Some(tracked))
    }

    /// Whether a message with these rows stays on the short way to its end.
    fn stays(rows: &[Stamp]) -> bool {
        let steps = Steps::new();
        let mut course = Course::default();
        for stamp in rows {
            let simple = is_simple(*stamp, Steps::KINDS, END);
            course.meet(&steps, Steps::start(true), *stamp, simple);
        }
        course.place() != Steps::NOWHERE
    }

    #[test]
    fn one_row_is_enough_to_leave_the_short_way_for_good() {
        let relayed = report(5, Report::Relayed);
        let plain = [
            relayed,
            report(7, Report::Delivered),
            tracked(9, Tracked::Open),
        ];
        assert!(stays(&plain));
        let odd = [
            ("an earlier one", report(4, Report::Delivered)),
            ("the same", relayed),
            ("a complaint", report(8, Report::Complaint)),
            ("an unknown type", tracked(8, Tracked::Unknown)),
            ("a machine's", tracked(8, Tracked::Open).by_machine()),
            (
                "a test row",
                report(8, Report::Delivered).marked(true, false, false),
            ),
            (
                "a deletion",
                report(8, Report::Delivered).marked(false, true, true),
            ),
            (
                "a status",
                Stamp::sending(Some(Instant::FIRST.plus(8)), Some(Logged::Sent)),
            ),
            ("one after as-of", report(END as i64, Report::Delivered)),
            (
                "one that opens before it is sent",
                tracked(3, Tracked::Open),
            ),
        ];
        for (what, row) in odd {
            assert!(!stays(&[relayed, row]), "{what}");
            let follows = [relayed, row, report(11, Report::Delivered)];
            assert!(!stays(&follows), "{what}, and one after it");
        }
        // Not even one that says nothing is forgotten.
        let nothing = Stamp::sending(None, None).marked(false, true, true);
        assert_eq!(nothing.identity(), 0);
        for first in [
            nothing,
            tracked(2, Tracked::Open),
            report(1, Report::Ignored),
        ] {
            assert!(!stays(&[first]) && !stays(&[first, relayed]), "{first:?}");
        }
    }

    #[test]
    fn what_is_known_of_a_course_is_when_it_started_and_ended() {
        let steps = Steps::new();
        let mut course = Course::default();
        assert_eq!((course.entered(), course.last()), (None, None));
        for stamp in [report(5, Report::Relayed), tracked(9, Tracked::Click)] {
            course.meet(&steps, Steps::start(false), stamp, true);
        }
        let at = |second| Some(Instant::FIRST.plus(second));
        assert_eq!((course.entered(), course.last()), (at(5), at(9)));
    }

    #[test]
    fn a_log_id_that_does_not_rise_may_be_another_version() {
        let with_id = |stamp: Stamp| stamp.marked(false, true, false);
        let relayed = with_id(report(5, Report::Relayed));
        let delivered = with_id(report(7, Report::Delivered));
        let open = with_id(tracked(9, Tracked::Open));
        let rise = |rows: &[(Stamp, i64)]| {
            let (mut course, mut highest) = (Course::default(), i64::MIN);
            let steps = Steps::new();
            let mut all = true;
            for (stamp, log_id) in rows {
                all &= course.rises(*stamp, *log_id, &mut highest);
                course.meet(&steps, Steps::start(true), *stamp, true);
            }
            all
        };
        assert!(rise(&[(relayed, -3), (delivered, 4), (open, 1), (open, 2)]));
        assert!(!rise(&[(relayed, 4), (delivered, 4)]));
        assert!(!rise(&[(relayed, 5), (delivered, 4)]));
        assert!(!rise(&[(relayed, 5), (open, 2), (open, 2)]));
        let none = report(7, Report::Delivered);
        assert!(rise(&[(relayed, 5), (none, 0)]), "it has no log_id");
        assert!(!rise(&[(relayed, 5), (none, 9), (delivered, 5)]));
    }
}
