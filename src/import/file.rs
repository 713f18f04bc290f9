//! One file: its records to rows, its rows to files.

use super::columns::{Sheet, made_of};
use super::input::{Format, Input};
use super::json::{Reader, Rows};
use super::lines::{LONGEST, Line, Lines};
use super::output::{Out, Part};
use super::path::Path as Way;
use super::row::{Cell, Fault, Left, Maker};
use super::source::Source;
use super::table::{Next, Table};
use super::tally::Tally;
use super::{Digester, ImportError};
use crate::disk::Disk;
use crate::engine::Progress;
use crate::extracts::Extract;
use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::path::{Path, PathBuf};

/// What was made of a file.
#[derive(Debug)]
pub struct Made {
    /// What became of its records.
    pub tally: Tally,
    /// The files, which wait for their names.
    pub parts: Vec<Part>,
    /// Files of an earlier import of it that would hold nothing now.
    pub stale: Vec<PathBuf>,
}

/// Where and how files are imported.
pub struct Work<'a> {
    pub source: &'a Source,
    pub digester: &'a Digester,
    pub dir: &'a Path,
    pub disk: &'a Disk,
    pub progress: &'a dyn Progress,
}

const TOO_LONG: Fault = Fault {
    column: "-",
    reason: "longer than 16 MiB",
};

const OTHER_FIELDS: Fault = Fault {
    column: "-",
    reason: "not as many fields as the header has",
};

impl Work<'_> {
    /// Imports a file.
    pub fn file(&self, input: &Input) -> Result<Made, ImportError> {
        let failed = |source| ImportError::io(&input.path, source);
        let content = input.open(self.progress).map_err(failed)?;
        match input.format {
            Format::Csv(delimiter) => self.table(input, content, delimiter),
            Format::JsonLines => self.lines(input, content),
        }
    }

    fn path(&self, input: &Input, extract: Extract) -> PathBuf {
        self.dir.join(extract.name()).join(input.made())
    }

    fn lines(&self, input: &Input, content: impl BufRead) -> Result<Made, ImportError> {
        let failed = |source| ImportError::io(&input.path, source);
        let reader = Reader::new(self.source, self.digester, input.of);
        let integers = &self.source.integers;
        let sheet = |extract| Sheet::new(reader.maker(extract).columns(), integers);
        let mut pages = Pages {
            work: self,
            input,
            sheets: Extract::ALL.map(sheet),
            waiting: Vec::new(),
            failure: None,
        };
        let mut tally = Tally::default();
        let mut lines = Lines::new(content, LONGEST);
        loop {
            let fate = match lines.next().map_err(failed)? {
                None => break,
                Some(Line::Whole(line)) if line.trim_ascii().is_empty() => continue,
                Some(Line::Whole(line)) => reader.read(line, &mut pages),
                Some(Line::TooLong) => Err(TOO_LONG.into()),
            };
            tally.count(lines.number(), fate);
            if let Some(failure) = pages.failure.take() {
                return Err(failure);
            }
        }
        pages.finish(tally)
    }

    fn table(
        &self,
        input: &Input,
        content: impl BufRead,
        delimiter: u8,
    ) -> Result<Made, ImportError> {
        let failed = |source| ImportError::io(&input.path, source);
        let extract = input.of.unwrap_or(Extract::SendingLog);
        let mut table = Table::new(content, self.source.delimiter.unwrap_or(delimiter));
        let (header, _) = header(&mut table).map_err(failed)?;
        let place = |way: &Way| header.get(way.column()).copied();
        let maker = Maker::new(self.source, self.digester, extract, place);
        let mut sheet = Sheet::new(maker.columns(), &self.source.integers);
        let path = self.path(input, extract);
        let (fields, mut tally) = (table.len(), Tally::default());
        loop {
            let fate = match table.next().map_err(failed)? {
                Next::End => break,
                Next::TooLong => Err(Left::from(TOO_LONG)),
                Next::Open => {
                    return Err(ImportError::Quote {
                        path: input.path.clone(),
                        line: table.line(),
                    });
                }
                Next::Row if table.len() != fields => Err(OTHER_FIELDS.into()),
                Next::Row => {
                    let mut row = Vec::new();
                    let made = maker.row(&table, None, &mut row);
                    if made.is_ok() {
                        sheet.add(&row, || Out::new(self.disk, &path))?;
                    }
                    made.map(|()| extract)
                }
            };
            tally.count(table.line(), fate);
        }
        self.made(input, tally, vec![(extract, path, sheet)])
    }

    /// Refuses to take the place of what was made of another file of that name.
    pub fn refuse_other(&self, input: &Input) -> Result<(), ImportError> {
        for extract in Extract::ALL {
            let path = self.path(input, extract);
            let file = std::fs::File::open(&path).ok();
            let from = file.as_ref().and_then(made_of);
            let Some(from) = from.filter(|from| *from != input.whole()) else {
                continue;
            };
            let from = Path::new(&from).parent().unwrap_or(Path::new(""));
            return Err(ImportError::Elsewhere {
                made: path.display().to_string(),
                from: from.display().to_string(),
            });
        }
        Ok(())
    }

    fn made(
        &self,
        input: &Input,
        mut tally: Tally,
        sheets: Vec<(Extract, PathBuf, Sheet)>,
    ) -> Result<Made, ImportError> {
        let (mut parts, mut stale) = (Vec::new(), Vec::new());
        for (extract, path, sheet) in sheets {
            tally.rows[extract as usize] = sheet.rows;
            match sheet.finish(&input.whole(), || Out::new(self.disk, &path))? {
                Some(part) => parts.push(part),
                None if path.exists() => stale.push(path),
                None => {}
            }
        }
        Ok(Made {
            tally,
            parts,
            stale,
        })
    }

    /// What is missing in the header of a file, by the column and the names that it may have.
    pub fn missing(
        &self,
        input: &Input,
    ) -> Result<Vec<(String, String, &'static str)>, ImportError> {
        let Format::Csv(delimiter) = input.format else {
            return Ok(Vec::new());
        };
        let failed = |source| ImportError::io(&input.path, source);
        let content = input.open(&crate::engine::Silent).map_err(failed)?;
        let mut table = Table::new(content, self.source.delimiter.unwrap_or(delimiter));
        let (header, twice) = header(&mut table).map_err(failed)?;
        // An empty file has no rows either.
        if header.is_empty() {
            return Ok(Vec::new());
        }
        let extract = input.of.unwrap_or(Extract::SendingLog);
        let mut missing = Vec::new();
        let mut says = extract != Extract::SendingLog;
        let mut forms = Vec::new();
        for (column, spec) in self.source.layout(extract) {
            let (mut names, mut is_there) = (Vec::new(), spec.is_none());
            if let Some(spec) = spec {
                spec.visit(&mut |way: &Way| {
                    if twice.contains(way.column()) {
                        let names = (column.name.to_owned(), way.column().to_owned());
                        missing.push((names.0, names.1, "several"));
                    }
                    is_there |= header.contains_key(way.column());
                    names.push(way.column().to_owned());
                });
                is_there |= names.is_empty();
            }
            if matches!(column.name, "event" | "status") {
                says |= is_there;
                forms.extend(names);
            } else if column.required && !is_there {
                missing.push((column.name.to_owned(), names.join(", "), "none"));
            }
        }
        if !says {
            missing.push(("event or status".to_owned(), forms.join(", "), "none"));
        }
        Ok(missing)
    }
}

