//! A run with a knowledge bundle: what is joined onto alleles, what becomes of it in findings and
//! burdens, against the text of the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use crate::schemas;
use crate::support::bundle::{annotated, bundle};
use crate::support::cohort::{Allele, Place, Vcf, csv, place};
use crate::support::program::{Table, hashes, run_record, testdata};
use crate::truth::{dosage, input_alleles, patients};

/// One run serves all checks: they read it only.
#[test]
fn everything_with_a_bundle() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let output = folder.path().join("report");
    let outcome = annotated(&output, &bundle).succeed();
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    let variants = Table::read(&output, "variants");
    check_planted(&variants);
    check_alleles(&variants);
    check_regions(&variants);
    check_genes(&variants);
    check_findings(&variants, &output);
    check_burden(&variants, &output, |_| true);
    check_record(&output);
    // Annotation changes nothing of what models say.
    let plain = folder.path().join("plain");
    crate::support::demo::run(&plain).succeed();
    let (with, without) = (hashes(&output), hashes(&plain));
    for table in ["risk.parquet", "features.parquet"] {
        assert_eq!(with[table], without[table], "{table}");
    }
    let [with, without] = [&output, &plain].map(|folder| Table::read(folder, "qc"));
    for name in &with.names {
        if name != "known_variants_uncalled" {
            assert_eq!(with.column(name), without.column(name), "{name}");
        }
    }
}

/// Every causal allele has its consequence, its gene, and is known to be pathogenic; nothing else is.
fn check_planted(variants: &Table) {
    let names = [
        "consequence.terms",
        "consequence.gene",
        "clinvar.significance",
        "consequence.impact",
    ];
    let columns = names.map(|name| variants.column(name));
    let mut rows: BTreeMap<(String, u32), Vec<usize>> = BTreeMap::new();
    for (row, allele) in input_alleles(variants).into_iter().enumerate() {
        let place = (allele.contig, allele.position);
        rows.entry(place).or_default().push(row);
    }
    let planted = csv(&testdata("planted.csv"));
    let causal: Vec<_> = planted
        .iter()
        .filter(|row| row["case"] == "causal")
        .collect();
    assert_eq!(causal.len(), 60);
    for row in &causal {
        let position = row["position"].parse().expect("a number");
        let place = (row["contig"].clone(), position);
        let [found] = rows[&place][..] else {
            panic!("{place:?}: not one allele");
        };
        let [terms, gene, significance, impact] =
            [0, 1, 2, 3].map(|at: usize| columns[at][found].unwrap_or_default());
        let mut terms = terms.split('&');
        assert!(terms.any(|term| term == row["consequence"]), "{place:?}");
        assert_eq!(gene, row["gene"], "{place:?}");
        assert_eq!(significance, "pathogenic", "{place:?}");
        assert_eq!(impact, "HIGH", "{place:?}");
    }
    let pathogenic = columns[2].iter().flatten();
    let pathogenic = pathogenic.filter(|own| **own == "pathogenic").count();
    assert_eq!(pathogenic, causal.len());
}

/// Records of a source: of each allele its place among the alternates and the record's INFO.
pub(crate) fn source(name: &str) -> BTreeMap<Allele, (usize, BTreeMap<String, String>)> {
    let path = testdata(&format!("knowledge/{name}.vcf.gz"));
    let bytes = std::fs::read(path).expect("a source");
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice())
        .read_to_string(&mut text)
        .expect("text");
    let vcf = Vcf::parse(&text.replace("\tINFO\n", "\tINFO\tFORMAT\n"));
    let alleles = vcf.alleles().into_iter().map(|(allele, record, index)| {
        let info = vcf.records[record][7].split(';');
        let pairs = info.filter_map(|pair| pair.split_once('='));
        let info = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        (allele, (index - 1, info.collect()))
    });
    alleles.collect()
}

