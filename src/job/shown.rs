//! How progress is shown: the environment has a word in it.

use crate::cli::ProgressMode;
use std::io::IsTerminal;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Not at all.
    Nothing,
    /// As bars on a terminal.
    Bars,
    /// As lines.
    Lines,
}

/// How progress is shown; a machine that reads stderr as one object gets none.
pub fn shown(mode: ProgressMode, is_json: bool) -> Shown {
    let is_terminal = std::io::stderr().is_terminal();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match (mode, is_terminal) {
        // A machine reads one object, and nothing before it.
        (ProgressMode::Always, false) if is_json => Shown::Nothing,
        (ProgressMode::Always, false) => Shown::Lines,
        (ProgressMode::Always, true) => Shown::Bars,
        (ProgressMode::Auto, true) if !plain => Shown::Bars,
        (ProgressMode::Auto | ProgressMode::Never, _) => Shown::Nothing,
    }
}
