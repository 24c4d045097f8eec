//! Polygenic scores: `varisk prs` beside `plink2 --score`, `bgzip -dc`, cyvcf2 with numpy, and
//! `bcftools query` on BCF.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::process::{self, Measured, best_of, measure};
use super::{Options, cohort, text};
use crate::random::Random;

/// Samples of the cohort.
const SAMPLES: u32 = 2_504;
/// Records of the cohort.
const VARIANTS: u32 = 40_000;
/// Scores of the second measurement, and the weights of each.
const MANY: usize = 500;
const MANY_WEIGHTS: usize = 10_000;
/// Python with cyvcf2 and numpy, as set-up brings it.
const PYTHON: &str = ".varisk/oracles/bin/python3";
/// What somebody would write who knows both libraries: the array of each record, added with its
/// weight.
const SCRIPT: &str = "
import sys
import numpy as np
from cyvcf2 import VCF
weights = {}
for line in open(sys.argv[2]):
    name, allele, weight = line.split()
    if name != 'ID':
        weights[name] = (allele, float(weight))
vcf = VCF(sys.argv[1], gts012=True, lazy=True, threads=int(sys.argv[3]))
total = np.zeros(len(vcf.samples))
for record in vcf:
    allele, weight = weights[record.ID]
    if len(record.ALT) == 1 and allele == record.ALT[0]:
        total += weight * record.gt_types
    else:
        genotypes = record.genotype.array()[:, :2]
        index = ([record.REF] + record.ALT).index(allele)
        total += weight * (genotypes == index).sum(axis=1)
print(total.sum())
";

pub(super) fn table(options: &Options) -> Result<String> {
    let (vcf, reference) = cohort(options, SAMPLES, VARIANTS)?;
    let files = Files::of(options);
    if !files.many.join(".complete").is_file() {
        files.write(&vcf)?;
    }
    let mut table = one(options, &vcf, &reference, &files)?;
    table.push('\n');
    table += &many(options, &vcf, &reference, &files)?;
    Ok(table)
}

/// Scoring files of the cohort.
struct Files {
    /// A score of all records, for varisk and for plink2.
    one: PathBuf,
    one_plink: PathBuf,
    /// A folder of scores, and all of them in one table.
    many: PathBuf,
    many_plink: PathBuf,
    bcf: PathBuf,
}

/// An allele of the cohort: record identifier, position, REF, first ALT.
struct Allele {
    id: String,
    position: String,
    reference: String,
    alternate: String,
}

impl Allele {
    /// Effect and other allele: every other effect allele is REF.
    fn effect(&self, number: usize) -> (&str, &str) {
        if number.is_multiple_of(2) {
            (&self.alternate, &self.reference)
        } else {
            (&self.reference, &self.alternate)
        }
    }
}

/// A scoring file with a weight for every record of the cohort, made once.
pub(super) fn one_score(options: &Options, vcf: &Path) -> Result<PathBuf> {
    let files = Files::of(options);
    if !files.one.is_file() {
        files.write(vcf)?;
    }
    Ok(files.one)
}

const HEADER: &str = "chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n";

impl Files {
    fn of(options: &Options) -> Self {
        let path = |name: &str| options.data.join(name);
        Self {
            one: path("one-score.txt"),
            one_plink: path("one-score.plink.txt"),
            many: path("scores"),
            many_plink: path("many-scores.plink.txt"),
            bcf: path("cohort.bcf"),
        }
    }

    fn write(&self, vcf: &Path) -> Result<()> {
        let alleles = alleles(vcf)?;
        let mut random = Random::new(7, 1);
        let weight = |random: &mut Random| (random.between(0, 2_000_000) as f64 - 1e6) / 1e7;
        let mut ours = format!("#pgs_id=ONE\n#genome_build=NR\n{HEADER}");
        let mut plink = String::from("ID\tA1\tONE\n");
        for (number, allele) in alleles.iter().enumerate() {
            let (effect, other) = allele.effect(number);
            let weight = weight(&mut random);
            let Allele { id, position, .. } = allele;
            let _ = writeln!(ours, "chr1\t{position}\t{effect}\t{other}\t{weight}");
            let _ = writeln!(plink, "{id}\t{effect}\t{weight}");
        }
        std::fs::write(&self.one, ours)?;
        std::fs::write(&self.one_plink, plink)?;
        let _ = std::fs::remove_dir_all(&self.many);
        std::fs::create_dir_all(&self.many)?;
        let mut columns: Vec<HashMap<usize, f64>> = Vec::with_capacity(MANY);
        for score in 0..MANY {
            let mut own = HashMap::with_capacity(MANY_WEIGHTS);
            while own.len() < MANY_WEIGHTS {
                let at = random.between(0, alleles.len() as u64 - 1) as usize;
                own.insert(at, weight(&mut random));
            }
            let mut rows: Vec<(&usize, &f64)> = own.iter().collect();
            rows.sort_by_key(|(at, _)| **at);
            let mut file = format!("#pgs_id=S{score:03}\n#genome_build=NR\n{HEADER}");
            for (at, weight) in rows {
                let (effect, other) = alleles[*at].effect(*at);
                let position = &alleles[*at].position;
                let _ = writeln!(file, "chr1\t{position}\t{effect}\t{other}\t{weight}");
            }
            std::fs::write(self.many.join(format!("S{score:03}.txt")), file)?;
            columns.push(own);
        }
        let mut wide = BufWriter::new(std::fs::File::create(&self.many_plink)?);
        write!(wide, "ID\tA1")?;
        (0..MANY).try_for_each(|score| write!(wide, "\tS{score:03}"))?;
        writeln!(wide)?;
        for (at, allele) in alleles.iter().enumerate() {
            write!(wide, "{}\t{}", allele.id, allele.effect(at).0)?;
            for own in &columns {
                write!(wide, "\t{}", own.get(&at).copied().unwrap_or(0.0))?;
            }
            writeln!(wide)?;
        }
        wide.flush()?;
        measure(
            "bcftools",
            &["view", "-Ob", "-o", text(&self.bcf), text(vcf)],
        )?;
        std::fs::write(self.many.join(".complete"), "")?;
        Ok(())
    }
}

