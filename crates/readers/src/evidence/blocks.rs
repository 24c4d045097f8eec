//! Reference blocks of one patient on one contig, and what they say of a site.

use varisk_core::Position;

/// What a block says of its bases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockCall {
    /// The call is reference on every haplotype.
    Reference {
        /// Genotype quality, phred; `None` where the block states none.
        gq: Option<u32>,
        /// Lowest depth in the block, reads; `None` where it states none.
        depth: Option<u32>,
        /// The block says "no other allele" (`<NON_REF>` or `<*>`), insertions included. Without it
        /// `0/0` speaks of the bases alone.
        any_allele: bool,
        /// The call has one haplotype.
        haploid: bool,
    },
    /// The bases were looked at and not called.
    NoCall,
}

/// A stretch of bases with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// First base, 1-based.
    pub start: Position,
    /// Last base, inclusive.
    pub end: Position,
    /// What it says.
    pub call: BlockCall,
}

/// The bases that must be shown to be reference for an allele to be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// First base, 1-based.
    pub start: Position,
    /// Last base, inclusive; for an allele that adds bases the base after the place where they go in.
    pub end: Position,
    /// The allele adds bases: only blocks that speak of any allele are evidence against it.
    pub adds_bases: bool,
}

/// How good a block must be to count; what a block does not state is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualityLimits {
    /// Lowest genotype quality, phred.
    pub min_gq: u32,
    /// Lowest depth, reads.
    pub min_depth: u32,
}

/// What the blocks say of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockAnswer {
    /// Every base is shown to be reference, well enough.
    Reference {
        /// Lowest genotype quality of the blocks, phred; `None` where none states it.
        min_gq: Option<u32>,
        /// Lowest depth of the blocks, reads; `None` where none states it.
        min_depth: Option<u32>,
        /// All calls have one haplotype.
        haploid: bool,
    },
    /// A block at the site is reference but not good enough.
    LowQuality,
    /// A block at the site has no call.
    NoCall,
    /// A base of the site has no block.
    Uncovered,
}

/// What blocks say of a site. They come sorted by start; those that do not touch the site are passed
/// over. Where blocks overlap, all of them must be good enough. No call outweighs low quality, and
/// both outweigh a base without a block: the site was looked at.
pub(crate) fn judge(
    blocks: impl IntoIterator<Item = Block>,
    site: Site,
    limits: QualityLimits,
) -> BlockAnswer {
    let (mut min_gq, mut min_depth): (Option<u32>, Option<u32>) = (None, None);
    let lower = |known: Option<u32>, value: Option<u32>| known.into_iter().chain(value).min();
    let (mut no_call, mut low_quality, mut gap, mut all_haploid) = (false, false, false, true);
    let mut next = u64::from(site.start.0);
    for block in blocks {
        if block.end < site.start || block.start > site.end {
            continue;
        }
        match block.call {
            BlockCall::NoCall => no_call = true,
            // Nothing tells how sure the call is: it shows nothing.
            BlockCall::Reference {
                gq: None,
                depth: None,
                ..
            } => continue,
            BlockCall::Reference { any_allele, .. } if site.adds_bases && !any_allele => continue,
            BlockCall::Reference {
                gq, depth, haploid, ..
            } => {
                low_quality |= gq.is_some_and(|gq| gq < limits.min_gq)
                    || depth.is_some_and(|depth| depth < limits.min_depth);
                min_gq = lower(min_gq, gq);
                min_depth = lower(min_depth, depth);
                all_haploid &= haploid;
            }
        }
        gap |= u64::from(block.start.0) > next;
        next = next.max(u64::from(block.end.0) + 1);
    }
    if no_call {
        BlockAnswer::NoCall
    } else if low_quality {
        BlockAnswer::LowQuality
    } else if gap || next <= u64::from(site.end.0) {
        BlockAnswer::Uncovered
    } else {
        BlockAnswer::Reference {
            min_gq,
            min_depth,
            haploid: all_haploid,
        }
    }
}

/// Why a block cannot follow those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Ends before it starts.
    #[error("the block ends before it starts")]
    Reversed,
    /// Begins inside, or before, an earlier block.
    #[error("the block starts at or before the end of an earlier one ({0})")]
    Overlap(Position),
}

