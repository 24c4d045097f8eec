//! The first walk over both runs: who and what is there, and which alleles have to be looked up.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use varisk_dossier::{Dossier, RunFolder};

use crate::allele::{Allele, reported};
use crate::variants::AlleleRow;
use crate::{ComparisonError, PatientCounts};

/// A patient in one run or in both.
pub(crate) enum Pair {
    OnlyA(Box<Dossier>),
    OnlyB(Box<Dossier>),
    Both(Box<Dossier>, Box<Dossier>),
}

/// Walks the patients of both runs in the order of their identifiers; one patient at a time is held.
pub(crate) fn walk(
    a: &RunFolder,
    b: &RunFolder,
    mut visit: impl FnMut(Pair) -> Result<(), ComparisonError>,
) -> Result<(), ComparisonError> {
    let of = |run: char| move |source| ComparisonError::Run { run, source };
    let mut left = a.dossiers().map_err(of('A'))?;
    let mut right = b.dossiers().map_err(of('B'))?;
    let mut next_a = left.next_dossier().map_err(of('A'))?;
    let mut next_b = right.next_dossier().map_err(of('B'))?;
    loop {
        let order = match (&next_a, &next_b) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.patient.cmp(&b.patient),
        };
        let (mut own, mut other) = (None, None);
        if order.is_le() {
            own = next_a.take().map(Box::new);
            next_a = left.next_dossier().map_err(of('A'))?;
        }
        if order.is_ge() {
            other = next_b.take().map(Box::new);
            next_b = right.next_dossier().map_err(of('B'))?;
        }
        match (own, other) {
            (Some(a), Some(b)) => visit(Pair::Both(a, b))?,
            (Some(a), None) => visit(Pair::OnlyA(a))?,
            (None, Some(b)) => visit(Pair::OnlyB(b))?,
            (None, None) => return Ok(()),
        }
    }
}

/// An allele that one run reports and the other does not report alike, and what the variants tables
/// say of it.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// In A, in B; none where the table does not have it.
    pub(crate) found: [Option<AlleleRow>; 2],
}

/// Alleles by contig and position, so that a row of the table is mostly passed over by its position.
#[derive(Debug, Default)]
pub(crate) struct WantedAlleles(HashMap<String, BTreeMap<u32, WantedPlace>>);

/// Alleles at a position, by REF and ALT.
type WantedPlace = BTreeMap<(String, String), Wanted>;

impl WantedAlleles {
    fn add(&mut self, allele: &Allele) {
        let contig = self.0.entry(allele.contig.clone()).or_default();
        let place = contig.entry(allele.position).or_default();
        place
            .entry((allele.reference.clone(), allele.alternate.clone()))
            .or_default();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps what the table of a run (0 for A) has at a position.
    pub(crate) fn observe(
        &mut self,
        run: usize,
        contig: &str,
        position: u32,
        rows: &BTreeMap<(String, String), AlleleRow>,
    ) {
        let place = self
            .0
            .get_mut(contig)
            .and_then(|own| own.get_mut(&position));
        for (allele, wanted) in place.into_iter().flatten() {
            if let Some(row) = rows.get(allele) {
                wanted.found[run] = Some(row.clone());
            }
        }
    }

    /// What the table of a run has of an allele.
    pub(crate) fn found(&self, run: usize, allele: &Allele) -> Option<&AlleleRow> {
        let place = self.0.get(&allele.contig)?.get(&allele.position)?;
        let key = (allele.reference.clone(), allele.alternate.clone());
        place.get(&key)?.found[run].as_ref()
    }
}

/// What is there in both runs.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    pub(crate) patients: PatientCounts,
    /// Risk items of A and of B.
    pub(crate) items: [BTreeSet<String>; 2],
    /// Models and outputs with listed alleles, of either.
    pub(crate) outputs: BTreeSet<(String, String)>,
    pub(crate) wanted: WantedAlleles,
}

impl Survey {
    pub(crate) fn of(
        a: &RunFolder,
        b: &RunFolder,
        is_interrupted: &dyn Fn() -> bool,
    ) -> Result<Self, ComparisonError> {
        let mut survey = Self::default();
        walk(a, b, |pair| {
            if is_interrupted() {
                return Err(ComparisonError::Interrupted);
            }
            match pair {
                Pair::OnlyA(own) => {
                    survey.patients.only_a += 1;
                    survey.add(0, &own);
                }
                Pair::OnlyB(own) => {
                    survey.patients.only_b += 1;
                    survey.add(1, &own);
                }
                Pair::Both(a, b) => {
                    survey.patients.both += 1;
                    survey.add(0, &a);
                    survey.add(1, &b);
                    survey.look_for(&a, &b);
                }
            }
            Ok(())
        })?;
        if survey.patients.both == 0 {
            return Err(ComparisonError::NoCommonPatients {
                a: survey.patients.only_a,
                b: survey.patients.only_b,
            });
        }
        Ok(survey)
    }

    fn add(&mut self, run: usize, dossier: &Dossier) {
        for risk in &dossier.risks {
            if !self.items[run].contains(&risk.item) {
                self.items[run].insert(risk.item.clone());
            }
        }
        for row in &dossier.findings {
            if let (Some(model), Some(output)) = (&row.model, &row.output) {
                // Most rows are of an output that is known already.
                let is_known = self
                    .outputs
                    .iter()
                    .any(|own| own.0 == *model && own.1 == *output);
                if !is_known {
                    self.outputs.insert((model.clone(), output.clone()));
                }
            }
        }
    }

    fn look_for(&mut self, a: &Dossier, b: &Dossier) {
        let (before, after) = (reported(a), reported(b));
        for (allele, own) in &before {
            let is_alike = after
                .get(allele)
                .is_some_and(|it| own.is_reported_alike(it));
            if !is_alike {
                self.wanted.add(allele);
            }
        }
        for allele in after.keys().filter(|own| !before.contains_key(own)) {
            self.wanted.add(allele);
        }
    }
}
