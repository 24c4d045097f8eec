//! What a model says: errors, survival, graphs.

use ndarray::{Array2, array};
use varisk_onnx::{Dimension, ElementType, GraphBuilder};

use super::*;

#[test]
fn errors_are_those_of_the_information_matrix() {
    let cohort = Cohort::new(3, 200, 3);
    for (name, target) in [("binary", cohort.binary()), ("survival", cohort.survival())] {
        let weights = Some(cohort.weights.as_slice());
        let model = fit(&cohort.features, &target, weights, &settings(0.0, 0.0)).unwrap();
        let size = model.parameters.len();
        let step = 1e-4;
        let mut information = Array2::zeros((size, size));
        for parameter in 0..size {
            let at = |factor: f64| {
                let mut moved = model.parameters.clone();
                moved[(parameter, 0)] += factor * step;
                numeric_gradient(&cohort, &target, &moved, Ties::Efron)
            };
            let second = (at(1.0) - at(-1.0)) / (2.0 * step);
            information.column_mut(parameter).assign(&second.column(0));
        }
        information *= cohort.weights.iter().sum::<f64>();
        let expected = cholesky::Cholesky::new(information, 0.0)
            .unwrap()
            .inverse_diagonal();
        let errors = model.standard_errors.unwrap();
        for (error, variance) in errors.iter().zip(&expected) {
            assert!((error / variance.sqrt() - 1.0).abs() < 1e-5, "{name}");
        }
    }
}

#[test]
fn errors_of_classes_are_those_of_contrasts_with_the_first() {
    let cohort = Cohort::new(37, 200, 2);
    let weights = Some(cohort.weights.as_slice());
    let model = fit(
        &cohort.features,
        &cohort.classes(),
        weights,
        &settings(0.0, 0.0),
    )
    .unwrap();
    // Three columns (the intercept last) of two classes beside the first, which stays at zero.
    let step = 1e-4;
    let mut information = Array2::zeros((6, 6));
    for parameter in 0..6 {
        let at = |factor: f64| {
            let mut moved = model.parameters.clone();
            moved[(parameter / 2, 1 + parameter % 2)] += factor * step;
            numeric_gradient(&cohort, &cohort.classes(), &moved, Ties::Efron)
        };
        let second = (at(1.0) - at(-1.0)) / (2.0 * step);
        for other in 0..6 {
            information[(other, parameter)] = second[(other / 2, 1 + other % 2)];
        }
    }
    information *= cohort.weights.iter().sum::<f64>();
    let factor = cholesky::Cholesky::new(information, 0.0).unwrap();
    let errors = model.standard_errors.unwrap();
    for ((column, class), error) in errors.indexed_iter() {
        // A coefficient less the mean of all three, of which the first is zero.
        let mut combination = ndarray::Array1::<f64>::zeros(6);
        for other in [1, 2] {
            let own = f64::from(u8::from(class == other));
            combination[2 * column + other - 1] = own - 1.0 / 3.0;
        }
        let variance = combination.dot(&factor.solve(&combination));
        assert!(
            (error / variance.sqrt() - 1.0).abs() < 1e-5,
            "{column} {class}"
        );
    }
}

#[test]
fn two_classes_are_half_of_the_binary_model_each() {
    let cohort = Cohort::new(5, 150, 3);
    let labels: Vec<usize> = cohort.outcomes.iter().map(|o| usize::from(*o)).collect();
    let classes = Target::Classes {
        labels: &labels,
        classes: 2,
    };
    let both = fit(&cohort.features, &classes, None, &settings(0.0, 0.0)).unwrap();
    let binary = fit(
        &cohort.features,
        &cohort.binary(),
        None,
        &settings(0.0, 0.0),
    )
    .unwrap();
    let (errors, expected) = (
        both.standard_errors.unwrap(),
        binary.standard_errors.unwrap(),
    );
    for (row, value) in binary.parameters.iter().enumerate() {
        assert!((both.parameters[(row, 1)] - 0.5 * value).abs() < 1e-9);
        assert!((both.parameters[(row, 0)] + 0.5 * value).abs() < 1e-9);
        for class in [0, 1] {
            assert!((errors[(row, class)] - 0.5 * expected[(row, 0)]).abs() < 1e-9);
        }
    }
}

#[test]
fn survival_is_a_step_function_that_ends_with_the_data() {
    // Deaths at 1, 2 and 2 of 5, without any effect: 1/5, then 2/4.
    let features = array![[1.0], [-1.0], [1.0], [-1.0], [0.0]];
    let target = Target::Survival {
        entries: None,
        times: &[1.0, 2.0, 2.0, 3.0, 3.0],
        events: &[true, true, true, false, false],
    };
    let model = fit(&features, &target, None, &settings(10.0, 1.0)).unwrap();
    let baseline = model.baseline().unwrap();
    for (time, expected) in [(0.0, 0.0), (0.9, 0.0), (1.0, 0.2), (2.0, 0.7), (3.0, 0.7)] {
        assert!((baseline.cumulative_hazard(time).unwrap() - expected).abs() < 1e-15);
        let survival = model.survival(2.0_f64.ln(), time).unwrap();
        assert!((survival - (-2.0 * expected).exp()).abs() < 1e-15);
    }
    for time in [3.1, -1.0, f64::NAN] {
        let error = model.survival(0.0, time).unwrap_err();
        assert!(matches!(error, LinearError::BeyondFollowUp { .. }));
    }
}

#[test]
fn graphs_have_the_coefficients() {
    let cohort = Cohort::new(31, 100, 4);
    for (name, target) in cohort.targets() {
        let model = fit(&cohort.features, &target, None, &settings(0.01, 0.5)).unwrap();
        let outputs = model.outputs() as u64;
        let rows = Dimension::symbolic("N");
        let mut graph = GraphBuilder::new(name);
        graph
            .input(
                "x",
                ElementType::Float32,
                &[rows.clone(), Dimension::Fixed(4)],
            )
            .unwrap();
        model.write(&mut graph, "x", "raw").unwrap();
        graph
            .output(
                "raw",
                ElementType::Float32,
                &[rows, Dimension::Fixed(outputs)],
            )
            .unwrap();
        let proto = graph.finish().unwrap().into_proto();
        let graph = proto.graph.unwrap();
        let node = &graph.node[0];
        assert_eq!(node.op_type, "Gemm");
        assert_eq!(node.output, ["raw"]);
        let parameters: Vec<f32> = node.input[1..]
            .iter()
            .flat_map(|name| {
                let constant = graph.initializer.iter().find(|c| c.name == *name).unwrap();
                assert_eq!(*constant.dims.last().unwrap(), outputs as i64);
                constant
                    .raw_data
                    .chunks(4)
                    .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
                    .collect::<Vec<_>>()
            })
            .collect();
        let expected: Vec<f32> = model.parameters.iter().map(|value| *value as f32).collect();
        assert_eq!(parameters, expected, "{name}");
    }
}
