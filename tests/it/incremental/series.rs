//! Many runs in a row.

use std::collections::BTreeSet;

use super::super::delta;
use super::super::site::{HOUR, MINUTE, NINE, NOON, content, number, report, tracked};
use super::*;

/// Each hour a file of each log; some hours bring a correction, and files expire at the end.
#[test]
fn forty_hourly_runs_leave_a_small_state_and_the_tables_of_one() {
    let mut world = two_deliveries();
    for row in &mut world.deliveries {
        (row.started_at, row.validity_end) = (Some(NINE), Some(NINE + 20 * HOUR));
    }
    let site = Site::new(&world);
    let mut most = 0;
    for round in 0..40i64 {
        let at = NINE + round * HOUR;
        if round > 0 {
            let message = 1000 + round;
            let mut rows = vec![
                report(round % 3 + 1, message, "relayed", at + MINUTE),
                report(
                    (round - 1) % 3 + 1,
                    message - 1,
                    "soft_bounce",
                    at + 2 * MINUTE,
                ),
            ];
            for (row, log_id) in rows.iter_mut().zip(10 * round..) {
                row.log_id = Some(log_id);
            }
            if round % 7 == 6 {
                let mut again = report((round - 2) % 3 + 1, message - 1, "soft_bounce", at);
                (again.log_id, again.revision, again.deleted) =
                    (Some(10 * round - 9), Some(1), Some(true));
                rows.push(again);
            }
            add_sending(&site, &format!("hour-{round:02}"), &rows);
            add_tracking(
                &site,
                &format!("hour-{round:02}"),
                &[tracked(round % 3 + 1, message, "open", at + 30 * MINUTE)],
            );
        }
        run(&site, "", at + HOUR, &[]);
        assert_eq!(mode(&site), if round == 0 { "full" } else { "incremental" });
        most = most.max(content(&site.output().join("_state")).len());
        if round % 13 == 12 {
            assert_as_fresh(&site, "", at + HOUR);
        }
    }
    assert!(most <= 16 + 2, "{most} files in the state");
    assert_as_fresh(&site, "", NINE + 40 * HOUR);
    // Rows that were merged still know their files.
    let keys = "on_vanished = \"restate\"\n";
    for round in [3, 20, 39] {
        fs::remove_file(site.path(&format!("in/sending_log/hour-{round:02}.parquet")))
            .expect("a file");
        run(&site, keys, NINE + 41 * HOUR, &[]);
        assert_eq!(mode(&site), "incremental");
        assert_as_fresh(&site, "", NINE + 41 * HOUR);
    }
    // And rows that count no longer do not come back.
    for round in 0..20 {
        add_sending(
            &site,
            &format!("more-{round:02}"),
            &[report(2, 5000 + round, "relayed", NINE)],
        );
        run(&site, keys, NINE + 41 * HOUR, &[]);
    }
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NINE + 41 * HOUR);
}

/// Without a row to keep there is no volume either.
#[test]
fn runs_with_nothing_new_add_no_volume() {
    let site = after_one_run("", NINE + HOUR);
    let volumes = state_files(&site, ".rows");
    for round in 2..8 {
        run(&site, "", NINE + round * HOUR, &[]);
        assert_eq!(state_files(&site, ".rows"), volumes);
        assert_eq!(
            content(&site.output().join("_state")).len(),
            volumes.len() + 2
        );
    }
    assert_as_fresh(&site, "", NINE + 7 * HOUR);
}

/// With little memory, rows wait in the volumes that are kept.
#[test]
fn a_memory_limit_changes_nothing() {
    let keys = "threads = 1\nmemory_limit = \"512MB\"\n";
    let site = after_one_run(keys, NINE + 2 * HOUR);
    add_sending(&site, "late", &late_rows());
    run(&site, keys, NINE + 3 * HOUR, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NINE + 3 * HOUR);
    add_tracking(&site, "late", &[tracked(1, 31, "open", NINE + 40 * MINUTE)]);
    run(&site, "", NINE + 3 * HOUR, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, "", NINE + 3 * HOUR);
}

/// Records and restatements are added by every run, and stay readable in few files.
#[test]
fn what_many_runs_add_is_gathered_in_few_files() {
    let keys = "restatements = true\n";
    let site = after_one_run(keys, NOON);
    let hidden = site.path("hidden");
    for round in 0..140i64 {
        let row = report(1, 1000 + round, "relayed", NINE);
        add_sending(&site, &format!("late-{round:03}"), &[row]);
        if round == 70 {
            // What a run has left that died before its record was there.
            copy(&site.output().join("kpi_run"), &hidden);
            run(&site, keys, NOON, &[]);
            fs::remove_dir_all(site.output().join("kpi_run")).expect("newer records");
            copy(&hidden, &site.output().join("kpi_run"));
        }
        run(&site, keys, NOON, &[]);
    }
    for table in ["kpi_run", "kpi_restatement"] {
        let files = delta::data_files(&site.output().join(table));
        assert!((2..80).contains(&files), "{table}: {files} files");
    }
    let runs = delta::read(&site.output().join("kpi_run"), None);
    let numbers: BTreeSet<i64> = runs.iter().map(|run| number(run, "run_number")).collect();
    assert_eq!((runs.len(), numbers.len()), (141, 141));
    // Each run has changed the three hours of delivery 1, once.
    let told = restatements(&site);
    let of: BTreeSet<(String, i64)> = told
        .iter()
        .map(|row| (row["run_id"].to_string(), number(row, "hour")))
        .collect();
    assert_eq!((told.len(), of.len()), (3 * 140, 3 * 140));
    // As an earlier run left it.
    let early = runs
        .iter()
        .find(|run| run["run_number"] == 41)
        .expect("a run");
    let version = early["table_versions"]["kpi_restatement"].as_i64();
    let then = delta::read(&site.output().join("kpi_restatement"), version);
    assert_eq!(then.len(), 3 * 40);
    assert_as_fresh(&site, "", NOON);
}

/// The first record cannot be read while there are enough to be gathered: they stay as they are.
#[test]
fn an_old_record_that_cannot_be_read_stops_no_run() {
    let site = after_one_run("", NOON);
    let table = site.output().join("kpi_run");
    let is_parquet = |name: &PathBuf| name.extension().is_some_and(|end| end == "parquet");
    let first = content(&table).into_keys().find(is_parquet);
    let first = table.join(first.expect("a record"));
    let record = fs::read(&first).expect("a record");
    run(&site, "", NOON, &[]);
    fs::write(&first, b"no record any more").expect("a file");
    for _ in 0..69 {
        run(&site, "", NOON, &[]);
    }
    assert_eq!(delta::data_files(&table), 71);
    fs::write(&first, record).expect("a file");
    assert_eq!(mode(&site), "incremental");
    run(&site, "", NOON, &[]);
    assert!(delta::data_files(&table) < 5, "gathered");
    assert_eq!(delta::read(&table, None).len(), 72);
}
