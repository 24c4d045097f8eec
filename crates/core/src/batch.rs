//! The unit that moves through the program: a numbered batch of biallelic alleles.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Float32Array, PrimitiveArray, StringArray, UInt8Array, UInt32Array,
};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::{AlleleClass, CallMatrix, ContigSet, Sex, SiteEvidence};

/// Names of the site columns that every batch has after normalisation.
pub mod columns {
    /// Contig, as index into the run's contigs (`UInt32`).
    pub const CONTIG: &str = "contig";
    /// Position of the normalised allele, 1-based (`UInt32`).
    pub const POSITION: &str = "position";
    /// Normalised REF (`Utf8`).
    pub const REFERENCE: &str = "ref";
    /// Normalised ALT; null where the record has none (`Utf8`).
    pub const ALTERNATE: &str = "alt";
    /// Published 64-bit key of the normalised allele; null where it is not a sequence (`UInt64`).
    pub const VARIANT_KEY: &str = "variant_key";
    /// Class of the normalised allele (`Utf8`).
    pub const ALLELE_CLASS: &str = "allele_class";
    /// POS of the input record, 1-based (`UInt32`).
    pub const INPUT_POSITION: &str = "input_position";
    /// REF of the input record (`Utf8`).
    pub const INPUT_REFERENCE: &str = "input_ref";
    /// This allele's ALT in the input record; null where the record has none (`Utf8`).
    pub const INPUT_ALTERNATE: &str = "input_alt";
    /// 1-based index of the allele among the record's ALTs, 0 where there is none (`UInt16`).
    pub const ALTERNATE_INDEX: &str = "alt_index";
    /// ID of the input record; null for `.` (`Utf8`).
    pub const ID: &str = "id";
    /// [`ID`] of a row that was asked for and stands in no patient's file: a site that scores need.
    pub const ASKED_SITE: &str = "varisk.site";
    /// QUAL of the input record (`Float32`, nullable).
    pub const QUALITY: &str = "qual";
    /// FILTER of the input record, as written; null for `.` (`Utf8`).
    pub const FILTER: &str = "filter";
    /// [`crate::SiteClass`] as number (`UInt8`).
    pub const SITE_CLASS: &str = "site_class";
    /// Why the allele cannot be scored by any model; null where it can (`Utf8`).
    pub const REASON: &str = "reason";
    /// Prefix of INFO columns: `info.AF` (`Float32`, nullable).
    pub const INFO_PREFIX: &str = "info.";
    /// Prefix of INFO columns as written: `text.CSQ` (`Utf8`, nullable); of a field with a value for
    /// each allele, that of the row's allele.
    pub const TEXT_PREFIX: &str = "text.";
    /// Prefix of consequence columns: `consequence.term`.
    pub const CONSEQUENCE_PREFIX: &str = "consequence.";
    /// Prefix of columns over the reads of the patients who carry the allele: `reads.depth`
    /// (`Float32`, nullable).
    pub const READS_PREFIX: &str = "reads.";
    /// Prefix of score columns: `score.<model>.<output>` (`Float32`, nullable).
    pub const SCORE_PREFIX: &str = "score.";
    /// Prefix of per-model reason columns: `reason.<model>` (`Utf8`, nullable).
    pub const REASON_PREFIX: &str = "reason.";
}

/// Schema of the site columns that leave the reader, with one nullable `Float32` column for each
/// INFO field asked for.
#[must_use]
pub fn site_schema(info_fields: &[String]) -> SchemaRef {
    use columns as c;
    let mut fields = vec![
        Field::new(c::CONTIG, DataType::UInt32, false),
        Field::new(c::POSITION, DataType::UInt32, false),
        Field::new(c::REFERENCE, DataType::Utf8, false),
        Field::new(c::ALTERNATE, DataType::Utf8, true),
        Field::new(c::VARIANT_KEY, DataType::UInt64, true),
        Field::new(c::ALLELE_CLASS, DataType::Utf8, false),
        Field::new(c::INPUT_POSITION, DataType::UInt32, false),
        Field::new(c::INPUT_REFERENCE, DataType::Utf8, false),
        Field::new(c::INPUT_ALTERNATE, DataType::Utf8, true),
        Field::new(c::ALTERNATE_INDEX, DataType::UInt16, false),
        Field::new(c::ID, DataType::Utf8, true),
        Field::new(c::QUALITY, DataType::Float32, true),
        Field::new(c::FILTER, DataType::Utf8, true),
        Field::new(c::SITE_CLASS, DataType::UInt8, false),
        Field::new(c::REASON, DataType::Utf8, true),
    ];
    fields.extend(
        info_fields
            .iter()
            .map(|name| Field::new(format!("{}{name}", c::INFO_PREFIX), DataType::Float32, true)),
    );
    Arc::new(Schema::new(fields))
}

