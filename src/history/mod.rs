//! The life of one message: which of its rows count, and what they do to its status.
//!
//! Pure: knows no clock, no file, no thread. All rows of one message come in together; fates and
//! transitions go out to a [`Sink`].

mod domain;
mod firsts;
mod machine;
mod replay;
mod rule;
mod settle;
mod status;

pub use domain::domain;
pub use firsts::Firsts;
pub use machine::MachineSign;
pub use replay::{Failure, First, Life, Occurrence, replay};
pub use rule::Rule;
pub use settle::{Row, settle};
pub use status::{Standing, Status};

use crate::model::{Code, Codes, Fate, Instant, MachineRules, Mark, Policy, Tail};

/// Where a fold tells what it found. `source` is the number that came in with the [`Row`].
pub trait Sink {
    /// A row met its fate.
    fn meets(&mut self, source: u32, fate: Fate);
    /// A counted row is given apart.
    fn mark(&mut self, source: u32, mark: Mark);
    /// The replay comes to a counted row, by its `source`, or to the deadline, which has none: what
    /// moves and occurs until the next call belongs to it. Only who explains a message listens.
    #[inline(always)]
    fn follows(&mut self, _source: Option<u32>, _rule: Rule) {}
    /// The tracking row that was followed last is a machine's. Only who explains a message listens.
    #[inline(always)]
    fn is_made_by_machine(&mut self, _sign: MachineSign) {}
    /// A counted row comes that is no test row, and of a type that some counter counts; a tracking row a machine may
    /// have made. Only who tells recipients apart listens.
    #[inline(always)]
    fn counts(&mut self, _row: &Row, _by_machine: bool) {}
    /// The status of the message changed; it entered the log where `from` is none.
    fn moves(&mut self, at: Instant, from: Option<Status>, to: Status);
    /// Something happened that some counter counts.
    fn occurs(&mut self, at: Instant, what: Occurrence);
    /// How the message has failed has changed, or why; none where it has not failed. Only who breaks down by
    /// reason listens.
    #[inline(always)]
    fn fails(&mut self, _at: Instant, _from: Option<Failure>, _to: Option<Failure>) {}
    /// A soft-bounce report came, with this reason. Only who breaks down by reason listens.
    #[inline(always)]
    fn bounces_softly(&mut self, _at: Instant, _reason: Code) {}
    /// A click row came, on this link. Only who breaks down by link listens.
    #[inline(always)]
    fn clicks(&mut self, _at: Instant, _link: Code, _by_machine: bool) {}
}

/// What all messages of a fold are judged by.
#[derive(Clone, Copy)]
pub struct Meaning<'a> {
    /// The instant the KPIs are computed for.
    pub as_of: Instant,
    /// The values behind the codes of the rows.
    pub codes: &'a Codes,
    /// Which opens and clicks machines have made.
    pub machines: &'a MachineRules,
}

/// Folds all rows of one message, in any order; `tails` are those that the rows point at. `rows` is
/// left holding the counted ones, sorted.
pub fn live(
    rows: &mut Vec<Row>,
    tails: &[Tail],
    policy: &Policy,
    meaning: Meaning<'_>,
    sink: &mut impl Sink,
) -> Life {
    settle(rows, tails, policy.efs, meaning, sink);
    replay(rows, policy, meaning.as_of, meaning.machines, sink)
}
