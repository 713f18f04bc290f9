//! The tables of the hours by domain, by failure reason and by link, compared with the oracle.

use tempfile::TempDir;

use super::super::delta::committed;
use super::super::golden;
use super::super::oracle::breakdowns::domains::by_domain;
use super::super::oracle::{self, Defaults, Expected, HOUR, Machines, Mode};
use super::super::random;
use super::super::run::{
    assert_breakdowns, domain_differences, first_lines, random_layout, run_in_process, side_by_side,
};
use super::super::site::{by_reason, by_url};
use super::super::world::{Layout, World};

/// Runs the program on a world, at an earlier instant first where one is given, and panics unless both tables are
/// what the oracle says.
fn check(
    world: &World,
    as_ofs: &[i64],
    mode: Mode,
    layout: &Layout,
    machines: &Machines,
    context: &str,
) {
    let directory = TempDir::new().expect("a temporary directory");
    let output = directory.path().join("out");
    world.write(directory.path(), layout);
    let defaults = Defaults {
        machines: machines.clone(),
        ..Defaults::default()
    };
    for (number, as_of) in as_ofs.iter().enumerate() {
        // All rows wait in files in every other run.
        let effort = (2, number % 2 == 0, true);
        let outcome = run_in_process(directory.path(), &output, *as_of, mode, effort, machines);
        let status = outcome.status;
        // 3: rows were rejected, which the tables do not say.
        assert!(
            matches!(status, Some(0 | 3)),
            "{context}: {}",
            outcome.text()
        );
        let expected = oracle::expect_with(world, *as_of, mode, &defaults);
        let context = format!("{context}, run {number}");
        assert_breakdowns(&expected, &output, layout, &context);
        let Expected {
            by_reason: reasons,
            by_url: urls,
            ..
        } = &expected;
        assert_eq!(by_reason(&output).len(), reasons.len(), "{context}");
        assert_eq!(by_url(&output).len(), urls.len(), "{context}");
        let domains = by_domain(world, *as_of, mode, &defaults);
        let rows = committed(&output, "delivery_kpi_hourly_by_domain");
        let wrong = domain_differences(&domains, *as_of, &rows, layout);
        assert!(wrong.is_empty(), "{context}: {}", first_lines(&wrong));
    }
}

#[test]
fn breakdowns_of_golden_cases() {
    let cases = golden::cases();
    side_by_side(cases.iter(), |case| {
        for string_ids in [false, true] {
            let layout = Layout {
                string_ids,
                ..Layout::default()
            };
            let context = format!("{}, string ids {string_ids}", case.name);
            let (world, machines) = (&case.world, &case.machines);
            check(world, &[case.as_of], case.mode, &layout, machines, &context);
        }
        None::<()>
    });
}

#[test]
fn breakdowns_of_random_histories() {
    side_by_side(0..200u64, |seed| {
        let (world, as_of, mode) = random::world(seed);
        let earlier = as_of - HOUR * (seed as i64 % 30);
        let context = format!("seed {seed}");
        let (layout, machines) = (random_layout(seed), random::machines(seed));
        check(
            &world,
            &[earlier, as_of, as_of + 90 * HOUR],
            mode,
            &layout,
            &machines,
            &context,
        );
        None::<()>
    });
}
