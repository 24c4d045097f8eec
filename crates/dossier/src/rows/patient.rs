//! What there is once for each patient, and what explains a result.

use arrow::array::RecordBatch;

use super::{PatientRow, State};
use crate::columns::Columns;
use crate::{DossierError, TableRows};

/// A row of `ancestry.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ancestry {
    /// Identifier of the patient.
    pub patient: String,
    /// The most similar population of the panel.
    pub population: Option<String>,
    /// Its probability among the panel's populations.
    pub probability: Option<f64>,
    /// `Flagged` where no population is clearly the most similar one.
    pub state: State,
    /// Why.
    pub reason: Option<String>,
    /// Sites of the panel that are called.
    pub sites: u64,
    /// Of all sites of the panel (0 to 1).
    pub share_of_sites: f64,
    /// Name and release of the panel.
    pub panel: String,
}

impl PatientRow for Ancestry {
    fn patient(&self) -> &str {
        &self.patient
    }

    fn read(batch: &RecordBatch, table: &TableRows) -> Result<Vec<Self>, DossierError> {
        let c = Columns::new(batch, table);
        let (patient, population) = (c.text("patient")?, c.text("population")?);
        let (probability, state) = (c.number("probability")?, c.text("state")?);
        let (reason, sites) = (c.text("reason")?, c.count("sites")?);
        let (share, panel) = (c.number("share_of_sites")?, c.text("panel")?);
        (0..c.rows())
            .map(|row| {
                Ok(Self {
                    patient: c.required(patient.get(row), "patient")?,
                    population: population.get(row),
                    probability: probability.get(row),
                    state: State::of(&c, state.get(row))?,
                    reason: reason.get(row),
                    sites: c.required(sites.get(row), "sites")?,
                    share_of_sites: c.required(share.get(row), "share_of_sites")?,
                    panel: c.required(panel.get(row), "panel")?,
                })
            })
            .collect()
    }
}

/// A row of `qc.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct Quality {
    /// Identifier of the patient.
    pub patient: String,
    /// Sex of the samplesheet.
    pub recorded_sex: Option<String>,
    /// Sex by the calls.
    pub inferred_sex: Option<String>,
    /// Whether the two disagree.
    pub sex_mismatch: bool,
    /// Sequence alleles of the input that the patient can have.
    pub alleles: u64,
    /// Of these, with a complete call.
    pub called: u64,
    /// With a partial call.
    pub partial: u64,
    /// With a missing call.
    pub missing: u64,
    /// That the patient's file does not have.
    pub not_assayed: u64,
    /// Share (0 to 1) with a complete call.
    pub call_rate: Option<f64>,
    /// Heterozygous over homozygous alternate.
    pub het_hom_ratio: Option<f64>,
    /// Transitions over transversions.
    pub ti_tv_ratio: Option<f64>,
    /// Alleles taken for reference on the user's word.
    pub assumed_reference: u64,
    /// Mean depth of the reads where they were asked.
    pub reads_mean_depth: Option<f64>,
    /// Share (0 to 1) of sites at which calls and reads agree.
    pub reads_concordance: Option<f64>,
    /// Predictors outside the training range of a model, as `MODEL:PREDICTOR`.
    pub outside_training: Vec<String>,
    /// Known pathogenic alleles of the input without a complete call of the patient.
    pub known_variants_uncalled: Option<u64>,
}

impl PatientRow for Quality {
    fn patient(&self) -> &str {
        &self.patient
    }

    fn read(batch: &RecordBatch, table: &TableRows) -> Result<Vec<Self>, DossierError> {
        let c = Columns::new(batch, table);
        let patient = c.text("patient")?;
        let (recorded, inferred) = (c.text("recorded_sex")?, c.text("inferred_sex")?);
        let mismatch = c.flag("sex_mismatch")?;
        let (alleles, called) = (c.count("alleles")?, c.count("called")?);
        let (partial, missing) = (c.count("partial")?, c.count("missing")?);
        let (not_assayed, call_rate) = (c.count("not_assayed")?, c.number("call_rate")?);
        let (het_hom, ti_tv) = (c.number("het_hom_ratio")?, c.number("ti_tv_ratio")?);
        let assumed = c.count("assumed_reference")?;
        let depth = c.number("reads_mean_depth")?;
        let concordance = c.number("reads_concordance")?;
        let outside = c.text("outside_training")?;
        let uncalled = c.count("known_variants_uncalled")?;
        (0..c.rows())
            .map(|row| {
                Ok(Self {
                    patient: c.required(patient.get(row), "patient")?,
                    recorded_sex: recorded.get(row),
                    inferred_sex: inferred.get(row),
                    sex_mismatch: mismatch.get(row).unwrap_or(false),
                    alleles: c.required(alleles.get(row), "alleles")?,
                    called: c.required(called.get(row), "called")?,
                    partial: c.required(partial.get(row), "partial")?,
                    missing: c.required(missing.get(row), "missing")?,
                    not_assayed: c.required(not_assayed.get(row), "not_assayed")?,
                    call_rate: call_rate.get(row),
                    het_hom_ratio: het_hom.get(row),
                    ti_tv_ratio: ti_tv.get(row),
                    assumed_reference: c.required(assumed.get(row), "assumed_reference")?,
                    reads_mean_depth: depth.get(row),
                    reads_concordance: concordance.get(row),
                    outside_training: outside
                        .get(row)
                        .map(|names| {
                            names
                                .split(';')
                                .map(|name| name.trim().to_owned())
                                .collect()
                        })
                        .unwrap_or_default(),
                    known_variants_uncalled: uncalled.get(row),
                })
            })
            .collect()
    }
}

