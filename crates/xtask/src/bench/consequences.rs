//! Consequences: `varisk annotate --gene-models` beside `bcftools csq`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::process::{self, Measured, best_of, measure};
use super::{Options, text};
use crate::synth_genes;

/// Bases, genes and records of the synthetic chromosome.
const SIZE: synth_genes::Size = synth_genes::Size {
    length: 20_000_000,
    genes: 500,
    variants: 500_000,
};

/// What both programs read.
struct Input {
    name: &'static str,
    vcf: PathBuf,
    reference: PathBuf,
    gff: PathBuf,
}

pub(super) fn table(options: &Options) -> Result<String> {
    let mut table = String::from(
        "| input | output | program | threads | wall time (s) | CPU time (s) | variants per second | ratio to csq |\n|---|---|---|---|---|---|---|---|\n",
    );
    for input in inputs(options)? {
        let records = count_records(&input.vcf)?;
        for (threads, kind) in [
            (1, "vcf"),
            (options.threads, "vcf"),
            (options.threads, "bcf"),
        ] {
            rows(options, &input, records, threads, kind, &mut table)?;
        }
    }
    Ok(table)
}

/// The synthetic chromosome, made once, and before it the real data where they are.
fn inputs(options: &Options) -> Result<Vec<Input>> {
    let mut all = Vec::new();
    let real =
        super::shared("clinvar_gnomad/vep84_grch38_chr21_25-26Mb_dbsnp149_1000g_freq.vcf.gz")
            .zip(super::shared("reference/vep_grch38_chr21_sparse.fa.gz"))
            .zip(super::shared("gene_models/vep_chr21/test.gff.gz"));
    match real {
        Some(((vcf, reference), gff)) => all.push(Input {
            name: "chromosome 21, 25-26 Mb",
            vcf,
            reference,
            gff,
        }),
        None => println!("the shared data are not there (VARISK_SHARED); synthetic data only"),
    }
    let stem = options.data.join("genes");
    let input = Input {
        name: "synthetic, 500 genes",
        vcf: stem.with_extension("vcf.gz"),
        reference: stem.with_extension("fa"),
        gff: stem.with_extension("gff3"),
    };
    if ![&input.vcf, &input.reference, &input.gff]
        .iter()
        .all(|path| path.is_file())
    {
        let paths = synth_genes::Paths {
            vcf: &input.vcf,
            reference: &input.reference,
            gff: &input.gff,
        };
        synth_genes::write(1, &SIZE, &paths)?;
    }
    all.push(input);
    Ok(all)
}

fn rows(
    options: &Options,
    input: &Input,
    records: u64,
    threads: usize,
    kind: &str,
    table: &mut String,
) -> Result<()> {
    let program = process::program_path()?;
    let [theirs, ours, severe] = ["csq", "varisk", "severe"]
        .map(|name| options.data.join(format!("consequences-{name}.{kind}")));
    let count = threads.to_string();
    let format = if kind == "bcf" { "-Ob" } else { "-Ov" };
    // The number counts threads beside the first.
    let more = (threads - 1).to_string();
    let csq = [
        "csq",
        "--local-csq",
        "--gff-annot",
        text(&input.gff),
        "--fasta-ref",
        text(&input.reference),
        "--threads",
        &more,
        format,
        "--output",
        text(&theirs),
        text(&input.vcf),
    ];
    let mut varisk = vec![
        "annotate",
        "--vcf",
        text(&input.vcf),
        "--reference",
        text(&input.reference),
        "--gene-models",
        text(&input.gff),
        "--threads",
        &count,
    ];
    if input.name.starts_with("synthetic") {
        varisk.extend(["--build", "other"]);
    } else {
        varisk.extend(["--build", "GRCh38"]);
    }
    let most_severe = [
        &varisk[..],
        &[
            "--consequence-lines",
            "most-severe",
            // bcftools says nothing of what lies beside a transcript.
            "--flank",
            "0",
            "--output",
            text(&severe),
        ],
    ]
    .concat();
    varisk.extend(["--output", text(&ours)]);
    let outputs = [&theirs, &ours, &severe];
    let mut rounds: Vec<Vec<Measured>> = Vec::new();
    for _ in 0..options.rounds {
        for path in outputs {
            let _ = std::fs::remove_file(path);
        }
        rounds.push(vec![
            measure("bcftools", &csq)?,
            measure(&program, &varisk)?,
            measure(&program, &most_severe)?,
        ]);
    }
    for path in outputs {
        let written = count_records(path)?;
        if written != records {
            bail!("{} has {written} records, not {records}", path.display());
        }
    }
    let best = best_of(&rounds);
    let names = [
        "`bcftools csq -l`",
        "`varisk annotate`",
        "`varisk annotate`, most severe line, `--flank 0` alone",
    ];
    for (name, measured) in names.iter().zip(&best) {
        let _ = writeln!(
            table,
            "| {}, {records} records | {kind} | {name} | {threads} | {:.2} | {:.2} | {:.0} | {:.2} |",
            input.name,
            measured.seconds,
            measured.cpu_seconds,
            records as f64 / measured.seconds,
            best[0].seconds / measured.seconds
        );
    }
    Ok(())
}

fn count_records(path: &Path) -> Result<u64> {
    let output = std::process::Command::new("sh")
        .args(["-c", "bcftools view -H \"$1\" | wc -l", "sh"])
        .arg(path)
        .output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
}
