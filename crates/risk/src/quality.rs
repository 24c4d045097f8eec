//! Quality of each patient's calls.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, UInt64Array};
use serde::{Deserialize, Serialize};
use varisk_core::{
    AlleleClass, Analysis, AnalysisError, AnalysisOutput, Call, CallCode, CallOrigin, FeatureTable,
    Patient, Reason, Sex, SiteBatch, SiteClass, columns as c, load_fold, part_of, place_patients,
    save_fold,
};
use varisk_report::Table;

/// Calls on X that carry an allele, at least, before sex is inferred from them.
const MIN_X_CARRIED: u64 = 20;
/// Assayed alleles on Y, at least, before sex is inferred from them.
const MIN_Y_ALLELES: u64 = 10;
/// Share of heterozygous calls among those that carry an allele on X: two copies of X give about a
/// half in outbred people, one copy gives genotyping errors only.
const FEMALE_X_HETEROZYGOSITY: f64 = 0.2;
/// Share of Y alleles with a call that tells a Y chromosome from mapping noise.
const MALE_Y_CALL_RATE: f64 = 0.5;

/// The fold: a row of `qc.parquet` for each patient, and the features `qc.call_rate`,
/// `qc.het_hom_ratio` and `qc.ti_tv_ratio`.
pub struct Quality {
    sexes: Vec<Sex>,
    state: Vec<Counts>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counts {
    alleles: u64,
    called: u64,
    partial: u64,
    missing: u64,
    not_assayed: u64,
    heterozygous: u64,
    homozygous_alternate: u64,
    autosomal_heterozygous: u64,
    autosomal_homozygous: u64,
    hemizygous: u64,
    transitions: u64,
    transversions: u64,
    indels: u64,
    x_heterozygous: u64,
    x_carried: u64,
    y_called: u64,
    y_alleles: u64,
    male_x_diploid: u64,
    female_y_called: u64,
    polyploid: u64,
    from_reference_blocks: u64,
    from_callable_regions: u64,
    from_reads: u64,
    assumed_reference: u64,
}

impl Counts {
    fn fields(&mut self) -> [&mut u64; 24] {
        [
            &mut self.alleles,
            &mut self.called,
            &mut self.partial,
            &mut self.missing,
            &mut self.not_assayed,
            &mut self.heterozygous,
            &mut self.homozygous_alternate,
            &mut self.autosomal_heterozygous,
            &mut self.autosomal_homozygous,
            &mut self.hemizygous,
            &mut self.transitions,
            &mut self.transversions,
            &mut self.indels,
            &mut self.x_heterozygous,
            &mut self.x_carried,
            &mut self.y_called,
            &mut self.y_alleles,
            &mut self.male_x_diploid,
            &mut self.female_y_called,
            &mut self.polyploid,
            &mut self.from_reference_blocks,
            &mut self.from_callable_regions,
            &mut self.from_reads,
            &mut self.assumed_reference,
        ]
    }

    fn add(&mut self, code: CallCode, call: Option<Call>, site: &Site, sex: Sex) {
        // Nothing is expected on Y of a female: a call is counted as such, its absence is no gap.
        let expected = site.class.expected_ploidy(sex) != Some(0);
        self.alleles += u64::from(expected);
        let Some(call) = call else {
            self.not_assayed += u64::from(expected);
            return;
        };
        match code.origin() {
            // The user's word is no call: it adds to nothing that speaks of quality.
            Some(CallOrigin::Assumption) => {
                self.assumed_reference += u64::from(expected);
                return;
            }
            Some(CallOrigin::ReferenceBlock) => self.from_reference_blocks += u64::from(expected),
            Some(CallOrigin::CallableRegion) => self.from_callable_regions += u64::from(expected),
            Some(CallOrigin::Reads) => self.from_reads += u64::from(expected),
            Some(CallOrigin::Record) | None => {}
        }
        self.y_alleles += u64::from(site.class == SiteClass::Y);
        if !call.is_complete() {
            *(if call.is_missing() {
                &mut self.missing
            } else {
                &mut self.partial
            }) += u64::from(expected);
            return;
        }
        if !expected {
            self.female_y_called += 1;
            self.y_called += 1;
            return;
        }
        self.called += 1;
        self.polyploid += u64::from(call.ploidy > 2);
        self.y_called += u64::from(site.class == SiteClass::Y);
        self.male_x_diploid +=
            u64::from(site.class == SiteClass::X && sex == Sex::Male && call.ploidy == 2);
        if call.alternate == 0 {
            return;
        }
        match site.change {
            Change::Transition => self.transitions += 1,
            Change::Transversion => self.transversions += 1,
            Change::Indel => self.indels += 1,
            Change::Other => {}
        }
        let autosomal = u64::from(site.class == SiteClass::Autosomal);
        self.x_carried += u64::from(site.class == SiteClass::X);
        match (call.ploidy, call.alternate) {
            (1, _) => self.hemizygous += 1,
            (2, 1) => {
                self.heterozygous += 1;
                self.autosomal_heterozygous += autosomal;
                self.x_heterozygous += u64::from(site.class == SiteClass::X);
            }
            (2, _) => {
                self.homozygous_alternate += 1;
                self.autosomal_homozygous += autosomal;
            }
            _ => {}
        }
    }

