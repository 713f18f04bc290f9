//! Parquet files whose pages are not what they say.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter,
};

/// What a page says of itself.
#[derive(Clone, Copy)]
pub struct Page<'a> {
    /// 0 a data page, 2 a dictionary.
    pub kind: i64,
    /// The bytes that it takes in memory, as it says.
    pub whole: usize,
    pub values: i64,
    /// 0 plain, 8 places in a dictionary.
    pub encoding: i64,
    pub bytes: &'a [u8],
}

/// With its header, in Thrift's compact protocol.
fn written(page: &Page<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for number in [page.kind, page.whole as i64, page.bytes.len() as i64] {
        out.push(0x15);
        int(&mut out, number);
    }
    let (field, numbers) = match page.kind {
        0 => (10, vec![page.values, page.encoding, 3, 3]),
        _ => (14, vec![page.values, page.encoding]),
    };
    out.extend([0x0C, field]);
    for number in numbers {
        out.push(0x15);
        int(&mut out, number);
    }
    out.extend([0, 0]);
    out.extend(page.bytes);
    out
}

fn int(out: &mut Vec<u8>, number: i64) {
    let mut folded = (number << 1 ^ number >> 63) as u64;
    while folded >= 0x80 {
        out.push(folded as u8 | 0x80);
        folded >>= 7;
    }
    out.push(folded as u8);
}

fn changed(
    path: &Path,
    change: impl FnOnce(Vec<u8>, ParquetMetaData) -> (Vec<u8>, ParquetMetaData),
) {
    let whole = fs::read(path).expect("an honest file");
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&Bytes::from(whole.clone()));
    // The new footer comes behind the old one, which nobody reads any more.
    let (mut out, metadata) = change(whole, metadata.expect("an honest footer"));
    let footer = ParquetMetaDataWriter::new(&mut out, &metadata).finish();
    footer.expect("a footer");
    fs::write(path, out).expect("a file");
}

/// Gives a column of the only row group of a file other pages.
pub fn with_pages(path: &Path, column: &str, compression: Compression, pages: &[Page<'_>]) {
    changed(path, |mut out, metadata| {
        let start = out.len();
        pages.iter().for_each(|page| out.extend(written(page)));
        let length = out.len() - start;
        let [group] = metadata.row_groups() else {
            panic!("more row groups than one");
        };
        let columns = group.columns().iter().map(|chunk| {
            if chunk.column_path().string() != column {
                return chunk.clone();
            }
            ColumnChunkMetaData::builder(chunk.column_descr_ptr())
                .set_compression(compression)
                .set_encodings(chunk.encodings().collect())
                .set_num_values(chunk.num_values())
                .set_total_compressed_size(length as i64)
                .set_total_uncompressed_size(length as i64)
                .set_data_page_offset(start as i64)
                .build()
                .expect("a column")
        });
        let group = group
            .clone()
            .into_builder()
            .set_column_metadata(columns.collect());
        let group = group.build().expect("a row group");
        let metadata = metadata.into_builder().set_row_groups(vec![group]).build();
        (out, metadata)
    });
}

/// Says that the only row group of a file has so many rows.
pub fn with_rows(path: &Path, rows: i64) {
    changed(path, |out, metadata| {
        let group = metadata
            .row_group(0)
            .clone()
            .into_builder()
            .set_num_rows(rows);
        let group = group.build().expect("a row group");
        (
            out,
            metadata.into_builder().set_row_groups(vec![group]).build(),
        )
    });
}

/// So many zeros, compressed.
pub fn zeros(compression: Compression, count: usize) -> Vec<u8> {
    use std::io::{Read, Write};
    let mut zeros = std::io::repeat(0).take(count as u64);
    match compression {
        Compression::GZIP(_) => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1));
            std::io::copy(&mut zeros, &mut out).expect("memory takes everything");
            out.finish().expect("memory takes everything")
        }
        Compression::BROTLI(_) => {
            let mut out = Vec::new();
            let mut writer = brotli::CompressorWriter::new(&mut out, 1 << 20, 5, 22);
            std::io::copy(&mut zeros, &mut writer).expect("memory takes everything");
            writer.flush().expect("memory takes everything");
            drop(writer);
            out
        }
        Compression::ZSTD(_) => zstd::encode_all(zeros, 1).expect("memory takes everything"),
        Compression::SNAPPY => {
            let bytes = vec![0; count];
            let mut encoder = snap::raw::Encoder::new();
            encoder
                .compress_vec(&bytes)
                .expect("memory takes everything")
        }
        Compression::LZ4 | Compression::LZ4_RAW => lz4_flex::block::compress(&vec![0; count]),
        other => panic!("nothing writes {other}"),
    }
}

/// Some Parquet file of the metadata's, to be looked at.
pub fn metadata(path: &Path) -> Arc<ParquetMetaData> {
    let bytes = Bytes::from(fs::read(path).expect("a file"));
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes);
    Arc::new(metadata.expect("a footer"))
}
