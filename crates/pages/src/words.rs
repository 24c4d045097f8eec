//! The vocabulary of the tables in words for readers.

use varisk_core::Reason;
use varisk_dossier::Finding;

/// Why there is no value, or why it is flagged, in words.
pub(crate) fn reason(name: &str) -> String {
    let Some(reason) = Reason::parse(name) else {
        return plain(name);
    };
    let words = match reason {
        Reason::CovariateMissing => "a clinical value that the model needs is not recorded",
        Reason::CovariateUnknownCategory => "a clinical value is none that the model knows",
        Reason::CovariateOutOfRange => {
            "a clinical value is outside the range that the model allows"
        }
        Reason::FeatureMissing => "a result that the model needs could not be computed",
        Reason::NoScoredCalls => "none of the scored alleles was called in this patient",
        Reason::NoInformativeCalls => "no call of the patient is informative about this",
        Reason::LowCoverage => "too small a share of the score could be called in this patient",
        Reason::NoScoreMatches => "no allele of the score is in the data",
        Reason::AmbiguousScoreMatch => "an allele of the score fits two alleles of the data",
        Reason::ScoreNotComputed => "the polygenic score that this needs could not be computed",
        Reason::ScoreNotInPanel => "the reference panel has no distribution of this score",
        Reason::NoPanelSites => "the data have none of the sites of the reference panel",
        Reason::TooFewAncestrySites => {
            "too few sites are called to compare with the reference panel"
        }
        Reason::OffThePanel => "the patient is unlike every population of the reference panel",
        Reason::LowConfidencePopulation => {
            "no population of the reference panel is clearly the most similar one"
        }
        Reason::AgeOutOfTable => "the age is outside the ages of the incidence table",
        Reason::SexUnknown => "the rates are by sex, and the patient's sex is not recorded",
        Reason::OutsideTrainingRange => {
            "the patient is unlike the patients that the model was trained on"
        }
        Reason::AnnotationMissing => "an annotation that the model needs is missing at this allele",
        Reason::NonFiniteScore => "the model gave no number",
        Reason::ScoreOutOfRange => "the model gave a number too large to add up",
        Reason::SpanningDeletion => "deleted by an upstream event with a record of its own",
        Reason::NonRefAllele => "stands for any other allele",
        Reason::SymbolicAllele => "symbolic allele, no sequence to encode",
        Reason::Breakend => "breakend, no sequence to encode",
        Reason::NoAlternateAllele => "the record has no alternate allele",
        Reason::IdenticalAlleles => "ALT equals REF",
        Reason::AmbiguousBase => "holds a base other than A, C, G, T or N",
        Reason::ReferenceMismatch => "REF differs from the reference sequence",
        Reason::RepeatedAllele => "stands twice in the file; the first one counts",
        Reason::FoundElsewhere => "a record at another place has the allele",
        Reason::AlleleExceedsWindow => "longer than the model's window",
        Reason::TelomerePosition => "at the telomere, no base to anchor on",
    };
    words.to_owned()
}

/// A name of the tables without its underscores.
pub(crate) fn plain(name: &str) -> String {
    name.replace('_', " ").trim().to_owned()
}

/// With a capital letter.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// A genotype in words, for example `heterozygous (0/1)`.
pub(crate) fn genotype(finding: &Finding) -> String {
    let alleles: Vec<&str> = finding.genotype.split(['/', '|']).collect();
    let own = alleles.iter().filter(|allele| **allele == "1").count();
    let contig = finding.contig.trim_start_matches("chr");
    let words = if alleles.contains(&".") {
        "carried, call incomplete"
    } else if alleles.len() == 1 {
        match contig {
            "X" | "Y" => "hemizygous",
            _ => "haploid",
        }
    } else if own == alleles.len() {
        "homozygous"
    } else if alleles.contains(&"2") {
        "heterozygous with another alternate allele"
    } else if own > 0 {
        "heterozygous"
    } else {
        "as written"
    };
    // A caller that writes two alleles for a male's X says one thing twice.
    let single = finding.dosage == Some(1) && own == 2;
    let words = if single { "hemizygous" } else { words };
    format!("{words} ({})", finding.genotype)
}

/// A classification of ClinVar in words.
pub(crate) fn significance(text: &str) -> String {
    capital(&plain(text))
}

/// The stars of a review status as words.
pub(crate) fn stars(number: f64) -> String {
    match number as i64 {
        1 => "1 star".to_owned(),
        stars => format!("{stars} stars"),
    }
}

/// A sequence that is too long for a table.
pub(crate) fn shortened(sequence: &str) -> String {
    const MOST: usize = 24;
    let letters = sequence.chars().count();
    if letters <= MOST {
        return sequence.to_owned();
    }
    let start: String = sequence.chars().take(12).collect();
    format!("{start}… ({letters} bases)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_words() {
        for own in Reason::ALL {
            let words = reason(own.name());
            assert!(!words.contains('_'), "{words}");
            assert!(!words.is_empty());
        }
        assert_eq!(reason("of_a_newer_program"), "of a newer program");
    }
}
