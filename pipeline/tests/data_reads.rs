//! Set A with its reads: knowledge, depths, genotypes from reads and swapped samples, against what
//! bcftools and samtools make of the same files.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::data_annotation::{build, by_allele, by_bcftools, clinvar, is_bases};
use crate::support::oracle::{Decoded, Key, shared, shell};
use crate::support::program::{Call, Table, run_record, testdata, text};

const FOLDER_A: &str = "brca1_grch37_true_coords";
const CONSTRAINT: &str = "clinvar_gnomad/gnomad.v2.1.1.gene-constraints.tsv.gz";
/// Bases of chromosome 17 in GRCh37.
const LENGTH_17: usize = 81_195_210;

/// The FASTA of set A ends behind the gene, and files of reads state the contig's true length.
fn padded(folder: &Path) -> PathBuf {
    let fasta = text(&shared(FOLDER_A).join("chr17_brca1_sparse.fa.gz"));
    let path = folder.join("17.fa");
    let sequence = shell(&format!(
        "samtools faidx {fasta} 17 | tail -n +2 | tr -d '\\n'"
    ));
    assert!(sequence.len() < LENGTH_17);
    let mut bases = sequence.into_bytes();
    bases.resize(LENGTH_17, b'N');
    let file = std::fs::File::create(&path).expect("a file");
    let mut out = std::io::BufWriter::new(file);
    out.write_all(b">17\n").expect("a name");
    for line in bases.chunks(100) {
        out.write_all(line).expect("a line");
        out.write_all(b"\n").expect("a line");
    }
    out.into_inner().expect("the whole file");
    shell(&format!("samtools faidx {}", text(&path)));
    path
}

/// Set A: BRCA1 of three people, two of whom have reads.
struct SetA {
    folder: tempfile::TempDir,
    vcf: PathBuf,
    fasta: PathBuf,
    bundle: PathBuf,
}

