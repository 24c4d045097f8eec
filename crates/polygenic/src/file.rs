//! Scoring files as they are written: PGS Catalog formats 1 and 2, harmonised files, custom tables by
//! named columns and plink score tables; text, gzip or BGZF.
//!
//! This part knows what a file says, not what it means on the run's reference.

mod header;
mod layout;
mod lines;
mod meaning;
mod row;

use std::path::{Path, PathBuf};

pub use header::ScoreMetadata;
pub(crate) use layout::{Layout, Positions};
pub(crate) use lines::hexadecimal;
pub(crate) use meaning::{Meaning, SiteText, Subject, Weights, interpret};
pub(crate) use row::Row;

use crate::{PlanOptions, PolygenicError, ScoreSource};
use header::parse_header_line;
use lines::LineReader;

/// An open scoring file: header and columns are read, rows follow.
pub(crate) struct ScoringFile {
    lines: LineReader,
    metadata: ScoreMetadata,
    layout: Layout,
    spans: Vec<(u32, u32)>,
    rows: u64,
}

impl ScoringFile {
    /// Opens a file and reads it up to its first row.
    ///
    /// # Errors
    /// The file cannot be read, is empty, has no line of column names or lacks a column it needs, or
    /// is on another build than the run.
    pub(crate) fn open(
        source: &ScoreSource,
        options: &PlanOptions,
    ) -> Result<Self, PolygenicError> {
        let path = &source.path;
        let mut lines = LineReader::open(path)?;
        let mut metadata = ScoreMetadata::default();
        let refuse = |detail: String| PolygenicError::File {
            path: path.clone(),
            detail,
        };
        loop {
            let Some(line) = lines.next_line()? else {
                return Err(refuse(if lines.number() == 0 {
                    "is empty; download it again".to_owned()
                } else {
                    "has no line of column names; it needs at least effect_allele and effect_weight"
                        .to_owned()
                }));
            };
            if line.starts_with(b"#") && !is_plink_header(line) {
                parse_header_line(line, &mut metadata);
                continue;
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if line.iter().any(|byte| *byte < b'\t') || std::str::from_utf8(line).is_err() {
                return Err(refuse("is no text; give a scoring file".to_owned()));
            }
            let layout = Layout::of(line, &metadata, source, options).map_err(refuse)?;
            return Ok(Self {
                lines,
                metadata,
                layout,
                spans: Vec::new(),
                rows: 0,
            });
        }
    }

    /// What the header says.
    pub(crate) fn metadata(&self) -> &ScoreMetadata {
        &self.metadata
    }

    /// The columns.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        self.lines.path()
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read, or the line has another number of columns than the header.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row<'_>>, PolygenicError> {
        loop {
            if !self.lines.advance()? {
                return Ok(None);
            }
            let line = self.lines.line();
            if !line.is_empty() && !line.iter().all(u8::is_ascii_whitespace) {
                break;
            }
        }
        self.rows += 1;
        let line = self.lines.line();
        self.layout
            .split(line, &mut self.spans)
            .map_err(|detail| PolygenicError::Line {
                path: self.lines.path().to_owned(),
                line: self.lines.number(),
                detail,
            })?;
        Ok(Some(Row {
            text: line,
            spans: &self.spans,
            layout: &self.layout,
            line: self.lines.number(),
            number: self.rows,
        }))
    }

    /// Reads what is left and gives the SHA-256 of the file as it lies on disk, in hexadecimal.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn finish(self) -> Result<String, PolygenicError> {
        self.lines.finish()
    }
}

/// Whether a line is that of a plink table's column names, which can start with `#`.
fn is_plink_header(line: &[u8]) -> bool {
    line.strip_prefix(b"#ID")
        .is_some_and(|rest| matches!(rest.first(), Some(b'\t' | b' ' | b',')))
}

/// Stem of a file's name without its compression and format: `a.b` of `x/a.b.txt.gz`.
pub(crate) fn file_stem(path: &Path) -> String {
    let mut name = PathBuf::from(path.file_name().unwrap_or_default());
    if name
        .extension()
        .is_some_and(|end| end == "gz" || end == "bgz")
    {
        name = name.with_extension("");
    }
    name.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
