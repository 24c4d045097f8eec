//! What a single piece of evidence says about the build.

use std::fmt;

use varisk_core::{GenomeBuild, canonical_name};

use super::BuildError;

/// Where a claim comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimSource {
    /// The user's `--build`.
    Declared,
    /// A contig's length in the FASTA.
    Reference,
    /// A contig's length in the VCF header.
    HeaderLength,
    /// The header's `##reference` line.
    ReferenceLine,
    /// The header's `##assembly` line.
    AssemblyLine,
    /// The `assembly` of a `##contig` line.
    ContigAssembly,
}

/// One piece of evidence for a build; its text form says what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Where it comes from.
    pub source: ClaimSource,
    /// The build it is evidence for.
    pub build: GenomeBuild,
    /// The contig and its length in bases, for a length.
    pub length: Option<(String, u32)>,
    /// The text, for free text.
    pub text: Option<String>,
}

impl Claim {
    pub(super) fn declared(build: GenomeBuild) -> Self {
        Self {
            source: ClaimSource::Declared,
            build,
            length: None,
            text: None,
        }
    }

    /// A build that a header's free text names.
    pub(super) fn text(source: ClaimSource, text: &str) -> Option<Self> {
        Some(Self {
            source,
            build: GenomeBuild::mentioned_in(&without_hashes(text))?,
            length: None,
            text: Some(text.to_owned()),
        })
    }
}

/// Drops the parts of a path that are hashes: `b37` is also hexadecimal, and work folders of
/// workflow engines (`work/3f/b37ac9...`) end up in `##reference` lines.
fn without_hashes(text: &str) -> String {
    const SHORTEST_HASH: usize = 16;
    let is_hash = |part: &str| {
        part.len() >= SHORTEST_HASH && part.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
    };
    let parts: Vec<&str> = text.split('/').filter(|part| !is_hash(part)).collect();
    parts.join("/")
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.as_deref().unwrap_or_default();
        match self.source {
            ClaimSource::Declared => f.write_str("--build says")?,
            ClaimSource::Reference => f.write_str("the reference FASTA has")?,
            ClaimSource::HeaderLength => f.write_str("the VCF header has")?,
            ClaimSource::ReferenceLine => write!(f, "the VCF header's ##reference={text} means")?,
            ClaimSource::AssemblyLine => write!(f, "the VCF header's ##assembly={text} means")?,
            ClaimSource::ContigAssembly => {
                write!(f, "the VCF header's ##contig assembly={text} means")?;
            }
        }
        match &self.length {
            Some((contig, length)) => {
                write!(f, " {contig} with {length} bases as in {}", self.build)
            }
            None => write!(f, " {}", self.build),
        }
    }
}

/// The known build whose contig has this length in bases.
pub(super) fn build_of(canonical: &str, length: u32) -> Option<GenomeBuild> {
    GenomeBuild::KNOWN
        .into_iter()
        .find(|build| build.length(canonical) == Some(length))
}

/// Claims that agree so far.
#[derive(Default)]
pub(super) struct Claims {
    first: Option<Claim>,
    has_length: bool,
}

impl Claims {
    /// Takes in a claim; an error if it contradicts an earlier one.
    pub(super) fn add(&mut self, claim: Claim) -> Result<(), BuildError> {
        if let Some(first) = self.first.as_ref().filter(|it| it.build != claim.build) {
            return Err(BuildError::WrongBuild {
                first: Box::new(first.clone()),
                second: Box::new(claim),
            });
        }
        self.has_length |= claim.length.is_some();
        self.first.get_or_insert(claim);
        Ok(())
    }

    /// Takes in a length, if it is one of a known build's primary contig.
    pub(super) fn add_length(
        &mut self,
        source: ClaimSource,
        contig: &str,
        length: u32,
    ) -> Result<(), BuildError> {
        let canonical = canonical_name(contig);
        match build_of(canonical, length).filter(|_| canonical != "MT") {
            Some(build) => self.add(Claim {
                source,
                build,
                length: Some((contig.to_owned(), length)),
                text: None,
            }),
            None => Ok(()),
        }
    }

    /// Whether a length is among the claims.
    pub(super) fn has_length(&self) -> bool {
        self.has_length
    }

    /// What all claims say.
    pub(super) fn build(&self) -> Option<GenomeBuild> {
        self.first.as_ref().map(|claim| claim.build)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_work_folder_names_no_build() {
        let check = |text, expected| {
            let claim = Claim::text(ClaimSource::ReferenceLine, text);
            assert_eq!(claim.map(|claim| claim.build), expected, "{text}");
        };
        check(
            "file:///scratch/3f/b37ac9e0d1c2b3a4f5e6d7c8b9a0f1/genome.fa",
            None,
        );
        check("/x/1b37c2d0-1111-2222-3333-444455556666/genome.fa", None);
        check("/refs/b37/genome.fa", Some(GenomeBuild::Grch37));
        check("/refs/GRCh38/genome.fa", Some(GenomeBuild::Grch38));
    }
}
