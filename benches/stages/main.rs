//! Each stage by itself and the whole job: `cargo bench`. Throughput is in rows of the log.

mod shapes;

use arrow::array::RecordBatch;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use delivery_kpi::cli::{self, Effort, Extracts, Recompute};
use delivery_kpi::commands::recompute;
use delivery_kpi::decode::{Decoded, Decoder, Fingerprint, Selection, Zone};
use delivery_kpi::engine::{self, Partitions, Pool, Sheaf, Shelf, Shelved, Silent, Slab};
use delivery_kpi::extracts::{Extract, Links, Mapping, list, open};
use delivery_kpi::history::Meaning;
use delivery_kpi::job::Job;
use delivery_kpi::model::{
    Attributes, Catalog, Codes, DeadlineMode, Instant, Labels, Log, MachineRules, Policy,
};
use delivery_kpi::rollup::{Counter, DeliveryKpis, Partial, finish};
use delivery_kpi::stores::Access;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use shapes::SHAPES;
use std::fs::File;
use std::path::Path;
use tempfile::TempDir;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROWS: usize = 1 << 19;
/// 2026-02-01T00:00:00Z, when all is over.
const AS_OF: i64 = 1_769_904_000_000_000;

/// What decoding and folding need to know.
struct World {
    catalog: Catalog,
    codes: Codes,
    labels: Labels,
    zone: Zone,
    selection: Selection,
}

impl World {
    fn new() -> World {
        World {
            catalog: Catalog::default(),
            codes: Codes::default(),
            labels: Labels::default(),
            zone: Zone::UTC,
            selection: Selection::All,
        }
    }

    fn decoder(&self) -> Decoder<'_> {
        Decoder {
            catalog: &self.catalog,
            codes: &self.codes,
            labels: &self.labels,
            zone: &self.zone,
            selection: &self.selection,
            fingerprint: Fingerprint::random(),
            asks_domains: false,
            recipients: None,
            interval: None,
        }
    }

    fn decode(&self, batch: &RecordBatch, decoded: &mut Decoded<u64>) {
        decoded.events.clear();
        decoded.tails.clear();
        self.decoder()
            .decode(Log::Sending, true, batch, decoded)
            .expect("columns of the contract");
        assert_eq!(decoded.events.len(), batch.num_rows());
    }

    /// Folds the rows of one run with one thread.
    fn fold(&self, pool: &Pool, shelved: &Shelved, partitions: Partitions) -> Partial {
        let plain = Policy::new(&Attributes::default(), DeadlineMode::Infer);
        let policies = vec![plain; self.catalog.ids().len()];
        let meaning = Meaning {
            as_of: Instant::from_micros(AS_OF),
            codes: &self.codes,
            machines: &MachineRules::default(),
        };
        let start = || Partial::new(1);
        engine::fold::<u64, _>(
            pool,
            shelved,
            partitions.count(),
            &policies,
            meaning,
            start,
            &Silent,
        )
        .expect("rows in memory")
    }
}

/// The rows of one source, sorted by partition.
fn shelved(decoded: Decoded<u64>, partitions: Partitions) -> Shelved {
    let mut sheaf = Sheaf::default();
    sheaf.decoded = decoded;
    sheaf.end(0);
    let shelf = Shelf::new(None, None, partitions.count());
    shelf.put(Slab::of(&mut sheaf, partitions)).expect("room");
    shelf.close().expect("room")
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(ROWS as u64));
    for shape in SHAPES {
        let (world, batch) = (World::new(), shape.batch(ROWS));
        let mut decoded = Decoded::default();
        group.bench_function(shape.name, |bencher| {
            bencher.iter(|| world.decode(&batch, &mut decoded));
        });
    }
}

fn fold(criterion: &mut Criterion) {
    let pool = engine::pool(1).expect("a thread");
    let mut group = criterion.benchmark_group("fold");
    group.throughput(Throughput::Elements(ROWS as u64));
    for shape in SHAPES {
        let (world, partitions) = (World::new(), Partitions::for_rows(ROWS as u64, 0));
        let mut decoded = Decoded::default();
        world.decode(&shape.batch(ROWS), &mut decoded);
        let run = shelved(decoded, partitions);
        group.bench_function(shape.name, |bencher| {
            bencher.iter(|| world.fold(&pool, &run, partitions));
        });
    }
}

