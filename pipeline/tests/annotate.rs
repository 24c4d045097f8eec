//! `varisk annotate`: records go through untouched but for INFO; every form of output says the same;
//! what cannot be done is refused and leaves nothing behind.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::bundle::bundle;
use crate::support::cohort::Vcf;
use crate::support::program::{Call, Table, testdata, text};
use crate::support::refusal::{assert_refused, write};

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;
const CANNOT_CREATE: i32 = 73;

/// The column of INFO.
const INFO: usize = 7;

fn annotate(vcf: &str, output: &str) -> Call {
    Call::new("annotate")
        .with("--vcf", vcf)
        .with("--reference", testdata("genome.fa"))
        .with("--build", "other")
        .with("--output", output)
        .with("--threads", "2")
}

fn cohort(output: &str) -> Call {
    annotate(&testdata("cohort.vcf.gz"), output)
}

/// The fields of a record's INFO.
fn info(record: &[String]) -> BTreeMap<&str, &str> {
    let pairs = record[INFO].split(';');
    let pairs = pairs.filter(|pair| *pair != ".");
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect()
}

/// The cohort with everything that is known of it.
fn annotated(folder: &Path) -> Vcf {
    let knowledge = text(&bundle(folder));
    let done = cohort("-").with("--knowledge", knowledge).succeed();
    Vcf::parse(&done.stdout)
}

#[test]
fn records_go_through_untouched_but_for_info() {
    let folder = tempfile::tempdir().expect("a folder");
    let (given, found) = (Vcf::bundled(), annotated(folder.path()));
    assert_eq!(given.samples, found.samples);
    assert_eq!(given.records.len(), found.records.len());
    for (given, found) in given.records.iter().zip(&found.records) {
        for (column, (given, found)) in given.iter().zip(found).enumerate() {
            if column != INFO {
                assert_eq!(given, found);
            }
        }
        assert_eq!(given.len(), found.len());
        let found = info(found);
        for (name, value) in info(given) {
            assert_eq!(found[name], value, "{name}");
        }
    }
    // The lines of the header stay, in order; what is added comes behind.
    assert_eq!(found.header[..given.header.len()], given.header);
    let added = &found.header[given.header.len()..];
    let defined = |field: &str, kind: &str| {
        let start = format!("##INFO=<ID={field},Number=A,Type={kind},");
        added.iter().any(|line| line.starts_with(&start))
    };
    assert!(defined("population_af", "Float"));
    assert!(defined("population_ac", "Integer"));
    assert!(defined("clinvar_significance", "String"));
    assert!(defined("gene_loeuf", "Float"));
    let csq = added.iter().filter(|line| line.contains("<ID=CSQ,"));
    let csq: Vec<&String> = csq.collect();
    let [csq] = csq[..] else {
        panic!("not one CSQ");
    };
    assert!(csq.starts_with("##INFO=<ID=CSQ,Number=.,Type=String,Description=\""));
    assert!(csq.contains("Format: Allele|Consequence|IMPACT|SYMBOL|Gene|Feature_type|Feature|"));
    for source in ["clinvar", "population", "coding", "gene", "genes"] {
        let start = format!("##varisk_source=<ID={source},");
        let lines = added.iter().filter(|line| line.starts_with(&start));
        let lines: Vec<&String> = lines.collect();
        assert_eq!(lines.len(), 1, "{source}");
        assert!(lines[0].contains("Release=\"synthetic-1\""), "{}", lines[0]);
    }
    // Every field of a record is defined.
    for record in &found.records {
        for name in info(record).keys() {
            let start = format!("##INFO=<ID={name},");
            let is_defined = found.header.iter().any(|line| line.starts_with(&start));
            assert!(is_defined, "{name}");
        }
    }
}

