//! `Job`: job file and flags, resolved and checked once. The only reader of the environment, the
//! clock and the working directory.

mod clock;
mod file;

pub use clock::{Stopwatch, new_run_id, now};
pub use file::JobFile;

use crate::cli::{Deadline, LogFormat, ProgressMode, Recompute};
use crate::decode::Zone;
use crate::extracts::{Extract, Mapping};
use crate::model::{DeadlineMode, Defaults, HOUR, Instant, Labels};
use clock::parse_instant;
use std::io::IsTerminal;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A job that cannot be run as it is.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
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

/// What to do with a file that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBadFile {
    /// Fail, naming all of them.
    Fail,
    /// Leave it out as a whole, and say so.
    Skip,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Not at all.
    Nothing,
    /// As bars on a terminal.
    Bars,
    /// As lines.
    Lines,
}

/// Which deliveries a run computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// These, as typed.
    Deliveries(Vec<String>),
    /// Those with events in the interval.
    EventTime(Range<Instant>),
}

/// A job, ready to run.
#[derive(Clone, Debug)]
pub struct Job {
    /// Sending log.
    pub sending_log: PathBuf,
    /// Tracking log.
    pub tracking_log: Option<PathBuf>,
    /// Deliveries extract.
    pub deliveries: Option<PathBuf>,
    /// Directory of the tables.
    pub output: PathBuf,
    /// The instant the KPIs are computed for.
    pub as_of: Instant,
    /// Whether as-of may be earlier than the published one.
    pub rewind: bool,
    /// Where the end of retries comes from.
    pub deadline: DeadlineMode,
    /// Which deliveries.
    pub scope: Scope,
    /// Whether what earlier runs reported counts again.
    pub full: bool,
    /// Whether nothing is written.
    pub dry_run: bool,
    /// Threads.
    pub threads: usize,
    /// How progress is shown.
    pub progress: Shown,
    /// How summary and errors are written.
    pub log_format: LogFormat,
    /// What to do with files that cannot be read.
    pub on_bad_file: OnBadFile,
    /// Rows and files that may be left out.
    pub max_rejected: u64,
    /// For deliveries without a row, or with nulls.
    pub defaults: Defaults,
    /// What labels mean.
    pub labels: Labels,
    /// Where naive instants are at home.
    pub zone: Zone,
    /// The arguments, for the record.
    pub arguments: Vec<String>,
    mappings: [Mapping; 3],
}

impl Job {
    /// Reads the job file, if one is named, and puts the flags over it.
    pub fn resolve(flags: &Recompute) -> Result<Job, JobError> {
        let (file, folder) = match &flags.job {
            Some(path) => (JobFile::read(path)?, path.parent().unwrap_or(Path::new(""))),
            None => (JobFile::default(), Path::new("")),
        };
        let path = |flag: &Option<PathBuf>, key: &Option<PathBuf>| {
            flag.clone()
                .or_else(|| key.as_ref().map(|path| below(folder, path)))
        };
        let missing = |flag, key| JobError::Missing { flag, key };
        let sending_log = path(&flags.sending_log, &file.sending_log);
        let output = path(&flags.output, &file.output);
        let as_of = flags
            .as_of
            .clone()
            .or_else(|| file.as_of.clone().map(String::from));
        let threads = flags.threads.or(file.threads);
        if let Some(wrong) = threads.filter(|threads| !(1..=MOST_THREADS).contains(threads)) {
            return Err(value(
                "threads",
                "at least 1 and at most 1024",
                &wrong.to_string(),
            ));
        }
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let zone = file.naive_timezone.as_deref().unwrap_or("UTC");
        let sending_log = sending_log.ok_or_else(|| missing("--sending-log", "sending_log"))?;
        let tracking_log = path(&flags.tracking_log, &file.tracking_log);
        let deliveries = path(&flags.deliveries, &file.deliveries);
        let output = local(output.ok_or_else(|| missing("--output", "output"))?)?;
        let extracts = [
            Some(&sending_log),
            tracking_log.as_ref(),
            deliveries.as_ref(),
        ];
        outside(&output, extracts.into_iter().flatten())?;
        Ok(Job {
            sending_log,
            tracking_log,
            deliveries,
            output,
            as_of: as_of_instant(as_of.as_deref())?,
            rewind: flags.rewind,
            deadline: deadline(flags.deadline, file.deadline.as_deref())?,
            scope: scope(flags)?,
            full: flags.full,
            dry_run: flags.dry_run,
            threads: threads.unwrap_or_else(cores),
            progress: shown_progress(flags.progress, flags.log_format),
            log_format: flags.log_format,
            on_bad_file: match file.on_bad_file.as_deref() {
                None | Some("fail") => OnBadFile::Fail,
                Some("skip") => OnBadFile::Skip,
                Some(other) => return Err(value("on_bad_file", "\"fail\" or \"skip\"", other)),
            },
            max_rejected: file.max_rejected.unwrap_or(0),
            defaults: file.defaults()?,
            labels: file.labels()?,
            zone: Zone::named(zone)
                .ok_or_else(|| value("naive_timezone", "an IANA time zone", zone))?,
            arguments: std::env::args_os()
                .skip(1)
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect(),
            mappings: file.mappings()?,
        })
    }

