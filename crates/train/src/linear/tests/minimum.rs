//! Solutions are minima, however they are come to.

use ndarray::Array2;
use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn solutions_satisfy_the_conditions_of_a_minimum(
        seed in 0_u64..1_000_000,
        lambda in prop_oneof![Just(0.0), 1e-4..0.2_f64],
        l1_ratio in prop_oneof![Just(0.0), Just(1.0), 0.05..0.95_f64],
        breslow in any::<bool>(),
    ) {
        let cohort = Cohort::new(seed, 90, 4);
        let ties = if breslow { Ties::Breslow } else { Ties::Efron };
        let settings = Settings { ties, ..settings(lambda, l1_ratio) };
        for (name, target) in cohort.targets() {
            let model = fit(&cohort.features, &target, Some(&cohort.weights), &settings).unwrap();
            check_conditions(&cohort, &target, &model, ties, name);
            let loss = loss_at(&cohort, &target, &model.parameters, ties);
            let total: f64 = cohort.weights.iter().sum();
            prop_assert!((model.log_likelihood() / total + loss).abs() < 1e-10);
            prop_assert!(model.log_likelihood() >= model.null_log_likelihood() - 1e-9);
            prop_assert_eq!(model.standard_errors().is_some(), lambda == 0.0);
        }
    }

    #[test]
    fn the_largest_lambda_is_the_smallest_that_leaves_nothing(
        seed in 0_u64..1_000_000,
        l1_ratio in 0.05..1.0_f64,
    ) {
        let cohort = Cohort::new(seed, 80, 6);
        let settings = settings(0.0, l1_ratio);
        for (name, target) in cohort.targets() {
            let weights = Some(cohort.weights.as_slice());
            let largest = lambda_max(&cohort.features, &target, weights, &settings).unwrap();
            let lambdas = [largest, 0.999 * largest];
            let models = path(&cohort.features, &target, weights, &settings, &lambdas).unwrap();
            prop_assert!(models[0].coefficients().iter().all(|value| *value == 0.0), "{}", name);
            prop_assert!(models[1].coefficients().iter().any(|value| *value != 0.0), "{}", name);
            prop_assert!((models[0].log_likelihood() - models[0].null_log_likelihood()).abs() < 1e-9);
        }
    }

    #[test]
    fn the_order_of_rows_does_not_matter(seed in 0_u64..1_000_000, lambda in 0.0..0.1_f64) {
        let cohort = Cohort::new(seed, 100, 5);
        let mut random = Random::new(seed);
        let mut rows: Vec<usize> = (0..100).collect();
        let keys: Vec<f64> = rows.iter().map(|_| random.uniform()).collect();
        rows.sort_by(|left, right| keys[*left].total_cmp(&keys[*right]));
        let shuffled = cohort.chosen(&rows);
        let settings = settings(lambda, 0.4);
        for ((name, own), (_, other)) in cohort.targets().into_iter().zip(shuffled.targets()) {
            let own = fit(&cohort.features, &own, Some(&cohort.weights), &settings).unwrap();
            let other = fit(&shuffled.features, &other, Some(&shuffled.weights), &settings).unwrap();
            let difference = largest_difference(&own.parameters, &other.parameters);
            prop_assert!(difference < 1e-8, "{} {:e}", name, difference);
        }
    }

    #[test]
    fn a_row_of_weight_two_is_a_row_that_stands_twice(seed in 0_u64..1_000_000, lambda in 0.0..0.1_f64) {
        let cohort = Cohort::new(seed, 90, 4);
        let counts: Vec<f64> = (0..90).map(|row| f64::from(row % 4)).collect();
        let rows: Vec<usize> = (0..90).flat_map(|row| vec![row; row % 4]).collect();
        let repeated = cohort.chosen(&rows);
        let settings = Settings { ties: Ties::Breslow, ..settings(lambda, 0.3) };
        for ((name, own), (_, other)) in cohort.targets().into_iter().zip(repeated.targets()) {
            let own = fit(&cohort.features, &own, Some(&counts), &settings).unwrap();
            let other = fit(&repeated.features, &other, None, &settings).unwrap();
            let difference = largest_difference(&own.parameters, &other.parameters);
            prop_assert!(difference < 1e-8, "{} {:e}", name, difference);
            prop_assert!((own.log_likelihood() - other.log_likelihood()).abs() < 1e-8);
            if let (Some(own), Some(other)) = (&own.standard_errors, &other.standard_errors) {
                prop_assert!(largest_difference(own, other) < 1e-8);
            }
            if let (Some(own), Some(other)) = (own.baseline(), other.baseline()) {
                for (own, other) in own.steps().iter().zip(other.steps()) {
                    prop_assert!((own.0 - other.0).abs() + (own.1 - other.1).abs() < 1e-8);
                }
            }
        }
    }
}

