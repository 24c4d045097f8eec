//! Adding a line.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::{
    PrivacyError,
    audit::{
        Event, Head,
        entry::{self, LONGEST_LINE, Line, NOTHING_BEFORE},
    },
    key::Key,
    private_file::{self, io_error},
};

/// Adds a line at the end of a log, which is made, readable by its owner alone, where there is none. The
/// line is on the disk when this returns, and programs that append at the same time wait for each other.
///
/// Only the last line is checked here; [`verify`](crate::audit::verify) checks all. With a key the line
/// gets an HMAC; a log has it on every line or on none.
///
/// # Errors
/// The last line is damaged, half-written or signed otherwise, a hash of the event is none, or the file
/// cannot be read, locked or written.
pub fn append(path: &Path, event: &Event, key: Option<&Key>) -> Result<Head, PrivacyError> {
    append_at(path, event, key, SystemTime::now())
}

pub(super) fn append_at(
    path: &Path,
    event: &Event,
    key: Option<&Key>,
    time: SystemTime,
) -> Result<Head, PrivacyError> {
    check(event)?;
    let mut file = private_file::open_to_append(path)?;
    file.lock().map_err(io_error(path, "locking it"))?;
    let before = file.metadata().map_err(io_error(path, "reading it"))?.len();
    let (lines, previous) = match last_line(&mut file, before) {
        Ok(None) => (0, NOTHING_BEFORE.to_owned()),
        Ok(Some(bytes)) => {
            let line = Line::read(&bytes, key);
            let line = line.map_err(|error| tail(error, path))?;
            if line.has_mac() && key.is_none() {
                return Err(PrivacyError::AuditKeyMissing { path: path.into() });
            }
            (line.sequence, entry::digest(&bytes))
        }
        Err(source) => return Err(io_error(path, "reading it")(source)),
    };
    let sequence = lines
        .checked_add(1)
        .ok_or_else(|| PrivacyError::AuditTail {
            path: path.into(),
            defect: super::Defect::Sequence { found: lines },
        })?;
    let time = DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Millis, true);
    let line = entry::render(event, sequence, &time, &previous, key)?;
    if line.len() as u64 > LONGEST_LINE {
        return Err(PrivacyError::AuditEvent {
            detail: "it names too many files for a line",
        });
    }
    // One write, so that nobody who reads without the lock sees a part of the line.
    let written = file.write(line.as_bytes());
    let complete = written.and_then(|bytes| match bytes == line.len() {
        true => file.sync_all(),
        false => Err(io::Error::new(
            io::ErrorKind::WriteZero,
            "the line was written in part",
        )),
    });
    if let Err(source) = complete {
        // What was written of the line goes; if not even that works, the next one finds it unfinished.
        let _ = file.set_len(before);
        return Err(io_error(path, "adding a line")(source));
    }
    Ok(Head {
        lines: sequence,
        sha256: entry::digest(line.as_bytes()),
    })
}

/// Whether the hashes of an event are hashes.
fn check(event: &Event) -> Result<(), PrivacyError> {
    let is_hash = |text: &String| {
        text.len() == 64
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut hashes = event
        .plan_sha256
        .iter()
        .chain(event.inputs.iter().map(|input| &input.sha256))
        .chain(&event.outputs_sha256);
    if hashes.all(is_hash) {
        Ok(())
    } else {
        Err(PrivacyError::AuditEvent {
            detail: "a SHA-256 in it does not have 64 small hexadecimal digits",
        })
    }
}

/// The last line with its line end, if it has one; `None` of an empty file.
fn last_line(file: &mut File, length: u64) -> io::Result<Option<Vec<u8>>> {
    if length == 0 {
        return Ok(None);
    }
    let mut window: u64 = 4096;
    loop {
        let start = length.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(length - start).read_to_end(&mut bytes)?;
        let body = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        if let Some(at) = body.iter().rposition(|&byte| byte == b'\n') {
            return Ok(Some(bytes.split_off(at + 1)));
        }
        if start == 0 {
            return Ok(Some(bytes));
        }
        if window > LONGEST_LINE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "its last line is longer than any line of an audit log",
            ));
        }
        window *= 4;
    }
}

/// The error of the last line, whose number is not known without reading all.
fn tail(error: entry::ReadError, path: &Path) -> PrivacyError {
    match error {
        entry::ReadError::Defect(defect) => PrivacyError::AuditTail {
            path: path.into(),
            defect,
        },
        entry::ReadError::Program(error) => error,
    }
}
