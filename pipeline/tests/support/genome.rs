//! The bases of the bundled genome, read by plain splitting of its text.

use std::collections::BTreeMap;

use super::program::testdata;

/// The bundled genome, in capitals, by contig.
pub(crate) struct Genome(BTreeMap<String, String>);

impl Genome {
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string(testdata("genome.fa")).expect("the genome");
        let contigs = text.split('>').skip(1).map(|contig| {
            let (name, sequence) = contig.split_once('\n').expect("a name");
            let sequence = sequence.replace('\n', "").to_uppercase();
            (name.to_owned(), sequence)
        });
        Self(contigs.collect())
    }

    /// Bases from a position, 1-based.
    pub(crate) fn bases(&self, contig: &str, position: usize, count: usize) -> &str {
        &self.0[contig][position - 1..position - 1 + count]
    }

    /// A base that is not the one there.
    pub(crate) fn other(&self, contig: &str, position: usize) -> &'static str {
        match self.bases(contig, position, 1) {
            "A" => "C",
            "C" => "G",
            "G" => "T",
            "T" => "A",
            base => panic!("{contig}:{position} is {base}"),
        }
    }

    /// Contigs with their lengths, in the order of the file.
    pub(crate) fn contigs(&self) -> [(&'static str, u32); 5] {
        ["chr1", "chr2", "chrX", "chrY", "chrM"].map(|name| (name, self.0[name].len() as u32))
    }
}
