//! Made-up people, for tests.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float32Array, RecordBatch, StringArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use varisk_core::{CallCode, CallMatrix, ContigSet, Haplotype, SiteBatch, site_schema};

use crate::{Panel, PanelBuilder, PanelSample, PanelSettings};

/// A fixed stream of numbers.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits (SplitMix64).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Uniform in [0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

/// One allele of a file and the genotypes at it: 0 to 2, 3 missing, 4 not assayed, 5 assumed
/// reference.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) contig: u32,
    pub(crate) position: u32,
    pub(crate) reference: String,
    pub(crate) alternate: String,
    pub(crate) genotypes: Vec<u8>,
}

/// Index of X among the contigs.
pub(crate) const X: u32 = 22;

/// The autosomes and X, which is the last.
pub(crate) fn contigs() -> Arc<ContigSet> {
    let autosomes = (1..=X).map(|number| format!("chr{number}"));
    let names = autosomes.chain(["chrX".to_owned()]);
    Arc::new(ContigSet::new(names.map(|name| (name, 250_000_000))))
}

pub(crate) fn code(genotype: u8) -> CallCode {
    use Haplotype::{Alternate, Reference};
    match genotype {
        0 => CallCode::HOMOZYGOUS_REFERENCE,
        1 => CallCode::diploid(Reference, Alternate, false),
        2 => CallCode::diploid(Alternate, Alternate, true),
        3 => CallCode::MISSING,
        5 => CallCode::inferred_reference(varisk_core::InferredReference::Assumption, false),
        _ => CallCode::NOT_ASSAYED,
    }
}

/// A batch of rows, with the genotypes of the chosen people.
pub(crate) fn batch(number: u64, rows: &[Row], people: &[usize]) -> SiteBatch {
    let mut calls = CallMatrix::with_capacity(people.len(), rows.len());
    for row in rows {
        let codes = calls.push_row(CallCode::MISSING);
        for (byte, person) in codes.iter_mut().zip(people) {
            *byte = code(row.genotypes[*person]).0;
        }
    }
    let n = rows.len();
    let numbers = |of: &dyn Fn(&Row) -> u32| {
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(of))) as ArrayRef
    };
    let text = |of: &dyn Fn(&Row) -> String| {
        Arc::new(StringArray::from_iter_values(rows.iter().map(of))) as ArrayRef
    };
    let none = || Arc::new(StringArray::from(vec![None::<&str>; n])) as ArrayRef;
    let columns: Vec<ArrayRef> = vec![
        numbers(&|row| row.contig),
        numbers(&|row| row.position),
        text(&|row| row.reference.clone()),
        text(&|row| row.alternate.clone()),
        Arc::new(UInt64Array::from(vec![None::<u64>; n])),
        text(&|_| "snv".to_owned()),
        numbers(&|row| row.position),
        text(&|row| row.reference.clone()),
        text(&|row| row.alternate.clone()),
        Arc::new(UInt16Array::from(vec![1; n])),
        none(),
        Arc::new(Float32Array::from(vec![None::<f32>; n])),
        none(),
        Arc::new(UInt8Array::from_iter_values(
            rows.iter().map(|row| u8::from(row.contig == X)),
        )),
        none(),
    ];
    let sites = RecordBatch::try_new(site_schema(&[]), columns).unwrap();
    SiteBatch::try_new(number, contigs(), sites, calls).unwrap()
}

/// People of several populations at unlinked sites, by the model of Balding and Nichols: frequencies
/// of a population scatter around the ancestral ones as `fst` says.
pub(crate) struct World {
    pub(crate) rows: Vec<Row>,
    pub(crate) populations: Vec<usize>,
}

impl World {
    pub(crate) fn new(sizes: &[usize], sites: usize, fst: f64, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let populations: Vec<usize> = sizes
            .iter()
            .enumerate()
            .flat_map(|(population, size)| std::iter::repeat_n(population, *size))
            .collect();
        let rows = (0..sites)
            .map(|site| {
                // Common in every population, so that no filter drops the site.
                let frequencies = loop {
                    let ancestral = 0.15 + 0.35 * random.uniform();
                    let spread = (fst * ancestral * (1.0 - ancestral)).sqrt();
                    let drawn: Vec<f64> = sizes
                        .iter()
                        .map(|_| ancestral + spread * random.normal())
                        .collect();
                    if drawn.iter().all(|p| (0.12..0.88).contains(p)) {
                        break drawn;
                    }
                };
                let genotypes = populations
                    .iter()
                    .map(|population| {
                        let p = frequencies[*population];
                        u8::from(random.uniform() < p) + u8::from(random.uniform() < p)
                    })
                    .collect();
                Row {
                    contig: (site % 2 == 1) as u32,
                    position: 1_000 + 5_000 * (site as u32 / 2),
                    reference: "A".to_owned(),
                    alternate: "G".to_owned(),
                    genotypes,
                }
            })
            .collect::<Vec<Row>>();
        let mut world = Self { rows, populations };
        world.rows.sort_by_key(|row| (row.contig, row.position));
        world
    }

    pub(crate) fn people(&self) -> Vec<usize> {
        (0..self.populations.len()).collect()
    }

    /// The same people at each population's turn: every `k`-th one, from the first.
    pub(crate) fn every(&self, k: usize, from: usize) -> Vec<usize> {
        self.people()
            .into_iter()
            .filter(|i| i % k == from)
            .collect()
    }

    /// A panel of the chosen people, all for training.
    pub(crate) fn panel(&self, people: &[usize], settings: PanelSettings) -> Panel {
        let sample = |person: &usize| PanelSample {
            population: format!("P{}", self.populations[*person]),
            is_training: true,
        };
        let mut builder = PanelBuilder::new(settings, people.iter().map(sample).collect()).unwrap();
        for (number, rows) in self.rows.chunks(97).enumerate() {
            builder
                .observe(&batch(number as u64, rows, people))
                .unwrap();
        }
        builder.finish(2).unwrap()
    }
}

/// Settings that keep every site of a [`World`].
pub(crate) fn loose(components: usize) -> PanelSettings {
    PanelSettings {
        name: "made-up".to_owned(),
        release: "1".to_owned(),
        components,
        maximum_r2: 1.0,
        ..PanelSettings::default()
    }
}
