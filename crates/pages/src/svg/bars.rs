//! What moves a result up and down.

use super::{Anchor, Drawing, Scale};
use crate::format::significant;

const WIDTH: f64 = 640.0;
const LINE: f64 = 26.0;
/// Where names end and bars begin.
const NAMES: f64 = 300.0;
const RIGHT: f64 = 570.0;
/// Most letters of a name.
const MOST_LETTERS: usize = 40;

/// One predictor.
pub(crate) struct Bar {
    /// Name, with its value in the patient.
    pub(crate) name: String,
    /// Contribution.
    pub(crate) contribution: f64,
}

/// Bars to the right for what raises the result, to the left for what lowers it.
pub(crate) fn contributions(bars: &[Bar]) -> String {
    let most = bars
        .iter()
        .map(|bar| bar.contribution.abs())
        .fold(0.0, f64::max);
    if bars.is_empty() || most <= 0.0 || !most.is_finite() {
        return String::new();
    }
    let label: Vec<String> = bars
        .iter()
        .map(|bar| {
            let direction = if bar.contribution < 0.0 {
                "lowers"
            } else {
                "raises"
            };
            format!(
                "{} {direction} by {}",
                bar.name,
                significant(bar.contribution.abs())
            )
        })
        .collect();
    let height = LINE * bars.len() as f64 + 30.0;
    let mut drawing = Drawing::new(WIDTH, height, &label.join("; "));
    let x = Scale {
        low: -most,
        high: most,
        from: NAMES + 60.0,
        to: RIGHT,
    };
    let zero = x.place(0.0);
    for (row, bar) in bars.iter().enumerate() {
        let top = 4.0 + LINE * row as f64;
        let end = x.place(bar.contribution);
        let (class, from) = if bar.contribution < 0.0 {
            ("down", end)
        } else {
            ("up", zero)
        };
        drawing.rect(class, (from, top), (end - zero).abs().max(1.0), LINE - 8.0);
        let mut name: String = bar.name.chars().take(MOST_LETTERS).collect();
        if name.len() < bar.name.len() {
            name.push('…');
        }
        drawing.text("name", (NAMES - 8.0, top + 14.0), Anchor::End, &name);
        let sign = if bar.contribution < 0.0 { "−" } else { "+" };
        let text = format!("{sign}{}", significant(bar.contribution.abs()));
        let (place, anchor) = if bar.contribution < 0.0 {
            (end - 5.0, Anchor::End)
        } else {
            (end + 5.0, Anchor::Start)
        };
        drawing.text("tick", (place, top + 14.0), anchor, &text);
    }
    drawing.line("axis", (zero, 0.0), (zero, height - 24.0));
    drawing.text("tick", (zero - 8.0, height - 6.0), Anchor::End, "← lowers");
    drawing.text(
        "tick",
        (zero + 8.0, height - 6.0),
        Anchor::Start,
        "raises →",
    );
    drawing.finish()
}
