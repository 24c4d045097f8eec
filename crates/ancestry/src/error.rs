//! What can go wrong with a reference panel.

use std::io;
use std::path::PathBuf;

use varisk_core::BatchError;
use varisk_report::ReportError;

/// What can go wrong with a reference panel: while it is built, written or opened.
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    /// A setting makes no sense.
    #[error("panel setting '{setting}' is {value}; {remedy}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        remedy: &'static str,
    },
    /// Labels and genotypes are of different people.
    #[error(
        "the panel has labels of {labelled} samples but genotypes of {samples}; give one label for each sample of the variant file"
    )]
    Samples {
        /// Samples with a label.
        labelled: usize,
        /// Samples with genotypes.
        samples: usize,
    },
    /// Too few people to compute components.
    #[error(
        "the panel has {training} training samples, which are too few for {components} components; add samples or ask for fewer components"
    )]
    TooFewSamples {
        /// Training samples.
        training: usize,
        /// Components asked for.
        components: usize,
    },
    /// A population is too small for a distribution.
    #[error(
        "population '{population}' has {training} training samples and needs at least {needed}; join it with another one or leave it out"
    )]
    SmallPopulation {
        /// The population.
        population: String,
        /// Its training samples.
        training: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The training samples of a population do not differ.
    #[error(
        "the training samples of population '{population}' do not differ in {components} components, so it has no distribution; check for repeated samples or ask for fewer components"
    )]
    FlatPopulation {
        /// The population.
        population: String,
        /// Components compared.
        components: usize,
    },
    /// The rows are not in the order of a sorted file.
    #[error(
        "the panel's variant file is not sorted: {contig}:{position} stands after a later position or contig; sort it with 'bcftools sort'"
    )]
    NotSorted {
        /// Contig of the row.
        contig: String,
        /// Position of the input record, 1-based.
        position: u32,
    },
    /// Nearly nothing passed the filters.
    #[error(
        "{kept} sites of the panel passed the filters ({dropped}) and {needed} are needed; loosen the filters or give a larger variant file"
    )]
    TooFewSites {
        /// Sites that passed.
        kept: usize,
        /// How many are needed.
        needed: usize,
        /// Named counts of the others.
        dropped: String,
    },
    /// The components could not be computed.
    #[error(
        "the principal components of the panel do not converge; check the panel for samples that are copies of each other"
    )]
    NoConvergence,
    /// A score has another number of sums than the panel has samples.
    #[error(
        "score '{score}' has {sums} sums for a panel of {samples} samples; compute it for every sample of the panel"
    )]
    Sums {
        /// The score.
        score: String,
        /// Sums given.
        sums: usize,
        /// Samples of the panel.
        samples: usize,
    },
    /// A score stands twice.
    #[error("score '{score}' is in the panel already; give every scoring file a name of its own")]
    RepeatedScore {
        /// The score.
        score: String,
    },
    /// A frequency is none.
    #[error(
        "the panel frequency of {contig}:{position} is {frequency}, which is not between 0 and 1; compute it again"
    )]
    Frequency {
        /// Contig of the allele.
        contig: String,
        /// Its position, 1-based.
        position: u32,
        /// The value.
        frequency: f64,
    },
    /// A file of the folder cannot be read or written.
    #[error("{} cannot be used: {action}; check the path, its permissions and the space left", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// The folder is not what was written.
    #[error("{}: {detail}; build the panel again with 'varisk ancestry build' or copy it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The folder comes from another version.
    #[error(
        "{} is of panel format {found} and this program reads format {known}; build the panel again with this program",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// What is read here.
        known: u32,
    },
    /// A batch lacks what is needed.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A table cannot be written.
    #[error(transparent)]
    Table(#[from] ReportError),
    /// A table cannot be laid out.
    #[error("internal error: a table of the panel cannot be laid out; please report this")]
    Arrow(#[from] arrow::error::ArrowError),
}
