//! A folder with extracts, job files and an output, and runs of the real program in it.

mod breakdowns;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use tempfile::TempDir;

use super::delta::{self, Row};
use super::run::Outcome;
use super::world::{DeliveryRow, Layout, SendingRow, TrackingRow, World};
pub use breakdowns::{
    BY_REASON_TABLE, BY_URL_TABLE, by_reason, by_url, domain_part, reason_part, url_part,
};

/// 2026-03-02T09:00:00Z in microseconds, as every instant here.
pub const NINE: i64 = 1_772_442_000_000_000;
pub const MINUTE: i64 = 60_000_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
/// The as-of of runs that name none.
pub const AS_OF: &str = "2026-03-02T12:00:00Z";
/// The same in microseconds.
pub const NOON: i64 = NINE + 3 * HOUR;

/// Extracts under `in/`, tables under `out/`; whatever a test adds beside them.
pub struct Site {
    folder: TempDir,
}

impl Site {
    pub fn new(world: &World) -> Site {
        Site::laid_out(world, &Layout::default())
    }

    pub fn laid_out(world: &World, layout: &Layout) -> Site {
        let site = Site {
            folder: TempDir::new().expect("a temporary directory"),
        };
        site.rewrite(world, layout);
        site
    }

    /// Puts other extracts in the place of those that are there.
    pub fn rewrite(&self, world: &World, layout: &Layout) {
        let extracts = self.path("in");
        if extracts.exists() {
            fs::remove_dir_all(&extracts).expect("old extracts go");
        }
        world.write(&extracts, layout);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A path as an argument.
    pub fn arg(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    pub fn output(&self) -> PathBuf {
        self.path("out")
    }

    /// Writes a file, and the folders that it is in.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
        fs::write(&path, content).expect("a written file");
        path
    }

    /// The program in this folder, with nothing said to it yet.
    pub fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_delivery-kpi"));
        command
            .current_dir(self.folder.path())
            .env_remove("NO_COLOR");
        command.stdin(Stdio::null());
        command
    }

    /// `recompute` with the extracts that are there and the output.
    pub fn recompute(&self) -> Command {
        let mut command = self.command(&["recompute"]);
        command.arg("--output").arg(self.output());
        command
    }

    /// These words, and the extracts that are there.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.program();
        command.args(words);
        for (flag, name) in [
            ("--sending-log", "in/sending_log"),
            ("--tracking-log", "in/tracking_log"),
            ("--deliveries", "in/deliveries.parquet"),
        ] {
            if self.path(name).exists() {
                command.arg(flag).arg(self.path(name));
            }
        }
        command
    }

    /// Runs these words with the extracts that are there, as of [`AS_OF`] where they name no other.
    pub fn ask(&self, words: &[&str]) -> Outcome {
        let mut command = self.command(words);
        if !words.contains(&"--as-of") {
            command.args(["--as-of", AS_OF]);
        }
        outcome(&mut command)
    }

    /// Recomputes with more flags, as of [`AS_OF`] where they name no other.
    pub fn run(&self, flags: &[&str]) -> Outcome {
        let mut command = self.recompute();
        if !flags.contains(&"--as-of") {
            command.args(["--as-of", AS_OF]);
        }
        outcome(command.args(flags))
    }

    /// Runs a job file of this text, with the extracts and the output of this folder before it.
    pub fn run_job(&self, keys: &str, flags: &[&str]) -> Outcome {
        let mut text = String::new();
        for (key, path) in [
            ("sending_log", "in/sending_log"),
            ("tracking_log", "in/tracking_log"),
            ("deliveries", "in/deliveries.parquet"),
        ] {
            if self.path(path).exists() {
                text += &format!("{key} = \"{path}\"\n");
            }
        }
        text += "output = \"out\"\n";
        if !keys.contains("as_of") && !flags.contains(&"--as-of") {
            text += &format!("as_of = \"{AS_OF}\"\n");
        }
        self.write("job.toml", text + keys);
        outcome(self.program().args(["recompute", "job.toml"]).args(flags))
    }

    /// The same runs, which must end with this exit code.
    pub fn run_to(&self, status: i32, flags: &[&str]) -> Outcome {
        self.run(flags).expect_status(status)
    }

    pub fn hourly(&self) -> BTreeMap<(String, i64), Row> {
        hourly(&self.output())
    }

    pub fn deliveries(&self) -> BTreeMap<String, Row> {
        deliveries(&self.output())
    }
}

