use super::*;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::arrow::parquet_to_arrow_field_levels;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, Repetition, Type, ZstdLevel};
use parquet::file::metadata::{ColumnChunkMetaData, FileMetaData, ParquetMetaDataReader};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::schema::types::{SchemaDescriptor, Type as Schema};
use std::io::Write;

/// A header in Thrift's compact protocol.
pub(super) struct Head(Vec<u8>);

impl Head {
    pub(super) fn new(kind: i64, whole: usize, stored: usize, crc: Option<u32>) -> Head {
        let mut head = Head(Vec::new());
        for number in [kind, whole as i64, stored as i64] {
            head.0.push(0x15);
            head.int(number);
        }
        if let Some(crc) = crc {
            head.0.push(0x15);
            head.int(i64::from(crc as i32));
        }
        head
    }

    fn int(&mut self, number: i64) {
        let mut folded = (number << 1 ^ number >> 63) as u64;
        while folded >= 0x80 {
            self.0.push(folded as u8 | 0x80);
            folded >>= 7;
        }
        self.0.push(folded as u8);
    }

    /// Of version 1.
    pub(super) fn data(mut self, values: i64, encoding: i64) -> Vec<u8> {
        // Field 5, by its number.
        self.0.extend([0x0C, 10]);
        for number in [values, encoding, 3, 3] {
            self.0.push(0x15);
            self.int(number);
        }
        self.0.extend([0, 0]);
        self.0
    }

    pub(super) fn dictionary(mut self, values: i64) -> Vec<u8> {
        self.0.extend([0x0C, 14]);
        for number in [values, 0] {
            self.0.push(0x15);
            self.int(number);
        }
        self.0.extend([0, 0]);
        self.0
    }
}

/// One column of so many rows, none of them null, in the bytes of its pages.
pub(super) fn group(of: Type, compression: Compression, rows: i64, pages: &[u8]) -> Group {
    let column = Schema::primitive_type_builder("column", of)
        .with_repetition(Repetition::REQUIRED)
        // Of texts of a fixed length alone: more than one may have.
        .with_length(2 << 10)
        .build();
    let columns = vec![Arc::new(column.expect("a type"))];
    let root = Schema::group_type_builder("schema").with_fields(columns);
    let schema = Arc::new(SchemaDescriptor::new(Arc::new(
        root.build().expect("a type"),
    )));
    let chunk = ColumnChunkMetaData::builder(schema.column(0))
        .set_compression(compression)
        .set_num_values(rows)
        .set_data_page_offset(0)
        .set_total_compressed_size(pages.len() as i64)
        .build();
    let row_group = RowGroupMetaData::builder(schema.clone())
        .set_num_rows(rows)
        .add_column_metadata(chunk.expect("a column"))
        .build();
    let file = FileMetaData::new(1, rows, None, None, schema, None);
    let metadata = ParquetMetaData::new(file, vec![row_group.expect("a row group")]);
    Group {
        source: Source::Small(Bytes::copy_from_slice(pages)),
        metadata: Arc::new(metadata),
        row_group: 0,
        is_unverified: Arc::default(),
    }
}

fn pages(group: &Group) -> Result<Vec<Page>, String> {
    let mut chunks = group.column_chunks(0).map_err(|error| error.to_string())?;
    let reader = chunks.next().expect("a row group");
    let pages: Result<Vec<Page>, _> = reader.map_err(|error| error.to_string())?.collect();
    pages.map_err(|error| error.to_string())
}

/// What is wrong with a column.
pub(super) fn refusal(group: &Group) -> String {
    pages(group).expect_err("a refusal")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1));
    out.write_all(bytes).expect("memory takes everything");
    out.finish().expect("memory takes everything")
}

fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut out, 4096, 1, 20);
    writer.write_all(bytes).expect("memory takes everything");
    drop(writer);
    out
}

fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = snap::raw::Encoder::new();
    encoder
        .compress_vec(bytes)
        .expect("memory takes everything")
}

fn all(bytes: &[u8]) -> [(Compression, Vec<u8>); 6] {
    let zstd = zstd::bulk::compress(bytes, 1).expect("memory takes everything");
    let block = lz4_flex::block::compress(bytes);
    [
        (Compression::GZIP(GzipLevel::default()), gzip(bytes)),
        (Compression::BROTLI(BrotliLevel::default()), brotli(bytes)),
        (Compression::ZSTD(ZstdLevel::default()), zstd),
        (Compression::SNAPPY, snappy(bytes)),
        (Compression::LZ4_RAW, block.clone()),
        (Compression::LZ4, block),
    ]
}

