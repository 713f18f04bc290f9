//! Thrift's compact protocol, in which the footers, indexes and page headers of Parquet files are written.

/// What is wrong with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrong(pub(super) &'static str);

pub(super) const CUT: Wrong = Wrong("a value that goes on past its end");
pub(super) const TOO_MANY: Wrong = Wrong("a count of more items than its bytes can hold");
pub(super) const TOO_DEEP: Wrong = Wrong("values within values beyond any depth that Parquet has");
pub(super) const UNKNOWN: Wrong = Wrong("a value of an unknown kind");

pub(super) const MANY: Wrong = Wrong("more items than any file has");

/// A struct that takes a byte becomes one of some hundred. Row groups, columns and pages are fewer.
const STRUCTS: usize = 1 << 17;

/// Parquet's own values go some ten deep.
pub(super) const DEEPEST: usize = 32;

/// The number of [`Kind::Struct`].
pub(super) const STRUCT: u8 = 12;

/// The kinds of values.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Of so many bytes.
    Bytes(usize),
    Varint,
    /// With its length first.
    Text,
    List,
    Map,
    Struct,
}

impl Kind {
    /// By its number, as an item; a truth value takes a byte there, and none as a field of a struct.
    fn of(number: u8) -> Result<Kind, Wrong> {
        match number {
            1..=3 => Ok(Kind::Bytes(1)),
            4..=6 => Ok(Kind::Varint),
            7 => Ok(Kind::Bytes(8)),
            8 => Ok(Kind::Text),
            9 | 10 => Ok(Kind::List),
            11 => Ok(Kind::Map),
            STRUCT => Ok(Kind::Struct),
            13 => Ok(Kind::Bytes(16)),
            _ => Err(UNKNOWN),
        }
    }
}

/// The bytes that were not gone through yet. Every item takes at least one, so that this ends.
pub(super) struct Walk<'a> {
    left: &'a [u8],
}

impl<'a> Walk<'a> {
    pub(super) fn new(left: &'a [u8]) -> Walk<'a> {
        Walk { left }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.left.len()
    }

    fn skip(&mut self, bytes: usize) -> Result<(), Wrong> {
        self.left = self.left.get(bytes..).ok_or(CUT)?;
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, Wrong> {
        let (byte, left) = self.left.split_first().ok_or(CUT)?;
        self.left = left;
        Ok(*byte)
    }

    pub(super) fn varint(&mut self) -> Result<u64, Wrong> {
        let mut value = 0u64;
        for at in 0..10 {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << (7 * at);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(CUT)
    }

    /// A count of what follows.
    fn count(&mut self, count: u64) -> Result<usize, Wrong> {
        let count = usize::try_from(count).map_err(|_| TOO_MANY)?;
        (count <= self.left.len()).then_some(count).ok_or(TOO_MANY)
    }

    /// The head of a list: how many items it has, and of which kind.
    pub(super) fn list(&mut self) -> Result<(usize, u8), Wrong> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            few => u64::from(few),
        };
        let (count, item) = (self.count(count)?, head & 15);
        match item == STRUCT && count > STRUCTS {
            true => Err(MANY),
            false => Ok((count, item)),
        }
    }

    /// Goes past a value.
    pub(super) fn value(&mut self, kind: Kind, depth: usize) -> Result<(), Wrong> {
        if depth > DEEPEST {
            return Err(TOO_DEEP);
        }
        match kind {
            Kind::Bytes(bytes) => self.skip(bytes),
            Kind::Varint => self.varint().map(drop),
            Kind::Text => {
                let length = self.varint()?;
                let length = self.count(length)?;
                self.skip(length)
            }
            Kind::List => {
                let (count, item) = self.list()?;
                for _ in 0..count {
                    self.value(Kind::of(item)?, depth + 1)?;
                }
                Ok(())
            }
            Kind::Map => {
                let count = self.varint()?;
                let count = self.count(count)?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                for _ in 0..count {
                    self.value(Kind::of(kinds >> 4)?, depth + 1)?;
                    self.value(Kind::of(kinds & 15)?, depth + 1)?;
                }
                Ok(())
            }
            Kind::Struct => {
                let mut last = 0;
                while let Some(field) = self.field(&mut last)? {
                    self.pass(field, depth + 1)?;
                }
                Ok(())
            }
        }
    }

    /// The next field of a struct, if there is one; `last` is the number of the one before.
    pub(super) fn field(&mut self, last: &mut i64) -> Result<Option<Field>, Wrong> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        *last = match head >> 4 {
            // The field's number is written out.
            0 => self.int()?,
            further => last.saturating_add(i64::from(further)),
        };
        Ok(Some(Field {
            number: *last,
            kind: head & 15,
        }))
    }

    /// Goes past the value of a field.
    pub(super) fn pass(&mut self, field: Field, depth: usize) -> Result<(), Wrong> {
        match field.kind {
            // A truth value is in the head.
            1 | 2 => Ok(()),
            number => self.value(Kind::of(number)?, depth),
        }
    }

    /// An integer of any width.
    pub(super) fn int(&mut self) -> Result<i64, Wrong> {
        let folded = self.varint()?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }
}

/// The head of a field.
#[derive(Clone, Copy)]
pub(super) struct Field {
    /// Its number in its struct.
    pub(super) number: i64,
    kind: u8,
}

impl Field {
    /// The truth value that it is, if it is one.
    pub(super) fn truth(self) -> Option<bool> {
        match self.kind {
            1 => Some(true),
            2 => Some(false),
            _ => None,
        }
    }

    /// Whether it is an integer of 16, 32 or 64 bits.
    pub(super) fn is_int(self) -> bool {
        matches!(self.kind, 4..=6)
    }

    /// Whether it is a list.
    pub(super) fn is_list(self) -> bool {
        self.kind == 9
    }

    /// Whether it is a struct.
    pub(super) fn is_struct(self) -> bool {
        self.kind == STRUCT
    }
}
