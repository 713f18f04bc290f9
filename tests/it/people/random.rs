//! Random histories of few people: the tables of the program are the oracle's.

use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;

use super::super::delta::committed_versions;
use super::super::golden;
use super::super::oracle::{self, Defaults, Expected};
use super::super::random;
use super::super::run::{
    Effort, PARENTS_TABLE, first_lines, job_text, number_from_environment, random_layout, run_keys,
    shrink, side_by_side, table_differences,
};
use super::super::world::{Layout, World};
use super::pieces::rows_of;
use super::worlds::{History, history};

/// A job, as keys of a file and as the oracle takes it.
pub struct Asked {
    pub defaults: Defaults,
    pub keys: String,
    pub has_parents: bool,
}

/// What the job of this seed asks for: both mostly, and one of them alone at times.
pub fn asked(seed: u64, history: &History) -> Asked {
    let machines = random::machines(seed);
    let has_parents = seed % 7 != 3;
    let quarantine = (seed % 5 != 2).then_some(history.quarantine);
    Asked {
        keys: job_text(has_parents, &machines, quarantine.as_ref()),
        defaults: Defaults {
            machines,
            quarantine,
            ..Defaults::default()
        },
        has_parents,
    }
}

impl Asked {
    pub fn expect(&self, world: &World, history: &History, as_of: i64) -> Expected {
        oracle::expect_with(world, as_of, history.mode, &self.defaults)
    }

    /// What is wrong with the tables, line by line.
    pub fn differences(
        &self,
        expected: &Expected,
        output: &std::path::Path,
        layout: &Layout,
    ) -> Vec<String> {
        let is_there = committed_versions(output).contains_key(PARENTS_TABLE);
        if is_there != self.has_parents {
            return vec![format!("{PARENTS_TABLE} is there: {is_there}")];
        }
        table_differences(expected, output, layout)
    }
}

/// What is wrong with a run on a world of this history.
fn check(
    world: &World,
    history: &History,
    asked: &Asked,
    layout: &Layout,
    effort: Effort,
) -> Vec<String> {
    let directory = TempDir::new().expect("a temporary directory");
    let output = directory.path().join("out");
    world.write(directory.path(), layout);
    let (as_of, mode) = (history.as_of, history.mode);
    let outcome = run_keys(directory.path(), &output, as_of, mode, effort, &asked.keys);
    if outcome.status != Some(0) {
        return vec![outcome.text()];
    }
    let expected = asked.expect(world, history, as_of);
    asked.differences(&expected, &output, layout)
}

/// `DELIVERY_KPI_SEED` is the first seed, `DELIVERY_KPI_WORLDS` the number of worlds.
#[test]
fn random_people() {
    let base = number_from_environment("DELIVERY_KPI_SEED").unwrap_or(20_260_302);
    let worlds = number_from_environment("DELIVERY_KPI_WORLDS").unwrap_or(100);
    let found = AtomicBool::new(false);
    let failures = side_by_side(base..base.saturating_add(worlds), |seed| {
        if found.load(Ordering::Relaxed) {
            return None;
        }
        let history = history(seed);
        let layout = random_layout(seed);
        let asked = asked(seed, &history);
        for effort in [(1, seed % 2 == 0, false), (4, seed % 2 != 0, seed % 3 == 0)] {
            let wrong = check(&history.world, &history, &asked, &layout, effort);
            if wrong.is_empty() {
                continue;
            }
            found.store(true, Ordering::Relaxed);
            let again = |world: &World| check(world, &history, &asked, &layout, effort);
            let small = shrink(history.world.clone(), |world| !again(world).is_empty());
            return Some(format!(
                "seed {seed} (DELIVERY_KPI_SEED={seed} DELIVERY_KPI_WORLDS=1), threads, room and parts {effort:?}, {layout:?}\n{}\n\
                 the smallest world that is wrong, as of {}, {:?}:\n{}\n{small:#?}\n{}",
                first_lines(&wrong),
                history.as_of,
                history.mode,
                asked.keys,
                first_lines(&again(&small)),
            ));
        }
        None
    });
    if let Some(failure) = failures.first() {
        panic!("{failure}");
    }
}

