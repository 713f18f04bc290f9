//! Files with random damage, in process and through the binary.
//!
//! `DELIVERY_KPI_MUTATIONS` says how many files are read in process (20,000 unless told), and
//! `DELIVERY_KPI_MUTATED_RUNS` how many go through the binary (120). `DELIVERY_KPI_SEED` repeats one seed.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use delivery_kpi::extracts::{Extract, Links, Mapping, list, open};
use delivery_kpi::stores::Access;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{WriterProperties, WriterVersion};

use super::super::delta::newest_run;
use super::super::site::{HOUR, NINE, Site, delivery, report, tracked};
use super::super::world::{Layout, World};
use super::watched::{own_peak, watched};

fn setting(name: &str, usual: u64) -> u64 {
    let told = std::env::var(name).ok();
    told.map_or(usual, |text| text.parse().expect("a number"))
}

fn seed() -> u64 {
    let seed = setting("DELIVERY_KPI_SEED", fastrand::u64(..));
    println!("DELIVERY_KPI_SEED={seed}");
    seed
}

const ROWS: i64 = 60;

/// A sending log of some rows.
fn sending_log(
    compression: Compression,
    version: WriterVersion,
    texts: Option<Encoding>,
) -> Vec<u8> {
    let ids = |of: i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values((0..ROWS).map(|at| at / of)))
    };
    let stamps = TimestampMicrosecondArray::from_iter_values((0..ROWS).map(|at| NINE + at));
    let types = (0..ROWS).map(|at| ["relayed", "delivered", "soft_bounce"][at as usize % 3]);
    let messages = (0..ROWS).map(|at| (at % 9 > 0).then(|| format!("message {}", at / 3)));
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("log_id", ids(1), false),
        (
            "message_id",
            Arc::new(StringArray::from_iter(messages)) as _,
            true,
        ),
        ("delivery_id", ids(30), true),
        ("event_at", Arc::new(stamps.with_timezone("UTC")) as _, true),
        (
            "event_type",
            Arc::new(StringArray::from_iter_values(types)) as _,
            true,
        ),
    ]);
    let batch = batch.expect("columns of one length");
    let mut properties = WriterProperties::builder()
        .set_compression(compression)
        .set_writer_version(version)
        .set_data_page_row_count_limit(25)
        .set_write_batch_size(5)
        .set_max_row_group_row_count(Some(40))
        .set_dictionary_enabled(texts.is_none());
    if let Some(encoding) = texts {
        properties = properties
            .set_column_encoding("message_id".into(), encoding)
            .set_column_encoding("event_type".into(), encoding);
    }
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build()))
        .expect("a writer");
    writer.write(&batch).expect("memory takes everything");
    writer.close().expect("memory takes everything");
    bytes
}

fn corpus() -> Vec<Vec<u8>> {
    let (one, two) = (WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0);
    let delta = Some(Encoding::DELTA_BYTE_ARRAY);
    vec![
        sending_log(Compression::UNCOMPRESSED, one, None),
        sending_log(Compression::UNCOMPRESSED, two, delta),
        sending_log(
            Compression::UNCOMPRESSED,
            one,
            Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
        ),
        sending_log(Compression::UNCOMPRESSED, two, Some(Encoding::PLAIN)),
        sending_log(Compression::SNAPPY, one, None),
        sending_log(Compression::SNAPPY, two, delta),
        sending_log(Compression::ZSTD(Default::default()), one, None),
        sending_log(Compression::GZIP(Default::default()), two, None),
        sending_log(Compression::BROTLI(Default::default()), one, None),
        sending_log(Compression::LZ4_RAW, one, None),
        sending_log(Compression::LZ4, two, None),
    ]
}

/// Some damage, in one place or several: most of it where a byte says much.
fn mutated(random: &mut fastrand::Rng, mut bytes: Vec<u8>, other: &[u8]) -> Vec<u8> {
    const TELLING: [u8; 8] = [0, 1, 0x0F, 0x7F, 0x80, 0xFC, 0xFE, 0xFF];
    for _ in 0..random.usize(1..5) {
        if bytes.len() < 16 {
            break;
        }
        let length = bytes.len();
        let at = match random.u8(..3) {
            // In the footer.
            0 => random.usize(length * 2 / 3..length),
            _ => random.usize(..length),
        };
        match random.u8(..8) {
            0 | 1 => bytes[at] ^= 1 << random.u8(..8),
            2 | 3 => bytes[at] = random.choice(TELLING).expect("one of them"),
            4 => bytes[at] = random.u8(..),
            5 => {
                let end = length.min(at + random.usize(1..40));
                bytes[at..end].fill(random.choice(TELLING).expect("one of them"));
            }
            6 => {
                let from = random.usize(..other.len());
                let part = &other[from..other.len().min(from + random.usize(1..60))];
                let end = length.min(at + part.len());
                bytes[at..end].copy_from_slice(&part[..end - at]);
            }
            _ => match random.u8(..3) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at..length.min(at + random.usize(1..20)))),
                _ => bytes.insert(at, random.u8(..)),
            },
        }
    }
    bytes
}

/// Reads all needed columns of a file; true if there was nothing to refuse.
fn is_read(path: &Path) -> bool {
    let mapping = Mapping::default();
    let listing = list(path, Links::Inside, &Access::default()).expect("a listing");
    let read = || {
        let file = open(Extract::SendingLog, &listing.files[0], &mapping)?;
        for row_group in 0..file.row_groups() {
            file.read(row_group, &file.projection(&mapping, true), |_| Ok(()))?;
        }
        Ok(())
    };
    let result: Result<(), delivery_kpi::extracts::FileError> = read();
    if let Err(error) = &result {
        assert!(error.to_string().contains("part.parquet"), "{error}");
    }
    result.is_ok()
}

