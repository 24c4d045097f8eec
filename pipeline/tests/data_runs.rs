//! Whole runs on real cohorts, against what bcftools, plink2 and pyarrow make of the same files.
#![cfg(test)]

mod data_annotation;
mod data_follow_up;
mod data_reads;
mod support {
    pub(crate) mod oracle;
    pub(crate) mod program;
}

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use support::oracle::{Decoded, Key, python, shared, shell};
use support::program::{Call, Table, hashes, outcome, run_record, testdata, text, workspace};

const SCORE: &str = "score.demo-variant-kmer.pathogenicity";
const BURDEN: &str = "burden.demo-variant-kmer.pathogenicity";
/// Above it an allele counts, by the model's manifest.
const THRESHOLD: f64 = 0.5;
/// Peak memory that a run may have, in MiB.
pub(crate) const MEMORY_LIMIT: u64 = 512;

/// A cohort with its reference.
struct Set {
    vcf: PathBuf,
    fasta: PathBuf,
    build: &'static str,
    samples: usize,
    records: usize,
}

/// Set D: 1000 Genomes, chromosome 22.
fn set_d() -> Set {
    Set {
        vcf: shared("cohort_vcf/1000g/1kg-phaseIII-v5a.20130502.genotypes.chr22-16-16.5mb.vcf.gz"),
        fasta: shared("reference/grch37_chr22_1-22000000.fa.gz"),
        build: "GRCh37",
        samples: 2504,
        records: 6109,
    }
}

impl Set {
    fn run(&self, output: &Path) -> Call {
        Call::new("run")
            .with("--vcf", text(&self.vcf))
            .with("--reference", text(&self.fasta))
            .with("--build", self.build)
            .with("--model", testdata("models/variant-kmer"))
            .with("--threads", "2")
            .with("--output", text(output))
    }
}

/// Runs, and returns the peak of memory in MiB and the seconds.
pub(crate) fn measured(call: &Call) -> (u64, f64) {
    let started = Instant::now();
    let mut child = call
        .command()
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let status = loop {
        let status = std::fs::read_to_string(&status_file).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kilobytes.unwrap_or(0_u64));
        if let Some(status) = child.try_wait().expect("the program is waited for") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(status.success(), "{:?}", call.arguments());
    assert!(peak > 0, "the peak of memory is not known");
    (peak / 1024, started.elapsed().as_secs_f64())
}

/// Patients of a samplesheet for the samples of a file, with covariates made of their number.
fn samplesheet(folder: &Path, samples: &[String]) -> PathBuf {
    let map = shared("cohort_vcf/1000g/phase3map.txt");
    let map = std::fs::read_to_string(map).expect("the map of samples");
    let sexes: BTreeMap<&str, &str> = map
        .lines()
        .filter_map(|line| {
            let mut columns = line.split('\t');
            Some((columns.next()?, columns.nth(2)?.trim()))
        })
        .collect();
    let mut sheet = "patient,sample,sex,age,bmi,smoker\n".to_owned();
    for (number, sample) in samples.iter().enumerate() {
        let sex = sexes.get(sample.as_str()).copied().unwrap_or("unknown");
        let (age, bmi) = (30 + number % 50, 18.5 + (number % 170) as f64 / 10.0);
        let smoker = ["yes", "no", ""][number % 3];
        let _ = writeln!(sheet, "P{number:05},{sample},{sex},{age},{bmi},{smoker}");
    }
    let path = folder.join("samplesheet.csv");
    std::fs::write(&path, sheet).expect("a samplesheet");
    path
}

/// A row of the table of variants, as it is looked up by its allele.
struct Scored {
    score: Option<f64>,
    has_reason: bool,
}

