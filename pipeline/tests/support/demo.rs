//! The bundled cohort as a run.

use std::path::Path;

use super::program::{Call, testdata, text};

/// Name of the bundled variant model, as it stands in columns.
pub(crate) const SCORE: &str = "score.demo-variant-kmer.pathogenicity";
/// Its reasons.
pub(crate) const REASON: &str = "reason.demo-variant-kmer";
/// The prefix of its burden features.
pub(crate) const BURDEN: &str = "burden.demo-variant-kmer.pathogenicity";

/// Everything on the bundled cohort, quick and without saved states.
pub(crate) fn run(output: &Path) -> Call {
    Call::new("run")
        .with("--vcf", testdata("cohort.vcf.gz"))
        .with("--samplesheet", testdata("samplesheet.csv"))
        .with("--reference", testdata("genome.fa"))
        .with("--build", "other")
        .with("--par", testdata("par.bed"))
        .with("--model", testdata("models/variant-kmer"))
        .also("--model", testdata("models/patient-risk"))
        .with("--output", text(output))
        .with("--threads", "2")
        .with("--checkpoint-seconds", "0")
}

/// The same with the files of single patients.
pub(crate) fn run_files(output: &Path) -> Call {
    run(output)
        .without("--vcf")
        .with("--samplesheet", testdata("samplesheet.files.csv"))
}

/// Variants alone.
pub(crate) fn score(output: &Path) -> Call {
    Call::new("score")
        .with("--vcf", testdata("cohort.vcf.gz"))
        .with("--reference", testdata("genome.fa"))
        .with("--build", "other")
        .with("--model", testdata("models/variant-kmer"))
        .with("--output", text(output))
}