#[test]
fn mutated_files_are_read_or_refused() {
    let (count, seed) = (setting("DELIVERY_KPI_MUTATIONS", 20_000), seed());
    let corpus = corpus();
    let memory = Path::new("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    let folder = folder.expect("a folder");
    for (at, whole) in corpus.iter().enumerate() {
        let path = folder.path().join("part.parquet");
        fs::write(&path, whole).expect("a file");
        assert!(is_read(&path), "file {at} of the corpus");
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let (mut read, mut slowest) = (0, Duration::ZERO);
    std::thread::scope(|scope| {
        let part = |thread: u64| {
            let (corpus, folder) = (&corpus, folder.path());
            move || {
                let place = folder.join(thread.to_string());
                fs::create_dir(&place).expect("a folder");
                let path = place.join("part.parquet");
                let (mut read, mut slowest) = (0, Duration::ZERO);
                for number in (thread..count).step_by(threads as usize) {
                    let mut random = fastrand::Rng::with_seed(seed.wrapping_add(number));
                    let whole = random.choice(corpus).expect("a file").clone();
                    let other = random.choice(corpus).expect("a file");
                    let bytes = mutated(&mut random, whole, other);
                    fs::write(&path, bytes).expect("a file");
                    let started = Instant::now();
                    read += u64::from(is_read(&path));
                    slowest = slowest.max(started.elapsed());
                    assert!(slowest < Duration::from_secs(10), "mutation {number}");
                }
                (read, slowest)
            }
        };
        let parts: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(part(thread)))
            .collect();
        for part in parts {
            let (of_part, slowest_of_part) = part.join().expect("no panic");
            read += of_part;
            slowest = slowest.max(slowest_of_part);
        }
    });
    println!(
        "{count} files, {read} read, slowest {slowest:?}, peak {} bytes",
        own_peak()
    );
    // Of all tests of this process, which run beside this one.
    assert!(own_peak() < 3 << 30, "{} bytes", own_peak());
    // Both happen, or nothing was tried.
    assert!(read > count / 100 && read < count / 2, "{read} of {count}");
}

const FILES: usize = 8;

/// One delivery in each file; the first one stays whole.
fn world() -> World {
    let ids = 1..=FILES as i64;
    World {
        deliveries: ids.clone().map(|id| delivery(id, "A label")).collect(),
        sending: ids
            .clone()
            .map(|id| report(id, 10 + id, "relayed", NINE + id))
            .collect(),
        tracking: ids
            .map(|id| tracked(id, 10 + id, "open", NINE + HOUR + id))
            .collect(),
    }
}

#[test]
fn runs_on_mutated_files_end_well_and_leave_others_alone() {
    let (count, seed) = (setting("DELIVERY_KPI_MUTATED_RUNS", 120), seed());
    let layout = Layout {
        files: FILES,
        ..Layout::default()
    };
    let site = Site::laid_out(&world(), &layout);
    let mut entries = walkdir::WalkDir::new(site.path("in/sending_log"))
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.into_path())
        .collect::<Vec<_>>();
    entries.sort_by_key(|path| path.file_name().map(ToOwned::to_owned));
    let (fine, others) = entries.split_first().expect("files");
    let whole: Vec<Vec<u8>> = others
        .iter()
        .map(|path| fs::read(path).expect("a file"))
        .collect();
    let corpus = corpus();
    site.write(
        "job.toml",
        "sending_log = \"in/sending_log\"\ntracking_log = \"in/tracking_log\"\n\
         deliveries = \"in/deliveries.parquet\"\noutput = \"out\"\n\
         as_of = \"2026-03-02T12:00:00Z\"\non_bad_file = \"skip\"\nmax_rejected = 1000000\n",
    );
    let (mut files, mut refused) = (0, 0);
    for run in 0.. {
        if files >= count {
            break;
        }
        let mut random = fastrand::Rng::with_seed(seed.wrapping_add(run));
        for (path, whole) in others.iter().zip(&whole) {
            let other = random.choice(&corpus).expect("a file");
            fs::write(path, mutated(&mut random, whole.clone(), other)).expect("a file");
            files += 1;
        }
        let _ = fs::remove_dir_all(site.output());
        let ended = watched(site.program().args(["recompute", "job.toml", "--full"]));
        let told = format!("run {run}: {:?}: {}", ended.status, ended.stderr);
        assert!(matches!(ended.status, Some(0..=3)), "{told}");
        assert!(!ended.stderr.contains("panicked"), "{told}");
        assert!(
            ended.took < Duration::from_secs(10),
            "{told} {:?}",
            ended.took
        );
        assert!(ended.peak < 300 << 20, "{told} {} bytes", ended.peak);
        if ended.status == Some(1) || ended.status == Some(2) {
            // Columns of other names or types than those of other files: nothing is published.
            refused += 1;
            continue;
        }
        let record = newest_run(&site.output());
        let of_files = record["files"].as_array().expect("a list of files");
        let name = fine.file_name().expect("a name").to_string_lossy();
        let of_fine = of_files.iter().find(|file| {
            file["log"] == "sending_log"
                && file["file"]
                    .as_str()
                    .is_some_and(|file| file.ends_with(&*name))
        });
        let of_fine = of_fine.expect("the file that is fine");
        assert_eq!(
            (&of_fine["rows_read"], &of_fine["skipped"]),
            (&1.into(), &serde_json::Value::Null),
            "{told}"
        );
    }
    println!("{files} files, {refused} runs refused as a whole");
    assert!(refused * 4 < files / 7, "{refused}");
}
