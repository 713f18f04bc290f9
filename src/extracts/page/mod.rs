//! The pages of a column, checked before and after they are decompressed.
//!
//! The decoder of pages trusts what they say of themselves: it makes room for as much as they declare, and
//! decompresses until nothing is left. Here each page is held against limits first, is decompressed to the
//! size that it declares and no further, and its checksum is compared where the writer left one.

mod header;
mod inflate;
mod limits;

use super::source::Source;
use super::thrift::Wrong;
use bytes::Bytes;
use header::{Content, Header};
use inflate::Inflate;
use limits::{check_column, check_header, check_values, refused};
use parquet::arrow::arrow_reader::RowGroups;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::schema::types::ColumnDescPtr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One row group of a file, as the decoder asks for it.
pub(super) struct Group {
    pub(super) source: Source,
    pub(super) metadata: Arc<ParquetMetaData>,
    pub(super) row_group: usize,
    /// Becomes true where a page has no checksum.
    pub(super) is_unverified: Arc<AtomicBool>,
}

impl RowGroups for Group {
    fn num_rows(&self) -> usize {
        usize::try_from(self.metadata.row_group(self.row_group).num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, leaf: usize) -> Result<Box<dyn PageIterator>, ParquetError> {
        let group = self.metadata.row_group(self.row_group);
        let reader = Reader::new(self, group, leaf)?;
        Ok(Box::new(Once(Some(reader))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata.row_group(self.row_group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The pages of the one row group.
struct Once(Option<Reader>);

impl Iterator for Once {
    type Item = Result<Box<dyn PageReader>, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = self.0.take()?;
        Some(Ok(Box::new(reader)))
    }
}

impl PageIterator for Once {}

/// The pages of a column in a row group.
struct Reader {
    source: Source,
    column: ColumnDescPtr,
    inflate: Inflate,
    is_unverified: Arc<AtomicBool>,
    /// Where the next page is, and the bytes that are left from there on.
    at: u64,
    left: u64,
    /// Values that no page had yet.
    values: u64,
    /// Whether no page was there yet.
    is_first: bool,
    /// The next header, where it has been read, and its bytes are behind it.
    next: Option<Header>,
    /// Bytes from the next page on that came with others.
    ahead: Bytes,
}

/// The bytes in which a header is looked for at first; most take fewer.
const HEADER: usize = 256;
/// The bytes that a header may take; it may hold two values of the column.
const LONGEST_HEADER: usize = 1 << 20;

impl Reader {
    fn new(group: &Group, of: &RowGroupMetaData, leaf: usize) -> Result<Reader, ParquetError> {
        let Some(chunk) = of.columns().get(leaf) else {
            return refused("a row group with fewer columns than the file");
        };
        check_column(chunk.column_descr())?;
        let natural = |number: i64| u64::try_from(number).ok();
        let data = natural(chunk.data_page_offset());
        // Some writers leave 0 where there is no dictionary.
        let dictionary = chunk.dictionary_page_offset().and_then(natural);
        let start = match dictionary {
            Some(dictionary) if dictionary > 0 => Some(dictionary),
            _ => data,
        };
        let (Some(at), Some(left)) = (start, natural(chunk.compressed_size())) else {
            return refused("a column that begins or ends before the file does");
        };
        Ok(Reader {
            source: group.source.clone(),
            column: chunk.column_descr_ptr(),
            inflate: Inflate::of(chunk.compression())?,
            is_unverified: group.is_unverified.clone(),
            at,
            left,
            values: natural(of.num_rows()).unwrap_or(0),
            is_first: true,
            next: None,
            ahead: Bytes::new(),
        })
    }

    /// Bytes from the next place on.
    fn bytes(&mut self, length: usize) -> Result<Bytes, ParquetError> {
        if length <= self.ahead.len() {
            return Ok(self.ahead.slice(..length));
        }
        self.source.bytes_of(self.at, length, self.left)
    }

    fn advance(&mut self, length: u64) {
        self.at += length;
        self.left -= length;
        let ahead = usize::try_from(length).unwrap_or(usize::MAX);
        self.ahead = match ahead <= self.ahead.len() {
            true => self.ahead.slice(ahead..),
            false => Bytes::new(),
        };
    }

    /// The next header of a page that somebody reads, if there is one.
    fn peek(&mut self) -> Result<Option<Header>, ParquetError> {
        while self.next.is_none() {
            if self.left == 0 {
                return Ok(None);
            }
            let header = self.header()?;
            if u64::from(header.stored) > self.left {
                return refused("a page that goes on past the end of its column");
            }
            check_header(&header, &self.column, self.values)?;
            let is_first = std::mem::take(&mut self.is_first);
            match header.content {
                Content::Dictionary { .. } if !is_first => {
                    return refused("a dictionary that is not its column's first page");
                }
                // Nor does the decoder go on behind a page without values.
                Content::Other
                | Content::Data { values: 0, .. }
                | Content::DataV2 { values: 0, .. } => self.advance(u64::from(header.stored)),
                _ => self.next = Some(header),
            }
        }
        Ok(self.next)
    }

    fn header(&mut self) -> Result<Header, ParquetError> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let mut window = HEADER.min(most);
        loop {
            let bytes = self.bytes(window)?;
            match header::read(&bytes) {
                Ok((header, length)) => {
                    if self.ahead.is_empty() {
                        self.ahead = bytes;
                    }
                    self.advance(length as u64);
                    return Ok(header);
                }
                Err(wrong) if header::may_go_on(wrong) && window < most.min(LONGEST_HEADER) => {
                    window = (window * 16).min(most).min(LONGEST_HEADER);
                }
                Err(Wrong(wrong)) => return refused(wrong),
            }
        }
    }

    /// Goes past the page whose header is known, and gives its bytes as they are stored.
    fn stored(&mut self, header: &Header) -> Result<Bytes, ParquetError> {
        let length = header.stored as usize;
        let stored = match length <= self.ahead.len() {
            true => self.ahead.slice(..length),
            false => {
                // With the next header.
                let rest = self.left - u64::from(header.stored);
                let further = usize::try_from(rest).unwrap_or(HEADER).min(HEADER);
                let bytes = self.source.bytes_of(self.at, length + further, self.left)?;
                self.ahead = bytes.clone();
                bytes.slice(..length)
            }
        };
        self.pass(header);
        Ok(stored)
    }

    fn pass(&mut self, header: &Header) {
        self.next = None;
        self.advance(u64::from(header.stored));
        if let Content::Data { values, .. } | Content::DataV2 { values, .. } = header.content {
            self.values -= u64::from(values);
        }
    }

    fn verify(&self, header: &Header, stored: &[u8]) -> Result<(), ParquetError> {
        match header.crc {
            None => self.is_unverified.store(true, Ordering::Relaxed),
            Some(crc) if crc == crc32fast::hash(stored) => {}
            Some(_) => return refused("a page whose checksum is not that of its bytes"),
        }
        Ok(())
    }

    /// The bytes of a page as they are in memory.
    fn whole(&mut self, header: &Header, stored: Bytes) -> Result<Bytes, ParquetError> {
        let (levels, is_compressed) = match header.content {
            Content::DataV2 {
                definition_bytes,
                repetition_bytes,
                is_compressed,
                ..
            } => (
                definition_bytes as usize + repetition_bytes as usize,
                is_compressed,
            ),
            _ => (0, true),
        };
        let whole = header.whole as usize;
        let parts = stored.split_at_checked(levels);
        let (Some((levels, values)), Some(rest)) = (parts, whole.checked_sub(levels)) else {
            return refused("a page that ends within its levels");
        };
        if self.inflate.is_nothing() || !is_compressed {
            return Ok(stored);
        }
        let mut out = Vec::with_capacity(whole);
        out.extend_from_slice(levels);
        // A page of nulls alone.
        if rest > 0 {
            self.inflate.add(values, &mut out, rest)?;
        }
        Ok(out.into())
    }
}

impl Iterator for Reader {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Reader {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        let Some(header) = self.peek()? else {
            return Ok(None);
        };
        let stored = self.stored(&header)?;
        self.verify(&header, &stored)?;
        let buf = self.whole(&header, stored)?;
        check_values(&header.content, &self.column, &buf)?;
        Ok(match header.content {
            Content::Dictionary {
                values,
                encoding,
                is_sorted,
            } => Some(Page::DictionaryPage {
                buf,
                num_values: values,
                encoding,
                is_sorted,
            }),
            Content::Data {
                values,
                encoding,
                definition,
                repetition,
            } => Some(Page::DataPage {
                buf,
                num_values: values,
                encoding,
                def_level_encoding: definition,
                rep_level_encoding: repetition,
                statistics: None,
            }),
            Content::DataV2 {
                values,
                nulls,
                encoding,
                definition_bytes,
                repetition_bytes,
                is_compressed,
            } => Some(Page::DataPageV2 {
                buf,
                num_values: values,
                encoding,
                num_nulls: nulls,
                num_rows: values,
                def_levels_byte_len: definition_bytes,
                rep_levels_byte_len: repetition_bytes,
                is_compressed,
                statistics: None,
            }),
            // Nobody is shown one.
            Content::Other => None,
        })
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        let header = self.peek()?;
        Ok(header.map(|header| match header.content {
            Content::Dictionary { .. } | Content::Other => PageMetadata {
                num_rows: None,
                num_levels: None,
                is_dict: true,
            },
            Content::Data { values, .. } => PageMetadata {
                num_rows: None,
                num_levels: Some(values as usize),
                is_dict: false,
            },
            // Its number of rows is that of its values, whatever it says: all columns are flat.
            Content::DataV2 { values, .. } => PageMetadata {
                num_rows: Some(values as usize),
                num_levels: Some(values as usize),
                is_dict: false,
            },
        }))
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        if let Some(header) = self.peek()? {
            self.pass(&header);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
