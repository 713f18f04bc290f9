//! `report`: the tables as a page.

use super::outcome::say;
use super::people::counted;
use super::signals;
use crate::cli;
use crate::disk::Disk;
use crate::error::{Error, exit};
use crate::export::Target;
use crate::job::Report;
use crate::publish::{Output, Published};
use crate::report::{Page, page};

/// Runs the command; gives its exit code.
pub fn run(flags: &cli::Report) -> Result<u8, Error> {
    let asked = Report::resolve(flags)?;
    let nothing = || Error::NothingPublished(asked.output.to_string());
    let output = Output::at(&Disk::default(), &asked.output, 1)?;
    let output = output.ok_or_else(nothing)?;
    let published = output.published()?.ok_or_else(nothing)?;
    let disk = Disk::default();
    signals::changes(&disk);
    let mut target = Target::open(&disk, asked.file.as_deref())?;
    let page = page(&asked.request, &published)?;
    let written = target.out().write_all(page.html.as_bytes());
    // Whoever closed standard output has seen enough.
    if target.is_closed() {
        return Ok(exit::DONE);
    }
    written?;
    target.finish()?;
    say(&summary(&asked, &published, &page));
    Ok(exit::DONE)
}

fn summary(asked: &Report, published: &Published<'_>, page: &Page) -> String {
    let mut text = String::new();
    let unknown = page.left.unknown as i64;
    if unknown > 0 {
        let deliveries = counted(unknown, "delivery", "deliveries");
        text += &format!("note: {deliveries} that you asked for are not in the tables\n");
    }
    let left = page.left.deliveries as i64;
    if left > 0 {
        let deliveries = counted(left, "delivery", "deliveries");
        text += &format!(
            "note: {deliveries} with older events are not on the page (--most, --delivery)\n"
        );
    }
    let deliveries = counted(page.deliveries as i64, "delivery", "deliveries");
    let hours = counted(page.hours as i64, "hourly row", "hourly rows");
    let file = match &asked.file {
        Some(file) => file.display().to_string(),
        None => "standard output".to_owned(),
    };
    let (number, as_of) = (published.last.run_number, &published.last.as_of);
    let size = page.html.len().div_ceil(1024) as i64;
    text + &format!(
        "{deliveries}, {hours} to {file} ({} KiB), of run {number} as of {as_of}\n",
        super::people::number(size)
    )
}
