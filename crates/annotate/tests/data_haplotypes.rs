//! Our consequences of haplotypes against live `bcftools csq --phase a`: real alleles of set C in
//! coding regions, put together to haplotypes by a fixed rule, dense enough that many share a codon
//! or a shifted frame.
#![cfg(test)]

mod support;

#[path = "support/shell.rs"]
mod shell;

#[path = "support/models.rs"]
mod models;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, AsArray, Float32Array, StringArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::UInt8Type;
use arrow::record_batch::RecordBatch;
use shell::shell;
use support::data;
use varisk_annotate::{
    GeneModels, HaplotypeConsequences, HaplotypeOptions, Term, Transcript, UnphasedCalls,
};
use varisk_core::{Analysis, CallCode, CallMatrix, Haplotype, Patient, SiteBatch, site_schema};
use varisk_reference::Reference;

/// An allele and which of the two haplotypes carry it.
struct Carried {
    position: u32,
    reference: String,
    alternate: String,
    carried: [bool; 2],
}

/// Alleles in coding regions, each given to haplotypes by a fixed mixing of its position.
fn alleles(reference: &Path, models: &GeneModels) -> Vec<Carried> {
    let shared = data();
    let vcf = shared.join("clinvar_gnomad/vep84_grch38_chr21_25-26Mb_dbsnp149_1000g_freq.vcf.gz");
    let text = shell(&format!(
        "bcftools norm -m -any -f {} {} | bcftools query -f '%POS\\t%REF\\t%ALT\\n' -",
        reference.display(),
        vcf.display()
    ));
    let coding: Vec<_> = models
        .transcripts()
        .iter()
        .flat_map(Transcript::coding_parts)
        .collect();
    let mut state = 1u64;
    let mut free = [0u32; 2];
    let mut found = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let position: u32 = fields[0].parse().unwrap();
        let bases = |text: &str| text.bytes().all(|base| b"ACGT".contains(&base));
        if !bases(fields[1]) || !bases(fields[2]) {
            continue;
        }
        if !coding.iter().any(|part| part.contains(position)) {
            continue;
        }
        let is_indel = fields[1].len() != fields[2].len();
        let end = position + u32::try_from(fields[1].len()).unwrap();
        let mut carried = [false; 2];
        for haplotype in 0..2 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let chance = (state >> 33) % 100;
            // Indels are kept rare: one that shifts the frame takes all alleles behind it.
            let limit = if is_indel { 12 } else { 45 };
            if chance < limit && position > free[haplotype] {
                carried[haplotype] = true;
                free[haplotype] = end;
            }
        }
        if carried != [false; 2] {
            found.push(Carried {
                position,
                reference: fields[1].to_owned(),
                alternate: fields[2].to_owned(),
                carried,
            });
        }
    }
    found
}

fn batch(reference: &Reference, alleles: &[Carried]) -> SiteBatch {
    let count = alleles.len();
    let contig = reference.contigs().find("21").unwrap().0;
    let nothing: StringArray = vec![None::<&str>; count].into_iter().collect();
    let positions = UInt32Array::from_iter_values(alleles.iter().map(|each| each.position));
    let old = StringArray::from_iter_values(alleles.iter().map(|each| each.reference.as_str()));
    let new = StringArray::from_iter_values(alleles.iter().map(|each| each.alternate.as_str()));
    let sites = RecordBatch::try_new(
        site_schema(&[]),
        vec![
            Arc::new(UInt32Array::from(vec![contig; count])),
            Arc::new(positions.clone()),
            Arc::new(old.clone()),
            Arc::new(new.clone()),
            Arc::new(UInt64Array::from(vec![None; count])),
            Arc::new(StringArray::from(vec!["snv"; count])),
            Arc::new(positions),
            Arc::new(old),
            Arc::new(new),
            Arc::new(UInt16Array::from(vec![1; count])),
            Arc::new(nothing.clone()),
            Arc::new(Float32Array::from(vec![None; count])),
            Arc::new(nothing.clone()),
            Arc::new(UInt8Array::from(vec![0; count])),
            Arc::new(nothing),
        ],
    )
    .unwrap();
    let mut calls = CallMatrix::with_capacity(1, count);
    for each in alleles {
        let side = |carried| {
            if carried {
                Haplotype::Alternate
            } else {
                Haplotype::Reference
            }
        };
        calls.push_row(CallCode::diploid(
            side(each.carried[0]),
            side(each.carried[1]),
            true,
        ));
    }
    SiteBatch::try_new(0, Arc::clone(reference.contigs()), sites, calls).unwrap()
}

/// Terms by haplotype, transcript and members; `*` marks what lies behind a gained stop.
type Table = BTreeMap<(u8, String, BTreeSet<String>), String>;

/// Our terms in bcftools' words.
fn mapped(terms: &str, longer: bool) -> String {
    let words: BTreeSet<&str> = terms
        .split('&')
        .filter_map(|name| {
            Some(match Term::from_name(name)? {
                Term::Missense => "missense",
                Term::Synonymous => "synonymous",
                Term::StopGained => "stop_gained",
                Term::StopLost => "stop_lost",
                Term::StopRetained => "stop_retained",
                Term::StartLost => "start_lost",
                Term::StartRetained => "start_retained",
                Term::Frameshift => "frameshift",
                Term::InframeInsertion => "inframe_insertion",
                Term::InframeDeletion => "inframe_deletion",
                Term::ProteinAltering if longer => "inframe_insertion",
                Term::ProteinAltering => "inframe_deletion",
                Term::CodingSequence => "coding_sequence",
                _ => return None,
            })
        })
        .collect();
    words.into_iter().collect::<Vec<_>>().join("&")
}

