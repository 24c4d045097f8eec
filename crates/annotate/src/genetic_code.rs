//! Genetic codes and names of amino acids.
//!
//! Source: NCBI, "The Genetic Codes", tables 1 (standard) and 2 (vertebrate mitochondrial).

/// A genetic code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GeneticCode {
    /// Translation table 1.
    #[default]
    Standard,
    /// Translation table 2: `AGA` and `AGG` stop, `ATA` is Met, `TGA` is Trp.
    VertebrateMitochondrial,
}

/// Residue of a codon that cannot be translated for certain.
pub(crate) const UNKNOWN: u8 = b'X';
/// Residue of a stop codon.
pub(crate) const STOP: u8 = b'*';
/// Selenocysteine.
pub(crate) const SELENOCYSTEINE: u8 = b'U';

/// Codons in the order T, C, A, G of each base, as NCBI prints them.
const STANDARD: &[u8; 64] = b"FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG";
const MITOCHONDRIAL: &[u8; 64] =
    b"FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIMMTTTTNNKKSS**VVVVAAAADDEEGGGG";

impl GeneticCode {
    /// The code of a contig, by its canonical name.
    #[must_use]
    pub fn of_contig(name: &str) -> Self {
        if varisk_core::canonical_name(name) == "MT" {
            Self::VertebrateMitochondrial
        } else {
            Self::Standard
        }
    }

    /// Translates a codon of upper-case bases to a one-letter residue, `*` for a stop; `X` where a
    /// base is not one of A, C, G and T.
    #[must_use]
    pub fn translate(self, codon: [u8; 3]) -> u8 {
        let mut index = 0;
        for base in codon {
            let digit = match base {
                b'T' => 0,
                b'C' => 1,
                b'A' => 2,
                b'G' => 3,
                _ => return UNKNOWN,
            };
            index = index * 4 + digit;
        }
        match self {
            Self::Standard => STANDARD[index],
            Self::VertebrateMitochondrial => MITOCHONDRIAL[index],
        }
    }

    /// Whether NCBI lists the codon as one that translation may start with.
    #[must_use]
    pub fn is_start(self, codon: [u8; 3]) -> bool {
        match self {
            Self::Standard => matches!(&codon, b"ATG" | b"CTG" | b"TTG"),
            Self::VertebrateMitochondrial => {
                matches!(&codon, b"ATG" | b"ATA" | b"ATT" | b"ATC" | b"GTG")
            }
        }
    }
}

/// Three-letter name of a residue, `Ter` for a stop, `Xaa` for an unknown one.
#[must_use]
pub fn three_letters(residue: u8) -> &'static str {
    match residue {
        b'A' => "Ala",
        b'R' => "Arg",
        b'N' => "Asn",
        b'D' => "Asp",
        b'C' => "Cys",
        b'E' => "Glu",
        b'Q' => "Gln",
        b'G' => "Gly",
        b'H' => "His",
        b'I' => "Ile",
        b'L' => "Leu",
        b'K' => "Lys",
        b'M' => "Met",
        b'F' => "Phe",
        b'P' => "Pro",
        b'S' => "Ser",
        b'T' => "Thr",
        b'W' => "Trp",
        b'Y' => "Tyr",
        b'V' => "Val",
        b'U' => "Sec",
        b'*' => "Ter",
        _ => "Xaa",
    }
}

/// Complement of an upper-case base or IUPAC code; anything else is `N`.
#[must_use]
pub(crate) fn complement(base: u8) -> u8 {
    match base {
        b'A' => b'T',
        b'C' => b'G',
        b'G' => b'C',
        b'T' => b'A',
        b'R' => b'Y',
        b'Y' => b'R',
        b'K' => b'M',
        b'M' => b'K',
        b'B' => b'V',
        b'V' => b'B',
        b'D' => b'H',
        b'H' => b'D',
        b'S' | b'W' => base,
        _ => b'N',
    }
}

/// Turns a sequence into its reverse complement.
pub(crate) fn reverse_complement(bases: &mut [u8]) {
    bases.reverse();
    bases.iter_mut().for_each(|base| *base = complement(*base));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codons() {
        use GeneticCode::{Standard, VertebrateMitochondrial as Mt};
        let check = |code: GeneticCode, codon: &[u8; 3], residue: u8| {
            assert_eq!(code.translate(*codon), residue, "{codon:?}");
        };
        check(Standard, b"ATG", b'M');
        check(Standard, b"TGA", b'*');
        check(Standard, b"AGA", b'R');
        check(Standard, b"ATA", b'I');
        check(Standard, b"GGG", b'G');
        check(Standard, b"GCN", b'X');
        check(Standard, b"atg", b'X');
        check(Mt, b"TGA", b'W');
        check(Mt, b"AGA", b'*');
        check(Mt, b"AGG", b'*');
        check(Mt, b"ATA", b'M');
        assert_eq!(GeneticCode::of_contig("chrM"), Mt);
        assert_eq!(GeneticCode::of_contig("NC_012920.1"), Mt);
        assert_eq!(GeneticCode::of_contig("chr1"), Standard);
    }

    #[test]
    fn reverse_complement_twice_is_identity() {
        let mut bases = b"ACGTRYKMBVDHSWN".to_vec();
        reverse_complement(&mut bases);
        reverse_complement(&mut bases);
        assert_eq!(bases, b"ACGTRYKMBVDHSWN");
    }
}
