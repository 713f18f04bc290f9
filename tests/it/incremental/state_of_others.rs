//! Files of other states in the place of those that belong to the run.

use super::super::site::{NINE, NOON, report, tracked};
use super::*;

/// A job after three runs, each with a file of its own, and what follows from them. The state of the
/// second run is in `earlier`.
fn site_after_three_runs() -> Site {
    let site = after_one_run("", NOON);
    add_sending(&site, "second", &late_rows());
    run(&site, "", NOON, &[]);
    copy(&site.output().join("_state"), &site.path("earlier"));
    add_sending(
        &site,
        "third",
        &[
            report(2, 71, "relayed", NINE),
            report(2, 72, "relayed", NINE),
        ],
    );
    run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    add_tracking(
        &site,
        "fourth",
        &[
            tracked(1, 31, "open", NINE + 1),
            tracked(2, 71, "open", NINE + 2),
        ],
    );
    add_sending(
        &site,
        "fourth",
        &[
            report(1, 31, "delivered", NINE + 3),
            report(2, 71, "hard_bounce", NINE + 4),
        ],
    );
    site
}

#[test]
fn an_earlier_state_under_the_name_of_the_newest_is_not_taken() {
    let site = site_after_three_runs();
    for ending in [".json", ".wakes"] {
        let newest = state_files(&site, ending).pop().expect("the newest");
        let mut earlier: Vec<PathBuf> = fs::read_dir(site.path("earlier"))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.to_string_lossy().ends_with(ending))
            .collect();
        earlier.sort();
        fs::copy(earlier.pop().expect("one"), newest).expect("a copy");
    }
    let outcome = run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "full", "{}", outcome.text());
    outcome.says(&["everything is read: the state of the last run cannot be used"]);
    assert_as_fresh(&site, "", NOON);
}

/// The state of an earlier run alone, as from a backup of the directory.
#[test]
fn a_directory_from_a_backup_is_not_taken() {
    let site = site_after_three_runs();
    copy(&site.path("earlier"), &site.output().join("_state"));
    let outcome = run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "full");
    outcome.says(&["everything is read", "it is not there"]);
    assert_as_fresh(&site, "", NOON);
}

/// Whole, but of another run: its rows must not be taken for those that belong there.
#[test]
fn rows_of_another_run_are_not_taken() {
    let site = site_after_three_runs();
    copy(&site.output(), &site.path("kept"));
    // A run has one for each thread that came to read a file.
    let mut rows = state_files(&site, ".rows");
    rows.dedup_by_key(|path| run_of(path));
    assert_eq!(rows.len(), 3, "{rows:?}");
    for (from, to) in [(0, 1), (0, 2), (1, 2), (2, 1), (2, 0)] {
        copy(&site.path("kept"), &site.output());
        fs::copy(&rows[from], &rows[to]).expect("a copy");
        let outcome = site.run_job("", &["--as-of", &typed(NOON)]);
        assert_eq!(
            outcome.status,
            Some(0),
            "{from} as {to}: {}",
            outcome.text()
        );
        assert_as_fresh(&site, "", NOON);
        assert_eq!(mode(&site), "full", "{from} as {to}: {}", outcome.text());
    }
}

/// The run that a file of rows is named after.
fn run_of(rows: &Path) -> String {
    let name = rows.file_stem().expect("a name").to_string_lossy();
    let (run, _) = name.rsplit_once('-').expect("RUN-N");
    run.to_owned()
}

/// The whole state of another output, under the names of this one.
#[test]
fn the_state_of_another_output_is_not_taken() {
    let site = site_after_three_runs();
    let other = Site::new(&two_deliveries());
    run(&other, "", NOON, &[]);
    let name = |path: &Path| path.file_name().expect("a name").to_owned();
    for ending in [".json", ".wakes", ".rows"] {
        let ours = state_files(&site, ending).pop().expect("ours");
        let theirs = state_files(&other, ending).pop().expect("theirs");
        fs::copy(&theirs, site.output().join("_state").join(name(&theirs))).expect("a copy");
        fs::copy(&theirs, ours).expect("a copy");
    }
    run(&site, "", NOON, &[]);
    assert_eq!(mode(&site), "full");
    assert_as_fresh(&site, "", NOON);
}
