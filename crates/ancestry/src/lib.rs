//! Ancestry: reference panels, principal components, the most similar population, and adjustment of
//! scores.
//!
//! A [`PanelBuilder`] makes a [`Panel`] from the genotypes of labelled people; the panel is a folder
//! that needs no genotypes any more. A [`Projection`] places the patients of a run on the panel's
//! components, each on their own: what is said of one patient never depends on the others. A
//! [`ScoreAdjuster`] compares the score of a placed patient with the scores of the panel's people.
//!
//! This crate reads no variant files and prints nothing.

mod adjust;
mod build;
mod chi_square;
mod eigen;
mod error;
mod factor;
mod folder;
mod genotype;
mod gram;
mod panel;
mod place;
mod population;
mod projection;
mod prune;
mod regression;
mod site;
mod table;
mod terms;
#[cfg(test)]
mod testing;

pub use adjust::{Adjusted, ScoreAdjuster, ScoreReference};
pub use build::{PanelBuilder, PanelSample, PanelSettings, Region, SiteCounts};
pub use error::PanelError;
pub use folder::PANEL_FILE;
pub use panel::{AlleleFrequency, Panel, PanelInput, PanelScore, PlacedSample};
pub use population::{Distance, PopulationModel};
pub use projection::{Placement, Projection, ProjectionOptions};
pub use site::PanelSite;
pub use table::{ancestry_schema, ancestry_table};
