//! Which opens and clicks machines make, as a job has it.

use super::{Code, Codes, Tracked, Value};
use std::collections::BTreeSet;

/// The rules of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machines {
    /// Whether rows count as made by a machine that their log marks as such.
    pub marked: bool,
    /// Opens no longer than this after the relay, in microseconds.
    pub open_within: Option<i64>,
    /// Clicks on so many different links within such a time.
    pub many_links: Option<ManyLinks>,
    /// Links that people do not see.
    pub honeypots: Vec<Value>,
    /// For how long before and after a click on one of these the rows of its message are a machine's, in microseconds.
    pub honeypot_within: i64,
}

/// Clicks that come too fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManyLinks {
    /// How many different links.
    pub links: usize,
    /// In microseconds, from the first click to the last one.
    pub within: i64,
}

impl Default for Machines {
    fn default() -> Machines {
        Machines {
            marked: true,
            open_within: None,
            many_links: None,
            honeypots: Vec::new(),
            honeypot_within: 60 * 1_000_000,
        }
    }
}

/// The same with the codes of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineRules {
    /// As in [`Machines`].
    pub marked: bool,
    /// As in [`Machines`].
    pub open_within: Option<i64>,
    /// As in [`Machines`].
    pub many_links: Option<ManyLinks>,
    /// The links.
    pub honeypots: BTreeSet<Code>,
    /// As in [`Machines`].
    pub honeypot_within: i64,
}

impl Machines {
    /// The rules for rows with these codes.
    pub fn rules(&self, codes: &Codes) -> MachineRules {
        let code = |value: &Value| codes.intern(Some(value.clone()));
        MachineRules {
            marked: self.marked,
            open_within: self.open_within,
            many_links: self.many_links,
            honeypots: self.honeypots.iter().map(code).collect(),
            honeypot_within: self.honeypot_within,
        }
    }
}

impl Default for MachineRules {
    fn default() -> MachineRules {
        Machines::default().rules(&Codes::default())
    }
}

impl MachineRules {
    /// The types of rows that have to be looked at beside the others of their message: bits by code.
    pub fn types(&self) -> u32 {
        let of = |types: &[Tracked]| types.iter().fold(0, |bits, t| bits | 1 << *t as u32);
        let mut types = 0;
        if self.open_within.is_some() {
            types |= of(&[Tracked::Open]);
        }
        if self.many_links.is_some() || !self.honeypots.is_empty() {
            types |= Tracked::CLICKS;
        }
        types
    }
}
