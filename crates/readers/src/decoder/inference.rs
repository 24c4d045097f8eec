//! States of sites where a patient's file has no record of the allele: from blocks, spanning
//! records, callable regions and the user's word, in that order.

use std::collections::HashMap;

use memchr::memchr;
use varisk_core::{CallCode, ContigId, Haplotype, InferredReference, Position, SiteClass};

use varisk_reference::Normaliser;

use super::table::SiteTable;
use super::{FilePlan, SiteDecoderSettings};
use crate::evidence::{
    BlockAnswer, BlockCall, DeclaredEnd, Observation, ReferenceEvidence, Seen, Site, VariantCall,
    judge, observe, record_span,
};
use crate::genotype::GenotypeRow;
use crate::record::Defect;
use crate::{Entry, ParsedRecord, RawBatch};

/// A row whose state can be inferred.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowSite {
    pub(super) contig: ContigId,
    /// POS of the record that made the row.
    pub(super) input_position: Position,
    pub(super) class: SiteClass,
    /// The bases of the allele as it is written and as it is normalised.
    pub(super) site: Site,
}

/// The records of a batch and around it, by file, and what they show.
#[derive(Default)]
pub(super) struct Inference {
    files: Vec<Vec<Spanning>>,
    /// Blocks that are set aside, by file and record number.
    defects: HashMap<(u32, u64), Defect>,
    record: ParsedRecord,
    genotypes: GenotypeRow,
}

/// A record and how far it reaches.
struct Spanning {
    entry: Entry,
    last: Position,
    /// Furthest base that this record or one before it on the contig reaches.
    reach: Position,
    block: bool,
    declared: DeclaredEnd,
    /// What it shows of the file's patients, in the order of their columns; empty where it cannot be
    /// read. Found when a site asks.
    seen: Option<Vec<Observation>>,
}

impl Inference {
    /// Lays out the records of a batch.
    pub(super) fn index(&mut self, settings: &SiteDecoderSettings, raw: &RawBatch) {
        self.defects.clear();
        self.files.resize_with(settings.files.len(), Vec::new);
        self.files.iter_mut().for_each(Vec::clear);
        for entry in raw.context.iter().chain(&raw.entries) {
            let (Some(plan), Some(records)) = (
                settings.files.get(entry.file as usize),
                self.files.get_mut(entry.file as usize),
            ) else {
                continue;
            };
            let span = record_span(plan.format, raw.record(entry), entry.position);
            records.push(Spanning {
                entry: *entry,
                last: span.last(),
                reach: span.last(),
                block: span.block,
                declared: span.declared,
                seen: None,
            });
        }
        for records in &mut self.files {
            records.sort_by_key(|r| (r.entry.contig, r.entry.position, r.entry.record));
            for at in 1..records.len() {
                let (before, rest) = records.split_at_mut(at);
                if let ([.., before], [now, ..]) = (before, rest)
                    && before.entry.contig == now.entry.contig
                {
                    now.reach = now.reach.max(before.reach);
                }
            }
            check_blocks(settings, records, &mut self.defects);
        }
    }

    /// Why a record is set aside as a block, if it is.
    pub(super) fn defect(&self, entry: &Entry) -> Option<&Defect> {
        self.defects.get(&(entry.file, entry.record))
    }

    /// Fills the calls that no record gave.
    pub(super) fn fill(
        &mut self,
        settings: &SiteDecoderSettings,
        evidence: &ReferenceEvidence,
        raw: &RawBatch,
        table: &mut SiteTable<'_>,
    ) {
        let mut holes = Vec::new();
        for row in 0..table.row_sites.len() {
            let Some(Some(site)) = table.row_sites.get(row).copied() else {
                continue;
            };
            // Most rows of a cohort have no hole.
            if memchr(CallCode::NOT_ASSAYED.0, table.calls.row(row)).is_none() {
                continue;
            }
            for (file, plan) in settings.files.iter().enumerate() {
                let codes = table.calls.row(row);
                holes.clear();
                holes.extend(plan.columns.iter().enumerate().filter_map(|(at, column)| {
                    let patient = column.1;
                    let empty = codes.get(patient) == Some(&CallCode::NOT_ASSAYED.0);
                    empty.then_some((at, patient))
                }));
                if holes.is_empty() {
                    continue;
                }
                let touching = self.touching(plan, file, raw, &site);
                let records = self.files.get(file).map(Vec::as_slice).unwrap_or_default();
                for (at, patient) in &holes {
                    let seen = touching.iter().filter_map(|index| {
                        let seen = records.get(*index)?.seen.as_ref()?;
                        seen.get(*at).copied()
                    });
                    let code = decide(evidence, *patient, &site, seen);
                    table.calls.set(row, *patient, code);
                }
            }
        }
    }