/// Sources have the cohort's alleles as the cohort writes them, so that text finds them.
fn check_alleles(variants: &Table) {
    let (population, clinvar) = (source("population"), source("clinvar"));
    let frequencies = variants.numbers("population.af");
    let counts = variants.numbers("population.ac");
    let totals = variants.numbers("population.an");
    let ids = variants.column("clinvar.variation_id");
    let raw = variants.column("clinvar.significance_raw");
    let significances = variants.column("clinvar.significance");
    let diseases = variants.column("clinvar.disease");
    let stars = variants.numbers("clinvar.stars");
    let (mut found, mut absent) = (0, 0);
    for (row, allele) in input_alleles(variants).iter().enumerate() {
        let known = population.get(allele);
        let number = |field: &str, is_per_allele: bool| {
            let (index, info) = known?;
            let at = if is_per_allele { *index } else { 0 };
            let value = info[field].split(',').nth(at)?;
            Some(value.parse::<f64>().expect("a number"))
        };
        assert_eq!(frequencies[row], number("AF", true), "{allele:?}");
        assert_eq!(counts[row], number("AC", true), "{allele:?}");
        assert_eq!(totals[row], number("AN", false), "{allele:?}");
        found += usize::from(known.is_some());
        absent += usize::from(known.is_none());

        let field = |name: &str| clinvar.get(allele).map(|(_, info)| info[name].as_str());
        assert_eq!(raw[row], field("CLNSIG"), "{allele:?}");
        let lower = field("CLNSIG").map(str::to_lowercase);
        assert_eq!(significances[row], lower.as_deref(), "{allele:?}");
        assert_eq!(diseases[row], field("CLNDN"), "{allele:?}");
        assert_eq!(
            ids[row].is_some(),
            clinvar.contains_key(allele),
            "{allele:?}"
        );
        // ClinVar's own table of review statuses.
        let expected = field("CLNREVSTAT").map(|status| match status {
            "criteria_provided,_multiple_submitters,_no_conflicts" => 2.0,
            "criteria_provided,_single_submitter" => 1.0,
            "no_assertion_criteria_provided" => 0.0,
            other => panic!("{other}"),
        });
        assert_eq!(stars[row], expected, "{allele:?}");
    }
    assert_eq!((found, absent), (population.len(), 396));
}

/// Coding regions: the bases that an allele changes.
fn check_regions(variants: &Table) {
    let bed = std::fs::read_to_string(testdata("knowledge/coding.bed")).expect("the regions");
    let regions: Vec<(&str, u32, u32)> = bed
        .lines()
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let number = |at: usize| columns[at].parse().expect("a number");
            (columns[0], number(1), number(2))
        })
        .collect();
    let inside = variants.column("coding.inside");
    let classes = variants.texts("allele_class");
    let positions = variants.numbers("position");
    let contigs = variants.texts("contig");
    let references = variants.texts("ref");
    let mut compared = BTreeMap::from([(true, 0), (false, 0)]);
    for row in 0..variants.len() {
        let first = positions[row].expect("a position") as u32;
        // 1-based, both included.
        let (from, to) = match classes[row] {
            "snv" => (first, first),
            "deletion" => (first + 1, first + references[row].len() as u32 - 1),
            "insertion" => (first, first + 1),
            "mnv" => continue,
            _ => {
                assert_eq!(inside[row], None, "row {row}");
                continue;
            }
        };
        let is_inside = regions
            .iter()
            .any(|(contig, start, end)| *contig == contigs[row] && *start < to && from <= *end);
        assert_eq!(
            inside[row],
            Some(if is_inside { "true" } else { "false" }),
            "row {row}"
        );
        *compared.entry(is_inside).or_default() += 1;
    }
    assert!(
        compared[&true] > 70 && compared[&false] > 2000,
        "{compared:?}"
    );
}

/// The gene table is joined through the gene of the consequence.
fn check_genes(variants: &Table) {
    let table = std::fs::read_to_string(testdata("knowledge/genes.tsv")).expect("the table");
    let rows = table
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once('\t'));
    let known: BTreeMap<&str, f64> = rows
        .map(|(gene, value)| (gene, value.parse().expect("a number")))
        .collect();
    let genes = variants.column("consequence.gene");
    let values = variants.numbers("gene.loeuf");
    for (gene, value) in genes.iter().zip(values) {
        assert_eq!(value, gene.map(|gene| known[gene]));
    }
    let seen: BTreeSet<&str> = genes.into_iter().flatten().collect();
    assert_eq!(seen.len(), known.len());
}

