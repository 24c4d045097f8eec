//! Sites that a patient's file leaves out: gVCFs, plain VCFs and reads of real people. Shares and sums
//! of a score are what `varisk evidence` says of each site, and what the joint VCF does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::genotypes::Genotypes;
use crate::scorefile::{self, Kind, Weight, weights};
use crate::support::oracle::{Key, shared, shell};
use crate::support::program::{Call, Table, text};

/// A score over an allele of each record of a file.
struct World {
    folder: tempfile::TempDir,
    fasta: PathBuf,
    build: &'static str,
    /// The file with all sites.
    joint: PathBuf,
    genotypes: Genotypes,
    weights: Vec<Weight>,
    score: PathBuf,
}

/// What a score of a patient is made of.
#[derive(Debug)]
struct Made {
    called: f64,
    assumed: f64,
    /// Missing, or without an allele in the data.
    rest: f64,
    sum: f64,
    /// Rows with a call.
    rows: usize,
    /// What each row adds, by its position; known by the evidence alone.
    terms: BTreeMap<u32, f64>,
}

/// State and copies of ALT of an allele in a patient.
type States = BTreeMap<(String, Key), (String, Option<u8>)>;

fn cells_key(table: &Table, columns: [&str; 4]) -> Vec<Option<Key>> {
    let columns = columns.map(|name| table.column(name));
    let key = |row: usize| {
        let [contig, position, reference, alternate] = columns.each_ref().map(|column| column[row]);
        let own = |text: &str| text.to_owned();
        Some((
            own(contig?),
            own(position?),
            own(reference?),
            alternate.map_or_else(|| ".".to_owned(), own),
        ))
    };
    (0..table.len()).map(key).collect()
}

