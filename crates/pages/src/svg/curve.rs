//! Cumulative risk over age.

use varisk_dossier::RiskCurve;

use super::{Anchor, Drawing, Scale};
use crate::format::{age, percent};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 470.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 206.0;
/// Least distance of two labels at the right end.
const LABEL_DISTANCE: f64 = 17.0;

/// The patient's risk (solid) beside that of the average person (dashed), with the interval at the
/// last age.
pub(crate) fn risk_curve(curve: &RiskCurve, interval: Option<(f64, f64)>) -> String {
    let all = curve.risk.iter().chain(&curve.population).copied();
    let top = all
        .chain(interval.map(|(_, upper)| upper))
        .fold(0.0, f64::max);
    let (Some(first), Some(last)) = (curve.ages.first(), curve.ages.last()) else {
        return String::new();
    };
    let end = curve.risk.last().copied().unwrap_or_default();
    let average = curve.population.last().copied();
    let mut label = format!(
        "Risk from age {} to age {}: the patient's reaches {}",
        age(*first),
        age(*last),
        percent(end)
    );
    if let Some(average) = average {
        label.push_str(&format!(", the average person's {}", percent(average)));
    }
    let mut drawing = Drawing::new(WIDTH, HEIGHT, &label);
    let x = Scale {
        low: *first,
        high: *last,
        from: LEFT,
        to: RIGHT,
    };
    let y = Scale {
        low: 0.0,
        high: (top * 1.08).clamp(1e-6, 1.0),
        from: BOTTOM,
        to: TOP,
    };
    for tick in y.ticks(4.0) {
        drawing.line("grid", (LEFT, y.place(tick)), (RIGHT, y.place(tick)));
        drawing.text(
            "tick",
            (LEFT - 8.0, y.place(tick) + 4.5),
            Anchor::End,
            &percent(tick),
        );
    }
    for tick in x.ticks(6.0) {
        drawing.line(
            "axis",
            (x.place(tick), BOTTOM),
            (x.place(tick), BOTTOM + 5.0),
        );
        drawing.text(
            "tick",
            (x.place(tick), BOTTOM + 20.0),
            Anchor::Middle,
            &age(tick),
        );
    }
    drawing.line("axis", (LEFT, BOTTOM), (RIGHT, BOTTOM));
    drawing.text(
        "tick",
        ((LEFT + RIGHT) / 2.0, HEIGHT - 6.0),
        Anchor::Middle,
        "age in years",
    );
    let points = |values: &[f64]| -> Vec<(f64, f64)> {
        let places = curve.ages.iter().zip(values);
        places
            .map(|(age, risk)| (x.place(*age), y.place(*risk)))
            .collect()
    };
    drawing.path("average", &points(&curve.population), false);
    drawing.path("own", &points(&curve.risk), false);
    if let Some((lower, upper)) = interval {
        drawing.line("interval", (RIGHT, y.place(lower)), (RIGHT, y.place(upper)));
        for edge in [lower, upper] {
            drawing.line(
                "interval",
                (RIGHT - 5.0, y.place(edge)),
                (RIGHT + 5.0, y.place(edge)),
            );
        }
    }
    drawing.circle("own-mark", (RIGHT, y.place(end)), 4.5);
    let own = y.place(end) + 4.5;
    let mut other = average.map(|average| y.place(average) + 4.5);
    if let Some(place) = &mut other {
        let apart = *place - own;
        if apart.abs() < LABEL_DISTANCE {
            *place = own
                + if apart < 0.0 {
                    -LABEL_DISTANCE
                } else {
                    LABEL_DISTANCE
                };
        }
    }
    drawing.text("own-label", (RIGHT + 10.0, own), Anchor::Start, "patient");
    if let Some(place) = other {
        drawing.text(
            "average-label",
            (RIGHT + 10.0, place),
            Anchor::Start,
            "average",
        );
    }
    drawing.finish()
}
