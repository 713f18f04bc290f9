//! Tables to which every run adds: many small data files become one.

use super::PublishError;
use super::commit::Written;
use super::plan::DataFile;
use super::table::Table;

/// How many small files there may be besides the newest one.
const FILES: usize = 64;
/// What is not small, in bytes.
const LARGE: i64 = 4 << 20;

impl Table {
    /// Writes the rows of the small data files to one, once there are many, so that readers open few; the newest
    /// file is left alone, as the one that is read most.
    pub(super) async fn gather(&self) -> Result<Written, PublishError> {
        let files = self.files()?.into_iter();
        let mut small: Vec<(i64, DataFile)> = files
            .filter(|(_, add)| add.size < LARGE)
            .map(|(file, add)| (add.modification_time, file))
            .collect();
        small.sort();
        small.pop();
        if small.len() < FILES {
            return Ok(Written::default());
        }
        let small: Vec<DataFile> = small.into_iter().map(|(_, file)| file).collect();
        let rows = self.read_files(&small, None).await?;
        let mut written = self.write(None, &rows).await?;
        written.gathers(&small);
        Ok(written)
    }
}
