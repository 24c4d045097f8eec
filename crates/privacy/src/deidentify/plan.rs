//! What becomes of each table of a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::{
    PrivacyError,
    deidentify::{
        Admission, ClassCounter, Coarsening, Config, EVERY_TABLE, KAnonymity, PATIENT, PLACE,
        TableRules, coarsen, config::wrong, shows_genotypes,
    },
};

/// A configuration that fits the tables of a run.
#[derive(Clone, Debug)]
pub struct Deidentifier {
    plans: BTreeMap<String, TablePlan>,
    dropped: Vec<String>,
    k_anonymity: Option<KAnonymity>,
}

/// What becomes of a table.
#[derive(Clone, Debug)]
pub struct TablePlan {
    table: String,
    input: SchemaRef,
    output: SchemaRef,
    /// Columns of the input that stay, with what is done to them.
    columns: Vec<(usize, Option<Coarsening>)>,
    dropped: Vec<String>,
    patient: Option<usize>,
}

/// Names in a message.
fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// Names of the columns of a table.
fn columns_of(schema: &Schema) -> String {
    list(schema.fields().iter().map(|field| field.name().as_str()))
}

impl Deidentifier {
    /// Checks a configuration against all tables of a run, given by name.
    ///
    /// # Errors
    /// The configuration names a table or a column that is not there, makes a column coarser that is of
    /// another type or is left out, or makes no sense by itself.
    pub fn try_new(config: &Config, tables: &[(&str, SchemaRef)]) -> Result<Self, PrivacyError> {
        config.check()?;
        let everywhere = config.tables.get(EVERY_TABLE);
        for table in config.tables.keys().filter(|table| *table != EVERY_TABLE) {
            find(tables, table)?;
        }
        if let Some(rules) = everywhere {
            for column in rules.drop_columns.iter().chain(rules.columns.keys()) {
                if !tables
                    .iter()
                    .any(|(_, schema)| schema.index_of(column).is_ok())
                {
                    return Err(PrivacyError::UnknownColumn {
                        table: EVERY_TABLE.into(),
                        column: column.clone(),
                        there: list(tables.iter().flat_map(|(_, schema)| {
                            schema.fields().iter().map(|field| field.name().as_str())
                        })),
                    });
                }
            }
        }
        let mut own = Self {
            plans: BTreeMap::new(),
            dropped: Vec::new(),
            k_anonymity: config.k_anonymity.clone(),
        };
        for (table, schema) in tables {
            let rules = config.tables.get(*table);
            if let Some(rules) = rules {
                for column in rules.drop_columns.iter().chain(rules.columns.keys()) {
                    column_of(table, schema, column)?;
                }
            }
            let alleles = !config.keep_genotypes && schema.index_of(PLACE).is_ok();
            if rules.is_some_and(|rules| rules.drop) || alleles {
                // A rule that could never apply is a misunderstanding about what is published.
                if let Some(rules) = rules
                    && !rules.drop
                    && !(rules.drop_columns.is_empty() && rules.columns.is_empty())
                {
                    return Err(wrong(
                        format!("tables.{table}"),
                        "is for a table of alleles, which is left out; take it out, or set keep_genotypes = true",
                    ));
                }
                own.dropped.push((*table).into());
                continue;
            }
            let plan = TablePlan::try_new(table, schema, config.keep_genotypes, rules, everywhere)?;
            own.plans.insert((*table).into(), plan);
        }
        own.check_quasi_identifiers(tables)?;
        Ok(own)
    }

    fn check_quasi_identifiers(&self, tables: &[(&str, SchemaRef)]) -> Result<(), PrivacyError> {
        for (table, column) in self.quasi_identifiers() {
            let schema = find(tables, table)?;
            column_of(table, schema, column)?;
            let setting = || format!("k_anonymity.quasi_identifiers: {table}.{column}");
            let plan = self
                .plans
                .get(table)
                .filter(|plan| plan.output.index_of(column).is_ok());
            let Some(plan) = plan else {
                return Err(wrong(
                    setting(),
                    "is left out of the output; take it out of the list",
                ));
            };
            if plan.patient.is_none() {
                return Err(wrong(
                    setting(),
                    "is of a table without a column 'patient'; take it out",
                ));
            }
        }
        Ok(())
    }

