//! The products of large matrices of genotypes, in blocks, so that only a block of sites is ever
//! held as numbers.

use nalgebra::{DMatrix, DMatrixView};

use crate::genotype::{MISSING, Packed};
use crate::site::PanelSite;

/// Sites decoded at once: with 4,000 samples 16 MiB, twice.
const BLOCK_SITES: usize = 512;
/// Samples on a side of a tile: a unit of work for a thread.
const TILE: usize = 256;

/// A kept site and the genotypes of the training samples.
pub(crate) type TrainingSite<'a> = (&'a PanelSite, &'a Packed);

/// Standardised genotype of each number of copies; a missing one takes the mean, 0.
fn standardised(site: &PanelSite) -> [f64; 4] {
    let (mean, deviation) = site.scale();
    let value = |copies: f64| (copies - mean) / deviation;
    let mut values = [value(0.0), value(1.0), value(2.0), 0.0];
    values[usize::from(MISSING)] = 0.0;
    values
}

/// Standardised genotypes of a block, shape (sites, samples).
fn decode(sites: &[TrainingSite<'_>], samples: usize) -> DMatrix<f64> {
    let mut block = DMatrix::zeros(sites.len(), samples);
    for (row, (site, genotypes)) in sites.iter().enumerate() {
        let values = standardised(site);
        for sample in 0..samples {
            block[(row, sample)] = values[usize::from(genotypes.genotype(sample))];
        }
    }
    block
}

/// Product of the standardised genotypes of every pair of samples, summed over sites: shape
/// (samples, samples). The order of summation does not depend on the number of threads.
pub(crate) fn gram(sites: &[TrainingSite<'_>], samples: usize, threads: usize) -> DMatrix<f64> {
    let starts: Vec<usize> = (0..samples).step_by(TILE).collect();
    let size = |start: usize| TILE.min(samples - start);
    let mut tiles: Vec<(usize, usize, DMatrix<f64>)> = starts
        .iter()
        .flat_map(|row| starts.iter().map(move |column| (*row, *column)))
        .filter(|(row, column)| column <= row)
        .map(|(row, column)| (row, column, DMatrix::zeros(size(row), size(column))))
        .collect();
    let share = tiles.len().div_ceil(threads.max(1)).max(1);
    for sites in sites.chunks(BLOCK_SITES) {
        let block = decode(sites, samples);
        let transposed = block.transpose();
        std::thread::scope(|scope| {
            for tiles in tiles.chunks_mut(share) {
                let (block, transposed) = (&block, &transposed);
                scope.spawn(move || {
                    for (row, column, tile) in tiles {
                        let left = transposed.rows(*row, tile.nrows());
                        let right = block.columns(*column, tile.ncols());
                        tile.gemm(1.0, &left, &right, 1.0);
                    }
                });
            }
        });
    }
    let mut gram = DMatrix::zeros(samples, samples);
    for (row, column, tile) in tiles {
        for ((i, j), value) in indices(&tile).zip(tile.iter()) {
            gram[(row + i, column + j)] = *value;
            gram[(column + j, row + i)] = *value;
        }
    }
    gram
}

/// Row and column of each element, in the order of storage.
fn indices(matrix: &DMatrix<f64>) -> impl Iterator<Item = (usize, usize)> + use<> {
    let (rows, columns) = matrix.shape();
    (0..columns).flat_map(move |column| (0..rows).map(move |row| (row, column)))
}

/// Product of the standardised genotypes, shape (sites, samples), with a matrix of shape (samples,
/// columns); row-major.
pub(crate) fn times(sites: &[TrainingSite<'_>], right: DMatrixView<'_, f64>) -> Vec<f64> {
    let mut product = Vec::with_capacity(sites.len() * right.ncols());
    for sites in sites.chunks(BLOCK_SITES) {
        let block = decode(sites, right.nrows()) * right;
        product.extend(block.transpose().iter());
    }
    product
}