    /// Rows that were only asked for give way where a record at another place has their allele: a
    /// SNV behind a base that another allele of its record needs, or an indel that is not written
    /// leftmost. All such records reach the site, so they are in the batch or around it, wherever
    /// it was cut.
    pub(super) fn give_way(
        &mut self,
        settings: &SiteDecoderSettings,
        raw: &RawBatch,
        table: &mut SiteTable<'_>,
        normaliser: &mut Normaliser,
    ) {
        if !settings.files.iter().any(|plan| plan.asked) {
            return;
        }
        let mut found = Vec::new();
        for row in 0..table.row_sites.len() {
            let owner = table.owners.get(row).map(|(file, _)| *file as usize);
            let is_asked = owner
                .and_then(|file| settings.files.get(file))
                .is_some_and(|plan| plan.asked);
            if !is_asked {
                continue;
            }
            let Some(Some(site)) = table.row_sites.get(row).copied() else {
                continue;
            };
            let Some(allele) = table.allele(row) else {
                continue;
            };
            let mut files = (0..).zip(&settings.files).filter(|(_, plan)| !plan.asked);
            if files
                .any(|(file, plan)| self.has_allele(plan, file, raw, &site, &allele, normaliser))
            {
                found.push(row);
            }
        }
        table.set_found_elsewhere(&found);
    }

    /// Whether a record of a file at another place than the row's has an allele.
    fn has_allele(
        &mut self,
        plan: &FilePlan,
        file: usize,
        raw: &RawBatch,
        row: &RowSite,
        allele: &(Position, Vec<u8>, Vec<u8>),
        normaliser: &mut Normaliser,
    ) -> bool {
        let (start, end) = (row.site.start, row.site.end);
        let records = self.files.get(file).map(Vec::as_slice).unwrap_or_default();
        let behind =
            records.partition_point(|r| (r.entry.contig, r.entry.position) <= (row.contig, end));
        let reaching = records[..behind]
            .iter()
            .rev()
            .take_while(|record| record.entry.contig == row.contig && record.reach >= start)
            .filter(|record| {
                // One at the same place is the same row already, or has another allele.
                let elsewhere = record.entry.position != row.input_position;
                record.last >= start && !record.block && elsewhere
            });
        let (position, reference, alternate) = allele;
        for record in reaching {
            let bytes = raw.record(&record.entry);
            if plan.parser.parse(bytes, &mut self.record).is_err() {
                continue;
            }
            let own = bytes.get(self.record.reference.clone());
            let Some(own) = own.filter(|own| !own.is_empty()) else {
                continue;
            };
            for range in &self.record.alternates {
                let text = bytes.get(range.clone()).unwrap_or_default();
                let place = record.entry.position;
                let same = normaliser
                    .normalise(row.contig, place, own, text)
                    .is_ok_and(|normal| {
                        normal.reason.is_none()
                            && normal.position == *position
                            && normal.reference == reference.as_slice()
                            && normal.alternate == alternate.as_slice()
                    });
                if same {
                    return true;
                }
            }
        }
        false
    }

    /// Records of a file that reach a site, in order; each is read once.
    fn touching(
        &mut self,
        plan: &FilePlan,
        file: usize,
        raw: &RawBatch,
        row: &RowSite,
    ) -> Vec<usize> {
        let Some(records) = self.files.get_mut(file) else {
            return Vec::new();
        };
        let (start, end) = (row.site.start, row.site.end);
        let behind =
            records.partition_point(|r| (r.entry.contig, r.entry.position) <= (row.contig, end));
        let mut found: Vec<usize> = (0..behind)
            .rev()
            .take_while(|index| {
                let record = &records[*index];
                record.entry.contig == row.contig && record.reach >= start
            })
            .filter(|index| records[*index].last >= start)
            .collect();
        found.reverse();
        for index in &found {
            let record = &mut records[*index];
            if record.seen.is_none() {
                let seen = observe(
                    &plan.parser,
                    plan.format,
                    raw.record(&record.entry),
                    record.entry.position,
                    &plan.columns,
                    &mut self.record,
                    &mut self.genotypes,
                );
                record.seen = Some(seen.unwrap_or_default());
            }
        }
        found
    }
}

