//! The key table, which leads from pseudonyms back to patients.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::{
    PrivacyError,
    private_file::{self, io_error},
    pseudonym::normalise,
};

/// Pseudonyms with their patients: CSV with the columns `pseudonym` and `patient`, sorted by pseudonym
/// so that the order says nothing of the patients.
///
/// Whoever has it knows who is who, so it is kept apart from the results.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KeyTable {
    patients: BTreeMap<String, String>,
}

impl std::fmt::Debug for KeyTable {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "KeyTable({} patients, not shown)",
            self.patients.len()
        )
    }
}

impl KeyTable {
    /// Reads a table that only its owner may read.
    ///
    /// # Errors
    /// The file cannot be read, others may read it, or it contradicts itself.
    pub fn read(path: &Path) -> Result<Self, PrivacyError> {
        Self::read_open(path, &private_file::open_private(path)?)
    }

    /// Adds the patients of a run to a table, which is made where there is none. The file is replaced in
    /// one step, and a run beside this one waits.
    ///
    /// `pseudonyms` is by patient, as [`Pseudonymiser::of_all`](crate::pseudonym::Pseudonymiser::of_all)
    /// gives it. The number of patients that are new to the table is returned.
    ///
    /// # Errors
    /// The table gives one of the patients another pseudonym (it was made with another key or label) or
    /// one of the pseudonyms to another patient, others may read it, or it cannot be read or written.
    pub fn extend(
        path: &Path,
        pseudonyms: &BTreeMap<String, String>,
    ) -> Result<usize, PrivacyError> {
        loop {
            let file = match private_file::open_private(path) {
                Ok(file) => file,
                Err(PrivacyError::Io { source, .. })
                    if source.kind() == io::ErrorKind::NotFound =>
                {
                    let mut table = Self::default();
                    let added = table.add(path, pseudonyms)?;
                    if private_file::write_new(path, &table.to_csv(path)?)? {
                        return Ok(added);
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            file.lock().map_err(io_error(path, "locking it"))?;
            // Whoever had the lock before may have put another file in its place.
            let now = path.metadata().map_err(io_error(path, "opening it"))?;
            let own = file.metadata().map_err(io_error(path, "opening it"))?;
            if (now.dev(), now.ino()) != (own.dev(), own.ino()) {
                continue;
            }
            let mut table = Self::read_open(path, &file)?;
            let added = table.add(path, pseudonyms)?;
            if added > 0 {
                private_file::replace(path, &table.to_csv(path)?)?;
            }
            return Ok(added);
        }
    }

    /// The patient of a pseudonym, however it is typed.
    #[must_use]
    pub fn patient(&self, pseudonym: &str) -> Option<&str> {
        self.patients
            .get(&normalise(pseudonym)?)
            .map(String::as_str)
    }

    /// Number of patients.
    #[must_use]
    pub fn len(&self) -> usize {
        self.patients.len()
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patients.is_empty()
    }

    fn read_open(path: &Path, mut file: &File) -> Result<Self, PrivacyError> {
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(io_error(path, "reading it"))?;
        let malformed = |line: u64, detail: &'static str| PrivacyError::KeyTable {
            path: path.into(),
            line,
            detail,
        };
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let headers = reader
            .headers()
            .map_err(|_| malformed(1, "the header cannot be read"))?;
        if headers != &csv::StringRecord::from(vec!["pseudonym", "patient"]) {
            return Err(malformed(
                1,
                "the columns are not 'pseudonym' and 'patient'",
            ));
        }
        let mut table = Self::default();
        let mut seen = BTreeSet::new();
        let mut record = csv::StringRecord::new();
        loop {
            let line = reader.position().line();
            let more = reader.read_record(&mut record);
            if !more.map_err(|_| malformed(line, "the line does not have two columns"))? {
                return Ok(table);
            }
            let field = |at| record.get(at).unwrap_or_default();
            let Some(pseudonym) = normalise(field(0)) else {
                return Err(malformed(line, "the first column holds no pseudonym"));
            };
            let patient = field(1);
            if patient.is_empty() {
                return Err(malformed(line, "the patient is missing"));
            }
            if !seen.insert(patient.to_owned()) {
                return Err(malformed(
                    line,
                    "the patient stands on an earlier line as well",
                ));
            }
            if table.patients.insert(pseudonym, patient.into()).is_some() {
                return Err(malformed(
                    line,
                    "the pseudonym stands on an earlier line as well",
                ));
            }
        }
    }

    /// Adds patients, and says how many are new.
    fn add(
        &mut self,
        path: &Path,
        pseudonyms: &BTreeMap<String, String>,
    ) -> Result<usize, PrivacyError> {
        let contradiction = || PrivacyError::KeyTableContradiction { path: path.into() };
        let known: BTreeMap<String, String> = self
            .patients
            .iter()
            .map(|(pseudonym, patient)| (patient.clone(), pseudonym.clone()))
            .collect();
        let mut added = 0;
        for (patient, pseudonym) in pseudonyms {
            match (known.get(patient), self.patients.get(pseudonym)) {
                (Some(before), _) if before == pseudonym => {}
                (None, None) => {
                    self.patients.insert(pseudonym.clone(), patient.clone());
                    added += 1;
                }
                _ => return Err(contradiction()),
            }
        }
        Ok(added)
    }

    fn to_csv(&self, path: &Path) -> Result<Vec<u8>, PrivacyError> {
        let failed = |error: csv::Error| io_error(path, "writing it")(error.into());
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer
            .write_record(["pseudonym", "patient"])
            .map_err(failed)?;
        for row in &self.patients {
            writer.write_record([row.0, row.1]).map_err(failed)?;
        }
        writer
            .into_inner()
            .map_err(|error| io_error(path, "writing it")(error.into_error()))
    }
}
