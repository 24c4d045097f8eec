//! One batch: which rows matter, what each weight adds.

use arrow::array::{Array, Float32Array, Float64Array};
use arrow::datatypes::{UInt32Type, UInt64Type};
use varisk_core::{BatchError, ONE_COPY, Reason, SiteBatch, SiteClass, columns as c};

use super::classes::{Applied, CLASSES, class, copies, missing_copies};
use super::rows::{CLASS_BITS, CLASS_MASK, Dosed, Encoder, Item, RecordRows, RowDosages, Slot};
use super::state::{AlleleCounts, ComponentCalls, PatientStatistics, State, StrandDecision, group};
use super::{MIN_COHORT, MissingPolicy, PolygenicScores};
use crate::keys::is_hashed;
use crate::plan::{Entry, EntryKind, ScorePlan};
use crate::{AmbiguousStrand, EffectType, FREQUENCY_MARGIN, MatchType, Side};

/// A weight that a row of the batch has.
#[derive(Clone, Copy)]
struct Hit {
    slot: u32,
    entry: u32,
}

/// Buffers that are used again for each batch.
pub(super) struct Scratch {
    encoder: Encoder,
    slots: Vec<Slot>,
    /// Input position of each slot.
    places: Vec<u32>,
    hits: Vec<Hit>,
    sorted: Vec<Hit>,
    /// Where each score's hits start.
    starts: Vec<u32>,
}

impl Scratch {
    pub(super) fn new(encoder: Encoder, scores: usize) -> Self {
        Self {
            encoder,
            slots: Vec::new(),
            places: Vec::new(),
            hits: Vec::new(),
            sorted: Vec::new(),
            starts: vec![0; scores + 1],
        }
    }
}