/// Sets blocks aside whose END lies, which show nothing, or that begin inside an earlier block of
/// their file. The latter still count among the blocks of a site, where the worst one decides: so
/// what a site shows does not depend on where reading began.
fn check_blocks(
    settings: &SiteDecoderSettings,
    records: &mut [Spanning],
    defects: &mut HashMap<(u32, u64), Defect>,
) {
    let mut open: Option<(ContigId, Position)> = None;
    for record in records.iter_mut().filter(|record| record.block) {
        let Entry {
            contig, position, ..
        } = record.entry;
        let length = settings.contigs.length(contig);
        let before = open.filter(|(on, _)| *on == contig).map(|(_, end)| end);
        let detail = match (record.declared, before) {
            (DeclaredEnd::Invalid, _) => {
                "END of the block is no position at or after POS".to_owned()
            }
            (DeclaredEnd::At(end), _) if end.0 > length => {
                record.seen = Some(Vec::new());
                format!("the block ends at {end}, beyond the contig's last base {length}")
            }
            (_, Some(end)) if position <= end => {
                format!("the block begins inside an earlier one, which ends at {end}")
            }
            _ => String::new(),
        };
        open = Some((
            contig,
            before.map_or(record.last, |end| end.max(record.last)),
        ));
        if !detail.is_empty() {
            let key = (record.entry.file, record.entry.record);
            defects.insert(key, Defect::new("block", detail));
        }
    }
}

/// The call of a patient at a site of which the patient's file has no record of its own.
fn decide(
    evidence: &ReferenceEvidence,
    patient: usize,
    row: &RowSite,
    seen: impl Iterator<Item = Observation> + Clone,
) -> CallCode {
    let expected = row.class.expected_ploidy(evidence.sex(patient));
    if expected == Some(0) {
        return CallCode::NOT_ASSAYED;
    }
    let blocks = seen.clone().filter_map(|observation| observation.block());
    let mut variants = seen.filter_map(|observation| match observation.seen {
        Seen::Variant(call) if reaches(&observation, row.site) => Some((observation, call)),
        _ => None,
    });
    let limits = evidence.limits();
    if let Some((observation, call)) = variants.next() {
        // Two variants at one site: which haplotype has what is not known.
        if variants.next().is_some() {
            return CallCode::NOT_ASSAYED;
        }
        return beside_variant(row, &observation, &call, || {
            // The record itself speaks of its own bases.
            let own = crate::evidence::Block {
                start: observation.start,
                end: observation.end,
                call: BlockCall::Reference {
                    gq: Some(u32::MAX),
                    depth: None,
                    any_allele: true,
                    haploid: true,
                },
            };
            let mut all: Vec<_> = blocks.chain([own]).collect();
            all.sort_by_key(|block| block.start);
            matches!(judge(all, row.site, limits), BlockAnswer::Reference { .. })
        });
    }
    match judge(blocks, row.site, limits) {
        BlockAnswer::NoCall | BlockAnswer::LowQuality => return CallCode::MISSING,
        BlockAnswer::Reference { haploid, .. } => {
            let haploid = haploid || expected == Some(1);
            return CallCode::inferred_reference(InferredReference::Block, haploid);
        }
        BlockAnswer::Uncovered => {}
    }
    if row.class == SiteClass::Y && expected.is_none() {
        // Without a recorded sex nothing tells that there is a Y.
        return CallCode::NOT_ASSAYED;
    }
    let haploid = expected == Some(1);
    if evidence.is_callable(patient, row.contig, row.site.start, row.site.end) {
        CallCode::inferred_reference(InferredReference::Region, haploid)
    } else if evidence.absent_as_reference {
        CallCode::inferred_reference(InferredReference::Assumption, haploid)
    } else {
        CallCode::NOT_ASSAYED
    }
}

fn reaches(observation: &Observation, site: Site) -> bool {
    observation.start <= site.end && observation.end >= site.start
}

/// The call where the patient has another variant at the site: never reference as a whole.
///
/// Where that variant removes every base of the site, or stands at the same POS in a record that
/// speaks of any allele, its haplotypes have another allele of the site and the others the
/// reference. Anything else is not known.
fn beside_variant(
    row: &RowSite,
    observation: &Observation,
    call: &VariantCall,
    rest_is_reference: impl FnOnce() -> bool,
) -> CallCode {
    let site = row.site;
    let has_reference = call.code != CallCode::NOT_ASSAYED
        && call.code.haplotypes().contains(&Haplotype::Reference);
    let is_removed = call
        .removed
        .is_some_and(|(first, last)| first <= site.start && site.end <= last);
    if is_removed && (!has_reference || !site.adds_bases || call.any_allele) {
        return call.code;
    }
    let same_place = call.any_allele && call.position == row.input_position;
    if same_place && observation.start >= site.start && rest_is_reference() {
        return call.code;
    }
    CallCode::NOT_ASSAYED
}
