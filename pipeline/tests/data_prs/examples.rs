//! The examples of pgsc_calc: its synthetic genotypes (2,504 people, 829 variants of chromosome 22) and
//! its scoring files, through pgscatalog-match and plink2 as the pipeline does it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::fasta::Genome;
use crate::genotypes::Genotypes;
use crate::matching::{Fates, ScoreRow, Site, World};
use crate::plink::{Sscore, six_digits};
use crate::scorefile::Kind;
use crate::support::oracle::{shared, shell};
use crate::support::program::{Table, text};
use crate::{Largest, of_score, prs};

const EXAMPLES: &str = "pgs/pgsc_calc/examples";
const LENGTH: u64 = 51_304_566;

/// Rows of an example, and the names of its scores.
fn rows(path: &Path) -> Vec<ScoreRow> {
    let content = std::fs::read_to_string(path).expect("an example");
    let id = content
        .lines()
        .find_map(|line| line.strip_prefix("#pgs_id="));
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .expect("a name");
    let mut lines = content
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    let header: Vec<&str> = lines.next().expect("a header").split('\t').collect();
    let mut rows = Vec::new();
    for (number, line) in lines.enumerate() {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |name: &str| Some(cells[header.iter().position(|own| *own == name)?]);
        let is = |name: &str| cell(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
        let kind = match (is("is_dominant"), is("is_recessive")) {
            (true, _) => "dominant",
            (_, true) => "recessive",
            _ => "additive",
        };
        let row = |accession: &str, place: [&str; 2], alleles: [&str; 2], weight: &str| ScoreRow {
            accession: accession.to_owned(),
            number: number.to_string(),
            contig: place[0].to_owned(),
            position: place[1].to_owned(),
            effect: alleles[0].to_owned(),
            other: alleles[1].to_owned(),
            weight: weight.to_owned(),
            kind: kind.to_owned(),
        };
        if let Some(id) = cell("ID") {
            // A file in plink2's layout: identifier, effect allele, a column for each score.
            let parts: Vec<&str> = id.split(':').collect();
            let other = if parts[2] == cells[1] {
                parts[3]
            } else {
                parts[2]
            };
            for (name, weight) in header.iter().zip(&cells).skip(2) {
                // A single column is named by its file.
                let name = if header.len() == 3 { stem } else { *name };
                rows.push(row(name, [parts[0], parts[1]], [cells[1], other], weight));
            }
        } else {
            let need = |name: &str| cell(name).unwrap_or_else(|| panic!("no {name}"));
            let place = [need("chr_name"), need("chr_position")];
            let alleles = [need("effect_allele"), need("other_allele")];
            rows.push(row(
                id.unwrap_or(stem),
                place,
                alleles,
                need("effect_weight"),
            ));
        }
    }
    rows
}

/// A row that counts: the index of its record and allele there, and its weight.
struct Chosen {
    record: usize,
    allele: u8,
    weight: String,
    kind: Kind,
}

/// The choice of pgscatalog-match.
fn chosen(fates: &Fates, world: &World, genotypes: &Genotypes, score: &str) -> Vec<Chosen> {
    let records: BTreeMap<String, usize> = genotypes
        .records
        .iter()
        .enumerate()
        .map(|(at, record)| (record.position.to_string(), at))
        .collect();
    let own = world.rows.iter().filter(|row| row.accession == score);
    let matched = own.enumerate().filter_map(|(at, row)| {
        let fate = &fates[&(score.to_owned(), at + 1)];
        if fate.reason.is_some() {
            return None;
        }
        let is_reference = fate.match_type.as_deref()?.starts_with("alt_ref");
        Some(Chosen {
            record: records[&row.position],
            allele: u8::from(!is_reference),
            weight: row.weight.clone(),
            kind: *Kind::ALL.iter().find(|kind| kind.name() == row.kind)?,
        })
    });
    matched.collect()
}

#[test]
fn examples_of_the_pipeline() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let target = shared(&format!("{EXAMPLES}/target_genomes")).join("cineca_synthetic_subset");
    let genotypes = Genotypes::of(&PathBuf::from(format!("{}.vcf.gz", text(&target))));
    assert_eq!(
        (genotypes.samples.len(), genotypes.records.len()),
        (2504, 829)
    );
    let mut genome = Genome::default().contig("22", LENGTH);
    for record in &genotypes.records {
        genome.put("22", record.position.into(), &record.alleles[0]);
    }
    assert_eq!(genome.contradictions, 0);
    let fasta = genome.write(folder.path());
    // PLINK 1.9 wrote the last position for the contig's length.
    let vcf = at("target.vcf.gz");
    shell(&format!(
        "bcftools reheader -f {}.fai {}.vcf.gz -o {}",
        text(&fasta),
        text(&target),
        text(&vcf)
    ));

    let names = [
        "scorefile",
        "PGS001229_22",
        "scorefile_dominant_and_recessive",
        "multiscore",
        "PGS001229_22_duplicate",
    ];
    let files: Vec<PathBuf> = names
        .map(|name| shared(&format!("{EXAMPLES}/scorefiles/{name}.txt")))
        .into_iter()
        .chain([shared(&format!("{EXAMPLES}/scorefiles/test.scorefile"))])
        .collect();
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    prs(&vcf, &fasta, "GRCh37", &paths, &at("report"))
        .with("--score-build", "GRCh37")
        .with("--ambiguous", "drop")
        .with("--score-formats", "sscore,pgsc-calc")
        .succeed();
    let table = Table::read(&at("report"), "scores");

    let sites = genotypes.records.iter().map(|record| Site {
        contig: record.contig.clone(),
        position: record.position,
        reference: record.alleles[0].clone(),
        alternates: record.alleles[1..].join(","),
    });
    let world = World::new(
        sites.collect(),
        files.iter().flat_map(|path| rows(path)).collect(),
    );
    let theirs = world.theirs("");
    check_choice(&theirs, &at("report"));
    let scores: Vec<&str> = world.by_score().into_keys().collect();
    assert_eq!(scores.len(), 7);
    let long = long_layout(&at("report/aggregated_scores.txt.gz"));
    for score in scores {
        let chosen = chosen(&theirs, &world, &genotypes, score);
        let formats = if score.starts_with("scorefile") {
            ["vcf", "pfile", "bfile"].as_slice()
        } else {
            &["vcf"]
        };
        for format in formats {
            let of_plink = by_plink(folder.path(), &target, format, &genotypes, &chosen);
            let (mut largest, scale) = (Largest::default(), scale(&chosen));
            for (sample, (name, sum)) in of_score(&table, score, "sum").into_iter().enumerate() {
                assert_eq!(name, genotypes.samples[sample]);
                largest.note(sum, definition(&chosen, &genotypes, sample), scale);
                let short = name.split('_').next().expect("a name");
                let theirs = of_plink
                    .get(name)
                    .or_else(|| of_plink.get(short))
                    .expect("a sample");
                // The sum of at most three sums of six digits.
                let tolerance = 1.01e-5 * theirs.abs() + 2e-5 * scale;
                assert!(
                    (six_digits(sum) - theirs).abs() <= tolerance,
                    "{score} {name}: {sum}, {theirs} by plink2"
                );
                assert_eq!(long[&(name.to_owned(), score.to_owned())], sum);
            }
            println!(
                "{score}: {} rows, {} people, within {:.1e} of the definition, 6 digits of plink2 on {format}",
                chosen.len(),
                largest.compared,
                largest.relative
            );
            assert_eq!(largest.compared, 2504);
            assert!(largest.relative < 1e-11);
        }
    }
}

