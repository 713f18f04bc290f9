//! Deliveries that no extract names any more.

use super::super::site::{HOUR, NINE, NOON, report};
use super::retention::{FREEZE, RESTATE, rows_of, site};
use super::*;

/// A file of delivery 7 alone, beside those of others.
fn site_with_seven() -> Site {
    let site = site();
    add_sending(&site, "only", &[report(7, 1, "relayed", NINE)]);
    site
}

fn lose_seven(site: &Site) {
    fs::remove_file(site.path("in/sending_log/only.parquet")).expect("a file");
}

/// The tables are what the extracts come to: no row of a delivery is left that none of them names.
#[test]
fn a_delivery_that_no_extract_names_any_more_goes() {
    type Change = fn(&Site);
    let replaced: Change = |site| {
        add_sending(site, "only", &[report(2, 210, "relayed", NINE)]);
    };
    let cases: [(&str, Change, &[&str], &str); 5] = [
        (RESTATE, lose_seven, &[], "incremental"),
        (RESTATE, lose_seven, &["--full"], "full"),
        (FREEZE, lose_seven, &["--thaw", "7"], "incremental"),
        (FREEZE, replaced, &[], "incremental"),
        (FREEZE, replaced, &["--full"], "full"),
    ];
    for (keys, change, flags, expected) in cases {
        let site = site_with_seven();
        run(&site, keys, NOON, &[]);
        assert!(site.deliveries().contains_key("7"));
        change(&site);
        run(&site, keys, NOON + HOUR, flags)
            .says(&["gone          1 delivery that no extract names any more"]);
        assert_eq!(mode(&site), expected);
        assert!(frozen(&site).is_empty());
        assert_as_fresh(&site, "", NOON + HOUR);
        let again = run(&site, keys, NOON + HOUR, &[]);
        assert!(!again.text().contains("gone  "), "{}", again.text());
    }
}

/// A dry run says so, and a run of other deliveries knows nothing of it.
#[test]
fn only_a_run_of_all_deliveries_that_publishes_removes_one() {
    let site = site_with_seven();
    run(&site, RESTATE, NOON, &[]);
    let kept = rows_of(&site, "7");
    lose_seven(&site);
    run(&site, RESTATE, NOON, &["--dry-run"]).says(&["gone          1 delivery", "1 removed"]);
    assert_eq!(rows_of(&site, "7"), kept);
    run(&site, RESTATE, NOON, &["--delivery", "1"]);
    assert_eq!(rows_of(&site, "7"), kept);
    run(&site, RESTATE, NOON, &[]).says(&["gone          1 delivery"]);
    assert_as_fresh(&site, "", NOON);
}

#[test]
fn half_of_the_deliveries_are_not_given_up_unasked() {
    let site = site();
    let [seven, eight, nine] = [7, 8, 9].map(|id| report(id, 1, "relayed", NINE));
    add_sending(&site, "only", &[seven, eight.clone(), nine]);
    run(&site, FREEZE, NOON, &[]);
    let before = tables(&site);
    add_sending(&site, "only", &[report(2, 210, "relayed", NINE)]);
    for flags in [&[][..], &["--full"]] {
        let as_of = typed(NOON);
        let flags = [&["--as-of", as_of.as_str()], flags].concat();
        let refused = site.run_job("", &flags).expect_status(1);
        refused.says(&["3 of the 5 deliveries", "--accept-shrinkage"]);
        assert_eq!(tables(&site), before);
    }
    run(&site, FREEZE, NOON, &["--accept-shrinkage"]);
    assert_as_fresh(&site, "", NOON);
    // Two of five are not half.
    add_sending(
        &site,
        "only",
        &[
            eight.clone(),
            report(3, 1, "relayed", NINE),
            report(4, 1, "relayed", NINE),
        ],
    );
    run(&site, FREEZE, NOON, &[]);
    add_sending(&site, "only", &[eight]);
    run(&site, FREEZE, NOON, &[]).says(&["gone          2 deliveries"]);
    assert_as_fresh(&site, "", NOON);
}

/// The state tells which deliveries had rows in a file, and that a file was only renamed, also where the
/// run reads everything.
#[test]
fn a_full_run_freezes_what_an_incremental_one_would() {
    let site = site();
    run(&site, FREEZE, NOON, &[]);
    let renamed = site.path("in/sending_log/renamed.parquet");
    fs::rename(site.path("in/sending_log/old.parquet"), &renamed).expect("a new name");
    run(&site, FREEZE, NOON, &["--full"]);
    assert!(frozen(&site).is_empty());
    assert_as_fresh(&site, "", NOON);
    fs::remove_file(renamed).expect("the file");
    run(&site, FREEZE, NOON, &["--full"]);
    assert_eq!(frozen(&site), ["1"]);
}

/// A file without a row is as good as none: an export that has failed.
#[test]
fn half_of_the_files_do_not_lose_their_rows_unasked() {
    for (keys, is_full) in [(FREEZE, false), (RESTATE, false), (FREEZE, true)] {
        let site = site();
        run(&site, keys, NOON, &[]);
        let before = newest_run(&site.output());
        add_sending(&site, "old", &[]);
        add_sending(&site, "x", &[]);
        let as_of = typed(NOON);
        let flags = [
            &["--as-of", &as_of][..],
            if is_full { &["--full"] } else { &[] },
        ]
        .concat();
        let outcome = site.run_job(keys, &flags).expect_status(1);
        outcome.says(&[
            "sending_log",
            "2 of the 4 files",
            "empty",
            "--accept-shrinkage",
        ]);
        assert_eq!(newest_run(&site.output()), before);
        let flags = [&flags[..], &["--accept-shrinkage"]].concat();
        site.run_job(keys, &flags).expect_status(0);
        assert_as_fresh(&site, keys, NOON);
        assert!(frozen(&site).is_empty(), "they are corrected");
        // It is said once.
        run(&site, keys, NOON, &[]);
    }
}

/// Files that had no row do not make up for those that had.
#[test]
fn empty_files_hide_no_missing_ones() {
    for (with_run_for_one, with_state) in
        [(false, true), (false, false), (true, true), (true, false)]
    {
        let site = site();
        for name in 0..9 {
            add_sending(&site, &format!("night-{name}"), &[]);
        }
        run(&site, FREEZE, NOON, &[]);
        if with_run_for_one {
            run(&site, FREEZE, NOON, &["--delivery", "2"]);
        }
        let before = newest_run(&site.output());
        if !with_state {
            fs::remove_dir_all(site.output().join("_state")).expect("the state");
        }
        for name in ["old", "x"] {
            fs::remove_file(site.path(&format!("in/sending_log/{name}.parquet"))).expect("a file");
        }
        let outcome = site
            .run_job(FREEZE, &["--as-of", &typed(NOON)])
            .expect_status(1);
        outcome.says(&["2 of the 4 files"]);
        assert_eq!(newest_run(&site.output()), before);
    }
}

/// A file that is written on under a new name, with an empty one in its place, has lost nothing.
#[test]
fn a_file_that_moves_and_leaves_an_empty_one_is_no_loss() {
    let site = Site::new(&two_deliveries());
    run(&site, FREEZE, NOON, &[]);
    let (path, archive) = (
        site.path("in/sending_log/part-000.parquet"),
        site.path("in/sending_log/archive.parquet"),
    );
    fs::rename(&path, &archive).expect("another name");
    add_sending(&site, "part-000", &[]);
    run(&site, FREEZE, NOON, &[]);
    assert!(frozen(&site).is_empty());
    assert_as_fresh(&site, FREEZE, NOON);
}