impl SetA {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let fasta = padded(folder.path());
        let config = format!(
            r#"genome_build = "GRCh37"
[[source]]
name = "clinvar"
kind = "clinvar"
path = "{}"
release = "2016-10"
licence = "public domain"
[[source]]
name = "constraint"
kind = "gene_table"
path = "{}"
release = "2.1.1"
licence = "open"
key = {{ column = "gene", by = "symbol" }}
fields = {{ loeuf = {{ from = "oe_lof_upper", type = "float" }} }}
[[source]]
name = "gencode"
kind = "gene_models"
path = "{}"
release = "19"
licence = "open"
"#,
            clinvar(folder.path(), "17:41196312-41277500"),
            text(&shared(CONSTRAINT)),
            text(&shared(FOLDER_A).join("brca1_gencode19.gff3.gz")),
        );
        let bundle = build(folder.path(), &config, &fasta);
        Self {
            vcf: shared(FOLDER_A).join("brca1_1kg_3samples.vcf.gz"),
            folder,
            fasta,
            bundle,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bam(person: &str) -> String {
        text(&shared(FOLDER_A).join(format!("{person}.brca1.bam")))
    }

    /// Patients, each with a sample and reads.
    fn call(&self, verb: &'static str, output: &str, patients: &[(&str, &str, &str)]) -> Call {
        let mut sheet = "patient,sample,sex,alignment\n".to_owned();
        for (patient, sample, reads) in patients {
            sheet += &format!("{patient},{sample},,{reads}\n");
        }
        let path = self.at(&format!("{output}.csv"));
        std::fs::write(&path, sheet).expect("a samplesheet");
        Call::new(verb)
            .with("--vcf", text(&self.vcf))
            .with("--samplesheet", text(&path))
            .with("--reference", text(&self.fasta))
            .with("--build", "GRCh37")
            .with("--output", text(&self.at(output)))
            .with("--threads", "2")
    }

    fn run(&self, output: &str, patients: &[(&str, &str, &str)]) -> Call {
        self.call("run", output, patients)
            .with("--knowledge", text(&self.bundle))
            .with("--model", testdata("models/variant-kmer"))
    }
}

#[test]
fn brca1_with_knowledge_and_reads() {
    let set = SetA::new();
    let bams = ["HG00096", "HG00099"].map(SetA::bam);
    let patients = [
        ("P1", "HG00096", bams[0].as_str()),
        ("P2", "HG00099", bams[1].as_str()),
        ("P3", "HG00101", ""),
    ];
    set.run("report", &patients).succeed();
    let output = set.at("report");
    let variants = Table::read(&output, "variants");

    let names = ["clinvar.significance_raw", "clinvar.disease"];
    let ours = by_allele(&variants, &names);
    let part = text(&set.at("clinvar.vcf.gz"));
    let theirs = by_bcftools(
        set.folder.path(),
        &text(&set.vcf),
        &part,
        &text(&set.fasta),
        &["CLNSIG", "CLNDBN"],
    );
    let (mut compared, mut known) = (0, 0);
    for (key, values) in theirs.iter().filter(|(key, _)| is_bases(key)) {
        for own in &ours[key] {
            assert_eq!(own, values, "{key:?}");
            compared += 1;
            known += usize::from(own[0].is_some());
        }
    }
    assert!(compared > 2000 && known > 20, "{compared} {known}");

    // The gene's constraint, where the chosen consequence is of the gene.
    let table = text(&shared(CONSTRAINT));
    let line = shell(&format!("zcat {table} | awk '$1 == \"BRCA1\"'"));
    let loeuf: f64 = line
        .trim()
        .rsplit('\t')
        .next()
        .expect("cells")
        .parse()
        .expect("a number");
    let genes = variants.column("consequence.gene");
    for (gene, value) in genes.iter().zip(variants.numbers("constraint.loeuf")) {
        assert_eq!(value, gene.filter(|gene| *gene == "BRCA1").map(|_| loeuf));
    }
    assert!(genes.iter().flatten().count() > 2000);

    let sources = run_record(&output)["knowledge"].clone();
    let releases: Vec<&str> = sources
        .as_array()
        .expect("sources")
        .iter()
        .filter_map(|source| source["release"].as_str())
        .collect();
    assert_eq!(releases, ["2016-10", "19", "2.1.1"]);
    let features = Table::read(&output, "features");
    let concordances: Vec<f64> = features
        .texts("feature")
        .iter()
        .zip(features.numbers("value"))
        .filter(|(name, _)| **name == "reads.concordance")
        .filter_map(|(_, value)| value)
        .collect();
    assert_eq!(concordances.len(), 2);
    assert!(
        concordances.iter().all(|share| *share > 0.95),
        "{concordances:?}"
    );
    let mean = check_depths(&set, &variants, &patients);
    println!(
        "set A: {compared} alleles equal to bcftools annotate, {known} of them in ClinVar; depths of {mean} alleles equal to samtools; concordance {concordances:?}"
    );
}

/// A base of reads at a position, as `samtools mpileup` shows it: depth, reads that show the
/// reference, and reads of each base.
#[derive(Debug, Default)]
struct Column {
    depth: u32,
    reference: u32,
    bases: BTreeMap<char, u32>,
    has_gap: bool,
}

fn pileup(bam: &str, fasta: &str) -> BTreeMap<u32, Column> {
    let lines = shell(&format!(
        "samtools mpileup -A -B -d 0 -q 20 -Q 13 -f {fasta} {bam} 2>/dev/null"
    ));
    lines
        .lines()
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            (cells[1].parse().expect("a position"), column(cells[4]))
        })
        .collect()
}

