//! `varisk deidentify`: a run with less in it, for others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{
    SortColumn, SortOptions, concat_batches, filter_record_batch, lexsort_to_indices,
    take_record_batch,
};
use arrow::datatypes::SchemaRef;
use varisk_dossier::{DossierError, RunFolder, TableRows};
use varisk_privacy::deidentify::{Admission, ClassReport, Config, Deidentifier, TablePlan};
use varisk_privacy::key::KeySource;
use varisk_report::{
    OutputFolder, RunRecord, TableFolder, TableLayout, TableWriter, order_of, table_files,
};

use super::{PseudonymSettings, Pseudonyms, audit, table_keys};
use crate::arguments::DeidentifyArguments;
use crate::exit::Refusal;
use crate::hash;
use crate::log::Log;

/// The table of records that could not be read: it quotes them, and names files.
const QUARANTINE: &str = "quarantine";
/// The column that names patients.
const PATIENT: &str = "patient";
/// Rows of one pass over a table, about: what is held to be sorted.
const PASS_ROWS: usize = 200_000;

pub(crate) fn command(arguments: &DeidentifyArguments, log: &Log) -> anyhow::Result<()> {
    OutputFolder::check(&arguments.output, false)?;
    let keys = table_keys(arguments.encryption.source())?;
    let output_keys = match (
        &arguments.output_encryption_key_file,
        arguments.plain_output,
    ) {
        (Some(file), _) => table_keys(Some(KeySource::File(file.clone())))?,
        (None, false) if keys.is_some() => {
            return Err(Refusal::Usage(
                "the run is encrypted, and its key must not go with the output; give another one with --output-encryption-key-file, or --plain-output"
                    .to_owned(),
            )
            .into());
        }
        (None, _) => None,
    };
    let run = RunFolder::open(&arguments.run)?.with_keys(keys);
    run.verify()?;
    log.audit(|event| audit::of_input(event, &run));
    let config = Config::read(&arguments.config)?;
    let schemas = schemas(&run)?;
    let named: Vec<(&str, SchemaRef)> = schemas
        .iter()
        .map(|(name, schema)| (name.as_str(), Arc::clone(schema)))
        .collect();
    let deidentifier = Deidentifier::try_new(&config, &named)?;
    refuse_rows_in_order(&deidentifier, &schemas)?;
    let admission = admission(&run, &deidentifier, &schemas)?;
    if let Some(report) = admission.report() {
        log.info(&sentence(report));
    }
    for table in deidentifier.dropped_tables() {
        log.info(&format!("left out: table {table}"));
    }
    if arguments.dry_run {
        return Ok(());
    }
    let settings = PseudonymSettings::new(
        arguments.pseudonyms.source(),
        arguments.pseudonyms.pseudonym_label.clone(),
        arguments.pseudonyms.pseudonym_table.clone(),
    )?;
    let patients = patients(&run)?;
    let names = names(&run, settings.as_ref(), &patients)?;
    if let Some(names) = &names {
        // Before the work, as in a run: a table that contradicts the key must not be found out at its end.
        names.keep()?;
    }
    let folder = OutputFolder::create(&arguments.output)?;
    let tables = TableFolder {
        path: folder.partial().to_owned(),
        layout: TableLayout {
            partition_by: Vec::new(),
            encryption: output_keys,
        },
    };
    let work = Work {
        run: &run,
        deidentifier: &deidentifier,
        admission: &admission,
        names: match &names {
            Some(names) => order(&names.by_patient),
            None => order(
                &patients
                    .iter()
                    .map(|own| (own.clone(), own.clone()))
                    .collect(),
            ),
        },
    };
    match work.write(&tables) {
        Ok(record) => {
            log.audit(|event| {
                let sha256 = hash::file(&folder.partial().join("run.json"));
                event.outputs_sha256.extend(sha256.ok().flatten());
            });
            let path = folder.complete(None)?;
            log.info(&format!(
                "{} patients, {} tables; written to {}",
                record.patients,
                record.tables.len(),
                path.display()
            ));
            Ok(())
        }
        Err(error) => {
            folder.discard();
            Err(error)
        }
    }
}

/// The columns of each table.
fn schemas(run: &RunFolder) -> anyhow::Result<Vec<(String, SchemaRef)>> {
    let mut schemas = Vec::new();
    for name in run.tables() {
        if let Some(rows) = run.rows(name)?.first() {
            schemas.push((name.to_owned(), rows.schema()));
        }
    }
    Ok(schemas)
}

