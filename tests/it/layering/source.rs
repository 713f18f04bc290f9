//! Source files as words: without comments, texts and tests.

use std::collections::BTreeSet;
use std::path::Path;

use walkdir::WalkDir;

/// A source file. Its words are those of the program: what stands below `#[cfg(test)]` is left out.
pub struct Source {
    /// Its path below `src`, with slashes.
    pub name: String,
    /// The first folder of its path, or its own name without the ending.
    pub room: String,
    pub lines: usize,
    words: Vec<String>,
}

/// All files that end in `.rs`, by their path.
pub fn texts(folder: &Path) -> Vec<(String, String)> {
    let entries = WalkDir::new(folder).sort_by_file_name().into_iter();
    let paths = entries
        .map(|entry| entry.expect("an entry").into_path())
        .filter(|path| path.extension().is_some_and(|end| end == "rs"));
    paths
        .map(|path| {
            let below = path.strip_prefix(folder).expect("a path below");
            let name = below.to_string_lossy().replace('\\', "/");
            (name, std::fs::read_to_string(&path).expect("a text"))
        })
        .collect()
}

/// The files of the program; those that only tests declare are left out.
pub fn sources(folder: &Path) -> Vec<Source> {
    let texts = texts(folder);
    assert!(
        !texts.is_empty(),
        "there are no sources in {}",
        folder.display()
    );
    let mut of_tests = BTreeSet::new();
    for (name, text) in &texts {
        for module in test_modules(&words(text)) {
            let folder = name.strip_suffix("mod.rs").map_or_else(
                || format!("{}/", name.trim_end_matches(".rs")),
                str::to_owned,
            );
            of_tests.insert(format!("{folder}{module}.rs"));
        }
    }
    texts
        .into_iter()
        .filter(|(name, _)| !of_tests.contains(name))
        .map(|(name, text)| {
            let first = name.split('/').next().unwrap_or(&name);
            Source {
                room: first.trim_end_matches(".rs").to_owned(),
                lines: text.lines().count(),
                words: without_tests(words(&text)),
                name,
            }
        })
        .collect()
}

impl Source {
    /// The rooms that it names, by `crate::` or by going up to the root.
    pub fn rooms_named(&self) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        let depth = self.depth();
        for (place, word) in self.words.iter().enumerate() {
            if place > 0 && self.words[place - 1] == "::" {
                continue;
            }
            let after = match word.as_str() {
                "crate" => place + 1,
                "super" => {
                    let pairs = self.words[place..].chunks_exact(2);
                    let ups = pairs.take_while(|pair| *pair == ["super", "::"]).count();
                    if ups < depth {
                        continue;
                    }
                    place + 2 * ups - 1
                }
                _ => continue,
            };
            // `pub(crate)` is no path.
            if self.words[after] == "::" {
                named.extend(group(&self.words[after + 1..]));
            }
        }
        named.remove(&self.room);
        named
    }

    /// How many modules it is below the root.
    fn depth(&self) -> usize {
        let parts = self.name.split('/').count();
        if self.name.ends_with("mod.rs") {
            parts - 1
        } else {
            parts
        }
    }

    /// Whether a path starts with the crate.
    pub fn names_crate(&self, name: &str) -> bool {
        self.words.iter().enumerate().any(|(place, word)| {
            let before = place
                .checked_sub(1)
                .map(|before| self.words[before].as_str());
            let after = self.words.get(place + 1).map(String::as_str);
            let starts = before != Some("::") && before != Some(".");
            let is_path = after == Some("::") || before == Some("use");
            word == name && starts && is_path
        })
    }

    /// Whether these segments stand in a path, one behind the other.
    pub fn has_path(&self, segments: &[&str]) -> bool {
        let mut wanted = Vec::new();
        for segment in segments {
            if !wanted.is_empty() {
                wanted.push("::");
            }
            wanted.push(segment);
        }
        self.words
            .windows(wanted.len())
            .any(|words| words == wanted)
    }

    pub fn has_word(&self, wanted: &str) -> bool {
        self.words.iter().any(|word| word == wanted)
    }

    pub fn has_macro(&self, name: &str) -> bool {
        self.words.windows(2).any(|words| words == [name, "!"])
    }

    /// How often a method of this name is called.
    pub fn count_calls(&self, name: &str) -> usize {
        let is_call = |words: &&[String]| {
            words[0] == "." && words[1] == name && (words[2] == "(" || words[2] == "::")
        };
        self.words.windows(3).filter(is_call).count()
    }
}

