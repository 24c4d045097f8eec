//! The plots of an evaluation.

use super::{Axis, Plot, Series, Style};
use crate::binary::{CalibrationBin, DecisionPoint, ThresholdPoint};
use crate::survival::SurvivalPoint;

/// Most points of a line: more than pixels of it are no use.
const MOST_POINTS: usize = 600;

/// A curve with its name in the legend.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a, T> {
    /// Its name.
    pub name: &'a str,
    /// Its points.
    pub points: &'a [T],
}

/// A point of a learning curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearningPoint {
    /// Patients or rounds.
    pub x: f64,
    /// The metric.
    pub value: f64,
    /// Lower and upper end, if known.
    pub interval: Option<(f64, f64)>,
}

/// Receiver operating characteristics.
#[must_use]
pub fn roc_plot(curves: &[Named<'_, ThresholdPoint>]) -> Plot {
    let mut series = vec![reference(
        "No better than chance",
        &[(0.0, 0.0), (1.0, 1.0)],
    )];
    series.extend(curves.iter().map(threshold_series));
    Plot {
        title: "Receiver operating characteristic".to_owned(),
        description:
            "True positive rate by false positive rate over all thresholds. The nearer to \
                      the upper left corner, the better; the diagonal is chance."
                .to_owned(),
        x: axis("False positive rate", Some((0.0, 1.0))),
        y: axis("True positive rate", Some((0.0, 1.0))),
        series,
    }
}

/// Precision-recall curves, with the event rate that precision falls to.
#[must_use]
pub fn precision_recall_plot(
    curves: &[Named<'_, ThresholdPoint>],
    event_rate: Option<f64>,
) -> Plot {
    let line = |rate| reference("Event rate", &[(0.0, rate), (1.0, rate)]);
    let mut series: Vec<Series> = event_rate.map(line).into_iter().collect();
    series.extend(curves.iter().map(|curve| {
        // The first point, of nobody, would draw a spike that no patient stands for.
        let real = curve
            .points
            .iter()
            .skip_while(|own| own.threshold.is_infinite());
        let real: Vec<ThresholdPoint> = real.copied().collect();
        threshold_series(&Named {
            name: curve.name,
            points: &real,
        })
    }));
    Plot {
        title: "Precision and recall".to_owned(),
        description: "Precision by recall over all thresholds. The higher, the better; the event \
                      rate is chance."
            .to_owned(),
        x: axis("Recall", Some((0.0, 1.0))),
        y: axis("Precision", Some((0.0, 1.0))),
        series,
    }
}

/// Calibration curves with Wilson's intervals.
#[must_use]
pub fn calibration_plot(curves: &[Named<'_, CalibrationBin>]) -> Plot {
    let ends = curves.iter().flat_map(|curve| curve.points);
    let highest = ends
        .map(|bin| bin.predicted.max(bin.upper))
        .fold(0.0, f64::max);
    // Rare outcomes would lie in a corner of the whole square.
    let end = [0.05, 0.1, 0.2, 0.5]
        .into_iter()
        .find(|end| highest <= *end)
        .unwrap_or(1.0);
    let mut series = vec![reference("Ideal", &[(0.0, 0.0), (end, end)])];
    series.extend(curves.iter().map(|curve| {
        Series {
            name: curve.name.to_owned(),
            points: curve
                .points
                .iter()
                .map(|bin| (bin.predicted, bin.observed))
                .collect(),
            intervals: Some(
                curve
                    .points
                    .iter()
                    .map(|bin| (bin.lower, bin.upper))
                    .collect(),
            ),
            style: Style::Marks,
        }
    }));
    Plot {
        title: "Calibration".to_owned(),
        description: "Share of patients with the outcome by mean predicted probability, in bins, \
                      with 95 % intervals. On the diagonal, predictions agree with what happened."
            .to_owned(),
        x: axis("Predicted probability", Some((0.0, end))),
        y: axis("Observed share", Some((0.0, end))),
        series,
    }
}

/// Decision curves of models, with treating everybody and nobody, which are those of the first one.
#[must_use]
pub fn decision_plot(curves: &[Named<'_, DecisionPoint>]) -> Plot {
    let of = |points: &[DecisionPoint], pick: fn(&DecisionPoint) -> f64| -> Vec<(f64, f64)> {
        points
            .iter()
            .map(|own| (own.threshold, pick(own)))
            .collect()
    };
    let points = curves.iter().flat_map(|curve| curve.points);
    let benefits = points.clone().flat_map(|own| [own.model, own.treat_all]);
    let highest = benefits.fold(0.0, f64::max);
    let highest = if highest > 0.0 { highest } else { 0.1 };
    let last = points.map(|own| own.threshold).fold(0.0, f64::max);
    let first = curves.first().map_or(&[][..], |curve| curve.points);
    let mut series: Vec<Series> = curves
        .iter()
        .map(|curve| line(curve.name, of(curve.points, |own| own.model)))
        .collect();
    series.push(line("Treat all", of(first, |own| own.treat_all)));
    series.insert(0, reference("Treat none", &of(first, |own| own.treat_none)));
    Plot {
        title: "Decision curve".to_owned(),
        description: "Net benefit by the risk above which patients are treated. A model is useful \
                      where its curve is above both treating everybody and treating nobody."
            .to_owned(),
        x: axis(
            "Threshold probability",
            Some((0.0, if last > 0.5 { 1.0 } else { last })),
        ),
        // Treating everybody falls without end.
        y: axis("Net benefit", Some((-0.25 * highest, 1.1 * highest))),
        series,
    }
}

/// Learning curves: a metric by patients or rounds.
#[must_use]
pub fn learning_plot(x_label: &str, y_label: &str, curves: &[Named<'_, LearningPoint>]) -> Plot {
    let series = curves.iter().map(|curve| {
        let known = curve.points.iter().any(|own| own.interval.is_some());
        let interval = |own: &LearningPoint| own.interval.unwrap_or((f64::NAN, f64::NAN));
        Series {
            name: curve.name.to_owned(),
            points: curve.points.iter().map(|own| (own.x, own.value)).collect(),
            intervals: known.then(|| curve.points.iter().map(interval).collect()),
            style: Style::Line,
        }
    });
    Plot {
        title: "Learning curve".to_owned(),
        description: format!("{y_label} by {x_label}, for training and held-out patients."),
        x: axis(x_label, None),
        y: axis(y_label, None),
        series: series.collect(),
    }
}

/// Kaplan-Meier curves with their intervals.
#[must_use]
pub fn survival_plot(time_label: &str, curves: &[Named<'_, SurvivalPoint>]) -> Plot {
    let series = curves.iter().map(|curve| {
        let start = (0.0, 1.0);
        let kept = thinned(curve.points);
        let interval = |own: &SurvivalPoint| match (own.lower, own.upper) {
            (Some(lower), Some(upper)) => (lower, upper),
            _ => (f64::NAN, f64::NAN),
        };
        let points = kept.iter().map(|own| (own.time, own.survival));
        let intervals = kept.iter().map(interval);
        Series {
            name: curve.name.to_owned(),
            points: std::iter::once(start).chain(points).collect(),
            intervals: Some(std::iter::once((1.0, 1.0)).chain(intervals).collect()),
            style: Style::Steps,
        }
    });
    Plot {
        title: "Survival".to_owned(),
        description: "Share of patients free of the event by time (Kaplan-Meier), with 95 % \
                      intervals."
            .to_owned(),
        x: axis(time_label, None),
        y: axis("Free of the event", Some((0.0, 1.0))),
        series: series.collect(),
    }
}

fn threshold_series(curve: &Named<'_, ThresholdPoint>) -> Series {
    let points = thinned(curve.points);
    line(
        curve.name,
        points.iter().map(|own| (own.x, own.y)).collect(),
    )
}

fn line(name: &str, points: Vec<(f64, f64)>) -> Series {
    Series {
        name: name.to_owned(),
        points,
        intervals: None,
        style: Style::Line,
    }
}

fn reference(name: &str, points: &[(f64, f64)]) -> Series {
    Series {
        style: Style::Reference,
        ..line(name, points.to_vec())
    }
}

fn axis(label: &str, range: Option<(f64, f64)>) -> Axis {
    Axis {
        label: label.to_owned(),
        range,
    }
}

/// Points at even places, both ends among them.
fn thinned<T: Copy>(points: &[T]) -> Vec<T> {
    crate::curve_rows::thinned(points, MOST_POINTS)
}
