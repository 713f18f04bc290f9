//! How much memory a run may take, and what of it is left for rows.

use super::{Given, JobError, Sources, value};
use crate::disk::Disk;
use crate::engine::Room;
use crate::extracts::Extract;
use crate::stores::is_url;
use std::path::Path;

const MIB: u64 = 1 << 20;
/// The program, the tables of a run and what the libraries keep.
const FIXED: u64 = 120 * MIB;
/// What a thread decodes into, sorts and folds in.
const OF_THREAD: u64 = 24 * MIB;
/// What it has read ahead of an object, besides: of each column of a row group some.
const OF_REMOTE_THREAD: u64 = 24 * MIB;
/// The least that makes files of waiting rows worth their while.
const LEAST_ROOM: u64 = 32 * MIB;

impl Given<'_> {
    /// The room for rows that wait, by flag or key; none where neither limits memory.
    pub(super) fn room(
        &self,
        limit: Option<&str>,
        temp_dir: Option<&Path>,
        sources: &Sources,
    ) -> Result<Option<Room>, JobError> {
        let Some(text) = limit.or(self.file.memory_limit.as_deref()) else {
            return Ok(None);
        };
        let expected = "a size such as 512MB or 4GiB";
        let limit =
            parse_size::parse_size(text).map_err(|_| value("memory_limit", expected, text))?;
        let threads = sources.threads;
        let mut paths = Extract::ALL.into_iter().filter_map(|of| sources.path(of));
        let of_remote = match paths.any(is_url) {
            true => OF_REMOTE_THREAD,
            false => 0,
        };
        let taken = FIXED + threads as u64 * (OF_THREAD + of_remote);
        let Some(memory) = limit.checked_sub(taken).filter(|room| *room >= LEAST_ROOM) else {
            return Err(JobError::MemoryLimit {
                found: text.to_owned(),
                needed: (taken + LEAST_ROOM).div_ceil(MIB),
                threads,
            });
        };
        let directory = self.path(temp_dir, self.file.temp_dir.as_deref());
        let directory = directory.unwrap_or_else(std::env::temp_dir);
        if !directory.is_dir() {
            let found = directory.display().to_string();
            return Err(value("temp_dir", "a directory", &found));
        }
        Ok(Some(Room {
            memory: memory as usize,
            directory,
            disk: Disk::default(),
        }))
    }
}
