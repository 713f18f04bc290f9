//! Rows of CSV.

use super::Reason;
use super::lines::LONGEST;
use super::spec::{Fields, Scalar};
use csv_core::{ReadRecordResult, ReaderBuilder};
use std::borrow::Cow;
use std::io::{self, BufRead};

/// Reads rows, none of which takes more memory than is due to it.
pub struct Table<R> {
    input: R,
    reader: csv_core::Reader,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Fields of the last row.
    fields: usize,
    line: u64,
    /// Ends of lines that the parser has not seen.
    blank: u64,
    is_over: bool,
    delimiter: u8,
    at: At,
}

/// Where in a row the last byte has led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// The start of a field.
    Start,
    /// A field without quotes.
    Plain,
    /// Inside of quotes.
    Quoted,
    /// Behind a quote in a quoted field, which ends it or is one half of two.
    Closed,
}

/// As many lines may a row have.
pub const MOST_LINES: u64 = 100;

/// What came next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A row.
    Row,
    /// One that is longer than it may be; it has been passed by.
    TooLong,
    /// One with more lines than it may have, or without its end: somewhere a quote was not closed, and all rows
    /// from there on may be in it.
    Open,
    /// Nothing.
    End,
}

impl<R: BufRead> Table<R> {
    /// Rows whose fields have this byte between them.
    pub fn new(input: R, delimiter: u8) -> Table<R> {
        Table {
            input,
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            bytes: vec![0; 1 << 12],
            ends: vec![0; 64],
            fields: 0,
            line: 1,
            blank: 0,
            is_over: false,
            delimiter,
            at: At::Start,
        }
    }

    /// The line at which the last row begins, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Reads the next row.
    pub fn next(&mut self) -> io::Result<Next> {
        let (mut written, mut ended) = (0, 0);
        let mut is_too_long = false;
        self.pass_ends_of_lines()?;
        self.line = self.reader.line() + self.blank;
        self.fields = 0;
        while !self.is_over {
            let input = match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                input => input?,
            };
            let (bytes, ends) = (&mut self.bytes[written..], &mut self.ends[ended..]);
            let (result, read, wrote, ends) = self.reader.read_record(input, bytes, ends);
            self.at = follow(self.at, &input[..read], self.delimiter);
            self.input.consume(read);
            written += wrote;
            ended += ends;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.bytes.len() < LONGEST => {
                    self.bytes.resize(self.bytes.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < LONGEST / 8 => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    is_too_long = true;
                    (written, ended) = (0, 0);
                }
                ReadRecordResult::Record
                    if self.at == At::Quoted
                        || self.reader.line() + self.blank > self.line + MOST_LINES =>
                {
                    return Ok(Next::Open);
                }
                ReadRecordResult::Record if is_too_long => return Ok(Next::TooLong),
                ReadRecordResult::Record => {
                    self.fields = ended;
                    return Ok(Next::Row);
                }
                ReadRecordResult::End => self.is_over = true,
            }
        }
        Ok(Next::End)
    }

    /// The parser ends a row at a carriage return; the line is over after the line feed.
    fn pass_ends_of_lines(&mut self) -> io::Result<()> {
        loop {
            match self.input.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
                Ok([b'\n', ..]) => self.blank += 1,
                Ok([b'\r', ..]) => {}
                Ok(_) => return Ok(()),
            }
            self.input.consume(1);
        }
    }

    /// How many fields the last row has.
    pub fn len(&self) -> usize {
        self.fields
    }

    /// A field of the last row.
    pub fn field(&self, place: usize) -> &[u8] {
        let start = match place {
            0 => 0,
            _ => self.ends[place - 1],
        };
        &self.bytes[start..self.ends[place]]
    }
}

fn follow(at: At, bytes: &[u8], delimiter: u8) -> At {
    bytes.iter().fold(at, |at, byte| match (at, *byte) {
        (At::Start | At::Closed, b'"') => At::Quoted,
        (At::Quoted, b'"') => At::Closed,
        (At::Quoted, _) => At::Quoted,
        (_, b'\n' | b'\r') => At::Start,
        (_, byte) if byte == delimiter => At::Start,
        _ => At::Plain,
    })
}

