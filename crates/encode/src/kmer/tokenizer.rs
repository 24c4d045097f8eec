//! How a sequence becomes token ids.

use std::path::Path;

use super::vocabulary::kmers;
use super::{Scheme, Vocabulary};
use crate::EncodeError;
use crate::manifest::{KmerParams, NPolicy, Part};
use crate::tensor::RowMut;

/// Mark of a letter that is not A, C, G or T.
const NO_CODE: u8 = u8::MAX;

/// Turns sequences into the token ids of one model.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    vocabulary: Vocabulary,
    k: usize,
    stride: usize,
    n_policy: NPolicy,
    /// Id of each k-mer, by its bases as base-4 digits A, C, G, T.
    kmers: Vec<i64>,
    /// Ids of single letters; the unknown token for what has none.
    singles: Box<[i64; 256]>,
    unknown: i64,
    prefix: Vec<i64>,
    suffix: Vec<i64>,
    pad: i64,
    length: usize,
}

impl Tokenizer {
    /// Builds the tokenizer of a k-mer tensor. `folder` is where a vocabulary file is looked for;
    /// `tensor` names the tensor in messages.
    ///
    /// # Errors
    /// The vocabulary cannot be read, lacks a k-mer or a token that is asked for, or the parameters
    /// do not go together.
    pub fn try_new(params: &KmerParams, folder: &Path, tensor: &str) -> Result<Self, EncodeError> {
        let scheme = Scheme::try_new(params).map_err(|problem| EncodeError::TokenCount {
            tensor: tensor.to_owned(),
            problem: format!("{} {}", problem.field, problem.problem),
        })?;
        let vocabulary = Vocabulary::try_new(&params.vocabulary, scheme.k, folder, tensor)?;
        let id = |token: &str| {
            vocabulary.id(token).ok_or_else(|| EncodeError::Vocabulary {
                tensor: tensor.to_owned(),
                problem: format!(
                    "of {} tokens has no '{token}'; check k and the names of special tokens",
                    vocabulary.len()
                ),
            })
        };
        let ids = |tokens: &[String]| -> Result<Vec<i64>, EncodeError> {
            tokens.iter().map(|token| id(token)).collect()
        };
        let unknown = id(&scheme.unknown)?;
        let kmers = kmers("ACGT", scheme.k)
            .map(|kmer| id(&kmer))
            .collect::<Result<Vec<i64>, EncodeError>>()?;
        let mut singles = Box::new([unknown; 256]);
        if scheme.n_policy == NPolicy::Single {
            for letter in ["A", "C", "G", "T", "N"] {
                let single = id(letter)?;
                for byte in letter.bytes() {
                    singles[usize::from(byte)] = single;
                    singles[usize::from(byte.to_ascii_lowercase())] = single;
                }
            }
        }
        // Only a row that is never padded has no pad token; what stands in for it fills the slots
        // that hold no row, where any token of the vocabulary will do.
        let pad = scheme.pad.as_deref().map_or(Ok(unknown), id)?;
        Ok(Self {
            unknown,
            kmers,
            singles,
            prefix: ids(&scheme.prefix)?,
            suffix: ids(&scheme.suffix)?,
            pad,
            k: scheme.k,
            stride: scheme.stride,
            n_policy: scheme.n_policy,
            length: scheme.length,
            vocabulary,
        })
    }

    /// Ids and names of the tokens.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Tokens of a row in all, padding included.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Replaces `out` with the ids of a sequence: prefix, tokens, suffix, without padding. Letters
    /// may be of either case. Tokens that stand side by side and are left with fewer than k bases at
    /// the end of a sequence give the unknown token, unless single bases are tokens.
    pub fn tokens(&self, seq: &[u8], out: &mut Vec<i64>) {
        out.clear();
        out.extend_from_slice(&self.prefix);
        match self.n_policy {
            NPolicy::Single => self.push_single(seq, out),
            NPolicy::Unknown if self.stride == 1 => self.push_overlapping(seq, out),
            NPolicy::Unknown => out.extend(seq.chunks(self.k).map(|chunk| self.kmer(chunk))),
        }
        out.extend_from_slice(&self.suffix);
    }

