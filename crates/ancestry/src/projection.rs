//! The fold that places the patients of a run on a panel.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::Array;
use serde::{Deserialize, Serialize};
use varisk_core::{
    Analysis, AnalysisError, AnalysisOutput, CallCode, ContigSet, FeatureTable, NO_DOSAGE, Patient,
    Reason, SiteBatch, columns as c, load_fold, part_of, place_patients, save_fold,
};

use crate::genotype::{MISSING, genotype_table};
use crate::population::largest;
use crate::terms::{Layout, MAX_DOSAGE, Observed, SiteTerms, add};
use crate::{Panel, PanelError, PopulationModel, ancestry_table, place};

/// Name of the fold and its table.
const NAME: &str = "ancestry";

/// When a patient is placed and given a population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectionOptions {
    /// Whether a reference that is only assumed counts as a call.
    pub count_assumed: bool,
    /// Least share of the panel's sites with a call. A file that names only what differs from the
    /// reference shows less than half of the common sites (46 of 100 where frequencies above 0.05
    /// are as of neutral alleles), and just those where the patient carries the other allele: who is
    /// placed by these alone lands far from home. The default of 0.7 is out of reach for such a
    /// file, and well below what whole genomes and imputed arrays show.
    pub minimum_share: f64,
    /// Least number of sites with a call. With 100 a place on 20 held components is still
    /// determined five times over.
    pub minimum_sites: u64,
    /// A patient whose greatest Mahalanobis probability over all populations is below this is off
    /// the panel. Measured on the 1000 Genomes with some 800 sites (`tests/data_pygscatalog.rs`): at
    /// the default of 0.001 one in 200 real members is turned away, and of a continent that the
    /// panel lacks 96 of 100 Africans and East Asians, 60 of 100 Americans and South Asians; at 1e-6
    /// half as many, at pgscatalog-calc's 1e-10 hardly anybody. Who lies inside the spread of an
    /// admixed population, as Europeans on a panel with Americans but no Europeans, is not told
    /// apart at any limit: a panel should have every population that patients may come from.
    /// Of small populations more members are turned away, since their covariance is known less well:
    /// 1 in 25 where a population has 55 training samples.
    pub minimum_p: f64,
    /// A most similar population of lower probability is given with
    /// [`Reason::LowConfidencePopulation`].
    pub minimum_probability: f64,
    /// Components that compare populations, from 2 to those of the panel; fewer are used where the
    /// panel has fewer.
    pub population_components: usize,
}

impl Default for ProjectionOptions {
    fn default() -> Self {
        Self {
            count_assumed: false,
            minimum_share: 0.7,
            minimum_sites: 100,
            minimum_p: 1e-3,
            minimum_probability: 0.9,
            population_components: 5,
        }
    }
}

/// Where a patient is on the panel.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// Sites of the panel with a call that counts.
    pub sites: u64,
    /// Sites taken for reference on the user's word, whether they count or not.
    pub assumed: u64,
    /// `sites` as share of the panel's sites, 0 to 1.
    pub share: f64,
    /// Coordinates on the panel's components; `None` where too few sites are called.
    pub components: Option<Vec<f64>>,
    /// Most similar population, as index into [`Panel::populations`]; `None` without coordinates and
    /// off the panel.
    pub population: Option<usize>,
    /// Its probability, given that the patient belongs to one population of the panel.
    pub probability: Option<f64>,
    /// Greatest Mahalanobis probability over all populations.
    pub mahalanobis_p: Option<f64>,
    /// Why there are no coordinates or no population, or that the population is not clear.
    pub reason: Option<Reason>,
}

impl Placement {
    /// `ok`, `low_confidence` (with population and reason) or `not_computed` (with reason).
    #[must_use]
    pub fn state(&self) -> &'static str {
        match (self.population, self.reason) {
            (None, _) => "not_computed",
            (Some(_), None) => "ok",
            (Some(_), Some(_)) => "low_confidence",
        }
    }
}

