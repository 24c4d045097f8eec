//! Properties of metrics, groups and the page.

use proptest::prelude::*;

use crate::*;

const NONE: BootstrapSettings<'static> = BootstrapSettings {
    resamples: 0,
    seed: 0,
    level: 0.95,
    threads: std::num::NonZeroUsize::MIN,
    clusters: None,
};

fn sample(probabilities: &[f64], outcomes: &[bool]) -> BinarySample {
    BinarySample::try_new(probabilities, outcomes, BinarySettings::default()).unwrap()
}

fn value(sample: &impl Sample, metric: Metric) -> Value {
    let metrics = sample.metrics();
    metrics
        .into_iter()
        .find(|(key, _)| key.metric == metric)
        .unwrap()
        .1
}

/// Probabilities on a grid, so that they tie, and outcomes.
fn patients() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
    let patient =
        (0_u32..=20, any::<bool>()).prop_map(|(own, outcome)| (f64::from(own) / 20.0, outcome));
    prop::collection::vec(patient, 2..80).prop_map(|patients| patients.into_iter().unzip())
}

/// Probabilities of almost 0 and 1, both wrong: the likelihood is flat between them.
#[test]
fn calibration_where_the_likelihood_is_flat() {
    let (p, y) = ([0.7, 0.0], [false, true]);
    let own = value(&sample(&p, &y), Metric::CalibrationInTheLarge).unwrap();
    for counts in [[1, 1], [3, 3]] {
        let whole = sample(&p, &y);
        let other = whole.evaluate(&counts);
        let keys = whole.metrics().into_iter().zip(other);
        let found = keys
            .filter(|((key, _), _)| key.metric == Metric::CalibrationInTheLarge)
            .map(|(_, own)| own.unwrap());
        for other in found {
            assert!((own - other).abs() < 1e-6, "{own} {other}");
        }
    }
}

proptest! {
    #[test]
    fn areas_follow_the_order_alone((p, y) in patients()) {
        let area = value(&sample(&p, &y), Metric::Auroc);
        let reversed: Vec<f64> = p.iter().map(|own| 1.0 - own).collect();
        let bent: Vec<f64> = p.iter().map(|own| own.powi(3) * 0.5 + 0.1).collect();
        prop_assert_eq!(value(&sample(&bent, &y), Metric::Auroc), area);
        prop_assert_eq!(
            value(&sample(&bent, &y), Metric::AveragePrecision),
            value(&sample(&p, &y), Metric::AveragePrecision)
        );
        match area {
            Ok(area) => {
                let other = value(&sample(&reversed, &y), Metric::Auroc).unwrap();
                prop_assert!((area + other - 1.0).abs() < 1e-15);
            }
            Err(reason) => prop_assert_eq!(reason, Undefined::OneOutcome),
        }
    }

    /// A patient who counts twice is two patients.
    #[test]
    fn counts_are_copies((p, y) in patients(), seed in any::<u64>()) {
        let whole = sample(&p, &y);
        let counts: Vec<u32> = (0..p.len()).map(|row| (seed >> (row % 60) & 3) as u32).collect();
        let rows = counts.iter().enumerate().flat_map(|(row, count)| vec![row; *count as usize]);
        let rows: Vec<usize> = rows.collect();
        prop_assume!(!rows.is_empty());
        let copies = whole.subset(&rows).unwrap();
        for ((key, own), other) in copies.metrics().into_iter().zip(whole.evaluate(&counts)) {
            match (own, other) {
                (Ok(own), Ok(other)) => {
                    prop_assert!((own - other).abs() <= 1e-7 * own.abs().max(1.0), "{:?} {} {}", key, own, other);
                }
                _ => prop_assert_eq!(own, other, "{:?}", key),
            }
        }
    }

    #[test]
    fn copies_of_survivors(rows in prop::collection::vec((0_u32..9, any::<bool>(), 0_u32..6, 0_u32..4), 2..60)) {
        let times: Vec<f64> = rows.iter().map(|row| f64::from(row.0)).collect();
        let events: Vec<bool> = rows.iter().map(|row| row.1).collect();
        let scores: Vec<f64> = rows.iter().map(|row| f64::from(row.2)).collect();
        let survival = scores.iter().map(|score| 0.9 - score / 8.0).collect();
        let horizon = Horizon { time: 4.0, survival: Some(survival) };
        let whole = SurvivalSample::try_new(&scores, &times, &events, vec![horizon]).unwrap();
        let counts: Vec<u32> = rows.iter().map(|row| row.3).collect();
        let copies = counts.iter().enumerate().flat_map(|(row, count)| vec![row; *count as usize]);
        let copies: Vec<usize> = copies.collect();
        prop_assume!(!copies.is_empty());
        let values = whole.subset(&copies).unwrap().metrics();
        for ((key, own), other) in values.into_iter().zip(whole.evaluate(&counts)) {
            match (own, other) {
                (Ok(own), Ok(other)) => prop_assert!((own - other).abs() < 1e-12, "{:?}", key),
                _ => prop_assert_eq!(own, other, "{:?}", key),
            }
        }
    }
}

