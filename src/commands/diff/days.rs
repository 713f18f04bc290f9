//! Which data files hold rows that may differ.

use crate::publish::{DataFile, Days};

/// The data files of one day that only one of two versions has. A file never changes, so the rows of those
/// that both have are the same.
#[derive(Debug, PartialEq, Eq)]
pub struct Day<'a> {
    /// Of the old version.
    pub old: Vec<&'a DataFile>,
    /// Of the new version.
    pub new: Vec<&'a DataFile>,
}

/// The days whose files are not the same, in order.
pub fn different<'a>(old: &'a Days, new: &'a Days) -> Vec<Day<'a>> {
    let mut names: Vec<_> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let files =
        |days: &'a Days, name: &Option<String>| days.get(name).map_or(&[][..], Vec::as_slice);
    let day = |name: &Option<String>| {
        let (old, new) = (files(old, name), files(new, name));
        Day {
            old: old.iter().filter(|file| !new.contains(file)).collect(),
            new: new.iter().filter(|file| !old.contains(file)).collect(),
        }
    };
    let days = names.into_iter().map(day);
    days.filter(|day| !day.old.is_empty() || !day.new.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(files: &[&str]) -> Days {
        let mut days = Days::new();
        for path in files {
            let partition = Some(path[..1].to_owned());
            let file = DataFile {
                path: (*path).to_owned(),
                partition: partition.clone(),
            };
            days.entry(partition).or_default().push(file);
        }
        days
    }

    #[test]
    fn days_with_the_same_files_are_left_out() {
        let old = days(&["a1", "b1", "c1", "d1", "d2"]);
        let new = days(&["b1", "c2", "d2", "e1"]);
        let paths = |files: &[&DataFile]| -> Vec<String> {
            files.iter().map(|file| file.path.clone()).collect()
        };
        let found: Vec<[Vec<String>; 2]> = different(&old, &new)
            .iter()
            .map(|day| [paths(&day.old), paths(&day.new)])
            .collect();
        let expected: [[&[&str]; 2]; 4] = [
            [&["a1"], &[]],
            [&["c1"], &["c2"]],
            [&["d1"], &[]],
            [&[], &["e1"]],
        ];
        assert_eq!(found, expected);
        assert_eq!(different(&old, &old), []);
    }
}
