//! Reads Delta tables with the deltalake and parquet crates alone, as a stranger would.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::OnceLock;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

/// A row of a table. Instants are integers (microseconds), dates texts, maps objects, lists arrays.
pub type Row = Map<String, Value>;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime")
    })
}

fn open(directory: &Path, version: Option<i64>) -> deltalake::DeltaTable {
    let failed =
        |error: &dyn std::fmt::Display| -> ! { panic!("{}: {error}", directory.display()) };
    let url = deltalake::table::builder::parse_table_uri(directory.to_string_lossy())
        .unwrap_or_else(|error| failed(&error));
    let table = runtime().block_on(async {
        match version {
            None => deltalake::open_table(url).await,
            Some(version) => {
                let version = u64::try_from(version).expect("versions start at 0");
                deltalake::open_table_with_version(url, version).await
            }
        }
    });
    table.unwrap_or_else(|error| failed(&error))
}

/// How many data files the newest version of the table in `directory` has.
pub fn data_files(directory: &Path) -> usize {
    let table = open(directory, None);
    let state = table.snapshot().expect("a version");
    state.log_data().iter().count()
}

/// All rows of the table in `directory`, at `version` or at its newest one.
pub fn read(directory: &Path, version: Option<i64>) -> Vec<Row> {
    let table = open(directory, version);
    let state = table.snapshot().expect("a version");
    let mut rows = Vec::new();
    for view in state.log_data().iter() {
        assert!(
            view.deletion_vector_descriptor().is_none(),
            "deletion vectors are not read here"
        );
        let partition = view.partition_values_map();
        for mut row in read_parquet(&directory.join(view.object_store_path().as_ref())) {
            for (column, value) in &partition {
                row.insert(
                    column.clone(),
                    value.clone().map_or(Value::Null, Value::String),
                );
            }
            rows.push(row);
        }
    }
    rows
}

/// The row of `kpi_run` with the greatest `run_number`: the newest commit point.
pub fn newest_run(output: &Path) -> Row {
    let runs = read(&output.join("kpi_run"), None);
    let number = |row: &Row| row.get("run_number").and_then(Value::as_i64);
    let newest = runs.into_iter().max_by_key(number);
    newest.unwrap_or_else(|| panic!("kpi_run in {} has no row", output.display()))
}

/// Table names and versions of the newest run.
pub fn committed_versions(output: &Path) -> BTreeMap<String, i64> {
    let run = newest_run(output);
    let versions = run.get("table_versions").and_then(Value::as_object);
    let versions = versions.unwrap_or_else(|| panic!("kpi_run has no map table_versions: {run:?}"));
    versions
        .iter()
        .map(|(table, version)| {
            (
                table.clone(),
                version.as_i64().expect("versions are integers"),
            )
        })
        .collect()
}

/// The rows of `table` at the version that the newest run names.
pub fn committed(output: &Path, table: &str) -> Vec<Row> {
    let versions = committed_versions(output);
    let version = versions
        .get(table)
        .unwrap_or_else(|| panic!("the newest run names no version of {table}: {versions:?}"));
    read(&output.join(table), Some(*version))
}

/// The row of the newest run and the rows of both data tables at the versions it names, by the JSON of
/// the logs alone: a young table has no checkpoint, and many such reads take little time.
pub fn read_young(output: &Path) -> (Row, [Vec<Row>; 2]) {
    let run = young_run(output);
    let tables = ["delivery_kpi_hourly", "delivery_kpi"];
    let tables = tables.map(|table| {
        let rows = young_rows(output, &run, table);
        rows.unwrap_or_else(|| panic!("no version of {table}: {run:?}"))
    });
    (run, tables)
}

/// The same of the row of the newest run alone.
pub fn young_run(output: &Path) -> Row {
    let runs = output.join("kpi_run");
    let log = fs::read_dir(runs.join("_delta_log")).expect("a log");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        let name = entry.expect("an entry").file_name();
        name.to_string_lossy().strip_suffix(".json")?.parse().ok()
    };
    let latest: i64 = log.filter_map(name).max().expect("a commit");
    let newest = replay(&runs, latest..=latest);
    let [run] = newest.as_slice() else {
        panic!("the newest commit adds one row: {newest:?}");
    };
    run.clone()
}

/// The rows of a table as a run has left it, if it has.
pub fn young_rows(output: &Path, run: &Row, table: &str) -> Option<Vec<Row>> {
    let version = run["table_versions"][table].as_i64()?;
    Some(replay(&output.join(table), 0..=version))
}

/// The rows of the files that these commits added and did not remove.
fn replay(directory: &Path, versions: RangeInclusive<i64>) -> Vec<Row> {
    let mut files: BTreeMap<String, Row> = BTreeMap::new();
    for version in versions {
        let path = directory.join(format!("_delta_log/{version:020}.json"));
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let actions = text.lines().map(serde_json::from_str::<Value>);
        for action in actions.map(|action| action.expect("JSON")) {
            let path = |action: &Value| action["path"].as_str().expect("a path").to_owned();
            if let Some(add) = action.get("add") {
                let partition = add["partitionValues"].as_object().expect("values");
                files.insert(path(add), partition.clone());
            }
            if let Some(remove) = action.get("remove") {
                files.remove(&path(remove));
            }
        }
    }
    let mut rows = Vec::new();
    for (name, partition) in files {
        for mut row in read_parquet(&directory.join(name.replace("%3D", "="))) {
            row.extend(partition.clone());
            rows.push(row);
        }
    }
    rows
}