/// The fold. Features are `ancestry.pc1` and so on, and `ancestry.share`; the table `ancestry` has a
/// row for each patient.
///
/// A row counts for a site of the panel if contig, position and both alleles are the same, the
/// record stands at the allele's own position, and it is the first such row. Stated dosages count
/// where there are some. Sites that no row shows, and calls that are not complete and diploid, are
/// missing; a patient with many of these costs as little as one with few, since what is summed is
/// what fewer patients have.
///
/// # Memory
/// A patient takes 8 bytes for each held component, and with sites missing 8 bytes for each pair of
/// them: 2 KiB for a panel of 10 components. The places of the panel's sites are shared.
pub struct Projection {
    shared: Arc<Shared>,
    state: State,
    terms: SiteTerms,
}

/// What all folds of a run share.
struct Shared {
    panel: Arc<Panel>,
    populations: PopulationModel,
    options: ProjectionOptions,
    settings: Settings,
    table: [u8; 256],
    /// Site of the panel by contig of the run and position.
    places: HashMap<(u32, u32), u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Settings {
    panel: String,
    patients: usize,
    count_assumed: bool,
}

/// Whole numbers that wrap around (see `terms`); a patient's sums are `common` plus their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    /// Rows that count for patients unless their own sums take them back.
    sites: u64,
    values: Vec<i64>,
    pairs: Vec<i64>,
    patients: Vec<PatientState>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct PatientState {
    sites: i64,
    assumed: u64,
    values: Vec<i64>,
    /// Empty while nothing was added or taken back.
    pairs: Vec<i64>,
}

impl Projection {
    /// A fold for a number of patients, in the order of the calls' columns.
    ///
    /// # Errors
    /// The populations have no distribution on so many components.
    pub fn new(
        panel: Arc<Panel>,
        contigs: &ContigSet,
        patients: usize,
        options: ProjectionOptions,
    ) -> Result<Self, PanelError> {
        let components = options.population_components.min(panel.components());
        let populations = PopulationModel::new(&panel, components)?;
        let place = |(index, site): (u32, &crate::PanelSite)| {
            let contig = contigs.find(&site.contig)?;
            Some(((contig.0, site.position.0), index))
        };
        let places = (0..).zip(panel.sites()).filter_map(place).collect();
        Ok(Self::of(Arc::new(Shared {
            populations,
            settings: Settings {
                panel: panel.fingerprint(),
                patients,
                count_assumed: options.count_assumed,
            },
            table: genotype_table(options.count_assumed),
            panel,
            options,
            places,
        })))
    }

    fn of(shared: Arc<Shared>) -> Self {
        let layout = shared.panel.layout();
        let patient = PatientState {
            values: vec![0; layout.values()],
            ..PatientState::default()
        };
        Self {
            state: State {
                sites: 0,
                values: vec![0; layout.values()],
                pairs: vec![0; layout.pairs()],
                patients: vec![patient; shared.settings.patients],
            },
            terms: SiteTerms::new(layout),
            shared,
        }
    }

    /// Where the patients are, in the order of the calls' columns. What is said of a patient depends
    /// on their own calls only, to the last bit.
    #[must_use]
    pub fn results(&self) -> Vec<Placement> {
        let patients = self.state.patients.iter();
        patients.map(|patient| self.placement(patient)).collect()
    }

    /// Rows of the panel's sites that the input showed.
    #[must_use]
    pub fn sites_seen(&self) -> u64 {
        self.state.sites
    }

