//! Addresses where none belongs: in columns of other types, in the footer, in what is no Parquet.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, StringArray};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::super::super::delta::newest_run;
use super::super::super::site::{Site, read_columns, write_parquet};
use super::super::change;
use super::everywhere::{IN_TABLES, assert_only, traces, traces_below};
use super::{FILES, ROWS, mark, set_in};

/// A run, `check` and `explain`, whose exit codes are 0, 1, 2 or 3: none says a word of an address.
fn looked_at(site: &Site, context: &str) -> [Option<i32>; 3] {
    let traces = traces();
    let delivery = mark("l", "delivery_id", 0);
    let asks = [
        site.run(&["--log-format", "json"]),
        site.ask(&["check"]),
        site.ask(&["explain", &delivery, &mark("s", "message_id", 0)]),
    ];
    let shown = [
        &IN_TABLES[..],
        &[("s", "message_id"), ("s", "failure_reason")],
    ]
    .concat();
    let statuses = asks.map(|end| {
        assert!(
            end.status.is_some_and(|status| (0..=3).contains(&status)),
            "{context}: {}",
            end.text()
        );
        // An error of `explain` may name what was asked for.
        assert_only(
            traces.in_bytes(end.stderr.as_bytes()),
            &[("l", "delivery_id"), ("s", "message_id")],
            context,
        );
        assert_only(traces.in_bytes(end.stdout.as_bytes()), &shown, context);
        end.status
    });
    assert_only(traces_below(&traces, &site.output()), &IN_TABLES, context);
    statuses
}

fn addresses(column: &str) -> ArrayRef {
    let texts: Vec<String> = (0..ROWS).map(|row| mark("s", column, row)).collect();
    Arc::new(StringArray::from(texts))
}

/// Text where the contract wants none is told by column and type, not by value.
#[test]
fn an_address_in_a_column_of_another_type() {
    for (file, column) in [
        (FILES[0], "log_id"),
        (FILES[0], "revision"),
        (FILES[0], "deleted"),
        (FILES[0], "is_test"),
        (FILES[1], "machine"),
        (FILES[2], "to_deliver"),
        (FILES[2], "efs"),
    ] {
        let site = super::site();
        set_in(&site, file, column, addresses("email"));
        let statuses = looked_at(&site, column);
        assert_eq!(statuses[0], Some(2), "{column}");
    }
}

/// Bytes that are no text, with an address in them, in every column that may hold texts.
#[test]
fn an_address_among_bytes_that_are_no_text() {
    for (file, column) in [
        (FILES[0], "message_id"),
        (FILES[0], "event"),
        (FILES[0], "event_at"),
        (FILES[0], "failure_reason"),
        (FILES[0], "recipient_id"),
        (FILES[1], "url_id"),
        (FILES[1], "type"),
        (FILES[2], "label"),
        (FILES[2], "started_at"),
    ] {
        let site = super::site();
        let bytes: Vec<Vec<u8>> = (0..ROWS)
            .map(|row| [b"\xff\xfe", mark("s", "email", row).as_bytes()].concat())
            .collect();
        let bytes = bytes.iter().map(Vec::as_slice).collect::<Vec<_>>();
        set_in(&site, file, column, Arc::new(BinaryArray::from(bytes)));
        let statuses = looked_at(&site, column);
        assert!(
            statuses[0].is_some_and(|status| status != 0),
            "{column}: something is left out"
        );
    }
}

/// In the footer: metadata, the writer's name, the name of a column, statistics of every page.
#[test]
fn an_address_in_the_footer() {
    let site = super::site();
    for file in FILES {
        let path = site.path(file);
        let mut columns = read_columns(&path);
        columns.push((mark("s", "email", 0), addresses("email")));
        let pairs = ["owner", "ARROW:schema", &mark("s", "subject", 1)]
            .map(|key| KeyValue::new(key.to_owned(), mark("s", "email", 2)));
        let properties = WriterProperties::builder()
            .set_created_by(mark("s", "email", 3))
            .set_key_value_metadata(Some(pairs.to_vec()))
            .set_statistics_enabled(EnabledStatistics::Page)
            .set_bloom_filter_enabled(true)
            .build();
        write_parquet(&path, &columns, properties);
    }
    assert_eq!(looked_at(&site, "whole")[0], Some(3));
    // And where such a file is cut, or lacks a column.
    for file in &FILES[..2] {
        let path = site.path(file);
        let whole = fs::read(&path).expect("a file");
        change(&path, |columns| {
            columns.retain(|(name, _)| name != "message_id")
        });
        assert_eq!(looked_at(&site, "no message_id")[0], Some(2));
        for cut in [1, 9, 200] {
            fs::write(&path, &whole[..whole.len() - cut]).expect("a cut file");
            assert_eq!(looked_at(&site, "cut")[0], Some(1), "{cut}");
        }
        fs::write(&path, whole).expect("the file as it was");
    }
}

/// A file of another format under the name of one: what it says is no part of the error.
#[test]
fn addresses_in_a_file_that_is_no_parquet() {
    let lines: String = (0..ROWS)
        .map(|row| mark("s", "email", row) + ",9\n")
        .collect();
    let longer = lines.repeat(40);
    for (context, bytes) in [
        ("CSV", lines.clone().into_bytes()),
        ("long CSV", longer.into_bytes()),
        (
            "CSV between the magic bytes",
            [b"PAR1", lines.as_bytes(), b"PAR1"].concat(),
        ),
        ("nothing but an address", mark("s", "email", 0).into_bytes()),
    ] {
        let site = super::site();
        fs::write(site.path(FILES[0]), bytes).expect("a file");
        assert_eq!(looked_at(&site, context)[0], Some(1), "{context}");
    }
}

/// What a file is called is said and recorded, so that whoever runs the job finds it: no address belongs there.
#[test]
fn names_of_files_are_shown() {
    let site = super::site();
    let name = format!("{}.parquet", mark("s", "email", 0));
    let path = site.path(FILES[0]);
    fs::rename(&path, path.with_file_name(&name)).expect("another name");
    site.run_to(3, &[]);
    let files = newest_run(&site.output())["files"].to_string();
    assert!(files.contains(&name), "{files}");
    let found = traces_below(&traces(), &site.output());
    let shown = [&IN_TABLES[..], &[("s", "email")]].concat();
    assert_only(found, &shown, "only as it is");
}
