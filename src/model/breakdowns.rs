//! What the counters of a delivery are broken down by, besides the hours.

/// A table of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Breakdown {
    /// Failed messages and soft bounces by their reasons.
    Reason,
    /// Clicks by their links.
    Url,
    /// All counters by the domains of recipients.
    Domain,
}

impl Breakdown {
    /// All of them.
    pub const ALL: [Breakdown; 3] = [Breakdown::Reason, Breakdown::Url, Breakdown::Domain];

    /// The name of its table.
    pub const fn table(self) -> &'static str {
        match self {
            Breakdown::Reason => "delivery_kpi_hourly_by_reason",
            Breakdown::Url => "delivery_kpi_hourly_by_url",
            Breakdown::Domain => "delivery_kpi_hourly_by_domain",
        }
    }
}

/// Those that are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breakdowns([bool; Breakdown::ALL.len()]);

impl Breakdowns {
    /// None of them.
    pub const NONE: Breakdowns = Breakdowns([false; Breakdown::ALL.len()]);

    /// The same and one more, if it is asked for.
    pub fn with(mut self, breakdown: Breakdown, is_wanted: bool) -> Breakdowns {
        self.0[breakdown as usize] |= is_wanted;
        self
    }

    /// Whether one is among them.
    #[inline(always)]
    pub fn has(self, breakdown: Breakdown) -> bool {
        self.0[breakdown as usize]
    }

    /// Each of them.
    pub fn each(self) -> impl Iterator<Item = Breakdown> {
        Breakdown::ALL.into_iter().filter(move |one| self.has(*one))
    }
}
