//! Threads, interruptions and absent rows change no bit of a network.

use std::ops::ControlFlow;

use super::super::{Checkpoint, EpochReport, Rows, Settings, Training, fit};
use super::{Data, timeless, train};
use crate::network::NetworkError;

fn settings() -> Settings {
    Settings {
        hidden: vec![12, 7],
        epochs: 6,
        batch_size: 300,
        seed: 11,
        ..Settings::default()
    }
}

#[test]
fn threads_change_nothing() {
    let (data, other) = (Data::new(1000, 9, 1), Data::new(1700, 9, 2));
    for (target, unseen) in data.targets().into_iter().zip(other.targets()) {
        let train = |threads| {
            let settings = Settings {
                threads,
                ..settings()
            };
            timeless(train(
                data.rows(target),
                Some(other.rows(unseen)),
                &settings,
            ))
        };
        let one = train(1);
        for threads in [2, 3, 8] {
            assert!(one == train(threads), "{threads} threads");
        }
    }
}

#[test]
fn seeds_change_everything() {
    let data = Data::new(200, 4, 1);
    let train = |seed| {
        let settings = Settings { seed, ..settings() };
        train(data.rows(data.targets()[0]), None, &settings).network
    };
    assert!(train(1) == train(1));
    assert!(train(1) != train(2));
}

/// Trains until an epoch, and goes on from the checkpoint after it, as read from its file.
fn interrupted(training: Rows<'_>, validation: Option<Rows<'_>>, after: usize) -> Training {
    let mut saved = Vec::new();
    let mut stop = |report: &EpochReport<'_>| {
        saved = postcard::to_stdvec(report.checkpoint).unwrap();
        if report.record.epoch == after {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    };
    let error = fit(training, validation, &settings(), &mut stop, None).unwrap_err();
    assert!(matches!(error, NetworkError::NetworkInterrupted { epoch } if epoch == after));
    let checkpoint: Checkpoint = postcard::from_bytes(&saved).unwrap();
    assert_eq!(checkpoint.epoch(), after);
    let mut epochs = Vec::new();
    let mut go_on = |report: &EpochReport<'_>| {
        epochs.push(report.record.epoch);
        ControlFlow::Continue(())
    };
    let resumed = fit(
        training,
        validation,
        &settings(),
        &mut go_on,
        Some(checkpoint),
    )
    .unwrap();
    assert_eq!(
        epochs,
        (after + 1..=resumed.history.len()).collect::<Vec<_>>()
    );
    resumed
}

#[test]
fn interruptions_change_nothing() {
    let (data, other) = (Data::new(500, 5, 1), Data::new(100, 5, 2));
    for (target, unseen) in data.targets().into_iter().zip(other.targets()) {
        for validation in [None, Some(other.rows(unseen))] {
            let whole = timeless(train(data.rows(target), validation, &settings()));
            for after in 1..=whole.history.len() {
                let resumed = timeless(interrupted(data.rows(target), validation, after));
                assert!(whole == resumed, "{target:?} after {after}");
            }
        }
    }
}

#[test]
fn patience_goes_on_across_an_interruption() {
    let (data, other) = (Data::new(60, 5, 1), Data::new(60, 5, 9));
    let [target, ..] = data.targets();
    // Wrong outcomes, so that the first epoch stays the best.
    let wrong: Vec<bool> = other.outcomes.iter().map(|outcome| !outcome).collect();
    let validation = super::binary(&other.features, &wrong);
    let settings = Settings {
        epochs: 50,
        patience: 4,
        dropout: 0.0,
        learning_rate: 0.01,
        ..settings()
    };
    let whole = train(data.rows(target), Some(validation), &settings);
    assert_eq!((whole.best_epoch, whole.history.len()), (1, 5));
    let mut saved = None;
    let mut stop = |report: &EpochReport<'_>| {
        saved = Some(report.checkpoint.clone());
        if report.record.epoch == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    fit(
        data.rows(target),
        Some(validation),
        &settings,
        &mut stop,
        None,
    )
    .unwrap_err();
    let mut go_on = |_: &EpochReport<'_>| ControlFlow::Continue(());
    let resumed = fit(
        data.rows(target),
        Some(validation),
        &settings,
        &mut go_on,
        saved,
    )
    .unwrap();
    assert!(timeless(whole) == timeless(resumed));
}

#[test]
fn a_checkpoint_of_another_training_is_refused() {
    let data = Data::new(200, 5, 1);
    let [cases, classes, _] = data.targets();
    let mut saved = None;
    let mut keep = |report: &EpochReport<'_>| {
        saved = Some(report.checkpoint.clone());
        ControlFlow::Continue(())
    };
    fit(data.rows(cases), None, &settings(), &mut keep, None).unwrap();
    let saved = saved.unwrap();
    let (fewer, wider) = (Data::new(199, 5, 1), Data::new(200, 6, 1));
    let check = |rows: Rows<'_>, validation, settings: &Settings, what: &str| {
        let mut go_on = |_: &EpochReport<'_>| ControlFlow::Continue(());
        let error = fit(rows, validation, settings, &mut go_on, Some(saved.clone())).unwrap_err();
        assert!(
            matches!(error, NetworkError::Checkpoint { what: w } if w == what),
            "{error}"
        );
    };
    check(data.rows(classes), None, &settings(), "kind of outcome");
    let other = Settings {
        learning_rate: 0.1,
        ..settings()
    };
    check(data.rows(cases), None, &other, "setting");
    check(
        fewer.rows(fewer.targets()[0]),
        None,
        &settings(),
        "number of rows",
    );
    check(
        wider.rows(wider.targets()[0]),
        None,
        &settings(),
        "number of features",
    );
    check(
        data.rows(cases),
        Some(data.rows(cases)),
        &settings(),
        "choice of validation data",
    );
    // More epochs and threads are welcome.
    let more = Settings {
        epochs: 8,
        threads: 2,
        ..settings()
    };
    let mut go_on = |_: &EpochReport<'_>| ControlFlow::Continue(());
    let longer = fit(
        data.rows(cases),
        None,
        &more,
        &mut go_on,
        Some(saved.clone()),
    )
    .unwrap();
    assert!(timeless(longer) == timeless(train(data.rows(cases), None, &more)));
}

#[test]
fn rows_of_weight_zero_are_absent() {
    let data = Data::new(300, 4, 3);
    let mut weights = vec![1.0; 300];
    weights[200..].fill(0.0);
    let with = Rows {
        weights: Some(&weights),
        ..super::binary(&data.features, &data.outcomes)
    };
    let (features, _) = data.features.view().split_at(ndarray::Axis(0), 200);
    let without = super::binary(&features, &data.outcomes[..200]);
    assert!(
        timeless(train(with, None, &settings())) == timeless(train(without, None, &settings()))
    );
}
