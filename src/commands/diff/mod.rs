//! `diff`: what changed between two runs, by delivery, hour and counter.

mod choose;
mod days;
mod json;
mod text;

use super::outcome::say;
use super::people::{Clock, counted};
use crate::cli;
use crate::disk::Disk;
use crate::error::{Error, exit};
use crate::export::{ExportError, parse_ids};
use crate::job::{Choice, Diff};
use crate::model::DeliveryId;
use crate::publish::{
    DELIVERY_KPI, DELIVERY_KPI_HOURLY, Output, PublishError, Published, RunRecord, Runs,
};
use crate::tables::{Cell, Column, Difference, Found, RowCounts, Total, Versions};
use choose::choose;
pub use json::Json;
use std::collections::BTreeSet;
pub use text::Text;

/// Who tells the differences.
pub trait Teller {
    /// Sums over deliveries, and rows of `delivery_kpi`.
    fn deliveries(&mut self, totals: &[Total], rows: &[Difference<'_>]) -> Result<(), Error>;
    /// Rows of `delivery_kpi_hourly`, those of one day after those of another.
    fn hours(&mut self, rows: &[Difference<'_>]) -> Result<(), Error>;
    /// The end: how many rows differ in the two tables, and in those of parts that were compared.
    fn finish(
        &mut self,
        deliveries: Tally,
        hours: Tally,
        parts: &[(&'static str, Tally)],
    ) -> Result<(), Error>;
}

/// Of a column its value in one of the two runs.
type Side = for<'c, 'n> fn(&'c Column<'n>) -> &'c Cell;

/// How many rows of a table differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    only_old: usize,
    only_new: usize,
    different: usize,
}

impl Tally {
    pub fn add(&mut self, rows: &[Difference<'_>]) {
        for row in rows {
            match row.found {
                Found::Old => self.only_old += 1,
                Found::New => self.only_new += 1,
                Found::Both => self.different += 1,
            }
        }
    }

    /// Adds the rows of a run beside the published ones.
    pub fn add_counts(&mut self, counts: RowCounts) {
        self.only_old += counts.removed as usize;
        self.only_new += counts.inserted as usize;
        self.different += counts.changed as usize;
    }

    pub fn sum(self) -> usize {
        self.only_old + self.only_new + self.different
    }
}

/// Runs the command; gives its exit code.
pub fn run(flags: &cli::Diff) -> Result<u8, Error> {
    let asked = Diff::resolve(flags)?;
    let nothing = || Error::NothingPublished(asked.output.to_string());
    let output = Output::at(&Disk::default(), &asked.output, 1)?;
    let output = output.ok_or_else(nothing)?;
    let runs = output.runs()?.ok_or_else(nothing)?;
    runs.newest_first().next().ok_or_else(nothing)??;
    let old = opened(&runs, "OLD", &asked.old)?;
    let new = opened(&runs, "NEW", &asked.new)?;
    let clock = Clock::new(asked.zone);
    let mut teller: Box<dyn Teller> = match flags.json {
        true => Box::new(Json::new(&old.last, &new.last)),
        false => Box::new(Text::new(&old.last, &new.last, &clock, flags.limit)),
    };
    if old.last.run_number == new.last.run_number {
        say("note: OLD and NEW are the same run\n");
    }
    let differs = compare(&old, &new, &flags.delivery, teller.as_mut())?;
    Ok(exit_code(differs && flags.fail_if_diff))
}

/// Of a comparison that tells by its exit code whether something differs.
pub fn exit_code(differs: bool) -> u8 {
    match differs {
        true => exit::DIFFERENT,
        false => exit::DONE,
    }
}

/// The tables as the run left them that is meant.
fn opened<'r>(
    runs: &'r Runs<'_>,
    place: &'static str,
    choice: &Choice,
) -> Result<Published<'r>, Error> {
    let run = choose(runs.newest_first(), place, choice)?;
    let tables = runs.tables_of(run.clone());
    tables.map_err(|error| unreadable(&run, error))
}

/// Versions go when their files or their log are cleaned up; that it is another schema is said as it is.
fn unreadable(run: &RunRecord, error: PublishError) -> Error {
    match error {
        PublishError::OtherSchema { .. } | PublishError::OtherVersion { .. } => error.into(),
        source => Error::UnreadableRun {
            number: run.run_number,
            run_id: run.run_id.clone(),
            source: Box::new(source),
        },
    }
}

/// Tells the differences; whether there are any. In memory are the rows of `delivery_kpi` and those of a
/// day.
fn compare(
    old: &Published<'_>,
    new: &Published<'_>,
    typed: &[String],
    teller: &mut dyn Teller,
) -> Result<bool, Error> {
    let wanted = wanted(new, typed)?;
    let all = |side: &Published<'_>| {
        let rows = side.deliveries();
        rows.map_err(|error| unreadable(&side.last, error))
    };
    let (before, after) = (all(old)?, all(new)?);
    let versions = Versions::new(DELIVERY_KPI, &before, &after, wanted.as_ref())?;
    note_unknown(&versions, wanted.as_ref())?;
    let (mut deliveries, mut hours) = (Tally::default(), Tally::default());
    let rows = versions.differences()?;
    deliveries.add(&rows);
    teller.deliveries(&versions.totals()?, &rows)?;

    let table = DELIVERY_KPI_HOURLY;
    let (before, after) = (old.files(table)?, new.files(table)?);
    for day in days::different(&before, &after) {
        let read = |side: &Published<'_>, files: &[_]| {
            let rows = side.rows(table, files.iter().copied());
            rows.map_err(|error| unreadable(&side.last, error))
        };
        let (before, after) = (read(old, &day.old)?, read(new, &day.new)?);
        let versions = Versions::new(table, &before, &after, wanted.as_ref())?;
        let rows = versions.differences()?;
        hours.add(&rows);
        teller.hours(&rows)?;
    }
    teller.finish(deliveries, hours, &[])?;
    Ok(deliveries.sum() + hours.sum() > 0)
}

/// The deliveries that are asked for; all, if there are none.
fn wanted(tables: &Published<'_>, typed: &[String]) -> Result<Option<BTreeSet<DeliveryId>>, Error> {
    if typed.is_empty() {
        return Ok(None);
    }
    let schema = tables.schema(DELIVERY_KPI)?;
    let field = schema.field_with_name("delivery_id");
    let kind = field.map_err(ExportError::from)?.data_type();
    Ok(Some(parse_ids(typed, kind)?))
}

fn note_unknown(
    versions: &Versions<'_>,
    wanted: Option<&BTreeSet<DeliveryId>>,
) -> Result<(), Error> {
    let Some(wanted) = wanted else {
        return Ok(());
    };
    let unknown = wanted.iter().filter(|id| !versions.know(id));
    let unknown: Vec<String> = unknown.map(ToString::to_string).collect();
    if unknown.len() == wanted.len() {
        return Err(ExportError::NoSuchDelivery(wanted.len()).into());
    }
    if !unknown.is_empty() {
        let deliveries = counted(unknown.len() as i64, "delivery", "deliveries");
        let ids = unknown.join(", ");
        say(&format!("note: neither run knows {deliveries}: {ids}\n"));
    }
    Ok(())
}
