//! The fenced blocks of a Markdown text.

use std::ops::Range;

/// A fenced block.
pub struct Block {
    /// What stands behind the fence.
    pub language: String,
    /// What a comment on the line before the fence says.
    pub marker: Option<String>,
    /// Where its content is.
    pub range: Range<usize>,
}

impl Block {
    pub fn content<'a>(&self, text: &'a str) -> &'a str {
        &text[self.range.clone()]
    }
}

/// All blocks, in order.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<(String, Option<String>, usize)> = None;
    let (mut at, mut before) = (0, "");
    for line in text.split_inclusive('\n') {
        let (start, bare) = (at, line.trim_end());
        at += line.len();
        match (bare.strip_prefix("```"), open.take()) {
            (Some(language), None) => {
                let comment = before.strip_prefix("<!-- ");
                let marker = comment.and_then(|rest| rest.strip_suffix(" -->"));
                open = Some((language.to_owned(), marker.map(str::to_owned), at));
            }
            (Some(_), Some((language, marker, from))) => found.push(Block {
                language,
                marker,
                range: from..start,
            }),
            (None, inside) => open = inside,
        }
        before = bare;
    }
    assert!(open.is_none(), "a block that does not end");
    found
}

/// The text with other contents of some ranges, which are given in order.
pub fn replaced(text: &str, contents: &[(Range<usize>, String)]) -> String {
    let (mut new, mut at) = (String::new(), 0);
    for (range, content) in contents {
        new += &text[at..range.start];
        new += content;
        at = range.end;
    }
    new + &text[at..]
}

#[test]
fn blocks_have_their_language_and_their_marker() {
    let text = "a\n<!-- b: c -->\n```sql\nd\n```\n\n```\ne\n```\n";
    let found = blocks(text);
    let parts: Vec<_> = found
        .iter()
        .map(|block| {
            (
                block.language.as_str(),
                block.marker.as_deref(),
                block.content(text),
            )
        })
        .collect();
    assert_eq!(parts, [("sql", Some("b: c"), "d\n"), ("", None, "e\n")]);
    let ranges: Vec<_> = found
        .into_iter()
        .map(|block| (block.range, "x\n".to_owned()))
        .collect();
    let new = "a\n<!-- b: c -->\n```sql\nx\n```\n\n```\nx\n```\n";
    assert_eq!(replaced(text, &ranges), new);
}
