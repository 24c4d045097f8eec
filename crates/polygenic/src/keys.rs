//! Keys of sites and alleles: `VariantKey`s, taken apart again.
//!
//! The same 64 bits hold an allele (REF, ALT) and a row's site (effect allele, other allele): up to
//! eleven bases stand in the key itself, longer ones are a hash and their text stands beside.

use std::hash::{BuildHasherDefault, Hasher};

use varisk_core::{ContigId, ContigSet, Position, VariantKey};

const BASES: [u8; 4] = *b"ACGT";

/// Whether the alleles of a key are a hash.
pub(crate) fn is_hashed(key: u64) -> bool {
    key & 1 == 1
}

/// Position of a key, 1-based.
pub(crate) fn position_of(key: u64) -> Position {
    Position((key >> 31 & 0x0fff_ffff) as u32 + 1)
}

/// The two alleles of a key that is not hashed.
pub(crate) fn alleles_of(key: u64) -> (Vec<u8>, Vec<u8>) {
    let (first, second) = ((key >> 27 & 15) as usize, (key >> 23 & 15) as usize);
    let base = |index: usize| BASES[(key >> (21 - 2 * index.min(10)) & 3) as usize];
    (
        (0..first).map(base).collect(),
        (first..first + second).map(base).collect(),
    )
}

/// Primary contigs of the reference by their number in a key.
#[derive(Clone, Debug)]
pub(crate) struct Primaries([Option<ContigId>; 32]);

impl Primaries {
    pub(crate) fn new(contigs: &ContigSet) -> Self {
        let mut ids = [None; 32];
        for (id, name, _) in contigs.iter() {
            let Some(key) = VariantKey::encode(name, Position(1), b"A", b"C") else {
                continue;
            };
            let slot = &mut ids[(key.0 >> 59) as usize];
            // The name that the run's contigs find wins where two have one meaning.
            if slot.is_none() {
                *slot = contigs.find(name).or(Some(id));
            }
        }
        Self(ids)
    }

    /// The contig of a key.
    pub(crate) fn contig(&self, key: u64) -> Option<ContigId> {
        self.0[(key >> 59) as usize]
    }
}

/// Finds contigs by name and makes keys on them.
pub(crate) struct Keyer<'a> {
    contigs: &'a ContigSet,
    name: Vec<u8>,
    found: Option<(ContigId, u64)>,
}

impl<'a> Keyer<'a> {
    pub(crate) fn new(contigs: &'a ContigSet) -> Self {
        Self {
            contigs,
            name: Vec::new(),
            found: None,
        }
    }

    /// The contig and its bits in a key; `None` where it is not a primary contig of the reference.
    /// plink numbers X and Y as 23 and 24.
    pub(crate) fn contig(&mut self, name: &[u8]) -> Option<(ContigId, u64)> {
        if self.name != name || name.is_empty() {
            name.clone_into(&mut self.name);
            let text = match name {
                b"23" => "X",
                b"24" => "Y",
                name => std::str::from_utf8(name).unwrap_or_default(),
            };
            self.found = self.contigs.find(text).and_then(|id| {
                let key = VariantKey::encode(self.contigs.name(id), Position(1), b"A", b"C")?;
                Some((id, key.0 >> 59 << 59))
            });
        }
        self.found
    }

    /// The bits of a contig by its id.
    pub(crate) fn bits(&self, contig: ContigId) -> Option<u64> {
        let key = VariantKey::encode(self.contigs.name(contig), Position(1), b"A", b"C")?;
        Some(key.0 >> 59 << 59)
    }
}

/// Key of two alleles at a place; `None` beyond the positions that a key holds.
pub(crate) fn key_of(bits: u64, position: u32, first: &[u8], second: &[u8]) -> Option<u64> {
    if let ([one], [two]) = (first, second) {
        let offset = position.checked_sub(1).filter(|offset| *offset < 1 << 28)?;
        let alleles = 1 << 27 | 1 << 23 | code(*one)? << 21 | code(*two)? << 19;
        return Some(bits | u64::from(offset) << 31 | alleles);
    }
    // Any primary contig gives the lower bits.
    let key = VariantKey::encode("1", Position(position), first, second)?;
    Some(bits | key.0 & ((1 << 59) - 1))
}

fn code(base: u8) -> Option<u64> {
    match base.to_ascii_uppercase() {
        b'A' => Some(0),
        b'C' => Some(1),
        b'G' => Some(2),
        b'T' => Some(3),
        _ => None,
    }
}

/// The complement of a base; itself where it is none.
pub(crate) fn complement(base: u8) -> u8 {
    match base {
        b'A' => b'T',
        b'C' => b'G',
        b'G' => b'C',
        b'T' => b'A',
        other => other,
    }
}

/// Spreads keys over a table; they come from files of the user's choice and need no protection from
/// an adversary beyond running longer.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        // Multiplication by the golden ratio; the high half goes into the low bits, which choose the
        // bucket.
        let spread = (self.0 ^ key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ spread >> 32;
    }
}

pub(crate) type BuildKeyHasher = BuildHasherDefault<KeyHasher>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_core_and_are_taken_apart() {
        let contigs = ContigSet::new([("chr1".to_owned(), 1000), ("chrX".to_owned(), 1000)]);
        let mut keyer = Keyer::new(&contigs);
        let primaries = Primaries::new(&contigs);
        for (name, position, first, second) in [
            ("1", 1, "A", "C"),
            ("X", 999, "G", "T"),
            ("1", 77, "ACGTA", "T"),
            ("1", 77, "AC", ""),
            ("X", 5, "ACGTACGTACG", "A"),
        ] {
            let (id, bits) = keyer.contig(name.as_bytes()).unwrap();
            let (one, two) = (first.as_bytes(), second.as_bytes());
            let key = key_of(bits, position, one, two).unwrap();
            let core = VariantKey::encode(contigs.name(id), Position(position), one, two);
            assert_eq!(Some(VariantKey(key)), core);
            assert_eq!(position_of(key), Position(position));
            assert_eq!(primaries.contig(key), Some(id));
            if first.len() + second.len() <= 11 {
                assert!(!is_hashed(key));
                assert_eq!(alleles_of(key), (one.to_vec(), two.to_vec()));
            } else {
                assert!(is_hashed(key));
            }
        }
        assert_eq!(keyer.contig(b"2"), None);
        assert_eq!(keyer.contig(b"23"), keyer.contig(b"X"));
    }
}
