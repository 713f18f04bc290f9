//! What a run has made and not published, and the end of all changes.

use super::Operation;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Default)]
pub(super) struct Pending {
    state: Mutex<State>,
    has_changed: Condvar,
}

#[derive(Default)]
struct State {
    /// In the order in which they were made.
    made: Vec<PathBuf>,
    /// How many changes go on.
    running: usize,
    has_ended: bool,
    /// Whether what is there stays from the next link on.
    publishes: bool,
}

/// How the end of all changes came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Whether no change went on any more.
    pub in_time: bool,
    /// How many files and directories were removed.
    pub removed: usize,
}

impl State {
    fn forget(&mut self, path: &Path) {
        // What goes is most often among the last.
        if let Some(place) = self.made.iter().rposition(|made| made == path) {
            self.made.remove(place);
        }
    }

    /// Before a change: a commit may be there from its link on, whatever becomes of it, and with it what it needs.
    fn begin(&mut self, operation: Operation<'_>) {
        self.running += 1;
        if let (true, Operation::Link(from, _)) = (self.publishes, operation) {
            self.made.retain(|made| made == from);
            self.publishes = false;
        }
    }

    fn note(&mut self, operation: Operation<'_>) {
        match operation {
            Operation::CreateDirectory(path) | Operation::Create(path) => {
                self.made.push(path.to_owned());
            }
            Operation::Rename(path, _)
            | Operation::Remove(path)
            | Operation::RemoveDirectory(path) => self.forget(path),
            Operation::OpenLock(_)
            | Operation::CreateUnnamed(_)
            | Operation::Write { .. }
            | Operation::SetMode(_)
            | Operation::Sync(_)
            | Operation::Link(..)
            | Operation::SyncDirectory(_) => {}
        }
    }
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a change, and notes what came of it.
    pub fn during(
        &self,
        operation: Operation<'_>,
        act: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = self.lock();
        while state.has_ended {
            // The process ends at any moment: who fails now would only tell of an error that there is none.
            state = self
                .has_changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.begin(operation);
        drop(state);
        let done = act();
        let mut state = self.lock();
        state.running -= 1;
        if done.is_ok() {
            state.note(operation);
        }
        let is_last = state.has_ended && state.running == 0;
        drop(state);
        if is_last {
            self.has_changed.notify_all();
        }
        done
    }

    pub fn add(&self, path: &Path) {
        self.lock().made.push(path.to_owned());
    }

    pub fn keep(&self, path: &Path) {
        self.lock().forget(path);
    }

    pub fn keep_all(&self) {
        self.lock().made.clear();
    }

    pub fn keep_all_from_next_link(&self) {
        self.lock().publishes = true;
    }

    pub fn newest_first(&self) -> Vec<PathBuf> {
        self.lock().made.iter().rev().cloned().collect()
    }

    pub fn end(&self, patience: Duration) -> Ended {
        let mut state = self.lock();
        state.has_ended = true;
        let goes_on = |state: &mut State| state.running > 0;
        let waited = self
            .has_changed
            .wait_timeout_while(state, patience, goes_on);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let in_time = state.running == 0;
        let made = std::mem::take(&mut state.made);
        drop(state);
        let remove = |path: &&PathBuf| {
            let removed = match path.is_dir() {
                true => std::fs::remove_dir(path),
                false => std::fs::remove_file(path),
            };
            removed.is_ok()
        };
        let removed = made.iter().rev().filter(remove).count();
        Ended { in_time, removed }
    }
}

#[cfg(test)]
mod tests {
    use crate::disk::Disk;
    use std::io::Write;
    use std::path::PathBuf;
    use std::time::Duration;

    #[test]
    fn what_is_not_published_goes_with_the_run() {
        let folder = tempfile::tempdir().expect("a directory");
        let at = |name: &str| folder.path().join(name);
        let disk = Disk::default();
        disk.create_directories(&at("a/b"), None).expect("made");
        for name in ["published", "a/lost", "a/b/lost"] {
            let file = disk.create(&at(name)).expect("a file");
            (&file).write_all(b"some").expect("written");
            if name == "published" {
                disk.keep_all();
            }
        }
        disk.create_directories(&at("a/c"), None).expect("made");
        disk.rename(&at("a/lost"), &at("renamed")).expect("renamed");
        disk.is_unpublished(&at("renamed"));
        let ended = disk.end(Duration::from_secs(1));
        assert!(ended.in_time);
        assert_eq!(ended.removed, 3);
        assert!(at("published").exists() && at("a/b").exists());
        assert!(!at("a/b/lost").exists() && !at("renamed").exists() && !at("a/c").exists());
        assert_waits(disk, at("late"));
    }

    /// Whoever begins a change after the end waits for ever.
    fn assert_waits(disk: Disk, late: PathBuf) {
        let path = late.clone();
        let goes_on = std::thread::spawn(move || disk.create(&path).map(drop));
        std::thread::sleep(Duration::from_millis(50));
        assert!(!goes_on.is_finished() && !late.exists());
    }

    /// A run that ends right before its commit takes all with it, and right after it nothing but the second name
    /// of the commit.
    #[test]
    fn what_is_published_stays_from_the_commit_on() {
        for commits in [false, true] {
            let folder = tempfile::tempdir().expect("a directory");
            let at = |name: &str| folder.path().join(name);
            let disk = Disk::default();
            disk.create(&at("data")).expect("a file");
            disk.keep_all_from_next_link();
            disk.create(&at("commit#1")).expect("a file");
            if commits {
                disk.link(&at("commit#1"), &at("commit")).expect("a link");
            }
            let ended = disk.end(Duration::from_secs(1));
            assert_eq!(ended.removed, if commits { 1 } else { 2 });
            assert!(at("data").exists() == commits && at("commit").exists() == commits);
            assert!(!at("commit#1").exists());
        }
    }
}
