//! A row of the data as weights see it: one common class, and those who differ from it.
//!
//! Most people are homozygous for the reference at most sites, so a weight adds one term for all and
//! touches only the others.

use std::collections::HashMap;
use std::ops::Range;

use varisk_core::{CallCode, NO_DOSAGE, ONE_COPY, Sex, SiteClass};

use super::classes::{CLASSES, ClassTable, class, copies};

/// A patient in the high 28 bits, a class in the low 4.
pub(super) type Item = u32;

pub(super) const CLASS_BITS: u32 = 4;
pub(super) const CLASS_MASK: u32 = (1 << CLASS_BITS) - 1;

/// Bits of a diploid call of reference and this alternate alone, phased or not.
const PLAIN_CODE: u8 = 0x49;
/// Codes that have no other bits are below this.
pub(super) const PLAIN_CODES: usize = 128;
/// Weights on an allele for which reading all codes costs less than lists do.
pub(super) const DENSE_WEIGHTS: usize = 3;
/// Lists cost less where at least this share of the patients has one class.
const DENSE_SHARE: [usize; 2] = [7, 8];

/// A dosage that the file states, in multiples of 2^-24 copies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dosed {
    pub(super) patient: u32,
    pub(super) alternate: u32,
    pub(super) reference: u32,
    pub(super) ploidy: u8,
}

/// A row that a plan's allele has.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) allele: u32,
    /// Class of all patients who are in neither list; `None` where all are in one.
    pub(super) base: Option<u8>,
    /// Those of another class.
    pub(super) items: Range<usize>,
    /// Those whose class has statistics, in whatever list they are.
    pub(super) remarkable: Range<usize>,
    pub(super) dosed: Range<usize>,
    /// Set where nearly nobody shares a class and few weights are on the allele: then no lists are
    /// made, and the codes of this row of the batch are read for each weight.
    pub(super) dense: Option<usize>,
    /// Patients of each class, without those of stated dosages.
    pub(super) histogram: [u32; CLASSES],
    /// Copies of the alternate allele, of the reference and of all, over all known dosages, in
    /// multiples of 2^-24; without assumed ones.
    known: [u64; 3],
    /// Patients behind `known`.
    known_patients: u32,
}

impl Slot {
    /// Frequencies of the alternate and the reference allele among the patients who are called;
    /// `None` with fewer than `least` of them.
    pub(super) fn cohort_frequencies(&self, least: u32) -> Option<(f64, f64)> {
        let [alternate, reference, all] = self.known;
        (self.known_patients >= least && all > 0)
            .then(|| (alternate as f64 / all as f64, reference as f64 / all as f64))
    }

    /// Patients of some classes.
    pub(super) fn count(&self, classes: &[u8]) -> u32 {
        classes
            .iter()
            .map(|of| self.histogram[usize::from(*of)])
            .sum()
    }
}

/// Encodes rows; the lists of a batch stand one after the other.
pub(super) struct Encoder {
    /// By site class, then sex.
    tables: Vec<[ClassTable; 3]>,
    sexes: Vec<Sex>,
    pub(super) items: Vec<Item>,
    pub(super) dosed: Vec<Dosed>,
    /// Where the items of a row are made.
    room: Vec<Item>,
}

fn index_of(sex: Sex) -> usize {
    match sex {
        Sex::Female => 0,
        Sex::Male => 1,
        Sex::Unknown => 2,
    }
}

/// Stated dosages of a row and those of the other alternates of its record.
pub(super) struct RowDosages<'a> {
    pub(super) own: &'a [u32],
    pub(super) others: Vec<&'a [u32]>,
}

