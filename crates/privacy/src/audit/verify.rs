//! Checking a whole log.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::{
    PrivacyError,
    audit::{
        Head,
        entry::{self, LONGEST_LINE, Line, NOTHING_BEFORE},
    },
    key::Key,
    private_file::io_error,
};

/// What is wrong with a line of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// It has no line end: it was written in part, or its end was cut off.
    Unfinished,
    /// It is no line of an audit log.
    Unreadable,
    /// It is not what its own hash was made of.
    Changed,
    /// It has another number than its place: a line was taken out, put in or moved.
    Sequence {
        /// The number that it has.
        found: u64,
    },
    /// It does not follow the line before it, one of the two was made anew.
    Chain,
    /// It has no HMAC.
    WithoutMac,
    /// Its HMAC was made with another key or of another line.
    Mac,
}

impl fmt::Display for Defect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished => write!(formatter, "is unfinished"),
            Self::Unreadable => write!(formatter, "is no line of an audit log"),
            Self::Changed => write!(formatter, "was changed after it was written"),
            Self::Sequence { found } => write!(
                formatter,
                "has the number {found}: a line was taken out, put in or moved"
            ),
            Self::Chain => write!(
                formatter,
                "does not follow the line before it: one of the two was made anew"
            ),
            Self::WithoutMac => write!(formatter, "has no HMAC"),
            Self::Mac => write!(formatter, "has an HMAC of another key or another line"),
        }
    }
}

/// Checks every line of a log and returns its head, to be noted in another place.
///
/// With a key every line must have an HMAC of it; without, an HMAC is not looked at. With a head that was
/// noted earlier, the log must still hold the lines up to it; it may have grown since. Lines that were cut
/// off at the end are found in no other way.
///
/// A line is read at a time, so memory does not grow with the log.
///
/// # Errors
/// The first line that is wrong, by number; or the log has no lines, has lost the noted head, or cannot
/// be read.
pub fn verify(
    path: &Path,
    key: Option<&Key>,
    expected_head: Option<&Head>,
) -> Result<Head, PrivacyError> {
    let file = File::open(path).map_err(io_error(path, "opening it"))?;
    // Without the lock a line that is being written would look unfinished.
    file.lock_shared().map_err(io_error(path, "locking it"))?;
    let mut reader = BufReader::new(file);
    let mut head = Head {
        lines: 0,
        sha256: NOTHING_BEFORE.into(),
    };
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let mut limited = reader.by_ref().take(LONGEST_LINE + 1);
        let read = limited.read_until(b'\n', &mut bytes);
        if read.map_err(io_error(path, "reading it"))? == 0 {
            break;
        }
        let number = head.lines + 1;
        let defect = |defect| PrivacyError::AuditLine {
            path: path.into(),
            line: number,
            defect,
        };
        if bytes.len() as u64 > LONGEST_LINE {
            return Err(defect(Defect::Unreadable));
        }
        let line = Line::read(&bytes, key).map_err(|error| error.at(path, number))?;
        if line.sequence != number {
            return Err(defect(Defect::Sequence {
                found: line.sequence,
            }));
        }
        if line.previous != head.sha256 {
            return Err(defect(Defect::Chain));
        }
        head = Head {
            lines: number,
            sha256: entry::digest(&bytes),
        };
        if let Some(expected) = expected_head
            && expected.lines == number
            && expected.sha256 != head.sha256
        {
            return Err(PrivacyError::AuditHead {
                path: path.into(),
                line: number,
            });
        }
    }
    match expected_head {
        Some(expected) if expected.lines > head.lines => Err(PrivacyError::AuditCut {
            path: path.into(),
            lines: head.lines,
            expected: expected.lines,
        }),
        _ if head.lines == 0 => Err(PrivacyError::AuditEmpty { path: path.into() }),
        _ => Ok(head),
    }
}
