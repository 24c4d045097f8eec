//! Imputation and standardisation of one number: the same rule for annotations, covariates and
//! features.

/// How a number becomes one element of a tensor, or two with its missing flag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standardise {
    /// Taken where the value is missing, in the value's own units.
    pub(crate) fill: Option<f64>,
    /// Subtracted.
    pub(crate) mean: f64,
    /// Divided by; finite and greater than 0.
    pub(crate) std: f64,
    /// Whether an element of 0 (present) or 1 (missing) follows.
    pub(crate) missing_flag: bool,
}

impl Standardise {
    /// Number of elements written.
    pub(crate) fn width(&self) -> usize {
        1 + usize::from(self.missing_flag)
    }

    /// Writes a value to the first elements of `out`; `None` where it is missing (or does not fit
    /// an `f32` once standardised) and there is no fill.
    pub(crate) fn write(&self, value: Option<f64>, out: &mut [f32]) -> Option<()> {
        let scaled = |value: f64| {
            let result = ((value - self.mean) / self.std) as f32;
            result.is_finite().then_some(result)
        };
        let (element, missing) = match value.and_then(scaled) {
            Some(element) => (element, 0.0),
            None => (scaled(self.fill?)?, 1.0),
        };
        *out.first_mut()? = element;
        if self.missing_flag {
            *out.get_mut(1)? = missing;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_fills() {
        let check = |fill, flag, value, expected: Option<&[f32]>| {
            let rule = Standardise {
                fill,
                mean: 10.0,
                std: 2.0,
                missing_flag: flag,
            };
            let mut out = [9.0; 2];
            let got = rule.write(value, &mut out).map(|()| &out[..rule.width()]);
            assert_eq!(got, expected, "{fill:?} {flag} {value:?}");
        };
        check(None, false, Some(14.0), Some(&[2.0]));
        check(None, false, None, None);
        check(Some(8.0), false, None, Some(&[-1.0]));
        check(Some(8.0), true, None, Some(&[-1.0, 1.0]));
        check(Some(8.0), true, Some(10.0), Some(&[0.0, 0.0]));
        check(Some(8.0), true, Some(f64::NAN), Some(&[-1.0, 1.0]));
        check(None, false, Some(f64::MAX), None);
    }
}
