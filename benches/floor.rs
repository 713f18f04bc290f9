//! The floor under every run: decoding the columns that a run needs, with as many threads, and throwing
//! the rows away. Prints one JSON object.
//!
//! `floor SENDING_LOG TRACKING_LOG THREADS [corrected]`; with the last word also the columns that a run
//! needs where a `log_id` may stand in several rows.

use delivery_kpi::engine::{open_all, pool};
use delivery_kpi::extracts::{Extract, Links, Mapping, OpenFile, list};
use delivery_kpi::stores::Access;
use rayon::prelude::*;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (sending, tracking, threads, with_tails) = match arguments.as_slice() {
        [sending, tracking, threads] => (sending, tracking, threads, false),
        [sending, tracking, threads, word] if word == "corrected" => {
            (sending, tracking, threads, true)
        }
        _ => panic!("floor SENDING_LOG TRACKING_LOG THREADS [corrected]"),
    };
    let pool = pool(threads.parse().expect("a number of threads")).expect("threads");
    let mapping = Mapping::default();
    let started = Instant::now();
    let mut files: Vec<OpenFile> = Vec::new();
    for (extract, path) in [
        (Extract::SendingLog, sending),
        (Extract::TrackingLog, tracking),
    ] {
        let listing =
            list(Path::new(path), Links::Anywhere, &Access::default()).expect("a listing");
        let opened = open_all(&pool, extract, &listing.files, &mapping);
        files.extend(opened.into_iter().map(|file| file.expect("a footer")));
    }
    let opened = started.elapsed();
    let units: Vec<(&OpenFile, usize)> = files
        .iter()
        .flat_map(|file| (0..file.row_groups()).map(move |group| (file, group)))
        .collect();
    let rows: usize = pool.install(|| {
        units
            .par_iter()
            .with_max_len(1)
            .map(|(file, group)| {
                let mut rows = 0;
                let projection = file.projection(&mapping, with_tails);
                file.read(*group, &projection, |batch| {
                    rows += black_box(batch).num_rows();
                    Ok(())
                })
                .expect("a row group");
                rows
            })
            .sum()
    });
    println!(
        "{{\"rows\": {rows}, \"opening\": {:.3}, \"seconds\": {:.3}}}",
        opened.as_secs_f64(),
        started.elapsed().as_secs_f64()
    );
}
