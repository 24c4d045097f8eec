//! Pseudonyms in place of patients' identifiers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use varisk_core::Patient;
use varisk_privacy::key::KeySource;
use varisk_privacy::pseudonym::{KeyTable, Pseudonymiser};

use crate::exit::Refusal;

/// Label where none is given.
const DEFAULT_LABEL: &str = "varisk";

/// How patients are named.
#[derive(Debug, Clone)]
pub(crate) struct PseudonymSettings {
    source: KeySource,
    label: String,
    table: Option<PathBuf>,
}

impl PseudonymSettings {
    /// Settings where a key is named.
    pub(crate) fn new(
        source: Option<KeySource>,
        label: Option<String>,
        table: Option<PathBuf>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(source) = source else {
            if table.is_some() || label.is_some() {
                return Err(Refusal::Usage(
                    "a table or label of pseudonyms is named, and no key; give --pseudonym-key-file"
                        .to_owned(),
                )
                .into());
            }
            return Ok(None);
        };
        Ok(Some(Self {
            source,
            label: label.unwrap_or_else(|| DEFAULT_LABEL.to_owned()),
            table,
        }))
    }

    /// Pseudonyms of patients, by identifier.
    pub(crate) fn of<'p>(
        &self,
        identifiers: impl IntoIterator<Item = &'p str>,
    ) -> anyhow::Result<Pseudonyms> {
        let pseudonymiser = Pseudonymiser::try_new(self.source.read()?, &self.label)?;
        Ok(Pseudonyms {
            by_patient: pseudonymiser.of_all(identifiers)?,
            table: self.table.clone(),
        })
    }
}

/// The pseudonyms of the patients of a run.
#[derive(Debug, Clone)]
pub(crate) struct Pseudonyms {
    pub(crate) by_patient: BTreeMap<String, String>,
    table: Option<PathBuf>,
}

impl Pseudonyms {
    /// Puts pseudonyms in place of identifiers.
    pub(crate) fn apply(&self, patients: &mut [Patient]) -> anyhow::Result<()> {
        for patient in patients {
            let own = self.by_patient.get(&patient.id).ok_or_else(|| {
                Refusal::Software(
                    "internal error: a patient has no pseudonym; please report this".to_owned(),
                )
            })?;
            patient.id.clone_from(own);
        }
        Ok(())
    }

    /// Adds to the table that leads back, where there is one.
    pub(crate) fn keep(&self) -> anyhow::Result<()> {
        if let Some(table) = &self.table {
            KeyTable::extend(table, &self.by_patient)?;
        }
        Ok(())
    }
}
