//! Who wants to know how far a run is.

use std::fmt;

/// A stage of a run that takes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Decoding the extracts; counted in rows.
    Reading,
    /// Folding messages; counted in rows.
    Folding,
    /// Folding the rows of persons; counted in rows.
    Matching,
    /// Writing the tables; counted in rows.
    Publishing,
    /// Making synthetic extracts; counted in rows, about.
    Generating,
    /// Reading exports; counted in bytes.
    Importing,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Reading => "reading",
            Stage::Folding => "folding",
            Stage::Matching => "matching recipients",
            Stage::Publishing => "publishing",
            Stage::Generating => "generating",
            Stage::Importing => "importing",
        })
    }
}

/// Told how far a run is, from any thread.
pub trait Progress: Sync {
    /// A stage begins that has so many rows, or bytes, to do.
    fn begins(&self, stage: Stage, rows: u64);
    /// So many more are done.
    fn advances(&self, rows: u64);
    /// The stage is over.
    fn ends(&self);
}

/// Nobody wants to know.
pub struct Silent;

impl Progress for Silent {
    fn begins(&self, _: Stage, _: u64) {}
    fn advances(&self, _: u64) {}
    fn ends(&self) {}
}
