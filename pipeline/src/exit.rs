//! Exit codes, after sysexits.h, and which error has which.

use varisk_alignments::AlignmentError;
use varisk_ancestry::PanelError;
use varisk_annotate::AnnotateError;
use varisk_comparison::ComparisonError;
use varisk_dossier::DossierError;
use varisk_encode::ManifestError;
use varisk_evaluation::EvaluationError;
use varisk_exchange::ExchangeError;
use varisk_explanation::ExplanationError;
use varisk_knowledge::KnowledgeError;
use varisk_onnx::OnnxError;
use varisk_pages::PageError;
use varisk_polygenic::PolygenicError;
use varisk_privacy::PrivacyError;
use varisk_readers::{ReadError, RegionError, SheetError, WriteError};
use varisk_reference::ReferenceError;
use varisk_report::ReportError;
use varisk_risk::AbsoluteRiskError;
use varisk_score::ScoreError;
use varisk_train::TrainError;
use varisk_train::siamese::SiameseError;

/// Done, and an alert rule of 'varisk diff' fires. No error of a shell or of sysexits.h has this number.
pub(crate) const ALERTS: u8 = 3;
/// The command line or configuration is wrong.
pub(crate) const USAGE: u8 = 64;
/// The data are wrong.
pub(crate) const DATA: u8 = 65;
/// An input file is not there or cannot be opened.
pub(crate) const NO_INPUT: u8 = 66;
/// A device or library is not there, or has too little memory.
pub(crate) const UNAVAILABLE: u8 = 69;
/// A bug.
pub(crate) const SOFTWARE: u8 = 70;
/// The output cannot be created.
pub(crate) const CANNOT_CREATE: u8 = 73;
/// Reading or writing failed.
pub(crate) const IO: u8 = 74;
/// Stopped by SIGINT or SIGTERM.
pub(crate) const INTERRUPTED: u8 = 130;

/// An error with an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The command line or configuration is wrong.
    #[error("{0}")]
    Usage(String),
    /// The data are wrong.
    #[error("{0}")]
    Data(String),
    /// An input is not there.
    #[error("{0}")]
    NoInput(String),
    /// The run was interrupted.
    #[error("{0}")]
    Interrupted(String),
    /// A bug.
    #[error("{0}")]
    Software(String),
}

/// The exit code of an error: that of the first cause that has one.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    error.chain().find_map(code_of).unwrap_or(SOFTWARE)
}

