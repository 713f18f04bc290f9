//! `Job`: job file and flags, resolved and checked once. The only reader of the environment, the
//! clock and the working directory.

mod alerts;
mod breakdowns;
mod clock;
mod diff;
mod export;
mod file;
mod import;
mod machines;
mod memory;
mod people;
mod place;
mod report;
mod shown;
mod source;
mod sources;
mod spec;
mod synthetic;
mod upkeep;
mod vendor;

pub use breakdowns::PartTables;
pub use clock::{Stopwatch, new_run_id, now, parse_instant};
pub use diff::{Choice, Diff};
pub use export::Export;
pub use file::JobFile;
pub use import::Import;
pub use people::People;
pub use report::Report;
pub use shown::{Shown, shown};
pub use sources::{OnBadFile, Scope, Sources};
pub use synthetic::Synthetic;
pub use upkeep::{Upkeep, resolve_verify};

use crate::cli::{Check, Effort, Explain, LogFormat, Recompute, Stats};
use crate::disk::Disk;
use crate::extracts::ManifestError;
use crate::model::{HOUR, Instant, Thresholds};
use crate::publish::Destination;
use crate::stores::Access;
use std::path::{Path, PathBuf};

/// A job that cannot be run as it is.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The manifest cannot be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The job file cannot be read.
    #[error("job file {file}: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's reason.
        reason: String,
    },
    /// The job file is not what it should be.
    #[error("job file {file}: {reason}")]
    Invalid {
        /// The file.
        file: String,
        /// What is wrong with it, and where.
        reason: String,
    },
    /// A key or flag that is needed and not there.
    #[error("{flag} (or {key} in a job file): expected a path, found none")]
    Missing {
        /// The flag.
        flag: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A memory limit that cannot be kept to.
    #[error(
        "memory_limit: expected at least {needed}MiB with {threads} threads (fewer threads need less), found {found:?}"
    )]
    MemoryLimit {
        /// What is there.
        found: String,
        /// What would do, in MiB.
        needed: u64,
        /// For so many threads.
        threads: usize,
    },
    /// A value that is none of those allowed.
    #[error("{what}: expected {expected}, found {found:?}")]
    Value {
        /// The key or flag.
        what: String,
        /// What is allowed.
        expected: &'static str,
        /// What is there; a setting, never a value of a row.
        found: String,
    },
}

/// What becomes of deliveries that have lost a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnVanished {
    /// Their published rows stay as they are.
    #[default]
    Freeze,
    /// They are computed from what is left.
    Restate,
    /// The run fails.
    Fail,
}

/// A job, ready to run.
#[derive(Clone, Debug)]
pub struct Job {
    /// The extracts, and what their rows mean.
    pub sources: Sources,
    /// Where the tables are.
    pub output: Destination,
    /// The directory that holds the lock and what a run leaves for the next one, where there is one.
    pub home: Option<PathBuf>,
    /// Whether as-of may be earlier than the published one.
    pub rewind: bool,
    /// Whether what earlier runs reported counts again.
    pub full: bool,
    /// Whether changes of hours that had ended go to a table of their own.
    pub restatements: bool,
    /// What becomes of deliveries that have lost a file.
    pub on_vanished: OnVanished,
    /// Deliveries that are computed again though they have.
    pub thaw: Vec<String>,
    /// Whether half of the files of a log or more may be gone.
    pub accept_shrinkage: bool,
    /// Whether the content of every file is looked at to tell whether it has changed.
    pub rehash: bool,
    /// Whether the run waits for another one that holds the output.
    pub wait: bool,
    /// Whether nothing is written.
    pub dry_run: bool,
    /// How progress is shown.
    pub progress: Shown,
    /// How summary and errors are written.
    pub log_format: LogFormat,
    /// Rows and files that may be left out.
    pub max_rejected: u64,
    /// From where on numbers are worth an alert.
    pub thresholds: Thresholds,
    /// The arguments, for the record.
    pub arguments: Vec<String>,
    /// How local files are changed.
    pub disk: Disk,
}

/// The as-of of a job that names none.
#[derive(Clone, Copy)]
enum AsOf {
    HourStart,
    Now,
}

