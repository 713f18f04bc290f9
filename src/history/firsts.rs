//! What is counted once for a message, or for a person: its first open, click, opt-out.

use super::{First, Occurrence, Sink};
use crate::model::{Instant, Tracked};

/// Which tracking rows have come so far, of a message or of a person.
#[derive(Clone, Copy, Debug, Default)]
pub struct Firsts {
    opted_out: bool,
    seen: [Seen; 3],
}

impl Firsts {
    /// Takes the next row in, in the order of time, and tells what it is the first of.
    pub fn meet(&mut self, at: Instant, tracked: Tracked, by_machine: bool, sink: &mut impl Sink) {
        let first = match tracked {
            Tracked::Unknown => return,
            Tracked::Open => Some((First::Open, Occurrence::FirstOpen)),
            Tracked::Click | Tracked::OfferClick | Tracked::OfferClick2 => {
                Some((First::Click, Occurrence::FirstClick))
            }
            Tracked::OptOut => {
                if !std::mem::replace(&mut self.opted_out, true) {
                    sink.occurs(at, Occurrence::FirstOptOut);
                }
                None
            }
            Tracked::MirrorPage => None,
        };
        let any = (First::Sign, Occurrence::FirstSign);
        for (first, what) in first.into_iter().chain([any]) {
            let seen = &mut self.seen[first as usize];
            if *seen == Seen::Nothing {
                sink.occurs(at, what);
            }
            match (by_machine, *seen) {
                (true, Seen::Nothing) => {
                    sink.occurs(at, Occurrence::MachineFirst(first));
                    *seen = Seen::Machine;
                }
                (false, Seen::Machine) => {
                    sink.occurs(at, Occurrence::HumanFirst(first));
                    *seen = Seen::Human;
                }
                (false, Seen::Nothing) => *seen = Seen::Human,
                (_, Seen::Human) | (true, Seen::Machine) => {}
            }
        }
    }
}

/// Whose rows of one kind have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Seen {
    /// None yet.
    #[default]
    Nothing,
    /// Only a machine's.
    Machine,
    /// A person's.
    Human,
}