/// A row of `burden.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct Burden {
    /// Identifier of the patient.
    pub patient: String,
    /// Gene symbol.
    pub gene: String,
    /// `lof`, `missense` or `synonymous`.
    pub class: String,
    /// Distinct alleles carried.
    pub alleles: u32,
    /// Copies carried.
    pub copies: u32,
    /// Alleles without a complete call.
    pub uncalled: u32,
}

impl PatientRow for Burden {
    fn patient(&self) -> &str {
        &self.patient
    }

    fn read(batch: &RecordBatch, table: &TableRows) -> Result<Vec<Self>, DossierError> {
        let c = Columns::new(batch, table);
        let (patient, gene, class) = (c.text("patient")?, c.text("gene")?, c.text("class")?);
        let (alleles, copies) = (c.count("alleles")?, c.count("copies")?);
        let uncalled = c.count("uncalled")?;
        (0..c.rows())
            .map(|row| {
                Ok(Self {
                    patient: c.required(patient.get(row), "patient")?,
                    gene: c.required(gene.get(row), "gene")?,
                    class: c.required(class.get(row), "class")?,
                    alleles: c.required(alleles.small(row), "alleles")?,
                    copies: c.required(copies.small(row), "copies")?,
                    uncalled: c.required(uncalled.small(row), "uncalled")?,
                })
            })
            .collect()
    }
}

/// A row of `features.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Identifier of the patient.
    pub patient: String,
    /// Dotted name.
    pub feature: String,
    /// The value; none where there is a reason.
    pub value: Option<f64>,
    /// Why there is none.
    pub reason: Option<String>,
}

impl PatientRow for Feature {
    fn patient(&self) -> &str {
        &self.patient
    }

    fn read(batch: &RecordBatch, table: &TableRows) -> Result<Vec<Self>, DossierError> {
        let c = Columns::new(batch, table);
        let (patient, feature) = (c.text("patient")?, c.text("feature")?);
        let (value, reason) = (c.number("value")?, c.text("reason")?);
        (0..c.rows())
            .map(|row| {
                Ok(Self {
                    patient: c.required(patient.get(row), "patient")?,
                    feature: c.required(feature.get(row), "feature")?,
                    value: value.get(row),
                    reason: reason.get(row),
                })
            })
            .collect()
    }
}

/// A row of `explanations.parquet`.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Identifier of the patient.
    pub patient: String,
    /// The item of `risk.parquet` that is explained.
    pub output: String,
    /// 1 for the predictor with the greatest contribution, up or down.
    pub rank: u32,
    /// Column or feature.
    pub predictor: String,
    /// Its value in the patient.
    pub value: Option<String>,
    /// Its Shapley value, in units of `scale`.
    pub contribution: f64,
    /// Mean prediction of the background.
    pub base: f64,
    /// Prediction of the patient.
    pub prediction: f64,
    /// What is added up.
    pub scale: String,
}

impl PatientRow for Explanation {
    fn patient(&self) -> &str {
        &self.patient
    }

    fn read(batch: &RecordBatch, table: &TableRows) -> Result<Vec<Self>, DossierError> {
        let c = Columns::new(batch, table);
        let (patient, output) = (c.text("patient")?, c.text("output")?);
        let (rank, predictor) = (c.count("rank")?, c.text("predictor")?);
        let (value, contribution) = (c.text("value")?, c.number("contribution")?);
        let (base, prediction) = (c.number("base")?, c.number("prediction")?);
        let scale = c.text("scale")?;
        (0..c.rows())
            .map(|row| {
                Ok(Self {
                    patient: c.required(patient.get(row), "patient")?,
                    output: c.required(output.get(row), "output")?,
                    rank: c.required(rank.small(row), "rank")?,
                    predictor: c.required(predictor.get(row), "predictor")?,
                    value: value.get(row),
                    contribution: c.required(contribution.get(row), "contribution")?,
                    base: c.required(base.get(row), "base")?,
                    prediction: c.required(prediction.get(row), "prediction")?,
                    scale: c.required(scale.get(row), "scale")?,
                })
            })
            .collect()
    }
}