/// Refuses a table of patients that lacks their names in the output: its rows would stand in the order of
/// the names, and so tell them.
fn refuse_rows_in_order(
    deidentifier: &Deidentifier,
    schemas: &[(String, SchemaRef)],
) -> anyhow::Result<()> {
    for (name, schema) in schemas {
        let named = |schema: &SchemaRef| schema.column_with_name(PATIENT).is_some();
        let plan = deidentifier.table(name);
        if named(schema) && plan.is_some_and(|plan| !named(plan.schema())) {
            return Err(Refusal::Usage(format!(
                "table {name}: 'patient' is left out, and the order of rows would still tell who is who; keep the column, which holds pseudonyms, or drop the table"
            ))
            .into());
        }
    }
    Ok(())
}

/// Who may be in the output.
fn admission(
    run: &RunFolder,
    deidentifier: &Deidentifier,
    schemas: &[(String, SchemaRef)],
) -> anyhow::Result<Admission> {
    let mut counter = deidentifier.class_counter()?;
    let asked: Vec<String> = counter.tables().map(str::to_owned).collect();
    for (name, schema) in schemas.iter().filter(|(name, _)| asked.contains(name)) {
        counter.observe(name, &RecordBatch::new_empty(Arc::clone(schema)))?;
        for mut rows in run.rows(name)? {
            while let Some(batch) = rows.next_batch()? {
                counter.observe(name, &batch)?;
            }
        }
    }
    Ok(counter.finish()?)
}

fn sentence(report: &ClassReport) -> String {
    let smallest = report.smallest.unwrap_or(0);
    format!(
        "{} patients in classes of {smallest} or more; {} of them in classes of fewer than {}",
        report.patients, report.in_small_classes, report.k
    )
}

/// Shows the patient of each row of a table; of a table without patients nobody.
fn each_patient(run: &RunFolder, table: &str, observe: &mut dyn FnMut(&str)) -> anyhow::Result<()> {
    for mut file in run.rows_with(table, &|column| column == PATIENT)? {
        if file.schema().column_with_name(PATIENT).is_none() {
            continue;
        }
        while let Some(batch) = file.next_batch()? {
            let patients = batch.column_by_name(PATIENT);
            let patients = patients.and_then(|column| column.as_string_opt::<i32>());
            patients
                .into_iter()
                .flatten()
                .flatten()
                .for_each(&mut *observe);
        }
    }
    Ok(())
}

/// Identifiers of all patients.
fn patients(run: &RunFolder) -> anyhow::Result<BTreeSet<String>> {
    let mut patients = BTreeSet::new();
    for table in run.tables() {
        each_patient(run, table, &mut |patient| {
            if !patients.contains(patient) {
                patients.insert(patient.to_owned());
            }
        })?;
    }
    if patients.is_empty() {
        return Err(DossierError::NoPatients {
            path: run.path().to_owned(),
            verb: run.record().verb.clone(),
        }
        .into());
    }
    Ok(patients)
}

/// New names; none where those of the run are pseudonyms already.
fn names(
    run: &RunFolder,
    settings: Option<&PseudonymSettings>,
    patients: &BTreeSet<String>,
) -> anyhow::Result<Option<Pseudonyms>> {
    let is_pseudonymous = run.record().parameters["pseudonyms"].as_bool() == Some(true);
    match settings {
        Some(settings) => Ok(Some(settings.of(patients.iter().map(String::as_str))?)),
        None if is_pseudonymous => Ok(None),
        None => Err(Refusal::Usage(
            "the run names patients by their identifiers; give --pseudonym-key-file, so that the output does not"
                .to_owned(),
        )
        .into()),
    }
}

/// Old names with their new ones, and the places of these in their order.
fn order(by_patient: &BTreeMap<String, String>) -> HashMap<String, (usize, String)> {
    let mut sorted: Vec<(&String, &String)> = by_patient.iter().collect();
    sorted.sort_by_key(|(_, pseudonym)| pseudonym.as_str());
    let places = sorted.into_iter().enumerate();
    places
        .map(|(place, (patient, pseudonym))| (patient.clone(), (place, pseudonym.clone())))
        .collect()
}

/// Rows in the order that the table declares, or by patient; of equals the earlier one first.
fn sorted(table: &str, batch: &RecordBatch) -> anyhow::Result<RecordBatch> {
    let mut columns = order_of(table, &batch.schema());
    if columns.is_empty() {
        columns.push(batch.schema().index_of(PATIENT)?);
    }
    let by = |values: ArrayRef| SortColumn {
        values,
        options: Some(SortOptions {
            descending: false,
            nulls_first: false,
        }),
    };
    let rows = u32::try_from(batch.num_rows())?;
    let mut order: Vec<SortColumn> = columns
        .into_iter()
        .map(|at| by(Arc::clone(batch.column(at))))
        .collect();
    order.push(by(Arc::new(UInt32Array::from_iter_values(0..rows))));
    Ok(take_record_batch(
        batch,
        &lexsort_to_indices(&order, None)?,
    )?)
}

