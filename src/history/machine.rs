//! Which tracking rows of a message a machine has made, by its log or by the rules of the job.

use super::Row;
use crate::model::{Code, Instant, MachineRules, Tracked};
use std::collections::HashMap;

/// Why a row counts as a machine's; of several reasons the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MachineSign {
    /// The log says so.
    Marked,
    /// A click on a link that people do not see, or a row close to one.
    Honeypot,
    /// A click among others on many links at once.
    ManyLinks,
    /// An open right after the relay.
    EarlyOpen,
}

impl MachineSign {
    /// All of them.
    pub const ALL: [MachineSign; 4] = [
        MachineSign::Marked,
        MachineSign::Honeypot,
        MachineSign::ManyLinks,
        MachineSign::EarlyOpen,
    ];

    /// Its short name.
    pub fn name(self) -> &'static str {
        match self {
            MachineSign::Marked => "marked",
            MachineSign::Honeypot => "honeypot",
            MachineSign::ManyLinks => "many-links",
            MachineSign::EarlyOpen => "early-open",
        }
    }

    /// What it says, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            MachineSign::Marked => "its log says so (marked)",
            MachineSign::Honeypot => {
                "at the time of a click on a link that people do not see (honeypot)"
            }
            MachineSign::ManyLinks => "clicks on many links at once (many-links)",
            MachineSign::EarlyOpen => "an open right after the relay (early-open)",
        }
    }
}

/// What is odd about the rows of a message, each beside the others.
pub struct Signs<'a> {
    rules: &'a MachineRules,
    entered_at: Option<Instant>,
    /// When honeypots were clicked, in order.
    honeypots: Vec<Instant>,
    /// By row, whether it is a click among many; empty where none is.
    many_links: Vec<bool>,
}

