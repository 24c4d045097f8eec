//! Burden of genes: for each patient, gene and class of consequence the alleles and copies carried.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, ListArray, RecordBatch, StringArray, StructArray,
    UInt32Array,
};
use arrow::datatypes::Float64Type;
use serde::{Deserialize, Serialize};
use varisk_core::{
    Analysis, AnalysisError, AnalysisOutput, BatchError, CallCode, DosageTable, FeatureTable,
    FeatureValue, Patient, Reason, Sex, SiteBatch, SiteClass, agree, columns as c, load_fold,
    part_of, save_fold,
};
use varisk_report::Table;

use crate::dosage::Dosages;

/// Column with the consequences of an allele on every transcript.
const ALL: &str = "consequence.all";

/// Class of a consequence for gene burden, from the worst Sequence Ontology term of an allele on
/// any transcript of the gene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BurdenClass {
    /// Predicted loss of function: terms of high impact.
    #[serde(rename = "lof")]
    LossOfFunction,
    /// Missense and other changes of the protein: terms of moderate impact.
    #[serde(rename = "missense")]
    Missense,
    /// Synonymous changes, for calibration: they should burden nobody.
    #[serde(rename = "synonymous")]
    Synonymous,
}

impl BurdenClass {
    /// Every class, the most severe first.
    pub const ALL: [Self; 3] = [Self::LossOfFunction, Self::Missense, Self::Synonymous];

    /// The published text.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LossOfFunction => "lof",
            Self::Missense => "missense",
            Self::Synonymous => "synonymous",
        }
    }

    /// The class of a line of consequences by its impact and terms (joined by `&`); `None` where it
    /// burdens nobody.
    fn of(impact: &str, terms: &str) -> Option<Self> {
        match impact {
            "HIGH" => Some(Self::LossOfFunction),
            "MODERATE" => Some(Self::Missense),
            _ if terms.split('&').any(|term| term == "synonymous_variant") => {
                Some(Self::Synonymous)
            }
            _ => None,
        }
    }
}

