//! K-mer tokens: which there are ([`Vocabulary`]), how a manifest's parameters are completed
//! (`Scheme`), and how a sequence becomes ids ([`Tokenizer`]).

mod scheme;
mod tokenizer;
mod vocabulary;

pub(crate) use scheme::Scheme;
pub use tokenizer::Tokenizer;
pub use vocabulary::Vocabulary;
