//! Effect types beyond one weight for each copy.

use varisk_core::{ONE_COPY, Sex};

use super::{HEADER, sums, world};
use crate::FoldOptions;
use crate::testing::{DataRow, World};

fn typed(columns: &str, rows: &str) -> String {
    format!("{}\t{columns}\n{rows}", HEADER.trim_end())
}

#[test]
fn dominant_and_recessive() {
    let world = world();
    let table = typed(
        "is_dominant\tis_recessive",
        "1\t1\tG\tA\t1\tTrue\tFalse\n1\t2\tC\tT\t10\tFALSE\tTRUE\n1\t3\tA\tG\t100\t\t\n",
    );
    let rows = [
        DataRow::new("1", 1, "A", "G", &["0/0", "0/1", "1/1"]),
        DataRow::new("1", 2, "C", "T", &["0/0", "0/1", "1/1"]),
        DataRow::new("1", 3, "G", "A", &["0/0", "0/1", "1/1"]),
    ];
    let source = world.score("S", &table);
    let fold = world.fold(&[source], &rows, FoldOptions::default());
    assert_eq!(sums(&fold, 0), [10.0, 101.0, 201.0]);
}

#[test]
fn weights_by_dosage() {
    let world = world();
    let table = "chr_name\tchr_position\teffect_allele\tother_allele\tdosage_0_weight\t\
                 dosage_1_weight\tdosage_2_weight\n1\t1\tG\tA\t-1\t0.5\t4\nX\t1\tA\tG\t1\t2\t3\n";
    let rows = [
        DataRow::new("1", 1, "A", "G", &["0/0", "0/1", "1/1", "./."]),
        DataRow::new("X", 1, "A", "G", &["0", "1", "0/0", "0"]),
    ];
    let source = world.score("S", table);
    let sexes = vec![Sex::Male, Sex::Male, Sex::Male, Sex::Male];
    let fold = world.fold_of(&[source], &rows, FoldOptions::default(), sexes);
    assert_eq!(sums(&fold, 0), [1.0, 1.5, 6.0, 2.0]);
    // The largest of the weights stands for the row in shares.
    let result = fold.results().patient(0, 3);
    assert!((result.weight_missing - 4.0 / 7.0).abs() < 1e-12);
}

#[test]
fn stated_dosages() {
    let world = world();
    let table = typed(
        "is_dominant\tis_recessive",
        "1\t1\tG\tA\t1\t\t\n1\t2\tC\tT\t10\t\t\n1\t3\tA\tG\t100\tTRUE\t\n1\t4\tC\tT\t1000\t\tTRUE\n",
    );
    let dosed = |position, reference, alternate, dosages: [f64; 2]| DataRow {
        dosages: Some(
            dosages
                .iter()
                .map(|dosage| {
                    varisk_core::quantise_dosage(*dosage).unwrap_or(varisk_core::NO_DOSAGE)
                })
                .collect(),
        ),
        ..DataRow::new("1", position, reference, alternate, &["0/1", "0/1"])
    };
    let rows = [
        dosed(1, "A", "G", [0.25, -1.0]),
        dosed(2, "C", "T", [1.5, -1.0]),
        dosed(3, "G", "A", [1.25, 0.5]),
        dosed(4, "T", "C", [1.25, 0.5]),
    ];
    let source = world.score("S", &table);
    let options = FoldOptions {
        dosage_sums: true,
        ..FoldOptions::default()
    };
    let fold = world.fold(&[source], &rows, options);
    // Where no dosage is stated the call counts.
    assert_eq!(
        sums(&fold, 0),
        [0.25 + 5.0 + 100.0 + 250.0, 1.0 + 10.0 + 50.0]
    );
    let result = fold.results().patient(0, 0);
    assert_eq!(result.dosage_sum, Some(0.25 + 0.5 + 1.25 + 1.25));
    assert_eq!(result.allele_count, 8);
}

#[test]
fn the_reference_has_what_all_alternates_of_a_record_leave() {
    let world = world();
    let source = world.score("S", &format!("{HEADER}1\t1\tA\tG\t1\n"));
    let dosages = |copies: f64| Some(vec![varisk_core::quantise_dosage(copies).unwrap()]);
    let mut rows = [
        DataRow::new("1", 1, "A", "G", &["0/1"]),
        DataRow::new("1", 1, "A", "C", &["0/2"]),
    ];
    rows[0].dosages = dosages(0.5);
    rows[1].dosages = dosages(0.25);
    let fold = world.fold(&[source], &rows, FoldOptions::default());
    assert_eq!(sums(&fold, 0), [1.25]);
}

