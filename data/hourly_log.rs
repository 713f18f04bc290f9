//! The two logs as hourly Parquet files, with the faults of real extracts: copies, late rows,
//! corrections.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Int32Array, Int64Array, RecordBatch,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

/// In microseconds, as every instant here.
pub const HOUR: i64 = 3_600_000_000;
/// 2026-03-01T00:00:00Z; the deliveries name their hours from here on.
pub const MARCH: i64 = 1_772_323_200_000_000;
/// The extracts end here, two hours after the as-of of `jobs/sample.toml`: these hours are the future.
pub const END: i64 = MARCH + (7 * 24 + 14) * HOUR;
/// This delivery is exported as statuses instead of events.
pub const STATUS_FORM: i64 = 4108;
/// The tracking rows of this delivery have no `log_id`.
pub const WITHOUT_LOG_ID: i64 = 4104;

/// `SplitMix64`.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..limit`.
    pub fn below(&mut self, limit: i64) -> i64 {
        (self.next() >> 1).cast_signed() % limit.max(1)
    }

    pub fn chance(&mut self, per_mille: i64) -> bool {
        self.below(1000) < per_mille
    }

    pub fn one_of<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let nth = self.below(i64::try_from(choices.len()).unwrap_or(1));
        usize::try_from(nth)
            .ok()
            .and_then(|n| choices.get(n))
            .copied()
            .unwrap_or_default()
    }

    /// A wait of `mean` on average: mostly shorter, at times up to eight times as long.
    pub fn wait(&mut self, mean: i64) -> i64 {
        let parts: i64 = (0..3).map(|_| self.below(100) + 1).product();
        1 + parts * (mean / 125_000)
    }
}

/// One row of either log.
#[derive(Clone, Default)]
pub struct Row {
    pub delivery: i64,
    pub message: i64,
    pub recipient: Option<i64>,
    /// The event or the type.
    pub what: Option<&'static str>,
    pub at: Option<i64>,
    /// The failure reason or the link.
    pub detail: Option<i64>,
    pub log_id: Option<i64>,
    pub revision: Option<i64>,
    pub deleted: Option<bool>,
    pub is_test: Option<bool>,
    pub machine: Option<bool>,
}

/// A log in hourly files.
pub struct Log {
    name: &'static str,
    files: BTreeMap<i64, Vec<Row>>,
    next_log_id: i64,
}

impl Log {
    pub fn new(name: &'static str, next_log_id: i64) -> Self {
        Self {
            name,
            files: BTreeMap::new(),
            next_log_id,
        }
    }

    /// Puts a row into the file of its hour, sometimes of a later one, sometimes of two; now and then
    /// a correction follows.
    pub fn add(&mut self, rng: &mut Random, mut row: Row) {
        let Some(at) = row.at.filter(|at| *at < END) else {
            return;
        };
        if row.delivery != WITHOUT_LOG_ID || self.name == "sending_log" {
            row.log_id = Some(self.next_log_id);
            self.next_log_id += 1;
        }
        let late = if rng.chance(15) { 1 + rng.below(30) } else { 0 };
        let hour = at.div_euclid(HOUR) + late;
        if rng.chance(15) {
            self.put(hour + 1, row.clone());
        }
        if rng.chance(12) && row.log_id.is_some() && row.what != Some("relayed") {
            self.correct(rng, hour + 1 + row.message % 20, row.clone());
        }
        self.put(hour, row);
    }

    /// One correction of a row: a deletion, another instant, or a deletion that is taken back.
    fn correct(&mut self, rng: &mut Random, hour: i64, mut row: Row) {
        row.revision = Some(1);
        match rng.below(3) {
            0 => {
                (row.what, row.at, row.detail) = (None, None, None);
                row.deleted = Some(true);
            }
            1 => {
                row.at = row.at.map(|at| at + HOUR / 3);
                row.deleted = Some(false);
            }
            _ => {
                let mut back = row.clone();
                back.revision = Some(2);
                if back.what == Some("hard_bounce") {
                    (back.what, back.detail) = (Some("delivered"), None);
                }
                self.put(hour + 3, back);
                row.deleted = Some(true);
            }
        }
        self.put(hour, row);
    }

