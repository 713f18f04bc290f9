//! What the transitions and occurrences of a message do to the counters.

use super::{Change, Counter};
use crate::history::{First, MachineSign, Occurrence, Standing, Status};

impl Change {
    /// A message enters the log (`from` is none), or its status changes.
    pub fn moved(&mut self, from: Option<Status>, to: Status) {
        match from {
            None => self.add(Counter::Processed, 1),
            Some(from) => self.count(from, -1),
        }
        self.count(to, 1);
    }

    /// Something happened that some counter counts.
    pub fn occurred(&mut self, what: Occurrence) {
        let counter = match what {
            Occurrence::SoftBounce => Counter::SoftBounceEvents,
            Occurrence::LateSuccess => Counter::LateSuccesses,
            Occurrence::FirstComplaint => Counter::Complaints,
            Occurrence::Open => Counter::OpensTracked,
            Occurrence::FirstOpen => Counter::UniqueOpensTracked,
            Occurrence::FirstSign => Counter::UniqueOpens,
            Occurrence::Click => Counter::Clicks,
            Occurrence::FirstClick => Counter::UniqueClicks,
            Occurrence::MirrorPage => Counter::MirrorPageViews,
            Occurrence::OptOut => Counter::Unsubscribes,
            Occurrence::FirstOptOut => Counter::UniqueUnsubscribes,
            Occurrence::ByMachine(sign) => match sign {
                MachineSign::Marked => Counter::MachineMarked,
                MachineSign::Honeypot => Counter::MachineHoneypot,
                MachineSign::ManyLinks => Counter::MachineManyLinks,
                MachineSign::EarlyOpen => Counter::MachineEarlyOpen,
            },
            Occurrence::MachineOpen => Counter::MachineOpensTracked,
            Occurrence::MachineClick => Counter::MachineClicks,
            Occurrence::MachineOptOut => Counter::MachineUnsubscribes,
            Occurrence::MachineFirst(first) => return self.add(of_machines(first), 1),
            // The message is no longer one that machines alone have opened or clicked.
            Occurrence::HumanFirst(first) => return self.add(of_machines(first), -1),
        };
        self.add(counter, 1);
    }

    /// Adds a message with this status to the counters, or takes it out of them.
    fn count(&mut self, status: Status, by: i64) {
        let counter = match (status.standing(), status) {
            (Standing::Pending, _) => Counter::Pending,
            (Standing::Sent, _) => Counter::Delivered,
            (Standing::Failed, Status::FailedHard) => Counter::HardBounces,
            (Standing::Failed, _) => Counter::SoftBounces,
        };
        self.add(counter, by);
        if status.is_retrying() {
            self.add(Counter::Retrying, by);
        }
        if status == Status::FailedByDeadline {
            self.add(Counter::FailedByDeadline, by);
        }
    }
}

/// Messages whose rows of a kind are all made by machines.
fn of_machines(first: First) -> Counter {
    match first {
        First::Open => Counter::MachineUniqueOpensTracked,
        First::Sign => Counter::MachineUniqueOpens,
        First::Click => Counter::MachineUniqueClicks,
    }
}
