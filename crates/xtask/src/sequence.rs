//! Bases, random sequence, FASTA text.

use crate::random::Random;

/// The four bases.
pub(crate) const BASES: [u8; 4] = *b"ACGT";

/// The three stop codons.
pub(crate) const STOPS: [&[u8; 3]; 3] = [b"TAA", b"TAG", b"TGA"];

/// Bases on a line of the FASTA files.
const LINE: usize = 60;

/// The complement of a base, N for anything else.
pub(crate) fn complement(base: u8) -> u8 {
    match base {
        b'A' => b'T',
        b'C' => b'G',
        b'G' => b'C',
        b'T' => b'A',
        _ => b'N',
    }
}

/// The other strand, read in its direction.
pub(crate) fn reverse_complement(sequence: &[u8]) -> Vec<u8> {
    sequence
        .iter()
        .rev()
        .map(|base| complement(*base))
        .collect()
}

/// Random sequence with 40 % G and C, and CpG at about a quarter of what that implies, as in
/// vertebrates.
pub(crate) fn background(random: &mut Random, length: usize) -> Vec<u8> {
    let mut sequence = Vec::with_capacity(length);
    let mut previous = b'A';
    for _ in 0..length {
        let mut base = random.pick(b"AAACCGGTTT");
        if previous == b'C' && base == b'G' && random.chance(750) {
            base = b'A';
        }
        sequence.push(base);
        previous = base;
    }
    sequence
}

/// A base other than the given one; two times in three the transition.
pub(crate) fn substitute(random: &mut Random, base: u8) -> u8 {
    let transition = match base {
        b'A' => b'G',
        b'G' => b'A',
        b'C' => b'T',
        _ => b'C',
    };
    if random.chance(667) {
        return transition;
    }
    loop {
        let other = random.pick(&BASES);
        if other != base && other != transition {
            return other;
        }
    }
}

/// FASTA and .fai text of named sequences.
pub(crate) fn fasta(contigs: &[(&str, &[u8])]) -> (Vec<u8>, String) {
    let mut text = Vec::new();
    let mut index = String::new();
    for (name, sequence) in contigs {
        text.extend(format!(">{name}\n").into_bytes());
        let entry = [sequence.len(), text.len(), LINE, LINE + 1].map(|n| n.to_string());
        index.push_str(&format!("{name}\t{}\n", entry.join("\t")));
        for line in sequence.chunks(LINE) {
            text.extend(line);
            text.push(b'\n');
        }
    }
    (text, index)
}
