//! The extracts of a job, opened and checked.

use crate::decode::{DeliveryRows, Selection, decode_deliveries};
use crate::engine::{Pool, open_all};
use crate::error::Error;
use crate::extracts::{
    Extract, FileError, FileSchema, IdKind, Listing, ListingError, OpenFile, Schemas, SourceFile,
    check, complete, list, may_be_renamed,
};
use crate::job::{JobError, OnBadFile, Scope, Sources};
use crate::model::{Breakdown, Catalog, DeliveryId, FateCounts};
use crate::publish::{FileRecord, RunRecord};
use crate::stores::is_url;
use std::collections::BTreeSet;

/// The extracts of a job: what can be read, what cannot, and the deliveries.
pub struct Inputs {
    /// The files of both logs whose footers could be read, by extract and name.
    pub logs: Vec<OpenFile>,
    /// What the files have in common.
    pub schemas: Schemas,
    /// Which deliveries are asked for.
    pub selection: Selection,
    /// Whether rows of other deliveries are read too: what is counted by recipient depends on all of them.
    reads_all: bool,
    /// The deliveries that the deliveries extract knows.
    pub catalog: Catalog,
    /// The files of the deliveries extract, and what became of their rows.
    pub delivery_files: Vec<(OpenFile, FateCounts)>,
    /// Files whose footers could not be read, or deliveries files that could not be read at all.
    pub bad_files: Vec<FileError>,
    /// Files that are no data files.
    pub skipped: Vec<(Extract, String)>,
    /// Extracts that the job names and that have no data file.
    pub empty: Vec<Extract>,
    /// Deliveries with different rows of one `modified_at`.
    pub ambiguous: Vec<DeliveryId>,
    /// Deliveries whose validity end does not count.
    pub ignored_validity: u64,
}

/// The files of a job's extracts, not yet opened.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Data files, by extract and name.
    pub files: Vec<(Extract, SourceFile)>,
    skipped: Vec<(Extract, String)>,
    empty: Vec<Extract>,
}

impl Listed {
    /// Lists the extracts.
    pub fn of(sources: &Sources) -> Result<Listed, Error> {
        let mut listed = Listed::default();
        for extract in Extract::ALL {
            let Some(path) = sources.path(extract) else {
                continue;
            };
            let Listing { files, skipped } = list(path, sources.links, &sources.access)?;
            let skipped = skipped.into_iter().map(|name| (extract, name));
            listed.skipped.extend(skipped);
            if files.is_empty() && extract == Extract::SendingLog {
                return Err(Error::NoSendingLog(path.display().to_string()));
            }
            if files.is_empty() {
                listed.empty.push(extract);
            }
            listed.add(sources, extract, files);
        }
        let is_expected = |(_, file): &(Extract, SourceFile)| file.expected.is_some();
        if !sources.manifest.is_empty() && !listed.files.iter().any(is_expected) {
            return Err(ListingError::OtherManifest.into());
        }
        Ok(listed)
    }

    /// Adds what the last run has read and an object store did not list.
    pub fn complete(&mut self, sources: &Sources, last: Option<&RunRecord>) -> Result<(), Error> {
        let read = last.map_or(&[][..], |last| &last.files);
        for extract in Extract::ALL {
            let Some(path) = sources.path(extract).filter(|path| is_url(path)) else {
                continue;
            };
            let is_of = |file: &&FileRecord| file.log == extract.name() && file.skipped.is_none();
            let names = read.iter().filter(is_of).map(|file| file.file.as_str());
            let of_extract = self.files.extract_if(.., |(of, _)| *of == extract);
            let mut files: Vec<SourceFile> = of_extract.map(|(_, file)| file).collect();
            complete(&mut files, names, path, &sources.access)?;
            if !files.is_empty() {
                self.empty.retain(|of| *of != extract);
            }
            self.add(sources, extract, files);
        }
        Ok(())
    }

    fn add(&mut self, sources: &Sources, extract: Extract, files: Vec<SourceFile>) {
        self.files.extend(files.into_iter().map(|mut file| {
            file.expected = sources.manifest.of(&file.place.path());
            (extract, file)
        }));
    }

    /// The same with other files of the logs.
    pub fn with_logs(mut self, logs: Vec<(Extract, SourceFile)>) -> Listed {
        self.files.retain(|(of, _)| *of == Extract::Deliveries);
        self.files.extend(logs);
        self
    }

