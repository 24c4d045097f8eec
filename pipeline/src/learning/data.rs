//! Tables of patients: what models learn from, are tested on, and are explained with.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::Context;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use varisk_core::{Covariate, FeatureValue, Reason};
use varisk_train::{Cohort, TrainError};

use crate::exit::Refusal;

/// Features of patients: by feature, then by patient.
pub(crate) type Features = BTreeMap<String, BTreeMap<String, FeatureValue>>;

/// Reads a table with a row for each patient, CSV or Parquet, and the features of a run beside it.
pub(crate) fn cohort(table: &Path, patient: &str, run: Option<&Path>) -> anyhow::Result<Cohort> {
    let is_parquet = table.extension().is_some_and(|own| own == "parquet");
    let mut cohort = if is_parquet {
        parquet_cohort(table, patient)?
    } else {
        Cohort::read(table, patient)?
    };
    if let Some(run) = run {
        let features = features(run)?;
        let known: usize = cohort
            .patients
            .iter()
            .filter(|own| features.values().any(|values| values.contains_key(&own.id)))
            .count();
        if known == 0 {
            return Err(Refusal::Data(format!(
                "{} has none of the patients of {}; give the run of these patients, or the right column of identifiers",
                run.display(),
                table.display()
            ))
            .into());
        }
        cohort.join(features);
    }
    Ok(cohort)
}

/// All batches of a Parquet file.
pub(crate) fn batches(path: &Path) -> anyhow::Result<Vec<RecordBatch>> {
    let file = File::open(path).map_err(|error| {
        Refusal::NoInput(format!(
            "{} cannot be read: {error}; check path and permissions",
            path.display()
        ))
    })?;
    let read = || -> anyhow::Result<Vec<RecordBatch>> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.build()?;
        Ok(reader.collect::<Result<_, _>>()?)
    };
    read().with_context(|| {
        Refusal::Data(format!(
            "{} is not whole Parquet; write it again",
            path.display()
        ))
    })
}

/// A column of a batch, in a type.
pub(crate) fn column(
    batch: &RecordBatch,
    name: &str,
    data_type: &DataType,
    path: &Path,
) -> anyhow::Result<ArrayRef> {
    let column = batch.column_by_name(name).ok_or_else(|| {
        Refusal::Data(format!(
            "{} has no column '{name}'; give a table of this version of varisk",
            path.display()
        ))
    })?;
    Ok(cast(column, data_type)?)
}

/// Features of a finished run.
pub(crate) fn features(run: &Path) -> anyhow::Result<Features> {
    let path = run.join("features.parquet");
    let mut features = Features::new();
    for batch in batches(&path)? {
        let text = |name: &str| column(&batch, name, &DataType::Utf8, &path);
        let (patients, names, reasons) = (text("patient")?, text("feature")?, text("reason")?);
        let values = column(&batch, "value", &DataType::Float64, &path)?;
        let values = values.as_primitive::<Float64Type>();
        let (patients, names) = (patients.as_string::<i32>(), names.as_string::<i32>());
        let reasons = reasons.as_string::<i32>();
        for row in 0..batch.num_rows() {
            let value = if values.is_valid(row) {
                Ok(values.value(row))
            } else {
                let name = reasons.is_valid(row).then(|| reasons.value(row));
                Err(name
                    .and_then(Reason::parse)
                    .unwrap_or(Reason::FeatureMissing))
            };
            let of_feature = features.entry(names.value(row).to_owned()).or_default();
            of_feature.insert(patients.value(row).to_owned(), value);
        }
    }
    Ok(features)
}

fn parquet_cohort(path: &Path, patient: &str) -> anyhow::Result<Cohort> {
    let refuse = |detail: String| TrainError::Table {
        file: path.display().to_string(),
        detail,
    };
    let mut columns: Option<Vec<String>> = None;
    let mut rows: Vec<(String, Vec<Option<Covariate>>)> = Vec::new();
    for batch in batches(path)? {
        let schema = batch.schema();
        let identifiers = batch.column_by_name(patient).ok_or_else(|| {
            refuse(format!(
                "the column '{patient}' of patient identifiers is missing; name it with data.patient"
            ))
        })?;
        let identifiers = cast(identifiers, &DataType::Utf8)?;
        let identifiers = identifiers.as_string::<i32>();
        let start = rows.len();
        rows.extend((0..batch.num_rows()).map(|row| {
            let id = identifiers
                .is_valid(row)
                .then(|| identifiers.value(row).to_owned());
            (id.unwrap_or_default(), Vec::new())
        }));
        let mut names = Vec::new();
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            if field.name() == patient {
                continue;
            }
            let cells = cells(array).ok_or_else(|| {
                refuse(format!(
                    "the column '{}' holds {}; give numbers, text or true and false",
                    field.name(),
                    field.data_type()
                ))
            })?;
            for ((_, row), cell) in rows.iter_mut().skip(start).zip(cells) {
                row.push(cell);
            }
            names.push(field.name().clone());
        }
        columns = Some(names);
    }
    Ok(Cohort::from_rows(columns.unwrap_or_default(), rows).map_err(refuse)?)
}

/// Cells of a column; `None` where it is of no type that a cell can be.
fn cells(array: &ArrayRef) -> Option<Vec<Option<Covariate>>> {
    let is_text = match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean => true,
        DataType::Dictionary(_, values) => !values.is_numeric(),
        own if own.is_numeric() => false,
        _ => return None,
    };
    if is_text {
        let texts = cast(array, &DataType::Utf8).ok()?;
        let texts = texts.as_string::<i32>();
        let all = texts.iter().map(|text| {
            let text = text?.trim();
            (!text.is_empty()).then(|| Covariate::Text(text.to_owned()))
        });
        return Some(all.collect());
    }
    let numbers = cast(array, &DataType::Float64).ok()?;
    let numbers = numbers.as_primitive::<Float64Type>();
    let all = numbers
        .iter()
        .map(|number| number.filter(|own| own.is_finite()).map(Covariate::Number));
    Some(all.collect())
}