    fn inferred_sex(&self) -> Sex {
        let x = (self.x_carried >= MIN_X_CARRIED).then(|| {
            let heterozygosity = self.x_heterozygous as f64 / self.x_carried as f64;
            if heterozygosity >= FEMALE_X_HETEROZYGOSITY {
                Sex::Female
            } else {
                Sex::Male
            }
        });
        let y = (self.y_alleles >= MIN_Y_ALLELES).then(|| {
            let rate = self.y_called as f64 / self.y_alleles as f64;
            if rate >= MALE_Y_CALL_RATE {
                Sex::Male
            } else {
                Sex::Female
            }
        });
        match (x, y) {
            (Some(x), Some(y)) if x == y => x,
            (Some(only), None) | (None, Some(only)) => only,
            _ => Sex::Unknown,
        }
    }
}

/// What the counts depend on besides the call.
struct Site {
    class: SiteClass,
    change: Change,
}

enum Change {
    Transition,
    Transversion,
    Indel,
    Other,
}

impl Change {
    fn of(reference: &str, alternate: &str) -> Self {
        match AlleleClass::of(reference.as_bytes(), alternate.as_bytes()) {
            AlleleClass::Snv => match (reference, alternate) {
                ("A", "G") | ("G", "A") | ("C", "T") | ("T", "C") => Self::Transition,
                _ => Self::Transversion,
            },
            AlleleClass::Insertion | AlleleClass::Deletion => Self::Indel,
            _ => Self::Other,
        }
    }
}

impl Quality {
    /// A fold for the patients of a run, in order, given by their sex.
    #[must_use]
    pub fn new(sexes: Vec<Sex>) -> Self {
        let state = vec![Counts::default(); sexes.len()];
        Self { sexes, state }
    }
}

fn ratio(numerator: u64, denominator: u64) -> Option<f64> {
    (denominator > 0).then(|| numerator as f64 / denominator as f64)
}

impl Analysis for Quality {
    fn name(&self) -> String {
        "qc".to_owned()
    }

    fn empty(&self) -> Box<dyn Analysis> {
        Box::new(Self::new(self.sexes.clone()))
    }

