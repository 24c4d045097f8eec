//! A record taken apart, the same for VCF text and BCF.

use std::collections::HashSet;
use std::ops::Range;

use crate::InfoNumber;
use crate::genotype::{GenotypeError, GenotypePlace};
use crate::info_text::InfoText;

/// How records of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFormat {
    /// A line of text.
    Vcf,
    /// A binary record with its two length words.
    Bcf,
}

/// An INFO field that is wanted as a number for each alternate allele.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedInfo {
    /// Name of the field.
    pub name: String,
    /// How many values it has.
    pub number: InfoNumber,
    /// Index in the BCF dictionary, if the header defines it.
    pub dictionary_index: Option<usize>,
}

/// Where the genotypes of a record are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum GenotypeBytes {
    /// The record has none.
    #[default]
    None,
    /// Text after the FORMAT column, and where GT stands in FORMAT.
    Text {
        samples: Range<usize>,
        place: GenotypePlace,
    },
    /// A typed BCF vector: bytes of an integer, integers for each sample, the values.
    Typed {
        width: usize,
        per_sample: usize,
        values: Range<usize>,
    },
}

/// Site columns of a record as ranges into its bytes; reused from record to record.
#[derive(Clone, Debug, Default)]
pub struct ParsedRecord {
    pub(crate) id: Option<Range<usize>>,
    pub(crate) reference: Range<usize>,
    pub(crate) alternates: Vec<Range<usize>>,
    pub(crate) quality: Option<f32>,
    /// FILTER as VCF text; empty where the record has none.
    pub(crate) filter: String,
    /// For each wanted field its values in the order of the record; empty where absent.
    pub(crate) info: Vec<Vec<Option<f32>>>,
    /// For each field wanted as text what the record has.
    pub(crate) texts: Vec<InfoText>,
    pub(crate) genotypes: GenotypeBytes,
    /// FORMAT of a line of text; empty in BCF.
    pub(crate) format: Range<usize>,
    /// FORMAT fields of a BCF record: dictionary index and where the values are.
    pub(crate) format_fields: Vec<(usize, FormatField)>,
}

/// Where the values of a FORMAT field of a BCF record are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FormatField {
    /// Byte of the type, without its count.
    pub(crate) kind: u8,
    pub(crate) per_sample: usize,
    pub(crate) values: Range<usize>,
}

impl ParsedRecord {
    /// Empties the record for reuse, keeping its memory.
    pub(crate) fn clear(&mut self, wanted: usize, texts: usize) {
        self.id = None;
        self.alternates.clear();
        self.quality = None;
        self.filter.clear();
        self.info.resize_with(wanted, Vec::new);
        self.info.iter_mut().for_each(Vec::clear);
        self.texts.resize_with(texts, InfoText::default);
        self.texts.iter_mut().for_each(InfoText::clear);
        self.genotypes = GenotypeBytes::None;
        self.format = 0..0;
        self.format_fields.clear();
    }

    /// Number of alternate alleles written, `.` included.
    #[must_use]
    pub fn alternate_count(&self) -> usize {
        self.alternates.len()
    }
}

/// Why a record cannot be read: a machine-readable kind and a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// The kind, such as `columns` or `genotype`.
    pub kind: &'static str,
    /// The clause; it never holds a genotype or a sample name.
    pub detail: String,
}

impl Defect {
    pub(crate) fn new(kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }
}

impl From<GenotypeError> for Defect {
    fn from(error: GenotypeError) -> Self {
        Self::new("genotype", error.to_string())
    }
}

/// Whether REF is what VCF allows: letters of the IUPAC code, any case.
pub(crate) fn check_reference_text(reference: &[u8]) -> Result<(), Defect> {
    if reference.is_empty() || !reference.iter().all(|b| is_iupac(*b)) {
        return Err(Defect::new("ref", "REF is not a sequence of bases"));
    }
    Ok(())
}

