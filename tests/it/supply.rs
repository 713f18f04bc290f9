//! What the program is built from and how: what SECURITY.md says of it is so.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use delivery_kpi::model::{FateCounts, Tally};
use toml::{Table, Value};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn table(name: &str) -> Table {
    text(name)
        .parse()
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The value at a path of keys, if it is there.
fn at<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    let value = table.get(*first)?;
    match rest {
        [] => Some(value),
        rest => at(value.as_table()?, rest),
    }
}

fn packages() -> Vec<Table> {
    let lock = table("Cargo.lock");
    let packages = lock["package"].as_array().expect("a list").iter();
    packages
        .map(|package| package.as_table().expect("a package").clone())
        .collect()
}

/// In this build, which in CI is that of a release: a sum that has no room ends in a panic.
#[test]
fn a_count_that_overflows_never_wraps() {
    let mut all = FateCounts {
        read: u64::MAX,
        ..FateCounts::default()
    };
    let one = FateCounts {
        read: 1,
        ..FateCounts::default()
    };
    let sum = catch_unwind(AssertUnwindSafe(|| {
        all += &one;
        all.read
    }));
    assert!(sum.is_err(), "u64::MAX + 1 = {sum:?}");
    let mut none = Tally::default();
    let difference = catch_unwind(AssertUnwindSafe(|| {
        none.discount();
        none
    }));
    assert!(difference.is_err(), "0 - 1 = {difference:?}");
}

/// The build of a release checks our own arithmetic, whatever is set for single dependencies.
#[test]
fn the_release_profile_checks_overflows_and_all_code_is_safe() {
    let manifest = table("Cargo.toml");
    let is = |path: &[&str], wanted: Value| {
        assert_eq!(at(&manifest, path), Some(&wanted), "{path:?}");
    };
    is(&["profile", "release", "overflow-checks"], true.into());
    let own = [
        "profile",
        "release",
        "package",
        "delivery-kpi",
        "overflow-checks",
    ];
    assert_eq!(at(&manifest, &own), None);
    // Dependencies are compiled without, as SECURITY.md says.
    let others = ["profile", "release", "package", "*", "overflow-checks"];
    is(&others, false.into());
    is(&["lints", "rust", "unsafe_code"], "forbid".into());
}

/// All crates come from one registry, each with the digest of its content.
#[test]
fn the_lock_file_names_every_crate_by_its_digest() {
    let packages = packages();
    assert!(packages.len() > 300, "{}", packages.len());
    let mut sources = BTreeSet::new();
    for package in &packages {
        let name = package["name"].as_str().expect("a name");
        match package.get("source").and_then(Value::as_str) {
            None => assert_eq!(name, "delivery-kpi", "a crate from elsewhere"),
            Some(source) => {
                assert!(source.starts_with("registry+"), "{name}: {source}");
                sources.insert(source.to_owned());
                let digest = package["checksum"].as_str().expect("a digest");
                assert_eq!(digest.len(), 64, "{name}");
            }
        }
    }
    assert_eq!(sources.len(), 1, "{sources:?}");
}

/// What no tool for crates looks at is what its README says it is.
#[test]
fn the_chart_library_is_the_one_that_is_named() {
    use sha2::{Digest, Sha256};
    let folder = "src/report/page/vendor";
    let library = fs::read(root().join(folder).join("echarts.common.min.js")).expect("a file");
    let digest: Vec<String> = Sha256::digest(&library)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let readme = text(&format!("{folder}/README.md"));
    assert!(
        readme.contains(&format!("`{}`", digest.concat())),
        "{digest:?}"
    );
    for name in ["LICENSE", "NOTICE", "LICENSE-zrender", "LICENSE-d3"] {
        assert!(root().join(folder).join(name).is_file(), "{name}");
    }
}

/// Whatever builds, builds from the lock file.
#[test]
fn every_build_is_a_locked_one() {
    let mut commands = 0;
    for name in [
        ".ci/run",
        ".ci/supply-chain",
        "README.md",
        "SECURITY.md",
        "benches/README.md",
        "jobs/Dockerfile",
        "jobs/README.md",
        "tests/README.md",
    ] {
        for line in text(name).lines() {
            for (place, _) in line.match_indices("cargo ") {
                let end = |c: char| "`&|;)\"".contains(c);
                let command = line[place..].split(end).next().unwrap_or_default();
                let word = command.split_whitespace().nth(1).unwrap_or_default();
                if ["build", "run", "test", "bench", "clippy", "doc", "install"].contains(&word) {
                    commands += 1;
                    assert!(command.contains("--locked"), "{name}: {line}");
                }
            }
        }
    }
    assert!(commands > 10, "{commands}");
}

/// An exception says until when it holds and why, and its crate is still there. `.ci/supply-chain` fails
/// once the day is over.
#[test]
fn exceptions_for_advisories_are_dated_and_needed() {
    let deny = table("deny.toml");
    let ignored = at(&deny, &["advisories", "ignore"]).and_then(Value::as_array);
    let ignored = ignored.expect("a list of exceptions");
    let names: BTreeSet<String> = packages()
        .iter()
        .map(|package| package["name"].as_str().expect("a name").to_owned())
        .collect();
    for exception in ignored {
        let exception = exception.as_table().expect("a table with a reason");
        let id = exception["id"].as_str().expect("an id");
        assert!(id.starts_with("RUSTSEC-20"), "{id}");
        let reason = exception["reason"].as_str().expect("a reason");
        let (until, why) = reason
            .strip_prefix("until ")
            .and_then(|rest| rest.split_once(": "))
            .unwrap_or_else(|| panic!("{id}: \"until DAY: CRATE …\", not {reason}"));
        let day: jiff::civil::Date = until.parse().expect("a day");
        assert!((2026..2030).contains(&day.year()), "{id}: {day}");
        let krate = why.split(' ').next().unwrap_or_default();
        assert!(
            names.contains(krate),
            "{id}: {krate} is gone, and so is the reason"
        );
    }
    for (check, wanted) in [("unknown-registry", "deny"), ("unknown-git", "deny")] {
        let found = at(&deny, &["sources", check]).and_then(Value::as_str);
        assert_eq!(found, Some(wanted), "{check}");
    }
    assert_eq!(at(&deny, &["sources", "allow-registry"]), None);
    assert_eq!(at(&deny, &["sources", "allow-git"]), None);
}

/// `ROOM::TEST` in SECURITY.md and tests/README.md is a test that is there.
#[test]
fn the_tests_that_are_named_are_there() {
    let mut named = 0;
    for name in ["SECURITY.md", "tests/README.md"] {
        let text = text(name);
        for code in text.split('`').skip(1).step_by(2) {
            let parts: Vec<&str> = code.split("::").collect();
            let is_word = |part: &&str| {
                let mut signs = part.chars();
                !part.is_empty()
                    && signs.all(|c| c.is_ascii_lowercase() || "_0123456789".contains(c))
            };
            let Some((test, modules)) = parts.split_last().filter(|(_, m)| !m.is_empty()) else {
                continue;
            };
            if !parts.iter().all(is_word) {
                continue;
            }
            let file = root()
                .join("tests/it")
                .join(modules.join("/"))
                .with_extension("rs");
            let source = fs::read_to_string(&file);
            let source = source.unwrap_or_else(|error| panic!("{name}, {code}: {error}"));
            let function = format!("#[test]\nfn {test}()");
            assert!(
                source.contains(&function),
                "{name}: there is no test {code}"
            );
            named += 1;
        }
    }
    assert!(named > 20, "{named}");
}
