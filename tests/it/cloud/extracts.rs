//! Extracts in a store: what is found, how much of it is asked for, and what changes or fails meanwhile.

use std::fs;

use super::super::run::Outcome;
use super::super::site::{
    MINUTE, NINE, NOON, Site, outcome, report, runs_published, two_deliveries,
};
use super::super::world::World;
use super::proxy::faults::Fault;
use super::runs::Cloud;
use super::server::Server;

fn cloud() -> Cloud {
    Cloud::new(Server::shared(), &two_deliveries())
}

/// A run of extracts at these URLs, below the bucket, into a local output.
fn into_out(cloud: &Cloud, sending: &str, keys: &str) -> Outcome {
    let job = format!(
        "sending_log = \"{}\"\noutput = \"out\"\nas_of = \"2026-03-02T12:00:00Z\"\n{keys}",
        cloud.store.url(sending)
    );
    cloud.site.write("job.toml", job);
    outcome(cloud.program().args(["recompute", "job.toml"]))
}

#[test]
fn objects_are_found_as_files_are() {
    let cloud = cloud();
    let data = cloud.store.get(&cloud.store.list("in/sending_log/")[0]);
    for key in [
        "log/date=1/a.parquet",
        "log/date=2/b.parq",
        "log/_temporary/c.parquet",
        "log/.hidden.parquet",
        "log/notes.txt",
        "log/date=1/_SUCCESS",
        "other.parquet",
    ] {
        cloud.store.put(key, &data);
    }
    // Some programs leave an empty object in the place of a directory.
    cloud.store.put("log/date=3", b"");
    for (url, files) in [
        ("log", "2 files"),
        ("log/", "2 files"),
        ("log/date=*", "2 files"),
        ("log/**/*.parquet", "1 file,"),
        ("log/date=[13]/*.parquet", "1 file,"),
        ("log/date=1/a.parquet", "1 file,"),
        ("other.parquet", "1 file,"),
    ] {
        let _ = fs::remove_dir_all(cloud.site.output());
        let end = into_out(&cloud, url, "").expect_status(0);
        let line = end
            .stderr
            .lines()
            .find(|line| line.starts_with("sending_log"));
        assert!(
            line.expect("a line").contains(files),
            "{url}: {}",
            end.text()
        );
        assert_eq!(
            end.stderr.contains("notes.txt"),
            ["log", "log/"].contains(&url)
        );
    }
    for url in ["none", "log/*.csv", "log/date=9/", "lo"] {
        into_out(&cloud, url, "")
            .expect_status(2)
            .says(&["found nothing"]);
    }
}

/// Several row groups, too large for one request.
fn large(cloud: &Cloud) -> Vec<u8> {
    let mut command = cloud.site.program();
    command.args(["generate", "large", "--messages", "700000", "--one-file"]);
    outcome(&mut command).expect_status(0);
    let bytes = fs::read(cloud.site.path("large/sending_log.parquet")).expect("the file");
    assert!(bytes.len() > 8 << 20, "{} bytes", bytes.len());
    bytes
}

#[test]
fn of_a_large_object_what_is_needed_is_read_in_few_requests() {
    let cloud = cloud();
    let bytes = large(&cloud);
    cloud.store.put("log/large.parquet", &bytes);
    let end = into_out(&cloud, "log", "");
    end.expect_status(0);
    let local = Site::new(&World::default());
    local.write("in/log/large.parquet", &bytes);
    let mut command = local.program();
    command.args(["recompute", "--sending-log", "in/log", "--output", "out"]);
    outcome(command.args(["--as-of", "2026-03-02T12:00:00Z"])).expect_status(0);
    let without = |rows| super::super::site::without_run(&rows);
    assert_eq!(without(cloud.site.hourly()), without(local.hourly()));
    let record = cloud.proxy.record();
    let gets = record
        .seen()
        .iter()
        .filter(|seen| seen.line.contains("large.parquet"));
    let gets = gets.count();
    // A dozen columns, and each of their megabytes at most once.
    let most = 30 + bytes.len() / (1 << 20);
    assert!(
        (3..most).contains(&gets),
        "{gets} requests for {} bytes",
        bytes.len()
    );
}

#[test]
fn an_object_that_changes_while_it_is_read_is_refused() {
    let cloud = cloud();
    let key = cloud.store.list("in/sending_log/").remove(0);
    let bytes = cloud.store.get(&key);
    // Another content of the same size, once the footer has been read.
    let (target, store) = (
        key.clone(),
        super::store::Store::at(cloud.store.address(), cloud.store.bucket()),
    );
    let (mut met, mut other) = (0, bytes);
    let middle = other.len() / 2;
    other[middle] ^= 1;
    cloud.proxy.before(move |request| {
        met += usize::from(request.method == "GET" && request.path().ends_with(&target));
        if met == 2 {
            met += 1;
            store.put(&target, &other);
        }
        None
    });
    into_out(&cloud, "in/sending_log", "")
        .expect_status(1)
        .says(&["it changed while it was read"]);
    assert_eq!(runs_published(&cloud.site.output()), 0);
}

