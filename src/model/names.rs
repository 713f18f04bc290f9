//! What the rows of both logs say, in words.

use super::{Logged, Report, Tracked};

impl Report {
    /// Its label in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Report::Relayed => "relayed",
            Report::SoftBounce => "soft_bounce",
            Report::Delivered => "delivered",
            Report::Expired => "expired",
            Report::HardBounce => "hard_bounce",
            Report::Complaint => "complaint",
            Report::Ignored => "ignored",
        }
    }
}

impl Logged {
    /// The event, or the status, for people.
    pub fn name(self) -> &'static str {
        match self {
            Logged::Event(report) => report.name(),
            Logged::Pending => "status Pending",
            Logged::Sent => "status Sent",
            Logged::FailedSoft => "status Failed (soft)",
            Logged::FailedHard => "status Failed (hard)",
        }
    }
}

impl Tracked {
    /// Its label in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Tracked::Click => "click",
            Tracked::Open => "open",
            Tracked::OptOut => "opt_out",
            Tracked::MirrorPage => "mirror_page",
            Tracked::OfferClick => "offer_click",
            Tracked::OfferClick2 => "offer_click_2",
            Tracked::Unknown => "unknown type",
        }
    }
}
