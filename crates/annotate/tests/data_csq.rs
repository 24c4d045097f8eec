//! Our terms against live `bcftools csq -l`, allele by allele and transcript by transcript, on sets
//! A and C, on ClinVar over set A, and on bcftools' own cases.
//!
//! Alleles are split and normalised by `bcftools norm` first. Compared are the terms of every
//! transcript in bcftools' vocabulary; see [`mapped`] for what it has no word for. It names introns
//! and non-coding transcripts by biotype only, and only where no transcript of the record has
//! anything else, so they are compared like that. Every difference is listed with its reason and
//! its count, and must be there.
#![cfg(test)]

mod support;

#[path = "support/shell.rs"]
mod shell;

#[path = "support/bcftools.rs"]
mod bcftools;

#[path = "support/models.rs"]
mod models;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use bcftools::{Record, csq, ensembl_gff, records};
use models::one_parent_each;
use shell::shell;
use support::data;
use varisk_annotate::{Annotator, ConsequenceOptions, GeneModels, Lines, Term, most_severe};
use varisk_core::Position;
use varisk_reference::Reference;

/// A term of ours in the vocabulary of bcftools; `None` where it has no such term.
fn mapped(term: Term, longer: bool) -> Option<&'static str> {
    Some(match term {
        Term::SpliceAcceptor => "splice_acceptor",
        Term::SpliceDonor => "splice_donor",
        Term::StopGained => "stop_gained",
        Term::Frameshift => "frameshift",
        Term::StopLost => "stop_lost",
        Term::StartLost => "start_lost",
        Term::InframeInsertion => "inframe_insertion",
        Term::InframeDeletion => "inframe_deletion",
        Term::Missense => "missense",
        Term::ProteinAltering if longer => "inframe_insertion",
        Term::ProteinAltering => "inframe_deletion",
        Term::SpliceDonor5thBase | Term::SpliceDonorRegion | Term::SpliceRegion => "splice_region",
        Term::StartRetained => "start_retained",
        Term::StopRetained => "stop_retained",
        Term::Synonymous => "synonymous",
        Term::CodingSequence => "coding_sequence",
        Term::FivePrimeUtr => "5_prime_utr",
        Term::ThreePrimeUtr => "3_prime_utr",
        Term::Intron => "intron",
        _ => return None,
    })
}

/// Terms by transcript, as bcftools gives them. Introns and non-coding transcripts stand under
/// their gene and biotype.
fn theirs(bcsq: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in bcsq.split(',').filter(|entry| *entry != ".") {
        let fields: Vec<&str> = entry.split('|').collect();
        let key = if fields[2].is_empty() {
            fields[3].to_owned()
        } else {
            fields[2].to_owned()
        };
        let terms = found.entry(key).or_default();
        terms.extend(
            fields[0]
                .split('&')
                .map(|term| term.trim_start_matches('*').to_owned()),
        );
    }
    found
}

/// Biotypes that bcftools writes by another name.
fn short_biotype(biotype: &str) -> &str {
    match biotype {
        "nonsense_mediated_decay" => "NMD",
        other => other,
    }
}

struct Outcome {
    compared: usize,
    differences: BTreeMap<(String, String), Vec<String>>,
}