    /// The names of a sequence's tokens, for people and tests.
    #[must_use]
    pub fn token_strings(&self, seq: &[u8]) -> Vec<String> {
        let mut ids = Vec::new();
        self.tokens(seq, &mut ids);
        ids.iter()
            .filter_map(|id| self.vocabulary.token(*id))
            .map(str::to_owned)
            .collect()
    }

    /// Writes one part of a row; `ids` is scratch.
    pub(crate) fn write(&self, part: Part, seq: &[u8], ids: &mut Vec<i64>, row: RowMut<'_>) {
        match part {
            Part::Ids => {
                self.tokens(seq, ids);
                row.write(ids.iter().copied(), self.pad);
            }
            Part::AttentionMask => {
                self.tokens(seq, ids);
                row.write(ids.iter().map(|_| 1), 0);
            }
            Part::TokenTypeIds => row.write([], 0),
        }
    }

    /// Writes a row that stands for nothing. Its mask is 1 throughout: attention over nothing gives
    /// NaN, which a model that scales over the whole batch would spread to real rows.
    pub(crate) fn write_neutral(&self, part: Part, row: RowMut<'_>) {
        let value = match part {
            Part::Ids => self.pad,
            Part::AttentionMask => 1,
            Part::TokenTypeIds => 0,
        };
        row.write([], value);
    }

    /// Id of a k-mer; the unknown token for anything else.
    fn kmer(&self, bases: &[u8]) -> i64 {
        if bases.len() != self.k {
            return self.unknown;
        }
        let mut index = 0;
        for base in bases {
            match code(*base) {
                NO_CODE => return self.unknown,
                digit => index = index << 2 | usize::from(digit),
            }
        }
        self.kmers.get(index).copied().unwrap_or(self.unknown)
    }

    /// Every k-mer, one base apart.
    fn push_overlapping(&self, seq: &[u8], out: &mut Vec<i64>) {
        let mask = self.kmers.len() - 1;
        let (mut index, mut spelled) = (0, 0);
        for (place, base) in seq.iter().enumerate() {
            match code(*base) {
                NO_CODE => spelled = 0,
                digit => {
                    index = (index << 2 | usize::from(digit)) & mask;
                    spelled += 1;
                }
            }
            if place + 1 >= self.k {
                let id = if spelled >= self.k {
                    self.kmers.get(index).copied()
                } else {
                    None
                };
                out.push(id.unwrap_or(self.unknown));
            }
        }
    }

    /// K-mers side by side between the Ns, single bases for what is left before an N and at the end.
    fn push_single(&self, seq: &[u8], out: &mut Vec<i64>) {
        let single = |base: &u8| self.singles[usize::from(*base)];
        for (index, stretch) in seq
            .split(|base| base.eq_ignore_ascii_case(&b'N'))
            .enumerate()
        {
            if index > 0 {
                out.push(single(&b'N'));
            }
            let whole = stretch.chunks_exact(self.k);
            let rest = whole.remainder();
            out.extend(whole.map(|bases| self.kmer(bases)));
            out.extend(rest.iter().map(single));
        }
    }
}

