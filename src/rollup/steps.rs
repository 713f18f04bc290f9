//! The short way to the counters: what one more row does to a message, looked up instead of replayed.

use super::Change;
use crate::history::{Occurrence, Row, Sink, Status, replay};
use crate::model::{
    Attributes, Code, DeadlineMode, Fate, Instant, Logged, MachineRules, Mark, Policy, Recipient,
    Report, Stamp, Tracked,
};

/// Where a message is on the short way, as a small number.
pub type Place = u8;

/// The steps of messages whose rows came in their order, each a plain one before as-of of a kind that
/// [`Steps::KINDS`] lists, the first one a report, and all before the deadline where one was a soft bounce:
/// what a row does depends on nothing but what the message is known to have done.
///
/// Every step is taken from [`replay`]: it is the difference between a history with the row and without it.
pub struct Steps {
    /// By place and kind: the place after the row, and what it changes.
    table: Box<[(Place, u8); 32 * 256]>,
    /// By place.
    places: Vec<About>,
    /// What rows change; the first changes nothing.
    effects: Vec<Change>,
}

/// What is known of a message at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Whether it had a soft bounce, so that its deadline matters.
    pub had_soft_bounce: bool,
    /// What the passing of its deadline changes, 0 where it changes nothing.
    pub at_deadline: u8,
}

const REPORTS: [Report; 5] = [
    Report::Relayed,
    Report::Delivered,
    Report::SoftBounce,
    Report::Expired,
    Report::HardBounce,
];

const TRACKED: [Tracked; 6] = [
    Tracked::Open,
    Tracked::Click,
    Tracked::MirrorPage,
    Tracked::OptOut,
    Tracked::OfferClick,
    Tracked::OfferClick2,
];

/// A history that leads to a place.
#[derive(Clone)]
struct Way {
    efs: bool,
    kinds: Vec<Stamp>,
}

impl Steps {
    /// The place of messages that do not go this way.
    pub const NOWHERE: Place = Place::MAX;

    /// A bit for each [`Stamp::kind`] that goes this way.
    pub const KINDS: u32 = {
        let mut kinds = 0;
        let mut at = 0;
        while at < REPORTS.len() {
            kinds |= 1 << REPORTS[at] as u32;
            at += 1;
        }
        at = 0;
        while at < TRACKED.len() {
            kinds |= 1 << (16 + TRACKED[at] as u32);
            at += 1;
        }
        kinds
    };

    /// All steps, with the Email Feedback Service and without.
    pub fn new() -> Steps {
        let mut steps = Steps {
            table: Box::new([(Self::NOWHERE, 0); 32 * 256]),
            places: Vec::new(),
            effects: vec![Change::default()],
        };
        let start = |efs| Way {
            efs,
            kinds: Vec::new(),
        };
        let mut ways = vec![start(false), start(true)];
        let mut at = 0;
        while at < ways.len() {
            let way = ways[at].clone();
            let (_, before) = way.outcome(DeadlineMode::Reported);
            for kind in way.next() {
                let longer = way.with(kind);
                let (_, mut effect) = longer.outcome(DeadlineMode::Reported);
                effect -= &before;
                let known = ways
                    .iter()
                    .position(|way| way.leads_to() == longer.leads_to());
                let place = known.unwrap_or(ways.len());
                if known.is_none() {
                    ways.push(longer);
                }
                steps.table[at * 32 + kind.kind()] = (place as Place, steps.effect_of(effect));
            }
            let (_, mut passed) = way.outcome(DeadlineMode::Infer);
            passed -= &before;
            let at_deadline = steps.effect_of(passed);
            steps.places.push(About {
                had_soft_bounce: way.had_soft_bounce(),
                at_deadline,
            });
            at += 1;
        }
        let most = usize::from(Self::NOWHERE);
        assert!(
            ways.len() < most && steps.effects.len() < most,
            "too many places"
        );
        steps
    }

    /// The place of a message without rows.
    pub fn start(efs: bool) -> Place {
        Place::from(efs)
    }

    /// The place after a row of a kind, and the number of its effect, 0 where it has none.
    #[inline(always)]
    pub fn after(&self, place: Place, kind: usize) -> (Place, u8) {
        self.table[usize::from(place) * 32 + kind % 32]
    }

    /// What a row changes.
    #[inline(always)]
    pub fn effect(&self, number: u8) -> &Change {
        &self.effects[usize::from(number)]
    }

    /// What is known of a message at a place.
    #[inline(always)]
    pub fn about(&self, place: Place) -> About {
        self.places[usize::from(place)]
    }

