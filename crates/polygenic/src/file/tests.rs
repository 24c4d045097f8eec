//! What files are read as, and the sentences about those that are not.

use std::io::Write as _;

use super::file_stem;
use crate::testing::World;
use crate::{ColumnNames, RowReason, ScoreSource, UnsupportedRows};

const TABLE: &str = "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n";

fn world() -> World {
    World::new(&[("1", "ACGTACGTACGTACGTCATTTTTTG")])
}

/// The sentence about a file, after its name.
fn complaint(source: &ScoreSource) -> String {
    let text = world()
        .plan(std::slice::from_ref(source))
        .unwrap_err()
        .to_string();
    let path = source.path.display().to_string();
    text.replace(&path, "FILE")
}

#[track_caller]
fn refused(bytes: &str, expected: &str) {
    let world = world();
    let text = complaint(&world.file("s.txt", bytes.as_bytes()));
    assert!(text.contains(expected), "{text}");
    assert!(text.starts_with("scoring file FILE"), "{text}");
}

#[test]
fn what_is_no_scoring_file() {
    let build = "#genome_build=GRCh38\n";
    refused("", "is empty");
    refused(build, "has no line of column names");
    refused("hello\n", "has no line of column names");
    refused(&format!("{build}{TABLE}"), "has no rows");
    refused(
        "chr_name\tchr_position\teffect_weight\n",
        "has no column effect_allele",
    );
    refused(
        "chr_name\tchr_position\teffect_allele\n",
        "has no column effect_weight",
    );
    refused(
        "chr_name\tchr_position\teffect_allele\tOR\n1\t1\tG\t1.2\n",
        "OR and HR are no weights",
    );
    refused(
        "chr_name\teffect_allele\teffect_weight\n1\tG\t1\n",
        "has neither positions",
    );
    refused(
        "effect_allele\teffect_weight\teffect_weight\n",
        "has column effect_weight twice",
    );
    refused(
        "chr_name\tchr_position\teffect_allele\tdosage_0_weight\n",
        "not all three",
    );
    refused(
        "#genome_build=GRCh38\nrsID\teffect_allele\teffect_weight\nrs1\tG\t1\n",
        "names variants by identifier only",
    );
    refused(
        "chr_name\tchr_position\teffect_allele\teffect_weight\taccession\trow_nr\n",
        "combined file",
    );
    refused(
        "#pgs_id=a b\n#genome_build=GRCh38\nID\teffect_allele\tw\n1:1:A:G\tG\t1\n",
        "pgs_id 'a b'",
    );
}

#[test]
fn lines_that_cannot_be_used() {
    let line = |row: &str, expected: &str| {
        let text = format!("#pgs_id=S\n#genome_build=GRCh38\n{TABLE}1\t1\tG\tA\t1\n{row}\n");
        refused(&text, &format!("line 5: {expected}"));
    };
    line(
        "1\t5\tG\tA\tx",
        "effect_weight is 'x', which is no finite number",
    );
    line("1\t5\tG\tA\tinf", "effect_weight is 'inf'");
    line("1\t5\tG\tA\tNaN", "effect_weight is 'NaN'");
    line("1\t5\tG\tA\t", "effect_weight is empty");
    line("1\t5\tG\tg\t1", "effect allele and other allele are both G");
    line("1\tfive\tG\tA\t1", "position is 'five'");
    line("1\t0\tG\tA\t1", "position is '0'");
    line("1\t-3\tG\tA\t1", "position is '-3'");
    line("1\t99999999999\tG\tA\t1", "position is '99999999999'");
    line(
        "1 5 G A 1",
        "it has 1 cells where the line of column names has 5",
    );
    line("1\t5\tG\tA\t1\tmore", "it has 6 cells");
    let text = format!(
        "#genome_build=GRCh38\n{}\tis_dominant\tis_recessive\n1\t1\tG\tA\t1\tTRUE\tTRUE\n",
        TABLE.trim_end()
    );
    refused(&text, "line 3: it is both dominant and recessive");
    let text = format!(
        "#genome_build=GRCh38\n{}\tis_dominant\n1\t1\tG\tA\t1\tmaybe\n",
        TABLE.trim_end()
    );
    refused(&text, "is_dominant is 'maybe'");
}

#[test]
fn builds() {
    let rows = format!("{TABLE}1\t1\tG\tA\t1\n");
    refused(&rows, "does not say which build");
    refused(
        &format!("#genome_build=NR\n{rows}"),
        "`--score-build GRCh38`",
    );
    refused(
        &format!("#genome_build=hg19\n{rows}"),
        "is on hg19, but the run is on GRCh38; take the file that the PGS Catalog harmonised to GRCh38",
    );
    refused(
        &format!("#genome_build=NR\n#HmPOS_build=GRCh37\n{rows}"),
        "harmonised to GRCh37",
    );
    let mut world = world();
    world.options.assume_build = true;
    let source = world.file("s.txt", rows.as_bytes());
    assert_eq!(world.plan(&[source]).unwrap().scores()[0].resolved_rows, 1);
    // What names another build is not talked into this one.
    let source = world.file("t.txt", format!("#genome_build=GRCh37\n{rows}").as_bytes());
    assert!(world.plan(&[source]).is_err());
}