impl Encoder {
    pub(super) fn new(sexes: &[Sex]) -> Self {
        let tables = SiteClass::ALL
            .into_iter()
            .map(|site| {
                [Sex::Female, Sex::Male, Sex::Unknown].map(|sex| ClassTable::new(site, sex))
            })
            .collect();
        Self {
            tables,
            sexes: sexes.to_vec(),
            items: Vec::new(),
            dosed: Vec::new(),
            room: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.items.clear();
        self.dosed.clear();
    }

    /// A row whose codes are read as they are for each of a few weights; `None` where lists serve
    /// better or where somebody's call is not plain.
    pub(super) fn dense(&self, allele: u32, row: usize, codes: &[u8]) -> Option<Slot> {
        let together = codes.iter().fold(0, |together, code| together | code);
        let is_plain = together & !PLAIN_CODE == 0;
        let common = count(codes, 0x00).max(count(codes, 0x40));
        let end = self.items.len();
        (is_plain && common * DENSE_SHARE[1] < codes.len() * DENSE_SHARE[0]).then_some(Slot {
            allele,
            base: None,
            items: end..end,
            remarkable: end..end,
            dosed: self.dosed.len()..self.dosed.len(),
            dense: Some(row),
            histogram: [0; CLASSES],
            known: [0; 3],
            known_patients: 0,
        })
    }

    /// Terms of plain codes on autosomes.
    pub(super) fn by_code(&self, terms: &[i64; CLASSES]) -> [i64; PLAIN_CODES] {
        let table = &self.tables[SiteClass::Autosomal as usize][index_of(Sex::Unknown)].0;
        std::array::from_fn(|code| terms[usize::from(table[code])])
    }

    /// Encodes one row.
    pub(super) fn encode(
        &mut self,
        allele: u32,
        codes: &[u8],
        site: SiteClass,
        dosages: Option<&RowDosages>,
    ) -> Slot {
        let start = self.items.len();
        let mut slot = Slot {
            allele,
            base: None,
            items: start..start,
            remarkable: 0..0,
            dosed: self.dosed.len()..self.dosed.len(),
            dense: None,
            histogram: [0; CLASSES],
            known: [0; 3],
            known_patients: 0,
        };
        let by_sex = matches!(site, SiteClass::X | SiteClass::Y);
        if let Some(dosages) = dosages {
            self.encode_dosages(codes, site, dosages);
            slot.dosed.end = self.dosed.len();
        } else if by_sex {
            let tables = &self.tables[site as usize];
            let sexes = self.sexes.iter().map(|sex| index_of(*sex));
            let classes = codes
                .iter()
                .zip(sexes)
                .map(|(code, sex)| tables[sex].0[usize::from(*code)]);
            let mut counts = [0u32; CLASSES];
            for of in classes.clone() {
                counts[usize::from(of)] += 1;
            }
            let base = (0u8..).zip(counts).max_by_key(|(_, count)| *count);
            let base = base.map_or(class::REFERENCE, |(of, _)| of);
            slot.base = Some(base);
            for (patient, of) in (0..).zip(classes) {
                if of != base {
                    self.items.push(patient << CLASS_BITS | u32::from(of));
                }
            }
        } else {
            let table = self.tables[site as usize][index_of(Sex::Unknown)].0;
            let common = commonest(codes);
            slot.base = Some(table[usize::from(common)]);
            others(codes, common, &table, &mut self.room, &mut self.items);
        }
        slot.items.end = self.items.len();
        self.describe(&mut slot, codes.len());
        slot
    }

    /// Counts classes and lists the remarkable ones.
    fn describe(&mut self, slot: &mut Slot, patients: usize) {
        for item in &self.items[slot.items.clone()] {
            slot.histogram[(item & CLASS_MASK) as usize] += 1;
        }
        if let Some(base) = slot.base {
            let others = u32::try_from(slot.items.len()).unwrap_or(u32::MAX);
            slot.histogram[usize::from(base)] += u32::try_from(patients)
                .unwrap_or(u32::MAX)
                .saturating_sub(others);
        }
        for (of, count) in (0..).zip(slot.histogram) {
            if of == class::ASSUMED_1 || of == class::ASSUMED_2 {
                continue;
            }
            if let Some((alternate, reference, ploidy)) = copies(of) {
                for (known, copies) in slot.known.iter_mut().zip([alternate, reference, ploidy]) {
                    *known += u64::from(count) * u64::from(copies) * u64::from(ONE_COPY);
                }
                slot.known_patients += count;
            }
        }
        for dosed in &self.dosed[slot.dosed.clone()] {
            slot.known[0] += u64::from(dosed.alternate);
            slot.known[1] += u64::from(dosed.reference);
            slot.known[2] += u64::from(dosed.ploidy) * u64::from(ONE_COPY);
            slot.known_patients += 1;
        }
        let start = self.items.len();
        let is_remarkable = |of: u32| of < u32::from(class::REFERENCE);
        let remarkable: u32 = slot.histogram[..usize::from(class::REFERENCE)].iter().sum();
        if remarkable > 0 {
            // The base stands for whoever is in no list.
            let base = slot.base.map(u32::from).filter(|of| is_remarkable(*of));
            let mut next = 0;
            for at in slot.items.clone() {
                let item = self.items[at];
                if let Some(base) = base {
                    let patient = item >> CLASS_BITS;
                    self.items
                        .extend((next..patient).map(|one| one << CLASS_BITS | base));
                    next = patient + 1;
                }
                if is_remarkable(item & CLASS_MASK) {
                    self.items.push(item);
                }
            }
            if let Some(base) = base {
                let end = u32::try_from(patients).unwrap_or(u32::MAX);
                self.items
                    .extend((next..end).map(|one| one << CLASS_BITS | base));
            }
        }
        slot.remarkable = start..self.items.len();
    }

    fn encode_dosages(&mut self, codes: &[u8], site: SiteClass, dosages: &RowDosages) {
        let tables = &self.tables[site as usize];
        for (at, (patient, code)) in (0..).zip(codes).enumerate() {
            let sex = self.sexes.get(at).copied().unwrap_or_default();
            let of = tables[index_of(sex)].0[usize::from(*code)];
            let stated = dosages.own.get(at).copied().unwrap_or(NO_DOSAGE);
            if stated == NO_DOSAGE || of == class::NOT_COUNTED {
                self.items.push(patient << CLASS_BITS | u32::from(of));
                continue;
            }
            let call = CallCode(*code).call().filter(|call| call.is_complete());
            let written = call.map_or(0, |call| call.ploidy);
            if written == 0 && site.expected_ploidy(sex) == Some(1) {
                // Nothing says whether the file counts to one copy here or to two.
                self.items.push(patient << CLASS_BITS | u32::from(of));
                continue;
            }
            let ploidy = match site.expected_ploidy(sex) {
                Some(1) => 1,
                _ if written == 1 => 1,
                _ => 2,
            };
            let full = ONE_COPY * u32::from(ploidy);
            // One copy is expected and the file counts two: each of its halves is half a copy.
            let halved = ploidy == 1 && (written > 1 || stated > full);
            let of_file = |dosage: u32| if halved { dosage / 2 } else { dosage };
            let alternate = of_file(stated).min(full);
            let others: u32 = dosages
                .others
                .iter()
                .filter_map(|row| row.get(at).copied().filter(|dosage| *dosage != NO_DOSAGE))
                .map(of_file)
                .fold(0, u32::saturating_add);
            self.dosed.push(Dosed {
                patient,
                alternate,
                reference: full.saturating_sub(alternate).saturating_sub(others),
                ploidy,
            });
        }
    }
}

/// Rows of the same record by contig, input position and input REF, to find the other alternates of
/// a row with dosages.
pub(super) type RecordRows<'a> = HashMap<(u32, u32, &'a str), Vec<usize>>;

