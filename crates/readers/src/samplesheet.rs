//! The samplesheet: who the patients are, which files and samples are theirs, and their covariates.
//!
//! A CSV (or, by its first line, TSV) table. Known columns are `patient` (required), `vcf`,
//! `sample`, `alignment`, `callable` and `sex`; every other column is a covariate by its name. Paths are
//! relative to the folder of the sheet. Messages name rows and columns, never their content.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use varisk_core::{Covariate, Patient, Sex};

/// Columns that are not covariates.
const KNOWN: [&str; 6] = ["patient", "vcf", "sample", "alignment", "callable", "sex"];

/// Why a samplesheet cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// The file cannot be read.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The table is malformed.
    #[error("{file}: {detail}")]
    Content {
        /// The file.
        file: String,
        /// Row, column and remedy.
        detail: String,
    },
}

/// A row of the sheet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SheetRow {
    /// The patient with sex and covariates.
    pub patient: Patient,
    /// File with the patient's variants; `None` where one cohort file serves all.
    pub vcf: Option<PathBuf>,
    /// Sample of that file; `None` where the patient identifier, or the file's only sample, is meant.
    pub sample: Option<String>,
    /// BAM or CRAM.
    pub alignment: Option<PathBuf>,
    /// BED of the regions in which the patient's variant file would have a record if there were a
    /// variant.
    pub callable: Option<PathBuf>,
}

/// A samplesheet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleSheet {
    /// Rows in order.
    pub rows: Vec<SheetRow>,
    /// Names of the covariate columns.
    pub covariates: Vec<String>,
}

impl SampleSheet {
    /// Reads a sheet from a file.
    ///
    /// # Errors
    /// The file cannot be read or is not a samplesheet.
    pub fn read(path: &Path) -> Result<Self, SheetError> {
        let bytes = std::fs::read(path).map_err(|source| SheetError::Open {
            path: path.into(),
            source,
        })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        Self::parse(&bytes, &path.display().to_string(), folder)
    }

    /// Reads a sheet from bytes; `file` is its name in messages.
    ///
    /// # Errors
    /// The bytes are not a samplesheet.
    pub fn parse(bytes: &[u8], file: &str, folder: &Path) -> Result<Self, SheetError> {
        parse(bytes, folder).map_err(|detail| SheetError::Content {
            file: file.to_owned(),
            detail,
        })
    }
}

fn parse(bytes: &[u8], folder: &Path) -> Result<SampleSheet, String> {
    // Spreadsheet programs write a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let first_line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let delimiter = if first_line.contains(&b'\t') {
        b'\t'
    } else {
        b','
    };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let names: Vec<String> = match reader.headers() {
        Ok(headers) => headers.iter().map(str::to_owned).collect(),
        Err(_) => return Err("the first line cannot be read; write column names there".to_owned()),
    };
    let mut seen = HashSet::new();
    for name in &names {
        if name.is_empty() {
            return Err("a column has no name; name it or remove it".to_owned());
        }
        if !seen.insert(name) {
            return Err(format!(
                "the column '{name}' stands there twice; remove one"
            ));
        }
    }
    let column = |name: &str| names.iter().position(|n| n == name);
    let patient = column("patient")
        .ok_or("the column 'patient' is missing; add it with one identifier a row")?;
    let [vcf, sample, alignment, callable, sex] =
        ["vcf", "sample", "alignment", "callable", "sex"].map(column);
    let covariates: Vec<(usize, &String)> = names
        .iter()
        .enumerate()
        .filter(|(_, name)| !KNOWN.contains(&name.as_str()))
        .collect();

    let mut sheet = SampleSheet {
        rows: Vec::new(),
        covariates: covariates.iter().map(|(_, name)| (*name).clone()).collect(),
    };
    let mut ids = HashSet::new();
    for (i, record) in reader.records().enumerate() {
        let row = i + 1;
        let record = record.map_err(|_| {
            format!(
                "row {row} has not as many columns as the first line, or is not UTF-8; correct it"
            )
        })?;
        let text = |at: Option<usize>| {
            at.and_then(|at| record.get(at))
                .filter(|text| !text.is_empty())
        };
        let id =
            text(Some(patient)).ok_or_else(|| format!("row {row} has no patient; fill it in"))?;
        if !ids.insert(id.to_owned()) {
            return Err(format!(
                "row {row} repeats the patient of an earlier row; each patient has one row"
            ));
        }
        let sex_text = text(sex).unwrap_or("");
        let sex = Sex::parse(sex_text).ok_or_else(|| {
            format!("row {row}: the sex is none of female, male and unknown; correct it")
        })?;
        let covariates: BTreeMap<String, Covariate> = covariates
            .iter()
            .filter_map(|(at, name)| Some(((*name).clone(), covariate(text(Some(*at))?)?)))
            .collect();
        sheet.rows.push(SheetRow {
            patient: Patient {
                id: id.to_owned(),
                sex,
                covariates,
            },
            vcf: text(vcf).map(|path| folder.join(path)),
            sample: text(sample).map(str::to_owned),
            alignment: text(alignment).map(|path| folder.join(path)),
            callable: text(callable).map(|path| folder.join(path)),
        });
    }
    if sheet.rows.is_empty() {
        return Err("the sheet has no patient; add one row for each".to_owned());
    }
    let with_file = sheet.rows.iter().filter(|row| row.vcf.is_some()).count();
    if with_file != 0 && with_file != sheet.rows.len() {
        return Err(
            "some patients have a 'vcf' and some have none; name a file for each, or for none"
                .to_owned(),
        );
    }
    Ok(sheet)
}