struct Work<'w> {
    run: &'w RunFolder,
    deidentifier: &'w Deidentifier,
    admission: &'w Admission,
    /// New names of patients with their places in the order of these.
    names: HashMap<String, (usize, String)>,
}

impl Work<'_> {
    fn write(&self, tables: &TableFolder) -> anyhow::Result<RunRecord> {
        for name in self.run.tables() {
            let Some(plan) = self.deidentifier.table(name).filter(|_| name != QUARANTINE) else {
                continue;
            };
            let mut writer = TableWriter::create(tables, name, Arc::clone(plan.schema()))?;
            if plan.schema().column_with_name(PATIENT).is_some() {
                self.renamed(name, plan, &mut writer)?;
            } else {
                self.as_they_are(name, plan, &mut writer)?;
            }
            writer.finish()?;
        }
        self.record(&tables.path)
    }

    /// Rows without patients, in the order of the run.
    fn as_they_are(
        &self,
        name: &str,
        plan: &TablePlan,
        writer: &mut TableWriter,
    ) -> anyhow::Result<()> {
        for mut rows in self.run.rows(name)? {
            while let Some(batch) = rows.next_batch()? {
                writer.write(plan.apply(&batch, self.admission)?)?;
            }
        }
        Ok(())
    }

    /// Rows of patients in the order of their new names: each pass over the table takes the patients of
    /// a part of that order, so that memory stays bounded.
    fn renamed(
        &self,
        name: &str,
        plan: &TablePlan,
        writer: &mut TableWriter,
    ) -> anyhow::Result<()> {
        let mut rows = 0usize;
        each_patient(self.run, name, &mut |_| rows += 1)?;
        let passes = rows.div_ceil(PASS_ROWS).max(1);
        let patients = self.names.len().div_ceil(passes).max(1);
        for pass in 0..passes {
            let part = pass * patients..(pass + 1) * patients;
            let mut batches = Vec::new();
            for mut file in self.run.rows(name)? {
                self.take(&mut file, plan, &part, &mut batches)?;
            }
            let batch = concat_batches(plan.schema(), &batches)?;
            writer.write(sorted(name, &batch)?)?;
        }
        Ok(())
    }

    /// The rows of a file of the patients of a part, under their new names.
    fn take(
        &self,
        file: &mut TableRows,
        plan: &TablePlan,
        part: &std::ops::Range<usize>,
        batches: &mut Vec<RecordBatch>,
    ) -> anyhow::Result<()> {
        while let Some(batch) = file.next_batch()? {
            let batch = plan.apply(&batch, self.admission)?;
            let at = batch.schema().index_of(PATIENT)?;
            let patients = batch.column(at).as_string_opt::<i32>();
            let patients = patients.context("a column of patients that is no text")?;
            let found: Vec<Option<&(usize, String)>> = patients
                .iter()
                .map(|patient| {
                    let own = self.names.get(patient?);
                    own.filter(|(place, _)| part.contains(place))
                })
                .collect();
            let kept: BooleanArray = found.iter().map(|own| Some(own.is_some())).collect();
            let renamed: StringArray = found
                .iter()
                .flatten()
                .map(|(_, name)| Some(name.as_str()))
                .collect();
            let kept = filter_record_batch(&batch, &kept)?;
            let mut columns: Vec<ArrayRef> = kept.columns().to_vec();
            columns[at] = Arc::new(renamed);
            batches.push(RecordBatch::try_new(kept.schema(), columns)?);
        }
        Ok(())
    }

    /// The record of the run, without paths, with the hashes of what was written.
    fn record(&self, folder: &Path) -> anyhow::Result<RunRecord> {
        let mut record = self.run.record().clone().without_paths();
        record.verb = "deidentify".to_owned();
        record.tables = BTreeMap::new();
        for (name, path) in table_files(folder)? {
            if let Some(sha256) = hash::file(&path)? {
                record.tables.insert(name, sha256);
            }
        }
        if let Some(report) = self.admission.report() {
            let left_out = report.in_small_classes as u64;
            record.patients = (report.patients as u64).saturating_sub(left_out);
            record.warnings.push(format!(
                "de-identified: classes of {} patients or more by quasi-identifiers; {left_out} patients left out",
                report.k
            ));
        }
        if let Some(parameters) = record.parameters.as_object_mut() {
            parameters.insert("pseudonyms".to_owned(), true.into());
        }
        // Single patients stand out in small counts of drift; the counts of alleles are of all.
        record.drift.clear();
        let path = folder.join("run.json");
        std::fs::write(&path, serde_json::to_vec_pretty(&record)?)
            .map_err(|source| varisk_report::ReportError::Write { path, source })?;
        Ok(record)
    }
}
