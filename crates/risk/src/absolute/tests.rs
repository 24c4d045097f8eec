//! Hazards, derivatives and intervals, against other ways to the same number.

use std::path::PathBuf;

use proptest::prelude::*;
use varisk_core::{Covariate, FeatureTable, Patient, Reason, Sex};

use super::AbsoluteRisk;
use super::assess::Assessor;
use super::bins::Bins;
use super::config::{Integration, ModelConfig};
use super::design::Design;
use super::effect::{Effect, NORMAL_975, Stated};
use super::factor::{Predictor, Spread};
use super::hazard::{Component, Hazards};
use super::span::Span;
use super::strata::Tables;

const RULES: [Integration; 2] = [Integration::YearlySum, Integration::ConstantHazard];

fn predictor(log: f64) -> Predictor {
    Predictor {
        log,
        gradient: Vec::new(),
    }
}

fn known_spread() -> Spread {
    Spread::of(std::iter::empty(), &[])
}

/// Hazards of a population in which log relative risks have the given shares.
fn hazards(
    incidence: &[f64],
    competing: &[f64],
    population: &[(f64, f64)],
    rule: Integration,
) -> Hazards {
    let components: Vec<Component> = population
        .iter()
        .map(|(weight, log)| Component {
            weight: *weight,
            predictor: predictor(*log),
        })
        .collect();
    Hazards::estimate(
        0,
        incidence,
        competing.to_vec(),
        &components,
        &known_spread(),
        rule,
    )
}

fn risk(hazards: &Hazards, start: u16, end: u16, log: f64) -> f64 {
    hazards.risk(start, end, &predictor(log), 1.0, &mut [], &mut [])
}

/// Rates of `years` ages, at most `most` each.
fn rates(years: usize, most: f64) -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec(0.0..most, years)
}

fn population() -> impl Strategy<Value = Vec<(f64, f64)>> {
    proptest::collection::vec((0.05..1.0_f64, -1.5..1.5_f64), 1..8)
}

