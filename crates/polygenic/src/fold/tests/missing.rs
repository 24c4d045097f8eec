//! Missing calls: nothing, means of the cohort, of named frequencies, of a panel.

use std::sync::Arc;

use varisk_core::{Analysis, Position, Reason, Sex};

use super::{HEADER, sums, world};
use crate::testing::DataRow;
use crate::{
    FoldOptions, MissingPolicy, PanelFrequencies, PolygenicError, PolygenicScores, ScorePlan,
    Standardisation,
};

fn options(missing: MissingPolicy) -> FoldOptions {
    FoldOptions {
        missing,
        ..FoldOptions::default()
    }
}

#[test]
fn without_imputation_results_can_be_rescaled() {
    let world = world();
    let source = world.score("S", &format!("{HEADER}1\t1\tG\tA\t1\n1\t2\tT\tC\t3\n"));
    let rows = [
        DataRow::new("1", 1, "A", "G", &["0/1", "0/1", "-", "0/."]),
        DataRow::new("1", 2, "C", "T", &["0/1", "./.", "assumed", "1/1"]),
    ];
    let fold = world.fold(&[source], &rows, FoldOptions::default());
    assert_eq!(sums(&fold, 0), [4.0, 1.0, 0.0, 6.0]);
    let results = fold.results();
    let second = results.patient(0, 1);
    assert_eq!(
        (second.called, second.missing, second.allele_count),
        (1, 1, 2)
    );
    assert_eq!((second.rescaled, second.average), (2.0, 0.5));
    assert_eq!((second.weight_called, second.weight_missing), (0.25, 0.75));
    let third = results.patient(0, 2);
    assert_eq!((third.called, third.assumed, third.missing), (0, 1, 1));
    assert_eq!(
        (
            third.weight_called,
            third.weight_assumed,
            third.weight_missing
        ),
        (0.0, 0.75, 0.25)
    );
    let fourth = results.patient(0, 3);
    assert_eq!((fourth.missing, fourth.weight_missing), (1, 0.25));
}

#[test]
fn means_of_the_cohort_are_those_of_plink2() {
    let world = world();
    let source = world.score("S", &format!("{HEADER}1\t1\tG\tA\t1\nX\t1\tA\tG\t1\n"));
    // 49 of 59 called copies pairs; one call missing in the last two patients.
    let mut calls = vec!["0/1"; 30];
    calls.extend(vec!["1/1"; 20]);
    calls.extend(["./.", "-"]);
    let mut of_x = vec!["0/1"; 30];
    of_x.extend(vec!["1"; 20]);
    of_x.extend(["./.", "."]);
    let rows = [
        DataRow::new("1", 1, "A", "G", &calls),
        DataRow::new("X", 1, "A", "G", &of_x),
    ];
    let mut sexes = vec![Sex::Female; 30];
    sexes.extend(vec![Sex::Male; 20]);
    sexes.extend([Sex::Female, Sex::Male]);
    let fold = world.fold_of(&[source], &rows, options(MissingPolicy::Cohort), sexes);
    let all = sums(&fold, 0);
    let autosome = 2.0 * 70.0 / 100.0;
    let reference_of_x = 30.0 / 80.0;
    assert!((all[50] - (autosome + 2.0 * reference_of_x)).abs() < 1e-12);
    assert!((all[51] - (autosome + reference_of_x)).abs() < 1e-12);
    let result = fold.results().patient(0, 50);
    assert_eq!(
        (result.allele_count, result.denominator, result.rescaled),
        (0, 4, result.sum)
    );
    assert_eq!(result.reason, Some(Reason::NoScoredCalls));
}

#[test]
fn a_cohort_that_is_too_small_is_refused() {
    let world = world();
    let source = world.score("S", &format!("{HEADER}1\t1\tG\tA\t1\n"));
    let plan = Arc::new(world.plan(&[source]).unwrap());
    let few = PolygenicScores::new(
        Arc::clone(&plan),
        vec![Sex::Female; 49],
        options(MissingPolicy::Cohort),
    );
    assert!(matches!(few, Err(PolygenicError::FewPatients { .. })));
    let none = PolygenicScores::new(plan, vec![Sex::Female], options(MissingPolicy::Panel));
    assert!(matches!(none, Err(PolygenicError::NoPanel)));
}