/// Blocks of one patient on one contig, in order and without overlap.
///
/// # Memory
/// That of the blocks; [`ReferenceBlocks::forget_before`] drops those that are done with.
#[derive(Clone, Debug, Default)]
pub struct ReferenceBlocks {
    blocks: Vec<Block>,
}

impl ReferenceBlocks {
    /// Adds a block behind the others.
    ///
    /// # Errors
    /// It ends before it starts, or does not lie behind the others.
    pub fn insert(&mut self, block: Block) -> Result<(), BlockError> {
        if block.end < block.start {
            return Err(BlockError::Reversed);
        }
        match self.blocks.last() {
            Some(last) if block.start <= last.end => Err(BlockError::Overlap(last.end)),
            _ => {
                self.blocks.push(block);
                Ok(())
            }
        }
    }

    /// What the blocks say of a site.
    #[must_use]
    pub fn covers(&self, site: Site, limits: QualityLimits) -> BlockAnswer {
        let first = self.blocks.partition_point(|block| block.end < site.start);
        let touching = self.blocks[first..]
            .iter()
            .take_while(|block| block.start <= site.end);
        judge(touching.copied(), site, limits)
    }

    /// Drops the blocks that end before a position.
    pub fn forget_before(&mut self, position: Position) {
        let first = self.blocks.partition_point(|block| block.end < position);
        self.blocks.drain(..first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: QualityLimits = QualityLimits {
        min_gq: 20,
        min_depth: 8,
    };

    fn reference(gq: Option<u32>, depth: Option<u32>, any_allele: bool) -> BlockCall {
        BlockCall::Reference {
            gq,
            depth,
            any_allele,
            haploid: false,
        }
    }

    fn track(blocks: &[(u32, u32, BlockCall)]) -> ReferenceBlocks {
        let mut track = ReferenceBlocks::default();
        for (start, end, call) in blocks {
            track
                .insert(Block {
                    start: Position(*start),
                    end: Position(*end),
                    call: *call,
                })
                .unwrap();
        }
        track
    }

    fn check(blocks: &[(u32, u32, BlockCall)], site: (u32, u32, bool), expected: BlockAnswer) {
        let site = Site {
            start: Position(site.0),
            end: Position(site.1),
            adds_bases: site.2,
        };
        assert_eq!(track(blocks).covers(site, LIMITS), expected, "{site:?}");
    }

    #[test]
    fn a_site_needs_all_its_bases() {
        let good = reference(Some(30), Some(12), true);
        let found = |gq, depth| BlockAnswer::Reference {
            min_gq: Some(gq),
            min_depth: Some(depth),
            haploid: false,
        };
        let pair = [
            (10, 19, good),
            (20, 29, reference(Some(25), Some(40), true)),
        ];
        check(&pair, (10, 10, false), found(30, 12));
        check(&pair, (18, 22, false), found(25, 12));
        check(&pair, (9, 12, false), BlockAnswer::Uncovered);
        check(&pair, (29, 30, true), BlockAnswer::Uncovered);
        check(
            &[(10, 12, good), (14, 20, good)],
            (12, 14, false),
            BlockAnswer::Uncovered,
        );
        check(&[], (1, 1, false), BlockAnswer::Uncovered);
    }

    #[test]
    fn what_was_looked_at_and_not_called_is_said() {
        let good = reference(Some(30), Some(12), true);
        let low_gq = reference(Some(19), Some(12), true);
        let low_depth = reference(Some(99), Some(7), true);
        check(&[(1, 9, low_gq)], (5, 5, false), BlockAnswer::LowQuality);
        check(&[(1, 9, low_depth)], (5, 5, false), BlockAnswer::LowQuality);
        check(
            &[(1, 9, good), (10, 10, BlockCall::NoCall)],
            (9, 10, true),
            BlockAnswer::NoCall,
        );
        check(&[(1, 9, low_gq)], (9, 10, false), BlockAnswer::LowQuality);
    }

    #[test]
    fn bases_alone_are_no_evidence_against_an_insertion() {
        let plain = reference(Some(99), Some(30), false);
        check(&[(1, 9, plain)], (5, 6, true), BlockAnswer::Uncovered);
        let found = BlockAnswer::Reference {
            min_gq: Some(99),
            min_depth: Some(30),
            haploid: false,
        };
        check(&[(1, 9, plain)], (5, 6, false), found);
    }

    #[test]
    fn quality_that_is_not_stated_is_not_judged_but_one_must_be() {
        let found = |min_gq, min_depth| BlockAnswer::Reference {
            min_gq,
            min_depth,
            haploid: false,
        };
        let site = (5, 5, false);
        check(
            &[(1, 9, reference(None, Some(8), true))],
            site,
            found(None, Some(8)),
        );
        check(
            &[(1, 9, reference(Some(20), None, true))],
            site,
            found(Some(20), None),
        );
        check(
            &[(1, 9, reference(None, None, true))],
            site,
            BlockAnswer::Uncovered,
        );
    }

    #[test]
    fn blocks_that_do_not_follow_are_refused() {
        let call = BlockCall::NoCall;
        let block = |start, end| Block {
            start: Position(start),
            end: Position(end),
            call,
        };
        let mut track = track(&[(5, 9, call)]);
        assert_eq!(track.insert(block(12, 11)), Err(BlockError::Reversed));
        assert_eq!(
            track.insert(block(9, 12)),
            Err(BlockError::Overlap(Position(9)))
        );
        assert_eq!(
            track.insert(block(1, 3)),
            Err(BlockError::Overlap(Position(9)))
        );
        assert_eq!(track.insert(block(10, 12)), Ok(()));
    }

    fn call() -> impl Strategy<Value = BlockCall> {
        let number = || prop_oneof![Just(None), (0u32..40).prop_map(Some)];
        prop_oneof![
            1 => Just(BlockCall::NoCall),
            6 => (number(), number(), any::<bool>(), any::<bool>()).prop_map(
                |(gq, depth, any_allele, haploid)| BlockCall::Reference { gq, depth, any_allele, haploid }
            ),
        ]
    }

    proptest! {
        /// Against what each base says alone.
        #[test]
        fn blocks_equal_their_bases(
            parts in prop::collection::vec((0u32..3, 1u32..6, call()), 0..12),
            start in 1u32..40, length in 1u32..8, adds_bases in any::<bool>(), forget in 0u32..40,
        ) {
            let mut bases: Vec<Option<BlockCall>> = vec![None; 200];
            let mut blocks = ReferenceBlocks::default();
            let mut at = 1;
            for (gap, width, call) in parts {
                let (first, last) = (at + gap, at + gap + width - 1);
                blocks.insert(Block { start: Position(first), end: Position(last), call }).unwrap();
                bases[first as usize..=last as usize].fill(Some(call));
                at = last + 1;
            }
            blocks.forget_before(Position(forget.min(start)));
            let site = Site { start: Position(start), end: Position(start + length - 1), adds_bases };
            let seen: Vec<BlockCall> = bases[start as usize..(start + length) as usize]
                .iter()
                .filter_map(|base| *base)
                .filter(|call| match call {
                    BlockCall::NoCall => true,
                    BlockCall::Reference { gq, depth, any_allele, .. } =>
                        (gq.is_some() || depth.is_some()) && (*any_allele || !adds_bases),
                })
                .collect();
            let stated = |pick: fn(&BlockCall) -> Option<u32>| seen.iter().filter_map(pick).min();
            let min_gq = stated(|call| match call {
                BlockCall::Reference { gq, .. } => *gq,
                BlockCall::NoCall => None,
            });
            let min_depth = stated(|call| match call {
                BlockCall::Reference { depth, .. } => *depth,
                BlockCall::NoCall => None,
            });
            let expected = if seen.contains(&BlockCall::NoCall) {
                BlockAnswer::NoCall
            } else if min_gq.is_some_and(|gq| gq < 20) || min_depth.is_some_and(|depth| depth < 8) {
                BlockAnswer::LowQuality
            } else if seen.len() < length as usize {
                BlockAnswer::Uncovered
            } else {
                let haploid = seen.iter().all(|call| matches!(call, BlockCall::Reference { haploid: true, .. }));
                BlockAnswer::Reference { min_gq, min_depth, haploid }
            };
            prop_assert_eq!(blocks.covers(site, LIMITS), expected);
        }
    }
}
