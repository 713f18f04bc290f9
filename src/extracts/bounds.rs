//! What a footer tells of the values of a column, so that row groups need not be read.

use super::contract::{Mapping, is_text};
use super::file::{OpenFile, guarded};
use super::source::Source;
use crate::model::{DeliveryId, Value};
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::bloom_filter::Sbbf;
use parquet::data_type::AsBytes;
use parquet::file::statistics::Statistics;
use std::collections::BTreeSet;

impl OpenFile {
    /// The lowest and the highest `log_id` of a row group, if the footer tells.
    pub fn log_ids(&self, row_group: usize, mapping: &Mapping) -> Option<(i64, i64)> {
        let (place, statistics) = self.statistics(row_group, mapping.name("log_id"))?;
        self.is_signed(place).then(|| integers(statistics))?
    }

    /// Whether the footer tells that no row of a row group has a revision other than 0.
    pub fn is_unrevised(&self, row_group: usize, mapping: &Mapping) -> bool {
        let name = mapping.name("revision");
        if self.metadata.schema().index_of(name).is_err() {
            return true;
        }
        let Some((place, statistics)) = self.statistics(row_group, name) else {
            return false;
        };
        let are_null = statistics.null_count_opt() == Some(self.rows(row_group));
        are_null || self.is_signed(place) && integers(statistics) == Some((0, 0))
    }

    /// Whether a row group may hold an identifier in a column; false only where the footer rules it
    /// out.
    pub fn may_hold(&self, row_group: usize, mapping: &Mapping, column: &str, id: &Value) -> bool {
        let Some((place, statistics)) = self.statistics(row_group, mapping.name(column)) else {
            return true;
        };
        match id {
            Value::Number(number) if self.is_signed(place) => {
                integers(statistics).is_none_or(|(lowest, highest)| {
                    lowest > highest || (lowest..=highest).contains(number)
                })
            }
            Value::Text(text) if is_text(self.metadata.schema().field(place).data_type()) => {
                // Long bounds are cut: the lower one down, the upper one up.
                texts(statistics).is_none_or(|(lowest, highest)| {
                    lowest > highest || (lowest..=highest).contains(&text.as_bytes())
                })
            }
            Value::Number(_) | Value::Text(_) | Value::Hidden(_) => true,
        }
    }

    /// Whether a row group may hold rows of some of these deliveries, or rows without one; false only
    /// where statistics or a bloom filter in the file rule it out.
    pub fn may_hold_some(
        &self,
        row_group: usize,
        mapping: &Mapping,
        ids: &BTreeSet<DeliveryId>,
    ) -> bool {
        let column = "delivery_id";
        let Some((place, statistics)) = self.statistics(row_group, mapping.name(column)) else {
            return true;
        };
        if statistics.null_count_opt() != Some(0) || !self.are_exact(place, statistics) {
            return true;
        }
        let within = |id: &&DeliveryId| {
            let id = match id {
                DeliveryId::Number(number) => Value::Number(*number),
                DeliveryId::Text(text) => Value::Text(text.clone()),
            };
            self.may_hold(row_group, mapping, column, &id)
        };
        let within: Vec<&DeliveryId> = ids.iter().filter(within).collect();
        // Asking the filter for more is not worth it: some of them will be there.
        const FEW: usize = 1000;
        if within.is_empty() || within.len() > FEW {
            return !within.is_empty();
        }
        let Some(filter) = self.bloom_filter(row_group, place) else {
            return true;
        };
        let in_filter = |id: &&DeliveryId| match (id, statistics) {
            (DeliveryId::Number(number), Statistics::Int64(_)) => filter.check(number),
            (DeliveryId::Number(number), Statistics::Int32(_)) => {
                i32::try_from(*number).is_ok_and(|number| filter.check(&number))
            }
            (DeliveryId::Text(text), Statistics::ByteArray(_)) => filter.check(&**text),
            (DeliveryId::Number(_) | DeliveryId::Text(_), _) => true,
        };
        within.iter().any(in_filter)
    }

    /// Whether each value of a column is a good identifier, and is decoded as it is stored: then what is
    /// not among them is in no row.
    pub(super) fn are_exact(&self, place: usize, statistics: &Statistics) -> bool {
        const LAST_BLANK: u8 = b' ';
        const FIRST_BEYOND_ASCII: u8 = 0x80;
        let values = match self.metadata.schema().field(place).data_type() {
            DataType::Dictionary(_, values) => values,
            plain => plain,
        };
        match values {
            DataType::Int32 | DataType::Int64 => true,
            // A blank text is no identifier.
            DataType::Utf8 | DataType::LargeUtf8 => {
                let ends = texts(statistics)
                    .and_then(|(lowest, highest)| Some((*lowest.first()?, *highest.first()?)));
                ends.is_some_and(|(lowest, highest)| {
                    lowest > LAST_BLANK && highest < FIRST_BEYOND_ASCII
                })
            }
            _ => false,
        }
    }

    /// The bloom filter of a column, if there is one that can be read.
    fn bloom_filter(&self, row_group: usize, root: usize) -> Option<Sbbf> {
        let leaf = self.leaf(root)?;
        let group = self.metadata.metadata().row_group(row_group);
        group.column(leaf).bloom_filter_offset()?;
        let read = || {
            let source = Source::in_parts(&self.file)?;
            let builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(source, self.metadata.clone());
            builder.get_row_group_column_bloom_filter(row_group, leaf)
        };
        let filter = guarded(read).ok().flatten()?;
        // One without blocks would answer nothing.
        (filter.num_blocks() > 0).then_some(filter)
    }

    /// The place of a column of one leaf among the leaves.
    pub(super) fn leaf(&self, root: usize) -> Option<usize> {
        let descriptor = self.metadata.parquet_schema();
        (0..descriptor.num_columns()).find(|leaf| descriptor.get_column_root_idx(*leaf) == root)
    }

    /// Narrower integers are cut when they are decoded, their statistics are not.
    fn is_signed(&self, place: usize) -> bool {
        let field = self.metadata.schema().field(place);
        matches!(field.data_type(), DataType::Int32 | DataType::Int64)
    }

    /// The place of a column by its name in the file, and its statistics in a row group.
    fn statistics(&self, row_group: usize, name: &str) -> Option<(usize, &Statistics)> {
        let place = self.metadata.schema().index_of(name).ok()?;
        let leaf = self.leaf(place)?;
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