#[test]
fn a_dosage_of_a_male_on_x_counts_once() {
    let world = world();
    let source = world.score("S", &format!("{HEADER}X\t1\tG\tA\t1\n"));
    let mut row = DataRow::new("X", 1, "A", "G", &["1/1", "1", "0/1"]);
    row.dosages = Some(vec![2 * ONE_COPY, ONE_COPY, ONE_COPY]);
    let sexes = vec![Sex::Male, Sex::Male, Sex::Female];
    let fold = world.fold_of(&[source], &[row], FoldOptions::default(), sexes);
    assert_eq!(sums(&fold, 0), [1.0; 3]);
    assert_eq!(fold.results().patient(0, 0).allele_count, 1);
}

#[test]
fn interactions_multiply_copies() {
    let world = world();
    let table = typed("is_interaction", "1_x_1\t1_x_2\tG_x_C\tA_x_T\t2\tTRUE\n");
    let rows = [
        DataRow::new("1", 1, "A", "G", &["0/1", "1/1", "1/1", "1/1"]),
        DataRow::new("1", 2, "C", "T", &["0/0", "0/1", "1/1", "./."]),
    ];
    let source = world.score("S", &table);
    let fold = world.fold(&[source], &rows, FoldOptions::default());
    assert_eq!(sums(&fold, 0), [4.0, 4.0, 0.0, 0.0]);
    let missing = fold.results().patient(0, 3);
    assert_eq!((missing.called, missing.missing), (0, 1));
}

#[test]
fn haplotypes_need_phase_where_two_sites_differ() {
    let world = world();
    let table = typed("is_haplotype", "1\t1;2\tG;T\tA;C\t1\tTRUE\n");
    let calls = ["0|1", "0|1", "0/1", "1/1", "0/1"];
    let more = ["0|1", "1|0", "0/1", "0/1", "1/1"];
    let rows = [
        DataRow::new("1", 1, "A", "G", &calls),
        DataRow::new("1", 2, "C", "T", &more),
    ];
    let source = world.score("S", &table);
    let fold = world.fold(&[source], &rows, FoldOptions::default());
    assert_eq!(sums(&fold, 0), [1.0, 0.0, 0.0, 1.0, 1.0]);
    let missing: Vec<u64> = (0..5)
        .map(|patient| fold.results().patient(0, patient).missing)
        .collect();
    assert_eq!(missing, [0, 0, 1, 0, 0]);
}

#[test]
fn diplotypes_are_two_haplotypes() {
    let world = world();
    let table = typed("is_diplotype", "1\t1;2\tG;T/A;C\t\t1\tTRUE\n");
    let rows = [
        DataRow::new("1", 1, "A", "G", &["0|1", "1|0", "0|1", "1/1"]),
        DataRow::new("1", 2, "C", "T", &["0|1", "1|0", "1|0", "1/1"]),
    ];
    let source = world.score("S", &table);
    let fold = world.fold(&[source], &rows, FoldOptions::default());
    assert_eq!(sums(&fold, 0), [1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn apoe_alleles() {
    // rs429358 and rs7412 at their places on GRCh38, nothing else.
    let mut bases = "N".repeat(44_908_900);
    bases.replace_range(44_908_683..44_908_684, "T");
    bases.replace_range(44_908_821..44_908_822, "C");
    let world = World::new(&[("chr19", &bases)]);
    let header = "rsID\tchr_name\teffect_allele\teffect_weight\tis_haplotype\tis_diplotype\t\
                  locus_name\tvariant_type\n";
    let file = |name: &str, row: &str| world.score(name, &format!("{header}{row}"));
    let sources = [
        file("E2", "\t19\tAPOE_e2\t1\tTRUE\t\tAPOE\tAPOE_allele\n"),
        file("E3", "\t19\tAPOE_e3\t1\tTRUE\t\tAPOE\tAPOE_allele\n"),
        file("E4", "\t19\te4\t1\tTRUE\t\tAPOE\tAPOE_allele\n"),
        file("F24", "\t19\te2/e4\t1\t\tTRUE\tAPOE\tAPOE_allele\n"),
    ];
    let rows = [
        // e3/e3, e3/e4, e2/e4 without phase, e4/e4, unknown
        DataRow::new(
            "chr19",
            44_908_684,
            "T",
            "C",
            &["0/0", "0/1", "0/1", "1/1", "./."],
        ),
        DataRow::new(
            "chr19",
            44_908_822,
            "C",
            "T",
            &["0/0", "0/0", "0/1", "0/0", "0/0"],
        ),
    ];
    let fold = world.fold(&sources, &rows, FoldOptions::default());
    assert_eq!(sums(&fold, 0), [0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(sums(&fold, 1), [2.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(sums(&fold, 2), [0.0, 1.0, 1.0, 2.0, 0.0]);
    assert_eq!(sums(&fold, 3), [0.0, 0.0, 1.0, 0.0, 0.0]);
    assert!(fold.results().patient(0, 4).reason.is_some());
}
