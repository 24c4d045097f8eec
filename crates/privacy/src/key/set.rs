//! A set of keys: one for the footer of a table and, where wanted, others for some columns.

use std::collections::BTreeMap;

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    PrivacyError,
    key::{Key, KeySource},
};

/// Keys of encrypted tables, as Parquet modular encryption has them: one for the footer and all columns
/// without a key of their own, and keys of columns, which can be given to different people.
#[derive(Clone, Debug)]
pub struct KeySet {
    footer: Key,
    columns: BTreeMap<String, Key>,
}

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    footer: String,
    #[serde(default)]
    columns: BTreeMap<String, String>,
}

impl KeySet {
    /// Reads a set: TOML with `footer = "KEY"` and a table `[columns]` of keys by column, or a single
    /// key, which is that of the footer.
    ///
    /// # Errors
    /// The source cannot be read, is neither, or holds a malformed key.
    pub fn read(source: &KeySource) -> Result<Self, PrivacyError> {
        Self::parse(&source.text()?, &source.to_string())
    }

    /// A set of a single key.
    #[must_use]
    pub fn of(footer: Key) -> Self {
        Self {
            footer,
            columns: BTreeMap::new(),
        }
    }

    fn parse(text: &str, origin: &str) -> Result<Self, PrivacyError> {
        // Every set has an assignment that starts a line, which base64 cannot look like: it has the
        // sign only at its end, and nothing follows.
        if !text.trim().trim_end_matches('=').contains('=') {
            return Ok(Self::of(Key::from_text(text, origin)?));
        }
        // The parser's own message would quote the line, and with it a key.
        let written: Written = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            PrivacyError::KeySetText {
                origin: origin.into(),
                line,
            }
        })?;
        let footer = Zeroizing::new(written.footer);
        let columns: Vec<(String, Zeroizing<String>)> = written
            .columns
            .into_iter()
            .map(|(column, text)| (column, Zeroizing::new(text)))
            .collect();
        let footer = Key::from_text(&footer, &format!("'footer' of {origin}"))?;
        let columns = columns.into_iter().map(|(column, text)| {
            let key = Key::from_text(&text, &format!("column '{column}' of {origin}"))?;
            Ok((column, key))
        });
        Ok(Self {
            footer,
            columns: columns.collect::<Result<_, PrivacyError>>()?,
        })
    }

    /// Key of the footer, and of columns without one of their own.
    #[must_use]
    pub fn footer(&self) -> &Key {
        &self.footer
    }

    /// Keys of columns, by name.
    #[must_use]
    pub fn columns(&self) -> &BTreeMap<String, Key> {
        &self.columns
    }
}
