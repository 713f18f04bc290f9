//! Files as they come: compressed, with marks, empty, huge, in folders; and what becomes of them the second time.

use std::io::Write;

use super::*;

const HEADER: &str = "delivery_id,message_id,event,event_at";
const ROW: &str = "7,1,relayed,2026-03-02T09:00:00Z";

fn ids(site: &Site) -> Vec<String> {
    column(&rows(site, "sending_log"), "message_id")
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("compressed");
    out.finish().expect("compressed")
}

#[test]
fn files_may_be_compressed_and_marked() {
    let text = format!("{HEADER}\n{ROW}\n");
    let marked = format!("\u{feff}{HEADER}\r\n{ROW}\r\n");
    let tabs = text.replace(',', "\t");
    // Two members, as log rotation and Firehose leave them.
    let members = [gz(format!("{HEADER}\n").as_bytes()), gz(ROW.as_bytes())].concat();
    let zst = zstd::encode_all(text.as_bytes(), 1).expect("compressed");
    let cases: [(&str, Vec<u8>, &str); 6] = [
        ("a.csv", text.clone().into_bytes(), "a.csv.parquet"),
        ("b.csv", marked.into_bytes(), "b.csv.parquet"),
        ("c.tsv", tabs.into_bytes(), "c.tsv.parquet"),
        ("d.csv.gz", members, "d.csv.parquet"),
        ("e.csv.zst", zst, "e.csv.parquet"),
        ("f.CSV", text.into_bytes(), "f.CSV.parquet"),
    ];
    for (name, bytes, made) in cases {
        let site = site();
        let file = site.write(name, bytes);
        import(
            &site,
            "contract",
            &["--sending-log", &file.to_string_lossy()],
        )
        .expect_status(0);
        assert_eq!(ids(&site), ["1"], "{name}");
        assert!(site.path("lake/sending_log").join(made).is_file(), "{name}");
    }
}

#[test]
fn a_file_that_breaks_off_imports_nothing() {
    let site = site();
    let whole = gz(format!("{HEADER}\n{}", format!("{ROW}\n").repeat(50_000)).as_bytes());
    let good = site.write("good.csv", format!("{HEADER}\n{ROW}\n"));
    let cut = site.write("cut.csv.gz", &whole[..whole.len() / 2]);
    let words = [
        "--sending-log",
        &*good.to_string_lossy(),
        "--sending-log",
        &*cut.to_string_lossy(),
    ];
    let said = import(&site, "contract", &words).expect_status(1);
    assert!(said.stderr.contains("cut.csv.gz"), "{}", said.text());
    assert!(names(&site).is_empty());
    assert!(!site.path("lake").exists());
}

#[test]
fn empty_files_hold_nothing() {
    for text in ["", "\u{feff}", "\n\n", HEADER] {
        let site = site();
        let file = site.write("log.csv", text);
        import(
            &site,
            "contract",
            &["--sending-log", &file.to_string_lossy()],
        )
        .expect_status(0)
        .says(&["log.csv: 0 records = 0"]);
        assert!(rows(&site, "sending_log").is_empty());
    }
    let site = site();
    let file = site.write("log.jsonl", "\n \n");
    import(
        &site,
        "contract",
        &["--sending-log", &file.to_string_lossy()],
    )
    .expect_status(0);
}

/// Lines of any length are passed by without taking memory for them.
#[test]
fn a_line_without_an_end_is_rejected() {
    let site = site();
    let mut text = "{\"delivery_id\":1,\"x\":\"".to_owned();
    text += &"y".repeat(40 << 20);
    text += "\"}\n{\"delivery_id\":1,\"message_id\":2,\"event\":\"relayed\",\"event_at\":\"2026-03-02T09:00:00Z\"}\n";
    let file = site.write("log.jsonl", text);
    import(
        &site,
        "contract",
        &["--sending-log", &file.to_string_lossy()],
    )
    .expect_status(3)
    .says(&[
        "log.jsonl: 2 records = 1 sending_log + 1 rejected",
        "rejected: 1 longer than 16 MiB (line 1)",
    ]);
    let open = format!("{HEADER}\n{ROW}\n7,2,\"relayed{}", "\n".repeat(40 << 20));
    let file = site.write("log.csv", open);
    import(
        &site,
        "contract",
        &["--sending-log", &file.to_string_lossy()],
    )
    .expect_status(3)
    .says(&[
        "log.csv: 2 records = 1 sending_log + 1 rejected",
        "rejected: 1 longer than 16 MiB (line 3)",
    ]);
}

