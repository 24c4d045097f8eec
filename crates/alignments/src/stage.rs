//! The stage that asks the reads of each patient at the rows of a batch that matter.

use std::sync::Arc;

use arrow::array::{Array, StringArray, UInt8Array, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use varisk_core::{
    AlleleClass, BatchError, CallCode, CallMatrix, CallOrigin, ContigId, Position, RowEvidence,
    Sex, SiteBatch, SiteClass, SiteEvidence, SiteState, Stage, StageError, Worker, columns as c,
};

use crate::AlignmentError;
use crate::features::{READS_COLUMNS, reads_columns};
use crate::likelihood::{GenotypeThresholds, ReadPloidy};
use crate::pileup::SiteReads;
use crate::reader::AlignmentReader;
use crate::site::SiteQuery;
use crate::source::AlignmentSource;

/// Name of the stage in errors.
const STAGE: &str = "reads";
/// Files that one thread keeps open: enough for families, and far from the usual limit of 1,024 for
/// a process when there are more patients.
const MAX_OPEN_READERS: usize = 8;

/// What the stage does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadsOptions {
    /// `--genotype-from-reads`: where the patient's variant file has no call, the genotype that the
    /// reads show takes its place, marked as such.
    pub fill: bool,
    /// What a genotype from reads needs.
    pub thresholds: GenotypeThresholds,
    /// Asks single bases called reference as well, so that [`crate::IdentityCheck`] sees the variants
    /// that the calls lack. What the reads show there is kept only where it is not all reference.
    pub identity: bool,
    /// Asks every row that can be asked and keeps what the reads show, for a table of site states.
    /// Calls are filled under [`ReadsOptions::fill`] only.
    pub everything: bool,
}

impl Default for ReadsOptions {
    fn default() -> Self {
        Self {
            fill: false,
            thresholds: GenotypeThresholds::default(),
            identity: true,
            everything: false,
        }
    }
}

/// Adds evidence of reads to batches: see [`Stage`].
///
/// Asked are the rows whose allele a patient carries; under [`ReadsOptions::fill`] those that the
/// patient's variant file does not call; and, under [`ReadsOptions::identity`], single bases called
/// reference. Rows with a reason and alleles that are not bases are not asked.
pub struct ReadsStage {
    patients: Arc<[Option<AlignmentSource>]>,
    options: ReadsOptions,
}

impl ReadsStage {
    /// A stage for the patients of a run, in the order of the calls' columns; `None` for a patient
    /// without reads.
    #[must_use]
    pub fn new(patients: Vec<Option<AlignmentSource>>, options: ReadsOptions) -> Self {
        Self {
            patients: patients.into(),
            options,
        }
    }
}

impl Stage for ReadsStage {
    fn name(&self) -> &'static str {
        STAGE
    }

    fn output_schema(&self, input: &SchemaRef) -> Result<SchemaRef, StageError> {
        for (name, expected, kind) in [
            (c::CONTIG, "UInt32", DataType::UInt32),
            (c::POSITION, "UInt32", DataType::UInt32),
            (c::REFERENCE, "Utf8", DataType::Utf8),
            (c::ALTERNATE, "Utf8", DataType::Utf8),
            (c::SITE_CLASS, "UInt8", DataType::UInt8),
            (c::REASON, "Utf8", DataType::Utf8),
        ] {
            if input
                .field_with_name(name)
                .is_ok_and(|f| *f.data_type() == kind)
            {
                continue;
            }
            return Err(BatchError::Column {
                name: name.to_owned(),
                expected,
            }
            .into());
        }
        let mut fields: Vec<Arc<Field>> = input.fields().iter().cloned().collect();
        fields
            .extend(READS_COLUMNS.map(|name| Arc::new(Field::new(name, DataType::Float32, true))));
        Ok(Arc::new(Schema::new(fields)))
    }

    fn worker(&self) -> Result<Box<dyn Worker>, StageError> {
        Ok(Box::new(ReadsWorker {
            patients: self.patients.clone(),
            options: self.options,
            readers: Vec::new(),
            wanted: Vec::new(),
            found: Vec::new(),
        }))
    }
}

