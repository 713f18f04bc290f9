//! Clearing away what no reader needs any more.

use super::plan::{DATA_TABLES, KPI_RUN};
use super::table::{Table, delta};
use super::{Output, PublishError};
use crate::disk;
use deltalake::checkpoints::cleanup_expired_logs_for;
use deltalake::operations::vacuum::VacuumMode;
use deltalake::table::config::TablePropertiesExt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;
use walkdir::{DirEntry, WalkDir};

/// What was cleared away of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared {
    /// The table.
    pub name: &'static str,
    /// Data files that belonged to no version that is kept.
    pub files: usize,
    /// Commits and checkpoints that no version that is kept needs.
    pub commits: usize,
}

impl Output {
    /// Removes data files that for so long have belonged to no version, and those of runs that died as long
    /// ago. Commits go when they are older than that, and older than the tables keep them
    /// (`delta.logRetentionDuration`, 30 days). What the newest run names stays, whatever became of it since.
    /// A dry run removes nothing. `at` is the time of day, in Unix milliseconds.
    pub fn clear_away(
        &self,
        keep: Duration,
        at: i64,
        is_dry_run: bool,
    ) -> Result<Vec<Cleared>, PublishError> {
        self.runtime.block_on(async {
            let mut all = Vec::new();
            let last = self.opened.runs().await?.and_then(|(_, newest)| newest);
            for name in DATA_TABLES.into_iter().chain([KPI_RUN]) {
                let Some(table) = self.opened.find(name).await? else {
                    continue;
                };
                let versions = last.as_ref().map(|last| &last.table_versions);
                let named = versions.and_then(|versions| versions.get(name));
                let named: Vec<u64> = named.into_iter().map(|named| *named as u64).collect();
                let cleared = table.clear_away(&named, keep, at, is_dry_run).await;
                let mut cleared = cleared?;
                cleared.files += self.clear_staged(name, keep, at, is_dry_run);
                all.push(cleared);
            }
            Ok(all)
        })
    }
}

impl Output {
    /// Removes what runs that died were just writing, which no store lists; gives how many files there are.
    fn clear_staged(&self, name: &str, keep: Duration, at: i64, is_dry_run: bool) -> usize {
        let oldest = (at / 1000).saturating_sub(keep.as_secs() as i64);
        let Some(directory) = self.location.directory(name) else {
            return 0;
        };
        let files = WalkDir::new(directory).into_iter();
        let staged = files.flatten().filter(|entry| {
            let is_old = |meta: Metadata| meta.is_file() && meta.mtime() < oldest;
            disk::is_staged(entry.path()) && entry.metadata().is_ok_and(is_old)
        });
        let is_gone = |entry: &DirEntry| is_dry_run || self.disk.remove(entry.path()).is_ok();
        staged.filter(is_gone).count()
    }
}

impl Table {
    async fn clear_away(
        &self,
        named: &[u64],
        keep: Duration,
        at: i64,
        is_dry_run: bool,
    ) -> Result<Cleared, PublishError> {
        let failed = |source| delta(self.name, source);
        let keep = chrono::Duration::from_std(keep).unwrap_or(chrono::Duration::MAX);
        let (table, metrics) = self
            .table
            .clone()
            .vacuum()
            .with_mode(VacuumMode::Full)
            .with_retention_period(keep)
            .with_keep_versions(named)
            .with_dry_run(is_dry_run)
            .await
            .map_err(failed)?;
        let commits = match is_dry_run {
            true => 0,
            false => {
                let snapshot = table.snapshot().map_err(failed)?;
                let least = snapshot.table_config().log_retention_duration();
                let kept = keep.num_milliseconds().max(least.as_millis() as i64);
                let oldest = at.saturating_sub(kept);
                let (version, log_store) = (snapshot.version(), table.log_store());
                let cleaned = cleanup_expired_logs_for(version, &*log_store, oldest, None);
                cleaned.await.map_err(failed)?
            }
        };
        Ok(Cleared {
            name: self.name,
            files: metrics.files_deleted.len(),
            commits,
        })
    }
}