/// A defect of a batch: our bug, never the user's data.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// A column is missing or has another type than declared.
    #[error("internal error: batch has no column '{name}' of type {expected}; please report this")]
    Column {
        /// Column asked for.
        name: String,
        /// Its declared type.
        expected: &'static str,
    },
    /// Columns and calls do not have the same number of rows.
    #[error(
        "internal error: batch of {sites} alleles has {calls} rows of calls; please report this"
    )]
    Shape {
        /// Rows of the site columns.
        sites: usize,
        /// Rows of the call matrix.
        calls: usize,
    },
    /// Arrow refused an operation.
    #[error("internal error: batch cannot be laid out; please report this")]
    Arrow(#[from] ArrowError),
}

/// Reads of one patient at one row of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowEvidence {
    /// Row of the batch.
    pub row: u32,
    /// Column of the calls.
    pub sample: u32,
    /// What the reads show.
    pub evidence: SiteEvidence,
}

/// A numbered batch of biallelic alleles: site columns with a declared schema, and beside them a
/// matrix of calls, shape (alleles, samples), and what reads show where they were asked.
#[derive(Clone, Debug)]
pub struct SiteBatch {
    number: u64,
    contigs: Arc<ContigSet>,
    sites: RecordBatch,
    calls: Arc<CallMatrix>,
    sexes: Arc<[Sex]>,
    /// Sorted by row, then sample.
    evidence: Arc<[RowEvidence]>,
}

impl SiteBatch {
    /// Joins columns and calls.
    ///
    /// # Errors
    /// Their row counts differ (calls of no samples have no rows and fit any columns).
    pub fn try_new(
        number: u64,
        contigs: Arc<ContigSet>,
        sites: RecordBatch,
        calls: CallMatrix,
    ) -> Result<Self, BatchError> {
        if calls.samples() > 0 && calls.rows() != sites.num_rows() {
            return Err(BatchError::Shape {
                sites: sites.num_rows(),
                calls: calls.rows(),
            });
        }
        Ok(Self {
            number,
            contigs,
            sites,
            calls: Arc::new(calls),
            sexes: Arc::new([]),
            evidence: Arc::new([]),
        })
    }

    /// Says the recorded sex of each sample, in the order of the calls' columns. Without it all are
    /// unknown and calls count as written.
    #[must_use]
    pub fn with_sexes(mut self, sexes: Arc<[Sex]>) -> Self {
        self.sexes = sexes;
        self
    }

    /// Recorded sex of a sample.
    #[must_use]
    pub fn sex(&self, sample: usize) -> Sex {
        self.sexes.get(sample).copied().unwrap_or_default()
    }

    /// Number of the batch in the run, from 0.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Contigs that the contig column indexes.
    #[must_use]
    pub fn contigs(&self) -> &ContigSet {
        &self.contigs
    }

    /// Number of alleles (rows).
    #[must_use]
    pub fn len(&self) -> usize {
        self.sites.num_rows()
    }

    /// Whether the batch has no allele.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The site columns.
    #[must_use]
    pub fn sites(&self) -> &RecordBatch {
        &self.sites
    }

    /// The calls.
    #[must_use]
    pub fn calls(&self) -> &CallMatrix {
        &self.calls
    }

    /// Replaces the calls, as reads or other evidence complete them.
    ///
    /// # Errors
    /// Their shape is not that of the calls so far.
    pub fn with_calls(mut self, calls: CallMatrix) -> Result<Self, BatchError> {
        if calls.rows() != self.calls.rows() || calls.samples() != self.calls.samples() {
            return Err(BatchError::Shape {
                sites: self.len(),
                calls: calls.rows(),
            });
        }
        self.calls = Arc::new(calls);
        Ok(self)
    }

    /// Adds what reads show.
    #[must_use]
    pub fn with_evidence(mut self, mut evidence: Vec<RowEvidence>) -> Self {
        evidence.sort_by_key(|entry| (entry.row, entry.sample));
        self.evidence = evidence.into();
        self
    }

