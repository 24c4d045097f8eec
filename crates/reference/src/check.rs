//! Does the index describe the file beside it?
//!
//! Modification times say nothing after a checkout or a copy, so the content decides: in front of
//! every contig's first base must stand the header line that names it, and its last base must be
//! followed by the end of the sequence.

use std::io;
use std::path::Path;

use crate::ReferenceError;
use crate::fai::ContigLayout;
use crate::source::ByteSource;

/// Bytes to look back for the header line: first try, and the longest header line accepted.
const LOOK_BACK: [u64; 2] = [1 << 10, 1 << 16];

/// Checks every contig of the index against the file.
pub(crate) fn index_fits(
    path: &Path,
    layouts: &[ContigLayout],
    source: &mut ByteSource,
) -> Result<(), ReferenceError> {
    for layout in layouts {
        let stale = |detail: String| ReferenceError::StaleIndex {
            path: path.to_owned(),
            contig: layout.name.clone(),
            detail,
        };
        let found = header_name(layout.start, source)
            .map_err(|error| stale(format!("its header line cannot be read ({error})")))?;
        match found {
            Some(name) if name == layout.name.as_bytes() => {}
            Some(name) => {
                let name = String::from_utf8_lossy(&name).into_owned();
                return Err(stale(format!("the header line there names {name}")));
            }
            None => return Err(stale("no header line stands before its bases".to_owned())),
        }
        sequence_ends(layout, source)
            .map_err(|error| stale(format!("its last line cannot be read ({error})")))?
            .map_err(|detail| stale(detail.to_owned()))?;
    }
    Ok(())
}

/// Name in the header line that ends just before `start`.
fn header_name(start: u64, source: &mut ByteSource) -> io::Result<Option<Vec<u8>>> {
    for limit in LOOK_BACK {
        let look_back = start.min(limit);
        let mut bytes = vec![0; usize::try_from(look_back).unwrap_or_default()];
        source.read_at(start - look_back, &mut bytes)?;
        let Some(text) = bytes.strip_suffix(b"\n") else {
            return Ok(None);
        };
        let line = text.rsplit(|byte| *byte == b'\n').next().unwrap_or(text);
        if line.len() == text.len() && look_back < start {
            continue;
        }
        return Ok(line.strip_prefix(b">").map(|header| {
            let end = header.iter().position(u8::is_ascii_whitespace);
            header[..end.unwrap_or(header.len())].to_vec()
        }));
    }
    Ok(None)
}

/// Whether the sequence ends where the index says: a base, a line end, then a header or nothing.
fn sequence_ends(
    layout: &ContigLayout,
    source: &mut ByteSource,
) -> io::Result<Result<(), &'static str>> {
    if layout.length == 0 {
        return Ok(Ok(()));
    }
    let mut bytes = [0; 4];
    let filled = source.read_up_to(layout.end() - 1, &mut bytes)?;
    let Some((last, rest)) = bytes[..filled].split_first() else {
        return Ok(Err("the file ends before its last base"));
    };
    if !last.is_ascii_graphic() || *last == b'>' {
        return Ok(Err("what should be its last base is none"));
    }
    let rest = rest.strip_prefix(b"\r").unwrap_or(rest);
    Ok(match rest {
        [] | [b'\n'] | [b'\n', b'>' | b'\n' | b'\r', ..] => Ok(()),
        [b'\n', ..] | [_, ..] => Err("it has more bases than the index says"),
    })
}