/// What was imported before of a file of this name is replaced, and goes where nothing is left.
#[test]
fn importing_again_doubles_nothing() {
    let site = site();
    let file = sample("ses/events.jsonl");
    import(&site, "ses", &[&file]).expect_status(3);
    let first = content(&site.path("lake"));
    import(&site, "ses", &[&file]).expect_status(3);
    assert!(content(&site.path("lake")) == first);
    let expected = [
        "_digest_key",
        "job.toml",
        "sending_log/events.jsonl.parquet",
        "tracking_log/events.jsonl.parquet",
    ];
    assert_eq!(names(&site), expected.map(PathBuf::from));
    // The job file is the user's.
    site.write("lake/job.toml", "sending_log = \"sending_log\"\n");
    let text = std::fs::read_to_string(&file).expect("the sample");
    let sends: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("{\"eventType\":\"Send\""))
        .collect();
    let site_file = site.write("events.jsonl", sends[..3].join("\n"));
    import(&site, "ses", &[&site_file.to_string_lossy()]).expect_status(0);
    assert_eq!(rows(&site, "sending_log").len(), 3);
    assert!(rows(&site, "tracking_log").is_empty());
    assert_eq!(
        names(&site),
        expected[..3].iter().map(PathBuf::from).collect::<Vec<_>>()
    );
    let job = std::fs::read_to_string(site.path("lake/job.toml")).expect("it is there");
    assert_eq!(job, "sending_log = \"sending_log\"\n");
}

#[test]
fn a_directory_is_searched() {
    let site = site();
    let text = std::fs::read_to_string(sample("ses/events.jsonl")).expect("the sample");
    let lines: Vec<&str> = text.lines().collect();
    site.write("events/2026/03/02/a", "no export");
    site.write("events/2026/03/02/a.json", lines[..5].join("\n"));
    site.write(
        "events/2026/03/03/a.json.gz",
        gz(lines[5..9].join("\n").as_bytes()),
    );
    site.write("events/_old/a.json", "{");
    site.write("events/.a.json", "{");
    import(&site, "ses", &["events"]).expect_status(0).says(&[
        "2026/03/02/a.json: 5 records",
        "2026/03/03/a.json.gz: 4 records",
    ]);
    // One mail of them goes to two.
    assert_eq!(rows(&site, "sending_log").len(), 10);
    assert!(
        site.path("lake/sending_log/2026/03/03/a.json.parquet")
            .is_file()
    );
    // Many files at once come to the same, whatever the threads.
    let first = content(&site.path("lake"));
    import(
        &site,
        "ses",
        &["events", "--threads", "3", "--progress", "always"],
    )
    .expect_status(0)
    .says(&["importing: "]);
    assert!(content(&site.path("lake")) == first);
}

/// More rows than a batch, and than a row group.
#[test]
fn many_rows_go_through() {
    let site = site();
    let mut text = format!("{HEADER}\n");
    for row in 0..140_000 {
        text += &format!("7,{row},relayed,2026-03-02T09:00:00Z\n");
    }
    let file = site.write("log.csv", text);
    import(
        &site,
        "contract",
        &["--sending-log", &file.to_string_lossy()],
    )
    .expect_status(0)
    .says(&["log.csv: 140 000 records = 140 000 sending_log"]);
    let ids = ids(&site);
    assert_eq!(ids.len(), 140_000);
    assert!(
        ids.iter()
            .enumerate()
            .all(|(row, id)| *id == row.to_string())
    );
}
