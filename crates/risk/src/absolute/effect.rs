//! A log relative risk with its standard error, in whichever form the source states it.

/// The standard normal's 97.5 % point: half the width of a 95 % interval in standard errors.
pub(super) const NORMAL_975: f64 = 1.959_963_984_540_054;

/// By how much an estimate may stand outside its own interval: rounding in print.
const ROUNDING: f64 = 1e-9;

/// What the file states of one effect; every field as written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stated {
    /// Natural logarithm of the relative risk.
    pub(super) log: Option<f64>,
    /// The relative risk itself.
    pub(super) ratio: Option<f64>,
    /// Standard error of the logarithm.
    pub(super) standard_error: Option<f64>,
    /// 95 % interval, on the scale of the estimate.
    pub(super) interval: Option<[f64; 2]>,
}

/// A log relative risk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Effect {
    /// Natural logarithm, per unit, standard deviation or category.
    pub(super) log: f64,
    /// Its standard error; `None` where the file states none.
    pub(super) standard_error: Option<f64>,
}

impl Stated {
    /// The effect, or what is wrong. `log_key` and `ratio_key` name the two forms in the message.
    pub(super) fn effect(&self, log_key: &str, ratio_key: &str) -> Result<Effect, String> {
        let (log, on_ratio) = match (self.log, self.ratio) {
            (Some(log), None) if log.is_finite() => (log, false),
            (Some(_), None) => return Err(format!("{log_key} is not a finite number; correct it")),
            (None, Some(ratio)) if ratio.is_finite() && ratio > 0.0 => (ratio.ln(), true),
            (None, Some(ratio)) => {
                return Err(format!(
                    "{ratio_key} is {ratio}; give a finite number above 0"
                ));
            }
            (None, None) => return Err(format!("it has no effect; give {log_key} or {ratio_key}")),
            (Some(_), Some(_)) => {
                return Err(format!("it has both {log_key} and {ratio_key}; give one"));
            }
        };
        let standard_error = match (self.standard_error, self.interval) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err("it has both standard_error and interval; give one".to_owned());
            }
            (Some(error), None) if error.is_finite() && error >= 0.0 => Some(error),
            (Some(error), None) => {
                return Err(format!(
                    "standard_error is {error}; give a finite number of 0 or more"
                ));
            }
            (None, Some(bounds)) => Some(width(bounds, log, on_ratio)?),
        };
        Ok(Effect {
            log,
            standard_error,
        })
    }
}

/// The standard error that a 95 % interval implies: its width over twice [`NORMAL_975`].
fn width([lower, upper]: [f64; 2], log: f64, on_ratio: bool) -> Result<f64, String> {
    let text = format!("interval [{lower}, {upper}]");
    if !(lower.is_finite() && upper.is_finite()) {
        return Err(format!("{text} is not finite; correct it"));
    }
    if lower > upper {
        return Err(format!(
            "{text} has its lower bound above its upper one; exchange them"
        ));
    }
    if on_ratio && lower <= 0.0 {
        return Err(format!(
            "{text} of a hazard ratio reaches 0; give bounds above 0"
        ));
    }
    let (lower, upper) = if on_ratio {
        (lower.ln(), upper.ln())
    } else {
        (lower, upper)
    };
    if log < lower - ROUNDING || log > upper + ROUNDING {
        return Err(format!(
            "{text} does not hold its estimate; give both on one scale"
        ));
    }
    Ok((upper - lower) / (2.0 * NORMAL_975))
}
