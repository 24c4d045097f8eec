//! A line of the log: how it is written, and that it is written in one way only.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    PrivacyError,
    audit::{Defect, Event, ExitState, Input},
    key::Key,
};

/// What the HMAC of a line begins with, so that it equals no other use of the same key.
const PURPOSE: &[u8] = b"varisk audit 1\0";
/// What stands for the line before the first one.
pub(super) const NOTHING_BEFORE: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";
/// The longest line, a run of about 150,000 files.
pub(super) const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// A line without its own hashes. The order of the fields is that of the file.
#[derive(Debug, Serialize)]
struct Content<'a> {
    sequence: u64,
    time: &'a str,
    user: &'a str,
    host: &'a str,
    verb: &'a str,
    program_version: &'a str,
    plan_sha256: Option<&'a str>,
    inputs: &'a [Input],
    outputs_sha256: &'a [String],
    exit: ExitState,
    previous: &'a str,
}

/// A line as read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) sequence: u64,
    time: String,
    user: String,
    host: String,
    verb: String,
    program_version: String,
    plan_sha256: Option<String>,
    inputs: Vec<Input>,
    outputs_sha256: Vec<String>,
    exit: ExitState,
    pub(super) previous: String,
    /// HMAC-SHA256 of the fields before it.
    mac: Option<String>,
    /// SHA-256 of the fields before it. It is compared as a part of the whole line.
    #[serde(rename = "sha256")]
    _sha256: String,
}

/// SHA-256 as hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

fn keyed(key: &Key) -> Result<Hmac<Sha256>, PrivacyError> {
    let mac = Hmac::<Sha256>::new_from_slice(key.bytes());
    let mut mac = mac.map_err(|_| PrivacyError::Internal {
        what: "the HMAC of the audit log",
    })?;
    mac.update(PURPOSE);
    Ok(mac)
}

/// Writes a line with its line end. This is the one form that a line can have.
pub(super) fn render(
    event: &Event,
    sequence: u64,
    time: &str,
    previous: &str,
    key: Option<&Key>,
) -> Result<String, PrivacyError> {
    let content = content(event, sequence, time, previous)?;
    let mac = match key {
        Some(key) => {
            let mut mac = keyed(key)?;
            mac.update(content.as_bytes());
            Some(HEXLOWER.encode(&mac.finalize().into_bytes()))
        }
        None => None,
    };
    Ok(close(content, mac.as_deref()))
}

/// The object of a line without its hashes.
fn content(
    event: &Event,
    sequence: u64,
    time: &str,
    previous: &str,
) -> Result<String, PrivacyError> {
    let content = Content {
        sequence,
        time,
        user: &event.user,
        host: &event.host,
        verb: &event.verb,
        program_version: &event.program_version,
        plan_sha256: event.plan_sha256.as_deref(),
        inputs: &event.inputs,
        outputs_sha256: &event.outputs_sha256,
        exit: event.exit,
        previous,
    };
    serde_json::to_string(&content).map_err(|_| PrivacyError::Internal {
        what: "a line of the audit log",
    })
}

/// An object with one more field of text that needs no escapes.
fn with(mut object: String, field: &str, value: &str) -> String {
    object.pop();
    object.push_str(",\"");
    object.push_str(field);
    object.push_str("\":\"");
    object.push_str(value);
    object.push_str("\"}");
    object
}

/// Adds the hashes and the line end.
fn close(content: String, mac: Option<&str>) -> String {
    let signed = match mac {
        Some(mac) => with(content, "mac", mac),
        None => content,
    };
    let own = digest(signed.as_bytes());
    let mut line = with(signed, "sha256", &own);
    line.push('\n');
    line
}

impl Line {
    /// Reads a line with its line end, and checks all that can be checked without the lines around it.
    pub(super) fn read(bytes: &[u8], key: Option<&Key>) -> Result<Self, ReadError> {
        let Some(text) = bytes.strip_suffix(b"\n") else {
            return Err(Defect::Unfinished.into());
        };
        let line: Self = serde_json::from_slice(text).map_err(|_| Defect::Unreadable)?;
        let event = Event {
            user: line.user.clone(),
            host: line.host.clone(),
            verb: line.verb.clone(),
            program_version: line.program_version.clone(),
            plan_sha256: line.plan_sha256.clone(),
            inputs: line.inputs.clone(),
            outputs_sha256: line.outputs_sha256.clone(),
            exit: line.exit,
        };
        let content = content(&event, line.sequence, &line.time, &line.previous)?;
        if let Some(key) = key {
            let Some(written) = &line.mac else {
                return Err(Defect::WithoutMac.into());
            };
            let mut mac = keyed(key)?;
            mac.update(content.as_bytes());
            let written = HEXLOWER
                .decode(written.as_bytes())
                .map_err(|_| Defect::Changed)?;
            // Compares in constant time.
            mac.verify_slice(&written).map_err(|_| Defect::Mac)?;
        }
        // Whatever is not in the one form that a line has was not written by this program: spaces, other
        // escapes, another order. The line's own hash is part of that form.
        if close(content, line.mac.as_deref()).as_bytes() != bytes {
            return Err(Defect::Changed.into());
        }
        Ok(line)
    }

    /// Whether the line has an HMAC.
    pub(super) fn has_mac(&self) -> bool {
        self.mac.is_some()
    }
}

/// Why a line is not read: it is defective, or the program is.
#[derive(Debug)]
pub(super) enum ReadError {
    Defect(Defect),
    Program(PrivacyError),
}

impl From<Defect> for ReadError {
    fn from(defect: Defect) -> Self {
        Self::Defect(defect)
    }
}

impl From<PrivacyError> for ReadError {
    fn from(error: PrivacyError) -> Self {
        Self::Program(error)
    }
}

impl ReadError {
    /// The error of a line of a file.
    pub(super) fn at(self, path: &std::path::Path, line: u64) -> PrivacyError {
        match self {
            Self::Defect(defect) => PrivacyError::AuditLine {
                path: path.into(),
                line,
                defect,
            },
            Self::Program(error) => error,
        }
    }
}