#[test]
fn no_columns_are_the_model_without_features() {
    let cohort = Cohort::new(41, 50, 2);
    let none = Array2::zeros((50, 0));
    for (name, target) in cohort.targets() {
        for lambda in [0.0, 0.1] {
            let model = fit(&none, &target, None, &settings(lambda, 0.0)).unwrap();
            let difference = model.log_likelihood() - model.null_log_likelihood();
            assert!(difference.abs() < 1e-9, "{name}");
            assert_eq!(
                model.predict_raw(&none).unwrap().dim(),
                (50, model.outputs())
            );
        }
    }
}

#[test]
fn more_columns_than_rows_fit_with_a_penalty() {
    let cohort = Cohort::new(7, 60, 300);
    // Rows that stand twice add nothing to the space that they span; nor does one of zeros.
    let twice: Vec<usize> = (0..60).chain(10..30).collect();
    let mut cohort = cohort.chosen(&twice);
    cohort.features.row_mut(2).fill(0.0);
    for l1_ratio in [0.0, 0.1, 1.0] {
        for (name, target) in cohort.targets() {
            let settings = settings(0.02, l1_ratio);
            let weights = Some(cohort.weights.as_slice());
            let model = fit(&cohort.features, &target, weights, &settings).unwrap();
            check_conditions(&cohort, &target, &model, Ties::Efron, name);
        }
    }
}

#[test]
fn a_path_ends_where_a_single_fit_does() {
    let cohort = Cohort::new(11, 120, 10);
    let settings = settings(0.0, 0.7);
    for (name, target) in cohort.targets() {
        let largest = lambda_max(&cohort.features, &target, None, &settings).unwrap();
        let lambdas = descending(largest, 1e-3, 20);
        assert!((lambdas[19] - 1e-3 * largest).abs() < 1e-12);
        let models = path(&cohort.features, &target, None, &settings, &lambdas).unwrap();
        let single = settings.with_lambda(lambdas[19]);
        let single = fit(&cohort.features, &target, None, &single).unwrap();
        let difference = largest_difference(&models[19].parameters, &single.parameters);
        assert!(difference < 1e-7, "{name} {difference:e}");
        let zeros = |model: &Linear| model.coefficients().iter().filter(|v| **v == 0.0).count();
        assert!(zeros(&models[2]) > zeros(&models[19]), "{name}");
    }
}

#[test]
fn a_weak_penalty_is_followed_to_its_minimum() {
    let line = Array2::from_shape_fn((40, 1), |(row, _)| f64::from(row as u32) / 10.0 - 1.63);
    let complete: Vec<bool> = (0..40).map(|row| row >= 17).collect();
    for l1_ratio in [0.0, 1.0] {
        let settings = Settings {
            tolerance: 1e-6,
            ..settings(1e-9, l1_ratio)
        };
        let model = fit(&line, &Target::Binary(&complete), None, &settings).unwrap();
        let slope = model.coefficients()[(0, 0)];
        let problem = Problem::new(&line, &Target::Binary(&complete), None, Ties::Efron).unwrap();
        let slopes = problem
            .loss
            .loss()
            .slopes(&design::scores(&line, &model.parameters));
        let gradient = problem.design.gradient(&slopes)[(0, 0)];
        let pull = 1e-9 * if l1_ratio == 0.0 { slope } else { 1.0 };
        assert!(
            (gradient / pull + 1.0).abs() < 0.01,
            "{gradient:e} {pull:e}"
        );
    }
}

#[test]
fn any_layout_of_features_gives_the_same() {
    let cohort = Cohort::new(29, 100, 4);
    let by_columns = cohort
        .features
        .t()
        .as_standard_layout()
        .into_owned()
        .reversed_axes();
    assert!(!by_columns.is_standard_layout());
    for (_, target) in cohort.targets() {
        let own = fit(&cohort.features, &target, None, &settings(0.01, 0.5)).unwrap();
        let other = fit(&by_columns, &target, None, &settings(0.01, 0.5)).unwrap();
        assert_eq!(own.parameters, other.parameters);
    }
}
