//! What is counted by person in runs that do not compute everything: of some deliveries, and where logs are gone.

use std::fs;

use super::super::delta::{committed, committed_versions};
use super::super::run::PARENTS_TABLE;
use super::super::site::{HOUR, MINUTE, NINE, Site, delivery, number, outcome, report};
use super::super::world::{
    DeliveryRow, Layout, SendingRow, World, write_deliveries, write_tracking,
};
use super::{BOTH, opened, parents};

fn child(id: i64, parent: i64) -> DeliveryRow {
    DeliveryRow {
        parent_delivery_id: Some(parent),
        ..delivery(id, "Letter")
    }
}

fn bounced(delivery: i64, recipient: i64, at: i64) -> SendingRow {
    SendingRow {
        recipient_id: Some(recipient),
        ..report(delivery, recipient, "hard_bounce", at)
    }
}

/// Two families of two deliveries; recipient 7 bounces in three of them.
fn history() -> World {
    World {
        deliveries: vec![child(1, 8), child(2, 8), child(3, 9), child(4, 9)],
        sending: vec![
            bounced(1, 7, NINE),
            bounced(2, 7, NINE + HOUR),
            bounced(3, 7, NINE + HOUR),
            bounced(4, 5, NINE + HOUR),
        ],
        tracking: vec![opened(3, 7, 7, NINE + 90 * MINUTE)],
    }
}

fn entered(site: &Site) -> Vec<(String, i64)> {
    let rows = site.deliveries().into_iter();
    rows.map(|(id, row)| (id, number(&row, "new_quarantines")))
        .collect()
}

#[test]
fn runs_of_some_deliveries_know_the_errors_in_the_others() {
    let some = [
        &["--delivery", "2", "4"][..],
        &[
            "--event-time-start",
            "2026-03-02T10:00:00Z",
            "--event-time-end",
            "2026-03-02T10:30:00Z",
        ],
    ];
    for (flags, alone) in some.into_iter().zip([&[2, 4][..], &[2, 3, 4]]) {
        let site = Site::new(&history());
        let run = site.run_job(BOTH, flags).expect_status(0);
        let known: Vec<(String, i64)> = alone
            .iter()
            .map(|id| (id.to_string(), i64::from(*id == 4)))
            .collect();
        assert_eq!(entered(&site), known, "{flags:?}");
        assert!(!site.output().join(PARENTS_TABLE).exists());
        assert!(!run.stderr.contains("stays as it is"), "{}", run.text());

        site.run_job(BOTH, &[]).expect_status(0);
        let all = [("1", 1), ("2", 0), ("3", 0), ("4", 1)];
        let all = all.map(|(id, entered)| (id.to_owned(), entered));
        assert_eq!(entered(&site), all);
        let run = site.run_job(BOTH, flags).expect_status(0);
        assert_eq!(entered(&site), all, "{flags:?}");
        run.says(&["parent_kpi_hourly stays as it is"]);

        // What was switched off does not come back without its rows.
        site.run_job("", &[]).expect_status(0);
        site.run_job(BOTH, flags).expect_status(0);
        assert!(!committed_versions(&site.output()).contains_key(PARENTS_TABLE));
    }
}