fn scored(variants: &Table) -> BTreeMap<Key, Vec<Scored>> {
    let [contigs, positions, references] =
        ["contig", "position", "ref"].map(|name| variants.texts(name));
    let alternates = variants.column("alt");
    let (scores, reasons) = (variants.column(SCORE), variants.column("reason"));
    let model_reasons = variants.column("reason.demo-variant-kmer");
    let mut rows: BTreeMap<Key, Vec<Scored>> = BTreeMap::new();
    for row in 0..variants.len() {
        assert!(
            scores[row].is_some() != model_reasons[row].is_some(),
            "row {row}"
        );
        let key = (
            contigs[row].to_owned(),
            positions[row].to_owned(),
            references[row].to_owned(),
            alternates[row].unwrap_or(".").to_owned(),
        );
        rows.entry(key).or_default().push(Scored {
            // As 32-bit float first: the decimal text is the shortest that tells it from others.
            score: scores[row].map(|text| f64::from(text.parse::<f32>().expect("a number"))),
            has_reason: reasons[row].is_some(),
        });
    }
    rows
}

/// What the independent decode gives a patient.
#[derive(Clone, Default)]
struct Expected {
    sum: f64,
    maximum: Option<f64>,
    above: f64,
    scored_calls: f64,
    called: f64,
    heterozygous: f64,
    homozygous: f64,
}

/// Compares a report with the independent decode: every allele has its row, and every patient its
/// sums, maximum, counts and coverage. `patient` names the patient of a sample.
fn compare(output: &Path, decoded: &Decoded, patient: impl Fn(usize) -> String) {
    let variants = Table::read(output, "variants");
    let rows = scored(&variants);
    let found: BTreeMap<&Key, usize> = rows.iter().map(|(key, rows)| (key, rows.len())).collect();
    let expected = decoded.keys();
    let differs = expected
        .iter()
        .find(|(key, count)| found.get(**key) != Some(count));
    assert!(differs.is_none(), "only bcftools: {differs:?}");
    assert_eq!(variants.len(), decoded.rows.len());
    let counts = &run_record(output)["counts"];
    assert_eq!(counts["rows"], decoded.rows.len());

    let mut patients = vec![Expected::default(); decoded.samples.len()];
    let (mut alleles, mut with_score) = (0.0, 0.0);
    let mut taken: BTreeMap<&Key, usize> = BTreeMap::new();
    for row in &decoded.rows {
        let place = taken.entry(&row.key).or_default();
        let Scored { score, has_reason } = rows[&row.key][*place];
        *place += 1;
        alleles += f64::from(u8::from(!has_reason));
        with_score += f64::from(u8::from(score.is_some()));
        for (own, copies) in patients.iter_mut().zip(&row.copies) {
            let Some(copies) = *copies else { continue };
            if !has_reason {
                own.called += 1.0;
                own.heterozygous += f64::from(u8::from(copies == 1));
                own.homozygous += f64::from(u8::from(copies == 2));
            }
            let Some(score) = score else { continue };
            own.scored_calls += 1.0;
            if copies > 0 {
                own.sum += score * f64::from(copies);
                own.maximum = Some(own.maximum.map_or(score, |maximum| maximum.max(score)));
                own.above += if score >= THRESHOLD {
                    f64::from(copies)
                } else {
                    0.0
                };
            }
        }
    }
    let qc = Table::read(output, "qc");
    assert_eq!(qc.len(), patients.len());
    let columns = ["alleles", "called", "heterozygous", "homozygous_alternate"]
        .map(|name| qc.by_patient(name));
    let features = features(output);
    for (sample, own) in patients.iter().enumerate() {
        let patient = patient(sample);
        let counts = [alleles, own.called, own.heterozygous, own.homozygous];
        for (column, expected) in columns.iter().zip(counts) {
            assert_eq!(column[&patient], Some(expected), "patient {sample}");
        }
        for (name, expected) in [
            ("sum", Some(own.sum)),
            ("max", own.maximum),
            ("count_above", Some(own.above)),
            ("coverage", Some(own.scored_calls / with_score)),
        ] {
            let found = features[&(patient.clone(), format!("{BURDEN}.{name}"))];
            // Terms are held to 2^-40 each.
            let is_equal = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 2e-8,
                (found, expected) => found == expected,
            };
            assert!(
                is_equal,
                "patient {sample} {name}: {found:?}, not {expected:?}"
            );
        }
    }
}

