//! Who carries what: the calls of every record.

use super::genome::{M, X, Y, is_pseudoautosomal};
use super::patients::Patient;
use super::site::Site;
use crate::random::{Copies, Random};

/// The call of one patient, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// Allele number of each written haplotype, `None` for a missing one; no haplotype where the
    /// patient has none (written `.`).
    alleles: Vec<Option<u8>>,
}

impl Call {
    /// Allele numbers.
    pub(crate) fn alleles(&self) -> &[Option<u8>] {
        &self.alleles
    }

    /// Whether any haplotype carries an alternate allele.
    pub(crate) fn is_carrier(&self) -> bool {
        self.alleles.iter().any(|allele| allele.unwrap_or(0) > 0)
    }

    /// Whether nothing is known.
    pub(crate) fn is_missing(&self) -> bool {
        self.alleles.iter().all(Option::is_none)
    }

    /// The text of GT.
    pub(crate) fn text(&self, phased: bool) -> String {
        let mut alleles = self.alleles.clone();
        // Without phase the order says nothing, and callers write the smaller number first.
        if !phased && !alleles.contains(&None) {
            alleles.sort_unstable();
        }
        let texts: Vec<String> = alleles
            .iter()
            .map(|allele| allele.map_or(".".to_owned(), |number| number.to_string()))
            .collect();
        if texts.is_empty() {
            return ".".to_owned();
        }
        texts.join(if phased { "|" } else { "/" })
    }
}

/// A site with its calls.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) site: Site,
    pub(crate) phased: bool,
    pub(crate) calls: Vec<Call>,
    /// Called copies of each alternate allele, a diploid call of a haploid site counted once.
    counts: Vec<u32>,
    /// Called haplotypes.
    called: u32,
    /// Whether INFO has AF.
    pub(crate) has_frequency: bool,
}

impl Record {
    /// Frequency of an alternate allele in the cohort; 0 if nobody is called.
    pub(crate) fn frequency(&self, alternate: usize) -> f64 {
        if self.called == 0 {
            return 0.0;
        }
        f64::from(self.counts[alternate]) / f64::from(self.called)
    }

    /// Frequency as INFO says it, 0 where it is silent.
    pub(crate) fn written_frequency(&self, alternate: usize) -> f64 {
        self.frequency_text(alternate).parse().unwrap_or(0.0)
    }

    /// AF of an alternate allele.
    pub(crate) fn frequency_text(&self, alternate: usize) -> String {
        let silent = self.site.case == Some("three_alternates") && alternate == 1;
        if silent || !self.has_frequency || self.called == 0 {
            return ".".to_owned();
        }
        format!("{:.5}", self.frequency(alternate))
    }
}

/// Copies a person has of a position: 2, 1, or 0 for Y of a female.
fn ploidy(site: &Site, male: bool) -> usize {
    if is_pseudoautosomal(site.contig, site.position) {
        return 2;
    }
    match (site.contig, male) {
        (M, _) | (X | Y, true) => 1,
        (Y, false) => 0,
        _ => 2,
    }
}

/// Draws the calls of all sites, and adds what the causal ones do to the patients.
pub(crate) fn draw(random: &mut Random, sites: Vec<Site>, patients: &mut [Patient]) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for site in sites {
        let haplotypes = carry(random, &site, patients, records.last());
        if let Some(causal) = &site.causal {
            for (patient, carried) in patients.iter_mut().zip(&haplotypes) {
                let dosage = carried.iter().filter(|allele| **allele == 1).count();
                patient.genetic += causal.effect * dosage as i64;
            }
        }
        let phased =
            random.chance(600) || matches!(site.case, Some("star_allele" | "spanning_deletion"));
        let mut calls = write(random, &site, patients, &haplotypes);
        special(&site, patients, &mut calls);

        let mut counts = vec![0; site.alternates.len()];
        let mut called = 0;
        for (patient, call) in patients.iter().zip(&calls) {
            let copies = ploidy(&site, patient.male).min(call.alleles.len());
            for allele in call.alleles.iter().take(copies).flatten() {
                called += 1;
                if let Some(count) = usize::from(*allele).checked_sub(1) {
                    counts[count] += 1;
                }
            }
        }
        // Causal alleles and planted ones always say their frequency.
        let has_frequency = site.case.is_some() || !random.chance(25);
        records.push(Record {
            site,
            phased,
            calls,
            counts,
            called,
            has_frequency,
        });
    }
    records
}