    fn put(&mut self, hour: i64, row: Row) {
        self.files
            .entry(hour.min(END / HOUR - 1))
            .or_default()
            .push(row);
    }

    pub fn rows(&self) -> usize {
        self.files.values().map(Vec::len).sum()
    }

    /// Writes one file per hour, with the columns that only this log has in the middle.
    pub fn write(&mut self, root: &Path, own: fn(&[Row]) -> Columns) -> Result<(), Box<dyn Error>> {
        let folder = root.join(self.name);
        fs::create_dir_all(&folder)?;
        for (hour, rows) in &mut self.files {
            rows.sort_by_key(|row| row.at);
            let since = hour - MARCH / HOUR;
            let file = format!(
                "{}-2026-03-{:02}T{:02}.parquet",
                self.name,
                1 + since / 24,
                since % 24
            );
            let mut columns = vec![
                ("delivery_id", integers(rows, |row| Some(row.delivery))),
                ("message_id", integers(rows, |row| Some(row.message))),
                ("recipient_id", integers(rows, |row| row.recipient)),
                ("event_at", instants(rows, |row| row.at)),
            ];
            columns.extend(own(rows));
            columns.extend([
                ("log_id", integers(rows, |row| row.log_id)),
                ("revision", integers(rows, |row| row.revision)),
                ("deleted", booleans(rows, |row| row.deleted)),
                ("is_test", booleans(rows, |row| row.is_test)),
            ]);
            write(&folder.join(file), columns)?;
        }
        Ok(())
    }
}

pub type Columns = Vec<(&'static str, ArrayRef)>;

pub fn integers<T>(rows: &[T], of: impl Fn(&T) -> Option<i64>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<Int64Array>())
}

pub fn booleans<T>(rows: &[T], of: impl Fn(&T) -> Option<bool>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<BooleanArray>())
}

pub fn instants<T>(rows: &[T], of: impl Fn(&T) -> Option<i64>) -> ArrayRef {
    let naive: TimestampMicrosecondArray = rows.iter().map(of).collect();
    Arc::new(naive.with_timezone("UTC"))
}

pub fn labels<T>(rows: &[T], of: impl Fn(&T) -> Option<&'static str>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<DictionaryArray<Int32Type>>())
}

/// The status and the failure type that the status form has in place of an event.
fn status(row: &Row) -> (Option<&'static str>, Option<&'static str>) {
    match row.what {
        Some("relayed") => (Some("Pending"), None),
        Some("delivered") => (Some("Sent"), None),
        Some("soft_bounce") => (Some("Failed"), Some("Soft")),
        Some("hard_bounce") => (Some("Failed"), Some("Hard")),
        _ => (None, None),
    }
}

pub fn sending_columns(rows: &[Row]) -> Columns {
    let reasons: Int32Array = rows
        .iter()
        .map(|row| row.detail.and_then(|d| i32::try_from(d).ok()))
        .collect();
    let domain = |row: &Row| {
        row.recipient.map(|r| {
            if r % 3 == 0 {
                "example.org"
            } else {
                "example.com"
            }
        })
    };
    let in_statuses = |row: &Row| row.delivery == STATUS_FORM;
    vec![
        ("recipient_domain", labels(rows, domain)),
        (
            "event",
            labels(rows, |row| row.what.filter(|_| !in_statuses(row))),
        ),
        (
            "status",
            labels(rows, |row| status(row).0.filter(|_| in_statuses(row))),
        ),
        (
            "failure_type",
            labels(rows, |row| status(row).1.filter(|_| in_statuses(row))),
        ),
        ("failure_reason", Arc::new(reasons)),
    ]
}

pub fn tracking_columns(rows: &[Row]) -> Columns {
    vec![
        ("type", labels(rows, |row| row.what)),
        ("url_id", integers(rows, |row| row.detail)),
        ("machine", booleans(rows, |row| row.machine)),
    ]
}

pub fn write(path: &Path, columns: Columns) -> Result<(), Box<dyn Error>> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, values)| (name, values, true)),
    )?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by("delivery-kpi sample data".to_owned())
        .build();
    // The embedded Arrow schema would be half of such a small file.
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true);
    let file = File::create(path)?;
    let mut writer = ArrowWriter::try_new_with_options(file, batch.schema(), options)?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(())
}