/// The places of the columns by their names, and the names that several have.
fn header<R: BufRead>(
    table: &mut Table<R>,
) -> std::io::Result<(BTreeMap<String, usize>, BTreeSet<String>)> {
    let (mut header, mut twice) = (BTreeMap::new(), BTreeSet::new());
    if table.next()? == Next::Row {
        for place in 0..table.len() {
            let name = String::from_utf8_lossy(table.field(place));
            let name = name.trim().to_owned();
            if header.insert(name.clone(), place).is_some() {
                twice.insert(name);
            }
        }
    }
    Ok((header, twice))
}

/// The rows of all extracts; those of a record wait until it is whole.
struct Pages<'a> {
    work: &'a Work<'a>,
    input: &'a Input,
    sheets: [Sheet; 3],
    waiting: Vec<(Extract, Vec<Cell<'static>>)>,
    failure: Option<ImportError>,
}

impl Rows for Pages<'_> {
    fn add(&mut self, extract: Extract, row: &[Cell<'_>]) {
        self.waiting
            .push((extract, row.iter().map(owned).collect()));
    }

    fn take_back(&mut self) {
        self.waiting.clear();
    }

    fn keep(&mut self) {
        for (extract, row) in self.waiting.drain(..) {
            let work = self.work;
            let path = work.path(self.input, extract);
            let added = self.sheets[extract as usize].add(&row, || Out::new(work.disk, &path));
            if let Err(failure) = added {
                self.failure = Some(failure);
            }
        }
    }
}

impl Pages<'_> {
    fn finish(self, tally: Tally) -> Result<Made, ImportError> {
        let may_be = |extract: &Extract| self.input.of.is_none_or(|of| of == *extract);
        let sheets = Extract::ALL.into_iter().zip(self.sheets);
        let sheets = sheets.filter(|(extract, _)| may_be(extract));
        let sheets =
            sheets.map(|(extract, sheet)| (extract, self.work.path(self.input, extract), sheet));
        self.work.made(self.input, tally, sheets.collect())
    }
}

fn owned(cell: &Cell<'_>) -> Cell<'static> {
    match cell {
        Cell::Null => Cell::Null,
        Cell::Text(text) => Cell::Text(text.clone().into_owned().into()),
        Cell::Integer(number) => Cell::Integer(*number),
        Cell::Boolean(is) => Cell::Boolean(*is),
        Cell::Instant(micros) => Cell::Instant(*micros),
    }
}
