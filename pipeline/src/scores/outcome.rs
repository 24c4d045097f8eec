//! What the folds say of each patient: scores with their state, place in the panel, features.

use std::any::Any;

use varisk_ancestry::{Adjusted, Placement, Projection};
use varisk_core::{Analysis, FeatureTable, FeatureValue, Reason};
use varisk_polygenic::{PatientScore, PolygenicScores, ScoreResults, ScoreVariantLog};

use super::context::ScoreContext;
use crate::arguments::LowCoverageChoice;
use crate::exit::Refusal;
use crate::settings::ScoreSettings;

/// The folds of scores and ancestry at their end.
pub(crate) struct Outcome<'r> {
    pub(crate) context: &'r ScoreContext,
    pub(crate) settings: &'r ScoreSettings,
    pub(crate) results: Option<ScoreResults<'r>>,
    fold: Option<&'r PolygenicScores>,
    pub(crate) placements: Option<Vec<Placement>>,
}

/// A score of a patient with everything that is made of it.
pub(crate) struct JudgedScore {
    pub(crate) score: PatientScore,
    /// The value that is reported, or why there is none.
    pub(crate) value: FeatureValue,
    /// Why the value is not to be trusted.
    pub(crate) flag: Option<Reason>,
    pub(crate) adjusted: Adjusted,
    pub(crate) adjustment_reason: Option<Reason>,
    /// Index of the most similar population.
    pub(crate) population: Option<usize>,
}

/// What is to be said of a value that is made of scores.
#[derive(Default)]
pub(crate) struct Caveats {
    pub(crate) flag: Option<Reason>,
    pub(crate) coverage: Option<f64>,
    pub(crate) assumed: Option<f64>,
}

/// Finds a fold by its type.
pub(crate) fn find<T: Analysis>(analyses: &[Box<dyn Analysis>]) -> Option<&T> {
    analyses.iter().find_map(|fold| {
        let fold: &dyn Any = fold.as_ref();
        fold.downcast_ref::<T>()
    })
}

impl<'r> Outcome<'r> {
    pub(crate) fn new(
        context: &'r ScoreContext,
        settings: &'r ScoreSettings,
        analyses: &'r [Box<dyn Analysis>],
    ) -> Self {
        let fold = find::<PolygenicScores>(analyses);
        Self {
            context,
            settings,
            fold,
            results: fold.map(PolygenicScores::results),
            placements: find::<Projection>(analyses).map(Projection::results),
        }
    }

