//! A score on the reference panel.

use varisk_dossier::ScoreReference;

use super::{Anchor, Drawing, Scale};
use crate::format::ordinal;

const WIDTH: f64 = 360.0;
const LEFT: f64 = 10.0;
const RIGHT: f64 = 350.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 118.0;
/// Points of the drawn curve.
const POINTS: usize = 120;

/// The distribution of a score among people of the panel with the patient's place in it. The curve is
/// smoothed from the percentiles by a Gaussian kernel of Silverman's width (1986).
pub(crate) fn reference_curve(
    reference: &ScoreReference,
    own: f64,
    percentile: f64,
) -> Option<String> {
    let quantiles = &reference.quantiles;
    let (low, high) = (*quantiles.first()?, *quantiles.last()?);
    let quarter = |share: usize| quantiles.get(share * (quantiles.len() - 1) / 4).copied();
    let spread = (quarter(3)? - quarter(1)?) / 1.34;
    let width = 0.9 * spread * (reference.people as f64).powf(-0.2);
    if quantiles.len() < 5
        || !(width.is_finite() && width > 0.0 && low.is_finite() && own.is_finite())
    {
        return None;
    }
    let margin = (high - low) * 0.08;
    let low = (low - margin).min(own - margin);
    let high = (high + margin).max(own + margin);
    let x = Scale {
        low,
        high,
        from: LEFT,
        to: RIGHT,
    };
    let density = |at: f64| -> f64 {
        let kernel = |quantile: &f64| (-0.5 * ((at - quantile) / width).powi(2)).exp();
        quantiles.iter().map(kernel).sum()
    };
    let places: Vec<f64> = (0..=POINTS)
        .map(|point| low + (high - low) * point as f64 / POINTS as f64)
        .collect();
    let heights: Vec<f64> = places.iter().map(|place| density(*place)).collect();
    let top = heights.iter().copied().fold(0.0, f64::max);
    let y = Scale {
        low: 0.0,
        high: top,
        from: BOTTOM,
        to: TOP,
    };
    let curve: Vec<(f64, f64)> = places
        .iter()
        .zip(&heights)
        .map(|(place, height)| (x.place(*place), y.place(*height)))
        .collect();
    let mut left: Vec<(f64, f64)> = curve
        .iter()
        .copied()
        .take_while(|(place, _)| *place <= x.place(own))
        .collect();
    left.push((x.place(own), y.place(density(own))));
    left.push((x.place(own), BOTTOM));
    left.push((LEFT, BOTTOM));
    let label = format!(
        "{} percentile among {} people of the panel's population {}",
        ordinal(percentile),
        reference.people,
        reference.population
    );
    let mut drawing = Drawing::new(WIDTH, 142.0, &label);
    drawing.path("own-area", &left, true);
    drawing.path("average-solid", &curve, false);
    drawing.line("axis", (LEFT, BOTTOM), (RIGHT, BOTTOM));
    drawing.line("own", (x.place(own), BOTTOM), (x.place(own), TOP - 6.0));
    drawing.circle("own-mark", (x.place(own), TOP - 6.0), 4.5);
    // The label stays within the drawing however far out the patient is.
    let anchor = match (x.place(own) - LEFT) / (RIGHT - LEFT) {
        place if place < 0.2 => Anchor::Start,
        place if place > 0.8 => Anchor::End,
        _ => Anchor::Middle,
    };
    drawing.text("own-label", (x.place(own), 13.0), anchor, "patient");
    drawing.text("tick", (LEFT, 136.0), Anchor::Start, "lower score");
    drawing.text("tick", (RIGHT, 136.0), Anchor::End, "higher score");
    Some(drawing.finish())
}

/// The percentile on a plain strip, where the panel's distribution is not in the run.
pub(crate) fn percentile_strip(percentile: f64) -> String {
    let x = Scale {
        low: 0.0,
        high: 100.0,
        from: LEFT,
        to: RIGHT,
    };
    let label = format!("{} percentile", ordinal(percentile));
    let mut drawing = Drawing::new(WIDTH, 56.0, &label);
    drawing.rect("strip", (LEFT, 22.0), RIGHT - LEFT, 10.0);
    for tick in [0.0, 25.0, 50.0, 75.0, 100.0] {
        drawing.line("axis", (x.place(tick), 32.0), (x.place(tick), 37.0));
        let anchor = match tick as u32 {
            0 => Anchor::Start,
            100 => Anchor::End,
            _ => Anchor::Middle,
        };
        drawing.text("tick", (x.place(tick), 52.0), anchor, &format!("{tick:.0}"));
    }
    drawing.line(
        "own",
        (x.place(percentile), 16.0),
        (x.place(percentile), 36.0),
    );
    drawing.circle("own-mark", (x.place(percentile), 14.0), 4.5);
    drawing.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_without_spread_is_not_drawn() {
        let mut reference = ScoreReference {
            score: "s".to_owned(),
            population: "p".to_owned(),
            people: 40,
            mean: Some(1.0),
            standard_deviation: Some(0.0),
            quantiles: vec![1.0; 101],
        };
        assert!(reference_curve(&reference, 1.0, 50.0).is_none());
        reference.quantiles = (0..=100).map(f64::from).collect();
        let svg = reference_curve(&reference, 250.0, 100.0).unwrap();
        assert!(svg.contains("above the 99th"));
        assert!(!svg.contains("NaN"));
        reference.quantiles.clear();
        assert!(reference_curve(&reference, 1.0, 50.0).is_none());
    }
}
