//! Carried alleles that a knowledge source calls pathogenic, whatever a model says of them.

mod class;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use serde::{Deserialize, Serialize};
use varisk_core::{
    Analysis, AnalysisError, AnalysisOutput, CallCode, DosageTable, Patient, Sex, SiteBatch,
    SiteClass, agree, columns as c, load_fold, part_of, place_patients, save_fold,
};
use varisk_report::Table;

pub use class::ClinicalClass;

use crate::carried::{AlleleColumns, Carried, carried_columns};
use crate::dosage::Dosages;

/// Field of a source that holds ClinVar's classes.
const SIGNIFICANCE: &str = "significance";

/// Which alleles are reported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownSelection {
    /// Names of the sources whose column `<source>.significance` is looked at.
    pub sources: Vec<String>,
    /// An allele is reported where one of its classes is among these.
    pub classes: Vec<ClinicalClass>,
}

impl KnownSelection {
    /// The column of a source that is looked at.
    #[must_use]
    pub fn column(source: &str) -> String {
        format!("{source}.{SIGNIFICANCE}")
    }
}

/// The fold: every reportable allele of which a patient carries a copy, and for each patient the
/// number of reportable alleles that could not be checked.
///
/// A copy counts where it is seen, in a partial call (`1/.`) too. An allele is unchecked in a patient
/// without a complete call and without a copy seen; what was taken for reference on the user's word is
/// unchecked. On Y a female has nothing to check.
///
/// # Memory
/// About 200 bytes for each patient and carried reportable allele.
pub struct KnownVariants {
    settings: Settings,
    state: State,
    dosages: Dosages,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Settings {
    selection: KnownSelection,
    sexes: Vec<Sex>,
    /// Names of the run's contigs, by index.
    contigs: Vec<String>,
    /// Their order in tables.
    contig_ranks: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    /// By patient, in the order of `Known::place`.
    carried: Vec<Vec<Known>>,
    /// By patient.
    uncalled: Vec<u64>,
    /// Values with a word that is no class: how many, and the first of them by the alphabet.
    unknown: u64,
    example: Option<String>,
}

/// A carried allele and what a source says of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Known {
    carried: Carried,
    /// Index of the source.
    source: u32,
    significance: String,
}

impl Known {
    fn place(&self) -> impl Ord + '_ {
        (
            self.carried.place(),
            self.source,
            self.significance.as_str(),
        )
    }
}

impl State {
    fn new(patients: usize) -> Self {
        Self {
            carried: vec![Vec::new(); patients],
            uncalled: vec![0; patients],
            unknown: 0,
            example: None,
        }
    }

    fn note_unknown(&mut self, count: u64, value: &str) {
        self.unknown += count;
        if self.example.as_deref().is_none_or(|known| value < known) {
            self.example = Some(value.to_owned());
        }
    }
}

impl KnownVariants {
    /// A fold for the patients of a run, in order, given by their sex; `contigs` are the names of the
    /// run's contigs, and `contig_ranks` their places in the order of the input (by index where that is
    /// not known yet).
    #[must_use]
    pub fn new(
        selection: KnownSelection,
        sexes: Vec<Sex>,
        contigs: Vec<String>,
        contig_ranks: Vec<u32>,
    ) -> Self {
        Self::of(Settings {
            selection,
            sexes,
            contigs,
            contig_ranks,
        })
    }

    fn of(settings: Settings) -> Self {
        Self {
            state: State::new(settings.sexes.len()),
            dosages: Dosages::new(&settings.sexes),
            settings,
        }
    }

    /// For each patient, in order, the reportable alleles of the input that could not be checked.
    #[must_use]
    pub fn uncalled(&self) -> &[u64] {
        &self.state.uncalled
    }

    /// How many values of the sources hold a word that is no class of ClinVar, and one of them.
    #[must_use]
    pub fn unknown_words(&self) -> Option<(u64, &str)> {
        let example = self.state.example.as_deref()?;
        Some((self.state.unknown, example))
    }

    /// Whether a value is to be reported; words that are no classes are noted.
    fn is_reported(&mut self, value: &str) -> bool {
        let (mut is_reported, mut is_unknown) = (false, false);
        for class in ClinicalClass::of_value(value) {
            match class {
                Some(class) => is_reported |= self.settings.selection.classes.contains(&class),
                None => is_unknown = true,
            }
        }
        if is_unknown {
            self.state.note_unknown(1, value);
        }
        is_reported
    }

    fn add_row(
        &mut self,
        batch: &SiteBatch,
        row: usize,
        alleles: &AlleleColumns<'_>,
        reported: &[(u32, &str)],
    ) -> Result<(), AnalysisError> {
        let class = SiteClass::from_number(batch.site_class_column()?.value(row));
        let calls = batch.calls();
        let dosages = self.dosages.of(calls, row, class);
        let patients = dosages.iter().zip(calls.row(row)).zip(&self.settings.sexes);
        for (patient, ((dosage, code), sex)) in patients.enumerate() {
            let expected = class.expected_ploidy(*sex);
            if expected == Some(0) {
                continue;
            }
            let copies = match *dosage {
                DosageTable::NONE => {
                    let seen = calls.call(row, patient).map_or(0, |call| call.alternate);
                    expected.map_or(seen, |most| seen.min(most))
                }
                copies => copies,
            };
            if copies > 0 {
                let carried = alleles.carried(row, patient, copies);
                for (source, significance) in reported {
                    let known = Known {
                        carried: carried.clone(),
                        source: *source,
                        significance: (*significance).to_owned(),
                    };
                    insert(&mut self.state.carried[patient], known);
                }
            } else if *dosage == DosageTable::NONE || CallCode(*code).is_assumed() {
                self.state.uncalled[patient] += 1;
            }
        }
        Ok(())
    }
}

