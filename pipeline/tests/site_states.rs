//! States of sites in patients: gVCFs of two styles and a list of sites, through the program.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::schemas;
use crate::support::genome::Genome;
use crate::support::program::{Call, Table, hashes, run_record, testdata, text};
use crate::support::refusal::{assert_refused, write};

const USAGE: i32 = 64;
const DATA: i32 = 65;
const NO_INPUT: i32 = 66;

fn header(genome: &Genome, sample: Option<&str>) -> String {
    let mut text = "##fileformat=VCFv4.2\n\
        ##ALT=<ID=NON_REF,Description=\"any other\">\n\
        ##INFO=<ID=AF,Number=A,Type=Float,Description=\"frequency\">\n\
        ##INFO=<ID=END,Number=1,Type=Integer,Description=\"last base\">\n\
        ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"genotype\">\n"
        .to_owned();
    for field in ["DP", "GQ", "MIN_DP"] {
        let _ = writeln!(
            text,
            "##FORMAT=<ID={field},Number=1,Type=Integer,Description=\"x\">"
        );
    }
    for (name, length) in genome.contigs() {
        let _ = writeln!(text, "##contig=<ID={name},length={length}>");
    }
    text += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
    if let Some(sample) = sample {
        text += &format!("\tFORMAT\t{sample}");
    }
    text + "\n"
}

/// A block of a gVCF: contig, first and last base, the alternate, FORMAT and values. Without a last
/// base it is a record of one base.
type Block<'b> = (&'b str, usize, Option<usize>, &'b str, &'b str, &'b str);