/// A value for each alternate allele, in order; `CSQ` names each that has a consequence.
#[test]
fn values_are_by_allele() {
    let folder = tempfile::tempdir().expect("a folder");
    let found = annotated(folder.path());
    let table = folder.path().join("table.parquet");
    let knowledge = text(&folder.path().join("bundle"));
    cohort(&text(&table))
        .with("--knowledge", knowledge)
        .succeed();
    let rows = Table::read(folder.path(), "table");
    let names = [
        ("population.af", "population_af"),
        ("population.ac", "population_ac"),
        ("clinvar.significance", "clinvar_significance"),
        ("clinvar.review_status", "clinvar_review_status"),
        ("gene.loeuf", "gene_loeuf"),
    ];
    // The table is in the order of the input too.
    let columns = names.map(|(column, _)| rows.column(column));
    let terms = rows.column("consequence.terms");
    let (mut row, mut several, mut without) = (0, 0, 0);
    for record in &found.records {
        let alternates: Vec<&str> = record[4].split(',').collect();
        let fields = info(record);
        for (column, (_, field)) in columns.iter().zip(names) {
            let expected = &column[row..row + alternates.len()];
            let Some(value) = fields.get(field) else {
                assert!(expected.iter().all(Option::is_none), "{field}");
                continue;
            };
            let parts: Vec<&str> = value.split(',').collect();
            assert_eq!(parts.len(), alternates.len(), "{field}={value}");
            for (part, expected) in parts.into_iter().zip(expected) {
                // A comma within a text would be one between alleles.
                let expected = expected.map(|text| text.replace(',', "%2C"));
                let is_number = |text: &str| text.parse::<f64>().ok();
                match (part, expected) {
                    (".", None) => without += 1,
                    (part, Some(expected)) if is_number(part).is_some() => {
                        assert_eq!(is_number(part), is_number(&expected), "{field}");
                    }
                    (part, expected) => assert_eq!(Some(part), expected.as_deref(), "{field}"),
                }
            }
        }
        let lines: Vec<&str> = fields
            .get("CSQ")
            .map_or(Vec::new(), |it| it.split(',').collect());
        let known = &terms[row..row + alternates.len()];
        let expected: Vec<&str> = known.iter().flatten().copied().collect();
        let found: Vec<&str> = lines
            .iter()
            .map(|line| line.split('|').nth(1).expect("terms"))
            .collect();
        assert_eq!(found, expected, "{:?}", &record[..5]);
        several += usize::from(alternates.len() > 1 && lines.len() > 1);
        row += alternates.len();
    }
    assert_eq!(row, rows.len());
    assert!(several > 50 && without > 0, "{several} {without}");
}

/// Plain, BGZF, Parquet and standard output say the same; and so does every source of records.
#[test]
fn every_output_says_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| text(&folder.path().join(name));
    let knowledge = text(&bundle(folder.path()));
    let call = |output: &str| cohort(output).with("--knowledge", knowledge.clone());
    let piped = call("-").succeed();
    assert!(!piped.stdout.is_empty());
    let done = call(&at("plain.vcf")).succeed();
    assert!(
        done.stderr.contains("2533 records, 2619 alleles"),
        "{}",
        done.stderr
    );
    assert_eq!(done.stdout, "");
    let plain = std::fs::read_to_string(at("plain.vcf")).expect("the output");
    assert!(plain == piped.stdout, "standard output differs");
    call(&at("packed.vcf.gz")).succeed();
    let packed = std::fs::read(at("packed.vcf.gz")).expect("the output");
    // BGZF names the size of its blocks, and ends with an empty one.
    assert_eq!(packed[..4], [0x1f, 0x8b, 8, 4]);
    assert_eq!(packed[12..14], *b"BC");
    assert_eq!(packed[packed.len() - 28..][..4], [0x1f, 0x8b, 8, 4]);
    let packed = Vcf::read(Path::new(&at("packed.vcf.gz")));
    assert!(packed.text() == plain, "BGZF differs");
    let cuts = [
        ("--threads", "1"),
        ("--batch-size", "1"),
        ("--batch-size", "777"),
    ];
    for (option, value) in cuts {
        let cut = call("-").with(option, value).succeed();
        assert!(cut.stdout == plain, "{option} {value}");
    }
    let streamed = call("-").with("--vcf", "-");
    let streamed = streamed
        .from(Path::new(&testdata("cohort.vcf.gz")))
        .succeed();
    assert!(streamed.stdout == plain, "standard input differs");

    for (name, threads) in [("one", "1"), ("two", "2")] {
        let call = call(&at(&format!("{name}.parquet")));
        call.with("--threads", threads).succeed();
    }
    let table = |name: &str| std::fs::read(at(name)).expect("a table");
    assert!(table("one.parquet") == table("two.parquet"));
}

/// Annotated again, nothing stands twice.
#[test]
fn annotated_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let once = annotated(folder.path());
    let input = write(folder.path(), "once.vcf", once.text());
    let knowledge = text(&folder.path().join("bundle"));
    let twice = annotate(&input, "-")
        .with("--knowledge", knowledge)
        .succeed();
    let twice = Vcf::parse(&twice.stdout);
    assert_eq!(once.records, twice.records);
    let definitions = |vcf: &Vcf| {
        let lines = vcf.header.iter().filter(|line| line.starts_with("##INFO="));
        lines.cloned().collect::<Vec<_>>()
    };
    assert_eq!(definitions(&once), definitions(&twice));
}

