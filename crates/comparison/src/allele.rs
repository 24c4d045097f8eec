//! The alleles that a run reports for a patient.

use std::collections::{BTreeMap, BTreeSet};

use varisk_dossier::{AnnotationValue, Dossier, Finding};

/// Columns of consequences that are compared: all but identifiers of transcripts, whose versions
/// change with each release, and what depends on them.
pub(crate) const TERM: &str = "consequence.term";
const GENE: &str = "consequence.gene";
const PROTEIN: &str = "consequence.hgvsp";
/// Field of a `clinvar` source with the class.
pub(crate) const SIGNIFICANCE: &str = "significance";

/// A normalised allele.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Allele {
    pub(crate) contig: String,
    pub(crate) position: u32,
    pub(crate) reference: String,
    pub(crate) alternate: String,
}

/// Place of an allele among the top of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) rank: Option<u32>,
    pub(crate) score: Option<f64>,
}

/// What a run says of an allele that it reports for a patient.
#[derive(Debug)]
pub(crate) struct Reported<'d> {
    /// Any of its rows: they all have the same annotations.
    row: &'d Finding,
    /// Calls; several where several records have the allele.
    pub(crate) genotypes: BTreeSet<String>,
    /// Sources that report it, with their class.
    pub(crate) known: BTreeMap<&'d str, &'d str>,
    /// Models and outputs that list it, with rank and score.
    pub(crate) listed: BTreeMap<(&'d str, &'d str), Listed>,
}

/// The alleles that a run reports for a patient.
pub(crate) fn reported(dossier: &Dossier) -> BTreeMap<Allele, Reported<'_>> {
    let mut alleles: BTreeMap<Allele, Reported<'_>> = BTreeMap::new();
    for row in dossier.known_variants.iter().chain(&dossier.findings) {
        let allele = Allele {
            contig: row.contig.clone(),
            position: row.position,
            reference: row.reference.clone(),
            alternate: row.alternate.clone(),
        };
        let own = alleles.entry(allele).or_insert_with(|| Reported {
            row,
            genotypes: BTreeSet::new(),
            known: BTreeMap::new(),
            listed: BTreeMap::new(),
        });
        own.genotypes.insert(unphased(&row.genotype));
        if let (Some(source), Some(class)) = (&row.source, &row.significance) {
            own.known.insert(source, class);
        }
        if let (Some(model), Some(output)) = (&row.model, &row.output) {
            // Of several records with the allele the first one has the best rank.
            let place = own.listed.entry((model, output));
            place.or_insert(Listed {
                rank: row.rank,
                score: row.score,
            });
        }
    }
    alleles
}

impl Reported<'_> {
    /// The class by a source.
    pub(crate) fn class(&self, source: &str) -> Option<&str> {
        let known = self.known.get(source).copied();
        known.or_else(|| {
            self.row
                .annotations
                .text(&format!("{source}.{SIGNIFICANCE}"))
        })
    }

    /// The gene: of the consequence, else as the first of the given sources has it
    /// (`SYMBOL:ID|...` in ClinVar's GENEINFO).
    pub(crate) fn gene(&self, sources: &[String]) -> Option<&str> {
        let annotations = &self.row.annotations;
        annotations.text(GENE).or_else(|| {
            let mut own = sources.iter();
            let text = own.find_map(|source| annotations.text(&format!("{source}.gene")))?;
            text.split(['|', ':']).next()
        })
    }

    /// The consequence in words: term, gene, change of the protein.
    pub(crate) fn consequence(&self) -> Option<String> {
        let annotations = &self.row.annotations;
        let term = annotations.text(TERM);
        let gene = annotations.text(GENE);
        // Without the protein's identifier, whose version changes with each release.
        let protein = annotations.text(PROTEIN);
        let protein = protein.map(|name| name.split_once(':').map_or(name, |(_, change)| change));
        let words: Vec<&str> = [term, gene, protein].into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// All that is known of the allele, in the order of names.
    pub(crate) fn annotations(&self) -> BTreeMap<&str, &AnnotationValue> {
        self.row.annotations.iter().collect()
    }

    pub(crate) fn genotype(&self) -> String {
        let own: Vec<&str> = self.genotypes.iter().map(String::as_str).collect();
        own.join(", ")
    }

    /// Whether another run reports the allele by the same sources, models and outputs.
    pub(crate) fn is_reported_alike(&self, other: &Self) -> bool {
        self.known.keys().eq(other.known.keys()) && self.listed.keys().eq(other.listed.keys())
    }
}

/// A call without its phase: haplotypes in a fixed order. The same call with another phase is no other
/// call of this allele.
fn unphased(genotype: &str) -> String {
    let mut haplotypes: Vec<&str> = genotype.split(['/', '|']).collect();
    haplotypes.sort_unstable();
    haplotypes.join("/")
}

#[cfg(test)]
mod tests {
    use super::unphased;

    #[test]
    fn phase_is_no_difference() {
        for (genotype, expected) in [
            ("0/1", "0/1"),
            ("1|0", "0/1"),
            ("1/1", "1/1"),
            ("1", "1"),
            ("./1", "./1"),
            ("1|.", "./1"),
            ("2|1", "1/2"),
        ] {
            assert_eq!(unphased(genotype), expected, "{genotype}");
        }
    }
}
