//! Where what is kept lies.

use super::forms::{FORMAT, Form};
use super::kept::Kept;
use crate::disk::Disk;
use crate::engine::{RowKey, Volume, Volumes, Wake};
use crate::model::{Breakdown, Code, DeliveryIndex, Instant};
use crate::rollup::{Totals, counters};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// The directory below the home of an output; what starts with `_` is no table and no extract.
const DIRECTORY: &str = "_state";
/// A wake: instant, delivery and message.
const WAKE: usize = 28;
/// A rest: source, `log_id` and digest.
const REST: usize = 20;

/// The directory of the state.
pub struct Store {
    disk: Disk,
    directory: PathBuf,
}

/// The directory below another one that is for the output with this name.
pub fn home_of(directory: &Path, output: &str) -> PathBuf {
    directory.join(format!("{:016x}", xxh3_64(output.as_bytes())))
}

/// A state that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("state in {directory}: {source}")]
pub struct StateError {
    /// The directory.
    pub directory: String,
    /// The system's reason.
    pub source: io::Error,
}

impl Store {
    /// That below a directory: the output, or what an output in an object store has in its place.
    pub fn of(disk: &Disk, home: &Path) -> Store {
        Store {
            disk: disk.clone(),
            directory: home.join(DIRECTORY),
        }
    }

    fn failed(&self, source: io::Error) -> StateError {
        StateError {
            directory: self.directory.display().to_string(),
            source,
        }
    }

    /// Where the volumes of a run are made; the directory is made if it is not there, and nobody but the
    /// user may look into it.
    pub fn volumes(&self, run_id: &str) -> Result<Volumes, StateError> {
        let made = self.disk.create_directories(&self.directory, Some(0o700));
        made.map_err(|error| self.failed(error))?;
        Ok(Volumes::new(&self.disk, &self.directory, run_id))
    }

    fn path(&self, run_id: &str, ending: &str) -> PathBuf {
        self.directory.join(format!("{run_id}.{ending}"))
    }

    /// What a run has left, or why it cannot be used, for people.
    pub fn read(&self, run_id: &str) -> Result<Kept, String> {
        let text = std::fs::read(self.path(run_id, "json"));
        let text = text.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "it is not there".to_owned(),
            _ => error.to_string(),
        })?;
        let damaged = || "it is damaged".to_owned();
        let (digest, json) = text.split_at_checked(16).ok_or_else(damaged)?;
        if digest != format!("{:016x}", xxh3_64(json)).as_bytes() {
            return Err(damaged());
        }
        let form: Form = serde_json::from_slice(json).map_err(|_| damaged())?;
        if form.format != FORMAT {
            return Err("another version of the program has written it".to_owned());
        }
        if form.run_id != run_id {
            return Err(damaged());
        }
        let (wakes, rests, totals) = (form.wakes, form.rests, form.totals);
        let names = form.volumes.clone();
        let mut kept = form.kept().ok_or_else(damaged)?;
        let partitions = kept.partitions.count();
        for (name, digest) in names {
            let volume = Volume::open(&self.directory, &name, partitions);
            let volume = volume.map_err(|_| damaged())?;
            if volume.digest() != digest {
                return Err(damaged());
            }
            kept.volumes.push(volume);
        }
        let list = |ending: &str, (count, digest): (u64, u64), width: usize| {
            let bytes = std::fs::read(self.path(run_id, ending)).map_err(|_| damaged())?;
            let is_whole = xxh3_64(&bytes) == digest && bytes.len() as u64 == count * width as u64;
            is_whole.then_some(bytes).ok_or_else(damaged)
        };
        let wakes = list("wakes", wakes, WAKE)?;
        kept.wakes = wakes.as_chunks::<WAKE>().0.iter().map(wake).collect();
        // Few states have some.
        let some = |ending: &str, of: (u64, u64), width: usize| match of.0 {
            0 => Ok(Vec::new()),
            _ => list(ending, of, width),
        };
        let rests = some("rests", rests, REST)?;
        kept.rests = rests.as_chunks::<REST>().0.iter().map(rest).collect();
        let totals = some("totals", totals, 1)?;
        kept.totals = totals_of(&totals).ok_or_else(damaged)?;
        Ok(kept)
    }

    /// Writes what a run leaves, but for its volumes, which are there already.
    pub fn write(&self, kept: &Kept) -> Result<(), StateError> {
        let wakes: Vec<u8> = kept.wakes.iter().flat_map(bytes).collect();
        let rests: Vec<u8> = kept.rests.iter().flat_map(bytes_of_rest).collect();
        let totals = bytes_of_totals(&kept.totals);
        let of = |bytes: &[u8], width: usize| ((bytes.len() / width) as u64, xxh3_64(bytes));
        let lists = [of(&wakes, WAKE), of(&rests, REST), of(&totals, 1)];
        let form = serde_json::to_vec(&Form::of(kept, lists));
        let form = form.map_err(|error| self.failed(error.into()))?;
        let mut text = format!("{:016x}", xxh3_64(&form)).into_bytes();
        text.extend(form);
        let files = [
            ("wakes", wakes),
            ("rests", rests),
            ("totals", totals),
            ("json", text),
        ];
        for (ending, bytes) in files {
            if matches!(ending, "rests" | "totals") && bytes.is_empty() {
                continue;
            }
            let file = self.disk.create(&self.path(&kept.run_id, ending));
            let written = file.and_then(|file| (&file).write_all(&bytes));
            written.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// Removes what a run has left that was not published.
    pub fn discard(&self, run_id: &str) {
        self.remove(|name| name.starts_with(run_id));
        // Where it was made for this run, it is empty now.
        let _ = self.disk.remove_directory(&self.directory);
    }

    /// Removes what belongs to other states; what cannot be removed stays until the next time.
    pub fn clean(&self, kept: &Kept) {
        let own =
            ["json", "wakes", "rests", "totals"].map(|ending| format!("{}.{ending}", kept.run_id));
        let volumes = kept.volumes.iter().filter_map(|volume| volume.name());
        let wanted: HashSet<String> = own.into_iter().chain(volumes.map(str::to_owned)).collect();
        self.remove(|name| !wanted.contains(name));
    }

    fn remove(&self, is_one: impl Fn(&str) -> bool) {
        let Ok(entries) = std::fs::read_dir(&self.directory) else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = [".json", ".wakes", ".rests", ".totals", ".rows"];
            if ours.iter().any(|ending| name.ends_with(ending)) && is_one(&name) {
                let _ = self.disk.remove(&entry.path());
            }
        }
    }
}

