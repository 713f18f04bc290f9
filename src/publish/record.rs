//! The record of a run: a row of `kpi_run`.

use super::{AlertRecord, Rows};
use arrow::array::{MapFieldNames, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::json::{LineDelimitedWriter, ReaderBuilder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a run did, with what, and to what end. Instants are RFC 3339 in UTC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// The run; the rows it wrote carry it.
    pub run_id: String,
    /// 1 for the first run of an output, then one more for each; the newest row has the highest.
    pub run_number: i64,
    /// When it started.
    pub started_at: String,
    /// When its data tables were committed.
    pub finished_at: String,
    /// The instant the KPIs are computed for.
    pub as_of: String,
    /// The version of the program.
    pub program_version: String,
    /// The arguments it was started with.
    pub arguments: Vec<String>,
    /// `full`, `incremental` (what has changed since the run before), `selected` (some deliveries) or
    /// `event_time` (those with events in an interval).
    pub mode: String,
    /// `infer` or `reported`.
    pub deadline: String,
    /// A digest of the names and contents of all files of the logs.
    pub listing: Option<String>,
    /// The run whose state tells which rows are in which files; the next run may build on that of this one.
    pub state: Option<String>,
    /// By log, the sums over its files.
    pub logs: Vec<LogRecord>,
    /// By file, what was read and what became of it.
    pub files: Vec<FileRecord>,
    /// By file, what has been reported as left out, by this run or an earlier one, and does not count
    /// again.
    pub reported: Vec<ReportedRecord>,
    /// The deliveries whose published rows stay as they are, because files with rows of them are gone.
    pub frozen: Vec<String>,
    /// Numbers beyond the thresholds of the job.
    pub alerts: Vec<AlertRecord>,
    /// By table, what the run did to its rows.
    pub tables: Vec<TableRecord>,
    /// Seconds by stage.
    pub stage_seconds: BTreeMap<String, f64>,
    /// The version of each data table that belongs to this run.
    pub table_versions: BTreeMap<String, i64>,
}

/// What became of the rows of one log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogRecord {
    /// `sending_log`, `tracking_log` or `deliveries`.
    pub log: String,
    /// Data files read.
    pub files_read: i64,
    /// Data files left out because they could not be read.
    pub files_skipped: i64,
    /// Data files read of which nobody can tell whether a bit of them was flipped.
    pub files_unverified: i64,
    /// The newest instant of a row that was not rejected.
    pub newest_event_at: Option<String>,
    /// Rows, by what became of them.
    #[serde(flatten)]
    pub rows: Rows,
}

/// What became of the rows of one file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileRecord {
    /// `sending_log`, `tracking_log` or `deliveries`.
    pub log: String,
    /// Its name below the extract's path.
    pub file: String,
    /// Its size.
    pub bytes: i64,
    /// Whether it has the digest that a manifest gives for it, or all its pages that were read have the checksums
    /// that its writer left.
    pub is_verified: bool,
    /// The oldest instant of a row of it that was not rejected.
    pub oldest_event_at: Option<String>,
    /// The newest one.
    pub newest_event_at: Option<String>,
    /// Why it was left out as a whole, if it was.
    pub skipped: Option<String>,
    /// Rows, by what became of them.
    #[serde(flatten)]
    pub rows: Rows,
    /// Rejected rows by reason.
    pub rejections: Vec<RejectionRecord>,
}

/// How many rows were rejected for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RejectionRecord {
    /// The contract's name of the column.
    pub column: String,
    /// What is wrong there.
    pub reason: String,
    /// How many rows.
    pub rows: i64,
}

/// What of a file has been reported as left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportedRecord {
    /// `sending_log`, `tracking_log` or `deliveries`.
    pub log: String,
    /// Its name below the extract's path.
    pub file: String,
    /// The most rejected rows that a run has reported.
    pub rows_rejected: i64,
    /// Whether the last run that listed it left it out as a whole.
    pub skipped: bool,
}

/// What a run did to the rows of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableRecord {
    /// The table.
    pub table: String,
    /// New rows.
    pub rows_inserted: i64,
    /// Rows with another value.
    pub rows_changed: i64,
    /// Rows that are no longer there.
    pub rows_removed: i64,
    /// Rows computed again and found the same.
    pub rows_unchanged: i64,
}

const ROWS: [&str; 12] = [
    "rows_read",
    "rows_counted",
    "rows_duplicate",
    "rows_superseded",
    "rows_deleted",
    "rows_future",
    "rows_frozen",
    "rows_rejected",
    "rows_not_selected",
    "rows_unknown_type",
    "rows_test",
    "rows_orphan",
];

impl RunRecord {
    /// The state that the next run may build on, if this one has left one.
    pub fn own_state(&self) -> Option<&str> {
        self.state.as_deref().filter(|state| *state == self.run_id)
    }

