//! All records of one contig and position, from all files.
//!
//! An allele that several files have makes one row; each file fills its own patients' calls. Alleles
//! are compared without the bases that REF and ALT both end with: beside another allele `CA>C` is
//! written `CAA>CA`. A file that has a record here but not this allele says something about it only
//! if both are single-base substitutions of the same base (`*`, `<NON_REF>` and `<*>` beside them do
//! not count), or if it speaks of any allele (`<NON_REF>`, `<*>`) over all bases of the row's REF:
//! then its calls count with its own alternates as "other". Otherwise its patients are not assayed
//! for the row, never reference, unless there is other evidence.

use std::collections::HashMap;

use varisk_core::{AlleleClass, CallCode, Haplotype, NO_DOSAGE, PolyploidCall, Reason, SiteState};
use varisk_reference::Normaliser;

use super::allele::Allele;
use super::inference::Inference;
use super::table::SiteTable;
use super::{FilePlan, SiteDecoderSettings};
use crate::QualityLimits;
use crate::dosage::DosageRow;
use crate::evidence::record_span;
use crate::genotype::GenotypeRow;
use crate::record::Defect;
use crate::{BadRecord, Entry, ParsedRecord, RawBatch, ReadError};

/// A record of the group.
pub(super) struct Member {
    pub(super) entry: Entry,
    pub(super) record: ParsedRecord,
    /// One for each alternate allele; a single one without it where the record has none.
    alleles: Vec<Allele>,
    genotypes: GenotypeRow,
    has_genotypes: bool,
    /// What the record states where dosages are wanted.
    dosages: DosageRow,
    has_dosages: bool,
    /// A reference block: what it says is judged with the sites that it covers.
    block: bool,
    /// Samples whose reference call is not good enough for a block either; empty where nobody judges.
    low_quality: Vec<bool>,
}

/// The records; slots are reused from group to group.
#[derive(Default)]
pub(super) struct Group {
    slots: Vec<Member>,
    used: usize,
}

/// One row in the making: who has the allele, as (member, place among its alleles), in file order.
struct Row {
    owners: Vec<(usize, usize)>,
    repeated: bool,
}

impl Group {
    pub(super) fn members(&self) -> &[Member] {
        &self.slots[..self.used]
    }

    /// Parses the records of a position; those that cannot be parsed go to `bad`.
    pub(super) fn fill(
        &mut self,
        settings: &SiteDecoderSettings,
        raw: &RawBatch,
        entries: &[Entry],
        inference: &Inference,
        bad: &mut Vec<BadRecord>,
    ) {
        self.used = 0;
        for entry in entries {
            if self.slots.len() == self.used {
                self.slots.push(Member {
                    entry: *entry,
                    record: ParsedRecord::default(),
                    alleles: Vec::new(),
                    genotypes: GenotypeRow::default(),
                    has_genotypes: false,
                    dosages: DosageRow::default(),
                    has_dosages: false,
                    block: false,
                    low_quality: Vec::new(),
                });
            }
            let plan = &settings.files[entry.file as usize];
            let member = &mut self.slots[self.used];
            member.entry = *entry;
            let parsed = plan
                .parser
                .parse(&raw.bytes[entry.start..entry.end], &mut member.record);
            let sound = match inference.defect(entry) {
                Some(defect) => Err(defect.clone()),
                None => Ok(()),
            };
            match parsed.and(sound) {
                Ok(()) => self.used += 1,
                Err(defect) => bad.push(set_aside(settings, plan, entry, defect)),
            }
        }
    }

