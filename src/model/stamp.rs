//! The one order of events.

use super::{Instant, Log, Logged, Report, Tracked};
use std::fmt;

/// When and what, in eight bytes whose order as a number is *the* order of events: by log, test
/// rows last, by instant (null first), at one instant by [`Report`] or [`Tracked`] (null first),
/// rows with a `log_id` last.
///
/// Bits from the top: log 1, test 1, instant 52, kind 4, has `log_id` 1, deleted 1, made by a machine 1, free 3.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(u64);

impl Stamp {
    const LOG: u32 = 63;
    const TEST: u32 = 62;
    const AT: u32 = 10;
    const AT_MASK: u64 = (1 << 52) - 1;
    const KIND: u32 = 6;
    const KIND_MASK: u64 = 15;
    const HAS_LOG_ID: u64 = 1 << 5;
    const DELETED: u64 = 1 << 4;
    const MACHINE: u64 = 1 << 3;
    /// The lowest kind of a report in status form.
    const FIRST_STATUS: u64 = 8;

    /// A row of the sending log.
    pub fn sending(at: Option<Instant>, what: Option<Logged>) -> Stamp {
        Stamp(Self::at_bits(at) | what.map_or(0, Logged::bits) << Self::KIND)
    }

    /// A row of the tracking log.
    pub fn tracking(at: Option<Instant>, what: Option<Tracked>) -> Stamp {
        let kind = what.map_or(0, |tracked| tracked as u64);
        Stamp(1 << Self::LOG | Self::at_bits(at) | kind << Self::KIND)
    }

    /// The stamp as a number.
    #[inline(always)]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The stamp with these bits.
    #[inline(always)]
    pub const fn from_bits(bits: u64) -> Stamp {
        Stamp(bits)
    }

    /// The same at another instant.
    #[must_use]
    #[inline(always)]
    pub fn moved_to(self, at: Instant) -> Stamp {
        let cleared = self.0 & !(Self::AT_MASK << Self::AT);
        Stamp(cleared | Self::at_bits(Some(at)))
    }

    /// The same, with all that another one has, too.
    #[must_use]
    #[inline(always)]
    pub fn with(self, other: Stamp) -> Stamp {
        Stamp(self.0 | other.0)
    }

    /// The same, marked as a test row, as one with a `log_id`, as a deletion.
    #[must_use]
    pub fn marked(self, test: bool, has_log_id: bool, deleted: bool) -> Stamp {
        let mut bits = self.0 | u64::from(test) << Self::TEST;
        if has_log_id {
            bits |= Self::HAS_LOG_ID;
        }
        if deleted {
            bits |= Self::DELETED;
        }
        Stamp(bits)
    }

    /// The same, marked as made by a machine.
    #[must_use]
    #[inline(always)]
    pub fn by_machine(self) -> Stamp {
        Stamp(self.0 | Self::MACHINE)
    }

    /// The same, whoever made it.
    #[must_use]
    #[inline(always)]
    pub fn by_anyone(self) -> Stamp {
        Stamp(self.0 & !Self::MACHINE)
    }

    /// Whether the log says that a machine made the row.
    #[inline(always)]
    pub fn is_machine(self) -> bool {
        self.0 & Self::MACHINE != 0
    }

    /// The same, with the status form resolved for the delivery's mode.
    #[must_use]
    #[inline(always)]
    pub fn resolved(self, efs: bool) -> Stamp {
        match (self.log(), self.kind_bits()) {
            (Log::Sending, Self::FIRST_STATUS..) => self.resolved_status(efs),
            _ => self,
        }
    }

    /// Whether the row is no test row, no deletion, and not in status form.
    #[inline(always)]
    pub fn is_plain(self) -> bool {
        const MARKS: u64 = 1 << Stamp::TEST | Stamp::DELETED;
        let is_status = self.log() == Log::Sending && self.kind_bits() >= Self::FIRST_STATUS;
        self.0 & MARKS == 0 && !is_status
    }