/// Which allele each haplotype of each patient really has.
fn carry(
    random: &mut Random,
    site: &Site,
    patients: &[Patient],
    previous: Option<&Record>,
) -> Vec<Vec<u8>> {
    let mut carried: Vec<Vec<u8>> = patients
        .iter()
        .map(|patient| vec![0; ploidy(site, patient.male)])
        .collect();
    if site.case == Some("star_allele") {
        // Haplotypes with the deletion of the record before have no base here.
        for (haplotypes, call) in carried
            .iter_mut()
            .zip(previous.iter().flat_map(|r| &r.calls))
        {
            for (allele, deleted) in haplotypes.iter_mut().zip(call.alleles()) {
                if *deleted == Some(1) {
                    *allele = 2;
                }
            }
        }
    }
    let total: usize = carried.iter().map(Vec::len).sum();
    let draw = Copies::new(total);
    let weights: Vec<u64> = patients
        .iter()
        .map(|patient| {
            if site.causal.is_some() {
                patient.load
            } else {
                1
            }
        })
        .collect();
    let sum: u64 = weights.iter().sum();
    for (index, alternate) in site.alternates.iter().enumerate() {
        if alternate.text == "*" {
            continue;
        }
        let free = carried
            .iter()
            .flatten()
            .filter(|allele| **allele == 0)
            .count();
        let wanted = match alternate.copies {
            0 => draw.draw(random),
            copies => copies,
        };
        let mut left = wanted.min(free);
        while left > 0 {
            let mut ticket = random.below(sum);
            let patient = weights
                .iter()
                .position(|weight| match ticket.checked_sub(*weight) {
                    Some(rest) => {
                        ticket = rest;
                        false
                    }
                    None => true,
                })
                .unwrap_or(0);
            let haplotypes = &mut carried[patient];
            if haplotypes.is_empty() {
                continue;
            }
            let at = random.index(haplotypes.len());
            if haplotypes[at] == 0 {
                haplotypes[at] = index as u8 + 1;
                left -= 1;
            }
        }
    }
    carried
}

/// Calls as a caller would write them: some missing, some males diploid on X.
fn write(random: &mut Random, site: &Site, patients: &[Patient], carried: &[Vec<u8>]) -> Vec<Call> {
    let written = |(index, haplotypes): (usize, &Vec<u8>)| {
        let mut alleles: Vec<Option<u8>> = haplotypes.iter().map(|allele| Some(*allele)).collect();
        // Some callers do not know the sex: these males are diploid on X and Y throughout.
        let unaware = patients[index].male && index % 8 == 3 && matches!(site.contig, X | Y);
        if unaware && alleles.len() == 1 {
            alleles.push(alleles[0]);
        }
        // Causal calls stay, so that the truth is what the file says.
        let causal = site.causal.is_some() && haplotypes.contains(&1);
        if !causal && random.chance(8) {
            alleles.fill(None);
        } else if !causal && alleles.len() == 2 && random.chance(1) {
            alleles[1] = None;
        }
        Call { alleles }
    };
    carried.iter().enumerate().map(written).collect()
}

/// What the planted cases say.
fn special(site: &Site, patients: &[Patient], calls: &mut [Call]) {
    match site.case {
        Some("half_calls") => {
            calls[0].alleles = vec![Some(0), None];
            calls[1].alleles = vec![None, Some(1)];
            calls[2].alleles = vec![Some(1), None];
            calls[3].alleles = vec![None, None];
        }
        Some("dot_for_a_diploid") => {
            calls[4].alleles.clear();
            calls[5].alleles.clear();
        }
        Some("trailing_fields_dropped") => {
            calls[6].alleles = vec![None, None];
            calls[7].alleles = vec![None, None];
        }
        Some("all_missing") => {
            for call in calls {
                call.alleles = vec![None, None];
            }
        }
        Some("heterozygous_male_x") => {
            for (call, patient) in calls.iter_mut().zip(patients).skip(3).take(8) {
                if patient.male {
                    call.alleles = vec![Some(0), Some(1)];
                }
            }
        }
        _ => {}
    }
}
