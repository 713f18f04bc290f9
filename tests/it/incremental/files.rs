//! Only files that are new are read; where nothing is, no hour is written.

use super::super::delta::newest_run;
use super::super::oracle::{self, Mode};
use super::super::run::table_differences;
use super::super::site::{
    DAY, HOUR, MINUTE, NINE, NOON, Site, changes, content, number, report, runs_published, tracked,
    two_deliveries,
};
use super::super::world::Layout;
use super::*;

#[test]
fn a_run_with_one_more_file_reads_that_alone() {
    let site = after_one_run("", NOON);
    let (sending, tracking) = (late_rows(), [tracked(2, 21, "open", NINE + 95 * MINUTE)]);
    add_sending(&site, "late", &sending);
    let outcome = run(&site, "", NOON, &["--log-format", "json"]);
    assert_eq!(mode(&site), "incremental");
    assert_eq!(
        outcome.json()["changes"],
        "1 file new, 2 files unchanged; 1 delivery to look at again"
    );
    assert_as_fresh(&site, "", NOON);
    // Of a dry run nothing stays, and it tells what follows.
    add_tracking(&site, "late", &tracking);
    let before = content(&site.output());
    let dry = run(&site, "", NOON, &["--dry-run"]);
    let dry = dry.says(&["1 file new, 3 files unchanged", "delivery 2: new rows"]);
    assert_eq!(dry.stdout.lines().count(), 2, "{}", dry.text());
    let ours = |path: &PathBuf| !path.ends_with("_delivery-kpi.lock");
    let mut after = content(&site.output());
    after.retain(|path, _| ours(path));
    let mut before = before;
    before.retain(|path, _| ours(path));
    assert_eq!(before, after);
    run(&site, "", NOON, &[]);
    let mut world = two_deliveries();
    world.sending.extend(sending);
    world.tracking.extend(tracking);
    let expected = oracle::expect(&world, NOON, Mode::Infer);
    let wrong = table_differences(&expected, &site.output(), &Layout::default());
    assert_eq!(wrong, [""; 0]);
    assert_as_fresh(&site, "", NOON);
}

