//! Why something has no number: the vocabulary of machine-readable reasons.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// Why an allele has no score, a feature no value, or a risk item no result. The text form
        /// is published in `schemas/` and never reused for another meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl Reason {
            /// Every reason, in the order of the vocabulary.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The published text.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads the published text.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

reasons! {
    /// `*`: deleted by an upstream event that has its own record.
    SpanningDeletion = "spanning_deletion",
    /// `<NON_REF>` or `<*>`: stands for any uncalled allele.
    NonRefAllele = "non_ref_allele",
    /// `<DEL>` and other symbolic alleles: no sequence to encode.
    SymbolicAllele = "symbolic_allele",
    /// A breakend: no sequence to encode.
    Breakend = "breakend",
    /// The record has no alternate allele.
    NoAlternateAllele = "no_alternate_allele",
    /// ALT equals REF.
    IdenticalAlleles = "identical_alleles",
    /// ALT or REF holds something other than A, C, G, T or N.
    AmbiguousBase = "ambiguous_base",
    /// REF differs from the reference sequence (under `--ref-mismatch quarantine`).
    ReferenceMismatch = "reference_mismatch",
    /// The same record stands in the file a second time; the first one counts.
    RepeatedAllele = "repeated_allele",
    /// The site was only asked for, and a record at another place has its allele.
    FoundElsewhere = "found_elsewhere",
    /// The allele is longer than the model's window.
    AlleleExceedsWindow = "allele_exceeds_window",
    /// The record is at the telomere (position 0): no base to anchor a window on.
    TelomerePosition = "telomere_position",
    /// The model gave NaN or an infinity.
    NonFiniteScore = "non_finite_score",
    /// The model gave a magnitude that exact sums cannot hold.
    ScoreOutOfRange = "score_out_of_range",
    /// A required input of the model is missing at this allele.
    AnnotationMissing = "annotation_missing",
    /// The covariate is empty in the samplesheet and the model declares no imputation.
    CovariateMissing = "covariate_missing",
    /// The covariate's text is not among the categories that the model declares.
    CovariateUnknownCategory = "covariate_unknown_category",
    /// A feature that the model needs has no value for this patient.
    FeatureMissing = "feature_missing",
    /// No scored allele was called in this patient.
    NoScoredCalls = "no_scored_calls",
    /// No call of the patient is informative about this.
    NoInformativeCalls = "no_informative_calls",
    /// Too small a share of the score's weights is called in the patient (`--min-coverage`).
    LowCoverage = "low_coverage",
    /// No allele of the score is in the patient's data.
    NoScoreMatches = "no_score_matches",
    /// A row of the score matches two alleles of the data, in different records.
    AmbiguousScoreMatch = "ambiguous_score_match",
    /// The score that this is made of was not computed.
    ScoreNotComputed = "score_not_computed",
    /// The panel has no distribution of the score.
    ScoreNotInPanel = "score_not_in_panel",
    /// The patient's data have none of the panel's sites.
    NoPanelSites = "no_panel_sites",
    /// Too few of the panel's sites are called to place the patient.
    TooFewAncestrySites = "too_few_ancestry_sites",
    /// The patient is unlike every population of the panel.
    OffThePanel = "off_the_panel",
    /// No population of the panel is clearly the most similar one.
    LowConfidencePopulation = "low_confidence_population",
    /// The covariate is outside the range that the model declares.
    CovariateOutOfRange = "covariate_out_of_range",
    /// An age is outside the ages of the incidence table.
    AgeOutOfTable = "age_out_of_table",
    /// The tables are by sex and the patient's is not recorded.
    SexUnknown = "sex_unknown",
    /// A predictor of the patient is outside the range of the model's training, or far from most of it.
    OutsideTrainingRange = "outside_training_range",
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn text_round_trips() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.name()), Some(*reason));
        }
    }
}
