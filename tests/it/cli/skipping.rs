//! Row groups and pages that the footers, page indexes or bloom filters of their files rule out are not
//! read.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, StringArray, UInt32Array};
use parquet::basic::{Compression, GzipLevel};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaDataReader};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

use super::super::delta::newest_run;
use super::super::site::{MINUTE, NINE, Site, number, read_columns, report, write_parquet};
use super::super::world::{Layout, World};

/// Row groups of ten rows, all of the deliveries named for each, in turns.
const GROUPS: [&[i64]; 3] = [&[2], &[1, 3], &[4]];

fn world() -> World {
    let mut world = World::default();
    for (group, deliveries) in (0..).zip(GROUPS) {
        for row in 0..10 {
            let delivery = deliveries[row as usize % deliveries.len()];
            let at = NINE + (group * 10 + row) * MINUTE;
            let row = report(delivery, group * 10 + row, "relayed", at);
            world.sending.push(row);
        }
    }
    world
}

/// The sending log in row groups of ten rows, without the bytes of the message ids of the one in the
/// middle, so that nobody can read it.
fn spoil_the_middle(site: &Site, layout: &Layout, properties: WriterPropertiesBuilder) {
    site.rewrite(&world(), layout);
    let path = &log(site);
    let properties = properties.set_max_row_group_row_count(Some(10)).build();
    write_parquet(path, &read_columns(path), properties);
    let file = fs::File::open(path).expect("the file");
    let footer = ParquetMetaDataReader::new().parse_and_finish(&file);
    let footer = footer.expect("a footer");
    assert_eq!(footer.num_row_groups(), GROUPS.len());
    let (start, length) = footer.row_group(1).column(1).byte_range();
    let mut bytes = fs::read(path).expect("the file");
    bytes[start as usize..(start + length) as usize].fill(0xff);
    fs::write(path, bytes).expect("a spoilt file");
}

/// One row group, in pages of ten rows, whose values end with a checksum.
fn pages() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_write_batch_size(10)
        .set_data_page_row_count_limit(10)
        .set_compression(Compression::GZIP(GzipLevel::default()))
}

/// The sending log in pages of ten rows, with a wrong checksum of the message ids of the one in the middle.
fn spoil_the_page_in_the_middle(site: &Site, layout: &Layout, properties: WriterPropertiesBuilder) {
    site.rewrite(&world(), layout);
    let path = &log(site);
    write_parquet(path, &read_columns(path), pages().build());
    let file = fs::File::open(path).expect("the file");
    let footer = ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Required)
        .parse_and_finish(&file)
        .expect("a footer");
    let index = footer.offset_index().expect("an index");
    let locations = index[0][1].page_locations();
    assert_eq!(
        (footer.num_row_groups(), locations.len()),
        (1, GROUPS.len())
    );
    // Its header stays: a page is passed by without being read, but not without being seen.
    const CHECKSUM: usize = 8;
    let end = (locations[1].offset + i64::from(locations[1].compressed_page_size)) as usize;
    // Without an index the pages are at the same places: it comes behind them.
    write_parquet(path, &read_columns(path), properties.build());
    let mut bytes = fs::read(path).expect("the file");
    bytes[end - CHECKSUM..end].fill(0xff);
    fs::write(path, bytes).expect("a spoilt file");
}

#[test]
fn pages_without_the_deliveries_are_not_read() {
    for (layout, name) in layouts() {
        let id = |number: i64| format!("{name}{number}");
        let site = Site::laid_out(&world(), &layout);
        spoil_the_page_in_the_middle(&site, &layout, pages());
        site.run_to(1, &[]);
        for delivery in [2, 4] {
            // The bounds of the page in the middle do not rule the second delivery out.
            let code = if delivery == 2 { 1 } else { 0 };
            site.run_to(code, &["--delivery", &id(delivery)]);
        }
        assert_eq!(number(&site.deliveries()[&id(4)], "processed"), 10);
        let logs = &newest_run(&site.output())["logs"];
        assert_eq!(logs[0]["rows_read"], 10);
        assert_eq!(logs[0]["rows_not_selected"], 20);
        let none = pages()
            .set_offset_index_disabled(true)
            .set_statistics_enabled(EnabledStatistics::Chunk);
        spoil_the_page_in_the_middle(&site, &layout, none);
        site.run_to(1, &["--delivery", &id(4)]);
    }
}

/// Pages of the columns end at different rows, and deliveries come back: a selection gets what a run of
/// everything has.
#[test]
fn any_pages_give_the_same() {
    for seed in 0..6 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut world = World::default();
        let mut delivery = 1;
        for row in 0..400 {
            if rng.u32(..12) == 0 {
                delivery = rng.i64(1..9);
            }
            let event = ["relayed", "delivered", "soft_bounce"][rng.usize(..3)];
            world
                .sending
                .push(report(delivery, rng.i64(0..90), event, NINE + row * MINUTE));
        }
        let layout = Layout {
            string_ids: rng.bool(),
            ..Layout::default()
        };
        let site = Site::laid_out(&world, &layout);
        let path = log(&site);
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(rng.bool())
            .set_write_batch_size(rng.usize(1..20))
            .set_data_page_size_limit(rng.usize(20..300))
            .set_max_row_group_row_count(Some(rng.usize(50..500)));
        write_parquet(&path, &read_columns(&path), properties.build());
        site.run_to(0, &[]);
        let whole = site.deliveries();
        for (id, expected) in &whole {
            let alone = Site::laid_out(&world, &layout);
            fs::copy(&path, log(&alone)).expect("a copy");
            alone.run_to(0, &["--delivery", id]);
            let found = &alone.deliveries()[id];
            for counter in [
                "processed",
                "delivered",
                "soft_bounces",
                "soft_bounce_events",
            ] {
                let (found, expected) = (number(found, counter), number(expected, counter));
                assert_eq!(found, expected, "seed {seed}, delivery {id}, {counter}");
            }
            let logs = &newest_run(&alone.output())["logs"];
            let of = |name: &str| logs[0][name].as_u64().expect("a number");
            assert_eq!(of("rows_read") + of("rows_not_selected"), 400);
        }
    }
}

