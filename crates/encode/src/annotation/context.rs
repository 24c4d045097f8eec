//! What the reference looks like around a position.

use varisk_reference::ReferenceError;

use crate::Bases;
use crate::bases::is_acgt;
use crate::window::Site;

/// Bases to either side of POS that `context.gc_fraction` looks at (21 with POS itself). A
/// convention of varisk: part of the feature's meaning, so it never changes under the same name.
pub const GC_RADIUS: usize = 10;

/// Bases to either side of POS that `context.homopolymer_run` looks at, so that the run is at most
/// 101. It bounds the bases read for a row; part of the feature's meaning like [`GC_RADIUS`].
pub const HOMOPOLYMER_RADIUS: usize = 50;

const RADIUS: usize = if GC_RADIUS > HOMOPOLYMER_RADIUS {
    GC_RADIUS
} else {
    HOMOPOLYMER_RADIUS
};

/// Reference bases around POS of one row; POS is at index [`RADIUS`].
#[derive(Clone, Debug)]
pub(crate) struct ContextScratch {
    bases: [u8; 2 * RADIUS + 1],
}

impl Default for ContextScratch {
    fn default() -> Self {
        Self {
            bases: [b'N'; 2 * RADIUS + 1],
        }
    }
}

impl ContextScratch {
    pub(crate) fn load<B: Bases + ?Sized>(
        &mut self,
        site: &Site<'_>,
        bases: &mut B,
    ) -> Result<(), ReferenceError> {
        bases.fill(site.contig, site.offset() - RADIUS as i64, &mut self.bases)
    }

    /// Missing where no base within the radius is A, C, G or T.
    pub(super) fn gc_fraction(&self) -> Option<f64> {
        let near = &self.bases[RADIUS - GC_RADIUS..=RADIUS + GC_RADIUS];
        let known = near.iter().filter(|base| is_acgt(**base)).count();
        let gc = near
            .iter()
            .filter(|base| matches!(**base, b'G' | b'C'))
            .count();
        (known > 0).then(|| gc as f64 / known as f64)
    }

    /// Missing where the base at POS, or the neighbour that decides, is not A, C, G or T.
    pub(super) fn is_cpg(&self) -> Option<bool> {
        let decided = |neighbour: u8, partner| is_acgt(neighbour).then_some(neighbour == partner);
        match self.bases[RADIUS] {
            b'C' => decided(self.bases[RADIUS + 1], b'G'),
            b'G' => decided(self.bases[RADIUS - 1], b'C'),
            b'A' | b'T' => Some(false),
            _ => None,
        }
    }

    /// Missing where the base at POS is not A, C, G or T.
    pub(super) fn homopolymer_run(&self) -> Option<u32> {
        let own = self.bases[RADIUS];
        let near = &self.bases[RADIUS - HOMOPOLYMER_RADIUS..=RADIUS + HOMOPOLYMER_RADIUS];
        let (before, from) = near.split_at(HOMOPOLYMER_RADIUS);
        let same = |base: &&u8| **base == own;
        let run =
            before.iter().rev().take_while(same).count() + from.iter().take_while(same).count();
        is_acgt(own).then_some(run as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Memory;
    use varisk_core::ContigId;

    fn check(genome: &str, position: u32, gc: Option<f64>, cpg: Option<bool>, run: Option<u32>) {
        let site = Site {
            contig: ContigId(0),
            position,
            reference: b"A",
            alternate: b"C",
        };
        let mut context = ContextScratch::default();
        context.load(&site, &mut Memory::new(&[genome])).unwrap();
        assert_eq!(context.gc_fraction(), gc, "{genome}:{position}");
        assert_eq!(context.is_cpg(), cpg, "{genome}:{position}");
        assert_eq!(context.homopolymer_run(), run, "{genome}:{position}");
    }

    #[test]
    fn contexts() {
        check("ACGT", 1, Some(0.5), Some(false), Some(1));
        check("ACGT", 2, Some(0.5), Some(true), Some(1));
        check("ACGT", 3, Some(0.5), Some(true), Some(1));
        check("GAAAT", 3, Some(0.2), Some(false), Some(3));
        check("AC", 2, Some(0.5), None, Some(1));
        check("ANA", 2, Some(0.0), None, None);
        check("NNN", 2, None, None, None);
        check(&"A".repeat(300), 150, Some(0.0), Some(false), Some(101));
        check(
            &format!("{}G", "A".repeat(11)),
            1,
            Some(0.0),
            Some(false),
            Some(11),
        );
        check(
            &format!("{}G", "A".repeat(10)),
            1,
            Some(1.0 / 11.0),
            Some(false),
            Some(10),
        );
    }
}
