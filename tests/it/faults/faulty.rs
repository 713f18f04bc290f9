//! A disk that refuses one of its operations, or ends the run there.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use delivery_kpi::disk::{Around, Disk, Operation};

/// What happens at an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The run is dead: from there on nothing has an effect. Of bytes that are written, a part is.
    Stop,
    /// The system refuses it, with this error.
    Once(i32),
    /// The system refuses it and all that follow.
    Always(i32),
}

const EIO: i32 = 5;
const EACCES: i32 = 13;
const ENOSPC: i32 = 28;

pub const FAULTS: [Fault; 7] = [
    Fault::Stop,
    Fault::Once(EIO),
    Fault::Once(ENOSPC),
    Fault::Once(EACCES),
    Fault::Always(EIO),
    Fault::Always(ENOSPC),
    Fault::Always(EACCES),
];

/// What was seen of a run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// How many operations there were.
    pub operations: usize,
    /// All of them.
    pub names: Vec<String>,
    /// How many of them were refused, or came after the end.
    pub refused: usize,
    /// The operation that met the fault.
    pub met: Option<String>,
}

/// Counts operations; the one with this number, from 1, meets the fault.
pub struct Faulty {
    at: Option<(usize, Fault)>,
    trace: Mutex<Trace>,
}

impl Faulty {
    /// One that only counts.
    pub fn counting() -> Arc<Faulty> {
        Arc::new(Faulty {
            at: None,
            trace: Mutex::default(),
        })
    }

    pub fn at(number: usize, fault: Fault) -> Arc<Faulty> {
        Arc::new(Faulty {
            at: Some((number, fault)),
            trace: Mutex::default(),
        })
    }

    pub fn disk(self: &Arc<Self>) -> Disk {
        Disk::with(self.clone())
    }

    pub fn trace(&self) -> Trace {
        let trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        trace.clone()
    }
}

impl Around for Faulty {
    fn perform(
        &self,
        operation: Operation<'_>,
        act: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<()> {
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        trace.operations += 1;
        trace.names.push(name(operation));
        let number = trace.operations;
        let (is_it, error) = match self.at {
            Some((at, Fault::Stop)) if number >= at => (number == at, EIO),
            Some((at, Fault::Once(error))) if number == at => (true, error),
            Some((at, Fault::Always(error))) if number >= at => (number == at, error),
            _ => {
                // The lock is held meanwhile: no other thread's operation comes between.
                return act();
            }
        };
        trace.refused += 1;
        if is_it {
            trace.met = Some(name(operation));
            let stops = self.at.is_some_and(|(_, fault)| fault == Fault::Stop);
            if let (
                Operation::Write {
                    file, bytes, at, ..
                },
                true,
            ) = (operation, stops || error == ENOSPC)
            {
                file.write_all_at(&bytes[..bytes.len() / 2], at)?;
            }
        }
        Err(io::Error::from_raw_os_error(error))
    }
}

fn name(operation: Operation<'_>) -> String {
    match operation {
        Operation::Write {
            path, bytes, at, ..
        } => format!("Write({path:?}, {} bytes at {at})", bytes.len()),
        other => format!("{other:?}"),
    }
}