/// Identifiers as numbers and as texts, and how the texts begin.
fn layouts() -> [(Layout, &'static str); 2] {
    let texts = Layout {
        string_ids: true,
        ..Layout::default()
    };
    [(Layout::default(), ""), (texts, "d-")]
}

fn log(site: &Site) -> PathBuf {
    let folder = fs::read_dir(site.path("in/sending_log")).expect("a folder");
    let mut files = folder.map(|entry| entry.expect("a file").path());
    files.next().expect("one file")
}

#[test]
fn row_groups_without_the_deliveries_are_not_read() {
    for (layout, name) in layouts() {
        let id = |number: i64| format!("{name}{number}");
        let site = Site::laid_out(&world(), &layout);
        let plain = WriterProperties::builder();
        spoil_the_middle(&site, &layout, plain.clone());
        site.run_to(1, &[]);
        site.run_to(0, &["--delivery", &id(4)]);
        assert_eq!(number(&site.deliveries()[&id(4)], "processed"), 10);
        let logs = &newest_run(&site.output())["logs"];
        assert_eq!(logs[0]["rows_read"], 10);
        assert_eq!(logs[0]["rows_not_selected"], 20);
        // The bounds of the one in the middle do not rule the second delivery out; a filter does.
        site.run_to(1, &["--delivery", &id(2)]);
        spoil_the_middle(&site, &layout, plain.clone().set_bloom_filter_enabled(true));
        site.run_to(0, &["--delivery", &id(2)]);
        assert_eq!(number(&site.deliveries()[&id(2)], "processed"), 10);
        site.run_to(1, &["--delivery", &id(2), &id(3)]);
        // Without bounds and filter, all have to be read.
        let none = EnabledStatistics::None;
        spoil_the_middle(&site, &layout, plain.set_statistics_enabled(none));
        site.run_to(1, &["--delivery", &id(4)]);
    }
}

/// Footer and filter hold what is stored, which is not what an unsigned or a short number means.
#[test]
fn numbers_that_are_not_decoded_as_they_are_stored_rule_nothing_out() {
    let site = Site::new(&world());
    let path = log(&site);
    let mut columns = read_columns(&path);
    let large = |row: u32| 3_000_000_000 + row / 10;
    columns[0].1 = Arc::new(UInt32Array::from((0..30).map(large).collect::<Vec<_>>()));
    let ten = WriterProperties::builder()
        .set_max_row_group_row_count(Some(10))
        .set_bloom_filter_enabled(true);
    write_parquet(&path, &columns, ten.build());
    site.run_to(0, &["--delivery", "3000000001"]);
    assert_eq!(number(&site.deliveries()["3000000001"], "processed"), 10);
}

/// A blank text is rejected, also where no footer knows of a null.
#[test]
fn blank_texts_are_rejected_whatever_is_asked_for() {
    let layout = Layout {
        string_ids: true,
        ..Layout::default()
    };
    let site = Site::laid_out(&world(), &layout);
    let path = log(&site);
    let mut columns = read_columns(&path);
    let ids = (0..30).map(|row| match row {
        19 => " ",
        20.. => "d-4",
        _ => "d-1",
    });
    columns[0].1 = Arc::new(StringArray::from(ids.collect::<Vec<_>>()));
    let ten = WriterProperties::builder().set_max_row_group_row_count(Some(10));
    write_parquet(&path, &columns, ten.build());
    site.run_to(3, &["--delivery", "d-4"]);
    let logs = &newest_run(&site.output())["logs"];
    assert_eq!(
        (&logs[0]["rows_rejected"], &logs[0]["rows_not_selected"]),
        (&1.into(), &19.into())
    );
}

#[test]
fn rows_without_a_delivery_are_rejected_whatever_is_asked_for() {
    let groups = || WriterProperties::builder().set_max_row_group_row_count(Some(10));
    let cases = [
        (false, groups()),
        (true, groups()),
        (false, pages()),
        (true, pages()),
    ];
    for (string_ids, properties) in cases {
        let layout = Layout {
            string_ids,
            ..Layout::default()
        };
        let site = Site::laid_out(&world(), &layout);
        let path = log(&site);
        let mut columns = read_columns(&path);
        let ids: &mut ArrayRef = &mut columns[0].1;
        // The last row of the row group, or the page, in the middle.
        *ids = match ids.as_any().downcast_ref::<Int64Array>() {
            Some(numbers) => Arc::new(without(numbers.iter().collect::<Vec<_>>())) as ArrayRef,
            None => {
                let plain = arrow::compute::cast(ids, &arrow::datatypes::DataType::Utf8);
                let plain = plain.expect("texts");
                let texts = plain.as_any().downcast_ref::<StringArray>();
                let texts = texts.expect("texts").iter();
                let mut texts: Vec<Option<&str>> = texts.collect();
                texts[19] = None;
                Arc::new(StringArray::from(texts))
            }
        };
        write_parquet(&path, &columns, properties.build());
        let id = if string_ids { "d-4" } else { "4" };
        site.run_to(3, &["--delivery", id]);
        let logs = &newest_run(&site.output())["logs"];
        assert_eq!(logs[0]["rows_rejected"], 1);
        assert_eq!(logs[0]["rows_not_selected"], 19);
    }
}

fn without(mut numbers: Vec<Option<i64>>) -> Int64Array {
    numbers[19] = None;
    Int64Array::from(numbers)
}
