//! Consequence terms of the Sequence Ontology, ordered and rated as Ensembl does.
//!
//! Source: Ensembl Variation, "Calculated variant consequences", the table of terms "in order of
//! severity (more severe to less severe) as estimated by Ensembl". The rank of a term is its place
//! in that table, from 1.

use std::fmt;

/// Ensembl's rating of a consequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Impact {
    /// "assumed to have high (disruptive) impact in the protein".
    High,
    /// "a non-disruptive variant that might change protein effectiveness".
    Moderate,
    /// "assumed to be mostly harmless or unlikely to change protein behaviour".
    Low,
    /// "usually non-coding variants or variants affecting non-coding genes".
    Modifier,
}

impl Impact {
    /// As VEP writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Moderate => "MODERATE",
            Self::Low => "LOW",
            Self::Modifier => "MODIFIER",
        }
    }
}

macro_rules! terms {
    ($($variant:ident, $name:literal, $accession:literal, $impact:ident, $definition:literal;)*) => {
        /// A consequence; the most severe is the smallest. Definitions are those of the Sequence
        /// Ontology.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Term {
            $(#[doc = concat!("`", $name, "` (", $accession, "): ", $definition)] $variant,)*
        }

        impl Term {
            /// All terms, most severe first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Name in the Sequence Ontology.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Accession in the Sequence Ontology.
            #[must_use]
            pub const fn accession(self) -> &'static str {
                match self { $(Self::$variant => $accession,)* }
            }

            /// Ensembl's rating.
            #[must_use]
            pub const fn impact(self) -> Impact {
                match self { $(Self::$variant => Impact::$impact,)* }
            }

            /// The term of a name; `None` for a name that Ensembl's table does not have.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

terms! {
    TranscriptAblation, "transcript_ablation", "SO:0001893", High, "a feature ablation whereby the deleted region includes a transcript feature.";
    SpliceAcceptor, "splice_acceptor_variant", "SO:0001574", High, "a splice variant that changes the 2 base region at the 3' end of an intron.";
    SpliceDonor, "splice_donor_variant", "SO:0001575", High, "a splice variant that changes the 2 base region at the 5' end of an intron.";
    StopGained, "stop_gained", "SO:0001587", High, "at least one base of a codon is changed, resulting in a premature stop codon.";
    Frameshift, "frameshift_variant", "SO:0001589", High, "a disruption of the translational reading frame: the number of bases inserted or deleted is not a multiple of three.";
    StopLost, "stop_lost", "SO:0001578", High, "at least one base of the terminator codon is changed, resulting in an elongated transcript.";
    StartLost, "start_lost", "SO:0002012", High, "a codon variant that changes at least one base of the canonical start codon.";
    TranscriptAmplification, "transcript_amplification", "SO:0001889", High, "a feature amplification of a region containing a transcript. Read from INFO only.";
    FeatureElongation, "feature_elongation", "SO:0001907", High, "a sequence variant that causes the extension of a genomic feature. Read from INFO only.";
    FeatureTruncation, "feature_truncation", "SO:0001906", High, "a sequence variant that causes the reduction of a genomic feature. Read from INFO only.";
    InframeInsertion, "inframe_insertion", "SO:0001821", Moderate, "an inframe variant that inserts bases into the coding sequence.";
    InframeDeletion, "inframe_deletion", "SO:0001822", Moderate, "an inframe variant that deletes bases from the coding sequence.";
    Missense, "missense_variant", "SO:0001583", Moderate, "one or more bases are changed, resulting in another amino acid sequence of the same length.";
    ProteinAltering, "protein_altering_variant", "SO:0001818", Moderate, "a variant predicted to change the protein encoded in the coding sequence.";
    SpliceDonor5thBase, "splice_donor_5th_base_variant", "SO:0001787", Low, "a variant at the fifth base pair after the start of the intron.";
    SpliceRegion, "splice_region_variant", "SO:0001630", Low, "a variant within 1 to 3 bases of the exon or 3 to 8 bases of the intron.";
    SpliceDonorRegion, "splice_donor_region_variant", "SO:0002170", Low, "a variant in the region between the 3rd and 6th base after the splice junction.";
    SplicePolypyrimidineTract, "splice_polypyrimidine_tract_variant", "SO:0002169", Low, "a variant in the polypyrimidine tract at the 3' end of the intron, 17 to 3 bases from its end.";
    IncompleteTerminalCodon, "incomplete_terminal_codon_variant", "SO:0001626", Low, "at least one base of the final codon of an incompletely annotated transcript is changed.";
    StartRetained, "start_retained_variant", "SO:0002019", Low, "at least one base in the start codon is changed, but the start remains.";
    StopRetained, "stop_retained_variant", "SO:0001567", Low, "at least one base in the terminator codon is changed, but the terminator remains.";
    Synonymous, "synonymous_variant", "SO:0001819", Low, "there is no resulting change to the encoded amino acid.";
    CodingSequence, "coding_sequence_variant", "SO:0001580", Modifier, "a variant that changes the coding sequence. Used where nothing better can be said.";
    MatureMirna, "mature_miRNA_variant", "SO:0001620", Modifier, "a transcript variant within the sequence of the mature miRNA. Read from INFO only.";
    FivePrimeUtr, "5_prime_UTR_variant", "SO:0001623", Modifier, "a UTR variant of the 5' UTR.";
    ThreePrimeUtr, "3_prime_UTR_variant", "SO:0001624", Modifier, "a UTR variant of the 3' UTR.";
    NonCodingTranscriptExon, "non_coding_transcript_exon_variant", "SO:0001792", Modifier, "a variant that changes non-coding exon sequence in a non-coding transcript.";
    Intron, "intron_variant", "SO:0001627", Modifier, "a transcript variant within an intron.";
    NmdTranscript, "NMD_transcript_variant", "SO:0001621", Modifier, "a variant in a transcript that is the target of nonsense-mediated decay.";
    NonCodingTranscript, "non_coding_transcript_variant", "SO:0001619", Modifier, "a transcript variant of a non-coding RNA gene.";
    CodingTranscript, "coding_transcript_variant", "SO:0001968", Modifier, "a transcript variant of a protein coding gene. Read from INFO only.";
    Upstream, "upstream_gene_variant", "SO:0001631", Modifier, "a variant located 5' of a gene.";
    Downstream, "downstream_gene_variant", "SO:0001632", Modifier, "a variant located 3' of a gene.";
    TfbsAblation, "TFBS_ablation", "SO:0001895", Modifier, "a deleted region includes a transcription factor binding site. Read from INFO only.";
    TfbsAmplification, "TFBS_amplification", "SO:0001892", Modifier, "an amplified region contains a transcription factor binding site. Read from INFO only.";
    TfBindingSite, "TF_binding_site_variant", "SO:0001782", Modifier, "a variant within a transcription factor binding site. Read from INFO only.";
    RegulatoryRegionAblation, "regulatory_region_ablation", "SO:0001894", Modifier, "a deleted region includes a regulatory region. Read from INFO only.";
    RegulatoryRegionAmplification, "regulatory_region_amplification", "SO:0001891", Modifier, "an amplified region contains a regulatory region. Read from INFO only.";
    RegulatoryRegion, "regulatory_region_variant", "SO:0001566", Modifier, "a variant within a regulatory region. Read from INFO only.";
    Intergenic, "intergenic_variant", "SO:0001628", Modifier, "a variant in the intergenic region, between genes.";
    Sequence, "sequence_variant", "SO:0001060", Modifier, "the variant deviates from the reference. Read from INFO only.";
}

impl Term {
    /// Place in Ensembl's table of severity, 1 for the most severe.
    #[must_use]
    pub const fn rank(self) -> u8 {
        self as u8 + 1
    }
}

/// The terms of one allele on one transcript.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TermSet(u64);

impl TermSet {
    /// Adds a term.
    pub fn insert(&mut self, term: Term) {
        self.0 |= 1 << term as u8;
    }

    /// Adds a term where a condition holds.
    pub fn insert_if(&mut self, condition: bool, term: Term) {
        if condition {
            self.insert(term);
        }
    }

    /// Takes a term out.
    pub fn remove(&mut self, term: Term) {
        self.0 &= !(1 << term as u8);
    }

    /// Whether the term is there.
    #[must_use]
    pub const fn contains(self, term: Term) -> bool {
        self.0 & (1 << term as u8) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The most severe term.
    #[must_use]
    pub fn worst(self) -> Option<Term> {
        Term::ALL.get(self.0.trailing_zeros() as usize).copied()
    }

    /// The terms, most severe first.
    pub fn iter(self) -> impl Iterator<Item = Term> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let term = Term::ALL.get(rest.trailing_zeros() as usize).copied()?;
            rest &= rest - 1;
            Some(term)
        })
    }
}

