//! `varisk evaluate`: how good predictions are, overall and by group.

mod bundle;

use anyhow::Context;
use ndarray::Array2;
use serde_json::{Map, Value, json};
use varisk_core::Covariate;
use varisk_evaluation::Horizon;
use varisk_report::{OutputFolder, Table, TableFolder, write_table};

use self::bundle::Direct;
use super::measures::{self, Clusters, Measured, Measuring, Observed};
use super::observed::{Pairs, TIME, pairs};
use super::train::group_columns;
use crate::arguments::EvaluateArguments;
use crate::exit::Refusal;
use crate::hash;
use crate::log::Log;
use crate::settings::available_threads;

/// Items of classes are named `MODEL.class_NAME`.
const CLASS: &str = "class_";
/// Items of risks until a horizon are named `MODEL.risk_TIME`.
const RISK: &str = "risk_";

pub(crate) fn command(arguments: &EvaluateArguments, log: &Log) -> anyhow::Result<()> {
    OutputFolder::check(&arguments.output, false)?;
    let direct = match (&arguments.model, &arguments.table) {
        (Some(model), Some(table)) => Some(Direct::open(arguments, model, table)?),
        _ => None,
    };
    let pairs = match (&direct, &arguments.predictions) {
        (Some(direct), _) => direct.pairs(&arguments.observed, log)?,
        (None, Some(path)) => pairs(path, &arguments.observed, log)?,
        (None, None) => {
            return Err(
                Refusal::Usage("give --predictions, or --model and --table".to_owned()).into(),
            );
        }
    };
    let time = time(arguments, &pairs)?;
    let observed = observed(arguments, &pairs, time, log)?;
    for column in arguments.groups.iter().chain(&arguments.cluster) {
        pairs.known(column)?;
    }
    let groups = group_columns(&arguments.groups, &pairs.cohort, &pairs.rows)?;
    let clusters = arguments.cluster.as_ref();
    let measuring = Measuring {
        threshold: arguments.threshold,
        bootstrap: arguments.bootstrap,
        seed: arguments.seed,
        threads: available_threads(),
        clusters: clusters.map(|own| Clusters::of_column(&pairs.cohort, &pairs.rows, own)),
    };
    let measured = Measured::of(&observed, &groups, &measuring)?;
    let importance = match (&direct, arguments.importance) {
        (Some(direct), Some(repeats)) => {
            let repeats = usize::from(repeats);
            Some(direct.importance(&observed, &pairs, repeats, arguments.seed)?)
        }
        _ => None,
    };
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let page = measured.page(
        &pairs.items.join(", "),
        &[
            fact("Outcome", pairs.outcome.clone()),
            fact("Patients", pairs.rows.len().to_string()),
            fact("Intervals", measuring.intervals()),
        ],
    );
    let record = json!({
        "schema_version": 1,
        "varisk_version": env!("CARGO_PKG_VERSION"),
        "statement": crate::finish::NOTICE,
        "inputs": inputs(arguments)?,
        "items": pairs.items,
        "outcome": pairs.outcome,
        "positive": arguments.observed.positive,
        "time": time,
        "horizons": horizons(&observed),
        "threshold": arguments.threshold,
        "bootstrap": arguments.bootstrap,
        "cluster": arguments.cluster,
        "model": direct.as_ref().map(Direct::record),
        "importance_repeats": arguments.importance,
        "seed": arguments.seed,
        "patients": pairs.rows.len(),
        "metrics": measures::json_rows(&measured),
    });
    let folder = OutputFolder::create(&arguments.output)?;
    let write = || -> anyhow::Result<()> {
        measured.write(folder.partial())?;
        if let Some(importance) = &importance {
            write_table(
                &TableFolder::plain(folder.partial()),
                Table::IMPORTANCE.name,
                importance.clone(),
            )?;
        }
        std::fs::write(folder.partial().join("evaluation.html"), page)?;
        let text = serde_json::to_string_pretty(&record)? + "\n";
        std::fs::write(folder.partial().join("evaluation.json"), text)?;
        Ok(())
    };
    if let Err(error) = write() {
        folder.discard();
        return Err(error);
    }
    let path = folder.complete(None)?;
    log.info(&format!(
        "{} patients, {}; written to {}",
        pairs.rows.len(),
        measures::headline(&measured),
        path.display()
    ));
    Ok(())
}

/// The files that were judged, with their hashes; of a folder its table.
fn inputs(arguments: &EvaluateArguments) -> anyhow::Result<Value> {
    let paths = [
        ("predictions", &arguments.predictions),
        ("outcomes", &arguments.observed.outcomes),
        ("table", &arguments.table),
        ("run", &arguments.run),
    ];
    let mut inputs = Map::new();
    for (role, path) in paths {
        let Some(path) = path else {
            continue;
        };
        let tables = ["risk.parquet", "predictions.parquet", "features.parquet"];
        let tables = match role {
            "run" => &tables[2..],
            _ => &tables[..2],
        };
        let mut inside = tables.iter().map(|own| path.join(own));
        let file = inside
            .find(|own| own.is_file())
            .unwrap_or_else(|| path.clone());
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let sha256 = hash::file(&file)
            .with_context(|| format!("{} cannot be read again; check the path", file.display()))?;
        inputs.insert(role.to_owned(), json!({"file": name, "sha256": sha256}));
    }
    Ok(Value::Object(inputs))
}