    fn effect_of(&mut self, change: Change) -> u8 {
        let known = self.effects.iter().position(|other| *other == change);
        let number = known.unwrap_or(self.effects.len());
        if known.is_none() {
            self.effects.push(change);
        }
        number as u8
    }
}

impl Default for Steps {
    fn default() -> Self {
        Steps::new()
    }
}

impl Way {
    fn with(&self, kind: Stamp) -> Way {
        let mut longer = self.clone();
        longer.kinds.push(kind);
        longer
    }

    fn had_soft_bounce(&self) -> bool {
        let reports = self.kinds.iter().map(|stamp| stamp.report());
        reports
            .into_iter()
            .any(|report| report == Some(Report::SoftBounce))
    }

    /// Two ways lead to one place where the same rows can follow and do the same.
    fn leads_to(&self) -> (bool, Option<Status>, [bool; 4], bool) {
        let (status, sum) = self.outcome(DeadlineMode::Reported);
        (self.efs, status, sum.firsts(), self.had_soft_bounce())
    }

    /// The kinds of rows that can come next: a report first, and none after a tracking row.
    fn next(&self) -> Vec<Stamp> {
        let at = Some(Instant::FIRST.plus(self.kinds.len() as i64));
        let report = |report| Stamp::sending(at, Some(Logged::Event(report)));
        let tracked = |tracked| Stamp::tracking(at, Some(tracked));
        let is_tracked = self.kinds.iter().any(|stamp| stamp.is_tracking());
        let reports = REPORTS.into_iter().filter(|_| !is_tracked).map(report);
        let tracking = TRACKED.into_iter().filter(|_| !self.kinds.is_empty());
        reports.chain(tracking.map(tracked)).collect()
    }

    /// The status at the end, and what all rows together change; with a deadline, after it.
    fn outcome(&self, mode: DeadlineMode) -> (Option<Status>, Change) {
        let row = |stamp: &Stamp| Row {
            stamp: *stamp,
            code: Code::NULL,
            source: 0,
            tail: Row::SOLE,
            domain: Code::NULL,
            recipient: Recipient::NONE,
        };
        let rows: Vec<Row> = self.kinds.iter().map(row).collect();
        let attributes = Attributes {
            efs: Some(self.efs),
            ..Attributes::default()
        };
        let mut sum = Sum::default();
        let life = replay(
            &rows,
            &Policy::new(&attributes, mode),
            Instant::END,
            &MachineRules::default(),
            &mut sum,
        );
        (life.status, sum.0)
    }
}

/// What all rows of a message change, whenever.
#[derive(Default)]
struct Sum(Change);

impl Sink for Sum {
    fn meets(&mut self, _: u32, _: Fate) {}

    fn mark(&mut self, _: u32, _: Mark) {}

    fn moves(&mut self, _: Instant, from: Option<Status>, to: Status) {
        self.0.moved(from, to);
    }

    fn occurs(&mut self, _: Instant, what: Occurrence) {
        self.0.occurred(what);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks random histories, and replays them.
    #[test]
    fn steps_lead_where_a_replay_does() {
        let steps = Steps::new();
        let mut seed = 0x2545_F491_4F6C_DD1Du64;
        for round in 0..20_000 {
            let mut way = Way {
                efs: round % 2 == 0,
                kinds: Vec::new(),
            };
            let mut place = Steps::start(way.efs);
            let mut sum = Change::default();
            for _ in 0..round % 12 {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let next = way.next();
                let kind = next[(seed >> 33) as usize % next.len()];
                assert_eq!(Steps::KINDS >> kind.kind() & 1, 1);
                let (after, effect) = steps.after(place, kind.kind());
                assert_ne!(after, Steps::NOWHERE, "{:?}", way.kinds);
                sum += steps.effect(effect);
                place = after;
                way.kinds.push(kind);
            }
            let context = format!("round {round}: {:?}", way.kinds);
            assert_eq!(sum, way.outcome(DeadlineMode::Reported).1, "{context}");
            let about = steps.about(place);
            sum += steps.effect(about.at_deadline);
            assert_eq!(sum, way.outcome(DeadlineMode::Infer).1, "{context}");
            assert_eq!(about.had_soft_bounce, way.had_soft_bounce(), "{context}");
        }
    }

    #[test]
    fn who_is_nowhere_stays_there_and_changes_nothing() {
        let steps = Steps::new();
        for kind in 0..32 {
            assert_eq!(steps.after(Steps::NOWHERE, kind), (Steps::NOWHERE, 0));
        }
        assert!(steps.effect(0).is_zero());
    }
}