/// Adds an allele in order; it mostly belongs at the end.
fn insert(list: &mut Vec<Known>, known: Known) {
    let at = list.partition_point(|own| own.place() <= known.place());
    list.insert(at, known);
}

impl Analysis for KnownVariants {
    fn name(&self) -> String {
        "known".to_owned()
    }

    fn empty(&self) -> Box<dyn Analysis> {
        Box::new(Self::of(self.settings.clone()))
    }

    fn observe(&mut self, batch: &SiteBatch) -> Result<(), AnalysisError> {
        let names = self.settings.selection.sources.iter();
        let names: Vec<String> = names.map(|source| KnownSelection::column(source)).collect();
        let columns: Vec<&StringArray> = names
            .iter()
            .map(|name| batch.text(name))
            .collect::<Result<_, _>>()?;
        let reasons = batch.text(c::REASON)?;
        let alleles = AlleleColumns::try_new(batch)?;
        // A record that stands twice counts once, here as everywhere; no other allele with a reason
        // is in a source.
        for row in (0..batch.len()).filter(|row| reasons.is_null(*row)) {
            let mut reported: Vec<(u32, &str)> = Vec::new();
            for (source, column) in (0..).zip(&columns) {
                if column.is_valid(row) && self.is_reported(column.value(row)) {
                    reported.push((source, column.value(row)));
                }
            }
            if !reported.is_empty() {
                self.add_row(batch, row, &alleles, &reported)?;
            }
        }
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, AnalysisError> {
        save_fold(&self.name(), &self.settings, &self.state)
    }

    fn merge(&mut self, saved: &[u8]) -> Result<(), AnalysisError> {
        let other: State = load_fold(&self.name(), &self.settings, saved)?;
        for (own, other) in self.state.carried.iter_mut().zip(other.carried) {
            other.into_iter().for_each(|known| insert(own, known));
        }
        for (own, other) in self.state.uncalled.iter_mut().zip(other.uncalled) {
            *own += other;
        }
        if let Some(example) = other.example {
            self.state.note_unknown(other.unknown, &example);
        }
        Ok(())
    }

    fn take_patients(&mut self, part: &dyn Analysis, of: &[usize]) -> Result<(), AnalysisError> {
        let name = self.name();
        let part = &part_of::<Self>(&name, part)?.state;
        agree(&name, &mut self.state.unknown, &part.unknown)?;
        agree(&name, &mut self.state.example, &part.example)?;
        let uncalled = part.uncalled.iter().copied();
        place_patients(&name, &mut self.state.uncalled, uncalled, of)?;
        place_patients(
            &name,
            &mut self.state.carried,
            part.carried.iter().cloned(),
            of,
        )
    }

    fn finish(&self, patients: &[Patient]) -> Result<AnalysisOutput, AnalysisError> {
        let ranks = &self.settings.contig_ranks;
        let rank = |known: &Known| {
            let contig = known.carried.contig;
            *ranks.get(contig as usize).unwrap_or(&contig)
        };
        let mut order: Vec<usize> = (0..patients.len().min(self.state.carried.len())).collect();
        order.sort_by_key(|patient| &patients[*patient].id);
        let mut rows: Vec<(&str, &Known)> = Vec::new();
        for patient in order {
            let mut own: Vec<&Known> = self.state.carried[patient].iter().collect();
            // Within a contig they are in order already.
            own.sort_by_key(|known| rank(known));
            rows.extend(
                own.into_iter()
                    .map(|known| (patients[patient].id.as_str(), known)),
            );
        }
        let text = |value: &dyn Fn(&str, &Known) -> Option<String>| -> ArrayRef {
            let texts = rows.iter().map(|(id, known)| value(id, known));
            Arc::new(texts.collect::<StringArray>())
        };
        let sources = &self.settings.selection.sources;
        let carried: Vec<&Carried> = rows.iter().map(|(_, known)| &known.carried).collect();
        let mut columns = vec![text(&|id, _| Some(id.to_owned()))];
        columns.extend(carried_columns(&carried, &self.settings.contigs));
        columns.push(text(&|_, known| {
            sources.get(known.source as usize).cloned()
        }));
        columns.push(text(&|_, known| Some(known.significance.clone())));
        let table = RecordBatch::try_new(Table::KNOWN_VARIANTS.schema(), columns);
        let table = table.map_err(|source| AnalysisError::Table {
            analysis: self.name(),
            source,
        })?;
        Ok(AnalysisOutput {
            tables: vec![(Table::KNOWN_VARIANTS.name, table)],
            ..AnalysisOutput::default()
        })
    }
}