    fn observe(&mut self, batch: &SiteBatch) -> Result<(), AnalysisError> {
        if self.sexes.is_empty() {
            return Ok(());
        }
        let classes = batch.site_class_column()?;
        let (references, alternates, reasons) = (
            batch.text(c::REFERENCE)?,
            batch.text(c::ALTERNATE)?,
            batch.text(c::REASON)?,
        );
        // A code means the same call wherever it stands, so it is looked up, not taken apart.
        let calls: Vec<Option<Call>> = (0..=u8::MAX).map(|code| CallCode(code).call()).collect();
        for row in 0..batch.len() {
            if arrow::array::Array::is_valid(reasons, row) {
                continue;
            }
            let site = Site {
                class: SiteClass::from_number(classes.value(row)),
                change: Change::of(references.value(row), alternates.value(row)),
            };
            let codes = batch.calls().row(row).iter().enumerate();
            for (((sample, code), counts), sex) in codes.zip(&mut self.state).zip(&self.sexes) {
                let is_reference = *code & 0b1011_1111 == CallCode::HOMOZYGOUS_REFERENCE.0;
                if is_reference && site.class == SiteClass::Autosomal {
                    // By far the most frequent call.
                    counts.alleles += 1;
                    counts.called += 1;
                    continue;
                }
                let call = if CallCode(*code).is_polyploid() {
                    batch.calls().call(row, sample)
                } else {
                    calls[usize::from(*code)]
                };
                counts.add(CallCode(*code), call, &site, *sex);
            }
        }
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, AnalysisError> {
        save_fold(&self.name(), &self.sexes, &self.state)
    }

    fn merge(&mut self, saved: &[u8]) -> Result<(), AnalysisError> {
        let other: Vec<Counts> = load_fold(&self.name(), &self.sexes, saved)?;
        for (own, mut other) in self.state.iter_mut().zip(other) {
            for (own, other) in own.fields().into_iter().zip(other.fields()) {
                *own += *other;
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
        let call_rate = |counts: &Counts| {
            ratio(
                counts.called,
                counts.called + counts.partial + counts.missing,
            )
        };
        let het_hom =
            |counts: &Counts| ratio(counts.autosomal_heterozygous, counts.autosomal_homozygous);
        let ti_tv = |counts: &Counts| ratio(counts.transitions, counts.transversions);
        let mut features = FeatureTable::default();
        let mut insert = |name: &str, value: &dyn Fn(&Counts) -> Option<f64>| {
            features.insert(
                name.to_owned(),
                self.state
                    .iter()
                    .map(|counts| value(counts).ok_or(Reason::NoInformativeCalls))
                    .collect(),
            );
        };
        insert("qc.call_rate", &call_rate);
        insert("qc.het_hom_ratio", &het_hom);
        insert("qc.ti_tv_ratio", &ti_tv);

        let mut order: Vec<usize> = (0..patients.len().min(self.state.len())).collect();
        order.sort_by_key(|patient| &patients[*patient].id);
        let rows: Vec<(&Patient, &Counts)> = order
            .iter()
            .map(|patient| (&patients[*patient], &self.state[*patient]))
            .collect();
        let text = |value: &dyn Fn(&Patient, &Counts) -> String| -> ArrayRef {
            Arc::new(
                rows.iter()
                    .map(|(p, counts)| Some(value(p, counts)))
                    .collect::<StringArray>(),
            )
        };
        let count = |value: &dyn Fn(&Counts) -> u64| -> ArrayRef {
            Arc::new(
                rows.iter()
                    .map(|(_, counts)| Some(value(counts)))
                    .collect::<UInt64Array>(),
            )
        };
        let number = |value: &dyn Fn(&Counts) -> Option<f64>| -> ArrayRef {
            Arc::new(
                rows.iter()
                    .map(|(_, counts)| value(counts))
                    .collect::<Float64Array>(),
            )
        };
        let mismatch = |patient: &Patient, counts: &Counts| {
            let inferred = counts.inferred_sex();
            (patient.sex != Sex::Unknown && inferred != Sex::Unknown)
                .then_some(patient.sex != inferred)
        };
        let columns: Vec<ArrayRef> = vec![
            text(&|p, _| p.id.clone()),
            text(&|p, _| p.sex.name().to_owned()),
            text(&|_, counts| counts.inferred_sex().name().to_owned()),
            Arc::new(
                rows.iter()
                    .map(|(p, counts)| mismatch(p, counts))
                    .collect::<BooleanArray>(),
            ),
            count(&|x| x.alleles),
            count(&|x| x.called),
            count(&|x| x.partial),
            count(&|x| x.missing),
            count(&|x| x.not_assayed),
            number(&call_rate),
            count(&|x| x.heterozygous),
            count(&|x| x.homozygous_alternate),
            count(&|x| x.hemizygous),
            number(&het_hom),
            count(&|x| x.transitions),
            count(&|x| x.transversions),
            number(&ti_tv),
            count(&|x| x.indels),
            count(&|x| x.x_heterozygous),
            count(&|x| x.x_carried),
            count(&|x| x.y_called),
            count(&|x| x.y_alleles),
            count(&|x| x.male_x_diploid),
            count(&|x| x.female_y_called),
            count(&|x| x.polyploid),
            count(&|x| x.from_reference_blocks),
            count(&|x| x.from_callable_regions),
            count(&|x| x.from_reads),
            count(&|x| x.assumed_reference),
            // What reads show is another fold's; the end of the run joins it.
            number(&|_| None),
            number(&|_| None),
            number(&|_| None),
            // So is what patient models were trained on, and what sources know of alleles.
            Arc::new(StringArray::new_null(rows.len())),
            Arc::new(UInt64Array::new_null(rows.len())),
        ];
        let table = RecordBatch::try_new(Table::QC.schema(), columns).map_err(|source| {
            AnalysisError::Table {
                analysis: self.name(),
                source,
            }
        })?;
        Ok(AnalysisOutput {
            features,
            tables: vec![(Table::QC.name, table)],
        })
    }
}
