//! Changes of a patient's risk items.

use std::collections::{BTreeMap, BTreeSet};

use varisk_dossier::{Dossier, Feature, Risk, State};

use crate::attribution::{Attribution, RiskFacts};
use crate::pattern::fits;
use crate::rules::{AlertRule, Measure, Tolerance};
use crate::{Category, Change, Subject};

/// Compares the risk items of a patient.
pub(crate) struct RiskComparison<'c> {
    pub(crate) attribution: &'c Attribution,
    pub(crate) rules: &'c [AlertRule],
    pub(crate) tolerance: Tolerance,
    /// Both runs have features of patients.
    pub(crate) have_features: bool,
    /// Risk items of A and of B, whoever has them.
    pub(crate) items: &'c [BTreeSet<String>; 2],
}

impl RiskComparison<'_> {
    pub(crate) fn changes(&self, a: &Dossier, b: &Dossier, into: &mut Vec<Change>) {
        let of = |dossier: &'_ Dossier| -> BTreeMap<String, Risk> {
            let own = dossier.risks.iter();
            own.map(|risk| (risk.item.clone(), risk.clone())).collect()
        };
        let (before, after) = (of(a), of(b));
        let same_features = self.have_features && features_are_same(&a.features, &b.features);
        let mut items: Vec<&String> = before.keys().chain(after.keys()).collect();
        items.sort_unstable();
        items.dedup();
        for item in items {
            let pair = (before.get(item), after.get(item));
            if let Some(change) = self.change(&a.patient, item, pair, same_features) {
                into.push(change);
            }
        }
    }

    fn change(
        &self,
        patient: &str,
        item: &str,
        (before, after): (Option<&Risk>, Option<&Risk>),
        same_features: bool,
    ) -> Option<Change> {
        let value = |risk: Option<&Risk>| risk.and_then(|own| own.value);
        let percentile = |risk: Option<&Risk>| risk.and_then(|own| own.percentile);
        let values = (value(before), value(after));
        let percentiles = (percentile(before), percentile(after));
        let value_differs = differ(values, |a, b| self.tolerance.differ(a, b));
        let percentile_differs =
            differ(percentiles, |a, b| self.tolerance.percentiles_differ(a, b));
        let state_differs = match (before, after) {
            (Some(a), Some(b)) => (a.state, &a.reason) != (b.state, &b.reason),
            _ => false,
        };
        let population = |risk: Option<&Risk>| risk.and_then(|own| own.population.clone());
        // Another population is another scale of the percentile, if that happens to be the same too.
        let population_differs = population(before) != population(after);
        let crossings = self.crossings(item, values, percentiles);
        let category = match (before, after) {
            _ if !crossings.is_empty() => Category::ThresholdCrossed,
            (None, Some(_)) => Category::RiskNew,
            (Some(_), None) => Category::RiskGone,
            _ if state_differs => Category::StateChanged,
            _ if value_differs || percentile_differs || population_differs => Category::RiskChanged,
            _ => return None,
        };
        let subject = Subject::Item {
            item: item.to_owned(),
        };
        let mut change = Change::new(patient, category, subject);
        change.by = after.or(before).map(|risk| risk.model.clone());
        change.before = before.map_or_else(|| Some("not in A".to_owned()), |own| Some(words(own)));
        change.after = after.map_or_else(|| Some("not in B".to_owned()), |own| Some(words(own)));
        (change.before_value, change.after_value) = values;
        (change.before_percentile, change.after_percentile) = percentiles;
        change.causes = self.attribution.risk(
            (before, after),
            RiskFacts {
                same_features,
                with_panel: percentile_differs || population_differs || state_differs,
                is_item_of_both: self.items.iter().all(|own| own.contains(item)),
            },
        );
        change.alerts = crossings;
        if state_differs {
            let fires = |rule: &&AlertRule| matches!(rule, AlertRule::StateChanged { item: pattern, .. } if fits(pattern, item));
            let fired = self.rules.iter().filter(fires);
            change
                .alerts
                .extend(fired.map(|rule| rule.name().to_owned()));
        }
        Some(change)
    }

    /// Names of the rules whose threshold the item crosses.
    fn crossings(
        &self,
        item: &str,
        values: (Option<f64>, Option<f64>),
        percentiles: (Option<f64>, Option<f64>),
    ) -> Vec<String> {
        let crosses = |rule: &&AlertRule| {
            let AlertRule::RiskCrosses {
                item: pattern,
                threshold,
                direction,
                on,
                ..
            } = rule
            else {
                return false;
            };
            fits(pattern, item)
                && match on {
                    Measure::Value => direction.is_crossed(values.0, values.1, *threshold),
                    Measure::Percentile => {
                        direction.is_crossed(percentiles.0, percentiles.1, *threshold)
                    }
                    Measure::AbsoluteChange => direction.is_reached(values.0, values.1, *threshold),
                }
        };
        let fired = self.rules.iter().filter(crosses);
        fired.map(|rule| rule.name().to_owned()).collect()
    }
}

fn differ((a, b): (Option<f64>, Option<f64>), by: impl Fn(f64, f64) -> bool) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => by(a, b),
        (a, b) => a.is_some() != b.is_some(),
    }
}

/// State with its reason, and the population of a percentile.
fn words(risk: &Risk) -> String {
    let mut words = risk.state.name().to_owned();
    if let Some(reason) = &risk.reason {
        words.push_str(": ");
        words.push_str(reason);
    }
    if risk.state != State::NotComputed
        && let Some(population) = &risk.population
    {
        words.push_str(", among ");
        words.push_str(population);
    }
    words
}

/// Whether a patient has the same features in both runs, to the last digit. A feature that one run
/// alone has cannot be in a model of the other, but may be in its own.
fn features_are_same(a: &[Feature], b: &[Feature]) -> bool {
    let of = |features: &'_ [Feature]| -> BTreeMap<String, Option<u64>> {
        let own = features.iter();
        own.map(|own| (own.feature.clone(), own.value.map(f64::to_bits)))
            .collect()
    };
    of(a) == of(b)
}