/// The column of times. Some patients of a training of times are censored, so these are not judged without.
fn time<'a>(arguments: &'a EvaluateArguments, pairs: &Pairs) -> anyhow::Result<Option<&'a str>> {
    match &arguments.time {
        Some(time) => Ok(Some(time)),
        None if !pairs.of_times => Ok(None),
        None if pairs.left_by_training => Ok(Some(TIME)),
        None => Err(Refusal::Usage(
            "the predictions are of times to an event, and without times patients who were censored would count as free of it; name the column of times with --time"
                .to_owned(),
        )
        .into()),
    }
}

/// The horizon of an item that is a risk until then. In names of outputs a point is `_`.
fn horizon(item: &str) -> Option<f64> {
    let (_, output) = item.rsplit_once('.').unwrap_or(("", item));
    let time: f64 = output.strip_prefix(RISK)?.replace('_', ".").parse().ok()?;
    (varisk_train::horizon_output(time) == output).then_some(time)
}

/// Predictions of times to an event, and the times.
fn survival(
    arguments: &EvaluateArguments,
    pairs: &Pairs,
    time: &str,
    log: &Log,
) -> anyhow::Result<Observed> {
    let both = || pairs.items.iter().zip(&pairs.values);
    // Names of outputs say what they are only where this program gave them.
    let horizon = |item: &str| pairs.of_times.then(|| horizon(item)).flatten();
    let scores: Vec<&Vec<f64>> = both()
        .filter(|(item, _)| horizon(item).is_none())
        .map(|(_, values)| values)
        .collect();
    let scores = match (scores.as_slice(), pairs.values.as_slice()) {
        // Where there is no score, a risk ranks patients as well.
        ([score], _) => (*score).clone(),
        ([], [risk]) => risk.clone(),
        ([], _) => {
            return Err(Refusal::Usage(
                "several risks are judged beside the score that ranks patients; give --item log_hazard too, or a single risk"
                    .to_owned(),
            )
            .into());
        }
        _ => {
            return Err(Refusal::Usage(
                "with times a single --item is judged, a log hazard or another risk score"
                    .to_owned(),
            )
            .into());
        }
    };
    let mut horizons: Vec<Horizon> = both()
        .filter_map(|(item, risks)| {
            Some(Horizon {
                time: horizon(item)?,
                survival: Some(risks.iter().map(|own| 1.0 - own).collect()),
            })
        })
        .collect();
    for time in &arguments.horizons {
        if horizons.iter().all(|own| own.time != *time) {
            horizons.push(Horizon {
                time: *time,
                survival: None,
            });
        }
    }
    horizons.sort_by(|a, b| a.time.total_cmp(&b.time));
    Ok(Observed::Survival {
        scores,
        times: pairs.numbers(time)?,
        events: pairs.happened(&arguments.observed.positive, log)?,
        horizons,
    })
}

/// Times at which predictions are judged.
fn horizons(observed: &Observed) -> Vec<f64> {
    match observed {
        Observed::Survival { horizons, .. } => horizons.iter().map(|own| own.time).collect(),
        _ => Vec::new(),
    }
}

fn observed(
    arguments: &EvaluateArguments,
    pairs: &Pairs,
    time: Option<&str>,
    log: &Log,
) -> anyhow::Result<Observed> {
    let several = pairs.values.len() > 1;
    if let Some(time) = time {
        return survival(arguments, pairs, time, log);
    }
    if !arguments.horizons.is_empty() {
        return Err(
            Refusal::Usage("--horizons needs --time, the column of times".to_owned()).into(),
        );
    }
    for item in pairs.items.iter().filter(|own| horizon(own).is_some()) {
        log.warn(&format!(
            "'{item}' has the name of a risk until a time, and without --time patients who were censored before count as free of the event"
        ));
    }
    if !several {
        return Ok(Observed::Binary {
            probabilities: pairs.values[0].clone(),
            outcomes: pairs.happened(&arguments.observed.positive, log)?,
        });
    }
    let names: Vec<String> = pairs
        .items
        .iter()
        .map(|item| {
            let last = item
                .rsplit_once(CLASS)
                .map_or(item.as_str(), |(_, name)| name);
            last.to_owned()
        })
        .collect();
    let label = |row: &usize| -> anyhow::Result<usize> {
        // Beside the predictions of a training stands whether a patient is of the class of the output.
        if pairs.left_by_training && arguments.observed.outcome.is_none() {
            let is_own =
                |item: &String| pairs.cohort.cell(*row, item) == Some(&Covariate::Number(1.0));
            return pairs.items.iter().position(is_own).ok_or_else(|| {
                Refusal::Usage(format!(
                    "the items ({}) are not all classes of the training; give --item for each of them",
                    names.join(", ")
                ))
                .into()
            });
        }
        let own = measures::text(&pairs.cohort, *row, &pairs.outcome).unwrap_or_default();
        let own = varisk_train::class_output(&own);
        let own = own.strip_prefix(CLASS).unwrap_or(&own);
        names.iter().position(|name| name == own).ok_or_else(|| {
            Refusal::Data(format!(
                "the outcome '{}' has a value in row {} that none of the items is of ({}); name an item for each class",
                pairs.outcome,
                row + 1,
                names.join(", ")
            ))
            .into()
        })
    };
    let labels = pairs.rows.iter().map(label).collect::<Result<_, _>>()?;
    let shape = (pairs.rows.len(), pairs.values.len());
    let mut probabilities = Array2::zeros(shape);
    for (class, values) in pairs.values.iter().enumerate() {
        for (row, value) in values.iter().enumerate() {
            probabilities[[row, class]] = *value;
        }
    }
    // Each was rounded to 32 bits.
    for mut row in probabilities.rows_mut() {
        let sum: f64 = row.sum();
        if (sum - 1.0).abs() < 1e-4 {
            row /= sum;
        }
    }
    Ok(Observed::Classes {
        probabilities,
        labels,
        names,
    })
}
