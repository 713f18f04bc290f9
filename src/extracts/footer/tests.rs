use super::super::file::open;
use super::super::thrift::{CUT, MANY, TOO_DEEP, TOO_MANY, UNKNOWN};
use super::super::{Extract, Identity, Mapping, OpenFile, Place, SourceFile};
use super::*;
use arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::sync::Arc;

/// A file around a footer.
fn around(footer: &[u8]) -> Bytes {
    let length = (footer.len() as u32).to_le_bytes();
    [b"PAR1", footer, &length, b"PAR1"].concat().into()
}

/// Says how many row groups there are, and has none.
fn footer_of(row_groups: &[u8]) -> Vec<u8> {
    let version = [0x15, 2];
    // One element, the root, called s, without children.
    let schema = [0x19, 0x1C, 0x48, 1, b's', 0x15, 0, 0];
    let rows = [0x16, 0, 0x19];
    [&version[..], &schema, &rows, row_groups].concat()
}

fn refusal(footer: &[u8]) -> String {
    let refused = check(&around(footer));
    refused.expect_err("a refusal").to_string()
}

#[test]
fn a_footer_that_counts_more_than_it_can_hold_is_refused() {
    let bomb = footer_of(&[0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 7]);
    assert!(around(&bomb).len() < 39);
    assert!(refusal(&bomb).contains(TOO_MANY.0));
    // All counts: of a text, of a map, and one that no machine can count.
    assert!(refusal(&[0x18, 0xFF, 0xFF, 3, b'a']).contains(TOO_MANY.0));
    assert!(refusal(&[0x1B, 0xFF, 0xFF, 3, 0x88]).contains(TOO_MANY.0));
    let highest = [&[0x19, 0xFC][..], &[0xFF; 9], &[1]].concat();
    assert!(refusal(&highest).contains(TOO_MANY.0));
    assert!(refusal(&[0x16, 0x80]).contains(CUT.0));
    assert!(refusal(&[[0x16].as_slice(), &[0xFF; 11]].concat()).contains(CUT.0));
    assert!(refusal(&[0x1E, 0, 0]).contains(UNKNOWN.0));
    // A list of lists of lists, and a struct in a struct.
    assert!(refusal(&[0x19; 4000]).contains(TOO_DEEP.0));
    assert!(refusal(&[0x1C; 4000]).contains(TOO_DEEP.0));
}

/// A schema: how many elements are in each of its elements.
fn schema_of(children: &[u32]) -> Vec<u8> {
    let mut footer = vec![0x15, 2, 0x19, 0xFC];
    let varint = |footer: &mut Vec<u8>, mut number: u32| {
        while number >= 0x80 {
            footer.push(number as u8 | 0x80);
            number >>= 7;
        }
        footer.push(number as u8);
    };
    varint(&mut footer, children.len() as u32);
    for children in children {
        // A name without letters, and as field 5 the number, folded.
        footer.extend([0x48, 0, 0x15]);
        varint(&mut footer, children * 2);
        footer.push(0);
    }
    footer.push(0);
    footer
}

#[test]
fn a_schema_is_neither_deeper_nor_wider_than_it_is_long() {
    let deep: Vec<u32> = std::iter::repeat_n(1, 150_000).collect();
    assert!(refusal(&schema_of(&deep)).contains(MANY.0));
    let deep: Vec<u32> = std::iter::repeat_n(1, 1_000).chain([0]).collect();
    assert!(refusal(&schema_of(&deep)).contains(TOO_DEEP.0));
    assert!(refusal(&schema_of(&[1 << 30, 0, 0])).contains(TOO_MANY.0));
    assert!(refusal(&schema_of(&[2, 0])).contains(TOO_MANY.0));
    assert!(refusal(&schema_of(&[0, 1])).contains(TOO_MANY.0));
    for fine in [&[0][..], &[3, 0, 2, 0, 0, 0], &[1, 1, 1, 1, 0]] {
        check(&around(&schema_of(fine))).expect("nothing to refuse");
    }
}

