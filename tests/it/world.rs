//! Histories as plain rows, and the Parquet writer that lays them out in many ways.

mod columns;
mod int96;
mod rows;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use columns::{Column, Values};
pub use rows::{BLANK, DeliveryRow, SendingRow, TrackingRow, World};

/// How instants are written. A unit that an instant does not fit gives way to microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instants {
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
    /// Microseconds without a zone.
    Naive,
    /// The deprecated INT96 of older writers; the whole file is written without arrow then.
    Int96,
    /// RFC 3339.
    Text,
}

/// What becomes of an optional column that is null in all rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    Omitted,
    TypedNulls,
    /// A column of type null (typed nulls with `Instants::Int96`).
    NullType,
}

/// How a world becomes files.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Identifiers but `log_id` as text, and codes as text even where they are only digits.
    pub string_ids: bool,
    /// How long the identifiers of messages are as text.
    pub message_text: fn(i64) -> String,
    pub instants: Instants,
    /// Shuffles the rows of every extract with this seed.
    pub shuffle: Option<u64>,
    /// Files per log, at least 1; some of them in subdirectories.
    pub files: usize,
    pub row_group_rows: usize,
    pub text_as_dictionary: bool,
    pub absent: Absent,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            string_ids: false,
            message_text,
            instants: Instants::Microsecond,
            shuffle: None,
            files: 1,
            row_group_rows: 1024,
            text_as_dictionary: false,
            absent: Absent::Omitted,
        }
    }
}

impl Layout {
    /// What the output holds for this delivery; an integer without string ids.
    pub fn delivery_id(&self, id: i64) -> String {
        if self.string_ids {
            delivery_text(id)
        } else {
            id.to_string()
        }
    }

    /// What stands in the extracts for this message.
    pub fn message_id(&self, id: i64) -> String {
        if self.string_ids {
            (self.message_text)(id)
        } else {
            id.to_string()
        }
    }

    fn ids(&self, values: Vec<Option<i64>>, text: fn(i64) -> String) -> Values {
        if self.string_ids {
            Values::Text(values.into_iter().map(|id| id.map(text)).collect())
        } else {
            Values::Int(values)
        }
    }

    /// An integer is never blank: null stands for it.
    fn recipients(&self, values: Vec<Option<i64>>) -> Values {
        let named = |id: Option<i64>| id.filter(|id| self.string_ids || *id != BLANK);
        self.ids(values.into_iter().map(named).collect(), recipient_text)
    }

    /// Labels or codes: 32-bit integers where all are digits and the identifiers are integers too.
    fn codes(&self, values: Vec<Option<String>>) -> Values {
        let code = |text: &String| {
            text.parse::<i32>()
                .ok()
                .filter(|code| code.to_string() == *text)
        };
        let all_codes = values.iter().flatten().all(|text| code(text).is_some());
        if self.string_ids || !all_codes || values.iter().all(Option::is_none) {
            Values::Text(values)
        } else {
            Values::Code(
                values
                    .iter()
                    .map(|text| text.as_ref().and_then(code))
                    .collect(),
            )
        }
    }
}

fn delivery_text(id: i64) -> String {
    format!("d-{id}")
}

/// One byte; enough for the messages of a random history.
pub fn one_byte(id: i64) -> String {
    let byte = u8::try_from(id).ok().filter(|id| *id < 90);
    char::from(b'!' + byte.expect("a small number")).to_string()
}

/// 1,000 bytes that all have in common, and 24 that tell them apart.
pub fn long_prefix(id: i64) -> String {
    format!("{}{id:024}", "campaign-".repeat(112)[..1000].to_owned())
}

/// 36 characters that look like a UUID and sort like the numbers.
pub fn message_text(id: i64) -> String {
    format!("{id:08x}-0a1b-4c2d-8e3f-{id:012x}")
}

pub fn url_text(id: i64) -> String {
    format!("{id:08x}-7777-4c2d-8e3f-{id:012x}")
}

fn recipient_text(id: i64) -> String {
    match id {
        BLANK => "  ".to_owned(),
        _ => format!("recipient {id:06}"),
    }
}

