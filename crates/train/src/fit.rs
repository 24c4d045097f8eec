//! One way to all families: fitting a candidate on rows, its raw predictions, its place in a graph.

use std::ops::ControlFlow;

use ndarray::{Array2, ArrayView2, Axis};
use varisk_onnx::GraphBuilder;

use crate::folds::Fold;
use crate::outcome::Target;
use crate::preprocess::Element;
use crate::{Candidate, TrainError, boosted, linear, network};

/// Penalty of the regression over families: small, but enough for families that agree.
const STACK_PENALTY: f64 = 1e-3;

/// A candidate and what it is to learn from.
pub(crate) struct Job<'a> {
    pub(crate) candidate: &'a Candidate,
    /// Shape (rows of the outcome, elements).
    pub(crate) matrix: ArrayView2<'a, f32>,
    pub(crate) elements: &'a [Element],
    pub(crate) target: &'a Target,
    /// Rows to learn from.
    pub(crate) rows: &'a [usize],
    /// The same rows in two parts: those to learn from, and those that say when to stop.
    pub(crate) split: &'a Fold,
    pub(crate) seed: u64,
}

/// A fitted family.
#[derive(Clone, Debug)]
pub(crate) enum Fitted {
    Linear {
        model: linear::Linear,
        /// Elements that it uses: a category of each predictor follows from the others.
        used: Vec<usize>,
        elements: usize,
    },
    Network(network::Training),
    Boosted(boosted::Boosted),
}

impl Job<'_> {
    /// Fits the candidate.
    pub(crate) fn fit(&self, threads: usize) -> Result<Fitted, TrainError> {
        let select = |rows: &[usize]| self.matrix.select(Axis(0), rows);
        match self.candidate {
            Candidate::Logistic(settings) | Candidate::Cox(settings) => {
                let used: Vec<usize> = self
                    .elements
                    .iter()
                    .enumerate()
                    .filter(|(_, element)| !element.is_redundant)
                    .map(|(at, _)| at)
                    .collect();
                let own = select(self.rows).select(Axis(1), &used).mapv(f64::from);
                let target = self.target.select(self.rows);
                Ok(Fitted::Linear {
                    model: linear::fit(&own, &of_linear(&target), None, settings)?,
                    used,
                    elements: self.elements.len(),
                })
            }
            Candidate::Network(settings) => {
                let settings = network::Settings {
                    seed: self.seed,
                    threads,
                    ..settings.clone()
                };
                let (own, stop) = (select(&self.split.training), select(&self.split.test));
                let (target, stop_target) = self.targets();
                let training = network::Rows {
                    features: own.view(),
                    target: of_network(&target),
                    weights: None,
                };
                let validation = network::Rows {
                    features: stop.view(),
                    target: of_network(&stop_target),
                    weights: None,
                };
                let fitted = network::fit(
                    training,
                    Some(validation),
                    &settings,
                    &mut |_| ControlFlow::Continue(()),
                    None,
                )?;
                Ok(Fitted::Network(fitted))
            }
            Candidate::Boosted(settings) => {
                let settings = boosted::Settings {
                    seed: self.seed,
                    threads,
                    ..settings.clone()
                };
                let (own, stop) = (select(&self.split.training), select(&self.split.test));
                let (target, stop_target) = self.targets();
                let training = boosted::Data {
                    features: own.view(),
                    target: of_boosted(&target),
                    weights: None,
                };
                let validation = boosted::Data {
                    features: stop.view(),
                    target: of_boosted(&stop_target),
                    weights: None,
                };
                let model = boosted::fit(&training, Some(&validation), &settings, &mut |_| {
                    ControlFlow::Continue(())
                })?;
                Ok(Fitted::Boosted(model))
            }
        }
    }

    fn targets(&self) -> (Target, Target) {
        (
            self.target.select(&self.split.training),
            self.target.select(&self.split.test),
        )
    }
}

fn of_linear(target: &Target) -> linear::Target<'_> {
    match target {
        Target::Binary(happens) => linear::Target::Binary(happens),
        Target::Classes { labels, names } => linear::Target::Classes {
            labels,
            classes: names.len(),
        },
        Target::Survival { times, events } => linear::Target::Survival {
            entries: None,
            times,
            events,
        },
    }
}

