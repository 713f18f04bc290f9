//! `export`: a table as a file.

use super::outcome::say;
use super::people::counted;
use super::signals;
use crate::cli;
use crate::disk::Disk;
use crate::error::{Error, exit};
use crate::export::{Exported, Target, export};
use crate::job::Export;
use crate::publish::{Output, Published};

/// Runs the command; gives its exit code.
pub fn run(flags: &cli::Export) -> Result<u8, Error> {
    let asked = Export::resolve(flags)?;
    let nothing = || Error::NothingPublished(asked.output.to_string());
    let output = Output::at(&Disk::default(), &asked.output, 1)?;
    let output = output.ok_or_else(nothing)?;
    let published = output.published()?.ok_or_else(nothing)?;
    let disk = Disk::default();
    signals::changes(&disk);
    let mut target = Target::open(&disk, asked.file.as_deref())?;
    let exported = export(&asked.request, &published, target.out());
    // Whoever closed standard output has seen enough.
    if target.is_closed() {
        return Ok(exit::DONE);
    }
    let exported = exported?;
    target.finish()?;
    say(&summary(&asked, &published, &exported));
    Ok(exit::DONE)
}

fn summary(asked: &Export, published: &Published<'_>, exported: &Exported) -> String {
    let mut text = String::new();
    if !exported.without_rows.is_empty() {
        let ids = exported.without_rows.iter().map(ToString::to_string);
        let ids = ids.collect::<Vec<_>>().join(", ");
        text += &format!("note: no row is of the deliveries {ids}\n");
    }
    let table = asked.request.table.name();
    let rows = counted(exported.rows as i64, "row", "rows");
    let file = match &asked.file {
        Some(file) => file.display().to_string(),
        None => "standard output".to_owned(),
    };
    let hours = match &asked.request.hours {
        Some(hours) => format!(", hours in [{}, {})", hours.start, hours.end),
        None => String::new(),
    };
    let (number, as_of) = (published.last.run_number, &published.last.as_of);
    text + &format!("{table}: {rows} to {file}{hours}, of run {number} as of {as_of}\n")
}