/// Whether the alternate alleles of a record are what VCF allows, each and together.
pub(crate) fn check_alternates(bytes: &[u8], alternates: &[Range<usize>]) -> Result<(), Defect> {
    for range in alternates {
        check_alternate_text(&bytes[range.clone()])?;
    }
    if alternates.len() < 2 {
        return Ok(());
    }
    let mut seen = HashSet::with_capacity(alternates.len());
    for range in alternates {
        let text = &bytes[range.clone()];
        if text == b"." {
            return Err(Defect::new(
                "alt",
                "'.' stands beside other alternate alleles",
            ));
        }
        // VCF 4.4 allows a symbolic allele twice, with lengths of its own. A sequence twice would
        // split the copies of one allele over two.
        if !text.starts_with(b"<") && !seen.insert(text.to_ascii_uppercase()) {
            return Err(Defect::new("alt", "an alternate allele stands there twice"));
        }
    }
    Ok(())
}

/// Whether ALT is what VCF allows.
fn check_alternate_text(alternate: &[u8]) -> Result<(), Defect> {
    let valid = match alternate {
        b"" => false,
        b"." | b"*" => true,
        [b'<', inner @ .., b'>'] => {
            !inner.is_empty()
                && inner
                    .iter()
                    .all(|b| b.is_ascii_graphic() && !b"<>,".contains(b))
        }
        _ if alternate.iter().any(|b| b"[]<>".contains(b)) => breakend_or_contig(alternate),
        [b'.', bases @ ..] | [bases @ .., b'.'] => bases.iter().all(|b| is_iupac(*b)),
        _ => alternate.iter().all(|b| is_iupac(*b)),
    };
    if valid {
        Ok(())
    } else {
        Err(Defect::new(
            "alt",
            "ALT is neither bases, '*', a symbolic allele nor a breakend",
        ))
    }
}

fn breakend_or_contig(alternate: &[u8]) -> bool {
    let brackets = |b: &u8| *b == b'[' || *b == b']';
    let marks: Vec<usize> = (0..alternate.len())
        .filter(|i| brackets(&alternate[*i]))
        .collect();
    match marks[..] {
        [first, last] => {
            let inside = &alternate[first + 1..last];
            let outside = [&alternate[..first], &alternate[last + 1..]].concat();
            let place = inside.rsplitn(2, |b| *b == b':').collect::<Vec<_>>();
            alternate[first] == alternate[last]
                && place.len() == 2
                && !place[1].is_empty()
                && !place[0].is_empty()
                && place[0].iter().all(u8::is_ascii_digit)
                && !outside.is_empty()
                && outside.iter().all(|b| is_iupac(*b) || *b == b'.')
        }
        // A sequence joined to an assembly contig, as in 'C<ctg1>'.
        [] => {
            let at = |mark| alternate.iter().position(|b| *b == mark);
            let (Some(open), Some(close)) = (at(b'<'), at(b'>')) else {
                return false;
            };
            let after = alternate.get(close + 1..).unwrap_or(&[]);
            let mut outside = alternate[..open].iter().chain(after);
            open + 1 < close && outside.all(|b| is_iupac(*b))
        }
        _ => false,
    }
}

fn is_iupac(base: u8) -> bool {
    b"ACGTNRYSWKMBDHV".contains(&base.to_ascii_uppercase())
}

/// Reads a number as VCF writes it, `nan` and `inf` in any case included.
pub(crate) fn parse_float(text: &[u8]) -> Option<f32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternates() {
        for good in [
            "A",
            "acgtn",
            "*",
            "<DEL>",
            "<DUP:TANDEM>",
            "G]17:198982]",
            "]13:123456]T",
            "C[<ctg1>:7[",
            "C<ctg1>",
            ".TC",
            "TC.",
            ".",
        ] {
            assert!(check_alternate_text(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in [
            "", "A-", "<>", "<", "G]17]", "G]17:x]", "]17:1]", "A C", "1", "A]1:2[", "<A<B>",
            "AG>C", "A<C", "A>G<C",
        ] {
            assert!(check_alternate_text(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