fn bytes(wake: &Wake) -> [u8; WAKE] {
    let mut bytes = [0; WAKE];
    bytes[..8].copy_from_slice(&wake.at.micros().to_le_bytes());
    bytes[8..12].copy_from_slice(&wake.delivery.0.to_le_bytes());
    bytes[12..20].copy_from_slice(&wake.message[0].to_le_bytes());
    bytes[20..].copy_from_slice(&wake.message[1].to_le_bytes());
    bytes
}

fn wake(bytes: &[u8; WAKE]) -> Wake {
    let word = |at: usize| {
        bytes[at..]
            .first_chunk()
            .map_or(0, |w| u64::from_le_bytes(*w))
    };
    let delivery = bytes[8..]
        .first_chunk()
        .map_or(0, |w| u32::from_le_bytes(*w));
    Wake {
        at: Instant::from_micros(word(0) as i64),
        delivery: DeliveryIndex(delivery),
        message: [word(12), word(20)],
    }
}

fn bytes_of_rest(((source, log_id), digest): (&RowKey, &u64)) -> [u8; REST] {
    let mut bytes = [0; REST];
    bytes[..4].copy_from_slice(&source.to_le_bytes());
    bytes[4..12].copy_from_slice(&log_id.to_le_bytes());
    bytes[12..].copy_from_slice(&digest.to_le_bytes());
    bytes
}

fn rest(bytes: &[u8; REST]) -> (RowKey, u64) {
    let word = |at: usize| {
        bytes[at..]
            .first_chunk()
            .map_or(0, |w| u64::from_le_bytes(*w))
    };
    let source = bytes.first_chunk().map_or(0, |w| u32::from_le_bytes(*w));
    ((source, word(4) as i64), word(12))
}

/// By breakdown: how many parts there are, and of each the delivery, the code and the values.
fn bytes_of_totals(all: &BTreeMap<Breakdown, Totals>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (breakdown, totals) in all {
        bytes.extend((*breakdown as u32).to_le_bytes());
        bytes.extend((totals.len() as u32).to_le_bytes());
        for ((delivery, code), values) in totals {
            bytes.extend(delivery.0.to_le_bytes());
            bytes.extend(code.bits().to_le_bytes());
            values
                .iter()
                .for_each(|value| bytes.extend(value.to_le_bytes()));
        }
    }
    bytes
}

/// None where they are none of these bytes.
fn totals_of(bytes: &[u8]) -> Option<BTreeMap<Breakdown, Totals>> {
    let mut rest = bytes;
    let mut all = BTreeMap::new();
    while !rest.is_empty() {
        let breakdown = *Breakdown::ALL.get(word(&mut rest)? as usize)?;
        let mut totals = Totals::new();
        for _ in 0..word(&mut rest)? {
            let part = (
                DeliveryIndex(word(&mut rest)?),
                Code::from_bits(word(&mut rest)?),
            );
            let values = counters(breakdown).iter().map(|_| {
                let (value, after) = rest.split_first_chunk()?;
                rest = after;
                Some(i64::from_le_bytes(*value))
            });
            totals.insert(part, values.collect::<Option<_>>()?);
        }
        all.insert(breakdown, totals);
    }
    Some(all)
}

fn word(rest: &mut &[u8]) -> Option<u32> {
    let (word, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_le_bytes(*word))
}
