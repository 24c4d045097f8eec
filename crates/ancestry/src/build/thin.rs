//! Thinning: an even choice of sites that does not depend on how many are still to come.

use super::Candidate;

/// Keeps the sites whose hashed positions are lowest: any stretch of the genome loses the same
/// share.
#[derive(Debug)]
pub(super) struct Thinned {
    most: usize,
    sites: Vec<(u64, Candidate)>,
}

impl Thinned {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            sites: Vec::new(),
        }
    }

    /// Adds a site; returns how many were left out.
    pub(super) fn push(&mut self, site: Candidate) -> u64 {
        let place = u64::from(site.chromosome) << 32 | u64::from(site.site.position.0);
        self.sites.push((mix(place), site));
        // Twice as many as wanted, so that sorting is rare.
        if self.sites.len() < self.most.saturating_mul(2) {
            return 0;
        }
        self.cut()
    }

    fn cut(&mut self) -> u64 {
        let before = self.sites.len();
        self.sites.sort_unstable_by_key(|(hash, _)| *hash);
        self.sites.truncate(self.most);
        (before - self.sites.len()) as u64
    }

    /// The sites by contig number and position, and how many more were left out.
    pub(super) fn finish(mut self) -> (Vec<Candidate>, u64) {
        let left_out = self.cut();
        let mut sites: Vec<Candidate> = self.sites.into_iter().map(|(_, site)| site).collect();
        sites.sort_unstable_by_key(|site| (site.chromosome, site.site.position));
        (sites, left_out)
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a permutation of 64-bit numbers.
pub(super) fn mix(mut value: u64) -> u64 {
    value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}
