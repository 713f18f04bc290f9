//! Lines, none of which takes more memory than is due to it.

use std::io::{self, BufRead};

/// The most bytes of a line or of a row.
pub const LONGEST: usize = 16 << 20;

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line without its end.
    Whole(&'a [u8]),
    /// One that is longer than it may be; it has been passed by.
    TooLong,
}

/// Reads lines.
pub struct Lines<R> {
    input: R,
    line: Vec<u8>,
    longest: usize,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Lines of so many bytes at most.
    pub fn new(input: R, longest: usize) -> Lines<R> {
        Lines {
            input,
            line: Vec::new(),
            longest,
            number: 0,
        }
    }

    /// The number of the last line, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line.
    pub fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let (mut is_any, mut is_too_long) = (false, false);
        loop {
            let bytes = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                bytes => bytes?,
            };
            if bytes.is_empty() {
                break;
            }
            is_any = true;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let taken = end.unwrap_or(bytes.len());
            is_too_long |= self.line.len() + taken > self.longest;
            if is_too_long {
                self.line = Vec::new();
            } else {
                self.line.extend_from_slice(&bytes[..taken]);
            }
            self.input.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                break;
            }
        }
        if !is_any {
            return Ok(None);
        }
        self.number += 1;
        if is_too_long {
            return Ok(Some(Line::TooLong));
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        Ok(Some(Line::Whole(&self.line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn long_lines_are_passed_by() {
        let text = b"one\r\n\n0123456789\n01234567\nlast";
        // Ends of lines and of buffers meet in all ways.
        for room in 1..12 {
            let mut lines = Lines::new(BufReader::with_capacity(room, &text[..]), 8);
            let mut found = Vec::new();
            while let Some(line) = lines.next().expect("bytes") {
                found.push(match line {
                    Line::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                    Line::TooLong => "too long".to_owned(),
                });
            }
            assert_eq!(found, ["one", "", "too long", "01234567", "last"]);
            assert_eq!(lines.number(), 5);
        }
    }
}