fn compare(reference: &Path, models: &Path, records: &[Record]) -> Outcome {
    let reference = Reference::open(reference).unwrap();
    let models = Arc::new(GeneModels::read(models, reference.contigs()).unwrap());
    let mut annotator = Annotator::new(
        Arc::clone(&models),
        reference.reader().unwrap(),
        ConsequenceOptions::default(),
    );
    let mut outcome = Outcome {
        compared: 0,
        differences: BTreeMap::new(),
    };
    let (mut found, mut name) = (Vec::new(), String::new());
    for record in records {
        let contig = reference.contigs().find(&record.contig).unwrap();
        annotator
            .annotate(
                contig,
                Position(record.position),
                record.reference.as_bytes(),
                record.alternate.as_bytes(),
                &mut found,
                &mut name,
            )
            .unwrap();
        let longer = record.alternate.len() > record.reference.len();
        let mut ours: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut introns: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut hit = false;
        for consequence in &found {
            let Some(index) = consequence.transcript else {
                continue;
            };
            if consequence.distance.is_some() {
                continue;
            }
            let transcript = &models.transcripts()[index];
            let gene = short_biotype(transcript.biotype().unwrap_or("")).to_owned();
            if transcript.coding().is_none() {
                introns
                    .entry(gene)
                    .or_default()
                    .insert("non_coding".to_owned());
                continue;
            }
            let mut terms: BTreeSet<String> = consequence
                .terms
                .iter()
                .filter_map(|term| mapped(term, longer))
                .map(str::to_owned)
                .collect();
            // bcftools says nothing else of an allele that touches the start codon.
            if terms.contains("start_lost") || terms.contains("start_retained") {
                for term in [
                    "frameshift",
                    "inframe_insertion",
                    "inframe_deletion",
                    "5_prime_utr",
                ] {
                    terms.remove(term);
                }
            }
            if terms.iter().any(|term| term != "intron") {
                hit = true;
                terms.remove("intron");
                let id = transcript.id().split('.').next().unwrap().to_owned();
                ours.insert(id, terms);
            } else {
                introns.entry(gene).or_default().insert("intron".to_owned());
            }
        }
        if !hit {
            ours = introns;
        }
        let theirs = theirs(&record.bcsq);
        let keys: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for key in keys {
            outcome.compared += 1;
            let (a, b) = (ours.get(key), theirs.get(key));
            if a != b {
                let show = |set: Option<&BTreeSet<String>>| {
                    set.map_or("-".to_owned(), |set| {
                        set.iter().cloned().collect::<Vec<_>>().join("&")
                    })
                };
                outcome
                    .differences
                    .entry((show(a), show(b)))
                    .or_default()
                    .push(format!(
                        "{}:{} {} {} {key} {}",
                        record.contig,
                        record.position,
                        record.reference,
                        record.alternate,
                        record.bcsq
                    ));
            }
        }
    }
    outcome
}

