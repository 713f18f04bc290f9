//! A vendor's exports, CSV or JSON Lines, to extracts in the contract's words. What the exports hold is said by
//! a mapping ([`Source`]), of which presets are examples: another vendor is a file, not code.
//!
//! Records go through in batches; a file is in memory no more than a row group of what is made of it. Nothing
//! has its name before all files are whole.

mod columns;
mod digest;
mod file;
mod input;
mod json;
mod kinds;
mod lines;
mod output;
mod path;
mod row;
mod source;
mod spec;
mod table;
mod tally;

pub use digest::Digester;
pub use input::{Format, Input};
pub use kinds::{Kinds, Meaning, normal};
pub use path::Path as Way;
pub use row::Fault;
pub use source::{Form, Source};
pub use spec::{Scalar, Spec};
pub use tally::{Rejected, Tally};

use crate::disk::Disk;
use crate::engine::{Pool, Progress, Stage};
use crate::extracts::Extract;
use file::Work;
use parquet::errors::ParquetError;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Why something is wrong with a value; never the value.
pub type Reason = &'static str;

/// What to import.
#[derive(Clone, Debug)]
pub struct Order {
    /// What the exports hold.
    pub source: Source,
    /// The files.
    pub inputs: Vec<Input>,
    /// Where the extracts go.
    pub dir: PathBuf,
    /// The key of digests; one of the directory's own where none is given.
    pub key: Option<Vec<u8>>,
    /// Whether what was made of other files of the same names is replaced.
    pub replace: bool,
    /// A job file that reads the extracts, written where there is none.
    pub job: String,
}

/// Why exports cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A path that cannot be imported.
    #[error("{}: expected {expected}", .path.display())]
    Input {
        /// The path.
        path: PathBuf,
        /// What would do.
        expected: &'static str,
    },
    /// Two files that would be made into one.
    #[error("{first} and {second}: expected files of other names, as both would become {made}")]
    Twice {
        /// The first.
        first: String,
        /// The second.
        second: String,
        /// What they would become.
        made: String,
    },
    /// Columns that are not there, of all files.
    #[error("the exports do not have the columns that the mapping {source_name} asks for:\n{}", .problems.join("\n"))]
    Columns {
        /// The mapping.
        source_name: String,
        /// A line for each.
        problems: Vec<String>,
    },
    /// A quote that is not closed: which rows are in what follows, nobody knows.
    #[error(
        "{}, line {line}: expected the end of the row within {} lines, found none; is a quote in it not closed? nothing was imported",
        .path.display(), table::MOST_LINES
    )]
    Quote {
        /// The file.
        path: PathBuf,
        /// Where the row begins.
        line: u64,
    },
    /// A file that would take the place of what was made of another one.
    #[error(
        "{made}: expected a file of another name, as this one was made of another file, in {from}; --replace has it replaced"
    )]
    Elsewhere {
        /// What is there.
        made: String,
        /// The directory of the file that it was made of.
        from: String,
    },
    /// Another key than before.
    #[error(
        "{}: expected the key of digests that earlier imports into it had, found {found}: what it makes would not fit theirs",
        .dir.display()
    )]
    Key {
        /// The directory of the extracts.
        dir: PathBuf,
        /// What there is in its place.
        found: &'static str,
    },
    /// The system.
    #[error("{}: {source}; the import is not complete, running again is safe", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Its reason.
        source: std::io::Error,
    },
    /// The writer of Parquet.
    #[error("{0}; the import is not complete, running again is safe")]
    Parquet(#[from] ParquetError),
    /// A record got lost.
    #[error(
        "{0}: the fates of the records do not add up; this is a defect of the program, nothing was imported"
    )]
    Fates(String),
}

impl ImportError {
    fn io(path: &Path, source: std::io::Error) -> ImportError {
        let path = path.to_owned();
        ImportError::Io { path, source }
    }
}

/// Imports files; what became of the records of each.
pub fn import(
    order: &Order,
    disk: &Disk,
    pool: &Pool,
    progress: &dyn Progress,
) -> Result<Vec<Tally>, ImportError> {
    let imported = write(order, disk, pool, progress);
    if imported.is_err() {
        disk.discard();
    }
    imported
}

