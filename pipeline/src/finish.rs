//! The end of a run: folds to features, patient models, tables, `run.json`. `run` and `merge` share
//! it.

mod quality;
mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::SchemaRef;
use varisk_alignments::refuse_swaps;
use varisk_core::{FeatureTable, FeatureValue};
use varisk_flow::CancelToken;
use varisk_report::{PartMerge, Table, TableFolder, TableWriter, write_table};
use varisk_risk::{Drift, KnownVariants, features_table, risk_items};
use varisk_score::{Model, Runtime};

use self::quality::{with_known, with_reads};
use self::record::run_record;
use crate::checkpoint::{RunState, SetAside};
use crate::drift;
use crate::exit::Refusal;
use crate::finding_columns::FindingColumns;
use crate::fold_plan::FoldPlan;
use crate::hash;
use crate::learning::explain::of_run;
use crate::log::Log;
use crate::privacy::audit::of_record;
use crate::rows::NamedRows;
use crate::scores::{
    Outcome, find, write_ancestry, write_formats, write_log, write_risk, write_scores,
};

/// The plain statement in every report.
pub(crate) const NOTICE: &str = "Research output, not a diagnosis. Scores and risks are estimates of the models named here; do not use them for care without confirmation by an accredited test.";

/// Hashes of the variant files, in the making.
pub(crate) type Hashes = JoinHandle<BTreeMap<PathBuf, String>>;

/// What the end needs besides the state.
pub(crate) struct Finish<'r> {
    pub(crate) verb: &'r str,
    pub(crate) parts: Vec<PathBuf>,
    pub(crate) patient_models: Vec<Model>,
    pub(crate) runtime: Option<&'r Runtime>,
    pub(crate) warnings: Vec<String>,
    pub(crate) hashes: Option<Hashes>,
    pub(crate) threads: usize,
    /// Asked between pieces of work.
    pub(crate) cancel: &'r CancelToken,
}

impl Finish<'_> {
    fn go_on(&self) -> anyhow::Result<()> {
        if self.cancel.is_cancelled() {
            return Err(crate::run::interrupted());
        }
        Ok(())
    }
}

/// Hashes input files while they are read anyway; shards leave it to `merge`.
pub(crate) fn hash_in_background(paths: &[PathBuf], is_shard: bool) -> Option<Hashes> {
    let paths: Vec<PathBuf> = paths
        .iter()
        .filter(|path| path.as_path() != Path::new("-"))
        .cloned()
        .collect();
    (!is_shard).then(|| {
        std::thread::spawn(move || {
            paths
                .into_iter()
                .filter_map(|path| {
                    hash::file(&path)
                        .ok()
                        .flatten()
                        .map(|sha256| (path, sha256))
                })
                .collect()
        })
    })
}