struct ReadsWorker {
    patients: Arc<[Option<AlignmentSource>]>,
    options: ReadsOptions,
    /// Open readers by patient, the one used last at the end.
    readers: Vec<(usize, AlignmentReader)>,
    wanted: Vec<Wanted>,
    found: Vec<SiteReads>,
}

/// A row to be asked. The order is that in which the reads are passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    contig: ContigId,
    position: Position,
    row: usize,
    purpose: Purpose,
}

/// The columns of a batch that the stage needs.
struct Sites<'a> {
    contigs: &'a UInt32Array,
    positions: &'a UInt32Array,
    references: &'a StringArray,
    alternates: &'a StringArray,
    classes: &'a UInt8Array,
    reasons: &'a StringArray,
}

impl<'a> Sites<'a> {
    fn of(batch: &'a SiteBatch) -> Result<Self, BatchError> {
        Ok(Self {
            contigs: batch.contig_column()?,
            positions: batch.position_column()?,
            references: batch.text(c::REFERENCE)?,
            alternates: batch.text(c::ALTERNATE)?,
            classes: batch.site_class_column()?,
            reasons: batch.text(c::REASON)?,
        })
    }

    /// Kind of the allele, where reads can be asked for it.
    fn askable(&self, row: usize) -> Option<AlleleClass> {
        if self.reasons.is_valid(row) || self.alternates.is_null(row) {
            return None;
        }
        let class = AlleleClass::of(
            self.references.value(row).as_bytes(),
            self.alternates.value(row).as_bytes(),
        );
        class.is_sequence().then_some(class)
    }

    fn query(&self, row: usize) -> SiteQuery<'a> {
        SiteQuery {
            position: Position(self.positions.value(row)),
            reference: self.references.value(row).as_bytes(),
            alternate: self.alternates.value(row).as_bytes(),
        }
    }

    fn class(&self, row: usize) -> SiteClass {
        SiteClass::from_number(self.classes.value(row))
    }

    /// Why a patient's call at a row of this kind makes the reads worth asking.
    fn purpose(
        &self,
        calls: &CallMatrix,
        row: usize,
        sample: usize,
        kind: AlleleClass,
        options: ReadsOptions,
    ) -> Option<Purpose> {
        let code = CallCode(*calls.row(row).get(sample)?);
        let call = calls.call(row, sample);
        if call.is_some_and(|call| call.alternate > 0 && call.is_complete()) {
            return Some(Purpose::Carried);
        }
        let is_compared = || {
            kind == AlleleClass::Snv
                && code.origin() == Some(CallOrigin::Record)
                && self.class(row) == SiteClass::Autosomal
        };
        match code.state() {
            // What reads show goes before what is assumed.
            SiteState::NotAssayed | SiteState::NoCall | SiteState::AssumedReference
                if options.fill =>
            {
                Some(Purpose::Open)
            }
            SiteState::NoCall if call.is_some_and(|call| call.alternate > 0) => {
                Some(Purpose::Carried)
            }
            _ if options.everything => Some(Purpose::Shown),
            SiteState::CalledReference if options.identity && is_compared() => {
                Some(Purpose::Identity)
            }
            _ => None,
        }
    }
}

/// Why a row is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Purpose {
    /// The patient carries the allele.
    Carried,
    /// The patient's file does not call it, or only in part.
    Open,
    /// Whatever the call, the reads are to be seen.
    Shown,
    /// Called reference, to be compared.
    Identity,
}

/// Haplotypes that a genotype from reads has at a site; `None` where that is not known or there is
/// none, so that reads are no reason to call.
fn read_ploidy(class: SiteClass, sex: Sex) -> Option<ReadPloidy> {
    match (class.expected_ploidy(sex), class, sex) {
        (Some(1), _, _) => Some(ReadPloidy::Haploid),
        (Some(_), _, _) => None,
        (None, SiteClass::Autosomal, _) | (None, SiteClass::X, Sex::Female) => {
            Some(ReadPloidy::Diploid)
        }
        _ => None,
    }
}

