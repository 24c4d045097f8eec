use super::*;

fn number(name: &str) -> PredictorSummary {
    PredictorSummary {
        name: name.to_owned(),
        missing: 0.0,
        quantiles: Some((0..QUANTILES).map(|own| 20.0 + 5.0 * own as f64).collect()),
        shares: Some(vec![0.1; 10]),
        categories: None,
    }
}

fn compare(
    model: &str,
    training: &TrainingSummary,
    patients: &[Patient],
    features: &FeatureTable,
) -> Drift {
    let is_feature = |name: &str| name.contains('.');
    Drift::compare(model, training, &is_feature, patients, features)
}

fn training(predictors: Vec<PredictorSummary>) -> TrainingSummary {
    TrainingSummary {
        patients: 1000,
        predictors,
    }
}

fn patient(at: usize, cells: &[(&str, Covariate)]) -> Patient {
    Patient {
        id: format!("P{at}"),
        sex: Sex::Female,
        covariates: cells
            .iter()
            .map(|(name, cell)| ((*name).to_owned(), cell.clone()))
            .collect(),
    }
}

fn aged(ages: impl IntoIterator<Item = f64>) -> Vec<Patient> {
    let ages = ages.into_iter().enumerate();
    ages.map(|(at, age)| patient(at, &[("age", Covariate::Number(age))]))
        .collect()
}

#[test]
fn the_same_distribution_has_a_small_index() {
    let patients = aged((0..500).map(|at| 20.05 + 0.1 * f64::from(at)));
    let drift = compare(
        "m",
        &training(vec![number("age")]),
        &patients,
        &FeatureTable::default(),
    );
    let age = &drift.record.predictors[0];
    assert!(age.stability_index.unwrap() < 1e-3, "{age:?}");
    assert_eq!((age.outside, age.missing), (0, 0.0));
    assert!(drift.outside.iter().all(Vec::is_empty));
}

#[test]
fn the_index_by_hand() {
    // All in the first bin of ten: (1 - 0.1) ln(1 / 0.1), and nine bins that are empty now.
    let patients = aged(vec![21.0; 60]);
    let drift = compare(
        "m",
        &training(vec![number("age")]),
        &patients,
        &FeatureTable::default(),
    );
    let expected = 0.9 * 10.0_f64.ln() + 9.0 * (1e-4 - 0.1) * (1e-4 / 0.1_f64).ln();
    let found = drift.record.predictors[0].stability_index.unwrap();
    assert!((found - expected).abs() < 1e-12, "{found} {expected}");
}

#[test]
fn few_patients_have_no_index() {
    let drift = compare(
        "m",
        &training(vec![number("age")]),
        &aged(vec![21.0; 49]),
        &FeatureTable::default(),
    );
    assert_eq!(drift.record.predictors[0].stability_index, None);
}

#[test]
fn outside_and_far() {
    let mut summary = number("age");
    // One training row of 500: what lies between it and the others is no known ground.
    *summary.quantiles.as_mut().unwrap().last_mut().unwrap() = 500.0;
    let ages = [19.9, 20.0, 70.0, 140.0, 500.0];
    let drift = compare(
        "m",
        &training(vec![summary]),
        &aged(ages),
        &FeatureTable::default(),
    );
    let flagged: Vec<bool> = drift.outside.iter().map(|own| !own.is_empty()).collect();
    assert_eq!(flagged, [true, false, false, true, true]);
    assert_eq!(drift.record.predictors[0].outside, 3);
}

#[test]
fn one_value_has_no_scale() {
    let mut quantiles = vec![0.0; QUANTILES];
    quantiles[QUANTILES - 1] = 3.0;
    let summary = PredictorSummary {
        shares: Some(vec![0.95, 0.05]),
        quantiles: Some(quantiles),
        ..number("age")
    };
    let drift = compare(
        "m",
        &training(vec![summary]),
        &aged([0.0, 2.0, 3.0, 3.5]),
        &FeatureTable::default(),
    );
    let flagged: Vec<usize> = drift.outside.iter().map(Vec::len).collect();
    assert_eq!(flagged, [0, 0, 0, 1]);
}