#[test]
fn a_page_is_decompressed_to_the_size_that_it_declares_and_no_further() {
    const VALUES: usize = 20_000;
    const BYTES: usize = VALUES * 8;
    let zeros = vec![0; 4 << 20];
    let column = |compression, declared: usize, stored: &[u8]| {
        let head = Head::new(0, declared, stored.len(), None).data(VALUES as i64, 0);
        let pages = [&head[..], stored].concat();
        group(Type::INT64, compression, VALUES as i64, &pages)
    };
    for (compression, stored) in all(&zeros) {
        for declared in [BYTES - 1, BYTES, BYTES + 1] {
            let error = refusal(&column(compression, declared, &stored));
            assert!(!error.contains("more memory"), "{compression}: {error}");
        }
        // Nothing is read of a page without values.
        let empty = pages(&column(compression, 0, &stored));
        assert_eq!(empty.expect("a page").len(), 1);
        let error = refusal(&column(compression, zeros.len(), &stored));
        assert!(
            error.contains("more memory than its values can need"),
            "{error}"
        );
    }
    for (compression, stored) in all(&zeros[..BYTES]) {
        match &pages(&column(compression, BYTES, &stored)).expect("a page")[..] {
            [Page::DataPage { buf, .. }] => assert_eq!(buf[..], zeros[..BYTES]),
            _ => panic!("{compression}: another page"),
        }
        let error = refusal(&column(compression, BYTES + 1, &stored));
        assert!(!error.contains("more memory"), "{compression}: {error}");
    }
}

#[test]
fn a_page_with_a_checksum_is_refused_where_any_bit_is_flipped() {
    let stored: Vec<u8> = (0..40).collect();
    let whole = |crc| Head::new(0, 40, 40, crc).data(5, 0);
    let head = whole(Some(crc32fast::hash(&stored)));
    let mut column = [&head[..], &stored].concat();
    let verified = group(Type::INT64, Compression::UNCOMPRESSED, 5, &column);
    assert_eq!(pages(&verified).expect("a page").len(), 1);
    assert!(!verified.is_unverified.load(Ordering::Relaxed));
    for bit in head.len() * 8..column.len() * 8 {
        column[bit / 8] ^= 1 << (bit % 8);
        let flipped = group(Type::INT64, Compression::UNCOMPRESSED, 5, &column);
        assert!(refusal(&flipped).contains("checksum"));
        column[bit / 8] ^= 1 << (bit % 8);
    }
    let without = [&whole(None)[..], &stored].concat();
    let without = group(Type::INT64, Compression::UNCOMPRESSED, 5, &without);
    assert_eq!(pages(&without).expect("a page").len(), 1);
    assert!(without.is_unverified.load(Ordering::Relaxed));
}

#[test]
fn pages_that_lie_outside_or_count_what_is_not_there_are_refused() {
    let refused = |rows: i64, pages: &[u8]| {
        refusal(&group(Type::INT64, Compression::UNCOMPRESSED, rows, pages))
    };
    let page = |values: i64, bytes: usize| {
        [
            Head::new(0, bytes, bytes, None).data(values, 0),
            vec![0; bytes],
        ]
        .concat()
    };
    assert!(refused(5, &page(6, 48)).contains("rows left"));
    assert!(refused(9, &[page(5, 40), page(5, 40)].concat()).contains("rows left"));
    let beyond = Head::new(0, 41, 41, None).data(5, 0);
    assert!(refused(5, &[&beyond[..], &[0; 40]].concat()).contains("past the end of its column"));
    let negative = Head::new(0, usize::MAX, 40, None).data(5, 0);
    assert!(refused(5, &[&negative[..], &[0; 40]].concat()).contains("below 0"));
    assert!(refused(5, &[0]).contains("does not say"));
    assert!(refused(5, &[0x15, 0, 0x15]).contains("goes on past its end"));
    // A column of a file that ends before it does.
    let mut cut = group(Type::INT64, Compression::UNCOMPRESSED, 5, &page(5, 40));
    cut.source = Source::Small(Bytes::from_static(&[0x15]));
    assert!(refusal(&cut).contains("past the end of the file"));
}

