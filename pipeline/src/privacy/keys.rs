//! Where keys come from.

use std::path::PathBuf;

use varisk_privacy::key::{KeySet, KeySource};
use varisk_report::TableKeys;

use crate::arguments::{EncryptionArguments, PseudonymArguments};

/// The one source that was named, if any.
pub(crate) fn key_source(
    file: Option<PathBuf>,
    variable: Option<String>,
    command: Option<String>,
) -> Option<KeySource> {
    file.map(KeySource::File)
        .or_else(|| variable.map(KeySource::Variable))
        .or_else(|| command.map(KeySource::Shell))
}

impl EncryptionArguments {
    /// The source of the keys of tables, where one is named.
    pub(crate) fn source(&self) -> Option<KeySource> {
        let own = self.clone();
        key_source(
            own.encryption_key_file,
            own.encryption_key_env,
            own.encryption_key_command,
        )
    }
}

impl PseudonymArguments {
    /// The source of the key of pseudonyms, where one is named.
    pub(crate) fn source(&self) -> Option<KeySource> {
        let own = self.clone();
        key_source(
            own.pseudonym_key_file,
            own.pseudonym_key_env,
            own.pseudonym_key_command,
        )
    }
}

/// Keys of encrypted tables, where a source of them is named.
pub(crate) fn table_keys(source: Option<KeySource>) -> anyhow::Result<Option<TableKeys>> {
    let Some(source) = source else {
        return Ok(None);
    };
    let set = KeySet::read(&source)?;
    let columns = set.columns().iter();
    let columns = columns.map(|(column, key)| (column.clone(), key.bytes().to_vec()));
    Ok(Some(TableKeys::try_new(
        set.footer().bytes().to_vec(),
        columns.collect(),
    )?))
}