fn alleles(vcf: &Path) -> Result<Vec<Allele>> {
    let file = std::fs::File::open(vcf)?;
    let reader = noodles_bgzf::io::Reader::new(file);
    let mut alleles = Vec::new();
    for line in reader.lines() {
        let line = line?;
        if line.starts_with('#') {
            continue;
        }
        let mut cells = line.split('\t').skip(1);
        let mut next = || cells.next().context("a line of the cohort is short");
        let (position, id, reference, alternate) = (next()?, next()?, next()?, next()?);
        alleles.push(Allele {
            id: id.to_owned(),
            position: position.to_owned(),
            reference: reference.to_owned(),
            alternate: alternate.split(',').next().unwrap_or_default().to_owned(),
        });
    }
    Ok(alleles)
}

/// Arguments of `varisk prs`.
fn prs<'a>(
    vcf: &'a Path,
    reference: &'a Path,
    scores: &'a Path,
    threads: &'a str,
    output: &'a Path,
) -> Vec<&'a str> {
    vec![
        "prs",
        "--vcf",
        text(vcf),
        "--reference",
        text(reference),
        "--build",
        "other",
        "--score",
        text(scores),
        "--score-build",
        "other",
        "--ambiguous",
        "keep",
        "--threads",
        threads,
        "--output",
        text(output),
    ]
}

/// Runs once more, unmeasured, in plink2's layout, to compare the sums.
fn compared(
    vcf: &Path,
    reference: &Path,
    scores: &Path,
    threads: &str,
    output: &Path,
) -> Result<()> {
    let _ = std::fs::remove_dir_all(output);
    let mut arguments = prs(vcf, reference, scores, threads, output);
    arguments.extend(["--score-formats", "sscore"]);
    measure(&process::program_path()?, &arguments)?;
    Ok(())
}

fn one(options: &Options, vcf: &Path, reference: &Path, files: &Files) -> Result<String> {
    let threads = options.threads.to_string();
    let program = process::program_path()?;
    let [ours, from_bcf, plink] =
        ["prs-one", "prs-bcf", "plink-one"].map(|name| options.data.join(name));
    let plink_arguments = [
        "--vcf",
        text(vcf),
        "--score",
        text(&files.one_plink),
        "1",
        "2",
        "3",
        "header-read",
        "no-mean-imputation",
        "cols=+scoresums",
        "--threads",
        &threads,
        "--out",
        text(&plink),
        "--silent",
    ];
    let python = ["-c", SCRIPT, text(vcf), text(&files.one_plink), &threads];
    let mut rounds: Vec<Vec<Measured>> = Vec::new();
    for _ in 0..options.rounds {
        for folder in [&ours, &from_bcf] {
            let _ = std::fs::remove_dir_all(folder);
        }
        rounds.push(vec![
            measure("bgzip", &["-dc", text(vcf)])?,
            measure("plink2", &plink_arguments)?,
            measure(PYTHON, &python)?,
            measure(&program, &prs(vcf, reference, &files.one, &threads, &ours))?,
            measure("bcftools", &["query", "-f", "%POS\\n", text(&files.bcf)])?,
            measure(
                &program,
                &prs(&files.bcf, reference, &files.one, &threads, &from_bcf),
            )?,
        ]);
    }
    let best = best_of(&rounds);
    compared(vcf, reference, &files.one, &threads, &ours)?;
    let difference = compare(&ours, "ONE", &plink, "ONE_SUM")?;
    let names = [
        "`bgzip -dc`",
        "`plink2 --vcf --score`",
        "cyvcf2 and numpy",
        "`varisk prs`",
        "`bcftools query -f '%POS\\n'` on BCF",
        "`varisk prs` on BCF",
    ];
    let mut table = format!(
        "One score of {VARIANTS} weights, {SAMPLES} samples. Largest difference of a sum to plink2's, relative: {difference:.1e}.\n\n| program | wall time (s) | CPU time (s) | ratio to `bgzip -dc` | ratio to plink2 | ratio to cyvcf2 | ratio to `bcftools query` | peak memory (MiB) |\n|---|---|---|---|---|---|---|---|\n"
    );
    for (name, own) in names.iter().zip(&best) {
        let ratio = |peer: usize| own.seconds / best[peer].seconds;
        let _ = writeln!(
            table,
            "| {name} | {:.2} | {:.2} | {:.2} | {:.2} | {:.3} | {:.2} | {} |",
            own.seconds,
            own.cpu_seconds,
            ratio(0),
            ratio(1),
            ratio(2),
            ratio(4),
            own.peak_mib
        );
    }
    Ok(table)
}

