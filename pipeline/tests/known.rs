//! Known alleles of patients: what a run reports of them, against the text of cohort and source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::joined::source;
use crate::support::bundle::{annotated, build, bundle, configuration};
use crate::support::cohort::{Allele, Genotype, Place, Vcf, place};
use crate::support::demo::{run, run_files, score};
use crate::support::program::{Call, Table, hashes, run_record, testdata, text};
use crate::support::refusal::write;
use crate::truth::{Patient, dosage, input_alleles, patients};

/// The bundled run without models.
pub(crate) fn without_models(output: &Path, bundle: &Path) -> Call {
    annotated(output, bundle).without("--model")
}

/// Patient, allele, genotype, copies and the source's word.
type Row = (String, Allele, String, String, String);

/// Genotype of a patient at an allele and the copies that are reported; none where the patient has no
/// such contig.
pub(crate) fn carried(
    vcf: &Vcf,
    patient: &Patient,
    allele: &Allele,
    record: usize,
    index: usize,
) -> Option<(Genotype, usize)> {
    let place = place(&allele.contig, allele.position);
    if place == Place::Y && patient.is_female {
        return None;
    }
    let genotype = vcf.genotype(record, patient.sample, index);
    let is_single = match place {
        Place::X | Place::Y => patient.is_male,
        Place::Mitochondrial => true,
        Place::Autosomal => false,
    };
    let seen = genotype.copies();
    let seen = if is_single { seen.min(1) } else { seen };
    let copies = dosage(&genotype, place, patient).unwrap_or(seen);
    Some((genotype, copies))
}

/// What a run must report: rows in their order, and of each patient the alleles that could not be
/// checked.
fn expected(
    order: &Table,
    words: &BTreeMap<Allele, String>,
    is_reported: impl Fn(&str) -> bool,
) -> (Vec<Row>, BTreeMap<String, Option<f64>>) {
    let vcf = Vcf::bundled();
    let order: BTreeMap<Allele, usize> = input_alleles(order).into_iter().zip(0..).collect();
    let (mut rows, mut uncalled) = (Vec::new(), BTreeMap::new());
    for patient in patients(&vcf) {
        let mut own: Vec<(usize, Row)> = Vec::new();
        let mut unchecked = 0;
        for (allele, record, index) in vcf.alleles() {
            let Some(word) = words.get(&allele).filter(|word| is_reported(word)) else {
                continue;
            };
            let Some((genotype, copies)) = carried(&vcf, &patient, &allele, record, index) else {
                continue;
            };
            if copies > 0 {
                let row = (
                    patient.id.clone(),
                    allele.clone(),
                    genotype.shown(),
                    copies.to_string(),
                    word.clone(),
                );
                own.push((order[&allele], row));
            } else if !genotype.is_complete() {
                unchecked += 1;
            }
        }
        own.sort();
        rows.extend(own.into_iter().map(|(_, row)| row));
        uncalled.insert(patient.id, Some(f64::from(unchecked)));
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    (rows, uncalled)
}

fn rows(table: &Table) -> Vec<Row> {
    let names = ["patient", "genotype", "dosage", "significance"];
    let [patients, genotypes, dosages, words] = names.map(|name| table.texts(name));
    let alleles = input_alleles(table).into_iter().enumerate();
    alleles
        .map(|(row, allele)| {
            let [patient, genotype, dosage, word] =
                [&patients, &genotypes, &dosages, &words].map(|column| column[row].to_owned());
            (patient, allele, genotype, dosage, word)
        })
        .collect()
}

/// The words of the bundled source.
fn bundled_words() -> BTreeMap<Allele, String> {
    let alleles = source("clinvar").into_iter();
    alleles
        .map(|(allele, (_, info))| (allele, info["CLNSIG"].to_lowercase()))
        .collect()
}

#[test]
fn pathogenic_alleles_are_reported_with_and_without_models() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let at = |name: &str| folder.path().join(name);
    // No rank decides: with one finding for each patient they are the same.
    annotated(&at("models"), &bundle)
        .with("--top", "1")
        .succeed();
    without_models(&at("none"), &bundle).succeed();
    Call::new("evidence")
        .with("--vcf", testdata("cohort.vcf.gz"))
        .with("--samplesheet", testdata("samplesheet.csv"))
        .with("--reference", testdata("genome.fa"))
        .with("--build", "other")
        .with("--par", testdata("par.bed"))
        .with("--knowledge", text(&bundle))
        .with("--output", text(&at("evidence")))
        .succeed();

    let variants = Table::read(&at("models"), "variants");
    let table = Table::read(&at("models"), "known_variants");
    let (expected, uncalled) = expected(&variants, &bundled_words(), |word| word == "pathogenic");
    assert_eq!(rows(&table), expected);
    assert!(expected.len() > 48, "{} rows", expected.len());
    assert_eq!(
        Table::read(&at("models"), "qc").by_patient("known_variants_uncalled"),
        uncalled
    );
    assert!(uncalled.values().any(|unchecked| *unchecked > Some(0.0)));
    check_annotation(&variants, &table);
    let all = ["models", "none", "evidence"].map(|name| hashes(&at(name)));
    for other in &all[1..] {
        assert_eq!(
            other["known_variants.parquet"],
            all[0]["known_variants.parquet"]
        );
    }
    assert!(!at("none").join("findings.parquet").exists());
    let parameters = &run_record(&at("models"))["parameters"];
    assert_eq!(
        parameters["report_classes"],
        serde_json::json!([
            "pathogenic",
            "pathogenic_low_penetrance",
            "likely_pathogenic",
            "likely_pathogenic_low_penetrance"
        ])
    );
}

