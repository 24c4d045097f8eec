//! Who can open an export.

use std::fmt;
use std::iter;
use std::path::{Path, PathBuf};

use age::secrecy::SecretString;
use age::{Encryptor, scrypt, x25519};

use crate::{
    PrivacyError,
    private_file::{self, io_error},
};

/// The least length of a passphrase: what NIST SP 800-63B-4 asks of a password that protects alone.
const SHORTEST_PASSPHRASE: usize = 15;

/// Who can open an export: the holders of keys, or of a passphrase.
#[derive(Clone)]
pub struct Recipients(Kind);

#[derive(Clone)]
enum Kind {
    Keys(Vec<x25519::Recipient>),
    Passphrase(SecretString),
}

impl fmt::Debug for Recipients {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Keys(keys) => write!(formatter, "Recipients({} keys)", keys.len()),
            Kind::Passphrase(_) => write!(formatter, "Recipients(passphrase, not shown)"),
        }
    }
}

impl Recipients {
    /// Holders of X25519 keys: recipients as `age1...`, and files with one on each line, in which lines
    /// that begin with `#` are passed over. Each of them can open the export.
    ///
    /// # Errors
    /// There are none, or a text or a line is no recipient.
    pub fn keys(texts: &[String], files: &[PathBuf]) -> Result<Self, PrivacyError> {
        let mut keys = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            keys.push(recipient(text, || format!("recipient {}", at + 1))?);
        }
        for path in files {
            let text = std::fs::read_to_string(path).map_err(io_error(path, "reading it"))?;
            let before = keys.len();
            for (at, line) in text.lines().enumerate() {
                let line = line.trim();
                if !line.is_empty() && !line.starts_with('#') {
                    let origin = || format!("line {} of {}", at + 1, path.display());
                    keys.push(recipient(line, origin)?);
                }
            }
            if keys.len() == before {
                return Err(PrivacyError::Recipient {
                    origin: path.display().to_string(),
                });
            }
        }
        if keys.is_empty() {
            return Err(PrivacyError::NoRecipient);
        }
        Ok(Self(Kind::Keys(keys)))
    }

    /// Whoever knows the passphrase in a file, its first line. The file must be its owner's alone.
    ///
    /// # Errors
    /// The file cannot be read, others can read it, or the passphrase is too short.
    pub fn passphrase(path: &Path) -> Result<Self, PrivacyError> {
        let text = private_file::read_secret(path)?;
        let passphrase = text.lines().next().unwrap_or_default();
        let characters = passphrase.chars().count();
        if characters < SHORTEST_PASSPHRASE {
            return Err(PrivacyError::Passphrase {
                path: path.into(),
                characters,
                needed: SHORTEST_PASSPHRASE,
            });
        }
        Ok(Self(Kind::Passphrase(SecretString::from(
            passphrase.to_owned(),
        ))))
    }

    /// Encrypts to them.
    pub(super) fn encryptor(&self) -> Result<Encryptor, PrivacyError> {
        let encryptor = match &self.0 {
            Kind::Keys(keys) => {
                Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient))
            }
            Kind::Passphrase(passphrase) => {
                let own = scrypt::Recipient::new(passphrase.clone());
                Encryptor::with_recipients(iter::once(&own as &dyn age::Recipient))
            }
        };
        encryptor.map_err(|_| PrivacyError::Internal {
            what: "the encryption of the export",
        })
    }
}

fn recipient(
    text: &str,
    origin: impl FnOnce() -> String,
) -> Result<x25519::Recipient, PrivacyError> {
    // A secret key that was given by mistake must not be shown, so the text is not.
    text.trim()
        .parse()
        .map_err(|_| PrivacyError::Recipient { origin: origin() })
}