/// A class of differences: our terms, those of bcftools, how many, and why.
type Known = (&'static str, &'static str, usize, &'static str);

/// bcftools skips transcripts of a biotype that it does not know.
const UNKNOWN_BIOTYPE: &str = "bcftools leaves out transcripts of biotype TEC";
/// The coding region ends without a stop codon, so that bcftools takes any stop as gained.
const NO_TERMINATOR: &str =
    "of a coding region without its end bcftools calls every new stop gained";
/// bcftools takes UTRs from the file; this transcript, made up for a test of VEP, has none there.
const NO_UTR_LINE: &str = "the file has no UTR line for the exon's bases outside the coding region";
/// A deletion over the end of the coding region after which the terminator reads as before.
const TERMINATOR_RESTORED: &str =
    "the deletion reaches into the UTR and the same stop codon forms again";
/// The first codon is partial, so that no residue can be said.
const PARTIAL_CODON: &str =
    "bcftools says nothing of a partial first codon, we coding_sequence_variant";
/// bcftools adds stop_retained in a coding region whose end is incomplete.
const INCOMPLETE_END: &str =
    "of a coding region without its end bcftools adds stop_retained to a gained stop";

/// Share of (allele, transcript) pairs that must agree.
const LEAST_AGREEMENT: f64 = 0.999;

fn assert_known(outcome: &Outcome, pairs: usize, known: &[Known]) {
    let mut found: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (classes, examples) in &outcome.differences {
        found.insert(classes.clone(), examples.len());
    }
    let expected: BTreeMap<(String, String), usize> = known
        .iter()
        .map(|(ours, theirs, count, _)| (((*ours).to_owned(), (*theirs).to_owned()), *count))
        .collect();
    assert_eq!(found, expected, "{:#?}", outcome.differences);
    assert_eq!(outcome.compared, pairs);
    let different: usize = expected.values().sum();
    let agreement = 1.0 - different as f64 / pairs as f64;
    assert!(agreement >= LEAST_AGREEMENT, "only {agreement} agree");
}

#[test]
fn set_c_agrees() {
    let data = data();
    let reference = data.join("reference/vep_grch38_chr21_sparse.fa.gz");
    let models = data.join("gene_models/vep_chr21/test.gff.gz");
    let vcf = data.join("clinvar_gnomad/vep84_grch38_chr21_25-26Mb_dbsnp149_1000g_freq.vcf.gz");
    let folder = tempfile::tempdir().unwrap();
    let gff = folder.path().join("models.gff");
    std::fs::write(&gff, one_parent_each(&models)).unwrap();
    let records = csq(
        &reference,
        &gff.display().to_string(),
        &vcf.display().to_string(),
        "",
    );
    let outcome = compare(&reference, &models, &records);
    assert_known(
        &outcome,
        87_877,
        &[
            ("non_coding", "-", 21, UNKNOWN_BIOTYPE),
            ("frameshift", "frameshift&stop_gained", 16, NO_TERMINATOR),
            ("5_prime_utr", "-", 4, NO_UTR_LINE),
            (
                "3_prime_utr&stop_retained",
                "3_prime_utr&coding_sequence",
                1,
                TERMINATOR_RESTORED,
            ),
        ],
    );
}

#[test]
fn set_a_agrees() {
    let data = data().join("brca1_grch37_true_coords");
    let reference = data.join("chr17_brca1_sparse.fa.gz");
    let models = data.join("brca1_gencode19.gff3.gz");
    let folder = tempfile::tempdir().unwrap();
    let gff = folder.path().join("models.gff");
    std::fs::write(&gff, ensembl_gff(&models, &reference)).unwrap();
    let vcf = data.join("brca1_1kg_3samples.vcf.gz");
    let records = csq(
        &reference,
        &gff.display().to_string(),
        &vcf.display().to_string(),
        "",
    );
    let outcome = compare(&reference, &models, &records);
    assert_known(
        &outcome,
        6_910,
        &[("coding_sequence", "-", 1, PARTIAL_CODON)],
    );
}

#[test]
fn clinvar_on_set_a_agrees() {
    let shared = data();
    let data = shared.join("brca1_grch37_true_coords");
    let reference = data.join("chr17_brca1_sparse.fa.gz");
    let models = data.join("brca1_gencode19.gff3.gz");
    let folder = tempfile::tempdir().unwrap();
    let gff = folder.path().join("models.gff");
    std::fs::write(&gff, ensembl_gff(&models, &reference)).unwrap();
    let vcf = folder.path().join("clinvar.vcf");
    let clinvar = shared.join("clinvar_gnomad/clinvar_grch37_2016-10-03.vcf.gz");
    shell(&format!(
        "bcftools view -r 17:41196312-41277500 {} > {}",
        clinvar.display(),
        vcf.display()
    ));
    let records = csq(
        &reference,
        &gff.display().to_string(),
        &vcf.display().to_string(),
        "",
    );
    let outcome = compare(&reference, &models, &records);
    assert_known(
        &outcome,
        28_868,
        &[
            ("coding_sequence", "-", 12, PARTIAL_CODON),
            (
                "stop_gained",
                "stop_gained&stop_retained",
                1,
                INCOMPLETE_END,
            ),
        ],
    );
}

/// Differences on bcftools' own cases: case, our terms, those of bcftools, why.
const SUITE_DIFFERENCES: [(&str, &str, &str, &str); 7] = [
    (
        "frame3.vcf",
        "coding_sequence&splice_acceptor",
        "coding_sequence&splice_acceptor&synonymous",
        "bcftools adds synonymous to a deletion over a splice site that leaves the site's bases",
    ),
    (
        "incorrect-synon-del-not-start-lost.vcf",
        "start_retained",
        "5_prime_utr&start_retained",
        "the UTR part is dropped by our mapping, since bcftools names it only sometimes",
    ),
    (
        "retained-stop-incomplete-cds.vcf",
        "stop_gained",
        "stop_gained&stop_retained",
        INCOMPLETE_END,
    ),
    (
        "splice-region-insert.vcf",
        "coding_sequence",
        "splice_donor&splice_region",
        "an intron of 2 bases is an artefact of the gene build and has no splice site, as in VEP",
    ),
    (
        "start-stop-lost.vcf",
        "start_lost",
        "missense",
        "a coding region of one codon, ATG: bcftools does not call its start lost",
    ),
    (
        "synonymous-start-lost.vcf",
        "-",
        "intron",
        "the file has no UTR line, so that bcftools calls the base before ATG intronic",
    ),
    (
        "synonymous-start-lost.vcf",
        "5_prime_utr",
        "-",
        "the file has no UTR line, so that bcftools calls the base before ATG intronic",
    ),
];

#[test]
fn own_suite_agrees() {
    let suite = data().join("conformance/bcftools/test/csq");
    let mut folders: Vec<_> = std::fs::read_dir(&suite)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let scratch = tempfile::tempdir().unwrap();
    let (mut cases, mut compared, mut found) = (0, 0, BTreeSet::new());
    for folder in folders {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let fasta = folder.join(format!("{name}.fa"));
        let gff = folder.join(format!("{name}.gff"));
        let mut vcfs: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ext| ext == "vcf"))
            .collect();
        vcfs.sort();
        for vcf in vcfs {
            // Genes of the suite begin before the excerpt does.
            let clamped = scratch.path().join("models.gff");
            shell(&format!(
                "awk -F'\\t' -v OFS='\\t' '$4<1{{$4=1}} {{print}}' {} > {}",
                gff.display(),
                clamped.display()
            ));
            let records = records(&shell(&format!(
                "bcftools norm -m -any -f {fasta} {vcf} \
                 | bcftools view -G -e 'ALT=\"*\" || ALT~\"<\" || ALT=\".\"' - \
                 | bcftools csq -l -f {fasta} -g {gff} - \
                 | bcftools query -f '%CHROM\\t%POS\\t%REF\\t%ALT\\t%INFO/BCSQ\\n' - || true",
                vcf = vcf.display(),
                fasta = fasta.display(),
                gff = gff.display()
            )));
            let outcome = compare(&fasta, &clamped, &records);
            compared += outcome.compared;
            cases += 1;
            let case = vcf.file_name().unwrap().to_str().unwrap();
            for (ours, theirs) in outcome.differences.keys() {
                found.insert((case.to_owned(), ours.clone(), theirs.clone()));
            }
        }
    }
    let expected: BTreeSet<(String, String, String)> = SUITE_DIFFERENCES
        .iter()
        .map(|(case, ours, theirs, _)| {
            ((*case).to_owned(), (*ours).to_owned(), (*theirs).to_owned())
        })
        .collect();
    assert_eq!(found, expected);
    assert_eq!((cases, compared), (44, 96));
}