/// All rows of a Parquet file.
pub fn read_parquet(path: &Path) -> Vec<Row> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let reader = builder
        .build()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    reader
        .flat_map(|batch| {
            batch_rows(&batch.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        })
        .collect()
}

fn batch_rows(batch: &RecordBatch) -> Vec<Row> {
    let schema = batch.schema();
    let row = |number: usize| {
        let fields = schema.fields().iter().zip(batch.columns());
        fields
            .map(|(field, array)| (field.name().clone(), value(array, number)))
            .collect()
    };
    (0..batch.num_rows()).map(row).collect()
}

/// One value of an array.
fn value(array: &dyn Array, number: usize) -> Value {
    if array.is_null(number) {
        return Value::Null;
    }
    // One value, cast to the widest type of its kind.
    let one = array.slice(number, 1);
    let widened = |to: &DataType| cast(&one, to).unwrap_or_else(|error| panic!("{error}"));
    match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => Value::from(one.as_boolean().value(0)),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let number = widened(&DataType::Float64)
                .as_primitive::<Float64Type>()
                .value(0);
            assert!(number.is_finite(), "a rate is null, never {number}");
            Value::from(number)
        }
        kind if kind.is_integer() => Value::from(
            widened(&DataType::Int64)
                .as_primitive::<Int64Type>()
                .value(0),
        ),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(_, _) => {
            Value::from(widened(&DataType::Utf8).as_string::<i32>().value(0))
        }
        DataType::Timestamp(_, zone) => {
            let micros = widened(&DataType::Timestamp(TimeUnit::Microsecond, zone.clone()));
            Value::from(micros.as_primitive::<TimestampMicrosecondType>().value(0))
        }
        DataType::Date32 => {
            let date = one
                .as_primitive::<Date32Type>()
                .value_as_date(0)
                .expect("a date");
            Value::from(date.to_string())
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(one.as_struct().columns());
            Value::Object(
                columns
                    .map(|(field, column)| (field.name().clone(), value(column, 0)))
                    .collect(),
            )
        }
        DataType::List(_) => all_values(&one.as_list::<i32>().value(0)),
        DataType::LargeList(_) => all_values(&one.as_list::<i64>().value(0)),
        DataType::Map(_, _) => {
            let entries = one.as_map().value(0);
            let (keys, values) = (entries.column(0), entries.column(1));
            let key = |entry: usize| match value(keys, entry) {
                Value::String(text) => text,
                other => other.to_string(),
            };
            Value::Object(
                (0..entries.len())
                    .map(|entry| (key(entry), value(values, entry)))
                    .collect(),
            )
        }
        other => panic!("no table has a column of type {other}"),
    }
}

fn all_values(array: &dyn Array) -> Value {
    (0..array.len())
        .map(|number| value(array, number))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, Int64Array, Int64Builder, ListArray, MapBuilder, StringArray, StringBuilder,
        StructArray, TimestampMicrosecondArray,
    };
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::Field;
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_columns_become_json() {
        let mut versions = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
        versions.keys().append_value("delivery_kpi");
        versions.values().append_value(3);
        versions.append(true).expect("a map");
        versions.append(false).expect("a null");
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("sending_log"), None]));
        let rows: ArrayRef = Arc::new(Int64Array::from(vec![7, 8]));
        let logs = StructArray::from(vec![
            (Arc::new(Field::new("log", DataType::Utf8, true)), names),
            (
                Arc::new(Field::new("rows_read", DataType::Int64, true)),
                rows,
            ),
        ]);
        let item = Arc::new(Field::new_list_field(logs.data_type().clone(), true));
        let logs = ListArray::new(
            item,
            OffsetBuffer::from_lengths([2, 0]),
            Arc::new(logs),
            None,
        );
        let at = TimestampMicrosecondArray::from(vec![5, -5]).with_timezone("UTC");
        let columns: [(&str, ArrayRef); 3] = [
            ("table_versions", Arc::new(versions.finish())),
            ("logs", Arc::new(logs)),
            ("as_of", Arc::new(at)),
        ];
        let batch = RecordBatch::try_from_iter(columns).expect("a batch");
        let found: Vec<Value> = batch_rows(&batch).into_iter().map(Value::Object).collect();
        let logs = json!([{"log": "sending_log", "rows_read": 7}, {"log": null, "rows_read": 8}]);
        assert_eq!(
            found,
            [
                json!({"table_versions": {"delivery_kpi": 3}, "logs": logs, "as_of": 5}),
                json!({"table_versions": null, "logs": [], "as_of": -5}),
            ]
        );
    }
}
