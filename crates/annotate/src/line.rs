//! One line of consequences as a row of columns: the fields that `consequence.all` holds for each
//! transcript, of which some stand in columns of their own for the chosen line.

use arrow::array::{
    ArrayRef, BooleanBuilder, Int8Builder, Int32Builder, StringBuilder, UInt8Builder, UInt32Builder,
};
use arrow::datatypes::{DataType, Field, Fields};
use std::sync::Arc;

/// A value of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Text(Option<&'a str>),
    Flag(Option<bool>),
    Byte(Option<u8>),
    Sign(Option<i8>),
    Count(Option<u32>),
    Signed(Option<i32>),
}

macro_rules! line_fields {
    ($($field:ident: $type:ty, $kind:ident, $data:ident, $chosen:literal, $doc:literal;)*) => {
        /// One line: an allele on one transcript. `None` where nothing can be said.
        #[derive(Clone, Copy, Debug, Default)]
        pub(crate) struct Line<'a> {
            $(#[doc = $doc] pub(crate) $field: Option<$type>,)*
        }

        /// Name, type and whether the field of the chosen line has a column of its own.
        pub(crate) const FIELDS: &[(&str, DataType, bool)] =
            &[$((stringify!($field), DataType::$data, $chosen),)*];

        impl<'a> Line<'a> {
            pub(crate) fn values(&self) -> [Value<'a>; FIELDS.len()] {
                [$(Value::$kind(self.$field),)*]
            }
        }
    };
}

line_fields! {
    term: &'a str, Text, Utf8, true, "Most severe term.";
    terms: &'a str, Text, Utf8, true, "All terms, most severe first, joined by `&`.";
    rank: u8, Byte, UInt8, true, "Ensembl's rank of the most severe term, 1 the most severe.";
    impact: &'a str, Text, Utf8, true, "Ensembl's rating.";
    gene: &'a str, Text, Utf8, true, "Gene symbol.";
    gene_id: &'a str, Text, Utf8, true, "Identifier of the gene.";
    transcript: &'a str, Text, Utf8, true, "Identifier of the transcript.";
    biotype: &'a str, Text, Utf8, true, "Biotype of the transcript.";
    mane: bool, Flag, Boolean, true, "MANE Select.";
    mane_plus_clinical: bool, Flag, Boolean, false, "MANE Plus Clinical.";
    canonical: bool, Flag, Boolean, true, "Ensembl canonical or RefSeq Select.";
    support_level: u8, Byte, UInt8, false, "Transcript support level.";
    flags: &'a str, Text, Utf8, false, "`cds_start_NF`, `cds_end_NF`.";
    strand: i8, Sign, Int8, false, "1 or -1.";
    exon: &'a str, Text, Utf8, true, "Number of the exon and of all: `3/12`.";
    intron: &'a str, Text, Utf8, false, "Number of the intron and of all.";
    hgvsc: &'a str, Text, Utf8, true, "HGVS name on the transcript.";
    hgvsp: &'a str, Text, Utf8, true, "HGVS name on the protein.";
    cdna: &'a str, Text, Utf8, false, "Position in the spliced transcript, as VEP writes it.";
    cds: &'a str, Text, Utf8, false, "Position in the coding sequence, as VEP writes it.";
    protein: &'a str, Text, Utf8, false, "Position in the protein, as VEP writes it.";
    cds_position: u32, Count, UInt32, true, "First position in the coding sequence, from 1.";
    protein_position: u32, Count, UInt32, true, "First position in the protein, from 1.";
    amino_acids: &'a str, Text, Utf8, true, "Residues before and after.";
    codons: &'a str, Text, Utf8, true, "Codons before and after.";
    nmd: &'a str, Text, Utf8, true, "`triggers` or `escapes`, for premature stops.";
    last_exon: bool, Flag, Boolean, true, "Whether the allele lies in the last exon.";
    splice_distance: i32, Signed, Int32, true, "Distance to the nearest splice junction in bases.";
    distance: u32, Count, UInt32, false, "Bases between allele and transcript.";
}

/// Fields of one line of `consequence.all`.
pub(crate) fn line_fields() -> Fields {
    FIELDS
        .iter()
        .map(|(name, data_type, _)| Field::new(*name, data_type.clone(), true))
        .collect()
}

/// Builds one column.
pub(crate) enum ColumnBuilder {
    Text(StringBuilder),
    Flag(BooleanBuilder),
    Byte(UInt8Builder),
    Sign(Int8Builder),
    Count(UInt32Builder),
    Signed(Int32Builder),
}

impl ColumnBuilder {
    pub(crate) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Flag(BooleanBuilder::new()),
            DataType::UInt8 => Self::Byte(UInt8Builder::new()),
            DataType::Int8 => Self::Sign(Int8Builder::new()),
            DataType::UInt32 => Self::Count(UInt32Builder::new()),
            DataType::Int32 => Self::Signed(Int32Builder::new()),
            _ => Self::Text(StringBuilder::new()),
        }
    }

    /// Adds a value; one of another type, which the table of fields rules out, counts as null so
    /// that columns stay of one length.
    pub(crate) fn append(&mut self, value: Value<'_>) {
        match (self, value) {
            (Self::Text(builder), Value::Text(value)) => builder.append_option(value),
            (Self::Flag(builder), Value::Flag(value)) => builder.append_option(value),
            (Self::Byte(builder), Value::Byte(value)) => builder.append_option(value),
            (Self::Sign(builder), Value::Sign(value)) => builder.append_option(value),
            (Self::Count(builder), Value::Count(value)) => builder.append_option(value),
            (Self::Signed(builder), Value::Signed(value)) => builder.append_option(value),
            (builder, _) => builder.append_null(),
        }
    }

    pub(crate) fn append_null(&mut self) {
        match self {
            Self::Text(builder) => builder.append_null(),
            Self::Flag(builder) => builder.append_null(),
            Self::Byte(builder) => builder.append_null(),
            Self::Sign(builder) => builder.append_null(),
            Self::Count(builder) => builder.append_null(),
            Self::Signed(builder) => builder.append_null(),
        }
    }

    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Flag(builder) => Arc::new(builder.finish()),
            Self::Byte(builder) => Arc::new(builder.finish()),
            Self::Sign(builder) => Arc::new(builder.finish()),
            Self::Count(builder) => Arc::new(builder.finish()),
            Self::Signed(builder) => Arc::new(builder.finish()),
        }
    }
}
