//! A disk that knows what a power loss would leave: of files what was synced, of directories the names that were
//! there when they were synced.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use delivery_kpi::disk::{Around, Disk, Operation};

#[derive(Clone, Copy, Debug)]
enum Node {
    Directory,
    /// By its inode: names come and go.
    File(u64),
}

type Names = BTreeMap<OsString, Node>;

/// What a disk holds after a power loss.
#[derive(Clone, Debug, Default)]
pub struct Image {
    contents: HashMap<u64, Arc<Vec<u8>>>,
    names: HashMap<PathBuf, Arc<Names>>,
    /// How many runs had been acknowledged by then.
    pub acknowledged: usize,
}

/// How much of what was not synced is there nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing.
    Everything,
    /// All names, but no content: what a journal of names alone comes to.
    Contents,
}

/// What the disk does not do though it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    Nothing,
    Files,
    Directories,
}

pub struct Forgetful {
    /// All below is what may get lost.
    top: PathBuf,
    lie: Lie,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lasting: Image,
    /// After each operation that makes a difference to it.
    images: Vec<(Loss, Image)>,
}

impl Forgetful {
    pub fn new(top: &Path, lie: Lie) -> Arc<Forgetful> {
        Arc::new(Forgetful {
            top: top.canonicalize().expect("a directory"),
            lie,
            state: Mutex::default(),
        })
    }

    pub fn disk(self: &Arc<Self>) -> Disk {
        Disk::with(self.clone())
    }

    /// A run has said that it is done.
    pub fn acknowledges(&self) {
        let mut state = self.state();
        state.lasting.acknowledged += 1;
        self.take(&mut state, true, true);
    }

    /// What there would be after a power loss, by the moment at which the power goes off.
    pub fn images(&self) -> Vec<(Loss, Image)> {
        self.state().images.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, state: &mut State, without_names: bool, with_names: bool) {
        if without_names {
            let image = state.lasting.clone();
            state.images.push((Loss::Everything, image));
        }
        if with_names {
            let image = Image {
                names: names_below(&self.top),
                ..state.lasting.clone()
            };
            state.images.push((Loss::Contents, image));
        }
    }
}

fn names_in(directory: &Path) -> Names {
    let entries = fs::read_dir(directory).expect("a directory");
    let node = |entry: io::Result<fs::DirEntry>| {
        let entry = entry.expect("an entry");
        let meta = entry.metadata().expect("what it is");
        let node = match meta.is_dir() {
            true => Node::Directory,
            false => Node::File(meta.ino()),
        };
        (entry.file_name(), node)
    };
    entries.map(node).collect()
}

fn names_below(top: &Path) -> HashMap<PathBuf, Arc<Names>> {
    let mut found = HashMap::new();
    let mut open = vec![top.to_owned()];
    while let Some(directory) = open.pop() {
        let names = names_in(&directory);
        let directories = names
            .iter()
            .filter(|(_, node)| matches!(node, Node::Directory));
        open.extend(directories.map(|(name, _)| directory.join(name)));
        found.insert(directory, Arc::new(names));
    }
    found
}

impl Around for Forgetful {
    fn perform(
        &self,
        operation: Operation<'_>,
        act: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<()> {
        let mut state = self.state();
        let done = act();
        if done.is_ok() {
            match operation {
                Operation::Create(path) => {
                    // The inode may be that of a file that is gone.
                    let inode = fs::metadata(path).expect("a new file").ino();
                    state.lasting.contents.insert(inode, Arc::default());
                }
                Operation::Sync(path) if self.lie != Lie::Files => {
                    let inode = fs::metadata(path).expect("a file").ino();
                    let content = fs::read(path).expect("its content");
                    state.lasting.contents.insert(inode, Arc::new(content));
                }
                Operation::SyncDirectory(path) if self.lie != Lie::Directories => {
                    let path = path.canonicalize().expect("a directory");
                    let names = names_in(&path);
                    state.lasting.names.insert(path, Arc::new(names));
                }
                _ => {}
            }
        }
        // Bytes and modes that are not synced leave nothing.
        let (without_names, with_names) = match operation {
            Operation::Write { .. } | Operation::SetMode(_) => (false, false),
            Operation::Sync(_) => (true, true),
            Operation::SyncDirectory(_) => (true, false),
            _ => (false, true),
        };
        self.take(&mut state, without_names, with_names);
        done
    }
}

impl Image {
    /// Makes a directory as this image has it.
    pub fn restore(&self, from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("a directory");
        let from = from.canonicalize().unwrap_or_else(|_| from.to_owned());
        let Some(names) = self.names.get(&from) else {
            return;
        };
        for (name, node) in &**names {
            match node {
                Node::Directory => self.restore(&from.join(name), &to.join(name)),
                Node::File(inode) => {
                    let content = self.contents.get(inode).map(|content| content.as_slice());
                    fs::write(to.join(name), content.unwrap_or_default()).expect("a file");
                }
            }
        }
    }
}
