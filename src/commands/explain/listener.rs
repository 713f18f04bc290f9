//! Listens to the replay of one message, step by step.

use crate::history::{MachineSign, Occurrence, Rule, Sink, Status};
use crate::model::{Fate, Instant, Mark};
use crate::rollup::Change;

/// What the replay made of a row, or of the deadline.
pub struct Step {
    /// The row by its number; none for the deadline.
    pub row: Option<u32>,
    /// The rule it met.
    pub rule: Rule,
    /// The status after it; none while the message has not entered the log.
    pub status: Option<Status>,
    /// Whether it brought the message there.
    pub moved: bool,
    /// Why it counts as made by a machine, if it does.
    pub machine: Option<MachineSign>,
    /// When it counts, and what it counts for.
    pub counts: Option<(Instant, Change)>,
}

/// Hears all of it; each row's `source` is its number.
pub struct Listener {
    /// By row.
    pub fates: Vec<Option<Fate>>,
    /// By row.
    pub orphans: Vec<bool>,
    /// In the order of the replay.
    pub steps: Vec<Step>,
    status: Option<Status>,
}

impl Listener {
    /// For so many rows.
    pub fn new(rows: usize) -> Listener {
        Listener {
            fates: vec![None; rows],
            orphans: vec![false; rows],
            steps: Vec::new(),
            status: None,
        }
    }

    fn change(&mut self, at: Instant, change: impl FnOnce(&mut Change)) {
        if let Some(step) = self.steps.last_mut() {
            change(&mut step.counts.get_or_insert((at, Change::default())).1);
        }
    }
}

impl Sink for Listener {
    fn meets(&mut self, source: u32, fate: Fate) {
        self.fates[source as usize] = Some(fate);
    }

    fn mark(&mut self, source: u32, mark: Mark) {
        if mark == Mark::Orphan {
            self.orphans[source as usize] = true;
        }
    }

    fn follows(&mut self, source: Option<u32>, rule: Rule) {
        self.steps.push(Step {
            row: source,
            rule,
            status: self.status,
            moved: false,
            machine: None,
            counts: None,
        });
    }

    fn is_made_by_machine(&mut self, sign: MachineSign) {
        if let Some(step) = self.steps.last_mut() {
            step.machine = Some(sign);
        }
    }

    fn moves(&mut self, at: Instant, from: Option<Status>, to: Status) {
        self.status = Some(to);
        if let Some(step) = self.steps.last_mut() {
            (step.status, step.moved) = (Some(to), from != Some(to));
        }
        self.change(at, |change| change.moved(from, to));
    }

    fn occurs(&mut self, at: Instant, what: Occurrence) {
        self.change(at, |change| change.occurred(what));
    }
}
