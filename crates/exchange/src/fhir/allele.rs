//! The alleles of a patient, each once, with all that the run says of it.

use std::collections::HashMap;

use varisk_core::canonical_name;
use varisk_dossier::{Dossier, Finding};

/// What a source calls an allele.
pub(super) struct Assertion<'d> {
    pub source: &'d str,
    pub word: &'d str,
}

/// An allele of one record that the patient carries.
pub(super) struct Allele<'d> {
    /// The row that the allele is described by.
    pub row: &'d Finding,
    /// Rows in which a model reports it.
    pub reported: Vec<&'d Finding>,
    /// What sources call it, each source once.
    pub assertions: Vec<Assertion<'d>>,
}

impl Allele<'_> {
    /// A name that no other allele of the patient has.
    pub(super) fn name(&self) -> String {
        let row = self.row;
        format!(
            "{}:{}:{}:{}:{}:{}:{}",
            row.contig,
            row.position,
            row.reference,
            row.alternate,
            row.input_position,
            row.input_reference,
            row.input_alternate
        )
    }
}

/// All alleles of a dossier: findings of models first, in their order, then those that only sources
/// report. `clinical` are the sources that say something of significance.
pub(super) fn alleles<'d>(dossier: &'d Dossier, clinical: &'d [String]) -> Vec<Allele<'d>> {
    let mut alleles: Vec<Allele<'d>> = Vec::new();
    let mut known = HashMap::new();
    for row in dossier.findings.iter().chain(&dossier.known_variants) {
        let key = (
            &row.contig,
            row.position,
            &row.reference,
            &row.alternate,
            row.input_position,
            &row.input_reference,
            &row.input_alternate,
        );
        let index = *known.entry(key).or_insert_with(|| {
            alleles.push(Allele {
                row,
                reported: Vec::new(),
                assertions: Vec::new(),
            });
            alleles.len() - 1
        });
        let Some(allele) = alleles.get_mut(index) else {
            continue;
        };
        if row.model.is_some() {
            allele.reported.push(row);
        }
        if let (Some(source), Some(word)) = (&row.source, &row.significance) {
            assert_once(allele, source, word);
        }
        for source in clinical {
            if let Some(word) = row.annotations.text(&format!("{source}.significance")) {
                assert_once(allele, source, word);
            }
        }
    }
    alleles
}

fn assert_once<'d>(allele: &mut Allele<'d>, source: &'d str, word: &'d str) {
    if allele.assertions.iter().all(|own| own.source != source) {
        allele.assertions.push(Assertion { source, word });
    }
}

/// How many of the patient's copies are this allele, where the call says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zygosity {
    Heterozygous,
    Homozygous,
    Hemizygous,
    /// The call is partial, of more than two copies, or of the mitochondrion, of which a genotype
    /// does not say what share of the copies it is.
    Unknown,
}

/// Reads the call of a finding: 0 reference, 1 this allele, 2 another alternate, `.` not called.
pub(super) fn zygosity(row: &Finding) -> Zygosity {
    let calls: Vec<&str> = row.genotype.split(['/', '|']).collect();
    let copies = calls.iter().filter(|call| **call == "1").count();
    if canonical_name(&row.contig) == "MT" || copies == 0 || calls.contains(&".") {
        return Zygosity::Unknown;
    }
    match (calls.len(), copies) {
        (1, 1) => Zygosity::Hemizygous,
        // X and Y of a male as a caller that knows no sex writes them: two calls, one copy counts.
        (2, 2) if row.dosage == Some(1) => Zygosity::Hemizygous,
        (2, 2) => Zygosity::Homozygous,
        (2, 1) => Zygosity::Heterozygous,
        _ => Zygosity::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn zygosity_of_calls() {
        let check = |contig: &str, genotype: &str, dosage, expected| {
            let mut row = testing::finding();
            row.contig = contig.to_owned();
            row.genotype = genotype.to_owned();
            row.dosage = dosage;
            assert_eq!(zygosity(&row), expected, "{contig} {genotype}");
        };
        check("chr1", "0/1", Some(1), Zygosity::Heterozygous);
        check("chr1", "1|2", Some(1), Zygosity::Heterozygous);
        check("chr1", "1/1", Some(2), Zygosity::Homozygous);
        check("chrX", "1/1", Some(1), Zygosity::Hemizygous);
        check("chrX", "1", Some(1), Zygosity::Hemizygous);
        check("chr1", "./1", Some(1), Zygosity::Unknown);
        check("chr1", "0/1/1", Some(2), Zygosity::Unknown);
        check("chrM", "1", Some(1), Zygosity::Unknown);
        check("chr1", "0/2", Some(0), Zygosity::Unknown);
        check("chr1", "", None, Zygosity::Unknown);
    }

    #[test]
    fn an_allele_of_several_rows_is_one() {
        let mut dossier = testing::dossier("A");
        let clinical = vec!["clinvar".to_owned()];
        let before = alleles(&dossier, &clinical).len();
        let mut again = dossier.findings[0].clone();
        again.output = Some("other".to_owned());
        dossier.findings.push(again);
        let mut known = dossier.findings[0].clone();
        known.model = None;
        known.source = Some("clinvar".to_owned());
        known.significance = Some("pathogenic".to_owned());
        dossier.known_variants.push(known);
        let alleles = alleles(&dossier, &clinical);
        assert_eq!(alleles.len(), before);
        assert_eq!(alleles[0].reported.len(), 2);
        assert_eq!(alleles[0].assertions.len(), 1);
    }
}
