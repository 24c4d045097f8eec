//! One allele at a time: REF against the FASTA, trimmed, left-aligned.
//!
//! The result is that of `bcftools norm -m -any -f FASTA`: the shortest pair of alleles that share
//! their first base (or, at the very start of a contig, their last), as far left as the sequence
//! allows. Splitting a record into (REF, one ALT) pairs is the caller's.

mod error;
mod shift;

use varisk_core::{AlleleClass, ContigId, Position, Reason};

pub use error::NormaliseError;

use crate::{ReferenceError, SequenceReader};

/// Whether REF is what the FASTA has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefCheck {
    /// It is; case does not matter, and `N` stands for any IUPAC code of the FASTA.
    Match,
    /// It is not.
    Mismatch {
        /// What the FASTA has, upper case; shorter than REF where the contig ends.
        expected: Vec<u8>,
    },
    /// REF is empty or holds something other than A, C, G, T or N, so there is nothing to compare.
    NotBases,
}

/// A normalised allele. It borrows from the [`Normaliser`] until the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Normalised<'a> {
    /// Position of the first base of `reference`, 1-based.
    pub position: Position,
    /// REF; upper case where it is bases.
    pub reference: &'a [u8],
    /// ALT; upper case where it is bases, else exactly as given.
    pub alternate: &'a [u8],
    /// Class of the allele as it is here.
    pub class: AlleleClass,
    /// Why the allele was left as it was; `None` for one that was normalised.
    pub reason: Option<Reason>,
}

/// Normalises alleles; one for each thread.
///
/// # Memory
/// That of its reader and about twice the longest allele seen.
pub struct Normaliser {
    reader: SequenceReader,
    reference: Vec<u8>,
    alternate: Vec<u8>,
    fetched: Vec<u8>,
}

impl Normaliser {
    /// A normaliser over the reader's FASTA.
    #[must_use]
    pub fn new(reader: SequenceReader) -> Self {
        Self {
            reader,
            reference: Vec::new(),
            alternate: Vec::new(),
            fetched: Vec::new(),
        }
    }

    /// The reader, for other uses of the same windows.
    pub fn reader(&mut self) -> &mut SequenceReader {
        &mut self.reader
    }

    /// Compares REF with the FASTA. At the telomere position 0 the first letter stands for no base
    /// and only the others are compared.
    ///
    /// # Errors
    /// The FASTA cannot be read.
    pub fn check_reference(
        &mut self,
        contig: ContigId,
        position: Position,
        reference: &[u8],
    ) -> Result<RefCheck, ReferenceError> {
        if !is_bases(reference) {
            return Ok(RefCheck::NotBases);
        }
        let (start, compared) = match position.offset() {
            Some(offset) => (offset, reference),
            None => (0, reference.get(1..).unwrap_or_default()),
        };
        let length = self.reader.contigs().length(contig);
        self.fetched.resize(compared.len(), 0);
        self.reader
            .fill(contig, i64::from(start), &mut self.fetched)?;
        let available = length.saturating_sub(start) as usize;
        let equal = |(given, base): (&u8, &u8)| given.to_ascii_uppercase() == comparable(*base);
        if compared.len() <= available && compared.iter().zip(&self.fetched).all(equal) {
            return Ok(RefCheck::Match);
        }
        self.fetched.truncate(available);
        Ok(RefCheck::Mismatch {
            expected: self.fetched.clone(),
        })
    }

