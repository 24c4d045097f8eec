//! Two runs on three people of the 1000 Genomes Project with two releases of ClinVar, against what
//! bcftools says of who carries what.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::support::oracle::{Decoded, Key, shared, shell};
use crate::support::program::{Call, Table, text};

const CLINVAR: &str = "clinvar_gnomad/clinvar_grch37_2016-10-03.vcf.gz";
/// BRCA1, where the reference has bases.
const REGION: &str = "17:41196313-41277500";
/// Codes of the release at hand: 0 uncertain, 2 benign, 4 likely pathogenic, 5 pathogenic.
const UNCERTAIN: Option<&str> = Some("0");
const BENIGN: Option<&str> = Some("2");
const LIKELY: Option<&str> = Some("4");
const PATHOGENIC: Option<&str> = Some("5");

/// An allele of contig 17 that the second release has otherwise, or not at all, or alone.
struct Planted {
    position: u32,
    reference: &'static str,
    alternate: &'static str,
    /// Code of the release at hand; none where it does not have the allele.
    at_hand: Option<&'static str>,
    /// Codes in both releases that are made of it.
    releases: [Option<&'static str>; 2],
}

const fn planted(
    position: u32,
    (reference, alternate): (&'static str, &'static str),
    at_hand: Option<&'static str>,
    releases: [Option<&'static str>; 2],
) -> Planted {
    Planted {
        position,
        reference,
        alternate,
        at_hand,
        releases,
    }
}

/// What is changed. Nobody among the three carries an allele that the release at hand calls
/// pathogenic, so some are made so in the first release, and lose it in the second.
const PLANTED: [Planted; 15] = [
    // All three are homozygous.
    planted(41_232_344, ("G", "C"), BENIGN, [BENIGN, PATHOGENIC]),
    // Not in ClinVar: an insertion that all three have twice, a deletion that all have once.
    planted(41_229_777, ("G", "GT"), None, [None, LIKELY]),
    planted(41_196_821, ("CT", "C"), None, [None, PATHOGENIC]),
    // Not in ClinVar, of one person.
    planted(41_203_676, ("C", "T"), None, [None, PATHOGENIC]),
    planted(41_272_996, ("G", "A"), BENIGN, [BENIGN, LIKELY]),
    planted(41_196_408, ("G", "A"), BENIGN, [BENIGN, PATHOGENIC]),
    // Down, out, and to another class that is reported.
    planted(41_197_274, ("C", "A"), BENIGN, [PATHOGENIC, UNCERTAIN]),
    planted(41_198_621, ("A", "G"), BENIGN, [PATHOGENIC, None]),
    planted(41_201_364, ("T", "C"), BENIGN, [PATHOGENIC, LIKELY]),
    // Carried, and in no class that is reported.
    planted(41_273_422, ("C", "T"), BENIGN, [BENIGN, UNCERTAIN]),
    // Nobody carries them; of the second one person has no call.
    planted(41_197_637, ("G", "A"), UNCERTAIN, [UNCERTAIN, PATHOGENIC]),
    planted(41_196_363, ("C", "T"), BENIGN, [BENIGN, PATHOGENIC]),
    planted(
        41_234_420,
        ("C", "T"),
        Some("5|5|5|5"),
        [Some("5|5|5|5"), None],
    ),
    // Not in the file of the three.
    planted(41_197_820, ("C", "T"), PATHOGENIC, [PATHOGENIC, BENIGN]),
    planted(41_197_859, ("A", "T"), PATHOGENIC, [PATHOGENIC, None]),
];

impl Planted {
    fn key(&self) -> Key {
        (
            "17".to_owned(),
            self.position.to_string(),
            self.reference.to_owned(),
            self.alternate.to_owned(),
        )
    }

    fn class(&self, release: usize) -> Option<&'static str> {
        self.releases[release].map(|code| match code {
            "0" => "uncertain_significance",
            "2" => "benign",
            "4" => "likely_pathogenic",
            "5" | "5|5|5|5" => "pathogenic",
            other => panic!("{other}"),
        })
    }
}

/// A release cut from the one at hand, as a bundle.
fn release(folder: &Path, number: usize, fasta: &Path) -> PathBuf {
    let at_hand = text(&shared(CLINVAR));
    let lines = shell(&format!("bcftools view -r {REGION} {at_hand}"));
    let mut left: BTreeMap<(u32, &str, &str), &Planted> = PLANTED
        .iter()
        .map(|own| ((own.position, own.reference, own.alternate), own))
        .collect();
    let mut cut = String::new();
    for line in lines.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let own = (!line.starts_with('#')).then(|| {
            let position = cells[1].parse().expect("a number");
            left.remove(&(position, cells[3], cells[4]))
        });
        let Some(own) = own.flatten() else {
            cut += &format!("{line}\n");
            continue;
        };
        let code = format!("CLNSIG={};", own.at_hand.expect("the release has it"));
        assert!(line.contains(&code), "{line}");
        if let Some(other) = own.releases[number] {
            let changed = line.replace(&code, &format!("CLNSIG={other};"));
            cut += &format!("{changed}\n");
        }
    }
    for own in left.values() {
        assert_eq!(own.at_hand, None, "{} is in no record", own.position);
        if let Some(code) = own.releases[number] {
            let (contig, position, reference, alternate) = own.key();
            cut += &format!(
                "{contig}\t{position}\t.\t{reference}\t{alternate}\t.\t.\tGENE=BRCA1;CLNSIG={code};CLNDBN=not_provided\n"
            );
        }
    }
    let at = |name: &str| folder.join(format!("{number}-{name}"));
    let (unsorted, sorted) = (text(&at("unsorted.vcf")), text(&at("clinvar.vcf.gz")));
    std::fs::write(&unsorted, cut).expect("a file");
    shell(&format!(
        "bcftools sort -Oz -o {sorted} {unsorted} 2>/dev/null"
    ));
    let config = format!(
        "genome_build = \"GRCh37\"\n[[source]]\nname = \"clinvar\"\nkind = \"clinvar\"\npath = \"{sorted}\"\nrelease = \"cut-{number}\"\nlicence = \"public domain\"\n"
    );
    std::fs::write(at("knowledge.toml"), config).expect("a file");
    Call::new("knowledge build")
        .with("--config", text(&at("knowledge.toml")))
        .with("--reference", text(fasta))
        .with("--output", text(&at("bundle")))
        .succeed();
    at("bundle")
}