impl Outcome {
    pub fn expect_status(self, status: i32) -> Outcome {
        assert_eq!(self.status, Some(status), "{}", self.text());
        self
    }

    /// Panics unless stderr holds every one of these.
    pub fn says(self, parts: &[&str]) -> Outcome {
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "stderr does not hold {part:?}: {}",
                self.text()
            );
        }
        self
    }

    /// Standard output as the one JSON object that it must be.
    pub fn data(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "one line: {}", self.text());
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Stderr as the one JSON object that it must be.
    pub fn json(&self) -> Value {
        assert_eq!(self.stderr.lines().count(), 1, "one line: {}", self.text());
        let value: Value = serde_json::from_str(&self.stderr)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()));
        assert!(value.is_object(), "{}", self.text());
        value
    }
}

/// Runs a command to its end.
pub fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().expect("the program starts");
    Outcome {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The rows of `delivery_kpi_hourly` of the newest run, by delivery and hour.
pub fn hourly(output: &Path) -> BTreeMap<(String, i64), Row> {
    let mut found = BTreeMap::new();
    for row in delta::committed(output, "delivery_kpi_hourly") {
        let key = (name(&row), number(&row, "hour"));
        let twice = found.insert(key.clone(), row);
        assert!(twice.is_none(), "two rows for {key:?}");
    }
    found
}

/// The rows of `delivery_kpi` of the newest run, by delivery.
pub fn deliveries(output: &Path) -> BTreeMap<String, Row> {
    let mut found = BTreeMap::new();
    for row in delta::committed(output, "delivery_kpi") {
        let key = name(&row);
        let twice = found.insert(key.clone(), row);
        assert!(twice.is_none(), "two rows for {key}");
    }
    found
}

fn name(row: &Row) -> String {
    match &row["delivery_id"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An integer of a row.
pub fn number(row: &Row, column: &str) -> i64 {
    let value = row.get(column).and_then(Value::as_i64);
    value.unwrap_or_else(|| panic!("{column} is no integer in {row:?}"))
}

/// Rows without what differs from run to run.
pub fn without_run<K: Clone + Ord>(rows: &BTreeMap<K, Row>) -> BTreeMap<K, Row> {
    let strip = |(key, row): (&K, &Row)| {
        let mut row = row.clone();
        row.remove("run_id").expect("a run_id");
        (key.clone(), row)
    };
    rows.iter().map(strip).collect()
}

/// How many runs an output has published; 0 where there is no output.
pub fn runs_published(output: &Path) -> usize {
    let table = output.join("kpi_run");
    if !table.join("_delta_log").exists() {
        return 0;
    }
    delta::read(&table, None).len()
}

/// What the newest run did to a table: rows new, changed, removed, the same.
pub fn changes(output: &Path, table: &str) -> [i64; 4] {
    let run = delta::newest_run(output);
    let tables = run["tables"].as_array().expect("a list of tables");
    let of_table = tables.iter().find(|row| row["table"] == table);
    let row = of_table.unwrap_or_else(|| panic!("{table} is not in {tables:?}"));
    let names = [
        "rows_inserted",
        "rows_changed",
        "rows_removed",
        "rows_unchanged",
    ];
    names.map(|name| row[name].as_i64().expect("an integer"))
}

/// The whole content of a folder, by path below it; empty where there is no such folder.
pub fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(&next) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(folder).expect("a path below").to_owned();
                found.insert(below, fs::read(&path).expect("a readable file"));
            }
        }
    }
    found
}

/// Writes a Parquet file with columns of any type.
pub fn write_parquet(path: &Path, columns: &[(String, ArrayRef)], properties: WriterProperties) {
    let field = |(name, array): &(String, ArrayRef)| {
        Field::new(name.as_str(), array.data_type().clone(), true)
    };
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let arrays = columns.iter().map(|(_, array)| array.clone()).collect();
    let batch = RecordBatch::try_new(schema.clone(), arrays).expect("columns of one length");
    fs::create_dir_all(path.parent().expect("a file in a folder")).expect("a folder");
    let file = fs::File::create(path).expect("a new file");
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).expect("a writer");
    writer.write(&batch).expect("a written batch");
    writer.close().expect("a closed file");
}

