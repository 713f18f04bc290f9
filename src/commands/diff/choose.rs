//! From a word that names a run to its row of `kpi_run`.

use crate::commands::people::{counted, recorded};
use crate::error::Error;
use crate::job::Choice;
use crate::publish::{DELIVERY_KPI_HOURLY, PublishError, RunRecord};

/// As many run_ids are told where several are meant.
const MOST_IDS: usize = 5;
/// The length of a UUID.
const WHOLE_ID: usize = 36;

/// The run that is meant, of all runs from the newest to the oldest; no more of them are read than are
/// needed to tell.
pub fn choose(
    runs: impl Iterator<Item = Result<RunRecord, PublishError>>,
    place: &'static str,
    choice: &Choice,
) -> Result<RunRecord, Error> {
    let is_start = matches!(choice, Choice::Id(id) if id.len() < WHOLE_ID);
    let (mut meant, mut ends) = (Vec::new(), Ends::default());
    for run in runs {
        let run = run?;
        let is_meant = means(choice, ends.count, &run);
        if is_meant && !is_start {
            return Ok(run);
        }
        ends.see(&run);
        if is_meant {
            meant.push(run);
        }
    }
    let expected = expected(choice);
    let found = match meant.len() {
        0 => ends.told(),
        1 => return Ok(meant.remove(0)),
        several => {
            let ids = meant.iter().take(MOST_IDS).map(|run| run.run_id.as_str());
            let ids = ids.collect::<Vec<_>>().join(", ");
            let more = if several > MOST_IDS { " and more" } else { "" };
            format!("{several}: {ids}{more}")
        }
    };
    Err(Error::NoSuchRun {
        place,
        expected,
        found,
    })
}

/// Whether the run is meant, which comes after so many newer ones.
fn means(choice: &Choice, newer: usize, run: &RunRecord) -> bool {
    match choice {
        Choice::Latest => newer == 0,
        Choice::Previous => newer == 1,
        Choice::Number(number) => run.run_number == *number,
        Choice::Id(start) => run.run_id.starts_with(start),
        Choice::Version(version) => run.table_versions.get(DELIVERY_KPI_HOURLY) == Some(version),
        Choice::Finished(by) => recorded(&run.finished_at).is_some_and(|at| at <= *by),
    }
}

fn expected(choice: &Choice) -> String {
    match choice {
        Choice::Latest => "a run".to_owned(),
        Choice::Previous => "a run before the newest".to_owned(),
        Choice::Number(number) => format!("a run with the run_number {number}"),
        Choice::Id(start) if start.len() < WHOLE_ID => {
            format!("one run whose run_id starts with {start}")
        }
        Choice::Id(id) => format!("a run with the run_id {id}"),
        Choice::Version(version) => {
            format!("a run to which version {version} of {DELIVERY_KPI_HOURLY} belongs")
        }
        Choice::Finished(by) => format!("a run that had finished by {by}"),
    }
}

/// What there is, to choose from.
#[derive(Default)]
struct Ends {
    count: usize,
    newest: String,
    oldest: String,
}

impl Ends {
    fn see(&mut self, run: &RunRecord) {
        let version = run.table_versions.get(DELIVERY_KPI_HOURLY);
        let told = format!(
            "number {} (version {}, finished {})",
            run.run_number,
            version.map_or("unknown".to_owned(), ToString::to_string),
            run.finished_at
        );
        if self.count == 0 {
            self.newest.clone_from(&told);
        }
        self.oldest = told;
        self.count += 1;
    }

    fn told(&self) -> String {
        let runs = counted(self.count as i64, "run", "runs");
        match self.count {
            0 => "none".to_owned(),
            1 => format!("{runs}, {}", self.oldest),
            _ => format!("{runs}, from {} to {}", self.oldest, self.newest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Instant;
    use std::collections::BTreeMap;

    /// Number, run_id, minute in which it finished, version.
    const RUNS: [(i64, &str, u32, i64); 4] = [
        (5, "01a20ed7-0005-7000-8000-000000000000", 50, 3),
        (4, "01a20ed6-0004-7000-8000-000000000000", 55, 3),
        (2, "01a20ed6-0002-7000-8000-000000000000", 20, 2),
        (1, "01a20ed5-0001-7000-8000-000000000000", 10, 1),
    ];

    fn chosen(choice: Choice) -> Result<i64, String> {
        let record = |(number, id, minute, version): (i64, &str, u32, i64)| {
            Ok(RunRecord {
                run_number: number,
                run_id: id.to_owned(),
                finished_at: format!("2026-03-02T09:{minute}:00Z"),
                table_versions: BTreeMap::from([(DELIVERY_KPI_HOURLY.to_owned(), version)]),
                ..RunRecord::default()
            })
        };
        let run = choose(RUNS.into_iter().map(record), "OLD", &choice);
        run.map(|run| run.run_number)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_newest_run_that_fits_is_meant() {
        let nine = 1_772_442_000_000_000; // 2026-03-02T09:00:00Z
        let minute =
            |minute: i64| Choice::Finished(Instant::from_micros(nine + minute * 60_000_000));
        let id = |start: &str| Choice::Id(start.to_owned());
        for (choice, number) in [
            (Choice::Latest, 5),
            (Choice::Previous, 4),
            (Choice::Number(2), 2),
            (Choice::Version(3), 5),
            (Choice::Version(1), 1),
            (id("01a20ed7"), 5),
            (id("01a20ed6-0002"), 2),
            (id(RUNS[3].1), 1),
            (minute(20), 2),
            (minute(19), 1),
            (minute(52), 5),
            (minute(59), 5),
        ] {
            assert_eq!(chosen(choice.clone()), Ok(number), "{choice:?}");
        }
        for (choice, says) in [
            (
                Choice::Number(3),
                "run_number 3, found 4 runs, from number 1 (version 1, finished 2026-03-02T09:10:00Z) to number 5",
            ),
            (
                Choice::Version(4),
                "version 4 of delivery_kpi_hourly belongs, found 4 runs",
            ),
            (
                id("01a20ed6"),
                "01a20ed6, found 2: 01a20ed6-0004-7000-8000-000000000000, 01a20ed6-0002",
            ),
            (id("01a20ed9"), "found 4 runs"),
            (minute(9), "finished by 2026-03-02T09:09:00Z, found 4 runs"),
        ] {
            let error = chosen(choice).expect_err("no run");
            assert!(
                error.starts_with("OLD: expected ") && error.contains(says),
                "{error}"
            );
        }
        let none = choose(std::iter::empty(), "NEW", &Choice::Previous);
        let none = none.map_err(|error| error.to_string()).err();
        assert_eq!(
            none.as_deref(),
            Some("NEW: expected a run before the newest, found none")
        );
    }
}