/// Alleles of a table's rows.
fn keys(table: &Table) -> Vec<Key> {
    let [contigs, positions, references, alternates] =
        ["contig", "position", "ref", "alt"].map(|name| table.texts(name));
    (0..table.len())
        .map(|row| {
            let own = [&contigs, &positions, &references, &alternates];
            let [contig, position, reference, alternate] = own.map(|own| own[row].to_owned());
            (contig, position, reference, alternate)
        })
        .collect()
}

/// Person, allele, class before and after, alerts.
type Row = (String, Key, String, String, Option<String>);

/// What must be listed from one release to another.
fn expected(decoded: &Decoded, [from, to]: [usize; 2]) -> BTreeSet<Row> {
    let is_reported = |class: Option<&str>| class.is_some_and(|own| own.ends_with("pathogenic"));
    let mut rows = BTreeSet::new();
    for own in &PLANTED {
        let (before, after) = (own.class(from), own.class(to));
        let reported = (is_reported(before), is_reported(after));
        let alerts = match reported {
            (false, false) => continue,
            (false, true) => Some("reclassified_up;new_pathogenic"),
            (true, false) => Some("reclassified_down"),
            (true, true) => None,
        };
        let key = own.key();
        for row in decoded.rows.iter().filter(|row| row.key == key) {
            for (person, copies) in decoded.samples.iter().zip(&row.copies) {
                if copies.is_some_and(|copies| copies > 0) {
                    let word = |class: Option<&str>, run: &str| {
                        class.map_or(format!("not in clinvar of {run}"), str::to_owned)
                    };
                    rows.insert((
                        person.clone(),
                        key.clone(),
                        word(before, "A"),
                        word(after, "B"),
                        alerts.map(str::to_owned),
                    ));
                }
            }
        }
    }
    rows
}

