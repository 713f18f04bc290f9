//! Which rows, which columns, which totals: the machine's answer beside the tables.

use serde_json::{Value, json};

use super::super::delta;
use super::super::site::{changes, content};
use super::super::world::Layout;
use super::{
    DELIVERIES, HOURLY, NEXT_DAY, Rows, answered, diff, expected, four_runs, next_day, runs,
    version,
};

/// Rows only in the old run, only in the new one, in both with other values.
fn tally(rows: &Rows) -> Value {
    let count = |old: bool, new: bool| {
        let fits = |row: &&Value| row["old"].is_object() == old && row["new"].is_object() == new;
        rows.values().filter(fits).count()
    };
    json!({"only_old": count(true, false), "only_new": count(false, true), "different": count(true, true)})
}

#[test]
fn the_object_says_what_the_versions_of_two_runs_say() {
    for string_ids in [false, true] {
        let layout = Layout {
            string_ids,
            ..Layout::default()
        };
        let site = four_runs(&layout);
        let before = content(&site.output());
        let runs = runs(&site);
        let mut seen = [0; 3];
        for (old, new) in [(1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (1, 4)] {
            let words = [
                format!("run:{old}"),
                format!("run:{new}"),
                "--json".to_owned(),
            ];
            let words = words.each_ref().map(String::as_str);
            let asked = diff(&site, &words).expect_status(0);
            assert_eq!(asked.stderr, "");
            let answer = asked.data();
            for (side, number) in [("old", old), ("new", new)] {
                let run = &runs[&number];
                assert_eq!(answer[side]["run_number"], number);
                assert_eq!(answer[side]["run_id"], run["run_id"]);
                assert_eq!(answer[side]["table_versions"], run["table_versions"]);
            }
            for table in [DELIVERIES, HOURLY] {
                let found = answered(&answer, table);
                assert_eq!(found, expected(&site, table, &runs[&old], &runs[&new]));
                assert_eq!(answer["rows"][table], tally(&found), "{table} {words:?}");
                let tallied = ["only_old", "only_new", "different"];
                for (seen, kind) in seen.iter_mut().zip(tallied) {
                    *seen += answer["rows"][table][kind].as_u64().expect("a number");
                }
            }
            assert_eq!(answer["differs"], true);
        }
        assert!(seen.iter().all(|seen| *seen > 0), "every kind: {seen:?}");
        assert_eq!(content(&site.output()), before, "nothing is written");
    }
}

/// The first rows, told by hand.
#[test]
fn the_first_two_runs_differ_in_the_click_and_the_open() {
    let site = four_runs(&Layout::default());
    let answer = diff(&site, &["run:1", "run:2", "--json"])
        .expect_status(0)
        .data();
    assert_eq!(
        answer["rows"][HOURLY],
        json!({"only_old": 1, "only_new": 0, "different": 2})
    );
    assert_eq!(
        answer["rows"][DELIVERIES],
        json!({"only_old": 0, "only_new": 1, "different": 2})
    );
    let rows = answer[HOURLY].as_array().expect("rows");
    let of = |delivery: i64, hour: &str| {
        let is_it = |row: &&Value| row["delivery_id"] == delivery && row["hour"] == hour;
        rows.iter()
            .find(is_it)
            .unwrap_or_else(|| panic!("{delivery} {hour}"))
    };
    let gone = of(1, "2026-03-02T11:00:00Z");
    assert_eq!(gone["old"]["clicks_delta"], 1);
    assert_eq!(gone["new"], Value::Null);
    let open = of(2, "2026-03-02T09:00:00Z");
    assert_eq!(open["old"]["opens"], 0);
    assert_eq!(open["new"]["opens"], 1);
    assert_eq!(open["old"].get("processed"), None, "the same in both");
    let order: Vec<_> = rows
        .iter()
        .map(|row| (&row["delivery_id"], &row["hour"]))
        .collect();
    assert!(order.is_sorted_by_key(|(id, hour)| (id.as_i64(), hour.as_str())));
}

#[test]
fn totals_are_the_sums_of_the_deliveries() {
    let site = four_runs(&Layout::default());
    let runs = runs(&site);
    let sum = |run: i64, counter: &str| -> i64 {
        let table = site.output().join(DELIVERIES);
        let rows = delta::read(&table, Some(version(&runs[&run], DELIVERIES)));
        rows.iter()
            .map(|row| row[counter].as_i64().expect("a counter"))
            .sum()
    };
    let row = &site.hourly().into_values().next().expect("a row");
    let counters = row.keys().filter_map(|name| name.strip_suffix("_delta"));
    // That of quarantines is null where nobody asks for it.
    let counters: Vec<&str> = counters.filter(|name| !row[*name].is_null()).collect();
    assert_eq!(counters.len(), 32);
    for (old, new) in [(1, 2), (2, 3), (3, 1)] {
        let words = [
            format!("run:{old}"),
            format!("run:{new}"),
            "--json".to_owned(),
        ];
        let answer = diff(&site, &words.each_ref().map(String::as_str)).data();
        let totals = answer["totals"].as_array().expect("totals");
        let mut told = 0;
        for counter in &counters {
            let (before, after) = (sum(old, counter), sum(new, counter));
            let total = totals.iter().find(|total| total["counter"] == **counter);
            if before == after {
                assert_eq!(total, None, "{counter}");
                continue;
            }
            told += 1;
            let expected = json!({
                "counter": counter, "old": before, "new": after, "difference": after - before,
            });
            assert_eq!(total, Some(&expected));
        }
        assert_eq!(totals.len(), told);
        assert!(told > 0);
    }
}

#[test]
fn runs_that_came_out_the_same_do_not_differ() {
    let site = four_runs(&Layout::default());
    assert_eq!(changes(&site.output(), HOURLY)[..3], [0, 0, 0]);
    for words in [["run:3", "run:4"], ["latest", "latest"]] {
        let told = diff(&site, &[&words[..], &["--fail-if-diff"]].concat()).expect_status(0);
        for line in [
            "no counter differs in its total\n",
            "delivery_kpi: no row differs\n",
            "delivery_kpi_hourly: no row differs\n",
        ] {
            assert!(told.stdout.contains(line), "{}", told.text());
        }
        let is_noted = told.stderr.contains("OLD and NEW are the same run");
        assert_eq!(is_noted, words[0] == words[1], "{}", told.text());
        let flags = ["--fail-if-diff", "--json"];
        let answer = diff(&site, &[&words[..], &flags].concat())
            .expect_status(0)
            .data();
        assert_eq!(answer["differs"], false);
        assert_eq!(answer["totals"], json!([]));
        assert_eq!(answer[HOURLY], json!([]));
        assert_eq!(answer[DELIVERIES], json!([]));
    }
    // Another as-of alone is no difference of a delivery; that it cuts an hour no longer is one of the hour.
    site.run_to(0, &["--as-of", "2026-03-03T10:40:00Z"]);
    let answer = diff(&site, &["previous", "latest", "--json"]).data();
    assert_eq!(
        (&answer["differs"], &answer[DELIVERIES]),
        (&json!(false), &json!([]))
    );
    site.run_to(0, &["--as-of", "2026-03-03T11:00:00Z"]);
    let answer = diff(&site, &["previous", "latest", "--json"]).data();
    let cut = json!([{
        "delivery_id": 1, "hour": "2026-03-03T10:00:00Z",
        "old": {"hour_complete": false}, "new": {"hour_complete": true},
    }]);
    assert_eq!((&answer[HOURLY], &answer[DELIVERIES]), (&cut, &json!([])));
}

#[test]
fn the_exit_code_tells_of_a_difference_if_it_is_asked_to() {
    let site = four_runs(&Layout::default());
    for format in [&[][..], &["--json"]] {
        for (runs, status) in [
            (["run:1", "run:2"], 1),
            (["run:2", "run:1"], 1),
            (["run:3", "run:4"], 0),
        ] {
            let words = [&runs[..], format].concat();
            let plain = diff(&site, &words).expect_status(0);
            let asked = diff(&site, &[&words[..], &["--fail-if-diff"]].concat());
            let asked = asked.expect_status(status);
            assert_eq!(asked.stdout, plain.stdout);
            assert!(!asked.stderr.contains("error"), "{}", asked.text());
        }
    }
    // A difference of an attribute alone counts too.
    let mut world = next_day();
    world.deliveries[1].label = Some("Second, renamed".to_owned());
    site.rewrite(&world, &Layout::default());
    site.run_to(0, &["--as-of", NEXT_DAY]);
    let words = ["previous", "latest", "--json", "--fail-if-diff"];
    let answer = diff(&site, &words).expect_status(1).data();
    let label = json!([{
        "delivery_id": 2, "old": {"label": "Second"}, "new": {"label": "Second, renamed"},
    }]);
    assert_eq!((&answer[DELIVERIES], &answer[HOURLY]), (&label, &json!([])));
}

#[test]
fn some_deliveries_alone() {
    for (string_ids, ids) in [(false, ["1", "2", "9"]), (true, ["d-1", "d-2", "d-9"])] {
        let layout = Layout {
            string_ids,
            ..Layout::default()
        };
        let site = four_runs(&layout);
        let runs = runs(&site);
        let ask = |ids: &[&str]| {
            let words = [&["run:1", "run:3", "--json", "--delivery"], ids].concat();
            diff(&site, &words)
        };
        let [one, two, unknown] = ids;
        for wanted in [&[one][..], &[two], &[one, two]] {
            let answer = ask(wanted).expect_status(0).data();
            for table in [DELIVERIES, HOURLY] {
                let mut rows = expected(&site, table, &runs[&1], &runs[&3]);
                rows.retain(|(delivery, _), _| wanted.contains(&delivery.trim_matches('"')));
                assert_eq!(answered(&answer, table), rows, "{table} {wanted:?}");
            }
        }
        // The only row of an open that came or went is one of delivery 2.
        let opens = |answer: &Value| {
            let totals = answer["totals"].as_array().expect("totals");
            totals
                .iter()
                .any(|total| total["counter"] == "opens_tracked")
        };
        assert!(!opens(&ask(&[one]).data()) && opens(&ask(&[two]).data()));
        let noted = ask(&[two, unknown]).expect_status(0);
        assert_eq!(noted.stdout, ask(&[two]).stdout);
        noted.says(&["neither run knows 1 delivery: ", unknown]);
        ask(&[unknown])
            .expect_status(2)
            .says(&["none of the 1 deliveries"]);
    }
}
