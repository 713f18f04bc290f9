//! One file or folder per command.

mod check;
mod compute;
mod diff;
mod explain;
mod export;
mod generate;
mod outcome;
mod people;
pub mod recompute;
mod signals;
mod stats;
mod terminal;

pub use outcome::run;
pub use terminal::progress;
