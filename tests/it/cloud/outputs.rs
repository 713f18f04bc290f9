//! Outputs in a store: what a job says of them, and every command on one.

use std::fs;
use std::process::Command;

use super::super::contention::checks::check_tables;
use super::super::incremental::{add_sending, tables_in, typed};
use super::super::run::Outcome;
use super::super::site::{HOUR, MINUTE, NOON, outcome, report, two_deliveries};
use super::proxy::faults::Fault;
use super::runs::Cloud;
use super::server::Server;
use super::store::Store;
use super::{KEY_ID, SECRET, environment};

fn cloud() -> Cloud {
    Cloud::new(Server::shared(), &two_deliveries())
}

/// A job whose runs leave a state in a local directory.
fn job(cloud: &Cloud, output: &str, more: &str) -> String {
    let mut text = String::new();
    for (key, path) in [
        ("sending_log", "in/sending_log"),
        ("tracking_log", "in/tracking_log"),
        ("deliveries", "in/deliveries.parquet"),
        ("output", output),
    ] {
        text += &format!("{key} = \"{}\"\n", cloud.store.url(path));
    }
    text + more
}

fn recompute(cloud: &Cloud, as_of: i64) -> Command {
    let mut command = cloud.program();
    command.args(["recompute", "job.toml", "--as-of", &typed(as_of)]);
    command
}

#[test]
fn a_state_in_a_local_directory_serves_several_outputs() {
    let cloud = cloud();
    for round in 0..3 {
        let row = report(1, 500 + round, "relayed", NOON - HOUR);
        cloud.add(&format!("of-{round}"), &[row]);
        for output in ["out/a", "out/b"] {
            cloud
                .site
                .write("job.toml", job(&cloud, output, "state = \"state\"\n"));
            let end = outcome(&mut recompute(&cloud, NOON + round * MINUTE)).expect_status(0);
            let is_on_top = end.stderr.contains("1 file new, ");
            assert_eq!(is_on_top, round > 0, "{}", end.text());
            assert!(!end.stderr.contains("everything is read"), "{}", end.text());
        }
    }
    let homes: Vec<_> = fs::read_dir(cloud.site.path("state"))
        .expect("homes")
        .collect();
    assert_eq!(homes.len(), 2, "{homes:?}");
    // What is kept is of use to the output that it is of, and its loss costs time alone.
    fs::remove_dir_all(cloud.site.path("state")).expect("gone");
    let end = outcome(&mut recompute(&cloud, NOON + HOUR)).expect_status(0);
    let end = end
        .says(&["everything is read: the state of the last run cannot be used: it is not there"]);
    assert!(
        !end.stderr.contains("keep their published"),
        "{}",
        end.text()
    );
    cloud.site.write("job.toml", job(&cloud, "out/b", ""));
    let end = outcome(&mut recompute(&cloud, NOON + 2 * HOUR)).expect_status(0);
    end.says(&["only where the job names a directory for it (key `state`)"]);
    // The last run has left none: what is in the directory is of another one.
    cloud
        .site
        .write("job.toml", job(&cloud, "out/b", "state = \"state\"\n"));
    let end = outcome(&mut recompute(&cloud, NOON + 3 * HOUR)).expect_status(0);
    end.says(&["everything is read"]);
    let mirror = cloud.mirror();
    let local = cloud.site.path("out");
    let mut full = cloud.site.recompute();
    outcome(full.args(["--as-of", &typed(NOON + 3 * HOUR)])).expect_status(0);
    assert_eq!(tables_in(&mirror.path().join("b")), tables_in(&local));
}

#[test]
fn a_state_is_for_an_output_in_a_store() {
    let cloud = cloud();
    cloud
        .site
        .run_job("state = \"state\"\n", &[])
        .expect_status(2)
        .says(&["state: expected"]);
    let url = format!("state = \"{}\"\n", cloud.store.url("state"));
    cloud.site.write("job.toml", job(&cloud, "out", &url));
    outcome(&mut recompute(&cloud, NOON))
        .expect_status(2)
        .says(&["state: expected a local directory"]);
    for (output, wanted) in [
        ("in/sending_log/out", "a place outside the extracts"),
        ("out%41", "a URL of letters"),
    ] {
        cloud.site.write("job.toml", job(&cloud, output, ""));
        outcome(&mut recompute(&cloud, NOON))
            .expect_status(2)
            .says(&[wanted]);
    }
    // Another way to spell it, and a pattern that finds what is below it.
    let mut command = cloud.program();
    command.args([
        "recompute",
        "--sending-log",
        &cloud.store.url("**/*.parquet"),
    ]);
    command.args([
        "--output",
        &cloud.store.url("out").replace("s3://", "s3a://"),
    ]);
    outcome(&mut command)
        .expect_status(2)
        .says(&["a place outside the extracts"]);
}