/// What is written as INFO reads back as the same consequences.
#[test]
fn consequences_from_its_own_info() {
    let folder = tempfile::tempdir().expect("a folder");
    let once = annotated(folder.path());
    let input = write(folder.path(), "once.vcf", once.text());
    let knowledge = text(&folder.path().join("bundle"));
    let at = |name: &str| text(&folder.path().join(name));
    cohort(&at("computed.parquet"))
        .with("--knowledge", knowledge)
        .succeed();
    annotate(&input, &at("read.parquet"))
        .with("--consequences", "from-info")
        .succeed();
    let [computed, read] = ["computed", "read"].map(|name| Table::read(folder.path(), name));
    assert_eq!(computed.len(), read.len());
    for name in [
        "contig",
        "position",
        "ref",
        "alt",
        "consequence.term",
        "consequence.terms",
        "consequence.rank",
        "consequence.impact",
        "consequence.gene",
        "consequence.gene_id",
        "consequence.transcript",
        "consequence.biotype",
        "consequence.exon",
        "consequence.hgvsc",
        "consequence.hgvsp",
        "consequence.cds_position",
        "consequence.protein_position",
        "consequence.amino_acids",
        "consequence.codons",
        "consequence.nmd",
        "consequence.hgvsg",
    ] {
        let (computed, read) = (computed.column(name), read.column(name));
        let differs = computed.iter().zip(&read).position(|(a, b)| a != b);
        assert_eq!(differs, None, "{name}");
    }
}

/// BCF in and out. Its numbers are binary, so that records are compared and not their text.
#[test]
fn bcf() {
    let folder = tempfile::tempdir().expect("a folder");
    let once = annotated(folder.path());
    let knowledge = text(&folder.path().join("bundle"));
    let bcf = text(&folder.path().join("cohort.bcf"));
    cohort(&bcf).with("--knowledge", knowledge).succeed();
    let back = annotate(&bcf, "-")
        .with("--consequences", "from-info")
        .succeed();
    let back = Vcf::parse(&back.stdout);
    assert_eq!(once.samples, back.samples);
    assert_eq!(once.records.len(), back.records.len());
    for (once, back) in once.records.iter().zip(&back.records) {
        assert_eq!(once[..5], back[..5]);
        assert_eq!(once[6], back[6]);
        let (own, found) = (info(once), info(back));
        for name in ["clinvar_significance", "population_ac", "CSQ"] {
            assert_eq!(own.get(name), found.get(name), "{:?}", &once[..5]);
        }
        // Trailing fields may be dropped in text.
        for (once, back) in once[9..].iter().zip(&back[9..]) {
            assert_eq!(once.split(':').next(), back.split(':').next());
        }
    }
}

#[test]
fn a_region() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = annotated(folder.path());
    let knowledge = text(&folder.path().join("bundle"));
    let part = cohort("-")
        .with("--knowledge", knowledge)
        .with("--region", "chr2:20001-50000")
        .succeed();
    let part = Vcf::parse(&part.stdout);
    let is_inside = |record: &&Vec<String>| {
        let position: u32 = record[1].parse().expect("a number");
        record[0] == "chr2" && (20_001..=50_000).contains(&position)
    };
    let expected: Vec<&Vec<String>> = whole.records.iter().filter(is_inside).collect();
    assert!(expected.len() > 100);
    assert_eq!(part.records.iter().collect::<Vec<_>>(), expected);
}

/// How a refusal is provoked.
type Change<'c> = &'c dyn Fn(&Path, Call) -> Call;

/// Writes gene models with something wrong in line 12.
fn gene_models(inputs: &Path, edit: impl Fn(&mut Vec<String>)) -> String {
    let sound = std::fs::read_to_string(testdata("genes.gff3")).expect("gene models");
    let mut lines: Vec<String> = sound.lines().map(str::to_owned).collect();
    let mut columns: Vec<String> = lines[11].split('\t').map(str::to_owned).collect();
    edit(&mut columns);
    lines[11] = columns.join("\t");
    write(inputs, "bad.gff3", lines.join("\n") + "\n")
}

fn without_knowledge(call: Call) -> Call {
    call.without("--knowledge")
}

