//! Keys of encrypted tables: Parquet modular encryption with AES-GCM.
//!
//! Each encrypted module names its key in the form that Arrow and Spark know as key material, so that
//! their key tools find it: the name stands where they expect a wrapped key.
//! <https://github.com/apache/parquet-format/blob/master/Encryption.md>

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowSchemaConverter;
use parquet::encryption::decrypt::{FileDecryptionProperties, KeyRetriever};
use parquet::encryption::encrypt::FileEncryptionProperties;
use parquet::errors::{ParquetError, Result as ParquetResult};
use serde::{Deserialize, Serialize};

use crate::ReportError;

/// Lengths of keys in bytes: AES-128 and AES-256. AES-192, which the format has too, few readers know.
const KEY_BYTES: [usize; 2] = [16, 32];
/// Name of the key of the footer and of all columns without a key of their own.
const FOOTER: &str = "footer";
/// What stands before a column in the name of its key.
const COLUMN: &str = "column:";

/// Keys of a table.
///
/// Everything is encrypted: columns without a key of their own with the key of the footer.
#[derive(Clone, PartialEq, Eq)]
pub struct TableKeys {
    footer: Vec<u8>,
    columns: BTreeMap<String, Vec<u8>>,
}

impl TableKeys {
    /// Keys of the footer and of columns, by the column's name; usually there are none of columns.
    ///
    /// # Errors
    /// A key is not of 16 or 32 bytes.
    pub fn try_new(
        footer: Vec<u8>,
        columns: BTreeMap<String, Vec<u8>>,
    ) -> Result<Self, ReportError> {
        let of_columns = columns
            .iter()
            .map(|(column, key)| (format!("column '{column}'"), key));
        for (of, key) in std::iter::once(("the footer".to_owned(), &footer)).chain(of_columns) {
            if !KEY_BYTES.contains(&key.len()) {
                return Err(ReportError::KeyLength {
                    of,
                    bytes: key.len(),
                });
            }
        }
        Ok(Self { footer, columns })
    }

    /// Columns with a key of their own.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    /// How a file with these columns is encrypted.
    pub(crate) fn encryption(
        &self,
        schema: &SchemaRef,
    ) -> ParquetResult<Arc<FileEncryptionProperties>> {
        let mut properties = FileEncryptionProperties::builder(self.footer.clone())
            .with_footer_key_metadata(KeyMaterial::new(FOOTER, true).to_json()?);
        let has_own = |name: &str| self.columns.contains_key(name);
        if schema.fields().iter().any(|field| has_own(field.name())) {
            // As soon as one column has a key, columns without one are written in clear: all others
            // are given the key of the footer. Keys are of leaves, our names of whole columns.
            let leaves = ArrowSchemaConverter::new().convert(schema)?;
            for leaf in leaves.columns() {
                let column = leaf.path().parts().first().map_or("", String::as_str);
                let (key, name) = match self.columns.get(column) {
                    Some(key) => (key, format!("{COLUMN}{column}")),
                    None => (&self.footer, FOOTER.to_owned()),
                };
                properties = properties.with_column_key_and_metadata(
                    &leaf.path().string(),
                    key.clone(),
                    KeyMaterial::new(&name, false).to_json()?,
                );
            }
        }
        properties.build()
    }

    fn named(&self, name: &str) -> Option<&Vec<u8>> {
        match name.strip_prefix(COLUMN) {
            Some(column) => self.columns.get(column),
            None => Some(&self.footer),
        }
    }
}

/// Keys do not get into logs.
impl fmt::Debug for TableKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TableKeys")
            .field("columns", &self.columns.keys())
            .finish_non_exhaustive()
    }
}

/// Key material as Arrow and Spark have it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyMaterial {
    key_material_type: String,
    internal_storage: bool,
    is_footer_key: bool,
    #[serde(rename = "kmsInstanceID", skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    #[serde(rename = "kmsInstanceURL", skip_serializing_if = "Option::is_none")]
    instance_url: Option<String>,
    #[serde(rename = "masterKeyID")]
    name: String,
    double_wrapping: bool,
    #[serde(rename = "wrappedDEK")]
    wrapped: String,
}

impl KeyMaterial {
    fn new(name: &str, is_footer_key: bool) -> Self {
        // What has no value, in the words of Arrow.
        let default = || is_footer_key.then(|| "DEFAULT".to_owned());
        Self {
            key_material_type: "PKMT1".to_owned(),
            internal_storage: true,
            is_footer_key,
            instance: default(),
            instance_url: default(),
            name: name.to_owned(),
            double_wrapping: false,
            wrapped: name.to_owned(),
        }
    }

    fn to_json(&self) -> ParquetResult<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| ParquetError::External(Box::new(error)))
    }
}

/// Finds keys by the names in a file, and notes columns whose keys it lacks.
pub(crate) struct Keyring {
    keys: TableKeys,
    lacking: Mutex<BTreeSet<String>>,
}

impl Keyring {
    pub(crate) fn new(keys: TableKeys) -> Arc<Self> {
        Arc::new(Self {
            keys,
            lacking: Mutex::default(),
        })
    }

    pub(crate) fn decryption(self: &Arc<Self>) -> ParquetResult<Arc<FileDecryptionProperties>> {
        FileDecryptionProperties::with_key_retriever(Arc::clone(self) as Arc<dyn KeyRetriever>)
            .build()
    }

    /// Whether the key of this column was asked for and is not there.
    pub(crate) fn lacks(&self, column: &str) -> bool {
        self.lacking
            .lock()
            .is_ok_and(|lacking| lacking.contains(column))
    }
}

impl KeyRetriever for Keyring {
    fn retrieve_key(&self, key_metadata: &[u8]) -> ParquetResult<Vec<u8>> {
        // Files of other programs may name no key: they have one for everything.
        let material = serde_json::from_slice::<KeyMaterial>(key_metadata).ok();
        let name = material.map_or_else(|| FOOTER.to_owned(), |material| material.name);
        if let Some(key) = self.keys.named(&name) {
            return Ok(key.clone());
        }
        if let Ok(mut lacking) = self.lacking.lock() {
            lacking.insert(name.trim_start_matches(COLUMN).to_owned());
        }
        Err(ParquetError::General(
            "the key of a column is not given".to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_other_lengths_are_refused() {
        for bytes in [0, 15, 17, 24, 33] {
            let refused = TableKeys::try_new(vec![1; bytes], BTreeMap::new()).unwrap_err();
            assert!(
                refused
                    .to_string()
                    .contains(&format!("footer has {bytes} bytes"))
            );
        }
        let columns = BTreeMap::from([("patient".to_owned(), vec![1; 8])]);
        let refused = TableKeys::try_new(vec![1; 16], columns).unwrap_err();
        assert!(
            refused
                .to_string()
                .contains("column 'patient' has 8 bytes; give")
        );
        assert!(TableKeys::try_new(vec![1; 16], BTreeMap::new()).is_ok());
        assert!(TableKeys::try_new(vec![1; 32], BTreeMap::new()).is_ok());
    }

    #[test]
    fn keys_are_not_printed() {
        let columns = BTreeMap::from([("patient".to_owned(), b"PPPPPPPPPPPPPPPP".to_vec())]);
        let keys = TableKeys::try_new(b"FFFFFFFFFFFFFFFF".to_vec(), columns).unwrap();
        let printed = format!("{keys:?}");
        assert_eq!(printed, "TableKeys { columns: [\"patient\"], .. }");
    }
}
