//! Secret keys: where they come from, how they are written, how they go.
//!
//! A key never stands on the command line, where every user of the machine could read it.

mod set;
mod source;

use std::fmt;
use std::path::Path;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

use crate::{PrivacyError, private_file};

pub use set::KeySet;
pub use source::KeySource;

/// Bytes of a key made here: the longest that every use takes.
const GENERATED_BYTES: usize = 32;

/// Characters in 32 that may be typing errors of hexadecimal digits. The base64 of random bytes has so few
/// other characters less than once in 10^10 keys.
const MISTYPED: usize = 3;

/// Secret bytes, 16, 24 or 32 of them: the key lengths of AES (FIPS 197), long enough for HMAC as well.
///
/// The bytes are wiped when the key goes and never shown. Two keys cannot be compared, so no comparison
/// can tell their bytes by its duration.
#[derive(Clone)]
pub struct Key {
    bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key({} bytes, not shown)", self.bytes.len())
    }
}

impl Key {
    /// A new key of 32 bytes from the randomness of the operating system.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn generate() -> Result<Self, PrivacyError> {
        let mut bytes = Zeroizing::new(vec![0; GENERATED_BYTES]);
        getrandom::fill(&mut bytes).map_err(|error| PrivacyError::Randomness {
            detail: error.to_string(),
        })?;
        Ok(Self { bytes })
    }

    /// A key of these bytes; `origin` says in a message where they come from.
    ///
    /// # Errors
    /// There are not 16, 24 or 32 bytes.
    pub fn from_bytes(bytes: Vec<u8>, origin: &str) -> Result<Self, PrivacyError> {
        let bytes = Zeroizing::new(bytes);
        if !matches!(bytes.len(), 16 | 24 | 32) {
            return Err(PrivacyError::KeyLength {
                origin: origin.into(),
                bytes: bytes.len(),
            });
        }
        Ok(Self { bytes })
    }

    /// A key written as hexadecimal digits or as base64 (RFC 4648, with or without padding), with white
    /// space around it.
    ///
    /// 32 hexadecimal digits are 16 bytes, although they could be base64 of 24: random bytes have such
    /// a base64 less than once in 10^14 keys. Text that would be such digits but for a few characters is
    /// refused, or a mistyped key would silently be another one.
    ///
    /// # Errors
    /// The text is neither, or has another number of bytes.
    pub fn from_text(text: &str, origin: &str) -> Result<Self, PrivacyError> {
        let text = text.trim().as_bytes();
        let malformed = || PrivacyError::KeyText {
            origin: origin.into(),
        };
        if text.is_empty() {
            return Err(malformed());
        }
        let others = text.iter().filter(|own| !own.is_ascii_hexdigit()).count();
        let bytes = if others == 0 && matches!(text.len(), 32 | 48 | 64) {
            HEXLOWER_PERMISSIVE.decode(text)
        } else if text.len() == 32 && others <= MISTYPED {
            return Err(malformed());
        } else if text.ends_with(b"=") {
            BASE64.decode(text)
        } else {
            BASE64_NOPAD.decode(text)
        };
        Self::from_bytes(bytes.map_err(|_| malformed())?, origin)
    }

    /// The secret bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes the key as hexadecimal digits into a new file that only its owner can read.
    ///
    /// # Errors
    /// The file exists or cannot be written.
    pub fn write_new(&self, path: &Path) -> Result<(), PrivacyError> {
        let mut text = Zeroizing::new(HEXLOWER.encode(&self.bytes));
        // Room for the line's end, so that the digits are not copied to a larger allocation.
        text.reserve_exact(1);
        text.push('\n');
        if !private_file::write_new(path, text.as_bytes())? {
            return Err(PrivacyError::Exists { path: path.into() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
