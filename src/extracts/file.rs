//! One data file: its footer, and batches of the needed columns.

use super::contract::{Column, Extract, Mapping, is_integer};
use super::footer;
use super::listing::SourceFile;
use super::page::Group;
use super::pages::Pages;
use super::schema;
use super::source::Source;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
};
use parquet::arrow::parquet_to_arrow_field_levels;
use parquet::basic::Type as Physical;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::Length;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rows that are decoded at a time: their columns fit the processor's cache.
const BATCH_ROWS: usize = 16 * 1024;

const LEADS_OUT: &str =
    "expected a file within its extract, found a symbolic link that leads out of it";

/// A file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{extract}, file {file}{}: {reason}", .row_group.map_or(String::new(), |group| format!(", row group {group}")))]
pub struct FileError {
    /// The extract.
    pub extract: Extract,
    /// The file.
    pub file: String,
    /// The row group, where the footer could be read.
    pub row_group: Option<usize>,
    /// What was expected and what was found.
    pub reason: String,
}

/// A data file whose footer has been read.
#[derive(Clone)]
pub struct OpenFile {
    /// The extract.
    pub extract: Extract,
    /// The file.
    pub file: SourceFile,
    schema: SchemaRef,
    /// With the types that are asked of the decoder.
    pub(super) metadata: ArrowReaderMetadata,
    /// Whether a page was read whose writer left no checksum.
    is_unverified: Arc<AtomicBool>,
}

/// The needed columns of a file.
pub struct Projection {
    roots: Vec<usize>,
    /// The contract's name of each, with its place among `roots`.
    names: Vec<(usize, &'static str)>,
}

/// Reads the footer of a file.
pub fn open(extract: Extract, file: &SourceFile, mapping: &Mapping) -> Result<OpenFile, FileError> {
    let failed = |reason: String| FileError {
        extract,
        file: file.name.clone(),
        row_group: None,
        reason,
    };
    if file.leads_out {
        return Err(failed(LEADS_OUT.to_owned()));
    }
    match file.is_as_expected() {
        Ok(true) => {}
        Ok(false) => return Err(failed("its digest is not that of the manifest".to_owned())),
        Err(error) => return Err(failed(error.to_string())),
    }
    let read = || -> Result<(SchemaRef, ArrowReaderMetadata), ParquetError> {
        let source = Source::for_footer(file)?;
        footer::check(&source)?;
        let metadata = ArrowReaderMetadata::load(&source, ArrowReaderOptions::new())?;
        check_rows(metadata.metadata(), source.len())?;
        let schema = metadata.schema().clone();
        Ok((schema, with_hints(extract, mapping, metadata)?))
    };
    let (schema, metadata) = guarded(read).map_err(failed)?;
    Ok(OpenFile {
        extract,
        file: file.clone(),
        schema,
        metadata,
        is_unverified: Arc::default(),
    })
}

/// Refuses rows that nobody has written: some bytes can stand for any number of rows that are all alike.
fn check_rows(metadata: &ParquetMetaData, bytes: u64) -> Result<(), ParquetError> {
    /// A row of a log takes some bytes.
    const ROWS_PER_BYTE: u64 = 64;
    /// So that small files of like rows are no exception.
    const ALWAYS: u64 = 1 << 20;
    let most = ALWAYS + bytes.saturating_mul(ROWS_PER_BYTE);
    let mut sum = 0u64;
    for group in metadata.row_groups() {
        let Ok(rows) = u32::try_from(group.num_rows()) else {
            let reason = "a row group with less than 0 or more than 2^32 rows";
            return Err(ParquetError::General(reason.to_owned()));
        };
        sum = sum.saturating_add(u64::from(rows));
    }
    match sum <= most {
        true => Ok(()),
        false => Err(ParquetError::General(
            "more rows than its bytes can hold, unless all are alike".to_owned(),
        )),
    }
}

/// Runs what decodes bytes of strangers: also a panic in it becomes the file's error.
pub(super) fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("expected a Parquet file, found {error}")),
        Err(_) => Err("expected a Parquet file, found one that its decoder panics on".to_owned()),
    }
}