proptest! {
    #[test]
    fn a_probability_that_grows(
        incidence in rates(40, 0.05),
        competing in rates(40, 0.2),
        population in population(),
        log in -2.0..2.0_f64,
        more in 0.0..1.0_f64,
        start in 0..39_u16,
    ) {
        for rule in RULES {
            let hazards = hazards(&incidence, &competing, &population, rule);
            let mut before = 0.0;
            for end in start + 1..=40 {
                let own = risk(&hazards, start, end, log);
                prop_assert!(own >= before);
                prop_assert!(rule == Integration::YearlySum || own <= 1.0);
                before = own;
                prop_assert!(risk(&hazards, start, end, log + more) >= own - 1e-15);
            }
        }
    }

    #[test]
    fn competing_deaths_lower_it(
        incidence in rates(30, 0.1), competing in rates(30, 0.3), log in -2.0..2.0_f64,
    ) {
        for rule in RULES {
            let alone = hazards(&incidence, &[0.0; 30], &[(1.0, 0.0)], rule);
            let both = hazards(&incidence, &competing, &[(1.0, 0.0)], rule);
            prop_assert!(risk(&both, 0, 30, log) <= risk(&alone, 0, 30, log) + 1e-15);
        }
    }

    /// Without other causes of death the risk is 1 - exp(-H); the yearly sum is above it by at most
    /// half the largest yearly hazard.
    #[test]
    fn of_one_cause(incidence in rates(50, 0.05), log in -2.0..1.0_f64) {
        let total: f64 = incidence.iter().map(|rate| rate * log.exp()).sum();
        let expected = 1.0 - (-total).exp();
        let exact = hazards(&incidence, &[0.0; 50], &[(1.0, 0.0)], Integration::ConstantHazard);
        prop_assert!((risk(&exact, 0, 50, log) - expected).abs() < 1e-12);
        let sum = hazards(&incidence, &[0.0; 50], &[(1.0, 0.0)], Integration::YearlySum);
        let above = risk(&sum, 0, 50, log) - expected;
        let largest = incidence.iter().fold(0.0_f64, |most, rate| most.max(rate * log.exp()));
        prop_assert!(above >= -1e-15 && above <= 0.51 * largest);
    }

    /// Two intervals, one after the other, make the risk over both.
    #[test]
    fn intervals_join(incidence in rates(20, 0.1), competing in rates(20, 0.3)) {
        for rule in RULES {
            let hazards = hazards(&incidence, &competing, &[(1.0, 0.0)], rule);
            let reach: f64 = incidence[..8].iter().chain(&competing[..8]).sum();
            let joined = risk(&hazards, 0, 8, 0.0) + (-reach).exp() * risk(&hazards, 8, 20, 0.0);
            prop_assert!((risk(&hazards, 0, 20, 0.0) - joined).abs() < 1e-12);
        }
    }

    #[test]
    fn no_incidence_is_no_risk(competing in rates(20, 0.5), population in population()) {
        for rule in RULES {
            let hazards = hazards(&[0.0; 20], &competing, &population, rule);
            prop_assert_eq!(risk(&hazards, 0, 20, 2.0), 0.0);
        }
    }

    /// Where hardly anyone is affected, the mean of individual risks is the population's.
    #[test]
    fn the_mean_is_the_population(
        incidence in rates(30, 1e-6), competing in rates(30, 0.1), population in population(),
    ) {
        for rule in RULES {
            let all: f64 = population.iter().map(|(weight, _)| weight).sum();
            let hazards = hazards(&incidence, &competing, &population, rule);
            let mean: f64 = population
                .iter()
                .map(|(weight, log)| weight / all * risk(&hazards, 5, 25, *log))
                .sum();
            let average = Hazards::population(0, incidence.clone(), competing.clone(), rule);
            let expected = risk(&average, 5, 25, 0.0);
            prop_assert!((mean - expected).abs() <= 1e-3 * expected);
        }
    }

    /// One pass gives what iterating to convergence gives.
    #[test]
    fn the_fixed_point_of_icare(incidence in rates(30, 0.05), population in population()) {
        let all: f64 = population.iter().map(|(weight, _)| weight).sum();
        let mean = |cumulative: f64| {
            let sum = |power: i32| -> f64 {
                let term = |(weight, log): &(f64, f64)| {
                    let relative = log.exp();
                    weight * relative.powi(power) * (-relative * cumulative).exp()
                };
                population.iter().map(term).sum()
            };
            sum(1) / sum(0)
        };
        let start: f64 = population.iter().map(|(weight, log)| weight * log.exp()).sum();
        let mut expected = vec![start / all; 30];
        for _ in 0..200 {
            let mut cumulative = 0.0;
            for (rate, own) in incidence.iter().zip(&mut expected) {
                let hazard = rate / *own;
                *own = mean(cumulative);
                cumulative += hazard;
            }
        }
        let hazards = hazards(&incidence, &[0.0; 30], &population, Integration::YearlySum);
        for (age, (rate, mean)) in (0..).zip(incidence.iter().zip(expected)) {
            // Over one year the yearly sum is the baseline hazard itself.
            prop_assert!((risk(&hazards, age, age + 1, 0.0) - rate / mean).abs() < 1e-14);
        }
    }
}

#[test]
fn without_factors_it_is_the_population() {
    let incidence: Vec<f64> = (0..60).map(|age| 1e-4 * f64::from(age)).collect();
    let competing = vec![0.01; 60];
    for rule in RULES {
        let own = hazards(&incidence, &competing, &[(1.0, 0.0)], rule);
        let average = Hazards::population(0, incidence.clone(), competing.clone(), rule);
        assert_eq!(risk(&own, 20, 60, 0.0), risk(&average, 20, 60, 0.0));
    }
}

#[test]
fn bins_are_percentiles() {
    let scores: Vec<f64> = (0..1000).map(|person| f64::from(person) / 100.0).collect();
    let bins = Bins::new(scores, &[1.0; 1000]);
    let persons = bins.persons(bins.bin(5.0));
    assert!(persons.contains(&500) && (9..=11).contains(&persons.len()));
    assert_eq!(bins.bin(-3.0), 0);
    assert!(bins.persons(bins.bin(99.0)).contains(&999));
}

