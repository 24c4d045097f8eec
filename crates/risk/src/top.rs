//! The highest-scoring alleles that each patient carries.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Float64Array, RecordBatch, StringArray, UInt32Array};
use serde::{Deserialize, Serialize};
use varisk_core::{
    Analysis, AnalysisError, AnalysisOutput, CallCode, CallMatrix, CallOrigin, DosageTable,
    Haplotype, Patient, Sex, SiteBatch, SiteClass, SiteEvidence, columns as c, load_fold,
    save_fold,
};
use varisk_report::Table;

use crate::ScoreOutput;
use crate::dosage::Dosages;

/// The fold: keeps the best `count` alleles of each patient.
///
/// # Memory
/// About 150 bytes for each patient and kept allele.
pub struct TopVariants {
    settings: Settings,
    state: Vec<Vec<Carried>>,
    dosages: Dosages,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Settings {
    output: ScoreOutput,
    count: usize,
    sexes: Vec<Sex>,
    /// Names of the run's contigs, by index.
    contigs: Vec<String>,
}

/// An allele that a patient carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Carried {
    score: f32,
    contig: u32,
    position: u32,
    reference: String,
    alternate: String,
    input_position: u32,
    input_reference: String,
    input_alternate: String,
    id: Option<String>,
    filter: Option<String>,
    genotype: String,
    dosage: u8,
    origin: Option<CallOrigin>,
    evidence: Option<SiteEvidence>,
}

impl Carried {
    /// Best first; equal scores in the order of the genome, so that the order is total.
    fn compare(&self, other: &Self, lower_first: bool) -> Ordering {
        let by_score = if lower_first {
            self.score.total_cmp(&other.score)
        } else {
            other.score.total_cmp(&self.score)
        };
        by_score.then_with(|| self.place().cmp(&other.place()))
    }

    fn place(&self) -> impl Ord + '_ {
        (
            (
                self.contig,
                self.position,
                self.reference.as_str(),
                self.alternate.as_str(),
            ),
            (
                self.input_position,
                self.input_reference.as_str(),
                self.input_alternate.as_str(),
            ),
            (self.genotype.as_str(), self.dosage),
            (self.id.as_deref(), self.filter.as_deref()),
        )
    }
}

impl TopVariants {
    /// A fold that keeps `count` alleles for each patient, given by their sex; `contigs` are the
    /// names of the run's contigs.
    #[must_use]
    pub fn new(output: ScoreOutput, count: usize, sexes: Vec<Sex>, contigs: Vec<String>) -> Self {
        Self::of(Settings {
            output,
            count,
            sexes,
            contigs,
        })
    }

    fn of(settings: Settings) -> Self {
        let state = vec![Vec::new(); settings.sexes.len()];
        let dosages = Dosages::new(&settings.sexes);
        Self {
            settings,
            state,
            dosages,
        }
    }
}

fn insert(list: &mut Vec<Carried>, carried: Carried, count: usize, lower_first: bool) {
    let at = list.partition_point(|kept| kept.compare(&carried, lower_first) != Ordering::Greater);
    if at < count {
        list.insert(at, carried);
        list.truncate(count);
    }
}

impl Analysis for TopVariants {
    fn name(&self) -> String {
        format!(
            "top.{}.{}",
            self.settings.output.model, self.settings.output.output
        )
    }

    fn empty(&self) -> Box<dyn Analysis> {
        Box::new(Self::of(self.settings.clone()))
    }

