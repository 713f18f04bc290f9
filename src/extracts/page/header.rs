//! The header of a page.

use super::super::thrift::{CUT, Field, Walk, Wrong};
use parquet::basic::Encoding;

/// What a header tells of its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) content: Content,
    /// The bytes that it takes in the file.
    pub(super) stored: u32,
    /// The bytes that it takes in memory.
    pub(super) whole: u32,
    /// The checksum of the stored bytes, where the writer left one.
    pub(super) crc: Option<u32>,
}

/// What is in a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Dictionary {
        values: u32,
        encoding: Encoding,
        is_sorted: bool,
    },
    Data {
        values: u32,
        encoding: Encoding,
        definition: Encoding,
        repetition: Encoding,
    },
    DataV2 {
        values: u32,
        nulls: u32,
        encoding: Encoding,
        definition_bytes: u32,
        repetition_bytes: u32,
        is_compressed: bool,
    },
    /// Nothing that anybody reads.
    Other,
}

const NO_HEADER: Wrong = Wrong("a page header that does not say what it has to say");

/// Reads a header, and tells how many bytes it takes; [`CUT`] where it may go on.
pub(super) fn read(bytes: &[u8]) -> Result<(Header, usize), Wrong> {
    let mut walk = Walk::new(bytes);
    let (mut kind, mut whole, mut stored, mut crc) = (None, None, None, None);
    let (mut data, mut dictionary, mut data_v2) = (None, None, None);
    let mut last = 0;
    while let Some(field) = walk.field(&mut last)? {
        match field.number {
            1 if field.is_int() => kind = Some(walk.int()?),
            2 if field.is_int() => whole = Some(natural(walk.int()?)?),
            3 if field.is_int() => stored = Some(natural(walk.int()?)?),
            4 if field.is_int() => crc = Some(walk.int()? as u32),
            5 if field.is_struct() => data = Some(Numbers::read(&mut walk)?),
            7 if field.is_struct() => dictionary = Some(Numbers::read(&mut walk)?),
            8 if field.is_struct() => data_v2 = Some(Numbers::read(&mut walk)?),
            _ => walk.pass(field, 1)?,
        }
    }
    let content = match kind.ok_or(NO_HEADER)? {
        0 => {
            let numbers = data.ok_or(NO_HEADER)?;
            Content::Data {
                values: numbers.natural(1)?,
                encoding: numbers.encoding(2)?,
                definition: numbers.encoding(3)?,
                repetition: numbers.encoding(4)?,
            }
        }
        2 => {
            let numbers = dictionary.ok_or(NO_HEADER)?;
            Content::Dictionary {
                values: numbers.natural(1)?,
                encoding: numbers.encoding(2)?,
                is_sorted: numbers.truth(3).unwrap_or(false),
            }
        }
        3 => {
            let numbers = data_v2.ok_or(NO_HEADER)?;
            Content::DataV2 {
                values: numbers.natural(1)?,
                nulls: numbers.natural(2)?,
                encoding: numbers.encoding(4)?,
                definition_bytes: numbers.natural(5)?,
                repetition_bytes: numbers.natural(6)?,
                // By the specification, where nothing is said.
                is_compressed: numbers.truth(7).unwrap_or(true),
            }
        }
        _ => Content::Other,
    };
    let header = Header {
        content,
        stored: stored.ok_or(NO_HEADER)?,
        whole: whole.ok_or(NO_HEADER)?,
        crc,
    };
    Ok((header, bytes.len() - walk.left()))
}

fn natural(number: i64) -> Result<u32, Wrong> {
    let number = i32::try_from(number).ok();
    let number = number.and_then(|number| u32::try_from(number).ok());
    number.ok_or(Wrong("a page header with a number below 0 or beyond 2^31"))
}

/// The numbers and truth values of a struct, by the numbers of their fields.
#[derive(Default)]
struct Numbers {
    ints: [Option<i64>; 8],
    truths: [Option<bool>; 8],
}

impl Numbers {
    fn read(walk: &mut Walk) -> Result<Numbers, Wrong> {
        let mut numbers = Numbers::default();
        let mut last = 0;
        while let Some(field) = walk.field(&mut last)? {
            numbers.take(walk, field)?;
        }
        Ok(numbers)
    }

    fn take(&mut self, walk: &mut Walk, field: Field) -> Result<(), Wrong> {
        let place = usize::try_from(field.number).unwrap_or(usize::MAX);
        if let Some(truth) = field.truth() {
            if let Some(place) = self.truths.get_mut(place) {
                *place = Some(truth);
            }
            return Ok(());
        }
        match self.ints.get_mut(place) {
            Some(place) if field.is_int() => *place = Some(walk.int()?),
            _ => walk.pass(field, 2)?,
        }
        Ok(())
    }

    fn natural(&self, place: usize) -> Result<u32, Wrong> {
        natural(self.ints[place].ok_or(NO_HEADER)?)
    }

    fn truth(&self, place: usize) -> Option<bool> {
        self.truths[place]
    }

    fn encoding(&self, place: usize) -> Result<Encoding, Wrong> {
        Ok(match self.ints[place].ok_or(NO_HEADER)? {
            0 => Encoding::PLAIN,
            2 => Encoding::PLAIN_DICTIONARY,
            3 => Encoding::RLE,
            #[expect(deprecated, reason = "files have it")]
            4 => Encoding::BIT_PACKED,
            5 => Encoding::DELTA_BINARY_PACKED,
            6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            7 => Encoding::DELTA_BYTE_ARRAY,
            8 => Encoding::RLE_DICTIONARY,
            9 => Encoding::BYTE_STREAM_SPLIT,
            _ => return Err(Wrong("a page in an encoding that Parquet does not have")),
        })
    }
}

/// Whether more bytes may make a whole header of what is none.
pub(super) fn may_go_on(wrong: Wrong) -> bool {
    // A count of more than is left is one of what is there so far.
    wrong == CUT || wrong == super::super::thrift::TOO_MANY
}