/// The same words on the output in the store, and on that of a local run.
fn both(cloud: &Cloud, words: &[&str]) -> [Outcome; 2] {
    let output = cloud.store.url("out");
    let mut remote = cloud.program();
    remote.args(words).args(["--output", &output]);
    let mut local = cloud.site.program();
    local.args(words).args(["--output", "out"]);
    [outcome(&mut remote), outcome(&mut local)]
}

#[test]
fn every_command_reads_an_output_in_a_store() {
    let cloud = cloud();
    let nothing = both(&cloud, &["stats"]);
    for end in nothing {
        end.expect_status(2)
            .says(&["expected the tables of a run, found none"]);
    }
    for round in 0..2 {
        let as_of = typed(NOON + round * HOUR);
        outcome(&mut cloud.recompute(NOON + round * HOUR, &[])).expect_status(0);
        cloud.site.run_to(0, &["--as-of", &as_of]);
    }
    let same: [&[&str]; 4] = [
        &["stats", "1", "--json"],
        &[
            "export",
            "delivery_kpi_hourly",
            "-",
            "--format",
            "csv",
            "--dense",
        ],
        &["export", "delivery_kpi", "-", "--format", "jsonl"],
        &["diff", "previous", "latest"],
    ];
    for words in same {
        let [remote, local] = both(&cloud, words);
        let (remote, local) = (remote.expect_status(0), local.expect_status(0));
        let lines = |end: &Outcome| end.stdout.lines().count();
        assert!(lines(&remote) > 0);
        assert_eq!(lines(&remote), lines(&local), "{words:?}");
    }
    let mut verify = cloud
        .site
        .command(&["verify", "--output", &cloud.store.url("out")]);
    verify.envs(environment(&cloud.proxy.endpoint()));
    outcome(&mut verify).expect_status(0);
    let before = cloud.store.list("out/");
    let [remote, _] = both(&cloud, &["maintain"]);
    remote.expect_status(0).says(&[]);
    assert_eq!(cloud.store.list("out/"), before, "nothing is old enough");
    let mut explain = cloud.program();
    explain.args(["explain", "1", "11", "--as-of", &typed(NOON)]);
    for (flag, key) in [
        ("--sending-log", "in/sending_log"),
        ("--tracking-log", "in/tracking_log"),
    ] {
        explain.arg(flag).arg(cloud.store.url(key));
    }
    outcome(&mut explain).expect_status(0);
}

/// Nobody has written the commit, and nobody may.
#[test]
fn a_store_that_refuses_all_of_several_writers_is_asked_again() {
    let cloud = cloud();
    let mut met = 0;
    cloud.proxy.before(move |request| {
        let is_commit = request.method == "PUT" && request.path().ends_with("00001.json");
        met += usize::from(is_commit);
        (is_commit && met <= 2).then_some(Fault::ErrorBefore(409))
    });
    outcome(&mut cloud.recompute(NOON, &[])).expect_status(0);
    assert_eq!(cloud.proxy.record().injected(Fault::ErrorBefore(409)), 2);
}