/// Writes all tables and `run.json` into a folder; returns one line on what was done.
pub(crate) fn finish(
    state: &RunState,
    mut end: Finish<'_>,
    folder: &TableFolder,
    log: &Log,
) -> anyhow::Result<String> {
    let plan = &state.checkpoint.plan;
    let mut counts = state.checkpoint.tally.counts().clone();
    let mut results = fold_results(state)?;
    refuse_swaps(&results.features, &plan.alignments)?;
    // Those of the plan were given when it was made.
    let known = end.warnings.len();
    let expected = counts.get("rows").copied().unwrap_or(0);
    let mut reported = None;
    if plan.writes_variants() {
        let named = NamedRows::try_new(plan)?;
        let mut columns = Reported::new(&mut results, named.schema(), plan)?;
        let rows = write_variants(state, &end, folder, &named, &mut counts, &mut columns)?;
        if rows != expected {
            return Err(Refusal::Software(format!(
                "internal error: {rows} rows written where {expected} were read; please report this"
            ))
            .into());
        }
        reported = Some(columns);
    }
    if let Some(equal) = counts
        .get("equal_after_normalisation")
        .filter(|equal| **equal > 0)
    {
        end.warnings.push(format!("{equal} alleles equal another one after normalisation (written differently in the input); each of them counts in sums"));
    }
    if let Some(repeated) = counts.get("reason=repeated_allele") {
        end.warnings.push(format!(
            "{repeated} alleles stand twice in a file; the first of each counts"
        ));
    }
    let unknown = find::<KnownVariants>(&state.analyses).and_then(KnownVariants::unknown_words);
    if let Some((values, example)) = unknown {
        end.warnings.push(format!("{values} alleles have a clinical significance with a word that varisk does not know (such as '{example}'); known_variants.parquet has them only where another of their words is among the reported classes"));
    }
    if !state.checkpoint.set_aside.is_empty() {
        end.warnings.push(format!(
            "{} malformed records were set aside; they are listed in quarantine.parquet",
            state.checkpoint.set_aside.len()
        ));
    }
    for model in &plan.variant_models {
        if model.provider.contains(", ") {
            end.warnings.push(format!(
                "model '{}' ran on {} in turn; the last digits of its scores may differ by part",
                model.name, model.provider
            ));
        }
    }
    end.warnings[known..]
        .iter()
        .for_each(|warning| log.warn(warning));
    write_quarantine(state, folder)?;
    let mut timings = state.checkpoint.timings.clone();
    let mut drift = Vec::new();
    if !plan.patients.is_empty() {
        drift = write_patients(state, &end, folder, results, reported, &mut timings, log)?;
        for warning in drift::warnings(&drift) {
            log.warn(&warning);
            end.warnings.push(warning);
        }
    }
    let mut record = run_record(state, end, folder, counts, timings, log)?;
    record.drift = drift.into_iter().map(|own| own.record).collect();
    let json = serde_json::to_vec_pretty(&record)?;
    log.audit(|event| of_record(event, &record, hash::bytes(&json)));
    let path = folder.path.join("run.json");
    std::fs::write(&path, json)
        .map_err(|source| varisk_report::ReportError::Write { path, source })?;
    let patients = if plan.patients.is_empty() {
        String::new()
    } else {
        format!(", {} patients", plan.patients.len())
    };
    Ok(format!(
        "{} records, {expected} alleles{patients}",
        state.checkpoint.records
    ))
}

fn write_variants(
    state: &RunState,
    end: &Finish<'_>,
    folder: &TableFolder,
    named: &NamedRows,
    counts: &mut BTreeMap<String, u64>,
    reported: &mut Reported,
) -> anyhow::Result<u64> {
    let plan = &state.checkpoint.plan;
    let part = plan.rows.schema()?;
    let schema = Arc::clone(named.schema());
    let mut writer = TableWriter::create(folder, Table::VARIANTS.name, schema)?;
    let mut merge = PartMerge::open(&end.parts, &part, plan.contig_ranks.clone().into())?;
    while let Some(rows) = merge.next_rows()? {
        end.go_on()?;
        let rows = named.named(&rows)?;
        reported.observe(&rows)?;
        writer.write(rows)?;
    }
    counts.insert(
        "equal_after_normalisation".to_owned(),
        merge.equal_alleles(),
    );
    Ok(writer.finish()?)
}

fn write_quarantine(state: &RunState, folder: &TableFolder) -> anyhow::Result<()> {
    let rows = &state.checkpoint.set_aside;
    let text = |value: &dyn Fn(&SetAside) -> String| -> ArrayRef {
        Arc::new(
            rows.iter()
                .map(|row| Some(value(row)))
                .collect::<StringArray>(),
        )
    };
    let columns: Vec<ArrayRef> = vec![
        text(&|row| state.checkpoint.plan.shown_file(&row.file)),
        text(&|row| row.contig.clone()),
        Arc::new(
            rows.iter()
                .map(|row| Some(row.position))
                .collect::<UInt32Array>(),
        ),
        text(&|row| row.kind.clone()),
        text(&|row| row.detail.clone()),
    ];
    write_table(
        folder,
        Table::QUARANTINE.name,
        RecordBatch::try_new(Table::QUARANTINE.schema(), columns)?,
    )?;
    Ok(())
}

/// What the folds of a run give.
#[derive(Default)]
struct FoldResults {
    features: FeatureTable,
    tables: BTreeMap<&'static str, Vec<RecordBatch>>,
}

impl FoldResults {
    /// A table of all folds that fill it.
    fn take(&mut self, table: Table) -> anyhow::Result<RecordBatch> {
        let batches = self.tables.remove(table.name).unwrap_or_default();
        Ok(concat_batches(&table.schema(), &batches)?)
    }
}

/// The tables of reported alleles, which get what is known of these while the variants are written.
struct Reported {
    findings: FindingColumns,
    known: FindingColumns,
}