/// The fold. Alleles count where a frequency column is given only if their frequency there is at
/// most the limit; one that the source does not have counts as rare.
///
/// Features are `burden.<GENE>.<class>` (copies carried) for the genes that models name; the table
/// `burden` has a row for each patient, gene and class with something to say.
///
/// # Memory
/// 16 bytes for each patient, gene and class with a carried or uncalled allele.
pub struct GeneBurden {
    settings: Settings,
    state: BTreeMap<(String, BurdenClass), GeneState>,
    dosages: Dosages,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Settings {
    sexes: Vec<Sex>,
    frequency: Option<(String, f64)>,
    /// Genes and classes that models name.
    wanted: Vec<(String, BurdenClass)>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct GeneState {
    /// Alleles of the class in the input.
    alleles: u64,
    patients: BTreeMap<u32, PatientState>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct PatientState {
    /// Distinct alleles carried.
    alleles: u32,
    /// Copies carried.
    copies: u32,
    /// Alleles without a complete call.
    uncalled: u32,
    /// Alleles taken for reference on the user's word.
    assumed: u32,
}

/// Gene and class, their alleles in the input, and what one patient has of them.
type BurdenRow<'s> = (&'s (String, BurdenClass), u64, PatientState);

impl PatientState {
    fn add(&mut self, other: Self) {
        self.alleles = self.alleles.saturating_add(other.alleles);
        self.copies = self.copies.saturating_add(other.copies);
        self.uncalled = self.uncalled.saturating_add(other.uncalled);
        self.assumed = self.assumed.saturating_add(other.assumed);
    }
}

impl GeneBurden {
    /// A fold for the patients of a run, in order, given by their sex. `frequency` is a column of
    /// 64-bit floats and the limit; `features` are names that patient models ask for, of which those
    /// of the form `burden.<GENE>.<class>` are this fold's.
    #[must_use]
    pub fn new(
        sexes: Vec<Sex>,
        frequency: Option<(String, f64)>,
        features: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut wanted: Vec<(String, BurdenClass)> = features
            .into_iter()
            .filter_map(|name| parse_burden_feature(&name))
            .collect();
        wanted.sort();
        wanted.dedup();
        Self::of(Settings {
            sexes,
            frequency,
            wanted,
        })
    }

    fn of(settings: Settings) -> Self {
        let dosages = Dosages::new(&settings.sexes);
        Self {
            settings,
            state: BTreeMap::new(),
            dosages,
        }
    }

    fn add_row(
        &mut self,
        batch: &SiteBatch,
        row: usize,
        genes: &BTreeMap<&str, BurdenClass>,
    ) -> Result<(), AnalysisError> {
        let class = SiteClass::from_number(batch.site_class_column()?.value(row));
        let codes = batch.calls().row(row);
        let dosages = self.dosages.of(batch.calls(), row, class);
        for (gene, burden) in genes {
            let gene = self.state.entry(((*gene).to_owned(), *burden)).or_default();
            gene.alleles += 1;
            for (patient, ((dosage, code), sex)) in
                (0u32..).zip(dosages.iter().zip(codes).zip(&self.settings.sexes))
            {
                if class.expected_ploidy(*sex) == Some(0) {
                    continue;
                }
                let mut state = PatientState::default();
                match *dosage {
                    DosageTable::NONE => state.uncalled = 1,
                    0 if CallCode(*code).is_assumed() => state.assumed = 1,
                    0 => continue,
                    copies => {
                        state.alleles = 1;
                        state.copies = u32::from(copies);
                    }
                }
                gene.patients.entry(patient).or_default().add(state);
            }
        }
        Ok(())
    }

    fn feature(&self, key: &(String, BurdenClass)) -> Vec<FeatureValue> {
        let gene = self.state.get(key);
        (0u32..)
            .zip(&self.settings.sexes)
            .map(|(patient, _)| {
                let state = gene
                    .and_then(|gene| gene.patients.get(&patient))
                    .copied()
                    .unwrap_or_default();
                // A patient of whom no allele of the gene is known has no burden, not a burden of 0.
                let unknown = gene.is_some_and(|gene| u64::from(state.uncalled) == gene.alleles);
                if unknown {
                    Err(Reason::NoInformativeCalls)
                } else {
                    Ok(f64::from(state.copies))
                }
            })
            .collect()
    }
}

/// Gene and class of a feature `burden.<GENE>.<class>`; `None` for any other name.
#[must_use]
pub fn parse_burden_feature(name: &str) -> Option<(String, BurdenClass)> {
    let (gene, class) = name.strip_prefix("burden.")?.rsplit_once('.')?;
    let class = BurdenClass::ALL
        .into_iter()
        .find(|known| known.name() == class)?;
    (!gene.is_empty()).then(|| (gene.to_owned(), class))
}

fn feature_name((gene, class): &(String, BurdenClass)) -> String {
    format!("burden.{gene}.{}", class.name())
}

/// The lines of `consequence.all`, taken apart once for a batch.
struct Lines<'a> {
    list: &'a ListArray,
    gene: &'a StringArray,
    gene_id: &'a StringArray,
    impact: &'a StringArray,
    terms: &'a StringArray,
}

impl<'a> Lines<'a> {
    fn try_new(batch: &'a SiteBatch) -> Result<Self, BatchError> {
        let missing = || BatchError::Column {
            name: ALL.to_owned(),
            expected: "List<Struct>",
        };
        let list = batch
            .sites()
            .column_by_name(ALL)
            .and_then(|array| array.as_list_opt::<i32>())
            .ok_or_else(missing)?;
        let lines: &StructArray = list.values().as_struct_opt().ok_or_else(missing)?;
        let text = |name: &str| {
            lines
                .column_by_name(name)
                .and_then(|array| array.as_string_opt::<i32>())
                .ok_or_else(missing)
        };
        Ok(Self {
            list,
            gene: text("gene")?,
            gene_id: text("gene_id")?,
            impact: text("impact")?,
            terms: text("terms")?,
        })
    }

    /// The worst class of a row for each gene, by symbol, or by identifier where it has none.
    fn genes(&self, row: usize) -> BTreeMap<&'a str, BurdenClass> {
        let mut genes = BTreeMap::new();
        if self.list.is_null(row) {
            return genes;
        }
        let offsets = self.list.value_offsets();
        let range = offsets[row].max(0) as usize..offsets[row + 1].max(0) as usize;
        let text =
            |array: &'a StringArray, line: usize| array.is_valid(line).then(|| array.value(line));
        for line in range {
            let gene = text(self.gene, line).or_else(|| text(self.gene_id, line));
            let class = BurdenClass::of(
                text(self.impact, line).unwrap_or_default(),
                text(self.terms, line).unwrap_or_default(),
            );
            if let (Some(gene), Some(class)) = (gene, class) {
                let worst = genes.entry(gene).or_insert(class);
                *worst = class.min(*worst);
            }
        }
        genes
    }
}

impl Analysis for GeneBurden {
    fn name(&self) -> String {
        "burden.genes".to_owned()
    }

    fn empty(&self) -> Box<dyn Analysis> {
        Box::new(Self::of(self.settings.clone()))
    }