impl FromIterator<Term> for TermSet {
    fn from_iter<I: IntoIterator<Item = Term>>(terms: I) -> Self {
        let mut set = Self::default();
        terms.into_iter().for_each(|term| set.insert(term));
        set
    }
}

/// As VEP writes them: most severe first, joined by `&`.
impl fmt::Display for TermSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("&")?;
            }
            f.write_str(term.name())?;
        }
        Ok(())
    }
}

impl fmt::Debug for TermSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_that_of_the_published_table() {
        let check = |term: Term, rank, impact: &str| {
            assert_eq!(term.rank(), rank, "{}", term.name());
            assert_eq!(term.impact().name(), impact, "{}", term.name());
            assert_eq!(Term::from_name(term.name()), Some(term));
        };
        check(Term::TranscriptAblation, 1, "HIGH");
        check(Term::StartLost, 7, "HIGH");
        check(Term::Missense, 13, "MODERATE");
        check(Term::SpliceDonor5thBase, 15, "LOW");
        check(Term::Synonymous, 22, "LOW");
        check(Term::Intron, 28, "MODIFIER");
        check(Term::Sequence, 41, "MODIFIER");
        assert_eq!(Term::from_name("missense"), None);
    }

    #[test]
    fn a_set_names_its_worst_term_first() {
        let set: TermSet = [Term::Intron, Term::SpliceRegion].into_iter().collect();
        assert_eq!(set.to_string(), "splice_region_variant&intron_variant");
        assert_eq!(set.worst(), Some(Term::SpliceRegion));
        assert_eq!(TermSet::default().worst(), None);
    }
}
