//! Candidates of a search.

use serde::Serialize;

use crate::boosted::BoostedError;
use crate::linear::LinearError;
use crate::network::NetworkError;
use crate::{Candidate, FamilySpec, TrainError, boosted, linear, network};

impl FamilySpec {
    /// Refuses lists with a value that makes no sense: a candidate less would be searched than asked
    /// for.
    ///
    /// # Errors
    /// A setting of a candidate is out of its range.
    pub fn check(&self) -> Result<(), TrainError> {
        self.candidates().iter().try_for_each(Candidate::check)
    }

    /// Every combination of the settings.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        let penalised = |lambda: &[f64], l1_ratio: &[f64]| -> Vec<linear::Settings> {
            let each = |lambda: f64| {
                l1_ratio.iter().map(move |l1_ratio| linear::Settings {
                    lambda,
                    l1_ratio: *l1_ratio,
                    ..linear::Settings::default()
                })
            };
            lambda.iter().copied().flat_map(each).collect()
        };
        match self {
            Self::Logistic { lambda, l1_ratio } => {
                let settings = penalised(lambda, l1_ratio);
                settings.into_iter().map(Candidate::Logistic).collect()
            }
            Self::Cox { lambda, l1_ratio } => {
                let settings = penalised(lambda, l1_ratio);
                settings.into_iter().map(Candidate::Cox).collect()
            }
            Self::Network {
                hidden,
                dropout,
                learning_rate,
                settings,
            } => {
                let mut all = Vec::new();
                for hidden in hidden {
                    for dropout in dropout {
                        for learning_rate in learning_rate {
                            let own = settings.with(hidden, *dropout, *learning_rate);
                            all.push(Candidate::Network(own));
                        }
                    }
                }
                all
            }
            Self::Boosted {
                learning_rate,
                depth,
                settings,
            } => {
                let mut all = Vec::new();
                for learning_rate in learning_rate {
                    for depth in depth {
                        all.push(Candidate::Boosted(settings.with(*learning_rate, *depth)));
                    }
                }
                all
            }
        }
    }
}

impl Candidate {
    fn check(&self) -> Result<(), TrainError> {
        let (family, checked) = match self {
            Self::Logistic(own) => ("logistic", own.validate().map_err(TrainError::from)),
            Self::Cox(own) => ("cox", own.validate().map_err(TrainError::from)),
            Self::Network(own) => ("network", own.check().map_err(TrainError::from)),
            Self::Boosted(own) => ("boosted", own.check().map_err(TrainError::from)),
        };
        checked.map_err(|error| match error {
            TrainError::Linear(LinearError::Setting {
                setting,
                value,
                remedy,
            })
            | TrainError::Network(NetworkError::Setting {
                setting,
                value,
                remedy,
            })
            | TrainError::Boosted(BoostedError::Setting {
                setting,
                value,
                remedy,
            }) => TrainError::FamilySetting {
                family,
                setting,
                value,
                remedy,
            },
            other => other,
        })
    }
}

/// A candidate as records and cards show it.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Written {
    Logistic {
        lambda: f64,
        l1_ratio: f64,
        tolerance: f64,
        max_iterations: usize,
    },
    Cox(linear::Settings),
    Network {
        hidden: Vec<usize>,
        dropout: f64,
        learning_rate: f64,
        #[serde(flatten)]
        fixed: network::FixedSettings,
    },
    Boosted {
        learning_rate: f64,
        depth: usize,
        #[serde(flatten)]
        fixed: boosted::FixedSettings,
    },
}

