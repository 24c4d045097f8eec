//! Steps of Adam.

use super::layer::{Layer, for_each_parameter};

/// Decay of the mean of gradients.
const BETA_1: f64 = 0.9;
/// Decay of the mean of squared gradients.
const BETA_2: f64 = 0.999;
/// Added to the root, against division by 0.
const EPSILON: f32 = 1e-8;

/// Adam (Kingma and Ba 2015, arXiv:1412.6980) with the constants of its authors, which are the defaults
/// of PyTorch.
pub(crate) struct Adam {
    learning_rate: f64,
    weight_decay: f32,
}

impl Adam {
    /// With a step size, and the strength of an L2 penalty that is added to the gradient.
    pub(crate) fn new(learning_rate: f64, weight_decay: f64) -> Self {
        Self {
            learning_rate,
            weight_decay: weight_decay as f32,
        }
    }

    /// Step number `step`, counted from 1.
    pub(crate) fn step(
        &self,
        step: u64,
        parameters: &mut [Layer],
        gradient: &[Layer],
        first: &mut [Layer],
        second: &mut [Layer],
    ) {
        // After so many steps as an i32 cannot count both powers are 0 to the last bit.
        let power = i32::try_from(step).unwrap_or(i32::MAX);
        let step_size = (self.learning_rate / (1.0 - BETA_1.powi(power))) as f32;
        let root = (1.0 - BETA_2.powi(power)).sqrt() as f32;
        let (of_first, of_second) = ((1.0 - BETA_1) as f32, (1.0 - BETA_2) as f32);
        let decay = self.weight_decay;
        for_each_parameter(
            parameters,
            gradient,
            first,
            second,
            |value, gradient, first, second| {
                let gradient = gradient + decay * *value;
                *first += of_first * (gradient - *first);
                *second = BETA_2 as f32 * *second + of_second * gradient * gradient;
                *value -= step_size * *first / (second.sqrt() / root + EPSILON);
            },
        );
    }
}