    /// Decodes the general case: any number of records, alleles, fields and files.
    pub(super) fn decode(
        &mut self,
        settings: &SiteDecoderSettings,
        raw: &RawBatch,
        table: &mut SiteTable<'_>,
        normaliser: &mut Normaliser,
        bad: &mut Vec<BadRecord>,
    ) -> Result<(), ReadError> {
        let mut good = Vec::with_capacity(self.used);
        for (i, member) in self.slots[..self.used].iter_mut().enumerate() {
            let plan = &settings.files[member.entry.file as usize];
            let bytes = &raw.bytes[member.entry.start..member.entry.end];
            let decoded = member.decode_genotypes(plan, bytes);
            match decoded.and_then(|()| member.decode_dosages(settings, plan, bytes)) {
                Ok(()) => {
                    member.list_alleles(bytes);
                    let span = record_span(plan.format, bytes, member.entry.position);
                    // Where nobody judges blocks, one without an allele speaks for itself.
                    member.block =
                        span.block && (settings.evidence.is_some() || member.speaks_of_any());
                    if let Some(evidence) = &settings.evidence {
                        member.judge_references(plan, bytes, evidence.limits());
                    }
                    good.push(i);
                }
                Err(defect) => bad.push(set_aside(settings, plan, &member.entry, defect)),
            }
        }
        for row in self.rows(&good) {
            let (first, place) = row.owners[0];
            let member = &self.slots[first];
            self.fill_calls(settings, &good, &row, table);
            self.fill_dosages(settings, &row, table);
            let plan = &settings.files[member.entry.file as usize];
            let bytes = &raw.bytes[member.entry.start..member.entry.end];
            table.alleles += row.owners.len() as u64 - 1;
            let reason = row.repeated.then_some(Reason::RepeatedAllele);
            let alternate = member.alleles[place].index;
            table.push_site(plan, member, bytes, alternate, reason, normaliser)?;
        }
        Ok(())
    }

    /// The distinct alleles of the group in order of appearance; an allele that a file has twice
    /// makes a row of its own, marked as repeated.
    fn rows(&self, good: &[usize]) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        if let [index] = *good {
            // Alternates of one record are distinct.
            let places = 0..self.slots[index].alleles.len();
            rows.extend(places.map(|place| Row {
                owners: vec![(index, place)],
                repeated: false,
            }));
            return rows;
        }
        let mut known: HashMap<(&[u8], Option<&[u8]>), usize> = HashMap::new();
        for &index in good {
            let member = &self.slots[index];
            let file = |(owner, _): &(usize, usize)| self.slots[*owner].entry.file;
            for (place, allele) in member.alleles.iter().enumerate() {
                let owner = (index, place);
                let key = (allele.reference.as_slice(), allele.alternate.as_deref());
                let same = known.get(&key).filter(|_| !allele.is_symbolic());
                let repeated = match same {
                    // Records of a position come file by file.
                    Some(row) if rows[*row].owners.last().map(file) != Some(member.entry.file) => {
                        rows[*row].owners.push(owner);
                        continue;
                    }
                    Some(_) => true,
                    None => {
                        known.insert(key, rows.len());
                        false
                    }
                };
                rows.push(Row {
                    owners: vec![owner],
                    repeated,
                });
            }
        }
        rows
    }

    fn fill_calls(
        &self,
        settings: &SiteDecoderSettings,
        good: &[usize],
        row: &Row,
        table: &mut SiteTable<'_>,
    ) {
        if settings.patients == 0 {
            return;
        }
        let calls = &mut table.calls;
        let mut target = Target {
            row: u32::try_from(calls.rows()).unwrap_or(u32::MAX),
            codes: calls.push_row(CallCode::NOT_ASSAYED),
            polyploid: Vec::new(),
        };
        let (first, place) = row.owners[0];
        let allele = &self.slots[first].alleles[place];
        let mut owners = row.owners.iter().peekable();
        // The owners stand in file order, as the records do.
        let mut owner_files = row
            .owners
            .iter()
            .map(|(owner, _)| self.slots[*owner].entry.file)
            .peekable();
        for &index in good {
            let member = &self.slots[index];
            let file = member.entry.file;
            while owner_files.next_if(|owner| *owner < file).is_some() {}
            let plan = &settings.files[file as usize];
            if let Some((_, own)) = owners.next_if(|(owner, _)| *owner == index) {
                let alternate = member.alleles[*own].index;
                plan.spread(member, alternate, &mut target);
            } else if !row.repeated && owner_files.peek() != Some(&file) && member.speaks_of(allele)
            {
                plan.spread(member, None, &mut target);
            }
        }
        let mut polyploid = target.polyploid;
        // Of several records that speak of a patient the first counts.
        polyploid.sort_by_key(|call| call.sample);
        polyploid.dedup_by_key(|call| call.sample);
        polyploid
            .into_iter()
            .for_each(|call| calls.push_polyploid(call));
    }

    /// Keeps what the row's own records state beside the calls that were filled last.
    fn fill_dosages(&self, settings: &SiteDecoderSettings, row: &Row, table: &mut SiteTable<'_>) {
        let mut dosages: Option<Box<[u32]>> = None;
        for (owner, place) in &row.owners {
            let member = &self.slots[*owner];
            let alternate = member.alleles[*place].index;
            let Some(alternate) = alternate.filter(|_| member.has_dosages) else {
                continue;
            };
            let dosages = dosages
                .get_or_insert_with(|| vec![NO_DOSAGE; settings.patients].into_boxed_slice());
            let plan = &settings.files[member.entry.file as usize];
            for (sample, patient) in &plan.columns {
                if let Some(copies) = dosages.get_mut(*patient) {
                    *copies = member.dosages.copies(*sample, alternate);
                }
            }
        }
        let last = table.calls.rows().checked_sub(1);
        if let (Some(dosages), Some(last)) = (dosages, last) {
            let last = u32::try_from(last).unwrap_or(u32::MAX);
            table.calls.set_dosages(last, dosages);
        }
    }
}

