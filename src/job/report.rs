//! What `report` is asked for.

use super::{Given, JobError, now, place, resolve_timezone};
use crate::cli;
use crate::publish::Destination;
use crate::report::Request;
use std::path::PathBuf;

/// A report, ready to be made.
#[derive(Clone, Debug)]
pub struct Report {
    /// Where the tables are.
    pub output: Destination,
    /// The file; standard output where there is none.
    pub file: Option<PathBuf>,
    /// What stands in it.
    pub request: Request,
}

impl Report {
    /// Reads the job file, if one is named, and puts the flags over it.
    pub fn resolve(flags: &cli::Report) -> Result<Report, JobError> {
        let given = Given::read(flags.job.as_deref())?;
        let timezone = flags.timezone.as_deref();
        resolve_timezone(timezone)?;
        let output = given.output(flags.output.as_deref())?;
        Ok(Report {
            file: place::written(&flags.file, &output)?,
            output,
            request: Request {
                deliveries: flags.delivery.clone(),
                most: flags.most,
                timezone: timezone.unwrap_or("UTC").to_owned(),
                made_at: now(),
            },
        })
    }
}
