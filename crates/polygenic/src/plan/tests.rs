//! Plans: what a run must look at, duplicates, identifiers, rounding.

use std::collections::{HashMap, HashSet};

use varisk_core::Position;

use super::ScorePlan;
use crate::options::IdentifiedAllele;
use crate::testing::World;
use crate::{DuplicateRows, PolygenicError, RowReason, RsidResolver, ScoreSource};

const HEADER: &str = "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n";

fn world() -> World {
    World::new(&[
        ("2", "ACGTACGTACGTACGT"),
        ("1", "ACGTACGTACGTACGTCATTTTTTG"),
        ("X", "ACGTACGTACGTACGT"),
    ])
}

#[test]
fn what_is_wanted_is_where_records_can_be() {
    let world = world();
    let source = world.score(
        "S",
        &format!("{HEADER}1\t21\tTT\tT\t1\n2\t1\tG\tA\t1\nX\t5\tG\tA\t1\n1\t4\tA\tT\t1\n"),
    );
    let plan = world.plan(&[source]).unwrap();
    let wanted: Vec<(u32, u32)> = plan
        .wanted()
        .into_iter()
        .map(|(contig, position)| (contig.0, position.0))
        .collect();
    // The run of T is 19 to 24: the insertion can be written from 18 to 24. A/T is left out.
    let mut expected = vec![(0, 1)];
    expected.extend((18..=24).map(|position| (1, position)));
    expected.push((2, 5));
    assert_eq!(wanted, expected);
    // An insertion of T or the deletion of one: nothing says which. A/T is left out.
    let sites: Vec<(u32, Position)> = plan
        .sites()
        .map(|site| (site.contig.0, site.position))
        .collect();
    assert_eq!(sites, [(0, Position(1)), (2, Position(5))]);
    assert_eq!(plan.needs_sex(), ["S"]);
}

#[test]
fn duplicates_are_left_out_added_or_refused() {
    let table = format!("{HEADER}1\t1\tG\tA\t1\n1\t1\tA\tG\t2\n1\t5\tG\tA\t4\n");
    let with = |policy| {
        let mut world = world();
        world.options.duplicates = policy;
        world.plan(&[world.score("S", &table), world.score("T", &table)])
    };
    let dropped = with(DuplicateRows::Drop).unwrap();
    for score in dropped.scores() {
        assert_eq!(score.resolved_rows, 1);
        let lost = score.lost[&RowReason::DuplicateRow];
        assert_eq!((lost.rows, lost.weight), (2, 3.0));
    }
    let summed = with(DuplicateRows::Sum).unwrap();
    assert_eq!(summed.scores()[0].resolved_rows, 3);
    let error = with(DuplicateRows::Refuse).unwrap_err();
    assert!(matches!(error, PolygenicError::DuplicateRows { .. }));
    assert!(
        error
            .to_string()
            .contains("score S has several rows for the allele at 1:1")
    );
}

#[test]
fn a_row_with_a_choice_goes_as_a_whole_with_its_duplicate() {
    let world = world();
    let source = world.score(
        "S",
        &format!("{HEADER}1\t18\tAT\tA\t1\n1\t20\tTT\tT\t2\n1\t1\tG\tA\t4\n"),
    );
    let plan = world.plan(&[source]).unwrap();
    let score = &plan.scores()[0];
    assert_eq!(score.resolved_rows, 1);
    let lost = score.lost[&RowReason::DuplicateRow];
    assert_eq!((lost.rows, lost.weight), (2, 3.0));
    assert_eq!(plan.entries.len(), 1);
}

#[test]
fn names_are_unique() {
    let world = world();
    let table = format!("{HEADER}1\t1\tG\tA\t1\n");
    let one = world.score("S", &table);
    let two = world.file(
        "other.txt",
        format!("#pgs_id=S\n#genome_build=GRCh38\n{table}").as_bytes(),
    );
    let error = world.plan(&[one, two]).unwrap_err().to_string();
    assert!(error.contains("both named S"), "{error}");
    assert!(matches!(world.plan(&[]), Err(PolygenicError::NoScores)));
}

#[test]
fn weights_of_any_size_keep_their_precision() {
    for size in [1e-250, 1e-12, 1.0, 1e12, 1e300] {
        let world = world();
        let source = world.score(
            "S",
            &format!(
                "{HEADER}1\t1\tG\tA\t{}\n1\t5\tG\tA\t{}\n",
                0.3 * size,
                -0.1 * size
            ),
        );
        let plan = world.plan(&[source]).unwrap();
        let values: Vec<f64> = plan
            .entries
            .iter()
            .map(|entry| plan.value(0, entry.weight) / size)
            .collect();
        assert!((values[0] - 0.3).abs() < 1e-15, "{size}");
        assert!((values[1] + 0.1).abs() < 1e-15, "{size}");
        let bound: i128 = plan
            .entries
            .iter()
            .map(|entry| 2 * i128::from(entry.weight.abs()))
            .sum();
        assert!(bound <= 1 << 61, "{size}");
    }
}

struct Known(HashMap<String, Vec<IdentifiedAllele>>);

impl RsidResolver for Known {
    fn resolve(
        &self,
        identifiers: &HashSet<&str>,
    ) -> Result<HashMap<String, Vec<IdentifiedAllele>>, String> {
        let known = self
            .0
            .iter()
            .filter(|(id, _)| identifiers.contains(id.as_str()));
        Ok(known
            .map(|(id, alleles)| (id.clone(), alleles.clone()))
            .collect())
    }
}

#[test]
fn identifiers_are_looked_up() {
    let world = world();
    let contig = world.contig("1");
    let allele = |position, reference: &[u8], alternate: &[u8]| -> IdentifiedAllele {
        (
            contig,
            Position(position),
            reference.to_vec(),
            alternate.to_vec(),
        )
    };
    let known = Known(HashMap::from([
        (
            "rs1".to_owned(),
            vec![allele(1, b"A", b"G"), allele(1, b"A", b"C")],
        ),
        (
            "rs2".to_owned(),
            vec![allele(5, b"A", b"G"), allele(9, b"A", b"G")],
        ),
    ]));
    let source = world.score(
        "S",
        "rsid\teffect_allele\teffect_weight\nrs1\tG\t1\nrs2\tG\t2\nrs3\tG\t4\n.\tG\t8\n",
    );
    let sources: [ScoreSource; 1] = [source];
    let plan = ScorePlan::build(
        &sources,
        &world.options,
        &world.reference,
        Some(&known),
        None,
    )
    .unwrap();
    let score = &plan.scores()[0];
    assert_eq!(score.resolved_rows, 1);
    let lost: Vec<(&str, f64)> = score
        .lost
        .iter()
        .map(|(reason, lost)| (reason.name(), lost.weight))
        .collect();
    assert_eq!(
        lost,
        [
            ("several_alleles", 2.0),
            ("no_position", 8.0),
            ("unknown_rsid", 4.0)
        ]
    );
}

#[test]
fn the_same_files_give_the_same_fingerprint() {
    let world = world();
    let source = || world.score("S", &format!("{HEADER}1\t1\tG\tA\t1\n"));
    let first = world.plan(&[source()]).unwrap();
    assert_eq!(
        first.fingerprint(),
        world.plan(&[source()]).unwrap().fingerprint()
    );
    let mut other = World::new(&[("1", "ACGTACGTACGTACGTCATTTTTTG")]);
    other.options.duplicates = DuplicateRows::Sum;
    let second = other.plan(&[source()]).unwrap();
    assert_ne!(first.fingerprint(), second.fingerprint());
}
