//! All records of one contig and position, from all files.
//!
//! An allele (REF and ALT as written) that several files have makes one row; each file fills its own
//! patients' calls. A file that has a record here but not this allele says something about it only
//! if both are single-base substitutions of the same base: then its calls count with its own
//! alternates as "other". Otherwise its patients are not assayed for the row, never reference.

use varisk_core::{AlleleClass, CallCode, PolyploidCall, Reason};
use varisk_reference::Normaliser;

use super::table::SiteTable;
use super::{FilePlan, SiteDecoderSettings};
use crate::genotype::{GenotypeRow, decode_text, decode_typed};
use crate::record::{Defect, GenotypeBytes};
use crate::{BadRecord, Entry, ParsedRecord, RawBatch, ReadError};

/// A record of the group.
pub(super) struct Member {
    pub(super) entry: Entry,
    pub(super) record: ParsedRecord,
    genotypes: GenotypeRow,
    has_genotypes: bool,
}

/// The records; slots are reused from group to group.
#[derive(Default)]
pub(super) struct Group {
    slots: Vec<Member>,
    used: usize,
}

/// One row in the making: who has the allele, as (member, 0-based alternate).
struct Row {
    owners: Vec<(usize, Option<usize>)>,
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
        bad: &mut Vec<BadRecord>,
    ) {
        self.used = 0;
        for entry in entries {
            if self.slots.len() == self.used {
                self.slots.push(Member {
                    entry: *entry,
                    record: ParsedRecord::default(),
                    genotypes: GenotypeRow::default(),
                    has_genotypes: false,
                });
            }
            let plan = &settings.files[entry.file as usize];
            let member = &mut self.slots[self.used];
            member.entry = *entry;
            match plan.parse(&raw.bytes[entry.start..entry.end], &mut member.record) {
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
            match member.decode_genotypes(plan, &raw.bytes[member.entry.start..member.entry.end]) {
                Ok(()) => good.push(i),
                Err(defect) => bad.push(set_aside(settings, plan, &member.entry, defect)),
            }
        }
        for row in self.rows(raw, &good) {
            let (first, alternate) = row.owners[0];
            let member = &self.slots[first];
            self.fill_calls(settings, raw, &good, &row, table);
            let plan = &settings.files[member.entry.file as usize];
            let bytes = &raw.bytes[member.entry.start..member.entry.end];
            table.alleles += row.owners.len() as u64 - 1;
            let reason = row.repeated.then_some(Reason::RepeatedAllele);
            table.push_site(plan, member, bytes, alternate, reason, normaliser)?;
        }
        Ok(())
    }

    /// The distinct alleles of the group in order of appearance; an allele that a file has twice
    /// makes a row of its own, marked as repeated.
    fn rows(&self, raw: &RawBatch, good: &[usize]) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for &index in good {
            let member = &self.slots[index];
            let file = member.entry.file;
            for alternate in 0..member.record.alternates.len().max(1) {
                let alternate = member.alternate(raw, alternate);
                let alleles = member.alleles(raw, alternate);
                let same = rows.iter_mut().find(|row| {
                    let (owner, own) = row.owners[0];
                    !row.repeated && self.slots[owner].alleles(raw, own) == alleles
                });
                match same {
                    None => rows.push(Row {
                        owners: vec![(index, alternate)],
                        repeated: false,
                    }),
                    Some(row)
                        if row
                            .owners
                            .iter()
                            .any(|(owner, _)| self.slots[*owner].entry.file == file) =>
                    {
                        rows.push(Row {
                            owners: vec![(index, alternate)],
                            repeated: true,
                        });
                    }
                    Some(row) => row.owners.push((index, alternate)),
                }
            }
        }
        rows
    }

    fn fill_calls(
        &self,
        settings: &SiteDecoderSettings,
        raw: &RawBatch,
        good: &[usize],
        row: &Row,
        table: &mut SiteTable<'_>,
    ) {
        if settings.patients == 0 {
            return;
        }
        let calls = &mut table.calls;
        let row_index = u32::try_from(calls.rows()).unwrap_or(u32::MAX);
        let codes = calls.push_row(CallCode::NOT_ASSAYED);
        let mut polyploid = Vec::new();
        let owner_files: Vec<u32> = row
            .owners
            .iter()
            .map(|(owner, _)| self.slots[*owner].entry.file)
            .collect();
        let (first, first_alternate) = row.owners[0];
        for &index in good {
            let member = &self.slots[index];
            let own = row
                .owners
                .iter()
                .find(|(owner, _)| *owner == index)
                .map(|(_, alternate)| *alternate);
            let alternate = match own {
                Some(alternate) => alternate.and_then(|a| u8::try_from(a + 1).ok()),
                None if owner_files.contains(&member.entry.file) => continue,
                None if member.speaks_of(raw, self.slots[first].alleles(raw, first_alternate)) => {
                    None
                }
                None => continue,
            };
            let plan = &settings.files[member.entry.file as usize];
            if !member.has_genotypes {
                // A record without GT: the site is assayed, nothing is called.
                plan.columns
                    .iter()
                    .for_each(|(_, patient)| codes[*patient] = CallCode::MISSING.0);
                continue;
            }
            plan.spread(
                &member.genotypes,
                alternate,
                codes,
                row_index,
                &mut polyploid,
            );
        }
        polyploid.sort_unstable_by_key(|call| call.sample);
        polyploid
            .into_iter()
            .for_each(|call| calls.push_polyploid(call));
    }
}