fn write(
    order: &Order,
    disk: &Disk,
    pool: &Pool,
    progress: &dyn Progress,
) -> Result<Vec<Tally>, ImportError> {
    let Order {
        source,
        inputs,
        dir,
        ..
    } = order;
    each_once(order)?;
    let (digester, new_key) = digester(order)?;
    let key_id = order.source.digests().then(|| digester.of("delivery-kpi"));
    if let Some(id) = &key_id {
        refuse_other_key(order, id)?;
    }
    let work = Work {
        source,
        digester: &digester,
        dir,
        disk,
        progress,
    };
    if !order.replace {
        for input in inputs {
            work.refuse_other(input)?;
        }
    }
    let mut problems = Vec::new();
    for input in inputs {
        for (column, names, found) in work.missing(input)? {
            let name = &input.name;
            let one = if found == "none" { "a" } else { "one" };
            problems.push(format!(
                "  file {name}, {column}: expected {one} column {names}, found {found}"
            ));
        }
    }
    if !problems.is_empty() {
        let source_name = source.name.clone();
        return Err(ImportError::Columns {
            source_name,
            problems,
        });
    }
    progress.begins(
        Stage::Importing,
        inputs.iter().map(|input| input.bytes).sum(),
    );
    let made = pool.install(|| {
        let made = inputs.par_iter().map(|input| work.file(input));
        made.collect::<Result<Vec<_>, _>>()
    });
    progress.ends();
    let (mut tallies, mut parts, mut stale) = (Vec::new(), Vec::new(), Vec::new());
    for (input, made) in inputs.iter().zip(made?) {
        if !made.tally.adds_up() {
            return Err(ImportError::Fates(input.name.clone()));
        }
        tallies.push(made.tally);
        parts.extend(made.parts);
        stale.extend(made.stale);
    }
    for extract in Extract::ALL
        .into_iter()
        .filter(|extract| source.makes(*extract))
    {
        let folder = dir.join(extract.name());
        let made = disk.create_directories(&folder, None);
        made.map_err(|source| ImportError::io(&folder, source))?;
    }
    if let Some(key) = new_key {
        let path = dir.join(KEY);
        // What was digested with another key would not fit.
        if !output::create(disk, &path, &key, true)? {
            let source = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
            return Err(ImportError::Io { path, source });
        }
    }
    if let Some(id) = key_id {
        output::create(disk, &dir.join(KEY_ID), id.as_bytes(), false)?;
    }
    output::publish(disk, &parts, &stale)?;
    output::create(disk, &dir.join("job.toml"), order.job.as_bytes(), false)?;
    Ok(tallies)
}

/// Each file has to become one of its own.
fn each_once(order: &Order) -> Result<(), ImportError> {
    let mut seen: BTreeMap<(Extract, String), &Input> = BTreeMap::new();
    for input in &order.inputs {
        for extract in Extract::ALL {
            if input.of.is_some_and(|of| of != extract) {
                continue;
            }
            if let Some(first) = seen.insert((extract, input.made()), input) {
                return Err(ImportError::Twice {
                    first: first.path.display().to_string(),
                    second: input.path.display().to_string(),
                    made: format!("{extract}/{}", input.made()),
                });
            }
        }
    }
    Ok(())
}

/// The key of digests, where none is given. Extracts do not read a file of this name.
const KEY: &str = "_digest_key";

/// What tells the key from others, and nothing of it.
const KEY_ID: &str = "_digest_key_id";

/// Digests of one directory have one key: a message has to be the same in all of its files.
fn refuse_other_key(order: &Order, id: &str) -> Result<(), ImportError> {
    let path = order.dir.join(KEY_ID);
    if !path.exists() {
        return Ok(());
    }
    let known = std::fs::read(&path).map_err(|source| ImportError::io(&path, source))?;
    if known == id.as_bytes() {
        return Ok(());
    }
    let found = match (&order.key, order.dir.join(KEY).exists()) {
        (Some(_), _) => "another one in the file of --digest-key",
        (None, true) => "another one in _digest_key",
        (None, false) => "no file _digest_key",
    };
    let dir = order.dir.clone();
    Err(ImportError::Key { dir, found })
}

/// With the key that was given, or the directory's own; a new one waits until there is something to keep it for.
fn digester(order: &Order) -> Result<(Digester, Option<[u8; 32]>), ImportError> {
    if let Some(key) = &order.key {
        return Ok((Digester::new(key), None));
    }
    let path = order.dir.join(KEY);
    let failed = |source| ImportError::io(&path, source);
    if !order.source.digests() {
        return Ok((Digester::new(&[]), None));
    }
    if path.exists() {
        let key = std::fs::read(&path).map_err(failed)?;
        return Ok((Digester::new(&key), None));
    }
    let mut key = [0; 32];
    let random = std::fs::File::open("/dev/urandom");
    random
        .and_then(|mut random| random.read_exact(&mut key))
        .map_err(failed)?;
    Ok((Digester::new(&key), Some(key)))
}
