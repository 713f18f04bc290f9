//! What `export` is asked for.

use super::{Given, JobError, instant, place, value};
use crate::cli;
use crate::export::{Format, Request, Table};
use crate::model::Instant;
use crate::publish::Destination;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// An export, ready to run.
#[derive(Clone, Debug)]
pub struct Export {
    /// Where the tables are.
    pub output: Destination,
    /// The file; standard output where there is none.
    pub file: Option<PathBuf>,
    /// What of which table is written, and in which format.
    pub request: Request,
}

impl Export {
    /// Reads the job file, if one is named, and puts the flags over it.
    pub fn resolve(flags: &cli::Export) -> Result<Export, JobError> {
        let given = Given::read(flags.job.as_deref())?;
        let tables = "delivery_kpi_hourly, delivery_kpi, delivery_kpi_hourly_by_reason, delivery_kpi_hourly_by_url, delivery_kpi_hourly_by_domain, parent_kpi_hourly or kpi_run";
        let table = Table::named(&flags.table);
        let table = table.ok_or_else(|| value("TABLE", tables, &flags.table))?;
        let only = |flag, is_there: bool, may_be: bool, expected| match is_there && !may_be {
            true => Err(value(flag, expected, table.name())),
            false => Ok(()),
        };
        let has_hours = matches!(table, Table::Hourly | Table::Parts(_) | Table::Parents);
        let hours_of = "a table of hours, as delivery_kpi_hourly";
        only("--from", flags.from.is_some(), has_hours, hours_of)?;
        only("--to", flags.to.is_some(), has_hours, hours_of)?;
        let hourly = "the table delivery_kpi_hourly";
        only("--dense", flags.dense, table == Table::Hourly, hourly)?;
        let expected = "a table of deliveries or their hours, as delivery_kpi";
        let has_deliveries = table != Table::Runs;
        only(
            "--delivery",
            !flags.delivery.is_empty(),
            has_deliveries,
            expected,
        )?;
        let file = (flags.file != Path::new("-")).then(|| flags.file.clone());
        let request = Request {
            table,
            format: format(flags.format, file.as_deref())?,
            deliveries: flags.delivery.clone(),
            hours: hours(flags)?,
            dense: flags.dense,
        };
        let output = given.output(flags.output.as_deref())?;
        Ok(Export {
            file: place::written(&flags.file, &output)?,
            output,
            request,
        })
    }
}

fn format(typed: Option<cli::Format>, file: Option<&Path>) -> Result<Format, JobError> {
    match (typed, file) {
        (Some(cli::Format::Parquet), _) => Ok(Format::Parquet),
        (Some(cli::Format::Csv), _) | (None, None) => Ok(Format::Csv),
        (Some(cli::Format::Jsonl), _) => Ok(Format::JsonLines),
        (None, Some(file)) => Format::of(file).ok_or_else(|| {
            let expected = "a name that ends in .parquet, .csv or .jsonl, or a --format";
            value("FILE", expected, &file.to_string_lossy())
        }),
    }
}

fn hours(flags: &cli::Export) -> Result<Option<Range<Instant>>, JobError> {
    let bound = |what, text: &Option<String>| text.as_deref().map(|t| instant(what, t)).transpose();
    let (from, to) = match (bound("--from", &flags.from)?, bound("--to", &flags.to)?) {
        (None, None) => return Ok(None),
        // No row is of another year.
        (from, to) => (from.unwrap_or(Instant::FIRST), to.unwrap_or(Instant::END)),
    };
    if from >= to {
        let found = flags.to.as_deref().unwrap_or_default();
        return Err(value("--to", "an instant after --from", found));
    }
    Ok(Some(from..to))
}