/// A column of frequencies, of either width.
enum Frequencies<'a> {
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

    fn at(&self, row: usize) -> Option<f64> {
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
    encode_rows(plan, batch, &rows, state, scratch, sexes.len())?;
    choose(plan, &rows, state, scratch, strands.as_ref());
    sort_by_score(plan, scratch);
    let context = Context {
        plan,
        policy: &options.missing,
        frequencies: missing,
        rows: &rows,
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
    scratch.places.clear();
    for row in 0..batch.len() {
        if keys.is_null(row) {
            continue;
        }
        let key = keys.value(row);
        let Some(allele) = plan.alleles.find(key) else {
            continue;
        };
        // The first of several equal records counts.
        if reasons.is_valid(row) && reasons.value(row) == Reason::RepeatedAllele.name() {
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
    }
    Ok(rows)
}

fn encode_rows(
    plan: &ScorePlan,
    batch: &SiteBatch,
    rows: &[(usize, u32)],
    state: &mut State,
    scratch: &mut Scratch,
    patients: usize,
) -> Result<(), BatchError> {
    let calls = batch.calls();
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
        let slot = scratch
            .encoder
            .encode(*allele, codes, site, dosages.as_ref());
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
    let mut records = RecordRows::new();
    for row in 0..batch.len() {
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

/// Decides which weights apply: alleles of rows with a choice, strands that frequencies tell.
fn choose(
    plan: &ScorePlan,
    rows: &[(usize, u32)],
    state: &mut State,
    scratch: &mut Scratch,
    strands: Option<&Frequencies>,
) {
    scratch.hits.clear();
    // Weights of one row of a file that this batch's rows could have: (group, place, entry, slot).
    let mut choices: Vec<(u32, u32, u32, u32)> = Vec::new();
    let mut hits = std::mem::take(&mut scratch.hits);
    for ((slot_number, slot), (row, _)) in (0..).zip(&scratch.slots).zip(rows) {
        let (first, entries) = plan.entries_of(slot.allele);
        for (at, entry) in (first..).zip(entries) {
            let Ok(number) = u32::try_from(at) else {
                continue;
            };
            let special = entry.special().and_then(|index| plan.specials.get(index));
            if let Some(special) = special {
                if special.is_ambiguous
                    && plan.options.ambiguous == AmbiguousStrand::ByFrequency
                    && let Some(index) = entry.special().and_then(|index| u32::try_from(index).ok())
                {
                    let alternate = match strands {
                        Some(column) => column.at(*row),
                        None => slot
                            .cohort_frequencies(MIN_COHORT)
                            .map(|(alternate, _)| alternate),
                    };
                    let side = special.match_type.side();
                    let decision = decide(side, special.frequency, alternate);
                    let own = state.strands.entry(index).or_insert(decision);
                    *own = decision.max(*own);
                }
                if let Some(group) = special.group {
                    let place = scratch.places[slot_number as usize];
                    choices.push((group, place, number, slot_number));
                    continue;
                }
            }
            hits.push(Hit {
                slot: slot_number,
                entry: number,
            });
        }
    }
    choices.sort_unstable();
    for same in choices.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let special = |entry: u32| {
            let index = plan.entries[entry as usize].special()?;
            plan.specials.get(index)
        };
        let is_flipped = |choice: &&(u32, u32, u32, u32)| {
            special(choice.2).is_some_and(|special| special.match_type.is_flipped())
        };
        // The strand as written comes before the other one.
        let written: Vec<_> = same.iter().filter(|choice| !is_flipped(choice)).collect();
        let best = if written.is_empty() {
            same.iter().collect()
        } else {
            written
        };
        let bits = state.groups.entry(same[0].0).or_default();
        match best.as_slice() {
            [(_, _, entry, slot)] => {
                let candidate = special(*entry).map_or(0, |special| special.candidate);
                *bits |= 1 << candidate.min(3);
                hits.push(Hit {
                    slot: *slot,
                    entry: *entry,
                });
            }
            [(_, _, entry, _), ..] => {
                let is_open = special(*entry).is_some_and(|special| {
                    matches!(
                        special.match_type,
                        MatchType::NoOtherRef | MatchType::NoOtherRefFlipped
                    )
                });
                *bits |= if is_open {
                    group::SEVERAL_ALLELES
                } else {
                    group::TWO_ALLELES
                };
            }
            [] => {}
        }
    }
    scratch.hits = hits;
}

/// What frequencies say about the strand of a row whose effect allele has `side` as written.
pub(super) fn decide(side: Side, of_effect: f64, alternate: Option<f64>) -> StrandDecision {
    let Some(alternate) = alternate else {
        return StrandDecision::Drop;
    };
    let of_data = match side {
        Side::Alternate => alternate,
        Side::Reference => 1.0 - alternate,
    };
    let is_clear = |frequency: f64| (frequency - 0.5).abs() >= FREQUENCY_MARGIN;
    if !is_clear(of_effect) || !is_clear(of_data) {
        StrandDecision::Drop
    } else if (of_effect < 0.5) == (of_data < 0.5) {
        StrandDecision::Keep
    } else {
        StrandDecision::Flip
    }
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
    scratch
        .sorted
        .resize(scratch.hits.len(), Hit { slot: 0, entry: 0 });
    for hit in &scratch.hits {
        let at = &mut next[score(hit)];
        scratch.sorted[*at as usize] = *hit;
        *at += 1;
    }
}

/// How an entry applies; `None` where it does not.
pub(super) fn applied(
    plan: &ScorePlan,
    entry: Entry,
    strand: impl Fn(u32) -> Option<StrandDecision>,
) -> Option<Applied> {
    match entry.kind() {
        EntryKind::Plain(effect_type, side) => Some(Applied {
            effect_type,
            side,
            weights: [entry.weight, 0, 0],
        }),
        EntryKind::Dropped => None,
        EntryKind::Special => {
            let index = entry.special()?;
            let special = plan.specials.get(index)?;
            let side = special.match_type.side();
            let side = if special.is_ambiguous {
                match strand(u32::try_from(index).ok()?) {
                    Some(StrandDecision::Keep) => side,
                    Some(StrandDecision::Flip) => side.opposite(),
                    Some(StrandDecision::Drop) | None => return None,
                }
            } else {
                side
            };
            Some(Applied {
                effect_type: special.effect_type,
                side,
                weights: special.weights,
            })
        }
    }
}

/// What is fixed while a batch is added up.
struct Context<'a> {
    plan: &'a ScorePlan,
    policy: &'a MissingPolicy,
    frequencies: Option<Frequencies<'a>>,
    rows: &'a [(usize, u32)],
    patients: usize,
}

impl Context<'_> {
    fn add_up(&self, state: &mut State, scratch: &Scratch) {
        // Frequencies of alternate and reference by slot, once for all scores.
        let frequencies: Vec<Option<(f64, f64)>> = scratch
            .slots
            .iter()
            .zip(self.rows)
            .map(|(slot, (row, _))| self.imputed_from(slot, *row))
            .collect();
        for (score, range) in scratch.starts.windows(2).enumerate() {
            let [start, end] = [range[0] as usize, range[1] as usize];
            for hit in &scratch.sorted[start..end] {
                let entry = self.plan.entries[hit.entry as usize];
                let slot = &scratch.slots[hit.slot as usize];
                let strand = |special| state.strands.get(&special).copied();
                let Some(applied) = applied(self.plan, entry, strand) else {
                    continue;
                };
                let frequency = frequencies[hit.slot as usize];
                self.add(state, &scratch.encoder, slot, score, &applied, frequency);
            }
        }
    }

    fn imputed_from(&self, slot: &Slot, row: usize) -> Option<(f64, f64)> {
        let both = |alternate: f64| (alternate, 1.0 - alternate);
        match self.policy {
            MissingPolicy::None => None,
            MissingPolicy::Cohort => slot.cohort_frequencies(MIN_COHORT),
            MissingPolicy::Frequencies { .. } => self.frequencies.as_ref()?.at(row).map(both),
            MissingPolicy::Panel => self.of_panel(slot.allele).map(both),
        }
    }

    fn of_panel(&self, allele: u32) -> Option<f64> {
        let frequency = *self.plan.panel.as_ref()?.get(allele as usize)?;
        (!frequency.is_nan()).then_some(frequency)
    }

    fn add(
        &self,
        state: &mut State,
        encoder: &Encoder,
        slot: &Slot,
        score: usize,
        applied: &Applied,
        frequencies: Option<(f64, f64)>,
    ) {
        let of_side = |(alternate, reference): (f64, f64)| match applied.side {
            Side::Alternate => alternate,
            Side::Reference => reference,
        };
        let own = score * self.patients..(score + 1) * self.patients;
        let items = &encoder.items[slot.items.clone()];
        let dosed = &encoder.dosed[slot.dosed.clone()];
        let terms = applied.terms(frequencies.map(of_side));
        let sums = &mut state.sums;
        let common = &mut sums.common[score];
        add_terms(&mut sums.own[own.clone()], common, slot.base, items, &terms);
        add_dosed(&mut sums.own[own.clone()], dosed, applied);
        if let Some(sums) = &mut state.panel
            && let Some(frequency) = self.of_panel(slot.allele)
        {
            let terms = applied.terms(Some(of_side((frequency, 1.0 - frequency))));
            let common = &mut sums.common[score];
            add_terms(&mut sums.own[own.clone()], common, slot.base, items, &terms);
            add_dosed(&mut sums.own[own.clone()], dosed, applied);
        }
        if let Some(sums) = &mut state.dosages {
            let counted = Applied {
                effect_type: EffectType::Additive,
                side: applied.side,
                weights: [i64::from(ONE_COPY), 0, 0],
            };
            let common = &mut sums.common[score];
            let terms = counted.terms(None);
            add_terms(&mut sums.own[own.clone()], common, slot.base, items, &terms);
            add_dosed(&mut sums.own[own], dosed, &counted);
        }
        let haploid_dosed = dosed.iter().any(|one| one.ploidy < 2);
        if !slot.remarkable.is_empty() || haploid_dosed {
            let statistics = state.statistics_of(score, self.patients);
            let remarkable = &encoder.items[slot.remarkable.clone()];
            count(statistics, remarkable, applied.magnitude());
            for one in dosed.iter().filter(|one| one.ploidy < 2) {
                statistics[one.patient as usize].lacking_copies += 1;
            }
        }
    }
}

/// Adds a term for each patient: that of the common class for all, the difference for the others.
fn add_terms(
    sums: &mut [i64],
    common: &mut i64,
    base: Option<u8>,
    items: &[Item],
    terms: &[i64; CLASSES],
) {
    let of_base = base.map_or(0, |base| terms[usize::from(base)]);
    *common = common.wrapping_add(of_base);
    let differences = terms.map(|term| term.wrapping_sub(of_base));
    for item in items {
        if let Some(sum) = sums.get_mut((item >> CLASS_BITS) as usize) {
            *sum = sum.wrapping_add(differences[(item & CLASS_MASK) as usize]);
        }
    }
}

fn add_dosed(sums: &mut [i64], dosed: &[Dosed], applied: &Applied) {
    for one in dosed {
        let dosage = match applied.side {
            Side::Alternate => one.alternate,
            Side::Reference => one.reference,
        };
        if let Some(sum) = sums.get_mut(one.patient as usize) {
            *sum = sum.wrapping_add(applied.dosed(dosage, one.ploidy));
        }
    }
}

/// Counts a weight for the patients who are not simply called.
fn count(statistics: &mut [PatientStatistics], remarkable: &[Item], weight: i64) {
    for item in remarkable {
        let Some(own) = statistics.get_mut((item >> CLASS_BITS) as usize) else {
            continue;
        };
        #[expect(clippy::cast_possible_truncation, reason = "four bits")]
        let of = (item & CLASS_MASK) as u8;
        let missing = missing_copies(of);
        let ploidy = copies(of).map_or(missing, |(_, _, ploidy)| ploidy);
        own.lacking_copies += 2 - u32::from(ploidy.min(2));
        if missing > 0 {
            own.missing += 1;
            own.missing_copies += u32::from(missing);
            own.missing_weight = own.missing_weight.wrapping_add(weight);
        } else if of == class::NOT_COUNTED {
            own.not_counted += 1;
            own.not_counted_weight = own.not_counted_weight.wrapping_add(weight);
        } else if of == class::ASSUMED_1 || of == class::ASSUMED_2 {
            own.assumed += 1;
            own.assumed_weight = own.assumed_weight.wrapping_add(weight);
        }
    }
}