#[test]
fn harmonised_positions_win_and_failed_ones_are_lost() {
    let world = world();
    let text = "#pgs_id=PGS1\n#genome_build=GRCh37\n#HmPOS_build=GRCh38\n\
                rsID\tchr_name\tchr_position\teffect_allele\teffect_weight\thm_source\thm_rsID\t\
                hm_chr\thm_pos\thm_inferOtherAllele\n\
                rs1\t7\t700\tG\t1\tENSEMBL\trs1\t1\t1\tA\n\
                rs2\t1\t5\tG\t2\tUnknown\t\t\t\t\n\
                rs3\t1\t5\tG\t4\tliftover\t\t1\t\t\n";
    let plan = world.plan(&[world.file("s.txt", text.as_bytes())]).unwrap();
    let score = &plan.scores()[0];
    assert_eq!(
        (score.rows, score.resolved_rows, score.total_weight),
        (3, 1, 7.0)
    );
    let lost = score.lost[&RowReason::NotHarmonised];
    assert_eq!((lost.rows, lost.weight), (2, 6.0));
}

#[test]
fn headers_of_both_formats() {
    let world = world();
    let header = "### PGS CATALOG SCORING FILE\n# PGS ID = PGS000001\n# PGS Name = PRS77 = new\n\
                  # Reported Trait = Breast Cancer\n# Original Genome Build = hg38\n\
                  # Number of Variants = 1\n# LICENSE = see https://x?a=b\n";
    let table =
        "chr_name\tchr_position\teffect_allele\treference_allele\teffect_weight\n1\t1\tG\tA\t1\n";
    let source = world.file("v1.txt", format!("{header}{table}").as_bytes());
    let plan = world.plan(&[source]).unwrap();
    let score = &plan.scores()[0];
    assert_eq!(score.name, "PGS000001");
    let metadata = &score.metadata;
    assert_eq!(metadata.pgs_name.as_deref(), Some("PRS77 = new"));
    assert_eq!(metadata.license.as_deref(), Some("see https://x?a=b"));
    assert_eq!(metadata.variants_number, Some(1));
}

#[test]
fn custom_tables_and_plink_tables() {
    let mut world = world();
    world.options.assume_build = true;
    let mut source = world.file(
        "my.scores.csv",
        b"snp,chr,bp,a1,a2,beta,\"beta 2\"\nrs1,1,1,G,A,0.5,-1\n",
    );
    source.columns = ColumnNames {
        contig: Some("chr".to_owned()),
        position: Some("bp".to_owned()),
        effect_allele: Some("a1".to_owned()),
        other_allele: Some("a2".to_owned()),
        rsid: Some("snp".to_owned()),
        weights: vec!["beta".to_owned(), "beta 2".to_owned()],
        frequency: None,
    };
    let plan = world.plan(std::slice::from_ref(&source)).unwrap();
    let names: Vec<&str> = plan
        .scores()
        .iter()
        .map(|score| score.name.as_str())
        .collect();
    assert_eq!(names, ["my_scores_beta", "my_scores_beta_2"]);
    source.columns.position = Some("pos".to_owned());
    assert!(complaint(&source).contains("has no column pos; its columns are snp, chr"));

    for text in [
        "ID\teffect_allele\tone\ttwo\n1:1:A:G\tG\t0.5\t1\n",
        "#ID effect_allele one two\nchr1:1:G:A G 0.5 1\n",
    ] {
        let plan = world.plan(&[world.file("p.txt", text.as_bytes())]).unwrap();
        let names: Vec<&str> = plan
            .scores()
            .iter()
            .map(|score| score.name.as_str())
            .collect();
        assert_eq!(names, ["one", "two"]);
        assert_eq!(plan.scores()[1].resolved_rows, 1);
    }
    let text = "ID\teffect_allele\tone\n1:1:A:G\tT\t0.5\n";
    let text = world
        .plan(&[world.file("q.txt", text.as_bytes())])
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("line 2: effect allele T is none of the alleles"),
        "{text}"
    );
}

