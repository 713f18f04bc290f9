//! One file per command.

pub mod recompute;
mod signals;
mod terminal;

pub use signals::obey_signals;
pub use terminal::progress;
