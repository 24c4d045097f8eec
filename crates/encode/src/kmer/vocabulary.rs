//! Which tokens there are, and their ids.

use std::collections::HashMap;
use std::path::Path;

use crate::EncodeError;
use crate::manifest::{Preset, VocabularySpec};

/// An ordered list of tokens; a token's id is its place in the list, from 0.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    tokens: Vec<String>,
    ids: HashMap<String, i64>,
}

/// Tokens of a vocabulary, at most: the largest whole number that a 32-bit float holds exactly, in
/// case the tensor is of floats.
const MAX_VOCABULARY: usize = 1 << 24;

impl Vocabulary {
    /// Builds the vocabulary of a manifest for tokens of `k` bases. `folder` is where a vocabulary
    /// file is looked for; `tensor` names the tensor in messages.
    ///
    /// # Errors
    /// The file cannot be read, or a token occurs twice or is empty.
    pub fn try_new(
        spec: &VocabularySpec,
        k: usize,
        folder: &Path,
        tensor: &str,
    ) -> Result<Self, EncodeError> {
        let tokens = match spec {
            VocabularySpec::Preset { preset } => preset_tokens(*preset, k),
            VocabularySpec::Alphabet {
                alphabet,
                specials,
                singles,
                trailing,
            } => ordered(specials, alphabet, k, singles, trailing),
            VocabularySpec::File { file } => {
                let path = folder.join(file);
                let text = std::fs::read_to_string(&path).map_err(|source| {
                    EncodeError::VocabularyFile {
                        tensor: tensor.to_owned(),
                        path,
                        source,
                    }
                })?;
                text.lines().map(|line| line.trim().to_owned()).collect()
            }
        };
        Self::from_tokens(tokens).map_err(|problem| EncodeError::Vocabulary {
            tensor: tensor.to_owned(),
            problem,
        })
    }

    fn from_tokens(tokens: Vec<String>) -> Result<Self, String> {
        if tokens.len() > MAX_VOCABULARY {
            return Err(format!(
                "has {} tokens, more than {MAX_VOCABULARY}; check that it is the right file",
                tokens.len()
            ));
        }
        let mut ids = HashMap::with_capacity(tokens.len());
        for (id, token) in (0..).zip(&tokens) {
            if token.is_empty() {
                return Err(format!(
                    "has an empty token at id {id}; remove the empty line"
                ));
            }
            if let Some(first) = ids.insert(token.clone(), id) {
                return Err(format!(
                    "has token '{token}' twice, at ids {first} and {id}; remove one"
                ));
            }
        }
        Ok(Self { tokens, ids })
    }

    /// Id of a token.
    #[must_use]
    pub fn id(&self, token: &str) -> Option<i64> {
        self.ids.get(token).copied()
    }

    /// Token of an id.
    #[must_use]
    pub fn token(&self, id: i64) -> Option<&str> {
        let index = usize::try_from(id).ok()?;
        self.tokens.get(index).map(String::as_str)
    }

    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}

fn preset_tokens(preset: Preset, k: usize) -> Vec<String> {
    let owned = |tokens: &[&str]| -> Vec<String> {
        tokens.iter().map(|token| (*token).to_owned()).collect()
    };
    match preset {
        Preset::Dnabert => ordered(
            &owned(&["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
            "ATCG",
            k,
            &[],
            &[],
        ),
        Preset::NucleotideTransformer => ordered(
            &owned(&["<unk>", "<pad>", "<mask>", "<cls>"]),
            "ATCG",
            k,
            &owned(&["A", "T", "C", "G", "N"]),
            &owned(&["<eos>", "<bos>"]),
        ),
    }
}

fn ordered(
    specials: &[String],
    alphabet: &str,
    k: usize,
    singles: &[String],
    trailing: &[String],
) -> Vec<String> {
    let mut tokens = specials.to_vec();
    tokens.extend(kmers(alphabet, k));
    tokens.extend_from_slice(singles);
    tokens.extend_from_slice(trailing);
    tokens
}

/// All k-mers, the last base changing fastest, in the order of an alphabet of four letters.
pub(super) fn kmers(alphabet: &str, k: usize) -> impl Iterator<Item = String> {
    let letters: Vec<char> = alphabet.chars().collect();
    (0..1usize << (2 * k)).map(move |index| {
        (0..k)
            .rev()
            .filter_map(|place| letters.get(index >> (2 * place) & 3))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preset(preset: Preset, k: usize) -> Vocabulary {
        Vocabulary::from_tokens(preset_tokens(preset, k)).unwrap()
    }

    #[test]
    fn presets_have_their_published_size_and_order() {
        for (k, size) in [(3, 69), (4, 261), (5, 1_029), (6, 4_101)] {
            assert_eq!(preset(Preset::Dnabert, k).len(), size);
        }
        let check = |vocabulary: &Vocabulary, token: &str, id: i64| {
            assert_eq!(vocabulary.id(token), Some(id), "{token}");
            assert_eq!(vocabulary.token(id), Some(token));
        };
        let nt = preset(Preset::NucleotideTransformer, 6);
        assert_eq!(nt.len(), 4_107);
        check(&nt, "<cls>", 3);
        check(&nt, "AAAAAA", 4);
        check(&nt, "AAAAAT", 5);
        check(&nt, "GGGGGG", 4_099);
        check(&nt, "A", 4_100);
        check(&nt, "N", 4_104);
        check(&nt, "<bos>", 4_106);
        let dnabert = preset(Preset::Dnabert, 3);
        check(&dnabert, "AAA", 5);
        check(&dnabert, "AAC", 7);
        check(&dnabert, "TAA", 21);
        assert_eq!(dnabert.token(69), None);
        assert_eq!(dnabert.token(-1), None);
    }

    #[test]
    fn files_are_read_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let check = |text: &str, expected: Result<&[&str], &str>| {
            std::fs::write(folder.path().join("vocab.txt"), text).unwrap();
            let spec = VocabularySpec::File {
                file: "vocab.txt".to_owned(),
            };
            match (Vocabulary::try_new(&spec, 1, folder.path(), "x"), expected) {
                (Ok(vocabulary), Ok(tokens)) => assert_eq!(vocabulary.tokens, tokens),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (got, expected) => panic!("{got:?}, expected {expected:?}"),
            }
        };
        check("[PAD]\nA\nC\n", Ok(&["[PAD]", "A", "C"]));
        check("[PAD]\r\nA\r\n", Ok(&["[PAD]", "A"]));
        check("A\n\nC\n", Err("empty token at id 1"));
        check("A\nC\nA\n", Err("'A' twice, at ids 0 and 2"));
        std::fs::remove_file(folder.path().join("vocab.txt")).unwrap();
        let spec = VocabularySpec::File {
            file: "vocab.txt".to_owned(),
        };
        let error = Vocabulary::try_new(&spec, 1, folder.path(), "x").unwrap_err();
        assert!(error.to_string().contains("vocab.txt cannot be read"));
    }
}
