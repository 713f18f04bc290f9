//! Texts for people, compared with those under `tests/snapshots`. With `DELIVERY_KPI_BLESS=1` they are
//! written anew; look at the difference before it is committed.

use std::fs;
use std::path::Path;

/// What differs from run to run, as it stands in the files: run ids, ends of runs, ages, measured times,
/// folders.
pub fn redacted(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let mut before = "";
        let words = line.split(' ').map(|word| {
            let hex = |c: char| c.is_ascii_hexdigit() || c == '-';
            if std::mem::replace(&mut before, word) == "finished" && word.ends_with("Z,") {
                return "…,".to_owned();
            }
            match word.len() == 36 && word.chars().all(hex) && word.matches('-').count() == 4 {
                true => "RUN".to_owned(),
                false => word.to_owned(),
            }
        });
        let line = words.collect::<Vec<_>>().join(" ");
        if line.starts_with("time ") {
            return "time          …".to_owned();
        }
        match (line.rfind(", "), line.ends_with(" ago")) {
            (Some(place), true) => format!("{}, … ago", &line[..place]),
            _ => line,
        }
    });
    lines
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// Compares a text, redacted, with the file of this name.
pub fn snapshot(name: &str, text: &str) {
    let text = redacted(text);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let path = folder.join(name).with_extension("txt");
    if std::env::var_os("DELIVERY_KPI_BLESS").is_some() {
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(&path, &text).expect("a written file");
    }
    let expected =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(
        text,
        expected,
        "{} (DELIVERY_KPI_BLESS=1 writes it anew)",
        path.display()
    );
}

#[test]
fn what_differs_from_run_to_run_is_taken_out() {
    let text = "run 01a20ed6-a7a8-7643-90c8-f23899275518 (number 1)\ntime          1.2 s: a\nx, 2 d 1 h ago\nfinished 2026-03-02T12:00:00Z, a\n";
    assert_eq!(
        redacted(text),
        "run RUN (number 1)\ntime          …\nx, … ago\nfinished …, a\n"
    );
}
