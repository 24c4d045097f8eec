//! The toy genome: five contigs with repeats, stretches of N, soft masking, genes.

use std::ops::Range;

use super::genes::{self, Gene};
use crate::random::Random;
use crate::sequence::background;

/// Contigs: name and length in bases.
pub(crate) const CONTIGS: [(&str, usize); 5] = [
    ("chr1", 200_000),
    ("chr2", 100_000),
    ("chrX", 100_000),
    ("chrY", 40_000),
    ("chrM", 16_000),
];

/// Index of X in [`CONTIGS`].
pub(crate) const X: usize = 2;
/// Index of Y in [`CONTIGS`].
pub(crate) const Y: usize = 3;
/// Index of the mitochondrion in [`CONTIGS`].
pub(crate) const M: usize = 4;

/// Pseudoautosomal regions: contig and range, 0-based, half-open. Those of Y repeat those of X.
pub(crate) const PSEUDOAUTOSOMAL: [(usize, Range<usize>); 4] = [
    (X, 0..20_000),
    (X, 95_000..100_000),
    (Y, 0..20_000),
    (Y, 35_000..40_000),
];

/// Stretches of N: contig and range, 0-based, half-open.
const UNKNOWN: [(usize, Range<usize>); 5] = [
    (0, 0..1_000),
    (0, 100_000..100_500),
    (1, 0..500),
    (X, 0..200),
    (Y, 30_000..30_400),
];

/// The genome.
pub(crate) struct Genome {
    /// Bases in upper case.
    pub(crate) contigs: Vec<Vec<u8>>,
    /// Homopolymers and tandem repeats: contig and range, 0-based, half-open.
    pub(crate) repeats: Vec<(usize, Range<usize>)>,
    pub(crate) genes: Vec<Gene>,
    /// Ranges written in lower case.
    masked: Vec<(usize, Range<usize>)>,
}

impl Genome {
    /// Makes the genome.
    pub(crate) fn new(random: &mut Random) -> Self {
        let mut contigs: Vec<Vec<u8>> = CONTIGS
            .iter()
            .map(|(_, length)| background(random, *length))
            .collect();
        let mut repeats = Vec::new();
        for (index, contig) in contigs.iter_mut().enumerate() {
            let placed = place_repeats(random, contig);
            repeats.extend(placed.into_iter().map(|range| (index, range)));
        }
        let genes = genes::embed(random, &mut contigs);
        for (contig, range) in UNKNOWN {
            contigs[contig][range].fill(b'N');
        }
        for pair in [(0, 2), (1, 3)] {
            let (x, y) = (&PSEUDOAUTOSOMAL[pair.0].1, &PSEUDOAUTOSOMAL[pair.1].1);
            let shared = contigs[X][x.clone()].to_vec();
            contigs[Y][y.clone()].copy_from_slice(&shared);
        }
        // What genes, N or the copy of X have overwritten is no repeat any more.
        let intact = |(index, range): &(usize, Range<usize>)| {
            let gone = genes.iter().any(|gene| {
                gene.contig == *index
                    && gene.span().start < range.end
                    && range.start < gene.span().end
            });
            let unknown = contigs[*index][range.clone()].contains(&b'N');
            !gone && !unknown && (*index != Y || !is_pseudoautosomal(*index, range.start))
        };
        repeats.retain(intact);

        let mut masked = repeats.clone();
        for (index, contig) in contigs.iter().enumerate() {
            let mut start = 2_000;
            while start + 2_000 < contig.len() {
                let range = start..start + random.between(200, 1_500) as usize;
                let coding = genes.iter().any(|gene| {
                    gene.contig == index
                        && gene.span().start < range.end
                        && range.start < gene.span().end
                });
                start = range.end + random.between(1_000, 4_000) as usize;
                if !coding {
                    masked.push((index, range));
                }
            }
        }
        Self {
            contigs,
            repeats,
            genes,
            masked,
        }
    }

    /// A base, 0-based; N beyond the ends.
    pub(crate) fn base(&self, contig: usize, position: i64) -> u8 {
        usize::try_from(position)
            .ok()
            .and_then(|position| self.contigs[contig].get(position))
            .copied()
            .unwrap_or(b'N')
    }

    /// Bases as text.
    pub(crate) fn text(&self, contig: usize, range: Range<usize>) -> String {
        String::from_utf8_lossy(&self.contigs[contig][range]).into_owned()
    }

    /// Whether a range lies on the contig and has no N.
    pub(crate) fn is_known(&self, contig: usize, range: Range<usize>) -> bool {
        self.contigs[contig]
            .get(range)
            .is_some_and(|bases| !bases.contains(&b'N'))
    }

    /// The contigs with their soft-masked stretches in lower case.
    pub(crate) fn masked_contigs(&self) -> Vec<Vec<u8>> {
        let mut contigs = self.contigs.clone();
        for (contig, range) in &self.masked {
            contigs[*contig][range.clone()].make_ascii_lowercase();
        }
        contigs
    }
}

/// Whether a position, 0-based, lies in a pseudoautosomal region.
pub(crate) fn is_pseudoautosomal(contig: usize, position: usize) -> bool {
    PSEUDOAUTOSOMAL
        .iter()
        .any(|(index, range)| *index == contig && range.contains(&position))
}

/// `par.bed`.
pub(crate) fn par_bed() -> String {
    let line = |(contig, range): (usize, Range<usize>)| {
        format!("{}\t{}\t{}\n", CONTIGS[contig].0, range.start, range.end)
    };
    PSEUDOAUTOSOMAL.map(line).concat()
}

/// Writes a homopolymer or a short tandem repeat every few hundred bases.
fn place_repeats(random: &mut Random, contig: &mut [u8]) -> Vec<Range<usize>> {
    let mut placed = Vec::new();
    let mut start = 300;
    loop {
        let unit_length = random.pick(&[1, 1, 1, 2, 2, 3, 4]);
        let copies = match unit_length {
            1 => random.between(6, 22),
            2 => random.between(4, 14),
            3 => random.between(4, 9),
            _ => random.between(3, 7),
        } as usize;
        let unit: Vec<u8> = if unit_length == 1 {
            vec![random.pick(b"AAATTTCG")]
        } else {
            background(random, unit_length)
        };
        let range = start..start + unit_length * copies;
        if range.end + 100 > contig.len() {
            return placed;
        }
        contig[range.clone()].copy_from_slice(&unit.repeat(copies));
        start = range.end + random.between(300, 900) as usize;
        placed.push(range);
    }
}
