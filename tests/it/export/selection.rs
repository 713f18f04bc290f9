//! Which rows: deliveries, hours, and those of the newest run alone.

use serde_json::Value;

use super::super::publishing::undo_commit;
use super::super::run::Outcome;
use super::super::site::{HOUR, NINE, Site, tracked};
use super::super::world::Layout;
use super::{CUT, export, of_json_lines, table, two_days, values};

fn site(string_ids: bool) -> Site {
    let layout = Layout {
        string_ids,
        ..Layout::default()
    };
    let site = Site::laid_out(&two_days(), &layout);
    site.run_to(0, &["--as-of", CUT]);
    site
}

fn print(site: &Site, table: &str, flags: &[&str]) -> Outcome {
    let flags = [&["--format", "jsonl"], flags].concat();
    export(site, table, "-", &flags).expect_status(0)
}

#[test]
fn named_deliveries_alone() {
    for (string_ids, ids) in [(false, ["1", "2", "3"]), (true, ["d-1", "d-2", "d-3"])] {
        let site = site(string_ids);
        for name in ["delivery_kpi_hourly", "delivery_kpi"] {
            let rows = table(&site, name);
            let of = |wanted: &[&str]| {
                let mut rows = values(&rows);
                rows.retain(|row| {
                    let id = &row["delivery_id"];
                    let text = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
                    wanted.contains(&text.as_str())
                });
                rows
            };
            let found = print(&site, name, &["--delivery", ids[1]]);
            assert!(!found.stderr.contains("note"), "{}", found.text());
            let found = of_json_lines(&found.stdout);
            assert_eq!(found, of(&ids[1..2]));
            assert!(!found.is_empty() && found.len() < rows.len());
            let found = print(&site, name, &["--delivery", ids[0], "--delivery", ids[1]]);
            assert_eq!(of_json_lines(&found.stdout), of(&ids[..2]));
        }
        // One that has no hour yet, and one that nobody knows.
        print(
            &site,
            "delivery_kpi_hourly",
            &["--delivery", ids[0], ids[2], "-77"],
        )
        .says(&["note: no row is of the deliveries", ids[2], "-77"]);
        let none = print(&site, "delivery_kpi_hourly", &["--delivery", ids[2]]);
        assert_eq!(none.stdout, "");
        export(&site, "delivery_kpi", "x.csv", &["--delivery", "77", "78"])
            .expect_status(2)
            .says(&["--delivery", "none of the 2 deliveries"]);
        assert!(!site.path("x.csv").exists());
    }
    export(
        &site(false),
        "delivery_kpi",
        "x.csv",
        &["--delivery", "1", "d-1"],
    )
    .expect_status(2)
    .says(&["--delivery", "integer", "place 2"]);
}

#[test]
fn hours_of_a_half_open_interval() {
    let site = site(false);
    let rows = values(&table(&site, "delivery_kpi_hourly"));
    let expected = |hours: std::ops::Range<i64>| -> Vec<Value> {
        let is_within = |row: &&Value| {
            let hour = row["hour"].as_i64().expect("an hour");
            (NINE + hours.start * HOUR..NINE + hours.end * HOUR).contains(&hour)
        };
        rows.iter().filter(is_within).cloned().collect()
    };
    let found = |flags: &[&str]| of_json_lines(&print(&site, "delivery_kpi_hourly", flags).stdout);
    let (ten, eleven) = ("2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z");
    assert_eq!(found(&["--from", ten, "--to", eleven]), expected(1..2));
    assert_eq!(expected(1..2).len(), 2);
    assert_eq!(found(&["--from", ten]), expected(1..99));
    assert_eq!(found(&["--to", ten]), expected(-99..1));
    // Without a zone in UTC, and understood as it is said.
    print(
        &site,
        "delivery_kpi_hourly",
        &[
            "--from",
            "2026-03-02 10:00",
            "--to",
            "2026-03-02T13:00+02:00",
        ],
    )
    .says(&["2 rows", &format!("[{ten}, {eleven})")]);
    // An hour that has begun before is not among them.
    assert_eq!(
        found(&["--from", "2026-03-02T10:00:00.000001Z", "--to", eleven]),
        expected(0..0)
    );
    assert_eq!(found(&["--from", "2026-03-03T00:00:00Z"]), expected(15..99));
    let empty = export(
        &site,
        "delivery_kpi_hourly",
        "-",
        &["--to", "2026-03-01T00:00:00Z"],
    );
    let empty = empty
        .expect_status(0)
        .says(&["delivery_kpi_hourly: 0 rows"]);
    assert_eq!(
        empty.stdout.lines().count(),
        1,
        "a header: {}",
        empty.text()
    );
}

/// Partitions outside the interval are not read: one that is gone is not missed.
#[test]
fn other_days_are_not_read() {
    let site = site(false);
    let second = site.output().join("delivery_kpi_hourly/date=2026-03-03");
    std::fs::remove_dir_all(second).expect("a partition");
    print(
        &site,
        "delivery_kpi_hourly",
        &["--to", "2026-03-03T00:00:00Z"],
    )
    .says(&["5 rows"]);
    export(&site, "delivery_kpi_hourly", "x.csv", &[]).expect_status(1);
}

#[test]
fn what_a_dead_run_wrote_is_not_exported() {
    let site = site(false);
    let tables = ["delivery_kpi_hourly", "delivery_kpi", "kpi_run"];
    let before = tables.map(|name| print(&site, name, &[]).stdout);
    let mut more = two_days();
    more.tracking.push(tracked(2, 22, "click", NINE + 3 * HOUR));
    site.rewrite(&more, &Layout::default());
    site.run_to(0, &["--as-of", CUT]);
    assert_ne!(print(&site, tables[0], &[]).stdout, before[0]);
    undo_commit(&site.output(), "kpi_run");
    assert_eq!(tables.map(|name| print(&site, name, &[]).stdout), before);
}