#[test]
fn undefined_is_not_zero() {
    let check = |p: &[f64], y: &[bool], metric, reason| {
        assert_eq!(value(&sample(p, y), metric), Err(reason), "{metric:?}");
    };
    let p = [0.1, 0.2, 0.3, 0.4];
    let y = [false, true, false, true];
    check(&p, &y, Metric::Precision, Undefined::NothingPredicted);
    check(&p, &y, Metric::MatthewsCorrelation, Undefined::EmptyMargin);
    assert_eq!(value(&sample(&p, &y), Metric::F1), Ok(0.0));
    check(&p, &[false; 4], Metric::Recall, Undefined::NoEvents);
    check(&p, &[false; 4], Metric::F1, Undefined::EmptyMargin);
    check(&p, &[true; 4], Metric::Specificity, Undefined::NoOthers);
    check(
        &p,
        &[true; 4],
        Metric::AveragePrecision,
        Undefined::OneOutcome,
    );
    check(
        &p,
        &[true; 4],
        Metric::CalibrationInTheLarge,
        Undefined::OneOutcome,
    );
    check(
        &p,
        &[false, false, true, true],
        Metric::CalibrationSlope,
        Undefined::Separated,
    );
    check(
        &p,
        &[true, true, false, false],
        Metric::CalibrationSlope,
        Undefined::Separated,
    );
    // Separated but for one shared value.
    check(
        &[0.1, 0.3, 0.3, 0.4],
        &[false, false, true, true],
        Metric::CalibrationSlope,
        Undefined::Separated,
    );
    check(
        &[0.3; 4],
        &y,
        Metric::CalibrationSlope,
        Undefined::EqualPredictions,
    );
    assert!(value(&sample(&[0.3; 4], &y), Metric::CalibrationInTheLarge).is_ok());
    assert_eq!(value(&sample(&[0.3; 4], &y), Metric::Auroc), Ok(0.5));
    assert!(sample(&p, &[false; 4]).roc_curve().is_err());
}

#[test]
fn the_worst_probabilities_have_finite_metrics() {
    // All mass on the wrong side: the in-the-large search starts 36 standard deviations away.
    let wrong = sample(&[0.0, 0.0, 0.0, 1.0], &[true, true, false, true]);
    assert_eq!(wrong.clipped(), 4);
    for (key, own) in wrong.metrics() {
        assert!(
            own.is_ok_and(f64::is_finite) || key.metric == Metric::CalibrationSlope,
            "{key:?}"
        );
    }
    let nothing = sample(&[0.0, 0.0], &[true, false]);
    let large = value(&nothing, Metric::CalibrationInTheLarge).unwrap();
    assert!((large - 36.04).abs() < 0.01, "{large}");
}