fn check(folder: &Path, decoded: &Decoded, releases: [usize; 2]) -> BTreeSet<Row> {
    let [from, to] = releases;
    let output = folder.join(format!("changes-{from}-{to}"));
    let done = Call::new("diff")
        .also(&text(&folder.join(format!("run-{from}"))), "")
        .also(&text(&folder.join(format!("run-{to}"))), "")
        .with("--output", text(&output))
        .run();
    assert_eq!(done.code, Some(3), "{}", done.stderr);
    for person in &decoded.samples {
        assert!(!done.stdout.contains(person) && !done.stderr.contains(person));
    }
    assert!(!done.stdout.contains("not comparable"), "{}", done.stdout);

    let table = Table::read(&output, "changes");
    let names = ["category", "patient", "before", "after", "causes", "gene"];
    let [categories, people, before, after, causes, genes] = names.map(|name| table.texts(name));
    let alerts = table.column("alerts");
    let mut found = BTreeSet::new();
    for (row, key) in keys(&table).into_iter().enumerate() {
        assert_eq!(
            (categories[row], causes[row]),
            ("reclassified", "knowledge")
        );
        assert_eq!(genes[row], "BRCA1");
        let [person, before, after] = [&people, &before, &after].map(|own| own[row].to_owned());
        found.insert((person, key, before, after, alerts[row].map(str::to_owned)));
    }
    assert_eq!(found.len(), table.len());
    assert_eq!(found, expected(decoded, releases));

    // All planted alleles of the file, whoever carries them.
    let table = Table::read(&output, "reclassifications");
    let [before, after] = ["before", "after"].map(|name| table.column(name));
    let all: BTreeMap<Key, [Option<&str>; 2]> = keys(&table)
        .into_iter()
        .enumerate()
        .map(|(row, key)| (key, [before[row], after[row]]))
        .collect();
    assert_eq!(all.len(), table.len());
    let alleles = decoded.keys();
    let planted: BTreeMap<Key, [Option<&str>; 2]> = PLANTED
        .iter()
        .filter(|own| alleles.contains_key(&own.key()))
        .map(|own| (own.key(), [own.class(from), own.class(to)]))
        .collect();
    assert_eq!(planted.len(), PLANTED.len() - 2);
    assert_eq!(all, planted);
    found
}

/// Set A. Exactly what was changed is listed, for those who carry it, and the other way round too.
#[test]
fn two_releases_of_clinvar_over_brca1() {
    let started = Instant::now();
    let folder = tempfile::tempdir().expect("a folder");
    let data = shared("brca1_grch37_true_coords");
    let (vcf, fasta) = (
        data.join("brca1_1kg_3samples.vcf.gz"),
        data.join("chr17_brca1_sparse.fa.gz"),
    );
    for number in [0, 1] {
        let bundle = release(folder.path(), number, &fasta);
        Call::new("run")
            .with("--vcf", text(&vcf))
            .with("--reference", text(&fasta))
            .with("--build", "GRCh37")
            .with("--knowledge", text(&bundle))
            .with("--gene-models", text(&data.join("brca1_gencode19.gff3.gz")))
            .with(
                "--output",
                text(&folder.path().join(format!("run-{number}"))),
            )
            .succeed();
    }
    let decoded = Decoded::of(&vcf, &fasta, "e");
    assert_eq!(decoded.samples, ["HG00096", "HG00099", "HG00101"]);
    let found = check(folder.path(), &decoded, [0, 1]);
    let people: BTreeSet<&str> = found.iter().map(|row| row.0.as_str()).collect();
    let alleles: BTreeSet<&Key> = found.iter().map(|row| &row.1).collect();
    assert_eq!((people.len(), alleles.len()), (3, 9));
    let undone = check(folder.path(), &decoded, [1, 0]);
    assert_eq!(undone.len(), found.len());
    println!(
        "set A: {} changes of {} alleles for {} people as by bcftools; {:.1} s",
        found.len(),
        alleles.len(),
        people.len(),
        started.elapsed().as_secs_f64()
    );
}
