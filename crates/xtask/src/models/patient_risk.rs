//! `demo-patient-risk`: covariates and variant burden to a risk, with weights taken from the
//! generative model of the test cohort.
//!
//! Two hidden units carry the linear predictor (its positive and its negative part), two more bend
//! it: many damaging variants add a little more, and so does the worst of them.

use serde_json::{Value, json};
use varisk_onnx::{Attribute, Dimension, ElementType, GraphBuilder, OnnxError};

use super::{Bundle, sigmoid, variant_kmer};

/// Name of the model.
pub(crate) const NAME: &str = "demo-patient-risk";
/// Covariate columns: age, BMI, female, male, does not smoke, smokes.
pub(crate) const COVARIATES: usize = 6;
/// Features: sum, maximum, count above the threshold, call rate.
pub(crate) const FEATURES: usize = 4;
const INPUTS: usize = COVARIATES + FEATURES;
const HIDDEN: usize = 4;

/// Imputed and mean age in years, and its spread.
pub(crate) const AGE: (f64, f64) = (55.0, 12.0);
/// Imputed and mean body-mass index in kg/m2, and its spread.
pub(crate) const BMI: (f64, f64) = (27.0, 5.0);

/// Weights of the linear predictor: change of liability for one standard deviation (or for the
/// category), from the generative model; the burden's is split over sum and count and shrunk,
/// because not all that the variant model finds is causal.
const LINEAR: [f32; INPUTS] = [
    0.30, 0.20, 0.0, 0.20, 0.0, 0.50, // covariates
    0.45, 0.0, 0.45, 0.0, // features
];
/// The spread of liability that the predictor leaves open; a logistic curve of this scale.
const SCALE: f32 = 1.5;
/// Chosen so that the cohort's mean risk is near its share of affected patients.
const INTERCEPT: f32 = -1.3;

/// Mean and standard deviation of each feature in the cohort.
pub(crate) type Standardisation = [(f64, f64); FEATURES];

/// The weights.
pub(crate) struct PatientModel {
    /// [inputs, hidden]
    first: Vec<f32>,
    first_bias: [f32; HIDDEN],
    second: [f32; HIDDEN],
}

impl PatientModel {
    pub(crate) fn new() -> Self {
        let mut first = vec![0.0; INPUTS * HIDDEN];
        for (input, weight) in LINEAR.iter().enumerate() {
            first[input * HIDDEN] = *weight;
            first[input * HIDDEN + 1] = -weight;
        }
        first[COVARIATES * HIDDEN + 2] = 1.0;
        first[(COVARIATES + 1) * HIDDEN + 3] = 1.0;
        Self {
            first,
            first_bias: [0.0, 0.0, -1.0, 0.0],
            second: [SCALE, -SCALE, 0.2, 0.1],
        }
    }

    /// The risk of a patient, computed as the graph does.
    pub(crate) fn risk(&self, covariates: [f32; COVARIATES], features: [f32; FEATURES]) -> f32 {
        let inputs = covariates.into_iter().chain(features);
        let mut hidden = self.first_bias;
        for (input, value) in inputs.enumerate() {
            for (unit, sum) in hidden.iter_mut().enumerate() {
                *sum += value * self.first[input * HIDDEN + unit];
            }
        }
        let sum: f32 = hidden
            .iter()
            .zip(self.second)
            .map(|(value, weight)| value.max(0.0) * weight)
            .sum();
        sigmoid(sum + INTERCEPT)
    }

    /// The model with its manifest.
    pub(crate) fn bundle(
        &self,
        standardisation: &Standardisation,
        metrics: &Value,
    ) -> Result<Bundle, OnnxError> {
        let mut graph = GraphBuilder::new(NAME);
        graph.documentation("Risk from covariates and variant burden of a synthetic cohort.");
        let row = |size: usize| [Dimension::symbolic("N"), Dimension::Fixed(size as u64)];
        graph.input("covariates", ElementType::Float32, &row(COVARIATES))?;
        graph.input("features", ElementType::Float32, &row(FEATURES))?;
        graph.initializer_f32("first", &[INPUTS as u64, HIDDEN as u64], &self.first)?;
        graph.initializer_f32("first_bias", &[HIDDEN as u64], &self.first_bias)?;
        graph.initializer_f32("second", &[HIDDEN as u64, 1], &self.second)?;
        graph.initializer_f32("second_bias", &[1], &[INTERCEPT])?;
        graph.node(
            "Concat",
            &["covariates", "features"],
            &["inputs"],
            &[Attribute::int("axis", 1)],
        )?;
        graph.node("Gemm", &["inputs", "first", "first_bias"], &["hidden"], &[])?;
        graph.node("Relu", &["hidden"], &["active"], &[])?;
        graph.node(
            "Gemm",
            &["active", "second", "second_bias"],
            &["logit"],
            &[],
        )?;
        graph.node("Sigmoid", &["logit"], &["risk"], &[])?;
        graph.output("risk", ElementType::Float32, &row(1))?;
        Ok(Bundle {
            model: graph.finish()?,
            manifest: manifest(standardisation, metrics),
        })
    }
}

fn manifest(standardisation: &Standardisation, metrics: &Value) -> Value {
    let burden = |kind: &str| {
        format!(
            "burden.{}.{}.{kind}",
            variant_kmer::NAME,
            variant_kmer::OUTPUT
        )
    };
    let names = [
        burden("sum"),
        burden("max"),
        burden("count_above"),
        "qc.call_rate".to_owned(),
    ];
    let features: Vec<Value> = names
        .iter()
        .zip(standardisation)
        .map(|(name, (mean, std))| {
            // A patient without a call rate is taken as an average one.
            let impute = if name == "qc.call_rate" { *mean } else { 0.0 };
            json!({"name": name, "impute": impute, "mean": mean, "std": std})
        })
        .collect();
    let number = |name: &str, (mean, std): (f64, f64)| json!({"name": name, "impute": mean, "mean": mean, "std": std});
    json!({
        "schema_version": 1,
        "name": NAME,
        "version": "1.0.0",
        "licence": "MIT OR Apache-2.0",
        "intended_use": "demonstration on synthetic data; research output, not a diagnosis",
        "training_data": "none: the weights follow from the model that generated the 48 synthetic \
            patients of testdata; means and standard deviations are theirs",
        "metrics": metrics,
        "genome_build": "any",
        "kind": "patient",
        "model": "model.onnx",
        "batch_size": 64,
        "inputs": [
            {
                "tensor": "covariates",
                "encoder": "covariate",
                "params": {"columns": [
                    number("age", AGE),
                    number("bmi", BMI),
                    {"name": "sex", "categories": ["female", "male"], "impute": "female"},
                    {"name": "smoker", "categories": ["no", "yes"], "impute": "no"}
                ]}
            },
            {"tensor": "features", "encoder": "feature", "params": {"features": features}}
        ],
        "outputs": [{
            "tensor": "risk",
            "name": "risk",
            "meaning": "risk of being affected in the synthetic cohort, from 0 to 1",
            "column": 0,
            "activation": "none",
            "threshold": 0.5
        }]
    })
}