    /// Normalises one REF and ALT pair of a record at a 1-based position.
    ///
    /// Alleles that are not sequences, hold letters other than A, C, G, T and N, or stand at the
    /// telomere position 0 come back as they are, with the reason; REF is checked where it is
    /// bases.
    ///
    /// # Errors
    /// REF is not what the FASTA has there, or the FASTA cannot be read.
    pub fn normalise(
        &mut self,
        contig: ContigId,
        position: Position,
        reference: &[u8],
        alternate: &[u8],
    ) -> Result<Normalised<'_>, NormaliseError> {
        let checked = self.check_reference(contig, position, reference)?;
        if let RefCheck::Mismatch { expected } = checked {
            return Err(self.mismatch(contig, position, reference, &expected));
        }
        let class = AlleleClass::of(reference, alternate);
        copy(&mut self.reference, reference);
        copy(&mut self.alternate, alternate);
        let are_bases = checked == RefCheck::Match && is_bases(alternate);
        let reason = match (class_reason(class), position.offset()) {
            (Some(reason), _) => Some(reason),
            (None, _) if !are_bases => Some(Reason::AmbiguousBase),
            (None, None) => Some(Reason::TelomerePosition),
            (None, Some(offset)) => {
                // A single base has nothing to trim or shift: most alleles cost the check alone.
                if class != AlleleClass::Snv {
                    return self.minimise(contig, offset);
                }
                None
            }
        };
        Ok(Normalised {
            position,
            reference: &self.reference,
            alternate: &self.alternate,
            class,
            reason,
        })
    }

    /// Bases by which a left-aligned insertion or deletion can be moved right and still make the
    /// same sequence, `limit` at most: where its bases repeat, callers write it at any of these
    /// places. 0 for any other allele.
    ///
    /// # Errors
    /// The FASTA cannot be read.
    pub fn right_shift(
        &mut self,
        contig: ContigId,
        position: Position,
        reference: &[u8],
        alternate: &[u8],
        limit: u32,
    ) -> Result<u32, ReferenceError> {
        let (longer, shorter) = if reference.len() > alternate.len() {
            (reference, alternate)
        } else {
            (alternate, reference)
        };
        let (Some((anchor, moved)), [other]) = (longer.split_first(), shorter) else {
            return Ok(0);
        };
        if moved.is_empty() || !anchor.eq_ignore_ascii_case(other) {
            return Ok(0);
        }
        // The first base behind REF, 0-based.
        let behind = i64::from(position.0) - 1 + reference.len() as i64;
        let room = self
            .reader
            .contigs()
            .length(contig)
            .saturating_sub(u32::try_from(behind).unwrap_or(u32::MAX));
        let mut bases = vec![0; limit.min(room) as usize];
        self.reader.fill(contig, behind, &mut bases)?;
        let repeated = bases
            .iter()
            .zip(moved.iter().cycle())
            .take_while(|(base, moved)| **base == moved.to_ascii_uppercase() && **base != b'N');
        Ok(u32::try_from(repeated.count()).unwrap_or(u32::MAX))
    }

    /// Trims and left-aligns the pair in the scratch buffers; REF starts at a 0-based offset.
    fn minimise(
        &mut self,
        contig: ContigId,
        offset: u32,
    ) -> Result<Normalised<'_>, NormaliseError> {
        let offset = shift::minimise(
            &mut self.reader,
            contig,
            offset,
            &mut self.reference,
            &mut self.alternate,
        )?;
        Ok(Normalised {
            position: Position(offset.saturating_add(1)),
            reference: &self.reference,
            alternate: &self.alternate,
            class: AlleleClass::of(&self.reference, &self.alternate),
            reason: None,
        })
    }

    fn mismatch(
        &self,
        contig: ContigId,
        position: Position,
        reference: &[u8],
        expected: &[u8],
    ) -> NormaliseError {
        let contigs = self.reader.contigs();
        NormaliseError::ReferenceMismatch {
            path: self.reader.reference().path().to_owned(),
            contig: contigs.name(contig).to_owned(),
            position,
            found: reference.to_owned(),
            expected: expected.to_owned(),
        }
    }
}

/// Why an allele of this class is no sequence.
fn class_reason(class: AlleleClass) -> Option<Reason> {
    match class {
        AlleleClass::SpanningDeletion => Some(Reason::SpanningDeletion),
        AlleleClass::NonRef => Some(Reason::NonRefAllele),
        AlleleClass::Symbolic => Some(Reason::SymbolicAllele),
        AlleleClass::Breakend => Some(Reason::Breakend),
        AlleleClass::Absent => Some(Reason::NoAlternateAllele),
        AlleleClass::Identical => Some(Reason::IdenticalAlleles),
        AlleleClass::Snv
        | AlleleClass::Mnv
        | AlleleClass::Insertion
        | AlleleClass::Deletion
        | AlleleClass::Complex => None,
    }
}

/// Whether an allele is written in A, C, G, T and N alone, in either case.
fn is_bases(allele: &[u8]) -> bool {
    let is_base = |base: &u8| matches!(base.to_ascii_uppercase(), b'A' | b'C' | b'G' | b'T' | b'N');
    !allele.is_empty() && allele.iter().all(is_base)
}

/// A base of the FASTA as alleles are compared with it: VCF has no IUPAC codes, so they read `N`.
fn comparable(base: u8) -> u8 {
    match base {
        b'A' | b'C' | b'G' | b'T' => base,
        _ => b'N',
    }
}

/// Copies an allele, upper case where it is bases.
fn copy(into: &mut Vec<u8>, allele: &[u8]) {
    into.clear();
    into.extend_from_slice(allele);
    if is_bases(allele) {
        into.make_ascii_uppercase();
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
