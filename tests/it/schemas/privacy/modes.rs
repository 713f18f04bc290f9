//! Who may read the files of an output: the tables as the umask says, all else the user alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::super::super::incremental::add_sending;
use super::super::super::site::{NINE, Site, content, report, two_deliveries};

/// The files of an output that are not below one of its tables.
pub fn not_of_tables(output: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![output.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(&next) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            match path.is_dir() {
                true if path.join("_delta_log").is_dir() => {}
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files
}

fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    metadata.permissions().mode() & 0o777
}

#[test]
fn what_is_no_table_is_the_users_alone() {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    add_sending(&site, "late", &[report(1, 700, "relayed", NINE)]);
    site.run_to(0, &[]);
    let files = not_of_tables(&site.output());
    let has = |ending: &str| {
        let mut names = files.iter().map(|path| path.to_string_lossy());
        names.any(|name| name.ends_with(ending))
    };
    for ending in [".lock", ".json", ".wakes", ".rows"] {
        assert!(has(ending), "{ending}: {files:?}");
    }
    for path in &files {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    assert_eq!(mode(&site.output().join("_state")), 0o700);
    // Nothing of a run is left in the tables but what their logs name or have named.
    for path in content(&site.output()).into_keys() {
        let name = path.to_string_lossy();
        assert!(!name.contains(".tmp") && !name.contains('#'), "{name}");
    }
}
