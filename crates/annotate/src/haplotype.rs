//! Consequences of the alleles that one patient carries together on a haplotype.
//!
//! Per-variant consequences read each allele alone. Two alleles of one codon, or two shifts of the
//! frame that make each other good, do something else together: this fold finds them, with the
//! semantics of `bcftools csq`. It takes in the carriers of coding alleles and computes at the end,
//! so that its result does not depend on how the input was cut.

mod carriers;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::Array;
use arrow::error::ArrowError;
use varisk_core::{
    Analysis, AnalysisError, AnalysisOutput, CallCode, ContigId, Haplotype, Patient, Position,
    SiteBatch, columns as site, part_of,
};
use varisk_reference::Reference;

pub use table::{HAPLOTYPE_TABLE, haplotype_schema};

use crate::AnnotateError;
use crate::allele::Allele;
use crate::models::GeneModels;
use crate::predict::{Annotator, ConsequenceOptions, regions::regions};
use crate::transcript::Span;
use carriers::{AlleleKey, Carrier, Carriers};
use table::TableRows;

const NAME: &str = "haplotype consequences";

/// What to do with heterozygous calls whose phase the file does not give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnphasedCalls {
    /// Leave them out, as `bcftools csq --phase s`: nothing is combined that is not known to lie
    /// together.
    #[default]
    Skip,
    /// Take the order of the alleles in GT as their phase, as `bcftools csq --phase a`.
    AsWritten,
}

/// How haplotypes are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HaplotypeOptions {
    /// Heterozygous calls without phase.
    pub unphased: UnphasedCalls,
    /// Give also consequences of single alleles, which the per-variant columns have.
    pub singles: bool,
}

/// An allele, who carries it, and what it changes.
type Touching<'a> = (&'a AlleleKey, &'a Vec<Carrier>, Allele);

/// The fold. Phased calls are taken to be in phase along the whole contig: a batch does not hold
/// phase sets.
///
/// # Memory
/// Each coding allele once, and five bytes for each haplotype that carries it.
pub struct HaplotypeConsequences {
    models: Arc<GeneModels>,
    reference: Reference,
    options: HaplotypeOptions,
    patients: usize,
    carriers: Carriers,
}

impl HaplotypeConsequences {
    /// A fold for a number of patients, over gene models that were read against this reference.
    #[must_use]
    pub fn new(
        models: Arc<GeneModels>,
        reference: Reference,
        options: HaplotypeOptions,
        patients: usize,
    ) -> Self {
        Self {
            models,
            reference,
            options,
            patients,
            carriers: Carriers::default(),
        }
    }

    /// What saved folds must share: settings, and what the gene models are.
    fn fingerprint(&self) -> [u64; 4] {
        let options = u64::from(self.options.unphased == UnphasedCalls::AsWritten)
            | u64::from(self.options.singles) << 1;
        let transcripts = self.models.transcripts();
        let bases = transcripts.iter().fold(0u64, |sum, transcript| {
            let ends = u64::from(transcript.start()) << 32 | u64::from(transcript.end());
            sum.rotate_left(5) ^ ends
        });
        [
            options,
            self.patients as u64,
            transcripts.len() as u64,
            bases,
        ]
    }

    fn is_coding(&self, contig: ContigId, allele: &Allele, near: &mut Vec<usize>) -> bool {
        self.models.near(contig, allele.span(), 0, near);
        near.iter().any(|index| {
            let transcript = self.models.transcripts().get(*index);
            transcript.is_some_and(|transcript| {
                transcript.coding().is_some() && regions(transcript, allele).coding
            })
        })
    }

    /// Whether each haplotype of a call carries the row's allele.
    fn carried(&self, code: CallCode) -> [bool; 2] {
        if code.is_polyploid() || code == CallCode::NOT_ASSAYED {
            return [false; 2];
        }
        let haplotypes = code.haplotypes();
        let carried = haplotypes.map(|haplotype| haplotype == Haplotype::Alternate);
        let is_heterozygous = haplotypes[0] != haplotypes[1] && haplotypes[1] != Haplotype::Absent;
        let phased = code.call().is_some_and(|call| call.phased);
        if is_heterozygous && !phased && self.options.unphased == UnphasedCalls::Skip {
            return [false; 2];
        }
        carried
    }

    fn rows(&self) -> Result<TableRows, AnnotateError> {
        let mut annotator = Annotator::new(
            Arc::clone(&self.models),
            self.reference.reader()?,
            ConsequenceOptions::default(),
        );
        let mut rows = TableRows::default();
        let mut near = Vec::new();
        // For each transcript the alleles that touch it, in the order of the carriers.
        let mut by_transcript: BTreeMap<usize, Vec<Touching<'_>>> = BTreeMap::new();
        for (key, carriers) in self.carriers.iter() {
            let Some(allele) = key.allele() else { continue };
            self.models
                .near(ContigId(key.contig), allele.span(), 0, &mut near);
            for index in &near {
                by_transcript
                    .entry(*index)
                    .or_default()
                    .push((key, carriers, allele.clone()));
            }
        }
        for (index, touching) in by_transcript {
            let Some(transcript) = self.models.transcripts().get(index) else {
                continue;
            };
            if transcript.coding().is_none() {
                continue;
            }
            let mut haplotypes: BTreeMap<Carrier, Vec<usize>> = BTreeMap::new();
            for (number, (_, carriers, _)) in touching.iter().enumerate() {
                for carrier in *carriers {
                    haplotypes.entry(*carrier).or_default().push(number);
                }
            }
            // Haplotypes with the same alleles have the same consequences.
            let mut known: BTreeMap<Vec<usize>, _> = BTreeMap::new();
            for (carrier, numbers) in haplotypes {
                if numbers.len() < 2 && !self.options.singles {
                    continue;
                }
                if !known.contains_key(&numbers) {
                    let alleles: Vec<Allele> = numbers
                        .iter()
                        .filter_map(|number| touching.get(*number))
                        .map(|(_, _, allele)| allele.clone())
                        .collect();
                    let found = annotator.compounds(index, transcript, &alleles)?;
                    known.insert(numbers.clone(), found);
                }
                let Some((compounds, overlapping)) = known.get(&numbers) else {
                    continue;
                };
                let key_of = |member: &usize| {
                    let number = numbers.get(*member)?;
                    touching.get(*number).map(|(key, _, _)| *key)
                };
                for compound in compounds {
                    if compound.members.len() > 1 || compound.after_stop || self.options.singles {
                        let keys: Vec<_> = compound.members.iter().filter_map(key_of).collect();
                        rows.compound(carrier, index, compound, &keys);
                    }
                }
                for member in overlapping {
                    rows.overlap(carrier, index, key_of(member));
                }
            }
        }
        Ok(rows)
    }
}

