//! The page of the cohort, gathered patient by patient.

mod data;
mod item;
mod outliers;
mod page;

use std::collections::{BTreeMap, BTreeSet};

use varisk_dossier::{Dossier, RunFolder, State};

use crate::PageError;
use crate::facts::RunFacts;

use item::Item;
use outliers::Quality;
use page::CohortPage;

/// What is kept of each patient.
#[derive(Default)]
pub(crate) struct Cohort {
    patients: Vec<String>,
    /// Rows that have a page of their own.
    linked: Vec<u32>,
    items: BTreeMap<String, Item>,
    /// Known pathogenic alleles of each patient.
    known: Vec<u32>,
    /// Patients in whom not every allele of the reported classes could be checked.
    unchecked: u64,
    /// Genes of these, by row; rows without are left out.
    genes: Vec<(u32, String)>,
    quality: Vec<Quality>,
    /// Patients by item and reason.
    reasons: BTreeMap<(String, String), u64>,
}

impl Cohort {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Takes in the next patient; returns the patient's number, from 1.
    pub(crate) fn observe(&mut self, dossier: &Dossier, has_page: bool) -> u64 {
        let row = self.patients.len();
        // A cohort of more than four thousand million people is none.
        let number = u32::try_from(row).unwrap_or(u32::MAX);
        self.patients.push(dossier.patient.clone());
        if has_page {
            self.linked.push(number);
        }
        for risk in &dossier.risks {
            if !self.items.contains_key(&risk.item) {
                self.items.insert(risk.item.clone(), Item::new(risk));
            }
            if let Some(item) = self.items.get_mut(&risk.item) {
                item.observe(row, risk);
            }
            if let Some(reason) = risk.reason.as_ref().filter(|_| risk.state != State::Ok) {
                let key = (risk.item.clone(), reason.clone());
                *self.reasons.entry(key).or_default() += 1;
            }
        }
        let known: BTreeSet<(&str, u32, &str, &str)> = dossier
            .known_variants
            .iter()
            .map(|own| {
                let alleles = (own.reference.as_str(), own.alternate.as_str());
                (own.contig.as_str(), own.position, alleles.0, alleles.1)
            })
            .collect();
        self.known
            .push(u32::try_from(known.len()).unwrap_or(u32::MAX));
        let quality = dossier.quality.as_ref();
        // What is not recorded is not known to be nothing.
        let is_checked = quality.and_then(|own| own.known_variants_uncalled) == Some(0);
        self.unchecked += u64::from(!is_checked);
        let mut genes: Vec<&str> = dossier
            .known_variants
            .iter()
            .filter_map(|finding| finding.annotations.text("consequence.gene"))
            .collect();
        genes.sort_unstable();
        genes.dedup();
        if genes.is_empty() && !known.is_empty() {
            genes.push("no gene named");
        }
        if !genes.is_empty() {
            self.genes.push((number, genes.join(", ")));
        }
        self.quality.push(Quality::new(dossier));
        row as u64 + 1
    }

    pub(crate) fn page<'f>(
        self,
        facts: &'f RunFacts,
        run: &RunFolder,
    ) -> Result<CohortPage<'f>, PageError> {
        CohortPage::new(self, facts, run)
    }
}
