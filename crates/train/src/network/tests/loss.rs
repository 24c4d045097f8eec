//! Losses at the edges.

use ndarray::{Array2, array};

use super::super::{ClassWeights, Rows, Settings, Target};

#[test]
fn extreme_outputs_have_finite_losses() {
    let features = Array2::<f32>::zeros((2, 1));
    let labels = [0, 1];
    let targets = [
        Target::Binary(&[false, true]),
        Target::Classes {
            labels: &labels,
            classes: 2,
        },
    ];
    for target in targets {
        let rows = Rows {
            features: features.view(),
            target,
            weights: None,
        };
        let (checked, _) = rows.check_training(&Settings::default()).unwrap();
        let outputs = target.family().outputs();
        let mut slopes = Array2::zeros((2, outputs));
        // The first column alone: log odds of 1000, or logits of 1000 and 0.
        let raw = Array2::from_shape_fn((2, outputs), |(_, c)| if c == 0 { 1000.0 } else { 0.0 });
        let loss = checked.loss(&[0, 1], &raw, Some(slopes.view_mut()));
        assert_eq!(loss.mean, 500.0, "{target:?}");
        assert!(slopes.iter().all(|slope| slope.is_finite()));
    }
}

#[test]
fn a_batch_without_events_teaches_nothing() {
    let features = Array2::<f32>::zeros((3, 1));
    let rows = Rows {
        features: features.view(),
        target: Target::Survival {
            times: &[1.0, 2.0, 3.0],
            events: &[false, false, true],
        },
        weights: None,
    };
    let (checked, _) = rows.check_training(&Settings::default()).unwrap();
    let mut slopes = array![[7.0_f32], [7.0]];
    let raw = array![[0.3_f32], [-0.2]];
    let loss = checked.loss(&[0, 1], &raw, Some(slopes.view_mut()));
    assert_eq!((loss.mean, loss.weight), (0.0, 0.0));
    assert_eq!(slopes, array![[0.0], [0.0]]);
}

#[test]
fn balanced_classes_weigh_the_same() {
    let features = Array2::<f32>::zeros((4, 1));
    let settings = Settings {
        class_weights: ClassWeights::Balanced,
        ..Settings::default()
    };
    let rows = Rows {
        features: features.view(),
        target: Target::Binary(&[true, false, false, false]),
        weights: Some(&[3.0, 1.0, 2.0, 0.0]),
    };
    let (checked, of_classes) = rows.check_training(&settings).unwrap();
    assert_eq!(of_classes, [1.0, 1.0]);
    assert_eq!(checked.present, [0, 1, 2]);
    let weights = [0, 1, 2, 3].map(|row| checked.weight(row));
    assert_eq!(weights, [1.5, 0.5, 1.0, 0.0]);

    let rows = Rows {
        weights: None,
        ..rows
    };
    let (checked, of_classes) = rows.check_training(&settings).unwrap();
    assert_eq!(of_classes, [4.0 / 6.0, 2.0]);
    let weights = [0, 1].map(|row| checked.weight(row));
    assert!((weights[0] - 2.0).abs() < 1e-12 && (weights[1] - 4.0 / 6.0).abs() < 1e-12);
}
