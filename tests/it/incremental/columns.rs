//! Columns of new files beside those of files that are not read again: what a run that reads everything
//! refuses is refused, and nothing else.

use std::sync::Arc;

use arrow::array::StringArray;
use parquet::file::properties::WriterProperties;

use super::super::site::{
    HOUR, MINUTE, NINE, NOON, read_columns, rename_columns, report, tracked, write_parquet,
};
use super::*;

/// Makes a column of a file one of texts.
fn as_texts(path: &Path, name: &str) {
    let mut columns = read_columns(path);
    let column = columns.iter_mut().find(|(of, _)| of == name);
    let (_, values) = column.expect("the column");
    let texts = (0..values.len()).map(|row| Some(format!("{name}-{row}")));
    *values = Arc::new(texts.collect::<StringArray>());
    write_parquet(path, &columns, WriterProperties::default());
}

/// What a run of the output and one of an output of its own say, and that nothing is published.
fn both_refuse(site: &Site, keys: &str) -> [String; 2] {
    let before = newest_run(&site.output());
    let as_of = typed(NOON + HOUR);
    let said = [site.arg("out"), site.arg("other")].map(|output| {
        let flags = ["--as-of", &as_of, "--output", &output];
        site.run_job(keys, &flags).expect_status(2).stderr
    });
    assert_eq!(newest_run(&site.output()), before);
    said
}

/// Links and recipients are of one kind in all files, those that are not read again included.
#[test]
fn a_new_file_with_identifiers_of_another_kind_is_refused() {
    let mut click = tracked(1, 12, "click", NINE + 50 * MINUTE);
    click.url_id = Some(7);
    let mut row = report(1, 12, "delivered", NINE + 50 * MINUTE);
    (row.log_id, row.recipient_id) = (Some(1), Some(8));
    for column in ["url_id", "recipient_id"] {
        let site = Site::new(&two_deliveries());
        let write = |name: &str| match column {
            "url_id" => add_tracking(&site, name, std::slice::from_ref(&click)),
            _ => add_sending(&site, name, std::slice::from_ref(&row)),
        };
        write("first");
        run(&site, "", NOON, &[]);
        // Nothing of this file names the column.
        add_sending(&site, "plain", &late_rows());
        run(&site, "", NOON, &[]);
        assert_eq!(mode(&site), "incremental");
        as_texts(&write("texts"), column);
        let [said, expected] = both_refuse(&site, "");
        assert!(said.contains(&expected), "{said}\nand not\n{expected}");
        assert!(expected.contains("expected integer, as in"), "{expected}");
    }
}

/// A column that the job names has to be in one of the files that are there now.
#[test]
fn the_last_file_with_a_mapped_column_may_not_go() {
    let keys = "on_vanished = \"restate\"\n[columns.sending_log]\nfailure_reason = \"why\"\n";
    let mut row = report(2, 22, "soft_bounce", NINE + 50 * MINUTE);
    row.failure_reason = Some("mailbox full".to_owned());
    let site = Site::new(&two_deliveries());
    for name in ["x", "y", "z"] {
        let path = add_sending(&site, name, std::slice::from_ref(&row));
        rename_columns(&path, &[("failure_reason", "why")]);
    }
    let gone = |name: &str| {
        fs::remove_file(site.path(&format!("in/sending_log/{name}.parquet"))).expect("a file");
    };
    run(&site, keys, NOON, &[]);
    gone("x");
    run(&site, keys, NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    add_sending(&site, "without", &late_rows());
    gone("y");
    run(&site, keys, NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, keys, NOON);
    gone("z");
    let [said, expected] = both_refuse(&site, keys);
    assert!(said.contains(&expected), "{said}\nand not\n{expected}");
    assert!(
        expected.contains("no such column in any file"),
        "{expected}"
    );
    // A new one that has it will do.
    let path = add_sending(&site, "new", &[row]);
    rename_columns(&path, &[("failure_reason", "why")]);
    run(&site, keys, NOON, &[]);
    assert_eq!(mode(&site), "incremental");
    assert_as_fresh(&site, keys, NOON);
}

/// All that is wrong is told, as if everything had been read.
#[test]
fn what_is_wrong_among_new_files_is_told_as_by_a_run_that_reads_everything() {
    let mut click = tracked(1, 12, "click", NINE + 50 * MINUTE);
    click.url_id = Some(7);
    let site = Site::new(&two_deliveries());
    add_tracking(&site, "k", std::slice::from_ref(&click));
    run(&site, "", NOON, &[]);
    as_texts(
        &add_tracking(&site, "m", std::slice::from_ref(&click)),
        "url_id",
    );
    add_tracking(&site, "n", std::slice::from_ref(&click));
    let path = add_sending(&site, "without", &late_rows());
    rename_columns(&path, &[("event_at", "at")]);
    let [said, expected] = both_refuse(&site, "");
    assert!(said.contains(&expected), "{said}\nand not\n{expected}");
    for told in ["m.parquet", "without.parquet"] {
        assert!(expected.contains(told), "{expected}");
    }
}