impl Reported {
    fn new(
        results: &mut FoldResults,
        variants: &SchemaRef,
        plan: &FoldPlan,
    ) -> anyhow::Result<Self> {
        let mut columns = |table| -> anyhow::Result<FindingColumns> {
            let rows = results.take(table)?;
            Ok(FindingColumns::new(rows, variants, &plan.sources))
        };
        Ok(Self {
            findings: columns(Table::FINDINGS)?,
            known: columns(Table::KNOWN_VARIANTS)?,
        })
    }

    fn observe(&mut self, variants: &RecordBatch) -> anyhow::Result<()> {
        self.findings.observe(variants)?;
        self.known.observe(variants)
    }
}

fn fold_results(state: &RunState) -> anyhow::Result<FoldResults> {
    let mut results = FoldResults::default();
    for analysis in &state.analyses {
        let output = analysis.finish(&state.checkpoint.plan.patients)?;
        for (name, values) in output.features.iter() {
            results.features.insert(name.to_owned(), values.to_vec());
        }
        for (name, table) in output.tables {
            results.tables.entry(name).or_default().push(table);
        }
    }
    Ok(results)
}

fn write_patients(
    state: &RunState,
    end: &Finish<'_>,
    folder: &TableFolder,
    mut results: FoldResults,
    reported: Option<Reported>,
    timings: &mut BTreeMap<String, f64>,
    log: &Log,
) -> anyhow::Result<Vec<Drift>> {
    let plan = &state.checkpoint.plan;
    let mut features = std::mem::take(&mut results.features);
    let scores = match (&plan.context.scores, &plan.scores) {
        (Some(context), Some(settings)) => Some(Outcome::new(context, settings, &state.analyses)),
        _ => None,
    };
    if let Some(outcome) = &scores {
        outcome.refuse_no_match()?;
        outcome.refuse_no_panel_site()?;
        // Thousands of scores make millions of features: where nothing else asks, only those that
        // absolute risks need.
        let absolute = &outcome.context.absolute;
        let needed: BTreeSet<&str> = absolute
            .iter()
            .flat_map(|(model, _)| model.features())
            .collect();
        let is_wanted = |name: &str| plan.writes_variants() || needed.contains(name);
        outcome.add_features(plan.patients.len(), is_wanted, &mut features);
    }
    let drift = drift::of(&end.patient_models, &plan.patients, &features);
    if plan.writes_variants() {
        write_table(
            folder,
            Table::FEATURES.name,
            features_table(&plan.patients, &features)?,
        )?;
        let quality = with_reads(&results.take(Table::QC)?, plan, &features)?;
        let quality = drift::with_drift(quality, &plan.patients, &drift)?;
        let quality = with_known(quality, state)?;
        write_table(folder, Table::QC.name, quality)?;
    }
    if plan.burden.is_some() {
        write_table(folder, Table::BURDEN.name, results.take(Table::BURDEN)?)?;
    }
    let (findings, known) = match reported {
        Some(reported) => (Some(reported.findings), Some(reported.known)),
        None => (None, None),
    };
    if let Some(known) = known.filter(|_| plan.known.is_some()) {
        write_table(folder, Table::KNOWN_VARIANTS.name, known.finish()?)?;
    }
    if plan.haplotypes.is_some() {
        let table = Table::HAPLOTYPES;
        let mut rows = results.take(table)?;
        if plan.is_pseudonymous() {
            rows = by_patient(&rows)?;
        }
        write_table(folder, table.name, rows)?;
    }
    if let Some(outcome) = &scores {
        end.go_on()?;
        let patients = &plan.patients;
        write_ancestry(folder, patients, outcome)?;
        timed(timings, "write score formats", || {
            write_formats(&folder.path, patients, &plan.written_order(), outcome)
        })?;
    }
    let has_models = !plan.outputs.is_empty() || !end.patient_models.is_empty();
    if !has_models && scores.is_none() {
        // There is neither risk nor anything to rank variants by.
        return Ok(drift);
    }
    let mut items = Vec::new();
    for model in &end.patient_models {
        end.go_on()?;
        items.extend(risk_items(model, &plan.patients, &features)?);
    }
    drift::flag(&mut items, &drift);
    if plan.explain {
        let models = &end.patient_models;
        let explained = of_run(models, &plan.patients, &features, end.threads, log)?;
        explained.add_to(&mut items, &plan.patients);
        write_table(folder, Table::EXPLANATIONS.name, explained.table()?)?;
    }
    let coverage = shares(plan, &features, "coverage", f64::min);
    let assumed = shares(plan, &features, "assumed", f64::max);
    for item in &mut items {
        for (patient, value) in item.values.iter_mut().enumerate() {
            let share = |shares: &Option<Vec<FeatureValue>>| shares.as_ref()?.get(patient)?.ok();
            (value.coverage, value.assumed) = (share(&coverage), share(&assumed));
        }
    }
    let risk = |timings: &mut BTreeMap<String, f64>| {
        timed(timings, "write risk", || {
            write_risk(
                folder,
                &plan.patients,
                &items,
                scores.as_ref(),
                &features,
                plan.build,
            )
        })
    };
    match &scores {
        Some(outcome) => write_scores_and_log(folder, plan, outcome, end, timings, risk)?,
        None => risk(timings)?,
    }
    if let Some(findings) = findings.filter(|_| has_models) {
        let findings = findings.finish()?;
        let findings = sorted(&findings, &["patient", "model", "output", "rank"])?;
        write_table(folder, Table::FINDINGS.name, findings)?;
    }
    Ok(drift)
}

