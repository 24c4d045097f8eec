//! Where keys come from.

use std::path::PathBuf;

use varisk_privacy::key::{KeySet, KeySource};
use varisk_report::TableKeys;

use crate::arguments::EncryptionArguments;

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

/// Keys of encrypted tables, where a source of them is named.
pub(crate) fn table_keys(arguments: &EncryptionArguments) -> anyhow::Result<Option<TableKeys>> {
    let source = key_source(
        arguments.encryption_key_file.clone(),
        arguments.encryption_key_env.clone(),
        arguments.encryption_key_command.clone(),
    );
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