    /// Table and column of each quasi-identifier.
    pub(super) fn quasi_identifiers(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self
            .k_anonymity
            .iter()
            .flat_map(|own| &own.quasi_identifiers);
        all.filter_map(|own| own.split_once('.'))
    }

    pub(super) fn k_anonymity(&self) -> Option<&KAnonymity> {
        self.k_anonymity.as_ref()
    }

    /// What becomes of a table; `None` where it is left out.
    #[must_use]
    pub fn table(&self, table: &str) -> Option<&TablePlan> {
        self.plans.get(table)
    }

    /// Tables that are left out, in the order in which they were given.
    #[must_use]
    pub fn dropped_tables(&self) -> &[String] {
        &self.dropped
    }

    /// Counts classes of patients, and says who may be in the output.
    ///
    /// # Errors
    /// Columns of the quasi-identifiers cannot be compared.
    pub fn class_counter(&self) -> Result<ClassCounter<'_>, PrivacyError> {
        ClassCounter::try_new(self)
    }
}

fn find<'a>(tables: &'a [(&str, SchemaRef)], table: &str) -> Result<&'a SchemaRef, PrivacyError> {
    let found = tables.iter().find(|(name, _)| *name == table);
    found
        .map(|(_, schema)| schema)
        .ok_or_else(|| PrivacyError::UnknownTable {
            table: table.into(),
            there: list(tables.iter().map(|(name, _)| *name)),
        })
}

fn column_of(table: &str, schema: &Schema, column: &str) -> Result<usize, PrivacyError> {
    schema
        .index_of(column)
        .map_err(|_| PrivacyError::UnknownColumn {
            table: table.into(),
            column: column.into(),
            there: columns_of(schema),
        })
}

/// Columns of which a coarse one is worth nothing beside the others: a risk beside its interval and
/// course, an age beside another one. They go unless they have a rule of their own.
const LINKED: [(&str, &[&str]); 2] = [
    (
        "value",
        &["lower", "upper", "curve_ages", "curve", "population_curve"],
    ),
    (
        "age_start",
        &["age_end", "curve_ages", "curve", "population_curve"],
    ),
];

impl TablePlan {
    fn try_new(
        table: &str,
        schema: &SchemaRef,
        keep_genotypes: bool,
        own: Option<&TableRules>,
        everywhere: Option<&TableRules>,
    ) -> Result<Self, PrivacyError> {
        let patient = schema.index_of(PATIENT).ok();
        if let Some(at) = patient
            && schema.field(at).data_type() != &DataType::Utf8
        {
            return Err(PrivacyError::ColumnType {
                table: table.into(),
                column: PATIENT.into(),
                found: schema.field(at).data_type().to_string(),
                rule: "patient",
                takes: "text",
            });
        }
        let mut plan = Self {
            table: table.into(),
            input: Arc::clone(schema),
            output: Arc::new(Schema::empty()),
            columns: Vec::new(),
            dropped: Vec::new(),
            patient,
        };
        let mut fields = Vec::new();
        for (at, field) in schema.fields().iter().enumerate() {
            let name = field.name();
            let drops = |rules: Option<&TableRules>| {
                rules.is_some_and(|rules| rules.drop_columns.contains(name))
            };
            let rule = |rules: Option<&TableRules>| {
                rules.and_then(|rules| rules.columns.get(name).cloned())
            };
            let coarsening = rule(own).or_else(|| rule(everywhere));
            let is_coarse = |name: &str| {
                let has = |rules: Option<&TableRules>| {
                    rules.is_some_and(|rules| rules.columns.contains_key(name))
                };
                has(own) || has(everywhere)
            };
            // What stands beside a coarse column must not say what it was.
            let tells = LINKED.iter().any(|(coarse, telling)| {
                is_coarse(coarse) && coarsening.is_none() && telling.contains(&name.as_str())
            });
            let genotype = !keep_genotypes && patient.is_some() && shows_genotypes(name);
            if drops(own) || drops(everywhere) || genotype || tells {
                if own.is_some_and(|own| own.columns.contains_key(name)) {
                    return Err(wrong(
                        format!("tables.{table}.columns.{name}"),
                        if genotype {
                            "is a column with genotypes, which is left out; take it out, or set keep_genotypes = true"
                        } else {
                            "is left out of every table; take out one of the two"
                        },
                    ));
                }
                plan.dropped.push(name.clone());
                continue;
            }
            let data_type = match &coarsening {
                None => field.data_type().clone(),
                Some(rule) => coarsen::output_type(rule, field.data_type())
                    .map_err(|refusal| refusal.of(table, name, rule, field.data_type()))?,
            };
            let coarse = Field::new(name, data_type, field.is_nullable());
            fields.push(coarse.with_metadata(field.metadata().clone()));
            plan.columns.push((at, coarsening));
        }
        if fields.is_empty() {
            return Err(wrong(
                format!("tables.{table}"),
                "leaves no column of the table; drop the table instead",
            ));
        }
        plan.output = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
        Ok(plan)
    }

