//! The commands of the `console` blocks and what they print.

use super::Copy;
use super::blocks::{blocks, replaced};

/// What starts a line that a person types.
const PROMPT: &str = "$ ";

/// The text with what the commands print now. Where only run ids, ends of runs, ages and measured times
/// are other ones, a block stays as it is.
pub fn renewed(text: &str, copy: &Copy) -> String {
    let mut contents = Vec::new();
    let recent = "delivery-kpi recompute jobs/sample.toml";
    for block in blocks(text) {
        let shown = block.content(text);
        let printed = if block.language == "console" {
            let mut printed = String::new();
            let lines: Vec<&str> = shown.lines().filter(|l| l.starts_with(PROMPT)).collect();
            assert!(shown.starts_with(PROMPT), "a block without command");
            for line in lines {
                printed += &format!("{line}\n{}", run(&line[PROMPT.len()..], copy));
            }
            printed
        } else if block.marker.as_deref() == Some("output: recent") {
            run(recent, copy)
        } else {
            continue;
        };
        if redacted(&printed) != redacted(shown) {
            contents.push((block.range, printed));
        }
    }
    replaced(text, &contents)
}

/// What a command prints on its standard output, without blanks at the ends of lines.
fn run(line: &str, copy: &Copy) -> String {
    let ours = line.strip_prefix("delivery-kpi ");
    let ours = ours.unwrap_or_else(|| panic!("not ours: {line}"));
    let outcome = copy.shell(line);
    let lines = outcome.stdout.lines();
    let printed: String = lines.map(|line| format!("{}\n", line.trim_end())).collect();
    assert!(
        !printed.is_empty(),
        "{line}\nprints nothing: {}",
        outcome.text()
    );
    // `check` ends with 3 where something needs a look.
    let is_done = match outcome.status {
        Some(3) => ours.starts_with("check "),
        status => status == Some(0),
    };
    assert!(is_done, "{line}: {}", outcome.text());
    printed
}

/// The text without what is another in each run.
fn redacted(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = match line.strip_suffix(" ago") {
            Some(rest) => match rest.rfind(", ") {
                Some(comma) => format!("{}, … ago", &rest[..comma]),
                None => "… ago".to_owned(),
            },
            None => line.to_owned(),
        };
        let words: Vec<&str> = line.split(' ').collect();
        let plain = (0..words.len()).map(|place| {
            let next = words
                .get(place + 1)
                .map(|word| word.trim_end_matches([',', ':']));
            match words[place] {
                word if is_run_id(word) => "…",
                word if word.ends_with("Z,") && place > 0 && words[place - 1] == "finished" => "…,",
                word if next == Some("s") && word.parse::<f64>().is_ok() => "…",
                word => word,
            }
        });
        plain.collect::<Vec<&str>>().join(" ") + "\n"
    });
    lines.collect()
}

fn is_run_id(word: &str) -> bool {
    let parts: Vec<usize> = word.split('-').map(str::len).collect();
    let hexadecimal = |c: char| c.is_ascii_hexdigit() || c == '-';
    parts == [8, 4, 4, 4, 12] && word.chars().all(hexadecimal)
}

#[test]
fn what_is_another_in_each_run_is_not_compared() {
    let id = "01a20eed-839c-740f-97c0-710fb8855f97";
    let text = format!("run {id} (number 1)\nnewest row  x, 1 d before as-of, 263 d 5 h ago\n");
    let plain = "run … (number 1)\nnewest row  x, 1 d before as-of, … ago\n";
    assert_eq!(redacted(&text), plain);
    assert_eq!(
        redacted("as of x, finished 2026-03-02T12:00:00Z, run_id"),
        "as of x, finished …, run_id\n"
    );
    assert_eq!(
        redacted("time  0.32 s: a 0.01 s, b"),
        "time  … s: a … s, b\n"
    );
}