/// Columns as logs have them, and nulls.
fn batch(rows: i64) -> RecordBatch {
    let texts = |at: i64| {
        (at % 7 > 0).then(|| format!("{:08}-{}", at / 5, "text ".repeat(at as usize % 9)))
    };
    let few = |at: i64| (at % 11 > 0).then(|| ["relayed", "delivered", "open"][at as usize % 3]);
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(|at| at * at)));
    let stamps =
        TimestampMicrosecondArray::from_iter((0..rows).map(|at| (at % 5 > 0).then_some(at << 22)));
    let stamps: ArrayRef = Arc::new(stamps);
    let texts: ArrayRef = Arc::new(StringArray::from_iter((0..rows).map(texts)));
    let few: ArrayRef = Arc::new(StringArray::from_iter((0..rows).map(few)));
    let columns = [("id", ids), ("at", stamps), ("text", texts), ("few", few)];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .expect("columns of one length")
}

fn written(batch: &RecordBatch, properties: WriterProperties) -> Bytes {
    let mut file = Vec::new();
    let writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties));
    let mut writer = writer.expect("a writer");
    writer.write(batch).expect("memory takes everything");
    writer.close().expect("memory takes everything");
    file.into()
}

fn read_back(file: Bytes) -> RecordBatch {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file);
    let metadata = Arc::new(metadata.expect("a footer"));
    let schema = metadata.file_metadata().schema_descr();
    let mask = parquet::arrow::ProjectionMask::all();
    let levels = parquet_to_arrow_field_levels(schema, mask, None).expect("columns");
    let group = Group {
        source: Source::Small(file),
        metadata: metadata.clone(),
        row_group: 0,
        is_unverified: Arc::default(),
    };
    let reader = ParquetRecordBatchReader::try_new_with_row_groups(&levels, &group, 1000, None);
    let batches: Result<Vec<RecordBatch>, _> = reader.expect("a reader").collect();
    let batches = batches.expect("rows");
    arrow::compute::concat_batches(&batches[0].schema(), &batches).expect("one schema")
}

/// What is as it should be is read as it was written, whatever the writer.
#[test]
fn all_compressions_encodings_and_versions_are_read() {
    let batch = batch(5_000);
    let small_pages = |builder: WriterPropertiesBuilder| {
        builder
            .set_data_page_row_count_limit(700)
            .set_write_batch_size(100)
            .set_write_page_header_statistics(true)
            .set_statistics_truncate_length(None)
    };
    let compressions = all(&[]).map(|(compression, _)| compression);
    for compression in compressions.into_iter().chain([Compression::UNCOMPRESSED]) {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for (text, number) in [
                (None, None),
                (Some(Encoding::PLAIN), Some(Encoding::BYTE_STREAM_SPLIT)),
                (
                    Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
                    Some(Encoding::DELTA_BINARY_PACKED),
                ),
                (
                    Some(Encoding::DELTA_BYTE_ARRAY),
                    Some(Encoding::DELTA_BINARY_PACKED),
                ),
            ] {
                let builder = WriterProperties::builder()
                    .set_compression(compression)
                    .set_writer_version(version)
                    .set_dictionary_enabled(text.is_none());
                let mut builder = small_pages(builder);
                for (columns, encoding) in [(["text", "few"], text), (["id", "at"], number)] {
                    for column in columns {
                        if let Some(encoding) = encoding {
                            builder = builder.set_column_encoding(column.into(), encoding);
                        }
                    }
                }
                let read = read_back(written(&batch, builder.build()));
                assert_eq!(
                    read.columns(),
                    batch.columns(),
                    "{compression} {version:?} {text:?}"
                );
            }
        }
    }
}

#[test]
fn a_header_may_hold_long_texts() {
    let long = "x".repeat(3_000);
    let texts: ArrayRef = Arc::new(StringArray::from(vec![long.as_str(); 9]));
    let batch = RecordBatch::try_from_iter([("text", texts)]).expect("a column");
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_write_page_header_statistics(true)
        .set_statistics_truncate_length(None)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::Page)
        .build();
    assert_eq!(
        read_back(written(&batch, properties)).columns(),
        batch.columns()
    );
}
