//! Classes of patients who have the same quasi-identifiers.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{AsArray, RecordBatch};
use arrow::row::{RowConverter, SortField};

use crate::{
    PrivacyError,
    deidentify::{Deidentifier, SmallClasses},
};

/// How many patients cannot be told apart by their quasi-identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassReport {
    /// The least number of patients of a class that was asked for.
    pub k: usize,
    /// Patients.
    pub patients: usize,
    /// Number of classes by their size.
    pub sizes: BTreeMap<usize, usize>,
    /// Size of the smallest class; `None` without patients.
    pub smallest: Option<usize>,
    /// Patients in classes of fewer than k.
    pub in_small_classes: usize,
}

/// Reads the tables with quasi-identifiers and counts classes.
///
/// A missing value is a value of its own, and so is a patient's absence from one of several tables.
///
/// # Memory
/// The quasi-identifiers of a class are held once for each table; of a patient the identifier and a
/// number for each table.
#[derive(Debug)]
pub struct ClassCounter<'a> {
    deidentifier: &'a Deidentifier,
    tables: BTreeMap<String, TableClasses>,
    /// Numbers of patients by identifier.
    patients: HashMap<String, usize>,
}

/// Classes of patients by the columns of one table.
#[derive(Debug)]
struct TableClasses {
    columns: Vec<String>,
    converter: RowConverter,
    classes: HashMap<Box<[u8]>, u32>,
    /// Class of each patient, by number.
    of_patients: Vec<Option<u32>>,
    seen: bool,
}

/// Who may be in the output.
#[derive(Clone, Debug)]
pub struct Admission {
    /// Whether a patient may be, by identifier; `None` where nobody counted classes.
    admitted: Option<HashMap<String, bool>>,
    report: Option<ClassReport>,
}

impl<'a> ClassCounter<'a> {
    pub(super) fn try_new(deidentifier: &'a Deidentifier) -> Result<Self, PrivacyError> {
        let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (table, column) in deidentifier.quasi_identifiers() {
            columns.entry(table.into()).or_default().push(column.into());
        }
        let mut tables = BTreeMap::new();
        for (table, columns) in columns {
            let mut fields = Vec::new();
            if let Some(plan) = deidentifier.table(&table) {
                for column in &columns {
                    let field = plan.schema().field_with_name(column)?;
                    fields.push(SortField::new(field.data_type().clone()));
                }
            }
            let own = TableClasses {
                columns,
                converter: RowConverter::new(fields)?,
                classes: HashMap::new(),
                of_patients: Vec::new(),
                seen: false,
            };
            tables.insert(table, own);
        }
        Ok(Self {
            deidentifier,
            tables,
            patients: HashMap::new(),
        })
    }

    /// Tables whose batches must be observed, all of them, before [`finish`](Self::finish). There are none
    /// where no classes are to be counted.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }

