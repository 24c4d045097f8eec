//! Plots as inline SVG. Colours come from the page's style sheet by class, so that they fit the light
//! and the dark page; what colour says, position, dash or words say too.

mod bars;
mod curve;
mod histogram;
mod reference;

use std::fmt::Write;

pub(crate) use bars::{Bar, contributions};
pub(crate) use curve::risk_curve;
pub(crate) use histogram::{Histogram, histogram};
pub(crate) use reference::{percentile_strip, reference_curve};

/// Text that may stand in SVG and HTML, in attributes too, as the template engine escapes it.
fn escape(text: &str) -> String {
    let Ok(safe) = askama::filters::escape(text, askama::filters::Html);
    safe.to_string()
}

/// Where text is anchored.
#[derive(Clone, Copy)]
enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing in the making; y goes down.
struct Drawing {
    body: String,
    width: f64,
    height: f64,
    label: String,
}

impl Drawing {
    /// `label` says in words what the drawing shows.
    fn new(width: f64, height: f64, label: &str) -> Self {
        Self {
            body: String::new(),
            width,
            height,
            label: label.to_owned(),
        }
    }

    fn push(&mut self, piece: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.body.write_fmt(piece);
    }

    fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.push(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    fn rect(&mut self, class: &str, corner: (f64, f64), width: f64, height: f64) {
        let (x, y) = corner;
        self.push(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            width.max(0.0),
            height.max(0.0)
        ));
    }

    fn circle(&mut self, class: &str, centre: (f64, f64), radius: f64) {
        let (x, y) = centre;
        self.push(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>"
        ));
    }

    fn path(&mut self, class: &str, points: &[(f64, f64)], closed: bool) {
        let mut data = String::new();
        for (place, (x, y)) in points.iter().enumerate() {
            let command = if place == 0 { 'M' } else { 'L' };
            let _ = write!(data, "{command}{x:.1} {y:.1}");
        }
        if closed {
            data.push('Z');
        }
        self.push(format_args!("<path class=\"{class}\" d=\"{data}\"/>"));
    }

    fn text(&mut self, class: &str, place: (f64, f64), anchor: Anchor, text: &str) {
        let (x, y) = place;
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.push(format_args!(
            "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    fn finish(self) -> String {
        format!(
            "<svg class=\"plot\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {:.0} {:.0}\">{}</svg>",
            escape(&self.label),
            self.width,
            self.height,
            self.body
        )
    }
}

/// A linear scale from values to places.
#[derive(Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    fn place(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Round values within the range, about `many` of them.
    fn ticks(&self, many: f64) -> Vec<f64> {
        let step = round_step((self.high - self.low) / many);
        if !step.is_finite() || step <= 0.0 {
            return vec![self.low];
        }
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last.min(first + 50))
            .map(|tick| tick as f64 * step)
            .collect()
    }
}

/// The next of 1, 2 or 5 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let rest = step / power;
    let factor = if rest <= 1.0 {
        1.0
    } else if rest <= 2.0 {
        2.0
    } else if rest <= 5.0 {
        5.0
    } else {
        10.0
    };
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_labels_are_text() {
        let mut drawing = Drawing::new(10.0, 10.0, "\"><script>x</script>");
        drawing.text("t", (0.0, 0.0), Anchor::Start, "<script>'&");
        let svg = drawing.finish();
        assert!(!svg.contains("<script"), "{svg}");
        assert!(svg.contains("&#60;script&#62;&#39;&#38;"));
    }

    #[test]
    fn ticks_are_round() {
        let scale = Scale {
            low: 0.0,
            high: 0.23,
            from: 0.0,
            to: 1.0,
        };
        let ticks = scale.ticks(4.0);
        assert_eq!(ticks.len(), 3, "{ticks:?}");
        assert!((ticks[1] - 0.1).abs() < 1e-12);
        let flat = Scale {
            low: 1.0,
            high: 1.0,
            from: 0.0,
            to: 1.0,
        };
        assert_eq!(flat.ticks(4.0), [1.0]);
    }
}
