//! A change of one patient.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::Cause;
use crate::allele::Allele;

/// What kind of change it is. The order is that of the table: what is to be looked at first, first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A source puts a reported allele into another class.
    Reclassified,
    /// B reports an allele by a source, A does not, and the class is no other one.
    NewPathogenic,
    /// The reverse.
    PathogenicGone,
    /// A risk item crosses the threshold of a rule.
    ThresholdCrossed,
    /// The state of a risk item, or its reason, is another one.
    StateChanged,
    /// The patient is in A only.
    PatientGone,
    /// The patient is in B only.
    PatientNew,
    /// A risk item is in B only.
    RiskNew,
    /// A risk item is in A only.
    RiskGone,
    /// The call of a reported allele is another one.
    GenotypeChanged,
    /// The consequence of a reported allele is another one.
    ConsequenceChanged,
    /// The value or percentile of a risk item is another one.
    RiskChanged,
    /// An allele is among the top alleles of a model in B only.
    FindingNew,
    /// An allele is among the top alleles of a model in A only.
    FindingGone,
    /// The model's score of a reported allele is another one.
    ScoreChanged,
}

impl Category {
    /// All of them, in their order.
    pub const ALL: [Self; 15] = [
        Self::Reclassified,
        Self::NewPathogenic,
        Self::PathogenicGone,
        Self::ThresholdCrossed,
        Self::StateChanged,
        Self::PatientGone,
        Self::PatientNew,
        Self::RiskNew,
        Self::RiskGone,
        Self::GenotypeChanged,
        Self::ConsequenceChanged,
        Self::RiskChanged,
        Self::FindingNew,
        Self::FindingGone,
        Self::ScoreChanged,
    ];

    /// Its word in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reclassified => "reclassified",
            Self::NewPathogenic => "new_pathogenic",
            Self::PathogenicGone => "pathogenic_gone",
            Self::ThresholdCrossed => "threshold_crossed",
            Self::StateChanged => "state_changed",
            Self::PatientGone => "patient_gone",
            Self::PatientNew => "patient_new",
            Self::RiskNew => "risk_new",
            Self::RiskGone => "risk_gone",
            Self::GenotypeChanged => "genotype_changed",
            Self::ConsequenceChanged => "consequence_changed",
            Self::RiskChanged => "risk_changed",
            Self::FindingNew => "finding_new",
            Self::FindingGone => "finding_gone",
            Self::ScoreChanged => "score_changed",
        }
    }

    /// What it means, in a few words for a summary.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Reclassified => "reported alleles in another class",
            Self::NewPathogenic => "pathogenic alleles newly reported",
            Self::PathogenicGone => "pathogenic alleles no longer reported",
            Self::ThresholdCrossed => "risk items across a threshold",
            Self::StateChanged => "risk items in another state",
            Self::PatientGone => "patients in A only",
            Self::PatientNew => "patients in B only",
            Self::RiskNew => "risk items in B only",
            Self::RiskGone => "risk items in A only",
            Self::GenotypeChanged => "reported alleles with another call",
            Self::ConsequenceChanged => "reported alleles with another consequence",
            Self::RiskChanged => "risk items with another value or percentile",
            Self::FindingNew => "alleles newly among the top of a model",
            Self::FindingGone => "alleles no longer among the top of a model",
            Self::ScoreChanged => "top alleles with another score",
        }
    }

    /// Its place in the order, from 1.
    #[must_use]
    pub fn rank(self) -> u8 {
        self as u8 + 1
    }
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "subject")]
pub enum Subject {
    /// The patient as a whole.
    Patient,
    /// A risk item.
    Item {
        /// Its name.
        item: String,
    },
    /// An allele.
    Allele {
        /// Contig, by the reference's name.
        contig: String,
        /// Position of the normalised allele, 1-based.
        position: u32,
        /// Normalised REF.
        reference: String,
        /// Normalised ALT.
        alternate: String,
        /// Gene, where known.
        gene: Option<String>,
    },
}

impl Subject {
    pub(crate) fn allele(allele: &Allele, gene: Option<&str>) -> Self {
        Self::Allele {
            contig: allele.contig.clone(),
            position: allele.position,
            reference: allele.reference.clone(),
            alternate: allele.alternate.clone(),
            gene: gene.map(str::to_owned),
        }
    }
}

/// A change of one patient: a row of [`CHANGES`](varisk_report::Table::CHANGES).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Identifier of the patient, or pseudonym where the runs wrote pseudonyms.
    pub patient: String,
    /// What kind of change it is.
    pub category: Category,
    /// What changed.
    #[serde(flatten)]
    pub subject: Subject,
    /// Knowledge source, or model and output, that says so.
    pub by: Option<String>,
    /// What was in A, in words.
    pub before: Option<String>,
    /// What is in B, in words.
    pub after: Option<String>,
    /// Value or score in A.
    pub before_value: Option<f64>,
    /// Value or score in B.
    pub after_value: Option<f64>,
    /// Percentile in A, 0 to 100.
    pub before_percentile: Option<f64>,
    /// Percentile in B, 0 to 100.
    pub after_percentile: Option<f64>,
    /// Differences between the runs that it may come from; only one: it comes from that; none: the
    /// records show nothing that it could come from.
    #[serde(serialize_with = "as_list")]
    pub causes: Vec<Arc<Cause>>,
    /// What must be known to read the row.
    pub note: Option<&'static str>,
    /// Names of the rules that fire.
    pub alerts: Vec<String>,
}

fn as_list<S: Serializer>(causes: &[Arc<Cause>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(causes.iter().map(AsRef::as_ref))
}

impl Change {
    pub(crate) fn new(patient: &str, category: Category, subject: Subject) -> Self {
        Self {
            patient: patient.to_owned(),
            category,
            subject,
            by: None,
            before: None,
            after: None,
            before_value: None,
            after_value: None,
            before_percentile: None,
            after_percentile: None,
            causes: Vec::new(),
            note: None,
            alerts: Vec::new(),
        }
    }

    /// Value in B less that in A.
    #[must_use]
    pub fn difference(&self) -> Option<f64> {
        Some(self.after_value? - self.before_value?)
    }

    /// The difference as a share of the magnitude in A; none where that is 0.
    #[must_use]
    pub fn relative_difference(&self) -> Option<f64> {
        let before = self.before_value.filter(|before| *before != 0.0)?;
        Some(self.difference()? / before.abs())
    }
}
