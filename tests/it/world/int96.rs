//! Files with INT96 instants, which the arrow writer cannot produce.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::columns::{Column, Values};

/// Writes the rows of `range`, `row_group_rows` to a row group.
pub fn write(
    file: File,
    columns: &[Column],
    range: Range<usize>,
    row_group_rows: usize,
    properties: WriterProperties,
) {
    let fields = columns
        .iter()
        .map(|column| Arc::new(field(column)))
        .collect();
    let schema = Type::group_type_builder("schema")
        .with_fields(fields)
        .build()
        .expect("a schema");
    let mut writer =
        SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).expect("a writer");
    let mut start = range.start;
    while start < range.end {
        let rows = start..(start + row_group_rows).min(range.end);
        start = rows.end;
        let mut group = writer.next_row_group().expect("a row group");
        for column in columns {
            let mut out = group
                .next_column()
                .expect("a column")
                .expect("as many columns as fields");
            write_column(&mut out, &column.values, rows.clone());
            out.close().expect("a closed column");
        }
        group.close().expect("a closed row group");
    }
    writer.close().expect("a closed file");
}

fn field(column: &Column) -> Type {
    let (physical, logical) = match column.values {
        Values::Int(_) => (PhysicalType::INT64, None),
        Values::Code(_) => (PhysicalType::INT32, None),
        Values::Text(_) => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        Values::Bool(_) => (PhysicalType::BOOLEAN, None),
        Values::Instant(_) => (PhysicalType::INT96, None),
    };
    Type::primitive_type_builder(column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
        .expect("a field")
}

fn write_column(out: &mut SerializedColumnWriter<'_>, values: &Values, rows: Range<usize>) {
    match values {
        Values::Int(values) => write_values::<Int64Type, _>(out, &values[rows], |value| *value),
        Values::Code(values) => write_values::<Int32Type, _>(out, &values[rows], |value| *value),
        Values::Text(values) => write_values::<ByteArrayType, _>(out, &values[rows], |text| {
            ByteArray::from(text.as_str())
        }),
        Values::Bool(values) => write_values::<BoolType, _>(out, &values[rows], |value| *value),
        Values::Instant(values) => {
            write_values::<Int96Type, _>(out, &values[rows], |instant| int96(*instant))
        }
    }
}

fn write_values<D: DataType, V>(
    out: &mut SerializedColumnWriter<'_>,
    values: &[Option<V>],
    convert: impl Fn(&V) -> D::T,
) {
    let levels: Vec<i16> = values
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    let present: Vec<D::T> = values.iter().flatten().map(convert).collect();
    out.typed::<D>()
        .write_batch(&present, Some(&levels), None)
        .expect("written values");
}

/// Nanoseconds of the day in eight bytes, then the Julian day in four.
fn int96(micros: i64) -> Int96 {
    const DAY: i64 = 86_400_000_000;
    const JULIAN_DAY_OF_1970: i64 = 2_440_588;
    let nanos = micros.rem_euclid(DAY) as u64 * 1_000;
    let day = micros.div_euclid(DAY) + JULIAN_DAY_OF_1970;
    let mut value = Int96::new();
    value.set_data(
        nanos as u32,
        (nanos >> 32) as u32,
        u32::try_from(day).expect("a day after 4713 BC"),
    );
    value
}