#[test]
fn categories_and_what_is_missing() {
    let categories = [
        ("1".to_owned(), 0.5),
        ("2".to_owned(), 0.5),
        ("3".to_owned(), 0.0),
    ];
    let stage = PredictorSummary {
        name: "stage".to_owned(),
        missing: 0.2,
        quantiles: None,
        shares: None,
        categories: Some(categories.into()),
    };
    let sex = PredictorSummary {
        name: "sex".to_owned(),
        categories: Some([("female".to_owned(), 1.0), ("male".to_owned(), 0.0)].into()),
        missing: 0.0,
        ..stage.clone()
    };
    let mut patients = vec![
        patient(0, &[("stage", Covariate::Number(1.0))]),
        patient(1, &[("stage", Covariate::Text("2".to_owned()))]),
        patient(2, &[("stage", Covariate::Number(3.0))]),
        patient(3, &[("stage", Covariate::Text("new".to_owned()))]),
        patient(4, &[]),
    ];
    patients[0].sex = Sex::Male;
    let drift = compare(
        "m",
        &training(vec![stage, sex]),
        &patients,
        &FeatureTable::default(),
    );
    let names: Vec<Vec<&str>> = drift
        .outside
        .iter()
        .map(|own| own.iter().map(String::as_str).collect())
        .collect();
    assert_eq!(
        names,
        [vec!["sex"], vec![], vec!["stage"], vec!["stage"], vec![]]
    );
    assert_eq!(drift.record.predictors[0].missing, 0.2);
}

#[test]
fn features_are_found() {
    let mut features = FeatureTable::default();
    features.insert(
        "polygenic.S.sum".to_owned(),
        vec![Ok(100.0), Err(varisk_core::Reason::LowCoverage), Ok(30.0)],
    );
    let drift = compare(
        "m",
        &training(vec![number("polygenic.S.sum")]),
        &aged([1.0, 1.0, 1.0]),
        &features,
    );
    let flagged: Vec<usize> = drift.outside.iter().map(Vec::len).collect();
    assert_eq!(flagged, [1, 0, 0]);
    assert!((drift.record.predictors[0].missing - 1.0 / 3.0).abs() < 1e-15);
}

#[test]
fn an_index_with_categories_and_missing_values() {
    let stage = PredictorSummary {
        name: "stage".to_owned(),
        missing: 0.2,
        quantiles: None,
        shares: None,
        categories: Some([("a".to_owned(), 0.25), ("b".to_owned(), 0.75)].into()),
    };
    let cell = |at: usize| match at % 10 {
        0..4 => Some("a"),
        4..7 => Some("b"),
        7 => Some("new"),
        _ => None,
    };
    let patients: Vec<Patient> = (0..100)
        .map(|at| {
            let cells = cell(at).map(|own| ("stage", Covariate::Text(own.to_owned())));
            patient(at, &Vec::from_iter(cells))
        })
        .collect();
    let drift = compare(
        "m",
        &training(vec![stage]),
        &patients,
        &FeatureTable::default(),
    );
    let term = |now: f64, before: f64| (now - before) * (now / before).ln();
    // Of all patients: a, b, a new category, none.
    let expected = term(0.4, 0.2) + term(0.3, 0.6) + term(0.1, 1e-4) + term(0.2, 0.2);
    let found = drift.record.predictors[0].stability_index.unwrap();
    assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    assert_eq!(drift.record.predictors[0].outside, 10);
}

#[test]
fn text_in_a_number_is_no_value() {
    let patients = vec![patient(0, &[("age", Covariate::Text("old".to_owned()))])];
    let drift = compare(
        "m",
        &training(vec![number("age")]),
        &patients,
        &FeatureTable::default(),
    );
    assert_eq!(drift.record.predictors[0].missing, 1.0);
    assert!(drift.outside[0].is_empty());
}