fn gvcf(genome: &Genome, sample: &str, blocks: &[Block<'_>]) -> String {
    let mut text = header(genome, Some(sample));
    for (contig, first, last, alternate, format, values) in blocks {
        let base = genome.bases(contig, *first, 1);
        let info = last.map_or_else(|| ".".to_owned(), |last| format!("END={last}"));
        let alternate = alternate.replace("SNV", genome.other(contig, *first));
        let _ = writeln!(
            text,
            "{contig}\t{first}\t.\t{base}\t{alternate}\t.\t.\t{info}\t{format}\t{values}"
        );
    }
    text
}

/// Kind of a needed site.
#[derive(Clone, Copy)]
enum Kind {
    Snv,
    /// A base is added behind the position.
    Insertion,
    /// The base behind the position is removed.
    Deletion,
}

fn sites(genome: &Genome, sites: &[(&str, usize, Kind)]) -> String {
    let mut text = header(genome, None);
    for (contig, position, kind) in sites {
        let base = genome.bases(contig, *position, 1);
        let (reference, alternate) = match kind {
            Kind::Snv => (base.to_owned(), genome.other(contig, *position).to_owned()),
            Kind::Insertion => {
                let next = genome.other(contig, *position + 1);
                let added = if next == base {
                    genome.other(contig, *position)
                } else {
                    next
                };
                (base.to_owned(), format!("{base}{added}"))
            }
            Kind::Deletion => (
                genome.bases(contig, *position, 2).to_owned(),
                base.to_owned(),
            ),
        };
        let _ = writeln!(
            text,
            "{contig}\t{position}\t.\t{reference}\t{alternate}\t.\t.\t."
        );
    }
    text
}

/// Two patients, a woman whose gVCF is in GATK's style and a man whose is in DeepVariant's, and the
/// sites that are needed of them.
struct Study {
    folder: tempfile::TempDir,
    sheet: String,
    sites: String,
}

const GATK: &str = "GT:DP:GQ:MIN_DP:PL";
const DEEPVARIANT: &str = "GT:GQ:MIN_DP:PL";

/// Needed sites, in the order of the table.
const SITES: [(&str, usize, Kind); 12] = [
    ("chr1", 5005, Kind::Snv),
    ("chr1", 5012, Kind::Snv),
    ("chr1", 5012, Kind::Insertion),
    ("chr1", 5016, Kind::Snv),
    ("chr1", 5020, Kind::Deletion),
    ("chr1", 5025, Kind::Snv),
    ("chr1", 5032, Kind::Snv),
    ("chr1", 5032, Kind::Insertion),
    ("chr1", 5045, Kind::Snv),
    ("chrX", 30_005, Kind::Snv),
    ("chrY", 25_005, Kind::Snv),
    ("chrM", 3005, Kind::Snv),
];

impl Study {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let genome = Genome::read();
        let good = "0/0:30:60:20:0,60,600";
        let woman = [
            ("chr1", 5001, Some(5010), "<NON_REF>", GATK, good),
            // Within the limits of neither quality nor depth.
            (
                "chr1",
                5011,
                Some(5014),
                "<NON_REF>",
                GATK,
                "0/0:30:19:20:0,19,600",
            ),
            (
                "chr1",
                5015,
                Some(5018),
                "<NON_REF>",
                GATK,
                "0/0:30:60:7:0,60,600",
            ),
            ("chr1", 5019, Some(5020), "<NON_REF>", GATK, good),
            ("chr1", 5021, Some(5024), "<NON_REF>", GATK, good),
            ("chr1", 5025, None, "SNV,<NON_REF>", "GT:DP:GQ", "0/1:30:99"),
            // Single bases: what stands there, not that nothing stands between.
            ("chr1", 5031, None, ".", "GT:DP:GQ", "0/0:30:60"),
            ("chr1", 5032, None, ".", "GT:DP:GQ", "0/0:30:60"),
            ("chr1", 5033, None, ".", "GT:DP:GQ", "0/0:30:60"),
            ("chrX", 30_001, Some(30_020), "<NON_REF>", GATK, good),
        ];
        let man = [
            (
                "chr1",
                5001,
                Some(5019),
                "<*>",
                DEEPVARIANT,
                "0/0:20:8:0,20,200",
            ),
            (
                "chr1",
                5020,
                Some(5020),
                "<*>",
                DEEPVARIANT,
                "0/0:20:8:0,20,200",
            ),
            ("chr1", 5025, None, ".", "GT:GQ", "./.:2"),
            (
                "chr1",
                5030,
                Some(5040),
                "<*>",
                DEEPVARIANT,
                "0/0:50:12:0,50,500",
            ),
            (
                "chrX",
                30_001,
                Some(30_020),
                "<*>",
                DEEPVARIANT,
                "0/0:50:12:0,50,500",
            ),
            (
                "chrY",
                25_001,
                Some(25_020),
                "<*>",
                DEEPVARIANT,
                "0/0:50:12:0,50,500",
            ),
            (
                "chrM",
                3001,
                Some(3020),
                "<*>",
                DEEPVARIANT,
                "0/0:50:12:0,50,500",
            ),
        ];
        write(folder.path(), "woman.g.vcf", gvcf(&genome, "W", &woman));
        write(folder.path(), "man.g.vcf", gvcf(&genome, "M", &man));
        let sites = write(folder.path(), "sites.vcf", sites(&genome, &SITES));
        let sheet = "patient,vcf,sex,age,bmi,smoker\n\
            WOMAN,woman.g.vcf,female,61,30,yes\n\
            MAN,man.g.vcf,male,50,25,no\n";
        let sheet = write(folder.path(), "sheet.csv", sheet);
        Self {
            folder,
            sheet,
            sites,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn call(&self, verb: &'static str, output: &str) -> Call {
        Call::new(verb)
            .with("--samplesheet", self.sheet.clone())
            .with("--sites", self.sites.clone())
            .with("--reference", testdata("genome.fa"))
            .with("--build", "other")
            .with("--par", testdata("par.bed"))
            .with("--output", text(&self.at(output)))
            .with("--threads", "2")
    }

    fn evidence(&self, output: &str) -> Call {
        self.call("evidence", output)
    }

    /// States of all sites in a patient, each as `state origin genotype`.
    fn states(&self, output: &str, patient: &str) -> Vec<String> {
        let table = Table::read(&self.at(output), "evidence");
        assert_eq!(table.len(), 2 * SITES.len());
        let columns = ["state", "origin", "genotype"].map(|name| table.column(name));
        let patients = table.texts("patient").into_iter();
        let rows = patients.enumerate().filter(|(_, own)| *own == patient);
        rows.map(|(row, _)| {
            let words: Vec<&str> = columns.iter().filter_map(|column| column[row]).collect();
            words.join(" ")
        })
        .collect()
    }
}

const BLOCK: &str = "called_reference reference_block 0/0";
const HAPLOID_BLOCK: &str = "called_reference reference_block 0";
const NOTHING: &str = "not_assayed";
const ASSUMED: &str = "assumed_reference assumption 0/0";

/// Expected states of the woman.
const WOMAN: [&str; 12] = [
    BLOCK,
    "no_call record ./.",
    "no_call record ./.",
    "no_call record ./.",
    // Two blocks share the site.
    BLOCK,
    "called record 0/1",
    "called_reference record 0/0",
    // Single bases are no evidence against an insertion.
    NOTHING,
    NOTHING,
    BLOCK,
    NOTHING,
    NOTHING,
];

/// Expected states of the man.
const MAN: [&str; 12] = [
    BLOCK,
    BLOCK,
    BLOCK,
    BLOCK,
    // The second base is not covered.
    NOTHING,
    "no_call record ./.",
    BLOCK,
    BLOCK,
    NOTHING,
    HAPLOID_BLOCK,
    HAPLOID_BLOCK,
    HAPLOID_BLOCK,
];

#[test]
fn states_of_blocks() {
    let study = Study::new();
    let done = study.evidence("report").succeed();
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    assert_eq!(study.states("report", "WOMAN"), WOMAN);
    assert_eq!(study.states("report", "MAN"), MAN);
    let table = Table::read(&study.at("report"), "evidence");
    let positions: Vec<&str> = table.texts("position").into_iter().step_by(2).collect();
    let expected: Vec<String> = SITES.map(|(_, position, _)| position.to_string()).into();
    assert_eq!(positions, expected);

    let record = run_record(&study.at("report"));
    schemas::check("run.schema.json", std::slice::from_ref(&record), &[]);
    assert_eq!(record["verb"], "evidence");
    let parameters = &record["parameters"];
    assert_eq!(parameters["min_reference_gq"], 20);
    assert_eq!(parameters["min_reference_depth"], 8);
    assert_eq!(parameters["absent_as_reference"], false);
    let inputs = record["inputs"].as_array().expect("inputs").iter();
    assert_eq!(inputs.filter(|input| input["role"] == "sites").count(), 1);
}

/// Counts of calls say what they rest on.
#[test]
fn counts_by_origin() {
    let study = Study::new();
    study.evidence("report").succeed();
    let qc = Table::read(&study.at("report"), "qc");
    let check = |name: &str, woman: usize, man: usize| {
        let column = qc.by_patient(name);
        let found = ["WOMAN", "MAN"].map(|patient| column[patient]);
        assert_eq!(
            found,
            [woman, man].map(|count| Some(count as f64)),
            "{name}"
        );
    };
    let count = |states: &[&str], start: &str| {
        states
            .iter()
            .filter(|state| state.starts_with(start))
            .count()
    };
    let both = |start: &str| (count(&WOMAN, start), count(&MAN, start));
    let (woman, man) = both("called_reference reference_block");
    check("from_reference_blocks", woman, man);
    let (woman, man) = both("no_call");
    check("missing", woman, man);
    let (woman, man) = both("called");
    check("called", woman, man);
    // On Y nothing is expected of the woman.
    let (woman, man) = both(NOTHING);
    check("not_assayed", woman - 1, man);
    check("alleles", SITES.len() - 1, SITES.len());
    check("assumed_reference", 0, 0);
    check("from_callable_regions", 0, 0);
    check("from_reads", 0, 0);
}

/// The assumption is marked, and overrides nothing that is known.
#[test]
fn absent_as_reference() {
    let study = Study::new();
    study
        .evidence("report")
        .also("--absent-as-reference", "")
        .succeed();
    let assume = |states: [&str; 12]| {
        let assume = |(state, (contig, ..)): (&str, (&str, usize, Kind))| match (state, contig) {
            (NOTHING, "chrM") => ASSUMED.replace("0/0", "0"),
            (NOTHING, "chrY") => NOTHING.to_owned(),
            (NOTHING, _) => ASSUMED.to_owned(),
            (state, _) => state.to_owned(),
        };
        states
            .into_iter()
            .zip(SITES)
            .map(assume)
            .collect::<Vec<_>>()
    };
    let mut woman = assume(WOMAN);
    // Her own record of an insertion's base speaks of another allele, and is not overridden.
    woman[7] = study.states("report", "WOMAN")[7].clone();
    assert!(
        [NOTHING, ASSUMED].contains(&woman[7].as_str()),
        "{}",
        woman[7]
    );
    assert_eq!(study.states("report", "WOMAN"), woman);
    assert_eq!(study.states("report", "MAN"), assume(MAN));
    let qc = Table::read(&study.at("report"), "qc");
    let assumed = qc.by_patient("assumed_reference");
    for (patient, states) in [("WOMAN", woman), ("MAN", assume(MAN))] {
        let count = states.iter().filter(|state| state.starts_with("assumed"));
        assert_eq!(assumed[patient], Some(count.count() as f64), "{patient}");
        assert!(assumed[patient] > Some(0.0));
    }
    let record = run_record(&study.at("report"));
    assert_eq!(record["parameters"]["absent_as_reference"], true);
}

/// Callable regions, of everybody or of one patient.
#[test]
fn callable_regions() {
    let study = Study::new();
    let callable = |states: [&'static str; 12], indices: &[usize]| {
        let mut states = states.to_vec();
        for index in indices {
            states[*index] = "called_reference callable_region 0/0";
        }
        states
    };
    // Holds the site at 5045 alone; 5012 stays a no call, which was looked at.
    let bed = write(
        study.folder.path(),
        "callable.bed",
        "chr1\t5010\t5014\nchr1\t5044\t5045\n",
    );
    study.evidence("all").with("--callable", bed).succeed();
    assert_eq!(study.states("all", "WOMAN"), callable(WOMAN, &[8]));
    assert_eq!(study.states("all", "MAN"), callable(MAN, &[8]));
    let qc = Table::read(&study.at("all"), "qc");
    let counts = qc.by_patient("from_callable_regions");
    assert_eq!(counts["WOMAN"], Some(1.0));

    let sheet = "patient,vcf,sex,callable\n\
        WOMAN,woman.g.vcf,female,callable.bed\n\
        MAN,man.g.vcf,male,\n";
    let sheet = write(study.folder.path(), "callable.csv", sheet);
    study.evidence("one").with("--samplesheet", sheet).succeed();
    assert_eq!(study.states("one", "WOMAN"), callable(WOMAN, &[8]));
    assert_eq!(study.states("one", "MAN"), MAN);
    let record = run_record(&study.at("one"));
    schemas::check("run.schema.json", std::slice::from_ref(&record), &[]);
}

/// Other limits, other states; they stand in `run.json`.
#[test]
fn limits_of_blocks() {
    let study = Study::new();
    study
        .evidence("loose")
        .with("--min-reference-gq", "19")
        .with("--min-reference-depth", "7")
        .succeed();
    let mut woman = WOMAN;
    for state in &mut woman[1..4] {
        *state = BLOCK;
    }
    assert_eq!(study.states("loose", "WOMAN"), woman);
    assert_eq!(study.states("loose", "MAN"), MAN);
    let parameters = run_record(&study.at("loose"))["parameters"].clone();
    assert_eq!(parameters["min_reference_gq"], 19);
    assert_eq!(parameters["min_reference_depth"], 7);

    study
        .evidence("strict")
        .with("--min-reference-gq", "21")
        .succeed();
    let mut man = MAN;
    for state in &mut man[..4] {
        *state = "no_call record ./.";
    }
    // In part of low quality, in part not covered.
    man[4] = study.states("strict", "MAN")[4].clone().leak();
    assert!(
        man[4].starts_with("no_call") || man[4] == NOTHING,
        "{}",
        man[4]
    );
    assert_eq!(study.states("strict", "MAN"), man);
}

/// A run with models says how much of it is assumed, and counts no assumed site as covered.
#[test]
fn share_that_is_assumed() {
    let study = Study::new();
    let run = |output: &str| {
        study
            .call("run", output)
            .with("--model", testdata("models/variant-kmer"))
            .also("--model", testdata("models/patient-risk"))
            .with("--checkpoint-seconds", "0")
    };
    run("plain").succeed();
    run("assumed").also("--absent-as-reference", "").succeed();
    let [plain, assumed] = ["plain", "assumed"].map(|name| Table::read(&study.at(name), "risk"));
    for (table, share) in [
        (&plain, [0.0, 0.0]),
        // Of her 11 alleles and his 12, Y counting for him alone.
        (&assumed, {
            let states = Table::read(&study.at("assumed"), "qc").by_patient("assumed_reference");
            [
                states["WOMAN"].expect("a count") / 11.0,
                states["MAN"].expect("a count") / 12.0,
            ]
        }),
    ] {
        let found = table.by_patient("assumed_reference");
        assert_eq!(found["WOMAN"], Some(share[0]));
        assert_eq!(found["MAN"], Some(share[1]));
    }
    assert_eq!(plain.by_patient("coverage"), assumed.by_patient("coverage"));
    assert!(assumed.by_patient("assumed_reference")["WOMAN"] > Some(0.0));
    // Every needed site has a row, and the model a score for it.
    let variants = Table::read(&study.at("plain"), "variants");
    let scored = variants.numbers(crate::support::demo::SCORE);
    assert_eq!(scored.iter().flatten().count(), SITES.len());
}

/// States do not depend on how the work is cut.
#[test]
fn the_same_whatever_the_cut() {
    let study = Study::new();
    study.evidence("whole").with("--threads", "1").succeed();
    let expected = hashes(&study.at("whole"));
    for (number, (option, value)) in [
        ("--batch-size", "1"),
        ("--batch-size", "3"),
        ("--batch-bytes", "1"),
        ("--threads", "4"),
    ]
    .into_iter()
    .enumerate()
    {
        let output = format!("cut-{number}");
        study.evidence(&output).with(option, value).succeed();
        assert_eq!(hashes(&study.at(&output)), expected, "{option} {value}");
    }
}

#[test]
fn refusals() {
    let study = Study::new();
    let bed = |content: &str| write(study.folder.path(), "bad.bed", content);
    let outputs = study.at("outputs");
    std::fs::create_dir(&outputs).expect("a folder");
    let check = |name: &str, call: Call, code: i32, parts: &[&str]| {
        assert_refused(name, &call.run(), code, parts);
        let left = std::fs::read_dir(&outputs).expect("the folder").count();
        assert_eq!(left, 0, "{name}: something is left behind");
    };
    let call = || study.evidence("outputs/report");
    let nowhere = text(&study.at("nowhere"));
    check(
        "no sites file",
        call().with("--sites", nowhere.clone()),
        NO_INPUT,
        &["nowhere"],
    );
    check(
        "no regions",
        call().with("--callable", nowhere),
        NO_INPUT,
        &["nowhere"],
    );
    check(
        "no BED",
        call().with("--callable", bed("chr1\tx\t5\n")),
        USAGE,
        &["bad.bed"],
    );
    check(
        "contig that is not there",
        call().with("--callable", bed("chrZ\t1\t5\n")),
        USAGE,
        &["chrZ"],
    );
    check("resume", call().also("--resume", ""), USAGE, &["--resume"]);
    check("shard", call().with("--shard", "1/2"), USAGE, &["--shard"]);
    let model = testdata("models/variant-kmer");
    check(
        "model",
        call().with("--model", model),
        USAGE,
        &["--model", "run"],
    );
    let without = call().without("--samplesheet");
    check("no patients", without, USAGE, &["--vcf"]);
    // A block that ends before it begins.
    let genome = Genome::read();
    let backwards = [(
        "chr1",
        5001,
        Some(4000),
        "<NON_REF>",
        GATK,
        "0/0:30:60:20:0,60,600",
    )];
    write(
        study.folder.path(),
        "woman.g.vcf",
        gvcf(&genome, "W", &backwards),
    );
    let run = study.call("run", "outputs/report");
    check(
        "backwards",
        run.with("--gene-models", testdata("genes.gff3")),
        DATA,
        &["woman.g.vcf", "record 1", "END"],
    );
}
