//! Tables that are opened once. What others commit meanwhile is not seen, and makes a commit on top of what was
//! seen fail, until one begins anew.

use super::location::Location;
use super::plan::KPI_RUN;
use super::table::{Table, delta};
use super::{PublishError, RunRecord};
use deltalake::DeltaTable;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The tables below a location.
pub(super) struct Opened {
    location: Location,
    /// The tables, and whether somebody may have committed since they were read.
    tables: Mutex<HashMap<&'static str, (DeltaTable, bool)>>,
    /// The record of the newest run, and the version of `kpi_run` that it was found in.
    newest: Mutex<Option<(u64, Option<RunRecord>)>>,
}

impl Opened {
    pub(super) fn new(location: &Location) -> Opened {
        Opened {
            location: location.clone(),
            tables: Mutex::default(),
            newest: Mutex::default(),
        }
    }

    /// From now on tables are found as others have left them.
    pub(super) fn begin_anew(&self) {
        for (_, is_stale) in lock(&self.tables).values_mut() {
            *is_stale = true;
        }
    }

    /// A table at the version that was the latest one when it was opened, if it is there.
    pub(super) async fn find(&self, name: &'static str) -> Result<Option<Table>, PublishError> {
        let known = lock(&self.tables).get(name).cloned();
        let found = match known {
            Some((table, false)) => return Ok(Some(Table { name, table })),
            Some((mut table, true)) => {
                let updated = table.update_state().await;
                updated.map_err(|source| delta(name, source))?;
                Some(Table { name, table })
            }
            None => Table::find(&self.location, name).await?,
        };
        if let Some(found) = &found {
            lock(&self.tables).insert(name, (found.table.clone(), false));
        }
        Ok(found)
    }

    /// The record of the newest run.
    pub(super) async fn newest(&self, runs: &Table) -> Result<Option<RunRecord>, PublishError> {
        let version = runs.version();
        if let Some((of, newest)) = &*lock(&self.newest)
            && *of == version
        {
            return Ok(newest.clone());
        }
        let mut records = Vec::new();
        for batch in runs.newest("run_number").await? {
            records.extend(RunRecord::from_batch(&batch)?);
        }
        let newest = records.into_iter().max_by_key(|record| record.run_number);
        *lock(&self.newest) = Some((version, newest.clone()));
        Ok(newest)
    }

    /// `kpi_run`, if it is there, and the record of the newest run.
    pub(super) async fn runs(&self) -> Result<Option<(Table, Option<RunRecord>)>, PublishError> {
        let Some(runs) = self.find(KPI_RUN).await? else {
            return Ok(None);
        };
        let newest = self.newest(&runs).await?;
        Ok(Some((runs, newest)))
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
