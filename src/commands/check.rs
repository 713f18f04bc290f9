//! `check`.

use crate::cli::Check;
use crate::error::Error;

/// Runs the command; gives its exit code.
pub fn run(_flags: &Check) -> Result<u8, Error> {
    Ok(1)
}
