//! Tables that are not ours, or not of this version, are left alone.

use std::fs;
use std::path::Path;

use super::super::site::{Site, content, delivery, runs_published, two_deliveries};
use super::super::world::Layout;
use super::{TABLES, commits};

/// Changes the first commit of a table, in which its columns and properties stand.
fn edit_first_commit(output: &Path, table: &str, edit: impl Fn(&str) -> String) {
    let (path, _) = commits(output, table).swap_remove(0);
    let text = fs::read_to_string(&path).expect("a commit");
    let edited = edit(&text);
    assert_ne!(edited, text, "there was something to edit in {table}");
    fs::write(&path, edited).expect("a commit");
}

/// A site with something new to publish below these tables.
fn published() -> Site {
    let site = Site::new(&two_deliveries());
    site.run_to(0, &[]);
    let mut next = two_deliveries();
    next.deliveries.push(delivery(3, "Third"));
    site.rewrite(&next, &Layout::default());
    site
}

fn refused(site: &Site, says: &[&str], context: &str) {
    let before = content(&site.output());
    let run = site.run(&[]);
    assert!(
        matches!(run.status, Some(1 | 2)),
        "{context}: {}",
        run.text()
    );
    assert_eq!(run.stdout, "", "{context}");
    assert!(
        content(&site.output()) == before,
        "{context}: something was written: {}",
        run.text()
    );
    run.says(says);
}

#[test]
fn a_later_schema_version_is_refused() {
    for table in TABLES {
        let site = published();
        edit_first_commit(&site.output(), table, |text| {
            text.replace("\"schema_version\":\"3\"", "\"schema_version\":\"999\"")
        });
        refused(&site, &[table, "schema_version", "999"], table);
    }
}

#[test]
fn a_table_without_a_column_of_ours_is_refused() {
    for (table, column) in [
        ("delivery_kpi_hourly", "opens_delta"),
        ("delivery_kpi", "final_at"),
        ("kpi_run", "run_number"),
    ] {
        let site = published();
        edit_first_commit(&site.output(), table, |text| {
            text.replace(&format!("\\\"{column}\\\""), "\\\"renamed\\\"")
        });
        refused(&site, &[table, column], table);
    }
}

/// Also where the column is a map or a list: the versions are what readers go by.
#[test]
fn a_record_of_runs_without_its_versions_is_refused() {
    let site = published();
    edit_first_commit(&site.output(), "kpi_run", |text| {
        text.replace("\\\"table_versions\\\"", "\\\"renamed\\\"")
    });
    refused(&site, &["kpi_run", "table_versions"], "table_versions");
}

#[test]
fn a_column_of_another_type_is_refused() {
    let site = published();
    edit_first_commit(&site.output(), "delivery_kpi", |text| {
        let column = "{\\\"name\\\":\\\"processed\\\",\\\"type\\\":\\\"long\\\"";
        text.replace(column, &column.replace("long", "double"))
    });
    refused(
        &site,
        &["delivery_kpi", "processed", "Float64"],
        "a counter as a double",
    );
}

/// A table of somebody else in the place of ours. Nothing of it changes, and no run is published.
#[test]
fn a_table_of_somebody_else_is_refused() {
    for table in TABLES {
        let site = Site::new(&two_deliveries());
        let log = format!("out/{table}/_delta_log/00000000000000000000.json");
        let schema = serde_json::json!({
            "type": "struct",
            "fields": [{"name": "customer", "type": "string", "nullable": true, "metadata": {}}],
        });
        let metadata = serde_json::json!({"metaData": {
            "id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9",
            "format": {"provider": "parquet", "options": {}},
            "schemaString": schema.to_string(),
            "partitionColumns": [],
            "configuration": {},
            "createdTime": 1_772_442_000_000i64,
        }});
        let protocol =
            serde_json::json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}});
        site.write(&log, format!("{protocol}\n{metadata}\n"));
        let foreign = content(&site.output().join(table));
        let run = site.run(&[]);
        assert!(matches!(run.status, Some(1 | 2)), "{table}: {}", run.text());
        assert_eq!(content(&site.output().join(table)), foreign, "{table}");
        if table != "kpi_run" {
            assert_eq!(runs_published(&site.output()), 0, "{table}");
        }
        run.says(&[table, "schema_version", "none"]);
    }
}

/// What else lies in the output is nobody's business.
#[test]
fn other_files_in_the_output_stay() {
    let site = Site::new(&two_deliveries());
    site.write("out/README.txt", "ours");
    site.write("out/other_table/_delta_log/00000000000000000000.json", "{}");
    let before = content(&site.output());
    site.run_to(0, &[]);
    let after = content(&site.output());
    for (path, bytes) in before {
        assert_eq!(after.get(&path), Some(&bytes), "{}", path.display());
    }
    let tables = fs::read_dir(site.output()).expect("the output");
    let names = tables.map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut expected = vec!["README.txt", "_delivery-kpi.lock", "_state", "other_table"];
    expected.extend(TABLES);
    expected.sort_unstable();
    assert_eq!(names, expected);
}
