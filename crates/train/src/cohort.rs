//! The table that a model learns from: patients with covariates and features.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Read;
use std::path::Path;

use varisk_core::{Covariate, FeatureTable, FeatureValue, Patient, Reason, Sex};

use crate::TrainError;

/// The column that the recorded sex is read from, as in a samplesheet.
const SEX: &str = "sex";

/// Patients with covariates (outcome and groups among them) and with features of an earlier run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cohort {
    /// The patients, in the order of the table.
    pub patients: Vec<Patient>,
    /// Names of the covariate columns, in the order of the table.
    pub columns: Vec<String>,
    /// Features, one value for each patient.
    pub features: FeatureTable,
}

impl Cohort {
    /// Reads a table of a row for each patient, with commas or tabs, plain or gzip. `patient` names
    /// the column of identifiers. Cells are read as those of a samplesheet: a finite number is a
    /// number, the usual marks of missing are no value.
    ///
    /// # Errors
    /// The file cannot be read, has no such column, repeats a patient or a column, or has no rows.
    pub fn read(path: &Path, patient: &str) -> Result<Self, TrainError> {
        let file = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| TrainError::Open {
            path: path.into(),
            source,
        })?;
        let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut plain = Vec::new();
            flate2::read::MultiGzDecoder::new(bytes.as_slice())
                .read_to_end(&mut plain)
                .map_err(|source| TrainError::Open {
                    path: path.into(),
                    source,
                })?;
            plain
        } else {
            bytes
        };
        Self::parse(&bytes, patient).map_err(|detail| TrainError::Table { file, detail })
    }

    fn parse(bytes: &[u8], patient: &str) -> Result<Self, String> {
        // Spreadsheet programs write a byte order mark.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let first = bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let delimiter = if first.contains(&b'\t') { b'\t' } else { b',' };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let header = reader
            .headers()
            .map_err(|_| "the first line cannot be read; write column names there".to_owned())?;
        let names: Vec<String> = header.iter().map(str::to_owned).collect();
        let identifier = names.iter().position(|name| name == patient).ok_or_else(|| {
            format!(
                "the column '{patient}' of patient identifiers is missing; name it with data.patient"
            )
        })?;
        let mut rows = Vec::new();
        for (at, record) in reader.records().enumerate() {
            let record = record.map_err(|_| {
                format!(
                    "row {} has not as many columns as the first line, or is not UTF-8; correct it",
                    at + 1
                )
            })?;
            let id = record.get(identifier).unwrap_or_default().to_owned();
            let cells = names
                .iter()
                .enumerate()
                .filter(|(column, _)| *column != identifier)
                .map(|(column, _)| cell(record.get(column).unwrap_or_default()));
            rows.push((id, cells.collect()));
        }
        let columns = names
            .into_iter()
            .enumerate()
            .filter(|(column, _)| *column != identifier);
        Self::from_rows(columns.map(|(_, name)| name).collect(), rows)
    }

    /// A cohort of rows: identifier, then a cell for each column.
    ///
    /// # Errors
    /// There are no rows, a column has no name or one that stands there twice, or a patient is not
    /// named or stands there twice. The text names rows and columns, never a patient.
    pub fn from_rows(
        columns: Vec<String>,
        rows: Vec<(String, Vec<Option<Covariate>>)>,
    ) -> Result<Self, String> {
        let mut seen = BTreeSet::new();
        for name in &columns {
            if name.is_empty() {
                return Err("a column has no name; name it or remove it".to_owned());
            }
            if !seen.insert(name) {
                return Err(format!(
                    "the column '{name}' stands there twice; remove one"
                ));
            }
        }
        if rows.is_empty() {
            return Err("the table has no patient; add one row for each".to_owned());
        }
        let mut ids = HashSet::new();
        let mut patients = Vec::with_capacity(rows.len());
        for (at, (id, cells)) in rows.into_iter().enumerate() {
            let row = at + 1;
            if id.is_empty() {
                return Err(format!("row {row} has no patient; fill it in"));
            }
            if !ids.insert(id.clone()) {
                return Err(format!(
                    "row {row} repeats the patient of an earlier row; each patient has one row, or the same person would be learned from and tested on"
                ));
            }
            let covariates: BTreeMap<String, Covariate> = columns
                .iter()
                .zip(cells)
                .filter_map(|(name, cell)| Some((name.clone(), cell?)))
                .collect();
            let sex = match covariates.get(SEX) {
                None => Some(Sex::Unknown),
                Some(Covariate::Text(text)) => Sex::parse(text),
                Some(Covariate::Number(_)) => None,
            };
            let sex = sex.ok_or_else(|| {
                format!("row {row}: the sex is none of female, male and unknown; correct it, or name the column otherwise")
            })?;
            patients.push(Patient {
                id,
                sex,
                covariates,
            });
        }
        Ok(Self {
            patients,
            columns,
            features: FeatureTable::default(),
        })
    }

    /// Adds features of an earlier run: for each feature the values by patient. A patient that the
    /// run does not have is without a value.
    pub fn join(&mut self, features: BTreeMap<String, BTreeMap<String, FeatureValue>>) {
        for (name, values) in features {
            let column = self.patients.iter().map(|patient| {
                let value = values.get(&patient.id).copied();
                value.unwrap_or(Err(Reason::FeatureMissing))
            });
            self.features.insert(name, column.collect());
        }
    }

    /// The cell of a patient in a covariate column.
    #[must_use]
    pub fn cell(&self, patient: usize, column: &str) -> Option<&Covariate> {
        self.patients.get(patient)?.covariates.get(column)
    }
}

/// A cell of a table as a samplesheet reads it.
fn cell(text: &str) -> Option<Covariate> {
    match text {
        "" | "NA" | "N/A" | "na" | "." | "NaN" | "nan" | "null" => None,
        _ => Some(match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Covariate::Number(number),
            _ => Covariate::Text(text.to_owned()),
        }),
    }
}

/// What a cell says, as the text that a configuration would name it by.
pub(crate) fn text(cell: &Covariate) -> String {
    match cell {
        Covariate::Number(number) => number.to_string(),
        Covariate::Text(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_in_a_samplesheet() {
        let cohort = Cohort::parse(b"id,sex,age,smoker\nP1,F,61.5,yes\nP2,,NA,.\n", "id").unwrap();
        assert_eq!(cohort.columns, ["sex", "age", "smoker"]);
        assert_eq!(cohort.patients[0].sex, Sex::Female);
        assert_eq!(cohort.cell(0, "age"), Some(&Covariate::Number(61.5)));
        assert_eq!(cohort.cell(1, "age"), None);
        assert_eq!(cohort.patients[1].sex, Sex::Unknown);
    }

    #[test]
    fn defects_are_named_without_content() {
        let check = |table: &str, part: &str| {
            let error = Cohort::parse(table.as_bytes(), "id").unwrap_err();
            assert!(error.contains(part), "{error}");
            assert!(!error.contains("SECRET"), "{error}");
        };
        check("patient,x\nSECRET,1\n", "column 'id'");
        check("id,x\n", "no patient");
        check("id,x\nSECRET,1\nSECRET,2\n", "row 2 repeats");
        check("id,x\n,1\n", "row 1 has no patient");
        check("id,x,x\nSECRET,1,2\n", "twice");
        check("id,x\nSECRET\n", "row 1 has not as many");
        check("id,sex\nSECRET,1\n", "row 1: the sex");
    }
}
