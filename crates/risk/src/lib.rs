//! Folds over patients, the features they give, the patient models that use them, and absolute
//! risk from published rates.
//!
//! Every fold is exact: sums are integers, maxima and ranked lists have a total order, so merging
//! partial folds in any grouping gives the same bytes.

mod absolute;
mod burden;
mod carried;
mod dosage;
mod drift;
mod gene_burden;
mod known;
mod patient_model;
mod quality;
mod tally;
mod top;

pub use absolute::{
    AbsoluteRisk, AbsoluteRiskAssessor, AbsoluteRiskError, AbsoluteRiskItem, AbsoluteRiskModel,
    AbsoluteRiskOutcome, RiskCurve, RiskSource,
};
pub use burden::Burden;
pub use carried::genotype_text;
pub use drift::Drift;
pub use gene_burden::{BurdenClass, GeneBurden, parse_burden_feature};
pub use known::{ClinicalClass, KnownSelection, KnownVariants};
pub use patient_model::{RiskItem, RiskKind, RiskValue, features_table, risk_items, risk_table};
pub use quality::Quality;
pub use tally::{SiteTally, TallyCounts};
pub use top::TopVariants;

/// A score column of a batch: which model and output it is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ScoreOutput {
    /// Name of the model.
    pub model: String,
    /// Name of its output.
    pub output: String,
    /// Whether a lower score is the riskier one.
    pub lower_is_riskier: bool,
}

impl ScoreOutput {
    /// The column in a batch.
    #[must_use]
    pub fn column(&self) -> String {
        varisk_score::ScoreStage::score_column(&self.model, &self.output)
    }
}
