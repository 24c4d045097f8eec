//! Risk items and polygenic scores.

use arrow::array::RecordBatch;

use super::PatientRow;
use crate::columns::Columns;
use crate::{DossierError, TableRows};

/// What a value is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is a value.
    Ok,
    /// There is a value, and a reason not to trust it.
    Flagged,
    /// There is no value, and a reason why.
    NotComputed,
}

impl State {
    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "ok" => Self::Ok,
            // The word of the ancestry table for a place that is not sure.
            "flagged" | "low_confidence" => Self::Flagged,
            "not_computed" => Self::NotComputed,
            _ => return None,
        })
    }

    /// The state of a row.
    pub(super) fn of(columns: &Columns<'_>, text: Option<String>) -> Result<Self, DossierError> {
        let text = columns.required(text, "state")?;
        // Unknown states must not pass for good ones.
        Self::read(&text).ok_or_else(|| columns.damaged(format!("unknown state '{text}'")))
    }

    /// Its word in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Flagged => "flagged",
            Self::NotComputed => "not_computed",
        }
    }
}

/// A cumulative risk over age.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskCurve {
    /// Ages in years, ascending.
    pub ages: Vec<f64>,
    /// The patient's risk from the first age to each of them.
    pub risk: Vec<f64>,
    /// That of the average person of the same sex; empty where unknown.
    pub population: Vec<f64>,
}

/// A row of `risk.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct Risk {
    /// Identifier of the patient.
    pub patient: String,
    /// Name of the item.
    pub item: String,
    /// `patient_model`, `polygenic_score` or `absolute_risk`.
    pub kind: String,
    /// The value; none where there is a reason instead.
    pub value: Option<f64>,
    /// Lower end of the 95 % interval.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
    /// What the value is worth.
    pub state: State,
    /// Why there is none, or why it is flagged.
    pub reason: Option<String>,
    /// What the value says.
    pub meaning: String,
    /// Percentile in the most similar population of the panel, 0 to 100.
    pub percentile: Option<f64>,
    /// That population.
    pub population: Option<String>,
    /// Average risk of people of the same sex between the same ages.
    pub population_value: Option<f64>,
    /// Age at the beginning, in years.
    pub age_start: Option<f64>,
    /// Age at the end, in years.
    pub age_end: Option<f64>,
    /// Factors that were averaged over.
    pub missing_factors: Vec<String>,
    /// Share (0 to 1) of what the item needs that is called in the patient.
    pub coverage: Option<f64>,
    /// Share (0 to 1) that was taken for reference on the user's word.
    pub assumed_reference: Option<f64>,
    /// The strongest contributions, in words.
    pub contributions: Option<String>,
    /// Risk over age.
    pub curve: Option<RiskCurve>,
    /// Name of the model.
    pub model: String,
    /// Its version.
    pub model_version: String,
    /// SHA-256 of its file.
    pub model_sha256: String,
}

impl PatientRow for Risk {
    fn patient(&self) -> &str {
        &self.patient
    }

    fn read(batch: &RecordBatch, table: &TableRows) -> Result<Vec<Self>, DossierError> {
        let c = Columns::new(batch, table);
        let [patient, item, kind, state, reason, meaning] =
            ["patient", "item", "kind", "state", "reason", "meaning"].map(|name| c.text(name));
        let (patient, item, kind) = (patient?, item?, kind?);
        let (state, reason, meaning) = (state?, reason?, meaning?);
        let (value, lower, upper) = (c.number("value")?, c.number("lower")?, c.number("upper")?);
        let (percentile, population) = (c.number("percentile")?, c.text("population")?);
        let population_value = c.number("population_value")?;
        let (age_start, age_end) = (c.number("age_start")?, c.number("age_end")?);
        let missing = c.text("missing_factors")?;
        let (coverage, assumed) = (c.number("coverage")?, c.number("assumed_reference")?);
        let contributions = c.text("contributions")?;
        let ages = c.numbers("curve_ages")?;
        let (curve, average) = (c.numbers("curve")?, c.numbers("population_curve")?);
        let (model, version) = (c.text("model")?, c.text("model_version")?);
        let sha256 = c.text("model_sha256")?;
        (0..c.rows())
            .map(|row| {
                let worth = State::of(&c, state.get(row))?;
                let value = value.get(row);
                if worth != State::NotComputed {
                    // Otherwise it would pass for an item that could not be computed.
                    c.required(value, "value")?;
                }
                Ok(Self {
                    patient: c.required(patient.get(row), "patient")?,
                    item: c.required(item.get(row), "item")?,
                    kind: c.required(kind.get(row), "kind")?,
                    value,
                    lower: lower.get(row),
                    upper: upper.get(row),
                    state: worth,
                    reason: reason.get(row),
                    meaning: c.required(meaning.get(row), "meaning")?,
                    percentile: percentile.get(row),
                    population: population.get(row),
                    population_value: population_value.get(row),
                    age_start: age_start.get(row),
                    age_end: age_end.get(row),
                    missing_factors: missing
                        .get(row)
                        .map(|names| names.split(';').map(str::to_owned).collect())
                        .unwrap_or_default(),
                    coverage: coverage.get(row),
                    assumed_reference: assumed.get(row),
                    contributions: contributions.get(row),
                    curve: curve_of(ages.get(row), curve.get(row), average.get(row)),
                    model: c.required(model.get(row), "model")?,
                    model_version: c.required(version.get(row), "model_version")?,
                    model_sha256: c.required(sha256.get(row), "model_sha256")?,
                })
            })
            .collect()
    }
}

