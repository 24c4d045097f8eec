//! Batches in, batches with evidence out.

use std::path::Path;

use arrow::array::{ArrayRef, Float32Array, RecordBatch};
use varisk_core::{Analysis, ContigSet, Haplotype, InferredReference};

use super::*;
use crate::testing::{BASES, contigs, header, indexed_bam, reference, sam};
use crate::{AlignmentOptions, IdentityCheck, refuse_swaps};

/// A batch of single-base alleles of contig 1 and the calls of each.
fn batch(
    sites: &[(u32, &str, &str)],
    class: SiteClass,
    calls: &[&[CallCode]],
    sexes: &[Sex],
) -> SiteBatch {
    let contigs: Arc<ContigSet> = contigs();
    let columns: Vec<(&str, ArrayRef)> = vec![
        (c::CONTIG, Arc::new(UInt32Array::from(vec![0; sites.len()]))),
        (
            c::POSITION,
            Arc::new(sites.iter().map(|s| Some(s.0)).collect::<UInt32Array>()),
        ),
        (
            c::REFERENCE,
            Arc::new(sites.iter().map(|s| Some(s.1)).collect::<StringArray>()),
        ),
        (
            c::ALTERNATE,
            Arc::new(sites.iter().map(|s| Some(s.2)).collect::<StringArray>()),
        ),
        (
            c::SITE_CLASS,
            Arc::new(UInt8Array::from(vec![class as u8; sites.len()])),
        ),
        (
            c::REASON,
            Arc::new(StringArray::from(vec![None::<&str>; sites.len()])),
        ),
    ];
    let sites = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap();
    let mut matrix = CallMatrix::with_capacity(sexes.len(), calls.len());
    for (row, codes) in calls.iter().enumerate() {
        matrix.push_row(CallCode::NOT_ASSAYED);
        for (sample, code) in codes.iter().enumerate() {
            matrix.set(row, sample, *code);
        }
    }
    SiteBatch::try_new(0, contigs, sites, matrix)
        .unwrap()
        .with_sexes(sexes.into())
}

/// Ten reads; position 11 (C) is G in `alternate` of them.
fn source(folder: &Path, alternate: usize) -> AlignmentSource {
    let reference = reference(folder, &[("1", BASES)]);
    let changed = BASES[..10].to_owned() + "G" + &BASES[11..40];
    let reads: String = (0..10)
        .map(|i| {
            let bases = if i < alternate {
                changed.as_str()
            } else {
                &BASES[..40]
            };
            let flags = if i % 2 == 0 { 0 } else { 16 };
            sam(&format!("r{i}"), flags, 1, "40M", bases)
        })
        .collect();
    let path = indexed_bam(folder, "reads.bam", &(header() + &reads));
    AlignmentSource::open(
        path,
        Some(&reference),
        &contigs(),
        &AlignmentOptions::default(),
    )
    .unwrap()
}

fn process(patients: Vec<Option<AlignmentSource>>, fill: bool, batch: SiteBatch) -> SiteBatch {
    let options = ReadsOptions {
        fill,
        ..ReadsOptions::default()
    };
    let stage = ReadsStage::new(patients, options);
    let declared = stage.output_schema(&batch.sites().schema()).unwrap();
    let out = stage.worker().unwrap().process(batch).unwrap();
    assert_eq!(out.sites().schema(), declared);
    out
}

const HETEROZYGOUS: CallCode = CallCode::diploid(Haplotype::Reference, Haplotype::Alternate, false);

#[test]
fn carriers_get_evidence_and_columns() {
    let folder = tempfile::tempdir().unwrap();
    let patients = vec![None, Some(source(folder.path(), 4))];
    let sites = [(11, "C", "G"), (15, "T", "A")];
    let calls: [&[CallCode]; 2] = [
        &[HETEROZYGOUS, HETEROZYGOUS],
        &[HETEROZYGOUS, CallCode::NOT_ASSAYED],
    ];
    let out = process(
        patients,
        false,
        batch(&sites, SiteClass::Autosomal, &calls, &[Sex::Unknown; 2]),
    );
    assert_eq!(out.row_evidence(0).len(), 1);
    assert_eq!(out.evidence(0, 1).unwrap().alternate.depth(), 4);
    assert!(out.row_evidence(1).is_empty());
    let value = |name: &str, row: usize| {
        let column: &Float32Array = out.floats(name).unwrap();
        column.is_valid(row).then(|| column.value(row))
    };
    assert_eq!(value("reads.depth", 0), Some(10.0));
    assert_eq!(value("reads.alternate_fraction", 0), Some(0.4));
    assert_eq!(value("reads.strand_bias", 0), Some(0.0));
    assert_eq!(value("reads.base_quality", 0), Some(30.0));
    assert_eq!(value("reads.mapping_quality", 0), Some(60.0));
    assert_eq!(value("reads.soft_clip_fraction", 0), Some(0.0));
    assert_eq!(value("reads.depth", 1), None);
}

