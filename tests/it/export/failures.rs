//! Files are there when they are complete, and not before.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;

use super::super::site::Site;
use super::{CUT, TABLES, export, names, two_days};

fn site() -> Site {
    let site = Site::new(&two_days());
    site.run_to(0, &["--as-of", CUT]);
    site
}

fn mode(site: &Site, name: &str) -> u32 {
    let file = fs::metadata(site.path(name)).expect("a file");
    file.permissions().mode()
}

#[test]
fn a_file_is_replaced_as_a_whole_and_as_the_umask_says() {
    let site = site();
    site.write("kpis.csv", "old");
    site.write("like.csv", "any new file");
    let before = names(&site);
    export(&site, "delivery_kpi", "kpis.csv", &[]).expect_status(0);
    assert_eq!(names(&site), before, "nothing else is left");
    assert_ne!(fs::read(site.path("kpis.csv")).expect("a file"), b"old");
    assert_eq!(mode(&site, "kpis.csv"), mode(&site, "like.csv"));
    // A link stays one, and what it leads to is replaced.
    symlink(site.path("like.csv"), site.path("link.csv")).expect("a link");
    export(&site, "delivery_kpi", "link.csv", &[]).expect_status(0);
    assert!(site.path("link.csv").is_symlink());
    let read = |name| fs::read(site.path(name)).expect("a file");
    assert_eq!(read("like.csv"), read("kpis.csv"));
}

/// The second day cannot be read when the first one is written.
#[test]
fn a_failure_leaves_the_old_file_and_no_other() {
    let site = site();
    let day = site.output().join("delivery_kpi_hourly/date=2026-03-03");
    for entry in fs::read_dir(day).expect("a partition") {
        fs::write(entry.expect("a file").path(), "no Parquet").expect("a damaged file");
    }
    for format in ["csv", "jsonl", "parquet"] {
        for flags in [&[][..], &["--dense"]] {
            let file = format!("hours.{format}");
            site.write(&file, "old");
            let before = names(&site);
            export(&site, "delivery_kpi_hourly", &file, flags)
                .expect_status(1)
                .says(&["error: ", "delivery_kpi_hourly"]);
            assert_eq!(names(&site), before);
            assert_eq!(fs::read(site.path(&file)).expect("a file"), b"old");
        }
    }
}

/// No file can be made in `/proc`, whoever asks.
#[test]
fn a_folder_that_takes_no_file_is_told_of() {
    export(&site(), "delivery_kpi", "/proc/kpis.csv", &[])
        .expect_status(1)
        .says(&["/proc/kpis.csv"]);
}

/// An export that would last for seconds: every hour up to another decade.
#[test]
fn an_interrupted_export_leaves_no_file() {
    let site = Site::new(&two_days());
    site.run_to(0, &["--as-of", "2086-01-01T00:00:00Z"]);
    for signal in ["TERM", "INT"] {
        let before = names(&site);
        let mut command = site.program();
        command.args(["export", "delivery_kpi_hourly", "x.csv", "--output", "out"]);
        command.arg("--dense").stderr(Stdio::null());
        let mut child = command.spawn().expect("a start");
        while names(&site) == before {
            assert!(child.try_wait().expect("a state").is_none(), "it is over");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let mut kill = std::process::Command::new("kill");
        let kill = kill.arg(format!("-{signal}")).arg(child.id().to_string());
        assert!(kill.status().expect("kill").success());
        let end = child.wait().expect("an end");
        assert!(!end.success(), "{end}");
        assert_eq!(names(&site), before, "SIG{signal}");
    }
}

#[test]
fn standard_output_may_be_closed() {
    let site = site();
    for name in TABLES {
        for format in ["csv", "jsonl", "parquet"] {
            let mut command = site.program();
            command.args(["export", name, "-", "--output", "out", "--format", format]);
            let mut child = command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("a start");
            drop(child.stdout.take());
            let end = child.wait_with_output().expect("an end");
            let said = String::from_utf8_lossy(&end.stderr);
            assert_eq!(end.status.code(), Some(0), "{name} as {format}: {said}");
            assert!(!said.contains("error"), "{said}");
        }
    }
}