impl Analysis for HaplotypeConsequences {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn empty(&self) -> Box<dyn Analysis> {
        Box::new(Self::new(
            Arc::clone(&self.models),
            self.reference.clone(),
            self.options,
            self.patients,
        ))
    }

    fn observe(&mut self, batch: &SiteBatch) -> Result<(), AnalysisError> {
        let contigs = batch.contig_column()?;
        let positions = batch.position_column()?;
        let references = batch.text(site::REFERENCE)?;
        let alternates = batch.text(site::ALTERNATE)?;
        let mut near = Vec::new();
        for row in 0..batch.len() {
            if alternates.is_null(row) {
                continue;
            }
            let codes = batch.calls().row(row);
            let carriers: Vec<Carrier> = (0u32..)
                .zip(codes)
                .flat_map(|(patient, code)| {
                    let carried = self.carried(CallCode(*code));
                    [(0, carried[0]), (1, carried[1])]
                        .into_iter()
                        .filter(|(_, carried)| *carried)
                        .map(move |(haplotype, _)| Carrier { patient, haplotype })
                })
                .collect();
            if carriers.is_empty() {
                continue;
            }
            let key = AlleleKey {
                contig: contigs.value(row),
                position: positions.value(row),
                reference: references.value(row).into(),
                alternate: alternates.value(row).into(),
            };
            let Some(allele) = key.allele() else { continue };
            if self.is_coding(ContigId(key.contig), &allele, &mut near) {
                self.carriers.add(key, carriers);
            }
        }
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, AnalysisError> {
        Ok(self.carriers.save(&self.fingerprint()))
    }

    fn merge(&mut self, saved: &[u8]) -> Result<(), AnalysisError> {
        self.carriers
            .merge(&self.fingerprint(), saved)
            .map_err(|detail| AnalysisError::Saved {
                analysis: NAME.to_owned(),
                detail: detail.to_owned(),
            })
    }

    fn take_patients(&mut self, part: &dyn Analysis, of: &[usize]) -> Result<(), AnalysisError> {
        let part: &Self = part_of(NAME, part)?;
        if part.patients != of.len() {
            return Err(AnalysisError::foreign_part(NAME));
        }
        for (key, carriers) in part.carriers.iter() {
            let carriers = carriers.iter().map(|carrier| {
                let at = of.get(carrier.patient as usize)?;
                let patient = u32::try_from(*at).ok()?;
                Some(Carrier {
                    patient,
                    ..*carrier
                })
            });
            let carriers: Option<Vec<Carrier>> = carriers.collect();
            let carriers = carriers.ok_or_else(|| AnalysisError::foreign_part(NAME))?;
            self.carriers.add(key.clone(), carriers);
        }
        Ok(())
    }

    fn finish(&self, patients: &[Patient]) -> Result<AnalysisOutput, AnalysisError> {
        let table_error = |source: ArrowError| AnalysisError::Table {
            analysis: NAME.to_owned(),
            source,
        };
        let rows = self
            .rows()
            .map_err(|error| table_error(ArrowError::ExternalError(Box::new(error))))?;
        let table = rows
            .table(&self.models, self.reference.contigs(), patients)
            .map_err(table_error)?;
        Ok(AnalysisOutput {
            tables: vec![(HAPLOTYPE_TABLE, table)],
            ..AnalysisOutput::default()
        })
    }
}

impl AlleleKey {
    fn allele(&self) -> Option<Allele> {
        use varisk_core::AlleleClass::{Complex, Deletion, Insertion, Mnv, Snv};
        let (reference, alternate) = (self.reference.as_bytes(), self.alternate.as_bytes());
        let class = varisk_core::AlleleClass::of(reference, alternate);
        let letters = |allele: &[u8]| allele.iter().all(u8::is_ascii_alphabetic);
        let is_sequence = matches!(class, Snv | Mnv | Insertion | Deletion | Complex)
            && letters(reference)
            && letters(alternate);
        is_sequence
            .then(|| Allele::trimmed(Position(self.position).0, reference, alternate))
            .flatten()
    }

    /// Positions that the allele's REF covers.
    fn span(&self) -> Span {
        let length = u32::try_from(self.reference.len()).unwrap_or(u32::MAX);
        Span {
            start: self.position,
            end: self.position.saturating_add(length).saturating_sub(1),
        }
    }
}

#[cfg(test)]
mod tests;
