//! The status of a message: one enum, one method per input.

use crate::model::Report;

/// The status of a message that has entered the log.
///
/// ```text
///  with EFS:     Pending ──delivered──► Confirmed ──soft──► FailedRetrying ──delivered──► Confirmed
///                Pending ──soft bounce──► FailedRetrying ──deadline, expired──► FailedSoft
///  without EFS:  Sent ──soft bounce──► SentRetrying ──delivered──► Confirmed
///                SentRetrying ──deadline──► FailedByDeadline,  ──expired──► FailedSoft
///  both:         anything ──hard bounce──► FailedHard;  not confirmed ──expired──► FailedSoft
///                not failed ──soft bounce at or after the deadline──► FailedSoft
/// ```
///
/// `FailedSoft`, `FailedByDeadline` and `FailedHard` are final for all but a hard bounce: the
/// queue is closed, or the deadline is past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Relayed, with EFS: the MTA has not said more.
    Pending,
    /// Relayed, without EFS: counts as delivered until a failure is known.
    Sent,
    /// Without EFS: the MTA tries again after a soft bounce.
    SentRetrying,
    /// Delivered, and no soft bounce since.
    Confirmed,
    /// With EFS: failed softly, the MTA tries again.
    FailedRetrying,
    /// Failed softly for good: reported, or retries ended.
    FailedSoft,
    /// Without EFS: failed softly because the deadline passed during retries.
    FailedByDeadline,
    /// Failed permanently.
    FailedHard,
}

/// What the dashboards show of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Not known yet.
    Pending,
    /// Counts as delivered.
    Sent,
    /// Counts under bounces + errors.
    Failed,
}