fn features(output: &Path) -> BTreeMap<(String, String), Option<f64>> {
    let table = Table::read(output, "features");
    let values = table.numbers("value");
    let names = table
        .texts("patient")
        .into_iter()
        .zip(table.texts("feature"));
    let names = names.map(|(patient, name)| (patient.to_owned(), name.to_owned()));
    names.zip(values).collect()
}

/// All tables open in pyarrow with the published columns, types and nullability.
fn check_pyarrow(output: &Path) {
    const SCRIPT: &str = r#"
import json, pathlib, sys
import pyarrow.parquet
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.parquet")):
    table = pyarrow.parquet.read_table(path)
    table.validate(full=True)
    columns = [[f.name, str(f.type), f.nullable] for f in table.schema]
    nulls = [n for n, t, nullable in columns if not nullable and table[n].null_count]
    print(json.dumps({"table": path.stem, "rows": table.num_rows, "columns": columns, "nulls": nulls}))
"#;
    let published =
        std::fs::read_to_string(workspace().join("schemas/tables.json")).expect("the schema");
    let published: serde_json::Value = serde_json::from_str(&published).expect("JSON");
    let found = python(SCRIPT, &[output]);
    let tables: Vec<serde_json::Value> = found
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let all = published["tables"].as_array().expect("tables");
    // Burden, haplotypes and site states need what this run is not given.
    let names: Vec<&str> = tables
        .iter()
        .filter_map(|table| table["table"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "features",
            "findings",
            "qc",
            "quarantine",
            "risk",
            "variants"
        ]
    );
    for table in &tables {
        let schema = all
            .iter()
            .find(|schema| schema["table"] == table["table"])
            .expect("a published table");
        let expected = schema["columns"]
            .as_array()
            .expect("columns")
            .iter()
            .map(|column| {
                let kind = match column["type"].as_str().expect("a type") {
                    "text" => "string",
                    "float32" => "float",
                    "float64" => "double",
                    "list of float64" => "list<item: double>",
                    other => other,
                };
                serde_json::json!([column["name"], kind, column["nullable"]])
            });
        let columns = table["columns"].as_array().expect("columns");
        let fixed: Vec<serde_json::Value> = expected.collect();
        assert_eq!(columns[..fixed.len()], fixed, "{}", table["table"]);
        let is_result = |column: &serde_json::Value| {
            let name = column[0].as_str().unwrap_or_default();
            name.starts_with("score.") || name.starts_with("reason.")
        };
        assert!(
            columns[fixed.len()..].iter().all(is_result),
            "{}",
            table["table"]
        );
        assert_eq!(table["nulls"], serde_json::json!([]), "{}", table["table"]);
    }
}

/// Set D with both models.
#[test]
fn cohort_1000_genomes_chr22_grch37() {
    let set = set_d();
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    let decoded = Decoded::of(&set.vcf, &set.fasta, "e");
    assert_eq!(decoded.samples.len(), set.samples);
    let sheet = samplesheet(folder.path(), &decoded.samples);
    let call = set
        .run(&output)
        .with("--samplesheet", text(&sheet))
        .also("--model", testdata("models/patient-risk"));
    let (peak, seconds) = measured(&call);
    assert!(peak <= MEMORY_LIMIT, "{peak} MiB");
    compare(&output, &decoded, |sample| format!("P{sample:05}"));
    assert_eq!(run_record(&output)["counts"]["records"], set.records);
    let risk = Table::read(&output, "risk");
    assert_eq!(risk.len(), set.samples);
    assert!(risk.texts("state").iter().all(|state| *state == "ok"));
    assert!(
        risk.numbers("value")
            .iter()
            .flatten()
            .all(|risk| (0.0..=1.0).contains(risk))
    );
    check_plink(&set, &output, &decoded, folder.path());
    check_pyarrow(&output);
    println!(
        "set D: {} records, {} alleles, {} patients equal to bcftools; {peak} MiB, {seconds:.1} s",
        set.records,
        decoded.rows.len(),
        set.samples
    );
}

