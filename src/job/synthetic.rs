//! What `generate` is asked for.

use super::{Given, JobError, Shown, shown, value};
use crate::cli::Generate;
use crate::generate::Settings;
use std::path::PathBuf;

/// An order for synthetic extracts.
#[derive(Clone, Debug)]
pub struct Synthetic {
    /// What to make.
    pub settings: Settings,
    /// Where.
    pub dir: PathBuf,
    /// Threads.
    pub threads: usize,
    /// How progress is shown.
    pub progress: Shown,
}

impl Synthetic {
    /// Checks the flags.
    pub fn resolve(flags: &Generate) -> Result<Synthetic, JobError> {
        let wrong = |flag, expected, found: String| Err(value(flag, expected, &found));
        let (messages, deliveries, days) = (flags.messages, flags.deliveries, flags.days);
        if !(1..=1_000_000).contains(&deliveries) {
            let expected = "at least 1 and at most 1000000";
            return wrong("--deliveries", expected, deliveries.to_string());
        }
        let most = u64::from(Settings::MOST_MESSAGES);
        if !(u64::from(deliveries)..=most).contains(&messages) {
            let expected = "at least as many as deliveries, and at most 4000000000";
            return wrong("--messages", expected, messages.to_string());
        }
        if !(1..=3650).contains(&days) {
            let expected = "at least 1 and at most 3650";
            return wrong("--days", expected, days.to_string());
        }
        if !(0.0..=50.0).contains(&flags.dirty) {
            let expected = "a percentage from 0 to 50";
            return wrong("--dirty", expected, flags.dirty.to_string());
        }
        Ok(Synthetic {
            settings: Settings {
                messages: u32::try_from(messages).unwrap_or(Settings::MOST_MESSAGES),
                deliveries,
                days,
                seed: flags.seed,
                // Anything over 0 is dirt.
                dirty: (flags.dirty * 1000.0).ceil() as u32,
                string_ids: flags.string_ids,
                one_file: flags.one_file,
                status_form: flags.status_form,
            },
            dir: flags.dir.clone(),
            threads: Given::read(None)?.threads(&flags.effort)?,
            progress: shown(flags.effort.progress, false),
        })
    }
}
