//! Sites of a panel.

use varisk_core::Position;

/// A biallelic autosomal substitution by which people are placed.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelSite {
    /// Contig, by its canonical name (`1` to `22`).
    pub contig: String,
    /// Position, 1-based.
    pub position: Position,
    /// Base of the reference: A, C, G or T.
    pub reference: u8,
    /// The other base.
    pub alternate: u8,
    /// Frequency of the alternate allele among the training samples, between 0 and 1.
    pub frequency: f64,
}

impl PanelSite {
    /// Mean and standard deviation by which genotypes are standardised: 2p and sqrt(2p(1 - p)), as
    /// Patterson, Price and Reich 2006 (PLoS Genetics 2:e190).
    pub(crate) fn scale(&self) -> (f64, f64) {
        let p = self.frequency;
        (2.0 * p, (2.0 * p * (1.0 - p)).sqrt())
    }
}

/// Number of an autosome by its canonical name.
pub(crate) fn autosome(canonical: &str) -> Option<u8> {
    let number = canonical.parse().ok()?;
    ((1..=22).contains(&number) && !canonical.starts_with(['0', '+'])).then_some(number)
}
