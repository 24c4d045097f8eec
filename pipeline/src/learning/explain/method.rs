//! How an output is explained, and its explanation of each row.

use ndarray::{Array2, ArrayView2};
use varisk_encode::{Activation, Bundle, OutputSpec, PatientEncoder, Tensors};
use varisk_explanation::{
    Background, Borders, Explanation, ExplanationError, LinearExplainer, LinearModel, Players,
    SamplingError, SamplingExplainer, SamplingSettings, Scale, TreeEnsemble, TreeExplainer,
};
use varisk_score::{Model, ScoreError};

use super::Explaining;
use crate::arguments::ExplainChoice;
use crate::exit::Refusal;

/// Greatest difference of an exact explanation's prediction from that of the runtime, relative where
/// a number is greater than 1: it computes in 32 bits.
const PREDICTION_TOLERANCE: f64 = 1e-4;
/// Greatest gap between a prediction and what its contributions add up to.
const ADDITIVITY: f64 = 1e-9;

/// How an output is explained.
pub(super) enum Method {
    Linear(LinearExplainer, Option<Borders>),
    Tree(TreeExplainer, Option<Borders>),
    Sampling(SamplingExplainer),
}

/// A model that predicts one of its outputs, before activation.
pub(super) struct Predictor<'a> {
    pub(super) model: &'a Model,
    pub(super) tensors: Tensors,
    pub(super) output: usize,
}

impl varisk_explanation::Model for Predictor<'_> {
    type Error = ScoreError;

    fn predict(&mut self, rows: ArrayView2<'_, f32>) -> Result<Vec<f64>, ScoreError> {
        let mut all = Vec::with_capacity(rows.nrows());
        let size = self.tensors.batch_size();
        for chunk in rows.axis_chunks_iter(ndarray::Axis(0), size) {
            for (slot, row) in chunk.rows().into_iter().enumerate() {
                let row = row.to_vec();
                if !self.tensors.set_row(slot, &row) {
                    return Err(ScoreError::Run {
                        model: self.model.bundle().manifest.name.clone(),
                        detail: "a row does not fit its tensors".to_owned(),
                    });
                }
            }
            let count = chunk.nrows();
            let wanted = self.output;
            self.model
                .run(&self.tensors, |index, spec, width, elements| {
                    if index == wanted {
                        let column = spec.column.unwrap_or(0) as usize;
                        let own = elements.chunks_exact(width).take(count);
                        all.extend(
                            own.filter_map(|row| row.get(column).map(|own| f64::from(*own))),
                        );
                    }
                })?;
        }
        Ok(all)
    }
}

impl Method {
    /// The name in tables. Sampling evaluates all combinations where there are few.
    pub(super) fn name(&self, is_exact: bool) -> &'static str {
        match self {
            Self::Linear(..) => "linear",
            Self::Tree(..) => "tree",
            Self::Sampling(_) if is_exact => "enumeration",
            Self::Sampling(_) => "sampling",
        }
    }
}

/// Chooses how to explain an output.
pub(super) fn method(
    explaining: Explaining,
    predictor: &mut Predictor<'_>,
    output: &OutputSpec,
    encoder: &PatientEncoder,
    background: &Background,
    players: &Players,
) -> anyhow::Result<Method> {
    if explaining.method != Some(ExplainChoice::Sampling) {
        match exact(
            predictor.model.bundle(),
            output,
            encoder,
            background,
            players,
        )? {
            Ok(method) => return Ok(method),
            Err(why) if explaining.method == Some(ExplainChoice::Exact) => {
                return Err(Refusal::Data(format!(
                    "'{}' cannot be explained exactly: {why}; use --method sampling",
                    output.name
                ))
                .into());
            }
            Err(_) => {}
        }
    }
    let settings = SamplingSettings {
        evaluations: explaining.evaluations,
        seed: explaining.seed,
        batch: predictor.tensors.batch_size(),
    };
    let scale = match output.activation {
        Activation::None => Scale::Output,
        Activation::Sigmoid => Scale::LogOdds,
        Activation::Softmax => Scale::ClassScore,
    };
    let explainer = SamplingExplainer::new(predictor, background, players, settings, scale);
    Ok(Method::Sampling(explainer.map_err(refused_sampling)?))
}

/// A refusal of the sampler in words of the command line.
fn refused_sampling(error: SamplingError<ScoreError>) -> Refusal {
    match error {
        SamplingError::Explanation(ExplanationError::Setting {
            setting: "evaluations",
            value,
            remedy,
        }) => Refusal::Usage(format!("--evaluations is {value}; {remedy}")),
        other => Refusal::Data(other.to_string()),
    }
}

/// Why a graph is not of a kind, without the remedy.
fn why(error: &ExplanationError) -> String {
    match error {
        ExplanationError::Operator {
            kind,
            operator,
            detail,
        } => format!("the graph is not {kind}: {operator} {detail}"),
        ExplanationError::Graph { kind, detail } => format!("the graph is not {kind}: {detail}"),
        other => other.to_string(),
    }
}