/// Asks for labels as dictionaries with the keys that we use, so that each is looked up once and no key is
/// widened, for integers as they are stored, and for INT96 as microseconds in UTC, in which all plausible
/// ones fit.
fn with_hints(
    extract: Extract,
    mapping: &Mapping,
    metadata: ArrowReaderMetadata,
) -> Result<ArrowReaderMetadata, ParquetError> {
    let roots = metadata.parquet_schema().root_schema().get_fields();
    let fields: Vec<Field> = metadata
        .schema()
        .fields()
        .iter()
        .zip(roots)
        .map(|(field, root)| {
            let field = field.as_ref().clone();
            if root.is_primitive() && root.get_physical_type() == Physical::INT96 {
                return field.with_data_type(DataType::Timestamp(
                    TimeUnit::Microsecond,
                    Some("UTC".into()),
                ));
            }
            let recurs = extract
                .columns()
                .iter()
                .any(|column| column.recurs() && mapping.name(column.name) == field.name());
            let (values, is_dictionary) = match field.data_type() {
                DataType::Dictionary(_, values) => (values.as_ref(), true),
                plain => (plain, false),
            };
            let plain = match values {
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
                DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
                integers if is_dictionary && is_integer(integers) => {
                    let values = integers.clone();
                    return field.with_data_type(values);
                }
                _ => return field,
            };
            if !recurs {
                return field;
            }
            field.with_data_type(DataType::Dictionary(
                Box::new(DataType::Int32),
                Box::new(plain),
            ))
        })
        .collect();
    let schema = Schema::new_with_metadata(fields, metadata.schema().metadata().clone());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    ArrowReaderMetadata::try_new(metadata.metadata().clone(), options)
}

