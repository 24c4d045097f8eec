//! Variants, samplesheets and references that cannot be used.

use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::cohort::Vcf;
use crate::support::program::{Call, Table, run_record, testdata, text};
use crate::support::refusal::{
    Case, SECRET_PATIENT, SECRET_SAMPLE, check, secret_cohort, secret_run, secret_sheet, write,
};

const DATA: i32 = 65;
const USAGE: i32 = 64;
const NO_INPUT: i32 = 66;

/// A run on the cohort after a change of its text.
fn edited(inputs: &Path, call: Call, edit: impl Fn(&mut Vcf)) -> Call {
    let mut vcf = secret_cohort();
    edit(&mut vcf);
    call.with("--vcf", write(inputs, "edited.vcf", vcf.text()))
}

/// A run on the samplesheet after a change of its text.
fn with_sheet(inputs: &Path, call: Call, edit: impl Fn(String) -> String) -> Call {
    call.with(
        "--samplesheet",
        write(inputs, "edited.csv", edit(secret_sheet())),
    )
}

/// Borders of the BGZF blocks of the bundled cohort.
fn blocks() -> (Vec<u8>, Vec<usize>) {
    let bytes = std::fs::read(testdata("cohort.vcf.gz")).expect("the cohort");
    let mut borders = vec![0];
    while let Some(at) = borders.last().copied().filter(|at| *at < bytes.len()) {
        // The size of a block less 1 stands at offset 16 of its header.
        let size = usize::from(u16::from_le_bytes([bytes[at + 16], bytes[at + 17]]));
        borders.push(at + size + 1);
    }
    (bytes, borders)
}

fn cut(inputs: &Path, at: impl Fn(&[usize]) -> usize) -> String {
    let (bytes, borders) = blocks();
    write(inputs, "cut.vcf.gz", &bytes[..at(&borders)])
}

#[test]
fn files_cut_short() {
    let bundled = |call: Call| call.with("--samplesheet", testdata("samplesheet.csv"));
    let in_a_block = |borders: &[usize]| borders[2] + 100;
    let at_a_border = |borders: &[usize]| borders[borders.len() - 2];
    let early = |borders: &[usize]| borders[3];
    let cases: [Case<'_>; 8] = [
        (
            "in a block",
            DATA,
            &|inputs, call| bundled(call).with("--vcf", cut(inputs, in_a_block)),
            &["cut.vcf.gz", "fetch it again"],
        ),
        (
            "at a border",
            DATA,
            &|inputs, call| bundled(call).with("--vcf", cut(inputs, early)),
            &["cut.vcf.gz", "cut short", "fetch it again"],
        ),
        (
            "the end marker alone",
            DATA,
            &|inputs, call| bundled(call).with("--vcf", cut(inputs, at_a_border)),
            &["cut.vcf.gz", "end-of-file block"],
        ),
        (
            "in a block, from a pipe",
            DATA,
            &|inputs, call| {
                bundled(call)
                    .with("--vcf", "-")
                    .from(Path::new(&cut(inputs, in_a_block)))
            },
            &["standard input", "fetch it again"],
        ),
        (
            "at a border, from a pipe",
            DATA,
            &|inputs, call| {
                bundled(call)
                    .with("--vcf", "-")
                    .from(Path::new(&cut(inputs, early)))
            },
            &["standard input", "cut short"],
        ),
        (
            "in the header",
            DATA,
            &|inputs, call| bundled(call).with("--vcf", cut(inputs, |_| 60)),
            &["cut.vcf.gz", "fetch it again"],
        ),
        (
            "gzip cut short",
            DATA,
            &|inputs, call| {
                let whole = gzip(&secret_cohort().text());
                call.with(
                    "--vcf",
                    write(inputs, "cut.vcf.gz", &whole[..whole.len() / 2]),
                )
            },
            &["cut.vcf.gz", "fetch it again"],
        ),
        (
            "text cut in a record",
            DATA,
            &|inputs, call| {
                let whole = secret_cohort().text();
                call.with(
                    "--vcf",
                    write(inputs, "cut.vcf", &whole[..whole.len() - 300]),
                )
            },
            &["cut.vcf", "record 2533"],
        ),
    ];
    check(&cases);
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).expect("bytes in memory");
    encoder.finish().expect("bytes in memory")
}