/// The rows that count are those that pgscatalog-match takes.
fn check_choice(theirs: &Fates, report: &Path) {
    let log = Table::read(report, "score_variants");
    let (names, rows) = (log.texts("score"), log.texts("row"));
    let (kinds, reasons) = (log.column("match_type"), log.column("reason"));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for at in 0..log.len() {
        let fate = &theirs[&(names[at].to_owned(), rows[at].parse().expect("a number"))];
        if fate.reason.is_none() || reasons[at].is_none() {
            assert_eq!(
                fate.match_type.as_deref(),
                kinds[at],
                "{} {}",
                names[at],
                rows[at]
            );
            assert!(
                fate.reason.is_none() && reasons[at].is_none(),
                "{} {}",
                names[at],
                rows[at]
            );
        }
        *counts
            .entry(format!(
                "{fate} there, {} here",
                reasons[at].unwrap_or("scored")
            ))
            .or_default() += 1;
    }
    println!("{counts:?}");
}

fn scale(chosen: &[Chosen]) -> f64 {
    let weights = chosen
        .iter()
        .map(|own| own.weight.parse::<f64>().expect("a number").abs());
    weights.sum::<f64>() / 100.0
}

fn definition(chosen: &[Chosen], genotypes: &Genotypes, sample: usize) -> f64 {
    let term = |own: &Chosen| {
        let call = genotypes.records[own.record].copies(sample, own.allele);
        let weight: f64 = own.weight.parse().expect("a number");
        call.map_or(0.0, |(copies, _)| weight * own.kind.counted(copies.into()))
    };
    chosen.iter().map(term).sum()
}

/// Sums of plink2, as pgsc_calc makes them: a run for each kind of weights, added up.
fn by_plink(
    folder: &Path,
    target: &Path,
    format: &str,
    genotypes: &Genotypes,
    chosen: &[Chosen],
) -> BTreeMap<String, f64> {
    let suffix = if format == "vcf" { ".vcf.gz" } else { "" };
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for kind in Kind::ALL {
        let mut table = "ID\tallele\tweight".to_owned();
        for own in chosen.iter().filter(|own| own.kind == kind) {
            let record = &genotypes.records[own.record];
            let allele = &record.alleles[usize::from(own.allele)];
            let _ = write!(table, "\n{}\t{allele}\t{}", record.id(), own.weight);
        }
        if !table.contains('\n') {
            continue;
        }
        let path = folder.join("plink.tsv");
        std::fs::write(&path, table + "\n").expect("a file");
        let genotypes = format!(
            "--{format} {}{suffix} --set-all-var-ids '@:#:$r:$a'",
            text(target)
        );
        let modifiers = format!("{} no-mean-imputation", kind.of_plink());
        let out = Sscore::run(&genotypes, &path, &modifiers, "3", &folder.join("plink"));
        for sample in out.samples.keys() {
            *sums.entry(sample.clone()).or_default() += out.number(sample, "weight_SUM");
        }
    }
    sums
}

/// Sums of `aggregated_scores.txt.gz` by sample and score.
fn long_layout(path: &Path) -> BTreeMap<(String, String), f64> {
    let content = shell(&format!("zcat {}", text(path)));
    let mut lines = content.lines();
    assert_eq!(lines.next(), Some("sampleset\tIID\tPGS\tSUM\tDENOM\tAVG"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [sum, denominator, average] =
            [3, 4, 5].map(|at| cells[at].parse::<f64>().expect("a number"));
        assert!((sum - average * denominator).abs() < 1e-9);
        ((cells[1].to_owned(), cells[2].to_owned()), sum)
    };
    lines.map(row).collect()
}
