//! `varisk explain`: what each predictor adds to a patient's prediction.

mod method;
mod table;

use std::path::Path;

use ndarray::Array2;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};
use varisk_core::{FeatureTable, Patient, Reason};
use varisk_encode::{Bundle, Encoder, Manifest, ModelKind, PatientEncoder};
use varisk_explanation::{Background, Players};
use varisk_report::{OutputFolder, Table, TableFolder, write_table};
use varisk_score::{Model, ModelOptions, Runtime, ScoreError, open_bundle};
use varisk_train::Cohort;

use self::method::{Method, Predictor, explain_all, method};
pub(crate) use self::table::Contributions;
use self::table::{Row, add_rows, batch};
use super::data;
use crate::arguments::{
    DEFAULT_BACKGROUND_ROWS, DEFAULT_EVALUATIONS, DEFAULT_SEED, ExplainArguments, ExplainChoice,
};
use crate::checks::refuse_missing_columns;
use crate::exit::Refusal;
use crate::log::Log;
use crate::settings::available_threads;

/// Rows of patients as the model takes them.
struct Rows {
    cohort: Cohort,
    /// Indices of patients that can be encoded.
    patients: Vec<usize>,
    /// Shape (those patients, elements).
    matrix: Array2<f32>,
}

/// How outputs are explained.
#[derive(Clone, Copy)]
struct Explaining {
    /// `None` for an exact method where there is one.
    method: Option<ExplainChoice>,
    evaluations: usize,
    background_rows: usize,
    seed: u64,
    threads: usize,
}

/// How the patients of a run are explained: as `varisk explain` does unless told otherwise.
const OF_RUN: Explaining = Explaining {
    method: None,
    evaluations: DEFAULT_EVALUATIONS,
    background_rows: DEFAULT_BACKGROUND_ROWS,
    seed: DEFAULT_SEED,
    threads: 1,
};

pub(crate) fn command(arguments: &ExplainArguments, log: &Log) -> anyhow::Result<()> {
    OutputFolder::check(&arguments.output, false)?;
    let bundle = open_bundle(&arguments.model)?;
    let name = &bundle.manifest.name;
    let table = match (bundle.manifest.kind, &arguments.table) {
        (ModelKind::Variant, None) => return super::variant::explain(arguments, bundle, log),
        (ModelKind::Patient, Some(table)) => table.clone(),
        (ModelKind::Variant, Some(_)) => {
            return Err(Refusal::Usage(format!(
                "'{name}' is a variant model; name variants with --vcf and --reference instead of --table"
            ))
            .into());
        }
        (ModelKind::Patient, None) => {
            return Err(Refusal::Usage(format!(
                "'{name}' is a patient model; name its patients with --table instead of --vcf"
            ))
            .into());
        }
    };
    needs_run(&bundle.manifest, arguments.run.as_deref(), "--run")?;
    if arguments.background.is_some() {
        let run = arguments.background_run.as_deref();
        needs_run(&bundle.manifest, run, "--background-run")?;
    }
    let own = rows(
        &bundle,
        &table,
        &arguments.patient,
        arguments.run.as_deref(),
        log,
    )?;
    let others = match &arguments.background {
        Some(table) => {
            let run = arguments.background_run.as_deref();
            Some(rows(&bundle, table, &arguments.patient, run, log)?)
        }
        None if own.patients.len() == 1 => {
            return Err(Refusal::Usage(
                "one patient alone is compared with nobody else, and all contributions would be 0; give other patients with --background"
                    .to_owned(),
            )
            .into());
        }
        None => None,
    };
    let explaining = Explaining {
        method: arguments.method,
        evaluations: arguments.evaluations,
        background_rows: arguments.background_rows,
        seed: arguments.seed,
        threads: arguments
            .threads
            .map_or_else(available_threads, usize::from),
    };
    let background = background(others.as_ref().unwrap_or(&own), explaining)?;
    let runtime = Runtime::load(arguments.onnxruntime.as_deref())?;
    let options = ModelOptions::on_processor(explaining.threads);
    let model = Model::open(&runtime, bundle, options)?;
    let (table, methods) = explain_model(&model, &own, &background, explaining, log)?;
    let manifest = &model.bundle().manifest;
    let record = json!({
        "schema_version": 1,
        "varisk_version": env!("CARGO_PKG_VERSION"),
        "statement": crate::finish::NOTICE,
        "model": manifest.name,
        "model_version": manifest.version,
        "model_sha256": model.bundle().model_sha256,
        "methods": methods,
        "patients": own.patients.len(),
        "patients_without_prediction": own.cohort.patients.len() - own.patients.len(),
        "background_patients": background.len(),
        "background": if others.is_some() { "given" } else { "the explained patients" },
        "evaluations": arguments.evaluations,
        "seed": arguments.seed,
    });
    let folder = OutputFolder::create(&arguments.output)?;
    let write = || -> anyhow::Result<()> {
        write_table(
            &TableFolder::plain(folder.partial()),
            Table::EXPLANATIONS.name,
            batch(&table)?,
        )?;
        let text = serde_json::to_string_pretty(&record)? + "\n";
        std::fs::write(folder.partial().join("explain.json"), text)?;
        Ok(())
    };
    if let Err(error) = write() {
        folder.discard();
        return Err(error);
    }
    let path = folder.complete(None)?;
    log.info(&format!(
        "{}; written to {}",
        summary(own.patients.len(), background.len(), others.is_some()),
        path.display()
    ));
    Ok(())
}

