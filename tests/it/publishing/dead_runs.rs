//! A run that died between its commits: readers see the run before it, and the next run goes on from
//! there.

use std::collections::BTreeMap;
use std::fs;

use super::super::delta::{Row, newest_run};
use super::super::oracle::{self, Mode};
use super::super::run::table_differences;
use super::super::site::{
    MINUTE, NINE, NOON, Site, assert_five_hours, changes, hourly, number, runs_published, tracked,
    two_deliveries, without_run,
};
use super::super::world::{Layout, World};
use super::{TABLES, commits, undo_commit};

/// [`two_deliveries`] with rows that are new, changed and gone in both tables.
fn changed() -> World {
    let mut world = two_deliveries();
    world.tracking.remove(1);
    world
        .tracking
        .push(tracked(2, 21, "open", NINE + 15 * MINUTE));
    world
        .deliveries
        .push(super::super::site::delivery(3, "Third"));
    world.deliveries[0].label = Some("First, renamed".to_owned());
    world
}

type Tables = (BTreeMap<(String, i64), Row>, BTreeMap<String, Row>);

fn tables(site: &Site) -> Tables {
    (site.hourly(), site.deliveries())
}

fn assert_is(site: &Site, world: &World, context: &str) {
    let expected = oracle::expect(world, NOON, Mode::Infer);
    let wrong = table_differences(&expected, &site.output(), &Layout::default());
    assert_eq!(wrong, [""; 0], "{context}");
}

/// One run on [`two_deliveries`]; then one on [`changed`], of which these commits were never made.
fn with_dead_run(lost: &[&str]) -> (Site, Tables) {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    let first = tables(&site);
    assert_five_hours(&first.0);
    let before = TABLES.map(|table| commits(&site.output(), table).len());
    site.rewrite(&changed(), &Layout::default());
    site.run_to(0, &[]);
    assert_ne!(tables(&site), first);
    let after = TABLES.map(|table| commits(&site.output(), table).len());
    assert_eq!(
        after,
        before.map(|commits| commits + 1),
        "one commit for each table"
    );
    for table in lost {
        undo_commit(&site.output(), table);
    }
    assert_eq!(tables(&site), first, "readers see the run before");
    assert_eq!(runs_published(&site.output()), 1);
    (site, first)
}

const DEATHS: [&[&str]; 2] = [&["kpi_run"], &["kpi_run", "delivery_kpi"]];

#[test]
fn the_next_run_on_the_same_extracts_completes_it() {
    for lost in DEATHS {
        let (site, first) = with_dead_run(lost);
        site.run_to(0, &[]);
        assert_is(&site, &changed(), "completed");
        // What changed is told against the run that readers know.
        assert_eq!(
            changes(&site.output(), "delivery_kpi_hourly"),
            [0, 2, 1, 2],
            "{lost:?}"
        );
        assert_eq!(
            changes(&site.output(), "delivery_kpi"),
            [1, 2, 0, 0],
            "{lost:?}"
        );
        let key = ("1".to_owned(), NINE);
        assert_eq!(
            site.hourly()[&key],
            first.0[&key],
            "what is the same is as the first run wrote it"
        );
        site.run_to(0, &[]);
        assert_eq!(changes(&site.output(), "delivery_kpi_hourly"), [0; 4]);
    }
}

#[test]
fn the_next_run_on_the_old_extracts_undoes_it() {
    for lost in DEATHS {
        let (site, first) = with_dead_run(lost);
        site.rewrite(&two_deliveries(), &Layout::default());
        site.run_to(0, &[]);
        assert_eq!(tables(&site), first, "run_id too");
        assert_eq!(changes(&site.output(), "delivery_kpi_hourly"), [0, 0, 0, 5]);
        assert_eq!(changes(&site.output(), "delivery_kpi"), [0, 0, 0, 2]);
        // The newest version of every table is the undone one, not that of the dead run.
        for table in &TABLES[..2] {
            let newest = super::super::delta::read(&site.output().join(table), None);
            assert_eq!(
                newest.len(),
                [5, 2][usize::from(*table == "delivery_kpi")],
                "{table}"
            );
        }
    }
}

