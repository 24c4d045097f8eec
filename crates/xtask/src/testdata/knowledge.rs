//! What is known of the cohort's alleles, as files that a user would download: a ClinVar-like VCF, a
//! sites VCF with frequencies, a gene table, coding regions, and the configuration that makes a
//! bundle of them.

use super::genes::Gene;
use super::genome::CONTIGS;
use super::genotypes::Record;
use crate::random::Random;

/// Haplotypes of the population that frequencies are of.
const POPULATION: u64 = 20_000;

/// `knowledge.toml`.
pub(crate) const CONFIGURATION: &str = r#"# Sources of the demo's knowledge bundle. All of them are synthetic.
genome_build = "other"

[[source]]
name = "clinvar"
kind = "clinvar"
path = "clinvar.vcf.gz"
release = "synthetic-1"
licence = "MIT OR Apache-2.0"

[[source]]
name = "population"
kind = "vcf"
path = "population.vcf.gz"
release = "synthetic-1"
licence = "MIT OR Apache-2.0"
[source.fields]
af = { from = "AF", meaning = "allele frequency in a synthetic population" }
ac = "AC"
an = "AN"

[[source]]
name = "gene"
kind = "gene_table"
path = "genes.tsv"
release = "synthetic-1"
licence = "MIT OR Apache-2.0"
key = { column = "gene", by = "symbol" }
[source.fields]
loeuf = { from = "loeuf", type = "float", meaning = "upper bound of observed by expected loss-of-function alleles" }

[[source]]
name = "coding"
kind = "bed"
path = "coding.bed"
release = "synthetic-1"
licence = "MIT OR Apache-2.0"
[source.fields]
inside = { type = "flag", meaning = "inside a coding part of an exon" }

[[source]]
name = "genes"
kind = "gene_models"
path = "../genes.gff3"
release = "synthetic-1"
licence = "MIT OR Apache-2.0"
"#;

fn is_bases(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|base| b"ACGTacgt".contains(&base))
}

/// Records whose alleles are all bases.
fn plain(records: &[Record]) -> impl Iterator<Item = &Record> {
    records.iter().filter(|record| {
        let site = &record.site;
        is_bases(&site.reference)
            && !site.alternates.is_empty()
            && site
                .alternates
                .iter()
                .all(|alternate| is_bases(&alternate.text))
    })
}

fn header(lines: &[&str]) -> String {
    let mut text = String::from("##fileformat=VCFv4.3\n");
    for (name, length) in CONTIGS {
        text.push_str(&format!("##contig=<ID={name},length={length}>\n"));
    }
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
}

fn row(record: &Record, id: &str, alternates: &[&str], info: &str) -> String {
    let site = &record.site;
    let (name, _) = CONTIGS[site.contig];
    format!(
        "{name}\t{}\t{id}\t{}\t{}\t.\t.\t{info}\n",
        site.position + 1,
        site.reference,
        alternates.join(",")
    )
}

/// The causal alleles as pathogenic, and every twentieth other record as benign or uncertain.
pub(crate) fn clinvar(records: &[Record]) -> String {
    let mut text = header(&[
        "##INFO=<ID=ALLELEID,Number=1,Type=Integer,Description=\"ClinVar allele identifier\">",
        "##INFO=<ID=CLNDN,Number=.,Type=String,Description=\"ClinVar's disease name\">",
        "##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description=\"ClinVar's review status\">",
        "##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"Clinical significance\">",
    ]);
    for (number, record) in plain(records).enumerate() {
        let site = &record.site;
        let (significance, status, disease) = match (&site.causal, number % 20) {
            (Some(_), _) => (
                "Pathogenic",
                "criteria_provided,_multiple_submitters,_no_conflicts",
                "Toy_disease",
            ),
            (None, 0) => (
                "Benign",
                "criteria_provided,_single_submitter",
                "not_specified",
            ),
            (None, 10) => (
                "Uncertain_significance",
                "no_assertion_criteria_provided",
                "not_provided",
            ),
            _ => continue,
        };
        // ClinVar has one allele in each record.
        let alternate = site.alternates[0].text.as_str();
        text.push_str(&row(
            record,
            &(100_000 + number).to_string(),
            &[alternate],
            &format!("ALLELEID={number};CLNDN={disease};CLNREVSTAT={status};CLNSIG={significance}"),
        ));
    }
    text
}

/// Frequencies of most records, several alleles in one record where the cohort has them so; causal
/// alleles are rare.
pub(crate) fn population(random: &mut Random, records: &[Record]) -> String {
    let mut text = header(&[
        "##INFO=<ID=AC,Number=A,Type=Integer,Description=\"Alternate allele count\">",
        "##INFO=<ID=AF,Number=A,Type=Float,Description=\"Alternate allele frequency\">",
        "##INFO=<ID=AN,Number=1,Type=Integer,Description=\"Alleles called\">",
    ]);
    for record in plain(records) {
        let site = &record.site;
        if !random.chance(850) {
            continue;
        }
        let most = if site.causal.is_some() { 3 } else { 2_000 };
        let counts: Vec<u64> = site
            .alternates
            .iter()
            .map(|_| random.between(0, most))
            .collect();
        let joined = |values: Vec<String>| values.join(",");
        // A multiple of 1/20,000 has five decimals at most.
        let share = |count: &u64| {
            format!(
                "{}.{:05}",
                count / POPULATION,
                count * 100_000 / POPULATION % 100_000
            )
        };
        let info = format!(
            "AC={};AF={};AN={POPULATION}",
            joined(counts.iter().map(u64::to_string).collect()),
            joined(counts.iter().map(share).collect()),
        );
        let alternates: Vec<&str> = site
            .alternates
            .iter()
            .map(|alternate| alternate.text.as_str())
            .collect();
        text.push_str(&row(record, ".", &alternates, &info));
    }
    text
}

/// A constraint for each gene.
pub(crate) fn gene_table(genes: &[Gene]) -> String {
    let mut text = String::from("gene\tloeuf\n");
    for (number, gene) in genes.iter().enumerate() {
        text.push_str(&format!("{}\t0.{}\n", gene.name, 15 + number * 7));
    }
    text
}

/// Coding parts of exons, 0-based half-open, sorted.
pub(crate) fn coding(genes: &[Gene]) -> String {
    let mut parts: Vec<(usize, usize, usize)> = genes
        .iter()
        .flat_map(|gene| {
            let contig = gene.contig;
            gene.coding
                .iter()
                .map(move |part| (contig, part.start, part.end))
        })
        .collect();
    parts.sort_unstable();
    parts
        .into_iter()
        .map(|(contig, start, end)| format!("{}\t{start}\t{end}\n", CONTIGS[contig].0))
        .collect()
}
