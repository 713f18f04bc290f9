//! Columns of rows, and the Parquet files that they go to.

use super::ImportError;
use super::output::{Out, Part};
use super::row::Cell;
use crate::extracts::{Column, Takes};
use arrow::array::{
    ArrayRef, BooleanBuilder, Int64Builder, RecordBatch, StringBuilder, StringDictionaryBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{KeyValue, ParquetMetaDataReader};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Rows that go to Parquet together.
const BATCH: usize = 1 << 13;
/// A row group waits in memory until it is full.
const ROW_GROUP_ROWS: usize = 1 << 17;

enum Builder {
    Text(StringBuilder),
    Label(StringDictionaryBuilder<Int32Type>),
    Integer(Int64Builder),
    Boolean(BooleanBuilder),
    Instant(TimestampMicrosecondBuilder),
}

impl Builder {
    fn new(column: &Column, integers: &BTreeSet<String>) -> Builder {
        match column.takes {
            Takes::Id if integers.contains(column.name) => Builder::Integer(Int64Builder::new()),
            Takes::Id | Takes::Text => Builder::Text(StringBuilder::new()),
            Takes::Label => Builder::Label(StringDictionaryBuilder::new()),
            Takes::Instant => {
                Builder::Instant(TimestampMicrosecondBuilder::new().with_timezone("UTC"))
            }
            Takes::Integer => Builder::Integer(Int64Builder::new()),
            Takes::Boolean => Builder::Boolean(BooleanBuilder::new()),
        }
    }

    /// Adds a value; one that is not of the column's type is none.
    fn add(&mut self, cell: &Cell<'_>) {
        match (self, cell) {
            (Builder::Text(column), Cell::Text(text)) => column.append_value(text),
            (Builder::Label(column), Cell::Text(text)) => column.append_value(text),
            (Builder::Integer(column), Cell::Integer(number)) => column.append_value(*number),
            (Builder::Boolean(column), Cell::Boolean(is)) => column.append_value(*is),
            (Builder::Instant(column), Cell::Instant(micros)) => column.append_value(*micros),
            (Builder::Text(column), _) => column.append_null(),
            (Builder::Label(column), _) => column.append_null(),
            (Builder::Integer(column), _) => column.append_null(),
            (Builder::Boolean(column), _) => column.append_null(),
            (Builder::Instant(column), _) => column.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Text(column) => Arc::new(column.finish()),
            Builder::Label(column) => Arc::new(column.finish()),
            Builder::Integer(column) => Arc::new(column.finish()),
            Builder::Boolean(column) => Arc::new(column.finish()),
            Builder::Instant(column) => Arc::new(column.finish()),
        }
    }
}

/// The rows of one extract, on their way to a file that is there once there is a row.
pub struct Sheet {
    columns: Vec<(&'static str, Builder)>,
    waiting: usize,
    file: Option<ArrowWriter<Out>>,
    /// The rows that were added.
    pub rows: u64,
}

impl Sheet {
    /// One with these columns.
    pub fn new(
        columns: impl Iterator<Item = &'static Column>,
        integers: &BTreeSet<String>,
    ) -> Sheet {
        Sheet {
            columns: columns
                .map(|column| (column.name, Builder::new(column, integers)))
                .collect(),
            waiting: 0,
            file: None,
            rows: 0,
        }
    }

    /// Adds a row; `part` makes the file.
    pub fn add(
        &mut self,
        row: &[Cell<'_>],
        part: impl FnOnce() -> Result<Out, ImportError>,
    ) -> Result<(), ImportError> {
        for ((_, builder), cell) in self.columns.iter_mut().zip(row) {
            builder.add(cell);
        }
        self.waiting += 1;
        self.rows += 1;
        match self.waiting < BATCH {
            true => Ok(()),
            false => self.write(part),
        }
    }

    fn write(
        &mut self,
        part: impl FnOnce() -> Result<Out, ImportError>,
    ) -> Result<(), ImportError> {
        self.waiting = 0;
        let columns = self.columns.iter_mut();
        let columns = columns.map(|(name, builder)| (*name, builder.finish(), true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns);
        let batch = batch.map_err(|error| ImportError::Parquet(error.into()))?;
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(ArrowWriter::try_new_with_options(
                part()?,
                batch.schema(),
                options(),
            )?),
        };
        Ok(file.write(&batch)?)
    }

    /// Writes what is left; the whole file, where there is one.
    pub fn finish(
        mut self,
        of: &str,
        part: impl FnOnce() -> Result<Out, ImportError>,
    ) -> Result<Option<Part>, ImportError> {
        if self.waiting > 0 {
            self.write(part)?;
        }
        match self.file {
            Some(mut file) => {
                let of = KeyValue::new(MADE_OF.to_owned(), of.to_owned());
                file.append_key_value_metadata(of);
                Ok(Some(file.into_inner()?.finish()?))
            }
            None => Ok(None),
        }
    }
}

/// The key in the metadata of a file of what it was made of.
const MADE_OF: &str = "made_of";

/// What a file that is there was made of, as far as it says so.
pub fn made_of(file: &std::fs::File) -> Option<String> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(file).ok()?;
    let pairs = metadata.file_metadata().key_value_metadata()?.iter();
    let pair = pairs.into_iter().find(|pair| pair.key == MADE_OF)?;
    pair.value.clone()
}

/// Zstd, and statistics of row groups. Columns with hardly a value twice have no dictionary.
fn options() -> ArrowWriterOptions {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by("delivery-kpi import".to_owned());
    for name in ["message_id", "recipient_id", "event_at", "log_id"] {
        properties = properties.set_column_dictionary_enabled(name.into(), false);
    }
    // The embedded Arrow schema would be half of a small file.
    ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(true)
}
