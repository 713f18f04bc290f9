//! What `verify` and `maintain` are asked for.

use super::{Given, Job, JobError, value};
use crate::cli::{self, Effort, LogFormat, Meaning, ProgressMode, Recompute};
use crate::publish::Destination;
use std::path::PathBuf;
use std::time::Duration;

/// The job whose tables are verified: everything is read, and nothing written. Its as-of is that of the
/// tables, which nobody has read yet.
pub fn resolve_verify(flags: &cli::Verify) -> Result<Job, JobError> {
    Job::resolve(&Recompute {
        job: flags.job.clone(),
        extracts: flags.extracts.clone(),
        output: flags.output.clone(),
        meaning: Meaning {
            as_of: Some("now".to_owned()),
            deadline: flags.deadline,
        },
        effort: Effort {
            progress: match flags.json {
                true => ProgressMode::Never,
                false => flags.effort.progress,
            },
            ..flags.effort.clone()
        },
        memory_limit: flags.memory_limit.clone(),
        dry_run: true,
        // It changes nothing.
        accept_shrinkage: true,
        log_format: LogFormat::Text,
        ..Recompute::default()
    })
}

/// What to clear away.
#[derive(Clone, Debug)]
pub struct Upkeep {
    /// Where the tables are.
    pub output: Destination,
    /// The directory that holds the lock and the state, where there is one.
    pub home: Option<PathBuf>,
    /// For how long what the tables were stays readable.
    pub keep: Duration,
    /// Whether it waits for another run that holds the output.
    pub wait: bool,
    /// Whether nothing is removed.
    pub dry_run: bool,
}

impl Upkeep {
    /// Reads the job file, if one is named, and puts the flags over it.
    pub fn resolve(flags: &cli::Maintain) -> Result<Upkeep, JobError> {
        const LEAST_DAYS: u32 = 7;
        const DAY: u64 = 24 * 60 * 60;
        if flags.keep_days < LEAST_DAYS {
            // A reader may have opened a version, and still read its files.
            let found = flags.keep_days.to_string();
            return Err(value("--keep-days", "at least 7", &found));
        }
        let given = Given::read(flags.job.as_deref())?;
        let output = given.output(flags.output.as_deref())?;
        Ok(Upkeep {
            home: given.home(&output)?,
            output,
            keep: Duration::from_secs(u64::from(flags.keep_days) * DAY),
            wait: flags.wait,
            dry_run: flags.dry_run,
        })
    }
}
