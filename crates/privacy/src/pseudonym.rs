//! Pseudonyms of patients, and the table that leads back.
//!
//! A pseudonym is a keyed hash: HMAC-SHA256 (RFC 2104, FIPS 198-1) of a label and the identifier. With
//! the key the same patient has the same pseudonym in every run; without it nobody can try identifiers
//! until one fits, which a plain hash would permit.

mod table;

use std::collections::{BTreeMap, btree_map::Entry};

use data_encoding::{Encoding, Specification};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{PrivacyError, key::Key};

pub use table::KeyTable;

/// What the hash begins with, so that it equals no other use of the same key.
const PURPOSE: &[u8] = b"varisk pseudonym 1\0";
/// Bytes of the hash that are kept, 80 bits: two of a million patients share them with a probability of
/// about 4 in 10^13, and a collision is refused.
const KEPT_BYTES: usize = 10;
/// Symbols between hyphens.
const GROUP: usize = 4;
/// Crockford's base32: no I, L, O, U, which look like others or make words.
const ALPHABET: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Makes pseudonyms with one key and label.
#[derive(Clone, Debug)]
pub struct Pseudonymiser {
    key: Key,
    label: String,
    encoding: Encoding,
}

impl Pseudonymiser {
    /// Pseudonyms under a key and a label, such as a study's name: under another label the same patient
    /// has another pseudonym, so that results of two studies cannot be joined.
    ///
    /// # Errors
    /// The label holds a NUL, which ends it in the hash.
    pub fn try_new(key: Key, label: &str) -> Result<Self, PrivacyError> {
        if label.contains('\0') {
            return Err(PrivacyError::Label);
        }
        let mut specification = Specification::new();
        specification.symbols.push_str(ALPHABET);
        let encoding = specification
            .encoding()
            .map_err(|_| PrivacyError::Internal {
                what: "the alphabet of pseudonyms",
            })?;
        Ok(Self {
            key,
            label: label.into(),
            encoding,
        })
    }

    /// The pseudonym of an identifier, such as `V7Q2-0M4H-AZ8K-X31P`.
    ///
    /// # Errors
    /// The identifier is empty.
    pub fn pseudonym(&self, identifier: &str) -> Result<String, PrivacyError> {
        if identifier.is_empty() {
            return Err(PrivacyError::EmptyIdentifier);
        }
        let mac = Hmac::<Sha256>::new_from_slice(self.key.bytes());
        let mut mac = mac.map_err(|_| PrivacyError::Internal {
            what: "the hash of pseudonyms",
        })?;
        mac.update(PURPOSE);
        mac.update(self.label.as_bytes());
        mac.update(b"\0");
        mac.update(identifier.as_bytes());
        let hash = mac.finalize().into_bytes();
        let symbols = self
            .encoding
            .encode(hash.get(..KEPT_BYTES).unwrap_or(&hash));
        let mut text = String::with_capacity(symbols.len() + symbols.len() / GROUP);
        for (at, symbol) in symbols.chars().enumerate() {
            if at > 0 && at % GROUP == 0 {
                text.push('-');
            }
            text.push(symbol);
        }
        Ok(text)
    }

    /// Pseudonyms of the patients of a run, by identifier.
    ///
    /// # Errors
    /// An identifier is empty, or two identifiers share a pseudonym.
    pub fn of_all<'a>(
        &self,
        identifiers: impl IntoIterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, String>, PrivacyError> {
        distinct(identifiers, |identifier| self.pseudonym(identifier))
    }
}

/// Pseudonyms by identifier, of which no two are the same.
fn distinct<'a>(
    identifiers: impl IntoIterator<Item = &'a str>,
    pseudonym: impl Fn(&str) -> Result<String, PrivacyError>,
) -> Result<BTreeMap<String, String>, PrivacyError> {
    let mut found = BTreeMap::new();
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for identifier in identifiers {
        let own = pseudonym(identifier)?;
        match owners.entry(own) {
            Entry::Vacant(place) => {
                found.insert(identifier.to_owned(), place.key().clone());
                place.insert(identifier);
            }
            Entry::Occupied(place) if *place.get() == identifier => {}
            Entry::Occupied(_) => return Err(PrivacyError::Collision),
        }
    }
    Ok(found)
}

/// A pseudonym as somebody typed it, in the form it is written in: small letters become capitals, O is
/// taken for 0, I and L for 1, hyphens may stand anywhere or nowhere. `None` where it is no pseudonym.
#[must_use]
pub fn normalise(text: &str) -> Option<String> {
    let mut symbols = String::new();
    let typed = text.trim().chars().filter(|&symbol| symbol != '-');
    for (at, symbol) in typed.enumerate() {
        let symbol = match symbol.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        if !ALPHABET.contains(symbol) {
            return None;
        }
        if at > 0 && at % GROUP == 0 {
            symbols.push('-');
        }
        symbols.push(symbol);
    }
    // Sixteen symbols of five bits and three hyphens.
    let length = KEPT_BYTES * 8 / 5;
    (symbols.len() == length + length / GROUP - 1).then_some(symbols)
}

#[cfg(test)]
mod tests;
