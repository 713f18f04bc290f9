//! `import`, through the real program: the samples and what is computed from them, what is rejected, and that no
//! address goes anywhere.

mod faults;
mod files;
mod privacy;
mod rejects;
mod round_trip;
mod samples;
mod source_key;
mod usage;

use std::path::{Path, PathBuf};

use super::delta::{Row, read_parquet};
use super::run::Outcome;
use super::site::{Site, content, outcome};
use super::world::World;

/// A folder without extracts.
fn site() -> Site {
    Site::new(&World::default())
}

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(name);
    path.to_string_lossy().into_owned()
}

/// Imports into `lake` of the site.
fn import(site: &Site, source: &str, words: &[&str]) -> Outcome {
    let mut command = site.program();
    command.args(["import", "--to", "lake", "--source", source]);
    outcome(command.args(words))
}

/// The rows that are there of an extract.
fn rows(site: &Site, extract: &str) -> Vec<Row> {
    let folder = site.path("lake").join(extract);
    let files = content(&folder).into_keys().map(|name| folder.join(name));
    files.flat_map(|file| read_parquet(&file)).collect()
}

/// The values of a column, as text; null is empty.
fn column(rows: &[Row], name: &str) -> Vec<String> {
    let text = |row: &Row| match &row[name] {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    rows.iter().map(text).collect()
}

/// What `recompute` comes to on what was imported.
fn recompute(site: &Site, as_of: &str) -> Outcome {
    let mut command = site.program();
    outcome(command.args(["recompute", "lake/job.toml", "--as-of", as_of]))
}

/// The names of the files below `lake`.
fn names(site: &Site) -> Vec<PathBuf> {
    content(&site.path("lake")).into_keys().collect()
}
