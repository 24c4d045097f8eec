//! Building a panel: which sites are kept, and from what.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::Array;
use varisk_core::{ContigId, Position, SiteBatch, SiteClass, canonical_name, columns as c};

use crate::genotype::{Packed, genotype_table};
use crate::panel::Panel;
use crate::prune::Pruner;
use crate::site::autosome;
use crate::{PanelError, PanelInput, PanelSite};

mod settings;
mod thin;

pub(crate) use settings::{LOWEST_FREQUENCY, MOST_SITES, POPULATION_COMPONENTS};
pub use settings::{PanelSample, PanelSettings, Region, SiteCounts};
use thin::Thinned;

/// A normalised allele can lie behind the position of its record, where bases that REF and ALT share
/// were trimmed. A site is judged once records are this many bases past it: few records share more.
const LOOK_BEHIND: u32 = 1_000;

/// Takes in the panel's alleles in the order of a sorted file and keeps the sites to place people by:
/// biallelic substitutions of autosomes, common, called in most samples, not of ambiguous strand,
/// and nearly uncorrelated with each other.
///
/// # Memory
/// Two bits for each kept site and sample (at most twice [`PanelSettings::max_sites`] of them), and
/// in [`PanelBuilder::finish`] eight bytes for each pair of training samples.
#[derive(Debug)]
pub struct PanelBuilder {
    settings: PanelSettings,
    samples: Vec<PanelSample>,
    /// Columns of training samples and of the others.
    training: Vec<u32>,
    others: Vec<u32>,
    table: [u8; 256],
    place: Place,
    /// Sites of the present contig that records may still disqualify, by position.
    pending: BTreeMap<u32, Pending>,
    pruner: Pruner,
    kept: Thinned,
    counts: SiteCounts,
}

/// Where the input is.
#[derive(Debug, Default)]
struct Place {
    contig: Option<ContigId>,
    /// Canonical name and number of the contig; `None` for what is no autosome.
    autosome: Option<(String, u8)>,
    /// Position of the last record.
    record: u32,
    seen: HashSet<ContigId>,
}

#[derive(Debug)]
struct Pending {
    rows: u32,
    candidate: Option<Candidate>,
}

/// A site that passed what one row can tell.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) site: PanelSite,
    pub(crate) chromosome: u8,
    pub(crate) training: Arc<Packed>,
    pub(crate) others: Packed,
}

impl PanelBuilder {
    /// A builder for labelled samples, in the order of the calls' columns.
    ///
    /// # Errors
    /// A setting makes no sense, or there are too few samples for the components or in a population.
    pub fn new(settings: PanelSettings, samples: Vec<PanelSample>) -> Result<Self, PanelError> {
        settings.check()?;
        settings::check_samples(&settings, &samples)?;
        let columns = |training: bool| {
            (0..).zip(&samples).filter_map(move |(column, sample)| {
                (sample.is_training == training).then_some(column)
            })
        };
        Ok(Self {
            training: columns(true).collect(),
            others: columns(false).collect(),
            table: genotype_table(false),
            place: Place::default(),
            pending: BTreeMap::new(),
            pruner: Pruner::default(),
            kept: Thinned::new(settings.max_sites),
            counts: SiteCounts::default(),
            settings,
            samples,
        })
    }

    /// Counts of what was kept and dropped so far, sites near the last record not yet included.
    #[must_use]
    pub fn counts(&self) -> &SiteCounts {
        &self.counts
    }

    /// Takes in a batch; batches come in the order of the input, which is sorted by contig and
    /// position.
    ///
    /// # Errors
    /// The batch is of other samples, lacks a column, or its records are not sorted.
    pub fn observe(&mut self, batch: &SiteBatch) -> Result<(), PanelError> {
        if batch.calls().samples() != self.samples.len() {
            return Err(PanelError::Samples {
                labelled: self.samples.len(),
                samples: batch.calls().samples(),
            });
        }
        let contigs = batch.contig_column()?;
        let records = batch.numbers::<arrow::datatypes::UInt32Type>(c::INPUT_POSITION)?;
        let positions = batch.position_column()?;
        let references = batch.text(c::REFERENCE)?;
        let alternates = batch.text(c::ALTERNATE)?;
        let classes = batch.site_class_column()?;
        let reasons = batch.text(c::REASON)?;
        for row in 0..batch.len() {
            self.advance(batch, ContigId(contigs.value(row)), records.value(row))?;
            if alternates.is_null(row) {
                continue;
            }
            let position = positions.value(row);
            let pending = self.pending.entry(position).or_insert(Pending {
                rows: 0,
                candidate: None,
            });
            pending.rows += 1;
            if pending.rows > 1 {
                continue;
            }
            if reasons.is_valid(row) {
                self.counts.set_aside += 1;
                continue;
            }
            if SiteClass::from_number(classes.value(row)) != SiteClass::Autosomal {
                self.counts.not_autosomal += 1;
                continue;
            }
            let alleles = (references.value(row), alternates.value(row));
            let candidate = self.candidate(batch, row, position, alleles);
            if let Some(pending) = self.pending.get_mut(&position) {
                pending.candidate = candidate;
            }
        }
        Ok(())
    }

