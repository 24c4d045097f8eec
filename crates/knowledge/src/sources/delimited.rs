//! Tables of text: tabs or commas, with or without a line of column names.

use std::io::BufRead;
use std::path::PathBuf;

use crate::input::Lines;
use crate::{ColumnRef, KnowledgeError, SourceConfig};

use super::{defect, malformed};

/// Lines in which the column names are looked for; some tables begin with a licence or a title.
const MAX_PREAMBLE: u64 = 200;

/// Why a row was left out: it is none of those that the configuration keeps.
pub(super) const NOT_SELECTED: &str = "not_selected";

/// Rows of a table.
pub(super) struct Delimited<'s> {
    source: &'s SourceConfig,
    path: PathBuf,
    reader: csv::Reader<Box<dyn BufRead>>,
    record: csv::ByteRecord,
    /// Lines before the first row.
    offset: u64,
    /// Columns of a row; 0 until the first row where no header says it.
    columns: usize,
    /// Columns and what must stand in them.
    only: Vec<(usize, &'s str)>,
}

impl<'s> Delimited<'s> {
    /// Opens a table and finds the wanted columns; their indices come back in order.
    ///
    /// # Errors
    /// The file cannot be opened, or no line holds all wanted names.
    pub(super) fn open(
        source: &'s SourceConfig,
        wanted: &[&ColumnRef],
        has_header: bool,
    ) -> Result<(Self, Vec<usize>), KnowledgeError> {
        let mut lines = Lines::open(&source.path)?;
        let selecting = source.only.keys().map(String::as_str);
        let names: Vec<&str> = wanted
            .iter()
            .filter_map(|column| match column {
                ColumnRef::Name(name) => Some(name.as_str()),
                ColumnRef::Number(_) => None,
            })
            .chain(selecting)
            .collect();
        let (header, delimiter) = if has_header && !names.is_empty() {
            let found = find_header(&mut lines, &names)?;
            found.ok_or_else(|| {
                let first = first_row(source).unwrap_or_default();
                defect(
                    source,
                    format!(
                        "no line of its first {MAX_PREAMBLE} names the columns {}; it has {first}; correct the names, or give 1-based numbers with header = false",
                        names.join(", ")
                    ),
                )
            })?
        } else {
            skip_comments(&mut lines)?;
            let delimiter = guess(lines.peek_bytes()?);
            let header = if has_header && !starts_after_comment(&lines) {
                lines
                    .next()?
                    .map_or(Vec::new(), |line| split(line, delimiter))
            } else {
                Vec::new()
            };
            (header, delimiter)
        };
        let named = |name: &str| {
            let place = header.iter().position(|other| other == name);
            place.ok_or_else(|| {
                defect(
                    source,
                    format!("the column '{name}' has no number; without a header give numbers"),
                )
            })
        };
        let index = |column: &&ColumnRef| match column {
            ColumnRef::Number(number) => number
                .checked_sub(1)
                .filter(|index| header.is_empty() || *index < header.len())
                .ok_or_else(|| {
                    defect(
                        source,
                        format!(
                            "it has no column {number}; columns count from 1 to {}",
                            header.len()
                        ),
                    )
                }),
            ColumnRef::Name(name) => named(name),
        };
        let indices = wanted.iter().map(index).collect::<Result<_, _>>()?;
        let only = source.only.iter();
        let only = only.map(|(name, text)| Ok((named(name)?, text.as_str())));
        let only = only.collect::<Result<_, KnowledgeError>>()?;
        let offset = lines.number();
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .quoting(delimiter == b',')
            .buffer_capacity(1 << 18)
            .from_reader(lines.into_bytes());
        let table = Self {
            source,
            path: source.path.clone(),
            reader,
            record: csv::ByteRecord::new(),
            offset,
            columns: header.len(),
            only,
        };
        Ok((table, indices))
    }

