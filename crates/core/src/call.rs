//! Genotype calls: one byte for each allele and sample, laid out as a dense matrix.
//!
//! A byte keeps what a fold needs and loses nothing of a haploid or diploid call: for each of two
//! haplotypes whether it carries the reference, this alternate allele, another alternate allele, is
//! missing, or does not exist, and whether the call is phased. Calls of three and more haplotypes
//! are rare and stand in a sparse list beside the matrix.

use std::collections::BTreeMap;

/// What one haplotype of a call carries, seen from one alternate allele.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Haplotype {
    /// The reference allele.
    Reference = 0,
    /// The alternate allele of this row.
    Alternate = 1,
    /// Another alternate allele of the same site: neither missing nor reference.
    Other = 2,
    /// `.`: not called.
    Missing = 3,
    /// No such haplotype: a haploid call has no second one.
    Absent = 4,
}

impl Haplotype {
    const fn from_bits(bits: u8) -> Self {
        match bits & 0b111 {
            0 => Self::Reference,
            1 => Self::Alternate,
            2 => Self::Other,
            3 => Self::Missing,
            _ => Self::Absent,
        }
    }
}

/// A call in one byte: bits 0-2 first haplotype, 3-5 second, 6 phased, 7 polyploid (then the call
/// stands in [`CallMatrix::polyploid`]). Values of bits 0-2 that are no haplotype mark calls that no
/// record holds: see [`CallCode::inferred_reference`] and [`CallCode::from_reads`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallCode(pub u8);

impl CallCode {
    /// `0/0`.
    pub const HOMOZYGOUS_REFERENCE: Self =
        Self::diploid(Haplotype::Reference, Haplotype::Reference, false);
    /// `./.`.
    pub const MISSING: Self = Self::diploid(Haplotype::Missing, Haplotype::Missing, false);
    /// The file of this patient has no record for the row's site: nothing is known here.
    pub const NOT_ASSAYED: Self = Self::diploid(Haplotype::Absent, Haplotype::Absent, false);
    /// Three or more haplotypes: see [`CallMatrix::polyploid`].
    pub const POLYPLOID: Self = Self(0x80);

    /// A diploid call.
    #[must_use]
    pub const fn diploid(first: Haplotype, second: Haplotype, phased: bool) -> Self {
        Self(first as u8 | (second as u8) << 3 | (phased as u8) << 6)
    }

    /// A haploid call.
    #[must_use]
    pub const fn haploid(haplotype: Haplotype) -> Self {
        Self::diploid(haplotype, Haplotype::Absent, false)
    }

    /// Whether the call has three or more haplotypes.
    #[must_use]
    pub const fn is_polyploid(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// First and second haplotype; not meaningful for a polyploid call.
    #[must_use]
    pub const fn haplotypes(self) -> [Haplotype; 2] {
        if let Some((_, haplotypes)) = self.inference() {
            return haplotypes;
        }
        [
            Haplotype::from_bits(self.0),
            Haplotype::from_bits(self.0 >> 3),
        ]
    }

    /// The call with its copies counted; `None` for a polyploid code and for "not assayed".
    #[must_use]
    pub fn call(self) -> Option<Call> {
        if self.is_polyploid() || self == Self::NOT_ASSAYED {
            return None;
        }
        let mut call = Call {
            phased: self.0 & 0x40 != 0,
            ..Call::default()
        };
        for haplotype in self.haplotypes() {
            call.count(haplotype);
        }
        Some(call)
    }
}

/// A genotype call seen from one alternate allele. `0/.` is partial: neither missing nor reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Call {
    /// Copies of this alternate allele.
    pub alternate: u8,
    /// Copies of other alternate alleles of the site.
    pub other: u8,
    /// Haplotypes that are not called.
    pub missing: u8,
    /// Haplotypes of the call.
    pub ploidy: u8,
    /// Whether the haplotypes are in phase order.
    pub phased: bool,
}

impl Call {
    /// Counts one more haplotype.
    pub fn count(&mut self, haplotype: Haplotype) {
        match haplotype {
            Haplotype::Absent => return,
            Haplotype::Alternate => self.alternate = self.alternate.saturating_add(1),
            Haplotype::Other => self.other = self.other.saturating_add(1),
            Haplotype::Missing => self.missing = self.missing.saturating_add(1),
            Haplotype::Reference => {}
        }
        self.ploidy = self.ploidy.saturating_add(1);
    }

    /// Every haplotype is called.
    #[must_use]
    pub fn is_complete(self) -> bool {
        self.ploidy > 0 && self.missing == 0
    }

    /// No haplotype is called.
    #[must_use]
    pub fn is_missing(self) -> bool {
        self.missing == self.ploidy
    }

    /// Copies of the reference allele.
    #[must_use]
    pub fn reference(self) -> u8 {
        self.ploidy
            .saturating_sub(self.alternate)
            .saturating_sub(self.other)
            .saturating_sub(self.missing)
    }
}

/// A call of three or more haplotypes, at its place in the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolyploidCall {
    /// Row of the matrix.
    pub row: u32,
    /// Column of the matrix.
    pub sample: u32,
    /// The call.
    pub call: Call,
}