fn column(text: &str) -> Column {
    let mut column = Column::default();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '^' => {
                letters.next();
            }
            '$' => {}
            '+' | '-' => {
                let mut length = 0;
                while let Some(digit) = letters.peek().and_then(|letter| letter.to_digit(10)) {
                    length = length * 10 + digit;
                    letters.next();
                }
                for _ in 0..length {
                    letters.next();
                }
            }
            '>' | '<' => {}
            '*' | '#' => {
                column.depth += 1;
                column.has_gap = true;
            }
            '.' | ',' => {
                column.depth += 1;
                column.reference += 1;
            }
            base => {
                column.depth += 1;
                let base = base.to_ascii_uppercase();
                *column.bases.entry(base).or_default() += 1;
            }
        }
    }
    column
}

/// Depths of single bases in the table of evidence are those of samtools, and the column of the
/// variants table is their mean over carriers. Places beside deletions are left out: htslib counts a
/// fragment twice there.
fn check_depths(set: &SetA, variants: &Table, patients: &[(&str, &str, &str)]) -> usize {
    set.call("evidence", "evidence", patients).succeed();
    let table = Table::read(&set.at("evidence"), "evidence");
    let fasta = text(&set.fasta);
    let columns: BTreeMap<&str, BTreeMap<u32, Column>> = patients
        .iter()
        .filter(|(_, _, reads)| !reads.is_empty())
        .map(|(patient, _, reads)| (*patient, pileup(reads, &fasta)))
        .collect();
    let owners = table.texts("patient");
    let positions = table.numbers("position");
    let (references, alternates) = (table.texts("ref"), table.column("alt"));
    let depths = ["depth", "ref_depth", "alt_depth"].map(|name| table.numbers(name));
    let genotypes = table.column("genotype");
    // Of each single base: sum of the depths of carriers, carriers, and whether it can be compared.
    let mut carried: BTreeMap<(u32, &str), (f64, u32, bool)> = BTreeMap::new();
    let mut compared = 0;
    for row in 0..table.len() {
        let position = positions[row].expect("a position") as u32;
        let (reference, alternate) = (references[row], alternates[row].unwrap_or("."));
        let is_base = |text: &str| text.len() == 1 && "ACGT".contains(text);
        if !is_base(reference) || !is_base(alternate) {
            continue;
        }
        let Some(reads) = columns.get(owners[row]) else {
            assert_eq!(depths[0][row], None, "row {row}");
            continue;
        };
        let nothing = Column::default();
        let near = |at: u32| reads.get(&at).is_some_and(|column| column.has_gap);
        let is_sound = !(position.saturating_sub(1)..=position).any(near);
        let column = reads.get(&position).unwrap_or(&nothing);
        let letter = alternate.chars().next().expect("a base");
        let expected = [
            column.depth,
            column.reference,
            column.bases.get(&letter).copied().unwrap_or(0),
        ];
        if is_sound {
            let found = depths.each_ref().map(|depths| depths[row]);
            assert_eq!(found, expected.map(|it| Some(f64::from(it))), "{position}");
            compared += 1;
        }
        if genotypes[row].is_some_and(|genotype| genotype.contains('1')) {
            let own = carried
                .entry((position, alternate))
                .or_insert((0.0, 0, true));
            own.0 += f64::from(column.depth);
            own.1 += 1;
            own.2 &= is_sound;
        }
    }
    assert!(compared > 3000, "{compared}");
    let means = variants.column("reads.depth");
    let (positions, alternates) = (variants.numbers("position"), variants.column("alt"));
    let mut checked = 0;
    for row in 0..variants.len() {
        let position = positions[row].expect("a position") as u32;
        let key = (position, alternates[row].unwrap_or("."));
        let Some((sum, carriers, true)) = carried.get(&key) else {
            continue;
        };
        let mean = (sum / f64::from(*carriers)) as f32;
        let found: Option<f32> = means[row].map(|text| text.parse().expect("a number"));
        assert_eq!(found, Some(mean), "{key:?}");
        checked += 1;
    }
    assert!(checked > 50, "{checked}");
    compared
}