    fn observe(&mut self, batch: &SiteBatch) -> Result<(), AnalysisError> {
        if self.settings.count == 0 {
            return Ok(());
        }
        let scores = batch.floats(&self.settings.output.column())?;
        let classes = batch.site_class_column()?;
        let (contigs, positions) = (batch.contig_column()?, batch.position_column()?);
        let [
            reference,
            alternate,
            input_reference,
            input_alternate,
            id,
            filter,
        ] = [
            c::REFERENCE,
            c::ALTERNATE,
            c::INPUT_REFERENCE,
            c::INPUT_ALTERNATE,
            c::ID,
            c::FILTER,
        ]
        .map(|name| batch.text(name));
        let (reference, alternate, input_reference, input_alternate) =
            (reference?, alternate?, input_reference?, input_alternate?);
        let (id, filter) = (id?, filter?);
        let input_position = batch.numbers::<arrow::datatypes::UInt32Type>(c::INPUT_POSITION)?;
        let optional = |array: &StringArray, row: usize| {
            arrow::array::Array::is_valid(array, row).then(|| array.value(row).to_owned())
        };
        let (count, lower_first) = (self.settings.count, self.settings.output.lower_is_riskier);
        for (row, score) in scores.iter().enumerate() {
            let Some(score) = score else { continue };
            let dosages = self.dosages.of(
                batch.calls(),
                row,
                SiteClass::from_number(classes.value(row)),
            );
            for (patient, dosage) in dosages
                .iter()
                .enumerate()
                .filter(|(_, dosage)| **dosage != 0 && **dosage != DosageTable::NONE)
            {
                let list = &mut self.state[patient];
                let worse = |last: &Carried| {
                    if lower_first {
                        score > last.score
                    } else {
                        score < last.score
                    }
                };
                if list.len() >= count && list.last().is_some_and(worse) {
                    continue;
                }
                let carried = Carried {
                    score,
                    contig: contigs.value(row),
                    position: positions.value(row),
                    reference: reference.value(row).to_owned(),
                    alternate: alternate.value(row).to_owned(),
                    input_position: input_position.value(row),
                    input_reference: input_reference.value(row).to_owned(),
                    input_alternate: input_alternate.value(row).to_owned(),
                    id: optional(id, row),
                    filter: optional(filter, row),
                    genotype: genotype_text(batch.calls(), row, patient),
                    dosage: *dosage,
                    origin: origin(batch.calls(), row, patient),
                    evidence: batch.evidence(row, patient).copied(),
                };
                insert(list, carried, count, lower_first);
            }
        }
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, AnalysisError> {
        save_fold(&self.name(), &self.settings, &self.state)
    }

    fn merge(&mut self, saved: &[u8]) -> Result<(), AnalysisError> {
        let other: Vec<Vec<Carried>> = load_fold(&self.name(), &self.settings, saved)?;
        for (own, other) in self.state.iter_mut().zip(other) {
            for carried in other {
                insert(
                    own,
                    carried,
                    self.settings.count,
                    self.settings.output.lower_is_riskier,
                );
            }
        }
        Ok(())
    }

    fn finish(&self, patients: &[Patient]) -> Result<AnalysisOutput, AnalysisError> {
        let mut order: Vec<usize> = (0..patients.len().min(self.state.len())).collect();
        order.sort_by_key(|patient| &patients[*patient].id);
        let rows: Vec<(&str, usize, &Carried)> = order
            .iter()
            .flat_map(|patient| {
                self.state[*patient]
                    .iter()
                    .enumerate()
                    .map(|(rank, carried)| (patients[*patient].id.as_str(), rank, carried))
            })
            .collect();
        let text = |value: &dyn Fn(&Carried) -> Option<String>| -> ArrayRef {
            Arc::new(
                rows.iter()
                    .map(|(_, _, row)| value(row))
                    .collect::<StringArray>(),
            )
        };
        let number = |value: &dyn Fn(&Carried) -> u32| -> ArrayRef {
            Arc::new(
                rows.iter()
                    .map(|(_, _, row)| Some(value(row)))
                    .collect::<UInt32Array>(),
            )
        };
        let depth = |value: &dyn Fn(&SiteEvidence) -> u32| -> ArrayRef {
            Arc::new(
                rows.iter()
                    .map(|(_, _, row)| row.evidence.as_ref().map(value))
                    .collect::<UInt32Array>(),
            )
        };
        let contig =
            |carried: &Carried| self.settings.contigs.get(carried.contig as usize).cloned();
        let output = &self.settings.output;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(
                rows.iter()
                    .map(|(id, _, _)| Some(*id))
                    .collect::<StringArray>(),
            ),
            text(&|_| Some(output.model.clone())),
            text(&|_| Some(output.output.clone())),
            Arc::new(
                rows.iter()
                    .map(|(_, rank, _)| u32::try_from(rank + 1).ok())
                    .collect::<UInt32Array>(),
            ),
            text(&contig),
            number(&|row| row.position),
            text(&|row| Some(row.reference.clone())),
            text(&|row| Some(row.alternate.clone())),
            number(&|row| row.input_position),
            text(&|row| Some(row.input_reference.clone())),
            text(&|row| Some(row.input_alternate.clone())),
            text(&|row| row.id.clone()),
            text(&|row| row.filter.clone()),
            text(&|row| Some(row.genotype.clone())),
            number(&|row| u32::from(row.dosage)),
            text(&|row| row.origin.map(|origin| origin.name().to_owned())),
            depth(&|reads| reads.depth()),
            depth(&|reads| reads.reference.depth()),
            depth(&|reads| reads.alternate.depth()),
            Arc::new(
                rows.iter()
                    .map(|(_, _, row)| Some(row.score))
                    .collect::<Float32Array>(),
            ),
            Arc::new(
                rows.iter()
                    .map(|(_, _, row)| Some(f64::from(row.score) * f64::from(row.dosage)))
                    .collect::<Float64Array>(),
            ),
        ];
        let table = RecordBatch::try_new(Table::FINDINGS.schema(), columns).map_err(|source| {
            AnalysisError::Table {
                analysis: self.name(),
                source,
            }
        })?;
        Ok(AnalysisOutput {
            tables: vec![(Table::FINDINGS.name, table)],
            ..AnalysisOutput::default()
        })
    }
}

/// What a call rests on.
fn origin(calls: &CallMatrix, row: usize, sample: usize) -> Option<CallOrigin> {
    CallCode(*calls.row(row).get(sample)?).origin()
}

/// The call seen from the row's allele, in the manner of VCF: 0, 1, 2 for another alternate, `.`.
#[must_use]
pub fn genotype_text(calls: &CallMatrix, row: usize, sample: usize) -> String {
    let code = CallCode(
        calls
            .row(row)
            .get(sample)
            .copied()
            .unwrap_or(CallCode::MISSING.0),
    );
    if code.is_polyploid() {
        let Some(call) = calls.call(row, sample) else {
            return ".".to_owned();
        };
        // Polyploid calls are kept as counts: the order of haplotypes is not known any more.
        let counts = [
            ("0", call.reference()),
            ("1", call.alternate),
            ("2", call.other),
            (".", call.missing),
        ];
        let letters: Vec<&str> = counts
            .iter()
            .flat_map(|(letter, count)| std::iter::repeat_n(*letter, usize::from(*count)))
            .collect();
        return letters.join("/");
    }
    let letter = |haplotype| match haplotype {
        Haplotype::Reference => "0",
        Haplotype::Alternate => "1",
        Haplotype::Other => "2",
        Haplotype::Missing | Haplotype::Absent => ".",
    };
    let separator = if code.call().is_some_and(|call| call.phased) {
        "|"
    } else {
        "/"
    };
    match code.haplotypes() {
        [first, Haplotype::Absent] => letter(first).to_owned(),
        [first, second] => [letter(first), letter(second)].join(separator),
    }
}
