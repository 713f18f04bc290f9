//! The same in pieces: files that arrive, change and go, other attributes and other instants, run after run into
//! one output, come to what one run on all of it does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use serde_json::Value;
use tempfile::TempDir;

use super::super::delta::{committed, committed_versions};
use super::super::oracle::HOUR;
use super::super::random::{QUEUE, chance, pick};
use super::super::run::{number_from_environment, run_keys, side_by_side};
use super::super::world::{
    Layout, SendingRow, TrackingRow, World, write_deliveries, write_sending, write_tracking,
};
use super::random::{Asked, asked};
use super::worlds::{History, attributes, history};

/// All rows of all tables that a run published, without what differs from run to run.
pub fn rows_of(output: &Path) -> BTreeMap<String, Vec<String>> {
    let tables = committed_versions(output).into_keys();
    let tables = tables.filter(|table| table.contains("_kpi"));
    let of_table = |table: String| {
        let rows = committed(output, &table).into_iter().map(|mut row| {
            row.remove("run_id").expect("a run_id");
            Value::Object(row).to_string()
        });
        let mut rows: Vec<String> = rows.collect();
        rows.sort_unstable();
        (table, rows)
    };
    tables.map(of_table).collect()
}

/// The files of a log, by path.
type Files<R> = BTreeMap<PathBuf, Vec<R>>;

struct Pieces {
    folder: TempDir,
    rng: Rng,
    layout: Layout,
    sending: Files<SendingRow>,
    tracking: Files<TrackingRow>,
    world: World,
}

/// So many rows of a log become a file; in the end, all that are left.
fn arrive<R>(
    files: &mut Files<R>,
    path: PathBuf,
    rows: Vec<R>,
    layout: &Layout,
    write: fn(&Path, &[R], &Layout),
) {
    write(&path, &rows, layout);
    files.insert(path, rows);
}

/// Of three files or more one goes, or has half of its rows and those of another.
fn disturb<R: Clone>(
    rng: &mut Rng,
    files: &mut Files<R>,
    layout: &Layout,
    write: fn(&Path, &[R], &Layout),
) {
    if files.len() < 3 {
        return;
    }
    let paths: Vec<PathBuf> = files.keys().cloned().collect();
    let (path, other) = (pick(rng, &paths), pick(rng, &paths));
    if rng.bool() {
        fs::remove_file(&path).expect("a file");
        files.remove(&path);
        return;
    }
    let more = files[&other].clone();
    let rows = files.get_mut(&path).expect("rows");
    rows.truncate(rows.len().div_ceil(2));
    rows.extend(more);
    write(&path, rows, layout);
}

impl Pieces {
    /// Where the next file of a log goes.
    fn path(&self, log: &str, step: usize) -> PathBuf {
        let name = format!("{log}/part-{step}.parquet");
        self.folder.path().join(name)
    }

    /// What is in the files by now.
    fn present(&self) -> World {
        World {
            deliveries: self.world.deliveries.clone(),
            sending: self.sending.values().flatten().cloned().collect(),
            tracking: self.tracking.values().flatten().cloned().collect(),
        }
    }

    /// What is wrong after a run as of this instant.
    fn wrong(&self, history: &History, asked: &Asked, as_of: i64, seed: u64) -> Vec<String> {
        let root = self.folder.path();
        let keys = format!("on_vanished = \"restate\"\n{}", asked.keys);
        let output = root.join("out");
        let effort = (1 + seed as usize % 3, seed.is_multiple_of(2), false);
        let outcome = run_keys(root, &output, as_of, history.mode, effort, &keys);
        if outcome.status != Some(0) {
            return vec![outcome.text()];
        }
        let expected = asked.expect(&self.present(), history, as_of);
        asked.differences(&expected, &output, &self.layout)
    }
}