#[test]
fn reads_fill_what_the_file_does_not_call() {
    let check =
        |alternate: usize, code: CallCode, class: SiteClass, sex: Sex, expected: CallCode| {
            let folder = tempfile::tempdir().unwrap();
            let patients = vec![Some(source(folder.path(), alternate))];
            let asked = batch(&[(11, "C", "G")], class, &[&[code]], &[sex]);
            let out = process(patients, true, asked);
            let found = CallCode(out.calls().row(0)[0]);
            assert_eq!(found, expected, "{alternate} of 10, {class:?} {sex:?}");
        };
    use Haplotype::{Absent, Alternate, Reference};
    let reads = |first, second| CallCode::from_reads(first, second).unwrap();
    let (open, auto) = (CallCode::NOT_ASSAYED, SiteClass::Autosomal);
    check(5, open, auto, Sex::Unknown, reads(Reference, Alternate));
    check(0, open, auto, Sex::Unknown, reads(Reference, Reference));
    check(
        10,
        CallCode::MISSING,
        auto,
        Sex::Unknown,
        reads(Alternate, Alternate),
    );
    // A partial call is no call; one that is there stays as it is.
    let partial = CallCode::diploid(Alternate, Haplotype::Missing, false);
    check(5, partial, auto, Sex::Unknown, reads(Reference, Alternate));
    check(
        5,
        CallCode::HOMOZYGOUS_REFERENCE,
        auto,
        Sex::Unknown,
        CallCode::HOMOZYGOUS_REFERENCE,
    );
    let block = CallCode::inferred_reference(InferredReference::Block, false);
    check(5, block, auto, Sex::Unknown, block);
    // Ploidy by sex; where it is not known, reads are no reason to call.
    check(10, open, SiteClass::X, Sex::Male, reads(Alternate, Absent));
    check(
        10,
        open,
        SiteClass::X,
        Sex::Female,
        reads(Alternate, Alternate),
    );
    check(10, open, SiteClass::X, Sex::Unknown, open);
    check(10, open, SiteClass::Y, Sex::Female, open);
    check(10, open, SiteClass::Y, Sex::Male, reads(Alternate, Absent));
    check(
        10,
        open,
        SiteClass::Mitochondrial,
        Sex::Unknown,
        reads(Alternate, Absent),
    );
    // Half and half is no haploid genotype.
    check(5, open, SiteClass::X, Sex::Male, open);
}

#[test]
fn a_batch_of_other_patients_is_our_defect() {
    let stage = ReadsStage::new(vec![None, None], ReadsOptions::default());
    let asked = batch(
        &[(11, "C", "G")],
        SiteClass::Autosomal,
        &[&[HETEROZYGOUS]],
        &[Sex::Unknown],
    );
    let error = stage.worker().unwrap().process(asked).unwrap_err();
    assert!(error.to_string().contains("internal error"), "{error}");
    let schema = Arc::new(Schema::new(Vec::<Field>::new()));
    assert!(stage.output_schema(&schema).is_err());
}

/// Variants at 25 positions of the first 40 bases, called `codes`; the reads show none of them.
#[test]
fn a_swap_is_refused_and_one_person_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), 0);
    let path = vec![Some(source.path().to_owned())];
    let alleles: Vec<(u32, String, &str)> = (1..=25)
        .map(|p| {
            let base = &BASES[p - 1..p];
            (
                p as u32,
                base.to_owned(),
                if base == "T" { "A" } else { "T" },
            )
        })
        .collect();
    let sites: Vec<(u32, &str, &str)> = alleles
        .iter()
        .map(|(p, r, a)| (*p, r.as_str(), *a))
        .collect();
    let check = |count: usize| {
        let calls: Vec<&[CallCode]> = vec![&[HETEROZYGOUS]; count];
        let asked = batch(
            &sites[..count],
            SiteClass::Autosomal,
            &calls,
            &[Sex::Unknown],
        );
        let out = process(vec![Some(source.clone())], false, asked);
        let mut fold = IdentityCheck::new(1);
        fold.observe(&out).unwrap();
        // In two halves and merged, or at once: the same.
        let mut merged = IdentityCheck::new(1);
        merged.merge(&fold.save().unwrap()).unwrap();
        assert_eq!(merged.save().unwrap(), fold.save().unwrap());
        // Placed among others.
        let mut among = IdentityCheck::new(3);
        among.take_patients(&merged, &[1]).unwrap();
        let sites = among.finish(&[]).unwrap();
        let sites = sites.features.get("reads.sites").unwrap();
        assert_eq!(sites[1], Ok(count as f64));
        let output = merged.finish(&[]).unwrap();
        assert_eq!(
            output.features.get("reads.mean_depth"),
            Some(&[Ok(10.0)][..])
        );
        assert_eq!(
            output.features.get("reads.sites"),
            Some(&[Ok(count as f64)][..])
        );
        refuse_swaps(&output.features, &path)
    };
    let error = check(25).unwrap_err().to_string();
    assert!(error.contains("agree at 0 of 25 sites"), "{error}");
    // Too few sites to tell.
    check(19).unwrap();
}

#[test]
fn folds_of_other_patients_do_not_merge() {
    let mut fold = IdentityCheck::new(1);
    assert!(fold.merge(&IdentityCheck::new(2).save().unwrap()).is_err());
    assert!(fold.merge(&[9, 9, 9]).is_err());
    assert!(fold.take_patients(&IdentityCheck::new(2), &[0]).is_err());
    let output = fold.finish(&[]).unwrap();
    assert!(output.features.get("reads.concordance").unwrap()[0].is_err());
}
