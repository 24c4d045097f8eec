//! Positions that a run needs, so that records of single bases elsewhere need not be decoded.

use varisk_core::{ContigId, Position};

use crate::{RecordFormat, bcf, vcf};

/// Positions in a run's contigs, as sorted lists.
///
/// # Memory
/// Four bytes a position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedSites {
    /// For each contig its positions, 1-based, ascending and distinct.
    positions: Vec<Vec<u32>>,
}

impl WantedSites {
    /// The set of some positions (1-based), in any order and as often as they like.
    #[must_use]
    pub fn new(sites: impl IntoIterator<Item = (ContigId, Position)>) -> Self {
        let mut positions: Vec<Vec<u32>> = Vec::new();
        for (contig, position) in sites {
            let contig = contig.0 as usize;
            if positions.len() <= contig {
                positions.resize_with(contig + 1, Vec::new);
            }
            if let Some(list) = positions.get_mut(contig) {
                list.push(position.0);
            }
        }
        for list in &mut positions {
            list.sort_unstable();
            list.dedup();
            list.shrink_to_fit();
        }
        Self { positions }
    }

    /// Whether a position (1-based) is one of them.
    #[must_use]
    pub fn contains(&self, contig: ContigId, position: Position) -> bool {
        self.positions
            .get(contig.0 as usize)
            .is_some_and(|list| list.binary_search(&position.0).is_ok())
    }

    /// Number of distinct positions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.positions.iter().map(Vec::len).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// REF of a record that speaks of one base and of nothing that normalisation could move: REF is one
/// base, and each ALT is one base, `*`, `<NON_REF>`, `<*>` or `.`. `None` for any other record, also
/// for one that is damaged.
pub(crate) fn single_base(format: RecordFormat, bytes: &[u8]) -> Option<u8> {
    match format {
        RecordFormat::Vcf => {
            let (reference, alternates) = vcf::allele_columns(bytes)?;
            let all = alternates.split(|b| *b == b',').all(stays_in_place);
            one_base(reference).filter(|_| all)
        }
        RecordFormat::Bcf => {
            let mut reference = None;
            bcf::all_alleles(bytes, |place, allele| {
                if place > 0 {
                    return stays_in_place(allele);
                }
                reference = one_base(allele);
                reference.is_some()
            })
            .and(reference)
        }
    }
}

fn one_base(allele: &[u8]) -> Option<u8> {
    match *allele {
        [base] if b"ACGTNacgtn".contains(&base) => Some(base),
        _ => None,
    }
}

fn stays_in_place(alternate: &[u8]) -> bool {
    one_base(alternate).is_some() || matches!(alternate, b"." | b"*" | b"<NON_REF>" | b"<*>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_in_any_order_and_twice() {
        let site = |contig, position| (ContigId(contig), Position(position));
        let wanted = WantedSites::new([site(3, 9), site(0, 7), site(3, 2), site(3, 9)]);
        assert_eq!(wanted.len(), 3);
        for (contig, position, expected) in [
            (3, 9, true),
            (3, 2, true),
            (0, 7, true),
            (0, 9, false),
            (1, 7, false),
            (9, 7, false),
        ] {
            let (contig, position) = site(contig, position);
            assert_eq!(wanted.contains(contig, position), expected);
        }
        assert!(WantedSites::new([]).is_empty());
    }

    #[test]
    fn only_single_bases_stay_in_place() {
        let check = |reference: &str, alternates: &str, expected: Option<u8>| {
            let line = format!("1\t5\t.\t{reference}\t{alternates}\t.\t.\t.\tGT\t0/1");
            let found = single_base(RecordFormat::Vcf, line.as_bytes());
            assert_eq!(found, expected, "{reference}>{alternates}");
        };
        for alternates in [
            "C",
            "c,G",
            "T,*",
            "N",
            "<NON_REF>",
            "C,<NON_REF>",
            "<*>",
            ".",
        ] {
            check("A", alternates, Some(b'A'));
        }
        for alternates in [
            "CA", "C,AT", "<DEL>", "A[1:9[", "C,<DUP>", "", "C,", "R", ".A",
        ] {
            check("A", alternates, None);
        }
        check("AC", "A", None);
        check("AC", "<NON_REF>", None);
        check("R", "A", None);
        check("", "A", None);
        assert_eq!(single_base(RecordFormat::Vcf, b"1\t5\t.\tA"), None);
        assert_eq!(single_base(RecordFormat::Vcf, b"1\t5\t.\tA\tC"), None);
        for length in 0..40 {
            assert_eq!(single_base(RecordFormat::Bcf, &vec![0xff; length]), None);
        }
    }
}
