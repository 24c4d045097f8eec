//! Plots as SVG text of our own: no library, no fonts to load, no scripts.

mod axis;
mod curves;
mod svg;

pub use curves::{
    LearningPoint, Named, calibration_plot, decision_plot, learning_plot, precision_recall_plot,
    roc_plot, survival_plot,
};

/// A plot, drawn by [`to_svg`](Self::to_svg).
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// Above the plot.
    pub title: String,
    /// What it shows and how to read it, for those who cannot see it.
    pub description: String,
    /// Horizontal.
    pub x: Axis,
    /// Vertical.
    pub y: Axis,
    /// From the back to the front.
    pub series: Vec<Series>,
}

/// An axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures.
    pub label: String,
    /// Its ends; `None` for those of the data.
    pub range: Option<(f64, f64)>,
}

/// Points of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// In the legend.
    pub name: String,
    /// Horizontal and vertical. Points that are not finite interrupt a line.
    pub points: Vec<(f64, f64)>,
    /// Lower and upper end at each point, if there are intervals.
    pub intervals: Option<Vec<(f64, f64)>>,
    /// How it is drawn.
    pub style: Style,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A line; intervals are a band.
    Line,
    /// A line of level steps; intervals are a band.
    Steps,
    /// A line with a mark at each point; intervals are bars.
    Marks,
    /// A thin grey line to compare with.
    Reference,
}