    /// What became of each row of the scoring files, in bounded pieces.
    pub(crate) fn log(&self) -> Option<ScoreVariantLog<'_>> {
        let fold = self.fold?;
        Some(ScoreVariantLog::new(fold))
    }

    /// A run in which no score has a single allele in common with the data has the wrong files.
    pub(crate) fn refuse_no_match(&self) -> anyhow::Result<()> {
        let (Some(results), Some(plan)) = (&self.results, &self.context.plan) else {
            return Ok(());
        };
        let matched = (0..plan.scores().len()).any(|score| results.summary(score).matched_rows > 0);
        if matched {
            return Ok(());
        }
        let first = plan.scores().first();
        let name = first.map_or("", |score| score.name.as_str());
        // Rows that were lost before the data were asked say more than their absence.
        let lost = first.and_then(|score| {
            let most = score.lost.iter().max_by_key(|(_, lost)| lost.rows)?;
            (most.1.rows * 2 > score.rows).then_some(most.0.name())
        });
        let cause = match lost {
            Some(reason) => format!(
                "most of its rows cannot be scored: {reason} (docs/scores.md names the remedy)"
            ),
            None => {
                "check that scoring files and variants are of the same genome build and contigs"
                    .to_owned()
            }
        };
        Err(Refusal::Data(format!(
            "none of the {} scores (the first is '{name}') has an allele in common with the variants; {cause}",
            plan.scores().len()
        ))
        .into())
    }

    /// Variants that share no site with the panel are of another build, or of other places.
    pub(crate) fn refuse_no_panel_site(&self) -> anyhow::Result<()> {
        let (Some(panel), Some(placements)) = (&self.context.panel, &self.placements) else {
            return Ok(());
        };
        if placements.is_empty() || placements.iter().any(|placement| placement.sites > 0) {
            return Ok(());
        }
        Err(Refusal::Data(format!(
            "the variants have no site in common with the panel '{}' ({} sites on {}); check that both are of the same genome build, or leave --ancestry out",
            panel.name(),
            panel.sites().len(),
            panel.genome_build()
        ))
        .into())
    }

    /// What is to be said of values that are made of some features: the first flag, the least coverage
    /// and the greatest assumed share of their scores.
    pub(crate) fn caveats(&self, features: &[&str], patient: usize) -> Caveats {
        let mut caveats = Caveats::default();
        let scores = self.context.plan.iter().flat_map(|plan| plan.scores());
        for (score, info) in scores.enumerate() {
            let is_used = features.iter().any(|feature| {
                let own = feature.strip_prefix("polygenic.");
                let own = own.and_then(|name| name.strip_prefix(&info.name));
                own.is_some_and(|rest| rest.starts_with('.'))
            });
            if !is_used {
                continue;
            }
            let Some(judged) = self.judged(score, patient) else {
                continue;
            };
            caveats.flag = caveats.flag.or(judged.flag);
            let least = caveats.coverage.unwrap_or(1.0);
            caveats.coverage = Some(least.min(judged.score.weight_called));
            let most = caveats.assumed.unwrap_or(0.0);
            caveats.assumed = Some(most.max(judged.score.weight_assumed));
        }
        caveats
    }

    /// Number of scores.
    pub(crate) fn scores(&self) -> usize {
        self.context
            .plan
            .as_ref()
            .map_or(0, |plan| plan.scores().len())
    }

    /// Name of a population of the panel.
    pub(crate) fn population(&self, population: Option<usize>) -> Option<String> {
        let panel = self.context.panel.as_ref()?;
        panel.populations().get(population?).cloned()
    }

    /// Whether the panel has enough of a score's weight: a few alleles say nothing of where it stands.
    pub(crate) fn is_in_panel(&self, score: usize) -> bool {
        let results = self.results.as_ref();
        let weight = results.and_then(|results| results.summary(score).panel_weight);
        weight.unwrap_or(0.0) + 1e-9 >= self.settings.min_coverage
    }

    /// A score of a patient; `None` where there are no scores.
    pub(crate) fn judged(&self, score: usize, patient: usize) -> Option<JudgedScore> {
        let results = self.results.as_ref()?;
        let own = results.patient(score, patient);
        let covered = own.weight_called + own.weight_assumed;
        let whole = own.reason.map_or(Ok(()), Err);
        // Where missing calls are imputed there is nothing to rescale.
        let whole = whole.map(|()| own.rescaled);
        let (value, flag) = match (whole, self.settings.low_coverage) {
            (Err(reason), _) => (Err(reason), None),
            // Shares are sums of floats: whoever has everything must not fail by a last bit.
            (Ok(value), _) if covered + 1e-9 >= self.settings.min_coverage => (Ok(value), None),
            (Ok(_), LowCoverageChoice::Refuse) => (Err(Reason::LowCoverage), None),
            (Ok(value), LowCoverageChoice::Flag) => (Ok(value), Some(Reason::LowCoverage)),
        };
        let placement = self
            .placements
            .as_ref()
            .and_then(|placements| placements.get(patient));
        let population = placement.and_then(|placement| placement.population);
        let (adjusted, adjustment_reason) =
            match (value, placement, self.context.adjusters.get(score)) {
                (Err(_), Some(_), Some(_)) => (Adjusted::default(), Some(Reason::ScoreNotComputed)),
                (Ok(_), Some(placement), Some(Ok(adjuster))) => match own.panel_sum {
                    Some(_) if !self.is_in_panel(score) => {
                        (Adjusted::default(), Some(Reason::ScoreNotInPanel))
                    }
                    Some(sum) => {
                        let components = placement.components.as_deref();
                        let is_off = placement.reason == Some(Reason::OffThePanel);
                        let adjusted = if is_off {
                            // A regression on the panel says nothing of who is unlike all of it.
                            Adjusted::default()
                        } else {
                            adjuster.adjust(sum, components, population)
                        };
                        let reason = placement
                            .reason
                            .filter(|reason| *reason != Reason::LowConfidencePopulation);
                        let is_whole = adjusted.percentile.is_some()
                            && adjusted.z_most_similar.is_some()
                            && adjusted.z_norm1.is_some()
                            && adjusted.z_norm2.is_some();
                        let reason = match reason {
                            // The panel's people do not vary in it.
                            None if !is_whole => Some(Reason::ScoreNotInPanel),
                            reason => reason,
                        };
                        (adjusted, reason)
                    }
                    None => (Adjusted::default(), Some(Reason::ScoreNotInPanel)),
                },
                (Ok(_), Some(_), Some(Err(reason))) => (Adjusted::default(), Some(*reason)),
                _ => (Adjusted::default(), None),
            };
        Some(JudgedScore {
            score: own,
            value,
            flag,
            adjusted,
            adjustment_reason,
            population,
        })
    }

    /// Adds features of scores and ancestry: all, or those that are named.
    pub(crate) fn add_features(
        &self,
        patients: usize,
        is_wanted: impl Fn(&str) -> bool,
        features: &mut FeatureTable,
    ) {
        let has_panel = self.context.panel.is_some();
        for (at, score) in self
            .context
            .plan
            .iter()
            .flat_map(|plan| plan.scores())
            .enumerate()
        {
            let names = FEATURES
                .iter()
                .filter(|feature| has_panel || !feature.of_panel)
                .map(|feature| {
                    (
                        feature,
                        format!("polygenic.{}.{}", score.name, feature.name),
                    )
                });
            for (feature, name) in names.filter(|(_, name)| is_wanted(name)) {
                let value = |patient: usize| match self.judged(at, patient) {
                    Some(judged) => (feature.value)(&judged),
                    None => Err(Reason::ScoreNotComputed),
                };
                features.insert(name, (0..patients).map(value).collect());
            }
        }
    }
}