#[test]
fn what_is_no_prediction_is_refused() {
    let settings = BinarySettings::default();
    let check = |p: &[f64], y: &[bool], settings| {
        assert!(BinarySample::try_new(p, y, settings).is_err());
    };
    check(&[], &[], settings);
    check(&[0.1], &[true, false], settings);
    for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        check(&[0.1, bad], &[true, false], settings);
    }
    check(
        &[0.1],
        &[true],
        BinarySettings {
            bins: 0,
            ..settings
        },
    );
    check(
        &[0.1],
        &[true],
        BinarySettings {
            threshold: 50.0,
            ..settings
        },
    );
    let one = sample(&[0.1], &[true]);
    assert!(one.decision_curve(&[0.0]).is_err());
    assert!(one.decision_curve(&[1.0]).is_err());
    assert!(one.calibration_curve(Binning::EqualCount(0)).is_err());
    let names = ["a".to_owned(), "b".to_owned()];
    let matrix = |rows: &[[f64; 2]]| ndarray::Array2::from(rows.to_vec());
    assert!(MulticlassSample::try_new(&matrix(&[[0.5, 0.5]]), &[1], &names).is_ok());
    assert!(MulticlassSample::try_new(&matrix(&[[0.5, 0.5]]), &[2], &names).is_err());
    assert!(MulticlassSample::try_new(&matrix(&[[0.5, 0.6]]), &[1], &names).is_err());
    assert!(MulticlassSample::try_new(&matrix(&[[0.5, 0.5]]), &[1], &names[..1]).is_err());
    let repeated = ["a".to_owned(), "a".to_owned()];
    assert!(MulticlassSample::try_new(&matrix(&[[0.5, 0.5]]), &[1], &repeated).is_err());
    let survivor = |time, horizon| {
        let horizon = Horizon {
            time: horizon,
            survival: None,
        };
        SurvivalSample::try_new(&[0.1], &[time], &[true], vec![horizon])
    };
    assert!(survivor(1.0, 1.0).is_ok());
    assert!(survivor(-1.0, 1.0).is_err());
    assert!(survivor(1.0, 0.0).is_err());
}

/// What scikit-survival 0.28.0 says of patients with tied times and scores.
#[test]
fn survival_as_in_scikit_survival() {
    let times = [
        2, 1, 0, 0, 1, 0, 2, 5, 1, 1, 0, 2, 3, 2, 5, 1, 0, 3, 3, 1, 13, 3, 0, 0,
    ];
    let times = times.map(f64::from);
    let with_event = [5, 6, 8, 11, 13, 14, 16, 17, 18, 20, 23];
    let events: Vec<bool> = (0..24).map(|row| with_event.contains(&row)).collect();
    let scores = [
        0.0, 1.4, 1.2, -0.5, -0.3, -0.5, 0.6, -0.1, 0.7, -1.8, 1.6, -0.1, 0.7, -0.1, -0.4, 0.5,
        0.8, -0.2, -0.2, 0.7, -0.9, -1.5, 0.4, -0.7,
    ];
    let survival = [
        0.782, 0.368, 0.441, 0.861, 0.833, 0.861, 0.638, 0.8, 0.609, 0.96, 0.295, 0.8, 0.609, 0.8,
        0.848, 0.666, 0.578, 0.817, 0.817, 0.609, 0.905, 0.947, 0.693, 0.885,
    ];
    let horizon = Horizon {
        time: 3.0,
        survival: Some(survival.to_vec()),
    };
    let beyond = Horizon {
        time: 13.0,
        survival: None,
    };
    let sample = SurvivalSample::try_new(&scores, &times, &events, vec![horizon, beyond]).unwrap();
    let near = |metric, theirs: f64| {
        let own = value(&sample, metric).unwrap();
        assert!((own - theirs).abs() < 5e-9, "{metric:?}: {own}");
    };
    near(Metric::Concordance, 0.552_173_913_043_478_3);
    near(Metric::TimeDependentAuroc, 0.750_746_41);
    near(Metric::IpcwBrier, 0.468_434_25);
    assert_eq!(sample.metrics()[3].1, Err(Undefined::BeyondFollowUp));
}

/// 300 patients of whom one group is predicted worse, one is small, and some are missing.
fn cohort() -> (BinarySample, Vec<Option<&'static str>>) {
    let group = |row: usize| match row % 10 {
        0..=5 => Some("a"),
        6..=7 => Some("b"),
        8 => None,
        _ if row < 100 => Some("<few>"),
        _ => Some("a"),
    };
    let p = |row: usize| (row * 29 % 300) as f64 / 299.0;
    let y = |row: usize| match group(row) {
        Some("b") => row * 13 % 97 < 48,
        _ => (row * 13 % 97) as f64 / 97.0 < p(row),
    };
    let probabilities: Vec<f64> = (0..300).map(p).collect();
    let outcomes: Vec<bool> = (0..300).map(y).collect();
    (
        sample(&probabilities, &outcomes),
        (0..300).map(group).collect(),
    )
}

