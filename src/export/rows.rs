//! The rows of one piece of a table, as one batch in the table's order.

use super::{ExportError, Table};
use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::{SortColumn, cast, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{Field, SchemaRef};

/// Makes the rows of a table ready to be exported.
pub struct Rows {
    table: Table,
    schema: SchemaRef,
}

impl Rows {
    /// The rows of a table with these columns.
    pub fn new(table: Table, schema: SchemaRef) -> Rows {
        Rows { table, schema }
    }

    /// All rows of a piece, in order.
    pub fn in_order(&self, batches: &[RecordBatch]) -> Result<RecordBatch, ExportError> {
        let alike: Result<Vec<_>, _> = batches.iter().map(|batch| self.conform(batch)).collect();
        let whole = concat_batches(&self.schema, &alike?)?;
        let mut columns = Vec::new();
        for name in self.table.order() {
            let no_column = || ExportError::Column {
                column: name,
                found: "no such column".to_owned(),
            };
            columns.push(SortColumn {
                values: whole.column_by_name(name).ok_or_else(no_column)?.clone(),
                options: None,
            });
        }
        let order = lexsort_to_indices(&columns, None)?;
        // They are written in order; only another program may have written them again.
        if order.values().is_sorted() {
            return Ok(whole);
        }
        Ok(take_record_batch(&whole, &order)?)
    }

    /// The batch with exactly the columns of the table: a data file may lack one that came later, and
    /// its nested fields may be called otherwise.
    fn conform(&self, batch: &RecordBatch) -> Result<RecordBatch, ExportError> {
        let column = |field: &Field| -> Result<ArrayRef, ExportError> {
            match batch.column_by_name(field.name()) {
                None => Ok(new_null_array(field.data_type(), batch.num_rows())),
                Some(array) if array.data_type() == field.data_type() => Ok(array.clone()),
                Some(array) => Ok(cast(array, field.data_type())?),
            }
        };
        let fields = self.schema.fields().iter();
        let columns: Result<Vec<_>, _> = fields.map(|field| column(field)).collect();
        Ok(RecordBatch::try_new(self.schema.clone(), columns?)?)
    }
}