fn code_of(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if let Some(refusal) = cause.downcast_ref::<Refusal>() {
        return Some(match refusal {
            Refusal::Usage(_) => USAGE,
            Refusal::Data(_) => DATA,
            Refusal::NoInput(_) => NO_INPUT,
            Refusal::Interrupted(_) => INTERRUPTED,
            Refusal::Software(_) => SOFTWARE,
        });
    }
    if let Some(error) = cause.downcast_ref::<ReadError>() {
        return match error {
            ReadError::Open { .. } => Some(NO_INPUT),
            ReadError::Reference(error) => code_of(error),
            ReadError::Batch(_) | ReadError::NoContext => Some(SOFTWARE),
            _ => Some(DATA),
        };
    }
    if let Some(error) = cause.downcast_ref::<TrainError>() {
        return Some(match error {
            TrainError::Open { .. } => NO_INPUT,
            TrainError::Write { .. } => IO,
            TrainError::UnknownName { .. }
            | TrainError::NoPredictors
            | TrainError::Setting { .. }
            | TrainError::FamilySetting { .. } => USAGE,
            TrainError::Siamese(SiameseError::Setting { .. }) => USAGE,
            TrainError::Interrupted | TrainError::Siamese(SiameseError::Interrupted { .. }) => {
                INTERRUPTED
            }
            TrainError::Internal(_) => SOFTWARE,
            _ => DATA,
        });
    }
    if cause.downcast_ref::<EvaluationError>().is_some()
        || cause.downcast_ref::<ExplanationError>().is_some()
    {
        return Some(DATA);
    }
    if let Some(error) = cause.downcast_ref::<ReferenceError>() {
        return Some(match error {
            ReferenceError::Open { .. } | ReferenceError::MissingIndex { .. } => NO_INPUT,
            _ => DATA,
        });
    }
    if let Some(error) = cause.downcast_ref::<ScoreError>() {
        return match error {
            error if error.is_unavailable() => Some(UNAVAILABLE),
            ScoreError::Manifest(error) => code_of(error),
            ScoreError::Onnx(error) => code_of(error),
            _ => Some(DATA),
        };
    }
    if let Some(error) = cause.downcast_ref::<ManifestError>() {
        return Some(match error {
            ManifestError::NotAFolder { .. } | ManifestError::Read { .. } => NO_INPUT,
            _ => DATA,
        });
    }
    if let Some(error) = cause.downcast_ref::<OnnxError>() {
        return Some(if matches!(error, OnnxError::Read { .. }) {
            NO_INPUT
        } else {
            DATA
        });
    }
    if let Some(error) = cause.downcast_ref::<SheetError>() {
        return Some(if matches!(error, SheetError::Open { .. }) {
            NO_INPUT
        } else {
            DATA
        });
    }
    if let Some(error) = cause.downcast_ref::<ReportError>() {
        return Some(match error {
            ReportError::Exists { .. }
            | ReportError::Unfinished { .. }
            | ReportError::InUse { .. }
            | ReportError::Create { .. } => CANNOT_CREATE,
            ReportError::Write { .. } | ReportError::Parquet { .. } => IO,
            ReportError::Damaged { .. }
            | ReportError::Unreadable { .. }
            | ReportError::NoColumn { .. }
            | ReportError::Partitions { .. } => DATA,
            ReportError::Open { .. } => NO_INPUT,
            ReportError::KeyMissing { .. }
            | ReportError::ColumnKeyMissing { .. }
            | ReportError::KeyWrong { .. }
            | ReportError::KeyLength { .. }
            | ReportError::KeyColumn { .. }
            | ReportError::PartitionColumn { .. } => USAGE,
            ReportError::Layout(_) | ReportError::Order { .. } => SOFTWARE,
        });
    }
    if let Some(error) = cause.downcast_ref::<DossierError>() {
        return Some(match error {
            DossierError::Open { .. } => NO_INPUT,
            DossierError::Table(error) => return code_of(error),
            _ => DATA,
        });
    }
    if let Some(error) = cause.downcast_ref::<PrivacyError>() {
        return Some(match error {
            PrivacyError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                NO_INPUT
            }
            PrivacyError::Io { .. } => IO,
            PrivacyError::Exists { .. } => CANNOT_CREATE,
            PrivacyError::Randomness { .. } | PrivacyError::KeyCommand { .. } => UNAVAILABLE,
            PrivacyError::Variable { .. }
            | PrivacyError::Label
            | PrivacyError::NoRecipient
            | PrivacyError::Recipient { .. }
            | PrivacyError::Configuration { .. }
            | PrivacyError::Setting { .. }
            | PrivacyError::UnknownTable { .. }
            | PrivacyError::UnknownColumn { .. }
            | PrivacyError::ColumnType { .. }
            | PrivacyError::SharedFile { .. }
            | PrivacyError::KeyLength { .. }
            | PrivacyError::KeyText { .. }
            | PrivacyError::KeySetText { .. }
            | PrivacyError::Passphrase { .. } => USAGE,
            PrivacyError::Internal { .. }
            | PrivacyError::Arrow(_)
            | PrivacyError::Batch { .. }
            | PrivacyError::Unobserved { .. }
            | PrivacyError::AuditEvent { .. } => SOFTWARE,
            _ => DATA,
        });
    }
    if let Some(error) = cause.downcast_ref::<ComparisonError>() {
        return match error {
            ComparisonError::Run { .. } => None,
            ComparisonError::Rules { .. }
            | ComparisonError::Rule { .. }
            | ComparisonError::Tolerance { .. } => Some(USAGE),
            ComparisonError::Spool(_) => Some(IO),
            ComparisonError::Layout(_) => Some(SOFTWARE),
            ComparisonError::Write(error) => code_of(error),
            ComparisonError::Interrupted => Some(INTERRUPTED),
            _ => Some(DATA),
        };
    }
    if let Some(error) = cause.downcast_ref::<ExchangeError>() {
        return match error {
            ExchangeError::Dossier(error) => code_of(error),
            ExchangeError::Write(_) => Some(IO),
            ExchangeError::Issued { .. } | ExchangeError::System { .. } => Some(USAGE),
            _ => Some(DATA),
        };
    }
    if let Some(error) = cause.downcast_ref::<PageError>() {
        return match error {
            PageError::Run(error) => code_of(error),
            PageError::Write { .. } => Some(IO),
            PageError::Json(_) => Some(SOFTWARE),
        };
    }
    if let Some(error) = cause.downcast_ref::<KnowledgeError>() {
        return match error {
            KnowledgeError::Open { .. } => Some(NO_INPUT),
            // A lock that is there and cannot be used is damaged.
            KnowledgeError::NoBundle { path, .. } => {
                Some(if path.exists() { DATA } else { NO_INPUT })
            }
            KnowledgeError::Create { .. } | KnowledgeError::Exists { .. } => Some(CANNOT_CREATE),
            KnowledgeError::Io { .. } => Some(IO),
            KnowledgeError::Config { .. } => Some(USAGE),
            // What lies below says more: a variant file, a reference.
            KnowledgeError::Read { source, .. } => code_of(source.as_ref()),
            KnowledgeError::Reference(error) => code_of(error),
            KnowledgeError::Batch(_) | KnowledgeError::Arrow(_) => Some(SOFTWARE),
            _ => Some(DATA),
        };
    }
    if let Some(error) = cause.downcast_ref::<AnnotateError>() {
        return match error {
            AnnotateError::Open { .. } => Some(NO_INPUT),
            AnnotateError::Reference(error) => code_of(error),
            AnnotateError::Batch(_) => Some(SOFTWARE),
            _ => Some(DATA),
        };
    }
    if let Some(error) = cause.downcast_ref::<AlignmentError>() {
        return match error {
            AlignmentError::Open { .. }
            | AlignmentError::MissingIndex { .. }
            | AlignmentError::NoReference { .. } => Some(NO_INPUT),
            AlignmentError::CramNotBuilt { .. } => Some(UNAVAILABLE),
            AlignmentError::UnsortedSites { .. } | AlignmentError::Patients { .. } => {
                Some(SOFTWARE)
            }
            AlignmentError::Reference(error) => code_of(error),
            _ => Some(DATA),
        };
    }
    if let Some(error) = cause.downcast_ref::<WriteError>() {
        return Some(match error {
            WriteError::Kind { .. } => USAGE,
            WriteError::Create { .. } => CANNOT_CREATE,
            WriteError::Write { .. } => IO,
            WriteError::Header { .. } | WriteError::Record { .. } => DATA,
        });
    }
    if let Some(error) = cause.downcast_ref::<PolygenicError>() {
        return match error {
            PolygenicError::Open { .. } => Some(NO_INPUT),
            PolygenicError::NoScores
            | PolygenicError::FewPatients { .. }
            | PolygenicError::NoPanel
            | PolygenicError::RepeatedName { .. } => Some(USAGE),
            PolygenicError::Reference(error) => code_of(error),
            PolygenicError::Table { .. } => Some(SOFTWARE),
            _ => Some(DATA),
        };
    }
    if let Some(error) = cause.downcast_ref::<PanelError>() {
        return match error {
            PanelError::Setting { .. } => Some(USAGE),
            PanelError::Io { path, .. } => Some(if path.exists() { IO } else { NO_INPUT }),
            PanelError::Table(error) => code_of(error),
            PanelError::Arrow(_) => Some(SOFTWARE),
            _ => Some(DATA),
        };
    }
    if let Some(error) = cause.downcast_ref::<AbsoluteRiskError>() {
        return Some(match error {
            AbsoluteRiskError::Read { .. } => NO_INPUT,
            _ => DATA,
        });
    }
    if cause.is::<RegionError>() {
        return Some(USAGE);
    }
    if cause.is::<varisk_encode::EncodeError>()
        || cause.is::<varisk_reference::BuildError>()
        || cause.is::<varisk_core::AnalysisError>()
    {
        return Some(DATA);
    }
    // Last: the errors above say more about the same cause.
    cause.is::<std::io::Error>().then_some(IO)
}
