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
    let open = format!("{HEADER}\n{ROW}\n7,2,relayed{}\n", "y".repeat(40 << 20));
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
        "_digest_key_id",
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
    let file = site_file.to_string_lossy();
    import(&site, "ses", &[&file, "--replace"]).expect_status(0);
    assert_eq!(rows(&site, "sending_log").len(), 3);
    assert!(rows(&site, "tracking_log").is_empty());
    assert_eq!(
        names(&site),
        expected[..4].iter().map(PathBuf::from).collect::<Vec<_>>()
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

/// What was made of another file of the same name is not replaced unasked.
#[test]
fn a_file_of_the_same_name_from_elsewhere_is_refused() {
    let site = site();
    let line = |message: &str| {
        format!(
            r#"{{"delivery_id":"d","message_id":"{message}","event":"relayed","event_at":"2026-03-02T09:00:00Z"}}"#
        )
    };
    site.write("one/events.jsonl", line("a"));
    site.write("two/events.jsonl", line("b"));
    let of = |folder: &str, words: &[&str]| {
        let file = format!("{folder}/events.jsonl");
        let words = [&["--sending-log", &file], words].concat();
        import(&site, "contract", &words)
    };
    of("one", &[]).expect_status(0);
    of("one", &[]).expect_status(0);
    let refused = of("two", &[]).expect_status(2);
    refused.says(&[
        "sending_log/events.jsonl.parquet: expected a file of another name",
        "one",
    ]);
    assert_eq!(column(&rows(&site, "sending_log"), "message_id"), ["a"]);
    of("two", &["--replace"]).expect_status(0);
    assert_eq!(column(&rows(&site, "sending_log"), "message_id"), ["b"]);
}

/// What a directory holds besides is told; a pipe is not waited for.
#[test]
fn other_files_of_a_directory_are_named() {
    let site = site();
    let line = r#"{"delivery_id":"d","message_id":"m","event":"relayed","event_at":"2026-03-02T09:00:00Z"}"#;
    site.write("exports/a.jsonl", line);
    site.write("exports/stream-2026-03-02", line);
    let said = import(&site, "contract", &["--sending-log", "exports"]).expect_status(0);
    said.says(&["note: 1 file not read", "stream-2026-03-02"]);
    let twin = import(&site, "contract", &["--sending-log", "exports", "--json"]).expect_status(0);
    assert_eq!(
        twin.data()["not_read"],
        serde_json::json!(["stream-2026-03-02"])
    );
    let pipe = site.path("pipe.jsonl");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    let said = import(&site, "contract", &["--sending-log", "pipe.jsonl"]).expect_status(2);
    said.says(&["expected a file or a directory"]);
}

/// A quote that is not closed takes all rows behind it along: then nothing is imported.
#[test]
fn a_quote_that_is_not_closed_imports_nothing() {
    let site = site();
    let mut text = "delivery_id,message_id,event,event_at\n".to_owned();
    for message in 0..1000 {
        let quote = if message == 100 { "\"" } else { "" };
        text += &format!("d,{quote}m{message},relayed,2026-03-02T09:00:00Z\n");
    }
    site.write("log.csv", &text);
    let said = import(&site, "contract", &["--sending-log", "log.csv"]).expect_status(1);
    said.says(&[
        "log.csv, line 102: expected the end of the row",
        "nothing was imported",
    ]);
    assert!(content(&site.path("lake")).is_empty());
    // Blanks around values are not theirs.
    site.write(
        "log.csv",
        "delivery_id,message_id,event,event_at\n d , m 1 ,relayed,2026-03-02T09:00:00Z\n",
    );
    import(&site, "contract", &["--sending-log", "log.csv"]).expect_status(0);
    assert_eq!(column(&rows(&site, "sending_log"), "message_id"), ["m 1"]);
    // Which of two columns of one name it is, nobody knows.
    site.write(
        "twice.csv",
        "delivery_id,message_id,event,event_at,event_at\nd,m,relayed,2026-03-02T09:00:00Z,\n",
    );
    let said = import(&site, "contract", &["--sending-log", "twice.csv"]).expect_status(2);
    said.says(&["event_at: expected one column event_at, found several"]);
}
