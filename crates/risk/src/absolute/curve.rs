//! Risk by age, for drawing.

/// Steps of a curve, at most.
const MOST_STEPS: u16 = 20;

/// Cumulative risks by age. The lists are of equal length.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskCurve {
    /// Ages in years, from the first age of the interval to its end, both included, in whole steps; the
    /// last step may be shorter.
    pub ages: Vec<u16>,
    /// Risk of the patient from the first age to each of them: first 0, last the risk over the interval.
    pub risk: Vec<f64>,
    /// The same of the population.
    pub population: Vec<f64>,
}

impl RiskCurve {
    /// From the risks up to the end of each year.
    pub(super) fn new([start, end]: [u16; 2], own: &[f64], population: &[f64]) -> Self {
        let ages = ages([start, end]);
        // A sum of yearly hazards can exceed 1 where they are large.
        let risk_at = |years: &[f64], age: u16| {
            let year = usize::from(age - start).checked_sub(1);
            year.and_then(|year| years.get(year))
                .map_or(0.0, |risk| risk.min(1.0))
        };
        let curve = |years: &[f64]| ages.iter().map(|age| risk_at(years, *age)).collect();
        Self {
            risk: curve(own),
            population: curve(population),
            ages,
        }
    }
}

/// At most 21 ages from `start` to `end`.
fn ages([start, end]: [u16; 2]) -> Vec<u16> {
    let step = end.saturating_sub(start).div_ceil(MOST_STEPS).max(1);
    let before = (start..end).step_by(usize::from(step));
    before.chain([end]).collect()
}

#[cfg(test)]
mod tests {
    use super::ages;

    #[test]
    fn whole_steps_with_both_ends() {
        assert_eq!(ages([50, 51]), [50, 51]);
        assert_eq!(ages([50, 53]), [50, 51, 52, 53]);
        assert_eq!(ages([20, 40]).len(), 21);
        let expected: Vec<u16> = (20..=40).step_by(2).chain([41]).collect();
        assert_eq!(ages([20, 41]), expected);
        for years in 1..400 {
            let ages = ages([7, 7 + years]);
            assert!(
                ages.len() <= 21 && ages.is_sorted_by(|a, b| a < b),
                "{years}"
            );
            assert_eq!((ages[0], ages[ages.len() - 1]), (7, 7 + years));
        }
    }
}