fn curve_of(
    ages: Option<Vec<f64>>,
    risk: Option<Vec<f64>>,
    population: Option<Vec<f64>>,
) -> Option<RiskCurve> {
    let (ages, risk) = (ages?, risk?);
    let population = population
        .filter(|average| average.len() == ages.len())
        .unwrap_or_default();
    (ages.len() == risk.len() && ages.len() > 1).then_some(RiskCurve {
        ages,
        risk,
        population,
    })
}

/// A row of `scores.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Identifier of the patient.
    pub patient: String,
    /// Name of the score.
    pub score: String,
    /// What it is worth.
    pub state: State,
    /// Why it is flagged or not computed.
    pub reason: Option<String>,
    /// Sum over matched alleles.
    pub sum: Option<f64>,
    /// Rows of the scoring file.
    pub alleles_total: u64,
    /// Rows that can be scored, whatever the data have.
    pub alleles_scorable: u64,
    /// Rows at which the patient has a complete call.
    pub alleles_called: u64,
    /// Rows taken for reference on the user's word.
    pub alleles_assumed: u64,
    /// Rows without a complete call.
    pub alleles_missing: u64,
    /// Shares (0 to 1) of the file's summed absolute weight: called.
    pub coverage: Option<f64>,
    /// Taken for reference on the user's word.
    pub assumed_reference: Option<f64>,
    /// Scorable and not called.
    pub missing: Option<f64>,
    /// Of rows of which the patient has no copy.
    pub not_counted: Option<f64>,
    /// Of rows that cannot be scored whatever the data have.
    pub not_scorable: Option<f64>,
    /// The sum that is compared with the panel.
    pub panel_sum: Option<f64>,
    /// The most similar population.
    pub population: Option<String>,
    /// Percentile in it, 0 to 100.
    pub percentile: Option<f64>,
    /// Distance from its mean in standard deviations.
    pub z_most_similar_population: Option<f64>,
    /// Mean adjusted by principal components.
    pub z_norm1: Option<f64>,
    /// Mean and variance adjusted by principal components.
    pub z_norm2: Option<f64>,
    /// Why there is neither percentile nor Z.
    pub adjustment_reason: Option<String>,
}

impl PatientRow for Score {
    fn patient(&self) -> &str {
        &self.patient
    }

    fn read(batch: &RecordBatch, table: &TableRows) -> Result<Vec<Self>, DossierError> {
        let c = Columns::new(batch, table);
        let (patient, score) = (c.text("patient")?, c.text("score")?);
        let (state, reason) = (c.text("state")?, c.text("reason")?);
        let (total, scorable) = (c.count("alleles_total")?, c.count("alleles_scorable")?);
        let (called, assumed) = (c.count("alleles_called")?, c.count("alleles_assumed")?);
        let absent = c.count("alleles_missing")?;
        let (sum, panel_sum) = (c.number("sum")?, c.number("panel_sum")?);
        let (coverage, reference) = (c.number("coverage")?, c.number("assumed_reference")?);
        let (missing, not_counted) = (c.number("missing")?, c.number("not_counted")?);
        let not_scorable = c.number("not_scorable")?;
        let (population, percentile) = (c.text("population")?, c.number("percentile")?);
        let z = c.number("z_most_similar_population")?;
        let (z_norm1, z_norm2) = (c.number("z_norm1")?, c.number("z_norm2")?);
        let adjustment = c.text("adjustment_reason")?;
        (0..c.rows())
            .map(|row| {
                Ok(Self {
                    patient: c.required(patient.get(row), "patient")?,
                    score: c.required(score.get(row), "score")?,
                    state: State::of(&c, state.get(row))?,
                    reason: reason.get(row),
                    sum: sum.get(row),
                    alleles_total: c.required(total.get(row), "alleles_total")?,
                    alleles_scorable: c.required(scorable.get(row), "alleles_scorable")?,
                    alleles_called: c.required(called.get(row), "alleles_called")?,
                    alleles_assumed: c.required(assumed.get(row), "alleles_assumed")?,
                    alleles_missing: c.required(absent.get(row), "alleles_missing")?,
                    coverage: coverage.get(row),
                    assumed_reference: reference.get(row),
                    missing: missing.get(row),
                    not_counted: not_counted.get(row),
                    not_scorable: not_scorable.get(row),
                    panel_sum: panel_sum.get(row),
                    population: population.get(row),
                    percentile: percentile.get(row),
                    z_most_similar_population: z.get(row),
                    z_norm1: z_norm1.get(row),
                    z_norm2: z_norm2.get(row),
                    adjustment_reason: adjustment.get(row),
                })
            })
            .collect()
    }
}

/// A row of `score_references.parquet`: how a score is distributed in a population of the panel.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreReference {
    /// Name of the score.
    pub score: String,
    /// The population.
    pub population: String,
    /// People of the panel behind it.
    pub people: u64,
    /// Mean of their sums.
    pub mean: Option<f64>,
    /// Standard deviation.
    pub standard_deviation: Option<f64>,
    /// Percentiles 0, 1, ..., 100 of their sums; empty where there is no distribution.
    pub quantiles: Vec<f64>,
}

pub(crate) fn score_references(
    batch: &RecordBatch,
    table: &TableRows,
) -> Result<Vec<ScoreReference>, DossierError> {
    let c = Columns::new(batch, table);
    let (score, population) = (c.text("score")?, c.text("population")?);
    let (people, mean) = (c.count("people")?, c.number("mean")?);
    let deviation = c.number("standard_deviation")?;
    let quantiles = c.numbers("quantiles")?;
    (0..c.rows())
        .map(|row| {
            Ok(ScoreReference {
                score: c.required(score.get(row), "score")?,
                population: c.required(population.get(row), "population")?,
                people: c.required(people.get(row), "people")?,
                mean: mean.get(row),
                standard_deviation: deviation.get(row),
                quantiles: quantiles.get(row).unwrap_or_default(),
            })
        })
        .collect()
}