/// The first segments of a path or of a group of paths in braces.
fn group(words: &[String]) -> Vec<String> {
    if words[0] != "{" {
        return vec![words[0].clone()];
    }
    let mut names = Vec::new();
    let mut open = 0;
    for (place, word) in words.iter().enumerate() {
        match word.as_str() {
            "{" => open += 1,
            "}" => open -= 1,
            "," | "::" => continue,
            _ if open == 1 && words[place - 1] != "::" => names.push(word.clone()),
            _ => continue,
        }
        if open == 0 {
            break;
        }
    }
    names
}

/// Identifiers, `::` and single signs; no comments, no texts, no characters in quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = skipped(rest) {
            rest = &rest[length..];
            continue;
        }
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let length = match first {
            _ if is_name(first) => rest.find(|c| !is_name(c)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        if !first.is_whitespace() {
            words.push(rest[..length].to_owned());
        }
        rest = &rest[length..];
    }
    words
}

/// The length of the comment, text or character that starts here, if one does.
fn skipped(rest: &str) -> Option<usize> {
    let to = |end: &str, from: usize| {
        let found = rest[from..].find(end).map(|at| from + at + end.len());
        Some(found.unwrap_or(rest.len()))
    };
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return to("*/", 2);
    }
    if rest.starts_with("r#\"") || rest.starts_with("br#\"") {
        return to("\"#", 4);
    }
    if let Some(plain) = rest.strip_prefix(['b', 'c']).or(Some(rest))
        && plain.starts_with('"')
    {
        let mut escaped = false;
        let start = rest.len() - plain.len() + 1;
        for (place, c) in rest[start..].char_indices() {
            match c {
                '"' if !escaped => return Some(start + place + 1),
                '\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
        return Some(rest.len());
    }
    // A character, not a lifetime.
    let mut after = rest.strip_prefix('\'')?.char_indices();
    match after.next()?.1 {
        '\\' => to("'", if rest[2..].starts_with('\'') { 3 } else { 2 }),
        _ if after.next().is_some_and(|(_, c)| c == '\'') => to("'", 1),
        _ => None,
    }
}

const CFG_TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

/// The modules of test code that have files of their own.
fn test_modules(words: &[String]) -> Vec<String> {
    let ends = words.windows(CFG_TEST.len() + 3).filter(|part| {
        part.starts_with(&CFG_TEST.map(str::to_owned)) && part[7] == "mod" && part[9] == ";"
    });
    ends.map(|part| part[8].clone()).collect()
}

/// Leaves out every item below `#[cfg(test)]`.
fn without_tests(words: Vec<String>) -> Vec<String> {
    let cfg = CFG_TEST.map(str::to_owned);
    let mut kept = Vec::new();
    let mut place = 0;
    while place < words.len() {
        if !words[place..].starts_with(&cfg) {
            kept.push(words[place].clone());
            place += 1;
            continue;
        }
        let mut open = 0;
        place += cfg.len();
        while place < words.len() {
            match words[place].as_str() {
                "{" => open += 1,
                "}" => open -= 1,
                _ => {}
            }
            let is_end = open == 0 && (words[place] == "}" || words[place] == ";");
            place += 1;
            if is_end {
                break;
            }
        }
    }
    kept
}

#[test]
fn words_are_those_of_the_program() {
    let text = r##"
        // crate::one
        use crate::{two::three, four, five::{six, self}};
        /* crate::seven */
        fn f<'a>(text: &'a str) -> char { super::super::eight(); g('"', "crate::nine \" crate::ten", '\'') }
        pub(crate) struct S;
        #[cfg(test)]
        mod tests { use crate::eleven; fn t() { x.unwrap(); } }
        fn h() { arrow::f(); y.unwrap(); std::env::var("X"); panic!("no"); }
    "##;
    let source = Source {
        name: "rollup/partial.rs".to_owned(),
        room: "rollup".to_owned(),
        lines: 0,
        words: without_tests(words(text)),
    };
    let expected = ["eight", "five", "four", "two"].map(str::to_owned);
    assert_eq!(source.rooms_named(), BTreeSet::from(expected));
    assert!(source.names_crate("arrow") && !source.names_crate("three"));
    assert!(source.has_path(&["std", "env"]) && source.has_macro("panic"));
    assert_eq!(source.count_calls("unwrap"), 1);
}
