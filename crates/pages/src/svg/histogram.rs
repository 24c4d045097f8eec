//! How values are distributed over patients.

use super::{Anchor, Drawing, Scale};
use crate::format::{counted, percent, significant};

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 170.0;
const LEFT: f64 = 12.0;
const RIGHT: f64 = 348.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 132.0;
/// Bars at most.
const BARS: usize = 30;

/// Values in bars of equal width.
pub(crate) struct Histogram {
    low: f64,
    high: f64,
    counts: Vec<u64>,
    pub(crate) number: u64,
    pub(crate) median: f64,
    pub(crate) quartiles: (f64, f64),
}

impl Histogram {
    /// Counts values; none where there are none. The values are sorted.
    pub(crate) fn new(mut values: Vec<f32>) -> Option<Self> {
        values.retain(|value| value.is_finite());
        values.sort_unstable_by(f32::total_cmp);
        let (low, high) = (f64::from(*values.first()?), f64::from(*values.last()?));
        let at =
            |share: f64| f64::from(values[(share * (values.len() - 1) as f64).round() as usize]);
        let bars = BARS.min(((values.len() as f64).sqrt() as usize * 2).max(5));
        let mut counts = vec![0; if low == high { 1 } else { bars }];
        for value in &values {
            let share = (f64::from(*value) - low) / (high - low);
            let bar = if share.is_nan() {
                0
            } else {
                (share * counts.len() as f64) as usize
            };
            let last = counts.len() - 1;
            counts[bar.min(last)] += 1;
        }
        Some(Self {
            low,
            high,
            counts,
            number: values.len() as u64,
            median: at(0.5),
            quartiles: (at(0.25), at(0.75)),
        })
    }
}

/// The histogram with its median; `is_share` writes places in per cent.
pub(crate) fn histogram(own: &Histogram, is_share: bool) -> String {
    let text = |value: f64| {
        if is_share {
            percent(value)
        } else {
            significant(value)
        }
    };
    let label = format!(
        "Distribution over {}: from {} to {}, median {}",
        counted(own.number, "patient", "patients"),
        text(own.low),
        text(own.high),
        text(own.median)
    );
    let mut drawing = Drawing::new(WIDTH, HEIGHT, &label);
    let most = own.counts.iter().copied().max().unwrap_or(1);
    let y = Scale {
        low: 0.0,
        high: most as f64,
        from: BOTTOM,
        to: TOP,
    };
    let width = (RIGHT - LEFT) / own.counts.len() as f64;
    for (bar, count) in own.counts.iter().enumerate() {
        if *count == 0 {
            continue;
        }
        let top = y.place(*count as f64).min(BOTTOM - 1.0);
        drawing.rect(
            "bar",
            (LEFT + width * bar as f64 + 0.5, top),
            width - 1.0,
            BOTTOM - top,
        );
    }
    drawing.line("axis", (LEFT, BOTTOM), (RIGHT, BOTTOM));
    if own.low < own.high {
        let x = Scale {
            low: own.low,
            high: own.high,
            from: LEFT,
            to: RIGHT,
        };
        let place = x.place(own.median);
        drawing.line("average", (place, TOP - 6.0), (place, BOTTOM));
        drawing.text("tick", (LEFT, BOTTOM + 17.0), Anchor::Start, &text(own.low));
        drawing.text("tick", (RIGHT, BOTTOM + 17.0), Anchor::End, &text(own.high));
        let middle = place.clamp(LEFT + 60.0, RIGHT - 60.0);
        drawing.text(
            "tick",
            (middle, BOTTOM + 33.0),
            Anchor::Middle,
            &format!("median {}", text(own.median)),
        );
    } else {
        let middle = (LEFT + RIGHT) / 2.0;
        drawing.text(
            "tick",
            (middle, BOTTOM + 17.0),
            Anchor::Middle,
            &format!("all {}", text(own.low)),
        );
    }
    drawing.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_values_are_counted() {
        let own = Histogram::new(
            (0..1000)
                .map(|value| value as f32)
                .chain([f32::NAN])
                .collect(),
        )
        .unwrap();
        assert_eq!(own.number, 1000);
        assert_eq!(own.counts.iter().sum::<u64>(), 1000);
        assert!((own.median - 500.0).abs() < 1.0);
        let same = Histogram::new(vec![0.5; 7]).unwrap();
        assert_eq!(same.counts, [7]);
        assert!(!histogram(&same, true).contains("NaN"));
        assert!(Histogram::new(vec![f32::NAN]).is_none());
    }
}
