//! What a job says about deliveries without a row, or with nulls (section 6).

use super::super::world::DeliveryRow;
use super::{HOUR, Machines, Quarantine};

/// The defaults of a job, and its other rules.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    pub efs: Option<bool>,
    pub channel: Option<String>,
    /// The validity period, from `started_at`.
    pub validity_hours: Option<i64>,
    /// Not of deliveries, but of the job as well.
    pub machines: Machines,
    pub quarantine: Option<Quarantine>,
}

impl Defaults {
    /// The attributes with the defaults in the place of nulls.
    pub fn fill(&self, row: Option<&DeliveryRow>) -> DeliveryRow {
        let mut row = row.cloned().unwrap_or_default();
        row.efs = row.efs.or(self.efs);
        row.channel = row.channel.or_else(|| self.channel.clone());
        if let (None, Some(start), Some(hours)) =
            (row.validity_end, row.started_at, self.validity_hours)
        {
            row.validity_end = Some(start + hours * HOUR);
        }
        row
    }
}
