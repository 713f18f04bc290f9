//! What `import` is asked for.

use super::source::{SourceFile, named};
use super::{Given, JobError, Shown, shown, value};
use crate::cli;
use crate::extracts::Extract;
use crate::import::{ImportError, Input, Order};
use crate::stores::{is_url, shown_path};
use std::path::PathBuf;

/// An import, ready to run.
#[derive(Debug)]
pub struct Import {
    /// What is imported.
    pub order: Order,
    /// Threads.
    pub threads: usize,
    /// How progress is shown.
    pub progress: Shown,
    /// Records that may be rejected.
    pub max_rejected: u64,
    /// Files of directories whose names do not say that they are exports.
    pub others: Vec<String>,
}

impl Import {
    /// Checks the flags, and finds the files.
    pub fn resolve(flags: &cli::Import) -> Result<Result<Import, ImportError>, JobError> {
        let (source, file) = named("--source", &flags.source)?;
        let sets: [(&str, &[PathBuf], Option<Extract>); 4] = [
            ("INPUT", &flags.input, None),
            (
                "--sending-log",
                &flags.sending_log,
                Some(Extract::SendingLog),
            ),
            (
                "--tracking-log",
                &flags.tracking_log,
                Some(Extract::TrackingLog),
            ),
            ("--deliveries", &flags.deliveries, Some(Extract::Deliveries)),
        ];
        if sets.iter().all(|(_, paths, _)| paths.is_empty()) {
            return Err(value("INPUT", "at least one file", "none"));
        }
        let paths = sets
            .iter()
            .flat_map(|(_, paths, _)| *paths)
            .chain([&flags.to]);
        if let Some(url) = paths.into_iter().find(|path| is_url(path)) {
            return Err(value(
                "INPUT",
                "local files and a local directory",
                &shown_path(url),
            ));
        }
        for (flag, paths, extract) in &sets {
            let Some(path) = paths.first() else {
                continue;
            };
            let expected = match extract {
                None if source.kinds.is_none() => {
                    "--sending-log, --tracking-log or --deliveries before the file, as its records do not tell what they are"
                }
                Some(log) if !source.makes(*log) => "an extract that the mapping makes",
                Some(log) if source.kinds.is_some() && *log != Extract::Deliveries => {
                    "the file without a flag, as its records tell what they are"
                }
                _ => continue,
            };
            return Err(value(flag, expected, &path.to_string_lossy()));
        }
        let (mut inputs, mut others) = (Vec::new(), Vec::new());
        for (_, paths, extract) in &sets {
            for path in *paths {
                match Input::list(path, *extract, &mut others) {
                    Ok(found) => inputs.extend(found),
                    Err(error) => return Ok(Err(error)),
                }
            }
        }
        let key = match &flags.digest_key {
            Some(path) => Some(std::fs::read(path).map_err(|error| JobError::Unreadable {
                file: path.display().to_string(),
                reason: error.to_string(),
            })?),
            None => None,
        };
        // Digests under a key that can be tried out can be told.
        if let Some(short) = key.as_ref().filter(|key| key.len() < 16) {
            let found = format!("{} bytes", short.len());
            return Err(value("--digest-key", "a file of at least 16 bytes", &found));
        }
        let made = |extract: &Extract| source.makes(*extract);
        let made: Vec<Extract> = Extract::ALL.into_iter().filter(made).collect();
        let job = job(&flags.source.display().to_string(), &made, &file);
        Ok(Ok(Import {
            order: Order {
                source,
                inputs,
                dir: flags.to.clone(),
                key,
                replace: flags.replace,
                job,
            },
            threads: Given::read(None)?.threads(&flags.effort)?,
            progress: shown(flags.effort.progress, flags.json),
            max_rejected: flags.max_rejected,
            others,
        }))
    }
}

/// A job that reads what is imported.
fn job(source: &str, made: &[Extract], file: &SourceFile) -> String {
    let mut text = format!(
        "# Written by delivery-kpi import --source {source:?}, once: it is yours to change.\n\n"
    );
    for extract in made {
        text += &format!("{extract} = \"{extract}\"\n");
    }
    text += "output = \"kpi\"\n";
    if !file.defaults.is_empty() {
        text += &format!("\n[defaults]\n{}", file.defaults);
    }
    text
}