fn code(base: u8) -> u8 {
    match base {
        b'A' | b'a' => 0,
        b'C' | b'c' => 1,
        b'G' | b'g' => 2,
        b'T' | b't' => 3,
        _ => NO_CODE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tokenizer(params: &serde_json::Value) -> Result<Tokenizer, EncodeError> {
        let mut all = json!({"window": 12, "allele": "alt"});
        for (key, value) in params.as_object().unwrap() {
            all[key] = value.clone();
        }
        let params: KmerParams = serde_json::from_value(all).unwrap();
        Tokenizer::try_new(&params, Path::new("."), "tokens")
    }

    fn check(params: &serde_json::Value, seq: &str, expected: &[(&str, i64)]) {
        let tokenizer = tokenizer(params).unwrap();
        let mut ids = vec![99];
        tokenizer.tokens(seq.as_bytes(), &mut ids);
        let names = tokenizer.token_strings(seq.as_bytes());
        let got: Vec<(&str, i64)> = names.iter().map(String::as_str).zip(ids).collect();
        assert_eq!(got, expected, "{seq}");
    }

    #[test]
    fn dnabert_slides_by_one_base() {
        let k3 = || json!({"k": 3, "vocabulary": {"preset": "dnabert"}});
        // ATCG are the digits 0 to 3, after five special tokens.
        check(
            &k3(),
            "ATCGA",
            &[
                ("[CLS]", 2),
                ("ATC", 11),
                ("TCG", 32),
                ("CGA", 49),
                ("[SEP]", 3),
            ],
        );
        check(
            &k3(),
            "ACNTTTT",
            &[
                ("[CLS]", 2),
                ("[UNK]", 1),
                ("[UNK]", 1),
                ("[UNK]", 1),
                ("TTT", 26),
                ("TTT", 26),
                ("[SEP]", 3),
            ],
        );
        check(&k3(), "ggg", &[("[CLS]", 2), ("GGG", 68), ("[SEP]", 3)]);
        check(&k3(), "GG", &[("[CLS]", 2), ("[SEP]", 3)]);
    }

    #[test]
    fn nucleotide_transformer_spells_what_is_left_in_single_bases() {
        let nt = || {
            json!({"window": 12, "length": 13,
                   "vocabulary": {"preset": "nucleotide-transformer"}})
        };
        check(
            &nt(),
            "AAAAAAAAAAAT",
            &[("<cls>", 3), ("AAAAAA", 4), ("AAAAAT", 5)],
        );
        check(
            &nt(),
            "NAAAAAAACNNG",
            &[
                ("<cls>", 3),
                ("N", 4_104),
                ("AAAAAA", 4),
                ("A", 4_100),
                ("C", 4_102),
                ("N", 4_104),
                ("N", 4_104),
                ("G", 4_103),
            ],
        );
        check(
            &nt(),
            "AARAAAY",
            &[("<cls>", 3), ("<unk>", 0), ("<unk>", 0)],
        );
        check(&nt(), "", &[("<cls>", 3)]);
    }

    #[test]
    fn own_vocabularies() {
        let own = json!({
            "k": 2, "stride": 2, "n_policy": "unknown", "unknown": "?", "pad": "-",
            "prefix": ["-"], "suffix": ["end"],
            "vocabulary": {"alphabet": "TGCA", "specials": ["-", "?"], "trailing": ["end"]},
        });
        check(
            &own,
            "TTTGNAAAC",
            &[
                ("-", 0),
                ("TT", 2),
                ("TG", 3),
                ("?", 1),
                ("AA", 17),
                ("?", 1),
                ("end", 18),
            ],
        );
    }

    #[test]
    fn a_token_that_is_not_in_the_vocabulary_is_refused() {
        let check = |params: serde_json::Value, part: &str| {
            let error = tokenizer(&params).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        check(
            json!({"k": 3, "prefix": ["<cls>"], "vocabulary": {"preset": "dnabert"}}),
            "has no '<cls>'",
        );
        check(
            json!({"k": 2, "stride": 2, "n_policy": "single", "unknown": "?", "pad": "?",
                   "length": 12, "vocabulary": {"alphabet": "ACGT", "specials": ["?"],
                   "singles": ["A", "C", "G", "T"]}}),
            "has no 'N'",
        );
        check(
            json!({"k": 1, "stride": 1, "n_policy": "unknown", "unknown": "A",
                   "vocabulary": {"alphabet": "ACGT", "specials": ["A"]}}),
            "token 'A' twice",
        );
    }
}
