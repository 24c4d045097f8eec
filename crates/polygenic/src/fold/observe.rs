//! One batch: which rows matter, what each weight adds.

use arrow::array::{Array, Float32Array, Float64Array};
use arrow::datatypes::{UInt32Type, UInt64Type};
use varisk_core::{BatchError, Reason, SiteBatch, SiteClass, columns as c};

use super::add::Context;
use super::choose::choose;
use super::classes::class;
use super::rows::{DENSE_WEIGHTS, Encoder, RecordRows, RowDosages, Slot};
use super::state::{AlleleCounts, ComponentCalls, State};
use super::{MissingPolicy, PolygenicScores, Standardisation};
use crate::AmbiguousStrand;
use crate::keys::is_hashed;
use crate::plan::ScorePlan;

/// A weight that a row of the batch has.
#[derive(Clone, Copy)]
pub(super) struct Hit {
    pub(super) slot: u32,
    pub(super) entry: u32,
    /// Whether it is part of the run's own sums; the panel's sums judge for themselves.
    pub(super) is_own: bool,
}

/// Buffers that are used again for each batch.
pub(super) struct Scratch {
    pub(super) encoder: Encoder,
    pub(super) slots: Vec<Slot>,
    /// Input position of each slot.
    pub(super) places: Vec<u32>,
    /// Whether a slot stands in nobody's file and was only asked for.
    pub(super) asked: Vec<bool>,
    pub(super) hits: Vec<Hit>,
    pub(super) sorted: Vec<Hit>,
    /// Where each score's hits start.
    pub(super) starts: Vec<u32>,
}

impl Scratch {
    pub(super) fn new(encoder: Encoder, scores: usize) -> Self {
        Self {
            encoder,
            slots: Vec::new(),
            places: Vec::new(),
            asked: Vec::new(),
            hits: Vec::new(),
            sorted: Vec::new(),
            starts: vec![0; scores + 1],
        }
    }
}