/// A job file with the folder that its paths start at; empty where none is named.
struct Given<'a> {
    file: JobFile,
    folder: &'a Path,
    access: Access,
}

impl<'a> Given<'a> {
    fn read(path: Option<&'a Path>) -> Result<Given<'a>, JobError> {
        // A name or value that is no text is not meant for a store.
        let text = |text: std::ffi::OsString| text.into_string().ok();
        let settings = std::env::vars_os();
        let settings = settings.filter_map(|(name, value)| Some((text(name)?, text(value)?)));
        Ok(Given {
            file: match path {
                Some(path) => JobFile::read(path)?,
                None => JobFile::default(),
            },
            folder: path.and_then(Path::parent).unwrap_or(Path::new("")),
            access: Access::of(settings),
        })
    }

    /// The path of a flag, else that of a key.
    fn path(&self, flag: Option<&Path>, key: Option<&Path>) -> Option<PathBuf> {
        flag.map(Path::to_owned)
            .or_else(|| key.map(|path| place::below(self.folder, path)))
    }

    fn output(&self, flag: Option<&Path>) -> Result<Destination, JobError> {
        let output = self.path(flag, self.file.output.as_deref());
        let output = output.ok_or(JobError::Missing {
            flag: "--output",
            key: "output",
        })?;
        place::output(output, &self.access)
    }

    fn home(&self, output: &Destination) -> Result<Option<PathBuf>, JobError> {
        place::home(output, self.path(None, self.file.state.as_deref()))
    }

    fn threads(&self, effort: &Effort) -> Result<usize, JobError> {
        let threads = effort.threads.or(self.file.threads);
        match threads {
            Some(wrong) if !(1..=MOST_THREADS).contains(&wrong) => {
                let expected = "at least 1 and at most 1024";
                Err(value("threads", expected, &wrong.to_string()))
            }
            Some(threads) => Ok(threads),
            None => Ok(cores()),
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Job {
    /// Reads the job file, if one is named, and puts the flags over it.
    pub fn resolve(flags: &Recompute) -> Result<Job, JobError> {
        let given = Given::read(flags.job.as_deref())?;
        let (extracts, meaning, effort) = (&flags.extracts, &flags.meaning, &flags.effort);
        let scope = scope(flags)?;
        // What is thawed has to be computed.
        let is_computed = |id: &&String| match &scope {
            Scope::All => true,
            Scope::Deliveries(asked) => asked.contains(id),
            Scope::EventTime(_) => false,
        };
        if let Some(other) = flags.thaw.iter().find(|id| !is_computed(id)) {
            let expected = "a run of all deliveries, or one of those of --delivery";
            return Err(value("--thaw", expected, other));
        }
        let output = given.output(flags.output.as_deref());
        let mut sources =
            Sources::resolve(&given, extracts, meaning, effort, scope, AsOf::HourStart)?;
        let (limit, temp_dir) = (flags.memory_limit.as_deref(), flags.temp_dir.as_deref());
        sources.room = given.room(limit, temp_dir, &sources)?;
        sources.people = given.people()?;
        let output = output?;
        place::outside(&output, &sources)?;
        let job = Job {
            sources,
            home: given.home(&output)?,
            output,
            rewind: flags.rewind,
            full: flags.full,
            restatements: given.file.restatements.unwrap_or(false),
            on_vanished: match given.file.on_vanished.as_deref() {
                None | Some("freeze") => OnVanished::Freeze,
                Some("restate") => OnVanished::Restate,
                Some("fail") => OnVanished::Fail,
                Some(other) => {
                    let expected = "\"freeze\", \"restate\" or \"fail\"";
                    return Err(value("on_vanished", expected, other));
                }
            },
            thaw: flags.thaw.clone(),
            accept_shrinkage: flags.accept_shrinkage,
            rehash: flags.rehash,
            wait: flags.wait,
            dry_run: flags.dry_run,
            progress: shown(effort.progress, flags.log_format == LogFormat::Json),
            log_format: flags.log_format,
            max_rejected: given.file.max_rejected.unwrap_or(0),
            thresholds: given.file.alerts.thresholds()?,
            arguments: std::env::args_os()
                .skip(1)
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect(),
            disk: Disk::default(),
        };
        Ok(job.on(Disk::default()))
    }

    /// The job with changes of local files that are made through this disk.
    pub fn on(mut self, disk: Disk) -> Job {
        if let Some(room) = &mut self.sources.room {
            room.disk = disk.clone();
        }
        self.disk = disk;
        self
    }
}

/// The output that `stats` reads, and the extracts that it recomputes from, if it is asked to.
pub fn resolve_stats(flags: &Stats) -> Result<(Destination, Option<Sources>), JobError> {
    let given = Given::read(flags.job.as_deref())?;
    let output = given.output(flags.output.as_deref())?;
    let scope = Scope::Deliveries(flags.delivery.iter().cloned().collect());
    let (extracts, meaning, effort) = (&flags.extracts, &flags.meaning, &flags.effort);
    for (flag, is_there) in [
        ("--sending-log", extracts.sending_log.is_some()),
        ("--tracking-log", extracts.tracking_log.is_some()),
        ("--deliveries", extracts.deliveries.is_some()),
        ("--as-of", meaning.as_of.is_some()),
        ("--deadline", meaning.deadline.is_some()),
    ] {
        if is_there && !flags.fresh {
            let expected = "--fresh beside it, since the tables are as they are";
            return Err(value(flag, expected, "none"));
        }
    }
    let sources = || {
        let mut sources = Sources::resolve(&given, extracts, meaning, effort, scope, AsOf::Now)?;
        sources.room = given.room(None, None, &sources)?;
        Ok::<Sources, JobError>(sources)
    };
    Ok((output, if flags.fresh { Some(sources()?) } else { None }))
}

/// The extracts that `explain` reads.
pub fn resolve_explain(flags: &Explain) -> Result<Sources, JobError> {
    let given = Given::read(flags.job.as_deref())?;
    let scope = Scope::Deliveries(vec![flags.delivery.clone()]);
    let (extracts, meaning, effort) = (&flags.extracts, &flags.meaning, &flags.effort);
    Sources::resolve(&given, extracts, meaning, effort, scope, AsOf::HourStart)
}

/// The extracts that `check` reads: bad files are findings there.
pub fn resolve_check(flags: &Check) -> Result<Sources, JobError> {
    let given = Given::read(flags.job.as_deref())?;
    let (extracts, meaning, effort) = (&flags.extracts, &flags.meaning, &flags.effort);
    let mut sources = Sources::resolve(
        &given,
        extracts,
        meaning,
        effort,
        Scope::All,
        AsOf::HourStart,
    )?;
    sources.on_bad_file = OnBadFile::Tell;
    sources.room = given.room(None, None, &sources)?;
    Ok(sources)
}

/// The time zone that a person wants to see instants in.
pub fn resolve_timezone(name: Option<&str>) -> Result<jiff::tz::TimeZone, JobError> {
    let name = name.unwrap_or("UTC");
    jiff::tz::TimeZone::get(name).map_err(|_| value("--timezone", "an IANA time zone", name))
}

fn value(what: &str, expected: &'static str, found: &str) -> JobError {
    JobError::Value {
        what: what.to_owned(),
        expected,
        found: found.to_owned(),
    }
}

fn instant(what: &str, text: &str) -> Result<Instant, JobError> {
    parse_instant(text).ok_or_else(|| {
        value(
            what,
            "an instant in RFC 3339 in the years 1990 to 2099",
            text,
        )
    })
}

fn scope(flags: &Recompute) -> Result<Scope, JobError> {
    let (Some(start), Some(end)) = (&flags.event_time_start, &flags.event_time_end) else {
        return Ok(match flags.delivery.is_empty() {
            true => Scope::All,
            false => Scope::Deliveries(flags.delivery.clone()),
        });
    };
    let interval = instant("--event-time-start", start)?..instant("--event-time-end", end)?;
    if interval.is_empty() {
        return Err(value(
            "--event-time-end",
            "an instant after --event-time-start",
            end,
        ));
    }
    Ok(Scope::EventTime(interval))
}

/// More would only keep the system busy.
const MOST_THREADS: usize = 1024;

/// Hours to microseconds.
fn hours(hours: i64) -> i64 {
    hours.saturating_mul(HOUR)
}