/// HG00096 and HG00099 carry the same haplotypes of this gene; HG00101 has others.
#[test]
fn reads_of_somebody_else() {
    let set = SetA::new();
    let reads = SetA::bam("HG00096");
    let swapped = [
        ("P1", "HG00101", reads.as_str()),
        ("P2", "HG00099", ""),
        ("P3", "HG00096", ""),
    ];
    for verb in ["run", "evidence"] {
        let call = if verb == "run" {
            set.run("swapped", &swapped)
        } else {
            set.call("evidence", "swapped", &swapped)
        };
        let refused = call.run();
        assert_eq!(refused.code, Some(65), "{verb}: {}", refused.stderr);
        let sentence = refused.stderr.lines().last().unwrap_or_default();
        assert!(sentence.contains("HG00096.brca1.bam"), "{verb}: {sentence}");
        assert!(sentence.contains("2 of 87"), "{verb}: {sentence}");
        assert!(!sentence.contains("HG00101"), "{verb}: {sentence}");
        assert!(!set.at("swapped").exists(), "{verb}");
    }
    let unlisted = [("P1", "HG00096", reads.as_str())];
    set.run("alone", &unlisted)
        .also("--ignore-unlisted-samples", "")
        .succeed();
    // What the FASTA of the set says of the contig's length is not what the reads say.
    let cut = shared(FOLDER_A).join("chr17_brca1_sparse.fa.gz");
    let refused = set
        .call("evidence", "cut", &unlisted)
        .with("--reference", text(&cut))
        .also("--ignore-unlisted-samples", "")
        .run();
    assert_eq!(refused.code, Some(65), "{}", refused.stderr);
    assert!(refused.stderr.contains("81195210"), "{}", refused.stderr);
}

/// Sites of BRCA1 that the file of a patient lacks, called from the reads: the same as the calls that
/// were taken away.
#[test]
fn calls_that_were_taken_away_come_back_from_reads() {
    let set = SetA::new();
    let (whole, own) = (text(&set.vcf), text(&set.at("own.vcf.gz")));
    // Every fifth record stays.
    shell(&format!(
        "bcftools view -s HG00099 {whole} | awk '/^#/ || NR % 5 == 0' | bgzip > {own}; tabix {own}"
    ));
    let sheet = set.at("own.csv");
    let reads = SetA::bam("HG00099");
    let rows = format!("patient,vcf,alignment\nP1,{own},{reads}\n");
    std::fs::write(&sheet, rows).expect("a samplesheet");
    let output = set.at("filled");
    Call::new("evidence")
        .with("--samplesheet", text(&sheet))
        .with("--sites", whole)
        .with("--reference", text(&set.fasta))
        .with("--build", "GRCh37")
        .with("--output", text(&output))
        .also("--genotype-from-reads", "")
        .succeed();
    let decoded = Decoded::of(&set.vcf, &set.fasta, "e");
    let at = decoded
        .samples
        .iter()
        .position(|it| it == "HG00099")
        .expect("a sample");
    let expected: BTreeMap<&Key, Option<u8>> = decoded
        .rows
        .iter()
        .map(|row| (&row.key, row.copies[at]))
        .collect();
    let table = Table::read(&output, "evidence");
    let rows = by_allele(&table, &["origin", "genotype"]);
    let (mut filled, mut differ) = (0, Vec::new());
    for (key, values) in &rows {
        let [origin, genotype] = &values[0][..] else {
            panic!("two columns");
        };
        if origin.as_deref() != Some("reads") {
            continue;
        }
        let copies = genotype
            .as_deref()
            .map(|text| text.matches('1').count() as u8);
        filled += 1;
        if copies != expected[key] {
            differ.push((key, copies, expected[key]));
        }
    }
    println!(
        "{filled} genotypes from reads, {} differ: {differ:?}",
        differ.len()
    );
    assert!(filled > 500, "{filled}");
    // One is the known one (docs/reads.md).
    assert!(differ.len() <= 2, "{differ:?}");
}