/// Between three persons most percentiles hold nobody: bins widen until somebody counts.
#[test]
fn an_empty_bin_widens() {
    let bins = Bins::new(vec![0.0, 1.0, 2.0], &[1.0, 1.0, 0.0]);
    for score in [0.3, 0.5, 1.4, 2.0] {
        let persons = bins.persons(bins.bin(score));
        assert!(!persons.is_empty() && !persons.contains(&2), "{score}");
    }
}

#[test]
fn forms_of_an_effect() {
    let none = Stated {
        log: None,
        ratio: None,
        standard_error: None,
        interval: None,
    };
    let effect = |stated: Stated| stated.effect("log", "ratio");
    let ratio = effect(Stated {
        ratio: Some(2.0),
        interval: Some([1.0, 4.0]),
        ..none
    });
    let Effect {
        log,
        standard_error,
    } = ratio.unwrap();
    assert!((log - 2.0_f64.ln()).abs() < 1e-15);
    assert!((standard_error.unwrap() - 2.0_f64.ln() / NORMAL_975).abs() < 1e-15);
    let logarithm = Stated {
        log: Some(0.5),
        ..none
    };
    assert_eq!(effect(logarithm).unwrap().standard_error, None);
    for (stated, part) in [
        (none, "no effect"),
        (
            Stated {
                ratio: Some(1.6),
                ..logarithm
            },
            "both",
        ),
        (
            Stated {
                ratio: Some(0.0),
                ..none
            },
            "above 0",
        ),
        (
            Stated {
                log: Some(f64::NAN),
                ..none
            },
            "finite",
        ),
        (
            Stated {
                standard_error: Some(-1.0),
                ..logarithm
            },
            "0 or more",
        ),
        (
            Stated {
                standard_error: Some(0.1),
                interval: Some([0.0, 1.0]),
                ..logarithm
            },
            "both",
        ),
        (
            Stated {
                interval: Some([0.6, 0.4]),
                ..logarithm
            },
            "above its upper",
        ),
        (
            Stated {
                interval: Some([0.6, 0.7]),
                ..logarithm
            },
            "does not hold",
        ),
        (
            Stated {
                interval: Some([0.1, f64::INFINITY]),
                ..logarithm
            },
            "not finite",
        ),
        (
            Stated {
                ratio: Some(1.0),
                interval: Some([0.0, 2.0]),
                ..none
            },
            "reaches 0",
        ),
    ] {
        let message = effect(stated).unwrap_err();
        assert!(message.contains(part), "{message}");
    }
}

/// The documented example, with effects that can be moved.
struct Example {
    path: PathBuf,
    config: ModelConfig,
    design: Design,
}

impl Example {
    fn new(rule: Integration) -> Self {
        let path =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/absolute/example/model.toml");
        let mut config = ModelConfig::read(&path).unwrap();
        config.integration = rule;
        // So that its absence can be looked at too.
        for factor in &mut config.factors {
            factor.required = false;
        }
        let design = Design::new(&config).unwrap();
        Self {
            path,
            config,
            design,
        }
    }

    /// Moves the log relative risks.
    fn moved(&self, by: &[f64]) -> Design {
        let mut design = self.design.clone();
        for (parameter, by) in design.parameters.iter_mut().zip(by) {
            parameter.log += by;
        }
        design
    }

    fn risks(&self, design: &Design, patients: &[(Patient, Option<f64>)]) -> Vec<AbsoluteRisk> {
        let tables = Tables::read(&self.path, &self.config, design).unwrap();
        let mut features = FeatureTable::default();
        let scores = patients.iter().map(|(_, z)| z.ok_or(Reason::LowCoverage));
        features.insert("polygenic.demo.z".to_owned(), scores.collect());
        let mut assessor = Assessor::new(design, &tables.strata, None, &features);
        let span = [Span::Ages { start: 50, end: 80 }];
        let mut risk = |(place, (patient, _)): (usize, &(Patient, Option<f64>))| {
            assessor.assess(place, patient, &span)[0].risk.unwrap()
        };
        patients.iter().enumerate().map(&mut risk).collect()
    }
}