/// Writes the tables of scores; the log of all rows, which is read from the scoring files once more,
/// beside the others where there are threads for both.
fn write_scores_and_log(
    folder: &TableFolder,
    plan: &FoldPlan,
    outcome: &Outcome<'_>,
    end: &Finish<'_>,
    timings: &mut BTreeMap<String, f64>,
    risk: impl Fn(&mut BTreeMap<String, f64>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let log = || {
        let mut own = BTreeMap::new();
        let written = timed(&mut own, "write score variants", || {
            write_log(folder, outcome)
        });
        written.map(|()| own)
    };
    let tables = |timings: &mut BTreeMap<String, f64>| {
        timed(timings, "write scores", || {
            write_scores(folder, &plan.patients, outcome)
        })?;
        risk(timings)
    };
    let own = if end.threads > 1 {
        std::thread::scope(|scope| {
            let log = scope.spawn(log);
            let written = tables(timings);
            let log = log.join().map_err(|_| {
                Refusal::Software(
                    "internal error: the log of score variants broke off; please report this"
                        .to_owned(),
                )
            })?;
            written.and(log)
        })?
    } else {
        tables(timings)?;
        log()?
    };
    timings.extend(own);
    Ok(())
}

/// Counts the time of a piece of work.
fn timed(
    timings: &mut BTreeMap<String, f64>,
    stage: &str,
    work: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let done = work();
    *timings.entry(stage.to_owned()).or_default() += started.elapsed().as_secs_f64();
    done
}

/// A table by patient; rows of a patient keep their order.
fn by_patient(table: &RecordBatch) -> anyhow::Result<RecordBatch> {
    let rows = u32::try_from(table.num_rows())?;
    let mut order: Vec<u32> = (0..rows).collect();
    let ids = table
        .column_by_name("patient")
        .and_then(|column| column.as_string_opt::<i32>());
    if let Some(ids) = ids {
        order.sort_by_key(|row| ids.value(*row as usize));
    }
    Ok(take_record_batch(table, &UInt32Array::from(order))?)
}

fn sorted(table: &RecordBatch, keys: &[&str]) -> anyhow::Result<RecordBatch> {
    let columns: Vec<SortColumn> = keys
        .iter()
        .filter_map(|key| table.column_by_name(key))
        .map(|values| SortColumn {
            values: Arc::clone(values),
            options: None,
        })
        .collect();
    Ok(take_record_batch(
        table,
        &lexsort_to_indices(&columns, None)?,
    )?)
}

/// A share of scored alleles in each patient, the least or the greatest over the variant models.
fn shares(
    plan: &FoldPlan,
    features: &FeatureTable,
    share: &str,
    worse: fn(f64, f64) -> f64,
) -> Option<Vec<FeatureValue>> {
    let columns: Vec<&[FeatureValue]> = plan
        .outputs
        .iter()
        .filter_map(|folded| {
            features.get(&format!(
                "burden.{}.{}.{share}",
                folded.output.model, folded.output.output
            ))
        })
        .collect();
    let (first, rest) = columns.split_first()?;
    let worst = |patient: usize| {
        rest.iter().try_fold(first[patient]?, |worst, column| {
            column[patient].map(|share| worse(worst, share))
        })
    };
    Some((0..plan.patients.len()).map(worst).collect())
}