#[test]
fn a_parent_of_a_frozen_delivery_keeps_its_rows() {
    let site = Site::new(&history());
    let file = |name: &str| site.path(&format!("in/tracking_log/{name}.parquet"));
    let write = |name: &str, rows: &[_]| write_tracking(&file(name), rows, &Layout::default());
    write("old", &[opened(1, 7, 7, NINE + 70 * MINUTE)]);
    write("other", &[opened(4, 5, 5, NINE + 70 * MINUTE)]);
    site.run_job(BOTH, &[]).expect_status(0);
    let of = |parent: i64| {
        let all = parents(&site).into_iter();
        let of_parent = format!("\"parent_delivery_id\":{parent}");
        let of_parent: Vec<String> = all.filter(|row| row.contains(&of_parent)).collect();
        of_parent
    };
    let (eighth, ninth) = (of(8), of(9));
    assert!(
        eighth.len() == 2 && ninth.len() == 1,
        "{eighth:?} {ninth:?}"
    );
    // The first delivery is frozen; its parent stays, whatever comes for the second one.
    fs::remove_file(file("old")).expect("a file");
    write(
        "new",
        &[
            opened(2, 7, 7, NINE + 2 * HOUR),
            opened(3, 7, 7, NINE + 5 * HOUR / 2),
        ],
    );
    let note = "1 parent keeps its rows";
    site.run_job(BOTH, &[]).expect_status(0).says(&[note]);
    assert_eq!(of(8), eighth);
    assert_ne!(of(9), ninth);
    // Recipient 7 is in quarantine still: the report that put it there has not expired.
    let before = [("1", 1), ("2", 0), ("3", 0), ("4", 1)];
    let before = before.map(|(id, entered)| (id.to_owned(), entered));
    assert_eq!(entered(&site), before);
    // Nor does it matter what the extract says of the frozen one, or of the others.
    let all = history().deliveries;
    let set = |rows: &[DeliveryRow]| {
        write_deliveries(
            &site.path("in/deliveries.parquet"),
            rows,
            &Layout::default(),
        );
    };
    for rows in [&all[1..], &all[2..]] {
        set(rows);
        site.run_job(BOTH, &[]).expect_status(0).says(&[note]);
        assert_eq!(of(8), eighth);
        assert_eq!(entered(&site), before);
        outcome(site.program().args(["verify", "job.toml"])).expect_status(0);
    }
    set(&all);
    let run = site.run_job(BOTH, &["--thaw", "1"]).expect_status(0);
    assert_ne!(of(8), eighth, "{}", run.text());
    let rows = committed(&site.output(), PARENTS_TABLE);
    let uniques = rows.iter().map(|row| number(row, "unique_opens_delta"));
    assert_eq!(uniques.sum::<i64>(), 3, "7 for both parents, and 5");
}

#[test]
fn what_cannot_be_is_refused() {
    let site = Site::new(&history());
    for (key, found) in [
        ("soft_errors = 0", "quarantine.soft_errors"),
        ("soft_errors = 1001", "quarantine.soft_errors"),
        ("hours_apart = -1", "quarantine.hours_apart"),
        ("hours_apart = 241", "quarantine.hours_apart"),
        ("days_to_forget = 0", "quarantine.days_to_forget"),
        ("days_to_forget = 3651", "quarantine.days_to_forget"),
        ("errors = 3", "unknown field `errors`"),
    ] {
        let keys = format!("[quarantine]\n{key}\n");
        site.run_job(&keys, &[]).expect_status(2).says(&[found]);
    }
    let export = |id: &str| {
        let words = [
            "export",
            "parent_kpi_hourly",
            "-",
            "--job",
            "job.toml",
            "--delivery",
            id,
        ];
        outcome(site.program().args(words))
    };
    let run = site.run_job("parents = true\n", &[]).expect_status(0);
    assert!(!run.stderr.contains("names a parent"), "{}", run.text());
    assert_eq!(export("8").expect_status(0).stdout.lines().count(), 1 + 2);
    for id in ["1", "7"] {
        let none = "none of the 1 deliveries asked for";
        export(id).expect_status(2).says(&[none]);
    }
    let off = "[quarantine]\ncount = false\nsoft_errors = 3\n";
    site.run_job(off, &[]).expect_status(0);
    assert!(site.deliveries()["1"]["new_quarantines"].is_null());
    let most = "[quarantine]\nhours_apart = 48\ndays_to_forget = 2\n";
    site.run_job(most, &[]).expect_status(0);
    assert_eq!(number(&site.deliveries()["1"], "new_quarantines"), 1);
}
