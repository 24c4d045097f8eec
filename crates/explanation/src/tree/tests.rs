use ndarray::Array2;
use proptest::prelude::*;
use varisk_onnx::proto::AttributeProto;

use super::*;
use crate::testing::{Graph, by_definition, floats, int, ints, noise, strings, text};
use crate::{Background, Players};

const COLUMNS: usize = 6;

/// A tree of random shape: values on a coarse grid, so that ties with thresholds occur.
fn tree() -> impl Strategy<Value = Vec<Node>> {
    let leaf =
        prop::collection::vec(-1.0..1.0_f64, 2).prop_map(|values| vec![Node::Leaf { values }]);
    leaf.prop_recursive(6, 64, 2, |below| {
        let split = (
            0..COLUMNS,
            -2_i8..3,
            any::<bool>(),
            any::<bool>(),
            below.clone(),
            below,
        );
        split.prop_map(
            |(column, threshold, is_less, missing_holds, holds, fails)| {
                let comparison = if is_less {
                    Comparison::Less
                } else {
                    Comparison::LessOrEqual
                };
                let mut nodes = vec![Node::Split {
                    column,
                    threshold: f32::from(threshold),
                    comparison,
                    missing_holds,
                    holds: 1,
                    fails: 1 + holds.len(),
                }];
                for part in [holds, fails] {
                    let first = nodes.len();
                    nodes.extend(part.into_iter().map(|node| shift(node, first)));
                }
                nodes
            },
        )
    })
}

fn shift(mut node: Node, by: usize) -> Node {
    if let Node::Split { holds, fails, .. } = &mut node {
        *holds += by;
        *fails += by;
    }
    node
}

