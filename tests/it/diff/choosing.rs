//! How OLD and NEW name a run.

use serde_json::Value;

use super::super::publishing::undo_commit;
use super::super::site::{Site, number, two_deliveries};
use super::super::world::Layout;
use super::{HOURLY, answered, changed, diff, expected, four_runs, runs, version};

/// The numbers of the runs that these words name.
fn chosen(site: &Site, old: &str, new: &str) -> [i64; 2] {
    let answer = diff(site, &[old, new, "--json"]).expect_status(0).data();
    ["old", "new"].map(|side| answer[side]["run_number"].as_i64().expect("a number"))
}

fn instant(micros: i64) -> String {
    let instant = jiff::Timestamp::from_microsecond(micros).expect("an instant");
    instant.to_string()
}

#[test]
fn runs_are_named_in_every_way() {
    let site = four_runs(&Layout::default());
    let runs = runs(&site);
    assert_eq!(runs.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(chosen(&site, "previous", "latest"), [3, 4]);
    assert_eq!(chosen(&site, "latest", "run:1"), [4, 1]);
    let ids = runs
        .values()
        .map(|run| run["run_id"].as_str().expect("an id"));
    let ids: Vec<&str> = ids.collect();
    for (run, id) in runs.values().zip(&ids) {
        let n = number(run, "run_number");
        assert_eq!(chosen(&site, &format!("run:{n}"), id), [n, n]);
        let others = || ids.iter().filter(|other| *other != id);
        let is_unique = |length: &usize| !others().any(|other| other.starts_with(&id[..*length]));
        let shortest = (8..36).find(is_unique).expect("ids differ");
        let start = id[..shortest].to_uppercase();
        assert_eq!(chosen(&site, &start, &id[..35]), [n, n], "{start}");
        if shortest > 8 {
            let several = diff(&site, &[&id[..shortest - 1], "latest"]).expect_status(2);
            let both = others().find(|other| other.starts_with(&id[..shortest - 1]));
            several.says(&["OLD: expected one run", id, both.expect("another run")]);
        }
        let finished = number(run, "finished_at");
        let before = instant(finished - 1);
        assert_eq!(
            chosen(&site, &instant(finished), &instant(finished + 1)),
            [n, n]
        );
        match n {
            1 => drop(diff(&site, &["latest", &before]).expect_status(2).says(&[
                "NEW: expected a run that had finished by",
                "4 runs, from number 1",
            ])),
            _ => assert_eq!(chosen(&site, &before, "latest"), [n - 1, 4]),
        }
    }
    // The last two runs left the hours as they were: the newer one is meant.
    let versions: Vec<i64> = runs.values().map(|run| version(run, HOURLY)).collect();
    assert!(
        versions[2] > versions[1] && versions[1] > versions[0],
        "{versions:?}"
    );
    let version = |place: usize| format!("version:{}", versions[place]);
    assert_eq!(chosen(&site, &version(0), &version(1)), [1, 2]);
    let newest = if versions[3] == versions[2] { 4 } else { 3 };
    assert_eq!(chosen(&site, &version(2), &version(3)), [newest, 4]);
    assert_eq!(chosen(&site, "2099-12-31T00:00:00", "latest"), [4, 4]);
}

#[test]
fn words_that_name_no_run_are_told() {
    let site = four_runs(&Layout::default());
    let whole = "01a20ed6-a7a8-7643-90c8-f23899275518";
    let cases: [(&str, &[&str]); 13] = [
        ("", &["latest, previous, run:N", "\"\""]),
        ("newest", &["\"newest\""]),
        ("7", &["\"7\""]),
        ("run:x", &["\"run:x\""]),
        ("run:-1", &["\"run:-1\""]),
        ("version:", &["\"version:\""]),
        ("0000000", &["at least 8 characters", "\"0000000\""]),
        ("2026-13-01T00:00:00Z", &["RFC 3339"]),
        (
            "run:0",
            &["run_number 0", "found 4 runs, from number 1 (version "],
        ),
        ("run:5", &["run_number 5", "to number 4"]),
        (
            "version:99",
            &["version 99 of delivery_kpi_hourly", "found 4 runs"],
        ),
        ("00000000", &["starts with 00000000", "found 4 runs"]),
        (whole, &["run_id 01a20ed6-a7a8", "found 4 runs"]),
    ];
    for (word, says) in cases {
        for (old, new, place) in [(word, "latest", "OLD: "), ("latest", word, "NEW: ")] {
            let told = diff(&site, &[old, new]).expect_status(2).says(says);
            assert!(told.stderr.contains(place), "{}", told.text());
            assert_eq!(told.stdout, "", "{word}");
        }
    }
}

#[test]
fn one_run_has_none_before_it() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    diff(&site, &["previous", "latest"])
        .expect_status(2)
        .says(&["OLD: expected a run before the newest, found 1 run, number 1"]);
}

/// What a run committed that died before its commit to `kpi_run` is seen by nobody.
#[test]
fn a_run_that_died_is_not_seen() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    let first = runs(&site)[&1].clone();
    site.rewrite(&changed(), &Layout::default());
    site.run_to(0, &[]);
    let dead = runs(&site)[&2].clone();
    assert!(!expected(&site, HOURLY, &first, &dead).is_empty());
    undo_commit(&site.output(), "kpi_run");
    assert_eq!(chosen(&site, "latest", "latest"), [1, 1]);
    let version = format!("version:{}", version(&dead, HOURLY));
    for word in [
        "previous",
        "run:2",
        &version,
        dead["run_id"].as_str().expect("an id"),
    ] {
        diff(&site, &[word, "latest"])
            .expect_status(2)
            .says(&["found 1 run, number 1"]);
    }
    // The next run undoes it: its rows are in no run, and the files of both are the same again.
    site.rewrite(&two_deliveries(), &Layout::default());
    site.run_to(0, &[]);
    let answer = diff(&site, &["previous", "latest", "--json"])
        .expect_status(0)
        .data();
    assert_eq!(
        [&answer["old"]["run_number"], &answer["new"]["run_number"]],
        [1, 3]
    );
    assert_eq!(answer["differs"], Value::Bool(false));
    site.rewrite(&changed(), &Layout::default());
    site.run_to(0, &[]);
    let answer = diff(&site, &["run:1", "latest", "--json"])
        .expect_status(0)
        .data();
    let runs = runs(&site);
    assert_eq!(
        answered(&answer, HOURLY),
        expected(&site, HOURLY, &runs[&1], &runs[&4])
    );
    assert_eq!(answer["rows"][HOURLY]["only_old"], 1);
}
