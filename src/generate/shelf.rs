//! One log on its way to disk: its rows get their numbers, wait for the hour of their file, and are written.

use super::faults::Faults;
use super::plan::{Plan, Special};
use super::row::Row;
use super::sheet::{Layout, Sheet};
use super::{GenerateError, Written};
use crate::model::{HOUR, Hour, Instant, Log};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Rows by the hour of their file, and the files that are not complete.
pub(super) struct Shelf<'a> {
    layout: Layout<'a>,
    faults: Faults,
    /// Its folder, or the one file that it is.
    place: PathBuf,
    /// Rows that were numbered.
    numbered: u64,
    waiting: BTreeMap<i64, Vec<Row>>,
    open: BTreeMap<i64, Sheet>,
    written: Written,
}

impl<'a> Shelf<'a> {
    pub fn new(layout: Layout<'a>, faults: Faults, dir: &Path) -> Result<Self, GenerateError> {
        let name = layout.name();
        let mut open = BTreeMap::new();
        let place = if layout.settings.one_file {
            let place = dir.join(format!("{name}.parquet"));
            // A log without a row is a file too.
            open.insert(0, Sheet::create(&layout, &place)?);
            place
        } else {
            let place = dir.join(name);
            std::fs::create_dir_all(&place).map_err(|error| GenerateError::io(&place, error))?;
            place
        };
        Ok(Shelf {
            layout,
            faults,
            place,
            numbered: 0,
            waiting: BTreeMap::new(),
            open,
            written: Written::default(),
        })
    }

    /// Numbers the rows of a window as the exporter's sequence did, and puts them to the files that will
    /// hold them.
    pub fn take(&mut self, rows: Vec<Row>) {
        let (log, plan) = (self.layout.log, self.layout.plan);
        // Nothing is exported after the end: what is late comes then at the latest.
        let last = plan.end.div_euclid(HOUR) - 1;
        for mut row in rows {
            self.numbered += 1;
            if has_log_id(plan, log, &row) {
                row.log_id = self.numbered.cast_signed();
            }
            self.faults.files(log, self.numbered, row, |hour, row| {
                self.waiting.entry(hour.min(last)).or_default().push(row);
            });
        }
    }

    /// Writes all rows whose files begin before an instant, and completes the files that end by then.
    pub fn write(&mut self, until: i64) -> Result<(), GenerateError> {
        let ended = until.div_euclid(HOUR);
        let begun = ended + i64::from(until.rem_euclid(HOUR) > 0);
        let later = self.waiting.split_off(&begun);
        let due = std::mem::replace(&mut self.waiting, later);
        match self
            .open
            .get_mut(&0)
            .filter(|_| self.layout.settings.one_file)
        {
            Some(sheet) => due
                .values()
                .try_for_each(|rows| sheet.write(&self.layout, rows)),
            None => self.write_hours(due, ended),
        }
    }

    /// Writes rows into the files of their hours, each of which somebody takes up who is free.
    fn write_hours(
        &mut self,
        due: BTreeMap<i64, Vec<Row>>,
        ended: i64,
    ) -> Result<(), GenerateError> {
        let mut work: Vec<(i64, Option<Sheet>, Vec<Row>)> = due
            .into_iter()
            .map(|(hour, rows)| (hour, self.open.remove(&hour), rows))
            .collect();
        // Hours that end here without another row.
        let open = self.open.split_off(&ended);
        for (hour, sheet) in std::mem::replace(&mut self.open, open) {
            work.push((hour, Some(sheet), Vec::new()));
        }
        let (layout, place) = (&self.layout, self.place.as_path());
        let written: Vec<(Written, Option<(i64, Sheet)>)> = work
            .into_par_iter()
            .map(|(hour, sheet, rows)| {
                let mut sheet = match sheet {
                    Some(sheet) => sheet,
                    None => Sheet::create(layout, &place.join(file_name(layout.name(), hour)))?,
                };
                sheet.write(layout, &rows)?;
                Ok(match hour < ended {
                    true => (sheet.close()?, None),
                    false => (Written::default(), Some((hour, sheet))),
                })
            })
            .collect::<Result<_, GenerateError>>()?;
        for (file, open) in written {
            self.written.add(file);
            self.open.extend(open);
        }
        Ok(())
    }

    /// Completes what is left.
    pub fn close(mut self) -> Result<Written, GenerateError> {
        for sheet in std::mem::take(&mut self.open).into_values() {
            self.written.add(sheet.close()?);
        }
        Ok(self.written)
    }
}

fn has_log_id(plan: &Plan, log: Log, row: &Row) -> bool {
    let delivery = plan.deliveries.get(row.delivery as usize);
    log == Log::Sending || delivery.is_none_or(|of| of.special != Special::WithoutLogId)
}

/// `sending_log-2026-01-01T09.parquet`: files sort by time.
fn file_name(log: &str, hour: i64) -> String {
    let start: Instant = Hour::new(hour).start();
    let start = start.to_string();
    format!("{log}-{}.parquet", start.get(..13).unwrap_or(&start))
}
