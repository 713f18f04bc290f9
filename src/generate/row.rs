//! One row of either log, before it is written.

use crate::model::{Log, Report, Tracked};

/// A row in 32 bytes. The order of the fields is the order of a log: by instant, and then by whatever
/// tells two rows apart, so that no two orders are possible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// When it happened, in microseconds.
    pub at: i64,
    /// The delivery, by its place in the plan.
    pub delivery: u32,
    /// The message, by its number in the delivery.
    pub message: u32,
    /// The event or the type by its code; 0 in a deletion that says no more.
    pub what: u8,
    /// [`Row::DELETED`] and the like.
    pub marks: u8,
    /// 0 where the row has none.
    pub revision: u8,
    /// The failure reason or the link; 0 where there is none.
    pub detail: u16,
    /// 0 where the row has none.
    pub log_id: i64,
}

impl Row {
    /// The row deletes its earlier revisions.
    pub const DELETED: u8 = 1;
    /// Of a proof.
    pub const TEST: u8 = 2;
    /// Made by a machine.
    pub const MACHINE: u8 = 4;
    /// The code of a tracking type that is none of the contract's.
    pub const UNKNOWN_TYPE: u8 = 42;

    /// Whether it has a mark.
    pub const fn has(&self, mark: u8) -> bool {
        self.marks & mark != 0
    }

    /// The label of the event or type.
    pub fn label(&self, log: Log) -> Option<&'static str> {
        match log {
            Log::Sending => REPORTS
                .iter()
                .find(|(report, _)| *report as u8 == self.what)
                .map(|(_, label)| *label),
            Log::Tracking => TYPES
                .iter()
                .find(|(code, _)| *code == self.what)
                .map(|(_, label)| *label),
        }
    }

    /// The status and the failure type that the status form has in place of the event; none for what
    /// such a log does not hold.
    pub fn status(&self, efs: bool) -> Option<(&'static str, Option<&'static str>)> {
        let is = |report: Report| self.what == report as u8;
        Some(match efs {
            _ if is(Report::HardBounce) => ("Failed", Some("Hard")),
            true if is(Report::Relayed) => ("Pending", None),
            true if is(Report::Delivered) => ("Sent", None),
            true if is(Report::SoftBounce) => ("Failed", Some("Soft")),
            true if is(Report::Expired) => ("Failed", None),
            // Without feedback Sent is all that is known of a relay, and Failed comes at the end.
            false if is(Report::Relayed) => ("Sent", None),
            false if is(Report::Expired) => ("Failed", Some("Soft")),
            _ => return None,
        })
    }
}

const REPORTS: [(Report, &str); 7] = [
    (Report::Relayed, "relayed"),
    (Report::SoftBounce, "soft_bounce"),
    (Report::Delivered, "delivered"),
    (Report::Expired, "expired"),
    (Report::HardBounce, "hard_bounce"),
    (Report::Complaint, "complaint"),
    (Report::Ignored, "ignored"),
];

const TYPES: [(u8, &str); 7] = [
    (Tracked::Click as u8, "click"),
    (Tracked::Open as u8, "open"),
    (Tracked::OptOut as u8, "opt_out"),
    (Tracked::MirrorPage as u8, "mirror_page"),
    (Tracked::OfferClick as u8, "offer_click"),
    (Tracked::OfferClick2 as u8, "offer_click_2"),
    (Row::UNKNOWN_TYPE, "42"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Labels, Logged};

    #[test]
    fn labels_mean_what_the_program_reads_in_them() {
        let labels = Labels::default();
        for (report, label) in REPORTS {
            assert_eq!(labels.event(label), Some(Logged::Event(report)));
        }
        for (code, label) in TYPES {
            let (tracked, _) = labels.tracking_type(label);
            assert_eq!(tracked, labels.tracking_code(i64::from(code)), "{label}");
        }
    }

    #[test]
    fn statuses_stand_for_their_events() {
        let labels = Labels::default();
        let mut statuses = 0;
        for (report, _) in REPORTS {
            let row = Row {
                what: report as u8,
                ..Row::default()
            };
            for efs in [false, true] {
                let Some((status, failure)) = row.status(efs) else {
                    continue;
                };
                statuses += 1;
                let status = labels.status(status).unwrap();
                let failure = failure.map(|label| labels.failure_type(label).unwrap());
                let read = Labels::logged(status, failure).resolve(efs);
                // With feedback the end of retries has no label of its own.
                let told = match (report, efs) {
                    (Report::Expired, true) => Report::SoftBounce,
                    _ => report,
                };
                assert_eq!(read, told, "{efs}");
            }
        }
        assert_eq!(statuses, 8);
    }
}
