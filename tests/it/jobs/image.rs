//! `Dockerfile`: no image is built here; a linter parses it, and what it copies is there.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::super::python::job_checkers;
use super::super::run::Outcome;
use super::super::site::Site;
use super::super::world::World;
use super::{ended, folder, read};

fn linted(text: &str) -> Outcome {
    let site = Site::new(&World::default());
    let file = site.write("Dockerfile", text);
    let linter = Path::new(job_checkers()).with_file_name("hadolint");
    ended(Command::new(linter).arg("--no-color").arg(file))
}

#[test]
fn the_linter_has_nothing_to_say_about_the_dockerfile() {
    let text = read("Dockerfile");
    assert_eq!(linted(&text).text(), "exit code Some(0)\n");
    for (right, wrong) in [
        ("ENTRYPOINT [\"delivery-kpi\"]", "ENTRYPOINT delivery-kpi"),
        ("USER 65532:65532", "USER root"),
        ("WORKDIR /src", "WORKDIRR /src"),
        ("COPY . .", "COPY"),
    ] {
        assert!(text.contains(right), "{right}");
        let outcome = linted(&text.replace(right, wrong));
        assert_eq!(outcome.status, Some(1), "{wrong}: {}", outcome.text());
    }
}

/// What is left of the repository after `.dockerignore` is what a build needs.
#[test]
fn the_image_is_built_from_the_sources_with_the_toolchain_of_the_manifest() {
    let root = folder().join("..");
    let file = |name: &str| fs::read_to_string(root.join(name)).expect(name);
    let ignore = file(".dockerignore");
    let lines = ignore.lines().filter(|line| !line.starts_with('#'));
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines, ["*", "!Cargo.toml", "!Cargo.lock", "!src"]);

    let manifest = file("Cargo.toml");
    let value = |key: &str| {
        let line = manifest.lines().find(|line| line.starts_with(key));
        let value = line.and_then(|line| line.split('"').nth(1));
        value.unwrap_or_else(|| panic!("no {key}")).to_owned()
    };
    let text = read("Dockerfile");
    let rust = format!("FROM rust:{}-bookworm AS build\n", value("rust-version"));
    assert!(text.contains(&rust), "{rust}");
    assert!(text.contains("RUN cargo build --release --locked\n"));
    // Both stages have one C library.
    assert!(text.contains("FROM debian:bookworm-slim\n"));
    // The image has one name wherever it is used.
    let image = format!("delivery-kpi:{}", value("version"));
    for name in ["Dockerfile", "cronjob.yaml"] {
        assert!(read(name).contains(&image), "jobs/{name}: no {image}");
    }

    let context = Site::new(&World::default());
    let copied = context.path("src");
    fs::create_dir_all(&copied).expect("a folder");
    let mut copy = Command::new("cp");
    copy.arg("-r");
    copy.args(["Cargo.toml", "Cargo.lock", "src"].map(|name| root.join(name)));
    ended(copy.arg(&copied)).expect_status(0);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--locked", "--offline", "--no-deps"]);
    cargo.args(["--format-version", "1"]);
    ended(cargo.current_dir(&copied)).expect_status(0);
}