#[test]
fn the_line_alone_is_the_chosen_one() {
    let shared = data();
    let folder = shared.join("brca1_grch37_true_coords");
    let reference = Reference::open(folder.join("chr17_brca1_sparse.fa.gz")).unwrap();
    let models = folder.join("brca1_gencode19.gff3.gz");
    let models = Arc::new(GeneModels::read(models, reference.contigs()).unwrap());
    let clinvar = shared.join("clinvar_gnomad/clinvar_grch37_2016-10-03.vcf.gz");
    let text = shell(&format!(
        "bcftools query -r 17:41196312-41277500 -f '%POS\\t%REF\\t%ALT\\n' {}",
        clinvar.display()
    ));
    let annotator = |lines| {
        let options = ConsequenceOptions {
            lines,
            ..ConsequenceOptions::default()
        };
        Annotator::new(Arc::clone(&models), reference.reader().unwrap(), options)
    };
    let (mut all, mut one) = (annotator(Lines::All), annotator(Lines::MostSevere));
    let contig = reference.contigs().find("17").unwrap();
    let (mut lines, mut line, mut name) = (Vec::new(), Vec::new(), String::new());
    let mut compared = 0;
    for record in text.lines() {
        let fields: Vec<&str> = record.split('\t').collect();
        let position = Position(fields[0].parse().unwrap());
        let (old, new) = (fields[1].as_bytes(), fields[2].as_bytes());
        all.annotate(contig, position, old, new, &mut lines, &mut name)
            .unwrap();
        one.annotate(contig, position, old, new, &mut line, &mut name)
            .unwrap();
        let chosen = most_severe(&lines, &models);
        assert_eq!(line.first(), chosen.map(|index| &lines[index]), "{record}");
        compared += usize::from(lines.len() > 1);
    }
    assert!(compared > 2_000, "{compared}");
}
