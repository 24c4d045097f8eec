//! DNABERT tokens: five special tokens, then all k-mers in the order A, T, C, G.

/// `[UNK]`: a k-mer with N.
const UNKNOWN: i64 = 1;
/// `[CLS]`: before the window.
const START: i64 = 2;
/// `[SEP]`: after it.
const END: i64 = 3;
/// Number of special tokens.
pub(crate) const SPECIALS: usize = 5;
/// Bases in the order of the vocabulary.
pub(crate) const ORDER: [u8; 4] = *b"ATCG";

/// Number of tokens for a k.
pub(crate) fn vocabulary_size(k: u32) -> usize {
    SPECIALS + 4_usize.pow(k)
}

/// All k-mers in the order of the vocabulary.
pub(crate) fn kmers(k: u32) -> impl Iterator<Item = Vec<u8>> {
    (0..4_usize.pow(k)).map(move |number| {
        let digit = |place: u32| ORDER[number / 4_usize.pow(place) % 4];
        (0..k).rev().map(digit).collect()
    })
}

/// Ids of a window, one k-mer for each base but the last k - 1.
pub(crate) fn tokens(window: &[u8], k: usize) -> Vec<i64> {
    let id = |kmer: &[u8]| {
        let mut digits = kmer
            .iter()
            .map(|base| ORDER.iter().position(|other| other == base));
        let number = digits.try_fold(0, |number, digit| Some(number * 4 + digit?));
        number.map_or(UNKNOWN, |number| (SPECIALS + number) as i64)
    };
    let inner = window.windows(k).map(id);
    [START].into_iter().chain(inner).chain([END]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_dnabert() {
        // The example of its README, with the ids of its published vocabulary for k = 3.
        let expected = [2, 12, 35, 64, 50, 57, 23, 16, 50, 58, 25, 24, 19, 3];
        assert_eq!(tokens(b"ATGCGTACGTTAGC", 3), expected);
        assert_eq!(tokens(b"ATN", 3), [2, 1, 3]);
        let listed: Vec<_> = kmers(3).collect();
        assert_eq!(listed[12 - SPECIALS], b"ATG");
        assert_eq!(vocabulary_size(3), 69);
    }
}