#[test]
fn variants() {
    let cases: [Case<'_>; 17] = [
        (
            "gzip with regions",
            DATA,
            &|inputs, call| {
                call.with(
                    "--vcf",
                    write(inputs, "x.vcf.gz", gzip(&secret_cohort().text())),
                )
                .with("--region", "chr1:1-5000")
            },
            &["x.vcf.gz", "not BGZF", "bgzip"],
        ),
        (
            "unsorted",
            DATA,
            &|inputs, call| edited(inputs, call, |vcf| vcf.records.swap(100, 200)),
            &["edited.vcf", "record 102", "bcftools sort"],
        ),
        (
            "contigs out of order",
            DATA,
            &|inputs, call| edited(inputs, call, |vcf| vcf.records.reverse()),
            &["edited.vcf", "record 2", "bcftools sort"],
        ),
        (
            "REF of another genome",
            DATA,
            &|inputs, call| edited(inputs, call, |vcf| vcf.records[7][3] = "T".to_owned()),
            &[
                "edited.vcf",
                "record 8",
                "chr1:2373",
                "REF",
                "--ref-mismatch quarantine",
            ],
        ),
        (
            "contig that the FASTA lacks",
            DATA,
            &|inputs, call| edited(inputs, call, |vcf| vcf.records[2532][0] = "chrZ".to_owned()),
            &["edited.vcf", "record 2533", "chrZ", "FASTA"],
        ),
        (
            "POS is no number",
            DATA,
            &|inputs, call| edited(inputs, call, |vcf| vcf.records[3][1] = "x".to_owned()),
            &["edited.vcf", "record 4"],
        ),
        (
            "too few samples",
            DATA,
            &|inputs, call| edited(inputs, call, |vcf| drop(vcf.records[3].pop())),
            &["edited.vcf", "record 4", "--max-bad-records"],
        ),
        (
            "malformed genotype",
            DATA,
            &|inputs, call| edited(inputs, call, |vcf| vcf.records[3][9] = "0/x".to_owned()),
            &["edited.vcf", "record 4", "--max-bad-records"],
        ),
        (
            "genotype of no allele",
            DATA,
            &|inputs, call| edited(inputs, call, |vcf| vcf.records[3][9] = "0/7".to_owned()),
            &["edited.vcf", "record 4", "--max-bad-records"],
        ),
        (
            "sample twice in the file",
            DATA,
            &|inputs, call| {
                edited(inputs, call, |vcf| {
                    vcf.samples[5] = SECRET_SAMPLE.to_owned();
                })
            },
            &["edited.vcf", "sample"],
        ),
        (
            "no samples",
            DATA,
            &|inputs, call| {
                call.with(
                    "--vcf",
                    write(inputs, "edited.vcf", secret_cohort().sites().text()),
                )
            },
            &["edited.vcf", "no samples", "varisk score"],
        ),
        (
            "INFO that the model needs",
            DATA,
            &|inputs, call| {
                edited(inputs, call, |vcf| {
                    vcf.header.retain(|line| !line.contains("ID=AF,"));
                })
            },
            &["edited.vcf", "AF"],
        ),
        (
            "no file",
            NO_INPUT,
            &|inputs, call| call.with("--vcf", text(&inputs.join("none.vcf"))),
            &["none.vcf"],
        ),
        (
            "a folder",
            NO_INPUT,
            &|inputs, call| call.with("--vcf", text(inputs)),
            &["inputs"],
        ),
        (
            "an empty file",
            DATA,
            &|inputs, call| call.with("--vcf", write(inputs, "empty.vcf", "")),
            &["empty.vcf"],
        ),
        (
            "no VCF",
            DATA,
            &|inputs, call| call.with("--vcf", write(inputs, "prose.vcf", "once upon a time\n")),
            &["prose.vcf"],
        ),
        (
            "no variants at all",
            USAGE,
            &|_, call| call.without("--vcf"),
            &["--vcf"],
        ),
    ];
    check(&cases);
}