impl OpenFile {
    /// The columns of the file, with the types that they have in it.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Those of the columns that the job renames which the file has, by their names in the contract.
    pub fn renamed(&self, mapping: &Mapping) -> Vec<&'static str> {
        schema::renamed(self.extract, &self.schema, mapping)
    }

    /// How many row groups the file has.
    pub fn row_groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// How many rows a row group has, as the footer says.
    pub fn rows(&self, row_group: usize) -> u64 {
        let rows = self.metadata.metadata().row_group(row_group).num_rows();
        u64::try_from(rows).unwrap_or(0)
    }

    /// Whether a manifest gives a digest for the file, or all pages that were read so far had checksums; then
    /// they were those of its bytes.
    pub fn is_verified(&self) -> bool {
        self.file.expected.is_some() || !self.is_unverified.load(Ordering::Relaxed)
    }

    /// Whether the file has a `log_id`.
    pub fn has_log_id(&self, mapping: &Mapping) -> bool {
        let place = self.metadata.schema().index_of(mapping.name("log_id"));
        place.is_ok()
    }

    /// Which columns have to be decoded: those of the contract, and of these the ones that only
    /// tell rows of one `log_id` apart only where there is a `log_id` and they are asked for.
    pub fn projection(&self, mapping: &Mapping, with_tails: bool) -> Projection {
        self.projection_with(mapping, with_tails, &[])
    }

    /// The same, with some of the others.
    pub fn projection_with(
        &self,
        mapping: &Mapping,
        with_tails: bool,
        others: &[&str],
    ) -> Projection {
        let with_tails = with_tails && self.has_log_id(mapping);
        self.project(mapping, |column| {
            with_tails || !column.only_with_log_id || others.contains(&column.name)
        })
    }

    /// The identifiers of deliveries and messages alone.
    pub fn keys(&self, mapping: &Mapping) -> Projection {
        let keys = ["delivery_id", "message_id"];
        self.project(mapping, |column| keys.contains(&column.name))
    }

    /// The identifiers of the messages alone.
    pub fn messages(&self, mapping: &Mapping) -> Projection {
        self.project(mapping, |column| column.name == "message_id")
    }

    /// The `log_id`s alone.
    pub fn log_ids_alone(&self, mapping: &Mapping) -> Projection {
        self.project(mapping, |column| column.name == "log_id")
    }

    fn project(&self, mapping: &Mapping, is_needed: impl Fn(&Column) -> bool) -> Projection {
        let schema = self.metadata.schema();
        let place = |column: &str| schema.index_of(mapping.name(column)).ok();
        let mut columns: Vec<(usize, &'static str)> = self
            .extract
            .columns()
            .iter()
            .filter(|column| is_needed(column))
            .filter_map(|column| Some((place(column.name)?, column.name)))
            .collect();
        columns.sort_unstable();
        let mut roots: Vec<usize> = columns.iter().map(|(root, _)| *root).collect();
        roots.dedup();
        let in_batch = |(root, name)| (roots.partition_point(|other| *other < root), name);
        let names = columns.into_iter().map(in_batch).collect();
        Projection { roots, names }
    }

    /// Reads a row group, batch by batch, its columns under the contract's names. `take` may refuse
    /// a batch with a reason.
    pub fn read(
        &self,
        row_group: usize,
        projection: &Projection,
        take: impl FnMut(&RecordBatch) -> Result<(), String>,
    ) -> Result<(), FileError> {
        self.read_pages(row_group, None, projection, take)
    }

    /// The same of some of its pages.
    pub fn read_pages(
        &self,
        row_group: usize,
        pages: Option<&Pages>,
        projection: &Projection,
        mut take: impl FnMut(&RecordBatch) -> Result<(), String>,
    ) -> Result<(), FileError> {
        let failed = |reason: String| FileError {
            extract: self.extract,
            file: self.file.name.clone(),
            row_group: Some(row_group),
            reason,
        };
        let mut reader = guarded(|| self.reader(row_group, pages, projection)).map_err(failed)?;
        let next = |reader: &mut ParquetRecordBatchReader| {
            guarded(|| reader.next().transpose().map_err(ParquetError::from))
        };
        let mut rows = 0;
        while let Some(batch) = next(&mut reader).map_err(failed)? {
            rows += batch.num_rows() as u64;
            take(&renamed(&batch, projection).map_err(failed)?).map_err(failed)?;
        }
        let expected = pages.map_or(self.rows(row_group), |pages| pages.rows);
        if rows != expected {
            return Err(failed(format!("expected {expected} rows, found {rows}")));
        }
        match self.file.is_as_listed() {
            true => Ok(()),
            false => Err(failed("it changed while it was read".to_owned())),
        }
    }

    fn reader(
        &self,
        row_group: usize,
        pages: Option<&Pages>,
        projection: &Projection,
    ) -> Result<ParquetRecordBatchReader, ParquetError> {
        // The bytes of a row group of several would be read with those of all others, every time.
        let source = match self.row_groups() {
            1 => Source::open(&self.file)?,
            _ => Source::in_parts(&self.file)?,
        };
        let roots = projection.roots.iter().copied();
        let mask = ProjectionMask::roots(self.metadata.parquet_schema(), roots);
        let hints = self.metadata.schema().fields();
        let schema = self.metadata.parquet_schema();
        let levels = parquet_to_arrow_field_levels(schema, mask, Some(hints))?;
        let group = Group {
            source,
            metadata: self.metadata.metadata().clone(),
            row_group,
            is_unverified: self.is_unverified.clone(),
        };
        let selection = pages.map(|pages| pages.selection.clone());
        ParquetRecordBatchReader::try_new_with_row_groups(&levels, &group, BATCH_ROWS, selection)
    }
}

fn renamed(batch: &RecordBatch, projection: &Projection) -> Result<RecordBatch, String> {
    let column = |(place, name): &(usize, &'static str)| {
        let array = batch.column(*place).clone();
        (Field::new(*name, array.data_type().clone(), true), array)
    };
    let (fields, arrays): (Vec<_>, Vec<_>) = projection.names.iter().map(column).unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
        .map_err(|error| format!("expected the columns of the footer, found {error}"))
}
