//! Silent when all is as expected, and only then.

use serde_json::json;

use super::super::super::super::{oracle, random};
use super::super::tests::assert_notices;
use super::*;

/// The rows of a table as they should be, `part` giving the columns that name the part.
fn rows_of(
    breakdown: &Breakdown,
    expected: &Expected,
    layout: &Layout,
    part: impl Fn(&Part) -> [(&'static str, Value); 2],
) -> Vec<Row> {
    let row = |((delivery, hour, of), values): (&(i64, i64, Part), &Counters)| {
        let counters = values.iter();
        let mut row: Row = counters
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let others = [
            ("delivery_id", delivery_value(*delivery, layout)),
            ("hour", json!(hour)),
            ("date", json!(instant(*hour)[..10])),
            ("hour_complete", json!(hour + HOUR <= expected.as_of)),
        ];
        let others = others.into_iter().chain(part(of));
        row.extend(others.map(|(name, value)| (name.to_owned(), value)));
        row
    };
    breakdown.iter().map(row).collect()
}

fn reason_rows(expected: &Expected, layout: &Layout) -> Vec<Row> {
    rows_of(&expected.by_reason, expected, layout, |reason| {
        let (number, label) = match reason {
            Part::None => (Value::Null, json!("none given")),
            Part::Text(_) => (Value::Null, json!("unmapped")),
            Part::Number(5) => (json!(5), json!("mailbox full")),
            Part::Number(1) => (json!(1), json!("user unknown")),
            Part::Number(20) => (json!(20), json!("refused")),
            Part::Number(other) => (json!(other), Value::Null),
        };
        [("failure_reason", number), ("failure_reason_label", label)]
    })
}

/// Has nothing in common with the order of the links.
fn digest(url: i64) -> String {
    format!("{:016x}", url.wrapping_mul(-77_777_777_777))
}

fn url_rows(expected: &Expected, layout: &Layout) -> Vec<Row> {
    rows_of(&expected.by_url, expected, layout, |url| {
        let (number, digest) = match url {
            Part::Number(number) if layout.string_ids => (Value::Null, json!(digest(*number))),
            Part::Number(number) => (json!(number), Value::Null),
            Part::None | Part::Text(_) => (Value::Null, Value::Null),
        };
        [("url_id", number), ("url_digest", digest)]
    })
}

/// A history of this seed, numbers or texts as its identifiers.
fn expected_of(seed: u64) -> (Expected, Layout) {
    let (world, as_of, mode) = random::world(seed);
    let layout = Layout {
        string_ids: seed.is_multiple_of(2),
        ..Layout::default()
    };
    (oracle::expect(&world, as_of, mode), layout)
}

#[test]
fn every_difference_in_the_breakdowns_is_noticed() {
    // Without these columns a row is right too.
    const OPTIONAL: [&str; 2] = ["date", "hour_complete"];
    for seed in 0..60 {
        let (expected, layout) = expected_of(seed);
        let mut reasons = reason_rows(&expected, &layout);
        assert_notices(
            &reasons,
            &[],
            &OPTIONAL,
            |rows| reason_differences(&expected, rows, &layout),
            seed,
        );
        let mut urls = url_rows(&expected, &layout);
        // Which digest a text has is open.
        let exempt = ["url_digest"];
        assert_notices(
            &urls,
            if layout.string_ids { &exempt } else { &[] },
            &OPTIONAL,
            |rows| url_differences(&expected, rows, &layout),
            seed,
        );
        for row in reasons.iter_mut().chain(&mut urls) {
            row.retain(|column, _| !OPTIONAL.contains(&column.as_str()));
        }
        let wrong = reason_differences(&expected, &reasons, &layout);
        assert_eq!(wrong, Vec::<String>::new(), "seed {seed}");
        let wrong = url_differences(&expected, &urls, &layout);
        assert_eq!(wrong, Vec::<String>::new(), "seed {seed}");
    }
}

/// One text has one digest in the whole table, and two texts have two.
#[test]
fn digests_stand_for_texts() {
    let mut checked = [0, 0, 0];
    for seed in (0..200).step_by(2) {
        let (expected, layout) = expected_of(seed);
        let rows = url_rows(&expected, &layout);
        let mut rows_by_digest: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, row) in rows.iter().enumerate() {
            if let Some(digest) = row["url_digest"].as_str() {
                rows_by_digest.entry(digest).or_default().push(place);
            }
        }
        let wrong_with = |changes: &[(usize, &str)]| {
            let mut changed = rows.clone();
            for (place, digest) in changes {
                changed[*place].insert("url_digest".to_owned(), json!(digest));
            }
            url_differences(&expected, &changed, &layout)
        };
        let places: Vec<&Vec<usize>> = rows_by_digest.values().collect();
        for rows in &places {
            if let [first, _, ..] = rows[..] {
                let wrong = wrong_with(&[(first, "another")]);
                assert!(!wrong.is_empty(), "seed {seed}: two digests of one text");
                checked[0] += 1;
            }
        }
        if let [first, second, ..] = places[..] {
            let both = [first, second].into_iter().flatten();
            let both: Vec<_> = both.map(|place| (*place, "the same")).collect();
            let wrong = wrong_with(&both);
            assert!(!wrong.is_empty(), "seed {seed}: one digest of two texts");
            checked[1] += 1;
        }
        for url in [1, 2, 3] {
            let Some(places) = rows_by_digest.get(digest(url).as_str()) else {
                continue;
            };
            let text = url_text(url);
            let whole: Vec<_> = places.iter().map(|place| (*place, text.as_str())).collect();
            let wrong = wrong_with(&whole);
            assert!(!wrong.is_empty(), "seed {seed}: the text for a digest");
            checked[2] += 1;
        }
    }
    assert!(checked.iter().all(|times| *times >= 10), "{checked:?}");
}
