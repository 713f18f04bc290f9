//! The tables of parts: what tells parts apart is text of the extracts in part, and none of it may be seen; nor who
//! the persons are that parents and quarantines count.

use super::super::super::delta::committed;
use super::everywhere::{IN_TABLES, assert_only, traces, traces_below};
use super::site;

const KEYS: &str = "max_rejected = 100\nparents = true\n[quarantine]\n[breakdowns]\nby_domain = true\nby_reason = true\nby_url = true\nurl_key = \"url.key\"\n";

#[test]
fn tables_of_parts_hold_no_text_of_a_row() {
    let (site, traces) = (site(), traces());
    site.write("url.key", "a key that nobody else knows");
    let run = site.run_job(KEYS, &[]).expect_status(0);
    assert_only(
        traces.in_bytes(run.stderr.as_bytes()).into_iter().collect(),
        &[],
        "summary",
    );
    assert_only(traces_below(&traces, &site.output()), &IN_TABLES, "output");
    let rows = |table: &str| committed(&site.output(), table);
    let domains = rows("delivery_kpi_hourly_by_domain");
    let is_none = |row: &serde_json::Map<_, _>| row["recipient_domain"] == "(no domain name)";
    assert!(domains.iter().any(is_none), "{domains:?}");
    let reasons = rows("delivery_kpi_hourly_by_reason");
    let is_unmapped = |row: &serde_json::Map<_, _>| row["failure_reason_label"] == "unmapped";
    assert!(reasons.iter().any(is_unmapped), "{reasons:?}");
    let links = rows("delivery_kpi_hourly_by_url");
    let digest = links.iter().find_map(|row| row["url_digest"].as_str());
    assert_eq!(digest.map(str::len), Some(32), "{links:?}");
}