impl World {
    /// Writes `sending_log/`, and `tracking_log/` and `deliveries.parquet` if they have a row.
    pub fn write(&self, directory: &Path, layout: &Layout) {
        write_log(
            &directory.join("sending_log"),
            &shuffled(&self.sending, layout),
            layout,
            sending_columns,
        );
        if !self.tracking.is_empty() {
            write_log(
                &directory.join("tracking_log"),
                &shuffled(&self.tracking, layout),
                layout,
                tracking_columns,
            );
        }
        if !self.deliveries.is_empty() {
            write_deliveries(
                &directory.join("deliveries.parquet"),
                &self.deliveries,
                layout,
            );
        }
    }
}

/// Writes one file of a sending log.
pub fn write_sending(path: &Path, rows: &[SendingRow], layout: &Layout) {
    let columns = sending_columns(&shuffled(rows, layout), layout);
    write_files(&[path.to_owned()], columns, layout);
}

/// Writes one file of a tracking log.
pub fn write_tracking(path: &Path, rows: &[TrackingRow], layout: &Layout) {
    let columns = tracking_columns(&shuffled(rows, layout), layout);
    write_files(&[path.to_owned()], columns, layout);
}

/// Writes one file of a deliveries extract.
pub fn write_deliveries(path: &Path, rows: &[DeliveryRow], layout: &Layout) {
    let columns = delivery_columns(&shuffled(rows, layout), layout);
    write_files(&[path.to_owned()], columns, layout);
}

fn shuffled<T: Clone>(rows: &[T], layout: &Layout) -> Vec<T> {
    let mut rows = rows.to_vec();
    if let Some(seed) = layout.shuffle {
        fastrand::Rng::with_seed(seed).shuffle(&mut rows);
    }
    rows
}

fn write_log<T>(
    directory: &Path,
    rows: &[T],
    layout: &Layout,
    columns: fn(&[T], &Layout) -> Vec<Column>,
) {
    let path = |number: usize| match number % 2 {
        0 => directory.join(format!("part-{number:03}.parquet")),
        _ => directory.join(format!("day={number}/part-{number:03}.parq")),
    };
    let paths: Vec<_> = (0..layout.files.max(1)).map(path).collect();
    write_files(&paths, columns(rows, layout), layout);
}

