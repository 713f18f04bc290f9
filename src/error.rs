//! Why a command did not do what it was asked for, and its exit code.

use crate::decode::Unsupported;
use crate::engine::{PoolError, SpillError};
use crate::export::ExportError;
use crate::extracts::{FileError, ListingError, ManifestError, SchemaProblem};
use crate::generate::GenerateError;
use crate::import::ImportError;
use crate::job::JobError;
use crate::model::Instant;
use crate::publish::{LockError, PublishError};
use crate::report::ReportError;
use crate::rollup::Violation;
use crate::state::StateError;
use crate::tables::TableError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// Exit codes are an interface: a scheduler runs again on 1, never on 2.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// Failed; nothing was published, running again is safe.
    pub const FAILED: u8 = 1;
    /// `diff --fail-if-diff`: something differs.
    pub const DIFFERENT: u8 = 1;
    /// Wrong usage, job file or schema of the extracts; nothing was published.
    pub const USAGE: u8 = 2;
    /// Published, but more input was left out than the job allows.
    pub const LEFT_OUT: u8 = 3;
    /// Another run holds the output.
    pub const HELD: u8 = 4;
    /// Published, and there are new alerts, where the job wants an exit code for them.
    pub const ALERTS: u8 = 5;
}

/// Why a command failed. The text names what was expected and what was found, and never holds a
/// value of a row.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The job file or the flags.
    #[error(transparent)]
    Job(#[from] JobError),
    /// An extract cannot be listed.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// There is nothing to compute from.
    #[error("sending_log, {0}: expected at least one data file (.parquet or .parq), found none")]
    NoSendingLog(String),
    /// The columns of the extracts, all problems at once.
    #[error("the extracts do not have the columns that the contract asks for:\n{}", lines(.0))]
    Schema(Vec<SchemaProblem>),
    /// A column changed its type between the footer and the data.
    #[error(transparent)]
    Column(#[from] Unsupported),
    /// Files that cannot be read, all of them.
    #[error("{} {} cannot be read (on_bad_file = \"skip\" leaves them out):\n{}", .0.len(), if .0.len() == 1 { "file" } else { "files" }, lines(.0))]
    BadFiles(Vec<FileError>),
    /// An object store that did not give what it holds.
    #[error("the object store failed, nothing was published: {0}")]
    Store(String),
    /// There is no room for the rows.
    #[error(transparent)]
    Spill(#[from] SpillError),
    /// A `--delivery` that cannot be an identifier of these extracts.
    #[error("delivery: the extracts have integer identifiers, found text in place {0} of the list")]
    DeliveryId(usize),
    /// A message that cannot be an identifier of these extracts.
    #[error("message: the extracts have integer identifiers, found text")]
    MessageId,
    /// A message that no row names.
    #[error("no row of the extracts names this message of this delivery")]
    NoSuchMessage,
    /// An output without a published run.
    #[error("output {0}: expected the tables of a run, found none")]
    NothingPublished(String),
    /// A run that is not there, or several in the place of one.
    #[error("{place}: expected {expected}, found {found}")]
    NoSuchRun {
        /// Where it was typed.
        place: &'static str,
        /// What run was meant.
        expected: String,
        /// What runs there are.
        found: String,
    },
    /// The tables of a run are there no more.
    #[error(
        "the tables as run {number} ({run_id}) left them cannot be read, or no longer: {source}"
    )]
    UnreadableRun {
        /// Its number.
        number: i64,
        /// Its identifier.
        run_id: String,
        /// What is wrong with them.
        #[source]
        source: Box<PublishError>,
    },
    /// A finding that there is none of.
    #[error("--accept: expected names of findings, found {found}; they are {known}")]
    NoSuchFinding {
        /// As typed.
        found: String,
        /// All of them.
        known: String,
    },
    /// A delivery that the tables do not know.
    #[error("the tables know no such delivery")]
    UnknownDelivery,
    /// None of the deliveries asked for is in the extracts.
    #[error("--delivery: none of the {0} deliveries asked for is in the extracts")]
    NoSuchDelivery(usize),
    /// A table of parts that is to be there for some deliveries alone.
    #[error(
        "{0} is no part of the newest run: expected a run of all deliveries first, found one of some; run once without --delivery and --event-time-start"
    )]
    SomeParts(&'static str),
    /// The published tables are ahead.
    #[error("as-of {as_of} is earlier than the published {published}; --rewind allows it")]
    Rewind {
        /// As asked for.
        as_of: Instant,
        /// As published.
        published: Instant,
    },
    /// A row got lost, or was counted twice.
    #[error(
        "{0}: the fates of the rows do not add up to the rows read; this is a defect of the program, nothing was published"
    )]
    Fates(String),
    /// A sum that cannot be.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// Frames.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The output.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A table as a file.
    #[error(transparent)]
    Export(ExportError),
    /// The tables as a page.
    #[error(transparent)]
    Report(ReportError),
    /// Two texts that only the extracts hold had to be put in order: everything has to be read.
    #[error("the order of two texts is not known without reading everything")]
    Doubt,
    /// Files are gone, and the job says that this is an error.
    #[error("{} of the last run are gone (on_vanished = \"fail\"):\n{}", .0.len(), lines(.0))]
    Vanished(Vec<String>),
    /// More files are gone, or without a row now, than expire from one run to the next.
    #[error(
        "{log}: {gone} of the {files} files of the last run are gone or empty; is a directory missing? --accept-shrinkage goes on without them"
    )]
    Shrunk {
        /// The log.
        log: String,
        /// How many are gone.
        gone: usize,
        /// How many there were.
        files: usize,
    },
    /// More deliveries are gone than corrections take away.
    #[error(
        "{lost} of the {before} deliveries with published events are named by no extract any more; is a directory missing? --accept-shrinkage goes on without them"
    )]
    DeliveriesGone {
        /// How many are gone.
        lost: usize,
        /// How many there were.
        before: usize,
    },
    /// Most of the parents whose rows are published are none any more.
    #[error(
        "{lost} of the {before} published parents are named by no delivery any more; has the deliveries extract lost rows? --accept-shrinkage goes on without them"
    )]
    ParentsGone {
        /// How many are gone.
        lost: usize,
        /// How many there were.
        before: usize,
    },
    /// What is left for the next run.
    #[error(transparent)]
    State(#[from] StateError),
    /// Other runs kept committing in between.
    #[error("output {0}: other runs committed in between {1} times in a row")]
    Crowded(String, usize),
    /// The lock.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Synthetic extracts.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// Exports.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Threads.
    #[error("the threads cannot be started: {0}")]
    Threads(#[from] PoolError),
    /// A panic.
    #[error("the program failed at {0}; this is a defect of it, running again is safe")]
    Defect(String),
    /// The process or its standard output.
    #[error("the system refused: {0}")]
    Io(#[from] std::io::Error),
}

impl Error {
    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Job(JobError::Manifest(ManifestError::Store { .. })) => exit::FAILED,
            Error::Job(_)
            | Error::Listing(
                ListingError::OtherManifest
                | ListingError::Missing { .. }
                | ListingError::Pattern { .. }
                | ListingError::Url { .. },
            )
            | Error::NoSendingLog(_)
            | Error::Schema(_)
            | Error::DeliveryId(_)
            | Error::MessageId
            | Error::NoSuchMessage
            | Error::NothingPublished(_)
            | Error::NoSuchRun { .. }
            | Error::UnknownDelivery
            | Error::NoSuchFinding { .. }
            | Error::NoSuchDelivery(_)
            | Error::Rewind { .. }
            | Error::SomeParts(_)
            | Error::Generate(GenerateError::Occupied { .. })
            | Error::Import(
                ImportError::Input { .. }
                | ImportError::Twice { .. }
                | ImportError::Columns { .. }
                | ImportError::Elsewhere { .. }
                | ImportError::Key { .. },
            )
            | Error::Publish(
                PublishError::OtherSchema { .. }
                | PublishError::OtherVersion { .. }
                | PublishError::Place { .. },
            )
            | Error::Export(
                ExportError::DeliveryId(_)
                | ExportError::NoSuchDelivery(_)
                | ExportError::Place { .. },
            ) => exit::USAGE,
            Error::Lock(LockError::Held(_)) => exit::HELD,
            Error::Listing(ListingError::Unreadable { .. })
            | Error::Column(_)
            | Error::BadFiles(_)
            | Error::Store(_)
            | Error::Spill(_)
            | Error::Fates(_)
            | Error::Violation(_)
            | Error::Table(_)
            | Error::UnreadableRun { .. }
            | Error::Publish(_)
            | Error::Export(_)
            | Error::Report(_)
            | Error::State(_)
            | Error::Doubt
            | Error::Vanished(_)
            | Error::Shrunk { .. }
            | Error::DeliveriesGone { .. }
            | Error::ParentsGone { .. }
            | Error::Crowded(..)
            | Error::Lock(LockError::Io { .. })
            | Error::Generate(_)
            | Error::Import(_)
            | Error::Threads(_)
            | Error::Defect(_)
            | Error::Io(_) => exit::FAILED,
        }
    }
}

impl From<ExportError> for Error {
    fn from(error: ExportError) -> Error {
        match error {
            ExportError::Publish(error) => Error::Publish(error),
            error => Error::Export(error),
        }
    }
}

impl From<ReportError> for Error {
    fn from(error: ReportError) -> Error {
        match error {
            ReportError::Publish(error) => Error::Publish(error),
            ReportError::Rows(error) => error.into(),
            error => Error::Report(error),
        }
    }
}

/// Runs a command; a panic in it becomes [`Error::Defect`]. What a panic says may hold a value of a
/// row, so only its place is told.
pub fn contain<T>(command: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    static PLACE: Mutex<String> = Mutex::new(String::new());
    let place = || PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    std::panic::set_hook(Box::new(move |panic| {
        *place() = panic
            .location()
            .map_or_else(String::new, ToString::to_string);
    }));
    catch_unwind(AssertUnwindSafe(command)).unwrap_or_else(|_| Err(Error::Defect(place().clone())))
}

fn lines<T: std::fmt::Display>(items: &[T]) -> String {
    let lines: Vec<String> = items.iter().map(|item| format!("  {item}")).collect();
    lines.join("\n")
}