fn patient(sex: Sex, cells: &[(&str, &str)], pressure: Option<f64>) -> Patient {
    let mut patient = Patient {
        id: "p".to_owned(),
        sex,
        ..Patient::default()
    };
    for (column, text) in cells {
        let text = Covariate::Text((*text).to_owned());
        patient.covariates.insert((*column).to_owned(), text);
    }
    if let Some(pressure) = pressure {
        let number = Covariate::Number(pressure);
        patient.covariates.insert("sbp".to_owned(), number);
    }
    patient
}

/// All known, and several ways of what is missing.
fn patients() -> Vec<(Patient, Option<f64>)> {
    let all = [("family_history", "yes"), ("smoking", "former")];
    vec![
        (patient(Sex::Male, &all, Some(150.0)), Some(1.3)),
        (patient(Sex::Female, &all, Some(110.0)), Some(-0.8)),
        (patient(Sex::Male, &all, Some(150.0)), None),
        (patient(Sex::Male, &all[1..], Some(130.0)), Some(2.1)),
        (patient(Sex::Male, &all[..1], None), Some(0.4)),
        (patient(Sex::Male, &all[1..], None), None),
        (patient(Sex::Female, &[], None), None),
    ]
}

/// On the scale of the interval.
fn scaled(risk: f64) -> f64 {
    (-(-risk).ln_1p()).ln()
}

/// The interval from one uncertain effect at a time has the width that moving the effect gives.
#[test]
fn derivatives() {
    const STEP: f64 = 1e-5;
    const ERROR: f64 = 1e-3;
    for rule in RULES {
        let example = Example::new(rule);
        let patients = patients();
        for place in 0..example.design.parameters.len() {
            let mut design = example.design.clone();
            for (own, parameter) in design.parameters.iter_mut().enumerate() {
                parameter.standard_error = Some(if own == place { ERROR } else { 0.0 });
            }
            let mut by = vec![0.0; design.parameters.len()];
            by[place] = STEP;
            let above = example.risks(&example.moved(&by), &patients);
            by[place] = -STEP;
            let below = example.risks(&example.moved(&by), &patients);
            let own = example.risks(&design, &patients);
            for ((own, above), below) in own.iter().zip(above).zip(below) {
                let slope = (scaled(above.risk) - scaled(below.risk)).abs() / (2.0 * STEP);
                let [lower, upper] = own.interval.unwrap();
                let width = (scaled(upper) - scaled(lower)) / (2.0 * NORMAL_975 * ERROR);
                assert!((slope - width).abs() < 1e-6, "{place}: {slope} {width}");
            }
        }
    }
}

/// Standard normal numbers that are the same in every run: SplitMix64 and Box-Muller.
struct Normal(u64);

impl Normal {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn draw(&mut self) -> f64 {
        let (a, b) = (self.uniform(), self.uniform());
        (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

/// Of risks under effects drawn from their distribution, the interval holds 95 %.
#[test]
fn the_interval_holds_95_percent() {
    const DRAWS: usize = 800;
    let example = Example::new(Integration::YearlySum);
    let patients = patients();
    let own = example.risks(&example.design, &patients);
    let mut normal = Normal(4);
    let mut below = vec![0; patients.len()];
    let mut above = vec![0; patients.len()];
    for _ in 0..DRAWS {
        let errors = example.design.parameters.iter();
        let by: Vec<f64> = errors
            .map(|parameter| parameter.standard_error.unwrap() * normal.draw())
            .collect();
        let drawn = example.risks(&example.moved(&by), &patients);
        for (place, (own, drawn)) in own.iter().zip(drawn).enumerate() {
            let [lower, upper] = own.interval.unwrap();
            below[place] += usize::from(drawn.risk < lower);
            above[place] += usize::from(drawn.risk > upper);
        }
    }
    // 2.5 % are 20 draws with a standard deviation of 4.4. The risk of the last patient, of whom
    // nothing is known, hardly depends on the effects, and not linearly: its bounds are not held to.
    for place in 0..patients.len() - 1 {
        for tail in [below[place], above[place]] {
            assert!(
                (7..=36).contains(&tail),
                "patient {place}: {below:?} {above:?}"
            );
        }
    }
}
