//! Knowledge sources: `varisk annotate --knowledge` beside `bcftools annotate`, once for each source.
//!
//! bcftools 1.16 asks for an index of its input where the source is a VCF, so that a pipe is not
//! possible: the first writes lightly packed BCF, which is indexed for the second. With a table as
//! source it takes a pipe, and is measured like that too.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::process::{self, Measured, best_of, measure};
use super::{Options, text};
use crate::synth_sources::{self, CLINVAR_FIELDS, FREQUENCY_FIELDS, Files, Size};

/// Rows of the sites and of the two sources.
const SIZE: Size = Size {
    sites: 1_000_000,
    frequencies: 2_000_000,
    clinvar: 200_000,
};

pub(super) fn table(options: &Options) -> Result<String> {
    let folder = options.data.join("sources");
    let files = Files::of(&folder);
    if !folder.is_dir() {
        synth_sources::write(1, SIZE, &folder)?;
        for path in [&files.sites, &files.frequencies, &files.clinvar] {
            run(&format!(
                "bcftools index --tbi --force '{}'",
                path.display()
            ))?;
        }
        tables(&files)?;
    }
    let built = build(options, &files)?;
    let bundle = bundle_path(options);

    let mut table = String::from(
        "| program | threads | wall time (s) | CPU time (s) | records per second | ratio to bcftools | peak memory (MiB) |\n|---|---|---|---|---|---|---|\n",
    );
    let [files_out, tables_out, ours] =
        ["files", "tables", "varisk"].map(|name| options.data.join(format!("join-{name}.vcf")));
    let program = process::program_path()?;
    let mut last = None;
    for threads in [1, options.threads] {
        let count = threads.to_string();
        let in_steps = in_steps(&files, threads, &files_out);
        let in_pipe = in_pipe(&files, threads, &tables_out);
        let varisk = [
            "annotate",
            "--vcf",
            text(&files.sites),
            "--reference",
            text(&files.reference),
            "--build",
            "other",
            "--knowledge",
            text(&bundle),
            "--threads",
            &count,
            "--output",
            text(&ours),
        ];
        let mut rounds: Vec<Vec<Measured>> = Vec::new();
        for _ in 0..options.rounds {
            for path in [&files_out, &tables_out, &ours] {
                let _ = std::fs::remove_file(path);
            }
            rounds.push(vec![
                measure("sh", &["-c", &in_steps])?,
                measure("sh", &["-c", &in_pipe])?,
                measure(&program, &varisk)?,
            ]);
        }
        let found = joined(&ours)?;
        for theirs in [&files_out, &tables_out] {
            let expected = joined(theirs)?;
            if expected != found {
                bail!(
                    "the joined fields differ: bcftools {expected:?}, varisk {found:?}; compare {} and {}",
                    theirs.display(),
                    ours.display()
                );
            }
        }
        let records = found.records;
        let best = best_of(&rounds);
        let names = [
            "`bcftools annotate` twice, VCF as sources",
            "`bcftools annotate` twice in a pipe, tables as sources",
            "`varisk annotate`",
        ];
        for (name, measured) in names.iter().zip(&best) {
            // The shell's own memory says nothing of the pipe.
            let peak = if name.starts_with("`varisk") {
                measured.peak_mib.to_string()
            } else {
                String::new()
            };
            let _ = writeln!(
                table,
                "| {name} | {threads} | {:.2} | {:.2} | {:.0} | {:.2} | {peak} |",
                measured.seconds,
                measured.cpu_seconds,
                records as f64 / measured.seconds,
                best[0].seconds / measured.seconds,
            );
        }
        last = Some(found);
    }
    let found = last.context("nothing was measured")?;
    let _ = writeln!(
        table,
        "\n{} records, {} with fields of ClinVar, {} with a frequency; all joined the same. Building the bundle, once: {:.1} s, {} MiB at most.",
        found.records,
        found.filled[0],
        found.filled[CLINVAR_FIELDS.len()],
        built.seconds,
        built.peak_mib
    );
    Ok(table)
}

fn bundle_path(options: &Options) -> PathBuf {
    options.data.join("bundle")
}

fn build(options: &Options, files: &Files) -> Result<Measured> {
    let bundle = bundle_path(options);
    if bundle.is_dir() {
        std::fs::remove_dir_all(&bundle)?;
    }
    measure(
        &process::program_path()?,
        &[
            "knowledge",
            "build",
            "--config",
            text(&files.configuration),
            "--reference",
            text(&files.reference),
            "--output",
            text(&bundle),
        ],
    )
}

fn run(command: &str) -> Result<()> {
    let status = Command::new("sh").args(["-c", command]).status()?;
    if !status.success() {
        bail!("{command} failed ({status})");
    }
    Ok(())
}

