//! Who the patient is, how good the data are, and what to be careful about.

use varisk_dossier::{Dossier, Quality, State};

use crate::facts::{Fact, RunFacts};
use crate::format::{count, counted, percent, significant};
use crate::words;

/// Share of called alleles below which the page warns.
pub(crate) const LEAST_CALLED: f64 = 0.95;

/// Share of all alleles of the input that have a complete call. What a file does not have counts too:
/// it is as unknown as a call that failed.
pub(crate) fn called_share(quality: &Quality) -> f64 {
    quality.called as f64 / quality.alleles.max(1) as f64
}

/// Who: what the run knows of the person.
pub(crate) fn person(dossier: &Dossier) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(quality) = &dossier.quality {
        let unknown = || "not recorded".to_owned();
        facts.push(Fact::new(
            "Sex",
            quality.recorded_sex.clone().unwrap_or_else(unknown),
            quality
                .inferred_sex
                .as_ref()
                .map(|sex| format!("by the calls: {sex}"))
                .unwrap_or_default(),
        ));
    }
    let ages = dossier.risks.iter().filter_map(|risk| risk.age_start);
    if let Some(age) = ages.reduce(f64::min) {
        facts.push(Fact::new(
            "Age at the risks below",
            crate::format::age(age),
            "",
        ));
    }
    if let Some(ancestry) = &dossier.ancestry {
        let population = ancestry
            .population
            .clone()
            .unwrap_or_else(|| "could not be placed".to_owned());
        let mut detail = format!(
            "{} of the sites of panel {} called",
            percent(ancestry.share_of_sites),
            ancestry.panel
        );
        if let Some(reason) = &ancestry.reason {
            detail = format!("{}; {detail}", words::reason(reason));
        }
        facts.push(Fact::new("Most similar population", population, detail));
    }
    facts
}

/// What must not be overlooked.
pub(crate) fn cautions(dossier: &Dossier, facts: &RunFacts) -> Vec<String> {
    let mut cautions = Vec::new();
    if let Some(quality) = &dossier.quality {
        if quality.sex_mismatch {
            cautions.push(format!(
                "The recorded sex is {}, the calls look {}. Samples may be swapped; nothing here should be used before that is settled.",
                quality.recorded_sex.as_deref().unwrap_or("unknown"),
                quality.inferred_sex.as_deref().unwrap_or("unknown")
            ));
        }
        let called = called_share(quality);
        if called < LEAST_CALLED {
            cautions.push(format!(
                "Only {} of the alleles have a complete call. What is not called is not known to be absent.",
                percent(called)
            ));
        }
        if let Some(agreement) = quality.reads_concordance.filter(|share| *share < 0.95) {
            cautions.push(format!(
                "Calls and reads agree at {} of the compared sites only.",
                percent(agreement)
            ));
        }
        if !quality.outside_training.is_empty() {
            cautions.push(format!(
                "The patient is unlike the patients that a model was trained on, in: {}.",
                quality.outside_training.join(", ")
            ));
        }
    }
    if dossier
        .ancestry
        .as_ref()
        .is_some_and(|place| place.state != State::Ok)
    {
        cautions.push(
            "The place on the reference panel is not sure, so percentiles may mislead.".to_owned(),
        );
    }
    if facts.absent_as_reference {
        cautions.push("On the user's word, sites without a record were taken for reference; that is an assumption, not an observation.".to_owned());
    }
    cautions
}

/// The data in numbers.
pub(crate) fn facts(dossier: &Dossier) -> Vec<Fact> {
    let Some(quality) = &dossier.quality else {
        return Vec::new();
    };
    let of_all = |part: u64| {
        let share = part as f64 / quality.alleles.max(1) as f64;
        format!("{} of the alleles", percent(share))
    };
    let mut facts = vec![
        Fact::new(
            "Complete calls",
            format!("{} of {}", count(quality.called), count(quality.alleles)),
            match quality.call_rate {
                Some(rate) => format!(
                    "{} of all, {} of what was assayed",
                    percent(called_share(quality)),
                    percent(rate)
                ),
                None => String::new(),
            },
        ),
        Fact::new(
            "Partial calls",
            count(quality.partial),
            of_all(quality.partial),
        ),
        Fact::new(
            "Missing calls",
            count(quality.missing),
            of_all(quality.missing),
        ),
        Fact::new(
            "Not assayed",
            count(quality.not_assayed),
            "the patient's file has no record of the site",
        ),
    ];
    if quality.assumed_reference > 0 {
        facts.push(Fact::new(
            "Assumed to be reference",
            count(quality.assumed_reference),
            "on the user's word",
        ));
    }
    if let Some(uncalled) = quality.known_variants_uncalled {
        facts.push(Fact::new(
            "Alleles of the reported classes that could not be checked",
            count(uncalled),
            "of the alleles in the input",
        ));
    }
    let ratio = |name: &str, value: Option<f64>, detail: &str| {
        value.map(|value| Fact::new(name, significant(value), detail))
    };
    facts.extend(ratio(
        "Heterozygous over homozygous",
        quality.het_hom_ratio,
        "",
    ));
    facts.extend(ratio(
        "Transitions over transversions",
        quality.ti_tv_ratio,
        "",
    ));
    facts.extend(ratio(
        "Mean depth of reads",
        quality.reads_mean_depth,
        "at the sites where reads were asked",
    ));
    if let Some(agreement) = quality.reads_concordance {
        facts.push(Fact::new(
            "Agreement of calls and reads",
            percent(agreement),
            "",
        ));
    }
    let flagged = dossier
        .risks
        .iter()
        .filter(|risk| risk.state == State::Flagged)
        .count() as u64;
    facts.push(Fact::new(
        "Risk items",
        counted(dossier.risks.len() as u64, "item", "items"),
        format!("{} to take with care", count(flagged)),
    ));
    facts
}