fn of_network(target: &Target) -> network::Target<'_> {
    match target {
        Target::Binary(happens) => network::Target::Binary(happens),
        Target::Classes { labels, names } => network::Target::Classes {
            labels,
            classes: names.len(),
        },
        Target::Survival { times, events } => network::Target::Survival { times, events },
    }
}

fn of_boosted(target: &Target) -> boosted::Target<'_> {
    match target {
        Target::Binary(happens) => boosted::Target::Binary(happens),
        Target::Classes { labels, names } => boosted::Target::Classes {
            labels,
            classes: names.len(),
        },
        Target::Survival { times, events } => boosted::Target::Survival { times, events },
    }
}

/// A regression over the raw predictions of families.
pub(crate) fn stack(raw: &Array2<f64>, target: &Target) -> Result<linear::Linear, TrainError> {
    let settings = linear::Settings {
        lambda: STACK_PENALTY,
        ..linear::Settings::default()
    };
    Ok(linear::fit(raw, &of_linear(target), None, &settings)?)
}

impl Fitted {
    /// Log odds, logits of classes, or log hazard: shape (rows, outputs).
    pub(crate) fn raw(&self, rows: &ArrayView2<'_, f32>) -> Result<Array2<f64>, TrainError> {
        Ok(match self {
            Self::Linear { model, used, .. } => {
                let own = rows.select(Axis(1), used).mapv(f64::from);
                model.predict_raw(&own)?
            }
            Self::Network(model) => model.network.predict_raw(rows)?.mapv(f64::from),
            Self::Boosted(model) => model.predict_raw(rows)?,
        })
    }

    /// Adds nodes from the elements of rows to the raw prediction.
    pub(crate) fn write(
        &self,
        graph: &mut GraphBuilder,
        input: &str,
        output: &str,
    ) -> Result<(), TrainError> {
        match self {
            Self::Linear {
                model,
                used,
                elements,
            } => {
                // Elements that the model does not use have a weight of 0, so that it stays a
                // plain linear function of all of them.
                let outputs = model.outputs();
                let mut weights = vec![0.0_f32; elements * outputs];
                for (at, row) in used.iter().zip(model.coefficients().rows()) {
                    for (output, own) in row.iter().enumerate() {
                        if let Some(slot) = weights.get_mut(at * outputs + output) {
                            *slot = *own as f32;
                        }
                    }
                }
                let intercepts = model.intercepts().unwrap_or_else(|| vec![0.0; outputs]);
                let intercepts: Vec<f32> = intercepts.iter().map(|own| *own as f32).collect();
                let names = [format!("{output}_weights"), format!("{output}_intercepts")];
                let shape = [*elements as u64, outputs as u64];
                graph.initializer_f32(&names[0], &shape, &weights)?;
                graph.initializer_f32(&names[1], &shape[1..], &intercepts)?;
                graph.node("Gemm", &[input, &names[0], &names[1]], &[output], &[])?;
            }
            Self::Network(model) => model.network.write(graph, input, output)?,
            Self::Boosted(model) => model.add_to(graph, input, output, None)?,
        }
        Ok(())
    }

    /// Training and validation loss by epoch or round; none of a linear model.
    pub(crate) fn curve(&self) -> Vec<(f64, Option<f64>)> {
        match self {
            Self::Linear { .. } => Vec::new(),
            Self::Network(model) => {
                let each = model.history.iter();
                each.map(|own| (own.training_loss, own.validation_loss))
                    .collect()
            }
            Self::Boosted(model) => {
                let each = model.curve().iter();
                each.map(|own| (own.training_loss, own.validation_loss))
                    .collect()
            }
        }
    }

    /// The coefficient of each element, of a linear model of one output.
    pub(crate) fn coefficients(&self) -> Option<Vec<f64>> {
        let Self::Linear {
            model,
            used,
            elements,
        } = self
        else {
            return None;
        };
        let mut all = vec![0.0; *elements];
        for (at, own) in used.iter().zip(model.coefficients().column(0)) {
            *all.get_mut(*at)? = *own;
        }
        Some(all)
    }
}