    /// The files of the logs.
    pub fn logs(&self) -> impl Iterator<Item = &(Extract, SourceFile)> {
        self.files
            .iter()
            .filter(|(of, _)| *of != Extract::Deliveries)
    }
}

/// What an earlier run knew, where only what is new has to be opened.
pub struct Earlier<'a> {
    /// What identifiers are.
    pub schemas: &'a Schemas,
    /// The files of the logs that are not read again, with the columns that the job renames and they have.
    pub files: Vec<(Extract, &'a [String])>,
    /// The deliveries, by their index.
    pub deliveries: &'a [DeliveryId],
}

impl Earlier<'_> {
    /// Whether each column of the logs that the job renames is in one of the files, read before or new.
    fn has_renamed(&self, sources: &Sources, opened: &[OpenFile]) -> bool {
        [Extract::SendingLog, Extract::TrackingLog]
            .into_iter()
            .all(|extract| {
                let mapping = sources.mapping(extract);
                let known = self.files.iter().filter(|(of, _)| *of == extract);
                let new = opened.iter().filter(|file| file.extract == extract);
                let is_empty = known.clone().count() + new.clone().count() == 0;
                let known = known.flat_map(|(_, names)| names.iter().map(String::as_str));
                let new = new.flat_map(|file| file.renamed(mapping));
                let found: BTreeSet<&str> = known.chain(new).collect();
                is_empty || may_be_renamed(extract, mapping).all(|name| found.contains(name))
            })
    }
}

/// Fails where a store did not give what it holds: whatever is wrong with files then may not be so in an hour.
pub fn refuse_failure(sources: &Sources) -> Result<(), Error> {
    match sources.access.failure() {
        Some(failure) => Err(Error::Store(failure.to_owned())),
        None => Ok(()),
    }
}

/// The files of a job, opened.
struct Opened {
    files: Vec<OpenFile>,
    bad: Vec<FileError>,
    skipped: Vec<(Extract, String)>,
    empty: Vec<Extract>,
}

impl Opened {
    fn of(sources: &Sources, pool: &Pool, listed: Listed) -> Result<Opened, Error> {
        let mut opened = Opened {
            files: Vec::new(),
            bad: Vec::new(),
            skipped: listed.skipped,
            empty: listed.empty,
        };
        for extract in Extract::ALL {
            let files = listed.files.iter().filter(|(of, _)| *of == extract);
            let files: Vec<SourceFile> = files.map(|(_, file)| file.clone()).collect();
            for file in open_all(pool, extract, &files, sources.mapping(extract)) {
                match file {
                    Ok(file) => opened.files.push(file),
                    Err(error) => opened.bad.push(error),
                }
            }
        }
        refuse_failure(sources)?;
        Ok(opened)
    }

    fn check(&self, sources: &Sources, are_all: bool) -> Result<Schemas, Error> {
        let files: Vec<FileSchema<'_>> = self.files.iter().map(schema_of).collect();
        let mapping = |extract| sources.mapping(extract);
        check(&files, mapping, are_all).map_err(Error::Schema)
    }

    fn read(
        self,
        sources: &Sources,
        schemas: Schemas,
        known: &[DeliveryId],
    ) -> Result<Inputs, Error> {
        let selection = selection(&sources.scope, schemas.delivery_id())?;
        let is_delivery = |file: &OpenFile| file.extract == Extract::Deliveries;
        let (deliveries, logs) = self.files.into_iter().partition(is_delivery);
        let mut inputs = Inputs {
            logs,
            schemas,
            selection,
            reads_all: sources.people.quarantine.is_some(),
            catalog: Catalog::default(),
            delivery_files: Vec::new(),
            bad_files: self.bad,
            skipped: self.skipped,
            empty: self.empty,
            ambiguous: Vec::new(),
            ignored_validity: 0,
        };
        inputs.read_deliveries(sources, deliveries, known)?;
        Ok(inputs)
    }
}

impl Inputs {
    /// The deliveries whose rows are read.
    pub fn reads(&self) -> &Selection {
        match self.reads_all {
            true => &Selection::All,
            false => &self.selection,
        }
    }

    /// An error where links are to be told apart in a table, are texts, and have no key for their digests.
    pub fn refuse_bare_links(&self, sources: &Sources) -> Result<(), Error> {
        let parts = &sources.parts;
        let are_texts = self.schemas.kinds().get("url_id") == Some(&IdKind::String);
        match parts.by.has(Breakdown::Url) && are_texts && parts.links.is_none() {
            true => Err(Error::Job(JobError::Value {
                what: "breakdowns.url_key".to_owned(),
                expected: "the key of the digests that stand for links in a table, as url_id is a column of texts",
                found: "none".to_owned(),
            })),
            false => Ok(()),
        }
    }

