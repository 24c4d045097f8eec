//! Expected ploidy by contig and sex, and the dosage of a call under it.

use crate::{
    Call, CallCode, ContigId, ContigSet, GenomeBuild, Interval, Position, Sex, canonical_name,
};

/// What the expected ploidy at a site depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SiteClass {
    /// Autosome, pseudoautosomal region, or a contig of no known kind: as the call says.
    Autosomal = 0,
    /// X outside the pseudoautosomal regions.
    X = 1,
    /// Y outside the pseudoautosomal regions.
    Y = 2,
    /// The mitochondrion.
    Mitochondrial = 3,
}

impl SiteClass {
    /// Every class, by its number.
    pub const ALL: [Self; 4] = [Self::Autosomal, Self::X, Self::Y, Self::Mitochondrial];

    /// The class with a number; [`SiteClass::Autosomal`] for any other.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        *Self::ALL
            .get(usize::from(number))
            .unwrap_or(&Self::Autosomal)
    }
}

impl SiteClass {
    /// Copies expected of a person: `None` where it is not known, so that a call counts as written;
    /// 0 on Y of a female.
    #[must_use]
    pub fn expected_ploidy(self, sex: Sex) -> Option<u8> {
        match (self, sex) {
            (Self::Y, Sex::Female) => Some(0),
            (Self::X | Self::Y, Sex::Male) | (Self::Mitochondrial, _) => Some(1),
            _ => None,
        }
    }

    /// A call as it counts here: where one copy is expected, a call of several counts once (with the
    /// alternate allele if any haplotype has it, missing if any haplotype is); where none is
    /// expected, it does not count.
    #[must_use]
    pub fn counted(self, call: Call, sex: Sex) -> Option<Call> {
        match self.expected_ploidy(sex) {
            Some(0) => None,
            Some(_) if call.ploidy > 1 => {
                let mut once = Call {
                    ploidy: 1,
                    ..Call::default()
                };
                if call.missing > 0 {
                    once.missing = 1;
                } else if call.alternate > 0 {
                    once.alternate = 1;
                } else if call.other > 0 {
                    once.other = 1;
                }
                Some(once)
            }
            _ => Some(call),
        }
    }
}

/// Finds the [`SiteClass`] of a position.
#[derive(Clone, Debug)]
pub struct PloidyMap {
    classes: Vec<SiteClass>,
    pseudoautosomal: Vec<Interval>,
}

impl PloidyMap {
    /// Builds the map of a run from its contigs and the pseudoautosomal regions of its build.
    #[must_use]
    pub fn new(contigs: &ContigSet, build: GenomeBuild) -> Self {
        let regions = build
            .pseudoautosomal()
            .iter()
            .filter_map(|(name, start, end)| {
                let contig = contigs.find(name)?;
                Some(Interval {
                    contig,
                    start: Position(*start),
                    end: Position(*end),
                })
            });
        Self::with_regions(contigs, regions)
    }

    /// Builds the map with given pseudoautosomal regions, for builds that varisk does not know.
    #[must_use]
    pub fn with_regions(contigs: &ContigSet, regions: impl IntoIterator<Item = Interval>) -> Self {
        let class = |name: &str| match canonical_name(name) {
            "X" => SiteClass::X,
            "Y" => SiteClass::Y,
            "MT" => SiteClass::Mitochondrial,
            _ => SiteClass::Autosomal,
        };
        Self {
            classes: contigs.iter().map(|(_, name, _)| class(name)).collect(),
            pseudoautosomal: regions.into_iter().collect(),
        }
    }

    /// Class of a position.
    #[must_use]
    pub fn class(&self, contig: ContigId, position: Position) -> SiteClass {
        let class = self
            .classes
            .get(contig.0 as usize)
            .copied()
            .unwrap_or(SiteClass::Autosomal);
        let sex_chromosome = matches!(class, SiteClass::X | SiteClass::Y);
        if sex_chromosome
            && self
                .pseudoautosomal
                .iter()
                .any(|region| region.contains(contig, position))
        {
            return SiteClass::Autosomal;
        }
        class
    }
}

/// Dosage of every call code at a site class for one sex.
///
/// Where one copy is expected (X and Y of a male outside the pseudoautosomal regions, and the
/// mitochondrion) a diploid call counts once. A Y call of a female has no dosage.
#[derive(Clone, Debug)]
pub struct DosageTable([u8; 256]);

impl DosageTable {
    /// Mark in the table for a call without a dosage: missing, partial, not assayed, polyploid.
    pub const NONE: u8 = u8::MAX;

    /// Builds the table.
    #[must_use]
    pub fn new(class: SiteClass, sex: Sex) -> Self {
        let mut table = [Self::NONE; 256];
        for (code, dosage) in (0..=u8::MAX).zip(&mut table) {
            let counted = CallCode(code)
                .call()
                .and_then(|call| class.counted(call, sex));
            if let Some(call) = counted.filter(|call| call.is_complete()) {
                *dosage = call.alternate;
            }
        }
        Self(table)
    }

    /// Copies of the alternate allele, or [`DosageTable::NONE`].
    #[must_use]
    pub fn of(&self, code: u8) -> u8 {
        self.0[usize::from(code)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Haplotype::{Alternate, Missing, Reference};

    #[test]
    fn a_male_counts_once_on_x_outside_the_pseudoautosomal_regions() {
        let contigs = ContigSet::new([("chrX".to_owned(), 156_040_895)]);
        let map = PloidyMap::new(&contigs, GenomeBuild::Grch38);
        let class = |position| map.class(ContigId(0), Position(position));
        assert_eq!(class(10_000), SiteClass::X);
        assert_eq!(class(10_001), SiteClass::Autosomal);
        assert_eq!(class(2_781_480), SiteClass::X);

        let homozygous = CallCode::diploid(Alternate, Alternate, false).0;
        assert_eq!(DosageTable::new(SiteClass::X, Sex::Male).of(homozygous), 1);
        assert_eq!(
            DosageTable::new(SiteClass::X, Sex::Female).of(homozygous),
            2
        );
        assert_eq!(
            DosageTable::new(SiteClass::Autosomal, Sex::Male).of(homozygous),
            2
        );
        assert_eq!(
            DosageTable::new(SiteClass::Y, Sex::Female).of(homozygous),
            DosageTable::NONE
        );
    }

    #[test]
    fn a_partial_call_has_no_dosage() {
        let table = DosageTable::new(SiteClass::Autosomal, Sex::Unknown);
        assert_eq!(
            table.of(CallCode::diploid(Alternate, Missing, false).0),
            DosageTable::NONE
        );
        assert_eq!(table.of(CallCode::NOT_ASSAYED.0), DosageTable::NONE);
        assert_eq!(table.of(CallCode::diploid(Reference, Alternate, true).0), 1);
    }
}