impl World {
    fn new(joint: PathBuf, fasta: PathBuf, build: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let genotypes = Genotypes::of(&joint);
        let mut places: BTreeMap<u32, usize> = BTreeMap::new();
        for record in &genotypes.records {
            *places.entry(record.position).or_default() += 1;
        }
        let weights = weights(&genotypes.records, |record| {
            record.is_sequence() && places[&record.position] == 1
        });
        let (name, kind) = ("sites", Kind::Additive);
        let of_file = if build == "other" { "NR" } else { build };
        let score = scorefile::write(
            folder.path(),
            name,
            of_file,
            kind,
            &genotypes.records,
            &weights,
        );
        Self {
            folder,
            fasta,
            build,
            joint,
            genotypes,
            weights,
            score,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn call(&self, verb: &'static str, output: &str, sheet: &str, flags: &[&str]) -> Call {
        let path = self.at(&format!("{output}.csv"));
        std::fs::write(&path, sheet).expect("a samplesheet");
        let call = Call::new(verb)
            .with("--samplesheet", text(&path))
            .with("--reference", text(&self.fasta))
            .with("--build", self.build)
            .with("--threads", "2")
            .with("--output", text(&self.at(output)));
        flags.iter().fold(call, |call, flag| call.also(flag, ""))
    }

    /// Runs both verbs; what the score is made of by the table of scores, and by the evidence.
    fn run(&self, name: &str, sheet: &str, flags: &[&str]) -> BTreeMap<String, [Made; 2]> {
        let (evidence, report) = (format!("evidence-{name}"), format!("report-{name}"));
        self.call("evidence", &evidence, sheet, flags)
            .with("--sites", text(&self.joint))
            .succeed();
        self.call("prs", &report, sheet, flags)
            .with("--score", text(&self.score))
            .with("--score-build", self.build)
            .with("--ambiguous", "keep")
            .with("--min-coverage", "0")
            .succeed();
        let states = states(&Table::read(&self.at(&evidence), "evidence"));
        let log = Table::read(&self.at(&report), "score_variants");
        let scores = Table::read(&self.at(&report), "scores");
        let column = |name: &str| scores.numbers(name);
        let [called, assumed, missing, lost, sums, rows] = [
            "coverage",
            "assumed_reference",
            "missing",
            "not_scorable",
            "sum",
            "alleles_called",
        ]
        .map(column);
        let mut all = BTreeMap::new();
        for (at, patient) in scores.texts("patient").into_iter().enumerate() {
            let share = |column: &[Option<f64>]| column[at].unwrap_or(0.0);
            let ours = Made {
                called: share(&called),
                assumed: share(&assumed),
                rest: share(&missing) + share(&lost),
                sum: share(&sums),
                rows: share(&rows) as usize,
                terms: BTreeMap::new(),
            };
            all.insert(
                patient.to_owned(),
                [ours, self.expected(patient, &states, &log)],
            );
        }
        all
    }

    /// The summed absolute weight.
    fn total(&self) -> f64 {
        self.weights.iter().map(|own| own.as_f64().abs()).sum()
    }

    fn expected(&self, patient: &str, states: &States, log: &Table) -> Made {
        let keys = cells_key(
            log,
            ["contig", "matched_position", "matched_ref", "matched_alt"],
        );
        let (kinds, reasons) = (log.column("match_type"), log.column("reason"));
        assert_eq!(keys.len(), self.weights.len());
        let total = self.total();
        let mut made = Made {
            called: 0.0,
            assumed: 0.0,
            rest: 0.0,
            sum: 0.0,
            rows: 0,
            terms: BTreeMap::new(),
        };
        for (at, own) in self.weights.iter().enumerate() {
            let weight = own.as_f64();
            let share = weight.abs() / total;
            let state = keys[at]
                .clone()
                .and_then(|key| states.get(&(patient.to_owned(), key)));
            let is_scored = matches!(reasons[at], None | Some("not_assayed"));
            let is_reference = kinds[at].is_some_and(|kind| kind.starts_with("alt_ref"));
            let of = |alternates: u8| {
                f64::from(if is_reference {
                    2 - alternates
                } else {
                    alternates
                })
            };
            match state {
                Some((state, Some(copies))) if is_scored && state.starts_with("called") => {
                    made.called += share;
                    made.rows += 1;
                    made.sum += weight * of(*copies);
                    let position = self.genotypes.records[own.record].position;
                    made.terms.insert(position, weight * of(*copies));
                }
                Some((state, _)) if is_scored && state == "assumed_reference" => {
                    made.assumed += share;
                    made.sum += weight * of(0);
                }
                _ => made.rest += share,
            }
        }
        made
    }

    /// Holds both against each other; those of the table of scores.
    fn check(&self, name: &str, sheet: &str, flags: &[&str]) -> BTreeMap<String, Made> {
        let all = self.run(name, sheet, flags);
        let one = |(patient, [mut ours, expected]): (String, [Made; 2])| {
            println!(
                "{name} {patient}: {:.4} called in {} rows, {:.4} assumed, {:.4} neither; sum {:.6}",
                ours.called, ours.rows, ours.assumed, ours.rest, ours.sum
            );
            for (ours, expected) in [
                (ours.called, expected.called),
                (ours.assumed, expected.assumed),
                (ours.rest, expected.rest),
                (ours.sum, expected.sum),
            ] {
                assert!(
                    (ours - expected).abs() < 1e-9,
                    "{name} {patient}: {ours}, {expected} by the evidence"
                );
            }
            assert_eq!(ours.rows, expected.rows, "{name} {patient}");
            ours.terms = expected.terms;
            (patient, ours)
        };
        all.into_iter().map(one).collect()
    }

    /// Positions at which what a row adds is not what the joint file says of the person.
    fn unlike_joint(&self, person: &str, made: &Made) -> Vec<u32> {
        let sample = self
            .genotypes
            .samples
            .iter()
            .position(|own| own == person)
            .expect("a sample");
        let unlike = self.weights.iter().filter_map(|own| {
            let record = &self.genotypes.records[own.record];
            let term = made.terms.get(&record.position)?;
            let joint = record.copies(sample, own.effect);
            let joint = joint.map(|(copies, _)| own.as_f64() * f64::from(copies));
            let is_same = joint.is_some_and(|joint| (joint - term).abs() < 1e-12);
            (!is_same).then_some(record.position)
        });
        unlike.collect()
    }
}

fn states(table: &Table) -> States {
    let keys = cells_key(table, ["contig", "position", "ref", "alt"]);
    let (owners, states, genotypes) = (
        table.texts("patient"),
        table.texts("state"),
        table.column("genotype"),
    );
    let row = |at: usize| {
        let complete = genotypes[at].filter(|genotype| !genotype.contains('.'));
        let copies = complete.map(|genotype| genotype.matches('1').count() as u8);
        let key = keys[at].clone().expect("an allele");
        (
            (owners[at].to_owned(), key),
            (states[at].to_owned(), copies),
        )
    };
    (0..table.len()).map(row).collect()
}

/// Set E: the trio of the Ashkenazim, with gVCFs, plain files and a joint file.
#[test]
fn files_of_a_trio() {
    const PEOPLE: [&str; 3] = ["NA24143", "NA24149", "NA24385"];
    /// Joint calling dropped another allele here and called the genotype anew.
    const ANEW: u32 = 419_776;
    let trio = shared("cohort_vcf/nfcmgg_ajtrio");
    let fasta = shared("reference/nfcmgg_chr21/hg38_chr21_22000000_23000000.fasta");
    let world = World::new(trio.join("vcfs/Ashkenazim.vcf.gz"), fasta, "other");
    let sheet = |folder: &str, suffix: &str, people: &[&str]| {
        let rows = people.iter().map(|person| {
            let file = text(&trio.join(format!("{folder}/{person}{suffix}")));
            format!("{person},{file}\n")
        });
        format!("patient,vcf\n{}", rows.collect::<String>())
    };
    let gvcfs = world.check("gvcf", &sheet("gvcfs", ".g.vcf.gz", &PEOPLE), &[]);
    let mother = &gvcfs["NA24143"];
    // Every site of the joint file is called, variant or reference; seven rows of indels fit two
    // alleles of the gVCFs.
    assert!(mother.called > 0.99 && mother.assumed == 0.0);
    assert_eq!(mother.rows, mother.terms.len());
    assert_eq!(world.unlike_joint("NA24143", mother), [ANEW]);
    for person in &PEOPLE[1..] {
        assert!(gvcfs[*person].called < 0.05);
    }
    let assumed = world.check(
        "gvcf-absent",
        &sheet("gvcfs", ".g.vcf.gz", &PEOPLE),
        &["--absent-as-reference"],
    );
    for person in PEOPLE {
        let (strict, loose) = (&gvcfs[person], &assumed[person]);
        assert!(
            (strict.called - loose.called).abs() < 1e-12 && loose.assumed <= strict.rest + 1e-12
        );
    }
    assert!(assumed["NA24149"].assumed > 0.9);

    // Plain files: what they have is called, and nothing else.
    for (person, rows) in [("NA24143", 1664), ("NA24385", 15)] {
        let file = text(&trio.join(format!("vcfs/{person}.vcf.gz")));
        let positions = shell(&format!("bcftools query -f '%POS\\n' {file}"));
        let positions: BTreeSet<u32> = positions
            .lines()
            .map(|line| line.parse().expect("a position"))
            .collect();
        let records = world
            .weights
            .iter()
            .map(|own| &world.genotypes.records[own.record]);
        let there = records
            .filter(|record| positions.contains(&record.position))
            .count();
        let one = sheet("vcfs", ".vcf.gz", &[person]);
        let plain = &world.check(&format!("plain-{person}"), &one, &[])[person];
        assert_eq!((plain.rows, there), (rows, rows), "{person}");
        assert!(plain.assumed == 0.0);
        let loose = format!("plain-absent-{person}");
        let loose = &world.check(&loose, &one, &["--absent-as-reference"])[person];
        assert!((loose.called - plain.called).abs() < 1e-12);
        // An indel that nobody has may be an insertion or a deletion: it is not assumed.
        let indels = world.weights.iter().filter(|own| {
            let alleles = &world.genotypes.records[own.record].alleles;
            alleles.iter().any(|allele| allele.len() > 1)
        });
        let share = |weights: f64| weights / world.total();
        let indels = share(indels.map(|own| own.as_f64().abs()).sum());
        assert!(
            loose.rest <= indels && indels < 0.25,
            "{} of {indels}",
            loose.rest
        );
        println!(
            "{person}: unlike the joint file {:?}",
            world.unlike_joint(person, plain)
        );
    }
}

/// Set A: BRCA1 of a person with reads. A file without most records, filled from the reads, gives the
/// sum of the whole file over the sites that the reads show.
#[test]
fn records_that_come_back_from_reads() {
    let folder = shared("brca1_grch37_true_coords");
    let joint = folder.join("brca1_1kg_3samples.vcf.gz");
    let parts = tempfile::tempdir().expect("a folder");
    let at = |name: &str| parts.path().join(name);
    // The FASTA of the set ends behind the gene, and files of reads state the contig's true length.
    let mut genome = crate::fasta::Genome::default().contig("17", 81_195_210);
    let sequence = shell(&format!(
        "samtools faidx {} 17 | tail -n +2 | tr -d '\\n'",
        text(&folder.join("chr17_brca1_sparse.fa.gz"))
    ));
    let first = sequence
        .bytes()
        .position(|base| base != b'N')
        .expect("a base");
    genome.put(
        "17",
        first as u64 + 1,
        sequence[first..].trim_end_matches('N'),
    );
    let world = World::new(joint, genome.write(parts.path()), "GRCh37");
    let joint = text(&world.joint);
    let (whole, part) = (at("whole.vcf.gz"), at("part.vcf.gz"));
    for (path, filter) in [(&whole, ""), (&part, "&& NR % 5 == 0")] {
        shell(&format!(
            "bcftools view -s HG00099 {joint} | awk '/^#/ || 1 {filter}' | bgzip > {0}; tabix {0}",
            text(path)
        ));
    }
    let reads = text(&folder.join("HG00099.brca1.bam"));
    let sheet = |vcf: &Path| format!("patient,vcf,alignment\nP1,{},{reads}\n", text(vcf));
    let complete = &world.check("whole", &sheet(&whole), &["--genotype-from-reads"])["P1"];
    assert_eq!(world.unlike_joint("HG00099", complete), [0; 0]);
    let few = &world.check("part", &sheet(&part), &[])["P1"];
    let filled = &world.check("filled", &sheet(&part), &["--genotype-from-reads"])["P1"];
    assert!(few.called < 0.25 && filled.called > few.called + 0.2);

    let unlike = world.unlike_joint("HG00099", filled);
    println!(
        "{} of {} rows called with reads, {} without; unlike the whole file: {unlike:?}",
        filled.rows,
        world.weights.len(),
        few.rows
    );
    assert!(filled.rows > few.rows + 500);
    // The known one (docs/reads.md).
    assert!(unlike.len() <= 1);
}