#[test]
fn refusals() {
    let folder = tempfile::tempdir().expect("a folder");
    let knowledge = text(&bundle(folder.path()));
    let late = |inputs: &Path, call: Call| {
        let mut vcf = Vcf::bundled();
        vcf.records[2400][1] = "x".to_owned();
        call.with("--vcf", write(inputs, "late.vcf", vcf.text()))
    };
    let other = |inputs: &Path, call: Call| {
        let mut vcf = Vcf::bundled();
        vcf.records[2400][3] = "ACGTACGTACGT".to_owned();
        call.with("--vcf", write(inputs, "other.vcf", vcf.text()))
    };
    let cases: [(&str, i32, &str, Change<'_>, &[&str]); 14] = [
        (
            "nothing to annotate with",
            USAGE,
            "out.vcf",
            &|_, call| without_knowledge(call),
            &["--knowledge", "--gene-models", "--consequences from-info"],
        ),
        (
            "name without a form",
            USAGE,
            "out.txt",
            &|_, call| call,
            &["out.txt", ".vcf.gz", ".bcf"],
        ),
        (
            "name that ends nowhere",
            USAGE,
            "out",
            &|_, call| call,
            &["out", ".parquet"],
        ),
        (
            "folder that is not there",
            CANNOT_CREATE,
            "nowhere/out.vcf",
            &|_, call| call,
            &["nowhere/out.vcf"],
        ),
        (
            "the same for a table",
            CANNOT_CREATE,
            "nowhere/out.parquet",
            &|_, call| call,
            &["nowhere/out.parquet"],
        ),
        (
            "input that is not there",
            NO_INPUT,
            "out.vcf",
            &|_, call| call.with("--vcf", "nowhere.vcf"),
            &["nowhere.vcf"],
        ),
        (
            "gene models that are not there",
            NO_INPUT,
            "out.vcf.gz",
            &|_, call| call.with("--gene-models", "nowhere.gff3"),
            &["nowhere.gff3"],
        ),
        (
            "gene models with a malformed line",
            DATA,
            "out.vcf",
            &|inputs, call| {
                let path = gene_models(inputs, |columns| columns[3] = "x".to_owned());
                call.with("--gene-models", path)
            },
            &["bad.gff3", "line 12"],
        ),
        (
            "gene models with an unknown strand",
            DATA,
            "out.vcf",
            &|inputs, call| {
                let path = gene_models(inputs, |columns| columns[6] = "x".to_owned());
                call.with("--gene-models", path)
            },
            &["bad.gff3", "line 12"],
        ),
        (
            "gene models with a line cut short",
            DATA,
            "out.vcf",
            &|inputs, call| {
                let path = gene_models(inputs, |columns| columns.truncate(5));
                call.with("--gene-models", path)
            },
            &["bad.gff3", "line 12"],
        ),
        (
            "no INFO with consequences",
            DATA,
            "out.bcf",
            &|_, call| without_knowledge(call).with("--consequences", "from-info"),
            &["cohort.vcf.gz", "CSQ", "ANN", "BCSQ"],
        ),
        (
            "a bad record late in the file",
            DATA,
            "out.vcf",
            &late,
            &["late.vcf", "record 2401"],
        ),
        (
            "the same, packed",
            DATA,
            "out.vcf.gz",
            &late,
            &["late.vcf", "record 2401"],
        ),
        (
            "REF of another genome late in the file, as table",
            DATA,
            "out.parquet",
            &other,
            &["other.vcf", "record 2401", "--ref-mismatch quarantine"],
        ),
    ];
    for (name, code, output, change, parts) in cases {
        let place = tempfile::tempdir().expect("a folder");
        let (inputs, outputs) = (place.path().join("in"), place.path().join("out"));
        for path in [&inputs, &outputs] {
            std::fs::create_dir(path).expect("a folder");
        }
        let call = cohort(&text(&outputs.join(output))).with("--knowledge", knowledge.clone());
        assert_refused(name, &change(&inputs, call).run(), code, parts);
        let left = std::fs::read_dir(&outputs).expect("the folder").count();
        assert_eq!(left, 0, "{name}: something is left behind");
    }
}

/// What is there already is not touched.
#[test]
fn outputs_that_exist() {
    let folder = tempfile::tempdir().expect("a folder");
    let knowledge = text(&bundle(folder.path()));
    for name in ["out.vcf", "out.vcf.gz", "out.bcf", "out.parquet"] {
        let path = write(folder.path(), name, "mine");
        let call = cohort(&path).with("--knowledge", knowledge.clone());
        assert_refused(name, &call.run(), CANNOT_CREATE, &[name, "exists"]);
        assert_eq!(std::fs::read_to_string(&path).expect("the file"), "mine");
    }
}

/// Alleles that do not fit the reference go through where that is asked for, and no source has them.
#[test]
fn alleles_of_another_reference_set_aside() {
    let folder = tempfile::tempdir().expect("a folder");
    let knowledge = text(&bundle(folder.path()));
    let mut vcf = Vcf::bundled();
    vcf.records[7][3] = "T".to_owned();
    let input = write(folder.path(), "edited.vcf", vcf.text());
    let done = annotate(&input, "-")
        .with("--knowledge", knowledge)
        .with("--ref-mismatch", "quarantine")
        .succeed();
    let found = Vcf::parse(&done.stdout);
    assert_eq!(found.records.len(), vcf.records.len());
    for (column, given) in vcf.records[7].iter().enumerate() {
        if column != INFO {
            assert_eq!(found.records[7][column], *given);
        }
    }
    let fields = info(&found.records[7]);
    let is_known = |name: &&&str| name.starts_with("population_") || name.starts_with("clinvar_");
    assert_eq!(fields.keys().find(is_known), None);
    let others = found.records.iter().map(|record| info(record));
    let known = others.filter(|fields| fields.keys().any(|name| is_known(&name)));
    assert!(known.count() > 2000);
}
