//! Whether a run can build on what the last one has left, or has to read everything.

use super::{Error, Listed};
use crate::engine::Partitions;
use crate::extracts::Extract;
use crate::job::{Job, Scope};
use crate::publish::{Output, RunRecord};
use crate::state::{Changes, Kept, Store, changes, digest};

/// The version of what rows mean to the program; another one is another meaning.
const SEMANTICS: u32 = 3;

/// Why everything is read where rows have another meaning than before.
pub const OTHER_MEANING: &str = "labels, defaults, columns, time zone, deadline, rules for machines, breakdowns, parents, quarantine or the rules of the program have changed";

/// How a run comes to its numbers.
pub enum Plan<'a> {
    /// It reads everything; where there were runs before, it says why. The record of the last one.
    Everything(Option<String>, Option<Box<RunRecord>>),
    /// It reads what has changed since the last run: where that was published, what it has left, and its
    /// record.
    Changes(Box<(&'a Output, Kept, Changes, RunRecord)>),
}

/// What the rows of a job mean: equal for jobs that come to the same numbers from the same files.
pub fn meaning(job: &Job) -> String {
    let sources = &job.sources;
    let mappings = Extract::ALL.map(|extract| sources.mapping(extract));
    // Settings may name what no file of ours is to hold, such as a link.
    digest(&format!(
        "{SEMANTICS} {:?} {:?} {:?} {:?} {:?} {mappings:?} {} {:?}",
        sources.labels,
        sources.defaults,
        sources.deadline,
        sources.zone,
        sources.machines,
        sources.parts.meaning(),
        sources.people
    ))
}

/// Finds out what a run has to read; a state that is known to be of no use is none.
pub fn plan<'a>(
    job: &Job,
    output: Option<&'a Output>,
    listed: &Listed,
    unusable: Option<&'static str>,
) -> Result<Plan<'a>, Error> {
    let last = output.map(Output::last_run).transpose()?.flatten();
    let (Some(output), Some(last)) = (output, last) else {
        return Ok(Plan::Everything(None, None));
    };
    let kept = match usable(job, &last, unusable) {
        Ok(kept) => kept,
        Err(why) => return Ok(Plan::Everything(why, Some(Box::new(last)))),
    };
    let logs = listed.logs().cloned();
    let changes = changes(&kept, logs, job.rehash);
    Ok(Plan::Changes(Box::new((output, kept, changes, last))))
}

/// Where what runs leave for the next one is kept, if it is.
pub fn store(job: &Job) -> Option<Store> {
    let home = job.home.as_deref();
    home.map(|home| Store::of(&job.disk, home))
}

/// What the last run has left, if this one can build on it; else why not, where that needs a word.
fn usable(
    job: &Job,
    last: &RunRecord,
    unusable: Option<&'static str>,
) -> Result<Kept, Option<String>> {
    let everything = |why: &str| Err(Some(why.to_owned()));
    if !matches!(job.sources.scope, Scope::All) {
        return Err(None);
    }
    if job.full {
        return everything("--full");
    }
    let Some(store) = store(job) else {
        return everything(
            "an output in an object store has a state only where the job names a directory for it (key `state`)",
        );
    };
    let Some(state) = last.own_state() else {
        return everything("the last run was of some deliveries only, and has left no state");
    };
    if let Some(why) = unusable {
        return everything(&format!("the state of the last run cannot be used: {why}"));
    }
    let kept = match store.read(state) {
        Ok(kept) => kept,
        Err(why) => {
            let why = format!("the state of the last run cannot be used: {why}");
            return Err(Some(why));
        }
    };
    if kept.meaning != meaning(job) {
        return everything(OTHER_MEANING);
    }
    if job.sources.people.is_asked_for() {
        return everything(
            "parents and quarantines need all messages of a recipient, whatever has changed",
        );
    }
    if kept.as_of > job.sources.as_of {
        return everything("as-of is earlier than that of the last run");
    }
    let rows = kept.volumes.iter().map(|volume| volume.rows()).sum();
    if Partitions::for_rows(rows, 0).count() > 8 * kept.partitions.count() {
        return everything("the state has outgrown its partitions");
    }
    Ok(kept)
}
