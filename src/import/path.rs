//! Where in a record a value is.

use serde_json::Value;

/// `mail.tags.campaign[0]`: the way into a record, or the name of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    /// Whether it starts at the part of the record that a row is of.
    of_part: bool,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
    /// The element of a list that has one alone.
    Only,
}

impl Path {
    /// Reads a path: keys with `.` between them, `[0]` for an element of a list, `[only]` for the only one,
    /// `"a.b"` for a key that holds other characters, and `@` for the part of a record that a row is of.
    pub fn parse(text: &str) -> Option<Path> {
        let trimmed = text.trim();
        let (of_part, mut rest) = match trimmed.strip_prefix('@') {
            Some(rest) => (true, rest),
            None => (false, trimmed),
        };
        let mut steps = Vec::new();
        let mut needs_key = !of_part;
        while needs_key || !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[').filter(|_| !needs_key) {
                let (index, after) = inner.split_once(']')?;
                steps.push(match index {
                    "only" => Step::Only,
                    number => Step::Index(number.parse().ok()?),
                });
                rest = after;
                continue;
            }
            if !needs_key {
                rest = rest.strip_prefix('.')?;
            }
            needs_key = false;
            let (key, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
            };
            if key.is_empty() {
                return None;
            }
            steps.push(Step::Key(key.to_owned()));
            rest = after;
        }
        Some(Path {
            text: trimmed.to_owned(),
            of_part,
            steps,
        })
    }

    /// As it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The name of the column that it is, where records are rows.
    pub fn column(&self) -> &str {
        self.flat().unwrap_or(&self.text)
    }

    /// The same, where it leads no further than to a column.
    pub fn flat(&self) -> Option<&str> {
        match (self.of_part, &*self.steps) {
            (false, [Step::Key(key)]) => Some(key),
            _ => None,
        }
    }

    /// What is there; `part` is that which a row is of.
    pub fn of<'a>(&self, record: &'a Value, part: Option<&'a Value>) -> Option<&'a Value> {
        let start = match self.of_part {
            true => part?,
            false => record,
        };
        self.steps.iter().try_fold(start, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
            Step::Only => match value.as_array().map(Vec::as_slice) {
                Some([only]) => Some(only),
                _ => None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_leads_to_what_it_says() {
        let record = json!({
            "id": 7, "a.b": 8, "tags": {"ses:set": ["x", "y"], "one": ["z"]}, "parts": [{"to": "me"}],
        });
        let part = &record["parts"][0];
        let at = |path: &str| {
            let path = Path::parse(path).expect("a path");
            path.of(&record, Some(part)).cloned()
        };
        assert_eq!(at("id"), Some(json!(7)));
        assert_eq!(at(" \"a.b\" "), Some(json!(8)));
        assert_eq!(at("tags.ses:set[1]"), Some(json!("y")));
        assert_eq!(at("tags.ses:set[2]"), None);
        assert_eq!(at("tags.one[only]"), Some(json!("z")));
        assert_eq!(at("tags.ses:set[only]"), None);
        assert_eq!(at("@.to"), Some(json!("me")));
        assert_eq!(at("@"), Some(part.clone()));
        assert_eq!(at("id.further"), None);
        for wrong in [
            "", ".", "a.", "a..b", "a[", "a[x]", "a[0", "\"a", "a]b[", "@x", "[0]",
        ] {
            if let Some(path) = Path::parse(wrong) {
                assert_eq!(path.of(&record, None), None, "{wrong}");
            }
        }
        assert!(Path::parse("a..b").is_none() && Path::parse("a[x]").is_none());
    }

    #[test]
    fn a_column_may_be_called_anything() {
        let path = |text| Path::parse(text).expect("a path");
        assert_eq!(path("Delivery log ID").flat(), Some("Delivery log ID"));
        assert_eq!(path("\"a.b\"").flat(), Some("a.b"));
        assert_eq!((path("a.b").flat(), path("a.b").column()), (None, "a.b"));
        assert_eq!(path("@.a").flat(), None);
    }
}
