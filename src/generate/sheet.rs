//! One Parquet file of a log, and the columns that its rows become.

use super::columns::{Columns, Writer, booleans, ids, instants, integers, labels};
use super::plan::{Delivery, Plan};
use super::row::Row;
use super::{GenerateError, Settings, Written};
use crate::model::Log;
use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use std::path::Path;

/// Rows that become columns at a time.
const BATCH: usize = 1 << 16;

/// What the columns of a log are.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a> {
    pub log: Log,
    pub settings: &'a Settings,
    pub plan: &'a Plan,
}

/// A file that is being written.
pub(super) struct Sheet(Writer);

impl Sheet {
    pub fn create(layout: &Layout<'_>, path: &Path) -> Result<Sheet, GenerateError> {
        let none = layout
            .batch(&[])
            .map_err(|error| GenerateError::parquet(path, error.into()))?;
        Writer::create(path, &none.schema()).map(Sheet)
    }

    pub fn write(&mut self, layout: &Layout<'_>, rows: &[Row]) -> Result<(), GenerateError> {
        rows.chunks(BATCH)
            .try_for_each(|rows| self.0.write(layout.batch(rows)))
    }

    pub fn close(self) -> Result<Written, GenerateError> {
        self.0.close()
    }
}

impl Layout<'_> {
    /// The name of the extract.
    pub fn name(&self) -> &'static str {
        match self.log {
            Log::Sending => "sending_log",
            Log::Tracking => "tracking_log",
        }
    }

    fn delivery(&self, row: &Row) -> Option<&Delivery> {
        self.plan.deliveries.get(row.delivery as usize)
    }

    fn recipient(&self, row: &Row) -> Option<i64> {
        let delivery = self.delivery(row)?;
        Some(delivery.recipient_id(row.message, self.plan.population))
    }

    fn batch(&self, rows: &[Row]) -> Result<RecordBatch, ArrowError> {
        let text = self.settings.string_ids;
        let delivery = |row: &Row| Some(self.delivery(row)?.id);
        let message = |row: &Row| Some(self.delivery(row)?.message_id(row.message));
        let at = |row: &Row| (row.what > 0).then_some(row.at);
        let mut columns = Columns::default();
        columns.add("delivery_id", ids(text, rows, delivery));
        columns.add("message_id", ids(text, rows, message));
        columns.add("recipient_id", ids(text, rows, |row| self.recipient(row)));
        columns.add("event_at", instants(rows, at));
        match self.log {
            Log::Sending => self.sending(rows, &mut columns),
            Log::Tracking => self.tracking(rows, &mut columns),
        }
        columns.add("log_id", integers(rows, |row| given(row.log_id)));
        if self.settings.is_dirty() {
            let deleted = |row: &Row| (row.revision > 0).then_some(row.has(Row::DELETED));
            let is_test = |row: &Row| row.has(Row::TEST).then_some(true);
            columns.add("revision", integers(rows, |row| given(row.revision.into())));
            columns.add("deleted", booleans(rows, deleted));
            columns.add("is_test", booleans(rows, is_test));
        }
        columns.batch()
    }

    fn sending(&self, rows: &[Row], columns: &mut Columns) {
        let all = self.settings.status_form;
        let is_status = |row: &Row| {
            all || self
                .delivery(row)
                .is_some_and(Delivery::is_exported_as_statuses)
        };
        let status = |row: &Row| {
            let efs = self.delivery(row)?.policy.efs;
            row.status(efs).filter(|_| is_status(row))
        };
        let domain = |row: &Row| {
            Some(match self.recipient(row)? % 3 {
                0 => "example.org",
                _ => "example.com",
            })
        };
        columns.add("recipient_domain", labels(rows, domain));
        if !all {
            let event = |row: &Row| row.label(self.log).filter(|_| !is_status(row));
            columns.add("event", labels(rows, event));
        }
        if all || self.settings.is_dirty() {
            columns.add("status", labels(rows, |row| Some(status(row)?.0)));
            columns.add("failure_type", labels(rows, |row| status(row)?.1));
        }
        let reason = |row: &Row| given(row.detail.into());
        columns.add("failure_reason", integers(rows, reason));
    }

    fn tracking(&self, rows: &[Row], columns: &mut Columns) {
        let machine = |row: &Row| (row.what > 0).then_some(row.has(Row::MACHINE));
        columns.add("type", labels(rows, |row| row.label(self.log)));
        columns.add("url_id", integers(rows, |row| given(row.detail.into())));
        columns.add("machine", booleans(rows, machine));
    }
}

/// A number that is 0 where there is none.
fn given(number: i64) -> Option<i64> {
    (number > 0).then_some(number)
}