/// Threads, the order of rows and files, and rows that wait in files change no cell.
#[test]
fn how_a_run_works_changes_nothing() {
    let wrong: Vec<String> = side_by_side(0..8u64, |seed| {
        let history = history(seed);
        let asked = asked(seed, &history);
        let tables = |seed: u64, effort: Effort| {
            let directory = TempDir::new().expect("a temporary directory");
            let output = directory.path().join("out");
            let layout = Layout {
                string_ids: false,
                ..random_layout(seed)
            };
            history.world.write(directory.path(), &layout);
            let (as_of, mode) = (history.as_of, history.mode);
            let outcome = run_keys(directory.path(), &output, as_of, mode, effort, &asked.keys);
            assert_eq!(outcome.status, Some(0), "seed {seed}: {}", outcome.text());
            rows_of(&output)
        };
        let first = tables(seed, (1, true, false));
        let others = [
            (2, true, false),
            (5, true, false),
            (1, false, false),
            (4, false, false),
        ];
        let differs = |(number, effort): (usize, &Effort)| {
            let other = tables(seed * 100 + number as u64, *effort);
            (other != first).then(|| format!("seed {seed}, {effort:?}:\n{other:#?}\n{first:#?}"))
        };
        let others = others.iter().enumerate();
        others.filter_map(differs).collect::<Vec<_>>()
    });
    assert!(wrong.is_empty(), "{}", first_lines(&wrong));
}

/// Histories that were made for other rules know families and failures, too.
#[test]
fn people_of_other_histories() {
    let wrong: Vec<String> = side_by_side(0..40u64, |seed| {
        let (world, as_of, mode) = random::world(seed);
        let history = History {
            as_of,
            mode,
            ..history(seed)
        };
        let asked = asked(seed, &history);
        let layout = random_layout(seed);
        let directory = TempDir::new().expect("a temporary directory");
        let output = directory.path().join("out");
        world.write(directory.path(), &layout);
        let effort = (2, seed % 2 == 0, false);
        let outcome = run_keys(directory.path(), &output, as_of, mode, effort, &asked.keys);
        // 3: rows were rejected, which the tables do not say.
        assert!(
            matches!(outcome.status, Some(0 | 3)),
            "seed {seed}: {}",
            outcome.text()
        );
        let expected = asked.expect(&world, &history, as_of);
        let wrong = asked.differences(&expected, &output, &layout).into_iter();
        let lines: Vec<String> = wrong.map(|line| format!("seed {seed}: {line}")).collect();
        lines
    });
    assert!(wrong.is_empty(), "{}", first_lines(&wrong));
}

#[test]
fn people_of_golden_cases() {
    let cases = golden::cases();
    let wrong: Vec<String> = side_by_side(cases.iter(), |case| {
        let defaults = Defaults {
            quarantine: Some(case.quarantine.unwrap_or_default()),
            ..case.defaults()
        };
        let asked = Asked {
            keys: job_text(true, &case.machines, defaults.quarantine.as_ref()),
            defaults,
            has_parents: true,
        };
        let (world, as_of, mode) = (&case.world, case.as_of, case.mode);
        let layout = Layout {
            string_ids: true,
            ..Layout::default()
        };
        let directory = TempDir::new().expect("a temporary directory");
        let output = directory.path().join("out");
        world.write(directory.path(), &layout);
        let effort = (2, true, false);
        let outcome = run_keys(directory.path(), &output, as_of, mode, effort, &asked.keys);
        assert_eq!(outcome.status, Some(0), "{}: {}", case.name, outcome.text());
        let expected = oracle::expect_with(world, as_of, mode, &asked.defaults);
        let wrong = asked.differences(&expected, &output, &layout).into_iter();
        let lines: Vec<String> = wrong.map(|line| format!("{}: {line}", case.name)).collect();
        lines
    });
    assert!(wrong.is_empty(), "{}", first_lines(&wrong));
}