    /// Lists, opens and checks the extracts, and reads the deliveries.
    pub fn open(sources: &Sources, pool: &Pool) -> Result<Inputs, Error> {
        Inputs::of(sources, pool, Listed::of(sources)?)
    }

    /// Opens and checks the listed files, and reads the deliveries.
    pub fn of(sources: &Sources, pool: &Pool, listed: Listed) -> Result<Inputs, Error> {
        let opened = Opened::of(sources, pool, listed)?;
        let schemas = opened.check(sources, true)?;
        opened.read(sources, schemas, &[])
    }

    /// The same on top of what an earlier run knew; none where the files do not fit that, or one another, so
    /// that only who opens all of them can tell what is wrong.
    pub fn on_top(
        sources: &Sources,
        pool: &Pool,
        listed: Listed,
        earlier: &Earlier<'_>,
    ) -> Result<Option<Inputs>, Error> {
        let opened = Opened::of(sources, pool, listed)?;
        let Ok(schemas) = opened.check(sources, false) else {
            return Ok(None);
        };
        if !(schemas.fits(earlier.schemas) && earlier.has_renamed(sources, &opened.files)) {
            return Ok(None);
        }
        let schemas = schemas.with(earlier.schemas);
        opened.read(sources, schemas, earlier.deliveries).map(Some)
    }

    /// Rows of both logs, as the footers say.
    pub fn rows(&self) -> u64 {
        let rows = |file: &OpenFile| {
            (0..file.row_groups())
                .map(|group| file.rows(group))
                .sum::<u64>()
        };
        self.logs.iter().map(rows).sum()
    }

    /// The log and the name of each file that is read and has no row.
    pub fn without_rows(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_empty = |file: &&OpenFile| (0..file.row_groups()).all(|group| file.rows(group) == 0);
        let empty = self.logs.iter().filter(is_empty);
        empty.map(|file| (file.extract.name(), &*file.file.name))
    }

    fn read_deliveries(
        &mut self,
        sources: &Sources,
        files: Vec<OpenFile>,
        known: &[DeliveryId],
    ) -> Result<(), Error> {
        let mut rows = DeliveryRows::default();
        for file in files {
            let source = self.delivery_files.len() as u32;
            let projection = file.projection(sources.mapping(Extract::Deliveries), false);
            let mut batches = Vec::new();
            let read = (0..file.row_groups()).try_for_each(|group| {
                file.read(group, &projection, |batch| {
                    batches.push(batch.clone());
                    Ok(())
                })
            });
            match read {
                Ok(()) => self.delivery_files.push((file, FateCounts::default())),
                Err(error) => {
                    self.bad_files.push(error);
                    continue;
                }
            }
            for batch in &batches {
                decode_deliveries(batch, source, &sources.zone, self.reads(), &mut rows)?;
            }
        }
        let attributes = rows.settle();
        for ((_, counts), fates) in self.delivery_files.iter_mut().zip(rows.fates) {
            *counts = fates;
        }
        self.ambiguous = std::mem::take(&mut rows.ambiguous);
        let ignored = attributes
            .values()
            .filter(|attributes| attributes.validity_is_ignored());
        self.ignored_validity = ignored.count() as u64;
        self.catalog = Catalog::starting_with(known, attributes);
        if sources.on_bad_file == OnBadFile::Fail
            && self.logs.is_empty()
            && !self.bad_files.is_empty()
        {
            return Err(Error::BadFiles(self.bad_files.clone()));
        }
        Ok(())
    }
}

fn schema_of(file: &OpenFile) -> FileSchema<'_> {
    FileSchema {
        extract: file.extract,
        file: &file.file.name,
        schema: file.schema(),
    }
}

fn selection(scope: &Scope, kind: IdKind) -> Result<Selection, Error> {
    let Scope::Deliveries(typed) = scope else {
        return Ok(Selection::All);
    };
    let id = |(place, text): (usize, &String)| match kind {
        IdKind::String => Ok(DeliveryId::Text(text.as_str().into())),
        IdKind::Integer => text
            .parse()
            .map(DeliveryId::Number)
            .map_err(|_| Error::DeliveryId(place + 1)),
    };
    let ids: Result<BTreeSet<DeliveryId>, Error> = typed.iter().enumerate().map(id).collect();
    Ok(Selection::Only(ids?))
}