/// Counts of every sample by plink2, over the sequence alleles of the normalised file.
fn check_plink(set: &Set, output: &Path, decoded: &Decoded, folder: &Path) {
    let (vcf, fasta, prefix) = (
        text(&set.vcf),
        text(&set.fasta),
        text(&folder.join("plink")),
    );
    shell(&format!(
        "bcftools norm -m -any -f {fasta} {vcf} | bcftools view -e 'ALT~\"<\" || ALT=\"*\"' -Oz -o {prefix}.vcf.gz; plink2 --vcf {prefix}.vcf.gz --sample-counts cols=homref,homalt,het --threads 2 --out {prefix} >&2"
    ));
    let counts = std::fs::read_to_string(format!("{prefix}.scount")).expect("plink2's counts");
    let qc = Table::read(output, "qc");
    let columns =
        ["called", "homozygous_alternate", "heterozygous"].map(|name| qc.by_patient(name));
    let mut lines = counts.lines();
    let header: Vec<&str> = lines.next().expect("a header").split('\t').collect();
    assert_eq!(header, ["#IID", "HOM_REF_CT", "HOM_ALT_CT", "HET_CT"]);
    let mut compared = 0;
    for line in lines {
        let cells: Vec<&str> = line.split('\t').collect();
        let sample = decoded
            .samples
            .iter()
            .position(|sample| sample == cells[0])
            .expect("a sample");
        let patient = format!("P{sample:05}");
        let count = |at: usize| cells[at].parse::<f64>().expect("a count");
        let expected = [count(1) + count(2) + count(3), count(2), count(3)];
        for (column, expected) in columns.iter().zip(expected) {
            assert_eq!(column[&patient], Some(expected), "patient {sample}");
        }
        compared += 1;
    }
    assert_eq!(compared, set.samples);
}

/// A panel of set B: 3,202 samples on a reference of 1.5 GB, nearly all of it N.
#[test]
fn panel_cyp2c19_grch38() {
    let set = Set {
        vcf: shared("cohort_vcf/1kgp_pgx/GRCh38/CYP2C19.vcf.gz"),
        fasta: shared("reference/grch38_sparse.fa.gz"),
        build: "GRCh38",
        samples: 3202,
        records: 3437,
    };
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    // Records reach beyond the genes that the reference holds.
    let refused = outcome(&mut set.run(&output).command());
    assert_eq!(refused.stdout, "");
    assert_eq!(refused.code, Some(65), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("--ref-mismatch quarantine"),
        "{}",
        refused.stderr
    );
    assert_eq!(
        std::fs::read_dir(folder.path())
            .expect("the folder")
            .count(),
        0
    );

    let (peak, seconds) = measured(&set.run(&output).with("--ref-mismatch", "quarantine"));
    assert!(peak <= MEMORY_LIMIT, "{peak} MiB");
    let decoded = Decoded::of(&set.vcf, &set.fasta, "w");
    assert_eq!(decoded.samples.len(), set.samples);
    compare(&output, &decoded, |sample| decoded.samples[sample].clone());
    let counts = run_record(&output)["counts"].clone();
    assert_eq!(counts["records"], set.records);
    check_pyarrow(&output);
    println!(
        "CYP2C19 of set B: {} alleles, {} patients equal to bcftools, {} REF mismatches set aside; {peak} MiB, {seconds:.1} s",
        decoded.rows.len(),
        set.samples,
        counts["reason=reference_mismatch"]
    );
}

/// Set A: BRCA1 of three people.
#[test]
fn brca1_grch37() {
    let set = Set {
        vcf: shared("brca1_grch37_true_coords/brca1_1kg_3samples.vcf.gz"),
        fasta: shared("brca1_grch37_true_coords/chr17_brca1_sparse.fa.gz"),
        build: "GRCh37",
        samples: 3,
        records: 2052,
    };
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    let (peak, seconds) = measured(&set.run(&output));
    let decoded = Decoded::of(&set.vcf, &set.fasta, "e");
    assert_eq!(decoded.samples.len(), set.samples);
    compare(&output, &decoded, |sample| decoded.samples[sample].clone());
    assert_eq!(run_record(&output)["counts"]["records"], set.records);
    println!(
        "set A: {} alleles, 3 patients equal to bcftools; {peak} MiB, {seconds:.1} s",
        decoded.rows.len()
    );
}