/// Explains all outputs of a model: rows by patient, output and rank, and how each output was
/// explained.
fn explain_model(
    model: &Model,
    own: &Rows,
    background: &Background,
    explaining: Explaining,
    log: &Log,
) -> anyhow::Result<(Vec<Row>, Vec<Value>)> {
    let (names, players) = players(&model.bundle().manifest)?;
    let encoder = encoder(model.bundle(), &own.cohort)?;
    varisk_score::check_graph(model.bundle(), encoder.tensors(), encoder.batch_size())?;
    let tensors = encoder.new_tensors();
    let mut table = Vec::new();
    let mut methods = Vec::new();
    for (at, output) in model.bundle().manifest.outputs.iter().enumerate() {
        let mut predictor = Predictor {
            model,
            tensors: tensors.clone(),
            output: at,
        };
        let method = method(
            explaining,
            &mut predictor,
            output,
            &encoder,
            background,
            &players,
        )?;
        let explained = explain_all(&method, &predictor, &own.matrix, explaining.threads)?;
        let enumerated = explained.iter().filter(|own| own.1.is_none()).count();
        methods.push(json!({
            "output": output.name,
            "method": method.name(enumerated == explained.len()),
        }));
        if let Method::Sampling(_) = &method {
            tell_sampling(&output.name, [enumerated, explained.len()], explaining, log);
        }
        for (patient, (explanation, errors)) in own.patients.iter().zip(explained) {
            add_rows(
                &mut table,
                &own.cohort,
                *patient,
                output,
                &names,
                &explanation,
                errors.as_deref(),
                method.name(errors.is_none()),
            );
        }
    }
    table.sort_by(|a, b| (&a.patient, &a.output, a.rank).cmp(&(&b.patient, &b.output, b.rank)));
    Ok((table, methods))
}

