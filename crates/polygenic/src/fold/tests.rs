//! Sums by hand.

mod cuts;
mod kinds;
mod missing;

use varisk_core::{Reason, Sex};

use crate::testing::{DataRow, World};
use crate::{AmbiguousStrand, FoldOptions, PolygenicScores};

/// Position 1 is A, 2 C, 3 G, 4 T and so on; `1` ends with a run of T.
fn world() -> World {
    World::new(&[
        ("1", "ACGTACGTACGTACGTCATTTTTTG"),
        ("X", "ACGTACGTACGTACGT"),
        ("Y", "ACGTACGTACGTACGT"),
        ("MT", "ACGTACGTACGTACGT"),
    ])
}

const HEADER: &str = "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n";

fn sums(fold: &PolygenicScores, score: usize) -> Vec<f64> {
    let results = fold.results();
    (0..results.patients())
        .map(|patient| results.patient(score, patient).sum)
        .collect()
}

#[track_caller]
fn check(table: &str, rows: &[DataRow], expected: &[f64]) {
    let world = world();
    let source = world.score("S", &format!("{HEADER}{table}"));
    let fold = world.fold(&[source], rows, FoldOptions::default());
    assert_eq!(sums(&fold, 0), expected, "{table}");
}

#[test]
fn the_effect_allele_is_counted_on_either_side_and_strand() {
    let rows = [DataRow::new("1", 1, "A", "G", &["0/0", "0/1", "1|1"])];
    check("1\t1\tG\tA\t0.5\n", &rows, &[0.0, 0.5, 1.0]);
    check("chr1\t1\tA\tG\t0.5\n", &rows, &[1.0, 0.5, 0.0]);
    check("1\t1\tC\tT\t0.5\n", &rows, &[0.0, 0.5, 1.0]);
    check("1\t1\tT\tC\t0.5\n", &rows, &[1.0, 0.5, 0.0]);
    check("1\t1\tg\ta\t-1\n", &rows, &[0.0, -1.0, -2.0]);
    // Another alternate is neither the effect allele nor the reference.
    let rows = [DataRow::new("1", 1, "A", "G", &["0/2", "1/2", "2/2"])];
    check("1\t1\tG\tA\t1\n", &rows, &[0.0, 1.0, 0.0]);
    check("1\t1\tA\tG\t1\n", &rows, &[1.0, 0.0, 0.0]);
}

#[test]
fn an_insertion_is_found_wherever_the_file_writes_it() {
    // CATTTTTTG: the same insertion of T before the run and in its middle.
    let rows = [DataRow::new("1", 18, "A", "AT", &["0/1"])];
    check("1\t18\tAT\tA\t1\n", &rows, &[1.0]);
    check("1\t20\tTT\tT\t1\n", &rows, &[1.0]);
    let deletion = [DataRow::new("1", 18, "AT", "A", &["0/1"])];
    check("1\t21\tT\tTT\t1\n", &deletion, &[1.0]);
}

#[test]
fn a_row_that_fits_two_alleles_of_one_place_is_left_out() {
    let world = world();
    let source = world.score("S", &format!("{HEADER}1\t18\tAT\tA\t1\n1\t1\tG\tA\t1\n"));
    let rows = [
        DataRow::new("1", 1, "A", "G", &["0/1"]),
        DataRow::new("1", 18, "A", "AT", &["0/1"]),
        DataRow::new("1", 18, "AT", "A", &["0/1"]),
    ];
    let fold = world.fold(&[source], &rows, FoldOptions::default());
    let result = fold.results().patient(0, 0);
    assert_eq!((result.reason, result.sum), (None, 1.0));
    assert!((result.weight_missing - 0.5).abs() < 1e-12);

    // From different records neither is known to be meant: in one batch or in two.
    let mut rows = rows;
    rows[2].input_position = 19;
    let source = world.score("S", &format!("{HEADER}1\t18\tAT\tA\t1\n1\t1\tG\tA\t1\n"));
    let fold = world.fold(&[source], &rows, FoldOptions::default());
    let reason = fold.results().patient(0, 0).reason;
    assert_eq!(reason, Some(Reason::AmbiguousScoreMatch));
}

#[test]
fn without_an_other_allele_the_data_choose() {
    let rows = |alternates: &[&str]| -> Vec<DataRow> {
        let row = |alternate: &&str| DataRow::new("1", 1, "A", alternate, &["0/1", "0/0"]);
        alternates.iter().map(row).collect()
    };
    // The effect allele is ALT.
    check("1\t1\tG\t\t1\n", &rows(&["G"]), &[1.0, 0.0]);
    check("1\t1\tG\t\t1\n", &rows(&["G", "C"]), &[1.0, 0.0]);
    // It is REF, of one allele or of several.
    check("1\t1\tA\t\t1\n", &rows(&["G"]), &[1.0, 2.0]);
    check("1\t1\tA\t\t1\n", &rows(&["G", "C"]), &[0.0, 0.0]);
    // On the other strand, if that alone fits: T>C is A>G.
    check("1\t1\tC\t\t1\n", &rows(&["G"]), &[1.0, 0.0]);
    // Several other alleles say as little as none.
    check("1\t1\tG\tA/C\t1\n", &rows(&["G"]), &[1.0, 0.0]);
    // A/T reads the same on both strands.
    check("1\t1\tA\t\t1\n", &rows(&["T"]), &[0.0, 0.0]);
}