#[test]
fn references_and_builds() {
    // The lengths of chromosome 1.
    let length = |vcf: &mut Vcf, length: u32| {
        vcf.header[2] = format!("##contig=<ID=chr1,length={length}>");
    };
    let build_37 = |vcf: &mut Vcf| length(vcf, 249_250_621);
    let build_38 = |vcf: &mut Vcf| length(vcf, 248_956_422);
    let cases: [Case<'_>; 10] = [
        (
            "header of GRCh37, asked for GRCh38",
            DATA,
            &|inputs, call| edited(inputs, call, build_37).with("--build", "GRCh38"),
            &["edited.vcf", "genome.fa", "GRCh38"],
        ),
        (
            "header of GRCh37, another FASTA",
            DATA,
            &|inputs, call| edited(inputs, call, build_37).without("--build"),
            &["edited.vcf", "genome.fa"],
        ),
        (
            "header of GRCh38, asked for GRCh37",
            DATA,
            &|inputs, call| edited(inputs, call, build_38).with("--build", "GRCh37"),
            &["edited.vcf", "genome.fa", "GRCh37"],
        ),
        (
            "unknown build",
            USAGE,
            &|_, call| call.with("--build", "GRCh99"),
            &["GRCh99", "GRCh38"],
        ),
        (
            "no FASTA",
            NO_INPUT,
            &|inputs, call| call.with("--reference", text(&inputs.join("none.fa"))),
            &["none.fa"],
        ),
        (
            "no index",
            NO_INPUT,
            &|inputs, call| {
                let fasta = std::fs::read(testdata("genome.fa")).expect("the genome");
                call.with("--reference", write(inputs, "bare.fa", fasta))
            },
            &["bare.fa.fai", "samtools faidx"],
        ),
        (
            "index of another file",
            DATA,
            &|inputs, call| {
                let fasta = std::fs::read(testdata("genome.fa")).expect("the genome");
                let index = std::fs::read(testdata("genome.fa.fai")).expect("its index");
                write(inputs, "short.fa.fai", index);
                call.with("--reference", write(inputs, "short.fa", &fasta[..100_000]))
            },
            &["short.fa", "samtools faidx"],
        ),
        (
            "no such region",
            USAGE,
            &|_, call| call.with("--region", "chr9:1-100"),
            &["chr9"],
        ),
        (
            "malformed region",
            USAGE,
            &|_, call| call.with("--region", "chr1:9-2"),
            &["chr1:9-2"],
        ),
        (
            "malformed shard",
            USAGE,
            &|_, call| call.with("--shard", "4/3"),
            &["4/3"],
        ),
    ];
    check(&cases);
}

#[test]
fn samplesheets() {
    let last = "P048,S048";
    let cases: [Case<'_>; 14] = [
        (
            "sample missing from the sheet",
            DATA,
            &|inputs, call| {
                with_sheet(inputs, call, |sheet| {
                    sheet
                        .lines()
                        .take(40)
                        .map(|line| format!("{line}\n"))
                        .collect()
                })
            },
            &[
                "cohort.vcf",
                "9 of its samples",
                "--ignore-unlisted-samples",
            ],
        ),
        (
            "sample missing from the file",
            DATA,
            &|inputs, call| {
                with_sheet(inputs, call, |sheet| {
                    sheet.replace(last, "P048,SECRETSAMPLE2")
                })
            },
            &["cohort.vcf", "sample"],
        ),
        (
            "sample twice in the sheet",
            DATA,
            &|inputs, call| {
                with_sheet(inputs, call, |sheet| {
                    sheet.replace(last, "P048,SECRETSAMPLE")
                })
            },
            &["edited.csv", "rows 1 and 48"],
        ),
        (
            "patient twice in the sheet",
            DATA,
            &|inputs, call| {
                with_sheet(inputs, call, |sheet| {
                    sheet.replace(last, "SECRETPATIENT,S048")
                })
            },
            &["edited.csv", "row 48"],
        ),
        (
            "no covariate column",
            DATA,
            &|inputs, call| with_sheet(inputs, call, |sheet| sheet.replace(",age,", ",years,")),
            &["edited.csv", "'age'", "demo-patient-risk"],
        ),
        (
            "covariate is no number",
            DATA,
            &|inputs, call| {
                with_sheet(inputs, call, |sheet| {
                    sheet.replace(",61,", ",SECRETSAMPLE,")
                })
            },
            &["edited.csv", "'age'", "number"],
        ),
        (
            "sex is none",
            DATA,
            &|inputs, call| {
                with_sheet(inputs, call, |sheet| {
                    sheet.replace(",male,61,", ",SECRETSAMPLE,61,")
                })
            },
            &["edited.csv", "row 1", "sex"],
        ),
        (
            "no patient column",
            DATA,
            &|inputs, call| {
                with_sheet(inputs, call, |sheet| {
                    sheet.replacen("patient,", "person,", 1)
                })
            },
            &["edited.csv", "'patient'"],
        ),
        (
            "a row too short",
            DATA,
            &|inputs, call| with_sheet(inputs, call, |sheet| sheet + "P049,S049\n"),
            &["edited.csv", "row 49"],
        ),
        (
            "no rows",
            DATA,
            &|inputs, call| with_sheet(inputs, call, |sheet| sheet.lines().take(1).collect()),
            &["edited.csv", "no patient"],
        ),
        (
            "no sheet",
            NO_INPUT,
            &|inputs, call| call.with("--samplesheet", text(&inputs.join("none.csv"))),
            &["none.csv"],
        ),
        (
            "no sheet, covariates needed",
            DATA,
            &|_, call| call.without("--samplesheet"),
            &["samplesheet", "'age'"],
        ),
        (
            "files in the sheet and a cohort",
            USAGE,
            &|_, call| call.with("--samplesheet", testdata("samplesheet.files.csv")),
            &["--vcf", "leave one out"],
        ),
        (
            "a patient's file is not there",
            NO_INPUT,
            &|inputs, call| {
                let sheet = "patient,vcf,age,bmi,smoker\nSECRETPATIENT,none.vcf.gz,3,2,no\n";
                call.without("--vcf")
                    .with("--samplesheet", write(inputs, "edited.csv", sheet))
            },
            &["none.vcf.gz"],
        ),
    ];
    check(&cases);
}

