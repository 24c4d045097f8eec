//! How inputs contradict each other on the build.

use varisk_core::GenomeBuild;

use super::{Claim, ClaimSource};

/// Inputs that contradict each other on the genome build. Lengths are in bases.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Two pieces of evidence are for different builds.
    #[error("wrong build: {first}, but {second}; {}", remedy(first, second))]
    WrongBuild {
        /// The earlier claim.
        first: Box<Claim>,
        /// The claim that contradicts it.
        second: Box<Claim>,
    },
    /// A contig's length differs between the VCF header and the FASTA.
    #[error(
        "wrong build: {contig} has {in_header} bases in the VCF header but {in_reference} in the \
         reference FASTA; give the FASTA that the VCF was made with{}",
        if *could_be_cut { ", or declare the build with --build if the FASTA is cut on purpose" }
        else { "" }
    )]
    LengthsDiffer {
        /// The contig, by the header's name.
        contig: String,
        /// Its length in the VCF header.
        in_header: u32,
        /// Its length in the FASTA.
        in_reference: u32,
        /// Whether the FASTA may be a part of the header's build.
        could_be_cut: bool,
    },
    /// A contig of the FASTA is longer than in the build.
    #[error(
        "wrong build: {contig} has {in_reference} bases in the reference FASTA but {in_build} in \
         {build}; give a FASTA of {build}, or the right --build"
    )]
    LongerThanBuild {
        /// The contig, by the FASTA's name.
        contig: String,
        /// The build.
        build: GenomeBuild,
        /// Its length in the FASTA.
        in_reference: u32,
        /// Its length in the build.
        in_build: u32,
    },
}

/// Which file to replace.
fn remedy(first: &Claim, second: &Claim) -> String {
    use ClaimSource::{Declared, Reference};
    let (first_build, second_build) = (first.build, second.build);
    match (first.source, second.source) {
        (Declared, Reference) => {
            format!("give a FASTA of {first_build}, or --build {second_build}")
        }
        (Declared, _) => format!("give a VCF on {first_build}, or --build {second_build}"),
        (Reference, Reference) => {
            "the FASTA mixes builds, give one that is of a single build".to_owned()
        }
        (Reference, _) => {
            format!("give a FASTA of {second_build}, or a VCF on {first_build}")
        }
        _ => "the VCF header contradicts itself, correct it with `bcftools reheader`".to_owned(),
    }
}
