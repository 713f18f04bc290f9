//! What became of the records of a file.

use super::row::{Fault, Left};
use crate::extracts::Extract;
use std::collections::BTreeMap;

/// Records by what became of them. Each has one fate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub read: u64,
    /// Those that came to rows, by extract.
    pub written: [u64; 3],
    /// The rows.
    pub rows: [u64; 3],
    /// Those that no KPI needs, by the reason.
    pub disregarded: BTreeMap<String, u64>,
    /// Those that break the contract, by column and reason.
    pub rejected: BTreeMap<Fault, Rejected>,
}

/// Records that break the contract in one way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    /// How many.
    pub records: u64,
    /// The lines of the first of them.
    pub lines: Vec<u64>,
}

/// The lines that are named.
const NAMED: usize = 5;

impl Tally {
    /// Counts a record.
    pub fn count(&mut self, line: u64, fate: Result<Extract, Left>) {
        self.read += 1;
        match fate {
            Ok(extract) => self.written[extract as usize] += 1,
            Err(Left::Disregarded(why)) => {
                *self.disregarded.entry(why.to_string()).or_default() += 1;
            }
            Err(Left::Rejected(fault)) => {
                let rejected = self.rejected.entry(fault).or_default();
                rejected.records += 1;
                if rejected.lines.len() < NAMED {
                    rejected.lines.push(line);
                }
            }
        }
    }

    /// Records that no KPI needs.
    pub fn disregarded(&self) -> u64 {
        self.disregarded.values().sum()
    }

    /// Records that break the contract.
    pub fn rejected(&self) -> u64 {
        self.rejected
            .values()
            .map(|rejected| rejected.records)
            .sum()
    }

    /// Whether each record has one fate.
    pub fn adds_up(&self) -> bool {
        let written: u64 = self.written.iter().sum();
        self.read == written + self.disregarded() + self.rejected()
    }
}
