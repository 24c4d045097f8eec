//! Which genome build a run is on, and whether its inputs agree on it.
//!
//! Lengths of the primary contigs are evidence; free text is a hint that only counts where no
//! length speaks. Nothing outvotes anything: two pieces of evidence that contradict each other are
//! an error, because every number computed from the wrong build looks right.

mod claim;
mod error;

use varisk_core::{ContigSet, GenomeBuild, canonical_name};

use claim::Claims;
pub use claim::{Claim, ClaimSource};
pub use error::BuildError;

/// A `##contig` line of the VCF header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderContig {
    /// `ID`.
    pub name: String,
    /// `length`, in bases.
    pub length: Option<u32>,
    /// `assembly`, free text.
    pub assembly: Option<String>,
}

/// What a VCF header says about the genome it is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderHints {
    /// The `##contig` lines.
    pub contigs: Vec<HeaderContig>,
    /// The `##reference` line.
    pub reference: Option<String>,
    /// The `##assembly` line.
    pub assembly: Option<String>,
}

/// What the build was concluded from; the strongest that there was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildEvidence {
    /// Lengths of primary contigs, in the FASTA or in the VCF header.
    Lengths,
    /// The user's declaration; no length says anything.
    Declared,
    /// Free text of the VCF header; no length says anything.
    Text,
    /// Nothing: the build is unknown.
    Nothing,
}

/// The build of a run, and what the user should be told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildFinding {
    /// The build; [`GenomeBuild::Other`] where nothing names one.
    pub build: GenomeBuild,
    /// What it was concluded from.
    pub evidence: BuildEvidence,
    /// Contigs that are shorter in the FASTA than in the build, by the FASTA's names and in its
    /// order: a FASTA that was cut on purpose. Nothing beyond their ends can be checked.
    pub truncated_contigs: Vec<String>,
    /// Lengths in bases of the mitochondrial contig, in the VCF header and in the FASTA, where they
    /// differ (hg19 as UCSC shipped it has another mitochondrion than GRCh37). Mitochondrial
    /// records of such a file are on another sequence.
    pub mitochondria_differ: Option<(u32, u32)>,
}

/// Decides the build from what the user declared, the FASTA's contigs and the VCF header.
///
/// A contig that is shorter in the FASTA than in the header is accepted as cut on purpose only if
/// its length is that of no known build, a build is declared, and the header has the declared
/// build's length. The mitochondrion has no say: hg19 and GRCh37 differ in it alone.
///
/// # Errors
/// Two of the inputs contradict each other.
pub fn detect_build(
    declared: Option<GenomeBuild>,
    reference: &ContigSet,
    header: &HeaderHints,
) -> Result<BuildFinding, BuildError> {
    let mut claims = Claims::default();
    if let Some(build) = declared {
        claims.add(Claim::declared(build))?;
    }
    for (_, name, length) in reference.iter() {
        claims.add_length(ClaimSource::Reference, name, length)?;
    }
    for contig in &header.contigs {
        if let Some(length) = contig.length {
            claims.add_length(ClaimSource::HeaderLength, &contig.name, length)?;
        }
    }
    let mitochondria_differ = compare_lengths(declared, reference, header)?;

    // Text comes last, so that a contradiction names the length it contradicts.
    let by_length = claims.has_length();
    for claim in text_claims(header) {
        claims.add(claim)?;
    }
    let build = claims.build();
    let evidence = match (by_length, declared, build) {
        (true, ..) => BuildEvidence::Lengths,
        (_, Some(_), _) => BuildEvidence::Declared,
        (_, None, Some(_)) => BuildEvidence::Text,
        (_, None, None) => BuildEvidence::Nothing,
    };
    let build = build.unwrap_or(GenomeBuild::Other);
    Ok(BuildFinding {
        build,
        evidence,
        truncated_contigs: truncated_contigs(build, reference)?,
        mitochondria_differ,
    })
}

/// Compares the lengths of contigs that both the header and the FASTA have; returns those of the
/// mitochondrion where they differ.
fn compare_lengths(
    declared: Option<GenomeBuild>,
    reference: &ContigSet,
    header: &HeaderHints,
) -> Result<Option<(u32, u32)>, BuildError> {
    let mut mitochondria_differ = None;
    for contig in &header.contigs {
        let (Some(in_header), Some(id)) = (contig.length, reference.find(&contig.name)) else {
            continue;
        };
        let in_reference = reference.length(id);
        if in_header == in_reference {
            continue;
        }
        let canonical = canonical_name(&contig.name);
        if canonical == "MT" {
            mitochondria_differ = Some((in_header, in_reference));
            continue;
        }
        // That the FASTA's length is of no known build is sure here: it would have contradicted
        // the declared build before.
        let cut_on_purpose = in_reference < in_header
            && declared.and_then(|build| build.length(canonical)) == Some(in_header);
        if !cut_on_purpose {
            return Err(BuildError::LengthsDiffer {
                contig: contig.name.clone(),
                in_header,
                in_reference,
                could_be_cut: in_reference < in_header
                    && claim::build_of(canonical, in_reference).is_none()
                    && claim::build_of(canonical, in_header).is_some(),
            });
        }
    }
    Ok(mitochondria_differ)
}

/// Primary contigs that are shorter in the FASTA than in the build; a longer one is an error.
fn truncated_contigs(build: GenomeBuild, reference: &ContigSet) -> Result<Vec<String>, BuildError> {
    let mut truncated = Vec::new();
    for (_, name, length) in reference.iter() {
        let Some(expected) = build.length(canonical_name(name)) else {
            continue;
        };
        if canonical_name(name) == "MT" && length > expected {
            continue;
        }
        if length > expected {
            return Err(BuildError::LongerThanBuild {
                contig: name.to_owned(),
                build,
                in_reference: length,
                in_build: expected,
            });
        }
        if length < expected {
            truncated.push(name.to_owned());
        }
    }
    Ok(truncated)
}

fn text_claims(header: &HeaderHints) -> impl Iterator<Item = Claim> {
    let lines = [
        (ClaimSource::ReferenceLine, &header.reference),
        (ClaimSource::AssemblyLine, &header.assembly),
    ];
    let contigs = header
        .contigs
        .iter()
        .map(|contig| (ClaimSource::ContigAssembly, &contig.assembly));
    lines
        .into_iter()
        .chain(contigs)
        .filter_map(|(source, text)| Claim::text(source, text.as_deref()?))
}

#[cfg(test)]
mod tests;