impl ReadsWorker {
    /// Rows that matter for one patient, in the order of the reads.
    fn choose(&mut self, batch: &SiteBatch, sites: &Sites<'_>, sample: usize, kinds: &[Kind]) {
        self.wanted.clear();
        for (row, kind) in kinds.iter().enumerate() {
            let Some(kind) = kind else {
                continue;
            };
            let Some(purpose) = sites.purpose(batch.calls(), row, sample, *kind, self.options)
            else {
                continue;
            };
            self.wanted.push(Wanted {
                contig: ContigId(sites.contigs.value(row)),
                position: Position(sites.positions.value(row)),
                row,
                purpose,
            });
        }
        self.wanted.sort_unstable();
    }

    fn reader(&mut self, patient: usize) -> Result<Option<&mut AlignmentReader>, AlignmentError> {
        let Some(Some(source)) = self.patients.get(patient) else {
            return Ok(None);
        };
        let entry = match self.readers.iter().position(|(own, _)| *own == patient) {
            Some(at) => self.readers.remove(at),
            None => {
                let reader = source.reader()?;
                if self.readers.len() >= MAX_OPEN_READERS {
                    self.readers.remove(0);
                }
                (patient, reader)
            }
        };
        self.readers.push(entry);
        Ok(self.readers.last_mut().map(|(_, reader)| reader))
    }
}

/// Kind of each row's allele, where it can be asked for.
type Kind = Option<AlleleClass>;

impl Worker for ReadsWorker {
    fn process(&mut self, batch: SiteBatch) -> Result<SiteBatch, StageError> {
        let samples = batch.calls().samples();
        if samples != self.patients.len() {
            return Err(StageError::new(
                STAGE,
                AlignmentError::Patients {
                    calls: samples,
                    reads: self.patients.len(),
                },
            ));
        }
        let failed = |error: AlignmentError| StageError::new(STAGE, error);
        let sites = Sites::of(&batch)?;
        let kinds: Vec<Kind> = (0..batch.len()).map(|row| sites.askable(row)).collect();
        let mut evidence = Vec::new();
        let mut filled: Vec<(usize, usize, CallCode)> = Vec::new();
        for sample in 0..samples {
            if self.patients.get(sample).is_none_or(Option::is_none) {
                continue;
            }
            self.choose(&batch, &sites, sample, &kinds);
            let wanted = std::mem::take(&mut self.wanted);
            let mut found = std::mem::take(&mut self.found);
            for rows in wanted.chunk_by(|a, b| a.contig == b.contig) {
                let (Some(first), Some(reader)) =
                    (rows.first(), self.reader(sample).map_err(failed)?)
                else {
                    continue;
                };
                let queries: Vec<SiteQuery<'_>> =
                    rows.iter().map(|wanted| sites.query(wanted.row)).collect();
                reader
                    .evidence(first.contig, &queries, &mut found)
                    .map_err(failed)?;
                for (wanted, site) in rows.iter().zip(&found) {
                    let row = wanted.row;
                    let SiteEvidence {
                        alternate, other, ..
                    } = site.evidence;
                    let is_reference = alternate.depth() == 0 && other.depth() == 0;
                    if wanted.purpose != Purpose::Identity || !is_reference {
                        // Batches are bounded far below this.
                        let at = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
                        evidence.push(RowEvidence {
                            row: at(row),
                            sample: at(sample),
                            evidence: site.evidence,
                        });
                    }
                    if wanted.purpose == Purpose::Open
                        && let Some(ploidy) = read_ploidy(sites.class(row), batch.sex(sample))
                        && let Some(code) = site
                            .likelihoods
                            .genotype(ploidy, site.evidence.depth())
                            .call(self.options.thresholds)
                    {
                        filled.push((row, sample, code));
                    }
                }
            }
            self.wanted = wanted;
            self.found = found;
        }
        let batch = if filled.is_empty() {
            batch
        } else {
            let mut calls = batch.calls().clone();
            for (row, sample, code) in filled {
                calls.set(row, sample, code);
            }
            batch.with_calls(calls)?
        };
        let batch = batch.with_evidence(evidence);
        let columns = reads_columns(&batch);
        Ok(batch.with_columns(columns)?)
    }
}

#[cfg(test)]
mod tests;