fn roll_up(criterion: &mut Criterion) {
    let pool = engine::pool(1).expect("a thread");
    let mut group = criterion.benchmark_group("roll_up");
    group.throughput(Throughput::Elements(ROWS as u64));
    for shape in SHAPES {
        let world = World::new();
        let mut decoded = Decoded::default();
        world.decode(&shape.batch(ROWS), &mut decoded);
        let one = Partitions::of(1);
        let partial = world.fold(&pool, &shelved(decoded, one), one);
        let ids = world.catalog.ids();
        group.bench_function(shape.name, |bencher| {
            bencher.iter(|| {
                let mut whole = Partial::new(1);
                whole.merge(&partial);
                let kpis = finish(&whole, &ids).expect("sums that hold");
                let processed = |d: &DeliveryKpis| d.total().get(Counter::Processed);
                let messages: i64 = kpis.deliveries.iter().map(processed).sum();
                assert_eq!(messages, shape.messages(ROWS) as i64);
            });
        });
    }
}

/// The columns of these Parquet files, decoded and thrown away: what [`whole_job`] cannot be faster
/// than.
fn floor(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("floor");
    group
        .throughput(Throughput::Elements(ROWS as u64))
        .sample_size(10);
    let mapping = Mapping::default();
    for shape in [SHAPES[0], SHAPES[1]] {
        let extracts = TempDir::new().expect("a directory");
        write(&shape.batch(ROWS), extracts.path());
        let files = list(extracts.path(), Links::Inside, &Access::default())
            .expect("a listing")
            .files;
        for threads in [1, 2] {
            let pool = engine::pool(threads).expect("threads");
            let decode = |at: usize| {
                let file = open(Extract::SendingLog, &files[at], &mapping).expect("a footer");
                let projection = file.projection(&mapping, false);
                for group in 0..file.row_groups() {
                    let read = file.read(group, &projection, |batch| {
                        std::hint::black_box(batch);
                        Ok(())
                    });
                    read.expect("a row group");
                }
            };
            let id = BenchmarkId::new(shape.name, threads);
            group.bench_function(id, |bencher| {
                bencher.iter(|| engine::map(&pool, files.len(), decode));
            });
        }
    }
}

/// Parquet in, Delta tables out, with one thread and with two.
fn whole_job(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("whole_job");
    group
        .throughput(Throughput::Elements(ROWS as u64))
        .sample_size(10);
    for shape in [SHAPES[0], SHAPES[1]] {
        let extracts = TempDir::new().expect("a directory");
        write(&shape.batch(ROWS), extracts.path());
        for threads in [1, 2] {
            let id = BenchmarkId::new(shape.name, threads);
            group.bench_function(id, |bencher| {
                bencher.iter_batched(
                    || TempDir::new().expect("a directory"),
                    |output| recompute_all(extracts.path(), output, threads, shape.deliveries),
                    BatchSize::PerIteration,
                );
            });
        }
    }
}

/// Eight files of several row groups.
fn write(batch: &RecordBatch, folder: &Path) {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder()
        .set_compression(zstd)
        .set_max_row_group_row_count(Some(1 << 15))
        .build();
    let rows = batch.num_rows() / 8;
    for part in 0..8 {
        let file = File::create(folder.join(format!("{part}.parquet"))).expect("a file");
        let mut writer =
            ArrowWriter::try_new(file, batch.schema(), Some(properties.clone())).expect("a writer");
        writer.write(&batch.slice(part * rows, rows)).expect("rows");
        writer.close().expect("a footer");
    }
}

fn recompute_all(extracts: &Path, output: TempDir, threads: usize, deliveries: i64) -> TempDir {
    let flags = Recompute {
        extracts: Extracts {
            sending_log: Some(extracts.to_owned()),
            ..Extracts::default()
        },
        output: Some(output.path().to_owned()),
        meaning: cli::Meaning {
            as_of: Some("2026-02-01T00:00:00Z".to_owned()),
            ..cli::Meaning::default()
        },
        effort: Effort {
            threads: Some(threads),
            ..Effort::default()
        },
        ..Recompute::default()
    };
    let job = Job::resolve(&flags).expect("a job");
    let report = recompute::run(&job, &Silent).expect("a run");
    assert_eq!(report.deliveries, deliveries as u64);
    output
}

criterion_group!(benches, decode, fold, roll_up, floor, whole_job);
criterion_main!(benches);