#[test]
fn compressed_files_and_those_cut_short() {
    let world = world();
    let text = format!("#pgs_id=S\n#genome_build=GRCh38\n{TABLE}1\t1\tG\tA\t1\n");
    let gzip = |text: &str| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    };
    // Two members, as `cat a.gz b.gz` makes them.
    let (head, tail) = text.split_at(40);
    let whole = [gzip(head), gzip(tail)].concat();
    let plan = world.plan(&[world.file("s.txt.gz", &whole)]).unwrap();
    assert_eq!(plan.scores()[0].resolved_rows, 1);
    assert_eq!(plan.scores()[0].sha256.len(), 64);

    let cut = world.file("c.txt.gz", &whole[..whole.len() - 9]);
    assert!(
        complaint(&cut).contains("cut short or damaged"),
        "{}",
        complaint(&cut)
    );
    let missing = ScoreSource::new(world.folder.path().join("none.txt"));
    assert!(complaint(&missing).contains("cannot be opened"));
    let folder = ScoreSource::new(world.folder.path());
    assert!(complaint(&folder).contains("is a folder"));
    let mut bgzf = whole.clone();
    // The extra field of BGZF without the end mark.
    bgzf[3] = 4;
    bgzf.splice(10..10, [6, 0, b'B', b'C', 2, 0, 0, 0]);
    assert!(complaint(&world.file("b.txt.gz", &bgzf)).contains("BGZF end-of-file"));
}

#[test]
fn rows_of_other_kinds_refuse_the_file_or_are_lost() {
    let header = "rsID\tchr_name\tchr_position\teffect_allele\teffect_weight\tis_haplotype\t\
                  is_interaction\tlocus_name\tvariant_type\n";
    let check = |row: &str, reason: RowReason, expected: &str| {
        let mut world = world();
        let text =
            format!("#pgs_id=S\n#genome_build=GRCh38\n{header}rs1\t1\t1\tG\t1\t\t\t\t\n{row}\n");
        let source = world.file("s.txt", text.as_bytes());
        let error = world
            .plan(std::slice::from_ref(&source))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("line 5") && error.contains(expected),
            "{error}"
        );
        assert!(error.contains("--unsupported-rows drop"), "{error}");
        world.options.unsupported = UnsupportedRows::Drop;
        let plan = world.plan(&[source]).unwrap();
        assert_eq!(plan.scores()[0].lost[&reason].weight, 3.0);
    };
    check(
        "\t6\t\tHLA-DQB1*02:01\t3\tTRUE\t\tHLA-DQB1\tHLA_allele",
        RowReason::HlaAllele,
        "HLA",
    );
    check("\t6\t\tP\t-3\t\t\tHLA-B\t", RowReason::HlaAllele, "HLA");
    check(
        "rs1_x_rs2\t\t\tA_x_T\t3\t\tTRUE\t\t",
        RowReason::UnsupportedInteraction,
        "interaction",
    );
    check(
        "rs1;rs2\t1\t1\tA;T\t3\tTRUE\t\t\t",
        RowReason::UnsupportedHaplotype,
        "haplotype",
    );
    check(
        "\t19\t\te5\t3\tTRUE\t\tAPOE\tAPOE_allele",
        RowReason::UnsupportedHaplotype,
        "haplotype",
    );
    check(
        "\t22\t\tCYP2D6*4\t3\t\t\tCYP2D6\tCYP_allele",
        RowReason::UnsupportedVariantType,
        "complex",
    );
}

#[test]
fn rows_that_no_data_can_match_are_counted_by_reason() {
    let world = world();
    let text = format!(
        "#pgs_id=S\n#genome_build=GRCh38\n{TABLE}77\t1\tG\tA\t1\n1\t1\tD\tI\t2\n1\t900\tG\tA\t4\n\
         1\t1\tC\tG\t8\n1\t\tG\tA\t16\n1\t2\tG\tC\t32\n1\t1\tN\tA\t64\n"
    );
    let plan = world.plan(&[world.file("s.txt", text.as_bytes())]).unwrap();
    let lost: Vec<(&str, f64)> = plan.scores()[0]
        .lost
        .iter()
        .map(|(reason, lost)| (reason.name(), lost.weight))
        .collect();
    assert_eq!(
        lost,
        [
            ("ambiguous_strand", 32.0),
            ("alleles_not_in_reference", 12.0),
            ("no_position", 16.0),
            ("unknown_contig", 1.0),
            ("allele_not_bases", 66.0),
        ]
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

    /// Whatever stands in a file, it is read or refused.
    #[test]
    fn no_text_makes_a_panic(
        cells in proptest::collection::vec("[ACGTN10-9_x;/.:=#\t\n ]{0,12}|1_x_1|A_x_G|TRUE|1e308|HLA-A|e4", 0..60),
        ends in proptest::collection::vec(0..3usize, 60),
        head: bool,
    ) {
        let mut world = world();
        world.options.assume_build = true;
        world.options.unsupported = UnsupportedRows::Drop;
        let mut text = String::new();
        if head {
            text += "rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\t\
                     is_interaction\tis_haplotype\tis_diplotype\n";
        }
        for (cell, end) in cells.iter().zip(ends) {
            text += cell;
            text += ["\t", "\t", "\n"][end];
        }
        let _ = world.plan(&[world.file("s.txt", text.as_bytes())]);
    }
}

#[test]
fn stems() {
    let stem = |path: &str| file_stem(std::path::Path::new(path));
    assert_eq!(stem("x/a.b.txt.gz"), "a.b");
    assert_eq!(stem("scores"), "scores");
    assert_eq!(stem("a.csv"), "a");
}