impl<R: BufRead> Fields for Table<R> {
    type Place = Option<usize>;

    fn get(&self, place: &Option<usize>) -> Result<Option<Scalar<'_>>, Reason> {
        let Some(place) = place.filter(|place| *place < self.fields) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(self.field(place)).map_err(|_| "not UTF-8")?;
        Ok(match text.trim().is_empty() {
            true => None,
            false => Some(Scalar::Text(Cow::Borrowed(text))),
        })
    }

    fn count(&self, _: &Option<usize>) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    #[test]
    fn rows_come_whole_whatever_the_buffers() {
        let text = "id,\"a \"\"label\"\"\"\r\n1,\"two\nlines\"\r\n\r\n2,é\n3,last";
        for room in 1..20 {
            let mut table = Table::new(BufReader::with_capacity(room, text.as_bytes()), b',');
            let (mut rows, mut starts) = (Vec::new(), Vec::new());
            while table.next().expect("bytes") == Next::Row {
                let fields = (0..table.len()).map(|place| table.field(place));
                let fields = fields.map(|field| String::from_utf8_lossy(field).into_owned());
                rows.push(fields.collect::<Vec<_>>().join("|"));
                starts.push(table.line());
            }
            assert_eq!(starts, [1, 2, 5, 6]);
            assert_eq!(rows, ["id|a \"label\"", "1|two\nlines", "2|é", "3|last"]);
            assert_eq!(table.next().expect("bytes"), Next::End);
        }
    }

    #[test]
    fn a_row_without_an_end_is_passed_by() {
        let text = format!("a,b\n1,\"{}", "x,\n".repeat(LONGEST / 2));
        let mut table = Table::new(text.as_bytes(), b',');
        assert_eq!(table.next().expect("bytes"), Next::Row);
        assert_eq!(table.next().expect("bytes"), Next::Open);
        assert_eq!(table.next().expect("bytes"), Next::End);
        assert!(table.bytes.len() <= 2 * LONGEST);
        let text = format!("a,b\n1,\"{}\"\n2,3\n", "x".repeat(LONGEST + 1));
        let mut table = Table::new(text.as_bytes(), b',');
        let kinds = [(); 4].map(|()| table.next().expect("bytes"));
        assert_eq!(kinds, [Next::Row, Next::TooLong, Next::Row, Next::End]);
    }

    #[test]
    fn a_quote_that_is_not_closed_is_noticed() {
        let kinds = |text: &str| {
            let mut kinds = Vec::new();
            for room in [1, 7, 4096] {
                let input = BufReader::with_capacity(room, text.as_bytes());
                let mut table = Table::new(input, b',');
                let next = std::iter::from_fn(|| {
                    let next = table.next().expect("bytes");
                    (next != Next::End).then_some(next)
                });
                let found: Vec<Next> = next.collect();
                assert!(kinds.is_empty() || kinds == found);
                kinds = found;
            }
            kinds
        };
        use Next::{Open, Row};
        assert_eq!(kinds("a,b\n1,\"x"), [Row, Open]);
        assert_eq!(kinds("a,b\n1,\"x\n2,y\n3,z\n"), [Row, Open]);
        assert_eq!(kinds("a,b\n1,\"x\"\"\""), [Row, Row]);
        assert_eq!(
            kinds("a,b\n1,5\" pipe"),
            [Row, Row],
            "a quote within a plain field is one"
        );
        let lines = |lines: u64| format!("a,b\n1,\"{}\"\n2,3\n", "x\n".repeat(lines as usize));
        assert_eq!(kinds(&lines(MOST_LINES - 1)), [Row, Row, Row]);
        assert_eq!(kinds(&lines(MOST_LINES + 1))[..2], [Row, Open]);
    }
}