/// The columns behind the fixed ones say what the variants say, and name the releases.
fn check_annotation(variants: &Table, table: &Table) {
    let at: BTreeMap<Allele, usize> = input_alleles(variants).into_iter().zip(0..).collect();
    let alleles = input_alleles(table);
    let fixed = table.names.iter().position(|name| name == "significance");
    let added = &table.names[fixed.expect("the word") + 1..];
    let (last, joined) = added.split_last().expect("more columns");
    assert_eq!(last, "knowledge_releases");
    assert!(joined.len() > 25, "{joined:?}");
    for name in joined {
        let (known, shown) = (variants.column(name), table.column(name));
        for (allele, shown) in alleles.iter().zip(shown) {
            assert_eq!(shown, known[at[allele]], "{name} {allele:?}");
        }
    }
    assert_eq!(
        table.texts("significance"),
        table.texts("clinvar.significance")
    );
    let [sources, releases] = ["source", "knowledge_releases"].map(|name| {
        let texts: BTreeSet<&str> = table.texts(name).into_iter().collect();
        assert_eq!(texts.len(), 1, "{name}");
        texts.into_iter().collect::<String>()
    });
    assert_eq!(sources, "clinvar");
    assert!(releases.contains("clinvar=synthetic-1"), "{releases}");
}

/// A bundle whose ClinVar calls the alleles that the bundled one does not call pathogenic by other
/// words, in turn; and the words by allele.
fn other_words(folder: &Path, words: &[&str]) -> (PathBuf, BTreeMap<Allele, String>) {
    let bytes = std::fs::read(testdata("knowledge/clinvar.vcf.gz")).expect("the source");
    let mut text = String::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes.as_slice());
    std::io::Read::read_to_string(&mut reader, &mut text).expect("text");
    let mut turn = words.iter().cycle();
    let lines: Vec<String> = text
        .lines()
        .map(|line| match line.split_once("CLNSIG=") {
            Some((before, word)) if !line.starts_with('#') && word != "Pathogenic" => {
                format!("{before}CLNSIG={}", turn.next().expect("a word"))
            }
            _ => line.to_owned(),
        })
        .collect();
    let changed = lines.join("\n") + "\n";
    let vcf = Vcf::parse(&changed.replace("\tINFO\n", "\tINFO\tFORMAT\n"));
    let known = vcf.alleles().into_iter().map(|(allele, record, _)| {
        let info = &vcf.records[record][7];
        let word = info.split("CLNSIG=").nth(1).expect("a word");
        (allele, word.to_lowercase())
    });
    let path = write(folder, "clinvar.vcf", &changed);
    let config = configuration().replace(&testdata("knowledge/clinvar.vcf.gz"), &path);
    let bundle = folder.join("other-words");
    build(&write(folder, "other.toml", &config), &bundle).succeed();
    (bundle, known.collect())
}

