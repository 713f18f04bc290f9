//! Which opens and clicks machines make: the rules of a job, and what is left without them.

use super::people::Person;

/// The rules. Spans are microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Machines {
    /// Whether the log's mark counts.
    pub marked: bool,
    /// An open at most this long after the message entered the log.
    pub open_within: Option<i64>,
    /// Clicks on so many links, at most so long from the first to the last.
    pub many_links: Option<(usize, i64)>,
    pub honeypots: Vec<i64>,
    pub honeypot_within: i64,
}

impl Default for Machines {
    fn default() -> Machines {
        Machines {
            marked: true,
            open_within: None,
            many_links: None,
            honeypots: Vec::new(),
            honeypot_within: 60_000_000,
        }
    }
}

/// A counted tracking row of a message, of a type that some counter counts.
#[derive(Clone, Debug)]
pub struct Opening {
    pub at: i64,
    /// The code of its type.
    pub kind: i64,
    pub url: Option<i64>,
    pub marked: bool,
    pub person: Person,
}

impl Opening {
    pub fn is_click(&self) -> bool {
        [1, 10, 11].contains(&self.kind)
    }
}

impl Machines {
    pub fn is_machine(&self, rows: &[Opening], row: &Opening, entered_at: Option<i64>) -> bool {
        self.reason(rows, row, entered_at).is_some()
    }

    /// The counter of the first reason for which a row is a machine's.
    fn reason(
        &self,
        rows: &[Opening],
        row: &Opening,
        entered_at: Option<i64>,
    ) -> Option<&'static str> {
        if self.marked && row.marked {
            return Some("machine_marked");
        }
        let close_to_honeypot = rows.iter().any(|other| {
            let is_honeypot = other.url.is_some_and(|url| self.honeypots.contains(&url));
            other.is_click() && is_honeypot && (other.at - row.at).abs() <= self.honeypot_within
        });
        if close_to_honeypot {
            return Some("machine_honeypot");
        }
        if let Some((links, within)) = self.many_links
            && row.is_click()
        {
            // Some span that starts with a click, holds this one, and has enough links in it.
            let is_one_of_many = rows.iter().filter(|first| first.is_click()).any(|first| {
                let span = first.at..=first.at + within;
                let mut urls: Vec<Option<i64>> = rows
                    .iter()
                    .filter(|other| other.is_click() && span.contains(&other.at))
                    .map(|other| other.url)
                    .collect();
                urls.sort_unstable();
                urls.dedup();
                span.contains(&row.at) && urls.len() >= links
            });
            if is_one_of_many {
                return Some("machine_many_links");
            }
        }
        let (entered_at, within) = (entered_at?, self.open_within?);
        let is_early = (entered_at..=entered_at + within).contains(&row.at);
        (row.kind == 2 && is_early).then_some("machine_early_open")
    }
}

/// What the rows of one message count: instants and counters, each to be raised by one.
pub fn counts(
    rows: &[Opening],
    entered_at: Option<i64>,
    rules: &Machines,
) -> Vec<(i64, &'static str)> {
    let mut counts = Vec::new();
    let mut human = Vec::new();
    for row in rows {
        match rules.reason(rows, row, entered_at) {
            Some(reason) => counts.push((row.at, reason)),
            None => human.push(row),
        }
    }
    let of = |kinds: &[i64]| -> Vec<i64> {
        let rows = human.iter().filter(|row| kinds.contains(&row.kind));
        rows.map(|row| row.at).collect()
    };
    for (kinds, all, first) in [
        (
            &[2][..],
            "human_opens_tracked",
            "human_unique_opens_tracked",
        ),
        (&[1, 10, 11], "human_clicks", "human_unique_clicks"),
        (&[3], "human_unsubscribes", ""),
        (&[1, 2, 3, 6, 10, 11], "", "human_unique_opens"),
    ] {
        let instants = of(kinds);
        if !all.is_empty() {
            counts.extend(instants.iter().map(|at| (*at, all)));
        }
        if let (Some(earliest), false) = (instants.iter().min(), first.is_empty()) {
            counts.push((*earliest, first));
        }
    }
    counts
}