/// An exact method, or why there is none.
fn exact(
    bundle: &Bundle,
    output: &OutputSpec,
    encoder: &PatientEncoder,
    background: &Background,
    players: &Players,
) -> anyhow::Result<Result<Method, String>> {
    let mut graph = varisk_onnx::Model::read(&bundle.model_path)?;
    graph.unzip_maps();
    let (borders, graph) = match Borders::split(&graph) {
        Some((borders, rest)) => {
            let order = encoder.tensors().iter().map(|own| own.name.as_str());
            if !order.eq(borders.inputs().iter().map(String::as_str)) {
                return Ok(Err(
                    "its inputs are joined in another order than the manifest's".to_owned(),
                ));
            }
            (Some(borders), rest)
        }
        None => (None, graph),
    };
    let background = match &borders {
        Some(borders) => {
            let mut rows = background.view().to_owned();
            for mut row in rows.rows_mut() {
                if let Some(row) = row.as_slice_mut() {
                    borders.apply(row);
                }
            }
            Background::try_new(rows)?
        }
        None => background.clone(),
    };
    let column = output.column.unwrap_or(0) as usize;
    let linear = match LinearModel::from_onnx(&graph, &output.tensor) {
        Ok(model) => {
            return Ok(Ok(Method::Linear(
                LinearExplainer::new(&model, column, &background, players)?,
                borders,
            )));
        }
        Err(error) => why(&error),
    };
    Ok(match TreeEnsemble::from_onnx(&graph, &output.tensor) {
        Ok(model) => Ok(Method::Tree(
            TreeExplainer::new(&model, column, &background, players)?,
            borders,
        )),
        Err(error) => Err(format!("{linear}, and {}", why(&error))),
    })
}

pub(super) type Explained = (Explanation, Option<Vec<f64>>);

/// Explains all rows, in order. What is said of one does not depend on the others.
pub(super) fn explain_all(
    method: &Method,
    predictor: &Predictor<'_>,
    matrix: &Array2<f32>,
    threads: usize,
) -> anyhow::Result<Vec<Explained>> {
    let rows: Vec<Vec<f32>> = matrix.rows().into_iter().map(|row| row.to_vec()).collect();
    let share = rows.len().div_ceil(threads.max(1)).max(1);
    let parts: Vec<anyhow::Result<Vec<Explained>>> = std::thread::scope(|scope| {
        let handles: Vec<_> = rows
            .chunks(share)
            .map(|rows| {
                let mut own = Predictor {
                    model: predictor.model,
                    tensors: predictor.tensors.clone(),
                    output: predictor.output,
                };
                scope.spawn(move || {
                    let each = rows.iter().map(|row| explain(method, &mut own, row));
                    each.collect::<anyhow::Result<Vec<_>>>()
                })
            })
            .collect();
        let panicked = || {
            Err(Refusal::Software(
                "internal error: a thread ended early; please report this".to_owned(),
            )
            .into())
        };
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|_| panicked()))
            .collect()
    });
    let mut all = Vec::with_capacity(rows.len());
    for part in parts {
        all.extend(part?);
    }
    if !matches!(method, Method::Sampling(_)) {
        check_predictions(predictor, matrix, &all)?;
    }
    Ok(all)
}

fn explain(
    method: &Method,
    predictor: &mut Predictor<'_>,
    row: &[f32],
) -> anyhow::Result<Explained> {
    let bordered = |borders: &Option<Borders>| {
        let mut row = row.to_vec();
        if let Some(borders) = borders {
            borders.apply(&mut row);
        }
        row
    };
    let (explanation, errors) = match method {
        Method::Linear(explainer, borders) => (explainer.explain(&bordered(borders))?, None),
        Method::Tree(explainer, borders) => (explainer.explain(&bordered(borders))?, None),
        Method::Sampling(explainer) => {
            let sampled = explainer.explain(predictor, row);
            let sampled = sampled.map_err(refused_sampling)?;
            let errors = (!sampled.is_exact).then_some(sampled.standard_errors);
            (sampled.explanation, errors)
        }
    };
    explanation.check_additivity(ADDITIVITY)?;
    Ok((explanation, errors))
}

/// What was read from a graph must say what the runtime says.
fn check_predictions(
    predictor: &Predictor<'_>,
    matrix: &Array2<f32>,
    explained: &[Explained],
) -> anyhow::Result<()> {
    use varisk_explanation::Model as _;
    let mut own = Predictor {
        model: predictor.model,
        tensors: predictor.tensors.clone(),
        output: predictor.output,
    };
    let raw = own.predict(matrix.view())?;
    for (raw, (explanation, _)) in raw.iter().zip(explained) {
        let mut expected = [explanation.prediction];
        // The graph may end in the sigmoid that the explanation leaves out.
        let spec = &predictor.model.bundle().manifest.outputs[predictor.output];
        if explanation.scale == Scale::LogOdds && spec.activation == Activation::None {
            explanation.scale.apply(&mut expected);
        } else if explanation.scale == Scale::ClassScore {
            continue;
        }
        if (raw - expected[0]).abs() > PREDICTION_TOLERANCE * raw.abs().max(1.0) {
            return Err(Refusal::Software(
                "internal error: the graph was read as a model that predicts something else; use --method sampling, and please report this".to_owned(),
            )
            .into());
        }
    }
    Ok(())
}