fn ours(reference: &Reference, models: &Arc<GeneModels>, alleles: &[Carried]) -> Table {
    let options = HaplotypeOptions {
        unphased: UnphasedCalls::Skip,
        singles: true,
    };
    let mut fold = HaplotypeConsequences::new(Arc::clone(models), reference.clone(), options, 1);
    fold.observe(&batch(reference, alleles)).unwrap();
    let output = fold.finish(&[Patient::default()]).unwrap();
    let table = &output.tables[0].1;
    let text = |name: &str| {
        table
            .column_by_name(name)
            .unwrap()
            .as_string::<i32>()
            .clone()
    };
    let haplotypes = table
        .column_by_name("haplotype")
        .unwrap()
        .as_primitive::<UInt8Type>();
    let after = table.column_by_name("after_stop").unwrap().as_boolean();
    let (transcripts, members, terms) = (text("transcript"), text("alleles"), text("terms"));
    (0..table.num_rows())
        .filter(|row| terms.is_valid(*row))
        .map(|row| {
            let members: BTreeSet<String> =
                members.value(row).split('+').map(str::to_owned).collect();
            let (mut added, mut removed) = (0, 0);
            for member in &members {
                let (old, new) = member.split_once('>').unwrap();
                added += new.len();
                removed += old.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            }
            let id = transcripts.value(row).split('.').next().unwrap().to_owned();
            let star = if after.value(row) { "*" } else { "" };
            let key = (haplotypes.value(row), id, members);
            (
                key,
                format!("{star}{}", mapped(terms.value(row), added > removed)),
            )
        })
        .collect()
}

fn theirs(reference: &Path, gff: &Path, alleles: &[Carried]) -> Table {
    let mut table = Table::new();
    let folder = tempfile::tempdir().unwrap();
    for haplotype in 0..2u8 {
        let mut vcf = String::from(
            "##fileformat=VCFv4.2\n##contig=<ID=21>\n\
             ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n\
             #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n",
        );
        for each in alleles
            .iter()
            .filter(|each| each.carried[usize::from(haplotype)])
        {
            vcf += &format!(
                "21\t{}\t.\t{}\t{}\t.\t.\t.\tGT\t1|1\n",
                each.position, each.reference, each.alternate
            );
        }
        let path = folder.path().join("haplotype.vcf");
        std::fs::write(&path, vcf).unwrap();
        let text = shell(&format!(
            "bcftools csq -p a -n 500 -f {} -g {} {} | bcftools query -f '%INFO/BCSQ\\n' -",
            reference.display(),
            gff.display(),
            path.display()
        ));
        for entry in text.lines().flat_map(|line| line.split(',')) {
            let fields: Vec<&str> = entry.split('|').collect();
            let Some(members) = fields.get(6) else {
                continue;
            };
            let members = members.split('+').map(str::to_owned).collect();
            let star = if fields[0].starts_with('*') { "*" } else { "" };
            let mut terms: Vec<&str> = fields[0].trim_start_matches('*').split('&').collect();
            terms.retain(|term| !matches!(*term, "splice_region" | "NMD_transcript"));
            terms.sort_unstable();
            table.insert(
                (haplotype + 1, fields[2].to_owned(), members),
                format!("{star}{}", terms.join("&")),
            );
        }
    }
    table
}

#[test]
fn alleles_of_one_haplotype_are_read_together() {
    let shared = data();
    let path = shared.join("reference/vep_grch38_chr21_sparse.fa.gz");
    let reference = Reference::open(&path).unwrap();
    let gff = shared.join("gene_models/vep_chr21/test.gff.gz");
    let models = Arc::new(GeneModels::read(&gff, reference.contigs()).unwrap());
    let alleles = alleles(&path, &models);
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("models.gff");
    std::fs::write(&plain, models::one_parent_each(&gff)).unwrap();
    let theirs = theirs(&path, &plain, &alleles);
    let ours = ours(&reference, &models, &alleles);
    let keys: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let (mut same, mut compound, mut different) = (0, 0, Vec::new());
    for key in keys {
        let (own, other) = (ours.get(key), theirs.get(key));
        if own == other {
            same += 1;
            compound += usize::from(key.2.len() > 1);
        } else if other.is_some() || own.is_none_or(|terms| !terms.contains("start_lost")) {
            // bcftools names no members of a lost start, so that there is nothing to compare.
            let members = key.2.len();
            let first = key.2.first();
            different.push(format!(
                "{} {} {members} {first:?}: {own:?} {other:?}",
                key.0, key.1
            ));
        }
    }
    // Coding regions without their end, of which bcftools calls every new stop gained.
    let unended = ["ENST00000419219", "ENST00000419219_1", "ENST00000415997"];
    assert!(
        different.iter().all(
            |each| unended.iter().any(|id| each.contains(&format!(" {id} ")))
                && each.ends_with("frameshift&stop_gained\")")
        ),
        "{different:#?}"
    );
    assert_eq!((same, compound, different.len()), (2_111, 157, 5));
}