    fn resolved_status(self, efs: bool) -> Stamp {
        let Some(logged) = self.logged() else {
            return self;
        };
        let cleared = self.0 & !(Self::KIND_MASK << Self::KIND);
        Stamp(cleared | (logged.resolve(efs) as u64) << Self::KIND)
    }

    /// The log that the row stands in.
    pub fn log(self) -> Log {
        if self.0 >> Self::LOG == 0 {
            Log::Sending
        } else {
            Log::Tracking
        }
    }

    /// Whether the row is a test row.
    pub fn is_test(self) -> bool {
        self.0 >> Self::TEST & 1 == 1
    }

    /// When; null only in a deletion.
    pub fn at(self) -> Option<Instant> {
        Stamp::instant(self.when())
    }

    /// The instant of rows with this [`Stamp::when`].
    #[inline(always)]
    pub fn instant(when: u64) -> Option<Instant> {
        match when {
            0 => None,
            bits => Some(Instant::from_micros(
                bits as i64 - 1 + Instant::FIRST.micros(),
            )),
        }
    }

    /// Whether the instant is at or after `limit`.
    pub fn is_at_or_after(self, limit: Instant) -> bool {
        self.at().is_some_and(|at| at >= limit)
    }

    /// What a row of the sending log says.
    pub fn logged(self) -> Option<Logged> {
        Logged::from_bits(self.kind_bits())
    }

    /// The report that a resolved row of the sending log stands for.
    pub fn report(self) -> Option<Report> {
        match (self.log(), self.logged()) {
            (Log::Sending, Some(Logged::Event(report))) => Some(report),
            _ => None,
        }
    }

    /// The type of a row of the tracking log.
    pub fn tracked(self) -> Option<Tracked> {
        match (self.log(), self.kind_bits()) {
            (Log::Sending, _) | (_, 0) => None,
            (Log::Tracking, bits) => Some(Tracked::from_code(bits as i64)),
        }
    }

    /// Whether the row has a `log_id`.
    pub fn has_log_id(self) -> bool {
        self.0 & Self::HAS_LOG_ID != 0
    }

    /// Whether the row deletes what its `log_id` stands for.
    pub fn is_deleted(self) -> bool {
        self.0 & Self::DELETED != 0
    }

    /// Equal for two rows exactly when log, test mark, instant and kind are equal.
    pub fn identity(self) -> u64 {
        self.0 >> Self::KIND
    }

    /// What tells the instants of rows apart, and sorts them: 0 where there is none.
    #[inline(always)]
    pub fn when(self) -> u64 {
        self.0 >> Self::AT & Self::AT_MASK
    }

    /// What [`Stamp::when`] is in rows at an instant.
    pub fn when_at(at: Instant) -> u64 {
        let since = at.micros().saturating_sub(Instant::FIRST.micros());
        (since.saturating_add(1).max(1) as u64).min(Self::AT_MASK)
    }

    /// Whether the row is marked neither as a test row, nor as a deletion, nor as made by a machine.
    #[inline(always)]
    pub fn is_unmarked(self) -> bool {
        self.0 & (1 << Self::TEST | Self::DELETED | Self::MACHINE) == 0
    }

    /// The stamp with an [identity](Self::identity), as far as that tells.
    #[inline(always)]
    pub fn of(identity: u64) -> Stamp {
        Stamp(identity << Self::KIND)
    }

    /// Whether the row stands in the tracking log.
    #[inline(always)]
    pub fn is_tracking(self) -> bool {
        self.0 >> Self::LOG == 1
    }

    /// Log and kind, below 32: of a report its number, of a tracking row 16 more than its code.
    #[inline(always)]
    pub fn kind(self) -> usize {
        (self.kind_bits() | self.0 >> Self::LOG << 4) as usize
    }

    /// Instant and kind alone, nulls lowest: the first part of the order among equal revisions.
    pub fn when_and_what(self) -> u64 {
        self.0 >> Self::KIND & ((1 << 56) - 1)
    }

