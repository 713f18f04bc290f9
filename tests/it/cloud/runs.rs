//! Runs of the real program with extracts and output in a store, in peace and with every kind of fault.

use std::process::Command;

use rayon::prelude::*;
use tempfile::TempDir;

use super::super::contention::checks::{Ends, check_tables, check_versions};
use super::super::incremental::{add_sending, tables_in, typed};
use super::super::run::{Outcome, number_from_environment};
use super::super::site::{
    HOUR, MINUTE, NINE, NOON, Site, content, outcome, report, two_deliveries,
};
use super::super::world::{SendingRow, World};
use super::proxy::Proxy;
use super::proxy::faults::{Fault, seed};
use super::server::Server;
use super::store::Store;
use super::{KEY_ID, SECRET, environment};

/// Extracts and an output in a bucket that the program reaches through a proxy; what was uploaded is also in the
/// folder of the site.
pub struct Cloud {
    pub site: Site,
    pub store: Store,
    pub proxy: Proxy,
}

impl Cloud {
    pub fn new(server: &Server, world: &World) -> Cloud {
        let (site, store) = (Site::new(world), server.bucket());
        store.upload(&site.path("in"), "in/");
        Cloud {
            site,
            proxy: Proxy::start(store.address()),
            store,
        }
    }

    /// The program, with what it needs to reach the bucket.
    pub fn program(&self) -> Command {
        let mut command = self.site.program();
        command.envs(environment(&self.proxy.endpoint()));
        command
    }

    pub fn recompute(&self, as_of: i64, flags: &[&str]) -> Command {
        let mut command = self.program();
        command.args(["recompute", "--threads", "1", "--log-format", "json"]);
        for (flag, key) in [
            ("--sending-log", "in/sending_log/"),
            ("--tracking-log", "in/tracking_log/"),
            ("--deliveries", "in/deliveries.parquet"),
            ("--output", "out"),
        ] {
            command.arg(flag).arg(self.store.url(key));
        }
        command.args(["--as-of", &typed(as_of)]).args(flags);
        command
    }

    /// One more file of the sending log, there as a whole or not at all.
    pub fn add(&self, name: &str, rows: &[SendingRow]) {
        let path = add_sending(&self.site, name, rows);
        let bytes = std::fs::read(path).expect("the file");
        self.store
            .put(&format!("in/sending_log/{name}.parquet"), &bytes);
    }

    /// The output as it is now, as a folder of this machine.
    pub fn mirror(&self) -> TempDir {
        let folder = TempDir::new().expect("a temporary directory");
        self.store.download("out/", folder.path());
        folder
    }

    /// No credentials in what was said, in the objects, or in an address; and every request was signed.
    pub fn assert_discreet(&self, ends: &[&Outcome]) {
        let told = ends.iter().map(|end| end.text());
        for text in told {
            assert!(!text.contains(KEY_ID) && !text.contains(SECRET), "{text}");
        }
        let mirror = self.mirror();
        for (path, bytes) in content(mirror.path()) {
            for canary in [KEY_ID, SECRET] {
                let mut windows = bytes.windows(canary.len());
                let is_there = windows.any(|window| window == canary.as_bytes());
                assert!(!is_there, "{} holds {canary}", path.display());
            }
        }
        let record = self.proxy.record();
        assert!(record.requests("PUT") > 0, "{}", record.tally());
        assert_eq!(record.unsigned(), 0, "{}", record.tally());
        for seen in record.seen() {
            assert!(!seen.line.contains(SECRET), "{}", seen.line);
        }
    }
}

/// The rows of the file that comes before a run.
fn rows_of(run: i64) -> Vec<SendingRow> {
    let at = NINE + run * HOUR / 4;
    let row = |message| report(1 + run % 2, message, "relayed", at + message * 1_000);
    (100 + run * 10..103 + run * 10).map(row).collect()
}

#[test]
fn tables_in_a_store_are_those_of_a_local_run() {
    let cloud = Cloud::new(Server::shared(), &two_deliveries());
    let before = cloud.store.list("in/");
    cloud.site.run_to(0, &["--as-of", &typed(NOON)]);
    let end = outcome(&mut cloud.recompute(NOON, &[])).expect_status(0);
    let mirror = cloud.mirror();
    assert_eq!(tables_in(mirror.path()), tables_in(&cloud.site.output()));
    check_tables(&two_deliveries(), NOON, mirror.path());
    check_versions(mirror.path());
    cloud.assert_discreet(&[&end]);
    assert_eq!(cloud.store.list("in/"), before, "extracts are read only");
    let others = cloud.store.list("");
    let is_known = |key: &String| key.starts_with("in/") || key.starts_with("out/");
    assert!(others.iter().all(is_known), "{others:?}");
}

/// Ten hourly runs, each with a new file, all with these faults; and one more without.
fn hourly_runs(seed: u64, chances: &[(Fault, f64)]) {
    let cloud = Cloud::new(Server::shared(), &two_deliveries());
    cloud.proxy.inject(seed, chances);
    let ends = Ends::default();
    let runs = number_from_environment("DELIVERY_KPI_RUNS").unwrap_or(10) as i64;
    let mut world = two_deliveries();
    for run in 0..runs {
        cloud.add(&format!("of-{run}"), &rows_of(run));
        world.sending.extend(rows_of(run));
        let end = outcome(&mut cloud.recompute(NOON + run * HOUR, &[]));
        // A run that gives up says why.
        assert!(
            end.status == Some(0) || end.json()["error"].is_string(),
            "{}",
            end.text()
        );
        ends.add(end);
    }
    cloud.proxy.calm();
    let mirror = cloud.mirror();
    ends.check_acknowledged(mirror.path(), &[0, 1]);
    check_versions(mirror.path());
    // Delta Lake refuses a log that cannot be, as an older list of it may look; all else is got over.
    let is_stale = |(fault, _): &&(Fault, f64)| *fault == Fault::StaleListing;
    let least = match chances.iter().find(is_stale) {
        Some(_) => 1,
        None => runs as usize * 3 / 4,
    };
    assert!(ends.count(0) >= least, "{}", ends.tally());
    let are_many = |(_, chance): &&(Fault, f64)| *chance > 0.03;
    let met = chances.iter().filter(|one| !is_stale(one) || are_many(one));
    for (fault, _) in met {
        let record = cloud.proxy.record();
        assert!(record.injected(*fault) > 0, "{fault:?}: {}", record.tally());
    }
    println!(
        "{chances:?}: {}{}",
        ends.tally(),
        cloud.proxy.record().tally()
    );
    let as_of = NOON + runs * HOUR + MINUTE;
    let end = outcome(&mut cloud.recompute(as_of, &[])).expect_status(0);
    check_tables(&world, as_of, cloud.mirror().path());
    cloud.assert_discreet(&[&end]);
}

#[test]
fn hourly_runs_get_over_each_fault() {
    let seed = seed();
    // Most of the time is spent waiting to try again.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(Fault::ALL.len());
    let pool = pool.build().expect("threads");
    pool.install(|| {
        Fault::ALL.par_iter().with_max_len(1).for_each(|fault| {
            // A run lists some twenty times, and gives up where Delta Lake meets a log that cannot be.
            let chance = match fault {
                Fault::StaleListing => 0.04,
                _ => 0.07,
            };
            hourly_runs(seed, &[(*fault, chance)]);
        });
    });
}

#[test]
fn hourly_runs_get_over_all_faults_together() {
    hourly_runs(seed(), &Fault::ALL.map(|fault| (fault, 0.02)));
}