    fn placement(&self, patient: &PatientState) -> Placement {
        let (panel, options) = (&self.shared.panel, &self.shared.options);
        let sites = self.state.sites.saturating_add_signed(patient.sites);
        let share = sites as f64 / panel.sites().len().max(1) as f64;
        let mut placement = Placement {
            sites,
            assumed: patient.assumed,
            share,
            components: None,
            population: None,
            probability: None,
            mahalanobis_p: None,
            reason: None,
        };
        if sites == 0 {
            placement.reason = Some(Reason::NoPanelSites);
            return placement;
        }
        placement.reason = Some(Reason::TooFewAncestrySites);
        if sites < options.minimum_sites || share < options.minimum_share {
            return placement;
        }
        let sum = |common: &[i64], own: &[i64]| {
            let mut sum = common.to_vec();
            add(&mut sum, own, 1);
            sum
        };
        let person = Observed::new(
            sites,
            &sum(&self.state.values, &patient.values),
            &sum(&self.state.pairs, &patient.pairs),
        );
        let placed = place::place(panel.singular_values(), panel.sites().len(), &person);
        let Some(mut components) = placed else {
            return placement;
        };
        components.truncate(panel.components());
        let distances = self.shared.populations.distances(&components);
        let p = largest(distances.iter().map(|distance| distance.p)).map(|(_, p)| p);
        let similar = largest(self.shared.populations.probabilities(&components));
        placement.components = Some(components);
        placement.mahalanobis_p = p;
        placement.reason = match (p, similar) {
            (Some(p), Some((population, probability))) if p >= options.minimum_p => {
                placement.population = Some(population);
                placement.probability = Some(probability);
                (probability < options.minimum_probability)
                    .then_some(Reason::LowConfidencePopulation)
            }
            _ => Some(Reason::OffThePanel),
        };
        placement
    }

    /// Takes in the calls of a site.
    fn observe_site(&mut self, batch: &SiteBatch, row: usize, site: usize) {
        self.terms.set(&self.shared.panel, site);
        let codes = batch.calls().row(row);
        let dosages = batch.calls().dosages(row).unwrap_or(&[]);
        let table = &self.shared.table;
        let stated = |patient: usize| {
            let dosage = dosages.get(patient).copied().unwrap_or(NO_DOSAGE);
            (dosage <= MAX_DOSAGE).then_some(dosage)
        };
        let counts = |patient: usize, code: u8| {
            stated(patient).is_some() || table[usize::from(code)] != MISSING
        };
        let called = codes
            .iter()
            .enumerate()
            .filter(|(patient, code)| counts(*patient, **code))
            .count();
        // The site counts for all and is taken back from the few, or is added to the few.
        let for_all = 2 * called >= codes.len();
        let layout = self.shared.panel.layout();
        if for_all {
            self.state.sites += 1;
            add(&mut self.state.values, &self.terms.none, 1);
            add(&mut self.state.pairs, &self.terms.pairs, 1);
        }
        for (index, (patient, code)) in self.state.patients.iter_mut().zip(codes).enumerate() {
            patient.assumed += u64::from(CallCode(*code).is_assumed());
            let counts = counts(index, *code);
            if counts != for_all {
                let sign = if counts { 1 } else { -1 };
                patient.add_site(&self.terms, layout, sign);
            }
            if !counts {
                continue;
            }
            if let Some(dosage) = stated(index) {
                let values = &mut patient.values;
                self.terms
                    .dosage(dosage, |k, term| values[k] = values[k].wrapping_add(term));
            } else {
                let copies = usize::from(table[usize::from(*code)]);
                if let Some(terms) = copies.checked_sub(1).and_then(|i| self.terms.copies.get(i)) {
                    add(&mut patient.values, terms, 1);
                }
            }
        }
    }
}

impl PatientState {
    /// Adds a site without a copy of its alternate allele, or takes it back.
    fn add_site(&mut self, terms: &SiteTerms, layout: Layout, sign: i64) {
        self.sites += sign;
        add(&mut self.values, &terms.none, sign);
        if self.pairs.is_empty() {
            self.pairs = vec![0; layout.pairs()];
        }
        add(&mut self.pairs, &terms.pairs, sign);
    }

    fn merge(&mut self, other: &Self) {
        self.sites += other.sites;
        self.assumed += other.assumed;
        add(&mut self.values, &other.values, 1);
        if self.pairs.is_empty() {
            self.pairs.clone_from(&other.pairs);
        } else if !other.pairs.is_empty() {
            add(&mut self.pairs, &other.pairs, 1);
        }
    }
}

impl Analysis for Projection {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn empty(&self) -> Box<dyn Analysis> {
        Box::new(Self::of(Arc::clone(&self.shared)))
    }