/// What is allowed to be set aside is set aside, counted and listed; one more is refused.
#[test]
fn bad_records_within_the_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    let mut vcf = secret_cohort();
    vcf.records[3][9] = "0/7".to_owned();
    vcf.records[1500].truncate(40);
    let call = secret_run(folder.path(), &output);
    let call = call.with("--vcf", write(folder.path(), "bad.vcf", vcf.text()));
    let refused = call.clone().with("--max-bad-records", "1").run();
    assert_eq!(refused.code, Some(65), "{}", refused.stderr);
    assert!(refused.stderr.contains("record 1501"), "{}", refused.stderr);
    assert!(!output.exists());

    let done = call.with("--max-bad-records", "2").succeed();
    assert!(
        done.stderr.contains("2 malformed records"),
        "{}",
        done.stderr
    );
    let table = Table::read(&output, "quarantine");
    assert_eq!(
        table.texts("position"),
        ["1422", vcf.records[1500][1].as_str()]
    );
    let counts = &run_record(&output)["counts"];
    assert_eq!(counts["bad_records"], 2);
    assert_eq!(counts["records"], vcf.records.len());
    let gone = vcf
        .alleles()
        .iter()
        .filter(|(_, record, _)| [3, 1500].contains(record))
        .count();
    assert_eq!(
        Table::read(&output, "variants").len(),
        vcf.alleles().len() - gone
    );
    for column in ["kind", "detail"] {
        assert!(
            table.texts(column).iter().all(|text| !text.contains("0/7")),
            "{column}"
        );
    }
}

/// Alleles whose REF is another one are rows with a reason, and nothing counts them.
#[test]
fn reference_mismatches_set_aside() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    let mut vcf = secret_cohort();
    vcf.records[7][3] = "T".to_owned();
    let call = secret_run(folder.path(), &output);
    let call = call.with("--vcf", write(folder.path(), "bad.vcf", vcf.text()));
    call.with("--ref-mismatch", "quarantine").succeed();
    let table = Table::read(&output, "variants");
    assert_eq!(table.len(), vcf.alleles().len());
    let reasons = table
        .column("reason.demo-variant-kmer")
        .into_iter()
        .flatten();
    assert_eq!(
        reasons
            .filter(|reason| *reason == "reference_mismatch")
            .count(),
        1
    );
    assert_eq!(
        run_record(&output)["counts"]["reason=reference_mismatch"],
        1
    );
}

/// Names stand in the tables of patients and nowhere else.
#[test]
fn names_are_not_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("report");
    let call = secret_run(folder.path(), &output).also("--verbose", "");
    let planned = call.clone().also("--dry-run", "").succeed();
    let done = call.succeed();
    for text in [&planned.stdout, &planned.stderr, &done.stdout, &done.stderr] {
        assert!(!text.contains("SECRET"), "{text}");
    }
    for entry in std::fs::read_dir(&output).expect("the report").flatten() {
        let name = entry.file_name().into_string().expect("names are text");
        assert!(!name.contains("SECRET"), "{name}");
    }
    let record = run_record(&output).to_string();
    assert!(!record.contains("SECRET"));
    for table in ["risk", "findings", "features", "qc"] {
        let table = Table::read(&output, table);
        assert!(table.texts("patient").contains(&SECRET_PATIENT));
    }
    for table in ["variants", "quarantine"] {
        let names = Table::read(&output, table).names;
        assert!(!names.contains(&"patient".to_owned()), "{table}");
    }
}