/// Findings say of an allele what the table of variants says, and from which releases.
fn check_findings(variants: &Table, output: &Path) {
    let findings = Table::read(output, "findings");
    let rows: BTreeMap<Allele, usize> = input_alleles(variants).into_iter().zip(0..).collect();
    let alleles = input_alleles(&findings);
    let is_source = |name: &&String| {
        let sources = [
            "clinvar.",
            "population.",
            "coding.",
            "gene.",
            "consequence.",
        ];
        sources.iter().any(|prefix| name.starts_with(prefix))
    };
    let expected: Vec<&String> = variants.names.iter().filter(is_source).collect();
    let names: Vec<&String> = findings.names.iter().filter(is_source).collect();
    let scalar: Vec<&String> = expected
        .into_iter()
        .filter(|name| *name != "consequence.all")
        .collect();
    assert_eq!(names, scalar);
    assert!(names.len() > 25, "{names:?}");
    for name in names {
        let (known, shown) = (variants.column(name), findings.column(name));
        for (allele, shown) in alleles.iter().zip(shown) {
            assert_eq!(shown, known[rows[allele]], "{name} {allele:?}");
        }
    }
    let releases: BTreeSet<&str> = findings.texts("knowledge_releases").into_iter().collect();
    let [releases] = releases.into_iter().collect::<Vec<_>>()[..] else {
        panic!("releases differ by row");
    };
    for source in ["clinvar", "population", "gene", "coding", "genes"] {
        let release = format!("{source}=synthetic-1");
        assert!(releases.split("; ").any(|own| own == release), "{releases}");
    }
}

/// Copies and alleles of each patient, gene and class, counted over the text of the cohort. The genes
/// of the bundled data do not overlap and have one transcript each, so that the chosen consequence
/// decides the class.
pub(crate) fn check_burden(variants: &Table, output: &Path, is_rare: impl Fn(usize) -> bool) {
    let vcf = Vcf::bundled();
    let impacts = variants.column("consequence.impact");
    let terms = variants.column("consequence.terms");
    let genes = variants.column("consequence.gene");
    let mut classes: BTreeMap<Allele, (&str, &str)> = BTreeMap::new();
    for (row, allele) in input_alleles(variants).into_iter().enumerate() {
        let class = match (impacts[row], terms[row]) {
            (Some("HIGH"), _) => "lof",
            (Some("MODERATE"), _) => "missense",
            (_, Some(terms)) if terms.split('&').any(|it| it == "synonymous_variant") => {
                "synonymous"
            }
            _ => continue,
        };
        if is_rare(row) {
            classes.insert(allele, (genes[row].expect("a gene"), class));
        }
    }
    // Of each gene and class: alleles in the input.
    let mut totals: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    classes
        .values()
        .for_each(|key| *totals.entry(*key).or_default() += 1);
    let mut expected: BTreeMap<[String; 3], [u32; 4]> = BTreeMap::new();
    for patient in patients(&vcf) {
        for (allele, record, index) in vcf.alleles() {
            let Some(key) = classes.get(&allele) else {
                continue;
            };
            let place = place(&allele.contig, allele.position);
            if place == Place::Y && patient.is_female {
                continue;
            }
            let genotype = vcf.genotype(record, patient.sample, index);
            let (alleles, copies, uncalled) = match dosage(&genotype, place, &patient) {
                Some(0) => continue,
                Some(copies) => (1, copies as u32, 0),
                None => (0, 0, 1),
            };
            let name = [patient.id.clone(), key.0.to_owned(), key.1.to_owned()];
            let own = expected.entry(name).or_insert([0, 0, 0, totals[key]]);
            own[0] += alleles;
            own[1] += copies;
            own[2] += uncalled;
        }
    }
    let table = Table::read(output, "burden");
    let keys = ["patient", "gene", "class"].map(|name| table.texts(name));
    let numbers =
        ["alleles", "copies", "uncalled", "alleles_in_input"].map(|name| table.texts(name));
    let found: BTreeMap<[String; 3], [u32; 4]> = (0..table.len())
        .map(|row| {
            let key = [0, 1, 2].map(|at: usize| keys[at][row].to_owned());
            let counts = [0, 1, 2, 3].map(|at: usize| numbers[at][row].parse().expect("a count"));
            (key, counts)
        })
        .collect();
    assert_eq!(found.len(), table.len());
    assert_eq!(found, expected);
    assert!(found.keys().any(|key| key[2] == "lof"));
}

/// `run.json` names the sources that were used with the hashes of their tables.
fn check_record(output: &Path) {
    let record = run_record(output);
    schemas::check("run.schema.json", std::slice::from_ref(&record), &[]);
    let sources = record["knowledge"].as_array().expect("sources");
    let mut names: Vec<&str> = sources
        .iter()
        .map(|source| {
            assert_eq!(source["release"], "synthetic-1", "{source}");
            assert_eq!(source["licence"], "MIT OR Apache-2.0", "{source}");
            source["name"].as_str().expect("a name")
        })
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["clinvar", "coding", "gene", "genes", "population"]);
    let inputs = record["inputs"].as_array().expect("inputs");
    let lock = inputs
        .iter()
        .find(|input| input["role"] == "knowledge_lock");
    assert!(lock.expect("the lock")["sha256"].is_string());
}

