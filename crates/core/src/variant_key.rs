//! `VariantKey`: a 64-bit key of a normalised human variant.
//!
//! Source: Asuni N, Wilder S. "VariantKey: A Reversible Numerical Representation of Human Genetic
//! Variants". bioRxiv 473744 (2018). Layout from the high bit: 5 bits chromosome (1-22, X 23, Y 24,
//! MT 25), 28 bits position (0-based), 31 bits alleles, either reversible (up to 11 bases of A, C,
//! G, T in all) or a hash with the lowest bit set.

use crate::{Position, canonical_name};

/// A 64-bit key; keys sort by chromosome and position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariantKey(pub u64);

/// Alleles of at most this many bases in all are encoded reversibly.
const MAX_REVERSIBLE_BASES: usize = 11;

impl VariantKey {
    /// Encodes a normalised allele; `None` for contigs other than 1 to 22, X, Y and MT, for the
    /// telomere position, and for positions from 2^28 on.
    #[must_use]
    pub fn encode(
        contig: &str,
        position: Position,
        reference: &[u8],
        alternate: &[u8],
    ) -> Option<Self> {
        let chromosome = match canonical_name(contig) {
            "X" => 23,
            "Y" => 24,
            "MT" => 25,
            name => name.parse::<u64>().ok().filter(|n| (1..=22).contains(n))?,
        };
        let offset = position.offset().filter(|offset| *offset < 1 << 28)?;
        let alleles =
            reversible(reference, alternate).unwrap_or_else(|| hashed(reference, alternate));
        Some(Self(
            chromosome << 59 | u64::from(offset) << 31 | u64::from(alleles),
        ))
    }
}

fn reversible(reference: &[u8], alternate: &[u8]) -> Option<u32> {
    if reference.len() + alternate.len() > MAX_REVERSIBLE_BASES {
        return None;
    }
    let lengths =
        (u32::try_from(reference.len()).ok()? << 27) | (u32::try_from(alternate.len()).ok()? << 23);
    let mut code = lengths;
    let mut shift = 23;
    for base in reference.iter().chain(alternate) {
        let bits = match base.to_ascii_uppercase() {
            b'A' => 0,
            b'C' => 1,
            b'G' => 2,
            b'T' => 3,
            _ => return None,
        };
        shift -= 2;
        code |= bits << shift;
    }
    Some(code)
}

fn hashed(reference: &[u8], alternate: &[u8]) -> u32 {
    const SEPARATOR: u32 = 3;
    let mut h = mix(hash(alternate), mix(SEPARATOR, hash(reference)));
    // Finalisation of MurmurHash3, as the paper prescribes.
    h ^= h >> 16;
    h = h.wrapping_mul(0x85eb_ca6b);
    h ^= h >> 13;
    h = h.wrapping_mul(0xc2b2_ae35);
    h ^= h >> 16;
    (h >> 1) | 1
}

fn mix(value: u32, hash: u32) -> u32 {
    let k = value
        .wrapping_mul(0xcc9e_2d51)
        .rotate_right(17)
        .wrapping_mul(0x1b87_3593);
    (hash ^ k)
        .rotate_right(19)
        .wrapping_mul(5)
        .wrapping_add(0xe654_6b64)
}

/// Packs six characters of five bits each into a word, the first one highest.
fn hash(bases: &[u8]) -> u32 {
    bases.chunks(6).fold(0, |hash, chunk| {
        let packed = chunk
            .iter()
            .zip([26u32, 21, 16, 11, 6, 1])
            .fold(0, |word, (base, shift)| {
                let letter = match base.to_ascii_uppercase() {
                    upper @ b'A'..=b'Z' => u32::from(upper - b'A') + 1,
                    _ => 27,
                };
                word ^ (letter << shift)
            });
        mix(packed, hash)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published examples; their positions are 0-based.
    #[test]
    fn published_keys() {
        let check = |contig, offset: u32, r: &str, a: &str, key| {
            let encoded =
                VariantKey::encode(contig, Position(offset + 1), r.as_bytes(), a.as_bytes());
            assert_eq!(encoded, Some(VariantKey(key)), "{contig}:{offset}");
        };
        check("1", 976_157, "T", "C", 0x0807_728e_88e8_0000);
        check(
            "chr1",
            874_778,
            "GCCTCCCCAGCCACGGTGAGGACCCACCCTGGCATGATCCCCCTCATCA",
            "G",
            0x0806_ac8d_5179_a93f,
        );
        check(
            "15",
            48_729_212,
            "AACCATCTGTATTGATGCACTGTCCATGTTT",
            "A",
            0x7973_c63e_408c_bc69,
        );
        check("Y", 445_978, "A", "G", 0xc003_670d_0890_0000);
        check(
            "Y",
            445_978,
            "AAAGAAAGAAAGAAAGAAAG",
            "A",
            0xc003_670d_6842_610d,
        );
    }
}