    fn kind_bits(self) -> u64 {
        self.0 >> Self::KIND & Self::KIND_MASK
    }

    fn at_bits(at: Option<Instant>) -> u64 {
        at.map_or(0, |at| {
            debug_assert!(Instant::plausible(at.micros()).is_some());
            (at.micros() - Instant::FIRST.micros() + 1) as u64
        }) << Self::AT
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stamp")
            .field("log", &self.log())
            .field("at", &self.at())
            .field("kind", &self.kind_bits())
            .field("test", &self.is_test())
            .field("has_log_id", &self.has_log_id())
            .field("deleted", &self.is_deleted())
            .field("machine", &self.is_machine())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: i64) -> Option<Instant> {
        Some(Instant::FIRST.plus(offset))
    }

    #[test]
    fn stamps_sort_by_log_test_instant_and_kind() {
        let relayed = Some(Logged::Event(Report::Relayed));
        let bounce = Some(Logged::Event(Report::HardBounce));
        let ordered = [
            Stamp::sending(None, None),
            Stamp::sending(at(0), relayed),
            Stamp::sending(at(0), relayed).marked(false, true, false),
            Stamp::sending(at(0), bounce),
            Stamp::sending(at(1), relayed),
            Stamp::sending(Instant::plausible(Instant::END.micros() - 1), bounce),
            Stamp::sending(at(0), relayed).marked(true, false, false),
            Stamp::tracking(at(0), Some(Tracked::Click)),
            Stamp::tracking(at(0), Some(Tracked::Unknown)),
            Stamp::tracking(at(5), Some(Tracked::Click)),
        ];
        for pair in ordered.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?}");
        }
    }

    #[test]
    fn reports_of_one_instant_have_their_order() {
        use Report::*;
        let stamp = |offset, report| Stamp::sending(at(offset), Some(Logged::Event(report)));
        let ordered = [Relayed, SoftBounce, Delivered, Expired, HardBounce];
        for pair in ordered.windows(2) {
            assert!(stamp(0, pair[0]) < stamp(0, pair[1]), "{pair:?}");
        }
        for last in [Complaint, Ignored] {
            assert!(stamp(0, HardBounce) < stamp(0, last), "{last:?}");
            assert!(stamp(0, last) < stamp(1, Relayed), "{last:?}");
        }
    }

    #[test]
    fn what_went_in_comes_out() {
        let stamp = Stamp::tracking(at(77), Some(Tracked::OfferClick2)).marked(true, true, true);
        assert_eq!(stamp.log(), Log::Tracking);
        assert_eq!(stamp.at(), at(77));
        assert_eq!(stamp.tracked(), Some(Tracked::OfferClick2));
        assert_eq!(stamp.report(), None);
        assert!(stamp.is_test() && stamp.has_log_id() && stamp.is_deleted());
        let made = stamp.by_machine();
        assert!(made.is_machine() && !stamp.is_machine());
        assert_eq!(
            (made.by_anyone(), made.identity()),
            (stamp, stamp.identity())
        );
        let empty = Stamp::sending(None, None);
        assert_eq!(
            (empty.at(), empty.report(), empty.tracked()),
            (None, None, None)
        );
    }

    #[test]
    fn the_status_form_depends_on_the_mode() {
        let table = [
            (Logged::Pending, Report::Relayed, Report::Ignored),
            (Logged::Sent, Report::Delivered, Report::Relayed),
            (Logged::FailedSoft, Report::SoftBounce, Report::Expired),
            (Logged::FailedHard, Report::HardBounce, Report::HardBounce),
        ];
        for (logged, with_efs, without_efs) in table {
            let stamp = Stamp::sending(at(1), Some(logged));
            assert_eq!(stamp.resolved(true).report(), Some(with_efs));
            assert_eq!(stamp.resolved(false).report(), Some(without_efs));
            assert_eq!(stamp.report(), None, "{logged:?} is no event by itself");
        }
    }
}
