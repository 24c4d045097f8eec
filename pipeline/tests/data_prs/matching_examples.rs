//! Which allele each row of a scoring file matches, against pgscatalog-match on its own examples, and
//! every deviation with its count.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::fasta::Genome;
use crate::matching::{
    Counts, EITHER, KEPT, OTHERWISE, SEVERAL, STRAND, ScoreRow, USELESS, World, read_scores,
    read_sites,
};
use crate::support::oracle::shared;

const MATCH: &str = "pgs/pygscatalog/pgscatalog.match/data";
const CALC: &str = "pgs/pygscatalog/pgscatalog.calc/data";

const KEEP: &str = "--keep_ambiguous --keep_multiallelic";

fn example(target: &str, score: &str) -> World {
    let at = |name: &str| shared(&format!("{MATCH}/{name}"));
    World::new(read_sites(&at(target)), read_scores(&at(score)))
}

#[test]
fn examples_of_matching() {
    let good = "good_match_scorefile.txt";
    let doubled = "duplicated_scorefile.txt";
    let both = "matched by both";
    let (ambiguous, duplicate) = ("ambiguous to both", "duplicate to both");
    let kept = KEPT;
    for (target, score, with_defaults, keeping) in [
        (
            "good_match.pvar",
            good,
            vec![(both, 139), (ambiguous, 14), (duplicate, 2)],
            vec![(both, 153), (duplicate, 2)],
        ),
        (
            "good_match.pvar",
            doubled,
            vec![(both, 4), (ambiguous, 1)],
            vec![(both, 5)],
        ),
        (
            "multiallelic.pvar",
            good,
            vec![(both, 136), (ambiguous, 14), (duplicate, 2), (kept, 3)],
            vec![(both, 153), (duplicate, 2)],
        ),
        (
            "multiallelic.pvar",
            doubled,
            vec![(both, 1), (ambiguous, 1), (kept, 3)],
            vec![(both, 5)],
        ),
    ] {
        let world = example(target, score);
        let name = format!("{score} in {target}");
        for (flags, ambiguous, expected) in [("", "drop", with_defaults), (KEEP, "keep", keeping)] {
            assert_eq!(
                world.compare(&name, flags, ambiguous),
                Counts::from_iter(expected)
            );
        }
    }
}

fn complement(alleles: &str) -> String {
    let bases = alleles.chars().map(|base| match base {
        'A' => 'T',
        'C' => 'G',
        'G' => 'C',
        'T' => 'A',
        other => panic!("{other}"),
    });
    bases.collect()
}

/// Rows made of the ten variants of the panel's example, eight of them indels, turned over and on the
/// other strand, each a score of its own.
#[test]
fn indels_of_a_panel() {
    let sites = read_sites(&shared(&format!("{MATCH}/1000G.pvar")));
    let mut rows = Vec::new();
    for (name, is_turned, is_flipped) in [
        ("as_written", false, false),
        ("turned", true, false),
        ("flipped", false, true),
    ] {
        for (number, site) in sites.iter().enumerate() {
            let mut alleles = [site.alternates.clone(), site.reference.clone()];
            if is_turned {
                alleles.reverse();
            }
            if is_flipped {
                alleles = alleles.map(|allele| complement(&allele));
            }
            let [effect, other] = alleles;
            rows.push(ScoreRow {
                accession: name.to_owned(),
                number: number.to_string(),
                contig: site.contig.clone(),
                position: site.position.to_string(),
                effect,
                other,
                weight: "0.1".to_owned(),
                kind: "additive".to_owned(),
            });
        }
    }
    let world = World::new(sites, rows);
    for (flags, ambiguous) in [("", "drop"), (KEEP, "keep")] {
        let deviations = [(EITHER, 8), (STRAND, 8)];
        world.expect("variants of a panel", flags, ambiguous, &deviations);
    }
}