/// Explains the results of a run: its patients against each other. Outputs are named as items of
/// `risk.parquet`.
pub(crate) fn of_run(
    models: &[Model],
    patients: &[Patient],
    features: &FeatureTable,
    threads: usize,
    log: &Log,
) -> anyhow::Result<Contributions> {
    let explaining = Explaining { threads, ..OF_RUN };
    let mut rows = Vec::new();
    for model in models {
        let cohort = Cohort {
            patients: patients.to_vec(),
            columns: Vec::new(),
            features: features.clone(),
        };
        let own = encoded(model.bundle(), cohort)?;
        if own.patients.is_empty() {
            continue;
        }
        let background = background(&own, explaining)?;
        let (mut explained, _) = explain_model(model, &own, &background, explaining, log)?;
        let name = &model.bundle().manifest.name;
        for row in &mut explained {
            row.output = format!("{name}.{}", row.output);
        }
        rows.extend(explained);
    }
    Ok(Contributions::of(rows))
}

/// Who was explained against whom.
fn summary(patients: usize, background: usize, is_given: bool) -> String {
    match (is_given, background == patients) {
        (true, _) => {
            format!("{patients} patient(s) explained against {background} of the background")
        }
        (false, true) => format!("{patients} patients explained, each against all {patients}"),
        (false, false) => {
            format!("{patients} patients explained, each against {background} drawn from them")
        }
    }
}

/// What was done where no exact method fits.
fn tell_sampling(
    output: &str,
    [enumerated, patients]: [usize; 2],
    explaining: Explaining,
    log: &Log,
) {
    let how = match enumerated {
        0 => format!(
            "by sampling, {} evaluations for each patient",
            explaining.evaluations
        ),
        all if all == patients => {
            "exactly, by enumeration of all combinations of predictors".to_owned()
        }
        some => format!(
            "by sampling, {} evaluations for each patient, and {some} of the patients exactly, by enumeration",
            explaining.evaluations
        ),
    };
    log.info(&format!("'{output}' is explained {how}"));
}

/// Opens a patient model for a verb that takes no other.
pub(super) fn patient_bundle(path: &Path, verb: &str) -> anyhow::Result<Bundle> {
    let bundle = open_bundle(path)?;
    if bundle.manifest.kind != ModelKind::Patient {
        return Err(Refusal::Usage(format!(
            "'{}' is a variant model; '{verb}' takes a patient model",
            bundle.manifest.name
        ))
        .into());
    }
    Ok(bundle)
}

/// Refuses a model of features without the run that they come from.
pub(super) fn needs_run(manifest: &Manifest, run: Option<&Path>, flag: &str) -> anyhow::Result<()> {
    let features = manifest
        .inputs
        .iter()
        .find_map(|input| match &input.encoder {
            Encoder::Feature(params) => params.features.first(),
            _ => None,
        });
    let Some(first) = features else {
        return Ok(());
    };
    if run.is_none() {
        return Err(Refusal::Usage(format!(
            "'{}' takes features of a run, such as '{}'; give the folder of the run of these patients with {flag}",
            manifest.name, first.name
        ))
        .into());
    }
    Ok(())
}

/// Refuses a table without a column that a model needs.
pub(super) fn needs_columns(
    manifest: &Manifest,
    cohort: &Cohort,
    table: &Path,
) -> anyhow::Result<()> {
    let is_there = |name: &str| cohort.columns.iter().any(|own| own == name);
    refuse_missing_columns(manifest, &table.display().to_string(), is_there)
}

fn encoder(bundle: &Bundle, cohort: &Cohort) -> anyhow::Result<PatientEncoder> {
    let names: Vec<String> = cohort
        .features
        .iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    let encoder = PatientEncoder::try_new(bundle, &cohort.patients, &names);
    Ok(encoder.map_err(ScoreError::from)?)
}

/// Encodes the patients of a table. Those who cannot be encoded have no prediction either, and are
/// counted in a warning.
fn rows(
    bundle: &Bundle,
    table: &Path,
    patient: &str,
    run: Option<&Path>,
    log: &Log,
) -> anyhow::Result<Rows> {
    let cohort = data::cohort(table, patient, run)?;
    needs_columns(&bundle.manifest, &cohort, table)?;
    let own = encoded(bundle, cohort)?;
    if own.patients.is_empty() {
        return Err(Refusal::Data(format!(
            "no patient of {} has all that '{}' needs, so there is nothing to explain; check the columns",
            table.display(),
            bundle.manifest.name
        ))
        .into());
    }
    let without = own.cohort.patients.len() - own.patients.len();
    if without > 0 {
        log.warn(&format!(
            "{without} patients of {} lack a value that '{}' needs, and are not explained",
            table.display(),
            bundle.manifest.name
        ));
    }
    Ok(own)
}