/// What is wrong after some step of this seed, if something is.
fn check(seed: u64) -> Option<String> {
    let history = history(seed);
    let asked = asked(seed, &history);
    let mut rng = Rng::with_seed(seed ^ 0x70_6965);
    let steps = rng.usize(2..=5);
    let instants = &history.instants;
    let as_of = |rng: &mut Rng| {
        let nudges = [-1, 0, 1, HOUR / 3, HOUR, QUEUE, 24 * HOUR, 11 * 24 * HOUR];
        pick(rng, instants) + pick(rng, &nudges)
    };
    let mut as_ofs: Vec<i64> = (0..steps).map(|_| as_of(&mut rng)).collect();
    as_ofs.sort_unstable();
    let mut pieces = Pieces {
        folder: TempDir::new().expect("a temporary directory"),
        layout: Layout {
            string_ids: rng.bool(),
            row_group_rows: pick(&mut rng, &[2, 1024]),
            absent: super::super::world::Absent::TypedNulls,
            ..Layout::default()
        },
        rng,
        sending: Files::new(),
        tracking: Files::new(),
        world: history.world.clone(),
    };
    if pieces.rng.bool() {
        pieces.world.sending.sort_by_key(|row| row.event_at);
        pieces.world.tracking.sort_by_key(|row| row.event_at);
    }
    let (mut sending, mut tracking) = (
        std::mem::take(&mut pieces.world.sending),
        std::mem::take(&mut pieces.world.tracking),
    );
    for (step, as_of) in as_ofs.iter().enumerate() {
        let left = steps - step;
        let layout = pieces.layout.clone();
        let path = pieces.path("sending_log", step);
        let rows = sending.drain(..sending.len() / left).collect();
        arrive(&mut pieces.sending, path, rows, &layout, write_sending);
        let path = pieces.path("tracking_log", step);
        let rows = tracking.drain(..tracking.len() / left).collect();
        arrive(&mut pieces.tracking, path, rows, &layout, write_tracking);
        if chance(&mut pieces.rng, 40) {
            disturb(&mut pieces.rng, &mut pieces.sending, &layout, write_sending);
        }
        if chance(&mut pieces.rng, 30) {
            let files = &mut pieces.tracking;
            disturb(&mut pieces.rng, files, &layout, write_tracking);
        }
        if step > 0 && chance(&mut pieces.rng, 40) {
            let rng = &mut pieces.rng;
            pieces.world.deliveries = (1..=6).flat_map(|id| attributes(rng, id)).collect();
        }
        if !pieces.world.deliveries.is_empty() {
            let path = pieces.folder.path().join("deliveries.parquet");
            write_deliveries(&path, &pieces.world.deliveries, &layout);
        }
        let mut wrong = pieces.wrong(&history, &asked, *as_of, seed + step as u64);
        if wrong.is_empty() && left == 1 {
            wrong.extend(unlike_fresh(&pieces, &history, &asked, *as_of));
        }
        if !wrong.is_empty() {
            let place = format!("seed {seed} (DELIVERY_KPI_SEED={seed} DELIVERY_KPI_WORLDS=1)");
            let wrong = wrong.join("\n");
            return Some(format!(
                "{place}, step {step} of {steps}, as of {as_ofs:?}\n{}\n{wrong}",
                asked.keys
            ));
        }
    }
    None
}

/// Where the output of all runs differs from that of one.
fn unlike_fresh(pieces: &Pieces, history: &History, asked: &Asked, as_of: i64) -> Option<String> {
    let root = pieces.folder.path();
    let fresh = root.join("fresh");
    let effort = (2, true, false);
    let outcome = run_keys(root, &fresh, as_of, history.mode, effort, &asked.keys);
    if outcome.status != Some(0) {
        return Some(outcome.text());
    }
    let (found, expected) = (rows_of(&root.join("out")), rows_of(&fresh));
    (found != expected).then(|| format!("{found:#?}\ninstead of\n{expected:#?}"))
}

/// `DELIVERY_KPI_SEED` is the first seed, `DELIVERY_KPI_WORLDS` the number of histories.
#[test]
fn people_in_pieces_come_to_what_they_come_to_as_a_whole() {
    let base = number_from_environment("DELIVERY_KPI_SEED").unwrap_or(20_260_302);
    let worlds = number_from_environment("DELIVERY_KPI_WORLDS").unwrap_or(24);
    let failures: Vec<String> = side_by_side(base..base.saturating_add(worlds), check);
    if let Some(failure) = failures.first() {
        let failure: String = failure.chars().take(6000).collect();
        panic!("{} of {worlds}:\n{failure}", failures.len());
    }
}
