//! Columns of Arrow from rows, and Parquet files as exporters write them.

use super::random::mix;
use super::{GenerateError, Written};
use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Int64Array, RecordBatch, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Int32Type, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Columns under their names.
#[derive(Default)]
pub(super) struct Columns(Vec<(&'static str, ArrayRef)>);

impl Columns {
    pub fn add(&mut self, name: &'static str, values: ArrayRef) {
        self.0.push((name, values));
    }

    pub fn batch(self) -> Result<RecordBatch, ArrowError> {
        let columns = self
            .0
            .into_iter()
            .map(|(name, values)| (name, values, true));
        RecordBatch::try_from_iter_with_nullable(columns)
    }
}

pub(super) fn integers<T>(rows: &[T], of: impl Fn(&T) -> Option<i64>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<Int64Array>())
}

pub(super) fn booleans<T>(rows: &[T], of: impl Fn(&T) -> Option<bool>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<BooleanArray>())
}

pub(super) fn instants<T>(rows: &[T], of: impl Fn(&T) -> Option<i64>) -> ArrayRef {
    let naive: TimestampMicrosecondArray = rows.iter().map(of).collect();
    Arc::new(naive.with_timezone("UTC"))
}

pub(super) fn labels<'a, T>(rows: &'a [T], of: impl Fn(&'a T) -> Option<&'a str>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<DictionaryArray<Int32Type>>())
}

/// Identifiers: integers, or text of 36 characters in the form of a UUID.
pub(super) fn ids<T>(text: bool, rows: &[T], of: impl Fn(&T) -> Option<i64>) -> ArrayRef {
    if !text {
        return integers(rows, of);
    }
    let mut column = StringBuilder::with_capacity(rows.len(), rows.len() * 36);
    for row in rows {
        match of(row).map(uuid) {
            Some(text) => column.append_value(String::from_utf8_lossy(&text)),
            None => column.append_null(),
        }
    }
    Arc::new(column.finish())
}

/// The text that stands for a number. It holds all 64 bits of a bijection of it, so no two are equal.
fn uuid(number: i64) -> [u8; 36] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let unique = mix(number.cast_unsigned());
    let mut bits = (u128::from(unique) << 64) | u128::from(mix(unique ^ 1));
    let mut text = [b'-'; 36];
    for (place, letter) in text.iter_mut().enumerate() {
        *letter = match place {
            8 | 13 | 18 | 23 => continue,
            // Version 8 is for whatever an application likes.
            14 => b'8',
            19 => b'a',
            _ => {
                bits = bits.rotate_left(4);
                DIGITS[(bits & 15) as usize]
            }
        };
    }
    text
}

/// A Parquet file that is being written.
pub(super) struct Writer {
    path: PathBuf,
    file: ArrowWriter<File>,
    rows: u64,
}

impl Writer {
    pub fn create(path: &Path, schema: &SchemaRef) -> Result<Writer, GenerateError> {
        let file = File::create(path).map_err(|error| GenerateError::io(path, error))?;
        let file = ArrowWriter::try_new_with_options(file, schema.clone(), options())
            .map_err(|error| GenerateError::parquet(path, error))?;
        Ok(Writer {
            path: path.to_owned(),
            file,
            rows: 0,
        })
    }

    pub fn write(&mut self, batch: Result<RecordBatch, ArrowError>) -> Result<(), GenerateError> {
        let written = batch.map_err(Into::into).and_then(|batch| {
            self.rows += batch.num_rows() as u64;
            self.file.write(&batch)
        });
        written.map_err(|error| GenerateError::parquet(&self.path, error))
    }

    pub fn close(mut self) -> Result<Written, GenerateError> {
        self.file
            .finish()
            .map_err(|error| GenerateError::parquet(&self.path, error))?;
        Ok(Written {
            files: 1,
            rows: self.rows,
            bytes: self.file.bytes_written() as u64,
        })
    }
}

/// Zstd, and statistics of row groups. Columns with hardly a value twice have no dictionary.
fn options() -> ArrowWriterOptions {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .set_created_by("delivery-kpi generate".to_owned());
    for name in ["message_id", "recipient_id", "event_at", "log_id"] {
        properties = properties.set_column_dictionary_enabled(name.into(), false);
    }
    // The embedded Arrow schema would be half of a small file.
    ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn texts_have_the_form_of_a_uuid_and_differ() {
        let texts: BTreeSet<[u8; 36]> = (0..10_000).map(uuid).collect();
        assert_eq!(texts.len(), 10_000);
        for text in texts.iter().take(100) {
            let text = std::str::from_utf8(text).unwrap();
            let id: ::uuid::Uuid = text.parse().unwrap();
            assert_eq!((id.to_string().as_str(), id.get_version_num()), (text, 8));
        }
    }
}