/// Combined classes and those of low penetrance are reported, conflicting ones and risk alleles are
/// not unless asked for; words that are no classes are counted.
#[test]
fn classes_of_the_vocabulary() {
    let folder = tempfile::tempdir().expect("a folder");
    let (bundle, words) = other_words(
        folder.path(),
        &[
            "Pathogenic/Likely_pathogenic",
            "Pathogenic,_low_penetrance",
            "Conflicting_classifications_of_pathogenicity",
            "Likely_risk_allele",
            "Likely_pathogenic/Likely_risk_allele",
            "Made_up_word",
            "Benign",
        ],
    );
    // What the column says of the source's words.
    let words: BTreeMap<Allele, String> = words
        .into_iter()
        .map(|(allele, word)| {
            let word = word.replace(
                "conflicting_classifications_of_pathogenicity",
                "conflicting",
            );
            (allele, word)
        })
        .collect();
    let at = |name: &str| folder.path().join(name);
    let check = |name: &str, classes: Option<&str>, reported: &[&str]| {
        let mut call = without_models(&at(name), &bundle);
        if let Some(classes) = classes {
            call = call.with("--report-classes", classes);
        }
        let outcome = call.succeed();
        let unknown = words
            .values()
            .filter(|word| *word == "made_up_word")
            .count();
        let warning = format!("{unknown} alleles have a clinical significance with a word");
        assert!(outcome.stderr.contains(&warning), "{}", outcome.stderr);
        assert!(
            outcome.stderr.contains("'made_up_word'"),
            "{}",
            outcome.stderr
        );
        let variants = Table::read(&at(name), "variants");
        let is_reported = |word: &str| reported.contains(&word);
        let (expected, uncalled) = expected(&variants, &words, is_reported);
        assert_eq!(
            rows(&Table::read(&at(name), "known_variants")),
            expected,
            "{name}"
        );
        let quality = Table::read(&at(name), "qc");
        assert_eq!(
            quality.by_patient("known_variants_uncalled"),
            uncalled,
            "{name}"
        );
        let seen: BTreeSet<&str> = expected.iter().map(|row| row.4.as_str()).collect();
        assert_eq!(seen, reported.iter().copied().collect(), "{name}");
    };
    check(
        "default",
        None,
        &[
            "pathogenic",
            "pathogenic/likely_pathogenic",
            "pathogenic,_low_penetrance",
            "likely_pathogenic/likely_risk_allele",
        ],
    );
    check(
        "risk",
        Some("likely_risk_allele,conflicting"),
        &[
            "likely_risk_allele",
            "conflicting",
            "likely_pathogenic/likely_risk_allele",
        ],
    );
    check(
        "combined",
        Some("benign/pathogenic_low_penetrance"),
        &["benign", "pathogenic,_low_penetrance"],
    );
}

/// `none` switches the table off; so does a bundle, or a choice of sources, without ClinVar's words.
#[test]
fn without_the_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let cases = [
        ("none", "--report-classes", "none"),
        ("others", "--sources", "population"),
        ("stars", "--sources", "clinvar.stars"),
    ];
    for (name, option, value) in cases {
        let output = folder.path().join(name);
        without_models(&output, &bundle)
            .with(option, value)
            .succeed();
        assert!(!output.join("known_variants.parquet").exists(), "{name}");
        let quality = Table::read(&output, "qc");
        let uncalled = quality.column("known_variants_uncalled");
        assert!(uncalled.iter().all(Option::is_none), "{name}");
    }
    let parameters = &run_record(&folder.path().join("none"))["parameters"];
    assert_eq!(parameters["report_classes"], serde_json::json!([]));
}