impl From<Candidate> for Written {
    fn from(candidate: Candidate) -> Self {
        match candidate {
            Candidate::Logistic(own) => Self::Logistic {
                lambda: own.lambda,
                l1_ratio: own.l1_ratio,
                tolerance: own.tolerance,
                max_iterations: own.max_iterations,
            },
            Candidate::Cox(own) => Self::Cox(own),
            Candidate::Network(own) => Self::Network {
                fixed: network::FixedSettings::from(&own),
                hidden: own.hidden,
                dropout: own.dropout,
                learning_rate: own.learning_rate,
            },
            Candidate::Boosted(own) => Self::Boosted {
                learning_rate: own.learning_rate,
                depth: own.depth,
                fixed: boosted::FixedSettings::from(&own),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(text: &str) -> FamilySpec {
        toml::from_str(text).unwrap()
    }

    fn written(text: &str) -> Vec<String> {
        let all = family(text).candidates();
        let text = |own: &Candidate| serde_json::to_string(own).unwrap();
        all.iter().map(text).collect()
    }

    #[test]
    fn a_candidate_is_written_as_it_is_fitted() {
        for (toml, json) in [
            (
                "kind = 'logistic'\nlambda = [0.1]\nl1_ratio = [0.5]",
                r#"{"kind":"logistic","lambda":0.1,"l1_ratio":0.5,"tolerance":1e-10,"max_iterations":200}"#,
            ),
            (
                "kind = 'cox'\nlambda = [0.1]\nl1_ratio = [0.5]",
                r#"{"kind":"cox","lambda":0.1,"l1_ratio":0.5,"tolerance":1e-10,"max_iterations":200,"ties":"efron"}"#,
            ),
            (
                "kind = 'network'\nhidden = [[8]]\ndropout = [0.1]\n[settings]\nepochs = 7",
                r#"{"kind":"network","hidden":[8],"dropout":0.1,"learning_rate":0.001,"activation":"relu","weight_decay":0.0,"batch_size":256,"epochs":7,"patience":10,"class_weights":"none"}"#,
            ),
            (
                "kind = 'boosted'\ndepth = [6]\n[settings]\nrounds = 7",
                r#"{"kind":"boosted","learning_rate":0.05,"depth":6,"rounds":7,"min_child_weight":2.0,"l2":1.0,"subsample":1.0,"column_subsample":1.0,"bins":255,"early_stopping_rounds":25}"#,
            ),
        ] {
            assert_eq!(written(toml), [json]);
            let again: Candidate = serde_json::from_str(json).unwrap();
            assert_eq!([again], family(toml).candidates()[..]);
        }
    }

    #[test]
    fn one_value_of_a_list_is_enough_to_refuse_it() {
        for (text, parts) in [
            (
                "kind = 'logistic'\nlambda = [0.01, -1]",
                ["'logistic'", "'lambda' is -1"],
            ),
            (
                "kind = 'cox'\nl1_ratio = [0.5, 1.5]",
                ["'cox'", "'l1_ratio' is 1.5"],
            ),
            (
                "kind = 'network'\nhidden = [[8], [8, 0]]",
                ["'network'", "'hidden' is 0"],
            ),
            (
                "kind = 'network'\ndropout = [0.1, 1]",
                ["'network'", "'dropout' is 1"],
            ),
            (
                "kind = 'network'\n[settings]\npatience = 0",
                ["'network'", "'patience' is 0"],
            ),
            (
                "kind = 'boosted'\ndepth = [2, 99]",
                ["'boosted'", "'depth' is 99"],
            ),
            (
                "kind = 'boosted'\n[settings]\nbins = 1",
                ["'boosted'", "'bins' is 1"],
            ),
        ] {
            let error = family(text).check().unwrap_err().to_string();
            assert!(parts.iter().all(|own| error.contains(own)), "{error}");
        }
        for kind in ["logistic", "cox", "network", "boosted"] {
            family(&format!("kind = '{kind}'")).check().unwrap();
        }
    }

    #[test]
    fn what_would_have_no_effect_is_refused() {
        for (kind, setting) in [
            ("network", "hidden = [8]"),
            ("network", "dropout = 0.1"),
            ("network", "learning_rate = 7"),
            ("network", "seed = 1"),
            ("network", "threads = 2"),
            ("boosted", "learning_rate = 7"),
            ("boosted", "depth = 99"),
            ("boosted", "seed = 1"),
            ("boosted", "threads = 2"),
        ] {
            let text = format!("kind = '{kind}'\n[settings]\n{setting}");
            let error = toml::from_str::<FamilySpec>(&text).unwrap_err().to_string();
            assert!(error.contains("unknown field"), "{text}: {error}");
        }
    }
}
