//! Section 2: the status of one message.

use std::collections::BTreeMap;

use super::super::world::DeliveryRow;
use super::Mode;
use super::breakdowns::Part;
use super::rows::{Event, label};

/// 84 hours, the MTA's queue.
const QUEUE: i64 = 84 * super::HOUR;

/// A counted report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub event: Event,
    pub at: i64,
    pub reason: Part,
}

/// What a delivery says about its messages.
pub struct Rules {
    efs: bool,
    /// Whether there is a deadline at all.
    deadline: bool,
    /// The validity end, if it counts.
    validity_end: Option<i64>,
}

impl Rules {
    /// The defaults of the job are in the row.
    pub fn of(row: &DeliveryRow, mode: Mode) -> Self {
        let channel = label(&row.channel);
        let is_email = channel.is_none_or(|channel| channel == "email" || channel == "e-mail");
        let counts = |end: &i64| match row.started_at {
            None => true,
            Some(started_at) => 0 < end - started_at && end - started_at <= QUEUE,
        };
        Self {
            efs: row.efs.unwrap_or(false),
            deadline: is_email && mode == Mode::Infer,
            validity_end: row.validity_end.filter(counts),
        }
    }

    fn deadline(&self, entered_at: i64) -> Option<i64> {
        let queue_end = entered_at + QUEUE;
        self.deadline.then(|| {
            self.validity_end
                .map_or(queue_end, |end| end.min(queue_end))
        })
    }
}

