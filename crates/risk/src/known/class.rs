//! ClinVar's classes of clinical significance.
//!
//! Source: "Representation of classifications in ClinVar" (ncbi.nlm.nih.gov/clinvar/docs/clinsig) and
//! the values of CLNSIG in ClinVar's VCF. A value is one class, or several with `/` between them
//! where submissions differ without contradicting each other.

use serde::{Deserialize, Serialize};

macro_rules! classes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// A class of clinical significance, as ClinVar has it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum ClinicalClass {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)*
        }

        impl ClinicalClass {
            /// Every class, in ClinVar's order.
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

classes! {
    /// "Pathogenic".
    Pathogenic = "pathogenic",
    /// "Pathogenic, low penetrance".
    PathogenicLowPenetrance = "pathogenic_low_penetrance",
    /// "Likely pathogenic".
    LikelyPathogenic = "likely_pathogenic",
    /// "Likely pathogenic, low penetrance".
    LikelyPathogenicLowPenetrance = "likely_pathogenic_low_penetrance",
    /// "Established risk allele".
    EstablishedRiskAllele = "established_risk_allele",
    /// "Likely risk allele".
    LikelyRiskAllele = "likely_risk_allele",
    /// "Uncertain risk allele".
    UncertainRiskAllele = "uncertain_risk_allele",
    /// "Uncertain significance".
    UncertainSignificance = "uncertain_significance",
    /// "Likely benign".
    LikelyBenign = "likely_benign",
    /// "Benign".
    Benign = "benign",
    /// "Conflicting classifications of pathogenicity": submissions that contradict each other.
    Conflicting = "conflicting",
    /// "drug response".
    DrugResponse = "drug_response",
    /// "risk factor".
    RiskFactor = "risk_factor",
    /// "association".
    Association = "association",
    /// "association not found".
    AssociationNotFound = "association_not_found",
    /// "protective".
    Protective = "protective",
    /// "Affects".
    Affects = "affects",
    /// "confers sensitivity".
    ConfersSensitivity = "confers_sensitivity",
    /// "other".
    Other = "other",
    /// "not provided", and records without a classification of the allele by itself.
    NotProvided = "not_provided",
}

impl ClinicalClass {
    /// What is reported unless something else is asked for: pathogenic and likely pathogenic, of low
    /// penetrance too. Conflicting ones and risk alleles are not among them.
    pub const REPORTED: [Self; 4] = [
        Self::Pathogenic,
        Self::PathogenicLowPenetrance,
        Self::LikelyPathogenic,
        Self::LikelyPathogenicLowPenetrance,
    ];

    /// The classes of a value of a source's column `significance`; `None` stands for a word that is
    /// no class of ClinVar.
    pub fn of_value(value: &str) -> impl Iterator<Item = Option<Self>> {
        // The comma of a low penetrance belongs to the class; others stand between classes.
        let value = value.replace(",_low_penetrance", "_low_penetrance");
        let words: Vec<Option<Self>> = value
            .split(['/', '|', ','])
            .map(|word| Self::of_word(word.trim_matches('_')))
            .collect();
        words.into_iter()
    }

    fn of_word(word: &str) -> Option<Self> {
        Self::parse(word).or(match word {
            "conflicting_interpretations_of_pathogenicity"
            | "conflicting_classifications_of_pathogenicity"
            | "conflicting_data_from_submitters" => Some(Self::Conflicting),
            "uncertain" => Some(Self::UncertainSignificance),
            "no_classification_provided"
            | "no_interpretation_provided"
            | "no_classification_for_the_single_variant"
            | "no_classification_for_the_individual_variant"
            | "no_interpretation_for_the_single_variant"
            | "no_classifications_from_unflagged_records" => Some(Self::NotProvided),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ClinicalClass as C;

    #[test]
    fn values_of_the_column() {
        let check = |value: &str, expected: &[Option<C>]| {
            assert_eq!(C::of_value(value).collect::<Vec<_>>(), expected, "{value}");
        };
        check("pathogenic", &[Some(C::Pathogenic)]);
        check(
            "pathogenic/likely_pathogenic",
            &[Some(C::Pathogenic), Some(C::LikelyPathogenic)],
        );
        check(
            "pathogenic,_low_penetrance",
            &[Some(C::PathogenicLowPenetrance)],
        );
        check(
            "pathogenic/likely_pathogenic/pathogenic,_low_penetrance|other",
            &[
                Some(C::Pathogenic),
                Some(C::LikelyPathogenic),
                Some(C::PathogenicLowPenetrance),
                Some(C::Other),
            ],
        );
        check(
            "likely_pathogenic,_low_penetrance,_risk_factor",
            &[Some(C::LikelyPathogenicLowPenetrance), Some(C::RiskFactor)],
        );
        check(
            "likely_pathogenic/likely_risk_allele",
            &[Some(C::LikelyPathogenic), Some(C::LikelyRiskAllele)],
        );
        check("conflicting", &[Some(C::Conflicting)]);
        check(
            "benign/likely_benign",
            &[Some(C::Benign), Some(C::LikelyBenign)],
        );
        check("12", &[None]);
        check("pathogenic/new_word", &[Some(C::Pathogenic), None]);
    }

    #[test]
    fn names_are_read_back() {
        for class in C::ALL {
            assert_eq!(C::parse(class.name()), Some(*class));
            assert_eq!(
                C::of_value(class.name()).collect::<Vec<_>>(),
                [Some(*class)]
            );
        }
        assert_eq!(C::parse("pathogenic/likely_pathogenic"), None);
        assert!(!C::REPORTED.contains(&C::Conflicting));
    }
}
