//! The files of an extract, and how the rows of a log come into them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use fastrand::Rng;

use super::super::random::{chance, pick};
use super::super::world::Layout;
use super::rows::{Key, LogRow, settle};

/// The files of an extract as they should be, by name.
pub struct Files<T> {
    folder: &'static str,
    files: BTreeMap<String, Vec<T>>,
    /// Names of files that are not yet on the disk as they should be.
    touched: BTreeSet<String>,
    names_given: usize,
}

impl<T: Clone> Files<T> {
    pub fn new(folder: &'static str) -> Self {
        Self {
            folder,
            files: BTreeMap::new(),
            touched: BTreeSet::new(),
            names_given: 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub fn rows(&self) -> impl Iterator<Item = &T> {
        self.files.values().flatten()
    }

    /// A file of a new name, which sorts before or after those that are there.
    pub fn add(&mut self, rng: &mut Rng, rows: Vec<T>) {
        let folder = pick(rng, &["", "", "a/", "day=3/", "z/"]);
        let suffix = pick(rng, &["parquet", "parq"]);
        let name = format!("{folder}part-{:03}.{suffix}", self.names_given);
        self.names_given += 1;
        self.put(&name, rows);
    }

    /// A file of this name, in the place of one that may be there.
    pub fn put(&mut self, name: &str, rows: Vec<T>) {
        self.files.insert(name.to_owned(), rows);
        self.touched.insert(name.to_owned());
    }

    pub fn get(&self, name: &str) -> &[T] {
        self.files.get(name).map_or(&[], Vec::as_slice)
    }

    fn remove(&mut self, name: &str) -> Vec<T> {
        self.touched.insert(name.to_owned());
        self.files.remove(name).unwrap_or_default()
    }

    fn any(&self, rng: &mut Rng) -> Option<String> {
        let names: Vec<&String> = self.files.keys().collect();
        (!names.is_empty()).then(|| pick(rng, &names).clone())
    }

    /// Brings the disk up to date.
    pub fn write(
        &mut self,
        directory: &Path,
        write: fn(&Path, &[T], &Layout),
        mut layout: impl FnMut() -> Layout,
    ) {
        for name in std::mem::take(&mut self.touched) {
            let path = directory.join(self.folder).join(&name);
            match self.files.get(&name) {
                Some(rows) => write(&path, rows, &layout()),
                None if path.exists() => fs::remove_file(&path).expect("a file that goes"),
                None => {}
            }
        }
    }
}

/// A log: its files, and the rows that are to come.
pub struct Log<R> {
    pub files: Files<R>,
    /// By the number of the run before which a row comes at the earliest.
    waiting: Vec<(usize, R)>,
    /// Keys whose rows may not come twice.
    pairs: BTreeSet<Key>,
}

impl<R: LogRow> Log<R> {
    /// No row has come yet. Most come before the first run whose as-of they lie before, some late, and
    /// some while they still lie in the future.
    pub fn new(folder: &'static str, mut rows: Vec<R>, rng: &mut Rng, as_ofs: &[i64]) -> Self {
        let pairs = settle(rng, &mut rows);
        let last = as_ofs.len() - 1;
        let arrival = |row: R| {
            let in_time = row
                .at()
                .and_then(|at| as_ofs.iter().position(|as_of| at < *as_of));
            let run = match (in_time, rng.u8(..10)) {
                (Some(run), 0..=5) => run,
                (Some(run), 6..=7) => rng.usize(run..=last),
                (Some(run), _) => rng.usize(..=run),
                (None, _) => rng.usize(..=last),
            };
            (run, row)
        };
        Self {
            files: Files::new(folder),
            waiting: rows.into_iter().map(arrival).collect(),
            pairs,
        }
    }

    /// The rows whose time has come, in up to three new files; perhaps none.
    pub fn arrive(&mut self, rng: &mut Rng, run: usize) {
        let (come, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|(earliest, _)| *earliest <= run);
        self.waiting = waiting;
        let mut come: Vec<R> = come.into_iter().map(|(_, row): (usize, R)| row).collect();
        if come.is_empty() && chance(rng, 90) {
            return;
        }
        rng.shuffle(&mut come);
        for _ in 0..rng.usize(..3) {
            let share = come.split_off(rng.usize(..=come.len()));
            self.files.add(rng, share);
        }
        self.files.add(rng, come);
    }

    /// Rows that are there come once more, in a file of their own: extracts overlap.
    pub fn come_again(&mut self, rng: &mut Rng, run: usize) {
        let share = pick(rng, &[10, 50, 100]);
        let Some(name) = self.files.any(rng) else {
            return;
        };
        let is_pair = |row: &&R| row.key().is_some_and(|key| self.pairs.contains(&key));
        let mut rows: Vec<R> = self.files.get(&name).to_vec();
        if rng.bool() {
            let all: Vec<&R> = self.files.rows().collect();
            rows.extend((!all.is_empty()).then(|| pick(rng, &all).clone()));
        }
        rows.retain(|row| !is_pair(&row) && chance(rng, share));
        if chance(rng, 20) {
            let later = rows.into_iter().map(|row| (run + 1, row));
            self.waiting.extend(later);
        } else {
            self.files.add(rng, rows);
        }
    }

    /// Some rows get a higher revision: rows that are there, or that have not even come.
    pub fn correct(&mut self, rng: &mut Rng, run: usize, revision: &mut i64, instants: &[i64]) {
        let to_come = self.waiting.iter().take(5).map(|(_, row)| row);
        let all = self.files.rows().chain(to_come);
        let known: Vec<R> = all.filter(|row| row.key().is_some()).cloned().collect();
        if known.is_empty() {
            return;
        }
        let mut rows = Vec::new();
        for _ in 0..rng.usize(1..=5) {
            let (row, at) = (pick(rng, &known), pick(rng, instants));
            *revision += 1;
            rows.extend(row.correct(rng, *revision, at));
        }
        if chance(rng, 25) {
            let later = rows.split_off(rows.len() / 2);
            self.waiting
                .extend(later.into_iter().map(|row| (run + 1, row)));
        }
        self.files.add(rng, rows);
    }

    /// Another content under a name that is there: without some of its rows, of which a part comes again
    /// elsewhere, with other values, with rows that have just come.
    pub fn replace(&mut self, rng: &mut Rng, run: usize, instants: &[i64]) {
        let Some(name) = self.files.any(rng) else {
            return;
        };
        let (without, otherwise) = (pick(rng, &[0, 20, 100]), pick(rng, &[0, 20, 50]));
        let mut rows = Vec::new();
        for mut row in self.files.get(&name).to_vec() {
            if chance(rng, without) {
                if rng.bool() {
                    self.waiting.push((run + 1, row));
                }
                continue;
            }
            if chance(rng, otherwise) {
                let at = pick(rng, instants);
                row.change(rng, at);
            }
            rows.push(row);
        }
        for (earliest, row) in std::mem::take(&mut self.waiting) {
            match earliest <= run + 1 && chance(rng, 30) {
                true => rows.push(row),
                false => self.waiting.push((earliest, row)),
            }
        }
        self.files.put(&name, rows);
    }

    /// The same rows under the same name, laid out otherwise.
    pub fn rewrite(&mut self, rng: &mut Rng) {
        if let Some(name) = self.files.any(rng) {
            let rows = self.files.get(&name).to_vec();
            self.files.put(&name, rows);
        }
    }

    /// A file goes, or goes on under another name; the last one stays.
    pub fn vanish(&mut self, rng: &mut Rng) {
        let Some(name) = self.files.any(rng).filter(|_| self.files.files.len() > 1) else {
            return;
        };
        let rows = self.files.remove(&name);
        if rng.bool() {
            self.files.add(rng, rows);
        }
    }
}
