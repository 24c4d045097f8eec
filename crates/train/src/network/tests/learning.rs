//! Networks learn what they should.

use ndarray::{Array2, array};
use varisk_onnx::{Dimension, ElementType, GraphBuilder};

use super::super::{Family, Network, Rows, Settings, Target};
use super::{Data, binary, train};

fn without_dropout() -> Settings {
    Settings {
        dropout: 0.0,
        learning_rate: 0.01,
        batch_size: 64,
        threads: 2,
        ..Settings::default()
    }
}

#[test]
fn xor() {
    let features = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let outcomes = [false, true, true, false];
    let settings = Settings {
        hidden: vec![16],
        epochs: 500,
        ..without_dropout()
    };
    let training = train(binary(&features, &outcomes), None, &settings);
    let probabilities = training.network.predict(&features).unwrap();
    for (probability, outcome) in probabilities.iter().zip(outcomes) {
        let expected = f32::from(u8::from(outcome));
        assert!((probability - expected).abs() < 0.05, "{probabilities}");
    }
    assert!(training.history[499].training_loss < 0.05);
    assert_eq!(training.best_epoch, 500);
}

#[test]
fn linear_problems_of_each_family() {
    let (data, other) = (Data::new(600, 4, 1), Data::new(300, 4, 2));
    for (target, unseen) in data.targets().into_iter().zip(other.targets()) {
        let settings = Settings {
            epochs: 60,
            ..without_dropout()
        };
        let training = train(data.rows(target), Some(other.rows(unseen)), &settings);
        let values = training.network.predict(&other.features).unwrap();
        match unseen {
            Target::Binary(outcomes) => {
                let right = outcomes
                    .iter()
                    .zip(&values)
                    .filter(|(o, p)| **o == (**p > 0.5));
                assert!(right.count() > 290);
            }
            Target::Classes { labels, .. } => {
                let right = labels
                    .iter()
                    .zip(values.rows())
                    .filter(|(label, row)| row.iter().all(|value| *value <= row[**label]));
                assert!(right.count() > 280);
                assert!(
                    values
                        .rows()
                        .into_iter()
                        .all(|row| (row.sum() - 1.0).abs() < 1e-5)
                );
            }
            Target::Survival { times, events } => {
                let (mut concordant, mut pairs) = (0, 0);
                for first in (0..times.len()).filter(|row| events[*row]) {
                    for later in (0..times.len()).filter(|row| times[*row] > times[first]) {
                        pairs += 1;
                        concordant += u32::from(values[[first, 0]] > values[[later, 0]]);
                    }
                }
                assert!(f64::from(concordant) / f64::from(pairs) > 0.95);
            }
        }
    }
}

#[test]
fn the_best_epoch_is_kept() {
    let (data, mut other) = (Data::new(120, 20, 4), Data::new(80, 20, 5));
    // Outcomes with noise, so that validation gets worse at last.
    for outcome in other.outcomes.iter_mut().step_by(4) {
        *outcome = !*outcome;
    }
    let settings = Settings {
        patience: 5,
        epochs: 400,
        ..without_dropout()
    };
    let known = binary(&data.features, &data.outcomes);
    let unseen = binary(&other.features, &other.outcomes);
    let training = train(known, Some(unseen), &settings);
    let epochs = training.history.len();
    assert!(epochs < 400, "training never ended early");
    assert_eq!(training.best_epoch + settings.patience, epochs);
    let losses = training
        .history
        .iter()
        .map(|record| record.validation_loss.unwrap());
    let lowest = losses.fold(f64::INFINITY, f64::min);
    let best = training.history[training.best_epoch - 1]
        .validation_loss
        .unwrap();
    assert_eq!(lowest, best);
    // The network that is given back has this loss.
    let raw = training.network.predict_raw(&other.features).unwrap();
    let (checked, _) = unseen.check_training(&settings).unwrap();
    let again = checked.loss(&checked.present, &raw, None).mean;
    assert!((again - best).abs() < 1e-6, "{again}, not {best}");
}

#[test]
fn a_row_of_weight_two_counts_as_two_rows() {
    let data = Data::new(50, 3, 6);
    let settings = Settings {
        hidden: vec![5],
        batch_size: 1000,
        epochs: 3,
        ..without_dropout()
    };
    let weights: Vec<f64> = (0..50)
        .map(|row| if row < 20 { 2.0 } else { 1.0 })
        .collect();
    let twice: Vec<usize> = (0..50).chain(0..20).collect();
    let features = Array2::from_shape_fn((70, 3), |(row, c)| data.features[[twice[row], c]]);
    let outcomes: Vec<bool> = twice.iter().map(|row| data.outcomes[*row]).collect();
    let weighted = Rows {
        weights: Some(&weights),
        ..binary(&data.features, &data.outcomes)
    };
    let one = train(weighted, None, &settings).network;
    let two = train(binary(&features, &outcomes), None, &settings).network;
    for (one, two) in one.layers().iter().zip(two.layers()) {
        let differences = &one.weights - &two.weights;
        assert!(differences.iter().all(|difference| difference.abs() < 1e-5));
    }
}

#[test]
fn predictions_by_hand() {
    let layer = |weights, bias| super::super::Layer { weights, bias };
    let network = Network::new(
        vec![
            layer(array![[1.0, -1.0], [2.0, 0.0]], array![0.5, -3.0]),
            layer(array![[1.0, 4.0]], array![0.25]),
        ],
        Family::Binary,
    );
    let features = array![[1.0, 2.0], [3.0, 1.0]];
    let raw = network.predict_raw(&features).unwrap();
    // Units: max(1 - 2 + 0.5, 0) = 0 and max(2 - 3, 0) = 0; then 2.5 and 3.
    assert_eq!(raw, array![[0.25], [14.75]]);
    let missing = array![[1.0, 2.0], [f32::NAN, 1.0]];
    let error = network.predict_raw(&missing).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("column 0 (counted from 0) is not a finite number in row 1")
    );
    let wrong = array![[1.0, 2.0, 3.0]];
    let error = network.predict_raw(&wrong).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the features have 3 columns but the model has 2; give the columns of training, in their order"
    );
}

#[test]
fn the_graph_names_its_nodes() {
    let data = Data::new(100, 3, 7);
    let settings = Settings {
        hidden: vec![4],
        epochs: 1,
        ..without_dropout()
    };
    for (target, link) in data
        .targets()
        .into_iter()
        .zip(["Sigmoid", "Softmax", "Identity"])
    {
        let network = train(data.rows(target), None, &settings).network;
        let mut graph = GraphBuilder::new("network");
        let features = [Dimension::symbolic("N"), Dimension::Fixed(3)];
        graph
            .input("features", ElementType::Float32, &features)
            .unwrap();
        network.write(&mut graph, "features", "raw").unwrap();
        network.write_link(&mut graph, "raw", "risk").unwrap();
        let outputs = [
            Dimension::symbolic("N"),
            Dimension::Fixed(network.family().outputs() as u64),
        ];
        graph
            .output("risk", ElementType::Float32, &outputs)
            .unwrap();
        let model = graph.finish().unwrap();
        let operators: Vec<&str> = model
            .graph()
            .node
            .iter()
            .map(|n| n.op_type.as_str())
            .collect();
        assert_eq!(operators, ["Gemm", "Relu", "Gemm", link]);
    }
}