/// Columns of sources, consequences left out.
fn joined(table: &Table) -> Vec<&str> {
    let sources = ["clinvar.", "population.", "coding.", "gene."];
    let is_joined = |name: &&str| sources.iter().any(|prefix| name.starts_with(prefix));
    let names = table.names.iter().map(String::as_str);
    names.filter(is_joined).collect()
}

/// Only what is asked for is joined; what is joined is the same.
#[test]
fn only_some_sources() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let all = folder.path().join("all");
    annotated(&all, &bundle).succeed();
    let all = Table::read(&all, "variants");
    let cases: [(&str, &[&str], &[&str]); 4] = [
        (
            "population.af",
            &["population.af"],
            &["genes", "population"],
        ),
        (
            "population",
            &["population.ac", "population.af", "population.an"],
            &["genes", "population"],
        ),
        (
            "clinvar.stars,gene",
            &["clinvar.stars", "gene.loeuf"],
            &["clinvar", "gene", "genes"],
        ),
        ("coding.inside", &["coding.inside"], &["coding", "genes"]),
    ];
    for (number, (sources, columns, used)) in cases.into_iter().enumerate() {
        let output = folder.path().join(number.to_string());
        annotated(&output, &bundle)
            .with("--sources", sources)
            .succeed();
        let some = Table::read(&output, "variants");
        assert_eq!(joined(&some), columns, "{sources}");
        for column in columns {
            assert_eq!(some.column(column), all.column(column), "{column}");
        }
        let record = run_record(&output);
        let names = record["knowledge"].as_array().expect("sources").iter();
        let mut names: Vec<&str> = names.filter_map(|it| it["name"].as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, used, "{sources}");
        assert_eq!(
            record["parameters"]["sources"],
            serde_json::json!(sources.split(',').collect::<Vec<_>>())
        );
    }
    // Without consequences nothing says which gene an allele is in.
    let output = folder.path().join("no consequences");
    let outcome = annotated(&output, &bundle)
        .with("--consequences", "none")
        .succeed();
    assert!(outcome.stderr.contains("gene tables"), "{}", outcome.stderr);
    let table = Table::read(&output, "variants");
    assert!(
        !table
            .names
            .iter()
            .any(|name| name.starts_with("consequence."))
    );
    assert!(!table.names.iter().any(|name| name.starts_with("gene.")));
    assert!(!output.join("burden.parquet").exists());
}

/// Common alleles burden nobody where a limit is given; one that the source lacks counts as rare.
#[test]
fn burden_of_rare_alleles() {
    const LIMIT: f64 = 0.01;
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let output = folder.path().join("report");
    annotated(&output, &bundle)
        .with("--burden-frequency", "population.af")
        .with("--burden-max-frequency", LIMIT.to_string())
        .succeed();
    let variants = Table::read(&output, "variants");
    let frequencies = variants.numbers("population.af");
    let is_rare = |row: usize| frequencies[row].is_none_or(|frequency| frequency <= LIMIT);
    assert!((0..variants.len()).any(|row| !is_rare(row)));
    check_burden(&variants, &output, is_rare);
    let parameters = &run_record(&output)["parameters"];
    assert_eq!(parameters["burden_frequency"], "population.af");
    assert_eq!(parameters["burden_max_frequency"], LIMIT);
}

/// Gene models from a file are those of the bundle.
#[test]
fn gene_models_of_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let bundle = bundle(folder.path());
    let [with, from_file] = ["with", "file"].map(|name| folder.path().join(name));
    annotated(&with, &bundle)
        .with("--sources", "population")
        .succeed();
    crate::support::demo::run(&from_file)
        .with("--gene-models", testdata("genes.gff3"))
        .succeed();
    let tables = [&with, &from_file].map(|folder| Table::read(folder, "variants"));
    for name in tables[1].names.iter().filter(|name| name.contains('.')) {
        assert_eq!(tables[0].column(name), tables[1].column(name), "{name}");
    }
    assert_eq!(
        hashes(&with)["burden.parquet"],
        hashes(&from_file)["burden.parquet"]
    );
    let record = run_record(&from_file);
    schemas::check("run.schema.json", std::slice::from_ref(&record), &[]);
    assert_eq!(record["knowledge"][0]["kind"], "gene_models");
    assert_eq!(record["knowledge"][0]["release"], "file genes.gff3");
}
