//! What a file is: cheap signs first, its content where they differ.

use std::fs::File;
use std::time::{Duration, SystemTime};

use parquet::file::properties::WriterProperties;
use xxhash_rust::xxh3::xxh3_64;

use super::super::delta::newest_run;
use super::super::site::{MINUTE, NINE, NOON, number, read_columns, report, write_parquet};
use super::*;

/// One uncompressed file with a report of message 31 at this instant; sizes are the same for all.
fn write_plain(site: &Site, at: i64) -> PathBuf {
    let row = report(1, 31, "relayed", at);
    let path = add_sending(site, "plain", &[row]);
    let columns = read_columns(&path);
    write_parquet(&path, &columns, WriterProperties::default());
    path
}

fn set_modified(path: &Path, at: SystemTime) {
    let file = File::options().write(true).open(path).expect("a file");
    file.set_modified(at).expect("another time");
}

#[test]
fn another_content_of_the_same_size_and_time_is_found() {
    let site = Site::new(&two_deliveries());
    let path = write_plain(&site, NINE + 20 * MINUTE);
    run(&site, "", NOON, &[]);
    let before = path.metadata().expect("a file");
    write_plain(&site, NINE + 80 * MINUTE);
    set_modified(&path, before.modified().expect("a time"));
    let after = path.metadata().expect("a file");
    assert_eq!(before.len(), after.len());
    assert_eq!(before.modified().ok(), after.modified().ok());
    let outcome = run(&site, "", NOON, &[]);
    outcome.says(&["0 files new, 1 file replaced, 2 files unchanged"]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NOON);
}

#[test]
fn a_touched_file_is_not_read_again() {
    let site = after_one_run("", NOON);
    for name in [
        "in/sending_log/part-000.parquet",
        "in/tracking_log/part-000.parquet",
    ] {
        set_modified(&site.path(name), SystemTime::now() + Duration::from_secs(5));
    }
    let outcome = run(&site, "", NOON, &[]);
    outcome.says(&["0 files new, 2 files unchanged; 0 deliveries"]);
    // The new signs are kept: now they spare the reading.
    let outcome = run(&site, "", NOON, &["--rehash"]);
    outcome.says(&["0 files new, 2 files unchanged; 0 deliveries"]);
    assert_as_fresh(&site, "", NOON);
}

#[test]
fn a_file_under_another_name_is_the_same_file() {
    let site = after_one_run("", NOON);
    add_sending(&site, "late", &late_rows());
    run(&site, "", NOON, &[]);
    let moved = site.path("in/sending_log/day=2/moved.parquet");
    fs::create_dir_all(moved.parent().expect("a folder")).expect("a folder");
    fs::rename(site.path("in/sending_log/late.parquet"), &moved).expect("another name");
    let outcome = run(&site, "", NOON, &[]);
    outcome.says(&["0 files new, 3 files unchanged; 0 deliveries"]);
    assert!(frozen(&site).is_empty());
    assert_as_fresh(&site, "", NOON);
    // A copy takes the place of the original, and then is gone.
    let copied = site.path("in/sending_log/copied.parquet");
    fs::copy(&moved, &copied).expect("a copy");
    run(&site, "", NOON, &[]);
    assert_as_fresh(&site, "", NOON);
    fs::remove_file(&moved).expect("the original");
    run(&site, "on_vanished = \"restate\"\n", NOON, &[]);
    assert_as_fresh(&site, "", NOON);
    assert_eq!(mode(&site), "incremental");
    assert_eq!(number(&site.deliveries()["1"], "processed"), 5);
}

#[test]
fn two_files_that_swap_their_names_come_to_the_same() {
    let site = after_one_run("", NOON);
    let late = add_sending(&site, "late", &late_rows());
    run(&site, "", NOON, &[]);
    let before = tables(&site);
    let (first, other) = (
        site.path("in/sending_log/part-000.parquet"),
        site.path("elsewhere"),
    );
    fs::rename(&first, &other).expect("another name");
    fs::rename(&late, &first).expect("another name");
    fs::rename(&other, &late).expect("another name");
    run(&site, "", NOON, &[]);
    assert_eq!(tables(&site), before);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NOON);
}

/// Where the signs are the same and the content is not (a clock that was set back), `--rehash` finds it.
#[test]
fn rehashing_trusts_no_sign() {
    use std::os::unix::fs::MetadataExt;
    let site = Site::new(&two_deliveries());
    let path = write_plain(&site, NINE + 20 * MINUTE);
    run(&site, "", NOON, &[]);
    let before = tables(&site);
    write_plain(&site, NINE + 80 * MINUTE);
    // The state is made to know the new signs with the digest of the old content.
    let [state] = &state_files(&site, ".json")[..] else {
        panic!("one state");
    };
    let text = fs::read(state).expect("a state");
    let mut form: Value = serde_json::from_slice(&text[16..]).expect("JSON behind a digest");
    let files = form["files"].as_array_mut().expect("files");
    let file = files
        .iter_mut()
        .find(|file| file["record"]["file"] == "plain.parquet");
    let (file, signs) = (file.expect("the file"), path.metadata().expect("a file"));
    let nanos = |seconds: i64, nanos: i64| seconds * 1_000_000_000 + nanos;
    file["bytes"] = signs.len().into();
    file["modified"] = nanos(signs.mtime(), signs.mtime_nsec()).into();
    file["changed"] = nanos(signs.ctime(), signs.ctime_nsec()).into();
    file["inode"] = signs.ino().into();
    let json = serde_json::to_vec(&form).expect("JSON");
    let digest = format!("{:016x}", xxh3_64(&json));
    fs::write(state, [digest.as_bytes(), &json].concat()).expect("a state");
    run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_eq!(tables(&site), before, "the signs were trusted");
    run(&site, "", NOON, &["--rehash"]).says(&["1 file replaced"]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NOON);
    assert_ne!(tables(&site), before);
    assert!(newest_run(&site.output())["listing"].is_string());
}