#[test]
fn means_of_named_frequencies() {
    let world = world();
    let header =
        "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\tis_dominant\n";
    let source = world.score(
        "S",
        &format!(
            "{header}1\t1\tG\tA\t1\t\n1\t2\tC\tT\t10\t\n1\t3\tA\tG\t100\tTRUE\n1\t4\tC\tT\t1000\t\n"
        ),
    );
    let rows = [
        DataRow::new("1", 1, "A", "G", &["./."]),
        DataRow::new("1", 2, "C", "T", &["0/."]),
        DataRow::new("1", 3, "G", "A", &["-"]),
        DataRow::new("1", 4, "T", "C", &["./."]),
    ];
    let plan = Arc::new(world.plan(&[source]).unwrap());
    let named = options(MissingPolicy::Frequencies {
        column: "af".to_owned(),
    });
    let mut fold = PolygenicScores::new(plan, vec![Sex::Female], named).unwrap();
    let batch = world.batch(0, &rows, &[Some(0.25), Some(0.25), Some(0.25), None]);
    fold.observe(&batch).unwrap();
    assert_eq!(sums(&fold, 0), [0.5 + 15.0 + 25.0]);
    // A batch without the column is a defect of the program, not silence.
    assert!(fold.observe(&world.batch(0, &rows, &[])).is_err());
}

#[test]
fn the_panel_sum_of_a_patient_does_not_depend_on_the_others() {
    let world = world();
    let source = world.score(
        "S",
        &format!("{HEADER}1\t1\tG\tA\t1\n1\t2\tT\tC\t10\n1\t3\tA\tG\t100\nX\t1\tG\tA\t1000\n"),
    );
    let mut panel = PanelFrequencies::new("panel");
    for (contig, position, reference, alternate, frequency) in [
        ("1", 1, "A", "G", 0.5),
        ("1", 3, "G", "A", 0.25),
        ("X", 1, "A", "G", 0.125),
    ] {
        let inserted = panel.insert(
            contig,
            Position(position),
            reference.as_bytes(),
            alternate.as_bytes(),
            frequency,
        );
        assert!(inserted);
    }
    let plan = Arc::new(
        ScorePlan::build(
            &[source],
            &world.options,
            &world.reference,
            None,
            Some(&panel),
        )
        .unwrap(),
    );
    let run = |rows: &[DataRow], sexes: Vec<Sex>| {
        let mut fold =
            PolygenicScores::new(Arc::clone(&plan), sexes, FoldOptions::default()).unwrap();
        fold.observe(&world.batch(0, rows, &[])).unwrap();
        fold
    };
    // Alone the patient's file lacks position 1, where another patient has a record.
    let alone = run(&[DataRow::new("1", 2, "C", "T", &["1/1"])], vec![Sex::Male]);
    let among = run(
        &[
            DataRow::new("1", 1, "A", "G", &["-", "0/1"]),
            DataRow::new("1", 2, "C", "T", &["1/1", "0/0"]),
            DataRow::new("X", 1, "A", "G", &["-", "0/0"]),
        ],
        vec![Sex::Male, Sex::Female],
    );
    let expected = 1.0 + 50.0 + 125.0;
    for fold in [&alone, &among] {
        let result = fold.results().patient(0, 0);
        assert_eq!((result.sum, result.panel_sum), (20.0, Some(expected)));
    }
    let other = among.results().patient(0, 1);
    assert_eq!(other.panel_sum, Some(1.0 + 50.0 + 0.0));
}