/// Calls of a batch: shape (alleles, samples), row-major, one byte each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallMatrix {
    codes: Vec<u8>,
    samples: usize,
    polyploid: Vec<PolyploidCall>,
    /// Stated dosages by row; only of rows whose record states some.
    dosages: BTreeMap<u32, Box<[u32]>>,
}

impl CallMatrix {
    /// An empty matrix for a number of samples, with room for some rows.
    #[must_use]
    pub fn with_capacity(samples: usize, rows: usize) -> Self {
        Self {
            codes: Vec::with_capacity(samples.saturating_mul(rows)),
            samples,
            polyploid: Vec::new(),
            dosages: BTreeMap::new(),
        }
    }

    /// Number of samples (columns).
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Number of rows; 0 where there are no samples.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.codes.len().checked_div(self.samples).unwrap_or(0)
    }

    /// The codes of one row, one byte for each sample; empty if there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[u8] {
        let start = row.saturating_mul(self.samples);
        self.codes.get(start..start + self.samples).unwrap_or(&[])
    }

    /// Adds a row filled with one code and returns its bytes to be written.
    pub fn push_row(&mut self, fill: CallCode) -> &mut [u8] {
        let start = self.codes.len();
        self.codes.resize(start + self.samples, fill.0);
        &mut self.codes[start..]
    }

    /// Sets the code of one call; nothing happens beyond the matrix.
    pub fn set(&mut self, row: usize, sample: usize, code: CallCode) {
        let at = row.saturating_mul(self.samples).saturating_add(sample);
        if sample < self.samples
            && let Some(byte) = self.codes.get_mut(at)
        {
            *byte = code.0;
        }
    }

    /// Takes the last row back.
    pub fn pop_row(&mut self) {
        self.codes
            .truncate(self.codes.len().saturating_sub(self.samples));
    }

    /// Adds a polyploid call; its code in the matrix must be [`CallCode::POLYPLOID`].
    pub fn push_polyploid(&mut self, call: PolyploidCall) {
        self.polyploid.push(call);
    }

    /// Calls of three or more haplotypes of one row, sorted by sample.
    pub fn polyploid(&self, row: usize) -> impl Iterator<Item = &PolyploidCall> {
        let start = self
            .polyploid
            .partition_point(|call| (call.row as usize) < row);
        self.polyploid
            .iter()
            .skip(start)
            .take_while(move |call| call.row as usize == row)
    }

    /// The call at a place, `None` where the site is not assayed for the sample.
    #[must_use]
    pub fn call(&self, row: usize, sample: usize) -> Option<Call> {
        let code = CallCode(*self.row(row).get(sample)?);
        if code.is_polyploid() {
            return self
                .polyploid(row)
                .find(|call| call.sample as usize == sample)
                .map(|call| call.call);
        }
        code.call()
    }

    /// Keeps the dosages that a record states for its allele (DS or GP) beside the calls of a row:
    /// for each sample a multiple of 1/[`crate::ONE_COPY`], or [`crate::NO_DOSAGE`].
    pub fn set_dosages(&mut self, row: u32, dosages: Box<[u32]>) {
        self.dosages.insert(row, dosages);
    }

    /// Stated dosages of a row, one for each sample; `None` where the record states none.
    #[must_use]
    pub fn dosages(&self, row: usize) -> Option<&[u32]> {
        let row = u32::try_from(row).ok()?;
        self.dosages.get(&row).map(Box::as_ref)
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.codes.len()
            + self.polyploid.len() * size_of::<PolyploidCall>()
            + self.dosages.len() * self.samples * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_hold_every_haploid_and_diploid_call() {
        use Haplotype::{Absent, Alternate, Missing, Other, Reference};
        for first in [Reference, Alternate, Other, Missing] {
            for second in [Reference, Alternate, Other, Missing, Absent] {
                for phased in [false, true] {
                    let code = CallCode::diploid(first, second, phased);
                    assert_eq!(code.haplotypes(), [first, second]);
                    let call = code.call().unwrap();
                    assert_eq!(call.ploidy, if second == Absent { 1 } else { 2 });
                    assert_eq!(call.phased, phased);
                    assert_eq!(
                        call.ploidy,
                        call.reference() + call.alternate + call.other + call.missing
                    );
                }
            }
        }
        assert_eq!(CallCode::NOT_ASSAYED.call(), None);
    }

    #[test]
    fn a_partial_call_is_neither_missing_nor_complete() {
        let call = CallCode::diploid(Haplotype::Reference, Haplotype::Missing, false)
            .call()
            .unwrap();
        assert!(!call.is_missing() && !call.is_complete());
    }

    #[test]
    fn polyploid_calls_follow_their_row() {
        let mut matrix = CallMatrix::with_capacity(2, 2);
        matrix.push_row(CallCode::HOMOZYGOUS_REFERENCE);
        matrix.push_row(CallCode::POLYPLOID);
        for sample in 0..2 {
            let call = Call {
                alternate: 3,
                ploidy: 4,
                ..Call::default()
            };
            matrix.push_polyploid(PolyploidCall {
                row: 1,
                sample,
                call,
            });
        }
        assert_eq!(matrix.call(1, 1).unwrap().alternate, 3);
        assert_eq!(matrix.call(0, 1).unwrap().alternate, 0);
    }
}
