//! One file or folder per command.

mod check;
mod compute;
mod diff;
mod explain;
mod export;
mod generate;
mod import;
mod maintain;
mod outcome;
mod people;
pub mod recompute;
mod report;
mod signals;
mod stats;
mod terminal;
mod verify;

pub use outcome::run;
pub use terminal::progress;
