//! The extracts of a job and what their rows mean, for every command that reads them.

use super::place::readable;
use super::{AsOf, Given, JobError, PartTables, People, instant, now, value};
use crate::cli::{Deadline, Effort, Extracts, Meaning};
use crate::decode::Zone;
use crate::engine::Room;
use crate::extracts::{Extract, Links, Manifest, Mapping};
use crate::model::{DeadlineMode, Defaults, Instant, Labels, Machines};
use crate::stores::Access;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What to do with a file that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBadFile {
    /// Fail, naming all of them.
    Fail,
    /// Leave it out as a whole, and say so; fail where nothing of an extract is left.
    Skip,
    /// Leave it out whatever is left: it is one of the things to tell.
    Tell,
}

/// Which deliveries are computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// These, as typed.
    Deliveries(Vec<String>),
    /// Those with events in the interval.
    EventTime(Range<Instant>),
}

/// The extracts, and what their rows mean.
#[derive(Clone, Debug)]
pub struct Sources {
    /// Sending log.
    pub sending_log: PathBuf,
    /// Tracking log.
    pub tracking_log: Option<PathBuf>,
    /// Deliveries extract.
    pub deliveries: Option<PathBuf>,
    /// The instant the KPIs are computed for.
    pub as_of: Instant,
    /// Where the end of retries comes from.
    pub deadline: DeadlineMode,
    /// Which deliveries.
    pub scope: Scope,
    /// Threads.
    pub threads: usize,
    /// The room for rows that wait; none where memory has no limit.
    pub room: Option<Room>,
    /// What to do with files that cannot be read.
    pub on_bad_file: OnBadFile,
    /// Where symbolic links may lead.
    pub links: Links,
    /// How object stores are reached.
    pub access: Access,
    /// Digests that files have to have.
    pub manifest: Manifest,
    /// For deliveries without a row, or with nulls.
    pub defaults: Defaults,
    /// What labels mean.
    pub labels: Labels,
    /// Which opens and clicks machines make.
    pub machines: Machines,
    /// What the counters of deliveries are broken down by.
    pub parts: PartTables,
    /// What is counted by recipient, where the tables are computed; nothing where they are not.
    pub people: People,
    /// Where naive instants are at home.
    pub zone: Zone,
    mappings: [Mapping; 3],
}

impl Sources {
    /// Puts the flags over the job file; `unnamed` is the as-of where neither names one.
    pub(super) fn resolve(
        given: &Given<'_>,
        extracts: &Extracts,
        meaning: &Meaning,
        effort: &Effort,
        scope: Scope,
        unnamed: AsOf,
    ) -> Result<Sources, JobError> {
        let file = &given.file;
        let sending_log = given.path(extracts.sending_log.as_deref(), file.sending_log.as_deref());
        let as_of = meaning.as_of.clone();
        let as_of = as_of.or_else(|| file.as_of.clone().map(String::from));
        let zone = file.naive_timezone.as_deref().unwrap_or("UTC");
        let access = given.access.clone();
        let vendor = given.vendor()?;
        let vendor = vendor.as_ref();
        let sources = Sources {
            sending_log: sending_log.ok_or(JobError::Missing {
                flag: "--sending-log",
                key: "sending_log",
            })?,
            tracking_log: given.path(
                extracts.tracking_log.as_deref(),
                file.tracking_log.as_deref(),
            ),
            deliveries: given.path(extracts.deliveries.as_deref(), file.deliveries.as_deref()),
            as_of: match as_of.as_deref() {
                None => match unnamed {
                    AsOf::HourStart => now().hour().start(),
                    AsOf::Now => now(),
                },
                Some("now") => now(),
                Some(text) => instant("as_of", text)?,
            },
            deadline: deadline(meaning.deadline, file.deadline.as_deref())?,
            scope,
            threads: given.threads(effort)?,
            room: None,
            on_bad_file: match file.on_bad_file.as_deref() {
                None | Some("fail") => OnBadFile::Fail,
                Some("skip") => OnBadFile::Skip,
                Some(other) => return Err(value("on_bad_file", "\"fail\" or \"skip\"", other)),
            },
            links: match file.links.as_deref() {
                None | Some("inside") => Links::Inside,
                Some("anywhere") => Links::Anywhere,
                Some(other) => return Err(value("links", "\"inside\" or \"anywhere\"", other)),
            },
            manifest: match given.path(None, file.manifest.as_deref()) {
                Some(path) => {
                    readable("manifest", &path)?;
                    Manifest::read(&path, &access)?
                }
                None => Manifest::default(),
            },
            access,
            defaults: file.defaults(vendor)?,
            labels: file.labels(vendor)?,
            machines: file.machines.machines()?,
            parts: PartTables::resolve(given)?,
            people: People::default(),
            zone: Zone::named(zone)
                .ok_or_else(|| value("naive_timezone", "an IANA time zone", zone))?,
            mappings: file.mappings(vendor)?,
        };
        for extract in Extract::ALL {
            if let Some(path) = sources.path(extract) {
                readable(extract.name(), path)?;
            }
        }
        Ok(sources)
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

fn deadline(flag: Option<Deadline>, key: Option<&str>) -> Result<DeadlineMode, JobError> {
    match (flag, key) {
        (Some(Deadline::Infer), _) | (None, None | Some("infer")) => Ok(DeadlineMode::Infer),
        (Some(Deadline::Reported), _) | (None, Some("reported")) => Ok(DeadlineMode::Reported),
        (None, Some(other)) => Err(value("deadline", "\"infer\" or \"reported\"", other)),
    }
}