    /// Reads the next row; `false` at the end.
    ///
    /// # Errors
    /// The file is damaged, or a row has another number of columns.
    pub(super) fn next(&mut self) -> Result<bool, KnowledgeError> {
        let read = self.reader.read_byte_record(&mut self.record);
        let more = read.map_err(|error| KnowledgeError::Io {
            path: self.path.clone(),
            source: match error.into_kind() {
                csv::ErrorKind::Io(source) => std::io::Error::new(
                    source.kind(),
                    format!(
                        "after line {}: {source}",
                        self.offset + self.reader.position().line()
                    ),
                ),
                other => std::io::Error::other(format!("{other:?}")),
            },
        })?;
        if more {
            if self.columns == 0 {
                self.columns = self.record.len();
            }
            if self.record.len() != self.columns {
                return Err(self.malformed(format!(
                    "it has {} columns where {} are expected",
                    self.record.len(),
                    self.columns
                )));
            }
        }
        Ok(more)
    }

    /// Whether the row is one of those that the configuration keeps.
    pub(super) fn is_selected(&self) -> bool {
        self.only
            .iter()
            .all(|(column, text)| self.cell(*column) == text.as_bytes())
    }

    /// A cell of the row, without blanks around it.
    pub(super) fn cell(&self, index: usize) -> &[u8] {
        self.record.get(index).unwrap_or_default().trim_ascii()
    }

    /// A cell of the row as text.
    pub(super) fn text(&self, index: usize) -> Result<&str, KnowledgeError> {
        std::str::from_utf8(self.cell(index))
            .map_err(|_| self.malformed(format!("column {} is not UTF-8 text", index + 1)))
    }

    /// The error of the current row.
    pub(super) fn malformed(&self, detail: impl Into<String>) -> KnowledgeError {
        let line = self.record.position().map_or(0, csv::Position::line);
        malformed(self.source, &self.path, "line", self.offset + line, detail)
    }
}

/// The first line that holds all names, split, and what parts its columns.
fn find_header(
    lines: &mut Lines,
    names: &[&str],
) -> Result<Option<(Vec<String>, u8)>, KnowledgeError> {
    while lines.number() < MAX_PREAMBLE {
        let Some(line) = lines.next()? else {
            break;
        };
        let delimiter = guess(line);
        let header = split(line, delimiter);
        if names
            .iter()
            .all(|name| header.iter().any(|other| other == name))
        {
            return Ok(Some((header, delimiter)));
        }
    }
    Ok(None)
}

/// The first line with several columns, for a message.
fn first_row(source: &SourceConfig) -> Option<String> {
    const SHOWN: usize = 20;
    let mut lines = Lines::open(&source.path).ok()?;
    while lines.number() < MAX_PREAMBLE {
        let line = lines.next().ok()??;
        let mut columns = split(line, guess(line));
        if columns.len() > 1 {
            columns.truncate(SHOWN);
            return Some(columns.join(", "));
        }
    }
    None
}

fn skip_comments(lines: &mut Lines) -> Result<(), KnowledgeError> {
    while lines.peek()? == Some(b'#') {
        lines.next()?;
    }
    Ok(())
}

/// Whether the line read last is a comment of one `#`: it names the columns then.
fn starts_after_comment(lines: &Lines) -> bool {
    lines.current().starts_with(b"#") && !lines.current().starts_with(b"##")
}

/// Tabs where the first line has one, else commas.
fn guess(bytes: &[u8]) -> u8 {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    if line.contains(&b'\t') { b'\t' } else { b',' }
}

/// Column names of a line, a leading `#` taken off.
fn split(line: &[u8], delimiter: u8) -> Vec<String> {
    let mut record = csv::ByteRecord::new();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .quoting(delimiter == b',')
        .from_reader(line);
    if !reader.read_byte_record(&mut record).unwrap_or(false) {
        return Vec::new();
    }
    record
        .iter()
        .enumerate()
        .map(|(i, cell)| {
            let text = String::from_utf8_lossy(cell);
            let text = text.trim();
            match i {
                0 => text.trim_start_matches(['\u{feff}', '#']).trim().to_owned(),
                _ => text.to_owned(),
            }
        })
        .collect()
}