    /// Takes in a batch of a table as it is before it is de-identified. Batches of other tables are passed
    /// over; of a table without rows an empty batch is needed.
    ///
    /// # Errors
    /// A row has no patient, a patient has several rows, or a value cannot be coarsened.
    pub fn observe(&mut self, table: &str, batch: &RecordBatch) -> Result<(), PrivacyError> {
        let Some(own) = self.tables.get_mut(table) else {
            return Ok(());
        };
        let of_another = || PrivacyError::Batch {
            table: table.into(),
        };
        let plan = self.deidentifier.table(table).ok_or_else(of_another)?;
        let values = plan.values(batch, &own.columns)?;
        let patients = batch.column(plan.patient().ok_or_else(of_another)?);
        let rows = own.converter.convert_columns(&values)?;
        own.seen = true;
        for (patient, row) in patients.as_string::<i32>().iter().zip(rows.iter()) {
            let Some(patient) = patient else {
                return Err(PrivacyError::NoPatient {
                    table: table.into(),
                });
            };
            let next = self.patients.len();
            let number = match self.patients.get(patient) {
                Some(number) => *number,
                None => *self.patients.entry(patient.into()).or_insert(next),
            };
            let class = match own.classes.get(row.as_ref()) {
                Some(class) => *class,
                None => {
                    let class = u32::try_from(own.classes.len()).map_err(|_| of_another())?;
                    own.classes.insert(row.as_ref().into(), class);
                    class
                }
            };
            if own.of_patients.len() <= number {
                own.of_patients.resize(number + 1, None);
            }
            match own.of_patients.get_mut(number) {
                Some(place @ None) => *place = Some(class),
                _ => {
                    return Err(PrivacyError::RepeatedPatient {
                        table: table.into(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Size of each patient's class, by the patient's number.
    fn sizes(&self) -> Vec<usize> {
        let mut classes: HashMap<Vec<Option<u32>>, Vec<usize>> = HashMap::new();
        for number in 0..self.patients.len() {
            let class = self
                .tables
                .values()
                .map(|own| own.of_patients.get(number).copied().flatten());
            classes.entry(class.collect()).or_default().push(number);
        }
        let mut sizes = vec![0; self.patients.len()];
        for members in classes.values() {
            for &member in members {
                if let Some(size) = sizes.get_mut(member) {
                    *size = members.len();
                }
            }
        }
        sizes
    }

    /// Sizes of the classes; `None` where no classes are to be counted.
    #[must_use]
    pub fn report(&self) -> Option<ClassReport> {
        let k = usize::try_from(self.deidentifier.k_anonymity()?.k).unwrap_or(usize::MAX);
        Some(report(k, &self.sizes()))
    }

    /// Who may be in the output.
    ///
    /// # Errors
    /// Classes are smaller than k and their patients are not to be left out, nobody is left, or a table
    /// was not observed.
    pub fn finish(self) -> Result<Admission, PrivacyError> {
        let Some(settings) = self.deidentifier.k_anonymity() else {
            return Ok(Admission {
                admitted: None,
                report: None,
            });
        };
        if let Some((table, _)) = self.tables.iter().find(|(_, own)| !own.seen) {
            return Err(PrivacyError::Unobserved {
                table: table.clone(),
            });
        }
        let k = usize::try_from(settings.k).unwrap_or(usize::MAX);
        let sizes = self.sizes();
        let report = report(k, &sizes);
        if report.in_small_classes > 0 && settings.small_classes == SmallClasses::Refuse {
            return Err(PrivacyError::SmallClasses {
                patients: report.in_small_classes,
                all: report.patients,
                k,
                smallest: report.smallest.unwrap_or(0),
            });
        }
        if report.in_small_classes == report.patients {
            return Err(PrivacyError::NobodyLeft { k });
        }
        let admitted = self.patients.into_iter().map(|(patient, number)| {
            let size = sizes.get(number).copied().unwrap_or(0);
            (patient, size >= k)
        });
        Ok(Admission {
            admitted: Some(admitted.collect()),
            report: Some(report),
        })
    }
}

fn report(k: usize, sizes: &[usize]) -> ClassReport {
    // Each class is counted by all its patients.
    let mut patients: BTreeMap<usize, usize> = BTreeMap::new();
    for &size in sizes {
        *patients.entry(size).or_default() += 1;
    }
    let small = patients.range(..k).map(|(_, patients)| patients).sum();
    ClassReport {
        k,
        patients: sizes.len(),
        smallest: patients.keys().next().copied(),
        sizes: patients
            .into_iter()
            .map(|(size, patients)| (size, patients / size.max(1)))
            .collect(),
        in_small_classes: small,
    }
}

impl Admission {
    /// Sizes of the classes, before patients were left out; `None` where none were counted.
    #[must_use]
    pub fn report(&self) -> Option<&ClassReport> {
        self.report.as_ref()
    }

    /// Whether the row of a patient may be in the output.
    pub(super) fn admits(&self, table: &str, patient: Option<&str>) -> Result<bool, PrivacyError> {
        let Some(admitted) = &self.admitted else {
            return Ok(true);
        };
        let patient = patient.ok_or_else(|| PrivacyError::NoPatient {
            table: table.into(),
        })?;
        // Who was not counted belongs to no class, and must not slip through.
        admitted
            .get(patient)
            .copied()
            .ok_or_else(|| PrivacyError::UnclassifiedPatient {
                table: table.into(),
            })
    }
}
