//! Tables to which every run adds: many small data files become one.

use super::PublishError;
use super::commit::Written;
use super::plan::DataFile;
use super::table::Table;

/// How many small files there may be besides the newest one.
const FILES: usize = 64;
/// What is not small, in bytes.
const LARGE: i64 = 1 << 20;
/// How many bytes of small files become one at once: so few that the run hardly takes longer.
const AT_ONCE: i64 = 2 << 20;

impl Table {
    /// Writes the rows of the oldest small data files to one, once there are many, so that readers open few; the
    /// newest file is left alone, as the one that is read most.
    pub(super) async fn gather(&self) -> Result<Written, PublishError> {
        let files = self.files()?.into_iter();
        let mut small: Vec<_> = files
            .filter(|(_, add)| add.size < LARGE)
            .map(|(file, add)| (add.modification_time, file, add.size))
            .collect();
        small.sort();
        small.pop();
        if small.len() < FILES {
            return Ok(Written::default());
        }
        let mut room = AT_ONCE;
        let fits = |(_, file, size): (i64, DataFile, i64)| {
            room -= size;
            (room >= 0).then_some(file)
        };
        let oldest: Vec<DataFile> = small.into_iter().map_while(fits).collect();
        let rows = self.read_files(&oldest, None).await?;
        let mut written = self.write(None, &rows).await?;
        written.gathers(&oldest);
        Ok(written)
    }
}