#[test]
fn what_can_be_is_left_to_the_decoder() {
    let fine: [&[u8]; 6] = [
        &[0],
        &footer_of(&[0x0C, 0]),
        // A field by its number, truth values in a struct and in a list, an empty map, and one with a text.
        &[0x06, 0x80, 1, 4, 0x11, 0x12, 0x29, 0x21, 1, 2, 0],
        &[0x1B, 0, 0],
        &[0x1B, 1, 0x58, 3, 1, b'a', 0],
        &[0x17, 1, 2, 3, 4, 5, 6, 7, 8, 0],
    ];
    for footer in fine {
        check(&around(footer)).expect("nothing to refuse");
    }
    // No footer at all: the decoder says what it is instead.
    for other in [
        "",
        "PAR1",
        "not a Parquet file",
        "\u{fffd}\u{fffd}\u{fffd}PAR1",
    ] {
        check(&Bytes::from(other)).expect("nothing to refuse");
    }
}

/// A sending log of some rows.
fn written(compression: Compression) -> Vec<u8> {
    let ids = || Arc::new(Int64Array::from_iter_values(0..40)) as _;
    let stamps = TimestampMicrosecondArray::from_iter_values((0..40).map(|at| at << 30));
    let types = StringArray::from_iter_values((0..40).map(|at| format!("type {}", at % 3)));
    let batch = RecordBatch::try_from_iter([
        ("message_id", ids()),
        ("delivery_id", ids()),
        ("event_at", Arc::new(stamps.with_timezone("UTC")) as _),
        ("event_type", Arc::new(types) as _),
    ]);
    let batch = batch.expect("columns of one length");
    let properties = WriterProperties::builder().set_compression(compression);
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties.build()))
        .expect("a writer");
    writer.write(&batch).expect("memory takes everything");
    writer.close().expect("memory takes everything");
    bytes
}

fn opened(path: &std::path::Path, bytes: &[u8]) -> Result<OpenFile, String> {
    std::fs::write(path, bytes).expect("a directory of our own");
    let file = SourceFile {
        name: "part.parquet".to_owned(),
        place: Place::File(path.to_owned()),
        bytes: bytes.len() as u64,
        identity: Identity::of(&std::fs::metadata(path).expect("the file")),
        expected: None,
        leads_out: false,
    };
    open(Extract::SendingLog, &file, &Mapping::default()).map_err(|error| error.to_string())
}

/// Reads all needed columns of a file; tells how many rows there were.
fn rows(file: &OpenFile) -> Result<u64, String> {
    let mut rows = 0;
    for row_group in 0..file.row_groups() {
        let projection = file.projection(&Mapping::default(), true);
        let done = file.read(row_group, &projection, |batch| {
            rows += batch.num_rows() as u64;
            Ok(())
        });
        done.map_err(|error| error.to_string())?;
    }
    Ok(rows)
}

fn read(path: &std::path::Path, bytes: &[u8]) -> Result<u64, String> {
    rows(&opened(path, bytes)?)
}

#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("part.parquet");
    let whole = written(Compression::UNCOMPRESSED);
    let file = opened(&path, &whole).expect("a footer");
    assert_eq!(rows(&file), Ok(40));
    // The same bytes, in another file of that name.
    let other = directory.path().join("other");
    std::fs::write(&other, &whole).expect("a file");
    std::fs::rename(&other, &path).expect("another file");
    let error = rows(&file).expect_err("another file");
    assert!(error.contains("it changed while it was read"), "{error}");
}

/// Neither a panic that gets out, nor an abort, nor a file without its name: either its rows or an error.
#[test]
fn a_file_cut_anywhere_or_with_any_bit_flipped_ends_in_rows_or_an_error() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("part.parquet");
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let whole = written(compression);
        assert_eq!(read(&path, &whole), Ok(40));
        let mut refused = 0;
        for end in 0..whole.len() {
            let error = read(&path, &whole[..end]).expect_err("a file that is cut");
            assert!(error.contains("part.parquet"), "{error}");
            refused += 1;
        }
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Err(error) = read(&path, &flipped) {
                assert!(error.contains("part.parquet"), "bit {bit}: {error}");
                refused += 1;
            }
        }
        assert!(refused > whole.len() * 2, "{refused}");
    }
}
