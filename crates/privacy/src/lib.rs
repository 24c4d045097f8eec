//! What keeps the data of patients safe: keys, pseudonyms, de-identified tables, an audit log and
//! encrypted exports.
//!
//! Each part stands alone and takes what it needs as arguments: this crate knows no command line, no
//! Parquet and no run. Every file it makes can be read by its owner alone, and no message holds a key, a
//! name of a patient or a value of one.

pub mod audit;
pub mod deidentify;
mod error;
pub mod export;
pub mod key;
mod private_file;
pub mod pseudonym;

pub use error::PrivacyError;