fn rows(count: usize) -> impl Strategy<Value = Array2<f32>> {
    let value = prop_oneof![8 => (-3_i8..4).prop_map(f32::from), 1 => Just(f32::NAN)];
    prop::collection::vec(value, count * COLUMNS)
        .prop_map(move |values| Array2::from_shape_vec((count, COLUMNS), values).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn values_are_those_of_the_definition(
        trees in prop::collection::vec(tree(), 1..4),
        background in rows(4),
        patient in rows(1),
        is_average: bool,
        grouping in 0..3_usize,
    ) {
        let trees = trees.into_iter().map(|nodes| Tree { nodes }).collect();
        let aggregate = if is_average { Aggregate::Average } else { Aggregate::Sum };
        let ensemble = TreeEnsemble::try_new(COLUMNS, trees, vec![0.5, -1.0], aggregate, Scale::Output).unwrap();
        let background = Background::try_new(background).unwrap();
        let players = [vec![0, 1, 2, 3, 4, 5], vec![1, 0, 0, 1, 2, 0], vec![0; 6]];
        let players = Players::try_new(players[grouping].clone()).unwrap();
        let patient = patient.row(0).to_vec();
        for output in 0..2 {
            let explainer = TreeExplainer::new(&ensemble, output, &background, &players).unwrap();
            let explanation = explainer.explain(&patient).unwrap();
            let f = |row: &[f32]| ensemble.predict(row).unwrap()[output];
            let expected = by_definition(f, &patient, &background, &players);
            for (value, expected) in explanation.values.iter().zip(&expected) {
                prop_assert!((value - expected).abs() <= 1e-12 * (1.0 + expected.abs()));
            }
            prop_assert!((explanation.prediction - f(&patient)).abs() < 1e-12);
            explanation.check_additivity(1e-12).unwrap();
        }
    }
}

/// A chain of splits: each asks one more column.
fn chain(depth: usize) -> Tree {
    let mut nodes = Vec::new();
    for level in 0..depth {
        nodes.push(Node::Split {
            column: level,
            threshold: 0.0,
            comparison: Comparison::Less,
            missing_holds: false,
            holds: 2 * level + 1,
            fails: 2 * level + 2,
        });
        nodes.push(Node::Leaf {
            values: vec![level as f64],
        });
    }
    nodes.push(Node::Leaf { values: vec![1.0] });
    Tree { nodes }
}

#[test]
fn the_deepest_tree_is_explained_and_a_deeper_one_refused() {
    let ensemble = |depth: usize| {
        TreeEnsemble::try_new(
            depth,
            vec![chain(depth)],
            vec![0.0],
            Aggregate::Sum,
            Scale::Output,
        )
    };
    let depth = MAXIMUM_DEPTH;
    let background = Array2::from_shape_vec((2, depth), noise(2 * depth, 1)).unwrap();
    let background = Background::try_new(background).unwrap();
    let players = Players::one_per_column(depth).unwrap();
    let explainer =
        TreeExplainer::new(&ensemble(depth).unwrap(), 0, &background, &players).unwrap();
    let explanation = explainer.explain(&vec![1.0; depth]).unwrap();
    explanation.check_additivity(1e-12).unwrap();
    let error = ensemble(depth + 1).unwrap_err().to_string();
    assert!(error.contains("deeper than 1024"), "{error}");
}

#[test]
fn trees_that_are_none_are_refused() {
    let refuse = |nodes: Vec<Node>| {
        TreeEnsemble::try_new(
            1,
            vec![Tree { nodes }],
            vec![0.0],
            Aggregate::Sum,
            Scale::Output,
        )
        .unwrap_err()
        .to_string()
    };
    let leaf = |value: f64| Node::Leaf {
        values: vec![value],
    };
    let split = |column: usize, threshold: f32, holds: usize, fails: usize| Node::Split {
        column,
        threshold,
        comparison: Comparison::Less,
        missing_holds: false,
        holds,
        fails,
    };
    assert!(refuse(vec![]).contains("no node 0"));
    assert!(refuse(vec![split(0, 0.0, 1, 2), leaf(0.0)]).contains("no node 2"));
    assert!(refuse(vec![split(0, 0.0, 1, 1), leaf(0.0)]).contains("node 1 twice"));
    assert!(refuse(vec![split(0, 0.0, 0, 1), leaf(0.0)]).contains("node 0 twice"));
    assert!(refuse(vec![leaf(0.0), leaf(0.0)]).contains("never reaches its node 1"));
    assert!(refuse(vec![split(1, 0.0, 1, 2), leaf(0.0), leaf(0.0)]).contains("column 1 of 1"));
    assert!(refuse(vec![split(0, f32::NAN, 1, 2), leaf(0.0), leaf(0.0)]).contains("no threshold"));
    assert!(refuse(vec![leaf(f64::NAN)]).contains("finite"));
}

/// A tree of one split and two leaves, as attributes.
fn stump(mode: &str, prefix: &str, ids: &[i64], weights: &[f32]) -> Vec<AttributeProto> {
    let leaves: Vec<i64> = (0..ids.len())
        .map(|entry| 2 - i64::from(entry % 2 == 0))
        .collect();
    vec![
        ints("nodes_treeids", &[0, 0, 0]),
        ints("nodes_nodeids", &[0, 1, 2]),
        ints("nodes_featureids", &[1, 0, 0]),
        floats("nodes_values", &[0.5, 0.0, 0.0]),
        strings("nodes_modes", &[mode, "LEAF", "LEAF"]),
        ints("nodes_truenodeids", &[1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0]),
        ints(&format!("{prefix}_treeids"), &vec![0; ids.len()]),
        ints(&format!("{prefix}_nodeids"), &leaves),
        ints(&format!("{prefix}_ids"), ids),
        floats(&format!("{prefix}_weights"), weights),
    ]
}

fn regressor(mode: &str, more: Vec<AttributeProto>) -> Graph {
    let mut attributes = stump(mode, "target", &[0, 0], &[1.0, 2.0]);
    attributes.extend(more);
    Graph::new(2).node(
        "ai.onnx.ml.TreeEnsembleRegressor",
        &["x"],
        &["s"],
        attributes,
    )
}

fn classifier(labels: &[i64], ids: &[i64], weights: &[f32], more: Vec<AttributeProto>) -> Graph {
    let mut attributes = stump("BRANCH_LEQ", "class", ids, weights);
    attributes.push(ints("classlabels_int64s", labels));
    attributes.extend(more);
    let graph = Graph::new(2);
    graph.node(
        "ai.onnx.ml.TreeEnsembleClassifier",
        &["x"],
        &["label", "s"],
        attributes,
    )
}

fn read(graph: Graph) -> Result<TreeEnsemble, ExplanationError> {
    TreeEnsemble::from_onnx(
        &graph.node("Identity", &["s"], &["y"], vec![]).finish(),
        "y",
    )
}

fn scores(ensemble: &TreeEnsemble, value: f32) -> Vec<f64> {
    ensemble.predict(&[9.0, value]).unwrap()
}

#[test]
fn modes_and_missing_values_are_those_of_the_standard() {
    // Below, at and above the threshold of 0.5, and missing; 1 where the comparison holds.
    for (mode, expected) in [
        ("BRANCH_LT", [1.0, 2.0, 2.0]),
        ("BRANCH_LEQ", [1.0, 1.0, 2.0]),
        ("BRANCH_GTE", [2.0, 1.0, 1.0]),
        ("BRANCH_GT", [2.0, 2.0, 1.0]),
    ] {
        for (tracks_true, missing) in [(0, 2.0), (1, 1.0)] {
            let tracks = ints("nodes_missing_value_tracks_true", &[tracks_true, 0, 0]);
            let ensemble = read(regressor(mode, vec![tracks])).unwrap();
            for (value, expected) in [0.0, 0.5, 1.0].into_iter().zip(expected) {
                assert_eq!(scores(&ensemble, value), [expected], "{mode} {value}");
            }
            assert_eq!(scores(&ensemble, f32::NAN), [missing], "{mode}");
        }
    }
    let error = read(regressor("BRANCH_EQ", vec![]))
        .unwrap_err()
        .to_string();
    assert!(error.contains("mode BRANCH_EQ"), "{error}");
}

#[test]
fn what_follows_the_trees_goes_into_them() {
    let base = || floats("base_values", &[10.0]);
    let ensemble = read(regressor(
        "BRANCH_LT",
        vec![base(), text("aggregate_function", "AVERAGE")],
    ))
    .unwrap();
    assert_eq!(
        (scores(&ensemble, 0.0), ensemble.scale()),
        (vec![11.0], Scale::Output)
    );
    let graph = regressor("BRANCH_LT", vec![base()])
        .constant("factor", &[1], &[0.5])
        .constant("shift", &[], &[3.0])
        .node("Mul", &["s", "factor"], &["a"], vec![])
        .node("Sub", &["a", "shift"], &["b"], vec![])
        .node("Sigmoid", &["b"], &["y"], vec![]);
    let ensemble = TreeEnsemble::from_onnx(&graph.finish(), "y").unwrap();
    assert_eq!(
        (scores(&ensemble, 0.0), ensemble.scale()),
        (vec![2.5], Scale::LogOdds)
    );
}

#[test]
fn one_score_of_two_classes_is_the_second_class() {
    let one = |weights: &[f32], more: Vec<AttributeProto>| {
        read(classifier(&[0, 1], &[0, 0], weights, more))
    };
    let logistic = || text("post_transform", "LOGISTIC");
    let ensemble = one(
        &[-1.0, 2.0],
        vec![logistic(), floats("base_values", &[0.5])],
    )
    .unwrap();
    assert_eq!(scores(&ensemble, 0.0), [0.5, -0.5]);
    assert_eq!(ensemble.scale(), Scale::LogOdds);
    // Probabilities are told from scores by their signs.
    assert_eq!(
        scores(&one(&[0.25, 1.0], vec![]).unwrap(), 0.0),
        [0.75, 0.25]
    );
    assert_eq!(
        scores(&one(&[-0.25, 1.0], vec![]).unwrap(), 0.0),
        [0.25, -0.25]
    );
    let error = one(&[-1.0, 2.0], vec![text("post_transform", "SOFTMAX")]).unwrap_err();
    assert!(error.to_string().contains("SOFTMAX for one score"));
}

#[test]
fn several_classes_have_scores() {
    let softmax = || text("post_transform", "SOFTMAX");
    let ids = [0, 0, 1, 1, 2, 2];
    let weights = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let ensemble = read(classifier(&[0, 1, 2], &ids, &weights, vec![softmax()])).unwrap();
    assert_eq!(
        (scores(&ensemble, 0.0), ensemble.scale()),
        (vec![1.0, 3.0, 5.0], Scale::ClassScore)
    );
    let ensemble = read(classifier(
        &[0, 1],
        &ids[..4],
        &weights[..4],
        vec![softmax()],
    ))
    .unwrap();
    assert_eq!(
        (scores(&ensemble, 0.0), ensemble.scale()),
        (vec![-2.0, 2.0], Scale::LogOdds)
    );
}

#[test]
fn what_runtimes_read_differently_is_refused() {
    let refuse = |graph: Graph, text: &str| {
        let error = read(graph).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    };
    let post = |name: &str| text("post_transform", name);
    refuse(
        regressor("BRANCH_LT", vec![post("LOGISTIC")]),
        "post_transform LOGISTIC for one output",
    );
    refuse(
        regressor("BRANCH_LT", vec![text("aggregate_function", "MAX")]),
        "aggregate_function MAX",
    );
    refuse(
        regressor("BRANCH_LT", vec![int("n_targets", 0)]),
        "0 outputs",
    );
    refuse(
        regressor("BRANCH_LT", vec![int("n_targets", 1 << 40)]),
        "outputs",
    );
    let base = |values: &[f32]| vec![floats("base_values", values)];
    refuse(
        classifier(&[0, 1], &[0, 0], &[1.0, 2.0], base(&[1.0, 2.0])),
        "2 base_values for 1 scores",
    );
    refuse(
        classifier(&[0, 1], &[0, 0, 1, 1], &[1.0; 4], base(&[1.0, 2.0])),
        "scores of both classes",
    );
    refuse(
        classifier(&[0, 1], &[1, 1], &[1.0, 2.0], vec![]),
        "second of two classes only",
    );
    refuse(
        classifier(&[0, 1], &[0, 0, 0], &[1.0; 3], vec![]),
        "two weights for output 0 in node 1",
    );
    refuse(classifier(&[0, 1], &[0, 7], &[1.0; 2], vec![]), "output 7");
    // A leaf with a score of the first class only.
    refuse(
        classifier(&[0, 1], &[0, 0, 1], &[1.0, 2.0, 3.0], vec![]),
        "without a score of the second of two classes",
    );
    let graph = Graph::new(2).node("Relu", &["x"], &["s"], vec![]);
    refuse(graph, "Relu stands where the trees are expected");
    refuse(
        Graph::new(2).node("Identity", &["x"], &["s"], vec![]),
        "it has none",
    );
    let relu = regressor("BRANCH_LT", vec![]).node("Relu", &["s"], &["y"], vec![]);
    let error = TreeEnsemble::from_onnx(&relu.finish(), "y")
        .unwrap_err()
        .to_string();
    assert!(error.contains("Relu is not known to be linear"), "{error}");
    let label = classifier(&[0, 1], &[0, 0], &[1.0, 2.0], vec![]).node(
        "Cast",
        &["label"],
        &["y"],
        vec![int("to", 1)],
    );
    let error = TreeEnsemble::from_onnx(&label.finish(), "y")
        .unwrap_err()
        .to_string();
    assert!(error.contains("gives a label"), "{error}");
}

#[test]
fn damaged_lists_are_refused() {
    let change = |name: &str, attribute: AttributeProto| {
        let mut graph = regressor("BRANCH_LT", vec![]);
        graph.nodes[0].attribute.retain(|own| own.name != name);
        graph.nodes[0].attribute.push(attribute);
        read(graph).unwrap_err().to_string()
    };
    for (name, attribute, expected) in [
        (
            "nodes_nodeids",
            ints("nodes_nodeids", &[0, 1]),
            "lists of nodes of different lengths",
        ),
        (
            "nodes_nodeids",
            ints("nodes_nodeids", &[0, 1, 1]),
            "node 1 of tree 0 twice",
        ),
        (
            "nodes_falsenodeids",
            ints("nodes_falsenodeids", &[7, 0, 0]),
            "no node 7",
        ),
        (
            "nodes_falsenodeids",
            ints("nodes_falsenodeids", &[0, 0, 0]),
            "node 0 twice",
        ),
        (
            "nodes_featureids",
            ints("nodes_featureids", &[-1, 0, 0]),
            "negative column",
        ),
        (
            "nodes_featureids",
            ints("nodes_featureids", &[2, 0, 0]),
            "column 2 of 2",
        ),
        (
            "nodes_values",
            floats("nodes_values", &[f32::NAN, 0.0, 0.0]),
            "no threshold",
        ),
        (
            "target_nodeids",
            ints("target_nodeids", &[1, 9]),
            "node 9 of tree 0, which is not there",
        ),
        (
            "target_weights",
            floats("target_weights", &[1.0]),
            "lists of weights of different lengths",
        ),
        (
            "target_weights",
            floats("target_weights", &[1.0, f32::NAN]),
            "finite",
        ),
    ] {
        let error = change(name, attribute);
        assert!(error.contains(expected), "{name}: {error}");
    }
}