impl FilePlan {
    /// Writes the calls of a record to the columns of its patients.
    fn spread(
        &self,
        genotypes: &GenotypeRow,
        alternate: Option<u8>,
        codes: &mut [u8],
        row: u32,
        polyploid: &mut Vec<PolyploidCall>,
    ) {
        let mut columns = self.columns.iter().peekable();
        // Polyploid samples come a second time, at the end, out of order.
        let mut late = Vec::new();
        genotypes.codes(alternate, &mut |sample, code| {
            if code.is_polyploid() {
                late.push(sample);
                return;
            }
            while let Some((_, patient)) = columns.next_if(|(column, _)| *column == sample) {
                codes[*patient] = code.0;
            }
        });
        for sample in late {
            for (_, patient) in self.columns.iter().filter(|(column, _)| *column == sample) {
                codes[*patient] = CallCode::POLYPLOID.0;
            }
        }
        for (sample, call) in genotypes.polyploid(alternate) {
            for (_, patient) in self.columns.iter().filter(|(column, _)| *column == sample) {
                polyploid.push(PolyploidCall {
                    row,
                    sample: u32::try_from(*patient).unwrap_or(u32::MAX),
                    call,
                });
            }
        }
    }
}

impl Member {
    fn decode_genotypes(&mut self, plan: &FilePlan, bytes: &[u8]) -> Result<(), Defect> {
        let samples = plan.header.samples.len();
        let alternates = self
            .record
            .alternates
            .iter()
            .filter(|range| bytes[(*range).clone()] != *b".")
            .count();
        self.has_genotypes = true;
        if plan.columns.is_empty() {
            return Ok(());
        }
        match &self.record.genotypes {
            GenotypeBytes::None => {
                self.has_genotypes = false;
                Ok(())
            }
            GenotypeBytes::Text {
                samples: text,
                field,
            } => Ok(decode_text(
                &bytes[text.clone()],
                *field,
                samples,
                alternates,
                &mut self.genotypes,
            )?),
            GenotypeBytes::Typed {
                width,
                per_sample,
                values,
            } => Ok(decode_typed(
                bytes,
                values.clone(),
                *width,
                *per_sample,
                samples,
                alternates,
                &mut self.genotypes,
            )?),
        }
    }

    /// The 0-based alternate, `None` where the record has none (`.`, or none at all in BCF).
    fn alternate(&self, raw: &RawBatch, index: usize) -> Option<usize> {
        let range = self.record.alternates.get(index)?;
        (self.bytes(raw)[range.clone()] != *b".").then_some(index)
    }

    fn bytes<'a>(&self, raw: &'a RawBatch) -> &'a [u8] {
        &raw.bytes[self.entry.start..self.entry.end]
    }

    /// REF and ALT as written, upper case.
    fn alleles(&self, raw: &RawBatch, alternate: Option<usize>) -> (Vec<u8>, Option<Vec<u8>>) {
        let bytes = self.bytes(raw);
        let text = |range: &std::ops::Range<usize>| bytes[range.clone()].to_ascii_uppercase();
        (
            text(&self.record.reference),
            alternate
                .and_then(|index| self.record.alternates.get(index))
                .map(text),
        )
    }

    /// Whether this record, which lacks an allele, still says what its patients have there.
    fn speaks_of(&self, raw: &RawBatch, allele: (Vec<u8>, Option<Vec<u8>>)) -> bool {
        let (reference, Some(alternate)) = allele else {
            return false;
        };
        let bytes = self.bytes(raw);
        let own = &bytes[self.record.reference.clone()];
        let is_substitution = |alternate: &[u8]| {
            matches!(
                AlleleClass::of(own, alternate),
                AlleleClass::Snv | AlleleClass::Absent
            )
        };
        AlleleClass::of(&reference, &alternate) == AlleleClass::Snv
            && own.eq_ignore_ascii_case(&reference)
            && self
                .record
                .alternates
                .iter()
                .all(|range| is_substitution(&bytes[range.clone()]))
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
