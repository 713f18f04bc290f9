//! Which pages of a row group may hold rows of some deliveries, where the file has a page index.

use super::contract::Mapping;
use super::file::{OpenFile, guarded};
use super::footer;
use super::source::Source;
use crate::model::DeliveryId;
use parquet::arrow::arrow_reader::RowSelection;
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::reader::Length;
use parquet::file::statistics::Statistics;
use std::collections::BTreeSet;
use std::ops::Range;

/// The rows of a row group that have to be read. Where the pages of its columns begin is not taken from the
/// index: nobody checks that those of one column fit those of another.
pub struct Pages {
    pub(super) selection: RowSelection,
    /// How many rows are left.
    pub rows: u64,
}

impl OpenFile {
    /// For each of these row groups the pages that may hold rows of some of these deliveries, or rows
    /// without one; none where all of them may, or where the file does not tell.
    pub fn pages(
        &self,
        row_groups: &[usize],
        mapping: &Mapping,
        ids: &BTreeSet<DeliveryId>,
    ) -> Vec<Option<Pages>> {
        let column = mapping.name("delivery_id");
        let indexed = self.indexed(row_groups, column);
        let pages = |row_group: &usize| {
            let (leaf, footer) = indexed.as_ref()?;
            // One that makes no sense tells nothing.
            let kept = guarded(|| Ok(kept(footer, *row_group, *leaf, ids))).ok()??;
            let rows = self.rows(*row_group) as usize;
            let selection = RowSelection::from_consecutive_ranges(kept.into_iter(), rows);
            let left = selection.row_count();
            (left < rows).then_some(Pages {
                selection,
                rows: left as u64,
            })
        };
        row_groups.iter().map(pages).collect()
    }

    /// The place of a column among the leaves, and the footer with the page index, where there is one for all of its
    /// chunks, and what it tells holds for the values as they are decoded.
    fn indexed(&self, row_groups: &[usize], column: &str) -> Option<(usize, ParquetMetaData)> {
        let place = self.metadata.schema().index_of(column).ok()?;
        let leaf = self.leaf(place)?;
        let tells = |row_group: &usize| {
            let chunk = self.metadata.metadata().row_group(*row_group).column(leaf);
            chunk.column_index_offset().is_some()
                && chunk
                    .statistics()
                    .is_some_and(|statistics| self.are_exact(place, statistics))
        };
        if row_groups.is_empty() || !row_groups.iter().all(tells) {
            return None;
        }
        let read = || {
            let source = Source::in_parts(&self.file)?;
            let footer = self.metadata.metadata().as_ref().clone();
            check(&footer, &source)?;
            let mut reader = ParquetMetaDataReader::new_with_metadata(footer)
                .with_page_index_policy(PageIndexPolicy::Optional);
            reader.read_page_indexes(&source)?;
            reader.finish()
        };
        // An index that cannot be read tells nothing.
        Some((leaf, guarded(read).ok()?))
    }
}

/// Goes through the indexes of all columns before their decoder does.
fn check(footer: &ParquetMetaData, source: &Source) -> Result<(), ParquetError> {
    let chunks = footer.row_groups().iter().flat_map(|group| group.columns());
    let mut left = source.len();
    for chunk in chunks {
        let of_column = chunk.column_index_offset().zip(chunk.column_index_length());
        let of_offsets = chunk.offset_index_offset().zip(chunk.offset_index_length());
        for (start, length) in of_column.into_iter().chain(of_offsets) {
            let (Ok(start), Ok(length)) = (u64::try_from(start), usize::try_from(length)) else {
                return Err(ParquetError::General("an index that is nowhere".to_owned()));
            };
            // Each has bytes of its own.
            let Some(rest) = left.checked_sub(length as u64) else {
                return Err(ParquetError::General("indexes beyond the file".to_owned()));
            };
            left = rest;
            // Those of all columns and row groups lie one behind the other.
            footer::whole(&source.bytes_of(start, length, left)?, "an index")?;
        }
    }
    Ok(())
}

/// The rows of the pages that may hold rows of these deliveries; none where the index does not tell.
fn kept(
    footer: &ParquetMetaData,
    row_group: usize,
    leaf: usize,
    ids: &BTreeSet<DeliveryId>,
) -> Option<Vec<Range<usize>>> {
    let group = footer.row_group(row_group);
    let rows = usize::try_from(group.num_rows()).ok()?;
    let column = footer.column_index()?.get(row_group)?.get(leaf)?;
    let pages = footer.offset_index()?.get(row_group)?.get(leaf)?;
    let firsts = pages
        .page_locations()
        .iter()
        .map(|page| usize::try_from(page.first_row_index).ok());
    let mut bounds: Vec<usize> = firsts.collect::<Option<_>>()?;
    bounds.push(rows);
    let is_whole = bounds[0] == 0 && bounds.is_sorted();
    if !is_whole || column.num_pages() + 1 != bounds.len() as u64 {
        return None;
    }
    if !reaches_as_far(column, group.column(leaf).statistics()?, bounds.len() - 1) {
        return None;
    }
    let ranges = bounds.windows(2).map(|pair| pair[0]..pair[1]).enumerate();
    let kept = ranges.filter(|(page, _)| may_hold_some(column, *page, ids));
    Some(kept.map(|(_, rows)| rows).collect())
}

