use super::*;
use crate::decode::{Fingerprint, Selection, Zone};
use crate::engine::packed::{Extra, Number};
use crate::engine::partition::Partitions;
use crate::engine::run::Piece;
use crate::engine::{Silent, pool};
use crate::extracts::{Links, list};
use crate::model::{Catalog, Codes, Labels};
use crate::stores::Access;
use parquet::column::writer::ColumnWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::path::Path;
use std::sync::Arc;

const SCHEMA: &str = "message row {
    required int64 delivery_id;
    required int64 message_id;
    required int32 status;
    required int64 event_at (TIMESTAMP(MICROS,true));
    required int64 log_id;
}";

/// Writes row groups of rows with these `log_id`s, of one message each. Then some of the rows get another one, of which
/// the footer knows nothing.
fn write(path: &Path, groups: &[&[i64]], lies: &[(i64, i64)]) {
    let schema = Arc::new(parse_message_type(SCHEMA).expect("a schema"));
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    let mut file = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut file, schema, Arc::new(properties.build()))
        .expect("a writer");
    for (message, log_ids) in (0..).zip(groups) {
        let mut group = writer.next_row_group().expect("a row group");
        let rows = log_ids.len();
        let at = vec![Instant::FIRST.micros(); rows];
        for values in [
            &vec![7; rows],
            &vec![message; rows],
            &vec![1; rows],
            &at,
            *log_ids,
        ] {
            let mut column = group.next_column().expect("a column").expect("five");
            match column.untyped() {
                ColumnWriter::Int64ColumnWriter(column) => column.write_batch(values, None, None),
                ColumnWriter::Int32ColumnWriter(column) => {
                    column.write_batch(&vec![1; rows], None, None)
                }
                _ => panic!("only integers are written"),
            }
            .expect("values");
            column.close().expect("a column's end");
        }
        group.close().expect("a row group's end");
    }
    writer.close().expect("a footer");
    for (told, real) in lies {
        let place = file
            .windows(8)
            .position(|bytes| bytes == told.to_le_bytes());
        let place = place.expect("the values come before the footer");
        file[place..place + 8].copy_from_slice(&real.to_le_bytes());
    }
    std::fs::write(path, file).expect("a new file");
}

/// For each row group, whether what decides between rows of one `log_id` was read.
fn told_apart(groups: &[&[i64]], lies: &[(i64, i64)]) -> Vec<bool> {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    write(&directory.path().join("log.parquet"), groups, lies);
    let pool = pool(2).expect("threads");
    let listing = list(directory.path(), Links::Inside, &Access::default()).expect("a listing");
    let mapping = Mapping::default();
    let files: Vec<OpenFile> = open_all(&pool, Extract::SendingLog, &listing.files, &mapping)
        .into_iter()
        .map(|file| file.expect("a footer"))
        .collect();
    let decoder = Decoder {
        catalog: &Catalog::default(),
        codes: &Codes::default(),
        labels: &Labels::default(),
        zone: &Zone::UTC,
        selection: &Selection::All,
        fingerprint: Fingerprint::random(),
        asks_domains: false,
        recipients: None,
        interval: None,
    };
    let reading = read::<u64>(
        &pool,
        &files,
        |_| &mapping,
        &decoder,
        Waiting {
            partitions: Partitions::of(1),
            room: None,
            keeping: None,
        },
        &Silent,
    );
    let shelved = reading.expect("room").shelved;
    let mut found = vec![None; groups.len()];
    let each = |piece: Piece<'_>| {
        let mut messages = vec![0; piece.rows()];
        piece.each(Number::Low, &mut messages, |message, low| *message = low);
        for group in messages {
            let told = found[group as usize].get_or_insert(piece.extra() == Extra::Tails);
            assert_eq!(*told, piece.extra() == Extra::Tails);
        }
    };
    let mut buffers = Vec::new();
    let pieces = shelved.pieces(0, &mut buffers).expect("room");
    pieces.into_iter().for_each(each);
    let found = found.into_iter();
    found
        .map(|told| told.expect("rows of each group"))
        .collect()
}

#[test]
fn a_footer_is_believed_until_its_rows_say_otherwise() {
    const A: i64 = 1 << 40;
    let groups: [&[i64]; 3] = [&[A + 1, A + 2], &[A + 4, A + 6], &[A + 9]];
    assert_eq!(told_apart(&groups, &[]), [false; 3]);
    let recurs_within: [&[i64]; 2] = [&[A, A], &[A + 9]];
    assert_eq!(told_apart(&recurs_within, &[]), [true, false]);
    let meet: [&[i64]; 3] = [&[A + 1, A + 2], &[A + 2, A + 6], &[A + 9]];
    assert_eq!(told_apart(&meet, &[]), [true, true, false]);
    // A `log_id` outside the bounds of its row group, where another one has it too.
    assert_eq!(told_apart(&groups, &[(A + 4, A + 2)]), [true; 3]);
    assert_eq!(told_apart(&groups, &[(A + 6, A + 9)]), [true; 3]);
}

#[test]
fn a_room_for_what_threads_hold_anyway_limits_only_rows_that_are_not_kept() {
    let room = |mebibytes: usize| Room {
        memory: mebibytes << 20,
        directory: Path::new("none").to_owned(),
        disk: crate::disk::Disk::default(),
    };
    for threads in [1, 2] {
        let pool = pool(threads).expect("threads");
        let held = 128 * threads;
        assert!(is_enough(&room(held), true, &pool));
        assert!(!is_enough(&room(held - 1), true, &pool));
        assert!(!is_enough(&room(64 * held), false, &pool));
    }
}
