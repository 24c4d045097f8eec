//! Pruning of sites that say the same: a greedy window over the kept sites.
//!
//! A site is dropped if its squared correlation with a site that was kept before it, within the
//! window, exceeds the limit; the first of a correlated pair always stays. `plink2
//! --indep-pairwise` gives the same guarantee (no kept pair within the window exceeds the limit) but
//! chooses by frequency which of a pair goes, for which it needs the whole window at once.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::genotype::Packed;

/// The kept sites of the window.
#[derive(Debug, Default)]
pub(crate) struct Pruner {
    contig: u8,
    kept: VecDeque<(u32, Arc<Packed>)>,
}

impl Pruner {
    /// Whether a site stays; sites must come in the order of their contigs and positions. `window`
    /// is in bases.
    pub(crate) fn keep(
        &mut self,
        (contig, position): (u8, u32),
        genotypes: &Arc<Packed>,
        window: u32,
        maximum_r2: f64,
    ) -> bool {
        if self.contig != contig {
            self.kept.clear();
            self.contig = contig;
        }
        while let Some((first, _)) = self.kept.front()
            && position.saturating_sub(*first) > window
        {
            self.kept.pop_front();
        }
        // The nearest site is the likeliest to be correlated, so most sites are dropped at once.
        let correlated = self.kept.iter().rev();
        let mut correlated = correlated.map(|(_, kept)| kept.r2(genotypes));
        if correlated.any(|r2| r2 > maximum_r2) {
            return false;
        }
        self.kept.push_back((position, Arc::clone(genotypes)));
        true
    }
}