fn gap<'a>(results: &'a GroupResults, metric: Metric, group: Option<&str>) -> &'a GapRow {
    let wanted = |row: &&GapRow| row.key.metric == metric && row.group.as_deref() == group;
    results.gaps.iter().find(wanted).unwrap()
}

#[test]
fn groups_and_gaps() {
    let (whole, groups) = cohort();
    let resampling = BootstrapSettings {
        resamples: 200,
        ..BootstrapSettings::default()
    };
    let settings = GroupSettings::default();
    let results = by_group(&whole, "ancestry", &groups, &settings, &resampling).unwrap();
    let keys = whole.keys().len();
    assert_eq!(results.metrics.len(), 4 * keys);
    let names: Vec<Option<&str>> = results
        .metrics
        .iter()
        .step_by(keys)
        .map(|row| row.group.as_deref())
        .collect();
    assert_eq!(names, [Some("<few>"), Some("a"), Some("b"), None]);
    let patients: usize = results
        .metrics
        .iter()
        .step_by(keys)
        .map(|row| row.patients)
        .sum();
    assert_eq!(patients, 300);
    for row in &results.metrics {
        let small = row.group.as_deref() == Some("<few>");
        assert_eq!(row.reason == Some(Undefined::GroupTooSmall), small);
        assert_eq!(row.value.is_none(), small);
        assert_eq!(row.lower.is_none(), small);
        assert!(row.events.is_some_and(|events| events > 0));
    }
    // A group's metrics are those of the group alone.
    let rows: Vec<usize> = (0..300).filter(|row| groups[*row] == Some("b")).collect();
    let alone = value(&whole.subset(&rows).unwrap(), Metric::Auroc).unwrap();
    let rows: Vec<usize> = (0..300).filter(|row| groups[*row] == Some("a")).collect();
    let reference = value(&whole.subset(&rows).unwrap(), Metric::Auroc).unwrap();
    let own = gap(&results, Metric::Auroc, Some("b"));
    assert_eq!(own.reference.as_deref(), Some("a"));
    assert_eq!(own.value, Some(alone - reference));
    assert!(own.lower < own.value && own.value < own.upper);
    assert!(own.upper < Some(0.0), "group b is predicted worse: {own:?}");
    let own = gap(&results, Metric::CalibrationSlope, Some("<few>"));
    assert_eq!(
        (own.value, own.reason),
        (None, Some(Undefined::GroupTooSmall))
    );
    let range = results
        .ranges
        .iter()
        .find(|row| row.key.metric == Metric::Auroc)
        .unwrap();
    assert_eq!((range.lowest.as_deref(), range.groups), (Some("b"), 3));
}

#[test]
fn another_reference() {
    let (whole, groups) = cohort();
    let with = |reference: &str| {
        let settings = GroupSettings {
            reference: Some(reference.to_owned()),
            ..GroupSettings::default()
        };
        by_group(&whole, "ancestry", &groups, &settings, &NONE)
    };
    let results = with("b").unwrap();
    assert!(gap(&results, Metric::Auroc, Some("a")).value > Some(0.0));
    assert!(gap(&results, Metric::Auroc, Some("a")).lower.is_none());
    assert!(with("c").is_err());
    let settings = GroupSettings::default();
    assert!(by_group(&whole, "ancestry", &groups[1..], &settings, &NONE).is_err());
}