    /// The columns of `kpi_run`.
    pub fn schema() -> SchemaRef {
        let text = |name| field(name, DataType::Utf8);
        let number = |name| field(name, DataType::Int64);
        let rows = || ROWS.map(number);
        let log = [
            text("log"),
            number("files_read"),
            number("files_skipped"),
            number("files_unverified"),
            instant("newest_event_at"),
        ];
        let file = [
            text("log"),
            text("file"),
            number("bytes"),
            field("is_verified", DataType::Boolean),
            instant("oldest_event_at"),
            instant("newest_event_at"),
            text("skipped"),
        ];
        let reported = [
            text("log"),
            text("file"),
            number("rows_rejected"),
            field("skipped", DataType::Boolean),
        ];
        let rejection = [text("column"), text("reason"), number("rows")];
        let table = [
            text("table"),
            number("rows_inserted"),
            number("rows_changed"),
            number("rows_removed"),
            number("rows_unchanged"),
        ];
        let number_of = |name| field(name, DataType::Float64);
        let alert = [
            text("rule"),
            text("delivery_id"),
            text("log"),
            number_of("value"),
            number_of("threshold"),
            text("since_run"),
            field("is_told", DataType::Boolean),
        ];
        let of_file = file
            .into_iter()
            .chain(rows())
            .chain([structs("rejections", rejection)]);
        Arc::new(Schema::new(vec![
            text("run_id"),
            number("run_number"),
            instant("started_at"),
            instant("finished_at"),
            instant("as_of"),
            text("program_version"),
            list("arguments", DataType::Utf8),
            text("mode"),
            text("deadline"),
            text("listing"),
            text("state"),
            structs("logs", log.into_iter().chain(rows())),
            structs("files", of_file),
            structs("reported", reported),
            list("frozen", DataType::Utf8),
            structs("alerts", alert),
            structs("tables", table),
            map("stage_seconds", DataType::Float64),
            map("table_versions", DataType::Int64),
        ]))
    }

    /// The record as a row.
    pub fn to_batch(&self) -> Result<RecordBatch, ArrowError> {
        let mut decoder = ReaderBuilder::new(Self::schema()).build_decoder()?;
        decoder.serialize(std::slice::from_ref(self))?;
        decoder
            .flush()?
            .ok_or_else(|| ArrowError::JsonError("a record without a row".to_owned()))
    }

    /// The records of a batch of rows; what this version does not know is left out.
    pub fn from_batch(batch: &RecordBatch) -> Result<Vec<RunRecord>, ArrowError> {
        from_rows(batch)
    }
}

/// The rows of a batch as records; columns that they do not know are left out.
pub(super) fn from_rows<T: DeserializeOwned>(batch: &RecordBatch) -> Result<Vec<T>, ArrowError> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    writer
        .into_inner()
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            serde_json::from_slice(line).map_err(|error| ArrowError::JsonError(error.to_string()))
        })
        .collect()
}

fn field(name: &str, data_type: DataType) -> FieldRef {
    Arc::new(Field::new(name, data_type, true))
}

fn instant(name: &str) -> FieldRef {
    field(
        name,
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    )
}

fn list(name: &str, item: DataType) -> FieldRef {
    field(
        name,
        DataType::List(Arc::new(Field::new("element", item, true))),
    )
}

fn structs(name: &str, fields: impl IntoIterator<Item = FieldRef>) -> FieldRef {
    list(name, DataType::Struct(fields.into_iter().collect()))
}

fn map(name: &str, value: DataType) -> FieldRef {
    let names = MapFieldNames {
        entry: "key_value".to_owned(),
        key: "key".to_owned(),
        value: "value".to_owned(),
    };
    let entry = DataType::Struct(
        [
            Arc::new(Field::new(names.key, DataType::Utf8, false)),
            Arc::new(Field::new(names.value, value, true)),
        ]
        .into_iter()
        .collect(),
    );
    field(
        name,
        DataType::Map(Arc::new(Field::new(names.entry, entry, false)), false),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_was() {
        let record = RunRecord {
            run_id: "r".to_owned(),
            run_number: 3,
            started_at: "2026-03-02T09:00:00.000001Z".to_owned(),
            finished_at: "2026-03-02T09:00:01Z".to_owned(),
            as_of: "2026-03-02T09:00:00Z".to_owned(),
            arguments: vec!["recompute".to_owned()],
            logs: vec![LogRecord {
                log: "sending_log".to_owned(),
                rows: Rows {
                    rows_read: 7,
                    rows_counted: 7,
                    ..Rows::default()
                },
                ..LogRecord::default()
            }],
            files: vec![FileRecord {
                file: "a.parquet".to_owned(),
                rejections: vec![RejectionRecord {
                    column: "event".to_owned(),
                    reason: "null".to_owned(),
                    rows: 2,
                }],
                ..FileRecord::default()
            }],
            reported: vec![ReportedRecord {
                rows_rejected: 2,
                skipped: true,
                ..ReportedRecord::default()
            }],
            alerts: vec![AlertRecord {
                rule: "input_hours".to_owned(),
                log: Some("sending_log".to_owned()),
                value: Some(2.5),
                ..AlertRecord::default()
            }],
            stage_seconds: BTreeMap::from([("reading".to_owned(), 0.5)]),
            table_versions: BTreeMap::from([("delivery_kpi".to_owned(), 4)]),
            ..RunRecord::default()
        };
        let batch = record.to_batch().expect("a row");
        assert_eq!(RunRecord::from_batch(&batch).expect("records"), [record]);
    }
}
