//! Files, tools and small conveniences.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use varisk_alignments::{
    AlignmentFilters, AlignmentOptions, AlignmentReference, AlignmentSource, SiteQuery, SiteReads,
};
use varisk_core::{ContigId, ContigSet, Position};
use varisk_reference::Reference;

/// A file of the shared data.
pub(crate) fn shared(file: &str) -> PathBuf {
    let root = std::env::var_os("VARISK_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let path = root.join("data").join(file);
    assert!(
        path.exists(),
        "{} is missing; set VARISK_SHARED to the folder that holds data/",
        path.display()
    );
    path
}

/// Runs a tool and gives its standard output.
pub(crate) fn run(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{tool} cannot be run ({error}); install it"));
    assert!(
        output.status.success(),
        "{tool} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Set A: chromosome 17 of GRCh37 around BRCA1.
pub(crate) struct SetA {
    pub(crate) reference: AlignmentReference,
    pub(crate) contigs: Arc<ContigSet>,
    pub(crate) contig: ContigId,
}

pub(crate) const FOLDER_A: &str = "brca1_grch37_true_coords";

impl SetA {
    pub(crate) fn open() -> Self {
        let path = shared(FOLDER_A).join("chr17_brca1_sparse.fa.gz");
        let reference = Reference::open(path).unwrap();
        // The FASTA of the set is cut behind the gene; the header of the reads has the real length.
        let contigs = Arc::new(ContigSet::new([("17".to_owned(), 81_195_210)]));
        let contig = contigs.find("17").unwrap();
        Self {
            reference: AlignmentReference::new(reference),
            contigs,
            contig,
        }
    }

    pub(crate) fn bam(sample: &str) -> PathBuf {
        shared(FOLDER_A).join(format!("{sample}.brca1.bam"))
    }

    pub(crate) fn source(&self, path: &Path, filters: AlignmentFilters) -> AlignmentSource {
        let options = AlignmentOptions {
            filters,
            ..AlignmentOptions::default()
        };
        AlignmentSource::open(path, Some(&self.reference), &self.contigs, &options).unwrap()
    }
}

/// An allele of a test.
#[derive(Clone, Debug)]
pub(crate) struct Allele {
    pub(crate) position: u32,
    pub(crate) reference: String,
    pub(crate) alternate: String,
}

/// Evidence at alleles sorted by position.
pub(crate) fn ask(
    source: &AlignmentSource,
    contig: ContigId,
    alleles: &[Allele],
) -> Vec<SiteReads> {
    let queries: Vec<SiteQuery<'_>> = alleles
        .iter()
        .map(|allele| SiteQuery {
            position: Position(allele.position),
            reference: allele.reference.as_bytes(),
            alternate: allele.alternate.as_bytes(),
        })
        .collect();
    let mut found = Vec::new();
    source
        .reader()
        .unwrap()
        .evidence(contig, &queries, &mut found)
        .unwrap();
    found
}

/// Every position of a stretch (1-based, inclusive) as a single-base change.
pub(crate) fn every_base(
    reference: &AlignmentReference,
    contig: ContigId,
    first: u32,
    last: u32,
) -> Vec<Allele> {
    let mut bases = vec![0; (last - first + 1) as usize];
    reference
        .reference()
        .reader()
        .unwrap()
        .fill(contig, i64::from(first) - 1, &mut bases)
        .unwrap();
    (first..)
        .zip(bases)
        .map(|(position, base)| {
            let next = match base {
                b'A' => "C",
                b'C' => "G",
                b'G' => "T",
                _ => "A",
            };
            Allele {
                position,
                reference: char::from(base).to_string(),
                alternate: next.to_owned(),
            }
        })
        .collect()
}