/// Rows of the good example turned over, on the other strand, or without the other allele.
#[test]
fn order_of_matching() {
    for target in ["good_match.pvar", "multiallelic.pvar"] {
        let mut world = example(target, "good_match_scorefile.txt");
        for (at, row) in world.rows.iter_mut().enumerate() {
            if at % 4 % 2 == 1 {
                std::mem::swap(&mut row.effect, &mut row.other);
            }
            if at % 4 >= 2 {
                row.effect = complement(&row.effect);
                row.other = complement(&row.other);
            }
        }
        let is_simple = target == "good_match.pvar";
        let turned = format!("turned rows in {target}");
        world.expect(
            &turned,
            "",
            "drop",
            if is_simple { &[] } else { &[(KEPT, 3)] },
        );
        world.expect(&turned, KEEP, "keep", &[]);
        for row in &mut world.rows {
            row.other.clear();
        }
        let alone = format!("effect alleles in {target}");
        let rows: &[_] = if is_simple {
            &[(OTHERWISE, 6)]
        } else {
            &[(OTHERWISE, 8), (KEPT, 1)]
        };
        world.expect(&alone, "", "drop", rows);
        world.expect(
            &alone,
            KEEP,
            "keep",
            if is_simple { &[] } else { &[(SEVERAL, 3)] },
        );
    }
}

/// The rows of the scores of pgscatalog-calc at its 1,004 sites, and each 25th of the others.
fn calculator() -> World {
    let at = |name: &str| shared(&format!("{CALC}/{name}"));
    let sites = read_sites(&at("vcf/tiny1000G.vcf.gz"));
    let mut rows = read_scores(&at("structured/PGS000001_hmPOS_GRCh38.txt.gz"));
    rows.extend(read_scores(&at("structured/PGS001229_hmPOS_GRCh38.txt.gz")));
    assert_eq!((sites.len(), rows.len()), (1004, 51_286));
    let places: BTreeSet<(&str, String)> = sites
        .iter()
        .map(|site| (site.contig.as_str(), site.position.to_string()))
        .collect();
    let mut number = 0;
    rows.retain(|row| {
        number += 1;
        let is_odd = row.position.is_empty() || row.effect.len() != 1;
        let is_there = places.contains(&(row.contig.as_str(), row.position.clone()));
        is_there || is_odd || number % 25 == 0
    });
    World::new(sites, rows)
}

/// Its genotypes, and a genome made of their REF alleles.
pub(crate) fn calculator_genome(folder: &Path) -> (PathBuf, PathBuf) {
    let vcf = shared(&format!("{CALC}/vcf/tiny1000G.vcf.gz"));
    let mut genome = Genome::default();
    for site in read_sites(&vcf) {
        genome.put(&site.contig, site.position.into(), &site.reference);
    }
    (vcf, genome.write(folder))
}

/// Its scores as files of the PGS Catalog.
pub(crate) fn write_calculator_scores(folder: &Path) -> Vec<PathBuf> {
    calculator().write_scores(folder)
}

#[test]
fn example_of_the_calculator() {
    let world = calculator();
    let name = "PGS000001 and PGS001229 in tiny1000G";
    world.expect(name, "", "drop", &[(USELESS, 113)]);
    world.expect(name, KEEP, "keep", &[]);
}

/// Targets without a single allele of the scores are refused by both.
#[test]
fn examples_without_a_match() {
    for target in ["hapnest.pvar", "1000G.pvar"] {
        let mut world = example(target, "normalised_PGS000001_hmPOS_GRCh38.txt.gz");
        let other = example(target, "normalised_PGS000866_hmPOS_GRCh38.txt.gz");
        world.rows.extend(other.rows);
        let world = World::new(world.sites, world.rows);
        let theirs = world.matched("").expect_err("nothing matches");
        assert!(theirs.contains("ZeroMatchesError"), "{theirs}");
        let ours = world.call("drop").run();
        assert_eq!(ours.code, Some(65), "{}", ours.stderr);
        assert!(ours.stderr.contains("common"), "{}", ours.stderr);
    }
}