#[test]
fn refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let output = folder.path().join("report");
    let settings = write(
        folder.path(),
        "varisk.toml",
        "report_classes = [\"benin\"]\n",
    );
    let with = |call: Call, classes: &str| call.with("--report-classes", classes);
    let cases = [
        (
            with(without_models(&output, &bundle), "pathogenic,,benign"),
            "'' in report_classes is no class of ClinVar",
        ),
        (
            with(without_models(&output, &bundle), "Pathogenic"),
            "'Pathogenic' in report_classes is no class of ClinVar; use none, or some of pathogenic,",
        ),
        (
            without_models(&output, &bundle).with("--config", settings),
            "'benin' in report_classes",
        ),
        (
            with(without_models(&output, &bundle), "none,pathogenic"),
            "'none' beside other classes",
        ),
        (with(run(&output), "pathogenic"), "none is joined"),
        (
            with(without_models(&output, &bundle), "pathogenic").with("--sources", "clinvar.stars"),
            "none is joined",
        ),
        (
            with(score(&output), "pathogenic").with("--knowledge", text(&bundle)),
            "--report-classes is about patients",
        ),
    ];
    for (call, message) in cases {
        let refused = call.run();
        assert_eq!(refused.code, Some(64), "{message}: {}", refused.stderr);
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
        assert!(!output.exists());
    }
}

/// Settings of the file are those of the flag, and other classes are another run.
#[test]
fn classes_are_part_of_the_plan() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let at = |name: &str| folder.path().join(name);
    let settings = write(
        folder.path(),
        "varisk.toml",
        "report_classes = [\"benign\", \"uncertain_significance\"]\n",
    );
    without_models(&at("file"), &bundle)
        .with("--config", settings)
        .succeed();
    without_models(&at("flag"), &bundle)
        .with("--report-classes", "uncertain_significance,benign")
        .succeed();
    without_models(&at("default"), &bundle).succeed();
    let plan = |name: &str| run_record(&at(name))["plan_sha256"].clone();
    assert_eq!(plan("file"), plan("flag"));
    assert_ne!(plan("file"), plan("default"));
    assert_eq!(hashes(&at("file")), hashes(&at("flag")));
    let variants = Table::read(&at("file"), "variants");
    let (expected, _) = expected(&variants, &bundled_words(), |word| word != "pathogenic");
    assert_eq!(rows(&Table::read(&at("file"), "known_variants")), expected);
}

/// With files of single patients a site without a record is unchecked, and stays so on the user's word.
#[test]
fn files_of_single_patients() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let [cohort, files, assumed] =
        ["cohort", "files", "assumed"].map(|name| folder.path().join(name));
    without_models(&cohort, &bundle).succeed();
    let call = |output: &Path| {
        let call = run_files(output).without("--model");
        call.with("--knowledge", text(&bundle))
    };
    call(&files).succeed();
    call(&assumed).also("--absent-as-reference", "").succeed();
    let known = [&cohort, &files, &assumed].map(|folder| Table::read(folder, "known_variants"));
    let carried = known.each_ref().map(|table| {
        let rows = rows(table).into_iter();
        let rows = rows.map(|(patient, allele, _, dosage, _)| (patient, allele, dosage));
        rows.collect::<BTreeSet<_>>()
    });
    assert_eq!(carried[1], carried[2]);
    let uncalled = [&cohort, &files, &assumed].map(|folder| {
        let quality = Table::read(folder, "qc");
        quality.by_patient("known_variants_uncalled")
    });
    assert_eq!(uncalled[1], uncalled[2]);
    for (patient, files) in &uncalled[1] {
        assert!(*files > uncalled[0][patient], "{patient}");
    }
    // What the files list of the cohort is what the cohort's file says.
    assert!(!carried[1].is_empty());
    assert!(carried[1].is_subset(&carried[0]));
}