/// Encodes patients.
fn encoded(bundle: &Bundle, cohort: Cohort) -> anyhow::Result<Rows> {
    let encoder = encoder(bundle, &cohort)?;
    let mut tensors = encoder.new_tensors();
    let mut outcomes: Vec<Result<(), Reason>> = Vec::new();
    let mut values: Vec<f32> = Vec::new();
    let mut width = 0;
    let count = cohort.patients.len();
    while outcomes.len() < count {
        let encoded = encoder
            .encode(outcomes.len()..count, &cohort.features, &mut tensors)
            .map_err(ScoreError::from)?;
        if encoded.is_empty() {
            break;
        }
        for slot in 0..encoded.iter().filter(|own| own.is_ok()).count() {
            let row = tensors.row(slot).ok_or_else(|| {
                Refusal::Data(format!(
                    "'{}' takes a tensor that is not of 32-bit floats; it cannot be explained",
                    bundle.manifest.name
                ))
            })?;
            width = row.len();
            values.extend(row);
        }
        outcomes.extend(encoded);
    }
    let outcomes = outcomes.iter().enumerate();
    let patients: Vec<usize> = outcomes
        .filter(|(_, own)| own.is_ok())
        .map(|(at, _)| at)
        .collect();
    let matrix = Array2::from_shape_vec((patients.len(), width), values)?;
    Ok(Rows {
        cohort,
        patients,
        matrix,
    })
}

/// Rows to compare with: all, or a sample of them that does not depend on their order in the table.
fn background(rows: &Rows, explaining: Explaining) -> anyhow::Result<Background> {
    let mut order: Vec<usize> = (0..rows.patients.len()).collect();
    order.sort_by_key(|at| &rows.cohort.patients[rows.patients[*at]].id);
    let mut random = ChaCha8Rng::seed_from_u64(explaining.seed);
    let wanted = explaining.background_rows.max(1).min(order.len());
    if wanted < order.len() {
        for at in 0..wanted {
            // Of fewer than 2^32 rows the remainder is as good as even.
            let other = at + (random.next_u64() % (order.len() - at) as u64) as usize;
            order.swap(at, other);
        }
        order.truncate(wanted);
        order.sort_by_key(|at| &rows.cohort.patients[rows.patients[*at]].id);
    }
    Ok(Background::try_new(
        rows.matrix.select(ndarray::Axis(0), &order),
    )?)
}

/// Names of the predictors, and the predictor of each element.
pub(super) fn players(manifest: &Manifest) -> anyhow::Result<(Vec<String>, Players)> {
    let mut names = Vec::new();
    let mut of_element = Vec::new();
    let mut add = |name: &str, width: usize| {
        let known = names.iter().position(|own| own == name);
        let player = known.unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        });
        of_element.extend(std::iter::repeat_n(player, width));
    };
    for input in &manifest.inputs {
        match &input.encoder {
            Encoder::Covariate(params) => {
                for column in &params.columns {
                    let width = column.categories.as_ref().map_or(1, Vec::len);
                    add(&column.name, width + usize::from(column.missing_flag));
                }
            }
            Encoder::Feature(params) => {
                for feature in &params.features {
                    add(&feature.name, 1 + usize::from(feature.missing_flag));
                }
            }
            Encoder::Kmer(_) | Encoder::OneHot(_) | Encoder::Annotation(_) => {}
        }
    }
    Ok((names, Players::try_new(of_element)?))
}
