//! The rules that a counted row may meet in the replay, under the short names that people see.

use super::Status;
use crate::model::{Report, Tracked};

/// What the replay made of a row, or of the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A proof or a seed address.
    Test,
    /// The relay, as the first report.
    Relayed,
    /// A relay of a message that has entered the log.
    RelayedAgain,
    /// A success.
    Delivered,
    /// A success after the message had failed for good.
    LateSuccess,
    /// A soft bounce before the deadline.
    SoftBounce,
    /// A soft bounce at or after it.
    SoftBounceLate,
    /// The MTA gave up.
    Expired,
    /// The same, of a message whose success is confirmed.
    ExpiredConfirmed,
    /// A permanent failure.
    HardBounce,
    /// A report of a message that has failed softly for good.
    Closed,
    /// A report of a message that has failed permanently.
    FailedHard,
    /// No row: the deadline passed during retries.
    Deadline,
    /// The first complaint.
    Complaint,
    /// A further one.
    ComplaintAgain,
    /// No failure.
    Ignored,
    /// An open.
    Open,
    /// A click.
    Click,
    /// A view of the mirror page.
    MirrorPage,
    /// An opt-out.
    OptOut,
    /// A type that counts in no KPI.
    UnknownType,
}

impl Rule {
    /// All of them.
    pub const ALL: [Rule; 21] = [
        Rule::Test,
        Rule::Relayed,
        Rule::RelayedAgain,
        Rule::Delivered,
        Rule::LateSuccess,
        Rule::SoftBounce,
        Rule::SoftBounceLate,
        Rule::Expired,
        Rule::ExpiredConfirmed,
        Rule::HardBounce,
        Rule::Closed,
        Rule::FailedHard,
        Rule::Deadline,
        Rule::Complaint,
        Rule::ComplaintAgain,
        Rule::Ignored,
        Rule::Open,
        Rule::Click,
        Rule::MirrorPage,
        Rule::OptOut,
        Rule::UnknownType,
    ];

    /// The rule that a report meets; `before` is the status it finds, none if the message had not
    /// entered the log, and `late` whether it came at or after the deadline.
    pub(super) fn of_report(report: Report, before: Option<Status>, late: bool) -> Rule {
        match (before, report) {
            (_, Report::Complaint) => Rule::Complaint,
            (_, Report::Ignored) => Rule::Ignored,
            (Some(now), Report::Delivered) if now.is_failed_for_good() => Rule::LateSuccess,
            (Some(Status::FailedHard), _) => Rule::FailedHard,
            (_, Report::HardBounce) => Rule::HardBounce,
            (Some(now), _) if now.is_failed_for_good() => Rule::Closed,
            (None, Report::Relayed) => Rule::Relayed,
            (Some(_), Report::Relayed) => Rule::RelayedAgain,
            (_, Report::Delivered) => Rule::Delivered,
            (_, Report::SoftBounce) if late => Rule::SoftBounceLate,
            (_, Report::SoftBounce) => Rule::SoftBounce,
            (Some(Status::Confirmed), Report::Expired) => Rule::ExpiredConfirmed,
            (_, Report::Expired) => Rule::Expired,
        }
    }

    /// The rule that a tracking row meets.
    pub(super) fn of_tracking(tracked: Tracked) -> Rule {
        match tracked {
            Tracked::Open => Rule::Open,
            Tracked::Click | Tracked::OfferClick | Tracked::OfferClick2 => Rule::Click,
            Tracked::MirrorPage => Rule::MirrorPage,
            Tracked::OptOut => Rule::OptOut,
            Tracked::Unknown => Rule::UnknownType,
        }
    }

    /// Its short name.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Test => "test",
            Rule::Relayed => "relayed",
            Rule::RelayedAgain => "relayed-again",
            Rule::Delivered => "delivered",
            Rule::LateSuccess => "late-success",
            Rule::SoftBounce => "soft-bounce",
            Rule::SoftBounceLate => "soft-bounce-late",
            Rule::Expired => "expired",
            Rule::ExpiredConfirmed => "expired-confirmed",
            Rule::HardBounce => "hard-bounce",
            Rule::Closed => "closed",
            Rule::FailedHard => "failed-hard",
            Rule::Deadline => "deadline",
            Rule::Complaint => "complaint",
            Rule::ComplaintAgain => "complaint-again",
            Rule::Ignored => "ignored",
            Rule::Open => "open",
            Rule::Click => "click",
            Rule::MirrorPage => "mirror-page",
            Rule::OptOut => "opt-out",
            Rule::UnknownType => "unknown-type",
        }
    }

    /// What it says, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Rule::Test => "a proof or seed address counts in no KPI",
            Rule::Relayed => {
                "the relay brings the message into the log: Pending with EFS, Sent without"
            }
            Rule::RelayedAgain => "a later relay changes nothing",
            Rule::Delivered => "a success makes the message Sent, confirmed, and ends its retries",
            Rule::LateSuccess => {
                "a success of a message that has failed for good changes nothing; it is counted apart"
            }
            Rule::SoftBounce => {
                "a soft bounce before the deadline starts retries: Failed with EFS, Sent without"
            }
            Rule::SoftBounceLate => {
                "a soft bounce at or after the deadline fails the message for good"
            }
            Rule::Expired => "the MTA gave up: the message has failed for good",
            Rule::ExpiredConfirmed => "an expiry after a confirmed success changes nothing",
            Rule::HardBounce => "a hard bounce fails the message, whenever it comes",
            Rule::Closed => "after a soft failure for good only a hard bounce changes anything",
            Rule::FailedHard => "nothing changes a message that has failed permanently",
            Rule::Deadline => {
                "no row: the deadline passed while the message was being retried, so it has failed"
            }
            Rule::Complaint => "the first complaint is counted; it changes no status",
            Rule::ComplaintAgain => "a further complaint counts nowhere",
            Rule::Ignored => "an answer that is no failure changes nothing",
            Rule::Open => "every open counts; the first is the message's unique open",
            Rule::Click => "every click counts, and implies an open",
            Rule::MirrorPage => "a view of the mirror page counts, and implies an open",
            Rule::OptOut => "an opt-out counts, and implies an open",
            Rule::UnknownType => "a type that is none of the contract's counts in no KPI",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rule;
    use std::collections::BTreeSet;

    #[test]
    fn every_rule_has_a_name_and_a_sentence_of_its_own() {
        let names: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        let meanings: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.meaning()).collect();
        assert_eq!((names.len(), meanings.len()), (21, 21));
        assert_eq!(BTreeSet::from(Rule::ALL).len(), 21);
    }
}