impl<'a> Signs<'a> {
    /// Looks at the tracking rows of a message, sorted by stamp, that entered the log at an instant, or never did.
    pub fn of(rows: &[Row], entered_at: Option<Instant>, rules: &'a MachineRules) -> Signs<'a> {
        let mut signs = Signs {
            rules,
            entered_at,
            honeypots: Vec::new(),
            many_links: Vec::new(),
        };
        if !rules.honeypots.is_empty() {
            let clicked = rows.iter().filter(|row| is_click(row));
            let clicked = clicked.filter(|row| rules.honeypots.contains(&row.code));
            signs
                .honeypots
                .extend(clicked.filter_map(|row| row.stamp.at()));
        }
        if let Some(many) = rules.many_links {
            signs.find_many_links(rows, many.links, many.within);
        }
        signs
    }

    /// Why a row, by its place, is a machine's.
    pub fn sign(&self, place: usize, row: &Row) -> Option<MachineSign> {
        let at = row.stamp.at()?;
        if row.stamp.is_machine() && self.rules.marked {
            return Some(MachineSign::Marked);
        }
        if self.is_by_honeypot(at) {
            return Some(MachineSign::Honeypot);
        }
        if self.many_links.get(place) == Some(&true) {
            return Some(MachineSign::ManyLinks);
        }
        let is_early = || {
            let since = at.micros() - self.entered_at?.micros();
            Some(since >= 0 && since <= self.rules.open_within?)
        };
        let is_open = row.stamp.tracked() == Some(Tracked::Open);
        (is_open && is_early() == Some(true)).then_some(MachineSign::EarlyOpen)
    }

    fn is_by_honeypot(&self, at: Instant) -> bool {
        let within = self.rules.honeypot_within;
        let first = at.plus(-within);
        let next = self.honeypots.partition_point(|clicked| *clicked < first);
        self.honeypots
            .get(next)
            .is_some_and(|clicked| *clicked <= at.plus(within))
    }

    /// Marks the clicks of every time span in which so many links were clicked.
    fn find_many_links(&mut self, rows: &[Row], links: usize, within: i64) {
        let clicks = || (0..).zip(rows).filter(|(_, row)| is_click(row));
        if clicks().take(links).count() < links {
            return;
        }
        let mut in_span: HashMap<Code, usize> = HashMap::new();
        let mut oldest = clicks();
        let mut first = oldest.next();
        let mut marked_to = 0;
        for (newest, row) in clicks() {
            *in_span.entry(row.code).or_default() += 1;
            while let Some((_, old)) = first
                && old.stamp.at().map(|at| at.plus(within)) < row.stamp.at()
            {
                if let Some(times) = in_span.get_mut(&old.code) {
                    *times -= 1;
                    if *times == 0 {
                        in_span.remove(&old.code);
                    }
                }
                first = oldest.next();
            }
            let Some((start, _)) = first.filter(|_| in_span.len() >= links) else {
                continue;
            };
            self.many_links.resize(rows.len(), false);
            let start: usize = start;
            let span = start.max(marked_to)..=newest;
            for place in span.filter(|place| is_click(&rows[*place])) {
                self.many_links[place] = true;
            }
            marked_to = newest + 1;
        }
    }
}

fn is_click(row: &Row) -> bool {
    matches!(
        row.stamp.tracked(),
        Some(Tracked::Click | Tracked::OfferClick | Tracked::OfferClick2)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ManyLinks, Recipient, Stamp};

    const SECOND: i64 = 1_000_000;

    fn row(second: i64, tracked: Tracked, url: i64) -> Row {
        Row {
            stamp: Stamp::tracking(Some(Instant::FIRST.plus(second * SECOND)), Some(tracked)),
            code: Code::small(url).expect("a small number"),
            source: 0,
            tail: Row::SOLE,
            domain: Code::NULL,
            recipient: Recipient::NONE,
        }
    }

    fn signs(rows: &[Row], rules: &MachineRules) -> Vec<Option<MachineSign>> {
        let signs = Signs::of(rows, Some(Instant::FIRST.plus(10 * SECOND)), rules);
        (0..)
            .zip(rows)
            .map(|(place, row)| signs.sign(place, row))
            .collect()
    }

    #[test]
    fn an_open_right_after_the_relay_is_early() {
        let rules = MachineRules {
            open_within: Some(2 * SECOND),
            ..MachineRules::default()
        };
        let rows = [9, 10, 12, 13].map(|second| row(second, Tracked::Open, 0));
        let early = Some(MachineSign::EarlyOpen);
        assert_eq!(signs(&rows, &rules), [None, early, early, None]);
        let clicks = [row(10, Tracked::Click, 0)];
        assert_eq!(signs(&clicks, &rules), [None], "a click is no open");
        let never = Signs::of(&rows, None, &rules);
        assert_eq!(
            never.sign(1, &rows[1]),
            None,
            "without a relay nothing is right after it"
        );
    }

    #[test]
    fn clicks_on_many_links_at_once_are_found_in_every_span() {
        let rules = MachineRules {
            many_links: Some(ManyLinks {
                links: 3,
                within: SECOND,
            }),
            ..MachineRules::default()
        };
        let click = |second, url| row(second, Tracked::Click, url);
        let many = Some(MachineSign::ManyLinks);
        let rows = [
            click(20, 1),
            click(21, 1),
            row(21, Tracked::Open, 0),
            click(22, 2),
            row(22, Tracked::OfferClick, 3),
            click(23, 2),
            click(25, 4),
        ];
        // 21 to 22 holds the links 1, 2, 3; 22 to 23 only 2 and 3.
        let expected = [None, many, None, many, many, None, None];
        assert_eq!(signs(&rows, &rules), expected);
        let twice = [click(30, 1), click(30, 1), click(30, 2), click(31, 2)];
        assert_eq!(signs(&twice, &rules), [None; 4], "links, not clicks");
        let long: Vec<Row> = (0..9)
            .map(|second| click(40 + second / 3, second))
            .collect();
        assert_eq!(signs(&long, &rules), vec![many; 9]);
    }

    #[test]
    fn what_is_close_to_a_click_on_a_honeypot_goes_with_it() {
        let rules = MachineRules {
            honeypots: [7, 8].into_iter().filter_map(Code::small).collect(),
            honeypot_within: 5 * SECOND,
            ..MachineRules::default()
        };
        let rows = [
            row(94, Tracked::Click, 1),
            row(95, Tracked::Open, 0),
            row(100, Tracked::Click, 7),
            row(105, Tracked::OptOut, 0),
            row(106, Tracked::Click, 1),
        ];
        let honeypot = Some(MachineSign::Honeypot);
        assert_eq!(
            signs(&rows, &rules),
            [None, honeypot, honeypot, honeypot, None]
        );
        let opened = [row(100, Tracked::Open, 7)];
        assert_eq!(signs(&opened, &rules), [None], "an open clicks no link");
    }

    #[test]
    fn a_mark_counts_where_the_job_does_not_say_otherwise() {
        let marked = Row {
            stamp: row(50, Tracked::Click, 1).stamp.by_machine(),
            ..row(50, Tracked::Click, 1)
        };
        let rules = |marked| MachineRules {
            marked,
            ..MachineRules::default()
        };
        assert_eq!(signs(&[marked], &rules(true)), [Some(MachineSign::Marked)]);
        assert_eq!(signs(&[marked], &rules(false)), [None]);
    }
}
