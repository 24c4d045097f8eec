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

#[path = "support/models.rs"]
mod models;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use models::one_parent_each;
use support::{data, shell};
use varisk_annotate::{
    Annotator, ConsequenceOptions, GeneModels, Lines, Strand, Term, most_severe,
};
use varisk_core::Position;
use varisk_reference::Reference;

/// One record of one alternate allele with the consequences that bcftools gives.
struct Record {
    contig: String,
    position: u32,
    reference: String,
    alternate: String,
    bcsq: String,
}

fn records(text: &str) -> Vec<Record> {
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            Record {
                contig: fields[0].to_owned(),
                position: fields[1].parse().unwrap(),
                reference: fields[2].to_owned(),
                alternate: fields[3].to_owned(),
                bcsq: fields[4].to_owned(),
            }
        })
        .collect()
}

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

/// Gene models as the GFF3 that bcftools wants.
fn ensembl_gff(models: &Path, reference: &Path) -> String {
    let reference = Reference::open(reference).unwrap();
    let models = GeneModels::read(models, reference.contigs()).unwrap();
    let mut text = String::from("##gff-version 3\n");
    let mut genes = BTreeSet::new();
    for transcript in models.transcripts() {
        let contig = reference.contigs().name(transcript.contig());
        let strand = transcript.strand().symbol();
        let id = transcript.id().split('.').next().unwrap();
        let gene = transcript.gene_id().unwrap();
        let (start, end) = (transcript.start(), transcript.end());
        let biotype = transcript.biotype().unwrap();
        // One line for each gene: bcftools stops at a second one.
        if !genes.insert(gene.to_owned()) {
            // Known already.
        } else {
            text += &format!(
                "{contig}\t.\tgene\t{start}\t{end}\t.\t{strand}\t.\tID=gene:{gene};Name={};biotype={biotype}\n",
                transcript.gene().unwrap()
            );
        }
        text += &format!(
            "{contig}\t.\ttranscript\t{start}\t{end}\t.\t{strand}\t.\tID=transcript:{id};Parent=gene:{gene};biotype={biotype}\n"
        );
        let mut line = |kind: &str, start: u32, end: u32, phase: &str| {
            text += &format!(
                "{contig}\t.\t{kind}\t{start}\t{end}\t.\t{strand}\t{phase}\tParent=transcript:{id}\n"
            );
        };
        for exon in transcript.exons() {
            line("exon", exon.start, exon.end, ".");
        }
        let Some(coding) = transcript.coding() else {
            continue;
        };
        let forward = transcript.strand() == Strand::Forward;
        let (low, high) = if forward {
            ("five_prime_UTR", "three_prime_UTR")
        } else {
            ("three_prime_UTR", "five_prime_UTR")
        };
        for exon in transcript.exons() {
            if exon.start < coding.start {
                line(low, exon.start, exon.end.min(coding.start - 1), ".");
            }
            if exon.end > coding.end {
                line(high, exon.start.max(coding.end + 1), exon.end, ".");
            }
        }
        let mut parts: Vec<_> = transcript.coding_parts().collect();
        if !forward {
            parts.reverse();
        }
        let mut phase = u32::from(transcript.phase());
        for part in parts {
            line("CDS", part.start, part.end, &phase.to_string());
            phase = (3 + phase - part.length() % 3) % 3;
        }
    }
    text
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

fn csq(reference: &Path, gff: &str, vcf: &str, options: &str) -> Vec<Record> {
    let fasta = reference.display();
    records(&shell(&format!(
        "bcftools norm -m -any -f {fasta} {vcf} \
         | bcftools view -G -e 'ALT=\"*\" || ALT~\"<\" || ALT=\".\"' - \
         | bcftools csq -l {options} -f {fasta} -g {gff} - \
         | bcftools query -f '%CHROM\\t%POS\\t%REF\\t%ALT\\t%INFO/BCSQ\\n' -"
    )))
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

/// What bcftools says of the protein, as an HGVS name: `303P>303S`, `304VHLR*>304FT*`. `None` where
/// it says nothing or an indel keeps the frame, which it writes in a form of its own.
fn protein_name(change: &str, is_frameshift: bool) -> Option<String> {
    let bare = |text: &str| -> (u32, Vec<u8>) {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap();
        (
            text[..digits].parse().unwrap(),
            text.as_bytes()[digits..].to_vec(),
        )
    };
    let name = |residue: &u8| varisk_annotate::three_letters(*residue);
    let Some((old, new)) = change.split_once('>') else {
        let (at, residues) = bare(change);
        return (residues.len() == 1).then(|| format!("p.{}{at}=", name(&residues[0])));
    };
    let ((at, old), (_, new)) = (bare(old), bare(new));
    let same = old.iter().zip(&new).take_while(|(o, n)| o == n).count();
    let at = at + u32::try_from(same).unwrap();
    let (old, new) = (&old[same..], &new[same..]);
    let (first_old, first_new) = (old.first()?, new.first()?);
    if *first_new == b'*' {
        return Some(format!("p.{}{at}Ter", name(first_old)));
    }
    if *first_old == b'*' {
        return None;
    }
    if !is_frameshift {
        return (old.len() == 1 && new.len() == 1)
            .then(|| format!("p.{}{at}{}", name(first_old), name(first_new)));
    }
    let stop = new.iter().position(|residue| *residue == b'*');
    let until = stop.map_or("?".to_owned(), |stop| (stop + 1).to_string());
    Some(format!(
        "p.{}{at}{}fsTer{until}",
        name(first_old),
        name(first_new)
    ))
}

/// Counts of names of proteins that are the same as bcftools', and those that are not.
fn compare_proteins(reference: &Path, models: &Path, records: &[Record]) -> (usize, Vec<String>) {
    let reference = Reference::open(reference).unwrap();
    let models = Arc::new(GeneModels::read(models, reference.contigs()).unwrap());
    let mut annotator = Annotator::new(
        Arc::clone(&models),
        reference.reader().unwrap(),
        ConsequenceOptions::default(),
    );
    let (mut same, mut different) = (0, Vec::new());
    let (mut found, mut name) = (Vec::new(), String::new());
    for record in records {
        let contig = reference.contigs().find(&record.contig).unwrap();
        let position = Position(record.position);
        let (old, new) = (record.reference.as_bytes(), record.alternate.as_bytes());
        annotator
            .annotate(contig, position, old, new, &mut found, &mut name)
            .unwrap();
        for entry in record.bcsq.split(',') {
            let fields: Vec<&str> = entry.split('|').collect();
            let Some(change) = fields.get(5) else {
                continue;
            };
            let Some(expected) = protein_name(change, fields[0].contains("frameshift")) else {
                continue;
            };
            let ours = found.iter().find(|consequence| {
                consequence.transcript.is_some_and(|index| {
                    let transcript = &models.transcripts()[index];
                    transcript.id().split('.').next() == Some(fields[2])
                })
            });
            let ours = ours.unwrap();
            let transcript = &models.transcripts()[ours.transcript.unwrap()];
            // bcftools counts codons from the first whole one where the first is partial.
            if transcript.phase() != 0 {
                continue;
            }
            let ours = ours.hgvsp.split_once(':').map_or("", |(_, name)| name);
            if ours == expected {
                same += 1;
            } else {
                different.push(format!(
                    "{}:{} {} {} {}: {ours} and {expected} ({entry})",
                    record.contig, record.position, record.reference, record.alternate, fields[2]
                ));
            }
        }
    }
    (same, different)
}

#[test]
fn names_of_proteins_agree() {
    let shared = data();
    let folder = tempfile::tempdir().unwrap();
    let set_a = shared.join("brca1_grch37_true_coords");
    let reference = set_a.join("chr17_brca1_sparse.fa.gz");
    let models = set_a.join("brca1_gencode19.gff3.gz");
    let gff = folder.path().join("a.gff");
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
    let (same, different) = compare_proteins(&reference, &models, &records);
    assert_eq!((same, different), (19_912, Vec::new()));

    let reference = shared.join("reference/vep_grch38_chr21_sparse.fa.gz");
    let models = shared.join("gene_models/vep_chr21/test.gff.gz");
    let vcf = shared.join("clinvar_gnomad/vep84_grch38_chr21_25-26Mb_dbsnp149_1000g_freq.vcf.gz");
    let gff = folder.path().join("c.gff");
    std::fs::write(&gff, one_parent_each(&models)).unwrap();
    let records = csq(
        &reference,
        &gff.display().to_string(),
        &vcf.display().to_string(),
        "",
    );
    let (same, different) = compare_proteins(&reference, &models, &records);
    assert_eq!(same, 4_752);
    // bcftools ends its peptides with the coding region; we read on into the 3' UTR for the stop.
    let places: Vec<&str> = different
        .iter()
        .map(|each| &each[..each.find(' ').unwrap()])
        .collect();
    assert_eq!(places, ["21:25587727", "21:25717697"], "{different:?}");
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