    /// The columns that come out.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.output
    }

    /// Columns that are left out, in the order of the table.
    #[must_use]
    pub fn dropped_columns(&self) -> &[String] {
        &self.dropped
    }

    /// A batch without what is left out, with the patients who are admitted.
    ///
    /// # Errors
    /// A value cannot be coarsened, a row has no patient or one who is in no class, or the batch is of
    /// another table.
    pub fn apply(
        &self,
        batch: &RecordBatch,
        admission: &Admission,
    ) -> Result<RecordBatch, PrivacyError> {
        self.check(batch)?;
        let kept = match self.patient {
            Some(at) => {
                let patients = batch.column(at).as_string::<i32>();
                let admitted = patients
                    .iter()
                    .map(|patient| admission.admits(&self.table, patient));
                let admitted = admitted.collect::<Result<Vec<bool>, _>>()?;
                if admitted.iter().all(|&own| own) {
                    batch.clone()
                } else {
                    filter_record_batch(batch, &BooleanArray::from(admitted))?
                }
            }
            None => batch.clone(),
        };
        let columns = self
            .columns
            .iter()
            .map(|(at, rule)| self.coarse(&kept, *at, rule.as_ref()));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(kept.num_rows()));
        let output =
            RecordBatch::try_new_with_options(Arc::clone(&self.output), columns, &options)?;
        Ok(output)
    }

    /// Refuses a batch of another table.
    pub(super) fn check(&self, batch: &RecordBatch) -> Result<(), PrivacyError> {
        if batch.schema().fields() != self.input.fields() {
            return Err(PrivacyError::Batch {
                table: self.table.clone(),
            });
        }
        Ok(())
    }

    fn coarse(
        &self,
        batch: &RecordBatch,
        at: usize,
        rule: Option<&Coarsening>,
    ) -> Result<ArrayRef, PrivacyError> {
        let column = batch.column(at);
        match rule {
            None => Ok(Arc::clone(column)),
            Some(rule) => coarsen::apply(rule, column).map_err(|refusal| {
                refusal.of(
                    &self.table,
                    self.input.field(at).name(),
                    rule,
                    column.data_type(),
                )
            }),
        }
    }

    /// Identifiers of the patients of a batch, and some of its columns, coarsened.
    pub(super) fn values(
        &self,
        batch: &RecordBatch,
        names: &[String],
    ) -> Result<Vec<ArrayRef>, PrivacyError> {
        self.check(batch)?;
        let coarse = |name: &String| {
            let place = self
                .columns
                .iter()
                .find(|(at, _)| self.input.field(*at).name() == name);
            let (at, rule) = place.ok_or_else(|| PrivacyError::Batch {
                table: self.table.clone(),
            })?;
            self.coarse(batch, *at, rule.as_ref())
        };
        names.iter().map(coarse).collect()
    }

    /// Place of the column of patients.
    pub(super) fn patient(&self) -> Option<usize> {
        self.patient
    }
}