#[test]
fn a_run_with_nothing_new_writes_no_data_file() {
    let site = after_one_run("", NOON);
    let of = |table: &str| content(&site.output().join(table));
    let (hours, rows) = (of("delivery_kpi_hourly"), of("delivery_kpi"));
    run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_eq!(runs_published(&site.output()), 2);
    assert_eq!(of("delivery_kpi_hourly"), hours);
    assert_eq!(of("delivery_kpi"), rows);
    assert_eq!(changes(&site.output(), "delivery_kpi_hourly"), [0; 4]);
    run(&site, "", NOON + HOUR, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_eq!(of("delivery_kpi_hourly"), hours);
    for row in site.deliveries().values() {
        assert_eq!(number(row, "as_of"), NOON + HOUR);
    }
    assert_as_fresh(&site, "", NOON + HOUR);
}

/// A late row changes its hour and those after it, of its delivery alone and not before its day.
#[test]
fn days_before_the_first_change_and_other_deliveries_stay_as_they_were_written() {
    let mut world = two_deliveries();
    for day in 1..3 {
        world
            .sending
            .push(report(1, 40 + day, "relayed", NINE + day * DAY));
        world
            .sending
            .push(report(2, 50 + day, "relayed", NINE + day * DAY));
    }
    let site = Site::new(&world);
    let as_of = NOON + 3 * DAY;
    run(&site, "", as_of, &[]);
    let first = site.hourly();
    add_sending(
        &site,
        "late",
        &[report(2, 60, "relayed", NINE + DAY + MINUTE)],
    );
    run(&site, "", as_of, &[]);
    assert_as_fresh(&site, "", as_of);
    let second = newest_run(&site.output())["run_id"].clone();
    for (key, row) in site.hourly() {
        let is_later = key.0 == "2" && key.1 >= NINE + DAY;
        assert_eq!(row["run_id"] == second, is_later, "{key:?}");
        assert!(is_later || row == first[&key], "{key:?}");
    }
}

/// New deliveries, new labels, identifiers that nobody has seen; then a correction of each kind.
#[test]
fn later_files_correct_delete_and_double_rows_of_earlier_ones() {
    let mut world = two_deliveries();
    for (row, log_id) in world.sending.iter_mut().zip(100..) {
        row.log_id = Some(log_id);
    }
    for (row, log_id) in world.tracking.iter_mut().zip(500..) {
        row.log_id = Some(log_id);
    }
    let site = Site::new(&world);
    run(&site, "", NOON, &[]);
    let revised = |at: usize, revision: i64| {
        let mut row = world.sending[at].clone();
        row.revision = Some(revision);
        row
    };
    // A revision that comes before the one it is older than.
    let mut bounced = revised(2, 2);
    bounced.event = Some("hard_bounce".to_owned());
    add_sending(&site, "second", &[bounced, revised(0, 0)]);
    run(&site, "", NOON, &[]);
    assert_as_fresh(&site, "", NOON);
    assert_eq!(number(&site.deliveries()["1"], "hard_bounces"), 2);
    let mut late = revised(2, 1);
    late.event = Some("delivered".to_owned());
    let mut gone = revised(6, 1);
    gone.deleted = Some(true);
    add_sending(&site, "third", &[late, gone]);
    let mut clicked = world.tracking[1].clone();
    (clicked.revision, clicked.deleted) = (Some(1), Some(true));
    add_tracking(&site, "third", &[clicked, tracked(9, 1, "open", NINE)]);
    run(&site, "", NOON, &[]);
    assert_as_fresh(&site, "", NOON);
    assert_eq!(number(&site.deliveries()["1"], "hard_bounces"), 2);
    assert_eq!(number(&site.deliveries()["1"], "clicks"), 0);
    // The deletion goes again.
    fs::remove_file(site.path("in/tracking_log/third.parquet")).expect("a file");
    run(
        &site,
        "on_vanished = \"restate\"\n",
        NOON,
        &["--accept-shrinkage"],
    );
    assert_eq!(mode(&site), "incremental");
    assert_eq!(number(&site.deliveries()["1"], "clicks"), 1);
}

/// What was left out is read again until it can be, and is not left out twice.
#[test]
fn a_file_that_was_left_out_is_read_once_it_is_whole() {
    let site = after_one_run("", NOON);
    let path = add_sending(&site, "late", &late_rows());
    let whole = fs::read(&path).expect("a file");
    fs::write(&path, &whole[..whole.len() / 2]).expect("half a file");
    let keys = "on_bad_file = \"skip\"\nmax_rejected = 1\n";
    for _ in 0..2 {
        run(&site, keys, NOON, &[]);
        assert_eq!(mode(&site), "incremental");
        assert_as_fresh(&site, keys, NOON);
    }
    fs::write(&path, &whole).expect("the whole file");
    run(&site, keys, NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, keys, NOON);
    assert_eq!(number(&site.deliveries()["1"], "processed"), 5);
    // And it breaks once more.
    fs::write(&path, &whole[..whole.len() / 2]).expect("half a file");
    run(&site, keys, NOON, &[]);
    assert_as_fresh(&site, keys, NOON);
}

/// A delivery that no extract named for a while starts anew.
#[test]
fn a_delivery_that_comes_back_counts_once() {
    let site = after_one_run("", NOON);
    let of_9 = |messages: std::ops::Range<i64>| -> Vec<SendingRow> {
        messages.map(|m| report(9, m, "relayed", NINE)).collect()
    };
    add_sending(&site, "more", &of_9(900..910));
    run(&site, "", NOON, &[]);
    assert_eq!(number(&site.deliveries()["9"], "processed"), 10);
    // Another content under the name, then the first one again, and later only a part of it.
    add_sending(&site, "more", &late_rows());
    run(&site, "", NOON, &[]);
    for (messages, processed) in [(900..910, 10), (905..908, 3)] {
        add_sending(&site, "more", &of_9(messages));
        run(&site, "", NOON, &[]);
        assert_eq!(mode(&site), "incremental");
        assert_eq!(number(&site.deliveries()["9"], "processed"), processed);
        assert_as_fresh(&site, "", NOON);
        add_sending(&site, "more", &late_rows());
        run(&site, "", NOON, &[]);
        assert!(!site.deliveries().contains_key("9"));
    }
}