/// A column of frequencies, of either width.
pub(super) enum Frequencies<'a> {
    Single(&'a Float32Array),
    Double(&'a Float64Array),
}

impl<'a> Frequencies<'a> {
    fn of(batch: &'a SiteBatch, column: &str) -> Result<Self, BatchError> {
        let array = batch.sites().column_by_name(column);
        if let Some(array) = array.and_then(|array| array.as_any().downcast_ref::<Float64Array>()) {
            return Ok(Self::Double(array));
        }
        batch.floats(column).map(Self::Single)
    }

    pub(super) fn at(&self, row: usize) -> Option<f64> {
        let value = match self {
            Self::Single(array) => array.is_valid(row).then(|| f64::from(array.value(row))),
            Self::Double(array) => array.is_valid(row).then(|| array.value(row)),
        };
        value.filter(|frequency| (0.0..=1.0).contains(frequency))
    }
}

pub(super) fn observe(fold: &mut PolygenicScores, batch: &SiteBatch) -> Result<(), BatchError> {
    let PolygenicScores {
        plan,
        options,
        state,
        scratch,
        sexes,
    } = fold;
    let missing = match &options.missing {
        MissingPolicy::Frequencies { column } => Some(Frequencies::of(batch, column)?),
        _ => None,
    };
    let strands = match &options.frequency_column {
        Some(column) if plan.options.ambiguous == AmbiguousStrand::ByFrequency => {
            Some(Frequencies::of(batch, column)?)
        }
        _ => None,
    };
    let rows = find_rows(plan, batch, scratch)?;
    if rows.is_empty() {
        return Ok(());
    }
    let needs_frequencies = options.standardisation != Standardisation::None;
    let patients = sexes.len();
    encode_rows(
        plan,
        batch,
        &rows,
        needs_frequencies,
        state,
        scratch,
        patients,
    )?;
    choose(plan, &rows, state, scratch, strands.as_ref());
    sort_by_score(plan, scratch);
    let context = Context {
        plan,
        policy: &options.missing,
        standardisation: options.standardisation,
        frequencies: missing,
        rows: &rows,
        calls: batch.calls(),
        patients: sexes.len(),
    };
    context.add_up(state, scratch);
    Ok(())
}

/// Rows whose allele is one of the plan's, with the allele.
fn find_rows(
    plan: &ScorePlan,
    batch: &SiteBatch,
    scratch: &mut Scratch,
) -> Result<Vec<(usize, u32)>, BatchError> {
    let keys = batch.numbers::<UInt64Type>(c::VARIANT_KEY)?;
    let reasons = batch.text(c::REASON)?;
    let (references, alternates) = (batch.text(c::REFERENCE)?, batch.text(c::ALTERNATE)?);
    let places = batch.numbers::<UInt32Type>(c::INPUT_POSITION)?;
    let mut rows = Vec::new();
    let identifiers = batch.text(c::ID)?;
    scratch.places.clear();
    scratch.asked.clear();
    for row in 0..batch.len() {
        if keys.is_null(row) {
            continue;
        }
        let key = keys.value(row);
        let Some(allele) = plan.alleles.find(key) else {
            continue;
        };
        // The first of several equal records counts.
        if reasons.is_valid(row) && is_set_aside(reasons.value(row)) {
            continue;
        }
        if is_hashed(key) {
            let (reference, alternate) = (references.value(row), alternates.value(row));
            if !plan
                .alleles
                .is_text(key, reference.as_bytes(), alternate.as_bytes())
            {
                continue;
            }
        }
        rows.push((row, allele));
        scratch.places.push(places.value(row));
        let is_asked = identifiers.is_valid(row) && identifiers.value(row) == c::ASKED_SITE;
        scratch.asked.push(is_asked);
    }
    Ok(rows)
}

/// Whether another row has the allele of a row with this reason.
fn is_set_aside(reason: &str) -> bool {
    [Reason::RepeatedAllele, Reason::FoundElsewhere]
        .iter()
        .any(|aside| aside.name() == reason)
}

fn encode_rows(
    plan: &ScorePlan,
    batch: &SiteBatch,
    rows: &[(usize, u32)],
    needs_frequencies: bool,
    state: &mut State,
    scratch: &mut Scratch,
    patients: usize,
) -> Result<(), BatchError> {
    let calls = batch.calls();
    if calls.samples() > 0 && calls.samples() != patients {
        return Err(BatchError::Shape {
            sites: patients,
            calls: calls.samples(),
        });
    }
    let sites = batch.site_class_column()?;
    let with_dosages = rows.iter().any(|(row, _)| calls.dosages(*row).is_some());
    let records = if with_dosages {
        records(batch)?
    } else {
        RecordRows::new()
    };
    scratch.encoder.clear();
    scratch.slots.clear();
    let none = vec![varisk_core::CallCode::NOT_ASSAYED.0; patients];
    for (row, allele) in rows {
        let codes = match calls.row(*row) {
            codes if codes.len() == patients => codes,
            // A batch without calls says nothing about anyone.
            _ => none.as_slice(),
        };
        let site = SiteClass::from_number(sites.value(*row));
        let dosages = match calls.dosages(*row) {
            Some(own) => Some(RowDosages {
                own,
                others: other_dosages(batch, &records, *row)?,
            }),
            None => None,
        };
        let entries = plan.entries_of(*allele).1;
        let is_simple = site == SiteClass::Autosomal
            && dosages.is_none()
            && !needs_frequencies
            && entries.len() <= DENSE_WEIGHTS
            && entries.iter().all(|entry| entry.special().is_none());
        let dense = is_simple.then(|| scratch.encoder.dense(*allele, *row, codes));
        let slot = dense.flatten().unwrap_or_else(|| {
            scratch
                .encoder
                .encode(*allele, codes, site, dosages.as_ref())
        });
        let counts = AlleleCounts {
            assumed: slot.count(&[class::ASSUMED_1, class::ASSUMED_2]),
            no_call: slot.count(&[class::NO_CALL_1, class::NO_CALL_2]),
            not_assayed: slot.count(&[class::NOT_ASSAYED_1, class::NOT_ASSAYED_2]),
        };
        if counts != AlleleCounts::default() {
            let own = state.counts.entry(*allele).or_default();
            own.assumed += counts.assumed;
            own.no_call += counts.no_call;
            own.not_assayed += counts.not_assayed;
        }
        let seen = &mut state.seen[*allele as usize];
        *seen = seen.saturating_add(1);
        if plan.components.binary_search(allele).is_ok() {
            state
                .components
                .entry(*allele)
                .or_insert_with(|| ComponentCalls {
                    site: sites.value(*row),
                    codes: codes.to_vec(),
                });
        }
        scratch.slots.push(slot);
    }
    Ok(())
}

fn records(batch: &SiteBatch) -> Result<RecordRows<'_>, BatchError> {
    let contigs = batch.contig_column()?;
    let positions = batch.numbers::<UInt32Type>(c::INPUT_POSITION)?;
    let references = batch.text(c::INPUT_REFERENCE)?;
    let reasons = batch.text(c::REASON)?;
    let mut records = RecordRows::new();
    for row in 0..batch.len() {
        if reasons.is_valid(row) && is_set_aside(reasons.value(row)) {
            continue;
        }
        let record = (
            contigs.value(row),
            positions.value(row),
            references.value(row),
        );
        records.entry(record).or_default().push(row);
    }
    Ok(records)
}

/// Dosages of the other alternates of a row's record.
fn other_dosages<'a>(
    batch: &'a SiteBatch,
    records: &RecordRows,
    row: usize,
) -> Result<Vec<&'a [u32]>, BatchError> {
    let contig = batch.contig_column()?.value(row);
    let position = batch.numbers::<UInt32Type>(c::INPUT_POSITION)?.value(row);
    let reference = batch.text(c::INPUT_REFERENCE)?.value(row);
    let rows = records.get(&(contig, position, reference));
    let others = rows.into_iter().flatten().filter(|other| **other != row);
    Ok(others
        .filter_map(|other| batch.calls().dosages(*other))
        .collect())
}

/// Orders hits by score, so that a score's sums stay near while all its weights are added.
fn sort_by_score(plan: &ScorePlan, scratch: &mut Scratch) {
    scratch.starts.fill(0);
    let score = |hit: &Hit| plan.entries[hit.entry as usize].score() as usize;
    for hit in &scratch.hits {
        scratch.starts[score(hit) + 1] += 1;
    }
    let mut total = 0;
    for start in &mut scratch.starts {
        total += *start;
        *start = total;
    }
    let mut next = scratch.starts.clone();
    scratch.sorted.clear();
    scratch.sorted.resize(
        scratch.hits.len(),
        Hit {
            slot: 0,
            entry: 0,
            is_own: false,
        },
    );
    for hit in &scratch.hits {
        let at = &mut next[score(hit)];
        scratch.sorted[*at as usize] = *hit;
        *at += 1;
    }
}
