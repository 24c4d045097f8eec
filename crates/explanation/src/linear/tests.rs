use ndarray::{Array2, array};
use proptest::prelude::*;

use super::*;
use crate::testing::{Graph, by_definition, floats, int, ints, noise, text};

fn message<T: std::fmt::Debug>(result: Result<T, ExplanationError>) -> String {
    result.unwrap_err().to_string()
}

proptest! {
    #[test]
    fn values_are_those_of_the_definition(seed in 0_u64..1_000_000, rows in 1_usize..6) {
        let background = Array2::from_shape_vec((rows, 5), noise(rows * 5, seed)).unwrap();
        let background = Background::try_new(background).unwrap();
        let coefficients: Vec<f64> = noise(5, seed + 1).into_iter().map(f64::from).collect();
        let coefficients = Array2::from_shape_vec((1, 5), coefficients).unwrap();
        let model = LinearModel::try_new(coefficients, vec![0.7]).unwrap();
        let players = Players::try_new(vec![2, 0, 0, 1, 2]).unwrap();
        let row = noise(5, seed + 2);
        let explanation = LinearExplainer::new(&model, 0, &background, &players).unwrap().explain(&row).unwrap();
        let expected = by_definition(|row| model.predict(row).unwrap()[0], &row, &background, &players);
        for (value, expected) in explanation.values.iter().zip(&expected) {
            prop_assert!((value - expected).abs() < 1e-13);
        }
        explanation.check_additivity(1e-13).unwrap();
        prop_assert!((explanation.prediction - model.predict(&row).unwrap()[0]).abs() < 1e-13);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let model = LinearModel::try_new(array![[1.0, 2.0]], vec![0.0]).unwrap();
    let background = Background::try_new(array![[0.0, 1.0]]).unwrap();
    let players = Players::one_per_column(2).unwrap();
    let explainer = LinearExplainer::new(&model, 0, &background, &players).unwrap();
    assert!(message(explainer.explain(&[1.0])).contains("the patient has 1 columns"));
    assert!(message(explainer.explain(&[1.0, f32::NAN])).contains("column 1 of the patient"));
    assert!(message(LinearExplainer::new(&model, 1, &background, &players)).contains("1 outputs"));
    let missing = Background::try_new(array![[f32::INFINITY, 1.0]]).unwrap();
    assert!(
        message(LinearExplainer::new(&model, 0, &missing, &players))
            .contains("column 0 of the background")
    );
    assert!(message(Background::try_new(Array2::zeros((0, 2)))).contains("empty"));
    assert!(message(LinearModel::try_new(array![[f64::NAN]], vec![0.0])).contains("not finite"));
}

/// Standardise, a layer, another one, a sigmoid.
fn network() -> Graph {
    Graph::new(2)
        .constant("mean", &[1, 2], &[1.0, 2.0])
        .constant("deviation", &[2], &[2.0, 4.0])
        .constant("weights", &[3, 2], &[1.0, 0.0, 0.0, 1.0, 1.0, -1.0])
        .constant("bias", &[3], &[0.5, 0.0, -0.5])
        .constant("last", &[3, 1], &[1.0, 2.0, 3.0])
        .constant("one", &[], &[1.0])
        .node("Sub", &["x", "mean"], &["a"], vec![])
        .node("Div", &["a", "deviation"], &["b"], vec![])
        .node(
            "Gemm",
            &["b", "weights", "bias"],
            &["c"],
            vec![int("transB", 1)],
        )
        .node("MatMul", &["c", "last"], &["d"], vec![])
        .node("Sub", &["one", "d"], &["e"], vec![])
}

#[test]
fn layers_without_activation_are_one_linear_model() {
    let graph = network().node("Sigmoid", &["e"], &["y"], vec![]);
    let model = LinearModel::from_onnx(&graph.finish(), "y").unwrap();
    // 1 - (1 a + 2 b + 3 (a - b) + 0.5 - 1.5) with a = (x - 1) / 2 and b = (z - 2) / 4.
    assert_eq!(model.coefficients(), &array![[-2.0, 0.25]]);
    assert_eq!(model.intercepts(), [2.0 + 2.0 - 0.5]);
    assert_eq!(model.scale(), Scale::LogOdds);
    let graph = network().node("Identity", &["e"], &["y"], vec![]);
    let model = LinearModel::from_onnx(&graph.finish(), "y").unwrap();
    assert_eq!(model.scale(), Scale::Output);
}

#[test]
fn an_activation_is_named() {
    let graph = network().node("Relu", &["e"], &["y"], vec![]);
    let text = message(LinearModel::from_onnx(&graph.finish(), "y"));
    assert_eq!(
        text,
        "the graph is not linear in its input: Relu is not known to be linear; explain it by sampling"
    );
    let graph = network().node("Sigmoid", &["e"], &["f"], vec![]).node(
        "Sub",
        &["one", "f"],
        &["y"],
        vec![],
    );
    let text = message(LinearModel::from_onnx(&graph.finish(), "y"));
    assert!(text.contains("Sub changes the probabilities"), "{text}");
    let graph = network().node("Mul", &["e", "x"], &["y"], vec![]);
    let text = message(LinearModel::from_onnx(&graph.finish(), "y"));
    assert!(text.contains("Mul takes 2 computed values"), "{text}");
    let text = message(LinearModel::from_onnx(
        &network().node("Identity", &["e"], &["y"], vec![]).finish(),
        "z",
    ));
    assert!(text.contains("no output named 'z'; it has y"), "{text}");
}

fn classifier(labels: &[i64], coefficients: &[f32], intercepts: &[f32], transform: &str) -> Graph {
    let attributes = vec![
        floats("coefficients", coefficients),
        floats("intercepts", intercepts),
        ints("classlabels_ints", labels),
        text("post_transform", transform),
    ];
    Graph::new(2)
        .node(
            "ai.onnx.ml.Scaler",
            &["x"],
            &["z"],
            vec![floats("offset", &[1.0, -1.0]), floats("scale", &[2.0, 0.5])],
        )
        .node(
            "ai.onnx.ml.LinearClassifier",
            &["z"],
            &["label", "p"],
            attributes,
        )
}

#[test]
fn classifiers_are_read() {
    let normalise = |graph: Graph| {
        graph
            .node(
                "ai.onnx.ml.Normalizer",
                &["p"],
                &["y"],
                vec![text("norm", "L1")],
            )
            .finish()
    };
    let opposite = classifier(&[0, 1], &[-1.0, -3.0, 1.0, 3.0], &[-0.5, 0.5], "LOGISTIC");
    let model = LinearModel::from_onnx(&normalise(opposite), "y").unwrap();
    assert_eq!(model.coefficients(), &array![[-2.0, -1.5], [2.0, 1.5]]);
    assert_eq!(model.intercepts(), [-0.5 + 2.0 - 1.5, 0.5 - 2.0 + 1.5]);
    assert_eq!(model.scale(), Scale::LogOdds);
    // One row of coefficients for two classes is the second class.
    let graph = classifier(&[0, 1], &[1.0, 3.0], &[0.5], "LOGISTIC");
    assert_eq!(
        LinearModel::from_onnx(&normalise(graph), "y").unwrap(),
        model
    );
    // A softmax of two classes is a sigmoid of the difference.
    let graph = classifier(&[0, 1], &[0.0, 0.0, 1.0, 3.0], &[0.0, 0.5], "SOFTMAX");
    assert_eq!(
        LinearModel::from_onnx(&normalise(graph), "y").unwrap(),
        model
    );
    let graph = classifier(
        &[0, 1, 2],
        &[0.0, 0.0, 1.0, 3.0, 1.0, 1.0],
        &[0.0, 0.5, 1.0],
        "SOFTMAX",
    );
    let three = LinearModel::from_onnx(&normalise(graph), "y").unwrap();
    assert_eq!((three.outputs(), three.scale()), (3, Scale::ClassScore));
}

#[test]
fn classifiers_without_a_clear_scale_are_refused() {
    let read = |graph: Graph| message(LinearModel::from_onnx(&graph.finish(), "y"));
    // One against the rest, normalised afterwards: no sigmoid of one score.
    let graph = classifier(
        &[0, 1, 2],
        &[0.0, 0.0, 1.0, 3.0, 1.0, 1.0],
        &[0.0, 0.5, 1.0],
        "LOGISTIC",
    );
    let normalise = vec![text("norm", "L1")];
    let text = read(graph.node("ai.onnx.ml.Normalizer", &["p"], &["y"], normalise));
    assert!(
        text.contains("Normalizer changes the probabilities"),
        "{text}"
    );
    let label = classifier(&[0, 1], &[1.0, 3.0], &[0.5], "LOGISTIC").node(
        "Cast",
        &["label"],
        &["y"],
        vec![int("to", 1)],
    );
    assert!(read(label).contains("gives a label"));
    let probit = classifier(&[0, 1], &[0.0, 0.0, 1.0, 3.0], &[0.0, 0.5], "PROBIT");
    assert!(read(probit.node("Identity", &["p"], &["y"], vec![])).contains("PROBIT"));
    // ONNX Runtime leaves a single score as it is.
    let attributes = vec![
        floats("coefficients", &[1.0, 2.0]),
        crate::testing::text("post_transform", "LOGISTIC"),
    ];
    let graph = Graph::new(2).node("ai.onnx.ml.LinearRegressor", &["x"], &["y"], attributes);
    assert!(read(graph).contains("post_transform LOGISTIC for one output"));
}

#[test]
fn columns_are_chosen() {
    let graph =
        classifier(&[0, 1], &[0.0, 0.0, 1.0, 3.0], &[0.0, 0.5], "SOFTMAX").indices("second", &[1]);
    for (operator, attributes) in [
        ("Gather", vec![int("axis", 1)]),
        ("ai.onnx.ml.ArrayFeatureExtractor", vec![]),
    ] {
        let mut graph = Graph {
            nodes: graph.nodes.clone(),
            constants: graph.constants.clone(),
            ..graph
        };
        graph = graph.node(operator, &["p", "second"], &["y"], attributes);
        let model = LinearModel::from_onnx(&graph.finish(), "y").unwrap();
        assert_eq!(model.coefficients(), &array![[2.0, 1.5]]);
    }
}

#[test]
fn damaged_graphs_are_refused() {
    let read = |graph: Graph| message(LinearModel::from_onnx(&graph.finish(), "y"));
    let circle = Graph::new(2).node("Identity", &["y"], &["a"], vec![]).node(
        "Identity",
        &["a"],
        &["y"],
        vec![],
    );
    assert!(read(circle).contains("computed from itself"));
    assert!(read(Graph::new(2)).contains("does not come from its input"));
    assert!(
        read(Graph::new(0).node("Identity", &["x"], &["y"], vec![])).contains("how many columns")
    );
    let short =
        Graph::new(2)
            .constant("w", &[3, 1], &[1.0])
            .node("MatMul", &["x", "w"], &["y"], vec![]);
    assert!(read(short).contains("another number of values"));
    let narrow =
        Graph::new(2)
            .constant("w", &[3, 1], &[1.0; 3])
            .node("MatMul", &["x", "w"], &["y"], vec![]);
    assert!(read(narrow).contains("weights for 3 columns"));
    let tall =
        Graph::new(2)
            .constant("w", &[2, 1], &[1.0; 2])
            .node("Add", &["x", "w"], &["y"], vec![]);
    assert!(read(tall).contains("not one row of 2 columns"));
    let zero = Graph::new(2)
        .constant("w", &[1], &[0.0])
        .node("Div", &["x", "w"], &["y"], vec![]);
    assert!(read(zero).contains("by zero"));
    let wide = Graph::new(1 << 40).node("Identity", &["x"], &["y"], vec![]);
    assert!(read(wide).contains("how many columns"));
    let many = Graph::new(1 << 20).node("Identity", &["x"], &["y"], vec![]);
    assert!(read(many).contains("outputs for"));
}
