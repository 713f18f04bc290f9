use super::super::tests::{Head, group, refusal};
use super::*;
use parquet::basic::Compression::UNCOMPRESSED;

fn refused(of: Physical, rows: i64, head: Head, encoding: i64, page: &[u8]) -> String {
    let head = head.data(rows, encoding);
    refusal(&group(of, UNCOMPRESSED, rows, &[&head[..], page].concat()))
}

fn plain(page: &[u8]) -> Head {
    Head::new(0, page.len(), page.len(), None)
}

#[test]
fn a_dictionary_has_the_values_that_it_declares() {
    let refused = |of, values: i64, page: &[u8]| {
        let head = Head::new(2, page.len(), page.len(), None).dictionary(values);
        refusal(&group(of, UNCOMPRESSED, 10, &[&head[..], page].concat()))
    };
    let most = i64::from(i32::MAX);
    for (of, width) in [
        (Physical::INT32, 4),
        (Physical::INT64, 8),
        (Physical::INT96, 12),
        (Physical::DOUBLE, 8),
        (Physical::BYTE_ARRAY, 4),
    ] {
        assert!(refused(of, most, &[0; 96]).contains("fewer values"), "{of}");
        let one_more = 96 / width + 1;
        assert!(
            refused(of, one_more, &[0; 96]).contains("fewer values"),
            "{of}"
        );
    }
    let long = [&(40_000u32).to_le_bytes()[..], &[b'x'; 40_000], &[0; 4]].concat();
    assert!(refused(Physical::BYTE_ARRAY, 2, &long).contains(LONG));
    let beyond = [&9u32.to_le_bytes()[..], b"12345678"].concat();
    assert!(refused(Physical::BYTE_ARRAY, 1, &beyond).contains("fewer values"));
}

#[test]
fn a_dictionary_comes_first_and_once() {
    let dictionary = [&Head::new(2, 8, 8, None).dictionary(1)[..], &[0; 8]].concat();
    let values = [&Head::new(0, 8, 8, None).data(1, 0)[..], &[0; 8]].concat();
    for pages in [[&dictionary[..], &dictionary], [&values, &dictionary]] {
        let error = refusal(&group(Physical::INT64, UNCOMPRESSED, 9, &pages.concat()));
        assert!(error.contains("first page"), "{error}");
    }
}

#[test]
fn texts_of_a_fixed_length_are_short() {
    let of_length = |length: i32| {
        let column = parquet::schema::types::Type::primitive_type_builder(
            "column",
            Physical::FIXED_LEN_BYTE_ARRAY,
        )
        .with_length(length)
        .build();
        let path = vec!["column".to_owned()].into();
        check_column(&ColumnDescriptor::new(
            column.expect("a type").into(),
            0,
            0,
            path,
        ))
    };
    assert!(of_length(1 << 10).is_ok());
    for length in [(1 << 10) + 1, i32::MAX] {
        assert!(of_length(length).is_err());
    }
    let column = group(Physical::FIXED_LEN_BYTE_ARRAY, UNCOMPRESSED, 1, &[]);
    assert!(refusal(&column).contains("of a fixed length"));
}

const DELTA_LENGTH: i64 = 6;
const DELTA: i64 = 7;

#[test]
fn texts_are_as_many_as_the_page_has_values() {
    // Blocks of 128 in 4 parts, 2^40 values, the first of them 1.
    let page = [
        0x80, 1, 4, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 2, 0, 0, 0, 0, 0,
    ];
    for encoding in [DELTA_LENGTH, DELTA] {
        let error = refused(Physical::BYTE_ARRAY, 10, plain(&page), encoding, &page);
        assert!(error.contains(DELTAS), "{error}");
    }
    // Blocks that cannot be: of none, of 2^40, in no parts, in parts of 16.
    for head in [
        &[0, 4][..],
        &[0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 4],
        &[0x80, 1, 0],
        &[0x80, 1, 8],
    ] {
        let page = [head, &[3, 2]].concat();
        let error = refused(Physical::BYTE_ARRAY, 10, plain(&page), DELTA_LENGTH, &page);
        assert!(error.contains(DELTAS), "{error}");
    }
}

/// Two bytes stand for a million empty texts.
#[test]
fn empty_texts_are_not_without_number() {
    let many = 100_000_000;
    for encoding in [DELTA_LENGTH, DELTA] {
        let page = [0; 64];
        let error = refused(Physical::BYTE_ARRAY, many, plain(&page), encoding, &page);
        assert!(error.contains("more texts than fit into one"), "{error}");
    }
}

/// So many texts, each longer than the one before by one: a few bytes, each of which stands for all before.
#[test]
fn texts_that_grow_out_of_one_another_do_so_to_a_limit() {
    let grown = |count: u32| {
        let mut page = Vec::new();
        let varint = |page: &mut Vec<u8>, mut number: u32| {
            while number >= 0x80 {
                page.push(number as u8 | 0x80);
                number >>= 7;
            }
            page.push(number as u8);
        };
        for (first, step) in [(0, 1), (1, 0)] {
            page.extend([0x80, 1, 4]);
            varint(&mut page, count);
            varint(&mut page, first << 1);
            for _ in 0..(count - 1).div_ceil(128) {
                varint(&mut page, step << 1);
                page.extend([0; 4]);
            }
        }
        page.extend(vec![b'x'; count as usize]);
        page
    };
    let page = grown(1_000);
    let column = [&plain(&page).data(1_000, DELTA)[..], &page].concat();
    let fine = group(Physical::BYTE_ARRAY, UNCOMPRESSED, 1_000, &column);
    let mut chunks =
        parquet::arrow::arrow_reader::RowGroups::column_chunks(&fine, 0).expect("pages");
    let reader = chunks.next().expect("a row group").expect("pages");
    assert!(reader.map(|page| page.is_ok()).eq([true]));
    let page = grown(40_000);
    let error = refused(Physical::BYTE_ARRAY, 40_000, plain(&page), DELTA, &page);
    assert!(error.contains(LONG), "{error}");
}
