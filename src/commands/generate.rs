//! `generate`.

use super::outcome::say;
use super::people::number;
use super::progress;
use crate::cli::Generate;
use crate::engine::pool;
use crate::error::{Error, exit};
use crate::generate::{Made, Written, generate};
use crate::job::{Stopwatch, Synthetic};
use indicatif::HumanBytes;
use std::path::Path;
use std::time::Duration;

/// Runs the command; gives its exit code.
pub fn run(flags: &Generate) -> Result<u8, Error> {
    let order = Synthetic::resolve(flags)?;
    let watch = Stopwatch::new();
    let pool = pool(order.threads)?;
    let progress = progress(order.progress);
    let made = generate(&order.settings, &order.dir, &pool, progress.as_ref())?;
    let ending = match order.settings.one_file {
        true => ".parquet",
        false => "",
    };
    say(&summary(&made, watch.total()));
    say(&next(&order.dir, ending, made.end));
    Ok(exit::DONE)
}

fn summary(made: &Made, time: Duration) -> String {
    let extract = |name, written: Written| {
        let (rows, files) = (number(written.rows), written.files);
        let files_are = if files == 1 { "file" } else { "files" };
        format!("{name:12}  {rows} rows in {files} {files_are}\n")
    };
    let bytes = made.sending.bytes + made.tracking.bytes + made.deliveries.bytes;
    let mut text = extract("sending_log", made.sending);
    text += &extract("tracking_log", made.tracking);
    text += &extract("deliveries", made.deliveries);
    let (size, seconds) = (HumanBytes(bytes), time.as_secs_f64());
    text + &format!("{:12}  {size} in {seconds:.1} s\n", "all")
}

/// The command to go on with.
fn next(dir: &Path, ending: &str, as_of: impl std::fmt::Display) -> String {
    let path = |name: &str, ending: &str| {
        let path = dir.join(format!("{name}{ending}"));
        quoted(&path.to_string_lossy())
    };
    format!(
        "go on with: delivery-kpi recompute --sending-log {} --tracking-log {} --deliveries {} --output {} --as-of {as_of}\n",
        path("sending_log", ending),
        path("tracking_log", ending),
        path("deliveries", ".parquet"),
        path("kpi", ""),
    )
}

/// A path as a shell takes it.
pub(super) fn quoted(path: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    match path.chars().all(is_plain) {
        true => path.to_owned(),
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}
