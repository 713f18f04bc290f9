//! Wrong usage, wrong mappings, wrong columns: exit code 2, and nothing is written.

use super::*;

fn refused(site: &Site, source: &str, words: &[&str], parts: &[&str]) {
    let said = import(site, source, words).expect_status(2);
    assert_eq!(said.stdout, "");
    drop(said.says(parts));
    assert!(!site.path("lake").exists());
}

#[test]
fn what_cannot_be_imported_is_refused() {
    let site = site();
    let events = sample("ses/events.jsonl");
    let csv = site
        .write("log.csv", "delivery_id,message_id,event,event_at\n")
        .to_string_lossy()
        .into_owned();
    let presets = "--source: expected campaign-standard, contract, ses, or a file that ends in .toml, found \"sess\"";
    refused(&site, "sess", &[&events], &[presets]);
    refused(&site, "none.toml", &[&events], &["none.toml"]);
    refused(&site, "ses", &[], &["INPUT: expected at least one file"]);
    refused(
        &site,
        "ses",
        &["gone.jsonl"],
        &["gone.jsonl: expected a file or a directory that is there"],
    );
    let named = site.write("log.txt", "").to_string_lossy().into_owned();
    refused(
        &site,
        "ses",
        &[&named],
        &["expected a name that ends in .csv"],
    );
    let hidden = site.write("_log.jsonl", "").to_string_lossy().into_owned();
    refused(&site, "ses", &[&hidden], &["does not start with _ or ."]);
    std::fs::create_dir(site.path("bare")).expect("a folder");
    refused(
        &site,
        "ses",
        &["bare"],
        &["expected a directory with a file of exports"],
    );
    refused(
        &site,
        "ses",
        &["s3://bucket/events"],
        &["expected local files and a local directory"],
    );
    refused(
        &site,
        "contract",
        &[&csv],
        &["--sending-log, --tracking-log or --deliveries before the file"],
    );
    refused(
        &site,
        "ses",
        &["--sending-log", &events],
        &["the file without a flag"],
    );
    refused(
        &site,
        "ses",
        &["--deliveries", &csv],
        &["an extract that the mapping makes"],
    );
    refused(
        &site,
        "contract",
        &["--sending-log", &csv, "--sending-log", &csv],
        &["files of other names"],
    );
}

#[test]
fn all_missing_columns_are_named_at_once() {
    let site = site();
    let file = |name: &str, text: &str| site.write(name, text).to_string_lossy().into_owned();
    let sending = file("s.csv", "delivery_id,event_at\n1,x\n");
    let tracking = file("t.csv", "delivery_id,message_id,event_at\n");
    let deliveries = file("d.csv", "id,label\n");
    let words = [
        "--sending-log",
        &*sending,
        "--tracking-log",
        &*tracking,
        "--deliveries",
        &*deliveries,
    ];
    refused(
        &site,
        "contract",
        &words,
        &[
            "the exports do not have the columns that the mapping contract asks for",
            "file s.csv, message_id: expected a column message_id, found none",
            "file s.csv, event or status: expected a column event, status, found none",
            "file t.csv, type: expected a column type, found none",
            "file d.csv, delivery_id: expected a column delivery_id, found none",
        ],
    );
    refused(
        &site,
        "campaign-standard",
        &["--tracking-log", &tracking],
        &[
            "file t.csv, type: expected a column type, urlType, url.type, URL type, Type, found none",
        ],
    );
}

#[test]
fn a_wrong_mapping_says_what_is_wrong() {
    let site = site();
    let events = sample("ses/events.jsonl");
    for (text, said) in [
        (
            "base = \"ses\"\n[logs]\ndelivery = \"x\"",
            "expected columns of the contract, found \"delivery\"",
        ),
        (
            "base = \"ses\"\n[logs]\ndelivery_id = \"a[\"",
            "expected a path such as mail.tags.campaign[0], found \"a[\"",
        ),
        ("bass = \"ses\"", "unknown field `bass`"),
        ("[logs", "job file own.toml"),
    ] {
        site.write("own.toml", text);
        refused(&site, "own.toml", &[&events], &[said]);
    }
}
