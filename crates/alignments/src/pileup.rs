//! The reads that lie over the sites at hand, and what they show together.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use varisk_core::SiteEvidence;

use crate::filters::AlignmentFilters;
use crate::likelihood::GenotypeLikelihoods;
use crate::overlap;
use crate::read::AlignedRead;
use crate::site::{Shown, SitePlan};

/// What the reads show at a site, and how likely they make each genotype.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiteReads {
    /// Counts and sums.
    pub evidence: SiteEvidence,
    /// Likelihoods of the genotypes.
    pub likelihoods: GenotypeLikelihoods,
}

/// Reads that may still be asked. Buffers of reads that left are used again.
///
/// # Memory
/// That of the reads over one place: it grows with depth, not with the length of the file.
#[derive(Debug, Default)]
pub(crate) struct Pileup {
    /// Filled in by the stream, and not yet one of the others.
    incoming: AlignedRead,
    slots: Vec<AlignedRead>,
    free: Vec<usize>,
    active: Vec<usize>,
    /// Reads whose mate is still to come, by a hash of their name.
    waiting: HashMap<u64, usize>,
    scratch: Vec<u8>,
}

impl Pileup {
    /// Forgets all reads.
    pub(crate) fn clear(&mut self) {
        self.free.append(&mut self.active);
        self.waiting.clear();
    }

    /// A read to be filled in; [`Pileup::push`] takes it in.
    pub(crate) fn buffer(&mut self) -> &mut AlignedRead {
        &mut self.incoming
    }

    /// Takes in the read of [`Pileup::buffer`].
    pub(crate) fn push(&mut self) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(AlignedRead::default());
            self.slots.len() - 1
        });
        std::mem::swap(&mut self.slots[slot], &mut self.incoming);
        self.active.push(slot);
        if !overlap::may_overlap(&self.slots[slot]) {
            return;
        }
        let key = key(&self.slots[slot].name);
        match self.waiting.get(&key).copied() {
            Some(mate) if self.slots[mate].name == self.slots[slot].name => {
                self.waiting.remove(&key);
                if let Ok([first, second]) = self.slots.get_disjoint_mut([mate, slot]) {
                    overlap::settle(first, second);
                }
            }
            // Two names with one hash: the second one goes unpaired.
            Some(_) => {}
            None if overlap::awaits_mate(&self.slots[slot]) => {
                self.waiting.insert(key, slot);
            }
            None => {}
        }
    }

    /// Lets reads go that end at or before a 0-based position.
    fn release(&mut self, position: u32) {
        let (slots, free, waiting) = (&self.slots, &mut self.free, &mut self.waiting);
        self.active.retain(|slot| {
            let read = &slots[*slot];
            if read.end > position {
                return true;
            }
            if overlap::may_overlap(read) && overlap::awaits_mate(read) {
                let key = key(&read.name);
                if waiting.get(&key) == Some(slot) {
                    waiting.remove(&key);
                }
            }
            free.push(*slot);
            false
        });
    }

    /// Asks the reads at a site; all reads that start at or before it must be here, and sites must
    /// come in order.
    pub(crate) fn resolve(&mut self, plan: &SitePlan, filters: AlignmentFilters) -> SiteReads {
        self.release(plan.start);
        let mut site = SiteReads::default();
        for slot in &self.active {
            let read = &mut self.slots[*slot];
            let Some(seen) = plan.observe(read, &mut self.scratch) else {
                continue;
            };
            if seen.quality < filters.min_base_quality {
                continue;
            }
            let evidence = &mut site.evidence;
            let allele = match seen.shown {
                Shown::Reference => &mut evidence.reference,
                Shown::Alternate => &mut evidence.alternate,
                Shown::Other => &mut evidence.other,
            };
            let strand = if read.is_forward() {
                &mut allele.forward
            } else {
                &mut allele.reverse
            };
            *strand = strand.saturating_add(1);
            allele.base_quality = allele.base_quality.saturating_add(seen.quality.into());
            allele.mapping_quality = allele
                .mapping_quality
                .saturating_add(read.mapping_quality.into());
            evidence.soft_clipped = evidence
                .soft_clipped
                .saturating_add(read.soft_clipped.into());
            site.likelihoods
                .add(seen.shown, seen.quality, read.mapping_quality);
        }
        site
    }
}

fn key(name: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(name);
    hasher.finish()
}
