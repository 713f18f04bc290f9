//! What a run says of the one before it: what has changed since, what follows, and what stays.

use super::again::Recount;
use super::retention::Frozen;
use super::summary::Report;
use crate::commands::people::{counted, number};
use crate::job::Job;
use crate::model::DeliveryId;
use crate::state::Changes;

impl Report {
    /// Enters what has changed since the last run, and what follows from it.
    pub(super) fn follow(&mut self, changes: &Changes, recount: &Recount) {
        let files = |files: usize| counted(files as i64, "file", "files");
        let (replaced, vanished) = (changes.replaced.len(), changes.vanished.len());
        let mut line = format!("{} new", files(changes.read.len().saturating_sub(replaced)));
        for (count, what) in [(replaced, "replaced"), (vanished, "vanished")] {
            if count > 0 {
                line += &format!(", {} {what}", files(count));
            }
        }
        let followed = recount.followed.len() as i64;
        line += &format!(
            ", {} unchanged; {} to look at again",
            files(changes.same.len()),
            counted(followed, "delivery", "deliveries")
        );
        self.changes = Some(line);
        let reasons = recount.followed.iter().map(|(index, reasons)| {
            let names: Vec<&str> = reasons.iter().map(|reason| reason.name()).collect();
            (recount.ids[index.0 as usize].to_string(), names.join(", "))
        });
        self.followed = reasons.collect();
    }

    /// Enters the deliveries that no extract names any more.
    pub(super) fn enter_gone(&mut self, gone: &[DeliveryId]) {
        self.gone = gone.len();
    }

    /// Enters the deliveries whose published rows stay.
    pub(super) fn freeze(&mut self, job: &Job, frozen: &Frozen) {
        self.record.frozen = frozen.recorded();
        let is_idle = |id: &&String| !frozen.before.iter().any(|of| of.to_string() == **id);
        let idle = job.thaw.iter().filter(is_idle).count();
        if idle > 0 {
            self.notes.push(format!(
                "--thaw: the last run had computed {} of these deliveries like any other",
                number(idle as i64)
            ));
        }
        let (count, new) = (
            frozen.after.len(),
            frozen.after.difference(&frozen.before).count(),
        );
        if count > 0 {
            self.notes.push(format!(
                "{} ({} of them since this run) keep their published rows, as files with rows of them are gone; --thaw computes them from what is left",
                counted(count as i64, "delivery", "deliveries"),
                number(new as i64)
            ));
        }
    }
}
