//! Who stands out by the quality of the data.

use varisk_dossier::Dossier;

use crate::format::{percent, significant};
use crate::patient::called_share;

/// Call rate below which a patient is named whatever the others have.
const LEAST_CALL_RATE: f64 = 0.95;
/// Agreement of calls and reads below which a patient is named.
const LEAST_AGREEMENT: f64 = 0.95;
/// Robust standard deviations from the median that stand out.
const FAR: f64 = 5.0;
/// Patients from which on a median says something.
const LEAST_PATIENTS: usize = 20;

/// The rule in words.
pub(super) const NOTE: &str = "Named are patients whose recorded and inferred sex disagree, with a call rate below 95 % of what was assayed, with calls and reads that agree at less than 95 % of the sites, outside the training data of a model, or (of 20 patients or more) whose call rate or ratios lie more than 5 robust standard deviations (1.4826 times the median absolute deviation) from the median.";

/// What is kept of a patient's quality; NaN where there is none.
#[derive(Clone, Copy)]
pub(super) struct Quality {
    call_rate: f32,
    /// Of all alleles, those that the file does not have included.
    called: f32,
    het_hom: f32,
    ti_tv: f32,
    agreement: f32,
    sex_mismatch: bool,
    outside: bool,
}

impl Quality {
    pub(super) fn new(dossier: &Dossier) -> Self {
        let own = dossier.quality.as_ref();
        let number = |value: Option<f64>| value.map_or(f32::NAN, |value| value as f32);
        Self {
            call_rate: number(own.and_then(|own| own.call_rate)),
            called: number(own.map(called_share)),
            het_hom: number(own.and_then(|own| own.het_hom_ratio)),
            ti_tv: number(own.and_then(|own| own.ti_tv_ratio)),
            agreement: number(own.and_then(|own| own.reads_concordance)),
            sex_mismatch: own.is_some_and(|own| own.sex_mismatch),
            outside: own.is_some_and(|own| !own.outside_training.is_empty()),
        }
    }

    pub(super) fn called(&self) -> f32 {
        self.called
    }
}

/// Median and robust standard deviation.
struct Spread {
    median: f64,
    deviation: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f32>) -> Option<Self> {
        let mut values: Vec<f32> = values.filter(|value| value.is_finite()).collect();
        if values.len() < LEAST_PATIENTS {
            return None;
        }
        let median = |values: &mut [f32]| {
            let middle = values.len() / 2;
            f64::from(*values.select_nth_unstable_by(middle, f32::total_cmp).1)
        };
        let centre = median(&mut values);
        for value in &mut values {
            *value = (f64::from(*value) - centre).abs() as f32;
        }
        let deviation = 1.4826 * median(&mut values);
        (deviation > 0.0).then_some(Self {
            median: centre,
            deviation,
        })
    }

    fn far(spread: Option<&Self>, value: f32) -> bool {
        spread.is_some_and(|own| (f64::from(value) - own.median).abs() > FAR * own.deviation)
    }
}

/// What stands out of each patient, by row; patients of whom nothing does are left out.
pub(super) fn outliers(quality: &[Quality]) -> Vec<(u32, String)> {
    let call_rates = Spread::of(quality.iter().map(|own| own.call_rate));
    let het_hom = Spread::of(quality.iter().map(|own| own.het_hom));
    let ti_tv = Spread::of(quality.iter().map(|own| own.ti_tv));
    let ratio = |name: &str, value: f32| format!("{name} {}", significant(f64::from(value)));
    let mut rows = Vec::new();
    for (row, own) in (0..).zip(quality) {
        let mut what = Vec::new();
        if own.sex_mismatch {
            what.push("recorded and inferred sex disagree".to_owned());
        }
        if f64::from(own.call_rate) < LEAST_CALL_RATE
            || Spread::far(call_rates.as_ref(), own.call_rate)
        {
            what.push(format!("{} called", percent(f64::from(own.call_rate))));
        }
        if f64::from(own.agreement) < LEAST_AGREEMENT {
            let agreement = percent(f64::from(own.agreement));
            what.push(format!("calls and reads agree at {agreement} of the sites"));
        }
        if Spread::far(het_hom.as_ref(), own.het_hom) {
            what.push(ratio("heterozygous over homozygous", own.het_hom));
        }
        if Spread::far(ti_tv.as_ref(), own.ti_tv) {
            what.push(ratio("transitions over transversions", own.ti_tv));
        }
        if own.outside {
            what.push("outside the training data of a model".to_owned());
        }
        if !what.is_empty() {
            rows.push((row, what.join("; ")));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quality(call_rate: f32, het_hom: f32) -> Quality {
        Quality {
            call_rate,
            called: call_rate,
            het_hom,
            ti_tv: f32::NAN,
            agreement: f32::NAN,
            sex_mismatch: false,
            outside: false,
        }
    }

    #[test]
    fn those_far_from_the_others() {
        let mut cohort: Vec<Quality> = (0..40)
            .map(|row| quality(0.99, 1.5 + 0.01 * (row % 7) as f32))
            .collect();
        cohort[3] = quality(0.99, 4.0);
        cohort[9] = quality(0.9, 1.5);
        cohort[11] = quality(f32::NAN, f32::NAN);
        let found = outliers(&cohort);
        let rows: Vec<u32> = found.iter().map(|(row, _)| *row).collect();
        assert_eq!(rows, [3, 9]);
        assert!(found[0].1.contains("heterozygous"), "{}", found[0].1);
        assert!(found[1].1.contains("90.0"), "{}", found[1].1);
    }
}
