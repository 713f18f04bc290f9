//! Logs of statuses: what the log says of each message at as-of, beside what we say.

use super::inspector::Cases;
use crate::history::{Row, Standing, Status};
use crate::model::{DeliveryIndex, Report};
use std::collections::BTreeMap;

/// The standings, in the order of the tables below.
pub const STANDINGS: [&str; 3] = ["Pending", "Sent", "Failed"];

/// Messages by what the log says (first) and what we say (second).
pub type Matrix = [[u64; 3]; 3];

/// By delivery.
#[derive(Default)]
pub struct Statuses {
    /// How many messages stand where.
    pub of: BTreeMap<DeliveryIndex, Matrix>,
    /// The messages behind a difference.
    pub different: Cases,
    /// Messages that have both events and statuses, and are not compared.
    pub mixed: u64,
}

impl Statuses {
    /// A message all of whose reports are statuses; `rows` are those that count, `ours` is where the
    /// replay ended.
    pub fn add(
        &mut self,
        key: (DeliveryIndex, [u64; 2]),
        rows: &[Row],
        efs: bool,
        ours: Option<Status>,
    ) {
        let real = rows.iter().filter(|row| !row.stamp.is_test());
        // Of a Pending at the instant of another status, that other one is the current one.
        let reports = real.filter_map(|row| Some((row.stamp.at(), row.stamp.report()?)));
        let last = reports.max_by_key(|(at, report)| (*at, *report != Report::Ignored, *report));
        let Some((_, report)) = last else {
            return;
        };
        let log = logged(report, efs);
        // Without EFS a Pending message has not been relayed: it has not entered the log.
        let ours = ours.map_or(Standing::Pending, Status::standing);
        self.of.entry(key.0).or_default()[log as usize][ours as usize] += 1;
        if log != ours {
            self.different.add(key.0, key.1);
        }
    }

    /// Adds what another thread has.
    pub fn merge(&mut self, other: Statuses) {
        for (delivery, theirs) in other.of {
            let mine = self.of.entry(delivery).or_default();
            let cells = mine.iter_mut().flatten();
            cells
                .zip(theirs.iter().flatten())
                .for_each(|(mine, theirs)| *mine += theirs);
        }
        self.different.merge(other.different);
        self.mixed += other.mixed;
    }
}

/// The status that stands in the log where the report was resolved from it.
fn logged(report: Report, efs: bool) -> Standing {
    match (report, efs) {
        (Report::HardBounce | Report::SoftBounce | Report::Expired, _) => Standing::Failed,
        (Report::Relayed, true) | (Report::Ignored, _) => Standing::Pending,
        // No status stands for a complaint.
        (Report::Relayed, false) | (Report::Delivered | Report::Complaint, _) => Standing::Sent,
    }
}
