//! Words of configuration and lock.

use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

/// What a source is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// ClinVar's VCF, of either INFO style.
    Clinvar,
    /// A sites VCF or BCF.
    Vcf,
    /// A table with a row for each allele or position.
    Table,
    /// Regions.
    Bed,
    /// A bigWig track.
    Bigwig,
    /// Gene models, prepared by another part.
    GeneModels,
    /// A table with a row for each gene.
    GeneTable,
    /// Scores of an earlier run.
    Scores,
}

impl SourceKind {
    /// Name in configuration and lock.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Clinvar => "clinvar",
            Self::Vcf => "vcf",
            Self::Table => "table",
            Self::Bed => "bed",
            Self::Bigwig => "bigwig",
            Self::GeneModels => "gene_models",
            Self::GeneTable => "gene_table",
            Self::Scores => "scores",
        }
    }
}

/// How rows of a table are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchKind {
    /// By contig, position, REF and ALT.
    Allele,
    /// By the bases that an allele changes; an interval of one or more bases.
    Position,
    /// By gene symbol.
    GeneSymbol,
    /// By gene identifier, without its version.
    GeneId,
    /// Not by the join: the table is read whole.
    Whole,
}

/// Type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// A number, kept as 64-bit float so that no digit is lost.
    Float,
    /// A whole number of 64 bits.
    Integer,
    /// Text.
    Text,
    /// True or false.
    Flag,
    /// A 32-bit float as models write it; of `scores` only.
    Score,
    /// Any other Arrow type, of tables that are read whole.
    Other,
}

impl FieldType {
    /// Arrow type of the column; `None` for those that only their table knows.
    #[must_use]
    pub fn data_type(self) -> Option<DataType> {
        match self {
            Self::Float => Some(DataType::Float64),
            Self::Integer => Some(DataType::Int64),
            Self::Text => Some(DataType::Utf8),
            Self::Flag => Some(DataType::Boolean),
            Self::Score => Some(DataType::Float32),
            Self::Other => None,
        }
    }

    /// The field type of an Arrow type.
    #[must_use]
    pub fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Float64 => Self::Float,
            DataType::Int64 => Self::Integer,
            DataType::Utf8 => Self::Text,
            DataType::Boolean => Self::Flag,
            DataType::Float32 => Self::Score,
            _ => Self::Other,
        }
    }
}

/// What becomes of several rows that match by position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Combine {
    /// The largest number; distinct texts, joined with commas in the order of the table.
    #[default]
    Max,
    /// The smallest number; texts as for `max`.
    Min,
    /// The mean of the numbers; texts as for `max`.
    Mean,
    /// The first row in the order of the table.
    First,
}

/// What a gene table is keyed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GeneKey {
    /// Symbol, such as `BRCA1`.
    Symbol,
    /// Identifier, such as `ENSG00000012048`; a version suffix is ignored.
    Id,
}