impl ScoreContext {
    /// The absolute risk model and its feature that needs a panel, where there is none.
    pub(crate) fn lacks_panel(&self) -> Option<(&str, String)> {
        if self.panel.is_some() {
            return None;
        }
        let scores = || self.plan.iter().flat_map(|plan| plan.scores());
        let is_of_panel = |name: &str| {
            scores().any(|score| {
                let own = name.strip_prefix("polygenic.");
                let own = own.and_then(|name| name.strip_prefix(&score.name));
                let own = own.and_then(|name| name.strip_prefix('.'));
                FEATURES
                    .iter()
                    .any(|feature| feature.of_panel && own == Some(feature.name))
            })
        };
        self.absolute.iter().find_map(|(model, _)| {
            let names = model.features();
            let name = names.into_iter().find(|name| is_of_panel(name))?;
            Some((model.name(), name.to_owned()))
        })
    }

    /// Names of the features that scores give.
    pub(crate) fn feature_names(&self) -> Vec<String> {
        let has_panel = self.panel.is_some();
        let scores = self.plan.iter().flat_map(|plan| plan.scores());
        scores
            .flat_map(|score| {
                FEATURES
                    .iter()
                    .filter(|feature| has_panel || !feature.of_panel)
                    .map(|feature| format!("polygenic.{}.{}", score.name, feature.name))
            })
            .collect()
    }
}

/// A feature that each score gives.
struct ScoreFeature {
    name: &'static str,
    of_panel: bool,
    value: fn(&JudgedScore) -> FeatureValue,
}

fn adjusted(judged: &JudgedScore, value: Option<f64>) -> FeatureValue {
    value.ok_or(judged.adjustment_reason.unwrap_or(Reason::ScoreNotComputed))
}

/// Features of a score; `z` is the Z that compares best across ancestries.
const FEATURES: [ScoreFeature; 10] = [
    ScoreFeature {
        name: "sum",
        of_panel: false,
        value: |judged| judged.value.map(|_| judged.score.sum),
    },
    ScoreFeature {
        name: "value",
        of_panel: false,
        value: |judged| judged.value,
    },
    ScoreFeature {
        name: "average",
        of_panel: false,
        value: |judged| {
            judged.value?;
            Ok(judged.score.average)
        },
    },
    ScoreFeature {
        name: "coverage",
        of_panel: false,
        value: |judged| Ok(judged.score.weight_called),
    },
    ScoreFeature {
        name: "assumed",
        of_panel: false,
        value: |judged| Ok(judged.score.weight_assumed),
    },
    ScoreFeature {
        name: "percentile",
        of_panel: true,
        value: |judged| adjusted(judged, judged.adjusted.percentile),
    },
    ScoreFeature {
        name: "z_most_similar",
        of_panel: true,
        value: |judged| adjusted(judged, judged.adjusted.z_most_similar),
    },
    ScoreFeature {
        name: "z_norm1",
        of_panel: true,
        value: |judged| adjusted(judged, judged.adjusted.z_norm1),
    },
    ScoreFeature {
        name: "z_norm2",
        of_panel: true,
        value: |judged| adjusted(judged, judged.adjusted.z_norm2),
    },
    ScoreFeature {
        name: "z",
        of_panel: true,
        value: |judged| adjusted(judged, judged.adjusted.z_norm2),
    },
];