/// A run that reads everything, and that another one with a newer file overtakes once its plan is made.
#[test]
fn a_run_that_was_planned_on_another_one_is_planned_anew() {
    let cloud = cloud();
    outcome(&mut cloud.recompute(NOON, &[])).expect_status(0);
    let late = report(1, 700, "relayed", NOON - HOUR);
    let path = add_sending(&cloud.site, "late", std::slice::from_ref(&late));
    let bytes = fs::read(path).expect("the file");
    let mut rival = cloud.recompute(NOON + MINUTE, &[]);
    rival.envs(environment(&format!("http://{}", cloud.store.address())));
    let store = Store::at(cloud.store.address(), cloud.store.bucket());
    let mut is_first = true;
    cloud.proxy.before(move |request| {
        let is_written = request.method == "PUT" && request.path().contains("/out/");
        if is_written && std::mem::take(&mut is_first) {
            store.put("in/sending_log/late.parquet", &bytes);
            outcome(&mut rival).expect_status(0);
        }
        None
    });
    let end = outcome(&mut cloud.recompute(NOON + 2 * MINUTE, &[])).expect_status(0);
    assert_eq!(end.json()["run"]["run_number"], 3);
    let mut world = two_deliveries();
    world.sending.push(late);
    check_tables(&world, NOON + 2 * MINUTE, cloud.mirror().path());
}

/// An answer that is lost after the last commit leaves a run that is there, and knows it.
#[test]
fn a_commit_whose_answer_is_lost_is_found() {
    for (table, fault) in ["delivery_kpi_hourly", "delivery_kpi", "kpi_run"]
        .into_iter()
        .flat_map(|table| [Fault::LostResponse, Fault::ErrorAfter(500)].map(|fault| (table, fault)))
    {
        let cloud = cloud();
        let commit = format!("/{table}/_delta_log/00000000000000000001.json");
        cloud.proxy.at(1, fault, move |request| {
            request.method == "PUT" && request.path().ends_with(&commit)
        });
        let end = outcome(&mut cloud.recompute(NOON, &[])).expect_status(0);
        assert_eq!(cloud.proxy.record().injected(fault), 1);
        assert_eq!(end.json()["run"]["run_number"], 1);
        let mirror = cloud.mirror();
        assert_eq!(super::super::site::runs_published(mirror.path()), 1);
    }
}

#[test]
fn what_is_refused_is_told_without_credentials() {
    let cloud = cloud();
    let silent = |end: &Outcome| {
        for secret in [
            SECRET,
            KEY_ID,
            "typed-secret",
            "StringToSign",
            "An injected fault",
        ] {
            assert!(!end.text().contains(secret), "{}", end.text());
        }
    };
    // What a job must not hold is not repeated.
    for url in [
        "s3://me:typed-secret@bucket/x",
        "s3://bucket/x?key=typed-secret",
        "s3://bucket/x#typed-secret",
    ] {
        for flag in [
            "--sending-log",
            "--tracking-log",
            "--deliveries",
            "--output",
        ] {
            let mut command = cloud.site.command(&["recompute"]);
            if flag != "--output" {
                command = cloud.program();
                command.args(["recompute", "--output", "out"]);
                if flag != "--sending-log" {
                    command.args(["--sending-log", "in/sending_log"]);
                }
            }
            let end = outcome(command.args([flag, url])).expect_status(2);
            silent(&end);
            end.says(&["credentials come from the environment"]);
        }
    }
    let mut plain = cloud.recompute(NOON, &[]);
    plain.env_remove("AWS_ALLOW_HTTP");
    outcome(&mut plain)
        .expect_status(2)
        .says(&["AWS_ALLOW_HTTP=true"]);
    for [output, log] in [["s3:/b/x", "in/sending_log"], ["out", "s3:/b/x"]] {
        let mut command = cloud.program();
        command.args(["recompute", "--output", output, "--sending-log", log]);
        outcome(&mut command)
            .expect_status(2)
            .says(&["two slashes"]);
    }
    for url in ["ftp://host/x", "https://host/x", "s3://"] {
        let mut command = cloud.program();
        command.args([
            "recompute",
            "--sending-log",
            "in/sending_log",
            "--output",
            url,
        ]);
        outcome(&mut command)
            .expect_status(2)
            .says(&["expected a URL"]);
    }
    // What a server says is not repeated either.
    cloud.proxy.before(|_| Some(Fault::ErrorBefore(403)));
    let end = outcome(&mut cloud.recompute(NOON, &[])).expect_status(1);
    silent(&end);
    end.says(&["AccessDenied"]);
    let mut nowhere = cloud.program();
    nowhere.args(["stats", "--output", "s3://there-is-no-such-bucket/out"]);
    cloud.proxy.calm();
    let end = outcome(&mut nowhere).expect_status(1);
    silent(&end);
    end.says(&["NoSuchBucket"]);
}
