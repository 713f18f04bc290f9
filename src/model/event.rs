//! The events of the two logs.

use super::{Code, DeliveryIndex, Stamp};

/// The two logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Log {
    /// Reports about the sending of messages.
    Sending = 0,
    /// Opens, clicks and the like.
    Tracking = 1,
}

/// A report of the sending log, in the order that counts at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Report {
    /// Campaign handed the message to the MTA.
    Relayed = 1,
    /// A failure after which the MTA tries again.
    SoftBounce = 2,
    /// The receiving server took the message.
    Delivered = 3,
    /// The MTA gave up.
    Expired = 4,
    /// A permanent failure.
    HardBounce = 5,
    /// The recipient marked the message as spam.
    Complaint = 6,
    /// An answer that is no failure, such as "out of office".
    Ignored = 7,
}

/// What a row of the sending log says: an event, or a status whose event depends on the delivery's mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Logged {
    /// The row names the event.
    Event(Report),
    /// Status form: Pending.
    Pending,
    /// Status form: Sent.
    Sent,
    /// Status form: Failed with type Soft, Ignored or none.
    FailedSoft,
    /// Status form: Failed with type Hard.
    FailedHard,
}

impl Logged {
    /// The report that the row stands for in a delivery with or without the Email Feedback Service.
    pub fn resolve(self, efs: bool) -> Report {
        match (self, efs) {
            (Logged::Event(report), _) => report,
            (Logged::Pending, true) => Report::Relayed,
            (Logged::Pending, false) => Report::Ignored,
            (Logged::Sent, true) => Report::Delivered,
            (Logged::Sent, false) => Report::Relayed,
            (Logged::FailedSoft, true) => Report::SoftBounce,
            (Logged::FailedSoft, false) => Report::Expired,
            (Logged::FailedHard, _) => Report::HardBounce,
        }
    }

    pub(super) fn bits(self) -> u64 {
        match self {
            Logged::Event(report) => report as u64,
            Logged::Pending => 8,
            Logged::Sent => 9,
            Logged::FailedSoft => 10,
            Logged::FailedHard => 11,
        }
    }

    pub(super) fn from_bits(bits: u64) -> Option<Logged> {
        Some(match bits {
            1 => Logged::Event(Report::Relayed),
            2 => Logged::Event(Report::SoftBounce),
            3 => Logged::Event(Report::Delivered),
            4 => Logged::Event(Report::Expired),
            5 => Logged::Event(Report::HardBounce),
            6 => Logged::Event(Report::Complaint),
            7 => Logged::Event(Report::Ignored),
            8 => Logged::Pending,
            9 => Logged::Sent,
            10 => Logged::FailedSoft,
            11 => Logged::FailedHard,
            _ => return None,
        })
    }
}

/// A type of the tracking log. The numbers are Campaign's type codes; 15 stands for every other type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tracked {
    /// A click on a link.
    Click = 1,
    /// An open, seen by the tracking pixel.
    Open = 2,
    /// An opt-out.
    OptOut = 3,
    /// A view of the mirror page.
    MirrorPage = 6,
    /// A click on an offer.
    OfferClick = 10,
    /// A click on an offer, second kind.
    OfferClick2 = 11,
    /// A type that counts in no KPI.
    Unknown = 15,
}

impl Tracked {
    /// A bit for the code of each type of clicks.
    pub const CLICKS: u32 = 1 << Tracked::Click as u32
        | 1 << Tracked::OfferClick as u32
        | 1 << Tracked::OfferClick2 as u32;

    /// The type with this code.
    pub fn from_code(code: i64) -> Tracked {
        match code {
            1 => Tracked::Click,
            2 => Tracked::Open,
            3 => Tracked::OptOut,
            6 => Tracked::MirrorPage,
            10 => Tracked::OfferClick,
            11 => Tracked::OfferClick2,
            _ => Tracked::Unknown,
        }
    }
}

/// One row of a log as it travels from decoding to folding.
#[derive(Clone, Copy, Debug)]
pub struct Event<M> {
    /// The message, within its delivery.
    pub message: M,
    /// When and what.
    pub stamp: Stamp,
    /// The delivery.
    pub delivery: DeliveryIndex,
    /// Failure reason of a report; link of a tracking row.
    pub code: Code,
}

/// What decides between several rows with one `log_id`; kept only where there may be several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// `log_id`, where [`Stamp::has_log_id`].
    pub log_id: i64,
    /// `revision`, null being 0.
    pub revision: i64,
    /// A digest of the contract's columns that no KPI needs; equal where they are equal.
    pub rest: u64,
}

impl Tail {
    /// The digest of a row that was read without them; none has it.
    pub const UNKNOWN: u64 = u64::MAX;

    /// Whether two rows with these tails are equal, as far as is known.
    pub fn is_copy_of(&self, other: &Tail) -> bool {
        let is_unknown = self.rest == Tail::UNKNOWN || other.rest == Tail::UNKNOWN;
        (self.log_id, self.revision) == (other.log_id, other.revision)
            && (is_unknown || self.rest == other.rest)
    }
}