/// The columns of a Parquet file.
pub fn read_columns(path: &Path) -> Vec<(String, ArrayRef)> {
    let file = fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    let schema = builder.schema().clone();
    let batches: Result<Vec<RecordBatch>, _> = builder.build().expect("a reader").collect();
    let batch = concat_batches(&schema, &batches.expect("batches")).expect("one batch");
    let names = schema.fields().iter().map(|field| field.name().clone());
    names.zip(batch.columns().iter().cloned()).collect()
}

/// Writes a Parquet file again, its columns (the first of each pair) under other names (the second).
pub fn rename_columns(path: &Path, names: &[(&str, &str)]) {
    let mut columns = read_columns(path);
    for (from, to) in names {
        let column = columns.iter_mut().find(|(name, _)| name == from);
        column.unwrap_or_else(|| panic!("no column {from}")).0 = (*to).to_owned();
    }
    write_parquet(path, &columns, WriterProperties::default());
}

/// Writes a Parquet file again with row groups of ten rows, and spoils the message ids of one of them.
pub fn spoil_row_group(path: &Path, row_group: usize) {
    let ten = WriterProperties::builder().set_max_row_group_row_count(Some(10));
    write_parquet(path, &read_columns(path), ten.build());
    let file = fs::File::open(path).expect("the file");
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&file)
        .expect("a footer");
    let (start, length) = metadata.row_group(row_group).column(1).byte_range();
    let mut bytes = fs::read(path).expect("the file");
    bytes[start as usize..(start + length) as usize].fill(0xff);
    fs::write(path, bytes).expect("a spoilt file");
}

/// A report of a message.
pub fn report(delivery: i64, message: i64, event: &str, at: i64) -> SendingRow {
    SendingRow {
        delivery_id: Some(delivery),
        message_id: Some(message),
        event: Some(event.to_owned()),
        event_at: Some(at),
        ..SendingRow::default()
    }
}

/// A tracking row of a message.
pub fn tracked(delivery: i64, message: i64, tracking_type: &str, at: i64) -> TrackingRow {
    TrackingRow {
        delivery_id: Some(delivery),
        message_id: Some(message),
        tracking_type: Some(tracking_type.to_owned()),
        event_at: Some(at),
        ..TrackingRow::default()
    }
}

/// A row of the deliveries extract.
pub fn delivery(id: i64, label: &str) -> DeliveryRow {
    DeliveryRow {
        delivery_id: Some(id),
        label: Some(label.to_owned()),
        ..DeliveryRow::default()
    }
}

/// Delivery 1 with changes in the hours of 9, 10 and 11, delivery 2 in those of 9 and 10.
pub fn two_deliveries() -> World {
    World {
        deliveries: vec![delivery(1, "First"), delivery(2, "Second")],
        sending: vec![
            report(1, 11, "relayed", NINE),
            report(1, 12, "relayed", NINE + 5 * MINUTE),
            report(1, 11, "delivered", NINE + 10 * MINUTE),
            report(1, 12, "hard_bounce", NINE + 80 * MINUTE),
            report(2, 21, "relayed", NINE + 30 * MINUTE),
            report(2, 22, "relayed", NINE + 31 * MINUTE),
            report(2, 21, "soft_bounce", NINE + 70 * MINUTE),
        ],
        tracking: vec![
            tracked(1, 11, "open", NINE + 90 * MINUTE),
            tracked(1, 11, "click", NINE + 130 * MINUTE),
            tracked(2, 22, "open", NINE + 100 * MINUTE),
        ],
    }
}

/// Panics unless [`two_deliveries`] has its five hours: what later steps change was there to begin with.
pub fn assert_five_hours(rows: &BTreeMap<(String, i64), Row>) {
    let found: BTreeSet<(&str, i64)> = rows
        .keys()
        .map(|(delivery, hour)| (delivery.as_str(), (hour - NINE) / HOUR))
        .collect();
    let expected = [("1", 0), ("1", 1), ("1", 2), ("2", 0), ("2", 1)];
    assert_eq!(found, BTreeSet::from(expected));
}
