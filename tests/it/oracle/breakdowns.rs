//! What a delivery counts by failure reason and by link: tables beside the one of its hours.

pub mod domains;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::message::Move;
use super::rows::{Code, Fate, REASONS, Report};
use super::{Counters, HOUR, Machines, machines};

/// The counters by failure reason, each with the name of its change in the hour.
pub const BY_REASON: [(&str, &str); 4] = [
    ("bounces_errors", "bounces_errors_delta"),
    ("hard_bounces", "hard_bounces_delta"),
    ("soft_bounces", "soft_bounces_delta"),
    ("soft_bounce_events", "soft_bounce_events_delta"),
];

/// The same by link.
pub const BY_URL: [(&str, &str); 3] = [
    ("clicks", "clicks_delta"),
    ("unique_clicks", "unique_clicks_delta"),
    ("human_clicks", "human_clicks_delta"),
];

/// What all reasons are together that are neither a label of section 5 nor digits.
pub const UNMAPPED: &str = "unmapped";

/// A failure reason or a link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The row names none.
    None,
    Number(i64),
    /// [`UNMAPPED`] as a reason, the text itself as a link.
    Text(String),
}

/// Counters by delivery, start of the hour and part; only where one of them changed in the hour.
pub type Breakdown = BTreeMap<(i64, i64, Part), Counters>;

impl Part {
    /// The reason that a row gives: a text without a meaning is like any other.
    pub fn of_reason(code: Option<&Code>) -> Part {
        match code {
            None => Part::None,
            Some(Code::Number(number)) => Part::Number(*number),
            Some(Code::Text(_)) => Part::Text(UNMAPPED.to_owned()),
        }
    }

    pub fn of_url(url: Option<i64>) -> Part {
        url.map_or(Part::None, Part::Number)
    }

    /// What stands beside a reason for people; none beside a number without a name.
    pub fn reason_label(&self) -> Option<&str> {
        match self {
            Part::None => Some("none given"),
            Part::Number(number) => {
                let named = REASONS.iter().find(|(_, code)| code == number);
                named.map(|(name, _)| *name)
            }
            Part::Text(text) => Some(text),
        }
    }
}

/// The reason of a counted report. Section 5: of identical reports the smallest, and one that says nothing is
/// smaller than none. Rows that a correction has taken away are no reports any more.
pub fn reason_of(report: &Report, reports: &[Option<Report>], fates: &[Fate]) -> Part {
    let stands = |fate: &Fate| matches!(fate, Fate::Counted | Fate::Duplicate);
    let rows = reports.iter().zip(fates);
    let identical = rows
        .filter(|(_, fate)| stands(fate))
        .filter_map(|(other, _)| other.as_ref())
        .filter(|other| !other.is_deleted() && other.is_identical_to(report));
    Part::of_reason(identical.filter_map(|other| other.reason.as_ref()).min())
}

/// Changes by delivery, hour and part.
#[derive(Default)]
struct Changes(Breakdown);

impl Changes {
    fn add(&mut self, delivery: i64, at: i64, part: &Part, counter: &'static str, by: i64) {
        let hour = at.div_euclid(HOUR) * HOUR;
        let key = (delivery, hour, part.clone());
        super::add(self.0.entry(key).or_default(), counter, by);
    }

    /// Sums them up. `formula` adds the counters that follow from others to the changes of an hour.
    fn hours(
        self,
        columns: &[(&'static str, &'static str)],
        formula: fn(&mut Counters),
    ) -> Breakdown {
        let mut hours = Breakdown::new();
        let mut running: BTreeMap<(i64, Part), Counters> = BTreeMap::new();
        for ((delivery, hour, part), mut deltas) in self.0 {
            if deltas.values().all(|by| *by == 0) {
                continue;
            }
            formula(&mut deltas);
            let totals = running.entry((delivery, part.clone())).or_default();
            let mut values = Counters::new();
            for (counter, delta_name) in columns {
                let by = change(&deltas, counter);
                super::add(totals, counter, by);
                values.insert(counter, totals[counter]);
                values.insert(delta_name, by);
            }
            hours.insert((delivery, hour, part), values);
        }
        hours
    }
}

fn change(deltas: &Counters, counter: &str) -> i64 {
    deltas.get(counter).copied().unwrap_or(0)
}

/// Failures by reason, of all messages.
#[derive(Default)]
pub struct Reasons(Changes);

impl Reasons {
    pub fn add(&mut self, delivery: i64, moves: &[Move]) {
        for (at, reason, counter, by) in moves {
            self.0.add(delivery, *at, reason, counter, *by);
        }
    }

    pub fn hours(self) -> Breakdown {
        self.0.hours(&BY_REASON, |deltas| {
            let failed = change(deltas, "hard_bounces") + change(deltas, "soft_bounces");
            deltas.insert("bounces_errors", failed);
        })
    }
}

/// Clicks by link, of all messages.
#[derive(Default)]
pub struct Urls(Changes);

impl Urls {
    /// The counted rows of one message.
    pub fn add(
        &mut self,
        delivery: i64,
        rows: &[machines::Opening],
        entered_at: Option<i64>,
        rules: &Machines,
    ) {
        let mut first: BTreeMap<Part, i64> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.is_click()) {
            let url = Part::of_url(row.url);
            self.0.add(delivery, row.at, &url, "clicks", 1);
            if rules.is_machine(rows, row, entered_at) {
                self.0.add(delivery, row.at, &url, "machine_clicks", 1);
            }
            let earliest = first.entry(url).or_insert(row.at);
            *earliest = row.at.min(*earliest);
        }
        for (url, at) in first {
            self.0.add(delivery, at, &url, "unique_clicks", 1);
        }
    }

    pub fn hours(self) -> Breakdown {
        self.0.hours(&BY_URL, |deltas| {
            let human = change(deltas, "clicks") - change(deltas, "machine_clicks");
            deltas.insert("human_clicks", human);
        })
    }
}
