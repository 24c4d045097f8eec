//! Reads GFF3 and GTF line by line.
//!
//! The readers of the formats' library are not used: they build every field of every line, while a
//! transcript needs few of them, and a message has to name the line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use varisk_core::ContigSet;

use super::assemble::{Collector, Feature};
use super::attributes::{Attributes, Dialect};
use super::summary::ModelsSummary;
use crate::AnnotateError;
use crate::transcript::{Span, Strand, Transcript};

/// The last bytes of every complete BGZF file: an empty block (SAM specification, 4.1.2).
const BGZF_EOF: [u8; 28] = [
    0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x06, 0, 0x42, 0x43, 0x02, 0, 0x1b, 0, 0x03, 0, 0,
    0, 0, 0, 0, 0, 0, 0,
];

/// No line of gene models comes near this; a longer one is another kind of file.
const LONGEST_LINE: u64 = 1 << 20;

pub(super) fn read(
    path: &Path,
    contigs: &ContigSet,
) -> Result<(Vec<Transcript>, ModelsSummary), AnnotateError> {
    let mut reader = open(path)?;
    let mut collector = Collector::new(contigs);
    let mut bytes = Vec::new();
    let mut dialect = None;
    let mut number = 0u64;
    loop {
        bytes.clear();
        let read = (&mut reader)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut bytes)
            .map_err(|source| AnnotateError::Read {
                path: path.to_owned(),
                line: number,
                source,
            })?;
        if read == 0 {
            break;
        }
        number += 1;
        let refuse = |detail: String| AnnotateError::Line {
            path: path.to_owned(),
            line: number,
            detail,
        };
        let line = std::str::from_utf8(&bytes)
            .map_err(|_| refuse("it is not text; check the file".to_owned()))?
            .trim_end_matches(['\n', '\r']);
        if line == "##FASTA" || line.starts_with('>') {
            break;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let dialect = *dialect.get_or_insert_with(|| tell_dialect(line));
        parse(line, dialect, &mut collector).map_err(refuse)?;
    }
    Ok(collector.finish(dialect.unwrap_or(Dialect::Gff3)))
}

fn open(path: &Path) -> Result<Box<dyn BufRead>, AnnotateError> {
    let unreadable = |source| AnnotateError::Open {
        path: path.to_owned(),
        source,
    };
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
    let head = reader.fill_buf().map_err(unreadable)?;
    let is_gzip = head.starts_with(&[0x1f, 0x8b]);
    // The BGZF extra field: FLG says that there is one, and its subfield is `BC` of two bytes.
    let is_bgzf = is_gzip
        && head.get(3).is_some_and(|flags| flags & 4 != 0)
        && head.get(12..16) == Some([b'B', b'C', 2, 0].as_slice());
    if is_bgzf && !ends_with_mark(path).map_err(unreadable)? {
        return Err(AnnotateError::Read {
            path: path.to_owned(),
            line: 0,
            source: std::io::ErrorKind::UnexpectedEof.into(),
        });
    }
    Ok(if is_gzip {
        Box::new(BufReader::with_capacity(
            1 << 16,
            MultiGzDecoder::new(reader),
        ))
    } else {
        Box::new(reader)
    })
}

/// Whether a file ends with the empty block of every complete BGZF file. One that was cut between
/// blocks inflates without an error; only the missing mark tells.
fn ends_with_mark(path: &Path) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    let mut tail = [0; BGZF_EOF.len()];
    let Some(offset) = file.metadata()?.len().checked_sub(BGZF_EOF.len() as u64) else {
        return Ok(false);
    };
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut tail)?;
    Ok(tail == BGZF_EOF)
}

/// GFF3 writes `name=value`, GTF `name "value"`: told by what follows the first name.
fn tell_dialect(line: &str) -> Dialect {
    let attributes = line.split('\t').nth(8).unwrap_or_default().trim_start();
    match attributes.find(['=', ' ', '"']) {
        Some(at) if !attributes[at..].starts_with('=') => Dialect::Gtf,
        _ => Dialect::Gff3,
    }
}

fn parse(line: &str, dialect: Dialect, collector: &mut Collector) -> Result<(), String> {
    let mut fields = line.split('\t');
    let mut next = || {
        fields
            .next()
            .ok_or_else(|| "it has fewer than 9 tab-separated columns; check the file".to_owned())
    };
    let (contig, _source, kind) = (next()?, next()?, next()?);
    let (start, end, _score, strand, phase) = (next()?, next()?, next()?, next()?, next()?);
    let attributes = next()?;
    if !Collector::wants(kind) {
        return Ok(());
    }
    let position = |text: &str| {
        text.parse::<u32>()
            .ok()
            .filter(|position| *position > 0)
            .ok_or_else(|| format!("'{text}' is no position from 1 on; correct the line"))
    };
    let span = Span {
        start: position(start)?,
        end: position(end)?,
    };
    if span.start > span.end {
        return Err(format!(
            "start {start} lies behind end {end}; swap them or remove the line"
        ));
    }
    let strand = match strand {
        "+" => Some(Strand::Forward),
        "-" => Some(Strand::Reverse),
        "." | "?" => None,
        other => return Err(format!("strand '{other}' is none of +, -, . and ?")),
    };
    let phase = match phase {
        "0" => Some(0),
        "1" => Some(1),
        "2" => Some(2),
        "." => None,
        other => return Err(format!("phase '{other}' is none of 0, 1, 2 and '.'")),
    };
    collector.add(&Feature {
        contig,
        kind,
        span,
        strand,
        phase,
        attributes: Attributes::try_new(attributes, dialect)?,
        dialect,
    })
}
