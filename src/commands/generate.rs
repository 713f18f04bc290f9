//! `generate`.

use crate::cli::Generate;
use crate::error::Error;

/// Runs the command; gives its exit code.
pub fn run(_flags: &Generate) -> Result<u8, Error> {
    Ok(1)
}
