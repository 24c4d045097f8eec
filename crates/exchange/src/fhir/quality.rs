//! Quality of the patient's data, and the place on the reference panel.

use varisk_dossier::{Ancestry, Quality, State};

use super::code;
use super::element::{
    COUNT, Element, SHARE, Unit, absent, absent_code, count, measure, quantity, remark, string,
    words,
};

/// Quality of the data: what limits everything else in the bundle.
pub(super) fn quality(quality: &Quality) -> Element {
    let mut parts = vec![
        measure("call rate", quality.call_rate, SHARE, None),
        measure(
            "heterozygous over homozygous alternate calls",
            quality.het_hom_ratio,
            Unit::None,
            None,
        ),
        measure(
            "transitions over transversions",
            quality.ti_tv_ratio,
            Unit::None,
            None,
        ),
    ];
    let counts = [
        ("sequence alleles of the input", quality.alleles),
        ("alleles with a complete call", quality.called),
        ("alleles with a partial call", quality.partial),
        ("alleles with a missing call", quality.missing),
        ("alleles without a record: unknown", quality.not_assayed),
        (
            "alleles taken for reference on the user's word",
            quality.assumed_reference,
        ),
    ];
    parts.extend(counts.map(|(text, value)| measure(text, Some(count(value)), COUNT, None)));
    if let Some(uncalled) = quality.known_variants_uncalled {
        parts.push(measure(
            "known pathogenic alleles of the input without a complete call",
            Some(count(uncalled)),
            COUNT,
            None,
        ));
    }
    if let Some(depth) = quality.reads_mean_depth {
        parts.push(measure(
            "mean depth of the reads",
            Some(depth),
            Unit::None,
            None,
        ));
    }
    if let Some(concordance) = quality.reads_concordance {
        parts.push(measure(
            "share of sites at which calls and reads agree",
            Some(concordance),
            SHARE,
            None,
        ));
    }
    parts.extend(remark("recorded sex", quality.recorded_sex.as_deref()));
    parts.extend(remark("sex by the calls", quality.inferred_sex.as_deref()));
    if quality.sex_mismatch {
        parts.extend(remark(
            "attention",
            Some("recorded sex and sex by the calls differ: the sample may be another person's"),
        ));
    }
    parts.extend(remark(
        "predictors outside the training range of a model",
        Some(&quality.outside_training.join("; ")),
    ));
    Element::resource("Observation", None)
        .with("status", "preliminary")
        .with("category", code::categories())
        .with("code", words("quality of the variant data"))
        .list("component", parts)
}

/// The most similar population of the panel.
pub(super) fn ancestry(ancestry: &Ancestry) -> Element {
    let reason = ancestry.reason.as_deref();
    let is_placed = ancestry.state != State::NotComputed;
    let element = Element::resource("Observation", None)
        .with(
            "status",
            if is_placed {
                "preliminary"
            } else {
                "cancelled"
            },
        )
        .with("category", code::categories())
        .with(
            "code",
            words(&format!(
                "most similar population of the reference panel {}",
                ancestry.panel
            )),
        );
    let population = ancestry
        .population
        .as_deref()
        .filter(|_| is_placed)
        .and_then(string);
    let element = match population {
        Some(population) => element.with("valueCodeableConcept", words(&population)),
        None => element.with("dataAbsentReason", absent(absent_code(reason), reason)),
    };
    let mut parts = Vec::new();
    if let Some(probability) = ancestry.probability.filter(|_| is_placed)
        && quantity(probability, SHARE).is_some()
    {
        parts.push(measure(
            "probability among the panel's populations",
            Some(probability),
            SHARE,
            None,
        ));
    }
    parts.push(measure(
        "share of the panel's sites that are called",
        Some(ancestry.share_of_sites),
        SHARE,
        None,
    ));
    if ancestry.state == State::Flagged {
        parts.extend(remark("attention", reason));
    }
    element.list("component", parts)
}