#[test]
fn ambiguous_strands() {
    let check = |policy, frequency: &str, data: Option<f32>, expected: f64| {
        let mut world = world();
        world.options.ambiguous = policy;
        let source = world.score(
            "S",
            &format!(
                "{}\tallelefrequency_effect\n1\t1\tT\tA\t1\t{frequency}\n",
                HEADER.trim_end()
            ),
        );
        let plan = std::sync::Arc::new(world.plan(&[source]).unwrap());
        let options = FoldOptions {
            frequency_column: Some("af".to_owned()),
            ..FoldOptions::default()
        };
        let mut fold = PolygenicScores::new(plan, vec![Sex::Female], options).unwrap();
        let rows = [DataRow::new("1", 1, "A", "T", &["1/1"])];
        varisk_core::Analysis::observe(&mut fold, &world.batch(0, &rows, &[data])).unwrap();
        assert_eq!(
            sums(&fold, 0),
            [expected],
            "{policy:?} {frequency} {data:?}"
        );
    };
    check(AmbiguousStrand::Drop, "0.2", Some(0.2), 0.0);
    check(AmbiguousStrand::Keep, "0.2", Some(0.9), 2.0);
    check(AmbiguousStrand::ByFrequency, "0.2", Some(0.3), 2.0);
    check(AmbiguousStrand::ByFrequency, "0.2", Some(0.7), 0.0);
    check(AmbiguousStrand::ByFrequency, "0.8", Some(0.9), 2.0);
    // Too near to one half, or not known: left out.
    check(AmbiguousStrand::ByFrequency, "0.45", Some(0.3), 0.0);
    check(AmbiguousStrand::ByFrequency, "0.2", None, 0.0);
    check(AmbiguousStrand::ByFrequency, "", Some(0.3), 0.0);
}

#[test]
fn frequencies_of_the_cohort_tell_the_strand_from_50_patients_on() {
    let mut world = world();
    world.options.ambiguous = AmbiguousStrand::ByFrequency;
    let table = format!(
        "{}\tallelefrequency_effect\n1\t1\tT\tA\t1\t0.8\n",
        HEADER.trim_end()
    );
    for (patients, expected) in [(49, 0.0), (50, 2.0)] {
        let source = world.score("S", &table);
        let calls = vec!["0/0"; patients];
        let rows = [DataRow::new("1", 1, "A", "T", &calls)];
        let fold = world.fold(&[source], &rows, FoldOptions::default());
        // Nobody has T and the file's T is common: it is the other strand's A.
        assert_eq!(sums(&fold, 0), vec![expected; patients]);
    }
}

#[test]
fn sexes_count_on_x_y_and_mt() {
    let world = world();
    let table = "X\t1\tG\tA\t1\nX\t5\tA\tG\t10\nY\t1\tG\tA\t100\nMT\t1\tG\tA\t1000\n";
    let source = world.score("S", &format!("{HEADER}{table}"));
    let rows = [
        DataRow::new("X", 1, "A", "G", &["0/1", "1", "1/1"]),
        DataRow::new("X", 5, "A", "G", &["0/0", "0", "0/0"]),
        DataRow::new("Y", 1, "A", "G", &["./.", "1", "1/1"]),
        DataRow::new("MT", 1, "A", "G", &["1/1", "1", "0/0"]),
    ];
    let sexes = vec![Sex::Female, Sex::Male, Sex::Male];
    let options = FoldOptions {
        dosage_sums: true,
        ..FoldOptions::default()
    };
    let fold = world.fold_of(&[source], &rows, options, sexes);
    assert_eq!(fold.plan().needs_sex(), ["S"]);
    assert_eq!(sums(&fold, 0), [1021.0, 1111.0, 111.0]);
    let results = fold.results();
    let female = results.patient(0, 0);
    assert_eq!((female.called, female.not_counted), (3, 1));
    assert_eq!((female.allele_count, female.dosage_sum), (5, Some(4.0)));
    let male = results.patient(0, 1);
    assert_eq!(
        (male.called, male.allele_count, male.dosage_sum),
        (4, 4, Some(4.0))
    );
}

#[test]
fn a_record_that_stands_twice_counts_once_and_two_records_of_one_allele_do_not() {
    let world = world();
    let source = world.score("S", &format!("{HEADER}1\t1\tG\tA\t1\n"));
    let mut rows = vec![DataRow::new("1", 1, "A", "G", &["0/1"]); 2];
    rows[1].reason = Some(Reason::RepeatedAllele.name());
    let fold = world.fold(std::slice::from_ref(&source), &rows, FoldOptions::default());
    assert_eq!(sums(&fold, 0), [1.0]);
    rows[1].reason = None;
    let fold = world.fold(&[source], &rows, FoldOptions::default());
    let reason = fold.results().patient(0, 0).reason;
    assert_eq!(reason, Some(Reason::AmbiguousScoreMatch));
}

#[test]
fn a_score_without_matches_says_so() {
    let world = world();
    let source = world.score("S", &format!("{HEADER}1\t1\tG\tA\t1\n"));
    let rows = [DataRow::new("1", 2, "C", "G", &["0/1"])];
    let fold = world.fold(&[source], &rows, FoldOptions::default());
    let result = fold.results().patient(0, 0);
    assert_eq!(result.reason, Some(Reason::NoScoreMatches));
    assert!((result.weight_missing - 1.0).abs() < 1e-12);
}

#[test]
fn a_batch_of_other_patients_is_a_defect() {
    let world = world();
    let source = world.score("S", &format!("{HEADER}1\t1\tG\tA\t1\n"));
    let rows = [DataRow::new("1", 1, "A", "G", &["0/1"])];
    let mut fold = world.fold(&[source], &rows, FoldOptions::default());
    let rows = [DataRow::new("1", 1, "A", "G", &["0/1", "0/1"])];
    assert!(varisk_core::Analysis::observe(&mut fold, &world.batch(1, &rows, &[])).is_err());
}
