//! Reading sources: from the files of the field to rows that are ready to be sorted.

mod bed;
mod bigwig;
mod clinvar;
mod delimited;
pub(crate) mod gene_table;
mod place;
mod scores;
mod table;
mod vcf;

use std::path::{Path, PathBuf};

use crate::build::TableSink;
use crate::rows::OutputField;
use crate::{
    Combine, FieldSpec, FieldType, KnowledgeError, LockedModel, SourceConfig, SourceKind,
    error::build_name,
};

/// Share of alleles whose REF may differ from the reference: above it the source is of another
/// build. Sources of the right build have some by alternate loci and corrected bases (ClinVar some
/// in ten thousand), while a wrong build differs at about two of three single bases.
const MAX_REFERENCE_MISMATCH: f64 = 0.01;

/// Why a row was left out: its contig is not in the reference.
pub(crate) const UNKNOWN_CONTIG: &str = "unknown_contig";
/// Why a row was left out: REF is not what the reference has.
pub(crate) const REFERENCE_MISMATCH: &str = "reference_mismatch";

/// A source whose file was opened and whose fields are known.
pub(crate) struct Plan {
    pub(crate) fields: Vec<OutputField>,
    pub(crate) models: Vec<LockedModel>,
    kind: PlanKind,
}

enum PlanKind {
    Vcf(vcf::VcfPlan),
    Clinvar(clinvar::ClinvarPlan),
    Table,
    Bed,
    Bigwig,
    Scores(scores::ScoresPlan),
}

impl Plan {
    /// Opens a source and resolves its fields.
    ///
    /// # Errors
    /// It cannot be opened, or lacks a field.
    pub(crate) fn try_new(source: &SourceConfig) -> Result<Self, KnowledgeError> {
        let mut models = Vec::new();
        let (fields, kind) = match source.kind {
            SourceKind::Vcf => {
                let (fields, plan) = vcf::VcfPlan::try_new(source)?;
                (fields, PlanKind::Vcf(plan))
            }
            SourceKind::Clinvar => {
                let (fields, plan) = clinvar::ClinvarPlan::try_new(source)?;
                (fields, PlanKind::Clinvar(plan))
            }
            SourceKind::Table => (configured(source, FieldType::Text), PlanKind::Table),
            SourceKind::Bed => (bed::fields(source)?, PlanKind::Bed),
            SourceKind::Bigwig => (bigwig::fields(source)?, PlanKind::Bigwig),
            SourceKind::Scores => {
                let plan = scores::ScoresPlan::try_new(source)?;
                models = plan.models();
                (plan.fields(), PlanKind::Scores(plan))
            }
            SourceKind::GeneModels | SourceKind::GeneTable => {
                return Err(KnowledgeError::Misuse {
                    name: source.name.clone(),
                    detail: "is not positional; please report this".to_owned(),
                });
            }
        };
        let whole = |field: &&OutputField| field.field_type == FieldType::Integer;
        if let (Some(Combine::Mean), Some(field)) = (source.combine, fields.iter().find(whole)) {
            return Err(defect(
                source,
                format!(
                    "the field '{}' is an integer, whose mean is none; give it type = \"float\"",
                    field.name
                ),
            ));
        }
        Ok(Self {
            fields,
            models,
            kind,
        })
    }
}

/// Reads all rows of a source, and refuses one of another build.
///
/// # Errors
/// The source is malformed, out of order, of another build, or of no contig of the reference.
pub(crate) fn read(plan: &Plan, sink: &mut TableSink<'_, '_>) -> Result<(), KnowledgeError> {
    match &plan.kind {
        PlanKind::Vcf(vcf) => vcf.read(sink)?,
        PlanKind::Clinvar(clinvar) => clinvar.read(sink)?,
        PlanKind::Table => table::read(&plan.fields, sink)?,
        PlanKind::Bed => bed::read(&plan.fields, sink)?,
        PlanKind::Bigwig => bigwig::read(sink)?,
        PlanKind::Scores(scores) => scores.read(sink)?,
    }
    let tally = &sink.tally;
    let mismatches = tally.dropped_for(REFERENCE_MISMATCH);
    let rows = tally.kept.saturating_add(mismatches);
    if mismatches as f64 > rows as f64 * MAX_REFERENCE_MISMATCH {
        return Err(KnowledgeError::OtherBuild {
            name: sink.source.name.clone(),
            path: sink.source.path.clone(),
            mismatches,
            rows,
            build: build_name(sink.genome_build),
        });
    }
    if tally.kept == 0 {
        let reasons: Vec<String> = tally
            .dropped
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        return Err(KnowledgeError::Empty {
            name: sink.source.name.clone(),
            path: sink.source.path.clone(),
            records: tally.records,
            reasons: if reasons.is_empty() {
                "it is empty".to_owned()
            } else {
                reasons.join(", ")
            },
        });
    }
    Ok(())
}

/// The file that a source is read from.
pub(crate) fn input_file(source: &SourceConfig) -> PathBuf {
    match source.kind {
        SourceKind::Scores => source.path.join(scores::VARIANTS_FILE),
        _ => source.path.clone(),
    }
}

/// The configured fields, of a given type where none is said.
fn configured(source: &SourceConfig, default: FieldType) -> Vec<OutputField> {
    source
        .fields
        .iter()
        .map(|(name, spec)| output_field(name, spec, default))
        .collect()
}

fn output_field(name: &str, spec: &FieldSpec, default: FieldType) -> OutputField {
    OutputField {
        name: name.to_owned(),
        field_type: spec.field_type().unwrap_or(default),
        from: spec.from().map(|from| match from {
            crate::ColumnRef::Number(number) => number.to_string(),
            crate::ColumnRef::Name(name) => name.clone(),
        }),
        meaning: spec.meaning().to_owned(),
    }
}

/// A defect of a whole source.
fn defect(source: &SourceConfig, detail: impl Into<String>) -> KnowledgeError {
    KnowledgeError::Source {
        name: source.name.clone(),
        path: source.path.clone(),
        detail: detail.into(),
    }
}

/// A malformed line or record.
fn malformed(
    source: &SourceConfig,
    path: &Path,
    unit: &'static str,
    number: u64,
    detail: impl Into<String>,
) -> KnowledgeError {
    KnowledgeError::Record {
        name: source.name.clone(),
        path: path.to_owned(),
        unit,
        number,
        detail: detail.into(),
    }
}