/// The code that most patients have, or one that many have.
fn commonest(codes: &[u8]) -> u8 {
    // Unphased and phased reference, the two homozygous alternates: one of them is the commonest
    // nearly always; whatever the first patient has stands for files where it is not.
    let first = codes.first().copied().unwrap_or(0);
    let mut best = (first, 0);
    for candidate in [0x00, 0x40, first, 0x09, 0x49, CallCode::NOT_ASSAYED.0] {
        let count = count(codes, candidate);
        if count > best.1 {
            best = (candidate, count);
        }
        if count * 2 > codes.len() {
            break;
        }
    }
    best.0
}

/// How many codes are a given one; written so that it runs sixteen codes at a time.
fn count(codes: &[u8], code: u8) -> usize {
    codes
        .chunks(255)
        .map(|chunk| {
            let equal = chunk
                .iter()
                .fold(0u8, |sum, one| sum.wrapping_add(u8::from(*one == code)));
            usize::from(equal)
        })
        .sum()
}

/// Codes looked at in one step.
const WIDTH: usize = 16;

/// Lists the patients whose code is not the common one and whose class differs too; `room` has a
/// place for each of them. Written without a branch for each patient: at common variants it would be
/// guessed wrong half the time.
fn others(
    codes: &[u8],
    common: u8,
    table: &[u8; 256],
    room: &mut Vec<Item>,
    items: &mut Vec<Item>,
) {
    let base = table[usize::from(common)];
    room.resize(codes.len() + WIDTH, 0);
    let (chunks, remainder) = codes.as_chunks::<WIDTH>();
    let (mut patient, mut found) = (0u32, 0);
    for chunk in chunks {
        if *chunk != [common; WIDTH] {
            let Some(target) = room.get_mut(found..found + WIDTH) else {
                break;
            };
            let mut own = 0;
            for (at, code) in (patient..).zip(chunk) {
                let of = table[usize::from(*code)];
                target[own & (WIDTH - 1)] = at << CLASS_BITS | u32::from(of);
                own += usize::from(of != base);
            }
            found += own;
        }
        patient += WIDTH as u32;
    }
    items.extend_from_slice(room.get(..found).unwrap_or_default());
    for (at, code) in (patient..).zip(remainder) {
        let of = table[usize::from(*code)];
        if of != base {
            items.push(at << CLASS_BITS | u32::from(of));
        }
    }
}