    /// The names that the columns of an extract have in its files.
    pub fn mapping(&self, extract: Extract) -> &Mapping {
        let [sending, tracking, deliveries] = &self.mappings;
        match extract {
            Extract::SendingLog => sending,
            Extract::TrackingLog => tracking,
            Extract::Deliveries => deliveries,
        }
    }

    /// The path of an extract, where the job names one.
    pub fn path(&self, extract: Extract) -> Option<&Path> {
        match extract {
            Extract::SendingLog => Some(&self.sending_log),
            Extract::TrackingLog => self.tracking_log.as_deref(),
            Extract::Deliveries => self.deliveries.as_deref(),
        }
    }
}

fn local(output: PathBuf) -> Result<PathBuf, JobError> {
    let text = output.to_string_lossy();
    let expected = if text.is_empty() {
        "a path"
    } else if text.contains("://") {
        "a local directory; object stores are not supported yet"
    } else if output.exists() && !output.is_dir() {
        "a directory"
    } else if has_escape(&text) {
        "a path without a backslash, and without a percent sign before two hexadecimal digits"
    } else {
        return Ok(output);
    };
    Err(value("output", expected, &text))
}

/// A path of a job file; an empty one stays empty.
fn below(folder: &Path, path: &Path) -> PathBuf {
    match path.as_os_str().is_empty() {
        true => PathBuf::new(),
        false => folder.join(path),
    }
}

/// The tables must not be among the extracts: the next run would read them as such.
fn outside<'a>(output: &Path, extracts: impl Iterator<Item = &'a PathBuf>) -> Result<(), JobError> {
    let whole = |path: &Path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        path.canonicalize().unwrap_or(path)
    };
    let output_is_in = |extract: &&PathBuf| whole(output).starts_with(whole(extract));
    let mut directories = extracts.filter(|extract| extract.is_dir());
    match directories.find(output_is_in) {
        Some(extract) => {
            let expected = "a directory outside the extracts, whose files would be read as data";
            let found = format!("{} in {}", output.display(), extract.display());
            Err(value("output", expected, &found))
        }
        None => Ok(()),
    }
}

/// Whether Delta Lake would take some of the path for an escaped character.
fn has_escape(path: &str) -> bool {
    let escape = |pair: &[u8]| matches!(pair, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    path.contains('\\') || path.as_bytes().windows(3).any(escape)
}

fn value(what: &str, expected: &'static str, found: &str) -> JobError {
    JobError::Value {
        what: what.to_owned(),
        expected,
        found: found.to_owned(),
    }
}

fn as_of_instant(text: Option<&str>) -> Result<Instant, JobError> {
    match text {
        None => Ok(now().hour().start()),
        Some("now") => Ok(now()),
        Some(text) => instant("as_of", text),
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

fn deadline(flag: Option<Deadline>, key: Option<&str>) -> Result<DeadlineMode, JobError> {
    match (flag, key) {
        (Some(Deadline::Infer), _) | (None, None | Some("infer")) => Ok(DeadlineMode::Infer),
        (Some(Deadline::Reported), _) | (None, Some("reported")) => Ok(DeadlineMode::Reported),
        (None, Some(other)) => Err(value("deadline", "\"infer\" or \"reported\"", other)),
    }
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

fn shown_progress(mode: ProgressMode, format: LogFormat) -> Shown {
    let is_terminal = std::io::stderr().is_terminal();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match (mode, is_terminal) {
        // A machine reads one object, and nothing before it.
        (ProgressMode::Always, false) if format == LogFormat::Json => Shown::Nothing,
        (ProgressMode::Always, false) => Shown::Lines,
        (ProgressMode::Always, true) => Shown::Bars,
        (ProgressMode::Auto, true) if !plain => Shown::Bars,
        (ProgressMode::Auto | ProgressMode::Never, _) => Shown::Nothing,
    }
}

/// More would only keep the system busy.
const MOST_THREADS: usize = 1024;

/// Hours to microseconds.
fn hours(hours: i64) -> i64 {
    hours.saturating_mul(HOUR)
}
