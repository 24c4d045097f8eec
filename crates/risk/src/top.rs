//! The highest-scoring alleles that each patient carries.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Float64Array, RecordBatch, StringArray, UInt32Array};
use serde::{Deserialize, Serialize};
use varisk_core::{
    Analysis, AnalysisError, AnalysisOutput, DosageTable, Patient, Sex, SiteBatch, SiteClass,
    load_fold, part_of, place_patients, save_fold,
};
use varisk_report::Table;

use crate::ScoreOutput;
use crate::carried::{AlleleColumns, Carried, carried_columns};
use crate::dosage::Dosages;

/// The fold: keeps the best `count` alleles of each patient.
///
/// # Memory
/// About 150 bytes for each patient and kept allele.
pub struct TopVariants {
    settings: Settings,
    state: Vec<Vec<Scored>>,
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

/// A carried allele with its score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Scored {
    score: f32,
    carried: Carried,
}

impl Scored {
    /// Best first; equal scores in the order of the genome, so that the order is total.
    fn compare(&self, other: &Self, lower_first: bool) -> Ordering {
        let by_score = if lower_first {
            self.score.total_cmp(&other.score)
        } else {
            other.score.total_cmp(&self.score)
        };
        by_score.then_with(|| self.carried.place().cmp(&other.carried.place()))
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

fn insert(list: &mut Vec<Scored>, scored: Scored, count: usize, lower_first: bool) {
    let at = list.partition_point(|kept| kept.compare(&scored, lower_first) != Ordering::Greater);
    if at < count {
        list.insert(at, scored);
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
        let alleles = AlleleColumns::try_new(batch)?;
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
                let worse = |last: &Scored| {
                    if lower_first {
                        score > last.score
                    } else {
                        score < last.score
                    }
                };
                if list.len() >= count && list.last().is_some_and(worse) {
                    continue;
                }
                let scored = Scored {
                    score,
                    carried: alleles.carried(row, patient, *dosage),
                };
                insert(list, scored, count, lower_first);
            }
        }
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, AnalysisError> {
        save_fold(&self.name(), &self.settings, &self.state)
    }

    fn merge(&mut self, saved: &[u8]) -> Result<(), AnalysisError> {
        let other: Vec<Vec<Scored>> = load_fold(&self.name(), &self.settings, saved)?;
        for (own, other) in self.state.iter_mut().zip(other) {
            for scored in other {
                insert(
                    own,
                    scored,
                    self.settings.count,
                    self.settings.output.lower_is_riskier,
                );
            }
        }
        Ok(())
    }

    fn take_patients(&mut self, part: &dyn Analysis, of: &[usize]) -> Result<(), AnalysisError> {
        let name = self.name();
        let part: &Self = part_of(&name, part)?;
        place_patients(&name, &mut self.state, part.state.iter().cloned(), of)
    }

    fn finish(&self, patients: &[Patient]) -> Result<AnalysisOutput, AnalysisError> {
        let mut order: Vec<usize> = (0..patients.len().min(self.state.len())).collect();
        order.sort_by_key(|patient| &patients[*patient].id);
        let rows: Vec<(&str, usize, &Scored)> = order
            .iter()
            .flat_map(|patient| {
                let id = patients[*patient].id.as_str();
                let ranked = self.state[*patient].iter().enumerate();
                ranked.map(move |(rank, scored)| (id, rank, scored))
            })
            .collect();
        let text = |value: &dyn Fn(&str) -> String| -> ArrayRef {
            let texts = rows.iter().map(|(id, _, _)| Some(value(id)));
            Arc::new(texts.collect::<StringArray>())
        };
        let ranks = rows.iter().map(|(_, rank, _)| u32::try_from(rank + 1).ok());
        let output = &self.settings.output;
        let mut columns: Vec<ArrayRef> = vec![
            text(&str::to_owned),
            text(&|_| output.model.clone()),
            text(&|_| output.output.clone()),
            Arc::new(ranks.collect::<UInt32Array>()),
        ];
        let carried: Vec<&Carried> = rows.iter().map(|(_, _, row)| &row.carried).collect();
        columns.extend(carried_columns(&carried, &self.settings.contigs));
        let scores = rows.iter().map(|(_, _, row)| Some(row.score));
        columns.push(Arc::new(scores.collect::<Float32Array>()));
        let contributions = rows
            .iter()
            .map(|(_, _, row)| Some(f64::from(row.score) * f64::from(row.carried.dosage)));
        columns.push(Arc::new(contributions.collect::<Float64Array>()));
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