    /// What the reads of each patient show at a row, by sample; only of those whose reads were
    /// asked there.
    #[must_use]
    pub fn row_evidence(&self, row: usize) -> &[RowEvidence] {
        let start = self
            .evidence
            .partition_point(|entry| (entry.row as usize) < row);
        let end = self
            .evidence
            .partition_point(|entry| (entry.row as usize) <= row);
        &self.evidence[start..end]
    }

    /// What the reads of one patient show at a row; `None` where they were not asked.
    #[must_use]
    pub fn evidence(&self, row: usize, sample: usize) -> Option<&SiteEvidence> {
        let entries = self.row_evidence(row);
        let at = entries
            .binary_search_by_key(&sample, |entry| entry.sample as usize)
            .ok()?;
        Some(&entries[at].evidence)
    }

    /// Adds columns at the right.
    ///
    /// # Errors
    /// A column has another number of rows.
    pub fn with_columns(
        mut self,
        added: impl IntoIterator<Item = (String, ArrayRef)>,
    ) -> Result<Self, BatchError> {
        let mut fields: Vec<Arc<Field>> = self.sites.schema().fields().iter().cloned().collect();
        let mut arrays = self.sites.columns().to_vec();
        for (name, array) in added {
            fields.push(Arc::new(Field::new(name, array.data_type().clone(), true)));
            arrays.push(array);
        }
        self.sites = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
        Ok(self)
    }

    /// Puts another array in the place of a column.
    ///
    /// # Errors
    /// There is no such column, or the array is of another type or number of rows.
    pub fn with_column_replaced(mut self, name: &str, array: ArrayRef) -> Result<Self, BatchError> {
        let schema = self.sites.schema();
        let mut arrays = self.sites.columns().to_vec();
        arrays[schema.index_of(name)?] = array;
        self.sites = RecordBatch::try_new(schema, arrays)?;
        Ok(self)
    }

    fn typed<T: Array + 'static>(
        &self,
        name: &str,
        expected: &'static str,
    ) -> Result<&T, BatchError> {
        self.sites
            .column_by_name(name)
            .and_then(|array| array.as_any().downcast_ref::<T>())
            .ok_or_else(|| BatchError::Column {
                name: name.to_owned(),
                expected,
            })
    }

    /// A column of text.
    ///
    /// # Errors
    /// No such column of that type.
    pub fn text(&self, name: &str) -> Result<&StringArray, BatchError> {
        self.typed(name, "Utf8")
    }

    /// A column of numbers of one type.
    ///
    /// # Errors
    /// No such column of that type.
    pub fn numbers<T: ArrowPrimitiveType>(
        &self,
        name: &str,
    ) -> Result<&PrimitiveArray<T>, BatchError> {
        self.typed(name, std::any::type_name::<T>())
    }

    /// Contig indices.
    ///
    /// # Errors
    /// The batch lacks the column.
    pub fn contig_column(&self) -> Result<&UInt32Array, BatchError> {
        self.typed(columns::CONTIG, "UInt32")
    }

    /// Normalised positions, 1-based.
    ///
    /// # Errors
    /// The batch lacks the column.
    pub fn position_column(&self) -> Result<&UInt32Array, BatchError> {
        self.typed(columns::POSITION, "UInt32")
    }

    /// Site classes as numbers.
    ///
    /// # Errors
    /// The batch lacks the column.
    pub fn site_class_column(&self) -> Result<&UInt8Array, BatchError> {
        self.typed(columns::SITE_CLASS, "UInt8")
    }

    /// A column of 32-bit floats.
    ///
    /// # Errors
    /// No such column of that type.
    pub fn floats(&self, name: &str) -> Result<&Float32Array, BatchError> {
        self.typed(name, "Float32")
    }

    /// Class of a row's normalised allele.
    ///
    /// # Errors
    /// The batch lacks the columns.
    pub fn allele_class(&self, row: usize) -> Result<AlleleClass, BatchError> {
        let reference = self.text(columns::REFERENCE)?;
        let alternate = self.text(columns::ALTERNATE)?;
        let alternate = if alternate.is_null(row) {
            "."
        } else {
            alternate.value(row)
        };
        Ok(AlleleClass::of(
            reference.value(row).as_bytes(),
            alternate.as_bytes(),
        ))
    }
}