fn many(options: &Options, vcf: &Path, reference: &Path, files: &Files) -> Result<String> {
    let threads = options.threads.to_string();
    let program = process::program_path()?;
    let [ours, plink] = ["prs-many", "plink-many"].map(|name| options.data.join(name));
    let columns = format!("3-{}", MANY + 2);
    let plink_arguments = [
        "--vcf",
        text(vcf),
        "--score",
        text(&files.many_plink),
        "1",
        "2",
        "header-read",
        "no-mean-imputation",
        "cols=+scoresums",
        "--score-col-nums",
        &columns,
        "--threads",
        &threads,
        "--out",
        text(&plink),
        "--silent",
    ];
    let mut rounds: Vec<Vec<Measured>> = Vec::new();
    for _ in 0..options.rounds {
        let _ = std::fs::remove_dir_all(&ours);
        rounds.push(vec![
            measure("plink2", &plink_arguments)?,
            measure(&program, &prs(vcf, reference, &files.many, &threads, &ours))?,
        ]);
    }
    let best = best_of(&rounds);
    compared(vcf, reference, &files.many, &threads, &ours)?;
    let difference = compare(&ours, "S123", &plink, "S123_SUM")?;
    let mut table = format!(
        "{MANY} scores of {MANY_WEIGHTS} weights each, in one pass. varisk reads {MANY} scoring files, plink2 one table, and varisk writes every row's fate ({} rows) beside the sums. Largest difference of a sum to plink2's, relative: {difference:.1e}.\n\n| program | wall time (s) | CPU time (s) | ratio to plink2 | peak memory (MiB) |\n|---|---|---|---|---|\n",
        MANY * MANY_WEIGHTS
    );
    for (name, own) in ["`plink2 --vcf --score`", "`varisk prs`"].iter().zip(&best) {
        let _ = writeln!(
            table,
            "| {name} | {:.2} | {:.2} | {:.2} | {} |",
            own.seconds,
            own.cpu_seconds,
            own.seconds / best[0].seconds,
            own.peak_mib
        );
    }
    Ok(table)
}

/// Largest relative difference of sums in two files of plink2's layout.
fn compare(ours: &Path, score: &str, plink: &Path, column: &str) -> Result<f64> {
    let own = sums(
        &ours.join("sscore").join(format!("{score}.sscore")),
        &format!("{score}_SUM"),
    )?;
    let theirs = sums(&plink.with_extension("sscore"), column)?;
    if own.len() != theirs.len() || own.is_empty() {
        bail!("{} sums where plink2 has {}", own.len(), theirs.len());
    }
    let largest = theirs.iter().fold(0f64, |largest, (id, theirs)| {
        let own = own.get(id).copied().unwrap_or(f64::NAN);
        let difference = (own - theirs).abs() / theirs.abs().max(1e-3);
        if difference > largest || difference.is_nan() {
            difference
        } else {
            largest
        }
    });
    // plink2 writes six digits.
    if largest > 1e-4 || largest.is_nan() {
        bail!("the sums differ from plink2's by {largest:.1e}");
    }
    Ok(largest)
}

fn sums(path: &Path, column: &str) -> Result<HashMap<String, f64>> {
    let page = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut lines = page.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let place = |name: &str| {
        let found = header
            .iter()
            .position(|own| own.trim_start_matches('#') == name);
        found.with_context(|| format!("{} has no column {name}", path.display()))
    };
    let (id, sum) = (place("IID")?, place(column)?);
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            let id = cells.get(id).context("a line is short")?;
            Ok((
                (*id).to_owned(),
                cells.get(sum).context("a line is short")?.parse()?,
            ))
        })
        .collect()
}