/// The sources as tables with an index, and header lines for their fields.
fn tables(files: &Files) -> Result<()> {
    for (name, source, fields) in sources(files) {
        let columns: Vec<String> = fields.iter().map(|(_, info)| format!("%{info}")).collect();
        let table = table_path(source);
        run(&format!(
            "bcftools query -f '%CHROM\\t%POS\\t%REF\\t%ALT\\t{}\\n' '{}' | bgzip > '{table}' && tabix -s1 -b2 -e2 '{table}'",
            columns.join("\\t"),
            source.display(),
        ))?;
        let lines: String = fields
            .iter()
            .map(|(field, info)| {
                let kind = match *info {
                    "AF" => "Number=A,Type=Float",
                    "AC" => "Number=A,Type=Integer",
                    "AN" => "Number=1,Type=Integer",
                    _ => "Number=.,Type=String",
                };
                format!("##INFO=<ID={name}_{field},{kind},Description=\"{info}\">\n")
            })
            .collect();
        std::fs::write(format!("{table}.hdr"), lines)?;
    }
    Ok(())
}

type Fields = &'static [(&'static str, &'static str)];

fn sources(files: &Files) -> [(&'static str, &Path, Fields); 2] {
    [
        ("clinvar", &files.clinvar, &CLINVAR_FIELDS),
        ("freq", &files.frequencies, &FREQUENCY_FIELDS),
    ]
}

fn table_path(source: &Path) -> String {
    text(source).replace(".vcf.gz", ".tsv.gz")
}

/// Both sources onto the sites, from VCF.
fn in_steps(files: &Files, threads: usize, output: &Path) -> String {
    let between = output.with_extension("between.bcf");
    let between = between.display();
    let [first, second] = sources(files).map(|(name, source, fields)| {
        let columns: Vec<String> = fields
            .iter()
            .map(|(field, info)| format!("INFO/{name}_{field}:=INFO/{info}"))
            .collect();
        // The number counts threads beside the first.
        format!(
            "bcftools annotate --threads {} -a '{}' -c '{}'",
            threads - 1,
            source.display(),
            columns.join(",")
        )
    });
    format!(
        "{first} -Ob1 -o '{between}' '{}' && bcftools index --force --threads {} '{between}' && {second} -Ov -o '{}' '{between}'",
        files.sites.display(),
        threads - 1,
        output.display()
    )
}

/// Both sources onto the sites, from tables; the first hands uncompressed BCF to the second.
fn in_pipe(files: &Files, threads: usize, output: &Path) -> String {
    let [first, second] = sources(files).map(|(name, source, fields)| {
        let columns: Vec<String> = fields
            .iter()
            .map(|(field, _)| format!("{name}_{field}"))
            .collect();
        let table = table_path(source);
        format!(
            "bcftools annotate --threads {} -a '{table}' -h '{table}.hdr' -c CHROM,POS,REF,ALT,{}",
            threads - 1,
            columns.join(",")
        )
    });
    format!(
        "{first} -Ou '{}' | {second} -Ov -o '{}' -",
        files.sites.display(),
        output.display()
    )
}

/// What was joined, in numbers that are equal where the fields are.
#[derive(Debug, PartialEq, Eq)]
struct Joined {
    records: u64,
    /// Records with a value, by field.
    filled: Vec<u64>,
    checksum: u64,
}

/// Reads the joined fields of a VCF. Numbers are compared as numbers in single precision, which is
/// what bcftools keeps of them. varisk encodes the commas of a text, since its fields have a value for
/// each allele.
fn joined(path: &Path) -> Result<Joined> {
    let names: Vec<String> = CLINVAR_FIELDS
        .iter()
        .map(|(field, _)| format!("clinvar_{field}="))
        .chain(
            FREQUENCY_FIELDS
                .iter()
                .map(|(field, _)| format!("freq_{field}=")),
        )
        .collect();
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    let (mut records, mut filled) = (0, vec![0; names.len()]);
    let mut hasher = DefaultHasher::new();
    for line in BufReader::new(file).lines() {
        let line = line?;
        if line.starts_with('#') {
            continue;
        }
        records += 1;
        let columns: Vec<&str> = line.split('\t').collect();
        let [contig, position, _, reference, alternate, _, _, info] = columns[..] else {
            bail!("{}: a record has {} columns", path.display(), columns.len());
        };
        for part in [contig, position, reference, alternate] {
            hasher.write(part.as_bytes());
            hasher.write_u8(0);
        }
        for (name, count) in names.iter().zip(&mut filled) {
            let value = info
                .split(';')
                .find_map(|entry| entry.strip_prefix(name.as_str()));
            *count += u64::from(value.is_some());
            match value.map(|value| (value, value.parse::<f32>())) {
                Some((_, Ok(number))) => hasher.write_u32(number.to_bits()),
                Some((value, Err(_))) => hasher.write(value.replace("%2C", ",").as_bytes()),
                None => {}
            }
            hasher.write_u8(0);
        }
    }
    Ok(Joined {
        records,
        filled,
        checksum: hasher.finish(),
    })
}