#[test]
fn a_store_that_does_not_answer_is_no_bad_file() {
    let cloud = cloud();
    for status in [403, 500] {
        cloud.proxy.calm();
        let key = cloud.store.list("in/sending_log/").remove(0);
        cloud
            .store
            .put("in/sending_log/more.parquet", &cloud.store.get(&key));
        cloud.proxy.before(move |request| {
            request
                .path()
                .ends_with("more.parquet")
                .then_some(Fault::ErrorBefore(status))
        });
        let _ = fs::remove_dir_all(cloud.site.output());
        into_out(&cloud, "in/sending_log", "on_bad_file = \"skip\"\n")
            .expect_status(1)
            .says(&[
                "the object store failed, nothing was published",
                "more.parquet",
            ]);
        assert_eq!(runs_published(&cloud.site.output()), 0);
    }
    // Nothing is waited for any more once one has failed.
    let record = cloud.proxy.record();
    let asked = record
        .seen()
        .iter()
        .filter(|seen| seen.line.contains("more.parquet"));
    assert!(asked.count() <= 12, "{}", record.tally());
}

/// A store that gives no manifest may do so in an hour.
#[test]
fn a_manifest_that_is_not_given_is_asked_for_again_later() {
    let cloud = cloud();
    cloud.store.put("SUMS", b"");
    let key = format!("manifest = \"{}\"\n", cloud.store.url("SUMS"));
    cloud.proxy.before(|request| {
        request
            .path()
            .ends_with("SUMS")
            .then_some(Fault::ErrorBefore(403))
    });
    into_out(&cloud, "in/sending_log", &key)
        .expect_status(1)
        .says(&["manifest s3://"]);
}

/// Names that stand in a URL as something else.
#[test]
fn names_of_objects_may_hold_any_sign() {
    let cloud = cloud();
    let data = cloud.store.get(&cloud.store.list("in/sending_log/")[0]);
    for (folder, name) in [
        ("größe", "a b.parquet"),
        ("log~old", "ä.parquet"),
        ("hour=10%3A00", "x%20y.parquet"),
        ("plus+und&", "{a}.parquet"),
    ] {
        cloud.store.put(&format!("{folder}/{name}"), &data);
        let _ = fs::remove_dir_all(cloud.site.output());
        // A percent sign begins an escape, as in every URL.
        let url = folder.replace('%', "%25");
        into_out(&cloud, &url, "")
            .expect_status(0)
            .says(&["sending_log   1 file,"]);
        let newest = super::super::delta::newest_run(&cloud.site.output());
        let files = super::super::contention::checks::files_of(&newest);
        assert_eq!(files.into_iter().collect::<Vec<_>>(), [name]);
    }
}

#[test]
fn digests_of_a_manifest_in_the_store_count() {
    let cloud = cloud();
    let name = cloud.store.list("in/sending_log/").remove(0);
    let name = name.trim_start_matches("in/sending_log/");
    let sums = |byte: &str| format!("{}  {name}\n", byte.repeat(32));
    cloud
        .store
        .put("in/sending_log/SUMS", sums("00").as_bytes());
    let key = format!(
        "manifest = \"{}\"\n",
        cloud.store.url("in/sending_log/SUMS")
    );
    into_out(&cloud, "in/sending_log", &key)
        .expect_status(1)
        .says(&["its digest is not that of the manifest"]);
    let sum = std::process::Command::new("sha256sum")
        .arg(cloud.site.path(&format!("in/sending_log/{name}")))
        .output()
        .expect("sha256sum");
    let sum = String::from_utf8(sum.stdout).expect("a text");
    let line = format!("{}  {name}\n", &sum[..64]);
    cloud.store.put("in/sending_log/SUMS", line.as_bytes());
    into_out(&cloud, "in/sending_log", &key).expect_status(0);
    let missing = format!("manifest = \"{}\"\n", cloud.store.url("none"));
    into_out(&cloud, "in/sending_log", &missing)
        .expect_status(2)
        .says(&["manifest s3://"]);
}

/// A list that lacks what the last run has read takes no delivery's rows away, and freezes none.
#[test]
fn what_was_read_is_asked_for_where_it_is_not_listed() {
    let cloud = cloud();
    let frozen = "keep their published rows";
    let add = |number: i64| {
        let row = report(1, 100 + number, "relayed", NINE + number * MINUTE);
        cloud.add(&format!("of {number}%"), &[row]);
    };
    // The first list that the proxy sees is the oldest one.
    outcome(&mut cloud.recompute(NOON, &[])).expect_status(0);
    (0..4).for_each(add);
    outcome(&mut cloud.recompute(NOON + MINUTE, &[])).expect_status(0);
    cloud.proxy.before(|request| {
        let is_of_the_log = request.is_list() && request.target.contains("sending_log");
        is_of_the_log.then_some(Fault::StaleListing)
    });
    let end = outcome(&mut cloud.recompute(NOON + 2 * MINUTE, &[])).expect_status(0);
    assert!(cloud.proxy.record().injected(Fault::StaleListing) > 0);
    assert!(!end.stderr.contains(frozen), "{}", end.text());
    let mut verify = cloud.program();
    verify.args(["verify", "--output", &cloud.store.url("out")]);
    for (flag, key) in [
        ("--sending-log", "in/sending_log/"),
        ("--tracking-log", "in/tracking_log/"),
        ("--deliveries", "in/deliveries.parquet"),
    ] {
        verify.arg(flag).arg(cloud.store.url(key));
    }
    outcome(&mut verify).expect_status(0);
    cloud.proxy.calm();
    cloud.store.delete("in/sending_log/of 0%.parquet");
    let end = outcome(&mut cloud.recompute(NOON + 3 * MINUTE, &[])).expect_status(0);
    assert!(end.stderr.contains(frozen), "{}", end.text());
}
