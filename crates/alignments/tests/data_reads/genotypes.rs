//! Genotypes from reads beside the published calls of set A.

use varisk_alignments::{AlignmentFilters, GenotypeThresholds, ReadPloidy};
use varisk_core::{AlleleClass, CallCode};

use crate::support::{Allele, FOLDER_A, SetA, ask, run, shared};

/// Alleles of the set, normalised, each with the genotypes of HG00096 and HG00099.
fn called(set: &SetA) -> Vec<(Allele, [String; 2])> {
    let vcf = shared(FOLDER_A).join("brca1_1kg_3samples.vcf.gz");
    let fasta = set.reference.reference().path();
    let folder = tempfile::tempdir().unwrap();
    let normalised = folder.path().join("normalised.bcf");
    run(
        "bcftools",
        &[
            "norm",
            "-m",
            "-any",
            "-f",
            fasta.to_str().unwrap(),
            "-Ob",
            "-o",
            normalised.to_str().unwrap(),
            vcf.to_str().unwrap(),
        ],
    );
    let text = run(
        "bcftools",
        &[
            "query",
            "-s",
            "HG00096,HG00099",
            "-f",
            "%POS\t%REF\t%ALT[\t%GT]\n",
            normalised.to_str().unwrap(),
        ],
    );
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let allele = Allele {
                position: fields[0].parse().unwrap(),
                reference: fields[1].to_owned(),
                alternate: fields[2].to_owned(),
            };
            (allele, [fields[3].to_owned(), fields[4].to_owned()])
        })
        .filter(|(allele, _)| {
            AlleleClass::of(allele.reference.as_bytes(), allele.alternate.as_bytes()).is_sequence()
        })
        .collect()
}

pub(crate) fn alleles_of(set: &SetA) -> Vec<Allele> {
    called(set).into_iter().map(|(allele, _)| allele).collect()
}

/// Copies of the alternate allele, where the call is complete.
fn copies(genotype: &str) -> Option<usize> {
    (!genotype.contains('.')).then(|| genotype.matches('1').count())
}

/// Where reads and file differ: nine reads on both strands, five with the alternate base at a mean
/// quality of 37, and `0|0` in the file, whose calls of this sample rest on other reads (and on
/// imputation) too.
const DIFFERENT: [(&str, u32); 1] = [("HG00099", 41_245_466)];

/// Sites at which the reads give a genotype, at least: single bases, others.
const COMPARED: [(&str, [usize; 2]); 2] = [("HG00096", [137, 2]), ("HG00099", [924, 23])];

#[test]
fn genotypes_from_reads_are_those_of_the_file() {
    let set = SetA::open();
    let called = called(&set);
    let alleles: Vec<Allele> = called.iter().map(|(allele, _)| allele.clone()).collect();
    for (index, (sample, least)) in COMPARED.into_iter().enumerate() {
        let source = set.source(&SetA::bam(sample), AlignmentFilters::default());
        let found = ask(&source, set.contig, &alleles);
        let (mut compared, mut variants) = ([0, 0], 0);
        for ((allele, genotypes), site) in called.iter().zip(&found) {
            let genotype = site
                .likelihoods
                .genotype(ReadPloidy::Diploid, site.evidence.depth());
            let code = genotype.call(GenotypeThresholds::default());
            let (Some(expected), Some(call)) =
                (copies(&genotypes[index]), code.and_then(CallCode::call))
            else {
                continue;
            };
            let is_snv = allele.reference.len() == 1 && allele.alternate.len() == 1;
            compared[usize::from(!is_snv)] += 1;
            variants += usize::from(expected > 0);
            let same = usize::from(call.alternate) == expected && call.other == 0;
            let listed = DIFFERENT.contains(&(sample, allele.position));
            assert_eq!(
                same, !listed,
                "{sample} {allele:?} {genotype:?} {:?}",
                site.evidence
            );
        }
        assert!(
            compared[0] >= least[0] && compared[1] >= least[1],
            "{compared:?}"
        );
        assert!(variants >= 5, "{variants} variants of {sample}");
    }
}
