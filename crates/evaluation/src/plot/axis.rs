//! Ranges and ticks.

/// About how many ticks an axis gets.
const TICKS: f64 = 6.0;

/// A range with ticks within it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Place and text.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Scale {
    /// From stated ends, or those of the values moved out to the next tick.
    pub(super) fn new(range: Option<(f64, f64)>, values: impl Iterator<Item = f64>) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let ends = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let stated = range.filter(|(low, high)| low < high && (high - low).is_finite());
        let (mut low, mut high) = match stated {
            Some(range) => range,
            None if ends.0 < ends.1 && (ends.1 - ends.0).is_finite() => ends,
            // One value, or none.
            None if ends.0 == ends.1 => (ends.0 - room(ends.0), ends.0 + room(ends.0)),
            None => (0.0, 1.0),
        };
        let step = step(high - low);
        if stated.is_none() {
            low = (low / step).floor() * step;
            high = (high / step).ceil() * step;
        }
        let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        // A little outside, so that rounding loses no tick at an end.
        let first = (low / step - 1e-6).ceil() as i64;
        let last = (high / step + 1e-6).floor() as i64;
        let tick = |number: i64| {
            let place = number as f64 * step;
            (
                place,
                format!("{place:.decimals$}").replace('-', "\u{2212}"),
            )
        };
        Self {
            low,
            high,
            ticks: (first..=last).map(tick).collect(),
        }
    }

    /// Share of the way from the low to the high end.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// Half the range around a lone value.
fn room(value: f64) -> f64 {
    if value == 0.0 { 0.5 } else { value.abs() / 2.0 }
}

/// 1, 2 or 5 times a power of ten.
fn step(length: f64) -> f64 {
    let rough = length / TICKS;
    let power = 10f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let fits = steps
        .iter()
        .find(|step| **step * power >= rough * (1.0 - 1e-9));
    fits.unwrap_or(&10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let check = |range: (f64, f64), expected: &str| {
            let scale = Scale::new(Some(range), std::iter::empty());
            let texts: Vec<String> = scale.ticks.into_iter().map(|(_, text)| text).collect();
            assert_eq!(texts.join(" "), expected);
        };
        check((0.0, 1.0), "0.0 0.2 0.4 0.6 0.8 1.0");
        check((-0.02, 0.1), "\u{2212}0.02 0.00 0.02 0.04 0.06 0.08 0.10");
        check((0.0, 250.0), "0 50 100 150 200 250");
        check((3.0, 3.3), "3.00 3.05 3.10 3.15 3.20 3.25 3.30");
    }

    #[test]
    fn any_values_have_a_range() {
        for values in [
            vec![],
            vec![0.0],
            vec![-7.0, f64::NAN],
            vec![1e300, -1e300],
            vec![f64::MAX, f64::MIN],
        ] {
            let scale = Scale::new(None, values.iter().copied());
            assert!(scale.low < scale.high, "{values:?}");
            assert!(
                (2..=10).contains(&scale.ticks.len()),
                "{values:?} {scale:?}"
            );
        }
    }
}
