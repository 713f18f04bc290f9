//! `maintain`: clears away what no reader needs any more.

use super::outcome::print;
use super::people::{counted, number};
use crate::cli;
use crate::disk::Disk;
use crate::error::{Error, exit};
use crate::job::Upkeep;
use crate::publish::{Lock, Output};
use crate::state::Store;
use std::fmt::Write;

/// Runs the command; gives its exit code.
pub fn run(flags: &cli::Maintain) -> Result<u8, Error> {
    let asked = Upkeep::resolve(flags)?;
    let nothing = || Error::NothingPublished(asked.output.to_string());
    let disk = Disk::default();
    // Nothing is made where nothing is.
    let Some(output) = Output::at(&disk, &asked.output, 1)? else {
        return Err(nothing());
    };
    output.last_run()?.ok_or_else(nothing)?;
    let (home, name) = (asked.home.as_deref(), asked.output.to_string());
    let lock = home.map(|home| Lock::take(&disk, home, &name, asked.wait));
    let _lock = lock.transpose()?;
    output.begin_anew();
    let last = output.last_run()?.ok_or_else(nothing)?;
    let mut text = String::new();
    let verb = match asked.dry_run {
        true => "would go",
        false => "removed",
    };
    let at = crate::job::now().micros() / 1000;
    for table in output.clear_away(asked.keep, at, asked.dry_run)? {
        let _ = writeln!(
            text,
            "{:<20} {verb}: {}, {} of the log",
            table.name,
            counted(table.files as i64, "data file", "data files"),
            counted(table.commits as i64, "file", "files")
        );
    }
    let store = home.map(|home| Store::of(&disk, home));
    let state = store.as_ref().zip(last.state.as_deref());
    let state = state.map(|(store, run_id)| (store, store.read(run_id)));
    let _ = match state {
        Some((store, Ok(kept))) => {
            if !asked.dry_run {
                store.clean(&kept);
            }
            let rows: u64 = kept.volumes.iter().map(|volume| volume.rows()).sum();
            writeln!(
                text,
                "state                {} in {}",
                counted(rows as i64, "row", "rows"),
                counted(kept.volumes.len() as i64, "volume", "volumes"),
            )
        }
        Some((_, Err(why))) => writeln!(text, "state                cannot be used: {why}"),
        None => writeln!(text, "state                none"),
    };
    let _ = writeln!(
        text,
        "what the tables were in the last {} days stays readable",
        number((asked.keep.as_secs() / (24 * 60 * 60)) as i64)
    );
    print(text.as_bytes())?;
    Ok(exit::DONE)
}