impl Status {
    /// All of them.
    pub const ALL: [Status; 8] = [
        Status::Pending,
        Status::Sent,
        Status::SentRetrying,
        Status::Confirmed,
        Status::FailedRetrying,
        Status::FailedSoft,
        Status::FailedByDeadline,
        Status::FailedHard,
    ];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Status::Pending => "Pending",
            Status::Sent => "Sent",
            Status::SentRetrying => "Sent, being retried",
            Status::Confirmed => "Sent, confirmed",
            Status::FailedRetrying => "Failed (soft), being retried",
            Status::FailedSoft => "Failed (soft)",
            Status::FailedByDeadline => "Failed (soft), by the deadline",
            Status::FailedHard => "Failed (hard)",
        }
    }

    /// The status right after the relay.
    pub fn relayed(efs: bool) -> Status {
        if efs { Status::Pending } else { Status::Sent }
    }

    /// The status after a report, or none where the report has no effect. `late`: it came at or
    /// after the deadline.
    ///
    /// | report | with EFS | without EFS |
    /// |---|---|---|
    /// | relayed, later | – | – |
    /// | delivered | Confirmed | Confirmed |
    /// | soft bounce before the deadline | FailedRetrying | SentRetrying |
    /// | soft bounce at or after it | FailedSoft | FailedSoft |
    /// | expired, while confirmed | – | – |
    /// | expired, else | FailedSoft | FailedSoft |
    /// | hard bounce | FailedHard | FailedHard |
    /// | complaint, ignored | – | – |
    ///
    /// From FailedSoft and FailedByDeadline only a hard bounce leads out, from FailedHard nothing.
    pub fn after(self, report: Report, efs: bool, late: bool) -> Option<Status> {
        match self {
            Status::FailedHard => return None,
            Status::FailedSoft | Status::FailedByDeadline if report != Report::HardBounce => {
                return None;
            }
            Status::FailedSoft
            | Status::FailedByDeadline
            | Status::Pending
            | Status::Sent
            | Status::SentRetrying
            | Status::Confirmed
            | Status::FailedRetrying => {}
        }
        match report {
            Report::Relayed | Report::Complaint | Report::Ignored => None,
            Report::Delivered => Some(Status::Confirmed),
            Report::SoftBounce if late => Some(Status::FailedSoft),
            Report::SoftBounce if efs => Some(Status::FailedRetrying),
            Report::SoftBounce => Some(Status::SentRetrying),
            Report::Expired if self == Status::Confirmed => None,
            Report::Expired => Some(Status::FailedSoft),
            Report::HardBounce => Some(Status::FailedHard),
        }
    }

    /// The status after the deadline passed, or none where it has no effect.
    pub fn after_deadline(self) -> Option<Status> {
        match self {
            Status::SentRetrying => Some(Status::FailedByDeadline),
            Status::FailedRetrying => Some(Status::FailedSoft),
            Status::Pending
            | Status::Sent
            | Status::Confirmed
            | Status::FailedSoft
            | Status::FailedByDeadline
            | Status::FailedHard => None,
        }
    }

    /// What the dashboards show.
    pub fn standing(self) -> Standing {
        match self {
            Status::Pending => Standing::Pending,
            Status::Sent | Status::SentRetrying | Status::Confirmed => Standing::Sent,
            Status::FailedRetrying
            | Status::FailedSoft
            | Status::FailedByDeadline
            | Status::FailedHard => Standing::Failed,
        }
    }

    /// Whether the MTA still tries, so that the status can still change.
    pub fn is_retrying(self) -> bool {
        matches!(self, Status::SentRetrying | Status::FailedRetrying)
    }

    /// Whether the message has failed for good: a later success has no effect.
    pub fn is_failed_for_good(self) -> bool {
        match self {
            Status::FailedSoft | Status::FailedByDeadline | Status::FailedHard => true,
            Status::Pending
            | Status::Sent
            | Status::SentRetrying
            | Status::Confirmed
            | Status::FailedRetrying => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Report::*;
    use Status::*;

    const REPORTS: [Report; 7] = [
        Relayed, SoftBounce, Delivered, Expired, HardBounce, Complaint, Ignored,
    ];

    /// kpi-semantics, section 2, row by row: (from, report, before the deadline, at or after it).
    /// A report that is not listed has no effect.
    fn table(efs: bool) -> Vec<(Status, Report, Status, Status)> {
        let relayed = if efs { Pending } else { Sent };
        let retrying = if efs { FailedRetrying } else { SentRetrying };
        let mut rows = vec![
            (Confirmed, Delivered, Confirmed, Confirmed),
            (Confirmed, SoftBounce, retrying, FailedSoft),
            (Confirmed, HardBounce, FailedHard, FailedHard),
            (FailedSoft, HardBounce, FailedHard, FailedHard),
            (FailedByDeadline, HardBounce, FailedHard, FailedHard),
        ];
        for from in [relayed, retrying] {
            rows.push((from, Delivered, Confirmed, Confirmed));
            rows.push((from, SoftBounce, retrying, FailedSoft));
            rows.push((from, Expired, FailedSoft, FailedSoft));
            rows.push((from, HardBounce, FailedHard, FailedHard));
        }
        rows
    }

    #[test]
    fn the_machine_is_the_table_of_the_specification() {
        for efs in [true, false] {
            let table = table(efs);
            let of_the_other_mode = if efs {
                [Sent, SentRetrying]
            } else {
                [Pending, FailedRetrying]
            };
            for from in Status::ALL {
                if of_the_other_mode.contains(&from) {
                    continue;
                }
                for report in REPORTS {
                    let row = table.iter().find(|row| (row.0, row.1) == (from, report));
                    let context = format!("{from:?}, {report:?}, efs {efs}");
                    let expected = row.map(|row| row.2);
                    assert_eq!(
                        from.after(report, efs, false),
                        expected,
                        "{context}, in time"
                    );
                    let expected = row.map(|row| row.3);
                    assert_eq!(from.after(report, efs, true), expected, "{context}, late");
                }
            }
        }
    }

    #[test]
    fn the_deadline_ends_retries() {
        for from in Status::ALL {
            let expected = match from {
                SentRetrying => Some(FailedByDeadline),
                FailedRetrying => Some(FailedSoft),
                _ => None,
            };
            assert_eq!(from.after_deadline(), expected, "{from:?}");
        }
    }

    #[test]
    fn every_status_has_its_standing() {
        let shown = |status: Status| {
            (
                status.standing(),
                status.is_retrying(),
                status.is_failed_for_good(),
            )
        };
        assert_eq!(shown(Pending), (Standing::Pending, false, false));
        assert_eq!(shown(Sent), (Standing::Sent, false, false));
        assert_eq!(shown(SentRetrying), (Standing::Sent, true, false));
        assert_eq!(shown(Confirmed), (Standing::Sent, false, false));
        assert_eq!(shown(FailedRetrying), (Standing::Failed, true, false));
        assert_eq!(shown(FailedSoft), (Standing::Failed, false, true));
        assert_eq!(shown(FailedByDeadline), (Standing::Failed, false, true));
        assert_eq!(shown(FailedHard), (Standing::Failed, false, true));
        assert_eq!(Status::relayed(true), Pending);
        assert_eq!(Status::relayed(false), Sent);
    }
}