/// A run for one delivery undoes what the dead run did to others.
#[test]
fn a_run_for_one_delivery_leaves_the_others_as_readers_know_them() {
    for lost in DEATHS {
        let (site, first) = with_dead_run(lost);
        site.run_to(0, &["--delivery", "2"]);
        let now = tables(&site);
        let others = |tables: &Tables| {
            let (mut hours, mut deliveries) = tables.clone();
            hours.retain(|(delivery, _), _| delivery != "2");
            deliveries.retain(|delivery, _| delivery != "2");
            (hours, deliveries)
        };
        assert_eq!(others(&now), others(&first), "{lost:?}");
        assert_eq!(number(&now.1["2"], "opens_tracked"), 2);
    }
}

/// Also the first run may die: between tables, or before some of them are there.
#[test]
fn the_first_run_may_die_too() {
    for lost in [1, 2, 3] {
        for tables_too in [false, true] {
            let site = Site::new(&two_deliveries());
            site.run_to(0, &[]);
            for table in TABLES.iter().rev().take(lost) {
                if tables_too {
                    fs::remove_dir_all(site.output().join(table))
                        .expect("a table that was not made");
                } else {
                    undo_commit(&site.output(), table);
                }
            }
            assert_eq!(runs_published(&site.output()), 0);
            site.rewrite(&changed(), &Layout::default());
            let dry = site.run_to(0, &["--dry-run"]);
            assert_eq!(dry.stdout.lines().count(), 1 + 4, "{}", dry.text());
            site.run_to(0, &[]);
            assert_is(&site, &changed(), &format!("{lost} tables, {tables_too}"));
            assert_eq!(changes(&site.output(), "delivery_kpi_hourly"), [4, 0, 0, 0]);
            assert_eq!(runs_published(&site.output()), 1);
        }
    }
}

/// One dead run after the other.
#[test]
fn many_runs_may_die_in_a_row() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    let first = tables(&site);
    let mut numbers = vec![number(&newest_run(&site.output()), "run_number")];
    for round in 0..4 {
        let mut world = changed();
        for _ in 0..round {
            world
                .tracking
                .push(tracked(2, 22, "click", NINE + round * MINUTE));
        }
        site.rewrite(&world, &Layout::default());
        site.run_to(0, &[]);
        numbers.push(number(&newest_run(&site.output()), "run_number"));
        undo_commit(&site.output(), "kpi_run");
        assert_eq!(tables(&site), first, "round {round}");
    }
    site.run_to(0, &[]);
    numbers.push(number(&newest_run(&site.output()), "run_number"));
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert_eq!(runs_published(&site.output()), 2);
    let expected = Site::new(&two_deliveries());
    let extracts = site.path("in");
    fs::remove_dir_all(expected.path("in")).expect("extracts to replace");
    fs::rename(extracts, expected.path("in")).expect("the last extracts");
    expected.run_to(0, &[]);
    assert_eq!(without_run(&site.hourly()), without_run(&expected.hourly()));
}

#[test]
fn many_runs_in_a_row_end_where_one_does() {
    let site = Site::new(&two_deliveries());
    let worlds = [two_deliveries(), changed()];
    for round in 1..=12i64 {
        site.rewrite(&worlds[(round % 2) as usize], &Layout::default());
        let as_of = format!("2026-03-02T{:02}:30:00Z", 8 + round);
        let only: &[&str] = if round % 5 == 0 {
            &["--delivery", "2"]
        } else {
            &[]
        };
        site.run_to(0, &[&["--as-of", &as_of][..], only].concat());
        assert_eq!(number(&newest_run(&site.output()), "run_number"), round);
        assert_eq!(runs_published(&site.output()), round as usize);
    }
    let whole = Site::new(&worlds[0]);
    whole.run_to(0, &["--as-of", "2026-03-02T20:30:00Z"]);
    let expected = without_run(&whole.hourly());
    assert_eq!(without_run(&hourly(&site.output())), expected);
    assert_eq!(
        without_run(&site.deliveries()).get("1"),
        without_run(&whole.deliveries()).get("1")
    );
}
