//! What is asked of the reads at a site, and what one read answers.
//!
//! * One base: the base at the position.
//! * Several bases: all of them, from one read.
//! * Insertions, deletions and complex changes: the read must reach over the whole stretch in which
//!   the change could be written elsewhere (the repeat) and a base beyond it on each side. Its own
//!   insertions and deletions are then applied to the reference, and the resulting sequence is
//!   compared with that of each allele. So it does not matter where in a repeat the aligner put a
//!   gap, and a wrong base elsewhere in the repeat does not hide it.

use varisk_core::{ContigId, Position};
use varisk_reference::{ReferenceError, SequenceReader};

use crate::read::{AlignedRead, At, op};

/// An indel in a repeat that goes on for more bases than this is compared over these bases only:
/// no read of a short-read instrument reaches farther.
const MAX_REPEAT: usize = 4096;
/// Reference bases fetched at a time while the end of a repeat is sought.
const REPEAT_STEP: usize = 128;

/// A normalised biallelic allele that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteQuery<'a> {
    /// Position of the first base of `reference`, 1-based.
    pub position: Position,
    /// REF.
    pub reference: &'a [u8],
    /// ALT, as bases.
    pub alternate: &'a [u8],
}

/// Allele that a read shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Reference,
    Alternate,
    Other,
}

/// What a read answers: the allele, and the base quality that decides whether it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    pub(crate) shown: Shown,
    pub(crate) quality: u8,
}

/// A site, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SitePlan {
    /// 0-based position at which a read must have a base: the site, or the base before an indel.
    pub(crate) start: u32,
    question: Question,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Question {
    /// One base.
    Base { reference: u8, alternate: u8 },
    /// As many bases as REF has.
    Bases {
        reference: Vec<u8>,
        alternate: Vec<u8>,
    },
    /// Sequences of both alleles over the window that starts at `start`.
    Sequence {
        reference: Vec<u8>,
        alternate: Vec<u8>,
        /// Stretch of the window, from and to (exclusive), in which the bases are the read's own and
        /// not the reference's: of a complex change only.
        own: (usize, usize),
    },
    /// Not an allele of bases: nothing is counted.
    Nothing,
}

impl SitePlan {
    /// Whether the sequence around the site is needed.
    pub(crate) fn needs_sequence(site: &SiteQuery<'_>) -> bool {
        site.reference.len() != site.alternate.len()
    }

    /// Lays out a site; `sequence` is the run's reference and the contig in it, needed where
    /// [`SitePlan::needs_sequence`] says so.
    pub(crate) fn new(
        site: &SiteQuery<'_>,
        sequence: Option<(&mut SequenceReader, ContigId)>,
    ) -> Result<Self, ReferenceError> {
        let nothing = Self {
            start: site.position.0.saturating_sub(1),
            question: Question::Nothing,
        };
        let is_bases =
            |allele: &[u8]| !allele.is_empty() && allele.iter().all(u8::is_ascii_alphabetic);
        let Some(start) = site.position.offset() else {
            return Ok(nothing);
        };
        if !is_bases(site.reference) || !is_bases(site.alternate) {
            return Ok(nothing);
        }
        let reference = site.reference.to_ascii_uppercase();
        let alternate = site.alternate.to_ascii_uppercase();
        if let ([reference], [alternate]) = (reference.as_slice(), alternate.as_slice()) {
            return Ok(Self {
                start,
                question: Question::Base {
                    reference: *reference,
                    alternate: *alternate,
                },
            });
        }
        if reference.len() == alternate.len() {
            return Ok(Self {
                start,
                question: Question::Bases {
                    reference,
                    alternate,
                },
            });
        }
        match sequence {
            Some((reader, contig)) => window(reader, contig, start, &reference, &alternate),
            None => Ok(nothing),
        }
    }

    /// Asks a read that starts at or before the site; `None` where it does not reach over it.
    pub(crate) fn observe(
        &self,
        read: &mut AlignedRead,
        scratch: &mut Vec<u8>,
    ) -> Option<Observation> {
        let at = read.at(self.start);
        let quality = match at {
            At::Base(offset) | At::Deleted(offset) => read.quality(offset),
            At::Skipped | At::Outside => return None,
        };
        match &self.question {
            Question::Nothing => None,
            Question::Base {
                reference,
                alternate,
            } => {
                let shown = match at {
                    At::Base(offset) => match read.base(offset) {
                        base if base == *reference => Shown::Reference,
                        base if base == *alternate => Shown::Alternate,
                        _ => Shown::Other,
                    },
                    _ => Shown::Other,
                };
                Some(Observation { shown, quality })
            }
            Question::Bases {
                reference,
                alternate,
            } => {
                let least = bases(read, self.start, reference.len(), scratch)?;
                Some(Observation {
                    shown: compare(scratch, reference, alternate),
                    quality: least,
                })
            }
            Question::Sequence {
                reference,
                alternate,
                own,
            } => {
                apply(read, self.start, reference, *own, scratch)?;
                Some(Observation {
                    shown: compare(scratch, reference, alternate),
                    quality,
                })
            }
        }
    }
}

fn compare(found: &[u8], reference: &[u8], alternate: &[u8]) -> Shown {
    if found == reference {
        Shown::Reference
    } else if found == alternate {
        Shown::Alternate
    } else {
        Shown::Other
    }
}

