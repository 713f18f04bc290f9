//! Each format reads back as the table.

use std::fs;

use serde_json::Value;

use super::super::site::{Site, outcome};
use super::super::world::Layout;
use super::{
    CUT, TABLES, export, of_csv, of_json_lines, of_parquet, plain, table, two_days, values,
};

/// Two runs with identifiers of either type.
fn sites() -> [Site; 2] {
    let texts = Layout {
        string_ids: true,
        ..Layout::default()
    };
    [Layout::default(), texts].map(|layout| {
        let site = Site::laid_out(&two_days(), &layout);
        site.run_to(0, &["--as-of", "2026-03-02T12:00:00.5Z"]);
        site.run_to(0, &["--as-of", CUT]);
        site
    })
}

#[test]
fn parquet_is_the_table() {
    for site in sites() {
        for (name, rows) in TABLES.into_iter().zip([7, 3, 2]) {
            let expected = table(&site, name);
            assert_eq!(expected.len(), rows, "{name}");
            export(&site, name, "file.parquet", &[]).expect_status(0);
            let path = site.path("file.parquet");
            assert_eq!(of_parquet(&path), values(&expected), "{name}");
            let columns = super::super::site::read_columns(&path);
            for (column, array) in columns {
                let kind = array.data_type().to_string();
                let is_instant = ["hour", "as_of", "started_at", "final_at"].contains(&&*column);
                let is_utc = kind == "Timestamp(\u{b5}s, \"UTC\")";
                assert!(!is_instant || is_utc, "{name}.{column}: {kind}");
            }
        }
    }
}

#[test]
fn parquet_is_compressed_and_has_statistics() {
    use parquet::basic::Compression;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let [site, _] = sites();
    export(&site, "delivery_kpi_hourly", "file.parquet", &[]).expect_status(0);
    let file = fs::File::open(site.path("file.parquet")).expect("a file");
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    for column in reader.metadata().row_group(0).columns() {
        assert!(matches!(column.compression(), Compression::ZSTD(_)));
        assert!(column.statistics().is_some(), "{}", column.column_path());
    }
}

#[test]
fn json_lines_are_the_table_with_all_keys() {
    for site in sites() {
        for name in TABLES {
            let expected = values(&table(&site, name));
            export(&site, name, "file.jsonl", &[]).expect_status(0);
            let text = fs::read_to_string(site.path("file.jsonl")).expect("a text");
            assert_eq!(of_json_lines(&text), expected, "{name}");
        }
        export(&site, "delivery_kpi_hourly", "file.jsonl", &[]).expect_status(0);
        let text = fs::read_to_string(site.path("file.jsonl")).expect("a text");
        assert!(text.contains("\"hour\":\"2026-03-02T09:00:00Z\""), "{text}");
        assert!(text.contains("\"progress\":null"), "{text}");
    }
}

/// A cell as a value of the type that the table has.
fn value(cell: &str, like: &Value) -> Value {
    let json = || plain(&serde_json::from_str(cell).unwrap_or_else(|e| panic!("{cell}: {e}")));
    match like {
        Value::Null | Value::String(_) if cell.is_empty() => like.clone(),
        Value::Number(_) if cell.contains('T') => plain(&cell.into()),
        Value::String(_) | Value::Null => cell.into(),
        _ => json(),
    }
}

#[test]
fn csv_is_the_table_with_nested_columns_as_json() {
    for site in sites() {
        for name in TABLES {
            let expected = values(&table(&site, name));
            export(&site, name, "file.csv", &[]).expect_status(0);
            let text = fs::read_to_string(site.path("file.csv")).expect("a text");
            let mut lines = of_csv(&text).into_iter();
            let header = lines.next().expect("a header");
            let lines: Vec<Vec<String>> = lines.collect();
            assert_eq!(lines.len(), expected.len(), "{name}");
            for (line, row) in lines.iter().zip(&expected) {
                assert_eq!(header.len(), row.as_object().map_or(0, |row| row.len()));
                for (column, cell) in header.iter().zip(line) {
                    let like = &row[column];
                    assert_eq!(&value(cell, like), like, "{name}.{column}: {cell:?}");
                    assert_eq!(like.is_null(), cell.is_empty(), "{name}.{column}");
                }
            }
        }
    }
}

#[test]
fn instants_have_microseconds_only_where_needed() {
    let [site, _] = sites();
    let csv = export(&site, "kpi_run", "-", &["--format", "csv"]).expect_status(0);
    let lines = of_csv(&csv.stdout);
    let place = lines[0]
        .iter()
        .position(|name| name == "as_of")
        .expect("as_of");
    assert_eq!(lines[1][place], "2026-03-02T12:00:00.500Z");
    assert_eq!(lines[2][place], CUT);
}

#[test]
fn standard_output_holds_what_a_file_would() {
    let [site, _] = sites();
    for name in TABLES {
        for format in ["csv", "jsonl"] {
            let file = format!("file.{format}");
            export(&site, name, &file, &[]).expect_status(0);
            let printed = export(&site, name, "-", &["--format", format]).expect_status(0);
            let written = fs::read_to_string(site.path(&file)).expect("a text");
            assert_eq!(printed.stdout, written, "{name} as {format}");
            printed.says(&[name, "standard output", "of run 2", CUT]);
        }
        // Without a format it is CSV.
        let printed = export(&site, name, "-", &[]).expect_status(0);
        let csv = fs::read_to_string(site.path("file.csv")).expect("a text");
        assert_eq!(printed.stdout, csv);
    }
    let mut command = site.program();
    command.args(["export", "delivery_kpi", "-", "--output", "out"]);
    let parquet = command
        .args(["--format", "parquet"])
        .output()
        .expect("an end");
    fs::write(site.path("printed.parquet"), parquet.stdout).expect("a file");
    let expected = values(&table(&site, "delivery_kpi"));
    assert_eq!(of_parquet(&site.path("printed.parquet")), expected);
}

#[test]
fn the_extension_tells_the_format_and_a_flag_comes_before_it() {
    let [site, _] = sites();
    export(&site, "delivery_kpi", "KPIS.CSV", &[]).expect_status(0);
    let csv = fs::read(site.path("KPIS.CSV")).expect("a file");
    export(&site, "delivery_kpi", "kpis.jsonl", &["--format", "csv"]).expect_status(0);
    assert_eq!(fs::read(site.path("kpis.jsonl")).expect("a file"), csv);
    export(&site, "delivery_kpi", "kpis", &["--format", "csv"])
        .expect_status(0)
        .says(&["delivery_kpi: 3 rows to kpis, of run 2 as of"]);
    assert_eq!(fs::read(site.path("kpis")).expect("a file"), csv);
}

/// A job file says where the tables are.
#[test]
fn the_output_may_be_that_of_a_job_file() {
    let site = Site::new(&two_days());
    site.run_job("", &[]).expect_status(0);
    fs::create_dir(site.path("elsewhere")).expect("a folder");
    let mut command = site.program();
    command.current_dir(site.path("elsewhere"));
    command.args([
        "export",
        "delivery_kpi",
        "kpis.jsonl",
        "--job",
        "../job.toml",
    ]);
    outcome(&mut command).expect_status(0);
    let text = fs::read_to_string(site.path("elsewhere/kpis.jsonl")).expect("a text");
    assert_eq!(of_json_lines(&text), values(&table(&site, "delivery_kpi")));
}