/// Whether the pages hold, as they say, all values that the row group has, as it says.
fn reaches_as_far(column: &ColumnIndexMetaData, group: &Statistics, pages: usize) -> bool {
    let nulls = (0..pages).map(|page| u64::try_from(column.null_count(page)?).ok());
    let nulls: Option<u64> = nulls.sum();
    let of_pages: Vec<_> = (0..pages).filter_map(|page| ends(column, page)).collect();
    let lowest = of_pages.iter().map(|(low, _)| low).min();
    let highest = of_pages.iter().map(|(_, high)| high).max();
    let number = DeliveryId::Number;
    let of_group = match group {
        Statistics::Int32(ids) => ids.min_opt().zip(ids.max_opt()).map(|(low, high)| {
            let wide = |id: &i32| number(i64::from(*id));
            (wide(low), wide(high))
        }),
        Statistics::Int64(ids) => ids
            .min_opt()
            .zip(ids.max_opt())
            .map(|(low, high)| (number(*low), number(*high))),
        Statistics::ByteArray(ids) => ids
            .min_opt()
            .zip(ids.max_opt())
            .and_then(|(low, high)| Some((text(low.data())?, text(high.data())?))),
        _ => None,
    };
    nulls.is_some()
        && nulls == group.null_count_opt()
        && of_group.is_some_and(|(low, high)| lowest <= Some(&low) && Some(&high) <= highest)
        && lowest.is_some()
}

/// Whether a page may hold some of these deliveries, or none at all; ends that make no sense rule nothing
/// out.
fn may_hold_some(column: &ColumnIndexMetaData, page: usize, ids: &BTreeSet<DeliveryId>) -> bool {
    if column.null_count(page) != Some(0) {
        return true;
    }
    match ends(column, page) {
        Some((low, high)) if low <= high => ids.range(low..=high).next().is_some(),
        _ => true,
    }
}

/// The lowest and the highest identifier of a page; texts may be cut, the lower one down, the higher one up.
fn ends(column: &ColumnIndexMetaData, page: usize) -> Option<(DeliveryId, DeliveryId)> {
    if column.is_null_page(page) {
        return None;
    }
    let number = DeliveryId::Number;
    match column {
        ColumnIndexMetaData::INT32(index) => index
            .min_value(page)
            .zip(index.max_value(page))
            .map(|(low, high)| (number((*low).into()), number((*high).into()))),
        ColumnIndexMetaData::INT64(index) => index
            .min_value(page)
            .zip(index.max_value(page))
            .map(|(low, high)| (number(*low), number(*high))),
        ColumnIndexMetaData::BYTE_ARRAY(index) => index
            .min_value(page)
            .zip(index.max_value(page))
            .and_then(|(low, high)| Some((text(low)?, text(high)?))),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> Option<DeliveryId> {
    let text = std::str::from_utf8(bytes).ok()?;
    Some(DeliveryId::Text(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use bytes::Bytes;
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::WriterProperties;
    use std::sync::Arc;

    /// The footer, with its index, of one row group in pages of two rows.
    fn footer(ids: &[Option<i64>]) -> ParquetMetaData {
        let ids: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
        let batch = RecordBatch::try_from_iter_with_nullable([("delivery_id", ids, true)]);
        let batch = batch.expect("a column");
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_write_batch_size(2)
            .set_data_page_row_count_limit(2)
            .build();
        let mut file = Vec::new();
        let writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties));
        let mut writer = writer.expect("a writer");
        writer.write(&batch).expect("rows");
        writer.close().expect("a footer");
        ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Required)
            .parse_and_finish(&Bytes::from(file))
            .expect("a footer")
    }

    fn kept_of(footer: &ParquetMetaData, ids: &[i64]) -> Option<Vec<Range<usize>>> {
        let ids = ids.iter().copied().map(DeliveryId::Number).collect();
        kept(footer, 0, 0, &ids)
    }

    const IDS: [Option<i64>; 8] = [
        Some(1),
        Some(3),
        Some(5),
        Some(7),
        None,
        Some(5),
        Some(2),
        Some(9),
    ];

    #[test]
    fn pages_that_may_hold_a_delivery_or_none_are_kept() {
        let footer = footer(&IDS);
        assert_eq!(kept_of(&footer, &[2]), Some(vec![0..2, 4..6, 6..8]));
        assert_eq!(kept_of(&footer, &[7]), Some(vec![2..4, 4..6, 6..8]));
        assert_eq!(kept_of(&footer, &[1, 8]), Some(vec![0..2, 4..6, 6..8]));
        assert_eq!(kept_of(&footer, &[0, 9]), Some(vec![4..6, 6..8]));
    }

    #[test]
    fn an_index_that_contradicts_its_footer_tells_nothing() {
        let real = footer(&IDS);
        let with_index_of = |ids: [Option<i64>; 8]| {
            let other = footer(&ids);
            let lying = real.clone().into_builder();
            let lying = lying.set_column_index(other.column_index().cloned());
            kept_of(&lying.build(), &[7])
        };
        let changed = |row: usize, id: Option<i64>| {
            let mut ids = IDS;
            ids[row] = id;
            ids
        };
        assert!(with_index_of(IDS).is_some());
        assert!(
            with_index_of(changed(1, Some(2))).is_some(),
            "within the bounds"
        );
        assert_eq!(with_index_of(changed(0, Some(2))), None, "not as low");
        assert_eq!(with_index_of(changed(7, Some(8))), None, "not as high");
        assert_eq!(with_index_of(changed(4, Some(5))), None, "fewer nulls");
        assert_eq!(with_index_of(changed(5, None)), None, "more nulls");
    }
}