/// Spreads the rows over the files, in order. Types are those of the whole extract.
fn write_files(paths: &[std::path::PathBuf], columns: Vec<Column>, layout: &Layout) {
    let columns: Vec<Column> = columns
        .into_iter()
        .filter(|column| {
            column.required || layout.absent != Absent::Omitted || !column.values.all_null()
        })
        .collect();
    let rows = columns.first().map_or(0, |column| column.values.len());
    let share = rows.div_ceil(paths.len()).max(1);
    for (number, path) in paths.iter().enumerate() {
        let range = (number * share).min(rows)..((number + 1) * share).min(rows);
        let folder = path.parent().expect("a file in a directory");
        fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let file =
            fs::File::create(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let compression = match number % 3 {
            0 => Compression::SNAPPY,
            1 => Compression::ZSTD(ZstdLevel::default()),
            _ => Compression::UNCOMPRESSED,
        };
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_max_row_group_row_count(Some(layout.row_group_rows.max(1)))
            .build();
        if layout.instants == Instants::Int96 {
            int96::write(
                file,
                &columns,
                range,
                layout.row_group_rows.max(1),
                properties,
            );
        } else {
            let batch = record_batch(&columns, layout).slice(range.start, range.len());
            let mut writer =
                ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a writer");
            writer.write(&batch).expect("a written batch");
            writer.close().expect("a closed file");
        }
    }
}

fn record_batch(columns: &[Column], layout: &Layout) -> RecordBatch {
    let arrays: Vec<ArrayRef> = columns.iter().map(|column| column.array(layout)).collect();
    let fields: Vec<Field> = columns
        .iter()
        .zip(&arrays)
        .map(|(column, array)| Field::new(column.name, array.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length")
}

/// The values of one field of all rows.
fn all<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

fn sending_columns(rows: &[SendingRow], layout: &Layout) -> Vec<Column> {
    let has_status = rows.iter().any(|row| row.status.is_some());
    let has_event = rows.iter().any(|row| row.event.is_some());
    vec![
        Column::required(
            "delivery_id",
            layout.ids(all(rows, |row| row.delivery_id), delivery_text),
        ),
        Column::required(
            "message_id",
            layout.ids(all(rows, |row| row.message_id), layout.message_text),
        ),
        Column {
            required: has_event || !has_status,
            ..Column::optional("event", Values::Text(all(rows, |row| row.event.clone())))
        },
        Column {
            required: has_status,
            ..Column::optional("status", Values::Text(all(rows, |row| row.status.clone())))
        },
        Column {
            required: has_status,
            ..Column::optional(
                "failure_type",
                Values::Text(all(rows, |row| row.failure_type.clone())),
            )
        },
        Column::required("event_at", Values::Instant(all(rows, |row| row.event_at))),
        Column::optional(
            "failure_reason",
            layout.codes(all(rows, |row| row.failure_reason.clone())),
        ),
        Column::optional(
            "recipient_id",
            layout.recipients(all(rows, |row| row.recipient_id)),
        ),
        Column::optional(
            "recipient_domain",
            Values::Text(all(rows, |row| row.recipient_domain.clone())),
        ),
        Column::optional("log_id", Values::Int(all(rows, |row| row.log_id))),
        Column::optional("revision", Values::Int(all(rows, |row| row.revision))),
        Column::optional("deleted", Values::Bool(all(rows, |row| row.deleted))),
        Column::optional("is_test", Values::Bool(all(rows, |row| row.is_test))),
    ]
}

fn tracking_columns(rows: &[TrackingRow], layout: &Layout) -> Vec<Column> {
    vec![
        Column::required(
            "delivery_id",
            layout.ids(all(rows, |row| row.delivery_id), delivery_text),
        ),
        Column::required(
            "message_id",
            layout.ids(all(rows, |row| row.message_id), layout.message_text),
        ),
        Column::optional(
            "recipient_id",
            layout.recipients(all(rows, |row| row.recipient_id)),
        ),
        Column::required(
            "type",
            layout.codes(all(rows, |row| row.tracking_type.clone())),
        ),
        Column::required("event_at", Values::Instant(all(rows, |row| row.event_at))),
        Column::optional("url_id", layout.ids(all(rows, |row| row.url_id), url_text)),
        Column::optional("log_id", Values::Int(all(rows, |row| row.log_id))),
        Column::optional("revision", Values::Int(all(rows, |row| row.revision))),
        Column::optional("deleted", Values::Bool(all(rows, |row| row.deleted))),
        Column::optional("is_test", Values::Bool(all(rows, |row| row.is_test))),
        Column::optional("machine", Values::Bool(all(rows, |row| row.machine))),
    ]
}

fn delivery_columns(rows: &[DeliveryRow], layout: &Layout) -> Vec<Column> {
    vec![
        Column::required(
            "delivery_id",
            layout.ids(all(rows, |row| row.delivery_id), delivery_text),
        ),
        Column::optional("label", Values::Text(all(rows, |row| row.label.clone()))),
        Column::optional(
            "channel",
            Values::Text(all(rows, |row| row.channel.clone())),
        ),
        Column::optional(
            "parent_delivery_id",
            layout.ids(all(rows, |row| row.parent_delivery_id), delivery_text),
        ),
        Column::optional(
            "started_at",
            Values::Instant(all(rows, |row| row.started_at)),
        ),
        Column::optional(
            "validity_end",
            Values::Instant(all(rows, |row| row.validity_end)),
        ),
        Column::optional(
            "modified_at",
            Values::Instant(all(rows, |row| row.modified_at)),
        ),
        Column::optional("to_deliver", Values::Int(all(rows, |row| row.to_deliver))),
        Column::optional("efs", Values::Bool(all(rows, |row| row.efs))),
    ]
}