/// The calls of the row in the making.
struct Target<'c> {
    row: u32,
    codes: &'c mut [u8],
    polyploid: Vec<PolyploidCall>,
}

impl Target<'_> {
    /// Sets a call. A file may have several records that say nothing of the allele itself (a
    /// multi-allelic site that was split): what each says of the others is put together.
    fn set(&mut self, patient: usize, code: CallCode) {
        if let Some(old) = self.codes.get_mut(patient) {
            *old = joined(CallCode(*old), code).0;
        }
    }
}

/// Two calls of the same haplotypes from different records of one site.
fn joined(old: CallCode, new: CallCode) -> CallCode {
    if old == CallCode::NOT_ASSAYED {
        return new;
    }
    if old.is_polyploid() || new.is_polyploid() {
        return old;
    }
    let join = |a: Haplotype, b: Haplotype| match (a, b) {
        (Haplotype::Reference, other) | (other, Haplotype::Reference) => other,
        (Haplotype::Missing, other) | (other, Haplotype::Missing) => other,
        (first, _) => first,
    };
    let ([a, b], [c, d]) = (old.haplotypes(), new.haplotypes());
    let is_phased = |code: CallCode| code.call().is_some_and(|call| call.phased);
    CallCode::diploid(join(a, c), join(b, d), is_phased(old) && is_phased(new))
}

impl FilePlan {
    /// Writes the calls of a record to the columns of its patients.
    fn spread(&self, member: &Member, alternate: Option<usize>, target: &mut Target<'_>) {
        if !member.has_genotypes {
            // A record without GT: the site is assayed, nothing is called.
            for (_, patient) in &self.columns {
                target.set(*patient, CallCode::MISSING);
            }
            return;
        }
        let alternate = alternate.and_then(|index| u8::try_from(index + 1).ok());
        let mut columns = self.columns.iter().peekable();
        member.genotypes.codes(alternate, &mut |sample, code| {
            let low = member.low_quality.get(sample) == Some(&true);
            let code = match code.state() {
                SiteState::CalledReference if low => CallCode::MISSING,
                _ => code,
            };
            while let Some((_, patient)) = columns.next_if(|(column, _)| *column == sample) {
                target.set(*patient, code);
            }
        });
        for (sample, call) in member.genotypes.polyploid(alternate) {
            let Ok(at) = self
                .columns
                .binary_search_by_key(&sample, |(column, _)| *column)
            else {
                continue;
            };
            let (_, patient) = self.columns[at];
            let call = PolyploidCall {
                row: target.row,
                sample: u32::try_from(patient).unwrap_or(u32::MAX),
                call,
            };
            // Where an earlier record gave the patient fewer haplotypes, that one counts.
            if target.codes.get(patient) == Some(&CallCode::POLYPLOID.0) {
                target.polyploid.push(call);
            }
        }
    }
}