/// A change of a counter of a failure reason: instant, reason, counter, by how much.
pub type Move = (i64, Part, &'static str, i64);

/// What a message adds to its delivery.
#[derive(Debug, Default)]
pub struct History {
    pub entered_at: Option<i64>,
    pub deadline: Option<i64>,
    /// Instant, counter, by how much.
    pub changes: Vec<(i64, &'static str, i64)>,
    pub moves: Vec<Move>,
}

#[derive(Clone, Copy, PartialEq)]
enum Status {
    NotEntered,
    Pending,
    Sent,
    FailedSoft,
    FailedHard,
}

#[derive(Clone)]
struct State {
    status: Status,
    retrying: bool,
    closed: bool,
    confirmed: bool,
    failed_by_deadline: bool,
    soft_bounce_events: i64,
    late_successes: i64,
    complaint: bool,
    /// The last one given, also while the message still counts as delivered.
    reason: Part,
    soft_bounces_by_reason: BTreeMap<Part, i64>,
}

impl State {
    /// What the message counts in each counter now.
    fn counts(&self) -> BTreeMap<&'static str, i64> {
        let is = |status: Status| i64::from(self.status == status);
        BTreeMap::from([
            ("processed", 1 - is(Status::NotEntered)),
            ("pending", is(Status::Pending)),
            ("delivered", is(Status::Sent)),
            (
                "bounces_errors",
                is(Status::FailedSoft) + is(Status::FailedHard),
            ),
            ("hard_bounces", is(Status::FailedHard)),
            ("soft_bounces", is(Status::FailedSoft)),
            ("failed_by_deadline", i64::from(self.failed_by_deadline)),
            ("retrying", i64::from(self.retrying)),
            ("soft_bounce_events", self.soft_bounce_events),
            ("late_successes", self.late_successes),
            ("complaints", i64::from(self.complaint)),
        ])
    }

    /// The same by failure reason, for the counters that are told by reason.
    fn counts_by_reason(&self) -> BTreeMap<(Part, &'static str), i64> {
        let events = self.soft_bounces_by_reason.iter();
        let mut counts: BTreeMap<(Part, &'static str), i64> = events
            .map(|(reason, reports)| ((reason.clone(), "soft_bounce_events"), *reports))
            .collect();
        let failed = match self.status {
            Status::FailedSoft => Some("soft_bounces"),
            Status::FailedHard => Some("hard_bounces"),
            Status::NotEntered | Status::Pending | Status::Sent => None,
        };
        if let Some(counter) = failed {
            counts.insert((self.reason.clone(), counter), 1);
        }
        counts
    }

    fn fail_soft_and_close(&mut self) {
        self.status = Status::FailedSoft;
        self.closed = true;
        self.retrying = false;
        self.confirmed = false;
    }

    fn pass_deadline(&mut self, efs: bool) {
        if !self.retrying {
            return;
        }
        self.retrying = false;
        if !efs {
            self.status = Status::FailedSoft;
            self.confirmed = false;
            self.failed_by_deadline = true;
        }
    }

    fn take(&mut self, report: &Report, efs: bool, deadline: Option<i64>) {
        let past_deadline = deadline.is_some_and(|deadline| report.at >= deadline);
        match report.event {
            Event::Complaint => {
                self.complaint = true;
                return;
            }
            Event::Ignored => return,
            Event::SoftBounce => {
                self.soft_bounce_events += 1;
                let of_reason = self.soft_bounces_by_reason.entry(report.reason.clone());
                *of_reason.or_insert(0) += 1;
            }
            Event::Relayed | Event::Delivered | Event::Expired | Event::HardBounce => {}
        }
        if self.status == Status::NotEntered {
            self.status = if efs { Status::Pending } else { Status::Sent };
        }

        // Rule 1.
        let for_good = match self.status {
            Status::FailedHard => true,
            Status::FailedSoft => {
                (self.closed || past_deadline) && report.event != Event::HardBounce
            }
            Status::NotEntered | Status::Pending | Status::Sent => false,
        };
        if for_good {
            if report.event == Event::Delivered {
                self.late_successes += 1;
            }
            return;
        }

        // Section 5: the last reason given; a failure that names none says nothing about it.
        match report.event {
            Event::Delivered => self.reason = Part::None,
            Event::SoftBounce | Event::Expired | Event::HardBounce
                if report.reason != Part::None =>
            {
                self.reason = report.reason.clone();
            }
            _ => {}
        }

        // Rule 2.
        match report.event {
            Event::Relayed | Event::Complaint | Event::Ignored => {}
            Event::Delivered => {
                self.status = Status::Sent;
                self.confirmed = true;
                self.retrying = false;
            }
            Event::SoftBounce if past_deadline => self.fail_soft_and_close(),
            Event::SoftBounce => {
                self.confirmed = false;
                self.retrying = true;
                if efs {
                    self.status = Status::FailedSoft;
                }
            }
            Event::Expired if self.confirmed => {}
            Event::Expired => self.fail_soft_and_close(),
            Event::HardBounce => {
                self.status = Status::FailedHard;
                self.retrying = false;
                self.confirmed = false;
                self.failed_by_deadline = false;
            }
        }
    }
}

/// The history of one message: its reports (each once, all before as-of) and its deadline.
pub fn replay(reports: &[Report], rules: &Rules, as_of: i64) -> History {
    let mut reports = reports.to_vec();
    reports.sort_by_key(|report| (report.at, report.event));
    let entered_at = reports
        .iter()
        .find(|report| report.event.enters())
        .map(|report| report.at);
    let deadline = entered_at.and_then(|at| rules.deadline(at));
    let mut history = History {
        entered_at,
        deadline,
        changes: Vec::new(),
        moves: Vec::new(),
    };

    let mut state = State {
        status: Status::NotEntered,
        retrying: false,
        closed: false,
        confirmed: false,
        failed_by_deadline: false,
        soft_bounce_events: 0,
        late_successes: 0,
        complaint: false,
        reason: Part::None,
        soft_bounces_by_reason: BTreeMap::new(),
    };
    let mut note = |before: &State, after: &State, at: i64| {
        let values = before.counts();
        for (counter, value) in after.counts() {
            if value != values[counter] {
                history.changes.push((at, counter, value - values[counter]));
            }
        }
        let (before, after) = (before.counts_by_reason(), after.counts_by_reason());
        let gone = before.iter().map(|(key, value)| (key, -value));
        for ((reason, counter), by) in gone.chain(after.iter().map(|(key, value)| (key, *value))) {
            history.moves.push((at, reason.clone(), counter, by));
        }
    };
    // The deadline comes before the reports of its own instant; one at as-of is in the future.
    let mut due = deadline.filter(|deadline| *deadline < as_of);
    for report in reports {
        if let Some(at) = due.filter(|at| *at <= report.at) {
            let before = state.clone();
            state.pass_deadline(rules.efs);
            note(&before, &state, at);
            due = None;
        }
        let before = state.clone();
        state.take(&report, rules.efs, deadline);
        note(&before, &state, report.at);
    }
    if let Some(at) = due {
        let before = state.clone();
        state.pass_deadline(rules.efs);
        note(&before, &state, at);
    }
    history
}