    fn observe(&mut self, batch: &SiteBatch) -> Result<(), AnalysisError> {
        let contigs = batch.contig_column()?;
        let positions = batch.position_column()?;
        let records = batch.numbers::<arrow::datatypes::UInt32Type>(c::INPUT_POSITION)?;
        let references = batch.text(c::REFERENCE)?;
        let alternates = batch.text(c::ALTERNATE)?;
        let reasons = batch.text(c::REASON)?;
        let shared = Arc::clone(&self.shared);
        let mut seen = HashSet::new();
        for row in 0..batch.len() {
            let place = (contigs.value(row), positions.value(row));
            let Some(&site) = shared.places.get(&place) else {
                continue;
            };
            let expected = &shared.panel.sites()[site as usize];
            let same = |text: &str, base: u8| text.as_bytes().eq_ignore_ascii_case(&[base]);
            // All records of a position are in one batch, so the first row is the same however the
            // input is cut; an allele that was trimmed out of an earlier record is left aside.
            let counts = alternates.is_valid(row)
                && reasons.is_null(row)
                && records.value(row) == place.1
                && same(references.value(row), expected.reference)
                && same(alternates.value(row), expected.alternate);
            if counts && seen.insert(site) {
                self.observe_site(batch, row, site as usize);
            }
        }
        Ok(())
    }

    fn save(&self) -> Result<Vec<u8>, AnalysisError> {
        save_fold(NAME, &self.shared.settings, &self.state)
    }

    fn merge(&mut self, saved: &[u8]) -> Result<(), AnalysisError> {
        let other: State = load_fold(NAME, &self.shared.settings, saved)?;
        let layout = self.shared.panel.layout();
        let fits = |state: &PatientState| {
            state.values.len() == layout.values()
                && (state.pairs.is_empty() || state.pairs.len() == layout.pairs())
        };
        if other.values.len() != layout.values()
            || other.pairs.len() != layout.pairs()
            || other.patients.len() != self.state.patients.len()
            || !other.patients.iter().all(fits)
        {
            return Err(AnalysisError::Saved {
                analysis: NAME.to_owned(),
                detail: "its sums are of another size".to_owned(),
            });
        }
        self.state.sites += other.sites;
        add(&mut self.state.values, &other.values, 1);
        add(&mut self.state.pairs, &other.pairs, 1);
        for (own, other) in self.state.patients.iter_mut().zip(&other.patients) {
            own.merge(other);
        }
        Ok(())
    }

    fn take_patients(&mut self, part: &dyn Analysis, of: &[usize]) -> Result<(), AnalysisError> {
        let part = &part_of::<Self>(NAME, part)?.state;
        // Which rows count for all was decided among those patients, so their sums take it in.
        let common = PatientState {
            sites: i64::try_from(part.sites).unwrap_or(i64::MAX),
            assumed: 0,
            values: part.values.clone(),
            pairs: part.pairs.clone(),
        };
        let patients = part.patients.iter().map(|own| {
            let mut patient = common.clone();
            patient.merge(own);
            patient
        });
        place_patients(NAME, &mut self.state.patients, patients, of)
    }

    fn finish(&self, patients: &[Patient]) -> Result<AnalysisOutput, AnalysisError> {
        let placements = self.results();
        let mut features = FeatureTable::default();
        for component in 0..self.shared.panel.components() {
            let value = |placement: &Placement| {
                let missing = placement.reason.unwrap_or(Reason::TooFewAncestrySites);
                let components = placement.components.as_deref().ok_or(missing)?;
                components.get(component).copied().ok_or(missing)
            };
            features.insert(
                format!("{NAME}.pc{}", component + 1),
                placements.iter().map(value).collect(),
            );
        }
        let share = placements.iter().map(|placement| Ok(placement.share));
        features.insert(format!("{NAME}.share"), share.collect());
        let table =
            ancestry_table(&self.shared.panel, patients, &placements).map_err(|source| {
                AnalysisError::Table {
                    analysis: NAME.to_owned(),
                    source,
                }
            })?;
        Ok(AnalysisOutput {
            features,
            tables: vec![(NAME, table)],
        })
    }
}

#[cfg(test)]
mod tests;
