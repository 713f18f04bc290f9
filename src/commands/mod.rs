//! One file per command.

pub mod recompute;
mod terminal;

pub use terminal::progress;
