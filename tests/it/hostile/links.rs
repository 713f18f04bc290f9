//! Files that cannot be had, or are not where they seem to be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::super::delta::newest_run;
use super::super::python;
use super::super::run::Outcome;
use super::super::site::{Site, assert_five_hours, outcome, runs_published, two_deliveries};

/// The program as somebody to whom permissions mean something, if there is a way.
fn as_somebody(site: &Site) -> Option<Command> {
    let id = Command::new("id").arg("-u").output().ok()?;
    if id.stdout != b"0\n" {
        return Some(site.program());
    }
    let there = Command::new("setpriv").arg("--version").output();
    if !there.is_ok_and(|output| output.status.success()) {
        return None;
    }
    // Where the binary is, others may not look.
    let program = site.path("program");
    fs::copy(env!("CARGO_BIN_EXE_delivery-kpi"), &program).expect("a copy");
    let everybody = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
    };
    everybody(&program, 0o755);
    let folder = program.parent().expect("a folder");
    everybody(folder, 0o777);
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all",
    ]);
    command.arg(&program).current_dir(folder);
    Some(command)
}

fn recompute(site: &Site) -> Option<Outcome> {
    let mut command = as_somebody(site)?;
    command.args([
        "recompute",
        "--sending-log",
        "in/sending_log",
        "--tracking-log",
    ]);
    command.args(["in/tracking_log", "--deliveries", "in/deliveries.parquet"]);
    command.args(["--output", "out", "--as-of", "2026-03-02T12:00:00Z"]);
    Some(outcome(&mut command))
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    let site = Site::new(&two_deliveries());
    let Some(fine) = recompute(&site) else {
        println!("not tested: nobody but root, and no setpriv");
        return;
    };
    fine.expect_status(0);
    let entries = walkdir::WalkDir::new(site.path("in/sending_log"))
        .into_iter()
        .flatten();
    let files: Vec<_> = entries
        .filter(|entry| entry.file_type().is_file())
        .collect();
    let path = files[0].path();
    // So that it is read again.
    let bytes = fs::read(path).expect("a file");
    fs::write(path, bytes).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o000)).expect("permissions");
    let name = files[0].file_name().to_string_lossy().into_owned();
    let refused = recompute(&site).expect("a way").expect_status(1);
    refused.says(&[&name, "ermission denied"]);
    assert_eq!(runs_published(&site.output()), 1);
}

/// Files of the sending log of which the newest run says that nobody can tell whether they are whole.
fn unverified(site: &Site) -> i64 {
    let run = newest_run(&site.output());
    let logs = run["logs"].as_array().expect("a list");
    let log = logs.iter().find(|log| log["log"] == "sending_log");
    let count = log.expect("the sending log")["files_unverified"].as_i64();
    let files = run["files"].as_array().expect("a list").iter();
    let unverified =
        files.filter(|file| file["log"] == "sending_log" && file["is_verified"] == false);
    assert_eq!(count, Some(unverified.count() as i64));
    count.expect("a number")
}

fn files(site: &Site) -> Vec<std::path::PathBuf> {
    let entries = walkdir::WalkDir::new(site.path("in/sending_log"))
        .into_iter()
        .flatten();
    let files = entries.filter(|entry| entry.file_type().is_file());
    files.map(|entry| entry.into_path()).collect()
}

#[test]
fn files_have_the_digests_of_the_manifest() {
    use sha2::Digest;
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    assert_eq!(
        unverified(&site),
        files(&site).len() as i64,
        "the writer leaves no checksums"
    );
    let line = |path: &std::path::PathBuf| {
        let digest = sha2::Sha256::digest(fs::read(path).expect("a file"));
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = path.strip_prefix(site.path("in")).expect("below it");
        format!("{digest}  {}\n", name.display())
    };
    let text: String = files(&site).iter().map(line).collect();
    site.write("in/SHA256SUMS", &text);
    let key = "manifest = \"in/SHA256SUMS\"\n";
    site.run_job(key, &["--full"]).expect_status(0);
    assert_eq!(unverified(&site), 0);
    assert_five_hours(&site.hourly());

    // Any bit, also where nobody looks: the magic number's third byte at the front.
    let spoilt = &files(&site)[0];
    let mut bytes = fs::read(spoilt).expect("a file");
    bytes[2] ^= 1;
    fs::write(spoilt, &bytes).expect("a file");
    site.run_to(0, &["--full"]);
    let name = spoilt
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let refused = site.run_job(key, &["--full"]).expect_status(1);
    refused.says(&[&name, "its digest is not that of the manifest"]);
    bytes[2] ^= 1;
    fs::write(spoilt, &bytes).expect("a file");
    site.run_job(key, &[]).expect_status(0);

    site.write("in/SHA256SUMS", text.replacen("  ", " ", 1));
    let refused = site.run_job(key, &[]).expect_status(2);
    refused.says(&["SHA256SUMS", "line 1", "64 hexadecimal digits"]);
    site.write("in/SHA256SUMS", text.replace(".parq", ".other"));
    let other = site.run_job(key, &[]).expect_status(2);
    other.says(&["the manifest names none of the files"]);
    let missing = site.run_job("manifest = \"in/none\"\n", &[]);
    missing.expect_status(2).says(&["manifest", "in/none"]);
}

#[test]
fn every_flipped_bit_of_a_page_with_a_checksum_is_found() {
    let site = Site::new(&two_deliveries());
    let all = files(&site);
    let path = &all[0];
    let script = "import sys, pyarrow.parquet as pq\n\
                  table = pq.ParquetFile(sys.argv[1]).read()\n\
                  pq.write_table(table, sys.argv[1], write_page_checksum=True)\n";
    for path in &all {
        let mut python = Command::new(python::interpreter());
        let status = python.args(["-c", script]).arg(path).status();
        assert!(status.expect("a Python").success());
    }
    site.run_to(0, &[]);
    assert_eq!(unverified(&site), 0);
    assert_five_hours(&site.hourly());
    // The last bytes of a column are those of its last page.
    let whole = fs::read(path).expect("a file");
    let metadata = super::forge::metadata(path);
    let columns = metadata.row_group(0).columns().iter();
    let ends = columns.map(|chunk| (chunk.byte_range().0 + chunk.byte_range().1) as usize);
    for bit in ends.flat_map(|end| (end - 1) * 8..end * 8) {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(path, flipped).expect("a file");
        site.run_to(1, &["--dry-run"]).says(&["checksum"]);
    }
}
