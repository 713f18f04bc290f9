//! The files in `jobs/`: each is checked with what its scheduler goes by, and run where it can be.

mod airflow;
mod cron;
mod image;
mod kubernetes;
mod systemd;
mod wrapper;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::run::Outcome;
use super::site::{Site, outcome, runs_published, two_deliveries};

/// The exit codes after which a run may be repeated, and those after which somebody must look.
const AGAIN: [i32; 1] = [1];
const NEVER_AGAIN: [i32; 8] = [2, 3, 4, 5, 124, 134, 137, 143];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs")
}

fn read(name: &str) -> String {
    let path = folder().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs a command to its end, nothing on its standard input.
fn ended(command: &mut Command) -> Outcome {
    outcome(command.stdin(Stdio::null()))
}

/// A file that the system may run.
fn program(site: &Site, name: &str, text: &str) {
    let path = site.write(name, text);
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("permissions");
}

/// A text of `jobs/` with the places of this site for those of a real machine.
fn moved_to(site: &Site, text: &str) -> String {
    [
        (
            "/usr/local/lib/delivery-kpi",
            folder().display().to_string(),
        ),
        ("/usr/local/bin", site.arg("bin")),
        ("/etc/delivery-kpi", site.arg("etc")),
        ("/srv/campaign/extracts", site.arg("in")),
        ("/var/lib/delivery-kpi/kpi", site.arg("out")),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (from, to)| text.replace(from, &to))
}

/// Extracts, the program, and the job files as a real machine has them.
fn installed() -> Site {
    let site = Site::new(&two_deliveries());
    for name in ["hourly.toml", "backfill.toml"] {
        site.write(&format!("etc/{name}"), moved_to(&site, &read(name)));
    }
    fs::create_dir_all(site.path("bin")).expect("a folder");
    let program = env!("CARGO_BIN_EXE_delivery-kpi");
    symlink(program, site.path("bin/delivery-kpi")).expect("a link");
    site
}

/// Panics unless the tables hold the two deliveries as of now: their five hours, and that of the
/// deadline of delivery 2.
fn assert_computed(site: &Site) {
    let rows = site.hourly();
    let hours = |id: &str| rows.keys().filter(|(delivery, _)| delivery == id).count();
    assert_eq!([hours("1"), hours("2")], [3, 3], "{:?}", rows.keys());
}

#[test]
fn the_templates_are_whole_jobs() {
    let site = installed();
    ended(site.program().args(["recompute", "etc/hourly.toml"])).expect_status(0);
    assert_computed(&site);
    let backfill = || {
        let mut command = site.program();
        command.args(["recompute", "etc/backfill.toml"]);
        command.args(["--event-time-start", "2026-03-02T00:00:00Z"]);
        command.args(["--event-time-end", "2026-03-03T00:00:00Z"]);
        ended(&mut command)
    };
    backfill().expect_status(0);
    assert_computed(&site);
    assert_eq!(runs_published(&site.output()), 2);
    // A bad file stops a backfill.
    site.write("in/sending_log/part-001.parquet", "no Parquet");
    backfill().expect_status(1);
    assert_eq!(runs_published(&site.output()), 2);
}

/// `hourly.toml` has every key of README.md's table, and a backfill the paths of the hourly job.
#[test]
fn the_hourly_template_has_every_key() {
    let readme = fs::read_to_string(folder().join("../README.md")).expect("README.md");
    let (_, table) = readme
        .split_once("| key | flag | default | meaning |\n")
        .expect("the table of keys");
    let hourly = read("hourly.toml");
    let line_of = |text: &str, key: &str| {
        text.lines()
            .find(|line| {
                let line = line.strip_prefix("# ").unwrap_or(line);
                line.starts_with(&format!("{key} = "))
            })
            .map(str::to_owned)
    };
    let mut keys = 0;
    for row in table.lines().skip(1).take_while(|row| row.starts_with('|')) {
        let names = row.split('|').nth(1).expect("a first cell");
        for name in names.split('`').skip(1).step_by(2) {
            let found = match name.split_once('.') {
                Some((
                    table @ ("defaults" | "alerts" | "machines" | "breakdowns" | "quarantine"),
                    key,
                )) => hourly.contains(&format!("[{table}]\n")) && line_of(&hourly, key).is_some(),
                Some(_) => hourly.contains(&format!("[{name}]\n")),
                None => line_of(&hourly, name).is_some(),
            };
            assert!(found, "jobs/hourly.toml does not have {name}");
            keys += 1;
        }
    }
    assert!(keys >= 20, "{keys} keys in the table");
    for key in ["sending_log", "tracking_log", "deliveries", "output"] {
        let line = line_of(&hourly, key);
        assert!(line.is_some(), "{key}");
        assert_eq!(line, line_of(&read("backfill.toml"), key));
    }
}

/// How each file sets memory, time, overlap, retries and alerts: the numbers are the same in all.
const SETTINGS: [(&str, [&str; 5]); 5] = [
    (
        "crontab",
        [
            "prlimit --data=4294967296 ",
            " timeout --kill-after=30 900 ",
            "# Overlap: the program's own lock",
            "run-with-retry.sh timeout",
            "\nMAILTO=",
        ],
    ),
    (
        "delivery-kpi.service",
        [
            "\nMemoryMax=4G\n",
            "\nTimeoutStartSec=15min\n",
            "\nType=oneshot\n",
            "\nRestartPreventExitStatus=2 3 4 ",
            "\nOnFailure=",
        ],
    ),
    (
        "airflow_dag.py",
        [
            "\"prlimit\", \"--data=4294967296\"",
            "\"timeout\", \"--kill-after=30\", \"900\"",
            " max_active_runs=1,",
            " retries=2,",
            " on_failure_callback=alert,",
        ],
    ),
    (
        "cronjob.yaml",
        [
            " memory: 4Gi\n",
            " activeDeadlineSeconds: 900\n",
            " concurrencyPolicy: Forbid\n",
            " podFailurePolicy:\n",
            "# Alert on a failed Job",
        ],
    ),
    (
        "Dockerfile",
        [
            " --memory 4g ",
            " timeout --kill-after=60 900 ",
            " --name delivery-kpi ",
            "run-with-retry.sh timeout",
            "prints what to alert on",
        ],
    ),
];

#[test]
fn every_scheduler_has_limits_and_alerts() {
    let index = read("README.md");
    for (file, settings) in SETTINGS {
        let text = read(file);
        for setting in settings {
            assert!(
                text.contains(setting),
                "jobs/{file} does not say {setting:?}"
            );
        }
        let row = format!("| `{file}`");
        let row = index.lines().find(|line| line.starts_with(&row));
        let row = row.unwrap_or_else(|| panic!("jobs/README.md has no row of {file}"));
        for limit in ["4 GiB", "15 min"] {
            assert!(row.contains(limit), "{row}");
        }
    }
    for entry in fs::read_dir(folder()).expect("jobs") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_string_lossy();
        assert!(
            name == "README.md" || index.contains(&format!("`{name}`")),
            "jobs/README.md does not name {name}"
        );
    }
}