    fn observe(&mut self, batch: &SiteBatch) -> Result<(), AnalysisError> {
        let frequency = match &self.settings.frequency {
            Some((column, limit)) => Some((batch.numbers::<Float64Type>(column)?.clone(), *limit)),
            None => None,
        };
        let is_frequent = |row: usize| {
            frequency
                .as_ref()
                .is_some_and(|(column, limit): &(Float64Array, f64)| {
                    column.is_valid(row) && column.value(row) > *limit
                })
        };
        let lines = Lines::try_new(batch)?;
        let reasons = batch.text(c::REASON)?;
        // A record that stands twice counts once, here as everywhere.
        for row in (0..batch.len()).filter(|row| reasons.is_null(*row)) {
            let genes = lines.genes(row);
            if !genes.is_empty() && !is_frequent(row) {
                self.add_row(batch, row, &genes)?;
            }
        }
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, AnalysisError> {
        save_fold(&self.name(), &self.settings, &self.state)
    }

    fn merge(&mut self, saved: &[u8]) -> Result<(), AnalysisError> {
        let other: BTreeMap<(String, BurdenClass), GeneState> =
            load_fold(&self.name(), &self.settings, saved)?;
        for (key, gene) in other {
            let own = self.state.entry(key).or_default();
            own.alleles += gene.alleles;
            for (patient, state) in gene.patients {
                own.patients.entry(patient).or_default().add(state);
            }
        }
        Ok(())
    }

    fn take_patients(&mut self, part: &dyn Analysis, of: &[usize]) -> Result<(), AnalysisError> {
        let name = self.name();
        let part: &Self = part_of(&name, part)?;
        if part.settings.sexes.len() != of.len() {
            return Err(AnalysisError::foreign_part(&name));
        }
        let is_first = self.state.is_empty();
        if !is_first && self.state.len() != part.state.len() {
            return Err(AnalysisError::foreign_part(&name));
        }
        for (key, gene) in &part.state {
            let own = self.state.entry(key.clone()).or_default();
            agree(&name, &mut own.alleles, &gene.alleles)?;
            for (patient, state) in &gene.patients {
                let at = of
                    .get(*patient as usize)
                    .and_then(|at| u32::try_from(*at).ok());
                let at = at.ok_or_else(|| AnalysisError::foreign_part(&name))?;
                own.patients.insert(at, *state);
            }
        }
        Ok(())
    }

    fn finish(&self, patients: &[Patient]) -> Result<AnalysisOutput, AnalysisError> {
        let mut features = FeatureTable::default();
        for key in &self.settings.wanted {
            features.insert(feature_name(key), self.feature(key));
        }
        // By patient, then gene and class: each gene's map is sorted by patient already.
        let mut by_patient: Vec<Vec<BurdenRow<'_>>> = vec![Vec::new(); patients.len()];
        for (key, gene) in &self.state {
            for (patient, state) in &gene.patients {
                if let Some(rows) = by_patient.get_mut(*patient as usize) {
                    rows.push((key, gene.alleles, *state));
                }
            }
        }
        let mut order: Vec<usize> = (0..patients.len()).collect();
        order.sort_by_key(|patient| &patients[*patient].id);
        let rows: Vec<_> = order
            .iter()
            .flat_map(|patient| {
                let id = patients[*patient].id.as_str();
                by_patient[*patient].iter().map(move |row| (id, row))
            })
            .collect();
        let number = |value: &dyn Fn(&PatientState, u64) -> u32| -> ArrayRef {
            Arc::new(
                rows.iter()
                    .map(|(_, (_, alleles, state))| Some(value(state, *alleles)))
                    .collect::<UInt32Array>(),
            )
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(
                rows.iter()
                    .map(|(id, _)| Some(*id))
                    .collect::<StringArray>(),
            ),
            Arc::new(
                rows.iter()
                    .map(|(_, (key, _, _))| Some(key.0.as_str()))
                    .collect::<StringArray>(),
            ),
            Arc::new(
                rows.iter()
                    .map(|(_, (key, _, _))| Some(key.1.name()))
                    .collect::<StringArray>(),
            ),
            number(&|state, _| state.alleles),
            number(&|state, _| state.copies),
            number(&|state, _| state.uncalled),
            number(&|state, _| state.assumed),
            number(&|_, alleles| u32::try_from(alleles).unwrap_or(u32::MAX)),
        ];
        let table = RecordBatch::try_new(Table::BURDEN.schema(), columns).map_err(|source| {
            AnalysisError::Table {
                analysis: self.name(),
                source,
            }
        })?;
        Ok(AnalysisOutput {
            features,
            tables: vec![(Table::BURDEN.name, table)],
        })
    }
}

#[cfg(test)]
mod tests;