/// Identical tables of set D, however the work is cut and whatever the records come from.
#[test]
fn cuts_and_sources_of_chr22() {
    let set = set_d();
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    set.run(&whole).with("--threads", "1").succeed();
    let expected = hashes(&whole);
    let bcf = folder.path().join("cohort.bcf");
    shell(&format!(
        "bcftools view -Ob -o {} {}",
        text(&bcf),
        text(&set.vcf)
    ));
    let cut =
        |option: &'static str, value: &'static str| move |call: Call| call.with(option, value);
    type Change<'c> = &'c dyn Fn(Call) -> Call;
    let cases: [(&str, Change<'_>); 9] = [
        ("2 threads", &cut("--threads", "2")),
        ("4 threads", &cut("--threads", "4")),
        ("batches of 64", &cut("--batch-size", "64")),
        ("batches of 1000", &cut("--batch-size", "1000")),
        ("batches of 8192", &cut("--batch-size", "8192")),
        ("batches of 100 kB", &cut("--batch-bytes", "100000")),
        ("saved states", &|call| {
            call.with("--batch-size", "100")
                .with("--checkpoint-seconds", "0.001")
        }),
        ("BCF", &|call| call.with("--vcf", text(&bcf))),
        ("BCF from a pipe", &|call| {
            call.with("--vcf", "-").from(&bcf)
        }),
    ];
    for (name, change) in cases {
        let output = folder.path().join(name);
        change(set.run(&output)).succeed();
        assert_eq!(hashes(&output), expected, "{name}");
        std::fs::remove_dir_all(&output).expect("a folder");
    }
    for count in [1, 3, 7] {
        let output = folder.path().join(format!("merged-{count}"));
        let mut merge = Call::new("merge").with("--output", text(&output));
        for number in 1..=count {
            // The contig is long and the records stand in half a megabase: most shards are empty.
            let shard = folder.path().join(format!("shard-{number}-of-{count}"));
            set.run(&shard)
                .with("--shard", format!("{number}/{count}"))
                .succeed();
            merge = merge.also(&text(&shard), "");
        }
        merge.succeed();
        assert_eq!(hashes(&output), expected, "{count} shards");
    }
}

/// A region by index is the same as by reading all, as many alleles as bcftools has there, for VCF
/// and BCF.
#[test]
fn regions_of_chr22() {
    const REGION: &str = "22:16100000-16200000";
    let set = set_d();
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let (vcf, lone) = (text(&set.vcf), text(&at("lone.vcf.gz")));
    let (bcf, lone_bcf) = (text(&at("indexed.bcf")), text(&at("lone.bcf")));
    shell(&format!(
        "cp {vcf} {lone}; bcftools view -Ob -o {bcf} {vcf}; bcftools index {bcf}; cp {bcf} {lone_bcf}"
    ));
    let position = "POS>=16100000 && POS<=16200000";
    let count = shell(&format!(
        "bcftools view -i '{position}' {vcf} | bcftools norm -m -any | grep -vc '^#'"
    ));
    let count: usize = count.trim().parse().expect("a count");
    let mut tables = Vec::new();
    for (name, file) in [
        ("vcf", vcf),
        ("vcf-scan", lone),
        ("bcf", bcf),
        ("bcf-scan", lone_bcf),
    ] {
        let output = at(name);
        let call = set
            .run(&output)
            .without("--vcf")
            .with("--vcf", file)
            .with("--region", REGION);
        call.succeed();
        assert_eq!(Table::read(&output, "variants").len(), count, "{name}");
        tables.push(hashes(&output));
    }
    assert!(tables.windows(2).all(|pair| pair[0] == pair[1]));
    println!("{count} alleles of {REGION} equal, by index and by scan, from VCF and BCF");
}