impl Member {
    fn decode_genotypes(&mut self, plan: &FilePlan, bytes: &[u8]) -> Result<(), Defect> {
        self.low_quality.clear();
        self.has_genotypes = !plan.columns.is_empty()
            && plan
                .parser
                .decode_genotypes(bytes, &self.record, &mut self.genotypes)?;
        Ok(())
    }

    /// Comes after the genotypes, which tell whether the columns are sound.
    fn decode_dosages(
        &mut self,
        settings: &SiteDecoderSettings,
        plan: &FilePlan,
        bytes: &[u8],
    ) -> Result<(), Defect> {
        let field = settings.dosages.filter(|_| !plan.columns.is_empty());
        self.has_dosages = match field {
            None => false,
            Some(field) => {
                let parser = &plan.parser;
                parser.decode_dosages(bytes, &self.record, field, &mut self.dosages)?
            }
        };
        Ok(())
    }

    /// In a record of a gVCF a reference call is a block of a single site, and in one of many samples
    /// it stands for the block of that sample: it is held to the same limits.
    fn judge_references(&mut self, plan: &FilePlan, bytes: &[u8], limits: QualityLimits) {
        self.low_quality.clear();
        if self.block || !self.has_genotypes || !self.speaks_of_any() {
            return;
        }
        let samples = self.genotypes.samples();
        let (gq, depth) = plan.parser.reference_quality(bytes, &self.record, samples);
        let is_low = |(gq, depth): (&Option<u32>, &Option<u32>)| {
            gq.is_some_and(|gq| gq < limits.min_gq)
                || depth.is_some_and(|depth| depth < limits.min_depth)
        };
        self.low_quality.extend(gq.iter().zip(&depth).map(is_low));
    }

    fn list_alleles(&mut self, bytes: &[u8]) {
        let reference = bytes[self.record.reference.clone()].to_ascii_uppercase();
        self.alleles.clear();
        for (index, range) in self.record.alternates.iter().enumerate() {
            let text = &bytes[range.clone()];
            self.alleles.push(if text == b"." {
                Allele::none(&reference)
            } else {
                Allele::new(index, &reference, text)
            });
        }
        if self.alleles.is_empty() {
            self.alleles.push(Allele::none(&reference));
        }
    }

    /// Whether this record, which lacks an allele, still says what its patients have there.
    fn speaks_of(&self, allele: &Allele) -> bool {
        if self.block {
            return false;
        }
        let spans = |own: &Allele| own.reference.len() >= allele.reference.len();
        if self.speaks_of_any() && allele.is_sequence() && self.alleles.iter().any(spans) {
            return true;
        }
        let is_base_change = |own: &Allele| {
            own.reference == allele.reference
                && (own.alternate.is_none() || own.is_substitution() || own.is_unnamed())
        };
        allele.is_substitution() && self.alleles.iter().all(is_base_change)
    }

    /// Whether the record says "no other allele" of those that it does not name.
    fn speaks_of_any(&self) -> bool {
        let is_any = |own: &Allele| own.class() == AlleleClass::NonRef;
        self.alleles.iter().any(is_any)
    }
}

fn set_aside(
    settings: &SiteDecoderSettings,
    plan: &FilePlan,
    entry: &Entry,
    defect: Defect,
) -> BadRecord {
    BadRecord {
        file: plan.name.clone(),
        record: entry.record,
        contig: settings.contigs.name(entry.contig).to_owned(),
        position: entry.position.0,
        kind: defect.kind,
        detail: defect.detail,
    }
}
