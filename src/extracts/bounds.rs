//! What a footer tells of the values of a column, so that row groups need not be read.

use super::contract::{Mapping, is_text};
use super::file::OpenFile;
use crate::model::Value;
use parquet::data_type::AsBytes;
use parquet::file::statistics::Statistics;

impl OpenFile {
    /// The lowest and the highest `log_id` of a row group, if the footer tells.
    pub fn log_ids(&self, row_group: usize, mapping: &Mapping) -> Option<(i64, i64)> {
        let (place, statistics) = self.statistics(row_group, mapping.name("log_id"))?;
        self.is_signed(place).then(|| integers(statistics))?
    }

    /// Whether a row group may hold an identifier in a column; false only where the footer rules it
    /// out.
    pub fn may_hold(&self, row_group: usize, mapping: &Mapping, column: &str, id: &Value) -> bool {
        let Some((place, statistics)) = self.statistics(row_group, mapping.name(column)) else {
            return true;
        };
        match id {
            Value::Number(number) if self.is_signed(place) => integers(statistics)
                .is_none_or(|(lowest, highest)| (lowest..=highest).contains(number)),
            Value::Text(text) if is_text(self.metadata.schema().field(place).data_type()) => {
                // Long bounds are cut: the lower one down, the upper one up.
                texts(statistics)
                    .is_none_or(|(lowest, highest)| (lowest..=highest).contains(&text.as_bytes()))
            }
            Value::Number(_) | Value::Text(_) => true,
        }
    }

    fn is_signed(&self, place: usize) -> bool {
        let field = self.metadata.schema().field(place);
        field.data_type().is_signed_integer()
    }

    /// The place of a column by its name in the file, and its statistics in a row group.
    fn statistics(&self, row_group: usize, name: &str) -> Option<(usize, &Statistics)> {
        let place = self.metadata.schema().index_of(name).ok()?;
        let descriptor = self.metadata.parquet_schema();
        let leaf = (0..descriptor.num_columns())
            .find(|leaf| descriptor.get_column_root_idx(*leaf) == place)?;
        let group = self.metadata.metadata().row_group(row_group);
        Some((place, group.column(leaf).statistics()?))
    }
}

fn integers(statistics: &Statistics) -> Option<(i64, i64)> {
    match statistics {
        Statistics::Int64(ids) => Some((*ids.min_opt()?, *ids.max_opt()?)),
        Statistics::Int32(ids) => Some((i64::from(*ids.min_opt()?), i64::from(*ids.max_opt()?))),
        _ => None,
    }
}

fn texts(statistics: &Statistics) -> Option<(&[u8], &[u8])> {
    match statistics {
        // Older writers ordered bytes as signed ones.
        _ if statistics.is_min_max_deprecated() => None,
        Statistics::ByteArray(ids) => Some((ids.min_opt()?.as_bytes(), ids.max_opt()?.as_bytes())),
        _ => None,
    }
}