    /// Moves to a record and judges the sites that no later record can touch.
    fn advance(
        &mut self,
        batch: &SiteBatch,
        contig: ContigId,
        record: u32,
    ) -> Result<(), PanelError> {
        let not_sorted = || PanelError::NotSorted {
            contig: batch.contigs().name(contig).to_owned(),
            position: record,
        };
        if self.place.contig != Some(contig) {
            self.flush(None);
            if !self.place.seen.insert(contig) {
                return Err(not_sorted());
            }
            let name = canonical_name(batch.contigs().name(contig));
            self.place.autosome = autosome(name).map(|number| (name.to_owned(), number));
            self.place.contig = Some(contig);
        } else if record < self.place.record {
            return Err(not_sorted());
        } else if record > self.place.record {
            self.flush(Some(record.saturating_sub(LOOK_BEHIND)));
        }
        self.place.record = record;
        Ok(())
    }

    /// The site of a row, if it passes on its own; counts why not.
    fn candidate(
        &mut self,
        batch: &SiteBatch,
        row: usize,
        position: u32,
        (reference, alternate): (&str, &str),
    ) -> Option<Candidate> {
        let Some((contig, chromosome)) = self.place.autosome.clone() else {
            self.counts.not_autosomal += 1;
            return None;
        };
        let (Some(reference), Some(alternate)) = (base(reference), base(alternate)) else {
            self.counts.not_substitution += 1;
            return None;
        };
        if complement(reference) == alternate {
            self.counts.ambiguous_strand += 1;
            return None;
        }
        let mut excluded = self.settings.excluded.iter();
        if excluded.any(|region| region.contains(&contig, position)) {
            self.counts.excluded_region += 1;
            return None;
        }
        let codes = batch.calls().row(row);
        let training = Packed::of(codes, &self.training, &self.table);
        let missing = f64::from(training.missing()) / self.training.len() as f64;
        if missing > self.settings.maximum_missing {
            self.counts.often_missing += 1;
            return None;
        }
        let frequency = training.frequency();
        if frequency.min(1.0 - frequency) < self.settings.minimum_frequency {
            self.counts.rare += 1;
            return None;
        }
        Some(Candidate {
            site: PanelSite {
                contig,
                position: Position(position),
                reference,
                alternate,
                frequency,
            },
            chromosome,
            training: Arc::new(training),
            others: Packed::of(codes, &self.others, &self.table),
        })
    }

    /// Judges pending sites before a position, or all.
    fn flush(&mut self, before: Option<u32>) {
        let later = before.map_or_else(BTreeMap::new, |before| self.pending.split_off(&before));
        let settled = std::mem::replace(&mut self.pending, later);
        for (position, pending) in settled {
            let Some(candidate) = pending.candidate else {
                continue;
            };
            if pending.rows > 1 {
                self.counts.several_alleles += 1;
            } else if self.pruner.keep(
                (candidate.chromosome, position),
                &candidate.training,
                self.settings.window,
                self.settings.maximum_r2,
            ) {
                self.counts.kept += 1;
                self.counts.thinned += self.kept.push(candidate);
            } else {
                self.counts.correlated += 1;
            }
        }
    }

    /// Computes the components, places every sample and fits the populations. `threads` at least 1.
    ///
    /// # Errors
    /// Too few sites are left, or components or populations cannot be computed.
    pub fn finish(mut self, threads: usize) -> Result<Panel, PanelError> {
        self.flush(None);
        let (sites, thinned) = self.kept.finish();
        self.counts.thinned += thinned;
        self.counts.kept -= self.counts.thinned;
        // Components are placed by least squares, which needs more sites than unknowns.
        let needed = 4 * self.settings.components;
        if sites.len() < needed {
            return Err(PanelError::TooFewSites {
                kept: sites.len(),
                needed,
                dropped: self.counts.to_string(),
            });
        }
        Panel::compute(self.settings, &self.samples, sites, self.counts, threads)
    }
}

impl PanelInput {
    /// An input of the panel, by its part (`variants`, `labels`), file name and SHA-256.
    #[must_use]
    pub fn new(role: &str, name: &str, sha256: &str) -> Self {
        Self {
            role: role.to_owned(),
            name: name.to_owned(),
            sha256: sha256.to_owned(),
        }
    }
}

fn base(allele: &str) -> Option<u8> {
    match allele.as_bytes() {
        [base] => Some(base.to_ascii_uppercase()).filter(|base| b"ACGT".contains(base)),
        _ => None,
    }
}

fn complement(base: u8) -> u8 {
    match base {
        b'A' => b'T',
        b'C' => b'G',
        b'G' => b'C',
        _ => b'A',
    }
}

#[cfg(test)]
mod tests;