#[test]
fn which_allele_of_a_row_the_panel_means_does_not_depend_on_the_data() {
    let world = world();
    // An insertion or the deletion of a T; no other allele, effect REF.
    let table = format!("{HEADER}1\t18\tAT\tA\t1\n1\t1\tA\t\t10\n1\t5\tA\t\t100\n");
    let source = world.score("S", &table);
    let mut panel = PanelFrequencies::new("panel");
    for (position, reference, alternate, frequency) in [
        (18, "A", "AT", 0.25),
        (1, "A", "G", 0.5),
        (5, "A", "G", 0.5),
        (5, "A", "C", 0.25),
    ] {
        let (reference, alternate) = (reference.as_bytes(), alternate.as_bytes());
        assert!(panel.insert("1", Position(position), reference, alternate, frequency));
    }
    let plan = Arc::new(
        ScorePlan::build(
            &[source],
            &world.options,
            &world.reference,
            None,
            Some(&panel),
        )
        .unwrap(),
    );
    let run = |rows: &[DataRow]| {
        let patients = rows.first().map_or(1, |row| row.codes.len());
        let sexes = vec![Sex::Female; patients];
        let mut fold =
            PolygenicScores::new(Arc::clone(&plan), sexes, FoldOptions::default()).unwrap();
        fold.observe(&world.batch(0, rows, &[])).unwrap();
        fold.results().patient(0, 0).panel_sum
    };
    // At 5 the panel has two alleles and the row is no part of its sums.
    let expected = Some(0.5 + 10.0);
    assert_eq!(run(&[]), expected);
    let deletion = DataRow::new("1", 18, "AT", "A", &["-", "0/1"]);
    let insertion = DataRow::new("1", 18, "A", "AT", &["-", "0/1"]);
    let at_5 = DataRow::new("1", 5, "A", "G", &["-", "0/1"]);
    assert_eq!(run(&[at_5.clone(), deletion.clone()]), expected);
    assert_eq!(run(&[at_5, insertion, deletion]), expected);
}

/// A call in whose place no mean can be put is left out of the copies, and the value rescaled.
#[test]
fn a_mean_of_too_few_is_none() {
    let world = world();
    let source = world.score("S", &format!("{HEADER}1\t1\tG\tA\t1\n1\t2\tT\tC\t1\n"));
    let all = vec!["0/1"; 60];
    let mut some = vec!["1/1"; 40];
    some.extend(vec!["./."; 20]);
    let rows = [
        DataRow::new("1", 1, "A", "G", &all),
        DataRow::new("1", 2, "C", "T", &some),
    ];
    let sexes = vec![Sex::Female; 60];
    let fold = world.fold_of(&[source], &rows, options(MissingPolicy::Cohort), sexes);
    let results = fold.results();
    let [whole, lacking] = [results.patient(0, 0), results.patient(0, 59)];
    assert_eq!(
        (whole.sum, whole.rescaled, whole.denominator),
        (3.0, 3.0, 4)
    );
    assert_eq!(
        (lacking.sum, lacking.rescaled, lacking.denominator),
        (1.0, 2.0, 2)
    );
    assert_eq!(lacking.average, 0.5);
}

#[test]
fn centred_and_scaled_dosages() {
    let world = world();
    let mut options = options(MissingPolicy::Cohort);
    let source = world.score("S", &format!("{HEADER}1\t1\tG\tA\t2\n"));
    // 20 copies of 100; one call is missing.
    let mut calls = vec!["0/1"; 20];
    calls.extend(vec!["0/0"; 30]);
    calls.push("./.");
    let frequency: f64 = 20.0 / 100.0;
    for (how, factor) in [
        (Standardisation::Centre, 1.0),
        (
            Standardisation::Scale,
            (2.0 * frequency * (1.0 - frequency)).sqrt(),
        ),
    ] {
        options.standardisation = how;
        let rows = [DataRow::new("1", 1, "A", "G", &calls)];
        let sexes = vec![Sex::Female; 51];
        let fold = world.fold_of(std::slice::from_ref(&source), &rows, options.clone(), sexes);
        let all = sums(&fold, 0);
        let check = |own: f64, copies: f64| {
            let expected = 2.0 * (copies - 2.0 * frequency) / factor;
            assert!((own - expected).abs() < 1e-12, "{how:?}: {own}, {expected}");
        };
        check(all[0], 1.0);
        check(all[49], 0.0);
        assert_eq!(all[50], 0.0);
        assert_eq!(fold.results().patient(0, 0).rescaled, all[0]);
    }
}