/// A cell as covariate; the usual marks of "missing" are no value.
fn covariate(text: &str) -> Option<Covariate> {
    match text {
        "NA" | "N/A" | "na" | "." | "NaN" | "nan" | "null" => None,
        _ => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Some(Covariate::Number(number)),
            _ => Some(Covariate::Text(text.to_owned())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SampleSheet, String> {
        parse(text.as_bytes(), Path::new("folder"))
    }

    #[test]
    fn known_columns_and_covariates() {
        let sheet =
            read("patient,vcf,sex,age,smoker\nP1,a.vcf.gz,F,61.5,yes\nP2,b.vcf.gz,,NA,\n").unwrap();
        assert_eq!(sheet.covariates, ["age", "smoker"]);
        let first = &sheet.rows[0];
        assert_eq!(first.vcf.as_deref(), Some(Path::new("folder/a.vcf.gz")));
        assert_eq!(first.patient.sex, Sex::Female);
        assert_eq!(first.patient.covariates["age"], Covariate::Number(61.5));
        assert_eq!(
            first.patient.covariates["smoker"],
            Covariate::Text("yes".to_owned())
        );
        assert!(sheet.rows[1].patient.covariates.is_empty());
    }

    #[test]
    fn paths_are_relative_to_the_sheet_and_may_be_left_out() {
        let sheet = read("patient,callable,alignment\nP1,a.bed,a.bam\nP2,,\n").unwrap();
        let first = &sheet.rows[0];
        assert_eq!(first.callable.as_deref(), Some(Path::new("folder/a.bed")));
        assert_eq!(first.alignment.as_deref(), Some(Path::new("folder/a.bam")));
        assert_eq!(sheet.rows[1].callable, None);
        assert!(sheet.covariates.is_empty());
    }

    #[test]
    fn defects_are_named_without_content() {
        let check = |text: &str, part: &str| {
            let error = read(text).unwrap_err();
            assert!(error.contains(part), "{error}");
            assert!(!error.contains("SECRET"), "{error}");
        };
        check("", "column 'patient'");
        check("patient\n", "no patient");
        check("id\nSECRET\n", "column 'patient'");
        check("patient,sex\nSECRET,blue\n", "row 1: the sex");
        check("patient\nSECRET\nSECRET\n", "row 2 repeats");
        check("patient,age\nSECRET\n", "row 1 has not as many");
        check("patient,age,age\nSECRET,1,2\n", "twice");
        check("patient,vcf\nSECRET,a\nX,\n", "some have none");
        check("patient,age\n,1\n", "row 1 has no patient");
    }

    #[test]
    fn a_sheet_of_a_spreadsheet_program_is_read() {
        let sheet = read("\u{feff}patient\tage\r\nP1\t3\r\n").unwrap();
        assert_eq!(sheet.rows[0].patient.id, "P1");
    }
}
