//! Real scoring files: each is read, or refused with the sentence listed here; rows are those that
//! pgscatalog-core reads.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use arrow::array::{Array, Float64Array, StringArray, UInt32Array};
use varisk_core::{GenomeBuild, Sex};
use varisk_polygenic::{
    FoldOptions, PlanOptions, PolygenicError, PolygenicScores, RowReason, ScorePlan, ScoreSource,
    ScoreVariantLog, UnsupportedRows,
};
use varisk_reference::Reference;

use GenomeBuild::{Grch37, Grch38};

fn data() -> PathBuf {
    let folder = std::env::var_os("VARISK_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let folder = folder.join("data");
    assert!(
        folder.is_dir(),
        "{} is missing; set VARISK_SHARED to the folder of the shared data",
        folder.display()
    );
    folder
}

/// Bases of a part of each build; rows elsewhere have no reference and are lost.
fn reference(build: GenomeBuild) -> Reference {
    let name = match build {
        Grch37 => "grch37_chr22_1-22000000.fa.gz",
        _ => "grch38_sparse.fa.gz",
    };
    Reference::open(data().join("reference").join(name)).unwrap()
}

fn plan(path: &Path, options: &PlanOptions) -> Result<ScorePlan, PolygenicError> {
    let source = ScoreSource::new(path);
    ScorePlan::build(&[source], options, &reference(options.build), None, None)
}

/// What becomes of a file on a build.
enum Expected {
    /// Read: rows of each score, rows whose alleles are on the reference at hand.
    Read(u64, u64),
    Refused(&'static str),
}
use Expected::{Read, Refused};

const NO_BUILD: Expected = Refused("does not say which build its positions are on; take the file");
const COMBINED: Expected = Refused("is the combined file of several scores");
const NAMES_ONLY: Expected = Refused("names variants by identifier only; take the file");
const ON_37: Expected = Refused("is on GRCh37, but the run is on GRCh38; take the file");
const ON_38: Expected = Refused("is on GRCh38, but the run is on GRCh37; take the file");
const ONLY_37: Expected = Refused("has positions on GRCh37 only, but the run is on GRCh38");
const ONLY_38: Expected = Refused("has positions on GRCh38 only, but the run is on GRCh37");
const HARMONISED_37: Expected = Refused("is harmonised to GRCh37, but the run is on GRCh38");
const HARMONISED_38: Expected = Refused("is harmonised to GRCh38, but the run is on GRCh37");

/// Every scoring file of the shared data, on GRCh37 and on GRCh38.
const FILES: &[(&str, Expected, Expected)] = &[
    (
        "pgsc_calc/examples/scorefiles/PGS001229_22.txt",
        Read(835, 104),
        ON_37,
    ),
    (
        "pgsc_calc/examples/scorefiles/PGS001229_22_duplicate.txt",
        Read(8, 8),
        ON_37,
    ),
    (
        "pgsc_calc/examples/scorefiles/customgrch37.txt",
        Read(2, 0),
        ON_37,
    ),
    (
        "pgsc_calc/examples/scorefiles/customgrch38.txt",
        ON_38,
        Read(2, 0),
    ),
    (
        "pgsc_calc/examples/scorefiles/multiscore.txt",
        NO_BUILD,
        NO_BUILD,
    ),
    (
        "pgsc_calc/examples/scorefiles/scorefile.txt",
        Read(835, 104),
        ON_37,
    ),
    (
        "pgsc_calc/examples/scorefiles/scorefile_dominant_and_recessive.txt",
        Read(835, 104),
        ON_37,
    ),
    (
        "pgsc_calc/examples/scorefiles/test.scorefile",
        NO_BUILD,
        NO_BUILD,
    ),
    (
        "pygscatalog/pgscatalog.calc/data/harmonised/PGS000001_hmPOS_GRCh38.txt.gz",
        ONLY_38,
        Read(77, 0),
    ),
    (
        "pygscatalog/pgscatalog.calc/data/structured/PGS000001_hmPOS_GRCh38.txt.gz",
        COMBINED,
        COMBINED,
    ),
    (
        "pygscatalog/pgscatalog.calc/data/structured/PGS001229_hmPOS_GRCh38.txt.gz",
        COMBINED,
        COMBINED,
    ),
    (
        "pygscatalog/pgscatalog.core/data/OPGS002493.txt.gz",
        Read(23, 0),
        ON_37,
    ),
    (
        "pygscatalog/pgscatalog.core/data/OPGS017309.txt",
        Read(697, 0),
        ON_37,
    ),
    (
        "pygscatalog/pgscatalog.core/data/OPGS017309_hmPOS_GRCh38.txt.gz",
        Read(697, 0),
        Read(697, 0),
    ),
    (
        "pygscatalog/pgscatalog.core/data/OPGS019828.txt",
        Read(1, 0),
        ON_37,
    ),
    (
        "pygscatalog/pgscatalog.core/data/OPGS019828_hmPOS_GRCh38.txt.gz",
        Read(1, 0),
        Read(1, 0),
    ),
    (
        "pygscatalog/pgscatalog.core/data/PGS000001.txt.gz",
        NAMES_ONLY,
        NAMES_ONLY,
    ),
    (
        "pygscatalog/pgscatalog.core/data/PGS000001_hmPOS_GRCh37.txt",
        Read(77, 0),
        HARMONISED_37,
    ),
    (
        "pygscatalog/pgscatalog.core/data/PGS000001_hmPOS_GRCh37.txt.gz",
        Read(77, 0),
        ONLY_37,
    ),
    (
        "pygscatalog/pgscatalog.core/data/PGS000001_hmPOS_GRCh38.txt",
        HARMONISED_38,
        Read(77, 0),
    ),
    (
        "pygscatalog/pgscatalog.core/data/PGS000001_hmPOS_GRCh38.txt.gz",
        ONLY_38,
        Read(77, 0),
    ),
    (
        "pygscatalog/pgscatalog.core/data/PGS000002.txt.gz",
        NAMES_ONLY,
        NAMES_ONLY,
    ),
    (
        "pygscatalog/pgscatalog.core/data/PGS000002_hmPOS_GRCh37.txt.gz",
        Read(77, 0),
        ONLY_37,
    ),
    (
        "pygscatalog/pgscatalog.core/data/PGS000002_hmPOS_GRCh38.txt.gz",
        ONLY_38,
        Read(77, 0),
    ),
    (
        "pygscatalog/pgscatalog.core/data/PGS000802_hmPOS_GRCh37.txt",
        Read(19, 0),
        HARMONISED_37,
    ),
    (
        "pygscatalog/pgscatalog.core/data/PGS004255_hmPOS_GRCh38.txt.gz",
        Read(30, 1),
        Read(30, 0),
    ),
    (
        "pygscatalog/pgscatalog.core/data/bad_harmonised.txt",
        Refused("has neither a position nor an identifier in any row"),
        Read(3, 0),
    ),
    (
        "pygscatalog/pgscatalog.core/data/combined.txt.gz",
        COMBINED,
        COMBINED,
    ),
    (
        "pygscatalog/pgscatalog.core/data/complex_variants_PGS000021.txt",
        NAMES_ONLY,
        NAMES_ONLY,
    ),
    (
        "pygscatalog/pgscatalog.core/data/complex_variants_PGS004239.txt",
        NO_BUILD,
        NO_BUILD,
    ),
    (
        "pygscatalog/pgscatalog.core/data/custom.txt",
        Read(1, 0),
        ON_37,
    ),
    (
        "pygscatalog/pgscatalog.core/data/custom_no_oa.txt",
        Read(1, 0),
        ON_37,
    ),
    (
        "pygscatalog/pgscatalog.core/data/hgdp_ALL_additive_0.scorefile",
        NO_BUILD,
        NO_BUILD,
    ),
    (
        "pygscatalog/pgscatalog.core/data/invalid_scorefile.txt",
        Refused("has neither a position nor an identifier in any row"),
        Refused("has neither a position nor an identifier in any row"),
    ),
    (
        "pygscatalog/pgscatalog.core/data/lift/PGS000001_hmPOS_GRCh37.txt",
        Read(77, 0),
        ON_37,
    ),
    (
        "pygscatalog/pgscatalog.core/data/lift/PGS000001_hmPOS_GRCh38.txt",
        ON_38,
        Read(77, 0),
    ),
    (
        "pygscatalog/pgscatalog.core/data/lift_to_grch37.txt",
        ON_38,
        Read(77, 0),
    ),
    (
        "pygscatalog/pgscatalog.core/data/lift_to_grch38.txt",
        Read(77, 0),
        ON_37,
    ),
    (
        "pygscatalog/pgscatalog.match/data/duplicated_scorefile.txt",
        COMBINED,
        COMBINED,
    ),
    (
        "pygscatalog/pgscatalog.match/data/good_match_scorefile.txt",
        COMBINED,
        COMBINED,
    ),
    (
        "pygscatalog/pgscatalog.match/data/normalised_PGS000001_hmPOS_GRCh38.txt.gz",
        COMBINED,
        COMBINED,
    ),
    (
        "pygscatalog/pgscatalog.match/data/normalised_PGS000866_hmPOS_GRCh38.txt.gz",
        COMBINED,
        COMBINED,
    ),
];

#[test]
fn every_file_is_read_or_refused_by_its_sentence() {
    for (name, on_37, on_38) in FILES {
        for (build, expected) in [(Grch37, on_37), (Grch38, on_38)] {
            let result = plan(&data().join("pgs").join(name), &PlanOptions::new(build));
            match (result, expected) {
                (Ok(plan), Read(rows, resolved)) => {
                    for score in plan.scores() {
                        let lost: u64 = score.lost.values().map(|lost| lost.rows).sum();
                        assert_eq!(
                            (score.rows, score.resolved_rows),
                            (*rows, *resolved),
                            "{name}"
                        );
                        assert_eq!(score.resolved_rows + lost, score.rows, "{name}");
                    }
                }
                (Err(error), Refused(sentence)) => {
                    let text = error.to_string();
                    assert!(text.contains(sentence) && text.contains(name), "{text}");
                }
                (Ok(_), Refused(_)) => panic!("{name} is read on {}", build.name()),
                (Err(error), Read(..)) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn whatever_else_lies_there_is_refused() {
    fn walk(folder: &Path, files: &mut BTreeSet<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else {
                files.insert(path);
            }
        }
    }
    let root = data().join("pgs");
    let mut files = BTreeSet::new();
    walk(&root, &mut files);
    for (name, ..) in FILES {
        assert!(files.remove(&root.join(name)), "{name} is not there");
    }
    for path in files {
        let error = plan(&path, &PlanOptions::new(Grch38))
            .unwrap_err()
            .to_string();
        let sentences = [
            "has no column effect_allele",
            "has no line of column names",
            "is no text",
        ];
        assert!(sentences.iter().any(|text| error.contains(text)), "{error}");
    }
}

#[test]
fn hla_rows_refuse_the_file_until_they_are_let_go() {
    let path = data().join("pgs/pygscatalog/pgscatalog.core/data/complex_variants_PGS004239.txt");
    let mut options = PlanOptions::new(Grch37);
    options.assume_build = true;
    let error = plan(&path, &options).unwrap_err().to_string();
    assert!(
        error.contains("line 7: the row is about an HLA allele"),
        "{error}"
    );
    options.unsupported = UnsupportedRows::Drop;
    let plan = plan(&path, &options).unwrap();
    let lost = plan.scores()[0].lost[&RowReason::HlaAllele];
    assert_eq!(lost.rows, 9);
    assert!((lost.weight - 7.52).abs() < 1e-12);
}

/// Prints contig, position, effect allele, other allele, weight and effect type of each row.
const ROWS: &str = r#"
import sys
from pgscatalog.core.lib.scorefiles import ScoringFile
for v in ScoringFile(sys.argv[1]).normalise():
    cells = [v.chr_name, v.chr_position, v.effect_allele, v.other_allele, float(v.effect_weight)]
    print(*["" if c is None else c for c in cells], str(v.effect_type), sep="\t")
"#;

fn oracle(path: &Path) -> Vec<String> {
    let folder = std::env::var_os("VARISK_ORACLES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.varisk/oracles"),
        PathBuf::from,
    );
    let output = Command::new(folder.join("bin/python"))
        .args(["-c", ROWS])
        .arg(path)
        .output()
        .expect("python of the oracles runs; 'make oracles' brings it");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{messages}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn rows_are_those_of_pgscatalog_core() {
    for (name, build) in [
        ("pgsc_calc/examples/scorefiles/PGS001229_22.txt", Grch37),
        (
            "pgsc_calc/examples/scorefiles/PGS001229_22_duplicate.txt",
            Grch37,
        ),
        (
            "pygscatalog/pgscatalog.core/data/PGS000001_hmPOS_GRCh38.txt.gz",
            Grch38,
        ),
        (
            "pygscatalog/pgscatalog.core/data/PGS000002_hmPOS_GRCh37.txt.gz",
            Grch37,
        ),
        (
            "pygscatalog/pgscatalog.core/data/PGS000802_hmPOS_GRCh37.txt",
            Grch37,
        ),
        (
            "pygscatalog/pgscatalog.core/data/OPGS017309_hmPOS_GRCh38.txt.gz",
            Grch38,
        ),
        ("pygscatalog/pgscatalog.core/data/OPGS002493.txt.gz", Grch37),
        ("pygscatalog/pgscatalog.core/data/custom_no_oa.txt", Grch37),
        (
            "pygscatalog/pgscatalog.core/data/lift_to_grch37.txt",
            Grch38,
        ),
        (
            "pygscatalog/pgscatalog.core/data/bad_harmonised.txt",
            Grch38,
        ),
    ] {
        let path = data().join("pgs").join(name);
        let plan = Arc::new(plan(&path, &PlanOptions::new(build)).unwrap());
        let fold = PolygenicScores::new(plan, vec![Sex::Unknown], FoldOptions::default()).unwrap();
        let mut rows = Vec::new();
        for batch in ScoreVariantLog::new(&fold) {
            let batch = batch.unwrap();
            let text = |name: &str, row: usize| {
                let column = batch.column_by_name(name).unwrap().as_any();
                let column = column.downcast_ref::<StringArray>().unwrap();
                if column.is_null(row) {
                    ""
                } else {
                    column.value(row)
                }
                .to_owned()
            };
            let position = batch.column_by_name("position").unwrap().as_any();
            let position = position.downcast_ref::<UInt32Array>().unwrap();
            let weight = batch.column_by_name("weight").unwrap().as_any();
            let weight = weight.downcast_ref::<Float64Array>().unwrap();
            for row in 0..batch.num_rows() {
                let at = if position.is_null(row) {
                    String::new()
                } else {
                    position.value(row).to_string()
                };
                rows.push((
                    [
                        text("contig", row),
                        at,
                        text("effect_allele", row),
                        text("other_allele", row),
                        text("effect_type", row),
                    ],
                    weight.value(row),
                ));
            }
        }
        let expected = oracle(&path);
        assert_eq!(rows.len(), expected.len(), "{name}");
        for ((own, weight), line) in rows.iter().zip(&expected) {
            let cells: Vec<&str> = line.split('\t').collect();
            assert_eq!(own[..4], cells[..4], "{name}");
            assert_eq!(own[4], cells[5], "{name}");
            assert_eq!(
                weight.to_bits(),
                cells[4].parse::<f64>().unwrap().to_bits(),
                "{name}"
            );
        }
    }
}
