//! Candidates of a search.

use crate::{Candidate, FamilySpec, boosted, linear, network};

impl FamilySpec {
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
                            all.push(Candidate::Network(network::Settings {
                                hidden: hidden.clone(),
                                dropout: *dropout,
                                learning_rate: *learning_rate,
                                ..settings.clone()
                            }));
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
                        all.push(Candidate::Boosted(boosted::Settings {
                            learning_rate: *learning_rate,
                            depth: *depth,
                            ..settings.clone()
                        }));
                    }
                }
                all
            }
        }
    }
}