#[test]
fn rows_have_a_value_or_a_reason() {
    let names: Vec<String> = ["x", "y", "z"].map(str::to_owned).to_vec();
    let probabilities =
        ndarray::Array2::from_shape_fn((40, 3), |(row, class)| [0.5, 0.3, 0.2][(row + class) % 3]);
    // Nobody is of the last class.
    let classes: Vec<usize> = (0..40).map(|row| row * 7 % 5 % 2).collect();
    let sample = MulticlassSample::try_new(&probabilities, &classes, &names).unwrap();
    let rows = metric_rows(
        &sample,
        &BootstrapSettings {
            resamples: 50,
            ..NONE
        },
    )
    .unwrap();
    assert_eq!(rows.len(), 8 + 3 * 5);
    for row in &rows {
        assert_eq!(row.value.is_some(), row.reason.is_none(), "{row:?}");
        assert_eq!(
            row.value.is_none(),
            row.undefined_resamples == 50,
            "{row:?}"
        );
        assert_eq!(row.events.is_some(), row.key.class.is_some());
    }
    let find = |metric| rows.iter().find(|row| row.key.metric == metric).unwrap();
    assert_eq!(find(Metric::MacroAuroc).reason, Some(Undefined::OneOutcome));
    assert!(find(Metric::BalancedAccuracy).value.is_some());
    let one = sample
        .one_against_others(1, BinarySettings::default())
        .unwrap();
    let area = rows
        .iter()
        .find(|row| row.key.class.as_deref() == Some("y") && row.key.metric == Metric::Auroc);
    assert_eq!(value(&one, Metric::Auroc).ok(), area.unwrap().value);
    assert!(
        sample
            .one_against_others(3, BinarySettings::default())
            .is_err()
    );
}

#[test]
fn curves_are_thinned_and_keep_their_ends() {
    let (whole, _) = cohort();
    let settings = CurveSettings {
        most_points: 50,
        ..CurveSettings::default()
    };
    let rows = whole.curve_rows(&settings).unwrap();
    let roc: Vec<&CurveRow> = rows.iter().filter(|row| row.curve == Curve::Roc).collect();
    assert_eq!(roc.len(), 50);
    assert_eq!(
        (roc[0].x, roc[0].y, roc[0].threshold),
        (0.0, 0.0, Some(f64::INFINITY))
    );
    assert_eq!((roc[49].x, roc[49].y), (1.0, 1.0));
    assert_eq!(
        rows.iter()
            .filter(|row| row.curve == Curve::DecisionTreatNone)
            .count(),
        99
    );
}

#[test]
fn the_page_holds_itself_together() {
    let (whole, groups) = cohort();
    let settings = GroupSettings::default();
    let resampling = BootstrapSettings {
        resamples: 20,
        ..NONE
    };
    let results = by_group(&whole, "a < b & \"c\"", &groups, &settings, &resampling).unwrap();
    let roc = whole.roc_curve().unwrap();
    let plot = roc_plot(&[Named {
        name: "<script>alert(1)</script>",
        points: &roc,
    }]);
    let rows = metric_rows(&whole, &resampling).unwrap();
    let html = EvaluationPage {
        title: "Model <1>",
        facts: &[("Cohort".to_owned(), "O'Neill & sons".to_owned())],
        metrics: &rows,
        groups: &[results],
        confusion: Some(&whole.confusion().into()),
        plots: &[plot.clone(), plot],
        level: 0.95,
    }
    .to_html();
    assert!(html.contains("research output and not a diagnosis"));
    assert!(
        html.contains("Model &lt;1&gt;")
            && html.contains("&lt;few&gt;")
            && html.contains("<i>missing</i>")
    );
    assert!(html.contains("a &lt; b &amp; &quot;c&quot;"));
    assert!(html.contains("95 % of bootstrap resamples"));
    assert!(!html.contains("<script") && !html.contains(" src=") && !html.contains("href"));
    // Nothing is asked for from elsewhere; the name of SVG is no address that is opened.
    let addresses = html.matches("http").count();
    assert_eq!(
        addresses,
        html.matches("xmlns=\"http://www.w3.org/2000/svg\"").count()
    );
    for id in ["id=\"tplot0\"", "id=\"tplot1\"", "id=\"cplot1\""] {
        assert_eq!(html.matches(id).count(), 1);
    }
    let survival = kaplan_meier(&[1.0, 2.0, 2.0], &[true, false, true]).unwrap();
    let svg = survival_plot(
        "Years & days",
        &[Named {
            name: "all",
            points: &survival,
        }],
    )
    .to_svg("a-b");
    assert!(svg.contains("Years &amp; days") && svg.contains("<desc id=\"dab\">"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
}
