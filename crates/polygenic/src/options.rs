//! What the user decides about scoring files.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use varisk_core::{ContigId, ContigSet, GenomeBuild, Interval, PloidyMap, Position};

/// What to do with A/T and C/G alleles, which read the same on both strands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AmbiguousStrand {
    /// Leave the row out, as pgsc_calc does by default.
    #[default]
    Drop,
    /// Take the row as written on the forward strand.
    Keep,
    /// Compare the file's frequency of the effect allele with that of the data: both must differ
    /// from one half by [`FREQUENCY_MARGIN`].
    ByFrequency,
}

/// How far from one half both frequencies must be to tell the strand. Within it, sampling and
/// differences between populations could turn the minor allele around.
pub const FREQUENCY_MARGIN: f64 = 0.1;

/// What to do with several rows of one score for one allele.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DuplicateRows {
    /// Refuse the score.
    Refuse,
    /// Add all of them.
    Sum,
    /// Leave all of them out with the reason `duplicate_row`, as pgscatalog-match does by default:
    /// such rows mostly come of remapping, and which one is meant cannot be known.
    #[default]
    Drop,
}

/// What to do with rows of a kind that varisk does not score, such as HLA alleles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnsupportedRows {
    /// Refuse the file.
    #[default]
    Refuse,
    /// Leave the row out; its weight counts as lost.
    Drop,
}

/// Names of a custom table's columns. A name that is given must be in the table; one that is not
/// given is looked for under its name in the PGS Catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnNames {
    /// Contig (`chr_name`).
    pub contig: Option<String>,
    /// Position, 1-based (`chr_position`).
    pub position: Option<String>,
    /// The allele whose copies are weighed (`effect_allele`).
    pub effect_allele: Option<String>,
    /// The other allele (`other_allele`).
    pub other_allele: Option<String>,
    /// Weights (`effect_weight`); each column is a score of its own.
    pub weights: Vec<String>,
    /// Identifier (`rsID`).
    pub rsid: Option<String>,
    /// Frequency of the effect allele (`allelefrequency_effect`).
    pub frequency: Option<String>,
}

/// A scoring file and how to read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScoreSource {
    /// The file: plain text, gzip or BGZF.
    pub path: PathBuf,
    /// Columns of a custom table.
    pub columns: ColumnNames,
}

impl ScoreSource {
    /// A file whose columns have the names of the PGS Catalog, or the layout of a plink table.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            columns: ColumnNames::default(),
        }
    }
}

/// What the user decides about all files of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanOptions {
    /// The run's build.
    pub build: GenomeBuild,
    /// The user's word that files which name no build (`NR` or nothing) are on the run's build.
    pub assume_build: bool,
    /// A/T and C/G alleles.
    pub ambiguous: AmbiguousStrand,
    /// Several rows of one score for one allele.
    pub duplicates: DuplicateRows,
    /// Rows of a kind that varisk does not score.
    pub unsupported: UnsupportedRows,
    /// Whether dosages will be divided by their standard deviation: weights are then rounded more
    /// coarsely, so that sums have room for terms up to 1,024 times larger.
    pub scaled: bool,
    /// Pseudoautosomal regions of a genome that varisk does not know; those of the build where there
    /// are none.
    pub pseudoautosomal: Option<Vec<Interval>>,
}

impl PlanOptions {
    /// The defaults on a build.
    #[must_use]
    pub fn new(build: GenomeBuild) -> Self {
        Self {
            build,
            assume_build: false,
            ambiguous: AmbiguousStrand::default(),
            duplicates: DuplicateRows::default(),
            unsupported: UnsupportedRows::default(),
            scaled: false,
            pseudoautosomal: None,
        }
    }

    /// What ploidy is expected where.
    pub(crate) fn ploidy(&self, contigs: &ContigSet) -> PloidyMap {
        match &self.pseudoautosomal {
            Some(regions) => PloidyMap::with_regions(contigs, regions.iter().copied()),
            None => PloidyMap::new(contigs, self.build),
        }
    }
}

/// An allele behind an identifier: contig, position (1-based), REF, ALT.
pub type IdentifiedAllele = (ContigId, Position, Vec<u8>, Vec<u8>);

/// A source of positions for files that have identifiers only.
pub trait RsidResolver {
    /// Alleles of each identifier that the source has, on the run's build.
    ///
    /// # Errors
    /// The source cannot be read; one sentence that says why.
    fn resolve(
        &self,
        identifiers: &HashSet<&str>,
    ) -> Result<HashMap<String, Vec<IdentifiedAllele>>, String>;
}
