//! Published values of hours that had ended, and what they are now.

use super::{Cell, TableError, Versions};
use crate::model::{DeliveryId, HOUR, Instant};
use arrow::array::RecordBatch;

/// An hour of a delivery whose values have changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Restated {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The hour.
    pub hour: Instant,
    /// The KPIs that changed: name, old and new value.
    pub changes: Vec<(String, Option<f64>, Option<f64>)>,
}

/// What changed in the hours that had ended at or before an instant, between two versions of rows of
/// `delivery_kpi_hourly`.
pub fn restated(
    old: &[RecordBatch],
    new: Option<&RecordBatch>,
    until: Instant,
) -> Result<Vec<Restated>, TableError> {
    let new: Vec<RecordBatch> = new.into_iter().cloned().collect();
    let versions = Versions::new("delivery_kpi_hourly", old, &new, None)?;
    let mut all = Vec::new();
    for difference in versions.differences()? {
        let Some(hour) = difference.hour.filter(|hour| hour.plus(HOUR) <= until) else {
            continue;
        };
        let number = |cell: &Cell| match cell {
            Cell::Count(count) => Some(Some(*count as f64)),
            Cell::Rate(rate) => Some(Some(*rate)),
            Cell::Null => Some(None),
            Cell::Flag(_) | Cell::Text(_) | Cell::Instant(_) => None,
        };
        let changes = difference.columns.iter().filter_map(|column| {
            let (old, new) = (number(&column.old)?, number(&column.new)?);
            (old != new).then(|| (column.name.to_owned(), old, new))
        });
        let changes: Vec<_> = changes.collect();
        if !changes.is_empty() {
            all.push(Restated {
                delivery: difference.delivery,
                hour,
                changes,
            });
        }
    }
    Ok(all)
}
