//! How tables are laid out, and how patients are named in them.

use std::path::Path;

use varisk_report::TableLayout;

use super::ConfigFile;
use crate::arguments::{OutputArguments, PseudonymArguments};
use crate::privacy::{PseudonymSettings, key_source, table_keys};

/// How tables are laid out. A source of keys on the command line replaces that of the file, of whatever
/// kind.
pub(super) fn tables(
    flags: &OutputArguments,
    file: &mut ConfigFile,
    folder: &Path,
) -> anyhow::Result<TableLayout> {
    let source = flags.encryption.source().or_else(|| {
        key_source(
            file.encryption_key_file
                .take()
                .map(|path| folder.join(path)),
            file.encryption_key_env.take(),
            file.encryption_key_command.take(),
        )
    });
    Ok(TableLayout {
        partition_by: if flags.partition_by.is_empty() {
            std::mem::take(&mut file.partition_by)
        } else {
            flags.partition_by.clone()
        },
        encryption: table_keys(source)?,
    })
}

/// How patients are named, by the same rule.
pub(super) fn pseudonyms(
    flags: &PseudonymArguments,
    file: &mut ConfigFile,
    folder: &Path,
) -> anyhow::Result<Option<PseudonymSettings>> {
    let source = flags.source().or_else(|| {
        key_source(
            file.pseudonym_key_file.take().map(|path| folder.join(path)),
            file.pseudonym_key_env.take(),
            file.pseudonym_key_command.take(),
        )
    });
    let label = flags.pseudonym_label.clone();
    let table = file.pseudonym_table.take().map(|path| folder.join(path));
    PseudonymSettings::new(
        source,
        label.or(file.pseudonym_label.take()),
        flags.pseudonym_table.clone().or(table),
    )
}
