//! The bundled cohort, read by plain splitting of its text: what the program's numbers are held
//! against.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::program::testdata;

/// A VCF file as text.
pub(crate) struct Vcf {
    /// Header lines, the one with the samples not among them.
    pub(crate) header: Vec<String>,
    pub(crate) samples: Vec<String>,
    /// Columns of each record.
    pub(crate) records: Vec<Vec<String>>,
}

/// An allele of a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Allele {
    pub(crate) contig: String,
    pub(crate) position: u32,
    pub(crate) reference: String,
    /// Empty where the record has none.
    pub(crate) alternate: String,
}

/// What a sample has of an allele.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Genotype {
    /// For each haplotype the index of its allele, `None` for `.`.
    pub(crate) haplotypes: Vec<Option<usize>>,
    pub(crate) phased: bool,
    /// 1-based index of the allele asked about.
    pub(crate) index: usize,
}

impl Genotype {
    pub(crate) fn is_complete(&self) -> bool {
        self.haplotypes.iter().all(Option::is_some)
    }

    pub(crate) fn is_missing(&self) -> bool {
        self.haplotypes.iter().all(Option::is_none)
    }

    pub(crate) fn copies(&self) -> usize {
        let own = Some(self.index);
        self.haplotypes.iter().filter(|it| **it == own).count()
    }

    /// As findings show it.
    pub(crate) fn shown(&self) -> String {
        let letter = |haplotype: &Option<usize>| match haplotype {
            None => ".",
            Some(0) => "0",
            Some(index) if *index == self.index => "1",
            Some(_) => "2",
        };
        let letters: Vec<&str> = self.haplotypes.iter().map(letter).collect();
        letters.join(if self.phased { "|" } else { "/" })
    }
}

impl Vcf {
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .read_to_string(&mut text)
            .expect("a gzip file of text");
        Self::parse(&text)
    }

    pub(crate) fn parse(text: &str) -> Self {
        let header = text.lines().filter(|line| line.starts_with("##"));
        let columns = text.lines().find(|line| line.starts_with("#CHROM"));
        let columns = columns.expect("a header line").split('\t').skip(9);
        let records = text.lines().filter(|line| !line.starts_with('#'));
        Self {
            header: header.map(str::to_owned).collect(),
            samples: columns.map(str::to_owned).collect(),
            records: records
                .map(|line| line.split('\t').map(str::to_owned).collect())
                .collect(),
        }
    }

    /// The bundled cohort.
    pub(crate) fn bundled() -> Self {
        Self::read(Path::new(&testdata("cohort.vcf.gz")))
    }

    /// As text again.
    pub(crate) fn text(&self) -> String {
        let fixed = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
        let mut columns = vec![fixed.to_owned()];
        if !self.samples.is_empty() {
            columns.push("FORMAT".to_owned());
            columns.extend(self.samples.iter().cloned());
        }
        let records = self.records.iter().map(|record| record.join("\t"));
        let lines = self.header.iter().cloned();
        let all: Vec<String> = lines.chain([columns.join("\t")]).chain(records).collect();
        all.join("\n") + "\n"
    }

    /// Without samples.
    pub(crate) fn sites(mut self) -> Self {
        self.samples.clear();
        self.records
            .iter_mut()
            .for_each(|record| record.truncate(8));
        self
    }

    /// All alleles with the number of their record and their 1-based index.
    pub(crate) fn alleles(&self) -> Vec<(Allele, usize, usize)> {
        let mut alleles = Vec::new();
        for (number, record) in self.records.iter().enumerate() {
            for (i, alternate) in record[4].split(',').enumerate() {
                let is_none = alternate == ".";
                let allele = Allele {
                    contig: record[0].clone(),
                    position: record[1].parse().expect("POS is a number"),
                    reference: record[3].clone(),
                    alternate: if is_none {
                        String::new()
                    } else {
                        alternate.to_owned()
                    },
                };
                alleles.push((allele, number, if is_none { 0 } else { i + 1 }));
            }
        }
        alleles
    }

    /// The genotype of a sample at a record, seen from an allele.
    pub(crate) fn genotype(&self, record: usize, sample: usize, index: usize) -> Genotype {
        let record = &self.records[record];
        let field = record[8].split(':').position(|name| name == "GT");
        let field = field.expect("every record of the cohort has GT");
        let text = record[9 + sample].split(':').nth(field).unwrap_or(".");
        let haplotypes = text.split(['/', '|']).map(|part| part.parse().ok());
        Genotype {
            haplotypes: haplotypes.collect(),
            phased: text.contains('|'),
            index,
        }
    }
}

impl Allele {
    /// Both alleles are written as bases and differ.
    pub(crate) fn is_sequence(&self) -> bool {
        let bases = |text: &str| !text.is_empty() && text.bytes().all(|b| b"ACGTN".contains(&b));
        bases(&self.reference) && bases(&self.alternate)
    }
}

/// A row of a CSV file by column name.
pub(crate) fn csv(path: &str) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a first line").split(',').collect();
    let row = |line: &str| {
        let cells = line.split(',').map(str::to_owned);
        names
            .iter()
            .map(|name| (*name).to_owned())
            .zip(cells)
            .collect()
    };
    lines.map(row).collect()
}

/// What a site's ploidy depends on, from `par.bed` and the contig's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Autosomal,
    X,
    Y,
    Mitochondrial,
}

/// The place of a position, 1-based.
pub(crate) fn place(contig: &str, position: u32) -> Place {
    let bed = std::fs::read_to_string(testdata("par.bed")).expect("par.bed");
    let is_pseudoautosomal = bed.lines().any(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let number = |at: usize| columns[at].parse::<u32>().expect("a number");
        columns[0] == contig && number(1) < position && position <= number(2)
    });
    match contig {
        _ if is_pseudoautosomal => Place::Autosomal,
        "chrX" => Place::X,
        "chrY" => Place::Y,
        "chrM" => Place::Mitochondrial,
        _ => Place::Autosomal,
    }
}
