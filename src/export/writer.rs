//! Batches of rows in the bytes of a format.

use super::texts::{flat, flat_schema};
use super::{ExportError, Format};
use arrow::array::RecordBatch;
use arrow::csv;
use arrow::datatypes::SchemaRef;
use arrow::json::LineDelimitedWriter;
use arrow::json::writer::{LineDelimited, WriterBuilder};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::io::Write;

/// A row group is kept in memory until it is full.
const ROW_GROUP_ROWS: usize = 1 << 17;

/// Where the bytes go.
pub type Out<'a> = &'a mut (dyn Write + Send);

/// Writes rows, which all have the columns it was made for.
pub enum Writer<'a> {
    /// Parquet.
    Parquet(Box<ArrowWriter<Out<'a>>>),
    /// CSV, and the columns it has.
    Csv(Box<csv::Writer<Out<'a>>>, SchemaRef),
    /// JSON Lines.
    JsonLines(LineDelimitedWriter<Out<'a>>),
}

impl<'a> Writer<'a> {
    /// Starts the bytes of a format.
    pub fn new(format: Format, schema: &SchemaRef, out: Out<'a>) -> Result<Self, ExportError> {
        Ok(match format {
            Format::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
                    .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
                    .build();
                let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties))?;
                Writer::Parquet(Box::new(writer))
            }
            Format::Csv => {
                let columns = flat_schema(schema);
                let mut writer = csv::WriterBuilder::new().build(out);
                // The header line comes with the first batch, also where there are no rows.
                writer.write(&RecordBatch::new_empty(columns.clone()))?;
                Writer::Csv(Box::new(writer), columns)
            }
            Format::JsonLines => {
                let builder = WriterBuilder::new().with_explicit_nulls(true);
                Writer::JsonLines(builder.build::<_, LineDelimited>(out))
            }
        })
    }

    /// Writes rows.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), ExportError> {
        match self {
            Writer::Parquet(writer) => writer.write(rows)?,
            Writer::Csv(writer, columns) => writer.write(&flat(rows, columns)?)?,
            Writer::JsonLines(writer) => writer.write(rows)?,
        }
        Ok(())
    }

    /// Writes what has to come at the end.
    pub fn finish(self) -> Result<(), ExportError> {
        match self {
            Writer::Parquet(writer) => drop(writer.close()?),
            // Each line stands for itself.
            Writer::Csv(..) => {}
            Writer::JsonLines(mut writer) => writer.finish()?,
        }
        Ok(())
    }
}
