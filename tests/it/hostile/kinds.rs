//! Each kind of hostile file through the binary: it is named and left out, and all others count.

use std::fs;
use std::path::Path;
use std::time::Duration;

use parquet::basic::Compression;

use super::super::oracle::{self, Mode};
use super::super::run::table_differences;
use super::super::site::{HOUR, NINE, NOON, Site, delivery, report, runs_published, tracked};
use super::super::world::{Layout, World};
use super::forge::{Page, with_pages, with_rows, zeros};
use super::watched::watched;

const FILES: i64 = 3;
/// The one that is not what it was.
const NAME: &str = "part-000.parquet";

/// One delivery in each file.
fn world() -> World {
    World {
        deliveries: (1..=FILES).map(|id| delivery(id, "A label")).collect(),
        sending: (1..=FILES)
            .map(|id| report(id, 10 + id, "relayed", NINE + id))
            .collect(),
        tracking: (1..=FILES)
            .map(|id| tracked(id, 10 + id, "open", NINE + HOUR + id))
            .collect(),
    }
}

fn layout() -> Layout {
    Layout {
        files: FILES as usize,
        ..Layout::default()
    }
}

/// A run on a file of the sending log that is not what it was: what it says of it.
fn told(kind: &str, spoil: impl Fn(&Path)) -> String {
    let site = Site::laid_out(&world(), &layout());
    spoil(&site.path("in/sending_log").join(NAME));
    site.run_to(1, &[]).says(&[NAME]);
    assert_eq!(runs_published(&site.output()), 0, "{kind}");
    site.write(
        "job.toml",
        "sending_log = \"in/sending_log\"\ntracking_log = \"in/tracking_log\"\n\
         deliveries = \"in/deliveries.parquet\"\noutput = \"out\"\n\
         as_of = \"2026-03-02T12:00:00Z\"\non_bad_file = \"skip\"\n",
    );
    let run = watched(site.program().args(["recompute", "job.toml"]));
    assert_eq!(run.status, Some(3), "{kind}: {}", run.stderr);
    assert!(run.took < Duration::from_secs(10), "{kind}: {:?}", run.took);
    assert!(run.peak < 300 << 20, "{kind}: {} bytes", run.peak);
    assert!(!run.stderr.contains("panicked"), "{kind}: {}", run.stderr);

    let mut rest = world();
    rest.sending.remove(0);
    let expected = oracle::expect(&rest, NOON, Mode::Infer);
    let differences = table_differences(&expected, &site.output(), &layout());
    assert_eq!(differences, [""; 0], "{kind}");
    let lines = run.stderr.lines().filter(|line| line.contains(NAME));
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 1, "{kind}: {}", run.stderr);
    lines[0].to_owned()
}

fn told_of(kind: &str, bytes: &[u8]) -> String {
    told(kind, |path| fs::write(path, bytes).expect("a file"))
}

/// The values of one INT64 column of one row.
const ROW: usize = 8;

#[test]
fn what_is_no_parquet_file_is_left_out() {
    for (kind, bytes) in [
        ("nothing", &b""[..]),
        ("the magic number alone", b"PAR1"),
        ("text", b"message_id,delivery_id\n1,2\n"),
        ("JSON", br#"{"message_id": 1}"#),
        ("zip", b"PK\x03\x04\x14\x00\x00\x00\x08\x00"),
        (
            "gzip",
            b"\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        ),
        ("ORC", b"ORC\x08\x03\x10\x03ORC"),
        ("Avro", b"Obj\x01\x04\x14avro.codec\x08null"),
        ("Arrow", b"ARROW1\x00\x00\xFF\xFF\xFF\xFFARROW1"),
        ("SQLite", b"SQLite format 3\x00\x10\x00\x01\x01\x00"),
        ("zeros", &[0; 4096]),
        ("ones", &[0xFF; 4096]),
    ] {
        let line = told_of(kind, bytes);
        assert!(line.contains("expected a Parquet file"), "{kind}: {line}");
    }
    let encrypted = [&b"PARE"[..], &[0; 32], &16u32.to_le_bytes(), b"PARE"].concat();
    let line = told_of("encrypted", &encrypted);
    assert!(line.contains("encrypt"), "{line}");
}

/// Each page inflates to half a gigabyte, whatever it declares.
#[test]
fn pages_that_inflate_without_end_are_left_out() {
    const MUCH: usize = 512 << 20;
    let gzip = Compression::GZIP(Default::default());
    let brotli = Compression::BROTLI(Default::default());
    let zstd = Compression::ZSTD(Default::default());
    for compression in [
        gzip,
        brotli,
        zstd,
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::LZ4,
    ] {
        let bytes = zeros(compression, MUCH);
        if compression == brotli || compression == zstd {
            // Few enough to come as far as the decompressor; of the others a page of a row cannot hold as much.
            assert!(bytes.len() < 64 << 10, "{compression}: {}", bytes.len());
        }
        for (whole, reason) in [
            (ROW, ""),
            (
                MUCH,
                "a page that takes more memory than its values can need",
            ),
        ] {
            let page = Page {
                kind: 0,
                whole,
                values: 1,
                encoding: 0,
                bytes: &bytes,
            };
            let kind = format!("{compression}, {whole} bytes declared");
            let line = told(&kind, |path| {
                with_pages(path, "message_id", compression, &[page])
            });
            let parts = ["row group 0", "expected a Parquet file", reason];
            assert!(
                parts.iter().all(|part| line.contains(part)),
                "{kind}: {line}"
            );
        }
    }
}

#[test]
fn counts_of_what_is_not_there_are_left_out() {
    let plain = Compression::UNCOMPRESSED;
    let most = i64::from(i32::MAX);
    let page = |kind, values, encoding, bytes| Page {
        kind,
        whole: bytes_of(bytes),
        values,
        encoding,
        bytes,
    };
    let values = page(0, most, 0, &[0; ROW]);
    let line = told("values", |path| {
        with_pages(path, "message_id", plain, &[values])
    });
    assert!(
        line.contains("more values than its row group has rows left"),
        "{line}"
    );
    let dictionary = page(2, most, 0, &[0; ROW]);
    let line = told("dictionary", |path| {
        with_pages(path, "message_id", plain, &[dictionary])
    });
    assert!(line.contains("a dictionary of fewer values"), "{line}");
    // Two values, and the place of a sixth: of 3 bits, one run of one.
    let pages = [page(2, 2, 0, &[0; 2 * ROW]), page(0, 1, 8, &[3, 2, 5])];
    told("places", |path| {
        with_pages(path, "message_id", plain, &pages)
    });
    let line = told("rows", |path| with_rows(path, most));
    assert!(line.contains("more rows than its bytes can hold"), "{line}");
}

fn bytes_of(bytes: &[u8]) -> usize {
    bytes.len()
}
