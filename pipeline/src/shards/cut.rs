//! Cutting the genome into stretches of equal work.

use varisk_core::{ContigSet, Interval, Position};
use varisk_readers::Regions;

/// Windows of the genome, at least: what is told apart when it is cut.
const WINDOWS: u64 = 4_096;
/// Windows for each shard, at least.
const WINDOWS_OF_A_SHARD: u64 = 64;

/// Windows of nearly equal length that are the whole genome, in the order of the contigs. The first of
/// a contig has POS 0 in it, the last all that lies beyond its end.
pub(super) fn windows(contigs: &ContigSet, shards: u32) -> Vec<Interval> {
    let genome: u64 = contigs.iter().map(|(_, _, length)| u64::from(length)).sum();
    let wanted = WINDOWS.max(WINDOWS_OF_A_SHARD * u64::from(shards));
    let size = u32::try_from(genome.div_ceil(wanted))
        .unwrap_or(u32::MAX)
        .max(1);
    let mut windows = Vec::new();
    for (contig, _, length) in contigs.iter() {
        let mut start = 0;
        while start == 0 || start <= length {
            let is_last = length.saturating_sub(start) < size;
            let end = if is_last { u32::MAX } else { start + size - 1 };
            windows.push(Interval {
                contig,
                start: Position(start),
                end: Position(end),
            });
            if is_last {
                break;
            }
            start += size;
        }
    }
    windows
}

/// Which windows a run reads anything of.
pub(super) fn read_by(windows: &[Interval], regions: &Regions) -> Vec<bool> {
    let Some(intervals) = regions.intervals() else {
        return vec![true; windows.len()];
    };
    let is_read = |window: &Interval| {
        let first =
            intervals.partition_point(|own| (own.contig, own.end) < (window.contig, window.start));
        intervals
            .get(first)
            .is_some_and(|own| own.contig == window.contig && own.start <= window.end)
    };
    windows.iter().map(is_read).collect()
}

/// A shard's stretches with its share of the weight.
#[derive(Debug, PartialEq)]
pub(super) struct Piece {
    pub(super) stretches: Vec<Interval>,
    pub(super) weight: f64,
}

/// Cuts windows into pieces of equal weight, in order: at most `count`, fewer where a window weighs
/// more than a piece. None is without weight but a single one.
pub(super) fn cut(windows: &[Interval], weights: &[f64], count: u32) -> Vec<Piece> {
    let total: f64 = weights.iter().sum();
    let count = f64::from(count);
    let mut pieces: Vec<Piece> = Vec::new();
    let mut before = 0.0;
    let mut current = 0.0;
    for (window, weight) in windows.iter().zip(weights) {
        // A window belongs to the piece in which its middle lies.
        let share = (before + weight / 2.0) / total;
        let piece = (share * count).floor().min(count - 1.0);
        before += weight;
        match pieces.last_mut() {
            Some(last) if piece == current || *weight == 0.0 || last.weight == 0.0 => {
                if *weight > 0.0 {
                    current = piece;
                }
                last.weight += weight;
                match last.stretches.last_mut() {
                    Some(stretch) if stretch.contig == window.contig => stretch.end = window.end,
                    _ => last.stretches.push(*window),
                }
            }
            _ => {
                current = piece;
                pieces.push(Piece {
                    stretches: vec![*window],
                    weight: *weight,
                });
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contigs() -> ContigSet {
        ContigSet::new([
            ("chr1".to_owned(), 100_000),
            ("chr2".to_owned(), 7),
            ("chr3".to_owned(), 1),
        ])
    }

    #[test]
    fn windows_and_pieces_are_the_genome() {
        let contigs = contigs();
        for shards in [1, 2, 5, 64, 1000] {
            let windows = windows(&contigs, shards);
            let rising: Vec<f64> = (0..windows.len()).map(|at| (at % 7) as f64).collect();
            for weights in [vec![1.0; windows.len()], vec![0.0; windows.len()], rising] {
                let pieces = cut(&windows, &weights, shards);
                assert!(!pieces.is_empty() && pieces.len() <= shards as usize);
                let all: Vec<Interval> = pieces
                    .iter()
                    .flat_map(|piece| piece.stretches.clone())
                    .collect();
                for (contig, _, length) in contigs.iter() {
                    for position in (0..=length + 1).step_by(1 + length as usize / 500) {
                        let owners = all
                            .iter()
                            .filter(|own| own.contains(contig, Position(position)));
                        assert_eq!(owners.count(), 1, "{shards} shards, {position}");
                    }
                }
                let sum: f64 = pieces.iter().map(|piece| piece.weight).sum();
                assert!((sum - weights.iter().sum::<f64>()).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn pieces_weigh_the_same() {
        let windows = windows(&contigs(), 4);
        let mut weights = vec![0.0; windows.len()];
        // All the weight lies in one tenth of the genome.
        weights[1000..1400].fill(3.0);
        let pieces = cut(&windows, &weights, 4);
        assert_eq!(pieces.len(), 4);
        for piece in &pieces {
            assert!((piece.weight - 300.0).abs() <= 3.0, "{}", piece.weight);
        }
        // One window outweighs all: it cannot be cut.
        weights.fill(0.0);
        weights[5] = 1.0;
        assert_eq!(cut(&windows, &weights, 4).len(), 1);
    }

    #[test]
    fn windows_outside_the_regions_weigh_nothing() {
        let contigs = contigs();
        let windows = windows(&contigs, 1);
        let regions =
            Regions::parse(&["chr1:500-600".to_owned(), "chr2".to_owned()], &contigs).unwrap();
        let read = read_by(&windows, &regions);
        for (window, is_read) in windows.iter().zip(&read) {
            let name = contigs.name(window.contig);
            let expected = match name {
                "chr1" => window.start.0 <= 600 && window.end.0 >= 500,
                other => other == "chr2",
            };
            assert_eq!(*is_read, expected, "{name}:{}", window.start.0);
        }
        assert!(read_by(&windows, &Regions::all()).iter().all(|own| *own));
    }
}