/// Lays out an indel or complex change: the window in which it could be written, and both sequences.
fn window(
    reader: &mut SequenceReader,
    contig: ContigId,
    start: u32,
    reference: &[u8],
    alternate: &[u8],
) -> Result<SitePlan, ReferenceError> {
    let length = reader.contigs().length(contig);
    let prefix = reference
        .iter()
        .zip(alternate)
        .take_while(|(r, a)| r == a)
        .count();
    let (rest_reference, rest_alternate) = (&reference[prefix..], &alternate[prefix..]);
    let suffix = rest_reference
        .iter()
        .rev()
        .zip(rest_alternate.iter().rev())
        .take_while(|(r, a)| r == a)
        .count();
    let removed = &rest_reference[..rest_reference.len() - suffix];
    let added = &rest_alternate[..rest_alternate.len() - suffix];
    let is_complex = !removed.is_empty() && !added.is_empty();

    // The change stands between the bases before and from `changed` on, 0-based.
    let changed = start.saturating_add(prefix as u32);
    let mut end = changed.saturating_add(removed.len() as u32);
    if !is_complex {
        let unit = if removed.is_empty() { added } else { removed };
        end = end.saturating_add(repeat(reader, contig, end, unit)? as u32);
    }
    // One base more on each side, where the contig has one.
    let first = changed.saturating_sub(1);
    let last = end.min(length.saturating_sub(1));
    let mut sequence = vec![0; (last.saturating_sub(first) as usize).saturating_add(1)];
    reader.fill(contig, i64::from(first), &mut sequence)?;

    let before = (changed - first) as usize;
    let after = before.saturating_add(removed.len()).min(sequence.len());
    let mut changed_sequence = sequence[..before.min(sequence.len())].to_vec();
    changed_sequence.extend_from_slice(added);
    changed_sequence.extend_from_slice(&sequence[after..]);
    let own = if is_complex { (before, after) } else { (0, 0) };
    Ok(SitePlan {
        start: first,
        question: Question::Sequence {
            reference: sequence,
            alternate: changed_sequence,
            own,
        },
    })
}

/// How many bases from 0-based `end` on go on in the repetition of `unit`: so far to the right can
/// the change be written as well.
fn repeat(
    reader: &mut SequenceReader,
    contig: ContigId,
    end: u32,
    unit: &[u8],
) -> Result<usize, ReferenceError> {
    let mut bases = [0; REPEAT_STEP];
    let mut found = 0;
    while found < MAX_REPEAT {
        // Beyond the contig's end `fill` gives N, which ends any repeat of bases.
        reader.fill(contig, i64::from(end) + found as i64, &mut bases)?;
        let expected = unit.iter().cycle().skip(found % unit.len());
        let same = bases
            .iter()
            .zip(expected)
            .take_while(|(base, unit)| base == unit && **base != b'N')
            .count();
        found += same;
        if same < bases.len() {
            break;
        }
    }
    Ok(found)
}

/// Bases of a read at positions side by side, and their least quality; `None` where the read does
/// not reach over all of them. Bases inserted between them are part of what it shows.
fn bases(read: &AlignedRead, start: u32, length: usize, out: &mut Vec<u8>) -> Option<u8> {
    out.clear();
    let mut least = u8::MAX;
    let mut cursor = read.cursor();
    let mut next = None;
    for position in (start..).take(length) {
        let at;
        (cursor, at) = read.seek(cursor, position);
        match at {
            At::Base(offset) => {
                for inserted in next.unwrap_or(offset)..offset {
                    out.push(read.base(inserted));
                }
                out.push(read.base(offset));
                least = least.min(read.quality(offset));
                next = Some(offset + 1);
            }
            At::Deleted(offset) => {
                least = least.min(read.quality(offset));
                next = Some(offset);
            }
            At::Skipped | At::Outside => return None,
        }
    }
    Some(least)
}

/// The reference's window with the insertions and deletions of the read; `None` where the read does
/// not reach over all of it.
fn apply(
    read: &AlignedRead,
    start: u32,
    reference: &[u8],
    own: (usize, usize),
    out: &mut Vec<u8>,
) -> Option<()> {
    out.clear();
    let last = start.checked_add(u32::try_from(reference.len()).ok()?)? - 1;
    if read.start > start || read.end <= last {
        return None;
    }
    let mut cursor = read.cursor();
    while let Some(op) = read.cigar.get(cursor.op) {
        if cursor.contig > last {
            break;
        }
        let from = cursor.contig.max(start);
        let to = cursor.contig.saturating_add(op.on_contig()).min(last + 1);
        match op.kind {
            op::SKIP if from < to => return None,
            op::INSERTION if cursor.contig > start => {
                for offset in cursor.read..cursor.read.saturating_add(op.length) {
                    out.push(read.base(offset as usize));
                }
            }
            _ if op.is_aligned() => {
                for position in from..to {
                    let index = (position - start) as usize;
                    out.push(if own.0 <= index && index < own.1 {
                        read.base(cursor.read.saturating_add(position - cursor.contig) as usize)
                    } else {
                        *reference.get(index)?
                    });
                }
            }
            _ => {}
        }
        cursor.contig = cursor.contig.saturating_add(op.on_contig());
        cursor.read = cursor.read.saturating_add(op.on_read());
        cursor.op += 1;
    }
    Some(())
}
